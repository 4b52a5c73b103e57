"""The types that exporters say their rows have, which Parquet then holds them to."""

import json

import pyarrow as pa
import pytest

from datasets_app.exporters import EXPORTERS, get_exporter
from datasets_app.marked import MarkedSolution
from tests.datasets_app.exporters.exporting import chosen, solution, unmarked, written
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import phase_1, phase_2
from tests.shared_data import shared_file

FROM_ROLLOUTS = {"math-aps-tree"}
"""Whose rows need what judges keep of their rollouts."""
SPELT = {"prm800k"}
"""Whose rows lack keys that their records lacked, which columns cannot."""


def solutions() -> list[MarkedSolution]:
    return [
        marked(phase_1()),
        marked(phase_2()),
        written(solution(chosen("Count on."), chosen("It is 5."), id="right"), is_correct=True),
        written(solution(chosen("I guess.", -1), id="wrong"), is_correct=False),
        unmarked("I add.", "It is 5.", hint=True),
    ]


def columns(name: str, of_problem: list[MarkedSolution]) -> tuple[int, bool]:
    """Return how many rows there are, and whether the schema holds them as they are."""
    exporter = get_exporter(name)()
    rows = [exporter.typed(row.value) for row in exporter.rows(of_problem)]
    return len(rows), pa.Table.from_pylist(rows, schema=exporter.schema()).to_pylist() == rows


@pytest.mark.parametrize("name", sorted(set(EXPORTERS) - FROM_ROLLOUTS - SPELT))
def test_rows_are_what_the_schema_says(name: str) -> None:
    count, are_equal = columns(name, solutions())
    assert count > 0
    assert are_equal


@pytest.mark.parametrize("name", sorted(set(EXPORTERS) - SPELT))
def test_rows_of_real_records_are_what_the_schema_says(name: str) -> None:
    for line in shared_file("prm800k.jsonl").read_text().splitlines():
        _, are_equal = columns(name, [marked(json.loads(line))])
        assert are_equal
