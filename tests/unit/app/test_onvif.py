from __future__ import annotations

import pytest

from surveil.app.onvif import propose, service_of
from surveil.capture.onvif.media import Stream


def stream(width: int, height: int) -> Stream:
    return Stream(name="", url=f"rtsp://h/{width}x{height}", codec="H264", size=(width, height), rate_hz=25)


@pytest.mark.parametrize(
    ("sizes", "seen", "large"),
    [
        ([(1920, 1080), (640, 360)], (640, 360), (1920, 1080)),
        ([(3840, 2160), (1280, 720), (640, 480), (320, 240)], (640, 480), (3840, 2160)),
        ([(1920, 1080)], (1920, 1080), None),
        ([(480, 270), (320, 180)], (480, 270), None),
        ([(640, 480), (640, 480)], (640, 480), None),
        ([(0, 0)], (0, 0), None),
    ],
)
def test_the_smallest_that_is_wide_enough_is_looked_at(sizes, seen, large) -> None:
    proposal = propose([stream(*size) for size in sizes])
    assert proposal.seen.size == seen
    assert (proposal.large and proposal.large.size) == large


@pytest.mark.parametrize(
    ("where", "service"),
    [
        ("10.0.0.7:8000", "http://10.0.0.7:8000/onvif/device_service"),
        (" door.local ", "http://door.local/onvif/device_service"),
        ("https://[::1]/x", "https://[::1]/x"),
    ],
)
def test_where_a_camera_is_asked(where: str, service: str) -> None:
    assert service_of(where) == service
