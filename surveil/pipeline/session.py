"""A session: cameras and recordings watched by one detector. The window and the command line use it alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from surveil.detect.devices import cores
from surveil.errors import StuckThreadError, UsageError
from surveil.pipeline.cameras import LOOKING, NO_TAPS, STREAMS, CameraConfig, look, new_lane
from surveil.pipeline.ladder import LadderConfig, Load
from surveil.pipeline.live import Brain, Inference, Lane
from surveil.pipeline.memory import Memories
from surveil.pipeline.parts import Feed, Parts
from surveil.pipeline.playback import Playback, PlaybackConfig
from surveil.pipeline.present import WHOLE, Presenter, Preview, Region, Wish, too_small
from surveil.pipeline.relief import Relief
from surveil.pipeline.state import FeedState, State, failed, with_streams
from surveil.pipeline.views import Views
from surveil.pipeline.watched import Watched
from surveil.pipeline.worker import Worker
from surveil.types import Frame, FrameResult

if TYPE_CHECKING:
    from surveil.labels import LabelMap
    from surveil.pipeline.stats import StageStats
    from surveil.render.style import OverlayStyle

__all__ = ["NO_TAPS", "CameraConfig", "Session"]


class Session:
    """Cameras in, results and pictures out.

    Methods may be called from any thread; none waits for a camera or a model, except `start`, `stop` and
    `set_model`.
    """

    def __init__(
        self,
        parts: Parts,
        cameras: Sequence[CameraConfig] = (),
        ladder: LadderConfig | None = None,
        memories: Memories | None = None,
    ) -> None:
        """`ladder`: what to do without when the machine is behind; `memories`: of the session before."""
        self._parts, self._clock = parts, parts.clock
        self._lock = threading.RLock()
        self._first = tuple(cameras)
        self._cameras: dict[str, Watched] = {}
        self._retired: list[Worker] = []  # told to stop, not joined yet
        self._inference: Inference | None = None
        self._relief: Relief | None = None
        self._ladder = ladder
        self._memories = memories or Memories()
        self._presenter = Presenter(self._clock, self._labels, parts.open_overlay)
        self._workers: list[Worker] = []
        self._failure: BaseException | None = None
        self._ended_for_good = False

    # ---- life

    def start(self) -> None:
        """Load the model and start all threads; once only.

        Raises:
            ModelError, DeviceError: the detector cannot be opened.
            UsageError: a camera's source cannot be understood.
        """
        if self._inference is not None:
            raise UsageError("the session was started already: make a new one")
        brain = self._parts.open_brain(None)
        self._inference = Inference(brain, self._clock, self._presenter.news, threads=cores())
        relief = self._relief = Relief(self._clock, self._inference, self._presenter, self._parts)
        relief.use(self._ladder)
        self._workers = [
            *self._inference.workers(self._on_end),
            Worker("present", self._presenter.run, self._on_end),
            Worker("relief", lambda: relief.run(self._lanes), self._on_end),
        ]
        for worker in self._workers:
            worker.start()
        for config in self._first:
            self.add(config)

    def stop(self, timeout_s: float = 2.0) -> None:
        """End all threads; may be called twice.

        Raises:
            StuckThreadError: a thread did not end within `timeout_s` (all of them together).
        """
        with self._lock:
            self._ended_for_good = True
            cameras = list(self._cameras.values())
            for camera in cameras:
                self._retire(camera)
            self._cameras.clear()
            retired, self._retired = self._retired, []
        if self._inference is None:
            return
        self._inference.abort()
        self._presenter.abort()
        if self._relief is not None:
            self._relief.abort()
        end_s = self._clock.monotonic() + timeout_s
        workers = retired + self._workers
        stuck = [worker.name for worker in workers if not self._ended(worker, end_s)]
        self._memories = self._memories.learn({camera.config.id: camera.lane.memory() for camera in cameras})
        if stuck:
            raise StuckThreadError(f"still running {timeout_s:g} s after the stop: {', '.join(stuck)}")
        self._workers = []
        self._inference.brain.detector.close()

    def _ended(self, worker: Worker, end_s: float) -> bool:
        try:
            worker.wait(max(0.05, end_s - self._clock.monotonic()))
        except StuckThreadError:
            return False
        return True

    # ---- cameras

    def add(self, config: CameraConfig) -> None:
        """Watch one more camera; ids go on where it was watched before.

        Raises:
            UsageError: the name is taken, or the source cannot be understood.
        """
        inference = self._running()
        with self._lock:
            if self._ended_for_good:
                raise UsageError("the session has ended: make a new one")
            if config.id in self._cameras:
                raise UsageError(f"camera {config.id!r}: there is one of this name already; choose another")
            lane = new_lane(config, self._memories.of(config.id))
            camera = Watched(config, lane, self._views(config, lane))
            if not config.enabled:
                camera.fixed = FeedState(name="off", since_s=self._clock.monotonic())
                self._cameras[config.id] = camera
                return
            feed = camera.feed = self._feed(
                config, camera.stop, lambda frame: self._running().deliver(lane, frame)
            )
            self._cameras[config.id] = camera
            inference.open(lane)
            camera.worker = Worker(
                f"capture-{config.id}",
                lambda: feed.run(camera.stop),
                lambda error: self._on_capture_end(camera, error),
            )
            camera.worker.start()
            camera.views.use(config)

    def remove(self, camera_id: str) -> None:
        """Watch a camera no longer; its thread is told to end and is joined by `stop`. Raises UsageError."""
        with self._lock:
            camera = self._cameras.pop(self._camera(camera_id).config.id)
            self._retire(camera)
            self._memories = self._memories.learn({camera_id: camera.lane.memory().ids_alone()})
        self._presenter.forget(camera_id)

    def change(self, config: CameraConfig) -> None:
        """Watch a camera otherwise; ids go on.

        How its pictures are looked at (`LOOKING`) changes between two frames; anything else opens it anew,
        so that no picture from before, without its privacy mask, is left anywhere.

        Raises:
            UsageError: there is no such camera, or its source cannot be understood.
        """
        with self._lock:
            camera = self._camera(config.id)
            same = {name: getattr(camera.config, name) for name in (*LOOKING, *STREAMS)}
            if replace(config, **same) == camera.config:
                camera.config = config
                look(camera.lane, config)
                if config.enabled:
                    camera.views.use(config)
                self._presenter.news(config.id)  # what is drawn may be another
                return
            self.remove(config.id)
            self.add(config)

    def enable(self, camera_id: str, *, on: bool = True) -> None:
        """Open a camera, or let go of it but keep it in the list. Raises UsageError."""
        with self._lock:
            self.change(replace(self._camera(camera_id).config, enabled=on))

    def playback(self, camera_id: str) -> Playback:
        """What holds, moves and paces a recording. Raises UsageError for a camera: it cannot be held."""
        with self._lock:
            feed = self._camera(camera_id).feed
        if not isinstance(feed, Playback):
            raise UsageError(f"camera {camera_id!r} is live, and what is live cannot be held")
        return feed

    # ---- model

    def set_model(self, model: str | None) -> None:
        """Detect with another model; None: the one that the parts name.

        Takes up to seconds, so it is nothing for a Qt main thread. Every camera's tracker begins anew; ids
        go on.

        Raises:
            ModelError, DeviceError: it cannot be used; the one before goes on.
        """
        self._running().replace(self._parts.open_brain(model))

    def set_thresholds(self, *, low: float, high: float, birth: float) -> None:
        """Track with other score thresholds (0-1, see the model card); trackers begin anew, ids go on."""
        inference = self._running()
        inference.replace(self._parts.with_thresholds(inference.brain, low, high, birth))

    def use_ladder(self, ladder: LadderConfig | None) -> None:
        """Do without other things, or nothing (None), when the machine cannot keep up."""
        if ladder == self._ladder:
            return
        self._ladder = ladder
        if self._relief is not None:
            self._relief.use(ladder)

    # ---- looking

    @property
    def load(self) -> Load:
        """What it does without now, and why."""
        return Load() if self._relief is None else self._relief.load

    @property
    def failure(self) -> BaseException | None:
        """What ended the inference or present thread; None while all is well.

        A failed camera is in `states`.
        """
        return self._failure

    def config(self, camera_id: str) -> CameraConfig:
        """How a camera is watched now. Raises UsageError."""
        with self._lock:
            return self._camera(camera_id).config

    @property
    def brain(self) -> Brain:
        """What detects and tracks now. Raises UsageError before the start."""
        return self._running().brain

    @property
    def device(self) -> str:
        """What infers, in words."""
        return self._running().brain.detector.device

    @property
    def times(self) -> Mapping[str, StageStats]:
        """Time by stage, of all cameras together, since the start."""
        return self._running().times.stages()

    def states(self) -> dict[str, State]:
        """How every camera is doing."""
        inference = self._inference
        if inference is None:
            return {}
        now_s, device = self._clock.monotonic(), inference.brain.detector.device
        with self._lock:
            cameras = dict(self._cameras)
        return {
            name: with_streams(
                camera.lane.state(camera.feed_state, now_s, device, inference.overwritten(camera.lane)),
                camera.views.states(),
            )
            for name, camera in cameras.items()
        }

    @property
    def memories(self) -> Memories:
        """What is known of tracks, for the next session; without a gap after `stop`."""
        with self._lock:
            cameras = list(self._cameras.values())
        return self._memories.learn({camera.config.id: camera.lane.memory() for camera in cameras})

    def latest(self, camera_id: str) -> FrameResult | None:
        """The newest result of a camera; None before the first. Raises UsageError."""
        with self._lock:
            return self._camera(camera_id).lane.result.latest()

    def show(
        self,
        camera_id: str,
        size: tuple[int, int],
        style: OverlayStyle,
        region: Region = WHOLE,
        wall: str = "",
    ) -> None:
        """Make pictures of a part of a camera that fit into `size` (width, height) px; cheap to call again.

        The stream for showing is opened where the one that is looked at has too few pixels for it. Windows
        that show the same camera each have a `wall` of their own name.

        Raises UsageError.
        """
        with self._lock:
            camera = self._camera(camera_id)
            view = camera.views.show(wall, on=camera.config.enabled and too_small(camera.lane, size, region))
        self._presenter.show(camera.lane, Wish(size, style, region), view, wall)

    def hide(self, camera_id: str, wall: str = "") -> None:
        """Make no more pictures of a camera for a wall."""
        with self._lock:
            if camera_id in self._cameras:
                self._cameras[camera_id].views.show(wall, on=False)
        self._presenter.hide(camera_id, wall)

    def preview(self, camera_id: str, wall: str = "") -> Preview | None:
        """The newest picture of a camera that is shown; None before the first."""
        return self._presenter.preview(camera_id, wall)

    # ---- inside

    def _lanes(self) -> list[Lane]:
        with self._lock:
            return [camera.lane for camera in self._cameras.values() if camera.feed is not None]

    def _labels(self) -> LabelMap:
        return self._running().brain.detector.labels

    def _running(self) -> Inference:
        if self._inference is None:
            raise UsageError("the session is not started yet: call start()")
        return self._inference

    def _camera(self, camera_id: str) -> Watched:
        camera = self._cameras.get(camera_id)
        if camera is None:
            known = ", ".join(self._cameras) or "none"
            raise UsageError(f"there is no camera {camera_id!r} in this session (there are: {known})")
        return camera

    def _views(self, config: CameraConfig, lane: Lane) -> Views:
        return Views(
            config,
            lane,
            open_feed=self._feed,
            labels=self._labels,
            on_news=self._presenter.news,
            clock=self._clock,
        )

    def _feed(self, config: CameraConfig, stop: threading.Event, deliver: Callable[[Frame], None]) -> Feed:
        if config.source.live:
            return self._parts.supervise(config, stop, deliver)
        playback = PlaybackConfig(loop=config.loop, paced=config.paced, stay=config.stay)
        return Playback(self._parts.opener(config, stop), deliver, self._clock, playback)

    def _retire(self, camera: Watched) -> None:
        camera.stop.set()
        self._running().close(camera.lane)
        workers = [*camera.views.close(), *([] if camera.worker is None else [camera.worker])]
        self._retired = [*(worker for worker in self._retired if worker.alive), *workers]

    def _on_capture_end(self, camera: Watched, error: BaseException | None) -> None:
        """In the capture thread: a camera that failed says so in its state, the others go on."""
        if error is None:
            return
        camera.fixed = failed(error, self._clock.monotonic())

    def _on_end(self, error: BaseException | None) -> None:
        """In the inference or present thread: without it nothing is seen, so every camera is stopped."""
        if error is None or self._failure is not None:
            return
        self._failure = error
        with self._lock:
            for camera in self._cameras.values():
                camera.stop.set()
        self._running().abort()
