import pytest

from annotation.templatetags.answers import answer


@pytest.mark.parametrize(
    "text", ["18", "-3.5", "9/64", "1,000", "$18", "5 apples", "x = 3", "A", ""]
)
def test_plain_answers_stay_as_they_are(text: str) -> None:
    assert answer(text) == text


@pytest.mark.parametrize("text", [r"\frac{\pi}{2}", "x^2", "a_1", "$x+1$", r" \text{even} "])
def test_tex_is_drawn_as_a_formula(text: str) -> None:
    drawn = answer(text)
    assert drawn.startswith("<math")
    assert "$" not in drawn


def test_none_is_drawn_as_nothing() -> None:
    assert answer(None) == ""


@pytest.mark.parametrize(
    "text",
    ["<b>x</b>", "<script>_1", r"\href{javascript:alert(1)}{x}", r"\text{<img src=x onerror=a>}",
     r"\style{color:red}{x}", "$" + "{" * 10_000 + "}" * 10_000 + "$", "$</math><script>$"],
)  # fmt: skip
def test_hostile_answers_end_as_harmless_text(text: str) -> None:
    drawn = answer(text)
    for forbidden in ("<b>", "<script", "<img", "href=", "style="):
        assert forbidden not in drawn
