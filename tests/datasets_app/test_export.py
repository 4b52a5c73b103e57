"""Which annotations are exported, and what those made here look like."""

import io
import json
from typing import Any

import orjson
import pytest

from annotation.models import Annotation, Project, Step, StepLabel
from datasets_app.export import UnknownLabeler, annotations_of, write_rows
from datasets_app.exporters.trl_stepwise import TrlStepwiseExporter
from datasets_app.prm800k import prm800k_from_json
from datasets_app.reading import read_annotations
from labelers.models import Labeler
from tests.datasets_app.loaded import exported, load_json
from tests.datasets_app.prm800k_json import candidate, phase_1, phase_2, position
from tests.factories import (
    make_annotation,
    make_label,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project("math")


@pytest.fixture
def person() -> Labeler:
    return make_labeler(user=make_user("ada"))


def annotate(project: Project, labeler: Labeler | None = None, **fields: Any) -> Annotation:
    problem = make_problem(project, "What is 2+3?", reference_answer="5")
    solution = make_solution(problem, ["I add.", "It is 6."], final_answer="6", verifier_score=0.25)
    return make_annotation(solution, labeler, ratings=[1, -1], **fields)


def test_late_work_without_a_slot_is_exported_only_when_asked_for(
    project: Project, person: Labeler
) -> None:
    made = annotate(project, person, is_surplus=True)
    assert not annotations_of(project, "people").exists()
    assert annotations_of(project, "people", surplus=True).get() == made


def test_an_annotation_made_here_is_a_phase_2_record(project: Project, person: Labeler) -> None:
    made = annotate(project, person, finish_reason="found_error", total_time_ms=5000, generation=2)
    other = make_step(made.solution, 1, "It is 5.", alternative=1)
    make_label(made, other, 1, shown_order=1, flagged=False)
    made.labels.exclude(step=other).update(shown_order=0)
    (record,) = exported()
    assert record == {
        "labeler": str(person.uuid),
        "timestamp": made.submitted_at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "generation": 2,
        "is_quality_control_question": False,
        "is_initial_screening_question": False,
        "question": {
            "problem": "What is 2+3?",
            "ground_truth_solution": None,
            "ground_truth_answer": "5",
            "pre_generated_steps": ["I add.", "It is 6."],
            "pre_generated_answer": "6",
            "pre_generated_verifier_score": 0.25,
        },
        "label": {
            "steps": [
                position([candidate("I add.", 1, None)], chosen=0),
                position([candidate("It is 6.", -1, None), candidate("It is 5.", 1, False)]),
            ],
            "total_time": 5000,
            "finish_reason": "found_error",
        },
    }
    prm800k_from_json(record)


def test_people_are_exported_unless_models_are_asked_for(project: Project, person: Labeler) -> None:
    model = make_labeler("arithmetic")
    annotate(project, person)
    make_annotation(Annotation.objects.get().solution, model, ratings=[1, 1])

    def labelers(who: str) -> list[str]:
        return [record["labeler"] for record in exported(labelers=who)]

    assert labelers("people") == labelers("ada") == labelers(str(person.uuid)) == [str(person.uuid)]
    assert labelers("models") == labelers("arithmetic") == [str(model.uuid)]
    assert labelers("all") == [str(person.uuid), str(model.uuid)]


def test_imported_records_are_people_s() -> None:
    load_json([phase_1(), phase_2()])
    assert len(exported(labelers="people")) == 2
    assert exported(labelers="models") == []


def test_imported_records_are_exported_by_default_even_where_their_labeler_is_a_model_here() -> (
    None
):
    record = phase_2() | {"labeler": str(make_labeler("arithmetic").uuid)}
    load_json([record, phase_1()])
    assert exported(labelers="people") == [record, phase_1()]
    assert exported(labelers="models") == [record]


def test_a_superseded_annotation_is_not_exported(project: Project, person: Labeler) -> None:
    wrong = annotate(project, person)
    make_annotation(wrong.solution, person, ratings=[1, 1], supersedes=wrong)
    (record,) = exported()
    assert [step["chosen_completion"] for step in record["label"]["steps"]] == [0, 0]


def test_other_projects_are_not_exported(project: Project, person: Labeler) -> None:
    annotate(make_project("other"), person)
    assert exported() == []


@pytest.mark.parametrize("name", ["nobody", "6e9f8c2e-0000-0000-0000-000000000000"])
def test_an_unknown_labeler_is_an_error(project: Project, name: str) -> None:
    with pytest.raises(UnknownLabeler, match=name):
        annotations_of(project, name)


def test_a_name_that_two_have_is_an_error(project: Project, person: Labeler) -> None:
    other = make_labeler(user=make_user("grace"))
    Labeler.objects.filter(pk=other.pk).update(name="ada")
    annotate(project, person)
    make_annotation(Annotation.objects.get().solution, Labeler.objects.get(pk=other.pk))
    with pytest.raises(UnknownLabeler, match="UUID"):
        annotations_of(project, "ada")


def test_floats_come_back_to_the_last_digit(project: Project) -> None:
    scores = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, 0.0011546110201324836]
    for score in scores:
        record = phase_2()
        record["question"]["pre_generated_verifier_score"] = score
        load_json([record])
    back = [record["question"]["pre_generated_verifier_score"] for record in exported()]
    assert back == scores


@pytest.mark.parametrize("score", [1, 1.0, 0, 0.0, -0.0])
def test_a_whole_number_as_score_comes_back_as_the_equal_float(score: float) -> None:
    record = phase_2()
    record["question"]["pre_generated_verifier_score"] = score
    load_json([record])
    back = exported()[0]["question"]["pre_generated_verifier_score"]
    assert json.dumps(back) == json.dumps(abs(float(score)))


def test_annotations_without_a_row_are_counted() -> None:
    nothing = phase_1()
    nothing["label"]["steps"] = [position(None)]
    load_json([nothing, phase_2()])
    project = Project.objects.get()
    file = io.BytesIO()
    annotations = read_annotations(annotations_of(project, "people"))
    done: list[int] = []
    said = write_rows(annotations, TrlStepwiseExporter(), file, progress=done.append)
    assert (said.annotations, said.rows, said.left_out) == (2, 1, 1)
    assert done == [2]
    assert orjson.loads(file.getvalue())["labels"] == [True, False]


def test_a_reader_that_stops_early_leaves_the_connection_usable() -> None:
    load_json([phase_1(), phase_2()])
    annotations = annotations_of(Project.objects.get(), "people")
    next(read_annotations(annotations))
    assert Step.objects.exists()
    assert StepLabel.objects.exists()
