"""What does the slices of each kind of Run, also of those that apps above carry out."""

from collections.abc import Callable

import pytest

from annotation import run_kinds, runs
from annotation.models import Run, RunSlice
from tests.factories import make_project, make_run

pytestmark = pytest.mark.django_db


def freeze_slice(piece: RunSlice) -> Callable[[], runs.Made]:
    return lambda: runs.Made(done=len(piece.payload))


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    work = {kind: do for kind, do in run_kinds.SLICE_WORK.items() if kind != Run.Kind.FREEZE}
    monkeypatch.setattr(run_kinds, "SLICE_WORK", work)


@pytest.mark.usefixtures("registry")
def test_an_app_above_says_how_its_kind_of_run_is_done() -> None:
    run_kinds.register(Run.Kind.FREEZE, freeze_slice)
    run_kinds.register(Run.Kind.FREEZE, freeze_slice)
    run = make_run(make_project(), kind=Run.Kind.FREEZE, request={"name": "algebra v1"}, total=2)
    RunSlice.objects.create(run=run, number=0, payload=[1, 2])
    runs.work_here(run, run_kinds.slice_work(run))
    assert (run.state, run.done, run.subject) == (Run.State.FINISHED, 2, "algebra v1")


@pytest.mark.usefixtures("registry")
def test_a_kind_that_is_taken_is_refused() -> None:
    with pytest.raises(ValueError, match="routing"):
        run_kinds.register(Run.Kind.ROUTING, freeze_slice)
