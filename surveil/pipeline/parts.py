"""What a session is made of, and what it watches with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from surveil.pipeline.relief import Resizer

if TYPE_CHECKING:
    from surveil.clock import Clock
    from surveil.pipeline.cameras import CameraConfig
    from surveil.pipeline.live import Brain
    from surveil.pipeline.playback import OpenAt
    from surveil.pipeline.state import FeedState
    from surveil.render.overlay import Overlay
    from surveil.render.style import OverlayStyle
    from surveil.types import Frame


class Feed(Protocol):
    """What a capture thread runs: `Playback`, or the supervisor of a live source."""

    @property
    def state(self) -> FeedState:
        """How it is doing, with the counters of this moment. Any thread."""

    def run(self, stop: threading.Event) -> None:
        """Deliver frames until the end or `stop`. Raises SourceError."""


class Parts(Resizer, Protocol):
    """What a session is made of; `surveil.app` holds the table from names to implementations."""

    @property
    def clock(self) -> Clock:
        """The clock of all threads."""

    def opener(self, config: CameraConfig, stop: threading.Event) -> OpenAt:
        """Makes the camera's source, not open yet, again and again. Raises UsageError."""

    def supervise(
        self, config: CameraConfig, stop: threading.Event, deliver: Callable[[Frame], None]
    ) -> Feed:
        """The feed of a live camera, which opens it again until `stop` is set."""

    def open_brain(self, model: str | None) -> Brain:
        """Detector and tracker factory; None: the model that was asked for at the start.

        Raises ModelError.
        """

    def with_thresholds(self, brain: Brain, low: float, high: float, birth: float) -> Brain:
        """The same detector with trackers of other thresholds (0-1)."""

    def open_overlay(self, style: OverlayStyle) -> Overlay:
        """The drawer of one tile."""
