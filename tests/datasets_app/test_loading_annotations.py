"""PRM800K records through the database and back."""

import json
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from annotation.models import Annotation, Position, Problem, Solution, Step, StepLabel
from datasets_app.lines import parse
from datasets_app.loading import Loaded, load_annotations
from datasets_app.prm800k import prm800k_from_json
from labelers.models import Labeler
from tests.datasets_app.loaded import exported, imported, load_json, refuse
from tests.datasets_app.prm800k_json import (
    RECORDS,
    candidate,
    human,
    phase_1,
    phase_2,
    position,
)
from tests.shared_data import shared_file

pytestmark = pytest.mark.django_db

Json = dict[str, Any]
SCORE = "pre_generated_verifier_score"
_slugs = (f"generated-{number}" for number in count())


def real_records() -> list[Json]:
    return [json.loads(line) for line in shared_file("prm800k.jsonl").read_text().splitlines()]


def screening() -> Json:
    value = phase_2()
    value["generation"] = -1
    value["is_initial_screening_question"] = True
    value["question"] |= {"ground_truth_answer": None, "ground_truth_solution": None}
    value["label"]["finish_reason"] = "solution"
    return value


def with_steps(value: Json, *steps: Json) -> Json:
    value["label"]["steps"] = list(steps)
    return value


def without(value: Json, *path: str | int) -> Json:
    inner: Any = value
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return value


def with_timestamp(timestamp: str) -> Json:
    return phase_1() | {"timestamp": timestamp}


SHAPES = {
    "chosen": with_steps(phase_1(), position([candidate("a"), candidate("b")], chosen=1)),
    "chosen 3": with_steps(
        phase_1(), position([candidate(text, rating=0) for text in "abcde"], chosen=3)
    ),
    "human": with_steps(phase_1(), position([candidate("a", 0)], written=human("b"))),
    "human beside nothing listed": with_steps(phase_1(), position(None, written=human("b"))),
    "human who wrote what was offered": with_steps(
        phase_1(), position([candidate("b", 0)], written=human("b"))
    ),
    "terminal error": phase_2(),
    "stub without a list": with_steps(phase_1(), position(None)),
    "stub with an empty list": with_steps(phase_1(), position([])),
    "stub with null ratings": with_steps(phase_1(), position([candidate("a", None)])),
    "no steps": with_steps(phase_1()),
    "flagged null, false and true": with_steps(
        phase_1(),
        position(
            [candidate("a", 1, None), candidate("b", 1, False), candidate("c", 1, True)], chosen=0
        ),
    ),
    "the same text twice": with_steps(
        phase_1(), position([candidate("a", 1), candidate("a", -1), candidate("a", 0)], chosen=1)
    ),
    "the solution's own step offered twice": with_steps(
        phase_2(), position([candidate("I add.", -1), candidate("I add.", 1)])
    ),
    "the solution's own step not offered first": with_steps(
        phase_2(), position([candidate("No.", -1), candidate("I add.", 1)])
    ),
    "screening": screening(),
    "null finish reason": phase_1()
    | {"label": {"steps": [], "total_time": 5, "finish_reason": None}},
    "no fraction of a second": with_timestamp("2022-08-04T19:19:50"),
    "short fraction of a second": with_timestamp("2022-08-04T19:19:50.25"),
    "fraction of zeros": with_timestamp("2022-08-04T19:19:50.000000"),
    "blank answer": phase_2() | {"question": phase_2()["question"] | {"pre_generated_answer": ""}},
    "absent generation": without(phase_1(), "generation"),
    "absent flag of a candidate": without(
        phase_1(), "label", "steps", 0, "completions", 0, "flagged"
    ),
    "absent rating of a candidate": without(
        phase_1(), "label", "steps", 0, "completions", 0, "rating"
    ),
    "absent reference solution": without(phase_2(), "question", "ground_truth_solution"),
    "corrected rating of a human step": with_steps(
        phase_1(), position([], written=human("b") | {"corrected_rating": 1})
    ),
    "LaTeX and line ends": with_steps(
        phase_1(), position([candidate("\\frac{1}{2}\\\\\n\t\r\\n \\N \\. é 🙂 \u2028")], chosen=0)
    ),
}


def test_real_records_come_back_as_they_were_and_in_their_order() -> None:
    records = real_records()
    load_json(records)
    back = exported()
    assert back == records
    assert [list(value["question"]) for value in back] == [
        list(value["question"]) for value in records
    ]


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_record_comes_back(name: str) -> None:
    load_json([SHAPES[name]])
    assert exported() == [SHAPES[name]]


def test_all_shapes_of_one_problem_come_back_from_one_import() -> None:
    load_json(list(SHAPES.values()))
    assert exported() == list(SHAPES.values())


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(values=st.lists(RECORDS, min_size=1, max_size=4))
def test_any_records_come_back(values: list[Json]) -> None:
    # Only what a line can hold: no integers over 64 bits.
    values = [value for value in values if all(abs(number) < 2**63 for number in numbers(value))]
    slug = next(_slugs)
    load_json([*values, *values], slug)
    if values:
        assert exported(slug) == [*values, *values]


