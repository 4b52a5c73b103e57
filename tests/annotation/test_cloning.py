"""Filling a clone: a Run whose batches may be lost, stopped and overtaken, and double nothing."""

import pytest
from django.test import Client

from annotation import cloning, run_control, run_kinds, runs
from annotation.models import Problem, Project, Run, RunSlice, Solution, Step
from annotation.run_pace import NotNow
from tests.annotation.managing import client_of
from tests.factories import make_problem, make_project, make_solution, make_step, make_user
from web.models import User

pytestmark = pytest.mark.django_db
PROBLEMS = 3
CLONE = "/projects/algebra/clone/"
POSTED = {"name": "Second", "slug": "second", "with_content": "on"}


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloning, "ROWS_A_SLICE", 2)


@pytest.fixture
def user() -> User:
    return make_user(is_superuser=True)


@pytest.fixture
def client(user: User) -> Client:
    return client_of(user)


@pytest.fixture
def algebra() -> Project:
    project = make_project("algebra")
    for number in range(PROBLEMS):
        problem = make_problem(project, f"Problem {number}?")
        make_solution(problem, ["One.", "Two."])
        make_step(make_solution(problem, ["Other."]), 0, "Else.", alternative=1)
    make_problem(project, "Nobody tried?")
    make_solution(make_problem(make_project()))
    return project


def begun(algebra: Project, user: User) -> Run:
    _, run = cloning.clone(project=algebra, user=user, slug="second", name="", with_content=True)
    assert run is not None
    return run


def take(run: Run) -> RunSlice:
    piece = runs.claim(run.pk)
    assert piece is not None
    return piece


def finish(run: Run) -> Run:
    run.refresh_from_db()
    runs.work_here(run, cloning.copy_slice)
    return run


def texts(project: Project) -> list[tuple[str, list[tuple[str, list[tuple[int, int, str]]]]]]:
    """Return all that a project holds: problems, their solutions, their steps."""
    return [
        (
            problem.text,
            [
                (
                    solution.text,
                    list(
                        Step.objects.filter(solution=solution)
                        .order_by("position", "alternative")
                        .values_list("position", "alternative", "text")
                    ),
                )
                for solution in problem.solutions.order_by("pk")
            ],
        )
        for problem in Problem.objects.filter(project=project).order_by("pk")
    ]


def test_the_new_project_is_there_at_once_and_is_filled_batch_by_batch(
    algebra: Project, user: User
) -> None:
    run = begun(algebra, user)
    assert (run.project.slug, run.state, run.total) == ("second", "queued", 5)
    assert not run.project.problems.exists()
    runs.work(take(run), cloning.copy_slice)
    assert run.project.problems.count() == 2
    finish(run)
    assert texts(run.project) == texts(algebra)
    assert (run.state, run.done, run.failed) == ("finished", 5, 0)


def test_batches_in_any_order_make_the_same_project(algebra: Project, user: User) -> None:
    run = begun(algebra, user)
    pieces = [take(run) for _ in range(5)]
    for piece in reversed(pieces):
        assert runs.work(piece, cloning.copy_slice)
    assert sorted(texts(run.project)) == sorted(texts(algebra))


def test_a_batch_that_breaks_leaves_nothing_of_itself_and_is_copied_once(
    algebra: Project, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(algebra, user)
    with monkeypatch.context() as broken:
        broken.setattr(cloning, "COPY_SOLUTIONS", cloning.COPY_SOLUTIONS + "; SELECT 1 / 0")
        finish(run)
    assert (run.done, run.failed) == (2, 3)
    assert not run.project.solutions.exists()
    run = finish(run_control.retry_failed(run))
    assert run.is_whole
    assert texts(run.project) == texts(algebra)


def test_what_others_bring_into_the_clone_meanwhile_stays_theirs_and_single(
    algebra: Project, user: User
) -> None:
    run = begun(algebra, user)
    mine = make_problem(run.project, "Problem 0?")
    make_solution(mine, ["One.", "Two."], seed=5)
    finish(run)
    assert run.is_whole
    assert texts(run.project) == texts(algebra)
    assert Solution.objects.get(problem=mine, text="One.\nTwo.").seed == 5


def test_a_project_deleted_while_it_is_copied_stops_the_run_and_says_so(
    algebra: Project, user: User
) -> None:
    run = begun(algebra, user)
    runs.work(take(run), cloning.copy_slice)
    algebra.delete()
    finish(run)
    assert (run.state, run.error) == ("failed", "the project that is copied was deleted")
    assert run.project.problems.count() == 2
    again = f"/projects/second/runs/{run.pk}/resume/"
    client = client_of(user)
    for address in ("/projects/second/", f"/projects/second/runs/{run.pk}/"):
        page = client.get(address).content.decode()
        assert again not in page
    assert (
        "was deleted before all of it was copied"
        in client.get("/projects/second/").content.decode()
    )
    for act in (run_control.resume, run_control.retry_failed):
        with pytest.raises(NotNow, match="was deleted"):
            act(run)


def test_a_small_project_is_copied_while_its_manager_waits(
    algebra: Project, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_kinds, "AT_ONCE_S", 600)
    page = client.post(CLONE, POSTED, follow=True).content.decode()
    assert "This is the new project." in page
    assert "being filled" not in page
    assert texts(Project.objects.get(slug="second")) == texts(algebra)


def test_a_large_one_is_filled_by_workers_and_its_page_says_so_until_it_is(
    algebra: Project, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_kinds, "AT_ONCE_S", 0)
    page = client.post(CLONE, POSTED, follow=True).content.decode()
    assert "being filled" in page
    assert "0 / 5 batches" in page
    assert "Nothing in it yet" not in page
    run = Run.objects.get()
    runs.work(take(run), cloning.copy_slice)
    run.cancel()
    assert "was not filled to the end" in client.get("/projects/second/").content.decode()
    finish(run_control.resume(run))
    assert "filled" not in client.get("/projects/second/").content.decode()
    assert texts(run.project) == texts(algebra)
