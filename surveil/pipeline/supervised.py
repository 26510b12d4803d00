"""A live camera as a feed of a session: the supervisor of `capture`, its states in the session's words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from surveil.capture.supervise import CaptureState, SuperviseConfig, Supervisor
from surveil.clock import Clock
from surveil.pipeline.state import FeedState
from surveil.types import Frame

if TYPE_CHECKING:
    from surveil.capture.source import Source


log = logging.getLogger(__name__)


class Supervised:
    """See `surveil.pipeline.session.Feed`."""

    def __init__(
        self,
        open_source: Callable[[], Source],
        deliver: Callable[[Frame], None],
        clock: Clock,
        config: SuperviseConfig | None = None,
        *,
        name: str = "",
    ) -> None:
        """As `Supervisor`; `name`: of the camera, for the log."""
        self._open_source, self._deliver, self._name = open_source, deliver, name
        self._told = ""
        self._source: Source | None = None
        self._decoder = ""
        self._supervisor = Supervisor(self._open, self._take, clock, self._tell, config)

    @property
    def state(self) -> FeedState:
        """See `Feed`."""
        state = self._supervisor.state
        return FeedState(
            name=state.name,
            since_s=state.since_s,
            cause=state.cause,
            remedy=state.remedy,
            detail=state.detail,
            counters=state.counters,
            decoder=self._decoder,
        )

    def run(self, stop: threading.Event) -> None:
        """See `Feed`."""
        self._supervisor.run(stop)

    def _tell(self, state: CaptureState) -> None:
        if state.name != self._told:
            self._told, words = state.name, state.detail or state.cause
            log.debug("%s is %s%s", self._name, state.name, f": {words}" if words else "")

    def _open(self) -> Source:
        self._source = self._open_source()
        return self._source

    def _take(self, frame: Frame) -> None:
        if self._source is not None:  # a picture is there, so it is known what decoded it
            self._decoder = self._source.info.decoder
        self._deliver(frame)
