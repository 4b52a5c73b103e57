"""The language model as a judge: its question, its votes, and the marks that they make."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from labelers.judges.llm_judge import MAX_COMMENT, MAX_KEPT_TEXT, LlmJudge
from labelers.registration import BadConfiguration, check_config, make_judge
from labelers.trace import Cost, Judgement, Trace, Unjudged
from tests.labelers.engines.misbehaving_server import Answer, completion, serving

STEPS = ("Half of 6 is 3.", "3 + 3 = 7.", "7 - 1 = 6.")
TRACE = Trace(problem="What is 6?", reference_answer="5", steps=STEPS, final_answer="6")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def judge(*texts: str, trace: Trace = TRACE, **settings: Any) -> Judgement | Unjudged:
    """Judge by one vote for each of `texts`. The scripted engine may begin with any of them."""
    scripted = LlmJudge(
        engine="scripted", engine_config={"texts": texts}, votes=len(texts), **settings
    )
    [judged] = scripted.judge([trace])
    return judged


def judgement_of(*texts: str, **settings: Any) -> Judgement:
    judged = judge(*texts, **settings)
    assert isinstance(judged, Judgement), judged
    return judged


def over_http(
    answers: Sequence[Answer], traces: Sequence[Trace] = (TRACE,), **settings: Any
) -> Any:
    """Judge against a server that gives one answer after the other; return that and its log."""
    with serving(lambda _, number: answers[number % len(answers)]) as server:
        config = {"model": "m", "base_url": server.base_url, "concurrency": 1, "attempts": 1}
        judged = LlmJudge(engine="openai", engine_config=config, **settings).judge(traces)
    return judged, server


def ratings(judgement: Judgement) -> list[int | None]:
    return [mark.rating for mark in judgement.steps]


# --- Marks ------------------------------------------------------------------------------------


def test_steps_before_the_error_are_right_and_nothing_after_it_is_marked() -> None:
    judgement = judgement_of(r"3 + 3 is 6, not 7. \boxed{1}")
    assert ratings(judgement) == [1, -1]
    assert judgement.steps[1].comment == r"3 + 3 is 6, not 7. \boxed{1}"
    assert judgement.steps[0].comment == ""


def test_a_solution_without_an_error_is_right_in_every_step() -> None:
    judgement = judgement_of(r"All is well: \boxed{-1}")
    assert ratings(judgement) == [1, 1, 1]
    assert (judgement.score, judgement.evidence["first_error"]) == (1.0, -1)


def test_the_last_box_is_the_vote() -> None:
    assert ratings(judgement_of(r"Is it \boxed{0}? No: \boxed{ 2 }.")) == [1, 1, -1]


def test_most_votes_decide() -> None:
    judgement = judgement_of(*[r"\boxed{1}"] * 3, *[r"\boxed{-1}"] * 2)
    assert ratings(judgement) == [1, -1]
    assert judgement.evidence["votes"] == {"1": 3, "-1": 2}
    assert judgement.evidence["confidence"] == 0.6


def test_of_equal_counts_the_first_named_wins() -> None:
    judgement = judgement_of(r"\boxed{1}", r"\boxed{2}")
    first = judgement.evidence["texts"][0]["vote"]
    assert judgement.evidence["first_error"] == first
    assert judgement.evidence["votes"] == {"1": 1, "2": 1}
    answers = [completion(rf"\boxed{{{index}}}") for index in (2, 1, 0, 1, 2)]
    [judged], _ = over_http(answers, votes=5)
    assert judged.evidence["first_error"] == 2


def test_a_step_s_score_is_the_share_of_votes_that_do_not_name_it() -> None:
    judgement = judgement_of(*(rf"\boxed{{{index}}}" for index in (1, 1, 1, 2, -1)))
    assert [mark.score for mark in judgement.steps] == [1.0, pytest.approx(0.4)]
    error = judgement.steps[1].score or 0.0
    assert judgement.evidence["confidence"] == pytest.approx(1 - error)


def test_the_solution_s_score_is_the_share_of_votes_for_no_error() -> None:
    judgement = judgement_of(*(rf"\boxed{{{index}}}" for index in (-1, -1, -1, 0)))
    assert [mark.score for mark in judgement.steps] == [0.75, 1.0, 1.0]
    assert judgement.score == judgement.evidence["confidence"] == 0.75


# --- What is no vote --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["No box.", r"\boxed{}", r"\boxed{two}", r"\boxed{1.0}", r"\boxed{3}", r"\boxed{-2}"]
)
def test_what_names_no_step_is_dropped_and_counted(text: str) -> None:
    judgement = judgement_of(text, text, r"\boxed{0}")
    assert judgement.evidence["dropped"] == 2
    assert judgement.evidence["votes"] == {"0": 1}
    assert judgement.evidence["confidence"] == 1.0
    assert sorted(str(kept["vote"]) for kept in judgement.evidence["texts"]) == [
        "0",
        "None",
        "None",
    ]


def test_without_a_vote_there_is_no_judgement_but_a_cost() -> None:
    judged = judge("I like it.", r"\boxed{7}")
    assert isinstance(judged, Unjudged)
    assert not judged.transient
    assert judged.reason == r"no vote has a step's number or -1 in its last \boxed{}"
    assert judged.cost.calls == 2
    assert judged.cost.completion_tokens == 4


def test_votes_that_ran_out_of_tokens_say_so() -> None:
    judged = judge(r"Well, let me think. \boxed{1}", max_tokens=3)
    assert isinstance(judged, Unjudged)
    assert judged.reason == "every vote ran out of tokens before it named a step"


def test_a_busy_server_leaves_the_solution_for_later() -> None:
    answers = [Answer(status=503), completion("no box"), Answer(status=429)]
    [judged], _ = over_http(answers, votes=3)
    assert isinstance(judged, Unjudged)
    assert judged.transient
    assert judged.retry_after_s is not None, "a rate limit slows the run"
    assert "429" in judged.reason
    assert judged.cost == Cost(calls=3, prompt_tokens=7, completion_tokens=5)


def test_a_spent_quota_stops_the_run() -> None:
    spent = Answer(status=429, body=b'{"error": {"code": "insufficient_quota"}}')
    [judged], server = over_http([completion(r"\boxed{0}"), spent], votes=8)
    assert isinstance(judged, Unjudged)
    assert (judged.stops_run, judged.transient, judged.retry_after_s) == (True, False, None)
    assert len(server.requests) == 2, "the other votes were not asked for"


def test_a_server_that_refuses_is_a_failure_for_good() -> None:
    [judged], _ = over_http([Answer(status=400, body=b"too long")], votes=2)
    assert judged == Unjudged(reason="the server answered 400: too long", cost=Cost(calls=2))


@pytest.mark.parametrize("status", [429, 503])
def test_a_vote_that_a_busy_server_lost_makes_the_others_no_surer(status: int) -> None:
    answers = [completion(r"\boxed{0}"), completion(r"\boxed{0}"), Answer(status=status)]
    [judged], _ = over_http(answers, votes=3)
    assert isinstance(judged, Unjudged)
    assert judged.transient
    assert judged.cost == Cost(calls=3, prompt_tokens=14, completion_tokens=10)


def test_a_vote_that_is_refused_for_good_is_counted_apart() -> None:
    [judged], _ = over_http([Answer(status=400), completion(r"\boxed{0}")], votes=4)
    assert ratings(judged) == [-1]
    assert (judged.evidence["failed"], judged.evidence["votes"]) == (2, {"0": 2})


def test_one_bad_solution_spoils_no_other() -> None:
    without_steps = Trace(problem="?", reference_answer=None, steps=(), final_answer=None)
    traces = [without_steps, TRACE, without_steps, TRACE]
    judged, server = over_http([completion(r"\boxed{0}"), Answer(status=400)], traces)
    assert [type(one) for one in judged] == [Unjudged, Judgement, Unjudged, Unjudged]
    assert judged[0].reason == "the solution has no steps"
    assert len(server.requests) == 2


# --- What is asked ----------------------------------------------------------------------------


def test_one_vote_is_greedy_and_several_are_drawn_with_seeds_of_their_own() -> None:
    _, server = over_http([completion(r"\boxed{0}")])
    assert [request["temperature"] for request in server.requests] == [0]
    _, server = over_http([completion(r"\boxed{0}")], votes=8)
    assert {(r["temperature"], r["top_p"], r["max_tokens"]) for r in server.requests} == {
        (1.0, 0.9, 2048)
    }
    seeds = [request["seed"] for request in server.requests]
    assert len(set(seeds)) == 8
    _, again = over_http([completion(r"\boxed{0}")], [replaced("?"), TRACE], votes=8)
    assert [request["seed"] for request in again.requests][8:] == seeds


def replaced(problem: str) -> Trace:
    return Trace(problem=problem, reference_answer=None, steps=STEPS, final_answer=None)


def test_the_question_has_the_problem_and_the_steps_numbered_from_zero() -> None:
    _, server = over_http([completion(r"\boxed{0}")])
    [question] = [request["messages"][0]["content"] for request in server.requests]
    assert "<problem>\nWhat is 6?\n</problem>" in question
    for index, step in enumerate(STEPS):
        assert f"<paragraph_{index}>\n{step}\n</paragraph_{index}>" in question
    assert "reference" not in question


def test_the_reference_answer_is_shown_where_the_configuration_says_so() -> None:
    [judged], server = over_http([completion(r"\boxed{0}")], show_reference_answer=True)
    question = server.requests[0]["messages"][0]["content"]
    assert "<reference_answer>\n5\n</reference_answer>" in question
    assert judged.evidence["reference_answer_shown"] is True
    [hidden], _ = over_http([completion(r"\boxed{0}")])
    assert hidden.evidence["reference_answer_shown"] is False


def test_the_question_has_examples_where_the_configuration_says_so() -> None:
    going_on = completion("No error. \\boxed{-1}\n\n<problem>\nNext \\boxed{0}")
    [judged], server = over_http([going_on], prompt="critique_few_shot")
    assert server.requests[0]["messages"][0]["content"].count("\n\nCheck:") == 4
    assert server.requests[0]["stop"] == ["\n\n"]
    assert judged.evidence["prompt"] == "critique_few_shot"
    assert judged.evidence["votes"] == {"-1": 1}
    [plain], _ = over_http([completion(r"\boxed{0}")])
    assert plain.evidence["prompt"] == "critique"


def test_a_problem_without_the_reference_answer_to_show_is_not_judged() -> None:
    [judged], server = over_http(
        [completion(r"\boxed{0}")], [replaced("?")], show_reference_answer=True
    )
    assert judged == Unjudged(reason="the problem has no reference answer to show")
    assert server.requests == []


# --- What is kept -----------------------------------------------------------------------------


def test_the_explanation_is_a_winning_vote_s_without_its_thoughts() -> None:
    answers = [
        completion(r"Nothing wrong here. \boxed{-1}"),
        completion(r"\boxed{1}"),
        completion(r"<think>Hm, \boxed{0}?</think> 3 + 3 is 6. So \boxed{1}."),
        completion(r"It should be 6. \boxed{1}"),
    ]
    [judged], _ = over_http(answers, votes=4)
    assert judged.steps[1].comment == r"3 + 3 is 6. So \boxed{1}."


def test_a_vote_that_says_only_the_number_explains_nothing() -> None:
    assert judgement_of(r"$\boxed{1}$.").steps[1].comment == ""


def test_long_texts_are_kept_from_their_ends() -> None:
    text = "First. " + "word " * 3000 + r"Here: 3 + 3 is 6. \boxed{1}"
    [judged], _ = over_http([completion(text)])
    comment, kept = judged.steps[1].comment, judged.evidence["texts"][0]["text"]
    assert (len(comment), len(kept)) == (MAX_COMMENT, MAX_KEPT_TEXT)
    assert comment.startswith("…")
    assert comment.endswith(r"Here: 3 + 3 is 6. \boxed{1}")
    assert kept.endswith(comment[1:])


def test_every_vote_s_text_is_in_the_evidence_and_the_cost_is_all_of_theirs() -> None:
    texts = [r"\boxed{1}", "no idea", r"\boxed{2}"]
    [judged], _ = over_http([completion(text) for text in texts], votes=3)
    assert judged.evidence["texts"] == [
        {"vote": 1, "text": r"\boxed{1}"},
        {"vote": None, "text": "no idea"},
        {"vote": 2, "text": r"\boxed{2}"},
    ]
    assert judged.cost == Cost(calls=3, prompt_tokens=21, completion_tokens=15)


# --- Configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "'engine' is a required property"),
        ({"engine": "scripted", "votes": 0}, "votes: 0 is less than the minimum"),
        ({"engine": "scripted", "votes": 65}, "votes: 65 is greater than the maximum"),
        ({"engine": "scripted", "votes": 2, "temperature": 0}, "temperature: 0 is less than or eq"),
        ({"engine": "scripted", "top_p": 0}, "top_p: 0 is less than or equal"),
        ({"engine": "scripted", "show_reference_answer": "yes"}, "'yes' is not of type 'boolean'"),
        ({"engine": "scripted", "prompt": "praise"}, "'praise' is not one of ['critique'"),
        ({"engine": "scripted", "vote": 3}, "'vote' was unexpected"),
    ],
)
def test_a_wrong_setting_is_named(config: dict[str, Any], said: str) -> None:
    with pytest.raises(BadConfiguration, match=re.escape(said)):
        check_config("llm_judge", config)


def test_a_whole_configuration_makes_a_judge() -> None:
    config = {
        "engine": "scripted",
        "engine_config": {"texts": [r"\boxed{0}"]},
        "votes": 2.0,
        "temperature": 0.7,
        "top_p": 1,
        "max_tokens": 64,
        "show_reference_answer": True,
    }
    [judged] = make_judge("llm_judge", config).judge([TRACE])
    assert isinstance(judged, Judgement)
    assert judged.evidence["votes"] == {"0": 2}
