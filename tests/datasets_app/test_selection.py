"""Which solutions and marks a version holds, rule by rule; and that the manifest says it."""

from hashlib import sha256
from importlib.metadata import version
from typing import Any

import orjson
import pytest

from annotation.models import Annotation, Project, Solution
from datasets_app import stored
from datasets_app.models import Snapshot
from datasets_app.snapshots import Wanted
from tests.datasets_app.frozen import frozen, rows_of, solutions_of, texts_of
from tests.factories import (
    make_annotation,
    make_labeler,
    make_problem,
    make_project,
    make_solution,
    make_user,
    make_verdict,
)

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]


@pytest.fixture
def project() -> Project:
    return make_project("math")


def solved(project: Project, text: str, *, problem: Json | None = None, **fields: Any) -> Solution:
    """Make a problem with one solution of three steps."""
    steps = ["One.", "Two.", "Three."]
    return make_solution(make_problem(project, text, **(problem or {})), steps, **fields)


def marked(solution: Solution, *ratings: int | None, by: Any = None, **fields: Any) -> Annotation:
    """Have a person mark a solution, or the model `by`."""
    fields = {"finish_reason": "found_error" if -1 in ratings else "solution", **fields}
    labeler = by or make_labeler(user=make_user())
    return make_annotation(solution, labeler, ratings=ratings, **fields)


def texts(project: Project, **rules: Any) -> set[str]:
    return texts_of(solutions_of(frozen(project, **rules)))


def labelers(project: Project, **rules: Any) -> list[tuple[str, str]]:
    """Return problem and kind of labeler of all that is selected."""
    found = solutions_of(frozen(project, **rules))
    return sorted((one["record"]["question"]["problem"], one["labeler_kind"]) for one in found)


def test_people_count_before_models_solution_by_solution(project: Project) -> None:
    judge = make_labeler("judge")
    both, alone = solved(project, "Both?"), solved(project, "Alone?")
    marked(both, 1, -1)
    marked(both, 1, 1, by=judge)
    marked(alone, 1, 1, by=judge)
    assert labelers(project, marks="people_over_models") == [
        ("Alone?", "model"),
        ("Both?", "person"),
    ]
    assert labelers(project, marks="people") == [("Both?", "person")]
    assert labelers(project, marks="models") == [("Alone?", "model"), ("Both?", "model")]
    assert labelers(project, marks="all") == [
        ("Alone?", "model"), ("Both?", "model"), ("Both?", "person"),
    ]  # fmt: skip


def test_one_labeler_counts_by_name_or_uuid_and_others_are_left_out_by_either(
    project: Project,
) -> None:
    one, other = make_labeler("one"), make_labeler("other")
    for text, labeler in (("One?", one), ("Other?", other)):
        marked(solved(project, text), 1, by=labeler)
    for name in ("one", str(one.uuid)):
        assert texts(project, marks="labeler", labeler=name) == {"One?"}
        assert texts(project, marks="models", without_labelers=[name]) == {"Other?"}


def test_a_labeler_that_there_is_not_fails_the_version(project: Project) -> None:
    marked(solved(project, "One?"), 1)
    snapshot = frozen(project, marks="labeler", labeler="nobody")
    assert snapshot.state == Snapshot.State.FAILED
    assert snapshot.run
    assert "no labeler 'nobody'" in snapshot.run.error


def test_late_work_is_in_only_where_it_is_asked_for(project: Project) -> None:
    marked(solved(project, "In time?"), 1)
    marked(solved(project, "Late?"), 1, is_surplus=True)
    assert texts(project) == {"In time?"}
    assert texts(project, surplus=True) == {"In time?", "Late?"}


def test_a_correction_takes_the_place_of_what_it_corrects(project: Project) -> None:
    solution = solved(project, "One?")
    first = marked(solution, 1, 1, 1)
    marked(solution, 1, -1, by=first.labeler, supersedes=first)
    (one,) = solutions_of(frozen(project))
    assert one["record"]["label"]["finish_reason"] == "found_error"


@pytest.mark.parametrize("marks", ["people", "outcomes"])
def test_the_final_answer_selects(project: Project, marks: str) -> None:
    for text, is_correct in (("Right?", True), ("Wrong?", False), ("Open?", None)):
        marked(solved(project, text, is_correct=is_correct), 1)
    assert texts(project, marks=marks, correctness="right") == {"Right?"}
    assert texts(project, marks=marks, correctness="wrong") == {"Wrong?"}
    both = {"Right?", "Wrong?"}
    assert texts(project, marks=marks) == (both if marks == "outcomes" else {*both, "Open?"})


