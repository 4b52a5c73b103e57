"""The pages that list, make and describe datasets, and hold problems out."""

import gzip

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.models import Project
from datasets_app import dataset_forms
from datasets_app.models import Dataset, HeldOut
from tests.annotation.managing import REFUSED, manager_of, member_of, outsider, refusals
from tests.datasets_app.frozen import dataset_of, frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_project

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/projects/math/datasets/"


@pytest.fixture
def project() -> Project:
    return make_project("math")


def test_readers_of_marks_see_datasets_and_labelers_do_not(project: Project) -> None:
    dataset_of(project)
    for address in (HERE, f"{HERE}steps/"):
        assert outsider().get(address).status_code == 404
        assert member_of(project, "labeler").get(address).status_code == 403
        for role in ("reader", "reviewer", "manager"):
            assert member_of(project, role).get(address).status_code == 200
        assert manager_of(project).post(address).status_code == 405


@pytest.mark.parametrize("page", ["new/", "hold-out/", "steps/edit/"])
def test_only_managers_change_anything(project: Project, page: str) -> None:
    dataset_of(project)
    assert refusals(project, "get", HERE + page) == REFUSED
    assert refusals(project, "post", HERE + page) == REFUSED


def test_an_empty_list_says_what_a_dataset_is_and_offers_to_make_one(project: Project) -> None:
    said = manager_of(project).get(HERE).content.decode()
    assert "No dataset yet" in said
    assert f'href="{HERE}new/"' in said
    assert f'href="{HERE}new/"' not in member_of(project, "reader").get(HERE).content.decode()


def test_a_new_dataset_goes_on_to_its_first_version(project: Project) -> None:
    sent = {"title": "Steps", "slug": "steps", "description": "**Steps**.", "license": "cc-by-4.0"}
    answer = manager_of(project).post(f"{HERE}new/", sent)
    assert answer.headers["Location"] == f"{HERE}steps/freeze/"
    made = Dataset.objects.get()
    assert (made.title, made.license, made.created_by is None) == ("Steps", "cc-by-4.0", False)
    assert "<strong>Steps</strong>" in manager_of(project).get(f"{HERE}steps/").content.decode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"slug": "steps"}, "Another dataset of this project has this short name."),
        ({"slug": "new"}, "This short name is taken by a page of the site."),
        ({"slug": "a b"}, "Enter a valid"),
        ({"title": ""}, "This field is required."),
        ({"license": "mit\ntags: [x]"}, "Only letters, digits, dots and hyphens."),
    ],
)
def test_what_cannot_be_made_is_said_beside_its_field_and_stays_typed(
    project: Project, changed: dict[str, str], said: str
) -> None:
    dataset_of(project)
    sent = {"title": "Mine", "slug": "mine", "description": "What I typed", "license": "mit"}
    page = manager_of(project).post(f"{HERE}new/", sent | changed).content.decode()
    assert said in page
    assert "What I typed" in page
    assert Dataset.objects.count() == 1


def test_title_description_and_licence_can_be_changed_and_the_name_cannot(
    project: Project,
) -> None:
    dataset_of(project)
    sent = {"title": "Better", "slug": "other", "description": "a\r\nb", "license": ""}
    manager_of(project).post(f"{HERE}steps/edit/", sent)
    made = Dataset.objects.get()
    assert (made.title, made.slug, made.description) == ("Better", "steps", "a\nb")


def test_versions_say_how_much_they_hold_and_which_is_the_same_as_another() -> None:
    load_json([phase_2()])
    project = Project.objects.get(slug="math")
    first, _second = frozen(project), frozen(project)
    page = manager_of(project).get(f"{HERE}steps/").content.decode()
    assert "same content as v1" in page
    assert page.count(first.content_hash[:12]) == 4  # a code and its title, twice
    assert "1 problem, 1 solution" in page


def test_a_description_is_no_html(project: Project) -> None:
    dataset = dataset_of(project)
    Dataset.objects.filter(pk=dataset.pk).update(description="<script>x</script>", title="<b>")
    page = manager_of(project).get(f"{HERE}steps/").content.decode()
    assert "<script>x" not in page
    assert "<b>" not in page


def test_an_uploaded_file_is_held_out_under_its_name(project: Project) -> None:
    file = SimpleUploadedFile("eval.jsonl", b'{"text": "One?"}\n{"text": "Two?"}\n')
    answer = manager_of(project).post(
        f"{HERE}hold-out/", {"file": file, "format": "auto"}, follow=True
    )
    assert "eval.jsonl is held out: 2 problems." in answer.content.decode()
    assert "eval.jsonl <small>2 problems</small>" in answer.content.decode()
    assert HeldOut.objects.get().texts == ["One?", "Two?"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"text": "One?"}\n{"text": 2}\n', "line 2: text"),
        (b"\n", "there is no problem in it"),
        (b"", "The submitted file is empty."),
    ],
)
def test_a_file_with_anything_bad_is_not_held_out(
    project: Project, content: bytes, said: str
) -> None:
    file = SimpleUploadedFile("eval.jsonl", content)
    sent = {"file": file, "name": "Mine", "format": "auto"}
    page = manager_of(project).post(f"{HERE}hold-out/", sent).content.decode()
    assert said in page
    assert 'value="Mine"' in page
    assert not HeldOut.objects.exists()


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("MOST_PROBLEMS", 2, "more than 2 lines"),
        ("HELD_OUT_DECOMPRESSED_BYTES", 50, "MB at most, also decompressed"),
    ],
)
def test_a_file_that_holds_too_much_is_not_held_out_in_part(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    most: int,
    said: str,
    suffix: str,
) -> None:
    monkeypatch.setattr(dataset_forms, limit, most)
    lines = b"".join(b'{"text": "%d?"}\n' % number for number in range(4))
    content = gzip.compress(lines) if suffix else lines
    client, door = manager_of(project), f"{HERE}hold-out/"

    def send(content: bytes) -> str:
        file = SimpleUploadedFile(f"eval.jsonl{suffix}", content)
        sent = {"file": file, "format": "auto"}
        return client.post(door, sent, follow=True).content.decode()

    assert said in send(content)
    assert not HeldOut.objects.exists()
    two = b"".join(lines.splitlines(keepends=True)[:2])
    assert "2 problems" in send(gzip.compress(two) if suffix else two)
