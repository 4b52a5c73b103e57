"""The page that freezes a version: the form over the rules, their words, and the beginning."""

from typing import Any

import pytest
from django.test import Client

from annotation import runs
from annotation.models import Annotation, Problem, Project
from datasets_app import snapshots
from datasets_app.held_out import digest_of
from datasets_app.models import HeldOut, Snapshot
from datasets_app.rules import Rules
from datasets_app.snapshots import Wanted, freeze_slice
from tests.annotation.managing import REFUSED, client_of, manager_of, refusals
from tests.datasets_app.frozen import dataset_of, frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.prm800k_json import phase_2
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/projects/math/datasets/steps/freeze/"


@pytest.fixture
def project() -> Project:
    load_json([phase_2()])
    project = Project.objects.get(slug="math")
    dataset_of(project)
    return project


def typed(client: Client, **changes: Any) -> dict[str, Any]:
    """Return what a browser would post from the page as it is now, with `changes`."""
    page = client.get(HERE).context
    form = page["form"]
    values = {name: form[name].value() for name in form.fields} | {"version": page["next"]}
    posted = {name: value for name, value in values.items() if value not in (None, False)}
    return {name: value for name, value in {**posted, **changes}.items() if value is not None}


def send(client: Client, **changes: Any) -> Any:
    """Press the button that freezes."""
    return client.post(HERE, typed(client, do="freeze", **changes))


def test_only_managers_freeze(project: Project) -> None:
    assert refusals(project, "get", HERE) == REFUSED
    assert refusals(project, "post", HERE) == REFUSED
    assert manager_of(project).delete(HERE).status_code == 405


def test_what_the_version_will_hold_stands_there_from_the_beginning(project: Project) -> None:
    page = manager_of(project).get(HERE).content.decode()
    assert "marks count by themselves." in page
    assert "No format yet" in page
    assert "Freeze version 1" in page


@pytest.mark.parametrize("button", [{"do": "words"}, {}])
def test_rules_are_said_in_words_and_nothing_is_frozen(
    project: Project, button: dict[str, str]
) -> None:
    client = manager_of(project)
    posted = typed(client, correctness="wrong", format_sft="on", **button)
    page = client.post(HERE, posted).content.decode()
    assert "Only solutions whose final answer is wrong." in page
    assert "sft (parquet)" in page
    assert not Snapshot.objects.exists()


def test_what_was_chosen_is_frozen(project: Project) -> None:
    begun = send(manager_of(project), format_sft="on", notes="The first.")
    assert begun.headers["Location"] == "/projects/math/datasets/steps/v1/"
    snapshot = Snapshot.objects.get()
    assert Rules.from_json(snapshot.rules) == Rules()
    assert snapshot.notes == "The first."
    assert [one.format for one in snapshot.exports.all()] == ["sft"]
    assert snapshot.run
    runs.work_here(snapshot.run, freeze_slice)
    snapshot.refresh_from_db()
    assert snapshot.is_frozen


def test_a_button_that_is_pressed_twice_freezes_once(project: Project) -> None:
    client = manager_of(project)
    posted = typed(client, do="freeze", format_sft="on")
    for _click in range(2):
        answer = client.post(HERE, posted)
        assert answer.headers["Location"] == "/projects/math/datasets/steps/v1/"
    assert Snapshot.objects.count() == 1
    # The next one is asked for by a page that says so.
    assert send(client).headers["Location"] == "/projects/math/datasets/steps/v2/"


@pytest.mark.parametrize("theirs", [{"correctness": "wrong"}, {"format_orm": "on"}, {}])
def test_who_comes_second_is_told_of_the_version_that_somebody_else_made(
    project: Project, theirs: dict[str, str]
) -> None:
    client = manager_of(project)
    mine = typed(client, do="freeze", notes="Mine.")
    # Other rules, other formats, or the same of another person.
    assert send(client if theirs else manager_of(project), **theirs).status_code == 302
    page = client.post(HERE, mine).content.decode()
    assert "Another version was made meanwhile." in page
    assert "Freeze version 2" in page
    assert "Mine." in page
    assert Snapshot.objects.count() == 1
    assert client.post(HERE, {**mine, "version": "2"}).status_code == 302


@pytest.mark.parametrize("version", [None, "2", "0", "x", "1" * 30])
def test_a_version_that_is_not_the_next_one_is_not_made(
    project: Project, version: str | None
) -> None:
    answer = send(manager_of(project), version=version)
    assert answer.status_code == 200
    assert not Snapshot.objects.exists()


