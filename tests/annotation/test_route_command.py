"""`manage.py route` with a policy: set, shown, tried out, refused."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import Project
from tests.annotation.routed import judged, slots_of
from tests.factories import make_labeler, make_problem, make_project, make_solution

pytestmark = pytest.mark.django_db

POLICY: dict[str, Any] = {"first": ["prm"], "accept": [{"labelers": {"prm": 0.9}}]}


@pytest.fixture
def project() -> Project:
    make_labeler("prm")
    project = make_project("eggs")
    problem = make_problem(project)
    for number in range(3):
        make_solution(problem, [f"Step {number}.", "And on.", "So it is."])
    return project


def written(tmp_path: Path, policy: Any) -> str:
    path = tmp_path / "policy.json"
    path.write_text(policy if isinstance(policy, str) else json.dumps(policy))
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    call_command("route", "--project", "eggs", *options)
    return capsys.readouterr().out.splitlines()


def test_a_policy_is_set_and_followed(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "--policy", written(tmp_path, POLICY)) == [
        "3 solutions looked at",
        "with today's marks: 3 waiting for models",
        "  3 waiting for models: first",
    ]
    first, second, _ = project.solutions.order_by("pk")
    judged(first, "prm", 1, sure=0.95)
    judged(second, "prm", 1, sure=0.5)
    assert said(capsys)[1] == "with today's marks: 1 accepted, 1 to people, 1 waiting for models"
    assert slots_of(project) == [(second.pk, "people 1: rest")]


def test_a_preview_of_another_policy_changes_nothing(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, {})
    assert said(capsys, "--policy", path, "--preview") == [
        "with today's marks: 3 to people",
        "  3 to people: people 1: rest",
    ]
    project.refresh_from_db()
    assert project.routing == {}
    assert not project.assignments.exists()


def test_a_policy_is_shown_in_words_and_as_json(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "--policy", written(tmp_path, POLICY))
    lines = said(capsys, "--show")
    assert lines[0] == "First, every solution is marked by: prm."
    shown = json.loads("\n".join(lines[lines.index("{") :]))
    assert shown["accept"] == [{"labelers": {"prm": 0.9}, "audit_share": 0.0}]


def test_a_policy_comes_from_standard_input(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"people": [{"how_many": 2}]})))
    assert said(capsys, "--policy", "-")[0] == "3 solutions looked at"
    assert len(slots_of(project)) == 6


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{", "Expecting property name"),
        ({"blind_share": 3}, "blind_share: 3 is greater than the maximum of 1"),
        ({"first": ["nobody"]}, r"first\[0\]: no model labeler is named 'nobody'"),
    ],
)
def test_a_wrong_policy_is_refused_and_nothing_changed(
    project: Project, tmp_path: Path, policy: Any, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("route", "--project", "eggs", "--policy", written(tmp_path, policy))
    project.refresh_from_db()
    assert project.routing == {}


def test_a_missing_file_is_named(project: Project) -> None:
    with pytest.raises(CommandError, match=r"none\.json: No such file"):
        call_command("route", "--project", "eggs", "--policy", "none.json")


def test_explore_projects_have_no_policy(project: Project, tmp_path: Path) -> None:
    Project.objects.update(mode=Project.Mode.EXPLORE)
    with pytest.raises(CommandError, match="review mode"):
        call_command("route", "--project", "eggs", "--policy", written(tmp_path, {}))
