"""Whether the parts that the site stands on answer: database, broker, worker.

Without its database or broker the site cannot do its work: "down", status 503. Without a
worker its pages work and jobs wait: "degraded", status 200, so that no load balancer takes
the pages away too.
"""

import logging
import select
import time
from contextlib import closing
from typing import Any

import psycopg
from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.db import DatabaseError, connection
from kombu.connection import Connection
from kombu.exceptions import KombuError
from psycopg.pq import ExecStatus
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

WORKER_KEY = "worker_seen"
WORKER_SECONDS = 40
"""A worker's heart beats every 2 s; longer silence than this is no hiccup."""
DATABASE_SECONDS = 2
BROKER_SECONDS = 2
CACHE_ERRORS = (RedisError, DatabaseError, OSError)


def worker_seen(**_: Any) -> None:
    """Write down that a worker lives now.

    Connect it to Celery's `heartbeat_sent`, which a worker's main process sends also while
    every one of its children is busy.
    """
    cache.set(WORKER_KEY, time.time(), timeout=WORKER_SECONDS)


def health() -> dict[str, str]:
    """Return "ok" or what is wrong for each part, and `status`: "ok", "degraded" or "down"."""
    parts = {"database": database(), "broker": broker()}
    # What the workers leave a sign in is kept beside the broker, and waits as long as it takes.
    parts["worker"] = worker() if parts["broker"] == "ok" else "unknown"
    if "down" in {parts["database"], parts["broker"]}:
        status = "down"
    else:
        status = "ok" if parts["worker"] == "ok" else "degraded"
    return {"status": status, **parts}


def database() -> str:
    try:
        answers = ask_database()
    except psycopg.Error:
        logger.warning("the database does not answer", exc_info=True)
        return "down"
    return "ok" if answers else "down"


def ask_database() -> bool:
    """Whether a query is answered in time, on a connection of its own.

    A frozen server, or one behind a pooler, takes a query and says nothing. No limit that
    PostgreSQL knows ends that wait on a Unix socket, so it is ended here.
    """
    parameters = {**connection.get_connection_params(), "connect_timeout": DATABASE_SECONDS}
    with closing(psycopg.connect(**parameters)) as asked:
        asked.pgconn.send_query(b"SELECT 1")
        answer = select.poll()
        answer.register(asked.pgconn.socket, select.POLLIN)
        while asked.pgconn.is_busy():
            if not answer.poll(DATABASE_SECONDS * 1000):
                logger.warning("the database has not answered in %s s", DATABASE_SECONDS)
                return False
            asked.pgconn.consume_input()
        made = asked.pgconn.get_result()
        return made is not None and made.status == ExecStatus.TUPLES_OK


def broker() -> str:
    options = {
        **getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}),
        "socket_connect_timeout": BROKER_SECONDS,
        "socket_timeout": BROKER_SECONDS,
    }
    try:
        with Connection(  # type: ignore[no-untyped-call] # kombu has no types here
            settings.CELERY_BROKER_URL, connect_timeout=BROKER_SECONDS, transport_options=options
        ) as asked:
            asked.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    except (KombuError, RedisError, OSError):
        logger.warning("the broker does not answer", exc_info=True)
        return "down"
    return "ok"


def worker(kept_in: BaseCache = cache) -> str:
    try:
        seen = kept_in.get(WORKER_KEY)
    except CACHE_ERRORS:
        return "unknown"
    return "none seen" if seen is None else "ok"
