"""What two versions differ in: counted over their files, on a page, by a worker, by a command."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation import runs
from annotation.models import Annotation, Project, Run, StepLabel
from datasets_app import compare_views
from datasets_app.comparing import compare
from datasets_app.snapshots import freeze_slice
from tests.annotation.managing import manager_of, member_of, outsider
from tests.datasets_app.frozen import frozen
from tests.datasets_app.loaded import load_json
from tests.datasets_app.test_snapshots import record

pytestmark = pytest.mark.django_db(transaction=True)
HERE = "/projects/math/datasets/steps/compare/"


@pytest.fixture
def project() -> Project:
    """Two versions: one mark changed, one is gone, a problem came, and one went."""
    load_json([record(1), record(1, labeler=1), record(2), record(3)])
    project = Project.objects.get(slug="math")
    frozen(project)
    of_two = Annotation.objects.filter(solution__problem__text="What is $2+2$?")
    StepLabel.objects.filter(annotation__in=of_two, rating=-1).update(rating=1)
    Annotation.objects.filter(labeler__uuid="cc88bf76-df08-4041-be67-000000000001").delete()
    Annotation.objects.filter(solution__problem__text="What is $2+3$?").delete()
    load_json([record(4)])
    frozen(project)
    return project


def counts_of(found: Any) -> dict[str, tuple[int, ...]]:
    names = ("added", "removed", "changed", "same")
    return {
        part: tuple(getattr(getattr(found, part), name) for name in names)
        for part in ("problems", "solutions", "marks")
    }


def test_what_is_added_removed_and_changed_is_counted(project: Project) -> None:
    dataset = project.datasets.get()
    first, second = dataset.snapshots.order_by("version")
    found = compare(first, second)
    assert counts_of(found) == {
        "problems": (1, 1, 0, 2),
        "solutions": (1, 1, 0, 2),
        "marks": (1, 2, 1, 1),
    }
    assert sorted((one["problem"], one["is"]) for one in found.listed) == [
        ("What is $2+1$?", "changed"),
        ("What is $2+2$?", "changed"),
        ("What is $2+3$?", "removed"),
        ("What is $2+4$?", "added"),
    ]
    assert counts_of(compare(second, second))["marks"] == (0, 0, 0, 3)


def test_a_problem_that_went_to_another_split_has_changed(project: Project) -> None:
    other = frozen(project, splits={"shares": {"a": 0.5, "b": 0.5}, "seed": 1})
    before = project.datasets.get().snapshots.get(version=2)
    assert counts_of(compare(before, other)) == {
        "problems": (0, 0, 3, 0),
        "solutions": (0, 0, 3, 0),
        "marks": (0, 0, 0, 3),
    }


def test_the_page_begins_with_the_last_two_and_compares_small_ones_at_once(
    project: Project,
) -> None:
    reader = member_of(project, "reader")
    form = reader.get(HERE).context["form"]
    assert (form["before"].value(), form["after"].value()) == (1, 2)
    page = reader.get(f"{HERE}?before=1&after=2").content.decode()
    assert page.count("What is $2+") == 4
    assert "Rules that differ" not in page
    assert "These are the first of them" not in page
    assert "Select a valid choice" in reader.get(f"{HERE}?before=1&after=9").content.decode()


def test_readers_of_marks_see_it_and_only_managers_have_workers_compare(
    project: Project,
) -> None:
    assert outsider().get(HERE).status_code == 404
    assert member_of(project, "labeler").get(HERE).status_code == 403
    assert outsider().post(HERE).status_code == 404
    assert member_of(project, "reader").post(HERE).status_code == 403
    assert manager_of(project).delete(HERE).status_code == 405


def test_the_page_says_where_the_rules_differ_and_that_its_list_is_cut(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_views, "SHOWN", 1)
    frozen(project, marks="all")
    page = manager_of(project).get(f"{HERE}?before=1&after=3").content.decode()
    rules = page[page.index("Rules that differ") : page.index("Solutions that differ")]
    assert rules.count("<li>") == 2
    assert "person&#x27;s marks count by themselves." in rules
    assert "Everybody&#x27;s marks count" in rules
    assert page.count("What is $2+") == 1
    assert "These are the first of them" in page


def test_large_ones_are_compared_by_the_workers_and_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_views, "AT_ONCE", 0)
    manager = manager_of(project)
    assert "the workers compare them" in manager.get(f"{HERE}?before=1&after=2").content.decode()
    begun = manager.post(HERE, {"before": "1", "after": "2"})
    assert begun.headers["Location"] == f"{HERE}?before=1&after=2"
    run = Run.objects.latest("pk")
    assert "data-refresh" in manager.get(f"{HERE}?before=1&after=2").content.decode()
    manager.post(HERE, {"before": "1", "after": "2"})
    assert run.slices.count() == 1
    runs.work_here(run, freeze_slice)
    assert run.state == Run.State.FINISHED
    assert "What is $2+4$?" in manager.get(f"{HERE}?before=1&after=2").content.decode()


def test_the_command_says_the_same(project: Project) -> None:
    out = io.StringIO()
    call_command("compare_snapshots", "math/steps", "1", "2", stdout=out)
    assert "marks: 1 added, 2 removed, 1 changed, 1 the same" in out.getvalue()
    with pytest.raises(CommandError, match="no frozen version 3; it has: 1, 2"):
        call_command("compare_snapshots", "math/steps", "1", "3")
