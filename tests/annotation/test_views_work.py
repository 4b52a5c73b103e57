from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from annotation.models import Annotation, Membership, Project
from labelers.models import Labeler
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
from web import pages
from web.models import User

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def grace(client: Client) -> User:
    user = make_user("grace")
    client.force_login(user)
    return user


@pytest.fixture
def project(grace: User) -> Project:
    return make_project("algebra", members={grace: "labeler"})


@pytest.fixture
def labeler(grace: User) -> Labeler:
    return make_labeler(user=grace)


def mark(project: Project, labeler: Labeler, *, minute: int = 0, **fields: Any) -> Annotation:
    """Make an annotation of a solution of its own, so many minutes after noon."""
    text = fields.pop("text", None)
    steps = fields.pop("steps", ["One.", "Two."])
    solution = make_solution(make_problem(project, text), steps)
    at = NOON + timedelta(minutes=minute)
    return make_annotation(solution, labeler, **{"submitted_at": at, **fields})


def listed(client: Client, query: str = "") -> list[Annotation]:
    response = client.get(f"/work/{query}")
    assert response.status_code == 200
    return [done.annotation for done in response.context["page"].rows]


def test_the_newest_comes_first_over_all_projects(
    client: Client, grace: User, project: Project, labeler: Labeler
) -> None:
    geometry = make_project("geometry", members={grace: "labeler"})
    late = mark(project, labeler, minute=9)
    early = mark(project, labeler, minute=1)
    between = mark(geometry, labeler, minute=5)
    assert listed(client) == [late, between, early]
    assert listed(client, "?project=geometry") == [between]


def test_a_row_says_what_was_done(client: Client, project: Project, labeler: Labeler) -> None:
    annotation = mark(
        project, labeler, ratings=[1, -1], finish_reason="found_error", total_time_ms=48_000,
        text="\n  How many eggs?\nA second line.",
    )  # fmt: skip
    words = " ".join(client.get("/work/").content.decode().split())
    assert f'href="/projects/algebra/solutions/{annotation.solution_id}/"' in words
    assert "How many eggs?" in words
    assert "A second line." not in words
    assert '<span aria-hidden="true">✓</span><span class="unseen">Great</span>' in words
    assert '<span aria-hidden="true">✕</span><span class="unseen">Bad</span>' in words
    for said in ("found an error", "48 s", "Algebra"):
        assert said in words


def test_work_narrows_to_reason_mark_text_and_days(
    client: Client, project: Project, labeler: Labeler
) -> None:
    bad = mark(project, labeler, ratings=[-1], finish_reason="found_error", text="A shelf.")
    okay = mark(project, labeler, minute=1, ratings=[0], finish_reason="give_up", text="A box.",
                steps=["The shelf holds."])  # fmt: skip
    next_day = mark(project, labeler, minute=24 * 60, text="A wall.")
    assert listed(client, "?reason=give_up") == [okay]
    assert listed(client, "?mark=bad") == [bad]
    assert listed(client, "?mark=okay&reason=found_error") == []
    assert listed(client, "?text=SHELF") == [okay, bad]
    assert listed(client, "?since=2026-03-05") == [next_day]
    assert listed(client, "?until=2026-03-04") == [okay, bad]
    assert listed(client, "?since=2026-03-04&until=2026-03-05&text=&mark=") == [next_day, okay, bad]
    assert listed(client, "?since=0001-01-01&until=9999-12-31") == [next_day, okay, bad]


