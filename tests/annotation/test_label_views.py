"""Who may open the labelling page, what it claims and shows, and what it must not show."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from annotation import ending, leases
from annotation.drafts import Draft, Mark
from annotation.handing_in import hand_in
from annotation.models import Annotation, Assignment, Lease, Membership, Project
from labelers.registration import labeler_of
from tests.annotation.locks import wait_for_a_lock
from tests.factories import (
    make_annotation,
    make_assignment,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_solution,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def user() -> User:
    return make_user("ada")


@pytest.fixture
def project(user: User) -> Project:
    return make_project("eggs", members={user: "labeler"})


@pytest.fixture
def slot(project: Project) -> Assignment:
    problem = make_problem(
        project,
        "How many eggs?",
        reference_answer="eighteen",
        reference_solution="Because the book says so.",
    )
    return make_assignment(make_solution(problem, ["3 + 4 = $7$.", "Answer: 7"]))


@pytest.fixture
def ada(user: User, client: Client) -> Client:
    client.force_login(user)
    return client


def client_with(project: Project, role: str | None) -> Client:
    user = make_user()
    if role:
        Membership.objects.create(user=user, project=project, role=role)
    client = Client()
    client.force_login(user)
    return client


def addresses(slot: Assignment) -> list[str]:
    return [
        "/label/eggs/",
        "/label/eggs/guidelines/",
        f"/label/eggs/{slot.pk}/",
        "/label/eggs/practice/",
        "/label/eggs/practice/2/",
    ]


def test_strangers_are_sent_to_log_in(slot: Assignment, client: Client) -> None:
    for address in addresses(slot):
        assert client.get(address).url == f"/login/?next={address}"  # type: ignore[attr-defined] # a redirect


def test_outsiders_find_nothing_and_readers_may_not(slot: Assignment) -> None:
    for role, status in ((None, 404), ("reader", 403)):
        client = client_with(slot.project, role)
        for address in addresses(slot):
            assert client.get(address).status_code == status, (address, role)
        assert client.post("/label/eggs/correct/1/").status_code == status
        assert client.post("/label/eggs/practice/1/check/", {}).status_code == status
    assert not Lease.objects.exists()


@pytest.mark.parametrize("role", ["labeler", "reviewer", "manager"])
def test_whoever_may_label_is_given_a_solution(slot: Assignment, role: str) -> None:
    client = client_with(slot.project, role)
    assert "How many eggs?" in client.get("/label/eggs/").content.decode()
    assert Lease.objects.holding().get().assignment == slot


def test_a_former_member_finds_nothing(slot: Assignment, ada: Client, user: User) -> None:
    user.memberships.get().end()
    assert ada.get("/label/eggs/").status_code == 404


def test_the_wrong_method_claims_nothing(slot: Assignment, ada: Client) -> None:
    for address in addresses(slot):
        for method in ("post", "put", "delete", "head"):
            assert getattr(ada, method)(address).status_code == 405, (method, address)
    assert ada.get("/label/eggs/correct/1/").status_code == 405
    assert ada.get("/label/eggs/practice/1/check/").status_code == 405
    assert not Lease.objects.exists()


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_a_browser_that_only_guesses_claims_nothing(
    slot: Assignment, ada: Client, purpose: str
) -> None:
    assert ada.get("/label/eggs/", headers={"sec-purpose": purpose}).status_code == 503
    assert not Lease.objects.exists()


def test_the_same_solution_comes_again_until_it_is_done(slot: Assignment, ada: Client) -> None:
    make_assignment(make_solution(slot.solution.problem, ["Another."]))
    for _ in range(2):
        assert f'data-assignment="{slot.pk}"' in ada.get("/label/eggs/").content.decode()
    assert Lease.objects.count() == 1


def test_the_page_shows_no_others_marks_and_no_reference_solution(
    slot: Assignment, ada: Client
) -> None:
    other = make_labeler(user=make_user("zoe"))
    make_annotation(slot.solution, other, ratings=[1, -1], comments={1: "Nonsense, I say."})
    slot.project.ask_critique = True
    slot.project.save()
    page = ada.get("/label/eggs/").content.decode()
    assert "eighteen" in page
    for secret in ("Because the book", "Nonsense", "zoe"):
        assert secret not in page
    slot.project.show_reference_answer = False
    slot.project.save()
    for address in ("/label/eggs/", f"/label/eggs/{slot.pk}/"):
        assert "eighteen" not in ada.get(address).content.decode()


def test_what_models_found_wrong_is_shown_only_of_steps_saved_as_bad(
    slot: Assignment, ada: Client, user: User
) -> None:
    make_annotation(slot.solution, ratings=[-1, -1], comments={0: "No seven.", 1: "No answer."})
    Project.objects.update(ask_critique=True)
    lease = make_lease(slot, labeler_of(user))
    explanations = f"/label/eggs/{slot.pk}/explanations/"

    def shown() -> list[str]:
        piece = ada.get(explanations).content.decode()
        return [text for text in ("No seven.", "No answer.") if text in piece]

    assert shown() == []
    first, second = slot.solution.steps.order_by("position")
    lease.draft = {"marks": {str(first.pk): {"rating": 1}, str(second.pk): {"rating": -1}}}
    lease.save()
    assert shown() == ["No answer."]
    for address in ("/label/eggs/", f"/label/eggs/{slot.pk}/"):
        page = ada.get(address).content.decode()
        assert "No seven." not in page
        assert f'data-of="{first.pk}"' not in page
    Project.objects.update(ask_critique=False)
    assert shown() == []


def test_hostile_texts_are_text(project: Project, ada: Client, user: User) -> None:
    problem = make_problem(project, HOSTILE, reference_answer=HOSTILE)
    solution = make_solution(problem, [HOSTILE, r"$\href{javascript:alert(1)}{x}$"])
    slot = make_assignment(solution)
    step = solution.steps.order_by("position")[0]
    draft = {"marks": {str(step.pk): {"comment": HOSTILE}}, "reason": HOSTILE}
    make_lease(slot, labeler_of(user), draft=draft)
    Project.objects.update(name=HOSTILE, guidelines=HOSTILE)
    for address in ("/label/eggs/", f"/label/eggs/{slot.pk}/", "/label/eggs/guidelines/"):
        page = ada.get(address).content.decode()
        assert "alert(1)" in page
        for live in ("<script>alert", "<img src=x", 'href="javascript'):
            assert live not in page


def test_the_pages_have_no_inline_style_or_script(slot: Assignment, ada: Client) -> None:
    for address in addresses(slot):
        page = ada.get(address).content.decode()
        for forbidden in (" style=", "<style", " onclick=", " onload=", "javascript:"):
            assert forbidden not in page
        for script in re.findall("<script[^>]*>", page):
            assert 'type="application/json"' in script or re.search('type="module" src="/', script)


def test_the_page_enforces_the_content_security_policy(slot: Assignment, ada: Client) -> None:
    policy = ada.get("/label/eggs/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_slot_is_shown_to_nobody_but_its_holder(slot: Assignment, ada: Client) -> None:
    lease = leases.claim_next(labeler=labeler_of(make_user("bob")), project=slot.project)
    assert lease is not None
    assert ada.get(f"/label/eggs/{slot.pk}/").status_code == 404
    response = ada.get(f"/label/eggs/?assignment={slot.pk}")
    assert (response.status_code, response["Location"]) == (302, "/label/eggs/")
    assert ada.get("/label/eggs/?assignment=nonsense").status_code == 302
    assert "You do not hold the solution you asked for" in ada.get("/label/eggs/").content.decode()
    assert "You do not hold" not in ada.get("/label/eggs/").content.decode()


def test_what_is_claimed_ahead_can_be_fetched_before_it_begins(
    slot: Assignment, ada: Client, user: User
) -> None:
    leases.claim_next(labeler=labeler_of(user), project=slot.project, ahead=True)
    piece = ada.get(f"/label/eggs/{slot.pk}/").content.decode()
    assert piece.lstrip().startswith("<article")
    assert Lease.objects.get().is_ahead


@pytest.mark.django_db(transaction=True)
def test_a_slot_claimed_ahead_that_ends_just_now_leads_to_another(
    slot: Assignment, ada: Client, user: User
) -> None:
    ahead = leases.claim_next(labeler=labeler_of(user), project=slot.project, ahead=True)
    assert ahead is not None
    with ThreadPoolExecutor() as browsers:
        with transaction.atomic():
            ending.release(ahead)
            shown = browsers.submit(get_and_close, ada, f"/label/eggs/?assignment={slot.pk}")
            wait_for_a_lock()
        assert (shown.result().status_code, shown.result().url) == (302, "/label/eggs/")


def get_and_close(client: Client, address: str) -> Any:
    try:
        return client.get(address)
    finally:
        connection.close()


def test_the_truth_is_told_about_what_others_hold(
    slot: Assignment, ada: Client, user: User
) -> None:
    until = timezone.now() + timedelta(minutes=20)
    make_lease(slot, make_labeler(user=make_user()), until=until)
    user.time_zone = "Asia/Tokyo"
    user.save()
    page = ada.get("/label/eggs/").content.decode()
    assert "1 solution is reserved by somebody else" in page
    assert f'datetime="{until:%Y-%m-%dT%H:%M:%S}' in page
    assert "All done" not in page


@pytest.mark.parametrize(
    ("last_step", "answer", "shown"),
    [
        ("So there are 26.", "26", "26"),
        ("So there are some.", "<b>26</b>", "&lt;b&gt;26&lt;/b&gt;"),
        ("# Answer\n\n26", "26", None),
        (r"It is $\boxed{26}$.", "26", None),
        ("So there are 26.", None, None),
    ],
)
def test_an_answer_that_the_solution_states_outside_its_steps_is_shown(
    slot: Assignment, ada: Client, last_step: str, answer: str | None, shown: str | None
) -> None:
    slot.solution.final_answer = answer
    slot.solution.is_correct = False
    slot.solution.save()
    slot.solution.steps.filter(position=1).delete()
    slot.solution.steps.create(position=1, text=last_step)
    page = ada.get("/label/eggs/").content.decode()
    assert ("Final answer stated:" in page) == (shown is not None)
    assert shown is None or f"Final answer stated: <b>{shown}</b>" in page


@pytest.mark.parametrize(
    ("role", "said"),
    [("manager", "press Route on the project’s page"), ("labeler", "A manager of the project has")],
)
def test_a_project_that_is_not_routed_is_not_said_to_be_done(
    client: Client, user: User, role: str, said: str
) -> None:
    make_solution(make_problem(make_project("new", members={user: role})), ["One step."])
    client.force_login(user)
    page = client.get("/label/new/").content.decode()
    assert "Nothing has been given out yet" in page
    assert "All done" not in page
    assert said in page
    assert ('href="/projects/new/"' in page) == (role == "manager")


def test_an_empty_project_is_not_said_to_be_done(client: Client, user: User) -> None:
    make_project("new", members={user: "manager"})
    client.force_login(user)
    page = client.get("/label/new/").content.decode()
    assert "This project is empty yet" in page
    assert "All done" not in page


def test_a_project_whose_work_one_has_done_is_done(
    slot: Assignment, ada: Client, user: User
) -> None:
    submitted(slot, user)
    assert "All done" in ada.get("/label/eggs/").content.decode()


def test_a_paused_and_a_closed_project_say_so(project: Project, ada: Client) -> None:
    for field, said in (("paused_at", "paused"), ("archived_at", "closed")):
        Project.objects.update(**{field: timezone.now()})
        assert f"This project is {said}" in ada.get("/label/eggs/").content.decode()


def submitted(slot: Assignment, user: User) -> Annotation:
    marks = {step.pk: Mark(rating=1) for step in slot.solution.steps.all()}
    return hand_in(make_lease(slot, labeler_of(user)), Draft(marks=marks)).annotation


def test_ones_own_work_is_opened_to_correct_it(slot: Assignment, ada: Client, user: User) -> None:
    annotation = submitted(slot, user)
    response = ada.post(f"/label/eggs/correct/{annotation.pk}/", follow=True)
    assert response.redirect_chain == [(f"/label/eggs/?assignment={slot.pk}", 302)]
    assert f'data-corrects="{annotation.pk}"' in response.content.decode()
    assert "You are correcting" in response.content.decode()


def test_nobody_corrects_anothers_work(slot: Assignment, ada: Client) -> None:
    annotation = submitted(slot, make_user("bob"))
    manager = client_with(slot.project, "manager")
    for client in (ada, manager):
        assert client.post(f"/label/eggs/correct/{annotation.pk}/").status_code == 404
    assert not Lease.objects.exclude(corrects=None).exists()


def test_work_that_was_superseded_cannot_be_corrected(
    slot: Assignment, ada: Client, user: User
) -> None:
    annotation = submitted(slot, user)
    make_annotation(slot.solution, labeler_of(user), supersedes=annotation)
    assert ada.post(f"/label/eggs/correct/{annotation.pk}/").status_code == 409


def check(client: Client, number: int, *ratings: int, slug: str = "eggs") -> Any:
    marks = {str(n): {"rating": rating} for n, rating in enumerate(ratings, 1)}
    address = f"/label/{slug}/practice/{number}/check/"
    return client.post(address, json.dumps({"marks": marks}), content_type="application/json")


def test_practice_is_offered_until_it_was_done_and_can_be_repeated(
    slot: Assignment, ada: Client, user: User
) -> None:
    membership = user.memberships.get()
    assert "/label/eggs/practice/" in ada.get("/label/eggs/").content.decode()
    assert "Next exercise" in check(ada, 1, 1, 0, -1).content.decode()
    membership.refresh_from_db()
    assert membership.practised_at is None
    assert "Start labelling" in check(ada, 2, 1, 0, 1, 1, 1).content.decode()
    membership.refresh_from_db()
    first = membership.practised_at
    assert first is not None
    check(ada, 2, 1, 0, 1, 1, 1)
    membership.refresh_from_db()
    assert membership.practised_at == first
    assert "/label/eggs/practice/" not in ada.get("/label/eggs/").content.decode()
    assert ada.get("/label/eggs/practice/").status_code == 200
    assert not Annotation.objects.exists()


def test_a_project_has_practice_of_its_own(slot: Assignment, ada: Client) -> None:
    make_annotation(
        slot.solution, ratings=[1, -1], comments={1: "A bare number."}, is_practice=True
    )
    page = ada.get("/label/eggs/practice/").content.decode()
    assert "How many eggs?" in page
    assert "A bare number." not in page
    assert ada.get("/label/eggs/practice/2/").status_code == 404
    steps = slot.solution.steps.order_by("position")
    marks = {str(step.pk): {"rating": 1} for step in steps}
    said = ada.post(
        "/label/eggs/practice/1/check/", json.dumps({"marks": marks}), "application/json"
    )
    assert "A bare number." in said.content.decode()
    assert "1 of 2 steps as expected." in said.content.decode()


def test_marks_that_are_none_are_refused(slot: Assignment, ada: Client) -> None:
    for body in ("", "[]", '{"marks": 3}', '{"marks": {"1": {"rating": 7}}}'):
        address = "/label/eggs/practice/1/check/"
        assert ada.post(address, body, content_type="application/json").status_code == 400


def test_a_hold_that_is_nearly_over_is_extended_when_it_is_shown(
    slot: Assignment, ada: Client
) -> None:
    ada.get("/label/eggs/")
    for address in ("/label/eggs/", f"/label/eggs/?assignment={slot.pk}"):
        Lease.objects.update(until=timezone.now() + timedelta(seconds=5))
        assert ada.get(address).status_code == 200
        assert Lease.objects.get().until > timezone.now() + timedelta(minutes=5)
