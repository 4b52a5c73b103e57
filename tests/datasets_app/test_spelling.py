"""When two problems are the same but for their spelling."""

import pytest

from datasets_app.spelling import N_GRAM, HeldOutTexts, n_grams, normalised


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What  is\n2+3 ?", "what is 2+3?"),
        (r"Find $\dfrac{1}{2}$.", r"Find $\frac{1}{2}$."),
        (r"Find $\frac12$.", r"Find $\frac{1}{2}$."),
        (r"$\frac 1b$ or $\frac1{72}$", r"$\frac{1}{b}$ or $\frac{1}{72}$"),
        (r"$\frac{x_{1}}2$", r"$\frac{x_1}{2}$"),
        (r"$\sqrt2 + \sqrt 3$", r"$\sqrt{2}+\sqrt{3}$"),
        (r"$\left( x \right)$", "$(x)$"),
        (r"$a \leq b$", r"$a\le b$"),
        (r"$1,\ldots,n$", r"$1, \dots , n$"),
        (r"$x^{2}$", "$x^2$"),
        (r"$3\text{ cm}$", "$3$ cm"),
        (r"\[x = 1\]", "$$x=1$$"),
        ("ｘ = 1", "x = 1"),
    ],
)
def test_spellings_of_one_problem_are_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2+3?", "What is 2+4?"),
        ("What is 23?", "What is 2 3?"),
        (r"$x^{10}$", "$x^1 0$"),
        (r"$\sqrt{2}$", r"$\frac{2}$"),
        (r"$\sqrt{23}$", r"$\sqrt23$"),
        (r"$\sqrt[3]{2}$", r"$\sqrt{32}$"),
        (r"$\frac{12}{3}$", r"$\frac{1}{23}$"),
        ("a+b", "a-b"),
    ],
)
def test_other_problems_stay_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_n_grams_are_of_thirteen_words() -> None:
    words = [f"w{n}" for n in range(15)]
    assert list(n_grams(", ".join(words))) == [" ".join(words[n : n + N_GRAM]) for n in range(3)]
    assert list(n_grams(" ".join(words[:12]))) == []


def test_a_held_out_problem_is_found_with_the_set_and_the_reason() -> None:
    held = HeldOutTexts([("a", "What is 2+3?"), ("b", " ".join(f"w{n}" for n in range(13)))])
    assert held.found_in("what is 2 + 3 ?") == ("a", "the same problem")
    found = held.found_in("So: " + ", ".join(f"W{n}" for n in range(20)))
    assert found
    assert found[0] == "b"
    assert found[1].startswith("shares 13 words: w0 w1")
    assert held.found_in("What is 2+5?") is None


def test_another_spelling_of_thirteen_words_is_found() -> None:
    held = HeldOutTexts([("a", r"Let $\frac{a}{b}$ be c and d be e, f, g, h, i, j, k, l. Find m.")])
    found = held.found_in(r"So: let $\dfrac{a}{b}$ be c and d be e, f, g, h, i, j, k, l. Find n.")
    assert found
    assert found[0] == "a"
