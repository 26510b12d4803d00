"""Drawn scenes as a source: `test://street` without a camera, a file, or anybody's face."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from math import ceil, floor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from surveil.capture.described import Described
from surveil.capture.scenes.config import SceneConfig, parse_scene_url
from surveil.capture.source import SourceInfo
from surveil.capture.span import WHOLE, Span
from surveil.clock import Clock
from surveil.errors import UsageError
from surveil.types import Frame

if TYPE_CHECKING:
    from surveil.capture.scenes.scene import Scene

__all__ = ["SceneConfig", "SyntheticSource", "parse_scene_url"]


class SyntheticSource(Described):
    """A scene, as a recording or as a camera. Opened, played and closed by one thread.

    As a recording every frame comes, as fast as it is drawn, for 20 s where the config names no length. With
    `realtime` the clock paces it, and frames whose time has passed are skipped, as a camera would lose them
    (counted as `skipped_frames`); it then has no end unless the config, or the span, names one.
    """

    def __init__(
        self,
        config: SceneConfig,
        *,
        camera_id: str,
        clock: Clock,
        span: Span = WHOLE,
        realtime: bool = False,
    ) -> None:
        self._config, self._camera_id, self._clock, self._span = config, camera_id, clock, span
        self._realtime = realtime
        self._endless = realtime and config.seconds is None
        super().__init__(camera_id, "skipped_frames")
        self._open = False
        self._scene: Scene | None = None

    def __enter__(self) -> Self:
        self._open = True
        count, rate_hz = self._config.frame_count, self._config.fps
        self._info = SourceInfo(
            name=self._camera_id,
            size=self._config.size,
            rate_hz=rate_hz,
            duration_s=None if self._endless else count / rate_hz,
            live=self._endless,
            frame_count=None if self._endless else self._span.frames(count / rate_hz, rate_hz),
            decoder="drawn scene",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open, self._scene = False, None

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`. Raises UsageError for a start past the end."""
        if not self._open:
            raise UsageError(f"{self._camera_id}: open the source before playing it")
        scene, rate_hz = self._built(stop), self._config.fps
        if scene is None:
            return
        first = ceil(self._span.start_s * rate_hz - 1e-6)
        index = first
        for number in self._paced(first, stop) if self._realtime else self._numbers(first):
            if stop.is_set():
                return
            image, _ = scene.frame(number)
            image.flags.writeable = False
            yield Frame(
                camera_id=self._camera_id,
                index=index,
                pts_s=number / rate_hz,
                wall_s=self._clock.wall(),
                arrived_s=self._clock.monotonic(),
                image=image,
            )
            index += 1
        if index == first and not stop.is_set():
            last = self._config.frame_count - 1
            raise self._span.nothing_in(self._camera_id, last + 1, last / rate_hz)

    def _built(self, stop: threading.Event) -> Scene | None:
        """The scene with its street, which takes up to seconds to draw; None where `stop` was set."""
        from surveil.capture.scenes.scene import Scene  # needs OpenCV; parsing an address does not
        from surveil.capture.scenes.street import Unfinished

        if self._scene is None:
            try:
                self._scene = Scene(self._config, stop)
            except Unfinished:
                return None
        return self._scene

    def _numbers(self, first: int) -> Iterator[int]:
        """The numbers of the scene's frames, one after the other."""
        number = first
        while self._endless or number < self._config.frame_count:
            if self._span.is_over(number / self._config.fps):
                return
            yield number
            number += 1

    def _paced(self, first: int, stop: threading.Event) -> Iterator[int]:
        """The numbers of frames when they are due, without those that are late by more than their length."""
        rate_hz, start_s = self._config.fps, self._clock.monotonic()
        for number in self._numbers(first):
            elapsed_s = self._clock.monotonic() - start_s
            if number - first < floor(elapsed_s * rate_hz):
                self._tally.add("skipped_frames")
                continue
            early_s = (number - first) / rate_hz - elapsed_s
            if early_s > 0 and self._clock.wait(stop, early_s):
                return
            yield number
