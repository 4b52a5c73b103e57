import json
import re
from html.parser import HTMLParser

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared_file
from web.richtext import LONGEST_DRAWN, render
from web.spans import Kind, protected, scan
from web.templatetags.richtext import excerpt

ALLOWED = re.compile(
    r"div|p|br|span|code|pre|details|summary|math|m(?:row|i|n|o|s|space|text|frac|sqrt|root|style"
    r"|padded|phantom|sub|sup|subsup|under|over|underover|multiscripts|prescripts|table|tr|td)"
)
ALLOWED_ATTRIBUTES = re.compile(
    r"class|open|alttext|display|displaystyle|scriptlevel|mathcolor|mathvariant|form|fence"
    r"|separator|lspace|rspace|stretchy|symmetric|maxsize|minsize|largeop|movablelimits|width"
    r"|height|depth|voffset|linethickness|accent|accentunder"
)
PIECES = st.sampled_from(
    [
        r"$x$",
        "$",
        r"\$",
        "$$",
        r"\[",
        r"\]",
        "[asy]",
        "[/asy]",
        "```",
        "\n",
        "\n\n",
        "<b>",
        "&",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\href{javascript:x}{y}",
        "</math><script>",
        '"',
        "<<1+1=2>>",
        r"\begin{align*}",
        r"\end{align*}",
        r"\frac",
        "{",
        "}",
        r"\style{color:red}{",
        r"\begin{tabular}",
        r"\end{tabular}",
        "'",
        "x",
        " ",
        "\\",
        "</pre>",
        "</code>",
        "(",
        "^",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join))


class Page(HTMLParser):
    """Reads a page as a browser would and notes what breaks the rules."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words = ""
        self.tags: list[str] = []
        self.broken: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if not ALLOWED.fullmatch(tag):
            self.broken.append(tag)
        self.broken += [name for name, _ in attrs if not ALLOWED_ATTRIBUTES.fullmatch(name)]
        if tag == "br":
            self.words += "\n"
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.broken.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_comment(self, data: str) -> None:
        self.broken.append("comment")


@given(TEXTS)
def test_any_text_gives_allowed_well_formed_markup_with_all_its_plain_characters(text: str) -> None:
    page = Page(render(text))
    assert page.broken == []
    assert page.open == []
    read = "".join(page.words.split())
    for segment in scan(text):
        if segment.kind == Kind.TEXT:
            plain = re.sub(r"(\\\\)|\\\$", lambda found: found[1] or "$", segment.inner(text))
            for word in plain.split():
                assert word in read


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("", ""),
        ("a <b> & 'c'", "<p>a &lt;b&gt; &amp; &#x27;c&#x27;</p>"),
        ("a\nb\n\nc\r\n\r\nd", "<p>a<br>b</p><p>c</p><p>d</p>"),
        (r"costs \$5, not $6 or $7.", "<p>costs $5, not $6 or $7.</p>"),
        (r"a \\$ b", r"<p>a \\$ b</p>"),
        ("is <<1+1=2>>2", '<p>is <span class="calc">&lt;&lt;1+1=2&gt;&gt;</span>2</p>'),
        ("$x$.", '<p><math alttext="x"><mi>x</mi></math>.</p>'),
        (
            "so\n\\[x\\]\nand\n\nthen\n\n$$x$$\n\nend",
            '<p>so<math display="block" alttext="x"><mi>x</mi></math>and</p><p>then</p>'
            '<p><math display="block" alttext="x"><mi>x</mi></math></p><p>end</p>',
        ),
        ("a\n\n```py\nx < 1\n```\nb", "<p>a</p><pre><code>x &lt; 1\n</code></pre><p>b</p>"),
        (
            'see\n[asy]\ndraw("$x$");\n[/asy]',
            '<p>see</p><details class="source"><summary>Figure, as Asymptote source</summary>'
            "<pre>draw(&quot;$x$&quot;);</pre></details>",
        ),
        (
            r"\begin{tabular}{c}1\end{tabular}",
            '<details class="source" open><summary>LaTeX source</summary>'
            r"<pre>\begin{tabular}{c}1\end{tabular}</pre></details>",
        ),
    ],
)
def test_text_is_drawn(text: str, inner: str) -> None:
    assert render(text) == f'<div class="richtext">{inner}</div>'


def test_what_a_very_long_text_has_more_is_shown_as_written() -> None:
    line = "so $x$ holds\n"
    text = line * (2 * LONGEST_DRAWN // len(line))
    page = Page(render(text))
    assert page.tags.count("math") == LONGEST_DRAWN // len(line)
    assert page.tags[-1] == "pre"
    assert page.words.count("holds") == text.count("holds")
    assert page.broken == []


def test_the_filter_draws_text_and_leaves_nothing_to_escape() -> None:
    template = Template("{% load richtext %}{{ text|richtext }}{{ none|richtext }}")
    drawn = template.render(Context({"text": "<i> $x$", "none": None}))
    assert drawn == (
        '<div class="richtext"><p>&lt;i&gt; <math alttext="x"><mi>x</mi></math></p></div>'
        '<div class="richtext"></div>'
    )


def test_gsm8k_is_drawn_without_any_math() -> None:
    with shared_file("gsm8k_model_solutions.jsonl").open() as lines:
        for line in lines:
            for value in json.loads(line).values():
                text = value["solution"] if isinstance(value, dict) else value
                page = Page(render(text))
                assert "math" not in page.tags
                assert "".join(page.words.split()) == "".join(text.split())


def test_every_math500_text_is_drawn_within_the_allow_list() -> None:
    with shared_file("math500.jsonl").open() as lines:
        for line in lines:
            record = json.loads(line)
            for text in (record["problem"], record["solution"]):
                page = Page(render(text))
                assert (page.broken, page.open) == ([], [])


@given(TEXTS, st.integers(1, 60))
def test_an_excerpt_ends_in_no_span_and_is_short(text: str, longest: int) -> None:
    cut = excerpt(text, longest)
    if cut == text:
        return
    kept = cut.removesuffix("…")
    assert text.startswith(kept)
    spans = list(protected(text))
    assert not any(span.start < len(kept) < span.end for span in spans)
    begins_with_span = spans and not text[: spans[0].start].strip()
    assert len(cut) <= longest or (begins_with_span and len(kept) == spans[0].end)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Let $x + y$.", "Let $x + y$."),
        ("Let $x + y = z$ be.", "Let…"),
        ("Let $x + y$ be positive.", "Let $x + y$…"),
        ("$$x + y + z = 18$$ is so.", "$$x + y + z = 18$$…"),
        ("$$x + y + z = 18$$", "$$x + y + z = 18$$"),
        ("A shelf holds many books.", "A shelf hol…"),
    ],
)
def test_an_excerpt_is_cut_before_a_formula_but_the_first(text: str, cut: str) -> None:
    assert excerpt(text, 12) == cut
