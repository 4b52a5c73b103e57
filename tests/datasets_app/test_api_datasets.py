"""Datasets over REST: to list, make, freeze, put into formats, and fetch."""

from typing import Any

import pytest

from annotation import runs
from annotation.models import Project
from datasets_app.models import Dataset, Snapshot
from datasets_app.snapshots import Wanted, freeze_slice
from tests.annotation.reading_api import a, client_of
from tests.datasets_app.frozen import dataset_of, frozen
from tests.factories import make_project, make_user
from web.models import ApiToken

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/api/v1/projects/math/datasets/"
VERSIONS = f"{HERE}steps/versions/"


@pytest.mark.parametrize("address", [HERE, f"{HERE}steps/", VERSIONS, f"{VERSIONS}1/"])
def test_readers_of_marks_read_and_nobody_else(project: Project, address: str) -> None:
    frozen(project)
    assert a("reader", project).get(address).status_code == 200
    assert a("labeler", project).get(address).status_code == 403
    assert client_of(make_user(), "read").get(address).status_code == 404
    assert a("manager", project, "manage").get(address).status_code == 403
    assert a("manager", project).put(address).status_code == 405
    assert a("reader", project).get(f"{address}?color=red").status_code == 400


@pytest.mark.parametrize("address", [HERE, VERSIONS, f"{VERSIONS}1/exports/"])
def test_managers_with_the_scope_write_and_nobody_else(project: Project, address: str) -> None:
    frozen(project)
    for role in ("reader", "reviewer", "labeler"):
        assert a(role, project).post(address, {}, format="json").status_code == 403
    assert a("manager", project, "read").post(address, {}, format="json").status_code == 403
    assert client_of(make_user(), "manage").post(address, {}).status_code == 404


def test_a_dataset_is_made_and_listed(project: Project) -> None:
    client = a("manager", project)
    sent = {"name": "steps", "title": "Steps", "license": "mit"}
    made = client.post(HERE, sent, format="json")
    assert made.status_code == 201
    assert made.headers["Location"] == made.json()["url"] == f"{HERE}steps/"
    listed = client.get(HERE).json()
    assert listed["results"] == [made.json()]
    assert client.get(made.json()["url"]).json()["title"] == "Steps"
    again = client.post(HERE, sent, format="json")
    assert again.status_code == 400
    assert again.json()["errors"][0]["field"] == "name"
    bad = client.post(HERE, {**sent, "name": "new", "license": "a: b"}, format="json")
    assert {one["field"] for one in bad.json()["errors"]} == {"name", "license"}


def test_lists_come_in_pages(project: Project) -> None:
    for n in range(3):
        dataset_of(project, f"d{n}")
    client = a("reader", project)
    first = client.get(f"{HERE}?limit=2").json()
    second = client.get(first["next"]).json()
    names = [one["name"] for page in (first, second) for one in page["results"]]
    assert names == ["d0", "d1", "d2"]
    assert second["next"] is None


def test_a_version_is_frozen_followed_and_its_files_fetched(project: Project) -> None:
    dataset_of(project)
    client = a("manager", project)
    rules = {"correctness": "any", "splits": {"shares": {"train": 1}}}
    formats = [{"format": "steps", "container": "jsonl", "options": {"neutral": "keep"}}]
    begun = client.post(VERSIONS, {"rules": rules, "formats": formats}, format="json")
    assert begun.status_code == 202
    assert begun.json()["state"] == "freezing"
    assert client.get(begun.headers["Location"]).json()["kind"] == "freeze"
    run = Snapshot.objects.get().run
    assert run
    runs.work_here(run, freeze_slice)

    version = client.get(begun.json()["url"]).json()
    assert version["state"] == "frozen"
    assert version["manifest"]["splits"]["train"]["solutions"] == 1
    files = {file["path"]: file for file in version["files"]}
    assert {"manifest.json", "README.md", "steps/train-00000.jsonl"} <= set(files)
    file = files["steps/train-00000.jsonl"]
    answer = client.get(file["url"])
    assert answer.headers["ETag"] == f'"{file["sha256"]}"'
    assert len(b"".join(answer)) == file["size"]
    assert [one["version"] for one in client.get(VERSIONS).json()["results"]] == [1]


