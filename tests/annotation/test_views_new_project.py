"""Making projects: new ones, clones, and putting them away."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from annotation.models import Membership, Project, Solution, Step
from tests.annotation.managing import REFUSED, client_of, manager_of, refusals
from tests.factories import (
    make_annotation,
    make_assignment,
    make_invitation,
    make_labeler,
    make_lease,
    make_problem,
    make_project,
    make_run,
    make_solution,
    make_step,
    make_token,
    make_user,
)
from web.models import User

pytestmark = pytest.mark.django_db
NEW = "/projects/new/"


def allowed() -> User:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="add_project"))
    return user


def cloner_of(project: Project) -> Client:
    """Return a client of a manager who may also make projects."""
    user = allowed()
    project.memberships.create(user=user, role="manager")
    return client_of(user)


def test_a_project_is_made_by_those_who_may(client: object) -> None:
    posted = {"name": "Algebra", "slug": "algebra", "mode": "explore"}
    for user in (make_user(), make_user(is_staff=True)):
        assert client_of(user).get(NEW).status_code == 403
        assert client_of(user).post(NEW, posted).status_code == 403
    assert not Project.objects.exists()
    for user in (allowed(), make_user(is_superuser=True)):
        assert client_of(user).get(NEW).status_code == 200
        answer = client_of(user).post(NEW, {**posted, "slug": f"of-{user.pk}"})
        assert answer.headers["Location"] == f"/projects/of-{user.pk}/"
    assert Project.objects.filter(mode="explore").count() == 2


def test_whoever_makes_a_project_manages_it() -> None:
    user = allowed()
    client_of(user).post(NEW, {"name": "Algebra", "slug": "algebra", "mode": "review"})
    membership = Membership.objects.get()
    assert (membership.user, membership.role) == (user, "manager")
    assert (membership.project.slug, membership.project.name) == ("algebra", "Algebra")


@pytest.mark.parametrize("slug", ["new", "taken", "two words", "ä", "", "a" * 101, "../x"])
def test_a_short_name_that_cannot_be_is_refused(slug: str) -> None:
    make_project("taken")
    posted = {"name": "Algebra", "slug": slug, "mode": "review"}
    answer = client_of(allowed()).post(NEW, posted)
    assert answer.status_code == 200
    assert answer.context["form"].errors["slug"]
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    ("slug", "told"),
    [
        ("taken", "Another project has this short name."),
        ("two words", "Only letters, digits, hyphens and underscores."),
    ],
)
def test_a_refused_short_name_is_explained_in_the_words_of_the_page(slug: str, told: str) -> None:
    make_project("taken")
    posted = {"name": "Algebra", "slug": slug, "mode": "review"}
    answer = client_of(allowed()).post(NEW, posted)
    assert answer.context["form"].errors["slug"] == [told]


def test_a_clone_begins_with_the_settings_and_people_of_the_first() -> None:
    project = make_project("algebra", overlap=3, guidelines="Be kind.", mode="explore")
    reviewer, gone = make_user(), make_user()
    project.memberships.create(user=reviewer, role="reviewer")
    project.memberships.create(user=gone, role="labeler", ended_at=timezone.now())
    make_invitation(project, reviewer)
    project.tokens.add(make_token(reviewer)[0])
    make_problem(project)
    Project.objects.update(paused_at=timezone.now(), archived_at=timezone.now(), routing_round=4)
    cloner_of(project).post("/projects/algebra/clone/", {"name": "Second", "slug": "second"})
    made = Project.objects.get(slug="second")
    assert (made.overlap, made.guidelines, made.mode) == (3, "Be kind.", "explore")
    assert (made.paused_at, made.archived_at, made.routing_round) == (None, None, 0)
    assert sorted(made.memberships.values_list("role", flat=True)) == ["manager", "reviewer"]
    assert not made.invitations.exists()
    assert not made.tokens.exists()
    assert not made.problems.exists()


def test_a_clone_with_content_has_every_text_and_not_one_mark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("annotation.run_kinds.AT_ONCE_S", 600)
    project = make_project("algebra")
    problem = make_problem(project, metadata={"a": 1})
    twin = make_problem(project, problem.text, reference_solution="Count.", level="2")
    run = make_run(project)
    solution = make_solution(problem, ["One.", "Two."], is_correct=True, seed=7, run=run)
    make_solution(twin, ["One.", "Two."])
    make_step(solution, 1, "Other.", alternative=1)
    make_step(solution, 1, "By hand.", alternative=2, writer="human")
    make_solution(problem, ["Built."], built=True)
    labeler = make_labeler(user=make_user())
    make_annotation(solution, labeler, ratings=[1, -1])
    make_lease(make_assignment(solution), make_labeler(user=make_user()))
    posted = {"name": "Second", "slug": "second", "with_content": "on"}
    assert cloner_of(project).post("/projects/algebra/clone/", posted).status_code == 302
    made = Project.objects.get(slug="second")
    first, second = made.problems.order_by("pk")
    assert (first.text, first.metadata) == (problem.text, {"a": 1})
    assert (second.reference_solution, second.level) == ("Count.", "2")
    copied, of_twin = Solution.objects.filter(project=made).order_by("pk")
    assert (copied.problem, of_twin.problem) == (first, second)
    assert (copied.text, copied.seed, copied.is_correct) == (solution.text, 7, True)
    assert copied.run is None
    steps = Step.objects.filter(solution=copied).order_by("position", "alternative")
    assert [(step.position, step.alternative, step.text, step.start) for step in steps] == [
        (0, 0, "One.", 0),
        (1, 0, "Two.", 5),
        (1, 1, "Other.", None),
    ]
    for rows in (made.annotations, made.assignments, made.leases):
        assert not rows.exists()
    assert project.solutions.count() == 3


def test_only_managers_clone_and_archive() -> None:
    project = make_project("algebra")
    for address in ("/projects/algebra/clone/", "/projects/algebra/archive/"):
        assert refusals(project, "get", address) == REFUSED
        assert refusals(project, "post", address) == REFUSED
    project.refresh_from_db()
    assert project.archived_at is None


def test_archiving_is_asked_about_and_deletes_nothing() -> None:
    project = make_project("algebra")
    solution = make_solution(make_problem(project))
    make_annotation(solution, ratings=[1])
    lease = make_lease(make_assignment(solution), make_labeler(user=make_user()))
    client = manager_of(project)
    asked = client.get("/projects/algebra/archive/").content.decode()
    assert "Nothing is deleted" in asked
    assert "One solution is in somebody" in asked
    project.refresh_from_db()
    assert project.archived_at is None
    client.post("/projects/algebra/archive/")
    project.refresh_from_db()
    assert project.archived_at is not None
    assert project.annotations.count() == 1
    lease.refresh_from_db()
    assert lease.is_open
    assert "Restore this project?" in client.get("/projects/algebra/archive/").content.decode()
