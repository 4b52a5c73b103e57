"""The YAML header of a card: what the Hugging Face hub and `datasets` read of a version.

Its fields: https://huggingface.co/docs/hub/datasets-cards and
https://huggingface.co/docs/datasets/repository_structure. The types of all columns stand in it, so
that what a file happens to hold (no row, nulls alone, whole numbers alone) changes nothing.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml

from datasets_app.exporters import get_exporter
from datasets_app.exporters.base import Exporter, ExportOptions
from datasets_app.exporting import schema_of
from datasets_app.marked import Json

if TYPE_CHECKING:
    import pyarrow as pa

_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
)
_TASKS = {
    "sft": "text-generation",
    "star": "text-generation",
    "step-dpo": "reinforcement-learning",
    "trl-preference": "reinforcement-learning",
    "trl-unpaired": "reinforcement-learning",
    "orm": "text-classification",
    "rlhflow-orm": "text-classification",
}
_STEPS = "token-classification"
"""A label for each step: what trainers of process rewards do."""


def header(title: str, license_name: str, said: Json) -> str:
    """Return the header, its two lines of dashes included. `said` is the manifest."""
    exports = {name: rows for name in said["exports"] if (rows := rows_by_split(said, name))}
    solutions = sum(split["solutions"] for split in said["splits"].values())
    formats = sorted({said["exports"][name]["format"] for name in exports})
    fields: Json = {
        "license": license_name or "other",
        "pretty_name": title,
        "size_categories": [_size(solutions)],
        "tags": ["stepmark", "process-supervision", *formats],
    }
    if formats:
        fields["task_categories"] = sorted({_TASKS.get(name, _STEPS) for name in formats})
        fields["configs"] = [_config(said, name, rows) for name, rows in exports.items()]
        fields["dataset_info"] = [_types(said, name) for name in exports]
        if len(exports) == 1:
            fields["configs"][0]["default"] = True
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n"


def rows_by_split(said: Json, export: str) -> dict[str, int]:
    """Return the rows of an export by split, of those splits that have any."""
    rows: dict[str, int] = {}
    for file in files_of(said, export):
        if file["rows"]:
            rows[file["split"]] = rows.get(file["split"], 0) + file["rows"]
    return rows


def files_of(said: Json, export: str) -> Iterator[Mapping[str, Any]]:
    """Yield what the manifest says of the files of an export's rows, in order."""
    for file in said["files"]:
        if file["kind"] == "rows" and file["path"].startswith(f"{export}/"):
            yield file


def paths_of(said: Json, export: str, split: str) -> list[str]:
    """Return a pattern, or the files that have rows: readers may refuse, or warn of, empty ones."""
    files = [file for file in files_of(said, export) if file["split"] == split]
    if all(file["rows"] for file in files):
        return [f"{export}/{split}-*.{said['exports'][export]['container']}"]
    return [file["path"] for file in files if file["rows"]]


def exporter_of(export: Mapping[str, Any]) -> Exporter:
    """Return the exporter of what the manifest says of an export."""
    return get_exporter(export["format"])(ExportOptions(**export["options"]))


def _size(count: int) -> str:
    return next((name for limit, name in _SIZES if count < limit), "n>100M")


def _config(said: Json, name: str, rows: Mapping[str, int]) -> Json:
    found = {split: paths_of(said, name, split) for split in rows}
    files = [
        {"split": split, "path": paths[0] if len(paths) == 1 else paths}
        for split, paths in found.items()
    ]
    return {"config_name": name, "data_files": files}


def _types(said: Json, name: str) -> Json:
    export = said["exports"][name]
    exporter = exporter_of(export)
    features = [_feature(field.name, field.type) for field in schema_of(exporter)]
    if export["container"] != "parquet":
        features = _as_json_lines(features, exporter, said)
    return {"config_name": name, "features": features}


def _as_json_lines(features: list[Json], exporter: Exporter, said: Json) -> list[Json]:
    """Return the types with those of any JSON where there is what no typed column can hold.

    Only there: `datasets` rounds the numbers in such columns to ten digits.
    """
    names = set(exporter.json_columns)
    if exporter.keeps_spelling:
        names |= {key for split in said["splits"].values() for key in split["other_keys"]}
    typed = [one for one in features if one["name"] not in names]
    return typed + [{"name": name, "dtype": "json"} for name in sorted(names)]


def _feature(name: str, kind: "pa.DataType") -> Json:
    """Return a column's type as `datasets.Features` spells it in YAML."""
    return {"name": name, **_kind(kind)}


def _kind(kind: "pa.DataType") -> Json:
    import pyarrow as pa

    if pa.types.is_list(kind):
        inner = _kind(kind.value_type)
        return {"list": inner["dtype"] if "dtype" in inner else inner.get("struct", inner)}
    if pa.types.is_struct(kind):
        return {"struct": [_feature(field.name, field.type) for field in kind]}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}
