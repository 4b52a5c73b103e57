"""What people and models marked, into a file of a training format."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO
from uuid import UUID

import orjson
from django.db.models import Q

from annotation.models import Annotation, Project
from annotation.models.marks import AnnotationQuerySet
from datasets_app.exporters.base import Exporter
from datasets_app.reading import ReadAnnotation
from labelers.models import Labeler

REPORT_EVERY = 500
Labelers = str
"""`people` (and what was imported), `models`, `all`, or one labeler's name or UUID."""


class UnknownLabeler(ValueError):
    """No labeler, or more than one, has this name."""


@dataclass(slots=True, kw_only=True)
class Exported:
    """What came of an export."""

    annotations: int = 0
    rows: int = 0
    left_out: int = 0
    """Annotations that made no row."""


def annotations_of(
    project: Project, labelers: Labelers, *, surplus: bool = False
) -> AnnotationQuerySet:
    """Return the annotations in force in a project by `labelers`; raises UnknownLabeler.

    Late work that no slot was left for is among them only where `surplus` asks for it.
    """
    in_force = Annotation.objects.in_force().filter(project=project)
    if not surplus:
        in_force = in_force.in_slots()
    match labelers:
        case "all":
            return in_force
        case "people":
            by_people = Q(labeler__kind=Labeler.Kind.PERSON)
            return in_force.filter(by_people | ~Q(import_key=None))
        case "models":
            return in_force.filter(labeler__kind=Labeler.Kind.MODEL)
        case _:
            return in_force.filter(labeler=_one_labeler(project, labelers))


def _one_labeler(project: Project, name: str) -> Labeler:
    try:
        wanted = Q(uuid=UUID(name))
    except ValueError:
        wanted = Q(name=name)
    found = list(Labeler.objects.filter(wanted, annotations__project=project).distinct()[:2])
    if not found:
        raise UnknownLabeler(f"no labeler {name!r} has marked anything in {project.slug}")
    if len(found) > 1:
        raise UnknownLabeler(f"several labelers are named {name!r}: give the UUID of one")
    return found[0]


def write_rows(
    annotations: Iterable[ReadAnnotation],
    exporter: Exporter,
    file: IO[bytes],
    *,
    progress: Callable[[int], None] | None = None,
) -> Exported:
    """Write the exporter's rows of `annotations` to `file` as JSON lines, in order.

    `progress` is told, now and then, how many annotations are done.
    """
    exported = Exported()
    for annotation in annotations:
        before = exported.rows
        for row in exporter.rows(*annotation):
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            exported.rows += 1
        exported.annotations += 1
        exported.left_out += exported.rows == before
        if progress and exported.annotations % REPORT_EVERY == 0:
            progress(exported.annotations)
    if progress:
        progress(exported.annotations)
    return exported
