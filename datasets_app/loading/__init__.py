"""Records into PostgreSQL, by COPY."""

from collections.abc import Iterable

from annotation.steps import SPLITTERS
from datasets_app.importers import Imported
from datasets_app.lines import BadLine
from datasets_app.loading.annotations import AnnotationLoader
from datasets_app.loading.batches import Loaded, Report, load
from datasets_app.loading.marks import MarkLoader
from datasets_app.loading.problems import ProblemLoader
from datasets_app.loading.solutions import SolutionLoader
from datasets_app.records import AnnotationRecord, MarkedRecord, ProblemRecord, SolutionRecord
from web.registry import lookup

__all__ = ["Loaded", "load_annotations", "load_marks", "load_problems", "load_solutions"]


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


def load_solutions(
    *,
    project_slug: str,
    entries: Iterable[Imported[SolutionRecord] | BadLine],
    splitter: str = "newline",
    strict: bool = False,
    report: Report,
) -> Loaded:
    """Add the solutions that the project lacks, split and graded; see `batches.load`.

    Raises UnknownName for a splitter that does not exist.
    """
    lookup("splitter", SPLITTERS, splitter)
    return load(
        SolutionLoader(splitter),
        project_slug=project_slug,
        entries=entries,
        strict=strict,
        report=report,
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


def load_marks(
    *,
    project_slug: str,
    entries: Iterable[Imported[MarkedRecord] | BadLine],
    strict: bool = False,
    report: Report,
) -> Loaded:
    """Add the marked solutions that the project lacks; see `batches.load` for the rest."""
    return load(
        MarkLoader(), project_slug=project_slug, entries=entries, strict=strict, report=report
    )
