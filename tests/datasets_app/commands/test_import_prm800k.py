"""`manage.py import_prm800k` and what all import commands do alike."""

import gzip
import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from django.core.management import CommandError, call_command

from annotation.models import Project
from bench import prm800k
from datasets_app.management import importing
from tests.datasets_app.loaded import exported
from tests.datasets_app.prm800k_json import phase_1, phase_2
from tests.place import Stepmark

Json = dict[str, Any]


def lines(*records: Json) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def run(file: Path | str, *options: str) -> tuple[str, str, CommandError | None]:
    """Run the command; return what it said on both outputs, and its error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(
            "import_prm800k", str(file), "--project", "math", *options, stdout=out, stderr=err
        )
    except CommandError as error:
        return out.getvalue(), err.getvalue(), error
    return out.getvalue(), err.getvalue(), None


@pytest.mark.django_db
def test_it_imports_and_says_what_it_did(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_bytes(lines(phase_1(), phase_2()))
    said, _, error = run(file)
    assert error is None
    assert said == f"{file}: 2 annotations read, 2 added, 0 already there, 0 bad lines\n"
    said, _, _ = run(file)
    assert "0 added, 2 already there" in said
    assert exported() == [phase_1(), phase_2()]


@pytest.mark.django_db
def test_bad_lines_are_named_and_the_good_ones_kept(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    good = phase_1()
    wrong = phase_2()
    wrong["label"]["steps"][0]["completions"][0]["rating"] = 7
    file.write_bytes(
        lines(good) + b'{"a": NaN}\n' + lines(wrong) + b"{broken\n" + b'{"a": "\\u0000"}\n'
    )
    said, reported, error = run(file)
    assert [line.rpartition(str(file))[2].split(" ")[0] for line in reported.splitlines()] == [
        ":2:",
        ":3:",
        ":4:",
        ":5:",
    ]
    assert "label.steps.0.completions.0.rating" in reported
    assert "1 annotations read, 1 added, 0 already there, 4 bad lines" in said
    assert error is not None
    assert error.returncode == 1
    assert exported() == [good]


@pytest.mark.django_db
def test_strict_keeps_nothing_if_a_line_is_bad(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_bytes(lines(phase_1()) + b"{broken\n")
    said, _, error = run(file, "--strict")
    assert "0 added" in said
    assert error is not None
    assert error.returncode == 1
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_not_all_of_many_bad_lines_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SHOWN_BAD_LINES", 2)
    file = tmp_path / "records.jsonl"
    file.write_bytes(b"{\n" * 5)
    said, reported, _ = run(file)
    assert len(reported.splitlines()) == 3
    assert "5 bad lines" in said


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["records.jsonl.gz", "records.jsonl.zst"])
def test_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    squeeze = gzip.compress if name.endswith("gz") else zstandard.ZstdCompressor().compress
    (tmp_path / name).write_bytes(squeeze(lines(phase_1(), phase_2())))
    run(tmp_path / name)
    assert exported() == [phase_1(), phase_2()]


@pytest.mark.django_db
def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines(phase_2()))))
    said, _, _ = run("-")
    assert said.startswith("standard input: 1 annotations read, 1 added")
    assert exported() == [phase_2()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("file", "slug", "says"),
    [("no/such/file", "math", "cannot read no/such/file"), ("x", "not a slug", "not a slug")],
)
def test_what_cannot_be_done_is_said(file: str, slug: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command("import_prm800k", file, "--project", slug)
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_an_interrupted_import_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: Any, **options: Any) -> Iterator[Any]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("datasets_app.management.commands.import_prm800k.read_records", interrupted)
    _, _, error = run(tmp_path / "records.jsonl")
    assert error is not None
    assert "adds what is missing" in str(error)
    assert error.returncode == 130


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_import_keeps_whole_records_and_another_completes_it(
    tmp_path: Path, place: Stepmark, number: signal.Signals
) -> None:
    count, first_batch = 2500, 1000
    file = tmp_path / "records.jsonl"
    prm800k.write(file, count)
    place.hold(
        "annotation_annotation", f"(SELECT count(*) FROM annotation_annotation) > {first_batch}"
    )
    importing = place.start("manage.py", *f"import_prm800k {file} --project math".split())
    place.wait_until_held()
    os.kill(importing.pid, number)
    importing.wait()
    place.let_go()
    kept = int(place.query("Annotation.objects.count()"))
    assert kept == first_batch
    said = place.manage(f"import_prm800k {file} --project math").stdout
    assert f"{count - kept:,} added, {kept:,} already there" in said
    place.manage(f"export --project math --format prm800k --output {tmp_path / 'back.jsonl'}")
    back = (tmp_path / "back.jsonl").read_text().splitlines()
    source = file.read_text().splitlines()
    assert list(map(json.loads, back)) == list(map(json.loads, source))


@pytest.mark.slow
def test_a_killed_export_leaves_no_file_under_its_name(tmp_path: Path, place: Stepmark) -> None:
    file, out = tmp_path / "records.jsonl", tmp_path / "out"
    out.mkdir()
    prm800k.write(file, 6000)
    place.manage(f"import_prm800k {file} --project math")
    export = f"export --project math --format prm800k --output {out / 'back.jsonl'}"
    exporting = place.start("manage.py", *export.split())
    place.wait_until(lambda: any(out.iterdir()), what="the temporary file")
    exporting.kill()
    exporting.wait()
    assert not (out / "back.jsonl").exists()
