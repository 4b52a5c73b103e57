"""A file of a version over HTTP: whole, in ranges, or not again (RFC 9110, sections 13 and 14)."""

import re

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header, parse_etags

from datasets_app import stored
from datasets_app.models import Snapshot, SnapshotFile

_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z")
TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "gz": "application/gzip",
    "zst": "application/zstd",
    "jsonl": "application/x-ndjson",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
}
LONGEST_NUMBER = 18
"""Digits of a place in a file; no file is that large."""


class OutOfRange(ValueError):
    """A range that begins behind the end of its file."""


def found_file(snapshot: Snapshot, path: str) -> SnapshotFile:
    """Return the file of a version that `path` names; raises Http404."""
    if "\0" in path:  # which PostgreSQL has no text for
        raise Http404
    files = SnapshotFile.objects.select_related("snapshot__dataset")
    return get_object_or_404(files, snapshot=snapshot, path=path)


def answer(request: HttpRequest, file: SnapshotFile) -> HttpResponseBase:
    """Answer a GET or HEAD for a file. Its tag is its SHA-256: it never changes."""
    etag = f'"{file.sha256}"'
    if _has_it(request, etag):
        return _marked(HttpResponse(status=304), file, etag)
    try:
        wanted = _wanted(request, file.size, etag)
    except OutOfRange:
        refused = _marked(HttpResponse(status=416), file, etag)
        refused["Content-Range"] = f"bytes */{file.size}"
        return refused
    start, end = wanted or (0, file.size)
    status = 206 if wanted else 200
    made: HttpResponseBase
    if request.method == "HEAD":
        made = HttpResponse(status=status)
    else:
        try:
            part = stored.read_range(file.stored_as, start, end - start)
        except FileNotFoundError:
            if not file.was_replaced():
                raise
            return answer(request, file)
        made = StreamingHttpResponse(part, status=status)
    _marked(made, file, etag)
    made["Content-Length"] = str(end - start)
    if wanted:
        made["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    return made


def _marked(response: HttpResponseBase, file: SnapshotFile, etag: str) -> HttpResponseBase:
    dataset = file.snapshot.dataset
    name = f"{dataset.slug}-v{file.snapshot.version}-{file.path.replace('/', '-')}"
    response["Content-Type"] = TYPES.get(file.path.rpartition(".")[2], "application/octet-stream")
    response["Content-Disposition"] = str(content_disposition_header(True, name))
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    # Nothing is to compress it on its way: length, ranges and tag are those of its own bytes.
    response["Content-Encoding"] = "identity"
    return response


def _has_it(request: HttpRequest, etag: str) -> bool:
    """Whether the client says that it has the file; weak tags compare as strong ones here."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in {one.removeprefix("W/") for one in known}


def _wanted(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """Return first byte and end of what is asked for; None for all of it.

    What is no single range is no error but a wish that is not met. Raises OutOfRange.
    """
    found = _RANGE.match(request.headers.get("Range", "").strip())
    if found is None or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = found.groups()
    if max(len(first), len(last)) > LONGEST_NUMBER or not (first or last):
        return None
    if not first:
        if not int(last) or not size:
            raise OutOfRange
        return max(0, size - int(last)), size
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise OutOfRange
    return start, end
