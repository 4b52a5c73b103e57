"""The judge `first_error`: the first step after which the answer is lost, by binary search."""

from math import ceil, log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.judges import get_judge
from labelers.judges.first_error import FirstErrorJudge
from labelers.judges.rollouts import RolloutsJudge
from labelers.registration import BadConfiguration, make_judge
from labelers.trace import Cost, Judgement, Trace, Unjudged
from tests.labelers.judges.rescuing_engine import RIGHT, WRONG, RescuingEngine, trace_of

ROLLOUTS = 4


def judge_of(**settings: Any) -> tuple[FirstErrorJudge, RescuingEngine]:
    judge = FirstErrorJudge(engine="scripted", rollouts=ROLLOUTS, **settings)
    judge.completer.engine = engine = RescuingEngine()
    return judge, engine


def judgements(judge: FirstErrorJudge | RolloutsJudge, *traces: Trace) -> list[Judgement]:
    judged = judge.judge(traces)
    assert all(isinstance(one, Judgement) for one in judged), judged
    return [one for one in judged if isinstance(one, Judgement)]


def first_error(judgement: Judgement) -> int | None:
    """The number of the first incorrect step, from 1; none comes after it."""
    ratings = [step.rating for step in judgement.steps]
    assert set(ratings[:-1]) <= {1}
    return len(ratings) if ratings[-1] == -1 else None


@st.composite
def solutions(draw: st.DrawFn, *, stated: bool) -> tuple[Trace, int | None]:
    """A solution for which the assumption holds, and where its first error is."""
    steps = draw(st.integers(1, 40))
    error = draw(st.integers(1, steps + 1))
    hits = [
        draw(st.integers(1, ROLLOUTS)) if number < error else 0 for number in range(1, steps + 1)
    ]
    answer = (RIGHT if error > steps else WRONG) if stated else None
    return trace_of(*hits, answer=answer), error if error <= steps else None


@given(st.booleans().flatmap(lambda stated: solutions(stated=stated)))
def test_where_the_assumption_holds_it_finds_what_the_full_scan_finds(
    solution: tuple[Trace, int | None],
) -> None:
    trace, error = solution
    [found] = judgements(judge_of()[0], trace)
    scan = RolloutsJudge(engine="scripted", rollouts=ROLLOUTS)
    scan.completer.engine = RescuingEngine()
    [scanned] = judgements(scan, trace)
    assert first_error(found) == first_error(scanned) == error
    assert [step.rating for step in found.steps] == [step.rating for step in scanned.steps]
    assert all(
        step.score in (None, full.score)
        for step, full in zip(found.steps, scanned.steps, strict=True)
    )


@given(solutions(stated=True))
def test_it_draws_k_times_the_logarithm_of_the_steps(solution: tuple[Trace, int | None]) -> None:
    trace, error = solution
    judge, engine = judge_of()
    [found] = judgements(judge, trace)
    steps = len(trace.steps)
    assert len(engine.draws) <= ROLLOUTS * ceil(log2(steps))
    assert found.cost.calls == len(engine.draws)
    if error is None:
        assert engine.draws == []


@pytest.mark.parametrize(("steps", "probes"), [(1, 0), (2, 1), (8, 3), (16, 4), (32, 5)])
def test_a_power_of_two_takes_its_logarithm_exactly(steps: int, probes: int) -> None:
    for error in range(1, steps + 1):
        judge, engine = judge_of()
        hits = [1] * (error - 1) + [0] * (steps - error + 1)
        [found] = judgements(judge, trace_of(*hits, answer=WRONG))
        assert first_error(found) == error
        assert len(engine.draws) == ROLLOUTS * probes


@given(solutions(stated=False))
def test_a_solution_that_states_no_answer_may_have_no_error_either(
    solution: tuple[Trace, int | None],
) -> None:
    judge, engine = judge_of()
    judgements(judge, solution[0])
    assert len(engine.draws) <= ROLLOUTS * ceil(log2(len(solution[0].steps) + 1))


