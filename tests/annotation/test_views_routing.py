"""The policy page: shown in words, tried out, refused by field, saved once it was seen."""

import json
from typing import Any

import pytest

from annotation.models import Project, Reconsideration
from labelers.registration import register_model
from tests.annotation.managing import REFUSED, manager_of, refusals
from tests.annotation.routed import catch_up, make_routed, slots_of
from tests.factories import make_problem, make_project, make_solution
from web.models import User

pytestmark = pytest.mark.django_db

ADDRESS = "/projects/algebra/routing/"


@pytest.fixture
def project() -> Project:
    return make_routed({"people": [{"how_many": 2}]}, slug="algebra")


def form_of(page: Any, policy: Any, **buttons: str) -> dict[str, str]:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    return {"text": text, "seen": page.context["form"]["seen"].value(), **buttons}


def test_only_managers_may_see_or_change_it(project: Project) -> None:
    for method in ("get", "post"):
        assert refusals(project, method, ADDRESS) == REFUSED
    assert manager_of(project).put(ADDRESS).status_code == 405


def test_the_policy_is_said_in_words_and_as_json(project: Project) -> None:
    page = manager_of(project).get(ADDRESS).content.decode()
    assert "All other solutions – people who mark each: 2." in page
    assert "&quot;how_many&quot;: 2" in page
    assert "<code>judge</code>, <code>prm</code>" in page


def test_a_preview_counts_and_saves_nothing(project: Project) -> None:
    manager = manager_of(project)
    before = project.routing
    wanted = {"people": [{"when": "wrong_answer", "how_many": 1}]}
    solution = project.solutions.first()
    assert solution is not None
    project.solutions.filter(pk=solution.pk).update(is_correct=False)
    Reconsideration.objects.all().delete()
    page = manager.post(ADDRESS, form_of(manager.get(ADDRESS), wanted, preview="1"))
    assert page.context["preview"]["ways"] == [("to people", 1), ("to nobody", 2)]
    assert "All that is left goes to nobody." in page.content.decode()
    project.refresh_from_db()
    assert project.routing == before
    assert not Reconsideration.objects.exists()


def test_a_preview_of_many_solutions_says_how_many_it_looked_at(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.routing_views.PREVIEWED", 2)
    manager = manager_of(project)
    page = manager.post(ADDRESS, form_of(manager.get(ADDRESS), {}, preview="1")).content.decode()
    assert "Of the oldest 2 of 3 solutions." in page


def test_what_is_saved_is_followed(project: Project) -> None:
    manager = manager_of(project)
    answer = manager.post(
        ADDRESS, form_of(manager.get(ADDRESS), {"people": [{"how_many": 1}]}), follow=True
    )
    assert "Every solution is looked at again." in answer.content.decode()
    project.refresh_from_db()
    assert project.routing["people"] == [{"when": "rest", "how_many": 1}]
    catch_up(project)
    assert len(slots_of(project)) == 3


def test_a_policy_can_be_taken_away(project: Project) -> None:
    manager = manager_of(project)
    page = manager.get(ADDRESS)
    manager.post(ADDRESS, form_of(page, project.routing, remove="1"))
    project.refresh_from_db()
    assert project.routing == {}
    assert "No policy: all solutions go to people" in manager.get(ADDRESS).content.decode()


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "This is not JSON"),
        ("", "This field is required."),
        ("[" * 5_000, "This is not JSON"),
        ({"blind_share": 2}, "blind_share: 2 is greater than the maximum of 1"),
        ({"first": ["<b>nobody</b>"]}, "no model labeler is named &#x27;&lt;b&gt;nobody"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    project: Project, policy: Any, message: str
) -> None:
    manager = manager_of(project)
    before = project.routing
    for button in ({}, {"preview": "1"}):
        page = manager.post(ADDRESS, form_of(manager.get(ADDRESS), policy, **button))
        assert page.status_code == 200
        assert message in page.content.decode()
    project.refresh_from_db()
    assert project.routing == before


def test_nobody_undoes_another_policy_without_knowing(project: Project) -> None:
    manager = manager_of(project)
    seen = manager.get(ADDRESS)
    manager.post(ADDRESS, form_of(seen, {"people": [{"how_many": 1}]}))
    page = manager.post(ADDRESS, form_of(seen, {"people": [{"how_many": 3}]}))
    assert "Somebody else has saved another policy meanwhile." in page.content.decode()
    project.refresh_from_db()
    assert project.routing["people"][0]["how_many"] == 1


def test_explore_projects_have_none() -> None:
    project = make_project("algebra", mode=Project.Mode.EXPLORE)
    manager = manager_of(project)
    assert "there is no policy" in manager.get(ADDRESS).content.decode()
    manager.post(ADDRESS, {"text": "{}", "seen": ""})
    project.refresh_from_db()
    assert project.routing == {}


def test_the_route_button_has_every_solution_looked_at_again(project: Project) -> None:
    catch_up(project)
    make_solution(make_problem(project), ["Late."])
    answer = manager_of(project).post("/projects/algebra/route/", follow=True)
    assert "Every solution is looked at again." in answer.content.decode()
    catch_up(project)
    assert len(slots_of(project)) == 8


def test_what_json_has_no_number_for_is_refused(project: Project) -> None:
    manager = manager_of(project)
    page = manager.post(ADDRESS, form_of(manager.get(ADDRESS), '{"blind_share": NaN}'))
    assert "NaN is no number of JSON" in page.content.decode()


def test_only_superusers_have_a_policy_ask_an_engine(project: Project) -> None:
    register_model(name="asks", judge="llm_judge", config={"engine": "scripted"})
    manager, before = manager_of(project), project.routing
    wanted = {"first": ["asks"]}
    page = manager.post(ADDRESS, form_of(manager.get(ADDRESS), wanted))
    assert "Only a superuser may have this asked of an engine: asks." in page.content.decode()
    project.refresh_from_db()
    assert project.routing == before
    User.objects.update(is_superuser=True)
    manager.post(ADDRESS, form_of(manager.get(ADDRESS), wanted))
    project.refresh_from_db()
    assert project.routing["first"] == ["asks"]
