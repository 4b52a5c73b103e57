"""Which addresses the site may be made to ask, at the moment when it asks them."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from threading import Event

import pytest
from django.conf import LazySettings

from tests.web.receiver import receiving
from web import egress

LOCAL = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.88.99.1", "198.18.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2001::1",
    "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1", "2001:db8::1",
    "fec0::1", "5f00::1", "3fff::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", LOCAL)
def test_what_is_not_the_public_internet_is_refused(address: str) -> None:
    with pytest.raises(egress.Refused):
        egress.check_address(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_not(address: str) -> None:
    egress.check_address(ip_address(address))


def test_what_is_local_on_purpose_is_allowed(settings: LazySettings) -> None:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("10.1.0.0/16")]
    egress.check_address(ip_address("10.1.2.3"))
    egress.check_address(ip_address("::ffff:10.1.2.3"))
    with pytest.raises(egress.Refused):
        egress.check_address(ip_address("10.2.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/passwd", "example.org", "//example.org", "http://",
        "https://ada:secret@example.org/", "gopher://example.org", "http://[::1",
        "http://127.0.0.1/", "http://[::ffff:169.254.169.254]/latest", "https://[fd00::1]/",
        f"https://example.org/{'x' * 2000}",
        "http://xn--/", "https://xn--zzzzzzz99999999/",
        "http://example.org:0/", "http://example.org:65536/",
        "http://example.org:99999999999999999999/",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_asked_is_refused_when_it_is_typed(url: str) -> None:
    with pytest.raises(egress.Refused):
        egress.check_url(url)


def test_a_name_is_taken_and_looked_up_only_when_it_is_asked() -> None:
    egress.check_url("https://hooks.example.org/a?b=c")
    egress.check_url("http://localhost:8000/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_this_machine_is_refused_however_it_is_spelt(host: str) -> None:
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        with pytest.raises(egress.Refused):
            egress.post(url, body=b"{}", headers={})
        assert receiver.got == []


def test_a_name_that_changes_its_mind_gains_nothing(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is looked up once, and the connection goes to the address that was checked."""
    with receiving() as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        settings.STEPMARK_EGRESS_ALLOW = [ip_network("127.0.0.1/32")]
        answers = [["127.0.0.1"], ["169.254.169.254"]]

        def resolve(host: str, port: int) -> Sequence[str]:
            assert host == "rebinding.example"
            return answers.pop(0)

        monkeypatch.setattr(egress, "resolve", resolve)
        url = f"http://rebinding.example:{port}/hook"
        assert egress.post(url, body=b"{}", headers={}) == 204
        assert receiver.got[0].headers["Host"] == f"rebinding.example:{port}"
        assert len(answers) == 1, "it was looked up once"
        with pytest.raises(egress.Refused):
            egress.post(url, body=b"{}", headers={})
        assert len(receiver.got) == 1


def test_one_forbidden_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "resolve", lambda host, port: ["1.1.1.1", "::1"])
    with pytest.raises(egress.Refused):
        egress.post("https://both.example/", body=b"", headers={})


def test_a_name_server_that_hangs_does_not_hold_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, waited = Event(), []

    def resolve(host: str, port: int) -> Sequence[str]:
        waited.append(answered.wait(3))
        return ["1.1.1.1"]

    monkeypatch.setattr(egress, "resolve", resolve)
    monkeypatch.setattr(egress, "CONNECT_SECONDS", 0.1)
    try:
        with pytest.raises(egress.NotDelivered, match="in time"):
            egress.post("http://slow.example/", body=b"", headers={})
        assert waited == [], "it is waited for no longer"
    finally:
        answered.set()


def test_an_address_with_a_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "resolve", lambda host, port: ["fe80::1%eth0"])
    with pytest.raises(egress.Refused):
        egress.post("https://zone.example/", body=b"", headers={})


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "/elsewhere"])
def test_redirects_are_not_followed(settings: LazySettings, target: str) -> None:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("127.0.0.1/32")]
    with receiving() as receiver:
        receiver.status, receiver.location = 302, target
        assert egress.post(receiver.url, body=b"{}", headers={}) == 302
        assert len(receiver.got) == 1


def test_an_address_over_ipv6_is_asked_where_it_is_allowed(settings: LazySettings) -> None:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("::1/128")]
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listening:
        url = f"http://[::1]:{listening.getsockname()[1]}/"
        listening.settimeout(10)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(egress, "TOTAL_SECONDS", 0.3)
            with pytest.raises(egress.NotDelivered, match="in time"):
                egress.post(url, body=b"{}", headers={})


def test_a_proxy_of_the_environment_is_not_used(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("127.0.0.1/32")]
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with receiving() as receiver:
        assert egress.post(receiver.url, body=b"{}", headers={}) == 204


def test_a_closed_port_and_an_unknown_name_say_what_is_wrong(settings: LazySettings) -> None:
    settings.STEPMARK_EGRESS_ALLOW = [ip_network("127.0.0.1/32")]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(egress.NotDelivered, match="ConnectError"):
        egress.post(f"http://127.0.0.1:{port}/", body=b"{}", headers={})
    with pytest.raises(egress.NotDelivered, match="no address"):
        egress.post("http://nowhere.invalid/", body=b"{}", headers={})
