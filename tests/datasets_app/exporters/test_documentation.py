import json
from pathlib import Path

import pytest

from datasets_app.exporters import EXPORTERS, get_exporter

FORMATS = Path(__file__).resolve().parents[3] / "docs" / "formats.md"
_, _, GOING_OUT = FORMATS.read_text().partition("\n## What goes out\n")
OWN_IMPORTER = {"prm800k"}
"""Whose lines are those of the importer of the same name."""


@pytest.mark.parametrize("name", sorted(set(EXPORTERS) - OWN_IMPORTER))
def test_the_documented_line_of_each_exporter_has_the_fields_it_writes(name: str) -> None:
    """A section `### …: `name`` under "What goes out" begins with an example line."""
    _, _, section = GOING_OUT.partition(f": `{name}`\n")
    line = next(line for line in section.splitlines() if line.startswith("    {"))
    assert list(json.loads(line)) == get_exporter(name)().schema().names


@pytest.mark.parametrize("name", sorted(EXPORTERS))
def test_the_options_of_each_exporter_are_documented(name: str) -> None:
    """A line `Neutral: **keep**, drop. Truncate: …. Alternatives: ….`, the default first."""
    _, _, section = GOING_OUT.partition(f": `{name}`\n")
    documented = next(line for line in section.splitlines() if line.startswith("Neutral: "))
    exporter, said = get_exporter(name), {True: "yes", False: "no"}
    defaults = exporter.defaults
    for option, default, choices in (
        ("Neutral", defaults.neutral, exporter.neutral_choices),
        ("Truncate", said[defaults.truncate], [said[one] for one in exporter.truncate_choices]),
        ("Alternatives", defaults.alternatives, exporter.alternatives_choices),
    ):
        _, _, listed = documented.partition(f"{option}: **{default}**")
        others = listed.partition(".")[0].split(", ")[1:]
        assert {default, *others} == set(choices), f"{option} of {name}: {documented}"
