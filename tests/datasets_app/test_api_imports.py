"""Files to be imported, sent over REST: 202 and a run, its progress, its bad lines."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
import zstandard
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from annotation import run_kinds, runs
from annotation.models import Annotation, Problem, Project, Run, RunSlice, Solution
from datasets_app import upload_parts, uploads
from datasets_app.lines import LIMIT_BYTES
from datasets_app.models import Upload, UploadOccurrence, UploadPart
from tests.annotation.test_api_runs import client_of
from tests.factories import make_project, make_user
from tests.shared_data import shared_file
from web.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> User:
    return make_user()


@pytest.fixture
def project(manager: User) -> Project:
    return make_project("eggs", members={manager: "manager", make_user("rita"): "reviewer"})


@pytest.fixture
def client(project: Project, manager: User) -> APIClient:
    return client_of(manager, "manage")


def door(name: str = "imports", *more: Any) -> str:
    return reverse(f"api_{name}", args=["eggs", *more])


def problems(count: int, start: int = 0) -> bytes:
    rows = ({"text": f"What is {n} + {n}?", "reference_answer": str(2 * n)} for n in range(count))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)[start:]


def send(
    client: APIClient, body: bytes, name: str = "some.jsonl", *, key: str = "", **sent: Any
) -> Any:
    file = SimpleUploadedFile(name, body, "application/octet-stream")
    headers = {"Idempotency-Key": key} if key else {}
    fields = {"kind": "problems", **sent, "file": file}
    return client.post(door(), fields, format="multipart", headers=headers)


def work(run_id: int) -> Run:
    run = Run.objects.get(pk=run_id)
    runs.work_here(run, run_kinds.slice_work(run))
    return run


def test_a_file_is_taken_at_once_and_imported_by_a_run(client: APIClient, project: Project) -> None:
    sent = send(client, problems(2_500), split="train")
    assert sent.status_code == 202
    answer = sent.json()
    assert sent.headers["Location"] == answer["url"] == door("import", answer["id"])
    assert (answer["kind"], answer["subject"], answer["state"], answer["total"]) == (
        "import", "some.jsonl", "queued", 3,
    )  # fmt: skip
    assert not Problem.objects.exists()
    assert work(answer["id"]).state == Run.State.FINISHED
    shown = client.get(answer["url"]).json()
    assert (shown["state"], shown["done"]) == ("finished", 3)
    found = shown["import"]
    assert (found["importer"], found["read"], found["added"], found["bad"]) == (
        "jsonl", 2_500, 2_500, 0,
    )  # fmt: skip
    assert found["size_bytes"] == len(problems(2_500))
    assert Problem.objects.filter(project=project, split="train").count() == 2_500
    assert not UploadPart.objects.exists()
    assert not UploadOccurrence.objects.exists()
    assert client.get(shown["run"]).json()["kind"] == "import"


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.zst", zstandard.compress)]
)
def test_compressed_files_are_taken(client: APIClient, name: str, pack: Any) -> None:
    answer = send(client, pack(problems(3)), name).json()
    work(answer["id"])
    assert Problem.objects.count() == 3
    assert answer["import"]["size_bytes"] == len(pack(problems(3)))


def test_every_bad_line_is_listed_and_downloadable(client: APIClient) -> None:
    body = problems(1) + b'{"text": 7}\n\nnonsense\n=1+1\n' + problems(2)[len(problems(1)) :]
    answer = send(client, body).json()
    work(answer["id"])
    shown = client.get(answer["url"]).json()["import"]
    assert (shown["read"], shown["added"], shown["bad"]) == (2, 2, 3)
    errors = client.get(shown["errors"]).json()
    assert [error["line"] for error in errors["errors"]] == [2, 4, 5]
    assert "text" in errors["errors"][0]["reason"]
    assert (errors["next"], errors["previous"]) == (None, None)
    saved = client.get(door("import_errors_csv", answer["id"]))
    assert "attachment" in saved.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(saved.getvalue().decode())))
    assert [row[0] for row in rows] == ["line", "2", "4", "5"]


def test_the_bad_lines_are_paged(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = send(client, problems(1) + b"[]\n" * 120).json()
    work(answer["id"])
    address, seen = door("import_errors", answer["id"]), []
    query: str | None = ""
    while query is not None:
        page = client.get(f"{address}{query}").json()
        seen += [error["line"] for error in page["errors"]]
        query = page["next"]
    assert seen == list(range(2, 122))
    assert client.get(f"{address}?order=line").status_code == 400
    assert client.get(f"{address}?after=x").status_code == 400


def test_a_part_whose_worker_died_is_imported_once(client: APIClient) -> None:
    answer = send(client, problems(1_500)).json()
    dead = runs.claim(answer["id"])
    assert dead is not None
    upload_parts.import_slice(dead)
    RunSlice.objects.filter(pk=dead.pk).update(lease_until=timezone.now())
    run = work(answer["id"])
    upload = Upload.objects.get()
    assert (run.done, upload.read, upload.added) == (2, 1_500, 1_500)
    assert not runs.finish(dead, lambda: runs.Made(done=1), work_ms=0), "it has lost its lease"


def test_the_same_file_again_adds_nothing(client: APIClient) -> None:
    for _ in range(2):
        answer = send(client, problems(10)).json()
        work(answer["id"])
    shown = client.get(answer["url"]).json()["import"]
    assert (shown["read"], shown["added"], shown["known"]) == (10, 0, 10)


def test_under_a_key_a_file_is_sent_once(client: APIClient) -> None:
    key = str(uuid4())
    first, second = (send(client, problems(5), key=key) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Upload.objects.count() == 1
    assert send(client, problems(6), key=key).status_code == 422


def test_solutions_and_annotations_are_imported_as_the_commands_do(client: APIClient) -> None:
    solution = {"problem": "What is 2 + 2?", "reference_answer": "4", "solution": "So\n\\boxed{4}"}
    body = b"".join(json.dumps(solution).encode() + b"\n" for _ in range(3))
    answer = send(client, body, kind="solutions")
    assert answer.status_code == 202, answer.json()
    work(answer.json()["id"])
    made = Solution.objects.get()
    assert (made.times_drawn, made.is_correct) == (3, True)
    file = shared_file("prm800k.jsonl")
    sent = send(client, file.read_bytes(), kind="annotations")
    work(sent.json()["id"])
    shown = client.get(sent.json()["url"]).json()["import"]
    assert shown["importer"] == "prm800k"
    assert shown["added"] == Annotation.objects.count() > 0


def test_equal_annotations_in_two_parts_stay_two(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PART_LINES", 1)
    line = shared_file("prm800k.jsonl").read_bytes().splitlines(keepends=True)[0]
    for _ in range(2):
        work(send(client, line * 3, kind="annotations").json()["id"])
    assert Annotation.objects.count() == 3


@pytest.mark.parametrize(
    ("body", "sent", "field"),
    [
        (b'{"nothing": "known"}\n', {}, "file"),
        (b"\n\n", {}, "file"),
        (b"", {}, "file"),
        (b"PK\x03\x04 not lines", {}, "file"),
        (problems(1), {"kind": "people"}, "kind"),
        (problems(1), {"importer": "prm800k"}, ""),
        (problems(1), {"splitter": "nowhere"}, ""),
    ],
)
def test_what_cannot_be_imported_is_said_at_once(
    client: APIClient, body: bytes, sent: dict[str, Any], field: str
) -> None:
    answer = send(client, body, **sent)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Run.objects.exists()


def test_a_file_that_is_too_large_is_refused(client: APIClient, settings: LazySettings) -> None:
    settings.STEPMARK_UPLOAD_MB = 1
    plain = problems(60_000)
    assert len(plain) > 2**20
    for body, name in ((plain, "a.jsonl"), (gzip.compress(plain), "a.jsonl.gz")):
        answer = send(client, body, name)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not Run.objects.exists()
    assert not UploadPart.objects.exists()


def bomb(pack: Callable[[bytes], bytes]) -> bytes:
    """Return a good line and one of 4 GB, in less than 5 MB: streams may follow streams."""
    return pack(problems(1)) + 64 * pack(b"x" * 2**26)


@pytest.mark.parametrize(("name", "pack"), [("a.gz", gzip.compress), ("a.zst", zstandard.compress)])
def test_a_small_file_of_one_huge_line_is_refused_by_its_number_without_being_held(
    client: APIClient, settings: LazySettings, name: str, pack: Any
) -> None:
    settings.STEPMARK_UPLOAD_MB = 32
    body = bomb(pack)
    assert len(body) < 5 * 2**20
    tracemalloc.start()
    try:
        answer = send(client, body, name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "line 2 " in answer.json()["detail"]
    assert peak < 8 * LIMIT_BYTES
    assert not Run.objects.exists()


def test_a_line_that_is_too_long_is_reported_and_the_others_are_imported(client: APIClient) -> None:
    first, second = problems(2).splitlines(keepends=True)
    body = first + b'{"text": "' + b"x" * LIMIT_BYTES + b'"}\n' + second
    answer = send(client, gzip.compress(body, 1), "a.jsonl.gz").json()
    work(answer["id"])
    errors = client.get(door("import_errors", answer["id"])).json()["errors"]
    assert [(one["line"], one["reason"]) for one in errors] == [(2, "longer than 8,388,608 bytes")]
    assert Problem.objects.count() == 2


def test_the_line_at_which_a_file_becomes_too_large_is_named(
    client: APIClient, settings: LazySettings
) -> None:
    settings.STEPMARK_UPLOAD_MB = 1
    whole = problems(30_000)
    line = whole[: 2**20].count(b"\n") + 1
    answer = send(client, gzip.compress(whole), "a.jsonl.gz")
    assert f"line {line} " in answer.json()["detail"]


def test_a_damaged_file_keeps_what_is_good_and_says_where_it_breaks_off(client: APIClient) -> None:
    answer = send(client, gzip.compress(problems(3_000))[:-200], "a.jsonl.gz").json()
    work(answer["id"])
    errors = client.get(door("import_errors", answer["id"])).json()["errors"]
    assert "cannot be read from here on" in errors[-1]["reason"]
    assert Problem.objects.count() > 0


def test_an_archived_project_takes_no_file(client: APIClient, project: Project) -> None:
    project.archived_at = timezone.now()
    project.save()
    assert send(client, problems(1)).status_code == 409


def test_who_may_send_and_look(client: APIClient, manager: User) -> None:
    run_id = send(client, problems(1)).json()["id"]
    for user, scopes, status in (
        (User.objects.get(username="rita"), ["manage"], 403),
        (make_user(), ["manage"], 404),
        (manager, ["label"], 403),
    ):
        other = client_of(user, *scopes)
        assert send(other, problems(1)).status_code == status
        for name in ("import", "import_errors", "import_errors_csv"):
            assert other.get(door(name, run_id)).status_code == status
    assert client_of(manager, "read").get(door("import", run_id)).status_code == 200
    assert send(client_of(manager, "read"), problems(1)).status_code == 403
    assert APIClient().get(door("import", run_id)).status_code == 401
    assert client.get(door()).status_code == 405
    assert client.delete(door("import", run_id)).status_code == 405
    make_project("milk", members={manager: "manager"})
    assert client.get(reverse("api_import", args=["milk", run_id])).status_code == 404
