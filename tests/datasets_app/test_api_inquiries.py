"""What is asked of frozen versions over REST: comparisons, and lengths in tokens."""

from typing import Any

import orjson
import pytest
from rest_framework.test import APIClient

from annotation import runs
from annotation.models import Project, Run
from datasets_app.comparing import compare
from datasets_app.models import Snapshot
from datasets_app.snapshots import freeze_slice
from tests.annotation.reading_api import a, client_of
from tests.datasets_app.frozen import dataset_of, frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
VERSIONS = "/api/v1/projects/math/datasets/steps/versions/"
COMPARISONS, LENGTHS = f"{VERSIONS}2/comparisons/", f"{VERSIONS}2/token-lengths/"
SENT: dict[str, dict[str, Any]] = {
    COMPARISONS: {"before": 1},
    LENGTHS: {"tokenizer": "/nowhere", "max_length": 3},
}


@pytest.fixture
def project() -> Project:
    """Two versions; the second has a problem more."""
    load_json([phase_2()])
    project = Project.objects.get(slug="math")
    frozen(project)
    more = phase_2()
    more["question"]["problem"] = "What is $4+4$?"
    load_json([more])
    frozen(project)
    return project


def post(client: APIClient, address: str, sent: Any = None, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(address, sent or SENT[address], format="json", headers=headers)


def worked(answer: Any) -> Run:
    """Do the run that an answer names."""
    assert answer.status_code == 202, answer.json()
    run = Run.objects.get(pk=answer.json()["id"])
    assert answer.headers["Location"] == answer.json()["url"]
    runs.work_here(run, freeze_slice)
    return run


@pytest.mark.parametrize("address", [COMPARISONS, LENGTHS])
@pytest.mark.parametrize("key", ["", "once"])
def test_only_managers_with_the_scope_ask(project: Project, address: str, key: str) -> None:
    for role in ("reader", "reviewer", "labeler"):
        assert post(a(role, project), address, key=key).status_code == 403
    assert post(a("manager", project, "read"), address, key=key).status_code == 403
    assert post(client_of(make_user(), "manage"), address, key=key).status_code == 404
    assert post(APIClient(), address, key=key).status_code == 401
    assert a("manager", project).get(address).status_code == 405
    assert not Run.objects.filter(kind=Run.Kind.EXPORT).exists()


def test_two_versions_are_compared_by_a_run_and_the_answer_is_a_file(project: Project) -> None:
    client = a("manager", project)
    file = f"{VERSIONS}2/files/compared-with-v1.json"
    assert client.get(file).status_code == 404
    run = worked(post(client, COMPARISONS))
    shown = client.get(f"/api/v1/projects/math/runs/{run.pk}/").json()
    assert (shown["kind"], shown["state"]) == ("export", "finished")
    found = orjson.loads(b"".join(a("reader", project, "read").get(file)))
    first, second = Snapshot.objects.order_by("version")
    assert found == compare(first, second).as_json()
    assert found["problems"] == {"added": 1, "removed": 0, "changed": 0, "same": 1}
    listed = {one["path"] for one in client.get(f"{VERSIONS}2/").json()["files"]}
    assert "compared-with-v1.json" in listed


def test_under_a_key_a_comparison_is_asked_for_once(project: Project) -> None:
    client = a("manager", project)
    first, second = (post(client, COMPARISONS, key="once") for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Run.objects.get(pk=first.json()["id"]).total == 1


@pytest.mark.parametrize("before", [3, 0, -1, 2**40, "x", None])
def test_a_version_that_there_is_not_is_named(project: Project, before: Any) -> None:
    dataset_of(project, "other")
    frozen(project, slug="other")
    refused = post(a("manager", project), COMPARISONS, {"before": before})
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["before"]


def test_what_is_not_frozen_is_not_compared_and_not_counted(project: Project) -> None:
    Snapshot.objects.filter(version=1).update(state="failed")
    client = a("manager", project, is_superuser=True)
    assert post(client, COMPARISONS).status_code == 400
    Snapshot.objects.filter(version=2).update(state="freezing")
    for address in (COMPARISONS, LENGTHS):
        refused = post(client, address)
        assert (refused.status_code, refused.json()["code"]) == (409, "not_now")
    nowhere = f"{VERSIONS}7/comparisons/"
    assert post(client, nowhere, {"before": 1}).status_code == 404


def test_superusers_have_rows_counted_under_a_tokenizer(
    project: Project, tokenizer_folder: str
) -> None:
    client = a("manager", project, is_superuser=True)
    sent = {"tokenizer": tokenizer_folder, "max_length": 3}
    assert worked(post(client, LENGTHS, sent)).state == "finished"
    files = {one["path"]: one for one in client.get(f"{VERSIONS}2/").json()["files"]}
    (path,) = [path for path in files if path.startswith("token-lengths/")]
    said = orjson.loads(b"".join(client.get(files[path]["url"])))
    assert (said["tokenizer"], said["max_length"]) == (tokenizer_folder, 3)
    assert (said["rows"], said["too_long"]) == (2, 2)
    again = worked(post(client, LENGTHS, {**sent, "max_length": 1000}))
    assert again.state == "finished"
    said = orjson.loads(b"".join(client.get(files[path]["url"])))
    assert (said["max_length"], said["too_long"]) == (1000, 0)


def test_managers_have_no_folder_of_the_site_opened(project: Project) -> None:
    for key in ("", "once"):
        assert post(a("manager", project), LENGTHS, key=key).status_code == 403
    assert not Run.objects.filter(kind=Run.Kind.EXPORT).exists()


def test_a_tokenizer_that_there_is_not_fails_the_run_with_its_name(project: Project) -> None:
    run = worked(post(a("manager", project, is_superuser=True), LENGTHS))
    assert run.state == "failed"
    assert "no tokenizer '/nowhere'" in run.error
    assert Snapshot.objects.get(version=2).is_frozen


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"max_length": 5}, "tokenizer"),
        ({"tokenizer": "x" * 201}, "tokenizer"),
        ({"tokenizer": "a\0b"}, "tokenizer"),
        ({"tokenizer": "a", "max_length": 0}, "max_length"),
    ],
)
def test_what_is_wrong_with_a_wish_for_lengths_is_named(
    project: Project, sent: dict[str, Any], field: str
) -> None:
    refused = post(a("manager", project, is_superuser=True), LENGTHS, sent)
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == [field]
