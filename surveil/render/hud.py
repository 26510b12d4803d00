"""The line at the top left of a picture: what it shows, not how it is measured."""

from __future__ import annotations

from dataclasses import dataclass

GAP = "   "


@dataclass(frozen=True, kw_only=True, slots=True)
class Hud:
    """The facts of one picture; what is empty or None is left out.

    In files only facts of the media may stand here, so that the same input gives the same output.

    Attributes:
        name: the camera or file.
        time: media time or wall time, as text.
        fps: frames per second: the source's own in files, the measured one live.
        age_ms: milliseconds between the arrival of the picture and its showing.
        device: where the detector runs.
        note: a word more, such as "paused".
    """

    name: str = ""
    time: str = ""
    fps: float | None = None
    age_ms: float | None = None
    device: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The line.

        >>> Hud(name="door", time=media_time(83.46), fps=29.97, age_ms=34.2).text
        'door   00:01:23.4   30.0 fps   34 ms'
        """
        fps = "" if self.fps is None else f"{self.fps:.1f} fps"
        age = "" if self.age_ms is None else f"{self.age_ms:.0f} ms"
        return GAP.join(part for part in (self.name, self.time, fps, age, self.device, self.note) if part)


def media_time(pts_s: float) -> str:
    """Media time as hours, minutes, seconds and tenths, cut off as clocks do.

    >>> media_time(3661.99)
    '01:01:01.9'
    """
    tenths = int(max(pts_s, 0.0) * 10 + 1e-6)
    minutes, tenths = divmod(tenths, 600)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{tenths // 10:02d}.{tenths % 10}"
