"""How often somebody may ask, counted in the shared cache over all processes of the site.

Each account has so many requests a minute of each scope: to read, to write, to label. A minute is
one of the clock, and one command to the cache counts a request. Where the cache does not answer,
nobody is turned away: whoever labels goes on.
"""

import functools
import logging
from time import time as now

from django.conf import settings
from django.core.cache import cache
from redis import ConnectionPool, Redis
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ScopeThrottle(BaseThrottle):
    """Counts by account and by the view's `throttle_scope`, else by whether it reads or writes.

    A rate of 0 in `STEPMARK_RATES` is no limit.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        scope = getattr(view, "throttle_scope", None)
        scope = scope or ("read" if request.method in READING else "write")
        most = settings.STEPMARK_RATES[scope]
        if not most:
            return True
        window = int(now()) // WINDOW_SECONDS
        try:
            return _count(f"rate:{scope}:{request.user.pk}:{window}") <= most
        except RedisError:
            log.exception("a request was let through: the cache that counts does not answer")
            return True

    def wait(self) -> float:
        """Return the seconds until the next minute begins, for `Retry-After`."""
        return WINDOW_SECONDS - now() % WINDOW_SECONDS


def _count(key: str) -> int:
    """Add to a counter that is forgotten after its window, in one round trip; return it."""
    name = cache.make_key(key)
    with Redis(connection_pool=_pool()).pipeline(transaction=False) as pipe:
        pipe.incr(name)
        pipe.expire(name, 2 * WINDOW_SECONDS)
        count, _ = pipe.execute()
    return int(count)


@functools.cache
def _pool() -> ConnectionPool:
    """Return connections to the cache's server itself: through Django it would be asked twice.

    Two threads may each make one at first. No client owns it: one that does closes its connections
    when it goes, though its pipeline still reads from one.
    """
    return ConnectionPool.from_url(settings.CACHES["default"]["LOCATION"])
