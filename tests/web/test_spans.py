import itertools
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_file
from web.spans import MATH, Kind, protected, scan

# Pieces of which any unlucky combination should be survived.
PIECES = st.sampled_from(
    [
        "$",
        "$$",
        r"\$",
        "\\",
        r"\(",
        r"\)",
        r"\[",
        r"\]",
        "[asy]",
        "[/asy]",
        "```",
        "~~~",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "x",
        "5",
        "<<",
        ">>",
        "<<1+1=2>>",
        r"\begin{align*}",
        r"\end{align*}",
        r"\begin{tabular}",
        r"\end{tabular}",
        "{",
        "}",
        "é",
        "\u2028",
        "\x00",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join))


def found(text: str) -> list[tuple[str, str]]:
    return [(segment.kind.value, text[segment.start : segment.end]) for segment in protected(text)]


@given(TEXTS)
def test_segments_cover_the_text_from_end_to_end(text: str) -> None:
    segments = list(scan(text))
    assert "".join(text[segment.start : segment.end] for segment in segments) == text
    for segment in segments:
        assert segment.start <= segment.inner_start <= segment.inner_end <= segment.end
        assert segment.start < segment.end
    kinds = [segment.kind for segment in segments]
    assert (Kind.TEXT, Kind.TEXT) not in itertools.pairwise(kinds)


@given(TEXTS)
def test_protected_spans_begin_and_end_with_a_mark_never_with_white_space(text: str) -> None:
    for segment in protected(text):
        span = text[segment.start : segment.end]
        assert span == span.strip()


@pytest.mark.parametrize(
    ("text", "kind", "inner"),
    [
        (r"so $x^2$ holds", "inline_math", "x^2"),
        ("so $x +\ny$ holds", "inline_math", "x +\ny"),
        (r"the $n$th one", "inline_math", "n"),
        (r"$\$5 + x$.", "inline_math", r"\$5 + x"),
        (r"a 50$\%$ chance", "inline_math", r"\%"),
        (r"so \(x\) holds", "inline_math", "x"),
        (r"\[x \text{ if $y$} \\[2pt] z\]", "display_math", r"x \text{ if $y$} \\[2pt] z"),
        ("so $$\nx\n$$ holds", "display_math", "\nx\n"),
        (r"$$x \text{ if $y$}$$", "display_math", r"x \text{ if $y$}"),
        ("[asy]\ndraw($x$);\n[/asy]", "figure", "\ndraw($x$);\n"),
        ("```python\nx = '$y$'\n```", "code", "x = '$y$'\n"),
        ("~~~~\n~~~\n~~~~~", "code", "~~~\n"),
        ("  ```\r\nx\r\n  ```\r\n", "code", "x\r\n"),
        ("is <<48/2=24>>24", "calculator", "48/2=24"),
    ],
)
def test_one_span_is_found_with_what_is_inside_it(text: str, kind: str, inner: str) -> None:
    (segment,) = protected(text)
    assert (segment.kind.value, segment.inner(text)) == (kind, inner)


@pytest.mark.parametrize("name", ["align*", "equation", "pmatrix", "cases", "aligned", "gather"])
def test_a_math_environment_is_display_math_whole(name: str) -> None:
    text = rf"\begin{{{name}}}x\end{{{name}}}"
    (segment,) = protected(f"so {text} holds")
    assert (segment.kind, segment.inner(f"so {text} holds")) == (Kind.DISPLAY_MATH, text)


def test_other_environments_are_environments_and_nest() -> None:
    inner = r"\begin{tabular}{c}$5$\end{tabular}"
    text = rf"\begin{{tabular}}{{c}}{inner}\end{{tabular}}"
    assert found(text) == [("environment", text)]
    assert found(r"\begin{tabular}" + inner) == [("environment", inner)]


@pytest.mark.parametrize(
    "text",
    [
        "It costs $18.",
        "From $2 to $3 and $ 4 $.",
        "He has $20-$8=$12, so $12.",
        r"It costs \$5 and \$6.",
        "9*2 = $<<9*2=18>>18 and 3*4=$<<3*4=12>>12",
        "sold for 20$, in all 2700$.",
        "costs $5\n\nor x$.",
        "costs $5 [asy]x",
        "$$ $$",
        "$$$x$$$",
    ],
)
def test_money_is_not_math(text: str) -> None:
    assert not [segment for segment in protected(text) if segment.kind in MATH]


@pytest.mark.parametrize(
    "text",
    [
        "$x",
        "$$x$",
        r"\(x",
        r"\[x",
        r"\[x \[y",
        "[asy]x",
        "```\nx",
        "````\nx\n```",
        "```x``` y\n```",
        r"\begin{align}x",
        r"\end{align}",
        r"\\(x\\)",
        "<<1+1=2",
    ],
)
def test_what_is_not_closed_is_plain_text(text: str) -> None:
    assert found(text) == []


def test_an_unclosed_span_does_not_hide_the_next_one() -> None:
    assert found(r"\[x \[y\] $5 $z$") == [("display_math", r"\[y\]"), ("inline_math", "$z$")]


@pytest.mark.parametrize(
    "piece",
    [
        "$",
        "$$ ",
        "$ ",
        "$x\n\n",
        "$x\n ",
        "\\",
        r"\$",
        r"\(",
        r"\[",
        r"\begin{a}",
        r"\begin{",
        "[asy]",
        "```a\n",
        "~~~~\n~~~\n",
        "`",
        "<<",
        "<<1",
        "$$a$",
    ],
)
def test_megabytes_of_one_mark_are_scanned_in_linear_time(piece: str) -> None:
    # Anything quadratic takes hours on a text of this length and trips the time limit of the run.
    text = piece * (2_000_000 // len(piece))
    assert sum(segment.end - segment.start for segment in scan(text)) == len(text)


def test_gsm8k_has_calculator_annotations_and_no_math_at_all() -> None:
    counts: Counter[Kind] = Counter()
    with shared_file("gsm8k_test.jsonl").open() as lines:
        for line in lines:
            counts.update(
                segment.kind for text in json.loads(line).values() for segment in scan(text)
            )
    with shared_file("gsm8k_model_solutions.jsonl").open() as lines:
        for line in lines:
            for value in json.loads(line).values():
                text = value["solution"] if isinstance(value, dict) else value
                counts.update(segment.kind for segment in scan(text))
    assert counts.keys() == {Kind.TEXT, Kind.CALCULATOR}
    assert counts[Kind.CALCULATOR] == 18_983


def test_math500_holds_5532_formulas_102_figures_and_2_tables() -> None:
    counts: Counter[Kind] = Counter()
    with shared_file("math500.jsonl").open() as lines:
        for line in lines:
            record = json.loads(line)
            for text in (record["problem"], record["solution"]):
                counts.update(segment.kind for segment in protected(text))
    assert counts == {
        Kind.INLINE_MATH: 4_807,
        Kind.DISPLAY_MATH: 725,
        Kind.FIGURE: 102,
        Kind.ENVIRONMENT: 2,
    }
