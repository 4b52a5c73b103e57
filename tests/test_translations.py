"""The catalogues: complete, compiled, faithful, and nothing in the pages that goes past them."""

import re
import shutil
from pathlib import Path

import polib
import pytest
from django.conf import LazySettings
from django.conf import settings as site
from django.core.management import call_command
from django.template.base import Lexer, Token, TokenType
from django.utils import translation

from annotation.guidelines import default_guidelines
from annotation.practice import BUILT_IN, exercises
from tests.factories import make_project

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("annotation", "config", "datasets_app", "labelers", "web")
LANGUAGES = [code for code, _name in site.LANGUAGES if code != site.LANGUAGE_CODE]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w+\}|</?[a-z]+[^>]*>")
TEMPLATES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.html"))

Key = tuple[str | None, str, str]
"""Context, text, and text of the plural."""


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(folder(language) / "django.po"))


def folder(language: str) -> Path:
    return ROOT / "config" / "locale" / language / "LC_MESSAGES"


def key(entry: polib.POEntry | polib.MOEntry) -> Key:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def translations(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.fixture
def texts(tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> set[Key]:
    """Every text that the code and the templates mark for translation."""
    if shutil.which("xgettext") is None:
        pytest.fail("the texts are found by xgettext: apt-get install gettext")
    for package in PACKAGES:
        unmarked = shutil.ignore_patterns("__pycache__", "static", "locale")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=unmarked)
    locale = tmp_path / "config" / "locale"
    locale.mkdir()
    settings.LOCALE_PATHS = [locale]
    monkeypatch.chdir(tmp_path)
    call_command("makemessages", locale=["xx"], verbosity=0)
    return {key(entry) for entry in polib.pofile(str(locale / "xx" / "LC_MESSAGES" / "django.po"))}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_the_catalogue_and_no_other(texts: set[Key], language: str) -> None:
    known = {key(entry) for entry in catalogue(language)}
    refresh = f"run: make messages IN={language}, and translate what is new"
    assert texts - known == set(), refresh
    assert known - texts == set(), refresh


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_for_good(language: str) -> None:
    entries = catalogue(language)
    assert [entry.msgid for entry in entries if not all(translations(entry))] == []
    assert [entry.msgid for entry in entries if entry.fuzzy] == []
    assert [entry.msgid for entry in entries if entry.obsolete] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_is_what_was_compiled(language: str) -> None:
    written = {key(entry): translations(entry) for entry in catalogue(language)}
    compiled = polib.mofile(str(folder(language) / "django.mo"))
    assert {key(entry): translations(entry) for entry in compiled} == written


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_what_is_filled_in_and_the_markup(language: str) -> None:
    changed = [
        entry.msgid
        for entry in catalogue(language)
        for translated in translations(entry)
        if placeholders(translated) != placeholders(entry.msgid_plural or entry.msgid)
    ]
    assert changed == []


def placeholders(text: str) -> list[str]:
    return sorted(PLACEHOLDER.findall(text))


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_have_guidelines_and_practice_of_their_own(language: str) -> None:
    project = make_project()
    english = default_guidelines(), exercises(project)
    with translation.override(language):
        assert default_guidelines() != english[0]
        assert len(default_guidelines().split("\n## ")) == len(english[0].split("\n## "))
        for theirs, ours in zip(exercises(project), english[1], strict=True):
            assert theirs.text != ours.text
            assert theirs.reference_answer == ours.reference_answer
            assert [step.rating for step in theirs.steps] == [step.rating for step in ours.steps]
    assert len(english[1]) == len(BUILT_IN)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert untranslated_words(path.read_text()) == []


# The name, the keys and the commands are the same in every language.
SAME_EVERYWHERE = re.compile(r"<kbd[^>]*>\w+</kbd>|<pre>.*?</pre>|\bStepmark\b|&\w+;", re.DOTALL)
SAID_BY_ATTRIBUTE = re.compile(r'\b(?:aria-label|title|placeholder|alt|data-of)="([^"]*)"')
TAG = re.compile(r"<[^>]*>", re.DOTALL)


def untranslated_words(template: str) -> list[str]:
    source = "".join(map(plain, of_the_page(Lexer(template).tokenize())))
    source = SAME_EVERYWHERE.sub(" ", source)
    words = [*SAID_BY_ATTRIBUTE.findall(source), TAG.sub(" ", source)]
    return [word for said in words for word in re.findall(r"[A-Za-z]{2,}", said)]


def of_the_page(tokens: list[Token]) -> list[Token]:
    """Leave out what is translated as a block, and comments."""
    kept, closing = [], ""
    for token in tokens:
        name = token.split_contents()[0] if token.token_type == TokenType.BLOCK else ""
        if not closing and name in {"blocktranslate", "comment"}:
            closing = f"end{name}"
        elif not closing:
            kept.append(token)
        elif name == closing:
            closing = ""
    return kept


def plain(token: Token) -> str:
    return token.contents if token.token_type == TokenType.TEXT else ""


def test_untranslated_words_are_found_in_texts_and_attributes() -> None:
    said = '<p title="Go">{% translate "Fine" %} Not {{ fine }}</p>'
    said += "{% blocktranslate %}This{% endblocktranslate %}"
    assert untranslated_words(said) == ["Go", "Not"]
