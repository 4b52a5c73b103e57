"""What a project's webhooks are told of, said in the transaction of what happened.

A use case calls this itself; nothing is written where no webhook of the project listens.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from annotation.models import Annotation, Project, Run
from web import outbox

ANNOTATION_SUBMITTED = "annotation.submitted"
RUN_FINISHED = "run.finished"
SNAPSHOT_READY = "snapshot.ready"

EVENTS = {
    ANNOTATION_SUBMITTED: _("Work was handed in"),
    RUN_FINISHED: _("A run has ended: finished, failed or cancelled"),
    SNAPSHOT_READY: _("A dataset’s snapshot is ready"),
}
"""Every event by its name, in words."""

UNTOLD = frozenset({Run.Kind.CANDIDATES})
"""Runs that only serve the labelling page for a moment."""


def channel_of(project: Project) -> str:
    return f"project:{project.pk}"


def publish(project: Project, event: str, payloads: Iterable[Mapping[str, Any]]) -> None:
    """Tell the project's webhooks of `event`, once for each of `payloads`. Needs a transaction.

    What is sent is each payload beside the event's name, its id, its time and the project.
    """
    if event not in EVENTS:
        raise ValueError(f"no event is named {event!r}; known: {', '.join(EVENTS)}")
    if event in project.announces:
        outbox.publish(
            channel_of(project), event, [{"project": project.slug, **sent} for sent in payloads]
        )


def annotations_submitted(project: Project, annotations: Iterable[Annotation]) -> None:
    if ANNOTATION_SUBMITTED in project.announces:
        publish(project, ANNOTATION_SUBMITTED, [_annotation(made) for made in annotations])


def run_ended(run: Run) -> None:
    """Tell that a Run has come to its end, if it has, as its row says now. Needs a transaction."""
    if run.kind in UNTOLD or RUN_FINISHED not in run.project.announces:
        return
    run.refresh_from_db()
    if not run.has_ended:
        return
    told = {
        "id": run.pk,
        "kind": run.kind,
        "subject": run.subject,
        "state": run.state,
        "total": run.total,
        "done": run.done,
        "failed": run.failed,
    }
    publish(run.project, RUN_FINISHED, [{"run": told}])


def _annotation(made: Annotation) -> dict[str, Any]:
    return {
        "annotation": {
            "id": made.pk,
            "solution": made.solution_id,
            "labeler": str(made.labeler.uuid),
            "finish_reason": made.finish_reason,
            "surplus": made.is_surplus,
            "supersedes": made.supersedes_id,
        }
    }
