"""Marked solutions through the database and back."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from annotation.models import Annotation, Problem, Reconsideration, Solution, Step, StepLabel
from datasets_app.exporters.math_shepherd import MathShepherdExporter
from datasets_app.exporters.prm800k import Prm800kExporter
from datasets_app.loading import load_marks
from datasets_app.records import (
    CandidateRecord,
    LabelerRecord,
    MarkedRecord,
    PositionRecord,
    ProblemRecord,
    SolutionRecord,
)
from labelers.models import Labeler
from tests.datasets_app.loaded import exported, imported, refuse, round_trip
from tests.shared_data import shared_file

pytestmark = pytest.mark.django_db

Json = dict[str, Any]
PROBLEM = ProblemRecord(text="How much is 2 + 3?", reference_answer="5")
STEPS = ("I add.", "That makes 6.", "The answer is: 6")


def said(text: str, rating: Any = 1, **marks: Any) -> CandidateRecord:
    return CandidateRecord(text=text, rating=rating, flagged=None, **marks)


def record(**changed: Any) -> MarkedRecord:
    return replace(
        MarkedRecord(
            problem=PROBLEM,
            solution=SolutionRecord(problem=PROBLEM, text="\n".join(STEPS), steps=STEPS),
            labeler=LabelerRecord(name="a-model"),
            positions=(
                PositionRecord(candidates=(said(STEPS[0], soft=0.75),), chosen=0),
                PositionRecord(candidates=(said(STEPS[1], -1), said("That makes 5."))),
            ),
            finish_reason="found_error",
        ),
        **changed,
    )


def add(*records: MarkedRecord) -> int:
    return load_marks(project_slug="marks", entries=imported(records), report=refuse).added


def test_marks_are_on_the_solutions_steps_and_on_other_candidates() -> None:
    assert add(record()) == 1
    labels = StepLabel.objects.order_by("step__position", "step__alternative")
    assert list(labels.values_list("step__text", "step__alternative", "rating", "score")) == [
        ("I add.", 0, 1, 0.75),
        ("That makes 6.", 0, -1, None),
        ("That makes 5.", 1, 1, None),
    ]
    assert Step.objects.filter(alternative=0).count() == 3
    solution = Solution.objects.get()
    assert (solution.text, solution.splitter) == ("\n".join(STEPS), "given")
    assert (solution.final_answer, solution.is_correct) == ("6", False)


def test_probabilities_and_evidence_are_kept() -> None:
    step = said(STEPS[0], probabilities=(0.25, 0.25, 0.5))
    add(record(positions=(PositionRecord(candidates=(step,), chosen=0),), evidence={"rounds": 3}))
    assert StepLabel.objects.get().probabilities == [0.25, 0.25, 0.5]
    assert Annotation.objects.get().evidence == {"rounds": 3}


def test_equal_records_are_one_and_another_mark_is_another_annotation() -> None:
    other = record(positions=(PositionRecord(candidates=(said(STEPS[0], soft=0.5),), chosen=0),))
    assert add(record(), record(), other) == 2
    assert add(record(), other) == 0
    assert Solution.objects.count() == 1


def test_verdicts_are_looked_at_again_where_there_are_new_marks() -> None:
    add(record(labeler=None, positions=(), finish_reason=None))
    assert not Reconsideration.objects.exists()
    add(record())
    assert list(Reconsideration.objects.values_list("solution", flat=True)) == [
        Solution.objects.get().pk
    ]


def test_labelers_are_people_by_uuid_and_models_by_name() -> None:
    uuid = "e90a38f3-3135-4465-87af-3e6322e3d772"
    person = LabelerRecord(name="Experts", person=UUID(uuid))
    add(record(), record(labeler=person))
    assert set(Labeler.objects.values_list("kind", "name")) == {
        ("model", "a-model"),
        ("person", "Experts"),
    }
    assert [row["labeler"] for row in exported("marks")] == [uuid]
    # Of its name alone: the same wherever its marks are imported.
    model = Labeler.objects.get(kind="model")
    assert str(model.uuid) == "a6800a58-b9a4-7d95-4973-ad45aef6127f"


def test_a_solution_that_nobody_marked_is_added_without_an_annotation() -> None:
    unmarked = record(labeler=None, positions=(), finish_reason=None)
    assert add(unmarked) == 1
    assert add(unmarked) == 0
    assert not Annotation.objects.exists()
    assert Step.objects.count() == 3


def test_what_the_source_says_of_the_answer_counts_where_nothing_else_tells() -> None:
    unknown = ProblemRecord(text="How much?")
    for problem, is_correct, grader in ((unknown, True, "import"), (PROBLEM, False, "stepmark")):
        solution = replace(record().solution, problem=problem, claimed_correct=True)
        add(record(problem=problem, solution=solution))
        found = Solution.objects.get(problem__text=problem.text)
        assert found.is_correct is is_correct
        assert found.grader.startswith(grader)


def test_a_step_that_a_person_wrote_makes_the_solution_a_built_one() -> None:
    written = PositionRecord(candidates=(said("b", 0),), human=said(STEPS[1], None))
    positions = (PositionRecord(candidates=(said(STEPS[0]),), chosen=0), written)
    add(record(positions=positions, human=(1,)))
    assert Solution.objects.get().built
    (row,) = exported("marks", labelers="a-model", exporter=Prm800kExporter())
    (_, step) = row["label"]["steps"]
    assert step["human_completion"]["text"] == STEPS[1]
    assert [candidate["text"] for candidate in step["completions"]] == ["b"]


def test_records_of_one_problem_share_its_row() -> None:
    add(record(), record(finish_reason=None))
    assert Problem.objects.count() == 1


def test_real_math_shepherd_lines_come_back_as_they_were() -> None:
    lines = [json.loads(one) for one in shared_file("math_shepherd.jsonl").read_text().splitlines()]
    exporter = MathShepherdExporter(replace(MathShepherdExporter.defaults, truncate=False))
    assert round_trip(lines, "math-shepherd", exporter, "shepherd") == lines
