"""`manage.py import_problems`."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Problem
from tests.shared_data import shared_file

pytestmark = pytest.mark.django_db


def run(file: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_problems", str(file), "--project", "math", *options, stdout=out)
    return out.getvalue()


def test_it_tells_the_format_by_itself_and_adds_nothing_twice() -> None:
    file = shared_file("gsm8k_test.jsonl")
    assert "1,000 added" in run(file)
    assert "0 added, 1,000 already there" in run(file, "--format", "gsm8k")
    assert Problem.objects.exclude(reference_answer=None).count() == 1000


def test_a_split_is_given_to_problems_that_name_none(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    problems = [{"text": "2+3?"}, {"text": "3+3?", "split": "train"}]
    file.write_text("\n".join(map(json.dumps, problems)))
    run(file, "--split", "test")
    assert dict(Problem.objects.values_list("text", "split")) == {"2+3?": "test", "3+3?": "train"}


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="gsm8k"):
        run(tmp_path / "problems.jsonl", "--format", "prm800k")


def test_the_bundled_problems_are_all_good() -> None:
    bundled = Path(__file__).resolve().parents[3] / "datasets_app" / "problems" / "school.jsonl"
    assert "0 bad lines" in run(bundled)
    assert Problem.objects.count() >= 40
