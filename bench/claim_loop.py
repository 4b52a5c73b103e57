"""One of the processes that claim side by side (`claim_rate`): it says how long its claims took."""

import sys
import time
from collections.abc import Callable, Sequence

from django.db import connection

from annotation import leases
from annotation.models import Project
from bench.filled_queue import submit
from bench.scratch import PROJECT
from labelers.models import Labeler

WARM_UP = 50
NAME = "claiming"

_BARE = """
UPDATE annotation_assignment SET state = 'leased'
WHERE id = (
    SELECT id FROM annotation_assignment
    WHERE project_id = %s AND NOT is_named AND state = 'open' AND reopened IS NULL
    ORDER BY priority * -1.0, id
    FOR UPDATE SKIP LOCKED LIMIT 1
)
RETURNING id
"""


def work(how: str, number: int, claims: int) -> None:
    """Claim `claims` slots, each for another labeler, whenever told to; print the seconds.

    They are ended when told once more, so that no other process measures that.
    """
    labelers = list(Labeler.objects.filter(name__startswith=NAME).order_by("pk"))
    project = Project.objects.get(slug=PROJECT)
    mine = labelers[number * claims : (number + 1) * claims]
    claim, end = HOW[how]
    end([claim(labeler, project) for labeler in mine[:WARM_UP]])
    print("ready", flush=True)
    while sys.stdin.readline():
        began = time.perf_counter()
        claimed = [claim(labeler, project) for labeler in mine]
        print(time.perf_counter() - began, flush=True)
        sys.stdin.readline()
        end(claimed)
        print("ended", flush=True)


def _claim(labeler: Labeler, project: Project) -> int:
    lease = leases.claim_next(labeler=labeler, project=project)
    assert lease is not None
    return lease.pk


def _bare(_: Labeler, project: Project) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_BARE, [project.pk])
        (slot,) = cursor.fetchone()
    return int(slot)


def _end_bare(slots: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotation_assignment SET state = 'submitted' WHERE id = ANY(%s)", [list(slots)]
        )


HOW: dict[str, tuple[Callable[[Labeler, Project], int], Callable[[Sequence[int]], None]]] = {
    "claim": (_claim, submit),
    "bare": (_bare, _end_bare),
}
