"""The candidates for the next step of a solution that a labeler is building.

They come from what was written before, as far as it goes: the next steps of the problem's other
solutions that begin with the same steps. Where these are too few and the project says how, a
worker draws the rest while the labeler marks those that are there.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import drafts, run_kinds, run_plans
from annotation.candidate_drawing import NOTHING_NEW, drawing_of
from annotation.candidate_lists import (
    KEY,
    CandidateList,
    Found,
    add,
    forget_other_paths,
    keep,
    list_after,
)
from annotation.drafts import Choice, Draft
from annotation.explore import check_choice, final_answer, path
from annotation.finished import Unfinished
from annotation.models import Lease, Run, RunSlice, Solution, Step
from labelers.answers import extract
from labelers.engines import get_engine

log = logging.getLogger(__name__)

SLOW = timedelta(minutes=1)
"""After this a labeler who waits is told that it takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What a labeler chooses from at one position."""

    position: int
    steps: tuple[Step, ...] = ()
    """In the order in which they are shown."""
    final_answer: str | None = None
    """Stated by the last step of the path: the solution has ended, nothing is left to choose."""
    is_waiting: bool = False
    """More are being drawn."""
    is_short: bool = False
    """There are fewer than the project wants: `ask_again` may find more."""
    error: str = ""
    """Why there are no more, for the labeler."""


def candidates_at(lease: Lease, draft: Draft) -> Candidates:
    """Return the candidates where `draft`, as it is kept on `lease`, stands; find or ask for them.

    Looking twice finds the same ones in the same order; new ones come after them. A lease that
    has ended finds nothing new. Raises Unfinished for a path that cannot be followed.
    """
    if lease.is_open and not draft.choices and lease.draft_version == 0:
        _begin_afresh(lease)
    solution, texts = _stand(lease, draft)
    answer = final_answer(texts)
    if answer is not None:
        return Candidates(position=len(texts), final_answer=answer)
    error = ""
    listed = list_after(solution, texts)
    if lease.is_open and (listed is None or _is_due(lease, listed)):
        listed, error = _look(lease, texts)
    return _shown(lease, listed or CandidateList(position=len(texts)), error)


def ask_again(lease: Lease, position: int) -> bool:
    """Look for more candidates at `position`, once more; False if the labeler is elsewhere."""
    if not lease.is_open:
        return False
    _solution, texts = _stand(lease, Draft.from_json(lease.draft))
    if len(texts) != position or final_answer(texts) is not None:
        return False
    _look(lease, texts, again=True)
    return True


@transaction.atomic
def go_on(lease: Lease, draft: Draft, choice: Choice, *, based_on: int, key: UUID) -> Lease:
    """Finish the position where `draft` stands with `choice`, and save it; see `drafts.save`.

    Raises Unfinished for what `explore.check_choice` does not allow, and saves nothing then.
    """
    choice = _checked(lease, draft, choice)
    saved = drafts.save(
        lease, replace(draft, choices=(*draft.choices, choice)), based_on=based_on, key=key
    )
    # The lease is locked now: no candidate can come that the labeler has not seen.
    _checked(lease, draft, choice)
    return saved


def _checked(lease: Lease, draft: Draft, choice: Choice) -> Choice:
    solution, texts = _stand(lease, draft)
    if final_answer(texts) is not None:
        raise Unfinished(f"choices.{len(texts)}", _("The solution has ended."))
    listed = list_after(solution, texts)
    candidates = _steps(listed) if listed else ()
    return check_choice(solution, len(texts), candidates, draft.marks, choice)


def _begin_afresh(lease: Lease) -> None:
    """Remove what an earlier holder was shown after the first position."""
    with transaction.atomic():
        lists = Solution.objects.get(pk=lease.solution_id).metadata.get(KEY, {})
        if any(value["position"] for value in lists.values()):
            forget_other_paths(lease)


def _stand(lease: Lease, draft: Draft) -> tuple[Solution, list[str]]:
    """Return the solution as it is now, and the texts of the path so far."""
    solution = Solution.objects.get(pk=lease.solution_id)
    return solution, path(solution, list(solution.steps.all()), draft)


def _is_due(lease: Lease, listed: CandidateList) -> bool:
    """Whether candidates are to be drawn that were last asked for by an earlier holder, if ever."""
    return _is_short(lease, listed) and bool(lease.project.drawing) and listed.lease != lease.pk


def _is_short(lease: Lease, listed: CandidateList) -> bool:
    return len(listed.steps) < lease.project.candidates


@transaction.atomic
def _look(
    lease: Lease, texts: Sequence[str], *, again: bool = False
) -> tuple[CandidateList | None, str]:
    """Fill the list after `texts` and have the rest drawn; return it, and why that cannot be."""
    solution = Solution.objects.select_for_update().get(pk=lease.solution_id)
    if again or list_after(solution, texts) is None:
        add(solution, texts, written_before(solution, texts), at_most=lease.project.candidates)
    listed = list_after(solution, texts) or CandidateList(position=len(texts))
    error = ""
    if _is_due(lease, listed) or (again and _is_short(lease, listed) and lease.project.drawing):
        try:
            _ask(lease, solution, texts, listed)
        except ValueError as wrong:
            # It may hold an address or a path: no labeler is told.
            log.warning("project %s cannot draw candidates: %s", lease.project.slug, wrong)
            error = _(
                "The engine that this project draws with is not set up rightly. Tell a manager."
            )
    return list_after(solution, texts), error


def written_before(solution: Solution, texts: Sequence[str]) -> list[Found]:
    """Return the steps that models wrote after steps of these texts, for the same problem.

    Of a solution that ends there it is the line with its answer. Steps that other labelers wrote
    are left out: they would tell what those thought of the rest.
    """
    others = Solution.objects.filter(problem=solution.problem_id).exclude(pk=solution.pk)
    here = Step.objects.filter(position=len(texts), writer=Step.Writer.MODEL)
    same = _that_begin_with(others.exclude(built=True, metadata__has_key=KEY), texts)
    found = list(here.filter(solution__in=same.values("pk")).values_list("text", flat=True))
    found += _answer_lines(same, len(texts)) if texts else []
    for other in others.filter(built=True, metadata__has_key=KEY):
        listed = list_after(other, texts)
        if listed:
            found += here.filter(pk__in=listed.steps).values_list("text", flat=True)
    return [Found(text) for text in dict.fromkeys(found)]


def _that_begin_with(solutions: QuerySet[Solution], texts: Sequence[str]) -> QuerySet[Solution]:
    """Return those of `solutions` whose own first steps have these texts."""
    if not texts:
        return solutions
    on_path = Q()
    for position, text in enumerate(texts):
        on_path |= Q(position=position, text=text)
    steps = Step.objects.filter(on_path, alternative=0, solution__in=solutions.values("pk"))
    n_same = steps.values("solution").annotate(n_same=Count("pk"))
    return solutions.filter(pk__in=n_same.filter(n_same=len(texts)).values("solution"))


def _answer_lines(solutions: QuerySet[Solution], n_steps: int) -> list[str]:
    """Return what follows the last step of those that have `n_steps`, where it is an answer."""
    own = Step.objects.filter(solution__in=solutions.values("pk"), alternative=0)
    longer = own.filter(position=n_steps).values("solution")
    last = own.filter(position=n_steps - 1, end__isnull=False).exclude(solution__in=longer)
    rests = (step.solution.text[step.end :].strip() for step in last.select_related("solution"))
    return [rest for rest in rests if rest and extract(rest) is not None]


def _ask(lease: Lease, solution: Solution, texts: Sequence[str], listed: CandidateList) -> None:
    """Have a worker draw what the list lacks. The caller has locked the solution."""
    wanted = drawing_of(lease.project.drawing)
    run = run_plans.open_run(
        project=lease.project,
        kind=Run.Kind.CANDIDATES,
        identity={},
        request=wanted.as_json(),
    )
    run.queue = "local" if get_engine(wanted.engine).needs_own_worker else "stepmark"
    run.save(update_fields=["queue"])
    if listed.lease == lease.pk and _is_unfinished(run, listed):
        run.settle()  # it goes on where it was stopped
    else:
        times_asked = listed.times_asked + 1
        run_plans.add_slices(run, [[[lease.pk, list(texts), times_asked]]])
        piece = run.slices.latest("number").pk
        asked = replace(listed, lease=lease.pk, piece=piece, times_asked=times_asked)
        keep(solution, texts, replace(asked, asked_at=timezone.now().isoformat()))
    transaction.on_commit(_ring)


def _ring() -> None:
    run_kinds.ring()


def _is_unfinished(run: Run, listed: CandidateList) -> bool:
    piece = listed.piece
    return piece is not None and run.slices.unfinished().filter(pk=piece).exists()


def _shown(lease: Lease, listed: CandidateList, error: str) -> Candidates:
    is_waiting = False
    if not error and listed.piece is not None and listed.lease == lease.pk:
        is_waiting, error = _drawing(listed.piece, listed.asked_at)
    is_short = _is_short(lease, listed)
    return Candidates(
        position=listed.position,
        steps=_steps(listed),
        is_waiting=is_waiting,
        is_short=is_short,
        error=error if is_short else "",
    )


def _drawing(piece_id: int, asked_at: str) -> tuple[bool, str]:
    """Return whether a list is being added to, and what the labeler should know of that."""
    piece = RunSlice.objects.select_related("run").filter(pk=piece_id).first()
    if piece is None:
        return False, ""
    if piece.state == RunSlice.State.FINISHED:
        return False, _why_none(piece.failures[0]["reason"]) if piece.failures else ""
    if not piece.run.is_unfinished:
        cancelled = _("The drawing was cancelled.")
        return False, _why_none(piece.run.error) if piece.run.error else cancelled
    if timezone.now() - datetime.fromisoformat(asked_at) > SLOW:
        return True, _("The engine takes long.")
    return True, ""


def _why_none(reason: str) -> str:
    """Return what a labeler is told of a failure: a server's own words are for managers."""
    if reason == NOTHING_NEW:
        return _("Nothing more was found.")
    return _("The engine failed. A manager can see why on the project’s page, under Runs.")


def _steps(listed: CandidateList) -> tuple[Step, ...]:
    known = Step.objects.in_bulk(listed.steps)
    return tuple(known[step] for step in listed.steps if step in known)
