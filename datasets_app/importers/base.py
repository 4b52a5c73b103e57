"""The importer family: one JSON object in, the records that it holds out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from datasets_app.records import Record

Json = Mapping[str, Any]


class Importer(ABC):
    """Reads one format of JSON lines. Constructed without arguments; remembers no line."""

    name: ClassVar[str]
    kind: ClassVar[type[Record]]
    """The kind of record that it makes."""

    @abstractmethod
    def matches(self, value: Json) -> bool:
        """Tell by its keys whether an object seems to be of this format."""

    @abstractmethod
    def records(self, value: Json) -> Sequence[Record]:
        """Return the records that one object holds; raises BadRecord naming the field."""
