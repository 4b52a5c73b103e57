"""Files about a version, when others take their place: the former ones go, and harm nobody."""

from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.test import Client, RequestFactory

from annotation import runs
from annotation.models import Project
from datasets_app import about, downloads, stored
from datasets_app.models import Snapshot, SnapshotFile
from datasets_app.snapshot_files import keep_about
from datasets_app.snapshots import Wanted, add_formats, freeze_slice
from datasets_app.token_lengths import TokenLengths
from tests.datasets_app.frozen import frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
MANIFEST = "/projects/math/datasets/steps/v1/files/manifest.json"


@pytest.fixture
def snapshot() -> Snapshot:
    load_json([phase_2()])
    return frozen(Project.objects.get(slug="math"))


def add(snapshot: Snapshot, name: str) -> None:
    run = add_formats(snapshot=snapshot, wanted=[Wanted(format=name, container="jsonl")])
    runs.work_here(run, freeze_slice)


def manifest_of(snapshot: Snapshot) -> SnapshotFile:
    return snapshot.files.get(path="manifest.json")


def formats_in(file: SnapshotFile) -> set[str]:
    with file.opened() as opened:
        return set(orjson.loads(opened.read())["exports"])


def named(snapshot: Snapshot) -> set[str]:
    return set(snapshot.files.values_list("stored_as", flat=True))


def there(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_a_later_format_replaces_is_deleted(snapshot: Snapshot, kept_here: Path) -> None:
    before = named(snapshot)
    for name in ("sft", "steps"):
        add(snapshot, name)
    assert formats_in(manifest_of(snapshot)) == {"sft", "steps"}
    assert len(before - named(snapshot)) == 3
    assert there(kept_here) == named(snapshot)


def test_slices_side_by_side_leave_what_is_named_and_nothing_else(
    snapshot: Snapshot, kept_here: Path
) -> None:
    begun, pieces = [], []
    for name in ("sft", "steps"):
        run = add_formats(snapshot=snapshot, wanted=[Wanted(format=name, container="jsonl")])
        shard = runs.claim(run.pk)
        assert shard
        runs.work(shard, freeze_slice)
        last = runs.claim(run.pk)
        assert last
        begun.append(run)
        pieces.append((last, freeze_slice(last)))
    for piece, write in pieces:
        runs.finish(piece, write, work_ms=0)
        assert named(snapshot) <= there(kept_here)
    for run in begun:
        run.refresh_from_db()
        runs.work_here(run, freeze_slice)
    assert formats_in(manifest_of(snapshot)) == {"sft", "steps"}
    assert there(kept_here) == named(snapshot)


def test_the_same_bytes_of_another_writer_stay_when_the_first_ones_are_replaced(
    snapshot: Snapshot,
) -> None:
    def written(max_length: int) -> dict[str, Any]:
        return about.write_token_lengths(snapshot, "some", TokenLengths(max_length=max_length))

    first, other, again = written(1), written(2), written(1)
    for files in (first, other, again):
        with transaction.atomic():
            keep_about(snapshot, files)
    assert [said["max_length"] for said in about.token_lengths(snapshot)] == [1]


def test_a_download_that_has_begun_goes_on_with_the_file_that_it_began(
    snapshot: Snapshot,
) -> None:
    client = Client()
    client.force_login(make_user(is_superuser=True))
    with manifest_of(snapshot).opened() as opened:
        whole = opened.read()
    answer = client.get(MANIFEST)
    add(snapshot, "sft")
    assert b"".join(answer) == whole
    # What is cut off goes on with no other file: it is sent whole.
    resumed = client.get(
        MANIFEST, headers={"range": "bytes=5-", "if-range": answer.headers["ETag"]}
    )
    assert resumed.status_code == 200
    assert set(orjson.loads(b"".join(resumed))["exports"]) == {"sft"}


def test_who_looked_a_file_up_just_before_gets_what_took_its_place(snapshot: Snapshot) -> None:
    looked_up, also = manifest_of(snapshot), manifest_of(snapshot)
    add(snapshot, "sft")
    assert formats_in(looked_up) == {"sft"}
    with closing(downloads.answer(RequestFactory().get(MANIFEST), also)) as answer:
        assert answer.headers["ETag"] == f'"{manifest_of(snapshot).sha256}"'
        assert set(orjson.loads(b"".join(answer))["exports"]) == {"sft"}


def test_a_file_that_is_gone_without_another_in_its_place_is_a_fault(snapshot: Snapshot) -> None:
    file = manifest_of(snapshot)
    stored.drop([file.stored_as])
    with pytest.raises(FileNotFoundError):
        file.opened()
    with pytest.raises(FileNotFoundError):
        downloads.answer(RequestFactory().get(MANIFEST), file)


def test_a_storage_that_does_not_delete_fails_nothing(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(names: Any) -> None:
        raise OSError("no")

    monkeypatch.setattr(stored, "drop", refuse)
    add(snapshot, "sft")
    assert formats_in(manifest_of(snapshot)) == {"sft"}
    assert snapshot.exports.get().is_whole
