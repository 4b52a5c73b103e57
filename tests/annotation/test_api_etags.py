"""`If-None-Match`: what a client has already is not sent again, and what is new always is."""

import orjson
import pytest
from rest_framework.test import APIClient

from annotation.models import Annotation, Problem, Solution, Step
from tests.annotation.reading_api import Eggs, address, client_of, eggs
from tests.factories import make_annotation, make_labeler, make_problem, make_run, make_verdict

pytestmark = pytest.mark.django_db(transaction=True)

SETS = ("problems", "solutions", "steps", "annotations", "verdicts", "labelers")
NDJSON = {"Accept": "application/x-ndjson"}


@pytest.fixture
def here() -> Eggs:
    return eggs()


@pytest.fixture
def client(here: Eggs) -> APIClient:
    return client_of(here.manager)


def tag(client: APIClient, url: str, **headers: str) -> str:
    """Return the tag of what `url` answers, having seen that it holds."""
    first = client.get(url, headers=headers)
    assert first.status_code == 200
    found: str = first["ETag"]
    assert found.startswith('"'), "a strong one"
    assert "private" in first["Cache-Control"]
    for known in (found, f'"other", {found}', f"W/{found}", "*"):
        again = client.get(url, headers={**headers, "If-None-Match": known})
        assert (again.status_code, again["ETag"]) == (304, found)
        assert b"".join(again) == b""
    assert client.get(url, headers={**headers, "If-None-Match": '"other"'}).status_code == 200
    return found


def test_every_page_row_and_stream_is_known_again(here: Eggs, client: APIClient) -> None:
    make_run(here.project)
    for name in (*SETS, "runs", "project"):
        tag(client, address(name))
    for name in SETS:
        tag(client, address(name), **NDJSON)
    tag(client, address("annotation", here.of_ada.pk))
    tag(client, "/api/v1/projects/")


@pytest.mark.parametrize("headers", [{}, NDJSON])
def test_whatever_changes_makes_another_tag(
    here: Eggs, client: APIClient, headers: dict[str, str]
) -> None:
    def tags() -> dict[str, str]:
        return {name: client.get(address(name), headers=headers)["ETag"] for name in SETS}

    def changed(before: dict[str, str]) -> set[str]:
        return {name for name, found in tags().items() if found != before[name]}

    before = tags()
    Problem.objects.update(source="elsewhere")
    assert changed(before) == {"problems"}
    before = tags()
    Solution.objects.update(is_correct=True)
    assert changed(before) == {"solutions"}
    before = tags()
    extra = make_problem(here.project)
    extra.delete()
    assert changed(before) == set()
    Step.objects.filter(position=0).update(start=7)
    assert changed(before) == {"steps"}
    before = tags()
    make_annotation(here.solution, make_labeler(), ratings=[1])
    assert changed(before) == {"annotations", "labelers"}
    before = tags()
    Annotation.objects.filter(pk=here.of_ada.pk).update(is_practice=True)
    assert changed(before) == {"annotations"}
    before = tags()
    make_verdict(here.solution.steps.get(position=0))
    assert changed(before) == {"verdicts"}


def test_a_tag_belongs_to_one_question_and_one_readers_rights(
    here: Eggs, client: APIClient
) -> None:
    ada = client_of(here.ada)
    asked = (
        client.get(address("solutions"), headers=NDJSON)["ETag"],
        client.get(address("solutions"), {"model": "canned"}, headers=NDJSON)["ETag"],
        ada.get(address("solutions"), headers=NDJSON)["ETag"],
    )
    assert len(set(asked)) == 3


def test_a_stream_says_where_changes_are_told_and_head_sends_nothing(
    here: Eggs, client: APIClient
) -> None:
    response = client.get(address("annotations"), headers=NDJSON)
    assert len(response.getvalue().splitlines()) == 2
    link = response["Link"]
    assert link.endswith('>; rel="changes"')
    assert orjson.loads(client.get(link[1 : link.index(">")]).content)["results"] == []
    head = client.head(address("annotations"), headers=NDJSON)
    assert (head.status_code, head["ETag"], b"".join(head)) == (200, response["ETag"], b"")