def test_the_same_key_freezes_once(project: Project) -> None:
    dataset_of(project)
    client = a("manager", project)
    for _ in range(2):
        answer = client.post(VERSIONS, {}, format="json", HTTP_IDEMPOTENCY_KEY="once")
        assert answer.status_code == 202
    assert Snapshot.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"rules": {"marks": "nobody"}}, "rules.marks"),
        ({"rules": {"held_out": ["eval"]}}, "rules.held_out.0"),
        ({"rules": {"splits": {"shares": {"train": 0.5}}}}, "rules.splits.shares"),
        ({"rules": []}, "rules"),
        ({"marks": "verdicts"}, "marks"),
        ({"rules": {"corectness": "right"}}, "rules.corectness"),
        ({"rules": {"splits": {"sed": 1}}}, "rules.splits.sed"),
        ({"formats": [{"format": "sft", "option": {}}]}, "formats.0.option"),
        ({"formats": [{"format": "nothing"}]}, "formats.0.format"),
        ({"formats": [{"format": "sft", "options": {"neutral": "x"}}]},
         "formats.0.options.neutral"),
        ({"formats": [{"format": "sft"}, {"format": "sft"}]}, "formats"),
    ],
)  # fmt: skip
def test_what_cannot_be_frozen_is_refused_by_field(
    project: Project, sent: dict[str, Any], field: str
) -> None:
    dataset_of(project)
    answer = a("manager", project).post(VERSIONS, sent, format="json")
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"rules": {"corectness": "right"}}, "correctness"),
        ({"rules": {"splits": {"sed": 1}}}, "seed"),
        ({"formats": [{"format": "trl-stepwize"}]}, "trl-stepwise"),
        ({"format": []}, "formats"),
    ],
)
def test_what_is_misspelt_is_told_what_there_is(
    project: Project, sent: dict[str, Any], told: str
) -> None:
    dataset_of(project)
    answer = a("manager", project).post(VERSIONS, sent, format="json")
    assert told in answer.json()["errors"][0]["detail"]


def test_a_word_that_cannot_be_printed_is_refused_like_others(project: Project) -> None:
    dataset_of(project)
    client = a("manager", project)
    for sent in ('{"formats": [{"format": "\\ud800"}]}', '{"rules": {"\\ud800": 1}}'):
        assert client.post(VERSIONS, sent, content_type="application/json").status_code == 400


def test_a_project_that_one_does_not_see_cannot_be_held_out(project: Project) -> None:
    dataset_of(project)
    make_project("hidden")
    sent = {"rules": {"held_out": ["project:hidden"]}}
    assert a("manager", project).post(VERSIONS, sent, format="json").status_code == 400


def test_a_project_that_the_token_does_not_open_cannot_be_held_out(project: Project) -> None:
    dataset_of(project)
    user = make_user()
    other = make_project("other", members={user: "manager"})
    project.memberships.create(user=user, role="manager")
    client = client_of(user, "manage", every_project=False)
    token = ApiToken.objects.get(user=user)
    project.tokens.add(token)
    sent = {"rules": {"held_out": ["project:other"]}}
    refused = client.post(VERSIONS, sent, format="json")
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["rules.held_out.0"]
    other.tokens.add(token)
    assert client.post(VERSIONS, sent, format="json").status_code == 202


def test_a_format_is_added_to_a_frozen_version_alone(project: Project) -> None:
    snapshot = frozen(project, Wanted(format="sft"))
    client, address = a("manager", project), f"{VERSIONS}1/exports/"
    added = client.post(address, {"format": "prm800k", "container": "jsonl"}, format="json")
    assert added.status_code == 202
    assert added.json()["kind"] == "export"
    taken = client.post(address, {"format": "sft"}, format="json")
    assert taken.status_code == 400
    Snapshot.objects.filter(pk=snapshot.pk).update(state="freezing")
    assert client.post(address, {"format": "steps"}, format="json").status_code == 409


def test_datasets_of_another_project_are_not_found(project: Project) -> None:
    frozen(project)
    other = make_project("other")
    assert a("manager", other).get(HERE.replace("math", "other")).json()["results"] == []
    assert a("manager", other).get(f"{HERE}steps/".replace("math", "other")).status_code == 404
    assert Dataset.objects.count() == 1
