"""The policy page's JSON: it says what the form says, and fills it in."""

import json

import pytest
from django.http import QueryDict

from annotation.models import Project
from annotation.policy import Policy
from annotation.policy_editor import PolicyEditor
from tests.annotation.managing import manager_of
from tests.annotation.posted_policy import ADDRESS, TWO_EACH, WHOLE, policy_of, posted, text_of
from tests.annotation.routed import make_routed

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_routed(TWO_EACH, slug="algebra")


def test_it_says_what_the_form_says(project: Project) -> None:
    manager = manager_of(project)
    page = manager.get(ADDRESS)
    assert json.loads(posted(page)["text"]) == project.routing
    page = manager.post(ADDRESS, posted(page) | {"blind_share": "25", "do": "count"})
    assert json.loads(posted(page)["text"])["blind_share"] == 0.25


def test_it_is_taken_over_into_the_form_and_counted_and_not_saved(project: Project) -> None:
    manager = manager_of(project)
    typed = posted(manager.get(ADDRESS)) | {"text": json.dumps(WHOLE), "do": "fill"}
    page = manager.post(ADDRESS, typed)
    assert page.context["preview"]["total"] == 3
    assert policy_of(project) == Policy.from_json(TWO_EACH).as_json()
    manager.post(ADDRESS, posted(page) | {"do": "save"})
    # The names in the order of the page.
    assert policy_of(project) == WHOLE | {"first": ["judge", "prm"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "This is not JSON"),
        ("", "This is not JSON"),
        ("[" * 5_000, "This is not JSON"),
        ('{"blind_share": NaN}', "NaN is no number of JSON"),
        ('{"blind_share": 2}', "blind_share: 2 is greater than the maximum of 1"),
        ('{"first": ["<b>x"]}', "first[0]: There is no model labeler named “&lt;b&gt;x”"),
        ('{"first": ["\\u0000"]}', "first[0]: "),
        ('{"people": [' + ",".join(['{"how_many": 1}'] * 51) + "]}", "people: "),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_the_form_stays(
    project: Project, text: str, message: str
) -> None:
    manager = manager_of(project)
    typed = posted(manager.get(ADDRESS)) | {"people-0-how_many": "9", "text": text}
    page = manager.post(ADDRESS, typed | {"do": "fill"})
    assert message in text_of(page).split('id="as-json"')[1]
    assert posted(page)["text"] == text
    assert posted(page)["people-0-how_many"] == "9"


def test_what_was_changed_but_not_taken_over_is_not_lost_by_saving(project: Project) -> None:
    manager = manager_of(project)
    typed = posted(manager.get(ADDRESS)) | {"text": '{"blind_share": 0.5}', "do": "save"}
    page = manager.post(ADDRESS, typed)
    assert "You changed this, but did not take it over." in text_of(page)
    assert posted(page)["text"] == '{"blind_share": 0.5}'
    assert policy_of(project) == Policy.from_json(TWO_EACH).as_json()
    assert manager.post(ADDRESS, posted(page) | {"do": "save"}).status_code == 302


def test_line_breaks_as_browsers_send_them_are_no_change(project: Project) -> None:
    typed = posted(manager_of(project).get(ADDRESS))
    typed["text"] = typed["text"].replace("\n", "\r\n")
    data = QueryDict(mutable=True)
    data.update({name: value for name, value in typed.items() if name != "first"})
    assert not PolicyEditor(project, data).text_is_changed
