"""Step-DPO's pairs, as its train.py reads them."""

import json
from typing import Any

import pytest

from datasets_app.exporters.base import OptionRefused
from tests.datasets_app.exporters.exporting import PROBLEM, chosen, export, solution, values
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "step-dpo"


def test_a_row_has_the_keys_that_the_trainer_reads() -> None:
    assert values(NAME, marked(phase_2()), neutral="drop") == [
        {
            "dataset": "",
            "prompt": PROBLEM,
            "initial_reason_steps": "Let's think step by step.\nStep 1: I add.\nStep 2:",
            "chosen": " That makes 5.",
            "rejected": " That makes 6.",
            "original_chosen": " That makes 5.",
            "answer": "5",
        }
    ]


def test_steps_are_numbered_from_1() -> None:
    (row,) = values(NAME, solution(position([candidate("a"), candidate("b", -1)], chosen=0)))
    assert row["initial_reason_steps"] == "Let's think step by step.\nStep 1:"


def test_a_number_that_a_step_has_is_not_written_twice() -> None:
    steps = [chosen("Step 1: a"), position([candidate("Step 2: b", -1), candidate("step 2: c")])]
    (row,) = values(NAME, solution(*steps, reason="found_error"))
    assert row["initial_reason_steps"] == "Let's think step by step.\nStep 1: a\nStep 2:"
    assert (row["chosen"], row["rejected"]) == (" c", " b")


def test_the_first_neutral_step_counts_as_the_error() -> None:
    assert values(NAME, marked(phase_2())) == []
    step = position([candidate("a", 0), candidate("b")])
    (row,) = values(NAME, solution(step | {"chosen_completion": 0}))
    assert (row["chosen"], row["rejected"]) == (" b", " a")


def test_the_chosen_text_goes_on_as_its_solution_did_while_that_is_right() -> None:
    one = solution(
        position([candidate("a"), candidate("x", -1)], chosen=0),
        chosen("b"),
        position([candidate("c", 0)], written=human("d")),
        chosen("e", None),
        chosen("f"),
    )
    (row,) = values(NAME, one, neutral="drop")
    assert row["chosen"] == " a"
    assert row["original_chosen"] == " a\nStep 2: b\nStep 3: d"


def test_another_solution_of_the_problem_gives_the_wrong_step() -> None:
    right = solution(chosen("a"), id="one")
    wrong = solution(chosen("b", -1), reason="found_error", id="two")
    (row,) = export(NAME, right, wrong)
    assert (row.value["chosen"], row.value["rejected"]) == (" a", " b")
    assert row.origin()["step_ids"] == ["one/0.0", "two/0.0"]


def test_dataset_is_the_source_of_the_problem() -> None:
    (row,) = values(NAME, marked(phase_2(), problem={"source": "math"}), neutral="drop")
    assert row["dataset"] == "math"


@pytest.mark.parametrize(
    "options", [{"neutral": "keep"}, {"alternatives": "keep"}, {"separator": "\n"}]
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="step-dpo cannot"):
        values(NAME, marked(phase_2()), **options)


def test_real_records_make_pairs_of_single_steps() -> None:
    for line in shared_file("prm800k.jsonl").read_text().splitlines():
        for row in values(NAME, marked(json.loads(line))):
            number = row["initial_reason_steps"].count("\nStep ")
            assert row["initial_reason_steps"].endswith(f"\nStep {number}:")
            assert "\nStep " not in row["chosen"] + row["rejected"]
            assert row["original_chosen"].split("\nStep ")[0] == row["chosen"]
