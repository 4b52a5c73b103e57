"""`croissant.json` as mlcroissant, the format's own library, reads it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import mlcroissant
import pytest

from datasets_app.containers import CONTAINERS
from tests.datasets_app.frozen import laid_out, rows_of
from tests.datasets_app.published import FORMATS, publish

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # What mlcroissant and rdflib do within themselves.
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]


def read(folder: Path) -> Any:
    opened = mlcroissant.Dataset(jsonld=folder / "croissant.json")
    assert not opened.metadata.ctx.issues.errors
    return opened


def test_every_format_in_columns_is_read_as_records(tmp_path: Path) -> None:
    snapshot = publish("parquet", splits={"shares": {"train": 0.5, "test": 0.5}, "seed": 1})
    opened = read(laid_out(snapshot, tmp_path))
    assert {one.id for one in opened.metadata.record_sets} == set(FORMATS)
    for name in FORMATS:
        rows = snapshot.files.filter(kind="rows", export__name=name)
        counts = rows.values_list("rows", flat=True)
        assert len(list(opened.records(name))) == sum(counts) > 0


def test_records_have_the_values_of_the_rows_and_their_split(tmp_path: Path) -> None:
    snapshot = publish("jsonl", ["trl-stepwise", "rlhflow-prm"])
    opened = read(laid_out(snapshot, tmp_path))
    rows, name = rows_of(snapshot, "trl-stepwise"), "trl-stepwise"
    for record, row in zip(opened.records(name), rows, strict=True):
        assert record[f"{name}/prompt"].decode() == row["prompt"]
        assert [one.decode() for one in record[f"{name}/completions"]] == row["completions"]
        assert record[f"{name}/labels"] == row["labels"]
        assert record[f"{name}/weight"] == row["weight"]
        assert record[f"{name}/split"] == b"train"
    turns = "rlhflow-prm/conversations"
    for record, row in zip(
        opened.records("rlhflow-prm"), rows_of(snapshot, "rlhflow-prm"), strict=True
    ):
        assert [
            {"role": turn[f"{turns}/role"].decode(), "content": turn[f"{turns}/content"].decode()}
            for turn in record[turns]
        ] == row["conversations"]


@pytest.mark.parametrize("container", sorted(CONTAINERS))
def test_it_is_valid_in_every_container_and_names_every_file(
    container: str, tmp_path: Path
) -> None:
    snapshot = publish(container, ["prm800k", "math-aps-tree"])
    folder = laid_out(snapshot, tmp_path)
    objects = {one.content_url: one.sha256 for one in read(folder).metadata.file_objects}
    assert len(objects) == snapshot.files.filter(kind="rows").count() > 1
    for path, digest in objects.items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    described = json.loads((folder / "croissant.json").read_bytes())["recordSet"]
    (told,) = [one["description"] for one in described if one["@id"] == "prm800k"]
    assert "label.steps" in told
