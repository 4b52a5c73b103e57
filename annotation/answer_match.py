"""What a model labeler cost, and how often it agrees with the solutions' final answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from annotation.findings import NO_ERROR, Case, Finding
from annotation.models import Annotation, Assignment, Project
from labelers.models import Labeler


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a labeler said of graded solutions."""

    said: int = 0
    """How many it called right or wrong as a whole."""
    matched: int = 0
    """Of how many of these that is what their final answer is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a labeler's work on a project's solutions took."""

    solutions: int
    failed: int
    calls: int
    estimated_calls: int
    """Those of which the server did not count the tokens."""
    prompt_tokens: int
    completion_tokens: int
    work_ms: int
    money: Decimal | None
    """In the currency of its price; None without one."""


def says(finding: Finding) -> bool | None:
    """Return whether a finding calls the whole solution right, None where it does neither.

    One that rates steps does by its first error; one that only scores the solution by whether the
    score is over 1/2.
    """
    if finding.first_error is not None:
        return finding.first_error == NO_ERROR
    return None if finding.score is None else finding.score > 0.5


def match(cases: Iterable[Case], labeler: str) -> Match:
    """Compare what the labeler of that name said of `cases` with their final answers.

    A right answer may come from a wrong step: a verifier matches more often than it is right.
    """
    said = matched = 0
    for case in cases:
        finding = case.by(labeler)
        word = None if finding is None else says(finding)
        if word is not None and case.is_correct is not None:
            said += 1
            matched += word == case.is_correct
    return Match(said=said, matched=matched)


def spent(project: Project, labeler: Labeler) -> Spent:
    """Add up what `labeler` took on the solutions of `project`."""
    names = ("calls", "estimated_calls", "prompt_tokens", "completion_tokens", "work_ms", "money")
    done = Annotation.objects.filter(project=project, labeler=labeler)
    sums = done.aggregate(solutions=Count("pk"), **{name: Sum(f"cost__{name}") for name in names})
    failed = Q(state=Assignment.State.FAILED, labeler=labeler)
    return Spent(
        solutions=sums["solutions"],
        failed=project.assignments.filter(failed).count(),
        money=sums["money"],
        **{name: sums[name] or 0 for name in names[:-1]},
    )
