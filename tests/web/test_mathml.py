import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_file
from web.mathml import render
from web.spans import MATH, Kind, protected
from web.tex_limits import DEEPEST, LONGEST, MOST_OPEN_BRACKETS, is_drawable

# On a small stack, and where no stall can hold up the test run.
DRAW_ELSEWHERE = """
import json, sys, threading
from web.mathml import render
threading.stack_size(1024 * 1024)
def draw():
    for source in json.load(sys.stdin):
        drawn = render(source, display=True)
        print(json.dumps(drawn[:60]))
thread = threading.Thread(target=draw)
thread.start()
thread.join()
"""
SOURCE = '<code class="math-source math-block">'

BOMBS = {
    "braces": "{" * 10_000,
    "closed braces": "{" * 4_000 + "x" + "}" * 4_000,
    "roots": r"\sqrt{" * 1_000 + "x" + "}" * 1_000,
    "bare roots": r"\sqrt" * 1_900 + " x",
    "optional roots": r"\sqrt[" * 1_000 + "x" + "]{y}" * 1_000,
    "fractions": r"\frac" * 1_400 + "x" * 1_401,
    "one-sided fractions": r"\frac x" * 1_400,
    "scripts": "x^{" * 2_000 + "}" * 2_000,
    "chained scripts": "x^x_" * 2_400,
    "sums": r"\sum_" * 1_900,
    "fences": r"\left(" * 600 + r"\right)" * 600,
    "environments": r"\begin{pmatrix}" * 300 + r"\end{pmatrix}" * 300,
    "accents": r"\hat " * 1_900 + "x",
    "colours": r"\color{red}" * 800 + "x",
    "styles": r"\displaystyle x\\" * 600,
    "fonts": r"\mathrm{" * 1_000 + "x" + "}" * 1_000,
    "negations": r"\not" * 2_400 + "=",
    "parentheses": "(" * 5_000 + ")" * 5_000,
    "comments": "{%}\n" * 2_400,
    "open parentheses": "(" * 60 + "x",
    "open braces": r"\{" * 60 + "x",
    "open brackets in braces": "{(}" * 60,
    "swallowed partners": "(" * 60 + "x_)" * 60,
    "lost partners": "(" * 60 + r"\displaystyle )" * 60,
    "half fractions": "(" * 60 + r"\frac{a})" * 60,
    "moduli": r"\pmod\hat x" * 60,
    "macros": r"\newcommand{\a}{\a\a}\a",
    "definitions": r"\def\a{xxxxxxxx}\def\b{\a\a\a\a}\b",
    "spaces": r"\operatorname{" + " " * 9_900,
}


def test_bombs_are_shown_as_source_and_neither_crash_nor_stall() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DRAW_ELSEWHERE],
        input=json.dumps(list(BOMBS.values())),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    drawn = dict(zip(BOMBS, map(json.loads, ran.stdout.splitlines()), strict=True))
    assert [name for name, markup in drawn.items() if not markup.startswith(SOURCE)] == []


MARKS = st.from_regex(
    r"\\hat|\\sqrt|\\frac|\\pmod|\\not|\\mathrm|\\mathop|\\overset|\\bra|\\bigl\(|\\[lr]vert|\\langle"
    r"|\\left[(.]|\\right[).]|\\(begin|end)\{matrix\}|\\text\{|\\displaystyle|\\color\{red\}|\\over"
    r"|\\[\\{},]|[\[\](){}^_&%'x1]",
    fullmatch=True,
)
BOMB_LIKE = st.builds(
    lambda marks, times, rest: " ".join(marks) * times + " ".join(rest),
    st.lists(MARKS, min_size=1, max_size=5),
    st.integers(1, 400),
    st.lists(MARKS, max_size=20),
)


@pytest.mark.slow
def test_no_repetition_of_any_marks_crashes_or_stalls() -> None:
    sources: list[str] = []

    @given(BOMB_LIKE)
    def collect(source: str) -> None:
        sources.append(source)

    collect()
    ran = subprocess.run(
        [sys.executable, "-c", DRAW_ELSEWHERE],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == len(sources)


def test_limits_are_those_stated() -> None:
    assert is_drawable("x" * LONGEST)
    assert not is_drawable("x" * (LONGEST + 1))
    assert is_drawable("{" * (DEEPEST - 1) + "}" * (DEEPEST - 1))
    assert not is_drawable("{" * DEEPEST + "}" * DEEPEST)
    assert is_drawable("(" * MOST_OPEN_BRACKETS)
    assert not is_drawable("(" * (MOST_OPEN_BRACKETS + 1))


@pytest.mark.parametrize(
    "source",
    [
        "(x)" * 500,
        r"\left[0, 1\right) " * 100,
        r"\begin{align*}" + r"f(x) &= (a + b \\ &\quad + c) \\" * 50 + r"\end{align*}",
        r"x^{(1)} + \frac{(a)}{(b)} + \sin(\theta) " * 40,
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}" * 100,
    ],
)
def test_long_but_plain_formulas_are_drawn(source: str) -> None:
    assert render(source, display=True).startswith("<math")


