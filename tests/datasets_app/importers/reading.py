"""What the importers' tests ask of each importer."""

from typing import Any

import pytest

from datasets_app.importers import get_importer
from datasets_app.records import BadRecord, Record


def records(importer: str, value: dict[str, Any]) -> list[Record]:
    return list(get_importer(importer)().records(value))


def complaint(importer: str, value: dict[str, Any]) -> str:
    """What the importer says against a bad object."""
    with pytest.raises(BadRecord) as error:
        records(importer, value)
    return str(error.value)
