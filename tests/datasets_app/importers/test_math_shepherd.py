"""Math-Shepherd's tagged text, with the oddities of the real data set."""

import json
from typing import Any

import pytest

from datasets_app.records import LabelerRecord, MarkedRecord
from tests.datasets_app.importers.reading import complaint, records
from tests.shared_data import shared_file

Json = dict[str, Any]
QUESTION = "How much is 2 + 3?"


def line(text: str, signs: str, **fields: Any) -> Json:
    """A line whose `input` is `text`, and whose label has `signs` for the tags, in order."""
    label = text
    for sign in signs:
        label = label.replace("ки", sign, 1)
    return {"input": text, "label": label, "task": "GSM8K", **fields}


def read(text: str, signs: str, **fields: Any) -> MarkedRecord:
    (record,) = records("math-shepherd", line(text, signs, **fields))
    assert isinstance(record, MarkedRecord)
    return record


def seen(text: str, signs: str) -> tuple[str, list[tuple[str, int | None]]]:
    """The question, and the steps with their ratings."""
    record = read(text, signs)
    steps = record.solution.steps or ()
    rated = [(position.candidates or ())[0].rating for position in record.positions]
    return record.problem.text, list(
        zip(steps, [*rated, *[None] * (len(steps) - len(rated))], strict=True)
    )


def test_tags_are_labels_behind_steps_and_numbers_are_not_their_text() -> None:
    text = f"{QUESTION} Step 1: I add. ки\nStep 2: The answer is: 6 ки"
    assert seen(text, "+-") == (QUESTION, [("I add.", 1), ("The answer is: 6", -1)])


def test_the_labels_are_a_models_and_end_with_an_error_or_not() -> None:
    record = read(f"{QUESTION} Step 1: a ки\nStep 2: b ки", "+-")
    assert record.labeler == LabelerRecord(name="math-shepherd")
    assert record.finish_reason == "found_error"
    assert [position.chosen for position in record.positions] == [0, None]
    assert record.problem.source == "gsm8k"
    assert read(f"{QUESTION} Step 1: a ки", "+").finish_reason is None


def test_labels_behind_an_error_are_kept() -> None:
    text = f"{QUESTION} Step 1: a ки\nStep 2: b ки"
    assert seen(text, "-+")[1] == [("a", -1), ("b", 1)]
    record = read(text, "-+")
    assert [position.chosen for position in record.positions] == [0, 0]


def test_a_step_without_a_tag_is_not_rated() -> None:
    text = f"{QUESTION} Step 1: a\nStep 2: b ки\nStep 3: c"
    assert seen(text, "+")[1] == [("a", None), ("b", 1), ("c", None)]


def test_a_step_of_several_lines_is_one() -> None:
    assert seen(f"{QUESTION} Step 1: a\nb\n\nc ки", "-")[1] == [("a\nb\n\nc", -1)]


def test_a_tag_that_the_label_has_too_is_text() -> None:
    value = line("Где книжки? Step 1: Вот книжки. ки", "")
    value["label"] = "Где книжки? Step 1: Вот книжки. +"
    (record,) = records("math-shepherd", value)
    assert isinstance(record, MarkedRecord)
    assert record.problem.text == "Где книжки?"
    assert record.solution.steps == ("Вот книжки.",)


def test_a_label_in_the_question_is_none_of_the_solution() -> None:
    assert seen("How much? ки\nStep 1: a ки\nStep 2: b ки", "-++") == (
        "How much?",
        [("a", 1), ("b", 1)],
    )
    assert seen("Fill in. Step 1: x ки now? ки\nStep 1: a ки", "+-+") == (
        "Fill in. Step 1: x  now?",
        [("a", 1)],
    )


def test_a_question_may_have_a_step_1_of_its_own() -> None:
    text = "What is Step 1: mixing? Step 1: It is, as in Step 1: of the book, this. ки"
    assert seen(text, "+") == (
        "What is Step 1: mixing?",
        [("It is, as in Step 1: of the book, this.", 1)],
    )


def test_a_question_without_a_question_mark_ends_where_the_steps_begin() -> None:
    assert seen("Find x step 1: It is 2. ки", "+") == ("Find x", [("It is 2.", 1)])


def test_a_number_out_of_order_stays() -> None:
    text = f"{QUESTION} Step 1: a ки\nStep 3: b ки"
    assert seen(text, "++")[1] == [("a", 1), ("Step 3: b", 1)]


def test_other_fields_are_kept() -> None:
    assert read(f"{QUESTION} Step 1: a ки", "+", seed=3).solution.metadata == {"seed": 3}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"input": "Q? Step 1: a ки"}, "label: is missing"),
        ({"input": 3, "label": "a"}, "input: must be text, not a whole number 3"),
        (
            {"input": "Q? Step 1: a ки", "label": "Q? Step 1: b +"},
            "label: does not go on as `input` does, behind its character 0",
        ),
        (
            {"input": "Q? Step 1: a ки", "label": "Q? Step 1: a 0"},
            "label: does not go on as `input` does, behind its character 13",
        ),
        (
            {"input": "Q? Step 1: a ки", "label": "Q? Step 1: a + more"},
            "label: does not go on as `input` does, behind its character 14",
        ),
        (line("Q? Step 1: a", ""), "input: has no step with a tag (ки)"),
        (line("Q? a ки", "+"), "input: has no `Step 1:` where the solution begins"),
        (line("Step 1: a ки", "+"), "input: has no question before `Step 1:`"),
        (line("Q? Step 1: a ки\nStep 2: ки", "++"), "input: has nothing in step 2"),
        (line("Q? Step 1: a ки", "+", task=7), "task: must be text or null, not a whole number 7"),
    ],
)
def test_a_bad_line_names_its_field(value: Json, said: str) -> None:
    assert complaint("math-shepherd", value) == said


def test_real_lines_have_the_known_labels() -> None:
    signs = []
    for text in shared_file("math_shepherd.jsonl").read_text().splitlines():
        value = json.loads(text)
        (record,) = records("math-shepherd", value)
        assert isinstance(record, MarkedRecord)
        ratings = [(position.candidates or ())[0].rating for position in record.positions]
        signs.append("".join("+" if rating == 1 else "-" for rating in ratings))
        assert value["input"].startswith(f"{record.problem.text} Step 1: ")
        assert len(record.solution.steps or ()) == len(ratings)
    assert signs == ["++++-", "---", "--", "-----", "+----", "--", "---"]
