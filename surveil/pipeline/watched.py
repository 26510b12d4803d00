"""One camera of a session, as long as it is there: how it is watched, its way, its thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from surveil.pipeline.state import FeedState

if TYPE_CHECKING:
    from surveil.pipeline.cameras import CameraConfig
    from surveil.pipeline.live import Lane
    from surveil.pipeline.parts import Feed
    from surveil.pipeline.views import Views
    from surveil.pipeline.worker import Worker


class Watched:
    """One camera of a session and its capture thread.

    Attributes:
        fixed: what holds whatever the feed says: switched off, failed.
    """

    def __init__(self, config: CameraConfig, lane: Lane, views: Views) -> None:
        self.config, self.lane, self.views = config, lane, views
        self.stop = threading.Event()
        self.feed: Feed | None = None
        self.worker: Worker | None = None
        self.fixed: FeedState | None = None

    @property
    def feed_state(self) -> FeedState:
        """How it is doing."""
        if self.fixed is not None or self.feed is None:
            return self.fixed or FeedState(name="off", since_s=0.0)
        return self.feed.state
