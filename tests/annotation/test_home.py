"""The first page: what I hold, what waits for me, what I did today."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from annotation import ending, leases, routing
from annotation.home import my_projects, today
from annotation.models import Project
from labelers.registration import labeler_of
from tests.factories import make_annotation, make_problem, make_project, make_solution, make_user
from web.models import User
from web.templatetags.durations import duration

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user(daily_goal=2)


@pytest.fixture
def project(user: User) -> Project:
    project = make_project("eggs", overlap=2, members={user: "labeler"})
    for number in range(3):
        make_solution(make_problem(project), [f"Step {number}."])
    routing.route(project=project)
    return project


def page(user: User) -> str:
    client = Client()
    client.force_login(user)
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_what_waits_is_what_this_person_could_take(user: User, project: Project) -> None:
    labeler = labeler_of(user)
    make_annotation(project.solutions.earliest("pk"), labeler, ratings=[1])
    held = leases.claim_next(labeler=labeler, project=project)
    (mine,) = my_projects(user)
    assert (mine.waiting, mine.held) == (1, held)
    assert "Go on" in page(user)


@pytest.mark.parametrize("mode", [Project.Mode.REVIEW, Project.Mode.EXPLORE])
def test_what_this_person_skipped_waits_once_its_time_has_come(user: User, mode: str) -> None:
    project = make_project(mode=mode, overlap=2, members={user: "labeler"})
    for _ in range(2):
        make_solution(make_problem(project), ["A step."])
    routing.route(project=project)
    labeler = labeler_of(user)
    lease = leases.claim_next(labeler=labeler, project=project)
    assert lease is not None
    ending.skip(lease)
    assert my_projects(user)[0].waiting == 1
    type(lease).objects.update(returns_at=timezone.now())
    assert my_projects(user)[0].waiting == 2


def test_a_problem_that_this_person_has_built_does_not_wait_for_them(user: User) -> None:
    project = make_project(mode=Project.Mode.EXPLORE, overlap=2, members={user: "labeler"})
    for _ in range(2):
        make_problem(project)
    routing.route(project=project)
    leases.claim_next(labeler=labeler_of(user), project=project)
    assert my_projects(user)[0].waiting == 1


def test_a_newcomer_is_offered_practice_until_they_did_it(user: User, project: Project) -> None:
    assert my_projects(user)[0].offers_practice
    assert "/label/eggs/practice/" in page(user)
    project.memberships.update(practised_at=timezone.now())
    assert not my_projects(user)[0].offers_practice


def test_nothing_waits_in_a_paused_project(user: User, project: Project) -> None:
    Project.objects.update(paused_at=timezone.now())
    assert my_projects(user)[0].waiting == 0
    assert "Paused" in page(user)


def test_a_reader_is_offered_no_work(project: Project) -> None:
    reader = make_user()
    project.memberships.create(user=reader, role="reader")
    (mine,) = my_projects(reader)
    assert (mine.can_label, mine.waiting, mine.offers_practice) == (False, 0, False)
    assert "/label/" not in page(reader)


def test_others_projects_are_not_there(project: Project) -> None:
    assert my_projects(make_user()) == []


def test_today_counts_what_is_in_force_since_midnight(user: User, project: Project) -> None:
    assert today(user) is None
    labeler = labeler_of(user)
    first, second, third = project.solutions.order_by("pk")
    corrected = make_annotation(first, labeler, ratings=[1], total_time_ms=9_000)
    make_annotation(first, labeler, ratings=[-1], total_time_ms=61_000, supersedes=corrected)
    make_annotation(second, labeler, ratings=[0], total_time_ms=60_000)
    make_annotation(third, labeler, submitted_at=timezone.now() - timedelta(days=2))
    done = today(user)
    assert done is not None
    assert (done.solutions, done.steps, done.active) == (2, 2, timedelta(seconds=121))
    assert done.reaches_goal
    assert "Your goal of 2 is reached" in page(user)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"), (0, "0 s"), (48_400, "48 s"), (60_000, "1 min"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
    ],
)  # fmt: skip
def test_time_is_said_as_people_say_it(value: float | timedelta | None, said: str) -> None:
    assert duration(value) == said
