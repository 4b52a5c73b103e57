"""Reading and writing a project's guidelines."""

import pytest

from annotation.guidelines import default_guidelines, guidelines_of
from annotation.models import Project
from tests.annotation.managing import REFUSED, manager_of, member_of, outsider, refusals
from tests.factories import make_project

pytestmark = pytest.mark.django_db
READ, EDIT = "/projects/algebra/guidelines/", "/projects/algebra/guidelines/edit/"


@pytest.fixture
def project() -> Project:
    return make_project("algebra")


def seen_on(client: object, project: Project) -> str:
    return str(client.get(EDIT).context["form"]["seen"].value())  # type: ignore[attr-defined]


def test_every_member_reads_them_and_no_outsider(project: Project) -> None:
    for role in ("manager", "reviewer", "labeler", "reader"):
        assert member_of(project, role).get(READ).status_code == 200
    assert outsider().get(READ).status_code == 404
    assert manager_of(project).post(READ).status_code == 405


def test_only_managers_write_them(project: Project) -> None:
    assert refusals(project, "get", EDIT) == REFUSED
    assert refusals(project, "post", EDIT) == REFUSED


def test_only_managers_are_offered_to_write_them(project: Project) -> None:
    assert EDIT in manager_of(project).get(READ).content.decode()
    assert EDIT not in member_of(project, "reviewer").get(READ).content.decode()


def test_a_project_without_its_own_has_ours(project: Project) -> None:
    assert guidelines_of(project) == default_guidelines()
    page = member_of(project, "labeler").get(READ).content.decode()
    assert "The four marks" in page
    assert "<math" in page


@pytest.mark.parametrize("word", ["Great", "Okay", "Bad", "Unsure"])
def test_ours_say_what_each_mark_means(word: str) -> None:
    assert f"**{word}**" in default_guidelines()


def test_what_is_saved_is_read_by_all(project: Project) -> None:
    client = manager_of(project)
    posted = {"text": "# Ours\r\n\r\n*careful*", "seen": seen_on(client, project)}
    assert client.post(EDIT, posted).status_code == 302
    project.refresh_from_db()
    assert project.guidelines == "# Ours\n\n*careful*"
    assert "<em>careful</em>" in member_of(project, "reader").get(READ).content.decode()


def test_saving_ours_unchanged_leaves_the_project_to_follow_them(project: Project) -> None:
    client = manager_of(project)
    text = client.get(EDIT).context["form"]["text"].value()
    client.post(EDIT, {"text": text, "seen": seen_on(client, project)})
    project.refresh_from_db()
    assert project.guidelines == ""


def test_a_preview_shows_the_text_and_saves_nothing(project: Project) -> None:
    client = manager_of(project)
    posted = {"text": "*careful*", "seen": seen_on(client, project), "preview": "1"}
    page = client.post(EDIT, posted).content.decode()
    assert "<em>careful</em>" in page
    assert "*careful*</textarea>" in page
    project.refresh_from_db()
    assert project.guidelines == ""


def test_who_saves_second_is_shown_what_the_first_wrote(project: Project) -> None:
    first, second = manager_of(project), manager_of(project)
    seen = seen_on(second, project)
    first.post(EDIT, {"text": "theirs", "seen": seen_on(first, project)})
    answer = second.post(EDIT, {"text": "mine", "seen": seen})
    project.refresh_from_db()
    assert project.guidelines == "theirs"
    page = answer.content.decode()
    assert "-theirs" in page
    assert "+mine" in page
    again = answer.context["form"]
    second.post(EDIT, {"text": again["text"].value(), "seen": again["seen"].value()})
    project.refresh_from_db()
    assert project.guidelines == "mine"


def test_guidelines_cannot_run(project: Project) -> None:
    project.guidelines = "<script>alert(1)</script> [x](javascript:alert(1)) <img onerror=x>"
    project.save()
    page = manager_of(project).get(READ).content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "<img onerror" not in page
    edited = manager_of(project).get(EDIT).content.decode()
    assert "<script>alert" not in edited


def test_a_text_that_nobody_would_read_is_refused(project: Project) -> None:
    client = manager_of(project)
    answer = client.post(EDIT, {"text": "x" * 50_001, "seen": seen_on(client, project)})
    assert answer.status_code == 200
    assert answer.context["form"].errors["text"]
