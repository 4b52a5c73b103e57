"""Conventions that a review would otherwise have to remember."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from annotation.steps import SPLITTERS
from datasets_app.exporters import EXPORTERS
from datasets_app.importers import IMPORTERS
from labelers.engines import ENGINES
from labelers.judges import JUDGES
from labelers.prompts import PROMPTS

ROOT = Path(__file__).resolve().parents[1]
FAMILIES: dict[str, tuple[Mapping[str, type], str, str]] = {
    "engines": (ENGINES, "labelers/engines", "docs/engines.md"),
    "judges": (JUDGES, "labelers/judges", "docs/judges.md"),
    "importers": (IMPORTERS, "datasets_app/importers", "docs/formats.md"),
    "exporters": (EXPORTERS, "datasets_app/exporters", "docs/formats.md"),
}
PLUG_INS = [
    (family, name, folder, page)
    for family, (registry, folder, page) in FAMILIES.items()
    for name in registry
]


@pytest.mark.parametrize(("family", "name", "folder", "page"), PLUG_INS)
def test_every_plug_in_has_a_file_a_docs_section_and_a_test_file(
    family: str, name: str, folder: str, page: str
) -> None:
    module = name.replace("-", "_")
    assert (ROOT / folder / f"{module}.py").is_file()
    assert list((ROOT / "tests" / folder).glob(f"test_{module}*.py")), "no test file"
    headings = re.findall(r"^#+ .*$", (ROOT / page).read_text(), flags=re.MULTILINE)
    assert any(f"`{name}`" in heading for heading in headings), f"no section in {page}"


@pytest.mark.parametrize(("family", "registry"), [(f, r) for f, (r, _, _) in FAMILIES.items()])
def test_plug_ins_are_registered_under_their_own_names(
    family: str, registry: Mapping[str, type]
) -> None:
    assert registry
    for name, plug_in in registry.items():
        assert getattr(plug_in, "name") == name  # noqa: B009 - the families share no base


def test_every_prompt_and_splitter_is_documented() -> None:
    engines = (ROOT / "docs/engines.md").read_text()
    steps = (ROOT / "docs/steps.md").read_text()
    assert [name for name in PROMPTS if f"`{name}`" not in engines] == []
    assert [name for name in SPLITTERS if f"`{name}`" not in steps] == []


def test_every_command_is_documented() -> None:
    docs = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    docs += (ROOT / "README.md").read_text()
    commands = [
        path.stem
        for path in ROOT.glob("*/management/commands/*.py")
        if path.stem != "__init__" and ".venv" not in path.parts
    ]
    assert commands
    assert [name for name in commands if f"`manage.py {name}" not in docs] == []


def test_every_setting_from_the_environment_is_documented() -> None:
    settings = (ROOT / "config/settings.py").read_text()
    running = (ROOT / "docs/running.md").read_text()
    names = set(re.findall(r'"((?:STEPMARK_)[A-Z_]+|SECRET_KEY|[A-Z]+_URL)"', settings))
    assert names
    assert {name for name in names if f"`{name}`" not in running} == set()


def test_no_key_or_password_is_in_the_settings() -> None:
    settings = (ROOT / "config/settings.py").read_text()
    assert not re.search(r"SECRET_KEY\s*=\s*[\"']", settings)