def numbers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [number for child in value.values() for number in numbers(child)]
    if isinstance(value, list):
        return [number for child in value for number in numbers(child)]
    return [value] if isinstance(value, int) else []


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=RECORDS)
@example(value=phase_2() | {"question": phase_2()["question"] | {SCORE: -0.0}})
@example(value=phase_2() | {"unknown": -0.0})
def test_importing_an_export_of_what_was_imported_adds_nothing(value: Json) -> None:
    slug = next(_slugs)

    def load(values: list[Json]) -> Loaded:
        lines = [prm800k_from_json(parse(json.dumps(one).encode())) for one in values]
        return load_annotations(project_slug=slug, entries=imported(lines), report=refuse)

    if all(abs(number) < 2**63 for number in numbers(value)):
        assert load([value]).added == 1
        assert load(exported(slug)).added == 0


def test_a_second_import_adds_nothing() -> None:
    records = [*SHAPES.values(), phase_2()]
    first = load_json(records)
    tables = (Problem, Solution, Step, Annotation, Position, StepLabel)
    before = [table.objects.count() for table in tables]
    second = load_json(records)
    assert (first.added, second.added, second.known) == (len(records), 0, len(records))
    assert [table.objects.count() for table in tables] == before


def test_equal_lines_of_one_file_stay_two() -> None:
    assert load_json([phase_2(), phase_2()]).added == 2
    assert exported() == [phase_2(), phase_2()]
    assert load_json([phase_2(), phase_2(), phase_2()]).added == 1


def test_the_order_of_keys_makes_no_other_record() -> None:
    backwards = dict(reversed(phase_2().items()))
    load_json([phase_2()])
    assert load_json([backwards]).added == 0


def test_a_changed_step_label_changes_exactly_that_value() -> None:
    records = real_records()
    load_json(records)
    expected = deepcopy(records)
    last = expected[1]["label"]["steps"][-1]
    changed = last["completions"][1]
    assert changed["rating"] == 1
    label = Annotation.objects.order_by("id")[1].labels.get(step__text=changed["text"])
    label.rating = 0
    label.save(update_fields=["rating"])
    changed["rating"] = 0
    assert exported() == expected


def test_one_solution_marked_by_two_people_is_one_row() -> None:
    first, second = phase_2(), phase_2()
    second["labeler"] = "e90a38f3-3135-4465-87af-3e6322e3d772"
    second["label"]["steps"][1]["completions"].append(candidate("Two more makes 5.", 0))
    load_json([first, second])
    solution = Solution.objects.get()
    assert solution.annotations.count() == 2
    assert solution.steps.count() == 3 + 2
    assert exported() == [first, second]


def test_alternatives_are_shared_with_annotations_of_an_earlier_import() -> None:
    second = phase_2() | {"labeler": "e90a38f3-3135-4465-87af-3e6322e3d772"}
    load_json([phase_2()])
    load_json([second])
    assert Solution.objects.get().steps.count() == 3 + 1
    assert exported() == [phase_2(), second]


def test_the_same_steps_with_another_score_are_another_solution() -> None:
    other = phase_2()
    other["question"][SCORE] = 0.5
    load_json([phase_2(), other])
    assert Solution.objects.count() == 2
    assert exported() == [phase_2(), other]


def test_a_problem_of_both_phases_is_one_row_whichever_came_first() -> None:
    for slug, records in {
        "one-two": [phase_1(), phase_2()],
        "two-one": [phase_2(), phase_1()],
        "null-between": [phase_1(), screening_of_phase_2(), phase_2()],
    }.items():
        load_json(records, slug)
        problem = Problem.objects.get(project__slug=slug)
        assert problem.reference_solution == "Count on from 2: 3, 4, 5."
        assert exported(slug) == records


def screening_of_phase_2() -> Json:
    value = phase_2()
    value["question"]["ground_truth_solution"] = None
    return value


def test_rows_say_what_the_record_says() -> None:
    load_json([phase_2()])
    solution = Solution.objects.get()
    assert (solution.built, solution.splitter, solution.engine) == (False, "given", "prm800k")
    assert (solution.final_answer, solution.verifier_score) == ("6", 0.0011546110201324836)
    own = solution.steps.filter(alternative=0).order_by("position")
    assert [step.text for step in own] == ["I add.", "That makes 6.", "# Answer\n\n6"]
    assert [solution.text[step.start : step.end] for step in own] == [step.text for step in own]
    annotation = Annotation.objects.get()
    assert annotation.submitted_at.isoformat() == "2022-11-22T16:51:29.980606+00:00"
    assert (annotation.generation, annotation.total_time_ms) == (6, 164458)
    assert annotation.shape == {}
    labeler = Labeler.objects.get()
    assert (labeler.kind, labeler.name, labeler.user) == (
        "person",
        "PRM800K labeler cc88bf76",
        None,
    )


def test_a_built_solution_has_the_path_as_its_own_steps() -> None:
    load_json([phase_1(), phase_1()])
    assert Solution.objects.count() == 2
    solution = Solution.objects.order_by("id")[0]
    assert solution.built
    assert solution.text == "We add.\n2+3"
    own = solution.steps.filter(alternative=0).order_by("position")
    assert [(step.text, step.writer) for step in own] == [("We add.", "model"), ("2+3", "human")]
    assert solution.steps.count() == 4


def test_nothing_repeats_the_source_line() -> None:
    load_json(real_records())
    assert all(len(json.dumps(shape)) < 300 for (shape,) in Annotation.objects.values_list("shape"))
    assert not any(evidence for (evidence,) in Annotation.objects.values_list("evidence"))
