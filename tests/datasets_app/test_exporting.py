"""Every format into the files of a version, as lines and as columns."""

import json
from typing import Any

import pytest
from pyarrow import parquet

from annotation.models import Project
from datasets_app import stored
from datasets_app.exporters import EXPORTERS
from datasets_app.exporters.base import ORIGIN
from datasets_app.importers import get_importer
from datasets_app.loading import load_marks
from datasets_app.snapshots import Wanted
from tests.datasets_app.frozen import frozen, rows_of
from tests.datasets_app.loaded import imported, refuse

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]
TREE = {
    "question": "What is $2+3$?",
    "final_answer": "5",
    "reasoning_steps": {
        "text": "What is $2+3$?",
        "mc_value": 0.75,
        "children": [
            {
                "text": "I add.",
                "mc_value": 0.75,
                "children": [
                    {"text": "# Answer\n\n5", "mc_value": 1.0, "children": []},
                    {"text": "# Answer\n\n6", "mc_value": 0.0, "children": []},
                ],
            }
        ],
    },
}


@pytest.mark.parametrize("name", sorted(EXPORTERS))
def test_the_columns_of_each_format_say_what_its_lines_say(name: str) -> None:
    records = get_importer("math-aps-tree")().records(TREE)
    load_marks(project_slug="aps", entries=imported(records), report=refuse)
    lines = Wanted(format=name, container="jsonl", name="lines")
    columns = Wanted(format=name, container="parquet", name="columns")
    snapshot = frozen(Project.objects.get(slug="aps"), lines, columns, marks="models")

    (file,) = snapshot.files.filter(kind="rows", export__name="columns")
    with stored.opened(file.stored_as) as opened:
        table = parquet.read_table(opened)
    assert len(set(table.column_names)) == len(table.column_names)
    typed: list[Json] = table.to_pylist()
    written = rows_of(snapshot, "lines")
    if name == "math-aps-tree":
        typed = [row | {"reasoning_steps": json.loads(row["reasoning_steps"])} for row in typed]
    assert typed == written
    if EXPORTERS[name].holds_origin:
        assert all(row.keys() >= set(ORIGIN) for row in written)