@pytest.mark.parametrize(
    "source",
    [
        r"\text{<img src=x onerror=alert(1)>}",
        r"\mbox{<img src=x onerror=alert(1)>}",
        r"\fbox{<img src=x onerror=alert(1)>}",
        r"\href{javascript:alert(1)}{x}",
        r"\url{javascript:alert(1)}",
        r"\style{background:url(//x)}{x}",
        r"\class{top}{x}",
        r"\cssId{top}{x}",
        r"\unicode{x3c}script>",
        r"</math><script>alert(1)</script>",
        r"\text{</math><script>alert(1)</script>}",
        r"\verb|</mtext><script>alert(1)</script>|",
        r"\text{<!--</math>--><![CDATA[x]]>}",
        r'\color{red" onclick="x}{y}',
        r"\textcolor{expression(1)}{y}",
        r"\hspace{99999em}\rule{9999em}{9999em}",
        r"\begin{array}{c}\eqref{x}\label{x}\end{array}",
        "x\x00\x1f\ud800\uffff",
        "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;",
    ],
)
def test_hostile_formulas_end_as_harmless_text(source: str) -> None:
    markup = render(source, display=False)
    if markup.startswith("<code"):
        assert markup.count("<") == 2
        return
    for element in ElementTree.fromstring(markup).iter():
        assert element.tag.startswith("m")
        assert set(element.keys()) <= {
            "alttext", "class", "lspace", "rspace", "stretchy", "mathcolor", "mathvariant",
            "display", "displaystyle", "scriptlevel", "form", "width",
        }  # fmt: skip
        assert all(name.startswith("math-") for name in element.get("class", "").split())


TOKENS = st.from_regex(
    r"\\(text|[mfh]box|href|style|class|(text)?color|left|right|middle|big|c?frac|genfrac|sqrt|root|of)"
    r"|\\(over|atop|skew|hat|not|sum|limits|substack|hspace|rule|verb|operatorname|mathrm|pmod|cases)"
    r"|\\(begin|end)(\{(array|matrix)\})?|\\foo|\\alpha|\\[\\,]|\{(c\|c|red|1|x)\}|\[1\]"
    r"|[][{}()^_'&%~$|#<.=\\ \nx1-]",
    fullmatch=True,
)
SOURCES = st.one_of(st.text(), st.lists(TOKENS, max_size=12).map("".join))


@given(SOURCES, st.booleans())
def test_any_source_gives_one_well_formed_element(source: str, display: bool) -> None:
    markup = render(source, display=display)
    assert markup.startswith("<math" if markup.endswith("</math>") else "<code")
    if markup.startswith("<math"):
        assert ElementTree.fromstring(markup).get("alttext") == source


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        (r"\boxed{5}", '<mrow class="math-box"><mn>5</mn></mrow>'),
        (r"\color{red}x", '<mrow mathcolor="#FF0000"><mi>x</mi></mrow>'),
        (r"\text{a \textbf{b}}", '<mtext>a\xa0</mtext><mtext class="math-bold">b</mtext>'),
        (r"\text{if $x$}", "<mtext>if\xa0</mtext><mi>x</mi>"),
        (r"1\!2", '<mspace class="math-back-thin"></mspace>'),
        (r"\dotsb", "⋯"),
        (r"\sin(x)", "<mi>sin</mi></mrow><mo>\u2061</mo>"),
        (r"\begin{eqnarray*}a&=&b\end{eqnarray*}", '<mtd class="math-left"><mi>b</mi></mtd>'),
        (r"\begin{align}a&=b\label{e}\end{align}", '<mtd class="math-margin">'),
        (r"\begin{array}{@{}c|r@{}}1&2\end{array}", '<mtd class="math-line-right"><mn>1</mn>'),
        (r"\substack{a\\b}", "<mtr><mtd><mi>b</mi></mtd></mtr>"),
    ],
)
def test_a_formula_is_drawn_with_classes_for_styles(source: str, drawn: str) -> None:
    markup = render(source, display=False)
    assert drawn in markup
    assert " style=" not in markup


@pytest.mark.parametrize(
    "source",
    [
        r"\text", r"\mbox", r"\fbox", r"\href", r"\style", r"\textcolor", r"\foo\color",
        r"\unknown\left", r"\big", r"\verb", r"\begin", r"\skew1\hbox\,%",
    ],
)  # fmt: skip
def test_a_command_without_its_argument_is_shown_as_source(source: str) -> None:
    assert render(source, display=False) == f'<code class="math-source">{source}</code>'


def test_an_unknown_command_is_shown_as_source() -> None:
    assert render(r"\foo{<}", display=False) == r'<code class="math-source">\foo{&lt;}</code>'


def test_all_math500_formulas_but_one_are_drawn() -> None:
    drawn, shown_as_source = 0, []
    with shared_file("math500.jsonl").open() as lines:
        for line in lines:
            record = json.loads(line)
            for text in (record["problem"], record["solution"]):
                for segment in (found for found in protected(text) if found.kind in MATH):
                    source = segment.inner(text)
                    if render(source, display=segment.kind == Kind.DISPLAY_MATH)[:5] == "<math":
                        drawn += 1
                    else:
                        shown_as_source.append(source)
    assert drawn == 5_531
    assert [r"\multicolumn" in source for source in shown_as_source] == [True]
