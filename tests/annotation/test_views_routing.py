"""The policy page: written in widgets, tried out, refused by field, saved once it was seen."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import looking_again, runs
from annotation.models import Project, Reconsideration, Run, WorkCost
from annotation.policy import Policy
from annotation.policy_forms import sure_of
from labelers.models import Labeler
from labelers.registration import register_model
from tests.annotation.managing import REFUSED, manager_of, refusals
from tests.annotation.posted_policy import ADDRESS, TWO_EACH, WHOLE, policy_of, posted, text_of
from tests.annotation.routed import catch_up, make_routed, slots_of
from tests.factories import make_annotation, make_problem, make_project, make_solution
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_routed(TWO_EACH, slug="algebra")


def test_only_managers_may_see_or_change_it(project: Project) -> None:
    for method in ("get", "post"):
        assert refusals(project, method, ADDRESS) == REFUSED
    assert manager_of(project).put(ADDRESS).status_code == 405


def test_a_policy_that_is_saved_as_it_was_shown_stays_as_it_is(project: Project) -> None:
    project.routing = Policy.from_json(WHOLE).as_json()
    project.save()
    manager = manager_of(project)
    answer = manager.post(ADDRESS, posted(manager.get(ADDRESS)) | {"do": "save"})
    assert answer.status_code == 302
    assert policy_of(project) == WHOLE


def test_each_model_labeler_is_shown_with_what_it_took_here(project: Project) -> None:
    price = {"prompt_per_1k": 0.15, "completion_per_1k": 0.6, "currency": "USD"}
    paid = register_model(name="paid", judge="arithmetic", config={"price": price})
    solution = project.solutions.first()
    assert solution is not None
    made = make_annotation(solution, paid, ratings=[1, 1, 1])
    tokens = {"prompt_tokens": 90, "completion_tokens": 20}
    WorkCost.objects.create(annotation=made, calls=3, work_ms=4000, money="0.0125", **tokens)
    page = text_of(manager_of(project).get(ADDRESS))
    assert "<code>arithmetic</code>" in page
    said = ("1 marked", "12.50 USD for 1,000 solutions", "4 s of work")
    for one in said:
        assert f"<span>{one}</span>" in page
    assert page.count("0 marked") == 2  # judge and prm


def test_a_preview_counts_and_saves_nothing(project: Project) -> None:
    manager = manager_of(project)
    solution = project.solutions.first()
    assert solution is not None
    project.solutions.filter(pk=solution.pk).update(is_correct=False)
    Reconsideration.objects.all().delete()
    wanted = posted(manager.get(ADDRESS)) | {"people-0-when": "wrong_answer"}
    page = manager.post(ADDRESS, wanted | {"do": "preview"})
    assert page.context["preview"]["bar"].says == "to people: 1, to nobody: 2"
    assert "All that is left goes to nobody." in text_of(page)
    assert "not saved" in text_of(page)
    assert [row.n for row in page.context["people"]] == [1]
    assert policy_of(project) == Policy.from_json(TWO_EACH).as_json()
    assert not Reconsideration.objects.exists()


def test_what_is_counted_while_one_types_does_not_add_up_costs(project: Project) -> None:
    manager = manager_of(project)
    wanted = posted(manager.get(ADDRESS))
    numbers = []
    for asked in ("count", "preview"):
        with CaptureQueriesContext(connection) as queries:
            page = manager.post(ADDRESS, wanted | {"do": asked})
        assert page.context["preview"]["total"] == 3
        numbers.append(len(queries))
    assert numbers[0] < numbers[1]


def test_a_preview_of_many_solutions_says_how_many_it_looked_at(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.routing_views.PREVIEWED", 2)
    manager = manager_of(project)
    page = manager.post(ADDRESS, posted(manager.get(ADDRESS)) | {"do": "preview"})
    assert "Of the oldest 2 of 3 solutions." in text_of(page)


def test_enter_saves_nothing_and_removes_no_rule(project: Project) -> None:
    manager = manager_of(project)
    page = text_of(manager.get(ADDRESS))
    inside = page[page.index("data-policy") :]
    assert inside[inside.index("<button") :].startswith('<button name="do" value="preview"')


def test_what_is_saved_is_followed(project: Project) -> None:
    manager = manager_of(project)
    wanted = posted(manager.get(ADDRESS)) | {"people-0-how_many": "1", "do": "save"}
    answer = manager.post(ADDRESS, wanted, follow=True)
    assert "Every solution is looked at again." in text_of(answer)
    assert policy_of(project)["people"] == [{"when": "rest", "how_many": 1}]
    catch_up(project)
    assert len(slots_of(project)) == 3


def test_rules_are_added_moved_and_removed_without_losing_what_was_typed(project: Project) -> None:
    manager = manager_of(project)
    page = manager.get(ADDRESS)
    typed = posted(page) | {"people-0-how_many": "no number", "blind_share": "12,5"}
    for asked, people, focus in (
        ("add people", ["no number", "1"], "people 1"),
        ("up people 1", ["1", "no number"], "people 0"),
        ("up people 0", ["1", "no number"], ""),
        ("down people 0", ["no number", "1"], "people 1"),
        ("remove people 1", ["no number"], "add people"),
        ("remove people 7", ["no number"], "add people"),
        ("remove people 0", [], "add people"),
    ):
        page = manager.post(ADDRESS, typed | {"do": asked})
        typed = posted(page)
        n = int(typed["people-TOTAL_FORMS"])
        assert [typed[f"people-{place}-how_many"] for place in range(n)] == people, asked
        assert typed["blind_share"] == "12,5"
        assert "errorlist" not in text_of(page)
        if focus:
            assert page.context["editor"].focus == focus
    assert "All that is left goes to nobody." in text_of(page)
    assert policy_of(project)["people"] == TWO_EACH["people"]


def test_a_rule_for_acceptance_is_written_in_percent(project: Project) -> None:
    manager = manager_of(project)
    typed = posted(manager.get(ADDRESS)) | {"first": ["judge", "prm"], "do": "add accept"}
    typed = posted(manager.post(ADDRESS, typed))
    assert typed["accept-0-audit_share"] == "5"
    typed |= {f"accept-0-{sure_of('prm')}": "92.5", "do": "save"}
    assert manager.post(ADDRESS, typed).status_code == 302
    assert policy_of(project)["accept"] == [{"labelers": {"prm": 0.925}, "audit_share": 0.05}]


def test_a_policy_can_be_taken_away_whatever_the_form_holds(project: Project) -> None:
    manager = manager_of(project)
    typed = posted(manager.get(ADDRESS)) | {"people-0-how_many": "x", "text": "{", "do": "without"}
    assert manager.post(ADDRESS, typed).status_code == 302
    assert policy_of(project) == {}
    assert "No policy: all solutions go to people" in text_of(manager.get(ADDRESS))


PRM = sure_of("prm")


@pytest.mark.parametrize(
    ("typed", "field", "message"),
    [
        ({"blind_share": "200"}, "blind_share", "less than or equal to 100"),
        ({"blind_share": "nan"}, "blind_share", "Enter a number."),
        ({"people-0-how_many": ""}, "people-0-how_many", "This field is required."),
        ({"people-0-how_many": "101"}, "people-0-how_many", "less than or equal to 100"),
        ({"people-0-when": "never"}, "people-0-when", "Select a valid choice."),
        (
            {"first": ["prm"], "order_by": "uncertain"},
            "score_of",
            "Choose whose score tells what is uncertain.",
        ),
        ({"score_of": "prm"}, "score_of", "“prm” is not among those that mark first."),
        ({PRM: "50"}, PRM, "“prm” is not among those that mark first."),
        ({PRM: "much", "first": ["prm"]}, PRM, "Enter a number."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_which_keeps_what_was_typed(
    project: Project, typed: dict[str, Any], field: str, message: str
) -> None:
    manager = manager_of(project)
    wanted = posted(manager.get(ADDRESS)) | typed
    for asked in ("save", "preview", "count"):
        page = manager.post(ADDRESS, wanted | {"do": asked})
        assert page.status_code == 200
        slot = text_of(page).split(f'id="id_{field}_slot"')[1].split("</div>")[0]
        assert message in slot
        # A choice that there is not cannot be shown.
        assert posted(page).get(field, wanted[field]) == wanted[field]
        assert "Not counted" in text_of(page)
    assert policy_of(project) == Policy.from_json(TWO_EACH).as_json()


def test_a_rule_after_the_rest_is_refused_at_the_one_that_leaves_nothing(project: Project) -> None:
    manager = manager_of(project)
    typed = posted(manager.post(ADDRESS, posted(manager.get(ADDRESS)) | {"do": "add people"}))
    page = text_of(manager.post(ADDRESS, typed | {"do": "save"}))
    slot = page.split('id="id_people-0-when_slot"')[1].split("</div>")[0]
    assert "nothing is left for the rules after it" in slot


def test_a_rule_that_asks_no_labeler_is_refused(project: Project) -> None:
    manager = manager_of(project)
    typed = posted(manager.post(ADDRESS, posted(manager.get(ADDRESS)) | {"do": "add accept"}))
    page = text_of(manager.post(ADDRESS, typed | {"do": "save"}))
    slot = page.split('id="accept-0-errors"')[1].split("</div>")[0]
    assert "Say of one labeler at least how sure it must be." in slot


def test_a_labeler_that_is_there_no_more_is_named_where_it_was_chosen(project: Project) -> None:
    manager = manager_of(project)
    chosen = posted(manager.get(ADDRESS)) | {"first": ["prm"], "do": "save"}
    manager.post(ADDRESS, chosen)
    Labeler.objects.get(name="prm").retire()
    page = manager.get(ADDRESS)
    assert "There is none of this name any more." in text_of(page)
    page = manager.post(ADDRESS, posted(page) | {"do": "save", "blind_share": "50"})
    slot = text_of(page).split('id="first_slot"')[1].split("</div>")[0]
    assert "There is no model labeler named “prm” any more." in slot
    assert manager.post(ADDRESS, posted(page) | {"first": [], "do": "save"}).status_code == 302


def test_what_no_browser_sends_is_refused_by_field(project: Project) -> None:
    manager = manager_of(project)
    page = manager.post(ADDRESS, posted(manager.get(ADDRESS)) | {"first": ["a\x00b"], "do": "save"})
    assert page.context["editor"].rest.errors["first"]
    page = manager.post(ADDRESS, {"do": "save"})
    assert page.context["editor"].has_errors
    for asked in ("", "up", "add nothing", "down accept x", "remove people -1", "fill"):
        assert manager.post(ADDRESS, {"do": asked}).status_code == 200
    assert policy_of(project) == Policy.from_json(TWO_EACH).as_json()


def test_nobody_undoes_another_policy_without_knowing(project: Project) -> None:
    manager = manager_of(project)
    seen = posted(manager.get(ADDRESS))
    manager.post(ADDRESS, seen | {"people-0-how_many": "1", "do": "save"})
    mine = seen | {"people-0-how_many": "3"}
    for asked in ("save", "without"):
        page = manager.post(ADDRESS, mine | {"do": asked})
        assert "Somebody else has saved another policy meanwhile" in text_of(page)
        assert page.context["theirs"][0] == "All other solutions – people who mark each: 1."
        assert posted(page)["people-0-how_many"] == "3"
        assert policy_of(project)["people"][0]["how_many"] == 1
    manager.post(ADDRESS, posted(page) | {"do": "save"})
    assert policy_of(project)["people"][0]["how_many"] == 3


def test_explore_projects_have_none() -> None:
    project = make_project("algebra", mode=Project.Mode.EXPLORE)
    manager = manager_of(project)
    assert "there is no policy" in text_of(manager.get(ADDRESS))
    manager.post(ADDRESS, {"do": "save", "seen": ""})
    assert policy_of(project) == {}


def test_the_route_button_has_every_solution_looked_at_again(project: Project) -> None:
    catch_up(project)
    make_solution(make_problem(project), ["Late."])
    answer = manager_of(project).post("/projects/algebra/route/", follow=True)
    assert "Every solution is looked at again." in text_of(answer)
    run = project.runs.latest("pk")
    assert (run.kind, run.total, run.created_by is None) == (Run.Kind.ROUTING, 1, False)
    runs.work_here(run, looking_again.route_slice)
    catch_up(project)
    assert len(slots_of(project)) == 8


def test_only_superusers_have_a_policy_ask_an_engine(project: Project) -> None:
    register_model(name="asks", judge="llm_judge", config={"engine": "scripted"})
    manager, before = manager_of(project), policy_of(project)
    page = manager.get(ADDRESS)
    assert "asks an engine: a superuser can choose it" in text_of(page)
    wanted = posted(page) | {"first": ["asks"], "do": "save"}
    page = manager.post(ADDRESS, wanted)
    slot = text_of(page).split('id="first_slot"')[1].split("</div>")[0]
    assert "Only a superuser may have this asked of an engine: asks." in slot
    assert "again" not in slot
    assert policy_of(project) == before
    User.objects.update(is_superuser=True)
    manager.post(ADDRESS, wanted)
    assert policy_of(project)["first"] == ["asks"]
    User.objects.update(is_superuser=False)
    kept = posted(manager.get(ADDRESS)) | {"blind_share": "50", "do": "save"}
    assert manager.post(ADDRESS, kept).status_code == 302
