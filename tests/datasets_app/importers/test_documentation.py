import json
from pathlib import Path

import pytest

from datasets_app.importers import IMPORTERS, get_importer

FORMATS = Path(__file__).resolve().parents[3] / "docs" / "formats.md"


@pytest.mark.parametrize("name", sorted(IMPORTERS))
def test_the_documented_line_of_each_importer_is_one_that_it_reads(name: str) -> None:
    """A section `### …: `name`` begins with an example, indented by four spaces."""
    _, _, section = FORMATS.read_text().partition(f": `{name}`\n")
    line = next(line for line in section.splitlines() if line.startswith("    {"))
    importer = get_importer(name)()
    value = json.loads(line)
    assert importer.matches(value)
    assert importer.records(value)
