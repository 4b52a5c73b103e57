"""`manage.py export`."""

import gzip
import io
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command

from annotation.models import StepLabel
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_1, phase_2
from tests.factories import make_annotation, make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db
RECORDS = [phase_1(), phase_2()]


def run(output: Path | str, *options: str, kind: str = "prm800k", project: str = "math") -> str:
    out = io.StringIO()
    call_command(
        *("export", "--project", project, "--format", kind, "--output", str(output), *options),
        stdout=out,
        stderr=out,
    )
    return out.getvalue()


def rows(text: str | bytes) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_it_writes_the_records_and_says_so(tmp_path: Path) -> None:
    load_json(RECORDS)
    output = tmp_path / "back.jsonl"
    assert run(output) == f"{output}: 2 annotations, 2 rows\n"
    assert rows(output.read_bytes()) == RECORDS
    assert list(tmp_path.iterdir()) == [output]


def test_a_suffix_compresses(tmp_path: Path) -> None:
    load_json(RECORDS)
    run(tmp_path / "back.jsonl.gz")
    assert rows(gzip.decompress((tmp_path / "back.jsonl.gz").read_bytes())) == RECORDS


def test_a_dash_is_standard_output() -> None:
    load_json(RECORDS)
    with patch("sys.stdout", io.TextIOWrapper(buffer := io.BytesIO())):
        assert run("-") == "2 annotations, 2 rows\n"
        assert rows(buffer.getvalue()) == RECORDS


def test_options_reach_the_exporter(tmp_path: Path) -> None:
    load_json([phase_2()])
    output = tmp_path / "rows.jsonl"
    run(output, "--neutral", "drop", "--separator", r"\n\n", kind="trl-stepwise")
    (row,) = rows(output.read_bytes())
    assert row["completions"] == ["I add.\n\nThat makes 6."]
    run(output, "--alternatives", "rows", kind="trl-stepwise")
    assert len(rows(output.read_bytes())) == 2
    StepLabel.objects.filter(rating=0).update(rating=-1)
    run(output, "--keep-after-error", kind="trl-stepwise")
    assert rows(output.read_bytes())[0]["labels"] == [False, False]
    run(output, "--truncate")
    assert len(rows(output.read_bytes())[0]["label"]["steps"]) == 1
    run(output, "--labels", "soft", kind="openrlhf")
    assert rows(output.read_bytes())[0]["value"] == [0.0]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    nothing = phase_1()
    nothing["label"]["steps"] = []
    load_json([nothing])
    said = run(tmp_path / "rows.jsonl", kind="trl-stepwise")
    assert "1 annotations, 0 rows, 1 annotations without a row" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"project": "physics"}, "no project has the slug 'physics'"),
        ({"labelers": "nobody"}, "no labeler 'nobody'"),
        ({"neutral": "keep"}, "positive, negative, drop"),
        ({"format": "prm800k", "separator": r"\n"}, "prm800k cannot have separator"),
        ({"output": "no/such/folder/rows.jsonl"}, "cannot write no/such/folder"),
    ],
)
def test_what_cannot_be_done_is_said_and_no_file_is_made(
    tmp_path: Path, options: dict[str, str], says: str
) -> None:
    load_json([phase_2()])
    asked = {"project": "math", "format": "trl-stepwise", "output": str(tmp_path / "x"), **options}
    with pytest.raises(CommandError, match=says):
        call_command("export", **asked)
    assert not list(tmp_path.iterdir())


def test_an_export_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    load_json(RECORDS)
    with (
        patch("datasets_app.management.commands.export.write_rows", side_effect=KeyboardInterrupt),
        pytest.raises(CommandError, match="no file is written"),
    ):
        run(tmp_path / "back.jsonl")
    assert not list(tmp_path.iterdir())


def test_an_export_that_finds_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    solution = make_solution(make_problem(make_project("machines")))
    make_annotation(solution, ratings=[1])
    kept = tmp_path / "kept.jsonl"
    kept.write_text("old")
    with pytest.raises(CommandError, match=r"by people: nothing.*models have 1: --labelers models"):
        run(kept, project="machines")
    assert kept.read_text() == "old"


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    load_json(RECORDS)
    with pytest.raises(CommandError, match="cannot write"):
        run(tmp_path)
    with pytest.raises(CommandError, match="cannot write"):
        run(".")
