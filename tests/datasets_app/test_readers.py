"""What trainers read a version with: `datasets`, pandas and DuckDB, on real files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import duckdb
import pandas as pd
import pytest
from pyarrow import parquet
from pytest_django.live_server_helper import LiveServer

from datasets_app.containers import CONTAINERS
from datasets_app.loading_script import PLACEHOLDER, scripts_of
from datasets_app.models import Snapshot
from tests.datasets_app.files_over_http import served
from tests.datasets_app.frozen import laid_out, rows_of
from tests.datasets_app.published import FORMATS, publish
from tests.factories import make_token, make_user

pytestmark = pytest.mark.django_db(transaction=True)
Json = dict[str, Any]
HALVES: Json = {"splits": {"shares": {"train": 0.5, "test": 0.5}, "seed": 1}}
COMPRESSED = [
    pytest.param(name, marks=pytest.mark.slow if name in ("jsonl.gz", "jsonl.zst") else ())
    for name in ("jsonl", "jsonl.gz", "jsonl.zst", "parquet")
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep `datasets` off the hub, and what it caches in the test's folder, which it returns."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for name in ("HF_DATASETS_CACHE", "HF_MODULES_CACHE", "DOWNLOADED_DATASETS_PATH"):
        monkeypatch.setattr(datasets.config, name, cache)
    datasets.disable_progress_bars()
    yield tmp_path
    datasets.enable_progress_bars()


@pytest.mark.parametrize("container", COMPRESSED)
def test_datasets_loads_every_format_by_the_card(container: str, here: Path) -> None:
    snapshot = publish(container, **HALVES)
    folder = laid_out(snapshot, here / "version")
    assert set(datasets.get_dataset_config_names(str(folder))) == set(FORMATS)
    empty = 0
    for name in FORMATS:
        whole = datasets.load_dataset(str(folder), name)
        expected = {one: there(snapshot, folder, name, one) for one in ("train", "test")}
        assert set(whole) == {split for split, rows in expected.items() if rows}
        empty += len(expected) - len(whole)
        for split, rows in whole.items():
            read = list(rows)
            assert [said(row) for row in read] == [said(row) for row in expected[split]]
            streamed = datasets.load_dataset(str(folder), name, split=split, streaming=True)
            assert list(streamed) == read
    assert empty, "no format without rows in a split was loaded"


@pytest.mark.slow
@pytest.mark.parametrize("container", sorted(CONTAINERS))
def test_datasets_loads_every_format_by_its_files(container: str, here: Path) -> None:
    """With the types that the card says: JSON lines of nulls alone have none."""
    folder = laid_out(publish(container, **HALVES), here / "version")
    reader = "parquet" if container == "parquet" else "json"
    for name in FORMATS:
        whole = datasets.load_dataset(str(folder), name)
        for split, rows in whole.items():
            files = str(folder / name / f"{split}-*.{container}")
            for streaming in (False, True):
                read = datasets.load_dataset(
                    reader,
                    data_files={split: files},
                    features=whole[split].features,
                    split=split,
                    streaming=streaming,
                )
                assert list(read) == list(rows)


def test_pandas_and_duckdb_read_every_format_from_parquet(here: Path) -> None:
    folder = laid_out(publish("parquet"), here / "version")
    for name in FORMATS:
        files = sorted((folder / name).glob("train-*.parquet"))
        rows = [row for file in files for row in parquet.read_table(file).to_pylist()]
        # pandas warns of tables without a row, whose types it will heed one day.
        frame = pd.concat([one for file in files if len(one := pd.read_parquet(file))])
        assert len(frame) == len(rows) > 0
        asked = duckdb.execute(f"SELECT * FROM '{folder}/{name}/train-*.parquet'")
        names = [column[0] for column in asked.description or ()]
        assert names == list(frame.columns) == list(rows[0])
        assert [dict(zip(names, row, strict=True)) for row in asked.fetchall()] == rows
    wrong = f"SELECT text FROM '{folder}/steps/*.parquet' WHERE rating = -1 AND on_path"
    assert ("That makes 6.",) in duckdb.execute(wrong).fetchall()


@pytest.mark.parametrize("container", ["parquet", "jsonl.zst"])
def test_datasets_loads_over_http_with_a_token(
    container: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = publish(container, ["trl-stepwise"])
    folder = laid_out(snapshot, here / "version")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    paths = [file["path"] for file in manifest["files"] if file["kind"] == "rows"]
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    expected = list(datasets.load_dataset(str(folder), split="train"))
    with served(folder, "smk_secret") as (url, answers):
        for streaming in (False, True):
            rows = datasets.load_dataset(
                "parquet" if container == "parquet" else "json",
                data_files=[f"{url}/{path}" for path in paths],
                split="train",
                streaming=streaming,
                storage_options={"headers": {"Authorization": "Token smk_secret"}},
            )
            assert list(rows) == expected
        assert set(answers) <= {200, 206}
        with pytest.raises(FileNotFoundError):
            datasets.load_dataset("parquet", data_files=[f"{url}/{paths[0]}"], split="train")
        assert answers[-1] == 401


@pytest.mark.slow
def test_datasets_loads_every_format_from_the_site_with_a_token(
    live_server: LiveServer, here: Path
) -> None:
    """By the lines that a version's page shows, and streaming by the same."""
    snapshot = publish("parquet", shard_solutions=100)
    user = make_user()
    snapshot.dataset.project.memberships.create(user=user, role="reader")
    secret = make_token(user, every_project=True)[1]
    scripts = scripts_of(snapshot, live_server.url)
    assert {script.format for script in scripts} == set(FORMATS)
    lines = ["import json"]
    for script in scripts:
        text = script.text.replace(PLACEHOLDER, secret)
        lines += [
            text,
            text.splitlines()[-1].replace("steps =", "stream =")[:-1] + ", streaming=True)",
            "assert list(stream['train']) == list(steps['train'])",
            f"print(json.dumps(['{script.format}', steps['train'].num_rows]))",
        ]
    # In a process of its own: its connections end with it.
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env={**os.environ, "HF_HOME": str(here)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    read = dict(json.loads(line) for line in ran.stdout.splitlines())
    rows = snapshot.files.filter(kind="rows", split="train")
    assert read == dict(rows.values_list("export__name", "rows"))
    assert all(read.values())


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_records_with_keys_of_their_own_are_loaded(container: str, here: Path) -> None:
    """Lines have the keys as they were imported; columns have those of the format alone."""
    snapshot = publish(container, ["prm800k"], with_odd=True)
    rows = datasets.load_dataset(str(laid_out(snapshot, here / "version")), split="train")
    assert ("note" in rows.column_names) == (container == "jsonl")
    steps = [step for row in rows for step in row["label"]["steps"]]
    sources = {human["source"] for step in steps if (human := step.get("human_completion"))}
    assert sources == {5 if container == "jsonl" else "5"}
    if container == "jsonl":
        assert [row["note"] for row in rows if row["note"]] == [{"a": [1, "two", None]}]
        corrected = [one for step in steps for one in step["completions"] or ()]
        assert [one["corrected_rating"] for one in corrected if "corrected_rating" in one] == [0]


def there(snapshot: Snapshot, folder: Path, name: str, split: str) -> list[Json]:
    """Return the rows of a format as its files have them, read by another reader."""
    files = sorted((folder / name).glob(f"{split}-*"))
    if files[0].suffix == ".parquet":
        return [row for file in files for row in parquet.read_table(file).to_pylist()]
    return rows_of(snapshot, name, split)


def said(value: Any) -> Any:
    """Return what is said: `datasets` gives null for a key that is not there."""
    if isinstance(value, dict):
        return {key: said(one) for key, one in value.items() if one is not None}
    return [said(one) for one in value] if isinstance(value, list) else value
