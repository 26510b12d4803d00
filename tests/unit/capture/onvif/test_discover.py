from __future__ import annotations

import errno
import socket
import sys
import threading
import time

import pytest

from surveil.capture.onvif.discover import DiscoverConfig, discover, own_addresses, read_answer
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError, UsageError
from tests.support.onvif_camera import BOMB, Crowd, match, matches

pytest.importorskip("defusedxml", reason="comes with the extra onvif")

SERVICE = "http://127.0.0.1:8000/onvif/device_service"


def search(crowd, *, search_s=0.4, most=512, stop=None):
    config = DiscoverConfig(
        search_s=search_s,
        calls_s=(0.0, 0.1),
        group=crowd.address,
        interfaces=("127.0.0.1",),
        most=most,
    )
    return discover(SystemClock(), stop or threading.Event(), config)


def test_a_camera_answers_and_says_what_it_is() -> None:
    with Crowd(matches(match(SERVICE, name="Front%20door", hardware="DX-1"))) as crowd:
        (found,) = search(crowd)
    assert (found.service, found.host) == (SERVICE, "127.0.0.1")
    assert (found.name, found.hardware) == ("Front door", "DX-1")
    assert b"NetworkVideoTransmitter" in crowd.heard[0]
    assert len(crowd.heard) == 2  # the network may have lost the first call


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="multicast on the loopback is Linux's")
def test_the_call_goes_to_a_group() -> None:
    try:
        crowd = Crowd(matches(match(SERVICE)), group="239.255.255.250")
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.EADDRNOTAVAIL):
            raise
        pytest.skip(f"this machine has no multicast on its loopback: {error}")
    with crowd:
        assert [camera.service for camera in search(crowd)] == [SERVICE]


def test_nobody_answers() -> None:
    with Crowd() as crowd:
        assert search(crowd, search_s=0.2) == ()


def test_two_hundred_answers_at_once_and_all_twice() -> None:
    answers = [matches(match(f"http://127.0.0.1:{9000 + n}/onvif/device_service")) for n in range(200)]
    with Crowd(*answers) as crowd:
        found = search(crowd, search_s=1.5)
    assert len({camera.service for camera in found}) == len(found) == 200


def test_a_flood_is_not_heard_to_its_end() -> None:
    answers = [matches(match(f"http://127.0.0.1:{9000 + n}/x")) for n in range(50)]
    with Crowd(*answers) as crowd:
        assert len(search(crowd, search_s=5.0, most=10)) == 10


def test_junk_is_left_out_and_the_good_one_is_heard() -> None:
    junk = [
        b"",
        b"\xff\xfe\x00junk",
        b"<html>404</html>",
        b'<?xml version="1.0" encoding="no-such-code"?><a/>',
        BOMB.encode(),
        matches(match("ftp://127.0.0.1/x")),
        matches(match("http://[::1/x not-an-address")),
        matches(match("")),
        matches("<d:ProbeMatch/>"),
        matches(match(SERVICE))[:-40],
        b"<a>" * 20_000,
    ]
    with Crowd(*junk, matches(match(SERVICE))) as crowd:
        assert [camera.service for camera in search(crowd)] == [SERVICE]


def test_a_stop_ends_the_search_with_what_was_found() -> None:
    stop = threading.Event()
    with Crowd(matches(match(SERVICE))) as crowd:
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        assert len(search(crowd, search_s=30.0, stop=stop)) == 1
    assert time.monotonic() - began < 10


def test_a_network_that_takes_no_call_is_an_error(monkeypatch) -> None:
    monkeypatch.setattr(
        "surveil.capture.onvif.discover._probe", lambda: b"x" * 100_000
    )  # longer than UDP may be
    with Crowd() as crowd, pytest.raises(SourceError) as caught:
        search(crowd)
    assert caught.value.cause is SourceCause.NO_ROUTE


def test_a_machine_without_networks(monkeypatch) -> None:
    monkeypatch.setattr("surveil.capture.onvif.discover.own_addresses", lambda: ())
    with pytest.raises(SourceError, match="no network"):
        discover(SystemClock(), threading.Event(), DiscoverConfig(search_s=0.2))


def test_own_addresses_are_no_loopbacks() -> None:
    pytest.importorskip("ifaddr", reason="comes with the extra onvif")
    for address in own_addresses():
        assert socket.inet_aton(address)
        assert not address.startswith("127.")


def test_without_the_extra_it_says_how_to_get_it(monkeypatch) -> None:
    for name in ("defusedxml", "defusedxml.ElementTree"):
        monkeypatch.setitem(sys.modules, name, None)
    with Crowd() as crowd, pytest.raises(UsageError, match=r"pip install 'surveil\[onvif\]'"):
        search(crowd)


# ---- one answer


def test_only_the_host_that_answered_is_believed() -> None:
    """Cameras name addresses that they had elsewhere; and a stranger must not send us to a third."""
    stale = matches(match("http://192.168.1.64:8080/onvif/device_service"))
    (found,) = read_answer(stale, "10.0.0.7")
    assert found.service == "http://10.0.0.7:8080/onvif/device_service"
    several = matches(match("http://169.254.1.1/a http://10.0.0.7/b https://10.0.0.7/c"))
    assert [one.service for one in read_answer(several, "10.0.0.7")] == ["http://10.0.0.7/b"]
    secret = matches(match("http://user:word@10.0.0.7/a"))
    assert [one.service for one in read_answer(secret, "10.0.0.7")] == ["http://10.0.0.7/a"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("%3Cb%3Ebold%3C%2Fb%3E", "<b>bold</b>"),
        ("%F0%9F%9A%AA%20Haust%C3%BCr", "🚪 Haustür"),
        ("x" * 500, "x" * 200),
        ("a%0Ab%00c%E2%80%AEd", "a b c d"),
        ("%FF", "\N{REPLACEMENT CHARACTER}"),
        ("", ""),
    ],
)
def test_any_name_becomes_one_line_of_plain_text(name: str, said: str) -> None:
    (found,) = read_answer(matches(match(SERVICE, name=name)), "127.0.0.1")
    assert found.name == said


def test_a_printer_is_no_camera() -> None:
    answer = matches(
        f"<d:ProbeMatch><d:Types>wprt:PrintDeviceType</d:Types><d:XAddrs>{SERVICE}</d:XAddrs></d:ProbeMatch>"
    )
    assert list(read_answer(answer, "127.0.0.1")) == []
