"""Held-out sets over REST: listed, sent as files, named in rules, and forgotten."""

import gzip
import threading
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from rest_framework.test import APIClient

from annotation import runs
from annotation.models import Project, Run
from datasets_app import api_held_out, held_out
from datasets_app.held_out import digest_of
from datasets_app.models import HeldOut, Snapshot
from datasets_app.rules import Rules
from datasets_app.snapshots import freeze, freeze_slice
from tests.annotation.locks import wait_for_a_lock
from tests.annotation.reading_api import a, client_of
from tests.datasets_app.frozen import dataset_of, solutions_of, texts_of
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/api/v1/projects/math/held-out/"


def lines(*texts: str) -> bytes:
    return b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts)


def send(
    client: APIClient, body: bytes, file: str = "eval.jsonl", *, key: str = "", **sent: str
) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    fields = {"file": SimpleUploadedFile(file, body, "application/octet-stream"), **sent}
    return client.post(HERE, fields, format="multipart", headers=headers)


def hold(project: Project, name: str = "eval", *texts: str) -> HeldOut:
    found = list(texts or ("?",))
    return HeldOut.objects.create(project=project, name=name, texts=found, sha256=digest_of(found))


def test_a_file_is_held_out_listed_and_shown(project: Project) -> None:
    client = a("manager", project)
    made = send(client, lines("Two?", "One?"))
    assert made.status_code == 201
    answer = made.json()
    assert made.headers["Location"] == answer["url"] == f"{HERE}{answer['id']}/"
    assert (answer["name"], answer["problems"]) == ("eval.jsonl", 2)
    assert answer["sha256"] == digest_of(["One?", "Two?"])
    named = send(client, gzip.compress(lines("Three?")), "b.jsonl.gz", name="b", format="jsonl")
    assert named.json()["name"] == "b"
    reader = a("reader", project, "read")
    assert reader.get(HERE).json()["results"] == [answer, named.json()]
    assert reader.get(answer["url"]).json() == answer
    page = reader.get(f"{HERE}?limit=1").json()
    assert reader.get(page["next"]).json()["results"] == [named.json()]


def test_what_is_held_out_is_left_out_of_a_version(project: Project) -> None:
    dataset_of(project)
    load_json([{**phase_2(), "question": {**phase_2()["question"], "problem": "What is $4+4$?"}}])
    client = a("manager", project)
    assert send(client, lines("what is  $2+3$?")).status_code == 201
    begun = client.post(
        "/api/v1/projects/math/datasets/steps/versions/",
        {"rules": {"held_out": ["eval.jsonl"]}},
        format="json",
    )
    run = Run.objects.get(pk=client.get(begun.json()["run"]).json()["id"])
    runs.work_here(run, freeze_slice)
    snapshot = Snapshot.objects.get()
    assert texts_of(solutions_of(snapshot)) == {"What is $4+4$?"}
    assert snapshot.manifest["held_out"]["eval.jsonl"]["left_out"] == 1


def test_the_same_again_changes_nothing_and_other_problems_need_another_name(
    project: Project,
) -> None:
    client = a("manager", project)
    first, again = (send(client, lines("One?")) for _ in range(2))
    assert first.json() == again.json()
    refused = send(client, lines("Two?"))
    assert refused.status_code == 400
    assert "choose another" in refused.json()["errors"][0]["detail"]
    assert HeldOut.objects.get().texts == ["One?"]