def test_what_was_continued_has_a_score_and_what_is_inferred_has_none() -> None:
    [found] = judgements(judge_of()[0], trace_of(4, 3, 2, 1, 0, 0, 0, 0, answer=WRONG))
    # Continued after step 4, then 6, then 5.
    assert [(step.rating, step.score) for step in found.steps] == [
        (1, None),
        (1, None),
        (1, None),
        (1, 0.25),
        (-1, 0.0),
    ]
    assert [prefix["steps"] for prefix in found.evidence["prefixes"]] == [4, 5, 6, 8]
    assert found.score == 0.0


def test_a_right_answer_needs_no_search_for_every_prefix_of_it_reaches_it() -> None:
    judge, engine = judge_of()
    [found] = judgements(judge, trace_of(4, 0, 4, answer=RIGHT))
    assert [(step.rating, step.score) for step in found.steps] == [(1, None), (1, None), (1, 1.0)]
    assert found.score == 1.0
    assert found.cost == Cost()
    assert engine.draws == []


def test_the_score_is_none_where_the_whole_solution_was_not_continued() -> None:
    [found] = judgements(judge_of()[0], trace_of(4, 0, 0, 0))
    assert first_error(found) == 2
    assert found.score is None


def test_a_threshold_moves_the_error() -> None:
    hits = (4, 3, 2, 1)
    errors = [
        first_error(judgements(judge_of(threshold=threshold)[0], trace_of(*hits))[0])
        for threshold in (0, 0.25, 0.5, 0.75)
    ]
    assert errors == [None, 4, 3, 2]


def test_all_solutions_of_a_batch_are_searched_side_by_side() -> None:
    judge, engine = judge_of()
    traces = [
        trace_of(*[1] * (error - 1), *[0] * (9 - error), answer=WRONG, problem=f"{error}?")
        for error in range(1, 9)
    ]
    found = judgements(judge, *traces)
    assert [first_error(one) for one in found] == list(range(1, 9))
    assert [len(call) for call in engine.calls] == [8 * ROLLOUTS] * 3


def test_equal_prefixes_are_drawn_once_in_all_rounds() -> None:
    judge, engine = judge_of()
    hits = (1, 1, 0, 0)
    # The second is longer: it comes to the prefix of two steps in its second round.
    first, second = judgements(
        judge, trace_of(*hits, answer=WRONG), trace_of(*hits, 0, 0, 0, 0, answer=WRONG)
    )
    assert first_error(first) == first_error(second) == 3
    assert len({(draw.prompt, draw.prefix) for draw in engine.draws}) == len(engine.draws) / 4
    assert first.cost.calls + second.cost.calls == len(engine.draws)


@pytest.mark.parametrize(("mark", "transient"), [("busy", True), ("refused", False)])
def test_a_failed_draw_ends_the_search_of_its_solution_alone(mark: str, transient: bool) -> None:
    judge, _ = judge_of()
    broken, sound = judge.judge(
        [trace_of(1, 1, mark, 0, answer=WRONG), trace_of(1, 0, 0, 0, answer=WRONG)]
    )
    assert broken == Unjudged(
        reason=f"continuing after step 3: the server is {mark}",
        transient=transient,
        cost=Cost(calls=8, prompt_tokens=40, completion_tokens=20),
    )
    assert isinstance(sound, Judgement)
    assert first_error(sound) == 2


def test_without_reference_or_steps_there_is_nothing_to_search() -> None:
    judge, engine = judge_of()
    assert judge.judge([trace_of(1, reference=None), trace_of()]) == [
        Unjudged(reason="the problem has no reference answer"),
        Unjudged(reason="the solution has no steps"),
    ]
    assert engine.calls == []


def test_it_is_made_by_name_and_needs_an_engine() -> None:
    assert isinstance(make_judge("first_error", {"engine": "scripted"}), FirstErrorJudge)
    assert get_judge("first_error").needs_reference_answer
    with pytest.raises(BadConfiguration, match="engine"):
        make_judge("first_error", {})
