"""The judge family: a batch of traces in, as many judgements out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from labelers.trace import Judgement, Trace


class Judge(ABC):
    """Marks solutions. Constructed with the keyword arguments of its labeler's configuration."""

    name: ClassVar[str]
    needs_reference_answer: ClassVar[bool] = False

    @abstractmethod
    def judge(self, traces: Sequence[Trace]) -> list[Judgement]:
        """Judge each trace; the answer has the length and order of `traces`."""
