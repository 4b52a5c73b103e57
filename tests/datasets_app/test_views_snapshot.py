"""The page of a version: progress, what it holds, its files, how to load them, more formats."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from annotation import run_control, runs
from annotation.models import Annotation, Project
from datasets_app import snapshots
from datasets_app.held_out import digest_of
from datasets_app.loading_script import PLACEHOLDER, scripts_of
from datasets_app.models import HeldOut
from datasets_app.rules import Rules
from datasets_app.snapshots import (
    Wanted,
    add_formats,
    begin_token_lengths,
    freeze,
    freeze_slice,
)
from tests.annotation.managing import REFUSED, manager_of, member_of, outsider, refusals
from tests.datasets_app.frozen import dataset_of, frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.test_snapshots import record
from tests.factories import make_token, make_user

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/projects/math/datasets/steps/v1/"


def page_of(client: Client) -> str:
    return client.get(HERE).content.decode()


def test_only_readers_of_marks_see_it(project: Project) -> None:
    frozen(project)
    assert outsider().get(HERE).status_code == 404
    assert member_of(project, "labeler").get(HERE).status_code == 403
    assert member_of(project, "reader").get(HERE).status_code == 200
    assert manager_of(project).post(HERE).status_code == 405
    assert manager_of(project).get(HERE.replace("v1", "v2")).status_code == 404


def test_while_it_is_frozen_it_says_how_far_it_is(project: Project) -> None:
    snapshot = freeze(dataset=dataset_of(project), rules=Rules())
    page = page_of(member_of(project, "reader"))
    assert "Being frozen" in page
    assert "data-refresh" in page
    assert snapshot.run
    runs.work_here(snapshot.run, freeze_slice)
    page = page_of(member_of(project, "reader"))
    assert "data-refresh" not in page
    assert "Frozen" in page


def test_one_that_failed_says_why(project: Project) -> None:
    frozen(project, correctness="right", generations=[5])
    page = page_of(manager_of(project))
    assert "Failed" in page
    assert "The rules leave nothing to freeze" in page


def test_one_whose_run_was_cancelled_says_that_it_was_stopped_and_goes_on(
    project: Project,
) -> None:
    snapshot = freeze(dataset=dataset_of(project), rules=Rules())
    manager, address = manager_of(project), f"{HERE}go-on/"
    assert refusals(project, "post", address) == REFUSED
    assert manager.get(address).status_code == 405
    assert snapshot.run
    run_control.cancel(snapshot.run)
    for page in (page_of(manager), manager.get("/projects/math/datasets/steps/").content.decode()):
        assert "Stopped" in page
        assert "Being frozen" not in page
        assert f'action="{address}"' in page
    assert "Stopped" in manager.get("/projects/math/datasets/").content.decode()
    assert address not in page_of(member_of(project, "reader"))

    went_on = manager.post(address, follow=True).content.decode()
    assert "It goes on." in went_on
    assert "Being frozen" in went_on
    assert "no run that was stopped" not in went_on
    snapshot.run.refresh_from_db()
    runs.work_here(snapshot.run, freeze_slice)
    assert "Frozen" in page_of(manager)
    assert "no run that was stopped" in manager.post(address, follow=True).content.decode()


def test_one_that_failed_is_tried_again_by_todays_marks(project: Project) -> None:
    snapshot = frozen(project, generations=[5])
    manager = manager_of(project)
    Annotation.objects.update(generation=5)
    manager.post(f"{HERE}go-on/")
    page = page_of(manager)
    assert "Being frozen" in page
    assert "the rules leave nothing" not in page
    assert snapshot.run
    snapshot.run.refresh_from_db()
    runs.work_here(snapshot.run, freeze_slice)
    assert "Frozen" in page_of(manager)


def test_a_shard_that_failed_is_tried_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(snapshots, "write_shard", lambda *_: 1 / 0)
        snapshot = frozen(project, Wanted(format="sft"))
    manager = manager_of(project)
    page = page_of(manager)
    assert "Failed" in page
    assert "ZeroDivisionError" in page
    manager.post(f"{HERE}go-on/")
    assert snapshot.run
    snapshot.run.refresh_from_db()
    runs.work_here(snapshot.run, freeze_slice)
    assert "Frozen" in page_of(manager)


def test_a_format_whose_run_was_cancelled_says_so_and_goes_on(project: Project) -> None:
    snapshot = frozen(project)
    run = add_formats(snapshot=snapshot, wanted=[Wanted(format="sft")])
    manager = manager_of(project)
    assert "sft is being written." in page_of(manager)
    run_control.cancel(run)
    counting = begin_token_lengths(snapshot=snapshot, tokenizer="a/b", max_length=1)
    run_control.cancel(counting)
    page = page_of(manager)
    assert "sft was not written to its end." in page
    assert "data-refresh" not in page
    assert "sft is being written." in manager.post(f"{HERE}go-on/", follow=True).content.decode()
    run.refresh_from_db()
    counting.refresh_from_db()
    assert not counting.is_unfinished
    runs.work_here(run, freeze_slice)
    page = page_of(manager)
    assert "being written" not in page
    assert f'href="{HERE}files/sft/train-00000.parquet"' in page


def test_a_frozen_one_says_what_it_holds_and_what_it_left_out(project: Project) -> None:
    HeldOut.objects.create(project=project, name="eval", texts=["?"], sha256=digest_of(["?"]))
    snapshot = frozen(project, Wanted(format="sft"), held_out=["eval"])
    page = page_of(member_of(project, "reader"))
    assert "Problems are left out that are held out by eval" in page
    assert "held out by eval <small>1 problem</small>" in page
    assert snapshot.content_hash in page
    assert "Great: 1, Okay: 1, Bad: 1" in page
    assert 'aria-label="Step of the first mistake: 2: 1"' in page
    assert 'aria-label="Steps of a solution: 3: 1"' in page
    for file in snapshot.files.all():
        assert f'href="{HERE}files/{file.path}"' in page
        assert file.sha256 in page
    assert "reported as bad" not in page
    snapshot.manifest["reported"] = 2
    snapshot.save()
    page = page_of(member_of(project, "reader"))
    assert 'reported as bad by people</span><span class="num">2</span>' in page


def test_it_shows_how_labelers_agree() -> None:
    load_json([*(record(1, labeler=n) for n in range(2)), record(2)])
    project = Project.objects.get(slug="math")
    frozen(project)
    page = page_of(member_of(project, "reader"))
    assert "<title>100 %: 2</title>" in page
    assert "1 time marked by nobody else" in page


def test_a_manager_adds_a_format(project: Project) -> None:
    snapshot = frozen(project)
    address = f"{HERE}formats/"
    assert refusals(project, "post", address) == REFUSED
    sent = {"format": "prm800k", "container": "jsonl"}
    answer = manager_of(project).post(address, sent, follow=True)
    assert "prm800k is being written." in answer.content.decode()
    again = manager_of(project).post(address, sent, follow=True).content.decode()
    assert "give one a name" in again
    refused = manager_of(project).post(address, {"format": "x"}, follow=True).content.decode()
    assert "Select a valid choice" in refused
    assert snapshot.exports.count() == 1


def test_the_script_on_the_page_loads_it(
    project: Project, live_server: LiveServer, tmp_path: Path
) -> None:
    """Five lines with Hugging Face `datasets` and a token, over HTTP."""
    wanted = [
        Wanted(format="trl-stepwise", container=container, name=container.replace(".", "-"))
        for container in ("parquet", "jsonl.gz", "jsonl.zst")
    ]
    snapshot = frozen(project, *wanted)
    user = make_user()
    project.memberships.create(user=user, role="reader")
    secret = make_token(user, every_project=True)[1]
    scripts = scripts_of(snapshot, live_server.url)
    assert [len(script.text.splitlines()) for script in scripts] == [5, 5, 5]
    lines = [script.text.replace(PLACEHOLDER, secret) for script in scripts]
    text = "\nprint(steps['train'][0]['prompt'])\n".join([*lines, ""])
    # In a process of its own: its connections end with it.
    ran = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("What is $2+3$?") == 3
