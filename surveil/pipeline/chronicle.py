"""Writes into the log what becomes of the cameras, so that one can read later what went wrong when."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from surveil.pipeline.state import TROUBLE, FeedState, State

log = logging.getLogger(__name__)


class Chronicle:
    """Notes changes of states; one thread."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def note(self, states: Mapping[str, State | FeedState]) -> None:
        """Say what changed since the call before; cheap when nothing did."""
        for name, state in states.items():
            if self._told.get(name) == state.name:
                continue
            self._told[name] = state.name
            if state.name in TROUBLE:
                log.warning("%s: %s: %s", name, state.name, state.detail or state.cause)
            else:
                log.info("%s: %s", name, state.name)
        for gone in self._told.keys() - states.keys():
            del self._told[gone]
            log.info("%s: removed", gone)
