"""The settings of a project."""

from typing import Any

import pytest
from django.test import Client

from annotation import routing
from annotation.changes import SETTINGS, settings_of
from annotation.models import Assignment, Lease, Project
from tests.annotation.managing import REFUSED, client_of, manager_of, refusals
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

pytestmark = pytest.mark.django_db
ADDRESS = "/projects/algebra/settings/"


@pytest.fixture
def project() -> Project:
    project = make_project("algebra")
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"Step {number}."])
    return project


def typed(client: Client, **changes: Any) -> dict[str, Any]:
    """Return what a browser would post from the page as it is now, with `changes`."""
    form = client.get(ADDRESS).context["form"]
    values = {name: form[name].value() for name in form.fields}
    posted = {name: value for name, value in values.items() if value not in (None, False)}
    return {**posted, **changes}


def save(client: Client, posted: dict[str, Any]) -> Any:
    return client.post(ADDRESS, {k: v for k, v in posted.items() if v is not None}, follow=True)


def test_only_managers_may_see_and_change_settings(project: Project) -> None:
    assert refusals(project, "get", ADDRESS) == REFUSED
    assert refusals(project, "post", ADDRESS) == REFUSED


def test_what_is_saved_is_kept(project: Project) -> None:
    client = manager_of(project)
    posted = typed(client, name="Algebra II", lease_minutes=45, ask_critique="on")
    answer = save(client, {**posted, "show_reference_answer": None})
    project.refresh_from_db()
    assert (project.name, project.lease_minutes) == ("Algebra II", 45)
    assert (project.ask_critique, project.show_reference_answer) == (True, False)
    assert "Saved." in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("overlap", 0), ("overlap", 101), ("name", ""), ("mode", "other"), ("lease_minutes", 0)],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_saved(
    project: Project, field: str, value: object
) -> None:
    client = manager_of(project)
    before = settings_of(project)
    answer = save(client, typed(client, idle_minutes=7, **{field: value}))
    assert answer.context["form"].errors[field]
    project.refresh_from_db()
    assert settings_of(project) == before


def test_more_overlap_makes_slots_and_less_withdraws_open_ones_alone(project: Project) -> None:
    routing.route(project=project)
    client = manager_of(project)
    assert "3 slots more" in save(client, typed(client, overlap=2)).content.decode()
    slot = Assignment.objects.order_by("pk").last()
    assert slot is not None
    lease = make_lease(slot, make_labeler(user=make_user()))
    make_lease(slot.solution.assignments.open().get(), make_labeler(user=make_user()))
    assert "2 slots less" in save(client, typed(client, overlap=1)).content.decode()
    lease.refresh_from_db()
    assert lease.is_open
    assert slot.solution.assignments.filter(state="leased").count() == 2


def test_a_project_that_was_never_routed_gets_no_slots_from_its_overlap(project: Project) -> None:
    client = manager_of(project)
    save(client, typed(client, overlap=3))
    assert not Assignment.objects.exists()


def test_another_order_gives_the_open_slots_other_priorities(project: Project) -> None:
    routing.route(project=project)
    client = manager_of(project)
    save(client, typed(client, queue_order="random"))
    priorities = set(Assignment.objects.values_list("priority", flat=True))
    assert len(priorities) == 3


def test_another_way_of_marking_moves_open_slots_to_it(project: Project) -> None:
    routing.route(project=project)
    client = manager_of(project)
    save(client, typed(client, mode="explore"))
    project.refresh_from_db()
    assert project.mode == "explore"
    (slot,) = Assignment.objects.open()
    assert slot.solution.built
    assert Assignment.objects.filter(state="withdrawn").count() == 3


@pytest.mark.parametrize("begun", ["marked", "held", "drafted"])
def test_the_way_of_marking_stays_once_somebody_has_begun(project: Project, begun: str) -> None:
    solution = project.solutions.first()
    assert solution is not None
    client = manager_of(project)
    stale = typed(client, mode="explore")
    if begun == "marked":
        make_annotation(solution)
    else:
        lease = make_lease(make_assignment(solution), make_labeler(user=make_user()))
        if begun == "drafted":
            Lease.objects.update(draft_version=1)
            lease.refresh_from_db()
            lease.end(Lease.Outcome.EXPIRED)
    answer = save(client, stale)
    project.refresh_from_db()
    assert project.mode == "review"
    assert "stays as it is" in answer.content.decode()


