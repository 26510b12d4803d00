"""Tests of cameras, each in a thread of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from surveil.app.probe import Found, probe, source_of
from surveil.clock import Clock
from surveil.config.camera import Camera
from surveil.gui.draft import with_password
from surveil.gui.tasks import Tasks


class Probing:
    """Looks at cameras as the session would."""

    def __init__(self, tasks: Tasks, clock: Clock, file: Path) -> None:
        """`file`: the configuration, from whose folder relative paths count."""
        self._tasks, self._clock, self._file = tasks, clock, file

    def start(
        self,
        camera: Camera,
        password: str,
        *,
        done: Callable[[threading.Event, Found | None], None],
        failed: Callable[[threading.Event, Exception], None],
    ) -> threading.Event:
        """Look at a camera; the event that ends it, by which answers name the test they belong to."""

        def look(stop: threading.Event) -> Found | None:
            whole = with_password(camera, password) if password else camera
            spec = source_of(whole, self._file, os.environ)
            return probe(spec, clock=self._clock, stop=stop, transport=camera.rtsp_transport)

        # The answers come through the event loop, so `stop` is bound long before.
        stop = self._tasks.aside(
            "probe", look, lambda found: done(stop, found), lambda error: failed(stop, error)
        )
        return stop
