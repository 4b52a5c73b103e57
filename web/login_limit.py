"""How often a log-in may fail, counted in the shared cache over all processes of the site.

An attempt is counted before the password is looked at, so that many at once are not more than
many in a row, and is taken back when it succeeds. Names are counted as they are typed, whether
there is such an account or not.
"""

import hashlib
import math
import time
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

MOST_BY_NAME = 10
"""Failures of one name from one address."""
MOST_BY_ADDRESS = 50
"""Failures from one address, whatever the names."""
WINDOW_SECONDS = 15 * 60
"""From the first failure that is counted; also how long a lock lasts."""
# Homes and offices get as many IPv6 addresses as they like, all with one beginning.
IPV6_PREFIX = 64


class Locked(Exception):
    """Too many failures; `until` is the time, in seconds since 1970, when the lock opens."""

    def __init__(self, until: int) -> None:
        super().__init__(f"locked until {until}")
        self.until = until

    @property
    def seconds(self) -> int:
        return max(1, math.ceil(self.until - time.time()))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One log-in that was let through to the password check."""

    by_name: str
    by_address: str
    reached: tuple[str, ...]
    """Those of the two counters that have no room for another failure."""

    def succeeded(self) -> None:
        """Forget the failures of this name, and this attempt of the address."""
        cache.delete_many([self.by_name, lock_key(self.by_name)])
        _count(self.by_address, -1)

    def failed(self) -> None:
        """Lock what this failure was the last one of."""
        for key in self.reached:
            _lock(key)


def begin(*, name: str, address: str) -> Attempt:
    """Count an attempt to log in as `name` from `address`.

    Raises Locked where too many failed before: such an attempt must not reach the password.
    """
    by_name, by_address = _key("name", _plain(name), address), _key("address", address)
    limits = {by_name: MOST_BY_NAME, by_address: MOST_BY_ADDRESS}
    locks = cache.get_many(lock_key(key) for key in limits)
    if locks:
        raise Locked(max(locks.values()))
    counts = {key: _count(key) for key in limits}
    for key, most in limits.items():
        if counts[key] > most:
            raise Locked(_lock(key))
    reached = tuple(key for key, most in limits.items() if counts[key] == most)
    return Attempt(by_name=by_name, by_address=by_address, reached=reached)


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from: an address, or the network of an IPv6 one.

    Behind a proxy it is what the proxy put last: what stands before, a client may have made up.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.STEPMARK_BEHIND_PROXY:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
        address = forwarded.rpartition(",")[2].strip() or address
    try:
        parsed = ip_address(address)
    except ValueError:  # a Unix socket has none
        return "unknown"
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ip_network((parsed.packed, IPV6_PREFIX), strict=False))
    return str(parsed)


def lock_key(key: str) -> str:
    return f"{key}:lock"


def _count(key: str, by: int = 1) -> int:
    """Add to a counter that begins anew when its window has passed; return what it is now."""
    cache.add(key, 0, timeout=WINDOW_SECONDS)
    try:
        count = cache.incr(key, by)
    except ValueError:  # its window passed just now
        return _count(key, by)
    if count <= 1:
        # A window that passed in the middle of `incr` would leave a counter without end.
        cache.touch(key, WINDOW_SECONDS)
    return count


def _lock(key: str) -> int:
    """Lock what `key` counts; return the end of the lock."""
    until = int(time.time()) + WINDOW_SECONDS
    if not cache.add(lock_key(key), until, timeout=WINDOW_SECONDS):
        until = int(cache.get(lock_key(key), until))
    return until


def _key(kind: str, *parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return f"login:{kind}:{digest}"


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().lower()
