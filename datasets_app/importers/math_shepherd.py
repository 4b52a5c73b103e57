"""Math-Shepherd: steps labelled by rollouts. Format: the data set peiyi9979/Math-Shepherd.

Source: Wang et al. 2024, "Math-Shepherd" (arXiv 2312.08935).
"""

import re

from datasets_app import fields
from datasets_app.importers.along import along, found_error
from datasets_app.importers.base import Importer, Json
from datasets_app.records import (
    BadRecord,
    LabelerRecord,
    MarkedRecord,
    ProblemRecord,
    SolutionRecord,
)
from labelers.trace import Rating

TAG = "ки"
LABELER = LabelerRecord(name="math-shepherd")

Piece = tuple[str, Rating | None]
"""Text, and the label behind it."""

_RATINGS: dict[str, Rating] = {"+": 1, "-": -1}
_FIRST = re.compile(r"[Ss]tep 1:")
_BEGINS_A_SENTENCE = re.compile(r"(?:\A|[.?!:)$]\s*|\n\s*)\Z")
_NEXT = re.compile(r"\n\s*(?=[Ss]tep \d+:)")
_NUMBER = re.compile(r"\s*[Ss]tep (\d+):")


class MathShepherdImporter(Importer):
    """`input`, a question and its steps with a tag behind each; `label`, the same with labels.

    The labels are a model's, named math-shepherd: whether the answer was reached from there.
    """

    name = "math-shepherd"
    kind = MarkedRecord

    def matches(self, value: Json) -> bool:
        return "input" in value and "label" in value

    def records(self, value: Json) -> list[MarkedRecord]:
        question, pieces = _split(_pieces(value))
        steps, ratings = _steps(pieces)
        problem = ProblemRecord(
            text=question, source=fields.short_text(value, "task", fields.SOURCE_LENGTH).lower()
        )
        positions = along(steps, ratings)
        return [
            MarkedRecord(
                problem=problem,
                solution=SolutionRecord(
                    problem=problem,
                    text="\n".join(steps),
                    steps=tuple(steps),
                    metadata=fields.metadata(value, ("input", "label", "task")),
                ),
                labeler=LABELER,
                positions=positions,
                finish_reason="found_error" if found_error(positions) else None,
            )
        ]


def _pieces(value: Json) -> list[Piece]:
    """Return the text between labels; a tag that `label` has too is text like any other."""
    text, label = fields.text(value, "input"), fields.text(value, "label")
    pieces: list[Piece] = []
    piece, at = "", 0
    for number, part in enumerate(text.split(TAG)):
        if number:
            if label[at : at + 1] in _RATINGS:
                pieces.append((piece, _RATINGS[label[at]]))
                piece, at = "", at + 1
            else:
                piece += TAG
                at = _past(label, at, TAG)
        piece += part
        at = _past(label, at, part)
    if at != len(label):
        raise _differs(at)
    if not pieces:
        raise BadRecord("input", f"has no step with a tag ({TAG})")
    return [*pieces, (piece, None)]


def _past(label: str, at: int, text: str) -> int:
    if not label.startswith(text, at):
        raise _differs(at)
    return at + len(text)


def _differs(at: int) -> BadRecord:
    return BadRecord("label", f"does not go on as `input` does, behind its character {at}")


def _split(pieces: list[Piece]) -> tuple[str, list[Piece]]:
    """Return the question, without the labels that may stand in it, and what comes after."""
    starts = [place for place, (text, _) in enumerate(pieces) if _FIRST.search(text)]
    if not starts:
        raise BadRecord("input", "has no `Step 1:` where the solution begins")
    # A piece that is itself step 1 ends a question that had a label behind its own `Step 1:`.
    anew = [place for place in starts if _FIRST.match(pieces[place][0].lstrip())]
    place = max(anew, default=starts[0])
    text, rating = pieces[place]
    start = _first_step(text)
    question = "".join(text for text, _ in pieces[:place]) + text[:start]
    if not question.strip():
        raise BadRecord("input", "has no question before `Step 1:`")
    return question.strip(), [(text[start:], rating), *pieces[place + 1 :]]


def _first_step(text: str) -> int:
    """Return where the solution begins: at the last `Step 1:` that could begin a sentence."""
    starts = [found.start() for found in _FIRST.finditer(text)]
    likely = [start for start in starts if _BEGINS_A_SENTENCE.search(text[:start])]
    return (likely or starts)[-1]


def _steps(pieces: list[Piece]) -> tuple[list[str], list[Rating | None]]:
    """Return the steps without their numbers; one that has no tag is not rated."""
    steps: list[str] = []
    ratings: list[Rating | None] = []
    for piece, rating in pieces:
        if rating is None and not piece.strip():
            continue  # behind the last tag
        for text in _NEXT.split(piece.strip()):
            steps.append(_without_number(text, len(steps) + 1))
            if not steps[-1]:
                raise BadRecord("input", f"has nothing in step {len(steps)}")
            ratings.append(None)
        ratings[-1] = rating
    return steps, ratings


def _without_number(text: str, number: int) -> str:
    found = _NUMBER.match(text)
    return text[found.end() :].strip() if found and found[1] == str(number) else text.strip()
