"""What drawing costs, also where nobody counts the tokens, and what a meter sees of it."""

import pytest

from labelers.engines.base import Completion, Decoding, Draw, DrawFailure
from labelers.engines.scripted import ScriptedEngine
from labelers.judges.base import draw
from labelers.spending import drawing_cost, metered, spend
from labelers.trace import Cost


def drawn(text: str, *, read: int = 0, wrote: int = 0) -> Completion:
    return Completion(
        text=text,
        prompt_text="What is 2 + 3?",
        prompt_tokens=read,
        completion_tokens=wrote,
        finish_reason="stop",
    )


def test_tokens_that_the_server_counts_are_what_it_costs() -> None:
    outcomes: list[Completion | DrawFailure] = [
        drawn("5", read=7, wrote=2),
        DrawFailure(reason="busy", transient=True),
    ]
    assert drawing_cost(outcomes) == Cost(calls=2, prompt_tokens=7, completion_tokens=2)


@pytest.mark.parametrize(
    ("made", "cost"),
    [
        (drawn("It is 5."), (5, 3, 1)),
        (drawn("It is 5.", read=7), (7, 3, 1)),
        (drawn("It is 5.", wrote=4), (5, 4, 1)),
        (drawn("答えは５"), (5, 4, 1)),
        (drawn("", read=7), (7, 0, 0)),
    ],
)
def test_tokens_that_nobody_counted_are_estimated_by_the_length_of_the_texts(
    made: Completion, cost: tuple[int, int, int]
) -> None:
    found = drawing_cost([made])
    assert (found.prompt_tokens, found.completion_tokens, found.estimated_calls) == cost


def test_a_meter_counts_what_is_drawn_while_it_is_set_up() -> None:
    engine = ScriptedEngine(texts=["one two"])
    draws = [Draw(prompt="three more words", seed=1)] * 2
    draw(engine, draws, Decoding())
    with metered() as outer:
        draw(engine, draws, Decoding())
        with metered() as inner:
            spend(Cost(calls=5))
    assert outer.cost == Cost(calls=2, prompt_tokens=6, completion_tokens=4)
    assert inner.cost == Cost(calls=5)