def test_every_part_of_the_rules_can_be_chosen(project: Project) -> None:
    Problem.objects.update(subject="Algebra", level="3", source="MATH")
    HeldOut.objects.create(project=project, name="eval", texts=["?"], sha256=digest_of(["?"]))
    user = make_user()
    project.memberships.create(user=user, role="manager")
    make_project("other", members={user: "reader"})
    labeler = str(Annotation.objects.get().labeler.uuid)
    answer = send(
        client_of(user),
        marks="labeler", labeler=labeler, finish_reasons=["found_error", "give_up"],
        minimum_agreement="60", minimum_quality="12.5", quality_control="on", screening="on",
        surplus="on", correctness="wrong", generations=["6"], sources=["MATH"],
        subjects=["Algebra"], levels=["3"], max_per_problem="8", split_by="hash", seed="7",
        split_0="train", share_0="90", split_1="test", share_1="10", held_out=["eval"],
        held_out_projects=["project:other"], neutral="negative", truncate="yes",
        alternatives="none", shard_solutions="500",
    )  # fmt: skip
    assert answer.status_code == 302, answer.context["form"].errors
    assert Snapshot.objects.get().rules == Rules.from_json(
        {
            "marks": "labeler", "labeler": labeler, "finish_reasons": ["found_error", "give_up"],
            "minimum_agreement": 0.6, "minimum_quality": 0.125, "quality_control": True,
            "screening": True, "surplus": True, "correctness": "wrong", "generations": [6],
            "sources": ["MATH"], "subjects": ["Algebra"], "levels": ["3"], "max_per_problem": 8,
            "splits": {"by": "hash", "seed": 7, "shares": {"train": 0.9, "test": 0.1}},
            "held_out": ["eval", "project:other"], "neutral": "negative", "truncate": True,
            "alternatives": "none", "shard_solutions": 500,
        }
    ).as_json()  # fmt: skip


def test_the_form_begins_with_the_rules_and_formats_of_the_last_version(project: Project) -> None:
    rules: dict[str, Any] = {
        "marks": "all", "minimum_agreement": 0.333, "without_labelers": ["Gone"],
        "splits": {"shares": {f"s{n}": 1 / 5 for n in range(5)}, "seed": 3}, "truncate": False,
    }  # fmt: skip
    last = frozen(project, Wanted(format="prm800k", container="jsonl.gz"), **rules)
    client = manager_of(project)
    assert send(client).status_code == 302
    made = Snapshot.objects.get(version=2)
    assert made.rules == last.rules
    assert [(e.format, e.container) for e in made.exports.all()] == [("prm800k", "jsonl.gz")]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"marks": "labeler"}, "labeler", "Choose one where the marks of one labeler count"),
        ({"finish_reasons": None}, "finish_reasons", "Choose at least one."),
        ({"share_0": "50"}, "share_0", "add up to 100 %"),
        ({"split_0": "Train set"}, "split_0", "Small letters, digits and _ alone, and not “all”."),
        (
            {"marks": "verdicts", "minimum_agreement": "50"},
            "minimum_agreement",
            "leave this as usual",
        ),
        ({"marks": "outcomes", "finish_reasons": ["solution"]}, "finish_reasons", "as usual"),
        ({"minimum_quality": "101"}, "minimum_quality", "less than or equal to 100"),
        ({"max_per_problem": "0"}, "max_per_problem", "greater than or equal to 1"),
        ({"generations": ["99"]}, "generations", "Select a valid choice"),
        ({"neutral": "keep", "format_math-shepherd": "on"}, "format_math-shepherd", "keep"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_stays_typed(
    project: Project, changes: dict[str, Any], field: str, said: str
) -> None:
    answer = send(manager_of(project), notes="Kept.", **changes)
    assert said in str(answer.context["form"].errors[field])
    page = answer.content.decode()
    assert str(answer.context["form"].errors[field][0])[:20] in page.replace("&#x27;", "'")
    assert "Kept." in page
    assert not Snapshot.objects.exists()


def test_what_only_earlier_versions_held_out_is_pointed_to(project: Project) -> None:
    HeldOut.objects.create(project=project, name="eval", texts=["?"], sha256=digest_of(["?"]))
    dataset = frozen(project, held_out=["eval"]).dataset
    manager = manager_of(project)
    assert "Earlier versions held out" not in manager.get(HERE).content.decode()
    snapshots.freeze(dataset=dataset, rules=Rules(), wanted=[])
    page = manager.get(HERE).content.decode()
    assert "Earlier versions held out eval; version 2 did not" in page


def test_a_project_that_one_does_not_see_cannot_be_held_out(project: Project) -> None:
    make_project("hidden")
    answer = send(manager_of(project), held_out_projects=["project:hidden"])
    assert "Select a valid choice" in str(answer.context["form"].errors["held_out_projects"])


def test_the_one_labeler_is_asked_only_where_their_marks_count(project: Project) -> None:
    labeler = str(Annotation.objects.get().labeler.uuid)
    assert send(manager_of(project), labeler=labeler).status_code == 302
    assert Snapshot.objects.get().rules == Rules().as_json()


def test_labelers_are_said_by_name(project: Project) -> None:
    labeler = Annotation.objects.get().labeler
    shown = manager_of(project).post(
        HERE, typed(manager_of(project), without_labelers=[str(labeler.uuid)])
    )
    assert f"Left out is the work of: {labeler.name}." in shown.content.decode()
