"""The piece of the labelling page that shows a path and its candidates: whose it is, and what."""

import json
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import drafts, ending
from annotation.drafts import Choice, Draft
from annotation.models import Lease, Project, Step
from labelers.registration import labeler_of
from tests.annotation.exploring import (
    DRAWING,
    claim,
    draft_of,
    draw,
    look,
    make_exploring,
    rating_by,
    step_on,
    texts,
)
from tests.factories import make_user
from web.models import User

pytestmark = pytest.mark.django_db

HOSTILE = (
    "<img src=x onerror=alert(1)> </script><script>alert(2)</script> $\\href{javascript:x}{y}$"
)


class Opened(HTMLParser):
    """The elements of a piece of HTML with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @property
    def building(self) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.elements if "data-building" in attributes)


def hold(*solutions: list[str], **fields: object) -> tuple[User, Lease]:
    """Let somebody hold a slot of a problem that has written solutions."""
    problem = make_exploring(*solutions, **fields)
    user = make_user()
    problem.project.memberships.create(user=user, role="labeler")
    return user, claim(problem.project, labeler_of(user))


def address(lease: Lease) -> str:
    return reverse("label_candidates", args=[lease.project.slug, lease.assignment_id])


def shown(user: User, lease: Lease) -> str:
    client = Client()
    client.force_login(user)
    response = client.get(address(lease))
    assert response.status_code == 200
    return response.content.decode()


def test_it_shows_the_path_and_the_candidates_of_the_position() -> None:
    user, lease = hold(["First $x^2$.", "# Answer\n\n18"])
    html = shown(user, lease)
    assert "<msup>" in html
    assert Opened(html).building["data-position"] == "0"
    step_on(lease)
    html = shown(user, lease)
    opened = Opened(html)
    assert opened.building["data-position"] == "1"
    assert json.loads(opened.building["data-choices"] or "") == [
        {"chosen": draft_of(lease).choices[0].chosen, "human": None}
    ]
    assert html.count("<msup>") == 1
    assert "Candidates for step 2" in html
    step_on(lease)
    opened = Opened(shown(user, lease))
    assert "data-finished" in opened.building
    assert [tag for tag, _ in opened.elements].count("fieldset") == 0


def test_a_step_of_ones_own_is_said_to_be() -> None:
    user, lease = hold(["First."])
    step_on(lease, lambda step: 0, Choice(human="Mine."))
    html = shown(user, lease)
    assert "Yours" in html
    assert "Mine." in html


def test_waiting_failing_and_having_few_are_told_apart() -> None:
    drawing = {**DRAWING, "engine_config": {"texts": [HOSTILE], "fail_every": 1}}
    user, lease = hold(["First."], drawing=drawing, candidates=2)
    html = shown(user, lease)
    assert "data-draws" in Opened(html).building
    assert "Try again" not in html
    draw()
    html = shown(user, lease)
    assert "data-draws" not in Opened(html).building
    assert "The engine failed." in html
    assert "scripted failure" not in html
    assert "Try again" in html
    Project.objects.update(drawing={})
    user, lease = hold(["First."], candidates=2)
    assert "1 of 2 candidates." in shown(user, lease)


def test_texts_of_candidates_and_of_the_path_cannot_run() -> None:
    user, lease = hold([HOSTILE, HOSTILE + "."])
    for piece in (shown(user, lease), shown(user, step_on(lease))):
        opened = Opened(piece)
        assert not {"img", "script", "style"} & {tag for tag, _ in opened.elements}
        assert not [
            name
            for _, attributes in opened.elements
            for name in attributes
            if name.startswith("on") or name in {"href", "src", "style"}
        ]
        assert "onerror" in piece


def test_a_written_step_cannot_run_and_cannot_leave_its_attribute() -> None:
    user, lease = hold(["First."])
    step_on(lease, lambda step: 0, Choice(human=f'"><b data-x>{HOSTILE}'))
    opened = Opened(shown(user, lease))
    assert not [tag for tag, attributes in opened.elements if "data-x" in attributes]
    assert not {"img", "script"} & {tag for tag, _ in opened.elements}
    (choice,) = json.loads(opened.building["data-choices"] or "")
    assert choice["human"].startswith('"><b data-x>')


def test_a_path_that_cannot_be_followed_says_so() -> None:
    user, lease = hold(["First."])
    lost = Draft(choices=(Choice(chosen=10**9),))
    drafts.save(lease, lost, based_on=lease.draft_version, key=uuid4())
    html = shown(user, lease)
    assert "not among the candidates" in html
    assert Opened(html).building["data-position"] == "1"
    client = Client()
    client.force_login(user)
    slot = [lease.project.slug, lease.assignment_id]
    response = client.get(reverse("api_candidates", args=slot))
    assert (response.status_code, response.json()["code"]) == (400, "unfinished")


def test_it_is_shown_to_whoever_holds_the_slot_alone() -> None:
    _, lease = hold(["First."])
    project = lease.project
    people = {role: make_user() for role in ("reader", "labeler", "reviewer", "manager")}
    for role, user in people.items():
        project.memberships.create(user=user, role=role)
    client = Client()
    assert client.get(address(lease)).status_code == 302
    for role, user in people.items():
        client.force_login(user)
        assert client.get(address(lease)).status_code == (403 if role == "reader" else 404), role
    client.force_login(make_user())
    assert client.get(address(lease)).status_code == 404


def test_it_answers_a_get_alone_and_in_explore_mode_alone() -> None:
    user, lease = hold(["First."])
    client = Client()
    client.force_login(user)
    assert client.post(address(lease)).status_code == 405
    assert client.head(address(lease)).status_code == 405
    Project.objects.update(mode=Project.Mode.REVIEW)
    assert client.get(address(lease)).status_code == 404


def test_late_work_is_shown_and_finds_nothing_new() -> None:
    user, lease = hold(["First."], ["Other."])
    drafts.save(lease, rating_by(lease, lambda step: 1), based_on=0, key=uuid4())
    ending.release(lease)
    html = shown(user, lease)
    assert "First." in html
    assert Step.objects.filter(solution=lease.solution).count() == 2


def test_a_choice_on_a_lease_that_ran_out_takes_the_open_slot_again() -> None:
    user, lease = hold(["First.", "Second."])
    look(lease)
    draft = rating_by(lease, lambda step: 1)
    Lease.objects.update(until=timezone.now())
    ending.expire_everywhere()
    client = Client()
    client.force_login(user)
    body = {"version": 0, "draft": draft.as_json(), "choice": {}}
    slot = [lease.project.slug, lease.assignment_id]
    response = client.post(reverse("api_choose", args=slot), body, "application/json")
    assert response.status_code == 200
    assert response.json()["surplus"] is False
    again = Lease.objects.holding().get()
    assert again.pk != lease.pk
    assert texts(look(again)) == ["Second."]
