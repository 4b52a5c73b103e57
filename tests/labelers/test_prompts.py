"""The named prompts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelers.prompts import PROMPTS, Prompt, get_prompt
from web.registry import UnknownName

every_prompt = pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)


@every_prompt
@given(problem=st.text())
def test_a_problem_stands_in_the_prompt_as_it_was_written(prompt: Prompt, problem: str) -> None:
    before, after = prompt.template.split("{problem}")
    assert prompt.render(problem) == before + problem + after


@every_prompt
@pytest.mark.parametrize(
    "problem", [r"Find \frac{1}{2} of {x: x > {problem}}.", "{{ 7 * 7 }}", "%s %(a)s $x \\1", "{0}"]
)
def test_braces_and_other_template_languages_survive(prompt: Prompt, problem: str) -> None:
    assert problem in prompt.render(problem)


@every_prompt
def test_no_exemplar_is_cut_by_the_stop_strings(prompt: Prompt) -> None:
    solutions = re.findall(r"Solution:\n(.*?)\n\nProblem:", prompt.template, re.DOTALL)
    assert all(stop not in solution for solution in solutions for stop in prompt.stop)


def test_a_prompt_is_found_by_name_and_an_unknown_name_lists_the_known() -> None:
    assert all(get_prompt(name).name == name for name in PROMPTS)
    with pytest.raises(UnknownName, match="few_shot_cot, plan_and_solve, prm800k, zero_shot_cot"):
        get_prompt("tree_of_thought")
