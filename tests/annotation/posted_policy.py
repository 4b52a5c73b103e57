"""Policies to write on the policy page, and what a browser would send of it as it stands."""

from html.parser import HTMLParser
from typing import Any

from annotation.models import Project

ADDRESS = "/projects/algebra/routing/"
TWO_EACH = {"people": [{"when": "rest", "how_many": 2}]}
WHOLE = {
    "first": ["prm", "judge"],
    "accept": [
        {"labelers": {"prm": 0.07, "judge": 0.955}, "audit_share": 0.29},
        {"labelers": {"judge": 1.0}, "audit_share": 0.0},
    ],
    "people": [
        {"when": "disagreement", "how_many": 3},
        {"when": "rest", "how_many": 0},
    ],
    "order": {"by": "uncertain", "score_of": "prm"},
    "review": {"disagreement": "any", "contradicted": {"prm": 0.999}},
    "blind_share": 0.123456789,
}


def policy_of(project: Project) -> Any:
    project.refresh_from_db()
    return project.routing


def text_of(page: Any) -> str:
    return str(page.content.decode())


def posted(page: Any) -> dict[str, Any]:
    """Return the fields of the page's policy form by name; a list for `first`."""
    reader = _Fields()
    reader.feed(page.content.decode())
    return {"first": [], **reader.fields}


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self._is_inside = False
        self._is_disabled = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self._is_inside = "data-policy" in given
        elif not self._is_inside:
            return
        elif tag == "fieldset":
            self._is_disabled = "disabled" in given
        elif tag == "input" and not (self._is_disabled or "disabled" in given):
            if given.get("type") != "checkbox":
                self.fields[name] = value
            elif "checked" in given:
                self.fields.setdefault(name, []).append(value)
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.fields[self._select] = value
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "fieldset":
            self._is_disabled = False
        elif tag == "textarea":
            # The first line break of a text area is not its text.
            if self._area:
                self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data
