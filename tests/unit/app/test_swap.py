"""Two shipped models follow each other while a session runs."""

from __future__ import annotations

import threading

import pytest

from surveil.app.options import ModelOptions, RunOptions
from surveil.app.table import Table
from surveil.capture.open import parse_source
from surveil.clock import SystemClock
from surveil.detect.assets import find_model
from surveil.pipeline.session import CameraConfig, Session
from surveil.types import FrameResult

SCENE = "test://street?size=320x240&fps=5&seconds=2&seed=7"
PATIENCE_S = 60.0


@pytest.mark.timeout(300)  # a busy machine takes a minute to draw the street and to load the models
def test_no_frame_is_lost_from_320_to_416() -> None:
    seen: list[int] = []
    enough, wanted = threading.Event(), 5

    def tap(result: FrameResult) -> bool:
        seen.append(result.frame.index)
        if len(seen) >= wanted:
            enough.set()
        return True

    clock = SystemClock()
    options = ModelOptions(model="mobilenetv2-gfl-320", device="cpu", threads=1)
    street = CameraConfig(id="street", source=parse_source(SCENE), paced=False, loop=True, taps={"test": tap})
    assert not street.source.live
    session = Session(Table(RunOptions(model=options), clock), [street])
    session.start()
    try:
        shapes = []
        for name in (None, "mobilenetv2-gfl-416"):
            if name:
                session.set_model(name)
                assert find_model(name).card.input.shapes[0] == session.brain.detector.shape
            shapes.append(session.brain.detector.shape)
            wanted = len(seen) + 5
            enough.clear()
            assert clock.wait(enough, PATIENCE_S)
        assert session.failure is None
        drops = session.states()["street"].stats.drops
    finally:
        session.stop(10.0)
    assert shapes == [(320, 320), (416, 416)]
    assert not any(drops.values())
    assert seen == list(range(len(seen)))
