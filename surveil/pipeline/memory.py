"""What is known of the cameras' tracks from one session to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from surveil.types import Frame

LONG_AGO_S = 3600.0  # before everything that a tracker remembers


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What the next tracker of a camera takes over from the one before.

    Attributes:
        last_id: the highest track id that was given; none up to it comes again.
        tracker: a snapshot; None: the ids go on, nothing else.
        wall_s: of the frame at which the tracker was updated last, seconds since 1970 UTC.
    """

    last_id: int = 0
    tracker: str | None = None
    wall_s: float = 0.0

    def moment(self, first: Frame, *, live: bool) -> float:
        """The media time of the tracker's last update, as the frames from this one on count.

        Cameras begin to count anew when they are opened, so wall clocks tell how long nobody looked. Where
        they were set back meanwhile it was long ago, and so it was where a recording begins again: what it
        shows now has nothing to do with its last picture.
        """
        passed_s = first.wall_s - self.wall_s
        return first.pts_s - (passed_s if live and passed_s >= 0 else LONG_AGO_S)

    def ids_alone(self) -> Memory:
        """The same without the tracks."""
        return replace(self, tracker=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Memories:
    """What is known of every camera there ever was.

    Attributes:
        cameras: by the camera's id.
        ids_after: the last id of all other cameras.
    """

    cameras: Mapping[str, Memory] = field(default_factory=lambda: MappingProxyType({}))
    ids_after: int = 0

    def of(self, camera_id: str) -> Memory:
        """What a tracker of this camera begins with."""
        return self.cameras.get(camera_id, Memory(last_id=self.ids_after))

    def learn(self, news: Mapping[str, Memory]) -> Memories:
        """The same, but for what is newer."""
        return replace(self, cameras=MappingProxyType({**self.cameras, **news}))
