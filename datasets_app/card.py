"""The card of a version: a README.md with the Hugging Face hub's YAML header."""

from typing import Any

from datasets_app.marked import Json
from datasets_app.models import Snapshot


def written(snapshot: Snapshot, said: Json) -> str:
    """Return the card. `said` is the manifest."""
    dataset = snapshot.dataset
    lines = ["---", *_header(dataset.license, said), "---", "", f"# {dataset.title}", ""]
    if dataset.description:
        lines += [dataset.description, ""]
    return "\n".join(lines)


def _header(license_name: str, said: Json) -> list[str]:
    lines = [f"license: {license_name or 'other'}", "configs:"]
    for name, export in said["exports"].items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split in said["splits"]:
            lines += [f"  - split: {split}", f"    path: {name}/{split}-*{_suffix(export)}"]
    return lines


def _suffix(export: dict[str, Any]) -> str:
    return "." + str(export["container"])
