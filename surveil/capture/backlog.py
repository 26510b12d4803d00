"""Keeping up with a camera: who decodes too slowly would see every picture later than the one before.

Packets that nobody reads wait in the network, for ten seconds and more. So it is measured how much later than
its stamp each one is read, beside the least that was seen; who falls behind leaves packets out, up to a
keyframe, and is up to date again.
"""

from __future__ import annotations

from dataclasses import dataclass

_DRIFT = 0.0005  # by so much a camera's clock may go wrong, in seconds a second
_STEP_S = 0.5  # what is later by more than the time that passed has another stamp, and is not late


@dataclass(frozen=True, kw_only=True, slots=True)
class BacklogConfig:
    """Times in seconds.

    Attributes:
        late_s: being later than this is being behind,
        patience_s: when it lasts so long and does not get better by itself, as after a pause of the network.
        enough_s: at a keyframe that is no later than this, everything is decoded again.
        effort_s: when leaving out has not helped after this, it is not the decoding that is slow: the network
            is, or the stamps are not true. It is not tried again.
    """

    late_s: float = 1.0
    patience_s: float = 2.0
    enough_s: float = 0.3
    effort_s: float = 2.0


class Backlog:
    """Looks at every packet of one connection before it is decoded. For the thread that captures."""

    def __init__(self, config: BacklogConfig | None = None) -> None:
        self._config = config or BacklogConfig()
        self._before: tuple[float, float] | None = (
            None  # when the packet before was read, and minus its stamp
        )
        self._least_s = 0.0
        self._late: tuple[float, float] | None = None  # since when, and how late it was then
        self._skipping_s: float | None = None  # since when
        self._trusted = True

    def skip(self, stamp_s: float | None, now_s: float, *, keyframe: bool) -> bool:
        """Whether a packet is to be left out.

        Args:
            stamp_s: its decoding time by the camera's clock; None: it has none, and is decoded.
            now_s: monotonic seconds at which it was read.
            keyframe: whether it needs no other packet.
        """
        if stamp_s is None or not self._trusted:
            return False
        lag_s = self._lag(stamp_s, now_s)
        if self._skipping_s is None:
            if self._is_behind(lag_s, now_s):
                self._skipping_s = now_s
            return self._skipping_s is not None and not keyframe
        if lag_s <= self._config.enough_s:
            if keyframe:
                self._skipping_s = self._late = None
            return not keyframe
        if now_s - self._skipping_s > self._config.effort_s:
            self._trusted = not keyframe  # from this keyframe on
        return self._trusted

    def _lag(self, stamp_s: float, now_s: float) -> float:
        offset_s = now_s - stamp_s
        if self._before is None:
            self._before, self._least_s = (now_s, offset_s), offset_s
        passed_s, grown_s = now_s - self._before[0], offset_s - self._before[1]
        self._before = now_s, offset_s
        if grown_s > passed_s + _STEP_S:  # the camera's clock was set back
            self._least_s += grown_s
        self._least_s = min(offset_s, self._least_s + _DRIFT * passed_s)
        return offset_s - self._least_s

    def _is_behind(self, lag_s: float, now_s: float) -> bool:
        if lag_s <= self._config.late_s:
            self._late = None
        elif self._late is None or lag_s < self._late[1] / 2:  # it gets better by itself
            self._late = now_s, lag_s
        return self._late is not None and now_s - self._late[0] > self._config.patience_s