def test_under_a_key_a_file_is_sent_once(project: Project) -> None:
    client = a("manager", project)
    first, second = (send(client, lines("One?"), key="once") for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert send(client, lines("Two?"), key="once").status_code == 422


@pytest.mark.parametrize(
    ("body", "sent", "field", "said"),
    [
        (lines("One?") + b"nonsense\n", {}, "file", "line 2"),
        (b"\n", {}, "file", "no problem"),
        (b"", {}, "file", "empty"),
        (lines("?"), {"name": "project:math"}, "file", "cannot begin with"),
        (lines("?"), {"name": "x" * 201}, "name", "200"),
        (lines("?"), {"file": f"{'x' * 210}.jsonl"}, "file", "longer than 200"),
        (lines("?"), {"format": "prm800k"}, "format", "prm800k"),
    ],
)
def test_what_cannot_be_held_out_is_said_and_nothing_is(
    project: Project, body: bytes, sent: dict[str, str], field: str, said: str
) -> None:
    refused = send(a("manager", project), body, **sent)
    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    assert error["field"] == field
    assert said in error["detail"]
    assert not HeldOut.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_held_out, "HELD_OUT_BYTES", 1024)
    refused = send(a("manager", project), b"x" * 100_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


def test_who_may_look_send_and_forget(project: Project) -> None:
    one = f"{HERE}{hold(project).pk}/"
    for address in (HERE, one):
        assert a("reader", project).get(address).status_code == 200
        assert a("labeler", project).get(address).status_code == 403
        assert a("manager", project, "manage").get(address).status_code == 403
        assert client_of(make_user(), "read").get(address).status_code == 404
        assert APIClient().get(address).status_code == 401
        assert a("reader", project).get(f"{address}?color=red").status_code == 400
        assert a("manager", project).put(address).status_code == 405
    for role in ("reader", "reviewer", "labeler"):
        assert send(a(role, project), lines("?")).status_code == 403
        assert a(role, project).delete(one).status_code == 403
    assert send(a("manager", project, "read"), lines("?")).status_code == 403
    assert a("manager", project, "read").delete(one).status_code == 403
    assert send(client_of(make_user(), "manage"), lines("?")).status_code == 404
    assert client_of(make_user(), "manage").delete(one).status_code == 404
    assert a("manager", project).post(one).status_code == 405
    other = make_project("other")
    assert a("manager", other).delete(one.replace("math", "other")).status_code == 404
    assert HeldOut.objects.count() == 1


def test_a_set_that_is_wanted_no_more_is_forgotten(project: Project) -> None:
    dataset_of(project)
    client, one = a("manager", project), f"{HERE}{hold(project).pk}/"
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    frozen = client.post(
        "/api/v1/projects/math/datasets/steps/versions/",
        {"rules": {"held_out": ["eval"]}},
        format="json",
    )
    assert frozen.status_code == 400


def begin(project: Project, *names: str) -> Snapshot:
    return freeze(dataset=dataset_of(project), rules=Rules(held_out=names))


def test_a_set_that_a_version_has_yet_to_read_is_not_forgotten(project: Project) -> None:
    client, one = a("manager", project), f"{HERE}{hold(project).pk}/"
    hold(project, "eva")
    snapshot = begin(project, "eval", "eva")
    refused = client.delete(one)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_now")
    assert snapshot.run
    runs.work_here(snapshot.run, freeze_slice)
    assert Snapshot.objects.get().manifest["held_out"]["eval"]["problems"] == 1
    assert client.delete(one).status_code == 204


def test_a_set_is_forgotten_when_nothing_that_names_it_goes_on(project: Project) -> None:
    one = f"{HERE}{hold(project).pk}/"
    snapshot = begin(project, "eval")
    assert snapshot.run
    snapshot.run.cancel()
    assert a("manager", project).delete(one).status_code == 204


def test_who_forgets_a_set_waits_for_who_is_just_freezing_with_it(project: Project) -> None:
    found = hold(project)
    said: list[str] = []

    def forget() -> None:
        try:
            held_out.forget(found)
        except held_out.StillNamed as error:
            said.append(f"named: {error}")
        finally:
            connection.close()

    thread = threading.Thread(target=forget)
    with transaction.atomic():
        begin(project, "eval")
        thread.start()
        wait_for_a_lock()
    thread.join()
    assert said == ["named: eval"]
    assert HeldOut.objects.exists()
