"""Datasets in an S3-compatible store, over HTTP."""

import random
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import BotoCoreError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from annotation import runs
from config.settings import dataset_storage
from datasets_app import stored
from datasets_app.snapshots import Wanted, add_formats, freeze_slice
from tests.datasets_app.frozen import rows_of, solutions_of
from tests.datasets_app.published import publish
from tests.datasets_app.s3_server import Line, s3_server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The idle connections of a client that is done with close when it is collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with s3_server() as port:
        yield port


@pytest.fixture
def line(server: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """Keep datasets in a bucket; give the line to it."""
    line = Line(server)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{line.port}",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="published")
    kept_there = {**settings.STORAGES, "datasets": dataset_storage("s3://published/math/sets")}
    with override_settings(STORAGES=kept_there):
        yield line
    line.close()


def names() -> set[str]:
    """Return all there is in the bucket."""
    listed = boto3.client("s3").list_objects_v2(Bucket="published")
    return {one["Key"] for one in listed.get("Contents", ())}


def draft(path: Path, size: int = 400_000) -> Path:
    path.write_bytes(random.Random(3).randbytes(size))
    return path


def test_a_version_is_frozen_put_into_formats_and_read_back(line: Line) -> None:
    snapshot = publish("jsonl.zst", ["trl-stepwise", "prm800k"])
    run = add_formats(snapshot=snapshot, wanted=[Wanted(format="steps", container="jsonl")])
    runs.work_here(run, freeze_slice)

    assert snapshot.is_frozen
    assert len(solutions_of(snapshot)) == len(rows_of(snapshot, "prm800k")) == 6
    assert rows_of(snapshot, "trl-stepwise")
    assert rows_of(snapshot, "steps")
    of_version = {name for name in names() if str(snapshot.uuid) in name}
    assert of_version == {f"math/sets/{file.stored_as}" for file in snapshot.files.all()}


def test_what_killed_workers_left_is_dropped(line: Line, tmp_path: Path) -> None:
    kept = [stored.keep(draft(tmp_path / f"{size}.bin", size), folder="v1") for size in (10, 20)]
    beside = stored.keep(draft(tmp_path / "other.bin", 30), folder="v2")
    stored.drop_others("v1", {kept[0].name})
    assert names() & {f"math/sets/{one.name}" for one in (*kept, beside)} == {
        f"math/sets/{one.name}" for one in (kept[0], beside)
    }
    with pytest.raises(FileNotFoundError):
        stored.opened(kept[1].name).read()


@pytest.mark.parametrize("size", [400_000, 12 << 20], ids=["at once", "in parts"])
def test_a_connection_cut_while_saving_leaves_nothing_and_saving_again_works(
    size: int, line: Line, tmp_path: Path
) -> None:
    path, before = draft(tmp_path / "rows.parquet", size), names()
    line.cuts_left = 100
    with pytest.raises(BotoCoreError):
        stored.keep(path, folder=f"cut-{size}")
    assert names() == before
    line.cuts_left = 0
    file = stored.keep(path, folder=f"cut-{size}")
    with stored.opened(file.name) as opened:
        assert opened.read() == path.read_bytes()
    assert stored.keep(path, folder=f"cut-{size}") == file


def test_a_single_cut_is_not_noticed(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "4")
    path = draft(tmp_path / "rows.parquet")
    line.cuts_left = 1
    file = stored.keep(path, folder="once")
    assert line.cuts_left == 0
    with stored.opened(file.name) as opened:
        assert opened.read() == path.read_bytes()


def test_an_address_without_a_bucket_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="must name a bucket"):
        dataset_storage("s3://")
