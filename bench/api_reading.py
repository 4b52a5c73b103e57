"""Annotations with their marks over REST: the last page against the first, and a stream against one
SQL COPY of the same JSON.

Pages are asked of the view itself, so that neither server nor client hides what they cost; the
stream comes from gunicorn, as `make serve` runs it.
"""

import socket
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from django.db import connection
from django.urls import resolve
from rest_framework.test import APIRequestFactory, force_authenticate

from annotation import api_rows
from annotation.models import Annotation, Project
from bench import browse, memory
from bench.scratch import PROJECT, ChildRun, run_child, scratch_database, settle
from bench.served import served
from web.api_pages import encode
from web.models import ApiToken, User

LABELERS = 4
PAGE_LIMIT = 2.0
STREAM_LIMIT = 1 / 3
ROUNDS = 200
TURNS = 3
SIZE = 100
ADDRESS = f"/api/v1/projects/{PROJECT}/annotations/"

# As many labelers marked every solution: the oldest marks lie together, as a queue leaves them.
_MORE = """
WITH labeler AS (
    INSERT INTO labelers_labeler (uuid, kind, name, judge, config, created_at)
    SELECT gen_random_uuid(), 'model', 'judge ' || n, 'arithmetic', '{{}}', now()
    FROM generate_series(1, {labelers}) AS n RETURNING id
)
INSERT INTO annotation_annotation (project_id, labeler_id, solution_id, is_surplus,
    finish_reason, comment, bad_splits, is_practice, is_quality_control, is_screening, evidence,
    shape, submitted_at)
SELECT {project}, labeler.id, solution.id, false, 'solution', '', '{{}}', false, false, false,
    '{{}}', '{{}}', now()
FROM labeler CROSS JOIN annotation_solution AS solution ORDER BY labeler.id, solution.id;

INSERT INTO annotation_steplabel (annotation_id, step_id, rating, flagged, comment, shown_order)
SELECT annotation.id, step.id, 1, false, '', 0
FROM annotation_annotation AS annotation
JOIN annotation_step AS step ON step.solution_id = annotation.solution_id
WHERE NOT EXISTS (SELECT FROM annotation_steplabel WHERE annotation_id = annotation.id)
ORDER BY annotation.id, position;
"""


def measure(annotations: int) -> Iterator[dict[str, Any]]:
    """Yield the bars at `annotations` in one project, and memory against a tenth of them."""
    with scratch_database():
        fill(annotations // 10)
        tenth = stream_alone()
    with scratch_database():
        user = fill(annotations)
        yield _pages(user)
        yield _stream(user)
        yield memory.compare("a stream over REST", tenth=tenth, full=stream_alone())


def fill(annotations: int) -> User:
    """Fill the scratch database with at least `annotations`; return who may read them."""
    user, project = browse.fill(annotations // LABELERS)
    with connection.cursor() as cursor:
        cursor.execute(_MORE.format(project=project.pk, labelers=LABELERS))
    settle()
    return user


def stream_alone() -> ChildRun:
    """Stream all annotations in a process of its own."""
    return run_child("stream", Path(PROJECT))


def ask(user: User, address: str, **headers: str) -> Any:
    """Return what the API's own view answers to a GET."""
    request = APIRequestFactory().get(address, headers={"Host": "localhost", **headers})
    force_authenticate(request, user)
    found = resolve(address.partition("?")[0])
    response = found.func(request, *found.args, **found.kwargs)
    assert response.status_code == 200, response.status_code
    return response


def _pages(user: User) -> dict[str, Any]:
    last = list(Annotation.objects.order_by("-pk").values_list("pk", flat=True)[: SIZE + 1])[-1]
    pages = {
        "first": f"{ADDRESS}?limit={SIZE}",
        "last": f"{ADDRESS}?limit={SIZE}&cursor={encode('id', False, str(last))}",
    }
    seconds: dict[str, list[float]] = {name: [] for name in pages}
    for number in range(ROUNDS + 10):
        for name, address in pages.items():
            began = time.perf_counter()
            content = ask(user, address).content
            taken = time.perf_counter() - began
            assert len(orjson.loads(content)["results"]) == SIZE
            if number >= 10:  # the first ones open connections and plan queries
                seconds[name].append(taken)
    at_p99 = {
        name: 1000 * statistics.quantiles(taken, n=100)[98] for name, taken in seconds.items()
    }
    return {
        "name": f"REST, {SIZE} annotations with their steps: p99 of last page against first",
        "unit": "ms",
        "measured": round(at_p99["last"], 2),
        "reference": round(at_p99["first"], 2),
        "ratio": round(at_p99["last"] / at_p99["first"], 3),
        "limit": PAGE_LIMIT,
        "limit_kind": "at most",
    }


def _stream(user: User) -> dict[str, Any]:
    _, secret = ApiToken.objects.create(  # type: ignore[no-untyped-call] # knox has no types
        user, name="bench", scopes=["read"], every_project=True
    )
    over_rest, by_copy = [], []
    with served() as port:
        _received(port, str(secret))
        for _ in range(TURNS):
            over_rest.append(_rate(_received, port, str(secret)))
            by_copy.append(_rate(_copied))
    ratios = [ours / bare for ours, bare in zip(over_rest, by_copy, strict=True)]
    return {
        "name": "REST, all annotations as NDJSON, against one SQL COPY of the same JSON",
        "unit": "MB/s",
        "measured": round(statistics.median(over_rest), 1),
        "reference": round(statistics.median(by_copy), 1),
        "ratio": round(statistics.median(ratios), 3),
        "limit": round(STREAM_LIMIT, 3),
        "limit_kind": "at least",
    }


def _rate(work: Any, *arguments: Any) -> float:
    began = time.perf_counter()
    size = work(*arguments)
    return float(size / 1e6 / (time.perf_counter() - began))


def _received(port: int, secret: str) -> int:
    """Return the bytes of the whole stream, by a client that does nothing with them."""
    request = (
        f"GET {ADDRESS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {secret}\r\n"
        "Accept: application/x-ndjson\r\nConnection: close\r\n\r\n"
    )
    size = 0
    with socket.create_connection(("127.0.0.1", port)) as connected:
        connected.sendall(request.encode())
        head = b""
        while received := connected.recv(1 << 18):
            head = head or received[:12]
            size += len(received)
            end = received[-5:]
    assert head == b"HTTP/1.1 200", head
    assert end.endswith(b"0\r\n\r\n"), "it broke off"
    return size


def _copied() -> int:
    """Return the bytes of one COPY that writes the same objects, as plainly as SQL can."""
    rows = api_rows.ANNOTATIONS
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in rows.columns.items())
    statement = f"""
        COPY (
            SELECT row_to_json(fields) FROM annotation_annotation AS row {rows.joins}
            CROSS JOIN LATERAL (SELECT {columns}) AS fields
            WHERE row.project_id = {Project.objects.get(slug=PROJECT).pk} AND NOT EXISTS (
                SELECT FROM annotation_annotation AS newer WHERE newer.supersedes_id = row.id
            )
        ) TO STDOUT
    """
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return sum(len(line) for line in copy)
