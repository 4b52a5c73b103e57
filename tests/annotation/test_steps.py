import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.steps import SPLITTERS, VERSION, Split, split
from tests.shared_data import shared_file
from web.registry import UnknownName
from web.spans import protected

PIECES = st.sampled_from(
    [
        r"$",
        r"$$",
        r"\[",
        r"\]",
        r"\begin{align*}",
        r"\end{align*}",
        r"```",
        r"x",
        r"$x$",
        r"5",
        r".",
        r"...",
        r"e.g.",
        r"A:",
        r"####",
        r"18",
        r"<think>",
        "</think>",
        "\n",
        "\n\n",
        "\r\n",
        " \n \n",
        " ",
        "\xa0",
        "\u2028",
        "Step 1:",
        "é",
        "😀",
        "\n# Answer\n\n",
        "\nA: 18",
        "He is.",
        "! So",
        "?\n",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))
SPLITTER_NAMES = st.sampled_from(sorted(SPLITTERS))


def texts(made: Split) -> list[str]:
    return [step.text for step in made.steps]


@given(TEXTS, SPLITTER_NAMES)
def test_steps_answer_and_gaps_give_back_the_exact_text(text: str, splitter: str) -> None:
    made = split(text, splitter)
    rebuilt = ""
    for span in (*made.steps, *filter(None, [made.answer])):
        gap = text[len(rebuilt) : span.start]
        assert not re.sub(r"</?think>" if splitter == "think" else r"\Z", "", gap).strip()
        assert span.text == span.text.strip() != ""
        rebuilt += gap + span.text
        assert len(rebuilt) == span.end
    assert rebuilt + text[len(rebuilt) :] == text
    assert not re.sub(r"</?think>", "", text[len(rebuilt) :]).strip()


@given(TEXTS, st.sampled_from(sorted(SPLITTERS.keys() - {"think"})))
def test_no_step_begins_or_ends_inside_a_protected_span(text: str, splitter: str) -> None:
    made = split(text, splitter)
    body = text[: made.answer.start] if made.answer else text
    edges = {offset for step in made.steps for offset in (step.start, step.end)}
    for segment in protected(body):
        assert not edges.intersection(range(segment.start + 1, segment.end))


@pytest.mark.parametrize("splitter", sorted(SPLITTERS))
@pytest.mark.parametrize("text", ["", " ", "\n \r\n\t\n", "\u00a0\u2003"])
def test_nothing_but_white_space_has_no_steps(text: str, splitter: str) -> None:
    assert split(text, splitter) == Split(splitter, VERSION, (), None)


def test_an_unknown_splitter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="blank_line, newline, sentence, step_number, think"):
        split("x", "words")


def test_newline_makes_one_step_of_each_line_that_is_not_blank() -> None:
    assert texts(split(" a \r\n\r\nb\n\n \nc\n")) == ["a", "b", "c"]
    assert [(step.start, step.end) for step in split(" a \r\nb").steps] == [(1, 2), (5, 6)]


@pytest.mark.parametrize(
    "span",
    [
        "$x\n+ y$",
        "$$\nx\n$$",
        "\\(x\n\\)",
        "\\[\nx\n\n\\]",
        "[asy]\n\ndraw();\n[/asy]",
        "\\begin{align*}\nx\n\\end{align*}",
        "\\begin{tabular}{c}\n\n1\n\\end{tabular}",
        "```python\n\n# Answer\n\nStep 1: x. So\n```",
    ],
)
@pytest.mark.parametrize("splitter", sorted(SPLITTERS))
def test_no_splitter_cuts_through_math_code_figures_or_environments(
    span: str, splitter: str
) -> None:
    text = f"Step 1: as\n{span}\n\nStep 2: holds"
    assert [step.text for step in split(text, splitter).steps if span in step.text]


@pytest.mark.parametrize(
    "piece", ["\n", "\n ", ". ", ". \n", '."', "A. ", "1. ", "$ x.\n", "<think>"]
)
@pytest.mark.parametrize("splitter", sorted(SPLITTERS))
def test_long_texts_are_split_in_linear_time(piece: str, splitter: str) -> None:
    # Anything quadratic takes hours on a text of this length and trips the time limit of the run.
    made = split("x" + piece * 100_000 + "\nA: 18", splitter)
    assert made.steps
    assert made.answer


def test_blank_line_keeps_lines_together() -> None:
    assert texts(split("a\nb\r\n \t\r\nc\n\n\n\nd", "blank_line")) == ["a\nb", "c", "d"]


