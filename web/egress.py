"""Requests that leave the site for an address somebody typed: never to where only we can reach.

A name is looked up once, every address that it stands for is checked, and the connection goes to
one of those very addresses: a name that changes its mind in between (DNS rebinding) gains nothing.
TLS still asks for the name's certificate. Redirects are not followed, proxies of the environment
are not used, and the whole exchange has one deadline.

What is refused: everything but the public internet (private, loopback, link-local with the clouds'
metadata, shared CGNAT, multicast, reserved), also where IPv6 carries such an IPv4 address, and
addresses inside a cloud that look public. `STEPMARK_EGRESS_ALLOW` lists networks that are local on
purpose.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from threading import Thread
from typing import Any

import httpcore
import httpx
from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Sequence[str]]

LONGEST_URL = 2000
LARGEST_PORT = 65_535
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
SCHEMES = {"http": 80, "https": 443}

_NAT64 = ip_network("64:ff9b::/96")
_REFUSED = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocols; one of it is a cloud's metadata
        "168.63.129.16/32",  # Azure's own services: public by its number only
        "192.88.99.0/24",  # relays of 6to4
        "2001::/32",  # Teredo, which carries an IPv4 address
        "2002::/16",  # 6to4, which carries one too
        "64:ff9b:1::/48",  # NAT64 for networks' own use
        "fec0::/10",  # a site's own, of before fc00::/7
        "5f00::/16",  # segment routing, which stays in its network
        "3fff::/20",  # documentation
    )
)


class Refused(ValueError):
    """A request that must not be made; the message says why, without what was found out."""


class NotDelivered(Exception):
    """A request that was made, or tried, and got no answer; the message says why."""


def check_url(url: str) -> None:
    """Raise Refused for what is no web address, or names a place that may not be asked.

    A name is not looked up here: what it stands for is checked whenever it is asked.
    """
    host = _parsed(url).host
    try:
        address = ip_address(host)
    except ValueError:
        return
    check_address(address)


def check_address(address: Address) -> None:
    """Raise Refused unless `address` is on the public internet, or allowed by the settings."""
    meant = _meant(address)
    allowed: Iterable[Network] = settings.STEPMARK_EGRESS_ALLOW
    if any(meant in network for network in allowed if network.version == meant.version):
        return
    is_public = meant.is_global and not (
        meant.is_multicast or meant.is_reserved or meant.is_unspecified
    )
    if not is_public or any(meant in net for net in _REFUSED if net.version == meant.version):
        raise Refused("this address is not on the public internet")


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
    """Send `body` to `url` and return the status of the answer, of which nothing else is read.

    Raises Refused or NotDelivered.
    """
    parsed = _parsed(url)
    deadline = time.monotonic() + TOTAL_SECONDS
    seconds = {"connect": CONNECT_SECONDS, "read": TOTAL_SECONDS, "write": TOTAL_SECONDS}
    sent = {"Host": parsed.netloc.decode(), "Content-Length": str(len(body)), **headers}
    backend = GuardedBackend(deadline=deadline)
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend) as pool,
            pool.stream(
                "POST",
                httpcore.URL(
                    scheme=parsed.raw_scheme,
                    host=parsed.raw_host,
                    port=parsed.port,
                    target=parsed.raw_path,
                ),
                headers=list(sent.items()),
                content=body,
                extensions={"timeout": seconds},
            ) as response,
        ):
            return int(response.status)
    except httpcore.TimeoutException:
        raise NotDelivered("no answer in time") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise NotDelivered(f"{type(error).__name__}: {error}"[:200]) from None


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to nothing else, before a deadline."""

    def __init__(self, *, deadline: float) -> None:
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _looked_up(host, port, _left(timeout, self._deadline))
        for address in addresses:
            # One forbidden address is enough: which one is taken must not be a matter of luck.
            check_address(address)
        error: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in addresses:
            try:
                stream = self._plain.connect_tcp(
                    str(address), port, _left(timeout, self._deadline), None, socket_options
                )
            except (httpcore.NetworkError, httpcore.TimeoutException) as failure:
                error = failure
            else:
                return TimedStream(stream, self._deadline)
        raise error or httpcore.ConnectError("the name has no address")


class TimedStream(httpcore.NetworkStream):
    """A connection that ends at a deadline, however slowly the other side keeps on talking."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, self._deadline)
        return TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses that a name stands for now."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _looked_up(host: str, port: int, seconds: float) -> list[Address]:
    try:
        return [ip_address(found) for found in _resolved(host.strip("[]"), port, seconds)]
    except TimeoutError:
        raise httpcore.ConnectTimeout("the name was not looked up in time") from None
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("the name has no address") from None
    except ValueError:  # an address with a zone, of a link
        raise Refused("this address is not on the public internet") from None


def _resolved(host: str, port: int, seconds: float) -> Sequence[str]:
    """Return what `resolve` does; raises TimeoutError after `seconds`, which it has no bound for.

    A thread that a name server leaves hanging is let go: the resolver gives up by itself, and it
    keeps no process from ending.
    """
    found: Future[Sequence[str]] = Future()

    def look_up() -> None:
        try:
            found.set_result(resolve(host, port))
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            found.set_exception(error)

    Thread(target=look_up, name="egress-look-up", daemon=True).start()
    return found.result(seconds)


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, or itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        host = parsed.host  # decodes "xn--…", which may be the code of nothing
    except (httpx.InvalidURL, TypeError, UnicodeError):
        raise Refused("this is not a web address") from None
    if parsed.scheme not in SCHEMES or not host or len(url) > LONGEST_URL:
        raise Refused("an address begins with https:// or http:// and names a host")
    if parsed.port is not None and not 1 <= parsed.port <= LARGEST_PORT:
        raise Refused(f"a port is a number from 1 to {LARGEST_PORT}")
    if parsed.userinfo:
        raise Refused("an address holds no user name or password")
    return parsed


def _left(timeout: float | None, deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left if timeout is None else min(timeout, left)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
