import json
from pathlib import Path
from typing import Any

import pytest

from datasets_app.importers import IMPORTERS, Imported, get_importer, importers_of, read_records
from datasets_app.lines import BadLine
from datasets_app.records import AnnotationRecord, MarkedRecord, ProblemRecord, SolutionRecord
from datasets_app.sources import CannotRead
from tests.datasets_app.prm800k_json import phase_1
from web.registry import UnknownName

GSM8K = {"question": "How many?", "answer": "#### 3"}
MATH = {"problem": "How many?", "answer": "3"}
OWN = {"text": "How many?", "reference_answer": "3"}
SOLUTION = {"problem": "How many?", "solution": "3"}


def written(tmp_path: Path, *values: Any) -> Path:
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values))
    return path


def test_the_lookup_knows_every_importer_and_lists_them_for_an_unknown_name() -> None:
    assert all(get_importer(name).name == name for name in IMPORTERS)
    with pytest.raises(UnknownName, match="no importer is named 'csv'; known: gsm8k, gsm8k_sol"):
        get_importer("csv")


def test_each_kind_of_record_has_its_importers() -> None:
    assert sorted(importers_of(ProblemRecord)) == ["gsm8k", "jsonl", "math"]
    assert sorted(importers_of(SolutionRecord)) == ["gsm8k_solutions", "solutions"]
    assert sorted(importers_of(AnnotationRecord)) == ["prm800k"]
    assert sorted(importers_of(MarkedRecord)) == [
        "math-aps-tree",
        "math-shepherd",
        "processbench",
        "steps",
    ]


@pytest.mark.parametrize(("value", "source"), [(GSM8K, "gsm8k"), (MATH, "math"), (OWN, "")])
def test_auto_takes_the_importer_that_fits(
    tmp_path: Path, value: dict[str, Any], source: str
) -> None:
    (entry,) = read_records(written(tmp_path, value), ProblemRecord)
    assert isinstance(entry, Imported)
    assert entry.record.source == source
    assert entry.record.reference_answer == "3"


def test_auto_looks_among_importers_of_the_kind_asked_for(tmp_path: Path) -> None:
    (entry,) = read_records(written(tmp_path, SOLUTION), SolutionRecord)
    assert isinstance(entry, Imported)
    assert entry.record.text == "3"


def test_auto_decides_once_by_the_first_line_that_fits(tmp_path: Path) -> None:
    path = written(tmp_path, [], {"other": 1}, GSM8K, MATH, GSM8K)

    entries = list(read_records(path, ProblemRecord))

    assert entries[0] == BadLine(str(path), 1, "not a JSON object but a list")
    assert entries[1] == BadLine(str(path), 2, "fits no format of problems (gsm8k, jsonl, math)")
    assert entries[3] == BadLine(str(path), 4, "question: is missing")
    assert [entry.number for entry in entries if isinstance(entry, Imported)] == [3, 5]


def test_a_file_of_another_kind_is_called_by_its_name(tmp_path: Path) -> None:
    (entry,) = read_records(written(tmp_path, phase_1()), ProblemRecord)
    assert isinstance(entry, BadLine)
    assert entry.reason == (
        "fits no format of problems (gsm8k, jsonl, math), but that of annotations called prm800k"
    )


def test_a_named_importer_is_used_whatever_the_lines_look_like(tmp_path: Path) -> None:
    entries = list(read_records(written(tmp_path, GSM8K, OWN), ProblemRecord, "jsonl"))
    assert isinstance(entries[0], BadLine)
    assert entries[0].reason == "text: is missing"
    assert isinstance(entries[1], Imported)


def test_an_importer_that_makes_another_kind_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UnknownName) as error:
        read_records("absent.jsonl", ProblemRecord, "prm800k")
    assert str(error.value) == (
        "no importer of problems is named 'prm800k'; known: gsm8k, jsonl, math"
    )


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(CannotRead, match=r"absent\.jsonl"):
        list(read_records("absent.jsonl", ProblemRecord))


def test_a_record_can_be_reported_with_its_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, GSM8K, GSM8K)
    second = list(read_records(path, ProblemRecord))[1]
    assert isinstance(second, Imported)
    assert second.bad("no such problem") == BadLine(str(path), 2, "no such problem")


def test_progress_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, GSM8K)
    seen: list[int] = []
    list(read_records(path, ProblemRecord, progress=seen.append))
    assert seen[-1] == path.stat().st_size