def test_a_claim_in_the_same_moment_wins_over_another_way_of_marking(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    routing.route(project=project)
    client = manager_of(project)
    posted = typed(client, mode="explore", name="Other")
    slot = Assignment.objects.first()
    assert slot is not None
    make_lease(slot, make_labeler(user=make_user()))
    # The form was made before the claim and knows nothing of it.
    monkeypatch.setattr("annotation.project_forms.mode_is_fixed", lambda project: False)
    answer = save(client, posted)
    project.refresh_from_db()
    assert (project.mode, project.name) == ("review", "Algebra")
    assert Assignment.objects.open().count() == 2
    assert "can no longer change" in answer.content.decode()


def test_a_manager_who_comes_second_is_told_what_the_first_changed(project: Project) -> None:
    first, second = manager_of(project), manager_of(project)
    posted = typed(second, name="Mine")
    save(first, typed(first, lease_minutes=45))
    answer = save(second, posted)
    project.refresh_from_db()
    assert (project.name, project.lease_minutes) == ("Algebra", 45)
    words = answer.content.decode()
    assert "you saw 30, now it is 45" in words
    again = {name: answer.context["form"][name].value() for name in posted}
    assert again["name"] == "Mine"
    save(second, again)
    project.refresh_from_db()
    assert (project.name, project.lease_minutes) == ("Mine", 30)


@pytest.mark.parametrize("seen", [None, "", "[]", "{}", '{"tokens": 1}', "no json"])
def test_what_was_seen_cannot_be_made_up(project: Project, seen: str | None) -> None:
    client = manager_of(project)
    save(client, {**typed(client, name="Mine"), "seen": seen})
    project.refresh_from_db()
    assert project.name == "Algebra"


def test_a_manager_cannot_say_where_candidates_are_drawn(project: Project) -> None:
    client = manager_of(project)
    drawing = {
        "draw_engine": "openai",
        "draw_model": "m",
        "draw_base_url": "https://evil.example/v1",
        "drawing": '{"engine": "openai"}',
    }
    save(client, typed(client, name="Saved", **drawing))
    project.refresh_from_db()
    assert (project.name, project.drawing) == ("Saved", {})


def test_a_superuser_says_how_candidates_are_drawn(project: Project) -> None:
    client = client_of(make_user(is_superuser=True))
    drawing = {
        "draw_engine": "openai",
        "draw_model": "m",
        "draw_base_url": "http://127.0.0.1:8001/v1",
        "draw_temperature": "0.9",
        "draw_max_tokens": "64",
    }
    save(client, typed(client, **drawing))
    project.refresh_from_db()
    assert project.drawing == {
        "engine": "openai",
        "engine_config": {"model": "m", "base_url": "http://127.0.0.1:8001/v1"},
        "decoding": {"temperature": 0.9, "max_tokens": 64},
    }


def test_what_the_form_has_no_field_for_is_kept(project: Project) -> None:
    project.drawing = {"engine": "scripted", "engine_config": {"texts": ["a"]}, "seed": 7}
    project.save()
    client = client_of(make_user(is_superuser=True))
    save(client, typed(client, draw_model="m"))
    project.refresh_from_db()
    assert project.drawing["engine_config"] == {"texts": ["a"], "model": "m"}
    assert project.drawing["seed"] == 7


def test_an_engine_that_cannot_be_made_like_that_is_refused(project: Project) -> None:
    client = client_of(make_user(is_superuser=True))
    answer = save(client, typed(client, draw_engine="openai", draw_model="m"))
    assert "base_url" in str(answer.context["form"].errors["draw_engine"])
    project.refresh_from_db()
    assert project.drawing == {}


def test_every_setting_of_the_queue_and_the_page_is_on_the_form(project: Project) -> None:
    form = manager_of(project).get(ADDRESS).context["form"]
    assert set(SETTINGS) - set(form.fields) == {"drawing"}
