"""The judge `rollouts`: the share of continuations that reach the answer, after every step."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.answers import GRADER
from labelers.engines import EngineNotStarted
from labelers.engines.base import Draw
from labelers.judges import get_judge
from labelers.judges.rollouts import RolloutsJudge, relabel
from labelers.registration import BadConfiguration, make_judge
from labelers.trace import Cost, Judgement, Trace, Unjudged
from tests.labelers.judges.rescuing_engine import RIGHT, WRONG, RescuingEngine, trace_of


def judge_of(**settings: Any) -> tuple[RolloutsJudge, RescuingEngine]:
    judge = RolloutsJudge(engine="scripted", **settings)
    judge.completer.engine = engine = RescuingEngine()
    return judge, engine


def judgements(judge: RolloutsJudge, *traces: Trace) -> list[Judgement]:
    judged = judge.judge(traces)
    assert all(isinstance(one, Judgement) for one in judged), judged
    return [one for one in judged if isinstance(one, Judgement)]


def marks(judgement: Judgement) -> list[tuple[int | None, float | None]]:
    return [(step.rating, step.score) for step in judgement.steps]


def test_a_step_is_marked_by_whether_any_continuation_reaches_the_answer() -> None:
    judge, engine = judge_of(rollouts=4)
    [found] = judgements(judge, trace_of(4, 1, 0, 0))
    assert marks(found) == [(1, 1.0), (1, 0.25), (-1, 0.0)]
    assert len(engine.draws) == 4 * 4
    assert len(engine.calls) == 1


def test_the_score_is_the_share_after_the_last_step_even_after_an_error() -> None:
    judge, _ = judge_of(rollouts=4)
    [rescued, lost] = judgements(judge, trace_of(4, 0, 3), trace_of(4, 2, 0))
    assert marks(rescued) == [(1, 1.0), (-1, 0.0)]
    assert rescued.score == 0.75
    assert lost.score == 0.0


@pytest.mark.parametrize(("answer", "last"), [(RIGHT, (1, 1.0)), (WRONG, (-1, 0.0))])
def test_a_whole_solution_that_states_its_answer_is_not_drawn_from(
    answer: str, last: tuple[int, float]
) -> None:
    judge, engine = judge_of(rollouts=4)
    [found] = judgements(judge, trace_of(2, 3, 4, answer=answer))
    assert marks(found) == [(1, 0.5), (1, 0.75), last]
    assert found.score == last[1]
    assert len(engine.draws) == 2 * 4
    assert found.evidence["prefixes"][-1] == {
        "steps": 3,
        "hits": int(answer == RIGHT),
        "answers": [answer],
        "drawn": False,
    }


def test_prompt_prefix_and_stop_strings_are_those_of_the_named_prompt() -> None:
    judge, engine = judge_of(rollouts=1, prompt="few_shot_cot")
    trace = Trace(
        problem="How many?",
        reference_answer=RIGHT,
        steps=("One [1]", "Two [1]"),
        final_answer=None,
        prefixes=("One [1]", "One [1]\n\n  Two [1]"),
    )
    judgements(judge, trace)
    assert [draw.prefix for draw in engine.draws] == ["One [1]", "One [1]\n\n  Two [1]"]
    assert all(draw.prompt.endswith("Problem: How many?\nSolution:\n") for draw in engine.draws)
    assert judge.completer.decoding.stop == ("\nProblem:",)


def test_the_evidence_holds_what_was_drawn_by_whom_and_every_answer() -> None:
    judge, _ = judge_of(
        engine_config={"model": "small"}, rollouts=2, temperature=0.9, max_tokens=64, seed=5
    )
    [found] = judgements(judge, trace_of(1))
    assert json.loads(json.dumps(found.evidence)) == {
        "engine": "rescuing",
        "model": "small",
        "prompt": "zero_shot_cot",
        "decoding": {
            "temperature": 0.9,
            "top_p": 1.0,
            "max_tokens": 64,
            "stop": ["\nProblem:"],
        },
        "seed": 5,
        "rollouts": 2,
        "grader": GRADER,
        "threshold": 0.0,
        "reference_answer": RIGHT,
        "prefixes": [{"steps": 1, "hits": 1, "answers": [RIGHT, WRONG], "drawn": True}],
    }


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.sampled_from([None, RIGHT, WRONG]),
    st.floats(0, 1, exclude_max=True),
)
def test_relabelling_gives_what_judging_with_that_threshold_gives(
    hits: Sequence[int], answer: str | None, threshold: float
) -> None:
    trace = trace_of(*hits, answer=answer)
    [first] = judgements(judge_of(rollouts=4)[0], trace)
    [again] = judgements(judge_of(rollouts=4, threshold=threshold)[0], trace)
    kept = json.loads(json.dumps(first.evidence))
    assert relabel(kept, threshold=threshold) == again.steps


def test_a_threshold_must_be_passed_not_met() -> None:
    judge, _ = judge_of(rollouts=4, threshold=0.5)
    [found] = judgements(judge, trace_of(3, 2, 4))
    assert marks(found) == [(1, 0.75), (-1, 0.5)]


def test_equal_prefixes_of_a_batch_are_drawn_once_and_paid_once() -> None:
    judge, engine = judge_of(rollouts=4)
    first, second = judgements(judge, trace_of(3, 2), trace_of(3, 1))
    assert marks(first) == [(1, 0.75), (1, 0.5)]
    assert marks(second) == [(1, 0.75), (1, 0.25)]
    assert len(engine.draws) == 3 * 4
    assert first.cost == Cost(calls=8, prompt_tokens=80, completion_tokens=40)
    assert second.cost == Cost(calls=4, prompt_tokens=40, completion_tokens=20)


def test_what_is_shared_is_graded_by_each_problems_own_reference() -> None:
    judge, engine = judge_of(rollouts=4)
    first, second = judgements(judge, trace_of(3), trace_of(3, reference=WRONG))
    assert (first.score, second.score) == (0.75, 0.25)
    assert len(engine.draws) == 4


def test_equal_steps_of_another_problem_are_another_prefix() -> None:
    judge, engine = judge_of(rollouts=4)
    judgements(judge, trace_of(3), trace_of(3, problem="Another?"))
    assert len(engine.draws) == 8


def test_seeds_differ_by_prefix_and_index_and_are_the_same_in_every_attempt() -> None:
    def seeds(**settings: Any) -> list[int]:
        judge, engine = judge_of(rollouts=4, **settings)
        judgements(judge, trace_of(3, 2, 1))
        return [draw.seed for draw in engine.draws]

    assert len(set(seeds())) == 12
    assert seeds() == seeds()
    assert not set(seeds()) & set(seeds(seed=1))
    assert all(0 <= seed < 2**31 for seed in seeds())


@pytest.mark.parametrize(("mark", "transient"), [("busy", True), ("refused", False)])
def test_a_failed_draw_leaves_its_solution_unjudged_and_no_other(
    mark: str, transient: bool
) -> None:
    judge, _ = judge_of(rollouts=4)
    broken, sound = judge.judge([trace_of(3, mark), trace_of(2, 1)])
    assert broken == Unjudged(
        reason=f"continuing after step 2: the server is {mark}",
        transient=transient,
        cost=Cost(calls=8, prompt_tokens=40, completion_tokens=20),
    )
    assert isinstance(sound, Judgement)


def test_a_failure_for_good_outweighs_one_that_passes() -> None:
    judge, _ = judge_of(rollouts=1)
    trace = Trace(
        problem="?",
        reference_answer=RIGHT,
        steps=("a", "b", "c"),
        final_answer=None,
        prefixes=("[busy]", "[refused]", "[1]"),
    )
    [unjudged] = judge.judge([trace])
    assert isinstance(unjudged, Unjudged)
    assert not unjudged.transient
    assert "refused" in unjudged.reason


@pytest.mark.parametrize("reference", [None, "", " "])
def test_without_a_reference_answer_nothing_is_drawn(reference: str | None) -> None:
    judge, engine = judge_of()
    assert judge.judge([trace_of(1, reference=reference)]) == [
        Unjudged(reason="the problem has no reference answer")
    ]
    assert engine.draws == []


def test_without_steps_nothing_is_drawn() -> None:
    judge, engine = judge_of()
    assert judge.judge([trace_of()]) == [Unjudged(reason="the solution has no steps")]
    assert engine.draws == []


def test_a_continuation_without_an_answer_is_a_miss_kept_as_none() -> None:
    judge = RolloutsJudge(engine="scripted", engine_config={"texts": ["So\nI think"]}, rollouts=2)
    [found] = judgements(judge, trace_of(1))
    assert found.evidence["prefixes"][0]["answers"] == [None, None]
    assert marks(found) == [(-1, 0.0)]


def test_the_answer_is_read_from_the_whole_text_as_a_solutions_is() -> None:
    text = "First 6.\nThen\n\n# Answer\n\n12"
    judge = RolloutsJudge(engine="scripted", engine_config={"texts": [text]}, rollouts=1)
    trace = Trace(
        problem="?",
        reference_answer=RIGHT,
        steps=("First 6.", "Then"),
        final_answer=None,
        prefixes=("First 6.", "First 6.\nThen\n\n"),
    )
    [found] = judgements(judge, trace)
    assert [prefix["answers"] for prefix in found.evidence["prefixes"]] == [["12"], ["12"]]


def test_it_is_made_by_name_with_settings_that_are_checked() -> None:
    judge = make_judge("rollouts", {"engine": "scripted", "rollouts": 2, "threshold": 0.5})
    assert isinstance(judge, RolloutsJudge)
    assert get_judge("rollouts").needs_reference_answer
    assert get_judge("rollouts").needs_own_worker({"engine": "local"})
    assert not get_judge("rollouts").needs_own_worker({"engine": "openai"})


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"engine": None}, "engine"),
        ({"rollouts": 0}, "rollouts"),
        ({"rollouts": 2.5}, "rollouts"),
        ({"threshold": 1}, "threshold"),
        ({"threshold": -0.1}, "threshold"),
        ({"prompt": "no such prompt"}, "prompt"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(BadConfiguration, match=named):
        make_judge("rollouts", {"engine": "scripted"} | wrong)


def test_an_engine_that_does_not_start_says_why() -> None:
    with pytest.raises(EngineNotStarted, match="http"):
        make_judge(
            "rollouts",
            {"engine": "openai", "engine_config": {"model": "m", "base_url": "ftp://here"}},
        )


def test_the_same_prefix_and_seed_is_the_same_draw() -> None:
    judge, engine = judge_of(rollouts=2)
    judgements(judge, trace_of(1))
    again, other = judge_of(rollouts=3)
    judgements(again, trace_of(1))
    shared: list[Draw] = other.draws[:2]
    assert shared == engine.draws
