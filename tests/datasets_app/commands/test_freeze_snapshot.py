"""`manage.py freeze_snapshot` and `hold_out`."""

import gzip
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from datasets_app.models import Dataset, HeldOut, Snapshot
from tests.datasets_app.frozen import solutions_of
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_project

pytestmark = pytest.mark.django_db(transaction=True)


def say(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def freeze(*words: str) -> str:
    return say("freeze_snapshot", "--project", "math", "--dataset", "steps", *words)


def test_a_version_is_frozen_and_summed_up() -> None:
    load_json([phase_2()])
    said = freeze("--title", "Steps", "--format=prm800k:jsonl.gz", "--format=sft", "--wait")
    snapshot = Snapshot.objects.get()
    assert "train: 1 problems, 1 solutions, 3 labels" in said
    assert snapshot.content_hash in said
    assert Dataset.objects.get().title == "Steps"
    assert [e.container for e in snapshot.exports.order_by("name")] == ["jsonl.gz", "parquet"]
    freeze("--wait")
    assert [one.version for one in Snapshot.objects.order_by("pk")] == [1, 2]
    assert len(set(Snapshot.objects.values_list("content_hash", flat=True))) == 1


def test_without_wait_the_workers_freeze_it() -> None:
    load_json([phase_2()])
    assert "by the workers" in freeze()
    assert Snapshot.objects.get().state == Snapshot.State.FREEZING


def test_rules_come_from_a_file_and_the_command_line_adds_to_them(tmp_path: Path) -> None:
    load_json([phase_2()])
    rules, evaluation = tmp_path / "rules.json", tmp_path / "eval.jsonl"
    rules.write_text(json.dumps({"correctness": "any", "splits": {"shares": {"test": 1}}}))
    evaluation.write_text('{"text": "Another one?"}\n')
    assert "eval.jsonl: 1 problems" in say("hold_out", str(evaluation), "--project", "math")
    said = freeze("--rules", str(rules), "--held-out", "eval.jsonl", "--wait")
    assert "held out by eval.jsonl: 0 problems" in said
    assert len(solutions_of(Snapshot.objects.get(), "test")) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--marks", "nobody"], "marks: 'nobody' is not one of"),
        (["--held-out", "eval"], r"held_out\[0\]: nothing is held out under the name 'eval'"),
        (["--format", "nothing"], "no format 'nothing'; known:"),
        (["--format", "prm800k:zip"], "no container 'zip'; known: jsonl"),
        (["--format", "prm800k", "--format", "prm800k"], "cannot have the same folder 'prm800k'"),
        (["--rules", "missing.json"], "cannot read missing.json"),
        (["--dataset", "new"], "'new': this name is taken by a page"),
        (["--dataset", "a b"], "'a b': letters, digits"),
        (["--license", "mit: x"], "'mit: x': Only letters, digits, dots"),
    ],
)
def test_what_cannot_be_frozen_is_refused_before_anything_is_made(
    words: list[str], reason: str
) -> None:
    make_project("math")
    with pytest.raises(CommandError, match=reason):
        freeze(*words)
    assert not Snapshot.objects.exists()


def test_rules_that_leave_nothing_fail_and_say_why() -> None:
    make_project("math")
    with pytest.raises(CommandError, match="no problem of the project meets them"):
        freeze("--wait")
    assert Snapshot.objects.get().state == Snapshot.State.FAILED


def test_a_file_with_a_bad_line_is_not_held_out(tmp_path: Path) -> None:
    make_project("math")
    path = tmp_path / "eval.jsonl"
    path.write_text('{"text": "One?"}\n{"text": 2}\n')
    with pytest.raises(CommandError, match=r"eval.jsonl:2: text.*nothing is held out"):
        say("hold_out", str(path), "--project", "math")
    assert not HeldOut.objects.exists()


def test_a_name_keeps_its_problems(tmp_path: Path) -> None:
    make_project("math")
    path = tmp_path / "eval.jsonl"
    path.write_text('{"text": "One?"}\n')
    say("hold_out", str(path), "--project", "math")
    say("hold_out", str(path), "--project", "math")
    path.write_text('{"text": "Two?"}\n')
    with pytest.raises(CommandError, match="other problems are held out under the name"):
        say("hold_out", str(path), "--project", "math")
    assert HeldOut.objects.get().texts == ["One?"]


def test_what_is_refused_makes_no_dataset_and_a_title_can_be_changed() -> None:
    load_json([phase_2()])
    with pytest.raises(CommandError):
        freeze("--held-out", "nothing")
    assert not Dataset.objects.exists()
    freeze("--title", "One", "--wait")
    freeze("--license", "mit", "--wait")
    dataset = Dataset.objects.get()
    assert (dataset.title, dataset.license) == ("One", "mit")


def test_a_version_is_copied_as_readers_name_its_files(tmp_path: Path) -> None:
    load_json([phase_2()])
    freeze("--format=prm800k:jsonl.gz", "--format=sft", "--wait")
    out = tmp_path / "out"
    said = say("copy_snapshot", "math/steps", "1", str(out), "--format", "prm800k")
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    about = {"README.md", "manifest.json", "croissant.json"}
    rows = {"prm800k/train-00000.jsonl.gz", "prm800k/origins/train-00000.jsonl.zst"}
    assert there == about | rows
    assert "5 files" in said
    (line,) = gzip.decompress((out / "prm800k/train-00000.jsonl.gz").read_bytes()).splitlines()
    assert json.loads(line) == phase_2()
    with pytest.raises(CommandError, match="no version 2 of math/steps is frozen"):
        say("copy_snapshot", "math/steps", "2", str(tmp_path))
    with pytest.raises(CommandError, match="version 1 has no 'orm'"):
        say("copy_snapshot", "math/steps", "1", str(tmp_path), "--format", "orm")
