"""`manage.py import_marks`."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Annotation, Solution, StepLabel
from labelers.models import IMPORTED, Labeler

pytestmark = pytest.mark.django_db

Json = dict[str, Any]
LINES = [
    {
        "input": "How much is 2 + 3? Step 1: I add. ки\nStep 2: The answer is: 6 ки",
        "label": "How much is 2 + 3? Step 1: I add. +\nStep 2: The answer is: 6 -",
        "task": "GSM8K",
    },
    {
        "input": "How much is 1 + 1? Step 1: The answer is: 2 ки",
        "label": "How much is 1 + 1? Step 1: The answer is: 2 +",
        "task": "MATH",
    },
]


def written(tmp_path: Path, *lines: Json | str) -> Path:
    file = tmp_path / "lines.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("".join(f"{text}\n" for text in texts))
    return file


def run(file: Path, *options: str, project: str = "marks") -> tuple[str, str]:
    """Run the command; return what it said, and what it reported."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(
            "import_marks", str(file), "--project", project, *options, stdout=out, stderr=err
        )
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def test_it_imports_and_importing_again_adds_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, *LINES)
    said, reported = run(file)
    assert "2 marked solutions read, 2 added, 0 already there, 0 bad lines" in said
    assert reported == ""
    before = (Labeler.objects.count(), StepLabel.objects.count())
    assert "0 added, 2 already there" in run(file, "--format", "math-shepherd")[0]
    assert (Labeler.objects.count(), StepLabel.objects.count()) == before == (1, 3)


def test_bad_lines_are_named_and_the_good_ones_kept(tmp_path: Path) -> None:
    file = written(tmp_path, LINES[0], "{broken", LINES[1] | {"label": "no"}, LINES[1])
    said, reported = run(file)
    assert "2 marked solutions read, 2 added, 0 already there, 2 bad lines" in said
    assert f"{file}:2: broken JSON" in reported
    assert f"{file}:3: label: does not go on as `input` does" in reported
    assert "the good ones are kept" in reported


def test_strict_keeps_nothing_if_a_line_is_bad(tmp_path: Path) -> None:
    run(written(tmp_path, LINES[0], "{broken"), "--strict")
    assert not Annotation.objects.exists()
    assert not Solution.objects.exists()


def test_a_file_of_another_kind_is_called_by_its_name(tmp_path: Path) -> None:
    _, reported = run(written(tmp_path, {"question": "How many?", "answer": "#### 3"}))
    assert "fits no format of marked solutions" in reported
    assert "that of problems called gsm8k" in reported


def test_the_labeler_is_a_model_that_marks_nothing_here(tmp_path: Path) -> None:
    run(written(tmp_path, *LINES))
    labeler = Labeler.objects.get()
    assert (labeler.kind, labeler.name, labeler.judge) == ("model", "math-shepherd", IMPORTED)
    assert not Labeler.objects.current().exists()


def test_an_own_model_of_the_same_name_is_another_labeler(tmp_path: Path) -> None:
    own = Labeler.objects.create(kind="model", name="math-shepherd", judge="prm")
    run(written(tmp_path, LINES[0]))
    run(written(tmp_path, LINES[1]), project="others")
    assert not own.annotations.exists()
    assert Labeler.objects.exclude(pk=own.pk).get().annotations.count() == 2


def test_its_marks_are_not_exported_as_peoples(tmp_path: Path) -> None:
    run(written(tmp_path, *LINES))
    output = tmp_path / "out.jsonl"
    export = ("export", "--project", "marks", "--format", "math-shepherd", "--output", str(output))
    with pytest.raises(CommandError, match="models have 2: --labelers models"):
        call_command(*export, stdout=io.StringIO())
    call_command(*export, "--labelers", "math-shepherd", stdout=io.StringIO())
    assert [json.loads(line) for line in output.read_text().splitlines()] == LINES


def test_a_solution_that_is_there_gets_the_marks(tmp_path: Path) -> None:
    solution = {"problem": "How much is 2 + 3?", "steps": ["I add.", "The answer is: 6"]}
    (tmp_path / "solutions").mkdir()
    file = written(tmp_path / "solutions", solution)
    call_command("import_solutions", str(file), "--project", "marks", stdout=io.StringIO())
    run(written(tmp_path, LINES[0]))
    (found,) = Solution.objects.all()
    assert found.annotations.get().labels.count() == 2
