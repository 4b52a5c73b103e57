"""What the policy page says beside its widgets: of each labeler what it cost, of each rule what it
would take."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from django import forms

from annotation.answer_match import Spent, spent
from annotation.deciding import Way
from annotation.models import Project
from annotation.overview import in_time
from annotation.policy_editor import PolicyEditor
from annotation.route import Preview
from annotation.run_control import may_be_paid_by
from labelers.models import Labeler
from labelers.price import Price, price_of
from web.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model labeler that can mark first."""

    name: str
    is_chosen: bool
    labeler: Labeler | None = None
    """None where there is none of that name any more."""
    is_open: bool = True
    """Whether who looks at the page may choose it."""
    price: Price | None = None
    spent: Spent | None = None
    """None where that takes too long to add up."""

    @property
    def money_per_1k(self) -> float | None:
        """Of its price's currency, what 1,000 solutions have cost so far."""
        if self.spent is None or self.spent.money is None or not self.spent.solutions:
            return None
        return 1000 * float(self.spent.money) / self.spent.solutions


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule of a list, as its place in it allows."""

    form: forms.Form
    place: int
    is_last: bool
    n: int | None
    """Solutions that it takes with the marks of today; None where they were not counted."""
    n_audited: int = 0


def candidates(editor: PolicyEditor, user: User) -> list[Candidate]:
    """Return those that can mark first, with what they took in this project."""
    named = {labeler.name: labeler for labeler in Labeler.objects.machines().current()}
    sums = in_time(partial(_spent, editor.project, named.values())) or {}
    found = []
    for name in editor.names:
        labeler, is_chosen = named.get(name), name in editor.rest.marking
        if labeler is None:
            found.append(Candidate(name=name, is_chosen=is_chosen))
            continue
        found.append(
            Candidate(
                name=name,
                is_chosen=is_chosen,
                labeler=labeler,
                is_open=name in editor.saved.first or may_be_paid_by(user, labeler),
                price=price_of(labeler.config),
                spent=sums.get(name),
            )
        )
    return found


def _spent(project: Project, labelers: Iterable[Labeler]) -> dict[str, Spent]:
    return {labeler.name: spent(project, labeler) for labeler in labelers}


def accept_rows(editor: PolicyEditor, found: Preview | None) -> list[Row]:
    last = len(editor.accept.forms) - 1
    return [
        Row(
            form=form,
            place=place,
            is_last=place == last,
            n=None if found is None else found.counts.get((Way.ACCEPTED, f"accept {place + 1}"), 0),
            n_audited=_by_rule(found, f"audit of accept {place + 1}"),
        )
        for place, form in enumerate(editor.accept)
    ]


def people_rows(editor: PolicyEditor, found: Preview | None) -> list[Row]:
    last = len(editor.people.forms) - 1
    return [
        Row(
            form=form,
            place=place,
            is_last=place == last,
            n=None if found is None else _by_rule(found, f"people {place + 1}: "),
        )
        for place, form in enumerate(editor.people)
    ]


def _by_rule(found: Preview | None, beginning: str) -> int:
    counts = {} if found is None else found.counts
    return sum(n for (_, rule), n in counts.items() if rule.startswith(beginning))
