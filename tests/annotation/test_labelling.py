"""Marking by model labelers, through the queue and the door that people take."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from annotation import labelling, route, runs
from annotation.models import Assignment, Project, Run, RunSlice, Verdict
from annotation.run_pace import NotNow
from labelers.engines.base import Decoding, Draw
from labelers.engines.scripted import ScriptedEngine
from labelers.judges import JUDGES
from labelers.judges.base import Judge, draw
from labelers.models import Labeler
from labelers.registration import register_model
from labelers.spending import drawing_cost
from labelers.trace import Cost, Judgement, StepJudgement, Trace, Unjudged
from tests.factories import make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = make_project()
    problem = make_problem(project, reference_answer="7")
    make_solution(problem, ["3 + 4 = 7", "So 7."], final_answer="7", is_correct=True)
    make_solution(problem, ["3 + 4 = 8", "8 - 1 = 7", "So 7."], final_answer="8", is_correct=False)
    return project


KEPT = "the judge's answer cannot be kept: {}"


def mark_all(project: Project, labeler: Labeler) -> Run:
    run = labelling.request(project=project, labeler=labeler)
    while piece := runs.claim(run.pk):
        assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    return run


def test_arithmetic_marks_every_solution_up_to_its_first_false_claim(project: Project) -> None:
    run = mark_all(project, register_model(name="arithmetic", judge="arithmetic"))
    assert (run.state, run.done, run.total) == ("finished", 2, 2)
    right, wrong = project.annotations.order_by("solution")
    assert right.finish_reason == "solution"
    assert wrong.finish_reason == "found_error"
    ratings = [
        list(a.labels.order_by("id").values_list("rating", flat=True)) for a in (right, wrong)
    ]
    assert ratings == [[1, None], [-1]]
    assert "3 + 4" in wrong.labels.get().comment


def test_outcome_scores_solutions_and_marks_no_step(project: Project) -> None:
    mark_all(project, register_model(name="outcome", judge="outcome"))
    scores = project.annotations.order_by("solution").values_list("score", "finish_reason")
    assert list(scores) == [(1.0, ""), (0.0, "")]
    assert not any(annotation.labels.exists() for annotation in project.annotations.all())


def test_marking_again_adds_nothing_and_marks_what_is_new(project: Project) -> None:
    labeler = register_model(name="arithmetic", judge="arithmetic")
    first = mark_all(project, labeler)
    assert mark_all(project, labeler).pk == first.pk
    assert project.annotations.count() == 2
    make_solution(project.problems.get(), ["1 + 1 = 2"])
    assert mark_all(project, labeler).done == 3
    assert project.annotations.count() == 3


def test_every_mark_came_by_an_assignment_that_names_its_reason(project: Project) -> None:
    labeler = register_model(name="arithmetic", judge="arithmetic")
    mark_all(project, labeler)
    for assignment in project.assignments.all():
        assert assignment.state == Assignment.State.SUBMITTED
        assert assignment.labeler == labeler
        assert assignment.reason
        assert assignment.annotations.count() == 1


def test_a_judge_that_breaks_on_one_solution_marks_the_others(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Brittle(Judge):
        name = "brittle"

        def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
            if any("8" in trace.steps[0] for trace in traces):
                raise ArithmeticError("eight")
            return [Judgement(steps=(StepJudgement(rating=1),)) for _ in traces]

    monkeypatch.setitem(JUDGES, "brittle", Brittle)
    run = mark_all(project, register_model(name="brittle", judge="brittle"))
    assert (run.done, run.failed, run.errors) == (1, 1, {"ArithmeticError: eight": 1})
    failed = project.assignments.get(state=Assignment.State.FAILED)
    assert failed.error == "ArithmeticError: eight"
    assert project.annotations.count() == 1


def test_a_judge_that_marks_steps_that_are_not_there_fails_that_solution_only(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Generous(Judge):
        name = "generous"

        def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
            return [Judgement(steps=(StepJudgement(rating=1),) * 3) for _ in traces]

    monkeypatch.setitem(JUDGES, "generous", Generous)
    run = mark_all(project, register_model(name="generous", judge="generous"))
    assert (run.done, run.errors) == (1, {KEPT.format("3 marks for 2 steps"): 1})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"score": 1.5}, "score: a number from 0 to 1 or None, not 1.5"),
        ({"score": float("nan")}, "score: a number from 0 to 1 or None, not nan"),
        ({"steps": [{"score": -0.1}]}, "steps[0].score: a number from 0 to 1 or None, not -0.1"),
        ({"steps": [{"comment": "a\0b"}]}, "steps[0].comment: holds NUL or half of a character"),
        ({"evidence": {"why": ["a\0b"]}}, "evidence: holds NUL or half of a character"),
        ({"steps": [{"probabilities": {"-1": 1.0}}]}, "steps[0].probabilities: of -1, 0 and 1"),
    ],
)
def test_what_cannot_be_kept_fails_its_solution_and_stalls_no_route(
    project: Project, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], said: str
) -> None:
    cost = Cost(calls=1, prompt_tokens=10, completion_tokens=5)
    marks = [StepJudgement(rating=1, **mark) for mark in wrong.pop("steps", [{}])]

    class Odd(Judge):
        name = "odd"

        def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
            odd = Judgement(steps=tuple(marks), cost=cost, **wrong)
            fine = Judgement(steps=(StepJudgement(rating=1, score=0.9),) * 2, score=0.9, cost=cost)
            return [odd if "8" in trace.steps[0] else fine for trace in traces]

    monkeypatch.setitem(JUDGES, "odd", Odd)
    labeler = register_model(name="odd", judge="odd")
    project.routing = {"first": ["odd"], "accept": [{"labelers": {"odd": 0.5}}]}
    project.save()
    run = mark_all(project, labeler)
    [reason] = run.errors
    assert reason.startswith(KEPT.format(said))
    assert (run.done, run.failed, run.calls) == (1, 1, 2), "judged once, and all of it paid"
    failed = project.assignments.get(state=Assignment.State.FAILED)
    assert failed.error == reason
    assert route.catch_up(project=project) == 2
    right = project.solutions.earliest("pk")
    assert set(Verdict.objects.values_list("solution", "soft")) == {(right.pk, 0.9)}


def test_a_reason_is_kept_whatever_characters_it_has(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Rude(Judge):
        name = "rude"

        def judge(self, traces: Sequence[Trace]) -> list[Unjudged]:
            return [Unjudged(reason="no\0\ud800") for _ in traces]

    class Broken(Judge):
        name = "broken"

        def judge(self, traces: Sequence[Trace]) -> list[Unjudged]:
            raise ValueError("no\0")

    for judge, said in ((Rude, "no\ufffd\ufffd"), (Broken, "ValueError: no\ufffd")):
        monkeypatch.setitem(JUDGES, judge.name, judge)
        run = mark_all(project, register_model(name=judge.name, judge=judge.name))
        assert (run.failed, run.errors) == (2, {said: 2})


def test_what_a_batch_spent_before_it_broke_is_counted(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Careless(Judge):
        """Asks once for each solution, then breaks where one of them is about eight."""

        name = "careless"

        def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
            draws = [Draw(prompt=trace.steps[0], seed=1) for trace in traces]
            drawn = draw(ScriptedEngine(texts=["one two"]), draws, Decoding())
            if any("8" in trace.steps[0] for trace in traces):
                raise ArithmeticError("eight")
            mark = StepJudgement(rating=1)
            return [Judgement(steps=(mark,), cost=drawing_cost([one])) for one in drawn]

    monkeypatch.setitem(JUDGES, "careless", Careless)
    config = {"price": {"prompt_per_1k": 0, "completion_per_1k": 1000, "currency": "USD"}}
    run = mark_all(project, register_model(name="careless", judge="careless", config=config))
    assert (run.done, run.failed) == (1, 1)
    assert (run.calls, run.completion_tokens, run.money) == (4, 8, Decimal(8))
    assert project.annotations.get().cost.calls == 1, "the first try was not for this one alone"


def test_what_stops_the_run_fails_no_solution_and_is_judged_when_the_run_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_paid = False

    class Unpaid(Judge):
        name = "unpaid"

        def judge(self, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
            return [
                Judgement(steps=(StepJudgement(rating=1),))
                if is_paid or "8" not in trace.steps[0]
                else Unjudged(reason="the quota is spent", stops_run=True)
                for trace in traces
            ]

    monkeypatch.setitem(JUDGES, "unpaid", Unpaid)
    labeler = register_model(name="unpaid", judge="unpaid")
    run = mark_all(project, labeler)
    assert (run.state, run.error, run.done) == ("failed", "the quota is spent", 1)
    assert (run.failed, run.left) == (0, 1)
    assert project.assignments.open().count() == 1
    is_paid = True
    run = mark_all(project, labeler)
    assert (run.state, run.error, run.done, run.failed) == ("finished", "", 2, 0)


class Dear(Judge):
    """Judges by what is written in the first step, one call each."""

    name = "dear"
    batch_size = 1

    def judge(self, traces: Sequence[Trace]) -> list[Judgement | Unjudged]:
        cost = Cost(calls=2, prompt_tokens=1_000, completion_tokens=500)
        mark = StepJudgement(rating=1)
        return [
            Unjudged(reason="429", transient=True, cost=cost, retry_after_s=30)
            if "8" in trace.steps[0]
            else Judgement(steps=(mark,), cost=cost)
            for trace in traces
        ]


PRICE = {"prompt_per_1k": 1, "completion_per_1k": 2, "currency": "USD"}


def test_what_a_mark_cost_is_kept_with_it_and_summed_in_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "dear", Dear)
    run = mark_all(project, register_model(name="dear", judge="dear", config={"price": PRICE}))
    assert run.slices.count() == 3, "one solution a slice, and one again"
    cost = project.annotations.get().cost
    spent = (cost.calls, cost.prompt_tokens, cost.completion_tokens, cost.money)
    assert spent == (2, 1_000, 500, Decimal(2))
    assert (run.calls, run.prompt_tokens, run.completion_tokens) == (4, 2_000, 1_000)
    assert (run.money, run.currency) == (Decimal(4), "USD")


def test_a_rate_limit_that_a_judge_met_slows_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "dear", Dear)
    run = mark_all(project, register_model(name="dear", judge="dear"))
    assert (run.state, run.done, run.failed, run.at_once) == ("running", 1, 0, 1)
    assert run.not_before is not None
    assert project.assignments.get(state=Assignment.State.OPEN).error == ""
    assert project.annotations.get().cost.money is None


def test_a_judge_whose_server_is_gone_is_asked_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(Judge):
        name = "gone"

        def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
            raise ConnectionError("refused")

    monkeypatch.setitem(JUDGES, "gone", Gone)
    run = mark_all(project, register_model(name="gone", judge="gone"))
    assert (run.state, run.failed, run.left) == ("running", 0, 2)
    assert not project.assignments.exclude(state=Assignment.State.OPEN).exists()


def test_a_budget_pauses_the_run_and_asking_with_a_larger_one_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "dear", Dear)
    labeler = register_model(name="dear", judge="dear", config={"price": PRICE})
    labelling.request(project=project, labeler=labeler, budget=Decimal(1))
    run = Run.objects.get()
    piece = runs.claim(run.pk)
    assert piece is not None
    runs.work(piece, labelling.judge_slice)
    assert runs.claim(run.pk) is None
    with pytest.raises(NotNow, match=r"The budget is spent: 2\.00 of 1\.00 USD"):
        labelling.request(project=project, labeler=labeler)
    run = labelling.request(project=project, labeler=labeler, budget=Decimal(9))
    assert (run.state, run.budget) == ("queued", Decimal(9))
    assert runs.claim(run.pk) is not None


def test_a_judge_sees_the_answers_of_the_other_solutions_only(project: Project) -> None:
    make_solution(project.problems.get(), ["Seven."], final_answer="7")
    solutions = list(project.solutions.select_related("problem").order_by("id"))
    own, eight, _ = labelling.traces_of(solutions)
    assert own.answer_counts == {"7": 1, "8": 1}
    assert eight.answer_counts == {"7": 2}
    assert eight.steps == ("3 + 4 = 8", "8 - 1 = 7", "So 7.")
    assert (eight.reference_answer, eight.final_answer) == ("7", "8")


def test_what_was_given_up_is_marked_when_asked_again(project: Project) -> None:
    labeler = register_model(name="arithmetic", judge="arithmetic")
    run = labelling.request(project=project, labeler=labeler)
    piece = runs.claim(run.pk)
    assert piece is not None
    RunSlice.objects.filter(pk=piece.pk).update(attempt=runs.MAX_ATTEMPTS + 1)
    piece.refresh_from_db()
    assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, run.done, run.failed) == ("finished", 0, 2)
    again = mark_all(project, labeler)
    assert (again.pk, again.done, again.failed) == (run.pk, 2, 0)
    assert project.annotations.count() == 2


def test_a_solution_that_nobody_graded_is_graded_before_it_is_judged(project: Project) -> None:
    project.solutions.update(is_correct=None, grader="")
    mark_all(project, register_model(name="arithmetic", judge="arithmetic"))
    assert list(project.solutions.order_by("id").values_list("is_correct", flat=True)) == [
        True,
        False,
    ]
    assert project.annotations.earliest("solution_id").finish_reason == "solution"


def test_a_judge_that_is_not_there_any_more_stops_the_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    labeler = register_model(name="arithmetic", judge="arithmetic")
    run = labelling.request(project=project, labeler=labeler)
    monkeypatch.delitem(JUDGES, "arithmetic")
    piece = runs.claim(run.pk)
    assert piece is not None
    assert not runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    assert (run.state, "arithmetic" in run.error) == ("failed", True)
