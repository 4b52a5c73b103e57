"""Math-Shepherd's tagged text, as its readers take it apart."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.exporters.base import OptionRefused
from tests.datasets_app.exporters.exporting import PROBLEM, chosen, export, solution, values
from tests.datasets_app.marked_json import marked
from tests.datasets_app.prm800k_json import candidate, human, phase_2, position
from tests.shared_data import shared_file

Json = dict[str, Any]
NAME = "math-shepherd"


def signs(row: Json) -> str:
    """Return the labels as readers find them: at the places of the tags of `input`."""
    text = row["input"].replace("ки", "\x00")
    assert len(text) == len(row["label"])
    found = [(one, label) for one, label in zip(text, row["label"], strict=True) if one != label]
    assert {one for one, _ in found} <= {"\x00"}
    return "".join(label for _, label in found)


def test_the_texts_differ_in_the_tags_alone() -> None:
    assert values(NAME, marked(phase_2(), problem={"source": "gsm8k"})) == [
        {
            "input": f"{PROBLEM} Step 1: I add. ки\nStep 2: That makes 6. ки",
            "label": f"{PROBLEM} Step 1: I add. +\nStep 2: That makes 6. -",
            "task": "GSM8K",
        }
    ]


def test_a_step_without_a_label_has_no_tag_and_no_number_of_its_own() -> None:
    steps = [chosen("a", None), chosen("b", 0), chosen("c"), chosen("d", -1)]
    (row,) = values(NAME, solution(*steps), neutral="drop")
    assert row["input"] == f"{PROBLEM} Step 1: a\nb\nc ки\nStep 2: d ки"
    assert signs(row) == "+-"


def test_a_tail_without_labels_is_left_out() -> None:
    (row,) = values(NAME, solution(chosen("a"), chosen("b", None)))
    assert row["input"] == f"{PROBLEM} Step 1: a ки"


def test_a_human_step_is_right() -> None:
    (row,) = values(NAME, solution(position([candidate("a", 0)], written=human("b"))))
    assert row["label"] == f"{PROBLEM} Step 1: b +"


@pytest.mark.parametrize(("neutral", "sign"), [("positive", "+"), ("negative", "-")])
def test_neutral_steps_become_what_is_asked(neutral: str, sign: str) -> None:
    (row,) = values(NAME, solution(chosen("a", 0)), neutral=neutral)
    assert signs(row) == sign


def test_labels_after_an_error_are_kept_on_request() -> None:
    one = [chosen("a"), chosen("b", -1), chosen("c")]
    assert [signs(row) for row in values(NAME, solution(*one))] == ["+-"]
    assert [signs(row) for row in values(NAME, solution(*one), truncate=False)] == ["+-+"]


def test_alternatives_are_rows_on_request() -> None:
    one = solution(chosen("a"), position([candidate("b", -1), candidate("c")]))
    rows = values(NAME, one, alternatives="rows")
    assert [row["label"].splitlines()[1] for row in rows] == ["Step 2: b -", "Step 2: c +"]


@pytest.mark.parametrize("text", ["Сколько стоят книжки?", "Use Step 1: add.", "See step 12: add."])
@pytest.mark.parametrize("place", ["question", "step"])
def test_a_text_that_readers_would_cut_in_two_makes_no_row(text: str, place: str) -> None:
    one = solution(chosen("a"), chosen(text if place == "step" else "b"))
    if place == "question":
        one.record["question"]["problem"] = text
    assert values(NAME, one) == []


def test_a_number_that_a_step_has_is_not_written_twice() -> None:
    (row,) = values(NAME, solution(chosen("Step 1: a"), chosen("step 2: b"), chosen("Step 31: c")))
    assert row["input"] == f"{PROBLEM} Step 1: a ки\nStep 2: b ки\nStep 3: c ки"


@pytest.mark.parametrize(
    ("source", "task"),
    [("gsm8k", "GSM8K"), ("math", "MATH"), ("prm800k", "MATH"), ("ours", "ours"), ("", "")],
)
def test_task_is_the_source_of_the_problem(source: str, task: str) -> None:
    (row,) = values(NAME, marked(phase_2(), problem={"source": source}))
    assert row["task"] == task


@pytest.mark.parametrize(
    "options", [{"neutral": "keep"}, {"alternatives": "keep"}, {"separator": "\n"}]
)
def test_what_the_format_cannot_hold_is_refused(options: Json) -> None:
    with pytest.raises(OptionRefused, match="math-shepherd cannot"):
        values(NAME, marked(phase_2()), **options)


def test_a_row_names_the_steps_of_its_labels() -> None:
    (row,) = export(NAME, solution(chosen("a", None), chosen("b")))
    assert row.steps == ["1.0"]


def test_real_lines_come_back_as_they_were() -> None:
    found = []
    for line in shared_file("math_shepherd.jsonl").read_text().splitlines():
        value = json.loads(line)
        question, _, rest = value["input"].partition(" Step 1: ")
        texts = [text.strip() for text in f"Step 1: {rest}".split("ки")[:-1]]
        found.append(signs(value))
        steps = [
            chosen(text, 1 if sign == "+" else -1)
            for text, sign in zip(texts, found[-1], strict=True)
        ]
        one = solution(*steps, problem={"source": "gsm8k"})
        one.record["question"]["problem"] = question
        assert values(NAME, one, truncate=False) == [value]
    assert found == ["++++-", "---", "--", "-----", "+----", "--", "---"]


TEXTS = st.text("ab1: Stepки\n+-", min_size=1, max_size=12)


@given(TEXTS, st.lists(st.tuples(TEXTS, st.sampled_from([1, 0, -1, None])), max_size=5))
def test_readers_find_a_label_for_each_tag_and_no_other(
    question: str, rated: list[tuple[str, int | None]]
) -> None:
    one = solution(*(chosen(*each) for each in rated))
    one.record["question"]["problem"] = question
    for row in export(NAME, one, truncate=False):
        assert len(signs(row.value)) == len(row.steps) == row.value["input"].count("ки")
        assert row.value["input"].count("Step 1:") == 1
