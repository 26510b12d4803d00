from __future__ import annotations

import pytest

from surveil.capture.address import StreamAddress
from surveil.errors import UsageError

# The places where passwords really stood in logs of other programs.
HARD_CASES = [
    "rtsp://user:pw-geheim@host/x",
    "rtsp://user:pw@geheim@host/x",
    "rtsp://user.name:geheim@host/x",
    "rtsp://me%40x.org:geheim@host/x",
    "rtsp://:geheim@host/x",
    "http://host/x?usr=a&pwd=geheim",
    "http://host/x?password=geheim",
    "http://host/x?loginuse=a&loginpas=geheim",
    "http://host/x?token=geheim&y=1",
]


@pytest.mark.parametrize("url", HARD_CASES)
def test_no_password_is_shown(url: str) -> None:
    address = StreamAddress.parse(url)
    assert address.host == "host"
    assert address.url == url
    assert "geheim" not in f"{address!r} {address.shown}"


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("rtsp://10.0.0.1/a/b", "10.0.0.1", 554, "/a/b"),
        ("rtsps://cam.local", "cam.local", 322, ""),
        ("http://u:p@[fe80::1]:8080/v", "fe80::1", 8080, "/v"),
        ("https://cam/v?x=1", "cam", 443, "/v"),
    ],
)
def test_parts(url: str, host: str, port: int, path: str) -> None:
    address = StreamAddress.parse(url)
    assert (address.host, address.port, address.path) == (host, port, path)


def test_a_slash_in_a_password_is_explained() -> None:
    with pytest.raises(UsageError, match="%2F") as caught:
        StreamAddress.parse("rtsp://user:ge/heim@host/x")
    assert "heim" not in str(caught.value)
