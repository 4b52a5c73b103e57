"""Records into PostgreSQL, by COPY."""

from collections.abc import Iterable

from datasets_app.importers import Imported
from datasets_app.lines import BadLine
from datasets_app.loading.annotations import AnnotationLoader
from datasets_app.loading.batches import Loaded, Report, load
from datasets_app.loading.problems import ProblemLoader
from datasets_app.records import AnnotationRecord, ProblemRecord


def load_problems(
    *,
    project_slug: str,
    entries: Iterable[Imported[ProblemRecord] | BadLine],
    strict: bool = False,
    report: Report,
) -> Loaded:
    """Add the problems that the project lacks; see `batches.load` for the rest."""
    return load(
        ProblemLoader(), project_slug=project_slug, entries=entries, strict=strict, report=report
    )


def load_annotations(
    *,
    project_slug: str,
    entries: Iterable[Imported[AnnotationRecord] | BadLine],
    strict: bool = False,
    report: Report,
) -> Loaded:
    """Add the annotations that the project lacks; see `batches.load` for the rest."""
    return load(
        AnnotationLoader(), project_slug=project_slug, entries=entries, strict=strict, report=report
    )
