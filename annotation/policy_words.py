"""A policy in plain words, a sentence for each rule."""

from collections.abc import Callable, Mapping

from annotation.deciding import Way
from annotation.policy import (
    AFTER_REST,
    NO_LABELER,
    NO_SCORE,
    NOT_FIRST,
    Accept,
    Order,
    Policy,
    Review,
    Wrong,
)

Translate = Callable[[str], str]


def ways(_: Translate = str) -> dict[Way, str]:
    """Say where solutions go, as the words after their number, in the order to tell it in."""
    return {
        Way.ACCEPTED: _("accepted"),
        Way.PEOPLE: _("to people"),
        Way.REVIEWER: _("to a reviewer"),
        Way.DECIDED: _("decided"),
        Way.MODELS: _("waiting for models"),
        Way.NOBODY: _("to nobody"),
    }


def in_words(policy: Policy, _: Translate = str) -> list[str]:
    """Say each rule in the order in which they hold; `_` translates, as gettext does."""
    said = []
    if policy.first:
        names = ", ".join(policy.first)
        said.append(_("First, every solution is marked by: %(names)s.") % {"names": names})
    for accept in policy.accept:
        said += _accepted(accept, _)
    for people in policy.people:
        words = {"which": _conditions(_)[people.when], "n": people.how_many}
        said.append(_("%(which)s – people who mark each: %(n)s.") % words)
    if not policy.people or policy.people[-1].when != "rest":
        said.append(_("All that is left goes to nobody."))
    said += [_ordered(policy.order, _), *_reviewed(policy.review, _)]
    shown = 1 - policy.blind_share
    if policy.first and shown:
        marks = _("The models' marks are shown to people beside %(share)s of the assignments.")
        said.append(marks % {"share": f"{100 * shown:g}%"})
    elif policy.first:
        said.append(_("People never see the models' marks."))
    return said


def _accepted(rule: Accept, _: Translate) -> list[str]:
    agree = _(
        "Accepted without a person where all of these find the same first mistake, or none, "
        "each with at least this confidence: %(names)s."
    )
    said = [agree % {"names": _confidences(rule.labelers)}]
    if rule.audit_share:
        audit = _("Of these, %(share)s go to people nevertheless, as an audit.")
        said.append(audit % {"share": f"{100 * rule.audit_share:g}%"})
    return said


def why(error: str, _: Translate = str) -> str:
    """Say an error of BadPolicy as a page does; those of the schema stay as they are."""
    if not isinstance(error, Wrong):
        return error
    said = {
        NO_SCORE: _("Choose whose score tells what is uncertain."),
        AFTER_REST: _("“All others” comes last: nothing is left for the rules after it."),
        NOT_FIRST: _("“%(name)s” is not among those that mark first."),
        NO_LABELER: _("There is no model labeler named “%(name)s” any more."),
    }[error.said]
    return said % {"name": error.name}


def _conditions(_: Translate = str) -> Mapping[str, str]:
    return {
        "rest": _("All other solutions"),
        "wrong_answer": _("Solutions whose final answer is wrong"),
        "right_answer": _("Solutions whose final answer is right"),
        "disagreement": _("Solutions on whose first mistake the models disagree"),
        "no_finding": _("Solutions of which some model says nothing"),
    }


def cases(_: Translate = str) -> Mapping[str, str]:
    """Return the conditions of `People` as short as a choice has to be."""
    return {
        "rest": _("All others"),
        "wrong_answer": _("Wrong final answer"),
        "right_answer": _("Right final answer"),
        "disagreement": _("Models disagree"),
        "no_finding": _("Some model says nothing"),
    }


def orders(_: Translate = str) -> Mapping[str, str]:
    return {
        "oldest": _("Oldest first"),
        "uncertain": _("Most uncertain first"),
        "convincing": _("Most convincing wrong answers first"),
        "disagreement": _("What the models disagree on most first"),
        "random": _("In a random order"),
    }


def disagreements(_: Translate = str) -> Mapping[str, str]:
    return {
        "no_majority": _("where there is no majority"),
        "any": _("where any two people differ"),
    }


def _ordered(order: Order, _: Translate) -> str:
    said = {
        "uncertain": _("People get the most uncertain solutions first."),
        "convincing": _("People get the most convincing wrong answers first."),
        "disagreement": _("People get first what the models disagree on most."),
        "oldest": _("People get the oldest solutions first."),
        "random": _("People get solutions in a random order."),
    }[order.by]
    if order.score_of is None:
        return said
    return _("%(said)s The score is that of %(name)s.") % {"said": said, "name": order.score_of}


def _reviewed(review: Review, _: Translate) -> list[str]:
    said = {
        "any": _("A reviewer decides where any two people find different first mistakes."),
        "no_majority": _("A reviewer decides where no majority of people finds the same."),
    }[review.disagreement]
    if not review.contradicted:
        return [said]
    names = {"names": _confidences(review.contradicted)}
    contradicted = _(
        "A reviewer decides, too, where a person contradicts one of these that has at least "
        "this confidence: %(names)s."
    )
    return [said, contradicted % names]


def _confidences(labelers: Mapping[str, float]) -> str:
    return ", ".join(f"{name} ({100 * confidence:g}%)" for name, confidence in labelers.items())
