"""What a version holds, in Croissant's JSON-LD, for catalogues and for `mlcroissant`.

Format: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html. Every file of rows is
there with its SHA-256; the files of a format are a set, and its rows are records of typed fields.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from datasets_app.exporting import schema_of
from datasets_app.hub import exporter_of, files_of, paths_of, rows_by_split
from datasets_app.marked import Json

if TYPE_CHECKING:
    import pyarrow as pa

_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty",
    "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_ENCODINGS = {
    "parquet": ["application/x-parquet"],
    "jsonl": ["application/jsonlines"],
    "jsonl.gz": ["application/jsonlines", "application/gzip"],
    "jsonl.zst": ["application/jsonlines", "application/zstd"],
}
_TYPES = {
    "bool": "sc:Boolean",
    "double": "cr:Float64",
    "int8": "cr:Int8",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
    "string": "sc:Text",
}
_TIMES = {"timestamp"}
"""Columns of text that are points in time."""


def croissant(
    *, name: str, title: str, description: str, license_name: str, version: int, said: Json
) -> Json:
    """Return the JSON-LD of a version. `said` is the manifest; no time is in it."""
    exports = [one for one in said["exports"] if rows_by_split(said, one)]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "alternateName": title,
        "description": description or title,
        "license": license_name or "other",
        "version": f"{version}.0.0",
        "citeAs": f"{title}, version {version}, content {said['content_hash']}",
        "keywords": sorted({"process supervision", *(_format(said, one) for one in exports)}),
        "distribution": [part for one in exports for part in _distribution(said, one)],
        "recordSet": [_records(said, one) for one in exports],
    }


def _format(said: Json, export: str) -> str:
    return str(said["exports"][export]["format"])


def _distribution(said: Json, export: str) -> Iterator[Json]:
    encoding = _ENCODINGS[said["exports"][export]["container"]]
    splits = rows_by_split(said, export)
    yield {
        "@type": "cr:FileSet",
        "@id": f"{export}-files",
        "name": f"{export}-files",
        "description": f"Rows in the form of {_format(said, export)}.",
        "encodingFormat": encoding,
        "includes": [path for split in splits for path in paths_of(said, export, split)],
    }
    for file in files_of(said, export):
        yield {
            "@type": "cr:FileObject",
            "@id": file["path"],
            "name": file["path"],
            "contentUrl": file["path"],
            "contentSize": f"{file['size']} B",
            "encodingFormat": encoding,
            "sha256": file["sha256"],
        }


def _records(said: Json, export: str) -> Json:
    facts = said["exports"][export]
    exporter = exporter_of(facts)
    is_typed = facts["container"] == "parquet"
    untyped = set() if is_typed else set(exporter.json_columns)
    fields: list[Json] = []
    deep: list[str] = sorted(untyped)
    schema = schema_of(exporter)
    for column in schema:
        if column.name not in untyped:
            fields += _field(export, column, deep)
    if "split" not in schema.names:
        fields.append(_split(export))
    counted = ", ".join(f"{split} {n:,}" for split, n in rows_by_split(said, export).items())
    said_of = f"Rows in the form of {facts['format']}: {counted}."
    if deep:
        said_of += f" Nested too deep to be a field here: {', '.join(deep)}."
    return {
        "@type": "cr:RecordSet",
        "@id": export,
        "name": export,
        "description": said_of,
        "field": fields,
    }


def _split(export: str) -> Json:
    return {
        "@type": "cr:Field",
        "@id": f"{export}/split",
        "name": "split",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": f"{export}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": r"^.*/([^/]+)-[0-9]+\.[^/]*$"},
        },
    }


def _field(export: str, column: "pa.Field", deep: list[str]) -> list[Json]:
    """Return the field of a column, or none; what is nested too deep is noted in `deep`."""
    import pyarrow as pa

    kind, is_list = _unlisted(column.type)
    source: Json = {
        "fileSet": {"@id": f"{export}-files"},
        "extract": {"column": column.name},
    }
    if not pa.types.is_struct(kind):
        return [_leaf(f"{export}/{column.name}", column.name, column.type, source)]
    inner = []
    for part in kind:
        path = f"{export}/{column.name}/{part.name}"
        part_kind, part_is_list = _unlisted(part.type)
        if pa.types.is_nested(part_kind) or (is_list and part_is_list):
            deep.append(f"{column.name}.{part.name}")
            continue
        inner.append(
            _leaf(path, part.name, part.type, {**source, "transform": {"jsonPath": part.name}})
        )
    field = {
        "@type": "cr:Field",
        "@id": f"{export}/{column.name}",
        "name": column.name,
        "subField": inner,
    }
    return [{**field, "repeated": True} if is_list else field]


def _leaf(path: str, name: str, kind: "pa.DataType", source: Json) -> Json:
    inner, is_list = _unlisted(kind)
    data_type = "sc:DateTime" if name in _TIMES else _TYPES[str(inner)]
    field = {"@type": "cr:Field", "@id": path, "name": name, "dataType": data_type}
    return {**field, **({"repeated": True} if is_list else {}), "source": source}


def _unlisted(kind: "pa.DataType") -> tuple["pa.DataType", bool]:
    import pyarrow as pa

    return (kind.value_type, True) if pa.types.is_list(kind) else (kind, False)
