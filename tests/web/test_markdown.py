import time
from html.parser import HTMLParser

import pytest

from web.markdown import LONGEST, render

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](vbscript:msgbox)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](https://evil.example/x.png)",
    "<javascript:alert(1)>",
    '[x](https://a.example "x\\" onclick=\\"alert(1)")',
    "<style>*{display:none}</style>",
    '<a href="javascript:alert(1)" style="color:red">x</a>',
    "<svg><math><style><img src onerror=alert(1)></style></math></svg>",
    r"$\href{javascript:alert(1)}{x}$",
    r"$\text{<img src=x onerror=alert(1)>}$",
    "`<img src=x onerror=alert(1)>`",
    "```html onclick=alert(1)\n<script>\n```",
    "| <img src=x onerror=alert(1)> |\n|--|\n| <script> |",
    "# <img src=x onerror=alert(1)>",
    "\ue0000\ue001 \ue00099\ue001",
)
FORBIDDEN_TAGS = {"img", "script", "style", "svg", "iframe", "form", "input", "object", "h1"}


class Seen(HTMLParser):
    """Tags and attributes as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_becomes_harmless(text: str) -> None:
    seen = Seen(render(text))
    assert not seen.tags & FORBIDDEN_TAGS
    for name, value in seen.attributes:
        assert not name.startswith("on")
        assert name not in {"style", "src", "action"}
        assert name != "href" or value.partition(":")[0] in {"https", "http", "mailto"}


def test_html_is_shown_as_the_text_it_is() -> None:
    assert "&lt;b&gt;bold&lt;/b&gt;" in render("<b>bold</b>")


@pytest.mark.parametrize("place", ["\ue0000\ue001", "&#xE000;0&#xE001;", "&#57344;7&#57345;", "0;"])
def test_no_text_calls_for_a_formula_where_none_was_written(place: str) -> None:
    formula = '$\\text{" onmouseover="alert(1)}$'
    html = render(f'{formula} [a](https://a.example "{place}") `{place}` {place}')
    assert html.count("<math") == 1
    assert "onmouseover" not in html.partition("</math>")[2]


def test_what_people_use_of_markdown_is_drawn() -> None:
    html = render("# Title\n\n- *one*\n- **two**\n\n> said\n\n[a](https://a.example/)\n\n---")
    for piece in ("<h2>Title</h2>", "<em>one</em>", "<strong>two</strong>", "<blockquote>", "<hr>"):
        assert piece in html
    assert '<a href="https://a.example/" rel="noopener noreferrer nofollow">a</a>' in html


def test_a_table_is_drawn_without_inline_style() -> None:
    html = render("| a | b |\n|:--|--:|\n| 1 | 2 |")
    assert "<th>a</th>" in html
    assert "style" not in html


def test_headings_stay_below_the_heading_of_the_page() -> None:
    html = render("# one\n\n###### six")
    assert "<h2>one</h2>" in html
    assert "<h6>six</h6>" in html


def test_an_image_is_a_link_that_nothing_loads() -> None:
    html = render("![a cat](https://a.example/cat.png)")
    assert "<img" not in html
    assert 'href="https://a.example/cat.png"' in html


def test_a_formula_is_drawn_and_not_read_as_markdown() -> None:
    html = render("so $x_1 * y_2 * z_3$ and *this*")
    assert html.count("<msub>") == 3
    assert html.count("<em>") == 1


def test_a_formula_in_code_stays_as_it_is_written() -> None:
    html = render("`$x$`\n\n```\n$y$\n```")
    assert "<math" not in html
    assert "$x$" in html
    assert "$y$" in html


def test_money_is_no_formula() -> None:
    assert "<math" not in render("It costs $18, not $20, and \\$5 more.")
    assert "and $5 more" in render("and \\$5 more")


def test_a_formula_on_lines_of_its_own_is_drawn_as_a_block() -> None:
    assert 'display="block"' in render("so\n\n$$\nx + 1\n$$\n\nthen")


def test_a_text_beyond_the_limit_is_shown_as_written() -> None:
    html = render("*" * (LONGEST + 1))
    assert html.startswith('<div class="richtext markdown"><pre>***')


@pytest.mark.parametrize("piece", ["[", "*a", "`", "> ", "$", "![", "<", "_a_", "- ", "\\(", "a\n"])
def test_no_text_takes_long(piece: str) -> None:
    began = time.process_time()
    render(piece * (LONGEST // len(piece)))
    assert time.process_time() - began < 20, "a text of this length takes a second, not minutes"
