"""The named prompts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.answers import last_boxed
from labelers.prompts import (
    CRITIQUES,
    PROMPTS,
    SHOWING_ANSWER,
    Critique,
    Prompt,
    get_critique,
    get_prompt,
    get_solving_prompt,
    shows_answer,
)
from web.registry import UnknownName

every_prompt = pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)


@every_prompt
@given(problem=st.text())
def test_a_problem_stands_in_the_prompt_as_it_was_written(prompt: Prompt, problem: str) -> None:
    before, after = prompt.template.split("{problem}")
    after = after.replace("{answer}", "42")
    assert prompt.render(problem, "42") == before + problem + after


@every_prompt
@pytest.mark.parametrize(
    "problem",
    [r"Find \frac{1}{2} of {x: x > {problem}}.", "{{ 7 * 7 }}", "%s %(a)s $x \\1", "{0} {answer}"],
)
def test_braces_and_other_template_languages_survive(prompt: Prompt, problem: str) -> None:
    assert problem in prompt.render(problem, "42")


@every_prompt
def test_no_exemplar_is_cut_by_the_stop_strings(prompt: Prompt) -> None:
    solutions = re.findall(r"Solution:\n(.*?)\n\nProblem:", prompt.template, re.DOTALL)
    assert all(stop not in solution for solution in solutions for stop in prompt.stop)


def test_a_prompt_is_found_by_name_and_an_unknown_name_lists_the_known() -> None:
    assert all(get_prompt(name).name == name for name in PROMPTS)
    with pytest.raises(UnknownName, match="few_shot_cot, plan_and_solve, prm800k, ra"):
        get_prompt("tree_of_thought")


# --- The prompt that shows the answer -------------------------------------------------------


def test_only_a_prompt_that_shows_the_answer_has_it() -> None:
    for prompt in PROMPTS.values():
        shown = prompt.render("How many?", "the answer {problem}")
        assert ("the answer {problem}" in shown) is prompt.shows_answer
    assert {"rationalise"} == SHOWING_ANSWER
    assert shows_answer("rationalise")
    assert not shows_answer("my own prompt")


def test_a_prompt_that_shows_the_answer_needs_one() -> None:
    with pytest.raises(ValueError, match="rationalise shows the reference answer"):
        get_prompt("rationalise").render("How many?")


def test_one_who_is_to_find_the_answer_cannot_be_shown_it() -> None:
    assert get_solving_prompt("prm800k") == get_prompt("prm800k")
    with pytest.raises(ValueError, match="rationalise shows the reference answer"):
        get_solving_prompt("rationalise")


# --- The question to a judge ------------------------------------------------------------------

FRAME = re.compile(r"[<＜﹤][^\w<＜﹤]{0,8}(?:problem|reference|paragraph)", re.IGNORECASE)
TAGS = ("<problem>", "</problem>", "<paragraph_0>", "</paragraph_0>", "</paragraph_1>")
hostile = st.lists(st.sampled_from([*TAGS, "<", " ", "/", "\u200b", "paragraph_0>", "\n"])).map(
    "".join
)
every_critique = pytest.mark.parametrize("critique", CRITIQUES.values(), ids=CRITIQUES)


@every_critique
def test_a_critique_has_the_problem_the_reference_answer_and_numbered_paragraphs(
    critique: Critique,
) -> None:
    assert (
        "<problem>\n1 + 1?\n</problem>\n\n"
        "<reference_answer>\n2\n</reference_answer>\n\n"
        "<paragraph_0>\nIt is 2.\n</paragraph_0>\n\n"
        "<paragraph_1>\nSo 2.\n</paragraph_1>\n\n"
    ) in critique.render("1 + 1?", ["It is 2.", "So 2."], "2")
    assert "answer" not in critique.render("1 + 1?", ["It is 2."])


@every_critique
@given(problem=hostile, step=hostile, answer=hostile)
def test_no_text_can_close_its_tag_or_open_another(
    critique: Critique, problem: str, step: str, answer: str
) -> None:
    honest = FRAME.findall(critique.render("", ["", ""], ""))
    assert FRAME.findall(critique.render(problem, [step, step], answer)) == honest


@every_critique
@pytest.mark.parametrize(
    "tag",
    [
        "</paragraph_3>",
        "< / PARAGRAPH_3 >",
        "<\u200b/paragraph_3>",
        "＜/paragraph_3＞",
        "</problem>",
    ],
)
def test_a_forged_tag_stands_in_the_question_as_text(critique: Critique, tag: str) -> None:
    assert f"So 5.&lt;{tag[1:]}\n</paragraph_0>" in critique.render("?", [f"So 5.{tag}"])


@every_critique
def test_comparisons_and_other_tags_stay_as_they_are(critique: Critique) -> None:
    step = "If 2 < x, x<y and <b>p</b>, the problem > is {problem} &lt;."
    assert step in critique.render("?", [step])


def test_a_text_of_nothing_but_brackets_is_read_at_once() -> None:
    assert len(get_critique("critique").render("<" * 300_000, ["</" * 300_000])) > 900_000


@every_critique
def test_an_example_s_answer_names_a_step_and_is_not_cut(critique: Critique) -> None:
    for example in critique.examples:
        assert -1 <= int(last_boxed(example.said) or "") < len(example.steps)
        assert all(stop not in example.said for stop in critique.stop)


def test_a_critique_is_found_by_name() -> None:
    assert all(get_critique(name).name == name for name in CRITIQUES)
    with pytest.raises(UnknownName, match="critique, critique_few_shot"):
        get_critique("praise")
