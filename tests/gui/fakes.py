"""A session without threads, cameras or a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from surveil.capture.spec import SourceSpec
from surveil.errors import UsageError
from surveil.labels import SURVEIL_6
from surveil.pipeline.ladder import Load
from surveil.pipeline.live import Brain
from surveil.pipeline.playback import Transport
from surveil.pipeline.present import Preview
from surveil.pipeline.session import CameraConfig
from surveil.pipeline.state import FeedState, State
from surveil.types import Detections, Frame, FrameResult, Tracks


def result(*, index: int = 0, arrived_s: float = 100.0, classes: tuple[int, ...] = (0, 0, 2)) -> FrameResult:
    """A grey frame with confirmed tracks of the given classes; its media time is a tenth of its index."""
    n = len(classes)
    image = np.full((90, 160, 3), 90, np.uint8)
    frame = Frame(camera_id="cam", index=index, pts_s=index / 10, wall_s=0, arrived_s=arrived_s, image=image)
    boxes = np.tile(np.float32([10, 10, 40, 60]), (n, 1))
    tracks = Tracks(
        ids=np.arange(1, n + 1),
        boxes=boxes,
        smoothed_boxes=boxes,
        scores=np.full(n, 0.9, np.float32),
        class_ids=np.array(classes, np.int32),
        states=np.ones(n, np.int8),
        velocity=np.zeros((n, 2), np.float32),
        age_s=np.ones(n, np.float32),
        unseen_s=np.zeros(n, np.float32),
        frame_size=(160, 90),
        labels=SURVEIL_6,
    )
    return FrameResult(frame=frame, detections=Detections.empty((160, 90), SURVEIL_6), tracks=tracks)


def preview(
    *, colour: int = 200, age_ms: float = 34.0, arrived_s: float = 100.0, index: int = 0, seq: int = 1
) -> Preview:
    """A picture of one colour."""
    image = np.full((180, 320, 4), colour, np.uint8)
    return Preview(
        image=image,
        result=result(index=index, arrived_s=arrived_s),
        seq=seq,
        age_ms=age_ms,
        fps_shown=29.9,
    )


class FakeClock:
    """Stands still at 100 s."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return 0.0


class FakePlayback:
    """The transport of a recording of 20 s; records commands."""

    def __init__(self) -> None:
        self.commands: list[tuple[object, ...]] = []
        self.transport = Transport(pts_s=4.0, duration_s=20.0, rate_hz=10.0)
        self.state = FeedState(name="playing", since_s=0.0)

    def place_of(self, frame: Frame) -> float:
        return frame.pts_s

    def pause(self) -> None:
        self.commands.append(("pause",))
        self.transport = replace(self.transport, held=True)
        self.state = replace(self.state, name="paused")

    def resume(self) -> None:
        self.commands.append(("resume",))
        self.transport = replace(self.transport, held=False)
        self.state = replace(self.state, name="playing")

    def seek(self, pts_s: float) -> None:
        self.commands.append(("seek", round(pts_s, 3)))

    def step(self, frames: int) -> None:
        self.commands.append(("step", frames))

    def play_at(self, speed: float) -> None:
        self.commands.append(("play_at", speed))
        self.transport = replace(self.transport, speed=speed)


class FakeSession:
    """Records commands; answers what the test put there."""

    def __init__(self) -> None:
        self.commands: list[tuple[object, ...]] = []
        self.configs: dict[str, CameraConfig] = {}
        self.state: dict[str, State] = {}
        self.picture: Preview | None = None
        self.playbacks: dict[str, FakePlayback] = {}
        self.device = "CPU"
        self.brain = Brain(detector=None, new_step=lambda *known: None)  # type: ignore[arg-type, return-value]
        self.failure: BaseException | None = None
        self.load = Load()

    def add(self, config: CameraConfig) -> None:
        if config.id in self.state:
            raise UsageError(f"camera {config.id!r}: there is one of this name already; choose another")
        self.commands.append(("add", config.id))
        self.playbacks[config.id] = FakePlayback()
        self.configs[config.id] = config
        self.state[config.id] = State(
            name="live" if config.source.live else "playing", since_s=0.0, live=config.source.live
        )

    def remove(self, camera_id: str) -> None:
        self.commands.append(("remove", camera_id))
        del self.state[camera_id]
        del self.playbacks[camera_id]

    def show(
        self,
        camera_id: str,
        size: tuple[int, int],
        style: object,
        region: object = (0.0, 0.0, 1.0, 1.0),
        wall: str = "",
    ) -> None:
        if camera_id not in self.state:
            raise UsageError(f"there is no camera {camera_id!r}")
        wish = (f"show{wall}", camera_id, size, style, region)
        if wish != next((c for c in reversed(self.commands) if c[:2] == wish[:2]), None):
            self.commands.append(wish)

    def hide(self, camera_id: str, wall: str = "") -> None:
        self.commands.append((f"hide{wall}", camera_id))

    def config(self, camera_id: str) -> CameraConfig:
        if camera_id not in self.configs:
            raise UsageError(f"there is no camera {camera_id!r} in this session")
        return self.configs[camera_id]

    def playback(self, camera_id: str) -> FakePlayback:
        if camera_id not in self.playbacks:
            raise UsageError(f"there is no camera {camera_id!r} in this session")
        return self.playbacks[camera_id]

    def latest(self, camera_id: str) -> FrameResult | None:
        return None if self.picture is None else self.picture.result

    def change(self, config: CameraConfig) -> None:
        self.commands.append(("change", config.id))
        self.configs[config.id] = config

    def set_model(self, model: str | None) -> None:
        self.commands.append(("set_model", model))

    def set_thresholds(self, *, low: float, high: float, birth: float) -> None:
        self.commands.append(("set_thresholds", low, high, birth))

    def use_ladder(self, ladder: object) -> None:
        self.commands.append(("use_ladder", ladder))

    def states(self) -> dict[str, State]:
        return self.state

    def preview(self, camera_id: str, wall: str = "") -> Preview | None:
        return self.picture

    def named(self, command: str) -> list[tuple[object, ...]]:
        """The commands of one name, in order."""
        return [c for c in self.commands if c[0] == command]


def configure(sources: Sequence[str]) -> list[CameraConfig]:
    """Like the application's own: cameras are live, files are not, `bad:` is not understood."""
    for source in sources:
        if source.startswith("bad:"):
            raise UsageError(f"{source}: this is no source")
    return [CameraConfig(id=source, source=_spec(source)) for source in sources]


def _spec(source: str) -> SourceSpec:
    live = source.startswith("rtsp:")
    return SourceSpec(kind="stream" if live else "file", text=source, name=source, live=live)
