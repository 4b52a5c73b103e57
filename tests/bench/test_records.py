"""The benchmarks of records run, at a small size. Whether they are fast is for `make bench`."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

import bench.__main__ as bench
from bench import export_speed, freeze_speed, prm800k

FIELDS = {"name", "unit", "measured", "reference", "ratio", "limit", "limit_kind"}


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
def test_import_export_freezing_and_memory_are_measured(
    django_db_blocker: DjangoDbBlocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_speed, "ROUNDS", 1)
    monkeypatch.setattr(freeze_speed, "ROUNDS", 1)
    with django_db_blocker.unblock():
        measured = list(bench.measure_records(60, tmp_path))
    units = ["s", "s", "MB", "MB", "s", "s", "MB"]
    assert [measurement["unit"] for measurement in measured] == units
    for measurement in measured:
        assert measurement.keys() == FIELDS
        assert measurement["measured"] > 0
        assert measurement["reference"] > 0
        assert measurement["ratio"] > 0
        assert measurement["limit_kind"] == "at most"
    exported, reference = (
        [json.loads(record) for record in export_speed.records_of(tmp_path / name)]
        for name in ("export.jsonl", "reference.jsonl")
    )
    assert exported == reference == list(prm800k.records(60))


def measurement(name: str, ratio: float) -> dict[str, Any]:
    return {
        "name": name,
        "unit": "s",
        "measured": ratio * 3,
        "reference": 3.0,
        "ratio": ratio,
        "limit": 2.0,
        "limit_kind": "at most",
    }


def test_a_table_and_a_file_tell_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    assert bench.judge([measurement("quick", 1.5)], 60)
    assert not bench.judge([measurement("quick", 1.5), measurement("slow", 2.5)], 60)
    out = capsys.readouterr().out
    (line,) = (line for line in out.splitlines() if "slow" in line)
    for shown in ("7.5 s", "3.0 s", "2.50", "at most 2.0", "FAILED"):
        assert shown in line
    kept = json.loads(max((tmp_path / "results").iterdir()).read_text())
    assert kept["solutions"] == 60
    assert [one["passed"] for one in kept["measurements"]] == [True, False]
    assert {*kept["measurements"][0]} == {*FIELDS, "passed"}


def test_two_exports_that_differ_are_not_compared_for_speed(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "export.jsonl", tmp_path / "reference.jsonl"
    records = list(prm800k.records(3))
    ours.write_text("".join(json.dumps(record) + "\n" for record in records))
    # As PostgreSQL writes it: a record over several lines.
    lines = (json.dumps(record).replace("}, {", "}, \n {") for record in records)
    theirs.write_text("".join(line + "\n" for line in lines))
    export_speed.check_equal(ours, theirs)
    records[1]["label"]["total_time"] += 1
    theirs.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(AssertionError, match="record 2"):
        export_speed.check_equal(ours, theirs)


def test_a_ratio_is_held_against_its_limit() -> None:
    def measured(ratio: float, kind: str) -> dict[str, object]:
        return {"ratio": ratio, "limit": 2.0, "limit_kind": kind}

    assert bench.passed(measured(1.9, "at most"))
    assert not bench.passed(measured(2.1, "at most"))
    assert bench.passed(measured(2.1, "at least"))
    assert not bench.passed(measured(1.9, "at least"))
