"""`manage.py import_solutions`."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Solution

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "solutions.jsonl"


def run(file: Path, *options: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(
        "import_solutions", str(file), "--project", "math", *options, stdout=out, stderr=err
    )
    return out.getvalue(), err.getvalue()


def write(file: Path, *values: Any) -> None:
    file.write_text("".join(json.dumps(value) + "\n" for value in values))


def test_it_imports_solutions_with_their_problems(file: Path) -> None:
    write(file, {"problem": "2+3?", "reference_answer": "5", "solution": "Add.\n\n# Answer\n\n5"})
    said, _ = run(file)
    assert "1 solutions read, 1 added" in said
    assert Solution.objects.get().is_correct is True


def test_the_next_step_is_named_where_something_was_added(file: Path) -> None:
    write(file, {"problem": "2+3?", "solution": "Add."})
    assert "manage.py route --project math" in run(file)[0]
    assert "route" not in run(file)[0]


def test_a_splitter_can_be_chosen(file: Path) -> None:
    write(file, {"problem": "2+3?", "solution": "One.\nTwo.\n\nThree."})
    run(file, "--splitter", "blank_line")
    assert Solution.objects.get().steps.count() == 2


def test_an_unknown_problem_id_is_a_bad_line(file: Path) -> None:
    write(file, {"problem": "2+3?", "solution": "5"}, {"problem_id": "x", "solution": "5"})
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 bad line: the good ones are kept"):
        call_command("import_solutions", str(file), "--project", "math", stderr=err)
    assert f"{file}:2: no problem in the project has the id 'x'" in err.getvalue()
    assert Solution.objects.count() == 1
