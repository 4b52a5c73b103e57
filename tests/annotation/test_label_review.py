"""The reviewers' page and their door of the queue: who may come, what comes, what is not shown."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from annotation.models import Annotation, Lease, Project, Verdict
from labelers.registration import labeler_of
from tests.annotation.managing import client_of, member_of, outsider
from tests.annotation.routed import catch_up, claimed, make_routed, marked, review_slots
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PAGE = "/label/eggs/review/"
DOOR = "/api/v1/projects/eggs/assignments/review/"


@pytest.fixture
def project() -> Project:
    """Return a project with one solution that two people disagree on."""
    project = make_routed({"people": [{"how_many": 2}]}, n=1, slug="eggs")
    catch_up(project)
    for first_error in (1, 2):
        marked(claimed(project, labeler_of(make_user())), first_error)
    catch_up(project)
    assert len(review_slots(project)) == 1
    return project


@pytest.fixture
def rita(project: Project) -> Client:
    return member_of(project, "reviewer")


def posted(client: Client, address: str, **body: Any) -> Any:
    return client.post(address, json.dumps(body), content_type="application/json")


def test_reviewers_and_managers_alone_may_come(project: Project) -> None:
    asked = [outsider(), *(member_of(project, role) for role in ("reader", "labeler"))]
    assert [client.get(PAGE).status_code for client in asked] == [404, 403, 403]
    assert [posted(client, DOOR).status_code for client in asked] == [404, 403, 403]
    assert not Lease.objects.open().exists()
    assert Client().get(PAGE).status_code == 302
    assert posted(Client(), DOOR).status_code == 401
    assert member_of(project, "manager").get(PAGE).status_code == 200


def test_a_look_at_the_address_claims_nothing(project: Project, rita: Client) -> None:
    assert rita.head(PAGE).status_code == 405
    assert rita.post(PAGE).status_code == 405
    assert rita.get(DOOR).status_code == 405
    assert rita.get(PAGE, headers={"Sec-Purpose": "prefetch"}).status_code == 503
    assert not Lease.objects.open().exists()


def test_the_page_shows_what_waits_and_goes_on_in_the_same_queue(
    project: Project, rita: Client
) -> None:
    page = rita.get(PAGE).content.decode()
    lease = Lease.objects.open().get()
    assert lease.assignment.for_reviewers
    assert f'data-assignment="{lease.assignment_id}"' in page
    config = json.loads(re.findall(r'id="label-config"[^>]*>(.*?)</script>', page)[0])
    assert (config["urls"]["page"], config["urls"]["next"]) == (PAGE, DOOR)
    assert rita.get(f"{PAGE}?assignment={lease.assignment_id}").status_code == 200
    assert rita.get(f"{PAGE}?assignment=999").headers["Location"] == PAGE


def test_nothing_on_the_page_tells_what_others_found(project: Project, rita: Client) -> None:
    Annotation.objects.update(comment="Step two is nonsense.")
    page = rita.get(PAGE).content.decode()
    assert "nonsense" not in page
    assert "checked" not in page
    slot = posted(rita, DOOR).json()["assignment"]
    assert (slot["draft"]["marks"], slot["explanations"]) == ({}, [])


def test_programs_review_too(project: Project, rita: Client) -> None:
    slot = posted(rita, DOOR).json()["assignment"]
    assert posted(rita, DOOR).json()["assignment"]["id"] == slot["id"]
    marks = {slot["steps"][0]["id"]: {"rating": -1}}
    done = posted(
        rita, f"/api/v1/projects/eggs/assignments/{slot['id']}/submit/", draft={"marks": marks}
    )
    assert done.status_code == 200
    catch_up(project)
    (solution,) = project.solutions.all()
    verdicts = Verdict.objects.filter(solution=solution)
    assert list(verdicts.values_list("rating", "rule")) == [(-1, "reviewer")]


def test_where_nothing_waits_the_page_says_so(project: Project, rita: Client) -> None:
    first = client_of(make_user(is_superuser=True))
    assert posted(first, DOOR).json()["assignment"] is not None
    assert "reserved by somebody else" in rita.get(PAGE).content.decode()
    Lease.objects.open().get().assignment.delete()
    assert "Nothing to review" in rita.get(PAGE).content.decode()
    assert posted(rita, DOOR).json()["assignment"] is None


def test_the_project_page_leads_reviewers_there(project: Project, rita: Client) -> None:
    assert "Review (1)" in rita.get("/projects/eggs/").content.decode()
    for role in ("labeler", "reader"):
        page = member_of(project, role).get("/projects/eggs/").content.decode()
        assert PAGE not in page
    Project.objects.update(routing={})
    assert PAGE not in rita.get("/projects/eggs/").content.decode()
