"""The work report, on its page and as CSV."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from annotation.models import Lease, Project
from labelers.models import Labeler
from tests.annotation.managing import REFUSED, client_of, manager_of, refusals
from tests.factories import (
    make_annotation,
    make_assignment,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_solution,
    make_user,
)

pytestmark = pytest.mark.django_db
PAGE, CSV = "/projects/algebra/report/", "/projects/algebra/report/csv/"
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEEK = {"start": "2026-03-02", "end": "2026-03-08"}


@pytest.fixture
def project() -> Project:
    return make_project("algebra")


@pytest.fixture
def bob() -> Labeler:
    return make_labeler("Bob", user=make_user("bob"))


def marked(project: Project, labeler: Labeler, ms: int, **fields: Any) -> Any:
    solution = make_solution(make_problem(project), ["One.", "Two."])
    fields = {"submitted_at": MONDAY, "total_time_ms": ms, "elapsed_ms": 2 * ms, **fields}
    return make_annotation(solution, labeler, ratings=[1, 0], **fields)


def held(project: Project, labeler: Labeler, outcome: str, **fields: Any) -> None:
    lease = make_lease(make_assignment(make_solution(make_problem(project))), labeler, **fields)
    Lease.objects.filter(pk=lease.pk).update(outcome=outcome, ended_at=MONDAY)


def table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(StringIO(text)))


def test_only_managers_read_it(project: Project) -> None:
    for address in (PAGE, CSV):
        assert refusals(project, "get", address) == REFUSED
        assert manager_of(project).post(address).status_code == 405


def test_it_adds_up_what_each_labeler_did(project: Project, bob: Labeler) -> None:
    marked(project, bob, 10_000)
    first = marked(project, bob, 30_000)
    make_annotation(
        first.solution,
        bob,
        ratings=[1],
        supersedes=first,
        total_time_ms=45_000,
        elapsed_ms=70_000,
        submitted_at=MONDAY + timedelta(days=1),
    )
    marked(project, bob, 50_000, is_surplus=True)
    held(project, bob, "skipped")
    held(project, bob, "expired")
    held(project, bob, "expired", began_at=None)
    held(project, bob, "released")
    (row,) = table(manager_of(project).get(CSV, WEEK))
    assert row == {
        "labeler": "Bob",
        "labeler_uuid": str(bob.uuid),
        "day": "",
        "solutions": "3",
        "steps": "7",
        "active_ms": "105000",
        "elapsed_ms": "190000",
        "median_ms": "30000",
        "skips": "1",
        "expired": "1",
        "corrections": "1",
        "surplus": "1",
    }


def test_days_are_told_apart_where_asked(project: Project, bob: Labeler) -> None:
    marked(project, bob, 10_000)
    marked(project, bob, 20_000, submitted_at=MONDAY + timedelta(days=1))
    rows = table(manager_of(project).get(CSV, {**WEEK, "by": "day"}))
    assert [(row["day"], row["active_ms"]) for row in rows] == [
        ("2026-03-02", "10000"),
        ("2026-03-03", "20000"),
    ]


def test_a_day_is_one_of_the_readers_time_zone(project: Project, bob: Labeler) -> None:
    marked(project, bob, 10_000, submitted_at=datetime(2026, 3, 2, 20, tzinfo=UTC))
    user = make_user(time_zone="Asia/Tokyo")
    project.memberships.create(user=user, role="manager")
    rows = table(client_of(user).get(CSV, {**WEEK, "by": "day"}))
    assert [row["day"] for row in rows] == ["2026-03-03"]
    ended = {"start": "2026-03-01", "end": "2026-03-02"}
    assert table(client_of(user).get(CSV, ended)) == []


def test_nothing_of_other_projects_or_other_days_is_in_it(project: Project, bob: Labeler) -> None:
    marked(make_project(), bob, 10_000)
    held(make_project(), bob, "skipped")
    marked(project, bob, 10_000, submitted_at=MONDAY - timedelta(days=2))
    marked(project, bob, 10_000, submitted_at=MONDAY + timedelta(days=8))
    assert table(manager_of(project).get(CSV, WEEK)) == []
    assert "Nobody did anything" in manager_of(project).get(PAGE, WEEK).content.decode()


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(project: Project, first: str) -> None:
    name = f'{first}HYPERLINK("https://evil.example")'
    marked(project, make_labeler(name, user=make_user()), 10_000)
    (row,) = table(manager_of(project).get(CSV, WEEK))
    assert row["labeler"] == f"'{name}"


def test_time_that_a_correction_took_back_is_a_number(project: Project, bob: Labeler) -> None:
    first = marked(project, bob, 10_000, submitted_at=MONDAY - timedelta(days=2))
    make_annotation(first.solution, bob, supersedes=first, total_time_ms=4_000, submitted_at=MONDAY)
    (row,) = table(manager_of(project).get(CSV, WEEK))
    assert row["active_ms"] == "-6000"


def test_the_file_has_a_name_and_is_never_shown_as_a_page(project: Project) -> None:
    answer = manager_of(project).get(CSV, WEEK)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = 'attachment; filename="algebra-work-2026-03-02-2026-03-08.csv"'
    assert answer.headers["Content-Disposition"] == name


def test_the_page_shows_the_rows_and_their_sum(project: Project, bob: Labeler) -> None:
    marked(project, bob, 10_000)
    marked(project, make_labeler("<b>Eve</b>", user=make_user()), 20_000)
    page = manager_of(project).get(PAGE, WEEK).content.decode()
    assert "Bob" in page
    assert "&lt;b&gt;Eve" in page
    assert "30 s" in page
    assert f"{CSV}?start=2026-03-02&amp;end=2026-03-08&amp;by=" in page


def test_the_page_begins_with_the_last_thirty_days(project: Project, bob: Labeler) -> None:
    make_annotation(make_solution(make_problem(project)), bob, ratings=[1], total_time_ms=1000)
    marked(project, bob, 10_000)
    (row,) = manager_of(project).get(PAGE).context["rows"]
    assert (row.solutions, row.active_ms) == (1, 1000)


@pytest.mark.parametrize(
    "asked",
    [
        {"start": "2026-03-08", "end": "2026-03-02"},
        {"start": "2020-01-01", "end": "2026-03-02"},
        {"start": "0001-01-01", "end": "0001-01-01"},
        {"start": "9999-12-31", "end": "9999-12-31"},
        {"start": "x", "end": ""},
        {"by": "month"},
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    project: Project, asked: dict[str, str]
) -> None:
    assert manager_of(project).get(CSV, asked).status_code == 400
    assert manager_of(project).get(PAGE, asked).status_code == 200
