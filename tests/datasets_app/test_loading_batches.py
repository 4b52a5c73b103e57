"""What every import promises when it is broken off, doubled or bad."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError, connection

from annotation.models import Annotation, Problem, Project, Solution, Step, StepLabel
from bench import prm800k
from datasets_app.importers import Imported
from datasets_app.lines import BadLine
from datasets_app.loading import (
    Loaded,
    batches,
    candidates,
    load_annotations,
    load_problems,
    load_solutions,
)
from datasets_app.prm800k import prm800k_from_json
from datasets_app.records import AnnotationRecord, ProblemRecord, SolutionRecord
from labelers.models import Labeler
from tests.datasets_app.loaded import exported, imported, load_json, refuse
from tests.datasets_app.prm800k_json import candidate, phase_2

pytestmark = pytest.mark.django_db

BAD = BadLine("records.jsonl", 2, "broken JSON")
Entry = Imported[AnnotationRecord] | BadLine


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 3)


@pytest.fixture
def records() -> list[dict[str, Any]]:
    """More than one batch, with a problem and a solution that several records share."""
    return [*prm800k.records(10), prm800k.record(48), prm800k.record(49)]


def entries(records: list[dict[str, Any]]) -> list[Imported[AnnotationRecord]]:
    return imported(prm800k_from_json(record) for record in records)


@pytest.mark.usefixtures("small_batches")
def test_bad_lines_are_kept_out_and_reported(records: list[dict[str, Any]]) -> None:
    good = entries(records)
    reported: list[BadLine] = []
    loaded = load_annotations(
        project_slug="math", entries=[*good[:5], BAD, *good[5:]], report=reported.append
    )
    assert (loaded.read, loaded.added, loaded.known, loaded.bad) == (12, 12, 0, 1)
    assert reported == [BAD]
    assert exported() == records


@pytest.mark.usefixtures("small_batches")
def test_a_strict_import_with_a_bad_line_keeps_nothing(records: list[dict[str, Any]]) -> None:
    loaded = load_annotations(
        project_slug="math", entries=[*entries(records), BAD], strict=True, report=lambda _: None
    )
    assert (loaded.added, loaded.bad) == (0, 1)
    for table in (Project, Problem, Solution, Labeler):
        assert not table.objects.exists()


@pytest.mark.usefixtures("small_batches")
def test_a_strict_import_without_one_keeps_all(records: list[dict[str, Any]]) -> None:
    load_annotations(project_slug="math", entries=entries(records), strict=True, report=refuse)
    assert exported() == records


def test_a_file_without_a_good_record_makes_no_project() -> None:
    load_annotations(project_slug="math", entries=[BAD], report=lambda _: None)
    assert not Project.objects.exists()


@pytest.mark.usefixtures("small_batches")
def test_an_import_that_breaks_off_keeps_its_batches_and_is_completed_by_another(
    records: list[dict[str, Any]],
) -> None:
    def broken_off() -> Iterator[Entry]:
        yield from entries(records)[:8]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_annotations(project_slug="math", entries=broken_off(), report=refuse)
    assert exported() == records[:6]
    again = load_json(records)
    assert (again.added, again.known) == (6, 6)
    assert exported() == records


@pytest.mark.usefixtures("small_batches")
def test_a_batch_that_fails_half_way_leaves_nothing_of_itself(
    records: list[dict[str, Any]],
) -> None:
    real, calls = batches._write, []

    def write(*arguments: Any) -> int:
        calls.append(arguments)
        if len(calls) == 2:
            with patch("datasets_app.loading.annotations.LABEL_COLUMNS", ("no", "such")):
                return real(*arguments)
        return real(*arguments)

    with patch.object(batches, "_write", write), pytest.raises(Exception, match="no"):
        load_json(records)
    assert exported() == records[:3]
    labels = StepLabel.objects.values("annotation_id")
    assert set(labels.values_list("annotation_id", flat=True)) == set(
        Annotation.objects.values_list("id", flat=True)
    )


def test_a_batch_ends_where_its_lines_are_long(records: list[dict[str, Any]]) -> None:
    read = (prm800k_from_json(record) for record in records)
    long = imported(read, length=batches.BATCH_BYTES // 2)
    with patch.object(batches, "_write", wraps=batches._write) as write:
        load_annotations(project_slug="math", entries=long, report=refuse)
    assert write.call_count == len(records) / 2
    assert exported() == records


TOO_MANY_STEPS = SolutionRecord(
    problem=ProblemRecord(text="2+3?"), text="\n".join("x" * 32_769), steps=("x",) * 32_769
)
GOOD_SOLUTIONS = [
    SolutionRecord(problem=ProblemRecord(text="2+3?"), text=f"It is {n}.") for n in range(6)
]


def load_around(*wrong: SolutionRecord, strict: bool = False) -> tuple[Loaded, list[BadLine]]:
    entries = imported([*GOOD_SOLUTIONS[:4], *wrong, *GOOD_SOLUTIONS[4:]])
    reported: list[BadLine] = []
    loaded = load_solutions(
        project_slug="math", entries=entries, strict=strict, report=reported.append
    )
    return loaded, reported


def test_a_record_that_the_tables_refuse_is_a_bad_line_and_the_others_are_kept() -> None:
    unknown = SolutionRecord(problem="no such id", text="It is 5.")
    loaded, reported = load_around(TOO_MANY_STEPS, unknown)
    assert (loaded.read, loaded.added, loaded.bad) == (6, 6, 2)
    assert [line.number for line in reported] == [5, 6]
    assert "cannot be kept" in reported[0].reason
    assert "smallint" in reported[0].reason
    texts = Solution.objects.order_by("id").values_list("text", flat=True)
    assert list(texts) == [record.text for record in GOOD_SOLUTIONS]


def test_a_strict_import_of_a_record_that_the_tables_refuse_keeps_nothing() -> None:
    loaded, reported = load_around(TOO_MANY_STEPS, strict=True)
    assert (loaded.added, loaded.bad) == (0, 1)
    assert [line.number for line in reported] == [5]
    assert not Project.objects.exists()


def test_candidates_beyond_those_that_a_position_can_number_make_a_bad_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "LAST_ALTERNATIVE", 4)
    values = [phase_2() for _ in range(4)]
    for number, value in enumerate(values):
        offered = [candidate(f"It is {number}.{n}") for n in range(2 if number else 3)]
        value["label"]["steps"][1]["completions"][1:] = offered
    reported: list[BadLine] = []
    loaded = load_annotations(project_slug="math", entries=entries(values), report=reported.append)
    assert (loaded.read, loaded.added, loaded.bad) == (1, 1, 3)
    assert str(reported[0]) == (
        "records.jsonl:2: cannot be kept: position 1 of its solution has more than 4 candidates"
    )
    assert exported() == values[:1]


def test_a_batch_that_lost_a_race_is_written_again() -> None:
    real = batches._keep_other_imports_out
    lost: list[Project] = []

    def another_was_faster(project: Project) -> None:
        real(project)
        if not lost:
            lost.append(project)
            raise IntegrityError("another was faster")

    with patch.object(batches, "_keep_other_imports_out", another_was_faster):
        loaded = load_problems(
            project_slug="math", entries=imported([ProblemRecord(text="2+3?")]), report=refuse
        )
    assert lost
    assert loaded.added == 1
    assert Problem.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_two_imports_at_once_add_each_record_once(records: list[dict[str, Any]]) -> None:
    def load() -> int:
        try:
            return load_json(records).added
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        added = [future.result() for future in [threads.submit(load), threads.submit(load)]]
    assert sum(added) == len(records)
    assert exported() == records
    assert Solution.objects.count() == len(records) - 1
    assert Problem.objects.count() == 3
    assert Step.objects.values("solution", "position", "alternative").distinct().count() == (
        Step.objects.count()
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_batches")
def test_strict_imports_into_two_projects_do_not_wait_for_each_other_s_labelers_crosswise() -> None:
    records = list(prm800k.records(60))

    def load(slug: str, values: list[dict[str, Any]]) -> int:
        try:
            return load_annotations(
                project_slug=slug, entries=entries(values), strict=True, report=refuse
            ).added
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(load, "one", records)
        two = threads.submit(load, "two", records[::-1])
        assert one.result() == two.result() == len(records)
    assert Labeler.objects.count() == len({record["labeler"] for record in records})