@pytest.mark.parametrize("field", ["source", "subject", "level"])
def test_facts_of_problems_select(project: Project, field: str) -> None:
    for text, value in (("A?", "a"), ("B?", "b"), ("None?", "")):
        marked(solved(project, text, problem={field: value}), 1)
    assert texts(project, **{f"{field}s": ["a"]}) == {"A?"}
    assert texts(project, **{f"{field}s": ["a", "b"]}) == {"A?", "B?"}
    assert texts(project) == {"A?", "B?", "None?"}


@pytest.mark.parametrize("marks", ["verdicts", "outcomes"])
def test_what_has_no_annotation_is_left_out_by_those_of_its_solution(
    project: Project, marks: str
) -> None:
    for text, flags in (
        ("Plain?", {}),
        ("Gold?", {"is_quality_control": True}),
        ("Entry?", {"is_screening": True}),
    ):
        solution = solved(project, text, is_correct=True)
        made = marked(solution, 1, 1, **flags)
        make_verdict(solution.steps.get(position=0), annotations=[made.pk])
    assert texts(project, marks=marks) == {"Plain?"}
    assert texts(project, marks=marks, quality_control=True) == {"Plain?", "Gold?"}
    assert texts(project, marks=marks, screening=True) == {"Plain?", "Entry?"}


@pytest.mark.parametrize("marks", ["verdicts", "outcomes"])
def test_what_has_no_annotation_is_of_the_round_of_its_solution(
    project: Project, marks: str
) -> None:
    for text, generation in (("None?", None), ("Five?", 5), ("Six?", 6)):
        solution = solved(project, text, is_correct=True, generation=generation)
        make_verdict(solution.steps.get(position=0))
    assert texts(project, marks=marks) == {"None?", "Five?", "Six?"}
    assert texts(project, marks=marks, generations=[5]) == {"Five?"}
    assert texts(project, marks=marks, generations=[5, None]) == {"Five?", "None?"}


def test_what_a_format_has_no_row_of_is_counted(project: Project) -> None:
    marked(solved(project, "Plain?"), 1, 1, 1)
    marked(solved(project, "Do Step 1: add. What is it?"), 1, 1, 1)
    names = ("math-shepherd", "prm800k")
    snapshot = frozen(project, *(Wanted(format=name, container="jsonl") for name in names))
    said = said_by(snapshot)["exports"]
    assert {name: said[name]["left_out"] for name in names} == {"math-shepherd": 1, "prm800k": 0}
    with stored.opened(snapshot.files.get(path="README.md").stored_as) as card:
        assert "| math-shepherd | jsonl | train 1 | 1 |" in card.read().decode()


def said_by(snapshot: Snapshot) -> Json:
    with stored.opened(snapshot.files.get(path="manifest.json").stored_as) as file:
        said: Json = orjson.loads(file.read())
    return said


def test_the_manifest_says_rules_code_counts_options_and_every_file(project: Project) -> None:
    marked(solved(project, "One?"), 1, 0, -1)
    rules: Json = {"neutral": "negative", "truncate": False, "alternatives": "none"}
    snapshot = frozen(
        project,
        Wanted(format="trl-stepwise", container="jsonl", name="by-rules"),
        Wanted(
            format="trl-stepwise",
            container="jsonl",
            name="by-itself",
            options={"neutral": "drop", "truncate": True, "alternatives": "rows"},
        ),
        **rules,
    )
    said = said_by(snapshot)
    assert {name: said["rules"][name] for name in rules} == rules
    assert said["rules"]["marks"] == "people"
    assert said["stepmark"] == version("stepmark")
    assert said["content_hash"] == snapshot.content_hash
    assert said["splits"]["train"]["labels"] == {"-1": 1, "0": 1, "1": 1}
    options = {name: export["options"] for name, export in said["exports"].items()}
    assert {name: options["by-rules"][name] for name in rules} == rules
    assert [options["by-itself"][name] for name in rules] == ["drop", True, "rows"]
    (by_rules,), (by_itself,) = (rows_of(snapshot, name) for name in ("by-rules", "by-itself"))
    assert by_rules["labels"] == [True, False, False]
    assert by_itself["labels"] == [True, False]
    listed = {file["path"]: file for file in said["files"]}
    for file in snapshot.files.exclude(kind="about"):
        with stored.opened(file.stored_as) as opened:
            assert listed[file.path]["sha256"] == sha256(opened.read()).hexdigest()
        assert listed[file.path]["rows"] == 1
    assert len(listed) == 3


@pytest.mark.parametrize("marks", ["verdicts", "outcomes"])
def test_what_nobody_marked_is_the_same_bytes_wherever_it_was_loaded(marks: str) -> None:
    hashes = set()
    for slug in ("here", "elsewhere"):
        solution = solved(make_project(slug), "One?", is_correct=True)
        make_verdict(solution.steps.get(position=0))
        hashes.add(frozen(solution.project, marks=marks).content_hash)
    assert len(hashes) == 1
