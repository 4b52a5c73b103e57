"""The newcomer's first command, as a newcomer runs it."""

import json
import re
from pathlib import Path

import pytest

from config.management.commands.demo import PROBLEMS, SAMPLING
from tests.place import Stepmark


def option(name: str) -> int:
    found = re.search(rf"{name} (\d+)", SAMPLING)
    assert found
    return int(found[1])


def test_the_demo_draws_at_most_15000_tokens() -> None:
    problems = len(PROBLEMS.read_text().splitlines())
    assert problems >= 40
    assert problems * option("-n") * option("--max-tokens") <= 15_000


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def without_time(printed: str) -> str:
    """Return the table and the files of a demo's output, less the time that this run took."""
    table = printed[printed.index("what happened") : printed.index("account: ")]
    return re.sub(r"time of this run.*", "", table)


@pytest.mark.slow
@pytest.mark.xdist_group("both cores")
def test_the_demo_makes_datasets_and_a_second_one_adds_nothing(
    place: Stepmark, tmp_path: Path
) -> None:
    line = f"demo --problems 6 --output {tmp_path}"
    first = place.manage(line).stdout
    records = [json.loads(line) for line in lines(tmp_path / "prm800k.jsonl")]
    assert len(records) >= 6
    assert {step["rating"] for record in records for step in completions(record)} >= {1, None}
    rows = [json.loads(line) for line in lines(tmp_path / "trl-stepwise.jsonl")]
    assert rows
    for row in rows:
        assert len(row["completions"]) == len(row["labels"])
        assert all(isinstance(label, bool) for label in row["labels"])
    drawn = int(place.query("Run.objects.get(kind='sampling').completion_tokens"))
    assert 0 < drawn <= 15_000
    assert f"{drawn:,}" in first
    assert re.search(r"account: demo, password: \S+ ", first)

    files = {path: path.read_bytes() for path in tmp_path.iterdir()}
    again = place.manage(line).stdout
    assert without_time(again) == without_time(first)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files
    assert "password: " not in again


def completions(
    record: dict[str, dict[str, list[dict[str, list[dict[str, object]]]]]],
) -> list[dict[str, object]]:
    return [each for step in record["label"]["steps"] for each in step["completions"]]
