"""The rules of a version in plain words, a sentence for each that is not as usual."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from datasets_app.rules import BAD_PROBLEM, WITHOUT_ANNOTATIONS, Rules

Translate = Callable[[str], str]


def in_words(rules: Rules, _: Translate = str) -> list[str]:
    """Say what is in, how it is split, and what is left out; `_` translates, as gettext does."""
    said = [_marks(_)[rules.marks] % {"labeler": rules.labeler}]
    if rules.marks in WITHOUT_ANNOTATIONS:
        said.append(_reported(rules, _))
    else:
        said += _of_annotations(rules, _)
    said += [*_flagged(rules, _), *_of_solutions(rules, _), *_of_problems(rules, _)]
    said += [*_split(rules, _), *_exported(rules, _)]
    return said


def _marks(_: Translate) -> Mapping[str, str]:
    return {
        "people": _("Each person's marks count by themselves."),
        "models": _("Each model's marks count by themselves."),
        "all": _("Everybody's marks count, each labeler's by themselves."),
        "people_over_models": _(
            "People's marks count; those of models only on solutions that no person marked."
        ),
        "verdicts": _("What is agreed on each step counts."),
        "labeler": _("Only the marks of %(labeler)s count."),
        "outcomes": _("No marks count: every graded solution is in with its final answer alone."),
    }


def _of_annotations(rules: Rules, _: Translate) -> Iterator[str]:
    words = {
        "found_error": _("found an error"),
        "solution": _("solved"),
        "bad_problem": _("bad problem"),
        "give_up": _("gave up"),
        "none": _("no reason"),
    }
    reasons = _listed([words[reason] for reason in rules.finish_reasons])
    yield _("Work that ended with one of these is in: %(reasons)s.") % {"reasons": reasons}
    if rules.without_labelers:
        names = _listed(rules.without_labelers)
        yield _("Left out is the work of: %(names)s.") % {"names": names}
    if rules.minimum_quality is not None:
        share = _percent(rules.minimum_quality)
        yield _(
            "Labelers are left out who find the first mistake that others agreed on in fewer than"
            " %(share)s of solutions, at the lower end of the 95%% interval."
        ) % {"share": share}
    if rules.minimum_agreement is not None:
        share = _percent(rules.minimum_agreement)
        yield _(
            "Only marks whose first mistake at least %(share)s of a solution's labelers share, of"
            " two or more."
        ) % {"share": share}
    if rules.surplus:
        yield _("Late work that no slot was left for is in.")


def _reported(rules: Rules, _: Translate) -> str:
    if BAD_PROBLEM in rules.finish_reasons:
        return _("Problems that people reported as bad are in.")
    return _(
        "Problems that people reported as bad are left out, except where a reviewer marked the"
        " solution."
    )


def _flagged(rules: Rules, _: Translate) -> Iterator[str]:
    yield (
        _("Quality-control solutions are in.")
        if rules.quality_control
        else _("Quality-control solutions are left out.")
    )
    yield (
        _("Screening solutions are in.")
        if rules.screening
        else _("Screening solutions are left out.")
    )


def _of_solutions(rules: Rules, _: Translate) -> Iterator[str]:
    if rules.generations is not None:
        rounds = [_("none") if one is None else str(one) for one in rules.generations]
        yield _("Only these generations: %(rounds)s.") % {"rounds": _listed(rounds)}
    if rules.correctness == "right":
        yield _("Only solutions whose final answer is right.")
    elif rules.correctness == "wrong":
        yield _("Only solutions whose final answer is wrong.")
    if rules.max_per_problem is not None:
        yield _("At most %(n)s solutions of a problem.") % {"n": rules.max_per_problem}


def _of_problems(rules: Rules, _: Translate) -> Iterator[str]:
    for name, wanted in (
        (_("Only problems of these sources: %(names)s."), rules.sources),
        (_("Only problems of these subjects: %(names)s."), rules.subjects),
        (_("Only problems of these levels: %(names)s."), rules.levels),
    ):
        if wanted:
            yield name % {"names": _listed(wanted)}
    if rules.held_out:
        names = _listed(rules.held_out)
        yield _(
            "Problems are left out that are held out by %(names)s, or share 13 words with one."
        ) % {"names": names}
    else:
        yield _("No problems are held out.")


def _split(rules: Rules, _: Translate) -> Iterator[str]:
    if rules.splits.by == "problem":
        yield _("Every problem is in the split that its source gives it, “train” where none.")
        return
    shares = [f"{name} {_percent(share)}" for name, share in sorted(rules.splits.shares.items())]
    words = {"shares": _listed(shares), "seed": rules.splits.seed}
    yield _("Problems are split by a hash with seed %(seed)s: %(shares)s.") % words


def _exported(rules: Rules, _: Translate) -> Iterator[str]:
    neutral = {
        "keep": _("Neutral marks stay neutral."),
        "positive": _("Neutral marks count as right."),
        "negative": _("Neutral marks count as wrong."),
        "drop": _("Neutral marks are dropped."),
    }
    alternatives = {
        "keep": _("Alternatives stay in their place."),
        "none": _("Alternatives are left out."),
        "rows": _("Alternatives become rows of their own."),
    }
    if rules.neutral is not None:
        yield neutral[rules.neutral]
    if rules.truncate is not None:
        yield (
            _("Solutions end with their first mistake.")
            if rules.truncate
            else _("Solutions go on after a mistake.")
        )
    if rules.alternatives is not None:
        yield alternatives[rules.alternatives]


def _percent(share: float) -> str:
    return f"{100 * share:g}%"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
