"""Tests of cameras, searches for them and questions to them, each in a thread of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from surveil.app.onvif import ask_streams, find_cameras
from surveil.app.probe import Found, probe, source_of
from surveil.clock import Clock
from surveil.config.camera import Camera
from surveil.gui.draft import with_password
from surveil.gui.tasks import Tasks

if TYPE_CHECKING:
    from surveil.capture.onvif.discover import Discovered
    from surveil.capture.onvif.media import Stream

T = TypeVar("T")


class Probing:
    """Looks at cameras as the session would, and for cameras that nobody knows yet.

    Every question gives back the event that ends it; the answers name by it the question they belong to.
    """

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
        """Look at a camera."""

        def look(stop: threading.Event) -> Found | None:
            whole = with_password(camera, password) if password else camera
            spec = source_of(whole, self._file, os.environ)
            return probe(spec, clock=self._clock, stop=stop, camera=camera)

        return self._aside("probe", look, done, failed)

    def search(
        self,
        *,
        done: Callable[[threading.Event, tuple[Discovered, ...]], None],
        failed: Callable[[threading.Event, Exception], None],
    ) -> threading.Event:
        """Look for the cameras of the local network."""
        return self._aside("search", lambda stop: find_cameras(self._clock, stop), done, failed)

    def streams(
        self,
        service: str,
        login: tuple[str, str],
        *,
        done: Callable[[threading.Event, tuple[Stream, ...]], None],
        failed: Callable[[threading.Event, Exception], None],
    ) -> threading.Event:
        """Ask a camera for its streams; `login`: user and password."""

        def ask(stop: threading.Event) -> tuple[Stream, ...]:
            return ask_streams(service, *login, clock=self._clock, stop=stop)

        return self._aside("streams", ask, done, failed)

    def _aside(
        self,
        name: str,
        work: Callable[[threading.Event], T],
        done: Callable[[threading.Event, T], None],
        failed: Callable[[threading.Event, Exception], None],
    ) -> threading.Event:
        # The answers come through the event loop, so `stop` is bound long before.
        stop = self._tasks.aside(
            name, work, lambda found: done(stop, found), lambda error: failed(stop, error)
        )
        return stop
