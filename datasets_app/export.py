"""What people and models marked, into a file of a training format."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import IO
from uuid import UUID

import orjson
from django.db.models import Q

from annotation.models import Annotation, Project
from annotation.models.marks import AnnotationQuerySet
from datasets_app.exporters.base import Exporter
from datasets_app.marked import MarkedSolution
from labelers.models import IMPORTED, Labeler

REPORT_EVERY = 500
Labelers = str
"""`people` (and imported PRM800K records), `models`, `all`, or one labeler's name or UUID."""


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
            of_model = Q(labeler__kind=Labeler.Kind.MODEL, labeler__judge=IMPORTED)
            return in_force.filter(by_people | (~Q(import_key=None) & ~of_model))
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
    solutions: Iterable[MarkedSolution],
    exporter: Exporter,
    file: IO[bytes],
    *,
    progress: Callable[[int], None] | None = None,
) -> Exported:
    """Write the exporter's rows of `solutions` to `file` as JSON lines, in order.

    Solutions of one problem that follow each other are given to the exporter together. `progress`
    is told, now and then, how many annotations are done.
    """
    exported, told = Exported(), 0
    for _, group in groupby(solutions, key=attrgetter("problem_id")):
        of_problem = list(group)
        used: set[int] = set()
        for row in exporter.rows(of_problem):
            file.write(orjson.dumps(row.value, option=orjson.OPT_APPEND_NEWLINE))
            used.update(id(one) for one in (row.solution, *row.also))
            exported.rows += 1
        exported.annotations += len(of_problem)
        exported.left_out += len(of_problem) - len(used)
        if progress and exported.annotations >= told + REPORT_EVERY:
            told = exported.annotations
            progress(told)
    if progress:
        progress(exported.annotations)
    return exported