@pytest.mark.parametrize(
    "query",
    ["labeler=1", "project__name=Algebra", "order=pk", "mark=bad&mark=okay", "after=1",
     "after=1.x", "after=x.1", f"after={2**63 - 1}.1", "before=.", "after=1.1&before=1.1"],
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused(
    client: Client, project: Project, labeler: Labeler, query: str
) -> None:
    mark(project, labeler)
    assert client.get(f"/work/?{query}").status_code == 400


@pytest.mark.parametrize("query", ["mark=unmarked", "project=none", "since=soon", "reason=x"])
def test_a_value_that_is_no_choice_finds_nothing_and_says_so(
    client: Client, project: Project, labeler: Labeler, query: str
) -> None:
    mark(project, labeler)
    response = client.get(f"/work/?{query}")
    assert response.context["page"].rows == []
    assert "errorlist" in response.content.decode()


def test_pages_meet_each_row_once_though_many_were_sent_at_one_moment(
    client: Client, project: Project, labeler: Labeler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages.page_by, "__kwdefaults__", {"page_size": 2})
    done = [mark(project, labeler, minute=minute) for minute in (0, 1, 1, 1, 2)]
    query, seen = "", []
    while query is not None:
        page = client.get(f"/work/{query}").context["page"]
        seen.append([row.annotation for row in page.rows])
        query, last = page.next, page
    assert seen == [done[:2:-1], done[2:0:-1], done[:1]]
    assert listed(client, last.previous) == done[2:0:-1]


def test_nobody_elses_work_is_there(client: Client, project: Project, labeler: Labeler) -> None:
    other = make_user("emmy")
    Membership.objects.create(user=other, project=project, role="labeler")
    mark(project, make_labeler(user=other), text="Another's problem.")
    mark(project, make_labeler("the judge"), text="The judge's problem.")
    assert listed(client) == []


def test_a_manager_sees_there_their_own_work_alone(client: Client, project: Project) -> None:
    ada = make_user("ada")
    Membership.objects.create(user=ada, project=project, role="manager")
    mark(project, make_labeler(user=make_user()))
    own = mark(project, make_labeler(user=ada))
    client.force_login(ada)
    assert listed(client) == [own]


def test_work_in_a_project_that_one_has_left_is_closed(
    client: Client, project: Project, labeler: Labeler
) -> None:
    mark(project, labeler)
    Membership.objects.update(ended_at=NOON)
    assert listed(client) == []


def test_a_correction_takes_the_place_of_what_it_corrects(
    client: Client, project: Project, labeler: Labeler
) -> None:
    first = mark(project, labeler, ratings=[-1])
    second = make_annotation(first.solution, labeler, ratings=[1], supersedes=first)
    assert listed(client) == [second]
    assert "corrected" in client.get("/work/").content.decode()


def test_what_was_done_here_can_be_corrected_and_nothing_else(
    client: Client, project: Project, labeler: Labeler
) -> None:
    imported = mark(project, labeler)
    here = mark(project, labeler, minute=1)
    lease = make_lease(make_assignment(here.solution), labeler)
    Annotation.objects.filter(pk=here.pk).update(lease=lease, assignment=lease.assignment)
    page = client.get("/work/").content.decode()
    assert f'action="/label/algebra/correct/{here.pk}/"' in page
    assert f"/correct/{imported.pk}/" not in page
    project.archived_at = NOON
    project.save()
    assert "/correct/" not in client.get("/work/").content.decode()


def test_a_reader_corrects_nothing(client: Client, project: Project, labeler: Labeler) -> None:
    done = mark(project, labeler)
    lease = make_lease(make_assignment(done.solution), labeler)
    Annotation.objects.filter(pk=done.pk).update(lease=lease)
    Membership.objects.update(role="reader")
    assert listed(client) == [done]
    assert "/correct/" not in client.get("/work/").content.decode()


def test_a_newcomer_is_told_that_there_is_nothing_yet(client: Client, grace: User) -> None:
    assert "You have not marked anything yet." in client.get("/work/").content.decode()


@pytest.mark.parametrize("count", [1, 12])
def test_the_page_takes_few_queries_whatever_it_shows(
    client: Client,
    project: Project,
    labeler: Labeler,
    count: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for minute in range(count):
        mark(project, labeler, minute=minute, ratings=[1, -1])
    with django_assert_max_num_queries(13):
        client.get("/work/")
