"""The engine for OpenAI-compatible servers, on a real model behind a real server."""

from dataclasses import replace

import pytest

from labelers.engines.base import Completion, Decoding, Draw, DrawFailure
from labelers.engines.openai import OpenAIEngine
from tests.model_server import ModelServer

DECODING = Decoding(temperature=0.8, max_tokens=16, stop=("\nProblem:",))
DRAWS = [Draw(prompt="Write about apples.", seed=seed) for seed in range(4)]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("model server")]


@pytest.mark.parametrize("chat", [True, False])
def test_n_draws_give_n_texts_of_the_length_asked_for(
    model_server: ModelServer, chat: bool
) -> None:
    engine = OpenAIEngine(model=model_server.model, base_url=model_server.base_url, chat=chat)
    drawn = engine.generate(DRAWS, DECODING)
    completions = [outcome for outcome in drawn if isinstance(outcome, Completion)]
    assert len(completions) == len(DRAWS), drawn
    assert len({completion.text for completion in completions}) == len(DRAWS)
    assert all(0 < completion.completion_tokens <= 16 for completion in completions)
    assert all(completion.prompt_tokens > 0 for completion in completions)


def test_greedy_text_ends_before_the_stop_string(model_server: ModelServer) -> None:
    engine = OpenAIEngine(model=model_server.model, base_url=model_server.base_url)
    draw = Draw(prompt="Count from 1 to 10, with commas.", seed=1)
    greedy = replace(DECODING, temperature=0.0, stop=())
    [free] = engine.generate([draw], greedy)
    assert isinstance(free, Completion)
    stop = free.text[6:8]
    [stopped] = engine.generate([draw], replace(greedy, stop=(stop,)))
    assert isinstance(stopped, Completion)
    assert stopped.text == free.text[: free.text.index(stop)]
    assert stopped.finish_reason == "stop"


def test_a_prefix_is_continued_as_text_and_refused_with_advice_in_a_chat(
    model_server: ModelServer,
) -> None:
    draw = Draw(prompt="2 + 3 = 5\n4 + 4 = 8\n1 + 1", seed=1, prefix=" =")
    greedy = replace(DECODING, temperature=0.0, max_tokens=4)
    as_text = OpenAIEngine(model=model_server.model, base_url=model_server.base_url, chat=False)
    [continued] = as_text.generate([draw], greedy)
    assert isinstance(continued, Completion)
    assert continued.text.startswith(" 2")
    as_chat = OpenAIEngine(model=model_server.model, base_url=model_server.base_url)
    [refused] = as_chat.generate([draw], greedy)
    assert isinstance(refused, DrawFailure)
    assert not refused.transient
    assert "chat=false" in refused.reason


def test_a_model_that_the_server_does_not_have_is_a_failure_for_good(
    model_server: ModelServer,
) -> None:
    engine = OpenAIEngine(model="no/such-model", base_url=model_server.base_url)
    [refused] = engine.generate(DRAWS[:1], DECODING)
    assert isinstance(refused, DrawFailure)
    assert not refused.transient
    assert "no/such-model" in refused.reason
