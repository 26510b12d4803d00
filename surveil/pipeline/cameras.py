"""How one camera of a session is watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from surveil.geometry import Polygon
from surveil.pipeline.cadence import Cadence
from surveil.pipeline.live import Lane, Tap
from surveil.pipeline.memory import Memory
from surveil.pipeline.wanted import Wanted

if TYPE_CHECKING:
    from surveil.capture.source import PacketSink
    from surveil.capture.spec import SourceSpec
    from surveil.render.shapes import Shape
    from surveil.types import Frame

NO_TAPS: Mapping[str, Tap] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraConfig:
    """One camera, or one recording played as if it were one.

    Attributes:
        id: its name in this session.
        source: what to open. A live one gives its newest frames and is opened again for ever; of others
            every frame is processed.
        enabled: whether it plays from the start.
        every: the detector looks at every `every`-th frame.
        loop: a recording starts again at its end.
        paced: a recording plays at its own pace, not as fast as it can.
        stay: at its end it waits to be sent elsewhere.
        shown: the stream that is shown where the pictures of `source` have too few pixels; None: `source`.
        recorded: the stream whose pictures `pictures` get; None: `source`.
        taps: takers of results by name; a lost result is counted as a drop with that name.
        pictures: the same of the recorded stream's pictures, each with the objects of its moment; their names
            are others.
        max_rate_hz: the detector looks no more often than this.
        classes: the only classes that count; empty: all.
        ignored: areas in which no detection counts, see `Wanted`.
        privacy: areas that are painted black in the capture thread, before anything sees the picture.
        transport: how RTSP carries its packets.
        verify_tls: whether an encrypted camera must prove who it is.
        decode: what is to decode: `auto`, `cpu` or a device.
        still_after_s: a camera that sends the same picture for so long is said to be stalled; None: never.
        packet_sink: is offered every packet of the stream before it is decoded; not with privacy masks, as
            packets hold the whole picture.
        priority: who is served first when not all can be; higher goes before lower.
        motion_gating: whether the detector rests while nothing moves.
        shapes: areas and lines that are drawn on its pictures.
    """

    id: str
    source: SourceSpec
    enabled: bool = True
    every: int = 1
    loop: bool = False
    paced: bool = True
    stay: bool = False
    shown: SourceSpec | None = None
    recorded: SourceSpec | None = None
    taps: Mapping[str, Tap] = field(default_factory=lambda: NO_TAPS)
    pictures: Mapping[str, Tap] = field(default_factory=lambda: NO_TAPS)
    max_rate_hz: float | None = None
    classes: tuple[str, ...] = ()
    ignored: tuple[Polygon, ...] = ()
    privacy: tuple[Polygon, ...] = ()
    transport: Literal["tcp", "udp"] = "tcp"
    verify_tls: bool = False
    decode: str = "auto"
    still_after_s: float | None = 10.0
    packet_sink: PacketSink | None = None
    priority: int = 0
    motion_gating: bool = False
    shapes: tuple[Shape, ...] = ()


STREAMS = ("shown", "recorded", "taps", "pictures")
"""Where its further pictures come from, and who gets them: changed beside the stream that is looked at."""

LOOKING = ("every", "max_rate_hz", "classes", "ignored", "priority", "motion_gating", "shapes")
"""What of a camera can be changed between two frames; everything else opens it anew."""


def new_lane(config: CameraConfig, memory: Memory) -> Lane:
    """The way of a camera's frames through the layout."""
    lane = Lane(config.id, live=config.source.live, taps={}, hide=hiding(config), memory=memory)
    look(lane, config)
    return lane


def hiding(config: CameraConfig) -> Callable[[Frame], Frame] | None:
    """What every frame of one stream of a camera goes through before anything else sees it."""
    if not config.privacy:
        return None
    from surveil.capture.privacy import PrivacyMask  # brings OpenCV along

    return PrivacyMask(config.privacy)


def look(lane: Lane, config: CameraConfig) -> None:
    """Look at a camera's frames as `config` says from the next one on."""
    lane.cadence = Cadence(config.every, config.max_rate_hz)
    lane.wanted = Wanted(config.ignored, config.classes)
    lane.taps = {**config.taps, **(config.pictures if config.recorded is None else {})}
    lane.shapes = config.shapes
    lane.priority = config.priority
    if not config.motion_gating:
        lane.gate.motion = None
    elif lane.gate.motion is None:
        from surveil.pipeline.motion import MotionDetector  # brings OpenCV along

        lane.gate.motion = MotionDetector()
