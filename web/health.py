"""Whether the parts that the site stands on answer: database, broker, worker.

Without its database or broker the site cannot do its work: "down", status 503. Without a
worker its pages work and jobs wait: "degraded", status 200, so that no load balancer takes
the pages away too.
"""

import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.db import DatabaseError, connection
from kombu.connection import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

WORKER_KEY = "worker_seen"
WORKER_SECONDS = 40
"""A worker's heart beats every 2 s; longer silence than this is no hiccup."""
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
    parts = {"database": database(), "broker": broker(), "worker": worker()}
    if "down" in {parts["database"], parts["broker"]}:
        status = "down"
    else:
        status = "ok" if parts["worker"] == "ok" else "degraded"
    return {"status": status, **parts}


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.warning("the database does not answer", exc_info=True)
        return "down"
    return "ok"


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
