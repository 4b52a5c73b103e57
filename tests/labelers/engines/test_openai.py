"""The engine for OpenAI-compatible servers, against a server that misbehaves on command."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tenacity import AsyncRetrying, RetryCallState

from labelers.engines.base import Completion, Decoding, Draw, DrawFailure
from labelers.engines.openai import OpenAIEngine
from labelers.engines.openai_answers import Unavailable, retry_after_s
from labelers.engines.rate_limits import listening
from tests.labelers.engines.misbehaving_server import Answer, Server, completion, serving

KEY = "sk-very-secret-key-0123456789"
BUSY = Answer(status=429, body=b"slow down", headers={"Retry-After": "0"})
DRAW = Draw(prompt="What is 2 + 3?", seed=1)


@pytest.fixture(autouse=True)
def _no_proxy_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def engine_for(server: Server, **settings: Any) -> OpenAIEngine:
    return OpenAIEngine(
        model="m", base_url=server.base_url, **{"backoff_s": 0.01, "timeout_s": 10, **settings}
    )


def draw_one(server: Server, draw: Draw = DRAW, **settings: Any) -> Completion | DrawFailure:
    [outcome] = engine_for(server, **settings).generate([draw], Decoding(stop=("\nProblem:",)))
    return outcome


def failure_of(server: Server, **settings: Any) -> DrawFailure:
    outcome = draw_one(server, **settings)
    assert isinstance(outcome, DrawFailure)
    return outcome


def text_of(outcome: Completion | DrawFailure) -> str:
    assert isinstance(outcome, Completion), outcome
    return outcome.text


# --- What is asked, and what is read ----------------------------------------------------------


def test_each_draw_is_a_request_of_its_own_with_its_own_seed() -> None:
    draws = [Draw(prompt="p", seed=seed) for seed in (5, 6, 2**40 + 7)]
    with serving(lambda body, _: completion(f"seed {body['seed']}")) as server:
        drawn = engine_for(server).generate(draws, Decoding(temperature=0.5, max_tokens=9))
    assert [text_of(outcome) for outcome in drawn] == [
        "seed 5",
        "seed 6",
        f"seed {2**40 % 2**31 + 7}",
    ]
    assert all("n" not in request for request in server.requests)
    assert {(request["temperature"], request["max_tokens"]) for request in server.requests} == {
        (0.5, 9)
    }


def test_a_chat_carries_the_prompt_as_a_message_and_a_prefix_as_an_open_one() -> None:
    with serving(lambda *_: completion(" 5")) as server:
        outcome = draw_one(server, Draw(prompt="2 + 3?", seed=1, prefix="2 + 3 ="))
    assert text_of(outcome) == " 5"
    assert server.paths == ["/v1/chat/completions"]
    [request] = server.requests
    assert request["messages"] == [
        {"role": "user", "content": "2 + 3?"},
        {"role": "assistant", "content": "2 + 3 ="},
    ]
    assert request["continue_final_message"] is True
    assert request["add_generation_prompt"] is False


def test_a_chat_without_prefix_sends_only_what_every_server_takes() -> None:
    with serving(lambda *_: completion("5")) as server:
        draw_one(server)
    assert set(server.requests[0]) == {
        "model", "messages", "max_tokens", "temperature", "top_p", "seed", "stop",
    }  # fmt: skip


def test_a_text_completion_carries_prompt_and_prefix_as_one_text() -> None:
    with serving(lambda *_: completion(" 5")) as server:
        outcome = draw_one(server, Draw(prompt="2 + 3?", seed=1, prefix="\n2 + 3 ="), chat=False)
    assert server.paths == ["/v1/completions"]
    assert server.requests[0]["prompt"] == "2 + 3?\n2 + 3 ="
    assert outcome == Completion(
        text=" 5",
        prompt_text="2 + 3?\n2 + 3 =",
        prompt_tokens=7,
        completion_tokens=5,
        finish_reason="stop",
    )


def test_a_stop_string_that_the_server_returns_is_cut_off() -> None:
    with serving(lambda *_: completion("5\nProblem: next")) as server:
        assert text_of(draw_one(server)) == "5"
        assert server.requests[0]["stop"] == ["\nProblem:"]


def test_a_text_that_ran_out_of_tokens_says_so() -> None:
    choices = [{"message": {"content": "and so"}, "finish_reason": "length"}]
    with serving(lambda *_: completion("", choices=choices)) as server:
        outcome = draw_one(server)
    assert isinstance(outcome, Completion)
    assert outcome.finish_reason == "length"


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        {"prompt_tokens": "7", "completion_tokens": -1},
        {"prompt_tokens": 10**12, "completion_tokens": True},
    ],
)
def test_token_counts_that_the_server_does_not_say_or_cannot_mean_are_zero(usage: object) -> None:
    with serving(lambda *_: completion("5", usage=usage)) as server:
        outcome = draw_one(server)
    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.prompt_tokens, outcome.completion_tokens) == ("5", 0, 0)


def test_an_empty_text_is_a_completion() -> None:
    with serving(lambda *_: completion("")) as server:
        assert text_of(draw_one(server)) == ""


def test_thoughts_that_the_server_took_out_are_put_back() -> None:
    message = {"content": "5", "reasoning_content": "2 and 3"}
    with serving(lambda *_: completion("", choices=[{"message": message}])) as server:
        assert text_of(draw_one(server)) == "<think>2 and 3</think>5"


def test_a_text_is_storable_whatever_the_server_sends() -> None:
    with serving(lambda *_: completion("a\0b\ud800c")) as server:
        assert text_of(draw_one(server)) == "a\ufffdb\ufffdc"


# --- What is tried again, and what is not -----------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(BUSY, id="429 with Retry-After"),
        pytest.param(Answer(status=429), id="429 without"),
        pytest.param(Answer(status=500), id="500"),
        pytest.param(Answer(status=503, headers={"Retry-After": "soon"}), id="503 with nonsense"),
        pytest.param(Answer(body=b'{"choices": [', promised=500), id="broken off in mid-body"),
        pytest.param(
            Answer(body=b"not gzip", headers={"content-encoding": "gzip"}), id="wrong encoding"
        ),
    ],
)
def test_what_may_pass_is_tried_again(bad: Answer) -> None:
    with serving(lambda _, number: bad if number < 2 else completion("5")) as server:
        assert text_of(draw_one(server)) == "5"
    assert len(server.requests) == 3


def test_an_answer_that_does_not_come_in_time_is_asked_for_again() -> None:
    slow = completion("late")
    slow.delay_s = 1.0
    with serving(lambda _, number: completion("5") if number else slow) as server:
        assert text_of(draw_one(server, timeout_s=0.3)) == "5"
    assert len(server.requests) == 2


def test_a_server_that_stays_busy_is_a_transient_failure_after_the_last_attempt() -> None:
    with serving(lambda *_: BUSY) as server:
        failure = failure_of(server, attempts=3)
    assert len(server.requests) == 3
    assert failure.transient
    assert failure.reason == "the server answered 429: slow down (attempts: 3)"
    assert failure.retry_after_s == 0


def test_a_rate_limit_is_told_at_once_and_the_draw_is_tried_again() -> None:
    limit = Answer(status=429, headers={"Retry-After": "0.25"})
    heard: list[tuple[float, int]] = []
    with serving(lambda _, number: limit if number < 2 else completion("5")) as server:
        with listening(lambda wait_s: heard.append((wait_s, len(server.requests)))):
            assert text_of(draw_one(server)) == "5"
        draw_one(server)
    assert heard == [(0.25, 1), (0.25, 2)]


def test_a_rate_limit_that_lasts_is_left_to_the_run_and_the_call_asks_no_more() -> None:
    limit = Answer(status=429, headers={"Retry-After": "3600"})
    with serving(lambda _, number: limit if number else completion("5")) as server:
        engine = engine_for(server, concurrency=1)
        draws = [Draw(prompt="p", seed=seed) for seed in range(5)]
        first, *others = engine.generate(draws, Decoding())
        assert len(server.requests) == 2
        engine.generate(draws[:1], Decoding())
        assert len(server.requests) == 3, "the next call asks again"
    assert text_of(first) == "5"
    assert {
        (one.retry_after_s, one.transient) for one in others if isinstance(one, DrawFailure)
    } == {(3600, True)}


SPENT = [
    Answer(status=429, body=b'{"error": {"message": "x", "code": "insufficient_quota"}}'),
    Answer(status=429, body=b'{"error": {"type": "insufficient_quota", "code": null}}'),
    Answer(status=402, body=b"Insufficient Balance"),
]


@pytest.mark.parametrize("answer", SPENT)
def test_a_spent_quota_is_no_rate_limit_and_stops_the_run(answer: Answer) -> None:
    heard: list[float] = []
    with serving(lambda *_: answer) as server, listening(heard.append):
        engine = engine_for(server, concurrency=1)
        outcomes = engine.generate([Draw(prompt="p", seed=s) for s in range(3)], Decoding())
    assert len(server.requests) == 1
    assert heard == []
    for failure in outcomes:
        assert isinstance(failure, DrawFailure)
        assert (failure.stops_run, failure.transient, failure.retry_after_s) == (True, False, None)
        assert f"the server answered {answer.status}" in failure.reason


@pytest.mark.parametrize("body", [b"", b"insufficient_quota", b'{"error": "x"}', b"[" * 100_000])
def test_a_429_that_names_no_quota_is_a_rate_limit(body: bytes) -> None:
    with serving(lambda *_: Answer(status=429, body=body)) as server:
        failure = failure_of(server, attempts=1)
    assert (failure.transient, failure.stops_run, failure.retry_after_s) == (True, False, 0)


def test_a_server_that_is_not_there_is_a_transient_failure() -> None:
    with serving(lambda *_: BUSY) as server:
        pass
    failure = failure_of(server, attempts=2)
    assert failure.transient
    assert failure.reason == "no connection (ConnectError) (attempts: 2)"
    assert failure.retry_after_s is None


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422])
def test_a_refusal_is_not_asked_again(status: int) -> None:
    with serving(lambda *_: Answer(status=status, body=b'{"error": "no"}')) as server:
        failure = failure_of(server)
    assert len(server.requests) == 1
    assert not failure.transient
    assert failure.reason == f'the server answered {status}: {{"error": "no"}}'


def test_a_refused_prefix_says_what_to_do() -> None:
    with serving(lambda *_: Answer(status=422, body=b"Unexpected fields")) as server:
        outcome = draw_one(server, Draw(prompt="p", seed=1, prefix="q"))
    assert isinstance(outcome, DrawFailure)
    assert "chat=false" in outcome.reason


@pytest.mark.parametrize(
    "body",
    [
        b"", b"junk", b"\xff\xfe", b"[" * 100_000, b"null", b"[]", b'"text"', b"{}",
        b'{"choices": []}', b'{"choices": {"0": 1}}', b'{"choices": [null]}',
        b'{"choices": [{"message": "5"}]}', b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": ["5"]}}]}', b'{"choices": [{"text": 5}]}',
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("chat", [True, False])
def test_an_answer_without_a_text_is_a_failure_for_good(body: bytes, chat: bool) -> None:
    with serving(lambda *_: Answer(body=body)) as server:
        failure = failure_of(server, chat=chat)
    assert not failure.transient
    assert failure.reason.startswith("the answer ")
    assert len(failure.reason) < 300


def test_one_refused_draw_spoils_no_other() -> None:
    def answer(body: dict[str, Any], _: int) -> Answer:
        return Answer(status=400) if body["seed"] == 1 else completion(str(body["seed"]))

    with serving(answer) as server:
        drawn = engine_for(server).generate(
            [Draw(prompt="p", seed=s) for s in range(4)], Decoding()
        )
    assert isinstance(drawn[1], DrawFailure)
    assert [text_of(drawn[place]) for place in (0, 2, 3)] == ["0", "2", "3"]


def test_a_page_of_html_is_named_and_not_repeated() -> None:
    page = b"<!doctype html><script>alert(1)</script>"
    with serving(lambda *_: Answer(status=502, body=page)) as server:
        failure = failure_of(server, attempts=1)
    assert failure.reason == "the server answered 502: an HTML page (attempts: 1)"


def test_a_long_answer_is_shortened_to_a_line() -> None:
    with serving(lambda *_: Answer(status=400, body=b"one\ntwo\0 " * 500)) as server:
        failure = failure_of(server)
    assert len(failure.reason) < 250
    assert "\n" not in failure.reason
    assert "\0" not in failure.reason


# --- Waiting ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_s", "attempt", "least_s", "most_s"),
    [(7.0, 1, 7, 9), (86_400.0, 1, 60, 62), (None, 1, 0, 2), (None, 3, 0, 8), (None, 99, 0, 60)],
)
def test_the_wait_is_what_the_server_asks_for_or_doubles_up_to_the_longest(
    asked_s: float | None, attempt: int, least_s: float, most_s: float
) -> None:
    engine = OpenAIEngine(model="m", base_url="http://127.0.0.1:9/v1", backoff_s=2)
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = attempt
    state.set_exception((Unavailable, Unavailable("busy", retry_after_s=asked_s), None))
    assert all(least_s <= engine._wait_s(state) <= most_s for _ in range(50))


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    earlier = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    assert retry_after_s({"retry-after": "7"}) == 7
    assert retry_after_s({"retry-after": "0.5"}) == 0.5
    assert 80 < (retry_after_s({"retry-after": later}) or 0) <= 90
    assert 80 < (retry_after_s({"retry-after": later.replace("GMT", "-0000")}) or 0) <= 90
    assert retry_after_s({"retry-after": earlier}) == 0


@pytest.mark.parametrize("value", ["", "soon", "-5", "nan", "inf", "1e400", "²", "9" * 5000])
def test_a_retry_after_that_means_nothing_asks_for_nothing(value: str) -> None:
    assert retry_after_s({"retry-after": value}) is None


# --- The limit on open requests, the key, the keyboard ----------------------------------------


def test_no_more_requests_are_open_than_allowed_over_all_calls_of_the_engine() -> None:
    answer = completion("5")
    answer.delay_s = 0.02
    draws = [Draw(prompt="p", seed=seed) for seed in range(12)]
    with serving(lambda *_: answer) as server:
        engine = engine_for(server, concurrency=3)
        threads = [
            threading.Thread(target=engine.generate, args=(draws, Decoding())) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 24
    assert server.open_at_most == 3


def test_the_key_comes_from_the_environment_and_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", KEY + "\n")
    wrong_key = Answer(status=401, body=f"{'x' * 170} wrong key {KEY}".encode())
    with serving(lambda *_: wrong_key) as server:
        engine = engine_for(server, api_key_env="MY_KEY")
        [outcome] = engine.generate([DRAW], Decoding())
    assert server.keys == [f"Bearer {KEY}"]
    assert "sk-" not in repr(outcome)
    assert KEY not in repr(engine) + repr(vars(engine))


def test_without_a_key_no_authorization_is_sent() -> None:
    with serving(lambda *_: completion("5")) as server:
        draw_one(server)
    assert server.keys == [None]


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-é\nsecret")
    engine = OpenAIEngine(model="m", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ValueError, match="OPENAI_API_KEY holds characters") as refused:
        engine.generate([DRAW], Decoding())
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("base_url", ["127.0.0.1:8000/v1", "file:///etc/passwd", "", "http://"])
def test_an_address_that_is_not_http_is_refused_at_once(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        OpenAIEngine(model="m", base_url=base_url)


def test_an_interrupt_from_the_keyboard_ends_the_waiting() -> None:
    program = (
        "import sys; from labelers.engines.openai import OpenAIEngine;"
        "from labelers.engines.base import Decoding, Draw;"
        "OpenAIEngine(model='m', base_url=sys.argv[1], timeout_s=200)"
        ".generate([Draw(prompt='p', seed=s) for s in range(20)], Decoding())"
    )
    hanging = completion("5")
    hanging.delay_s = 250
    asked = threading.Event()

    def answer(_: dict[str, Any], number: int) -> Answer:
        if number == 7:
            asked.set()
        return hanging if number else BUSY

    with serving(answer) as server:
        client = subprocess.Popen(
            [sys.executable, "-c", program, server.base_url],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        assert asked.wait(30)
        client.send_signal(signal.SIGINT)
        _, complaint = client.communicate(timeout=30)
    assert b"KeyboardInterrupt" in complaint


def test_an_answer_is_read_as_json_whatever_type_the_server_gives_it() -> None:
    answer = Answer(body=json.dumps({"choices": [{"message": {"content": "5"}}]}).encode())
    answer.headers["content-type"] = "text/plain"
    with serving(lambda *_: answer) as server:
        assert text_of(draw_one(server)) == "5"
