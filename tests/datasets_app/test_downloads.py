"""Files of versions over HTTP: whole, in parts, again after a cut, and not again."""

import http.client
import socket
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from django.conf import settings
from django.test import Client, override_settings
from moto import mock_aws
from pytest_django.live_server_helper import LiveServer

from annotation.models import Project
from datasets_app import stored
from datasets_app.models import Snapshot, SnapshotFile
from tests.annotation.managing import member_of, outsider
from tests.annotation.reading_api import client_of
from tests.factories import make_project, make_snapshot, make_token, make_user

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = bytes(range(256)) * 4
LAST = len(CONTENT) - 1


def add_file(snapshot: Snapshot, content: bytes, path: str = "sft/train-00000.jsonl.gz") -> Any:
    with stored.drafted() as drafts:
        draft = drafts / "rows.jsonl.gz"
        draft.write_bytes(content)
        kept = stored.keep(draft, folder=str(snapshot.uuid))
    return SnapshotFile.objects.create(
        snapshot=snapshot, kind="rows", path=path, split="train", rows=1,
        size=kept.size, sha256=kept.sha256, stored_as=kept.name,
    )  # fmt: skip


@pytest.fixture
def project() -> Project:
    project = make_project("math")
    add_file(make_snapshot(project), CONTENT)
    return project


PAGE = "/projects/math/datasets/steps/v1/files/sft/train-00000.jsonl.gz"
API = "/api/v1/projects/math/datasets/steps/versions/1/files/sft/train-00000.jsonl.gz"


@pytest.fixture(params=["page", "api"])
def ask(request: pytest.FixtureRequest, project: Project) -> Any:
    """A way to ask for the file: as a person in a browser, and as a program with a token."""
    user = make_user()
    project.memberships.create(user=user, role="reader")
    client: Any = client_of(user) if request.param == "api" else Client()
    if request.param == "page":
        client.force_login(user)
    address = API if request.param == "api" else PAGE

    def ask(method: str = "get", **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = getattr(client, method)(address, headers=sent)
        answer.whole = b"".join(answer)
        return answer

    return ask


def body(answer: Any) -> bytes:
    whole: bytes = answer.whole if hasattr(answer, "whole") else b"".join(answer)
    return whole


def test_a_file_comes_whole_with_its_length_and_digest(ask: Any) -> None:
    answer = ask(accept_encoding="gzip")
    assert answer.status_code == 200
    assert body(answer) == CONTENT
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["ETag"] == f'"{sha256(CONTENT).hexdigest()}"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Encoding"] == "identity"
    assert "steps-v1-sft-train-00000.jsonl.gz" in answer.headers["Content-Disposition"]


def test_what_would_compress_well_is_sent_as_it_is(project: Project) -> None:
    content = b'{"text": "the same again"}\n' * 1000
    add_file(Snapshot.objects.get(), content, "sft/train-00001.jsonl")
    address = PAGE.replace("00000.jsonl.gz", "00001.jsonl")
    answer = member_of(project, "reader").get(address, headers={"accept-encoding": "gzip"})
    assert body(answer) == content
    assert answer.headers["Content-Length"] == str(len(content))


def test_head_says_the_same_without_the_bytes(ask: Any) -> None:
    answer = ask("head")
    assert (answer.status_code, body(answer)) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert ask("head", range="bytes=0-9").headers["Content-Range"] == "bytes 0-9/1024"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-5000", 0, 1024),
        ("bytes=1000-9999", 1000, 1024),
        ("bytes=1023-1023", 1023, 1024),
    ],
)
def test_a_range_comes_alone(ask: Any, asked: str, start: int, end: int) -> None:
    answer = ask(range=asked)
    assert answer.status_code == 206
    assert body(answer) == CONTENT[start:end]
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/1024"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(ask: Any, asked: str) -> None:
    answer = ask(range=asked)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked",
    ["bytes=9-5", "lines=0-5", "bytes=0-1,5-6", "bytes=-", "bytes=a-b", "bytes=" + "9" * 40 + "-"],
)
def test_what_is_no_single_range_gives_the_whole(ask: Any, asked: str) -> None:
    answer = ask(range=asked)
    assert (answer.status_code, body(answer)) == (200, CONTENT)


