"""How many of a problem's solutions come to the same answer; says nothing of the steps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from labelers import answers
from labelers.judges.base import Judge
from labelers.trace import Judgement, Trace

MAX_NAMED_ANSWERS = 20

Counts = tuple[tuple[str, int], ...]
"""Answers and how many solutions gave each, the most frequent first, then by text."""


class ConsistencyJudge(Judge):
    """Score: the share of the problem's answers that are equal to the solution's own answer.

    Solutions that state no answer do not count. None where this one states none, or where no
    other solution states one. Votes as in self-consistency (arXiv 2203.11171, section 2).
    """

    name: ClassVar[str] = "consistency"

    def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
        return [self._judge_one(trace) for trace in traces]

    def _judge_one(self, trace: Trace) -> Judgement:
        own = trace.final_answer
        if own is None or not own.strip() or not trace.answer_counts:
            return Judgement()
        classes = answer_classes(_with_own(trace.answer_counts, own))
        sizes = [sum(count for _, count in members) for members in classes]
        same = next(
            size
            for size, members in zip(sizes, classes, strict=True)
            if any(answer == own for answer, _ in members)
        )
        named = [(members[0][0], size) for size, members in zip(sizes, classes, strict=True)]
        named.sort(key=lambda answer: -answer[1])
        evidence = {
            "grader": answers.GRADER,
            "final_answer": own,
            "same_answer": same,
            "answers": sum(sizes),
            "different_answers": len(classes),
            "most_frequent": [
                {"answer": answer, "count": size} for answer, size in named[:MAX_NAMED_ANSWERS]
            ],
        }
        return Judgement(score=same / sum(sizes), evidence=evidence)


@lru_cache(maxsize=512)
def answer_classes(counts: Counts) -> tuple[Counts, ...]:
    """Return the classes of equal answers; kept, because a problem's solutions share them.

    Equality of answers is not transitive (10% equals 10 and 0.1), so each answer, the most
    frequent first, founds a class or joins the first one whose founder it equals. Each round of
    comparisons makes one class.
    """
    classes = []
    left = counts
    while left:
        founder, *others = left
        joins = _equal_to(founder[0], [answer for answer, _ in others])
        joined = [entry for entry, is_equal in zip(others, joins, strict=True) if is_equal]
        left = tuple(entry for entry, is_equal in zip(others, joins, strict=True) if not is_equal)
        classes.append((founder, *joined))
    return tuple(classes)


def _with_own(others: Mapping[str, int], own: str) -> Counts:
    counts = Counter(others)
    counts[own] += 1
    return tuple(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _equal_to(founder: str, given: Sequence[str]) -> list[bool]:
    """Compare in both directions: as a reference, 1<x<2 is equal to (1,2), but not the reverse."""
    forward = answers.grade([(answer, founder) for answer in given])
    backward = answers.grade([(founder, answer) for answer in given])
    return [True in directions for directions in zip(forward, backward, strict=True)]
