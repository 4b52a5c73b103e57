"""Which Step each candidate of a record is: found among those a solution has, or new."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import DataError

from annotation.models import Step
from datasets_app.loading.solution_rows import StepRow
from datasets_app.records import PositionRecord

LAST_ALTERNATIVE = 32_767
"""Of a position: the highest number that Step.alternative holds."""
Place = tuple[int, str, str, int]
"""Position, writer, text, and the how-manieth with these."""


@dataclass(slots=True)
class SolutionSteps:
    """The steps of one solution, and the new ones that its annotations need."""

    solution_id: int
    own: dict[int, StepRow] = field(default_factory=dict)
    new: list[StepRow] = field(default_factory=list)
    _alternatives: dict[Place, StepRow] = field(default_factory=dict)
    _last_alternative: dict[int, int] = field(default_factory=dict)
    _counts: Counter[Place] = field(default_factory=Counter)

    def remember(self, row: StepRow) -> None:
        """Take in a row that the table has; they must come in the order of their alternatives."""
        if row.alternative == 0:
            self.own[row.position] = row
        else:
            self._keep(row)

    def write_own(self, texts: Iterable[tuple[str, str] | None]) -> None:
        """Give a new solution its own steps: (text, writer) by position, None where it has none.

        The solution's text is these, joined by a line break.
        """
        start = 0
        for position, step in enumerate(texts):
            if step is None:
                continue
            text, writer = step
            end = start + len(text)
            row = StepRow(None, self.solution_id, position, 0, text, writer, start, end)
            self.own[position] = row
            self.new.append(row)
            start = end + 1

    def place(
        self, position: int, record: PositionRecord, *, own: int | None
    ) -> tuple[list[StepRow], StepRow | None]:
        """Return the steps of the record's candidates, in order, and of its human step.

        Candidate `own` is the solution's own step where the texts are equal. The same text
        twice at one position is two steps. Raises DataError where they become too many.
        """
        seen: Counter[str] = Counter()
        steps = []
        mine = self.own.get(position)
        for index, candidate in enumerate(record.candidates or ()):
            if index == own and mine is not None and mine.text == candidate.text:
                steps.append(mine)
            else:
                nth = seen[candidate.text]
                seen[candidate.text] += 1
                steps.append(self._alternative(position, Step.Writer.MODEL, candidate.text, nth))
        if record.human is None:
            return steps, None
        if mine is not None and (mine.writer, mine.text) == (Step.Writer.HUMAN, record.human.text):
            return steps, mine
        return steps, self._alternative(position, Step.Writer.HUMAN, record.human.text, 0)

    def _alternative(self, position: int, writer: str, text: str, nth: int) -> StepRow:
        row = self._alternatives.get((position, writer, text, nth))
        if row is None:
            number = self._last_alternative.get(position, 0) + 1
            if number > LAST_ALTERNATIVE:
                raise DataError(
                    f"position {position} of its solution has more than {LAST_ALTERNATIVE:,} "
                    "candidates"
                )
            row = StepRow(None, self.solution_id, position, number, text, writer)
            self._keep(row)
            self.new.append(row)
        return row

    def _keep(self, row: StepRow) -> None:
        kind = (row.position, row.writer, row.text, 0)
        self._alternatives[(*kind[:3], self._counts[kind])] = row
        self._counts[kind] += 1
        last = self._last_alternative.get(row.position, 0)
        self._last_alternative[row.position] = max(last, row.alternative)