def test_a_range_of_another_version_of_the_file_gives_the_whole(ask: Any) -> None:
    etag = ask("head").headers["ETag"]
    assert ask(range="bytes=0-9", if_range=etag).status_code == 206
    for other in ('"other"', f"W/{etag}", "Sat, 21 Nov 2026 20:00:00 GMT"):
        assert ask(range="bytes=0-9", if_range=other).status_code == 200


def test_what_the_client_has_is_not_sent_again(ask: Any) -> None:
    etag = ask("head").headers["ETag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        answer = ask(if_none_match=known)
        assert (answer.status_code, body(answer)) == (304, b"")
        assert answer.headers["ETag"] == etag
    assert ask(if_none_match='"other"').status_code == 200


def test_only_readers_of_marks_fetch_files(project: Project) -> None:
    assert outsider().get(PAGE).status_code == 404
    assert member_of(project, "labeler").get(PAGE).status_code == 403
    assert member_of(project, "manager").post(PAGE).status_code == 405
    assert member_of(project, "reader").get(PAGE + "x").status_code == 404
    assert member_of(project, "reader").get(PAGE + "%00").status_code == 404


def test_a_token_needs_the_scope_and_the_project(project: Project) -> None:
    user = make_user()
    project.memberships.create(user=user, role="reader")
    assert client_of(user, "label").get(API).status_code == 403
    assert client_of(user, every_project=False).get(API).status_code == 404
    assert client_of(make_user()).get(API).status_code == 404
    assert Client().get(API).status_code == 401
    answer = client_of(user).get(API, headers={"accept": "application/parquet"})
    assert (answer.status_code, body(answer)) == (200, CONTENT)


def test_a_download_that_is_cut_resumes(project: Project, live_server: LiveServer) -> None:
    """The client hangs up in the middle, and asks for the rest by what it has."""
    content = bytes(range(256)) * 40_000
    add_file(Snapshot.objects.get(), content, "sft/train-00002.jsonl.gz")
    user = make_user()
    project.memberships.create(user=user, role="reader")
    key = "Token " + make_token(user, every_project=True)[1]
    address = API.replace("00000", "00002")
    where = urlsplit(live_server.url)
    assert where.hostname
    with socket.create_connection((where.hostname, where.port or 80)) as raw:
        asked = f"GET {address} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: {key}\r\n\r\n"
        raw.sendall(asked.encode())
        got = b""
        while len(got) < 1_000_000 and (chunk := raw.recv(65536)):
            got += chunk
    head, _, had = got.partition(b"\r\n\r\n")
    etag = next(
        line.partition(b": ")[2].decode()
        for line in head.splitlines()
        if line.lower().startswith(b"etag")
    )
    again = http.client.HTTPConnection(where.netloc)
    headers = {"Authorization": key, "Range": f"bytes={len(had)}-", "If-Range": etag}
    again.request("GET", address, headers=headers)
    rest = again.getresponse()
    assert rest.status == 206
    whole = had + rest.read()
    again.close()
    assert sha256(whole).hexdigest() == etag.strip('"') == sha256(content).hexdigest()


@pytest.fixture
def in_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Keep datasets in a bucket; gives what was asked of it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    place = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": "kept", "location": "here", "default_acl": None},
    }
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="kept")
        with override_settings(STORAGES={**settings.STORAGES, "datasets": place}):
            yield


def test_a_range_of_a_file_in_s3_is_all_that_is_fetched(
    in_s3: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project("math")
    add_file(make_snapshot(project), CONTENT)
    asked = []
    client = stored.storage().bucket.meta.client  # type: ignore[attr-defined] # of S3's alone
    client.meta.events.register(
        "before-send.s3", lambda request, **_: asked.append(request.headers.get("Range"))
    )
    reader = member_of(project, "reader")
    answer = reader.get(PAGE, headers={"range": "bytes=10-19"})
    assert (answer.status_code, body(answer)) == (206, CONTENT[10:20])
    assert asked == [b"bytes=10-19"]
    assert body(reader.get(PAGE)) == CONTENT


def test_a_file_in_s3_that_is_gone_is_a_fault_and_no_empty_file(in_s3: None) -> None:
    file = add_file(make_snapshot(make_project("math")), CONTENT)
    stored.storage().delete(file.stored_as)
    with pytest.raises(FileNotFoundError):
        stored.read_range(file.stored_as, 0, 10)
