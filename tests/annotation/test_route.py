"""Where solutions go by a policy: slots made, moved and withdrawn as marks come in."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from annotation import changes, ending, leases, route, routing
from annotation.cases import counts
from annotation.deciding import Way
from annotation.models import (
    Annotation,
    Assignment,
    Project,
    Reconsideration,
    Run,
    Solution,
    Verdict,
)
from annotation.models.work import NotOpen
from annotation.policy import BadPolicy, Policy
from annotation.practice_choice import choose_for_practice
from labelers.models import Labeler
from labelers.registration import labeler_of
from tests.annotation.locks import wait_for_a_lock
from tests.annotation.routed import (
    catch_up,
    claimed,
    claimed_for_review,
    judged,
    look_again,
    make_routed,
    marked,
    ratings_of,
    review_slots,
    set_policy,
    slots_of,
    verdicts_of,
)
from tests.factories import make_annotation, make_problem, make_project, make_solution, make_user

pytestmark = pytest.mark.django_db

TO_PEOPLE: dict[str, Any] = {"people": [{"how_many": 2}]}
MODELS: dict[str, Any] = {
    "first": ["prm", "judge"],
    "accept": [{"labelers": {"prm": 0.9, "judge": 0.9}}],
    "people": [{"when": "disagreement", "how_many": 2}, {"when": "rest", "how_many": 1}],
    "order": {"by": "uncertain", "score_of": "prm"},
    "review": {"contradicted": {"prm": 0.95}},
}


def solutions_of(project: Project) -> list[Solution]:
    return list(project.solutions.order_by("pk"))


def test_every_solution_goes_to_the_models_that_mark_first_and_to_nobody_else() -> None:
    project = make_routed(MODELS)
    catch_up(project)
    runs = project.runs.filter(kind=Run.Kind.LABELLING).order_by("pk")
    assert [(run.subject, run.total) for run in runs] == [("prm", 3), ("judge", 3)]
    assert set(project.assignments.values_list("reason", flat=True)) == {"first"}
    assert slots_of(project) == []
    look_again(project)
    catch_up(project)
    assert project.assignments.count() == 6


def test_a_model_whose_marks_were_imported_is_not_asked_again() -> None:
    project = make_routed(MODELS)
    known, *others = solutions_of(project)
    prm = Labeler.objects.get(name="prm")
    make_annotation(known, prm, ratings=ratings_of(1))
    make_annotation(others[0], prm, ratings=ratings_of(1), is_quality_control=True)
    catch_up(project)
    asked = project.assignments.filter(labeler=prm)
    assert set(asked.values_list("solution", flat=True)) == {one.pk for one in others}
    assert project.assignments.filter(labeler__name="judge").count() == 3


def test_no_run_is_opened_for_a_model_whose_marks_were_all_imported() -> None:
    project = make_routed(MODELS)
    for solution in solutions_of(project):
        make_annotation(solution, Labeler.objects.get(name="prm"), ratings=ratings_of(1))
    catch_up(project)
    marking = project.runs.filter(kind=Run.Kind.LABELLING)
    assert [run.subject for run in marking] == ["judge"]


def test_what_counts_is_the_same_in_both_spellings() -> None:
    solution = make_solution(make_problem(make_project()))
    kinds = ("is_surplus", "is_practice", "is_quality_control", "is_screening", None)
    for kind in kinds:
        fields: dict[str, Any] = {kind: True} if kind else {}
        made = make_annotation(solution, **fields)
    corrected = make_annotation(solution, supersedes=made)
    assert list(Annotation.objects.counted()) == [corrected]
    statement = f"SELECT id FROM annotation_annotation AS one WHERE {counts('one')}"
    assert [one.pk for one in Annotation.objects.raw(statement)] == [corrected.pk]


@pytest.mark.parametrize("state", ["paused", "cancelled", "failed"])
def test_a_run_that_was_stopped_gets_more_to_do_and_stays_stopped(state: str) -> None:
    project = make_routed(MODELS, n=1)
    catch_up(project)
    Run.objects.filter(request__name="prm").update(state=state)
    made = make_solution(project.problems.get(), ["Another."], text_key=uuid4())
    Reconsideration.objects.ask_for(project, [made.pk])
    catch_up(project)
    stopped = Run.objects.get(request__name="prm")
    assert (stopped.state, stopped.total) == (state, 2)
    assert Run.objects.get(request__name="judge").total == 2


def test_a_labeler_without_money_keeps_no_other_from_being_asked() -> None:
    project = make_routed(MODELS, n=1)
    catch_up(project)
    spent = Run.objects.get(request__name="judge")
    spent.request["currency"] = "EUR"
    spent.money = spent.budget = Decimal(1)
    spent.state = Run.State.PAUSED
    spent.save()
    made = make_solution(project.problems.get(), ["Another."], text_key=uuid4())
    Reconsideration.objects.ask_for(project, [made.pk])
    catch_up(project)
    assert made.assignments.filter(is_named=True).count() == 2


def test_an_archived_project_is_left_alone_and_asks_no_engine() -> None:
    project = make_routed(MODELS, n=1)
    changes.archive(project)
    route.catch_up_everywhere()
    assert not project.runs.filter(kind=Run.Kind.LABELLING).exists()
    assert not project.assignments.exists()
    changes.restore(project)
    look_again(project)
    catch_up(project)
    changes.archive(project)
    marking = project.runs.filter(kind=Run.Kind.LABELLING)
    assert {run.state for run in marking} == {"paused"}


def test_marks_of_models_send_a_solution_on() -> None:
    project = make_routed(MODELS)
    catch_up(project)
    agreed, differing, unsure = solutions_of(project)
    for solution, (prm, judge, sure) in {
        agreed: (1, 1, 0.95), differing: (1, 2, 0.95), unsure: (1, 1, 0.5)
    }.items():  # fmt: skip
        judged(solution, "prm", prm, sure=sure, score=0.5)
        judged(solution, "judge", judge, sure=0.95)
    assert slots_of(project) == []
    catch_up(project)
    assert sorted(slots_of(project)) == [
        (differing.pk, "people 1: disagreement"),
        (differing.pk, "people 1: disagreement"),
        (unsure.pk, "people 2: rest"),
    ]
    assert [rating for rating, _, _ in verdicts_of(agreed)] == [1, -1]
    assert verdicts_of(differing) == []
    assert not Reconsideration.objects.exists()


def test_what_people_have_stays_while_another_model_is_waited_for() -> None:
    asking = {"first": ["prm"], "people": [{"how_many": 3}]}
    project = make_routed(asking, n=2)
    catch_up(project)
    first, last = solutions_of(project)
    for solution in (first, last):
        judged(solution, "prm", 1)
    catch_up(project)
    chosen = Solution.objects.filter(pk=last.pk)
    routing.prioritise(project=project, solutions=chosen, priority=routing.FIRST)
    marked(claimed(project), 1)
    before = list(project.assignments.for_people().order_by("pk").values())
    set_policy(project, {**asking, "first": ["prm", "judge"]})
    catch_up(project)
    assert list(project.assignments.for_people().order_by("pk").values()) == before
    assert verdicts_of(last) == []
    marking = project.runs.filter(kind=Run.Kind.LABELLING)
    assert {run.subject for run in marking} == {"prm", "judge"}
    for solution in (first, last):
        judged(solution, "judge", 1)
    catch_up(project)
    assert [pk for pk, _ in slots_of(project)] == [last.pk] * 2 + [first.pk] * 3


def test_a_share_of_what_is_accepted_is_audited_by_people() -> None:
    audited = {**MODELS, "accept": [{**MODELS["accept"][0], "audit_share": 0.5}]}
    project = make_routed(audited, n=12)
    catch_up(project)
    for solution in solutions_of(project):
        judged(solution, "prm", 1, sure=0.95)
        judged(solution, "judge", 1, sure=0.95)
    catch_up(project)
    chosen = slots_of(project)
    assert 1 <= len(chosen) <= 11
    assert {reason for _, reason in chosen} == {"audit of accept 1"}
    assert Verdict.objects.filter(rule="accept 1").values("solution").distinct().count() == 12


def test_people_get_the_most_uncertain_solutions_first() -> None:
    project = make_routed(MODELS)
    catch_up(project)
    scores = dict(zip(solutions_of(project), (0.9, 0.55, 0.2), strict=True))
    for solution, score in scores.items():
        judged(solution, "prm", 1, sure=0.5, score=score)
        judged(solution, "judge", 1)
    catch_up(project)
    sure, torn, wrong = scores
    assert [pk for pk, _ in slots_of(project)] == [torn.pk, wrong.pk, sure.pk]


def test_new_slots_reach_labelers_who_have_read_past_their_place() -> None:
    project = make_routed(MODELS, n=2)
    catch_up(project)
    sure, torn = solutions_of(project)
    judged(sure, "prm", 1, sure=0.5, score=0.9)
    judged(sure, "judge", 1)
    catch_up(project)
    ann = labeler_of(make_user())
    assert claimed(project, ann).solution == sure
    judged(torn, "prm", 1, sure=0.5, score=0.5)
    judged(torn, "judge", 1)
    catch_up(project)
    second = leases.claim_next(labeler=ann, project=project, at_once=2)
    assert second is not None
    assert second.solution == torn


def test_people_who_disagree_leave_it_to_a_reviewer_whose_word_decides() -> None:
    project = make_routed(TO_PEOPLE, n=1)
    catch_up(project)
    (solution,) = solutions_of(project)
    assert slots_of(project) == [(solution.pk, "people 1: rest")] * 2
    marked(claimed(project), 1)
    catch_up(project)
    assert review_slots(project) == []
    marked(claimed(project), 2)
    catch_up(project)
    assert review_slots(project) == [(solution.pk, "people disagree: no majority")]
    assert verdicts_of(solution) == []
    marked(claimed_for_review(project), 0)
    catch_up(project)
    assert verdicts_of(solution) == [(-1, 0.0, "reviewer")]
    assert (slots_of(project), review_slots(project)) == ([], [])


def test_a_person_who_contradicts_a_sure_model_calls_a_reviewer() -> None:
    project = make_routed(MODELS, n=1)
    catch_up(project)
    (solution,) = solutions_of(project)
    judged(solution, "prm", 1, sure=0.99)
    judged(solution, "judge", 1, sure=0.1)
    catch_up(project)
    marked(claimed(project), 2)
    catch_up(project)
    assert review_slots(project) == [(solution.pk, "people contradict prm")]


def test_a_correction_that_settles_it_takes_the_reviewers_slot_back() -> None:
    project = make_routed(TO_PEOPLE, n=1)
    catch_up(project)
    marked(claimed(project), 1)
    second = marked(claimed(project), 2)
    catch_up(project)
    assert len(review_slots(project)) == 1
    marked(leases.correct(second), 1)
    catch_up(project)
    assert review_slots(project) == []
    (solution,) = solutions_of(project)
    assert [rating for rating, _, _ in verdicts_of(solution)] == [1, -1]


def test_a_new_policy_moves_open_slots_and_leaves_held_and_finished_ones_alone() -> None:
    project = make_routed(TO_PEOPLE)
    catch_up(project)
    first, second, third = solutions_of(project)
    done = marked(claimed(project), 1)
    held = claimed(project)
    assert (done.solution, held.solution) == (first, first)
    set_policy(project, {"people": [{"when": "wrong_answer", "how_many": 1}]})
    Solution.objects.filter(pk=third.pk).update(is_correct=False)
    catch_up(project)
    assert slots_of(project) == [(third.pk, "people 1: wrong_answer")]
    assert slots_of(project, state="submitted") == [(first.pk, "people 1: rest")]
    assert slots_of(project, state="leased") == [(first.pk, "people 1: rest")]
    held.refresh_from_db()
    assert held.is_open
    assert not second.assignments.open().exists()
    set_policy(project, {"people": [{"how_many": 3}]})
    catch_up(project)
    assert len(slots_of(project)) == 9 - 2
    assert {reason for _, reason in slots_of(project)} == {"people 1: rest"}


def test_a_slot_that_comes_back_is_withdrawn_where_nobody_is_to_have_it_any_more() -> None:
    project = make_routed({"people": [{"how_many": 1}]}, n=1)
    catch_up(project)
    held = claimed(project)
    set_policy(project, {"people": [{"how_many": 0}]})
    catch_up(project)
    ending.release(held)
    catch_up(project)
    assert project.assignments.get().state == Assignment.State.WITHDRAWN


def test_a_slot_that_comes_back_is_kept_though_the_policy_asks_for_more_than_the_overlap() -> None:
    project = make_routed({"people": [{"how_many": 3}]}, n=1, overlap=1)
    catch_up(project)
    ending.release(claimed(project))
    catch_up(project)
    assert len(slots_of(project)) == 3


def test_a_managers_own_priorities_are_kept() -> None:
    project = make_routed(TO_PEOPLE)
    catch_up(project)
    last = solutions_of(project)[-1]
    chosen = Solution.objects.filter(pk=last.pk)
    routing.prioritise(project=project, solutions=chosen, priority=routing.FIRST)
    look_again(project)
    catch_up(project)
    assert slots_of(project)[0][0] == last.pk
    routing.prioritise(project=project, solutions=chosen, priority=None)
    catch_up(project)
    assert slots_of(project)[0][0] != last.pk


def test_nobody_is_given_what_newcomers_practise_on() -> None:
    project = make_routed(TO_PEOPLE, n=2)
    catch_up(project)
    shown, other = solutions_of(project)
    annotation = make_annotation(shown, labeler_of(make_user()), ratings=ratings_of(1))
    choose_for_practice(annotation=annotation, chosen=True)
    catch_up(project)
    assert {pk for pk, _ in slots_of(project)} == {other.pk}
    choose_for_practice(annotation=annotation, chosen=False)
    catch_up(project)
    assert {pk for pk, _ in slots_of(project)} == {shown.pk, other.pk}


def test_without_the_policy_the_overlap_says_again_how_many_people() -> None:
    project = make_routed(
        {"people": [{"how_many": 2}], "review": {"disagreement": "any"}}, overlap=1
    )
    catch_up(project)
    marked(claimed(project), 1)
    marked(claimed(project), 2)
    catch_up(project)
    assert len(review_slots(project)) == 1
    set_policy(project, None)
    catch_up(project)
    assert review_slots(project) == []
    assert len(slots_of(project)) == 2
    assert not Reconsideration.objects.exists()


def test_settings_of_the_overlap_move_no_slot_of_a_routed_project() -> None:
    project = make_routed(TO_PEOPLE)
    catch_up(project)
    seen = changes.settings_of(project)
    user = make_user("mori")
    wanted = {"overlap": 5}
    assert changes.change_settings(project=project, seen=seen, wanted=wanted, user=user) is None
    assert len(slots_of(project)) == 6


def test_the_preview_counts_and_writes_nothing() -> None:
    project = make_routed(TO_PEOPLE)
    catch_up(project)
    set_policy(project, {**MODELS, "people": [{"how_many": 0}]})
    catch_up(project)
    agreed, differing, _waiting = solutions_of(project)
    judged(agreed, "prm", 1)
    judged(agreed, "judge", 1)
    judged(differing, "prm", 1)
    judged(differing, "judge", 2)
    before = list(project.assignments.order_by("pk").values())
    found = route.preview(project=project, policy=Policy.from_json(MODELS))
    assert (found.seen, found.total) == (3, 3)
    assert [found.on(way) for way in (Way.ACCEPTED, Way.PEOPLE, Way.MODELS)] == [1, 1, 1]
    assert found.counts[Way.PEOPLE, "people 1: disagreement"] == 1
    assert list(project.assignments.order_by("pk").values()) == before
    assert route.preview(project=project, policy=Policy.from_json(MODELS), at_most=2).seen == 2


def test_the_statements_do_not_grow_with_the_solutions() -> None:
    counts = []
    for n in (2, 12):
        project = make_routed(TO_PEOPLE, n=n)
        with CaptureQueriesContext(connection) as routing_it:
            catch_up(project)
        with CaptureQueriesContext(connection) as previewing:
            route.preview(project=project, policy=Policy())
        counts.append((len(routing_it), len(previewing)))
    assert counts[0] == counts[1]


def test_a_policy_that_names_a_labeler_that_there_is_not_is_refused() -> None:
    project = make_project()
    policy = Policy.from_json({"first": ["nobody"]})
    with pytest.raises(BadPolicy, match=r"first\[0\]: no model labeler is named 'nobody'"):
        changes.change_policy(project=project, seen={}, policy=policy)
    project.refresh_from_db()
    assert project.routing == {}


def test_marks_of_a_labeler_that_was_replaced_do_not_count() -> None:
    project = make_routed(MODELS, n=1)
    catch_up(project)
    (solution,) = solutions_of(project)
    judged(solution, "prm", 1)
    judged(solution, "judge", 1)
    old = Labeler.objects.get(name="judge")
    old.retire()
    Labeler.objects.create(kind="model", name="judge", judge="outcome", replaces=old)
    catch_up(project)
    assert verdicts_of(solution) == []
    assert solution.assignments.open().get().labeler is not None


def test_whoever_saves_a_policy_must_have_seen_the_one_before() -> None:
    project = make_routed(TO_PEOPLE)
    with pytest.raises(changes.ChangedMeanwhile):
        changes.change_policy(project=project, seen={}, policy=Policy())


def test_the_same_slots_show_the_models_marks_whoever_routes() -> None:
    shown = {**MODELS, "accept": [], "blind_share": 0.5}
    project = make_routed(shown, n=12)
    catch_up(project)
    for solution in solutions_of(project):
        judged(solution, "prm", 1)
        judged(solution, "judge", 1)
    catch_up(project)
    people = project.assignments.for_people().order_by("pk")
    arms = list(people.values_list("shows_marks", flat=True))
    assert {*arms} == {True, False}
    look_again(project)
    catch_up(project)
    assert list(people.values_list("shows_marks", flat=True)) == arms


def test_a_sweep_ends_in_time_and_the_next_one_goes_on() -> None:
    project = make_routed(TO_PEOPLE)
    assert route.catch_up_everywhere(seconds=0) == 0
    assert Reconsideration.objects.count() == 3
    assert route.catch_up_everywhere() == 3
    assert len(slots_of(project)) == 6


def test_what_is_wrong_in_one_project_keeps_no_other_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = make_routed(TO_PEOPLE, slug="broken")
    whole = make_routed(TO_PEOPLE)
    Project.objects.filter(pk=broken.pk).update(routing={"people": "nobody"})
    route.catch_up_everywhere()
    assert len(slots_of(whole)) == 6
    assert "the solutions of broken could not be routed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_mark_that_comes_while_a_solution_is_looked_at_is_not_forgotten() -> None:
    project = make_routed(TO_PEOPLE, n=1)
    catch_up(project)
    (solution,) = solutions_of(project)
    first, second = claimed(project), claimed(project)
    marked(first, 1)
    with ThreadPoolExecutor() as workers:
        with transaction.atomic():
            Project.objects.lock(project.pk)
            worker = workers.submit(catch_up_and_close, project)
            wait_for_a_lock()
            late = workers.submit(mark_and_close, second)
            late.result()
        worker.result()
    catch_up(project)
    assert [rating for rating, _, _ in verdicts_of(solution)] == [1, -1]
    assert not Reconsideration.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_slot_claimed_while_it_is_to_be_withdrawn_stays_with_whoever_has_it() -> None:
    project = make_routed({"people": [{"how_many": 1}]}, n=1)
    catch_up(project)
    set_policy(project, {"people": [{"how_many": 0}]})
    with ThreadPoolExecutor() as workers:
        with transaction.atomic():
            lease = claimed(project)
            worker = workers.submit(catch_up_and_close, project)
            wait_for_a_lock()
        worker.result()
    assert Assignment.objects.get(pk=lease.assignment_id).state == Assignment.State.LEASED


def catch_up_and_close(project: Project) -> None:
    try:
        catch_up(project)
    finally:
        connection.close()


def mark_and_close(lease: Any) -> None:
    try:
        marked(lease, 1)
    finally:
        connection.close()


def test_an_assignment_that_is_done_is_not_routed_twice() -> None:
    project = make_routed(MODELS, n=1)
    catch_up(project)
    (solution,) = solutions_of(project)
    judged(solution, "prm", 1)
    with pytest.raises(NotOpen):
        judged(solution, "prm", 1)
