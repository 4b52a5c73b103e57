"""`manage.py serve`: web server, workers and clock as one."""

import signal
import socket

import httpx
import psutil
import pytest

from tests.place import Stepmark

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def health(address: str) -> dict[str, str]:
    try:
        answer: dict[str, str] = httpx.get(f"{address}/health/").json()
    except httpx.TransportError:
        return {}
    return answer


def test_it_serves_pages_and_does_runs_and_ends_whole(place: Stepmark) -> None:
    bind = f"127.0.0.1:{free_port()}"
    address = f"http://{bind}"
    place.make_project("served", "2 + 2?")
    served = place.start("manage.py", "serve", "--bind", bind, "--web-workers", "1")

    place.wait_until(lambda: health(address).get("status") == "ok", what="good health")
    assert httpx.get(f"{address}/login/").status_code == 200
    assert httpx.get(f"{address}/static/web/site.css").status_code == 200

    place.manage("sample --project served --engine scripted -n 20")
    place.wait_until(
        lambda: place.query("Run.objects.get().state") == "finished", what="the run's end"
    )

    children = psutil.Process(served.pid).children(recursive=True)
    assert len(children) >= 4
    served.send_signal(signal.SIGTERM)
    served.wait(timeout=60)
    _, left = psutil.wait_procs(children, timeout=30)
    assert left == []


def test_a_taken_address_is_refused_before_anything_starts(place: Stepmark) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = place.manage(f"serve --bind {bind}", check=False)
    assert refused.returncode == 1
    assert f"cannot serve at {bind}" in refused.stderr
    assert "started" not in refused.stdout


@pytest.mark.parametrize(
    ("bind", "said"),
    [
        ("notahost", "--bind 'notahost' is not HOST:PORT"),
        ("127.0.0.1:many", "is not HOST:PORT"),
        ("127.0.0.1:70000", "is not HOST:PORT"),
        ("no-such-host.invalid:8000", "there is no host 'no-such-host.invalid'"),
    ],
)
def test_an_address_that_is_none_is_refused_in_plain_words(
    place: Stepmark, bind: str, said: str
) -> None:
    refused = place.manage(f"serve --bind {bind}", check=False)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Errno" not in refused.stderr
    assert "Traceback" not in refused.stderr
