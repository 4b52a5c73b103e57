"""RLHFlow's conversations: a step, then `+` or `-`."""

import json
from typing import Any

import pytest

from datasets_app.exporters.base import OptionRefused
from tests.datasets_app.exporters.exporting import PROBLEM, chosen, export, solution, values
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "rlhflow-prm"


def turns(*said: str) -> Json:
    roles = ["user", "assistant"] * len(said)
    return {
        "conversations": [
            {"role": role, "content": text} for role, text in zip(roles, said, strict=False)
        ]
    }


def test_each_step_is_a_turn_and_the_first_has_the_question() -> None:
    assert values(NAME, marked(phase_2())) == [
        turns(f"{PROBLEM} I add.", "+", "That makes 6.", "-")
    ]


def test_a_step_without_a_label_shares_the_next_turn() -> None:
    steps = [chosen("a", None), chosen("b"), chosen("c", 0), chosen("d"), chosen("e", None)]
    assert values(NAME, solution(*steps), neutral="drop") == [
        turns(f"{PROBLEM} a\n\nb", "+", "c\n\nd", "+")
    ]


def test_a_solution_without_labels_makes_no_row() -> None:
    assert values(NAME, solution(chosen("a", None))) == []


def test_a_human_step_is_right() -> None:
    one = solution(position([candidate("a", -1)], written=human("b")))
    assert values(NAME, one) == [turns(f"{PROBLEM} b", "+")]


@pytest.mark.parametrize(("neutral", "sign"), [("positive", "+"), ("negative", "-")])
def test_neutral_steps_become_what_is_asked(neutral: str, sign: str) -> None:
    assert values(NAME, solution(chosen("a", 0)), neutral=neutral) == [turns(f"{PROBLEM} a", sign)]


def test_steps_after_an_error_are_kept_on_request() -> None:
    one = [chosen("a", -1), chosen("b")]
    assert values(NAME, solution(*one)) == [turns(f"{PROBLEM} a", "-")]
    assert values(NAME, solution(*one), truncate=False) == [turns(f"{PROBLEM} a", "-", "b", "+")]


def test_alternatives_are_rows_on_request() -> None:
    assert values(NAME, marked(phase_2()), alternatives="rows") == [
        turns(f"{PROBLEM} I add.", "+", "That makes 6.", "-"),
        turns(f"{PROBLEM} I add.", "+", "That makes 5.", "+"),
    ]


@pytest.mark.parametrize(
    "options", [{"neutral": "keep"}, {"alternatives": "keep"}, {"separator": "\n"}]
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="rlhflow-prm cannot"):
        values(NAME, marked(phase_2()), **options)


def test_a_row_names_the_steps_of_its_labels() -> None:
    (row,) = export(NAME, solution(chosen("a"), chosen("b", None), chosen("c", -1)))
    assert row.steps == ["0.0", "2.0"]


def test_real_records_have_a_sign_for_each_step_of_their_paths() -> None:
    said = []
    for line in shared_file("prm800k.jsonl").read_text().splitlines():
        for row in values(NAME, marked(json.loads(line))):
            talk = row["conversations"]
            assert [one["role"] for one in talk] == ["user", "assistant"] * (len(talk) // 2)
            said.append("".join(one["content"] for one in talk[1::2]))
    # The labeler of the fifth gave up.
    assert said == ["+" * 6, "+" * 6 + "-", "+" * 5, "+" * 7, "+" * 12]
