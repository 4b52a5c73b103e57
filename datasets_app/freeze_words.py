"""What the form of a version calls its choices, and how it says what is wrong with them."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Choices = tuple[tuple[str, str | Promise], ...]

MARKS: Choices = (
    ("people", gettext_lazy("people's, each by themselves")),
    ("people_over_models", gettext_lazy("people's; models' where no person marked")),
    ("verdicts", gettext_lazy("what is agreed (verdicts)")),
    ("models", gettext_lazy("models', each by itself")),
    ("all", gettext_lazy("everybody's, each by themselves")),
    ("labeler", gettext_lazy("those of one labeler")),
    ("outcomes", gettext_lazy("none: final answers alone")),
)
FINISH_REASONS: Choices = (
    ("found_error", gettext_lazy("found an error")),
    ("solution", gettext_lazy("solved")),
    ("none", gettext_lazy("no reason")),
    ("bad_problem", gettext_lazy("bad problem")),
    ("give_up", gettext_lazy("gave up")),
)
CORRECTNESS: Choices = (
    ("any", gettext_lazy("right, wrong or not graded")),
    ("right", gettext_lazy("right")),
    ("wrong", gettext_lazy("wrong")),
)
SPLIT_BY: Choices = (
    ("hash", gettext_lazy("by shares, always the same for one seed")),
    ("problem", gettext_lazy("as their source says")),
)
AS_USUAL = ("", gettext_lazy("as is usual for each format"))
NEUTRAL: Choices = (
    AS_USUAL,
    ("keep", gettext_lazy("stay neutral")),
    ("positive", gettext_lazy("count as right")),
    ("negative", gettext_lazy("count as wrong")),
    ("drop", gettext_lazy("are dropped")),
)
TRUNCATE: Choices = (
    AS_USUAL,
    ("yes", gettext_lazy("the solution ends")),
    ("no", gettext_lazy("the solution goes on")),
)
ALTERNATIVES: Choices = (
    AS_USUAL,
    ("keep", gettext_lazy("stay in their place")),
    ("none", gettext_lazy("are left out")),
    ("rows", gettext_lazy("become rows of their own")),
)
FIELDS = {"splits.shares": "share_0", "splits.seed": "seed", "splits.by": "split_by"}
"""Fields that are not called as their part of the rules is."""


def refusals() -> dict[str, str]:
    """Return, by part of the rules, what people read where `Rules` refuses it."""
    return {
        "labeler": _("Choose one where the marks of one labeler count, and only there."),
        "finish_reasons": _("Choose at least one."),
        "splits.shares": _("Names differ, and their shares add up to 100 %."),
        "held_out": _("This is not held out any more. Choose again."),
    }


def of_labelers() -> str:
    """Return what people read where a rule is none for verdicts and final answers."""
    return _("Verdicts and final answers are not the work of one labeler: leave this as usual.")
