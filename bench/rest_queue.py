"""The queue over REST, next and submit in turns by eight clients, against a bare pair of views.

Both are served by the same gunicorn, with the site's own settings, middleware and tokens.
"""

import os
import statistics
from collections.abc import Iterator
from functools import partial
from operator import truediv
from typing import Any

from django.db import connection

from annotation.models import Membership, Project
from bench.filled_queue import fill, settle_queue
from bench.rest_clients import STEPS, Rounds, bare_round, go_round, round_of_the_queue
from bench.scratch import PROJECT
from bench.served import served
from labelers.registration import labeler_of
from web.models import ApiToken, User

CLIENTS = 8
LIMIT = 0.5
TURNS = 7


def measure(solutions: int, *, rounds: int) -> Iterator[dict[str, Any]]:
    """Yield the bar of `rounds` a turn on `solutions`, and how much of the time clients took."""
    project = fill(solutions, steps=STEPS, overlap=1)
    tokens = [_token(number, project) for number in range(CLIENTS)]
    settle_queue()
    ours, bare = [], []
    with served() as port:
        for once in (round_of_the_queue, bare_round):
            go_round(port, tokens, partial(once, slug=PROJECT), 10 * CLIENTS)
        for _ in range(TURNS):
            ours.append(_turn(port, tokens, round_of_the_queue, rounds))
            bare.append(_turn(port, tokens, bare_round, rounds))
    check_once(ours)
    rates = [[turn.a_second for turn in turns] for turns in (ours, bare)]
    measured, reference = map(statistics.median, rates)
    yield {
        "name": f"next and submit over REST, {CLIENTS} clients, against a bare pair of views",
        "unit": "rounds/s",
        "measured": round(measured, 1),
        "reference": round(reference, 1),
        "ratio": round(statistics.median(map(truediv, *rates)), 3),
        "limit": LIMIT,
        "limit_kind": "at least",
    }
    yield _share(bare)


def check_once(turns: list[Rounds]) -> None:
    """Raise AssertionError where a slot was handed out twice, or work is not kept once."""
    slots = [slot for turn in turns for slot in turn.slots]
    assert len(slots) == len(set(slots)), "a slot was handed out twice"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT solution_id) FROM annotation_annotation"
            " WHERE assignment_id = ANY(%s)",
            [slots],
        )
        assert cursor.fetchone() == (len(slots), len(slots)), "work was lost or doubled"


def _token(number: int, project: Project) -> str:
    user = User.objects.create(username=f"client {number}")
    Membership.objects.create(user=user, project=project, role=Membership.Role.LABELER)
    labeler_of(user)
    _, secret = ApiToken.objects.create(  # type: ignore[no-untyped-call] # knox has no types
        user, name="bench", scopes=["label"], every_project=True
    )
    return str(secret)


def _turn(port: int, tokens: list[str], once: Any, rounds: int) -> Rounds:
    return go_round(port, tokens, partial(once, slug=PROJECT), rounds)


def _share(turns: list[Rounds]) -> dict[str, Any]:
    """Say how much of all processor time the clients took at most: what they add to both rates."""
    cores = os.cpu_count() or 1
    taken = sum(turn.client_seconds for turn in turns)
    whole = cores * sum(turn.seconds for turn in turns)
    return {
        "name": "processor time of the clients of the bare pair, of all there was",
        "unit": "s",
        "measured": round(taken, 2),
        "reference": round(whole, 2),
        "ratio": round(taken / whole, 3),
        "limit": None,
        "limit_kind": "at most",
    }
