"""The importer family: one JSON object in, the records that it holds out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from datasets_app.records import Record

Json = Mapping[str, Any]


class Importer(ABC):
    """Reads one format of JSON lines, a line or a group of lines at a time.

    Constructed without arguments; remembers no line.
    """

    name: ClassVar[str]
    kind: ClassVar[type[Record]]
    """The kind of record that it makes."""

    @abstractmethod
    def matches(self, value: Json) -> bool:
        """Tell by its keys whether an object seems to be of this format."""

    @abstractmethod
    def records(self, value: Json) -> Sequence[Record]:
        """Return the records that one object holds; raises BadRecord naming the field."""

    def together(self, value: Json) -> str | None:
        """Return what lines have in common that follow each other and make one record.

        None is a line for itself.
        """
        return None

    def records_of(self, values: Sequence[Json]) -> Sequence[Record]:
        """Return the records of lines that are `together`; BadRecord names the line's place too."""
        (value,) = values
        return self.records(value)
