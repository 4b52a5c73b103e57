"""Workers killed while they freeze a version: others finish it, to the same bytes."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from tests.place import Stepmark, kill_group

pytestmark = pytest.mark.slow

MARKED = """
from annotation.models import Project, Solution
from tests.factories import make_annotation, make_labeler, make_problem, make_solution
project = Project.objects.get(slug="faults")
judge = make_labeler("judge")
for n in range({problems}):
    steps = [f"First {{n}}.", f"Second {{n}}."]
    solution = make_solution(make_problem(project, f"Pens: {{n}}?"), steps)
    make_annotation(solution, judge, ratings=[1, -1])
"""
FREEZE = """
from annotation.models import Project
from datasets_app.models import Dataset
from datasets_app.rules import Rules
from datasets_app.snapshots import Wanted, freeze
project = Project.objects.get(slug="faults")
dataset, _ = Dataset.objects.get_or_create(project=project, slug="steps", title="Steps")
wanted = [Wanted(format="prm800k", container="jsonl.gz"), Wanted(format="steps")]
rules = Rules(marks="models", shard_solutions=2)
freeze(dataset=dataset, rules=rules, wanted=wanted)
"""
BYTES = """
import json
from datasets_app.models import Snapshot
made = Snapshot.objects.order_by("-version")[0]
files = made.files.exclude(kind="about").order_by("path").values_list("path", "sha256", "stored_as")
print(json.dumps([made.state, made.content_hash, list(files)]))
"""
PROBLEMS = 30
FILES = (PROBLEMS // 2) * 4
"""Solutions, rows of two formats, and where those of `prm800k` come from."""
ABOUT = ("README.md", "croissant.json", "manifest.json")


def state_of(place: Stepmark) -> tuple[str, str, list[tuple[str, str]], set[str]]:
    """Return the last version's state, hash, files with their digests, and where they are kept."""
    state, content_hash, files = json.loads(place.manage_code(BYTES))
    return state, content_hash, [(path, sha) for path, sha, _ in files], {at for *_, at in files}


def is_frozen(place: Stepmark) -> bool:
    return state_of(place)[0] == "frozen"


def writes_solutions(place: Stepmark) -> bool:
    """Tell whether solutions are being written: in one piece, which is lost as a whole."""
    folder, before = place.home / "datasets", len(state_of(place)[3])
    return not before and len(list(folder.glob("*/*.zst"))) > 2


def writes_rows(place: Stepmark) -> bool:
    return len(state_of(place)[2]) > FILES // 2


def frozen(
    place: Stepmark, *moments: Callable[[Stepmark], bool], processes: int
) -> tuple[str, list[tuple[str, str]]]:
    """Freeze a version with this many processes, all of which are killed at each of `moments`."""
    worker = place.start_worker(processes=processes, include="tests.faults.slow_exports")
    place.manage_code(FREEZE)
    for moment in moments:
        place.wait_until(partial(moment, place), what=moment.__name__)
        kill_group(worker)
        assert not is_frozen(place), "it was done before it could be killed"
        worker = place.start_worker(processes=processes, include="tests.faults.slow_exports")
    place.wait_until(partial(is_frozen, place), what="the end", seconds=90)
    kill_group(worker)
    _, content_hash, files, _ = state_of(place)
    assert len(files) == FILES
    return content_hash, files


def test_three_workers_that_are_killed_make_the_same_bytes_as_one_that_is_not(
    place: Stepmark,
) -> None:
    place.environment["STEPMARK_DATASETS"] = str(place.home / "datasets")
    place.make_project("faults")
    place.manage_code(MARKED.format(problems=PROBLEMS))
    place.start_clock()
    disturbed = frozen(place, writes_solutions, writes_rows, processes=3)
    *_, named = state_of(place)
    (folder,) = {one.partition("/")[0] for one in named}
    there = {path.name for path in (place.home / "datasets" / folder).iterdir()}
    about = there - {one.partition("/")[2] for one in named}
    assert len(about) == len(ABOUT), "files that killed workers left are still there"
    assert frozen(place, processes=1) == disturbed
