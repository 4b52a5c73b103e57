"""Marking by judges that ask an engine: from the configuration to the labelling page's words."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from annotation import labelling, runs
from annotation.models import Assignment, Project, Run, StepLabel
from labelers.judges.llm_judge import LlmJudge
from labelers.registration import register_model
from tests.factories import make_problem, make_project, make_solution
from tests.labelers.engines.misbehaving_server import Answer, Server, completion, serving

pytestmark = pytest.mark.django_db

CRITIQUE = r"3 + 4 is 7, not 8. \boxed{0}"
BUSY = Answer(status=429, body=b"slow down")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def project() -> Project:
    project = make_project()
    problem = make_problem(project, "What is 3 + 4?", reference_answer="7")
    make_solution(problem, ["3 + 4 = 7", "So 7."], final_answer="7", is_correct=True)
    make_solution(problem, ["3 + 4 = 8", "So 8."], final_answer="8", is_correct=False)
    return project


def judge_all(
    project: Project,
    server: Server,
    *,
    attempts: int = 1,
    budget: Decimal | None = None,
    **settings: Any,
) -> Run:
    engine = {"model": "m", "base_url": server.base_url, "attempts": attempts, "concurrency": 1}
    config = {"engine": "openai", "engine_config": engine, **settings}
    labeler = register_model(name="critic", judge="llm_judge", config=config)
    run = labelling.request(project=project, labeler=labeler, budget=budget)
    while piece := runs.claim(run.pk):
        assert runs.work(piece, labelling.judge_slice)
    run.refresh_from_db()
    return run


def critic(body: dict[str, Any], _: int) -> Answer:
    is_wrong = "3 + 4 = 8" in body["messages"][0]["content"]
    return completion(CRITIQUE if is_wrong else r"No error. \boxed{-1}")


def test_a_critique_over_http_becomes_marks_with_an_explanation_and_a_cost(
    project: Project,
) -> None:
    with serving(critic) as server:
        run = judge_all(project, server)
    assert (run.state, run.done, run.failed) == ("finished", 2, 0)
    assert (run.prompt_tokens, run.completion_tokens) == (14, 10)
    right, wrong = project.annotations.order_by("solution")
    assert list(right.labels.order_by("id").values_list("rating", flat=True)) == [1, 1]
    assert (right.finish_reason, right.score) == ("solution", 1.0)
    assert (wrong.finish_reason, wrong.score) == ("found_error", 0.0)
    assert wrong.evidence["votes"] == {"0": 1}
    [explanation] = StepLabel.objects.explaining()
    assert (explanation.annotation, explanation.comment) == (wrong, CRITIQUE)
    assert not wrong.labels.exclude(pk=explanation.pk).exists()


def test_solutions_that_a_busy_server_left_are_judged_when_it_may_be_asked_again(
    project: Project,
) -> None:
    with serving(lambda body, number: critic(body, number) if number else BUSY) as server:
        run = judge_all(project, server)
        assert (run.state, run.done, run.failed) == ("running", 0, 0)
        assert project.assignments.open().count() == 2
        assert not project.annotations.exists()
        run.slices.update(not_before=None)
        Run.objects.update(not_before=None)
        run = judge_all(project, server)
    assert (run.state, run.done, run.failed, run.errors) == ("finished", 2, 0, {})
    assert project.annotations.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_rate_limit_slows_the_run_while_the_engine_still_waits_for_its_next_attempt(
    project: Project,
) -> None:
    limit = Answer(status=429, headers={"Retry-After": "1"})
    slowed: list[tuple[int | None, bool]] = []

    def answer(body: dict[str, Any], number: int) -> Answer:
        if number == 0:
            return limit
        run = Run.objects.get()
        slowed.append((run.at_once, run.not_before is not None))
        connection.close()
        return critic(body, number)

    with serving(answer) as server:
        run = judge_all(project, server, attempts=2)
    assert slowed == [(1, True)] * 2
    assert (run.state, run.done, run.failed) == ("finished", 2, 0)


def test_a_spent_quota_stops_the_run_with_its_reason_and_fails_nothing(project: Project) -> None:
    spent = Answer(status=429, body=b'{"error": {"code": "insufficient_quota"}}')
    with serving(lambda body, number: spent if number == 1 else critic(body, number)) as server:
        run = judge_all(project, server)
        assert len(server.requests) == 2
        assert (run.state, run.done, run.failed, run.left) == ("failed", 1, 0, 1)
        assert "insufficient_quota" in run.error
        assert project.assignments.open().count() == 1
        run = judge_all(project, server)
    assert (run.state, run.done, run.error) == ("finished", 2, "")


def test_a_budget_stops_a_run_whose_server_counts_no_tokens_and_the_cost_is_called_an_estimate(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LlmJudge, "batch_size", 1)
    price = {"prompt_per_1k": 1, "completion_per_1k": 1, "currency": "USD"}

    def silent(body: dict[str, Any], _: int) -> Answer:
        return completion(r"No error. \boxed{-1}", usage=None)

    with serving(silent) as server:
        run = judge_all(project, server, price=price, budget=Decimal("0.01"))
    assert (run.state, run.done, run.calls, run.estimated_calls) == ("paused", 1, 1, 1)
    assert run.money > Decimal("0.01")
    cost = project.annotations.get().cost
    assert (cost.calls, cost.estimated_calls, cost.money) == (1, 1, run.money)


def test_a_solution_without_a_vote_fails_with_the_reason_and_still_costs(
    project: Project,
) -> None:
    with serving(lambda *_: completion("I like it.")) as server:
        run = judge_all(project, server)
    assert (run.done, run.failed) == (0, 2)
    assert run.completion_tokens == 10
    [reason] = run.errors
    assert "no vote" in reason
    assert set(project.assignments.values_list("state", "error")) == {
        (Assignment.State.FAILED, reason)
    }


def test_consistency_scores_by_the_answers_of_the_problem_s_solutions(project: Project) -> None:
    problem = project.problems.get()
    make_solution(problem, ["Seven."], final_answer="7.0", is_correct=True)
    make_solution(problem, ["No idea."], final_answer=None)
    run = labelling.request(
        project=project, labeler=register_model(name="consistency", judge="consistency")
    )
    while piece := runs.claim(run.pk):
        assert runs.work(piece, labelling.judge_slice)
    scores = list(project.annotations.order_by("solution").values_list("score", flat=True))
    assert scores == [pytest.approx(2 / 3), pytest.approx(1 / 3), pytest.approx(2 / 3), None]
    assert not StepLabel.objects.exists()
