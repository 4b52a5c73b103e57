"""The runs of a version: how the formats that they write stand, and having them go on."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from annotation import run_control
from annotation.models import Run
from annotation.run_pace import NotNow
from datasets_app.models import Export, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """A format of a frozen version whose files are not all there, and the run that writes them."""

    export: Export
    run: Run | None

    @property
    def is_going_on(self) -> bool:
        return self.run is not None and self.run.is_unfinished

    @property
    def why(self) -> str:
        return reason_of(self.run)


def runs_of(snapshot: Snapshot) -> QuerySet[Run]:
    """Return the runs that freeze a version and put it into formats, the oldest first."""
    project = snapshot.dataset.project_id
    of_it = Run.objects.filter(project=project, request__snapshot=str(snapshot.uuid))
    # Comparisons and counts of tokens are of no format.
    exports = Q(kind=Run.Kind.EXPORT) & ~Q(request__exports=[])
    return of_it.filter(Q(kind=Run.Kind.FREEZE) | exports).order_by("pk")


def comparing_run(before: Snapshot, after: Snapshot) -> Run | None:
    """Return the newest run in which the workers compare two versions."""
    project = after.dataset.project_id
    asked = {"snapshot": str(after.uuid), "compared_with": before.version}
    runs = Run.objects.filter(project=project, kind=Run.Kind.EXPORT, request__contains=asked)
    return runs.order_by("-pk").first()


def unwritten(snapshot: Snapshot) -> list[Unwritten]:
    """Return the formats of a frozen version that are not whole, by name."""
    exports = list(snapshot.exports.filter(is_whole=False).order_by("name"))
    by_export = {}
    if exports:
        by_export = {pk: run for run in runs_of(snapshot) for pk in run.request["exports"]}
    return [Unwritten(export=one, run=by_export.get(one.pk)) for one in exports]


def reason_of(run: Run | None) -> str:
    """Return why a run did not do all of it, as far as it says so."""
    if run is None:
        return ""
    return run.error or "; ".join(run.errors)


@transaction.atomic
def go_on(snapshot: Snapshot) -> None:
    """Have the runs of a version that were stopped go on, and try again what failed in them.

    Raises NotNow where none was, or where the project is archived.
    """
    held = [run for run in runs_of(snapshot) if not (run.is_unfinished or run.is_whole)]
    if not held:
        raise NotNow(_("This version has no run that was stopped."))
    for run in held:
        if run.slices.unfinished().exists():
            run_control.resume(run)
        if run.failed:
            run_control.retry_failed(run)
