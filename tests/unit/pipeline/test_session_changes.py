"""A session whose cameras are changed while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from surveil.capture.spec import SourceSpec
from surveil.errors import UsageError
from surveil.pipeline.session import CameraConfig, Session
from surveil.render.style import OverlayStyle
from surveil.types import FrameResult

PAUSE = threading.Event()  # never set: something to wait on


def eventually(true: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """The first true answer; the test fails when none comes in time."""
    for _ in range(int(timeout_s / 0.005)):
        if answer := true():
            return answer
        PAUSE.wait(0.005)
    raise AssertionError(f"did not become true within {timeout_s} s")


def camera(name: str, **more: Any) -> CameraConfig:
    return CameraConfig(id=name, source=SourceSpec(kind="webcam", text="fake", name=name, live=True), **more)


LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def test_how_a_camera_is_looked_at_changes_without_opening_it_anew(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(endless=True, gap_s=0.002)
    session = Session(parts, [camera("a"), camera("b")])
    session.start()
    eventually(lambda: (result := session.latest("a")) and len(result.tracks))
    before = parts.sources["a"], parts.sources["b"]
    all_of_it = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    session.change(camera("a", ignored=(all_of_it,), max_rate_hz=50.0))
    eventually(lambda: (result := session.latest("a")) and result.detected and not len(result.detections))
    session.change(camera("a", classes=("car", "person")))
    eventually(lambda: (result := session.latest("a")) and len(result.detections))
    assert (parts.sources["a"], parts.sources["b"]) == before
    with pytest.raises(UsageError, match="no camera 'c'"):
        session.change(camera("c"))
    session.stop(2.0)


def test_a_privacy_mask_opens_the_camera_anew_and_hides_at_once(fakes: SimpleNamespace) -> None:
    parts = fakes.Parts(endless=True, gap_s=0.002)
    session = Session(parts, [camera("a"), camera("b")])
    session.start()
    ids = eventually(lambda: (result := session.latest("a")) and result.tracks.ids.max(initial=0))
    other = parts.sources["b"]
    session.change(camera("a", privacy=(LEFT,)))
    result = session.latest("a") or eventually(lambda: session.latest("a"))
    assert not result.frame.image[:, :16].any()
    result = eventually(lambda: (found := session.latest("a")) and found.frame.image.any() and found)
    assert not result.frame.image[:, :16].any()
    assert result.frame.image[:, 18:].any()
    assert result.tracks.ids.min() > ids  # no id comes twice
    assert parts.sources["b"] is other
    session.stop(2.0)


def test_a_masked_picture_reaches_neither_detector_nor_preview_nor_taps(fakes: SimpleNamespace) -> None:
    seen: list[Any] = []

    class Looking(fakes.Detector):  # type: ignore[name-defined, misc]
        def prepare(self, frame: Any) -> Any:
            seen.append(frame.image)
            return super().prepare(frame)

    tapped: list[FrameResult] = []

    def tap(result: FrameResult) -> bool:
        tapped.append(result)
        return True

    parts = fakes.Parts(Looking, endless=True, gap_s=0.002)
    session = Session(parts, [camera("a", privacy=(LEFT,), taps={"all": tap})])
    session.start()
    session.show("a", (32, 24), OverlayStyle())
    preview = eventually(lambda: (made := session.preview("a")) and made.image[:, 20:, 0].any() and made)
    eventually(lambda: len(tapped) > 5)
    session.stop(2.0)
    images = [*seen, *(result.frame.image for result in tapped)]
    assert all(not image[:, :16].any() for image in images)
    assert any(image[:, 20:].any() for image in images)
    assert not preview.image[1:, :15, :3].any()  # the false overlay paints the first row


def test_a_frame_that_is_on_its_way_when_its_camera_changes_reaches_nobody(fakes: SimpleNamespace) -> None:
    """It was taken before the camera had its mask, and is looked at behind the change."""
    inside, go = threading.Event(), threading.Event()

    def hold() -> None:
        inside.set()
        go.wait(10)

    tapped: list[FrameResult] = []

    def tap(result: FrameResult) -> bool:
        tapped.append(result)
        return True

    parts = fakes.Parts(lambda: fakes.Detector(hold=hold), endless=True, gap_s=0.002)
    session = Session(parts, [camera("a", taps={"all": tap})])
    session.start()
    assert inside.wait(10)
    session.change(camera("a", privacy=(LEFT,), taps={"all": tap}))
    go.set()
    eventually(lambda: len(tapped) > 5)
    session.stop(2.0)
    assert all(not result.frame.image[:, :16].any() for result in tapped)
    with pytest.raises(UsageError, match="has ended"):
        session.add(camera("b"))