def test_step_number_keeps_the_number_with_its_step_and_what_comes_before_as_a_step() -> None:
    text = "We begin.\nStep 1: a\nb\n**Step 2:** c Step 9: d\n\n### step 3 - e"
    assert texts(split(text, "step_number")) == [
        "We begin.",
        "Step 1: a\nb",
        "**Step 2:** c Step 9: d",
        "### step 3 - e",
    ]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("He has 3.5 kg. She has 2.", ["He has 3.5 kg.", "She has 2."]),
        ("As, e.g. Apples. Mr. B. Ox ate No. 3.", ["As, e.g. Apples.", "Mr. B. Ox ate No. 3."]),
        ("The answer is no. Then stop!", ["The answer is no.", "Then stop!"]),
        ("Wait... So what? Yes! ok", ["Wait... So what?", "Yes! ok"]),
        ("It is 5. the end", ["It is 5. the end"]),
        ("1. First. Then\n2. Second", ["1. First.", "Then\n2. Second"]),
        ('So $x = 5.$ Thus (or "no.") Then', ["So $x = 5.$", 'Thus (or "no.")', "Then"]),
        ("Is $a. B$ so? $x$ is.", ["Is $a. B$ so?", "$x$ is."]),
        ("no stop\n\nhere", ["no stop", "here"]),
        ("It costs $5. He has $6.\nShe has $7.", ["It costs $5.", "He has $6.", "She has $7."]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert texts(split(text, "sentence")) == sentences


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("<think>\na\nb\n\nc\n</think>\n\nIt is\n\n5.", ["a\nb", "c", "It is", "5."]),
        ("<think>a\n\nb", ["a", "b"]),
        ("a\n\nb</think>c", ["a", "b", "c"]),
        ("<think></think>c", ["c"]),
        ("<think>```\na\n</think>\n\nb\n\nc\n```", ["```\na", "b", "c\n```"]),
        ("a\n\nb", ["a", "b"]),
    ],
)
def test_think_splits_the_thoughts_and_then_the_answer_text(text: str, steps: list[str]) -> None:
    assert texts(split(text, "think")) == steps


@pytest.mark.parametrize("line", ["A: 18", "#### 18", "#### 1,234", "A: -9.5 billion", "A: $5"])
@pytest.mark.parametrize("splitter", sorted(SPLITTERS))
def test_gsm8ks_answer_line_is_kept_apart_from_the_steps(line: str, splitter: str) -> None:
    text = f"She has 18.\n{line}\n"
    made = split(text, splitter)
    assert texts(made) == ["She has 18."]
    assert made.answer
    assert (made.answer.text, text[made.answer.start : made.answer.end]) == (line, line)


@pytest.mark.parametrize(
    "text", ["A: 18\nso it is", "A: because", "A:", "x #### 5", "####", "$x\n#### 5$"]
)
def test_other_lines_are_no_answer(text: str) -> None:
    assert split(text).answer is None


@pytest.mark.parametrize("splitter", sorted(SPLITTERS))
def test_prm800ks_answer_part_belongs_to_the_step_before_it(splitter: str) -> None:
    last = "That means a pencil costs 29 cents.\n\n# Answer\n\n29"
    made = split(f"Step 1: It is.\n\nStep 2: So.\n\nStep 3: {last}\n", splitter)
    assert made.steps[-1].text.endswith(last)
    assert len(made.steps) >= 3
    assert made.answer is None


def test_prm800ks_answer_part_on_its_own_is_one_step() -> None:
    assert texts(split("# Answer\n\n7200")) == ["# Answer\n\n7200"]


def test_every_prm800k_step_with_an_answer_part_stays_whole() -> None:
    count = 0
    for step in prm800k_steps():
        if "# Answer" in step:
            assert texts(split(step))[-1].endswith(step[step.index("# Answer") :])
            count += 1
    assert count == 12


def prm800k_steps() -> Iterator[str]:
    with shared_file("prm800k.jsonl").open() as lines:
        for line in lines:
            record = json.loads(line)
            yield from record["question"].get("pre_generated_steps", [])
            for position in record["label"]["steps"]:
                yield from (completion["text"] for completion in position["completions"] or [])


def gsm8k_solutions() -> Iterator[str]:
    with shared_file("gsm8k_model_solutions.jsonl").open() as lines:
        for line in lines:
            for value in json.loads(line).values():
                if isinstance(value, dict):
                    yield value["solution"]


def test_all_gsm8k_solutions_split_at_every_line_and_money_hides_none() -> None:
    without_answer, misled_by_money = 0, 0
    for solution in gsm8k_solutions():
        made = split(solution)
        lines = [line.strip() for line in solution.split("\n") if line.strip()]
        without_answer += made.answer is None
        assert texts(made) + [made.answer.text for _ in "x" if made.answer] == lines
        # What a splitter would protect that takes every two `$` for a formula.
        misled_by_money += any("\n" in pair for pair in re.findall(r"\$[^$]*\$", solution))
    assert misled_by_money == 660
    assert without_answer == 10
