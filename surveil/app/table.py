"""Which implementation stands behind every part of a run or session: the whole composition, in one place."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from surveil.app.options import RunOptions
from surveil.capture.open import Opener, SourceOptions, SourceSpec, open_source
from surveil.capture.sever import Connections
from surveil.capture.source import Source
from surveil.capture.supervise import SuperviseConfig
from surveil.clock import Clock, utc_text
from surveil.detect.assets import find_model
from surveil.detect.card import ModelCard, Thresholds
from surveil.detect.detector import Detector
from surveil.detect.devices import cores
from surveil.detect.open import open_detector, open_recorded
from surveil.errors import UsageError
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.gate import Gate, LaggedGate
from surveil.pipeline.live import Brain
from surveil.pipeline.memory import Memory
from surveil.pipeline.motion import MotionDetector
from surveil.pipeline.outlet import FileOutlet, Picture, ResultWriter
from surveil.pipeline.parts import Feed
from surveil.pipeline.playback import OpenAt, Playback, PlaybackConfig
from surveil.pipeline.session import CameraConfig
from surveil.pipeline.supervised import Supervised
from surveil.render.hud import Hud, media_time
from surveil.render.overlay import Overlay
from surveil.render.style import OverlayStyle
from surveil.store.jsonl import DetectionsJsonlWriter, TracksJsonlWriter
from surveil.store.mot import MotWriter
from surveil.store.outputs import check_distinct, check_folders, check_video_name, prepare_output
from surveil.store.video import VideoWriter
from surveil.track.camera_motion import MotionEstimator
from surveil.track.open import open_tracker
from surveil.types import Frame, FrameResult

SMALLER = 0.9  # of the usual input's pixels: what has fewer costs noticeably less
LIVE_RATE_HZ = 25.0  # said to the encoder for cameras, whose true times come with every frame


class Table:
    """The parts of a session (`pipeline.session.Parts`) and of a run (`pipeline.run.RunParts`)."""

    def __init__(self, options: RunOptions, clock: Clock, *, several: bool = False) -> None:
        self._options, self._clock, self._several = options, clock, several
        self._for_several = several  # what the detector of cameras is fitted to, see `refitted`
        self._connections = Connections()

    @property
    def clock(self) -> Clock:
        """The clock of all threads."""
        return self._clock

    # ---- capture

    def open_recording(self, spec: SourceSpec) -> Source:
        """See `RunParts`."""
        options = SourceOptions(
            start_s=self._options.start_s, end_s=self._options.end_s, decode=self._options.decode
        )
        return open_source(spec, camera_id=spec.name, clock=self._clock, options=options)

    def camera(self, spec: SourceSpec) -> CameraConfig:
        """See `RunParts`."""
        if self._options.start_s:
            raise UsageError(f"{spec.shown}: a camera has no start, that is for recordings: leave it away")
        options = self._options
        return CameraConfig(
            id=spec.name,
            source=spec,
            every=options.model.every,
            motion_gating=options.model.motion_gating,
            transport=options.camera.transport,
            verify_tls=options.camera.verify_tls,
            decode=options.decode,
            loop=options.loop,
        )

    def opener(self, config: CameraConfig, stop: threading.Event) -> OpenAt:
        """See `Parts`."""
        options = SourceOptions(
            packet_sink=config.packet_sink,
            masked=bool(config.privacy),
            stop=stop,
            transport=config.transport,
            verify_tls=config.verify_tls,
            decode=config.decode,
            realtime=config.source.live and config.source.kind == "synthetic",
            connections=self._connections,
        )
        return Opener(config.source, camera_id=config.id, clock=self._clock, options=options)

    def supervise(
        self, config: CameraConfig, stop: threading.Event, deliver: Callable[[Frame], None]
    ) -> Feed:
        """See `Parts`."""
        opener = self.opener(config, stop)
        if config.source.kind not in ("stream", "webcam"):  # a recording that is taken for a camera
            return Playback(opener, deliver, self._clock, PlaybackConfig(loop=config.loop))
        supervision = SuperviseConfig(still_after_s=config.still_after_s)
        return Supervised(opener, deliver, self._clock, supervision, name=config.id)

    # ---- detect, track

    def open_detector(self) -> tuple[Detector, int]:
        """See `RunParts`."""
        return self._side_by_side(None)

    @property
    def _at_once(self) -> int:
        return self._options.model.threads or cores()

    def _side_by_side(self, model: str | None, size: tuple[int, int] | None = None) -> tuple[Detector, int]:
        # As many detections side by side as there are cores, each of one thread; a GPU does one at a time.
        count = self._at_once
        detector = self._detector(model, threads=1, streams=count, size=size)
        return detector, count if detector.device.startswith("CPU") else 1

    def _for_cameras(
        self, model: str | None, size: tuple[int, int] | None = None, *, several: bool
    ) -> tuple[Detector, int]:
        # A camera's frames are detected one after the other: one alone is served best by all cores together.
        if several:
            return self._side_by_side(model, size)
        return self._detector(model, self._options.model.threads, size=size), 1

    def _detector(
        self, model: str | None, threads: int, streams: int = 1, size: tuple[int, int] | None = None
    ) -> Detector:
        options = self._options.model
        classes = options.classes or None
        if options.detections is not None and model is None:
            return open_recorded(options.detections, classes=classes, min_score=options.min_score)
        return open_detector(
            model or options.model,
            card=options.card if model is None else None,
            device=options.device,
            runtime=options.runtime,
            input_size=size or (options.input_size if model is None else None),
            classes=classes,
            min_score=options.min_score,
            threads=threads,
            streams=streams,
        )

    def new_step(
        self,
        detector: Detector,
        thresholds: Thresholds | None = None,
        memory: Memory | None = None,
        at_s: float = 0.0,
    ) -> CameraStep:
        """See `RunParts`, and `pipeline.live.Brain`."""
        cuts = thresholds or self._thresholds(detector)
        model, known = self._options.model, memory or Memory()
        tracker = open_tracker(
            model.tracker,
            detector.labels,
            cuts,
            ids_after=known.last_id,
            snapshot=known.tracker,
            at_s=at_s,
        )
        told = model.camera_motion == "auto" and model.tracker == "surveil"  # the textbook has no use for it
        motion = MotionEstimator() if told else None
        return CameraStep(tracker, detector.labels, motion=motion, last_id=known.last_id)

    def new_gate(self) -> LaggedGate | None:
        """See `RunParts`."""
        return LaggedGate(Gate(MotionDetector())) if self._options.model.motion_gating else None

    def _thresholds(self, detector: Detector) -> Thresholds:
        """The model's own, raised where no object below a score is wanted."""
        options = self._options.model
        card = detector.card or find_model(options.model, options.card, device=options.device).card
        least = options.min_score
        if least is None:
            return card.thresholds
        high = max(card.thresholds.high, least)
        return replace(card.thresholds, low=least, high=high, birth=max(card.thresholds.birth, high))

    def open_brain(self, model: str | None) -> Brain:
        """See `Parts`."""
        several = self._for_several
        detector, count = self._for_cameras(model, several=several)
        return Brain(
            detector=detector,
            new_step=lambda memory, at_s: self.new_step(detector, memory=memory, at_s=at_s),
            model=model,
            side_by_side=count,
            several=several if detector.device.startswith("CPU") and self._at_once > 1 else None,
        )

    def smaller_size(self, brain: Brain) -> tuple[int, int] | None:
        """See `Parts`."""
        card = brain.detector.card
        if card is None:
            return None  # no model: recorded detections
        width, height = self._usual_size(brain, card)
        smaller = [(w, h) for h, w in card.input.shapes if w * h < SMALLER * width * height]
        return max(smaller, key=math.prod, default=None)

    def refitted(self, brain: Brain, size: tuple[int, int] | None, *, several: bool) -> Brain:
        """See `Parts`."""
        detector, count = self._for_cameras(brain.model, size, several=several)
        self._for_several = several  # another model will be wanted for as many
        fits = None if brain.several is None else several
        return replace(brain, detector=detector, side_by_side=count, several=fits)

    def _usual_size(self, brain: Brain, card: ModelCard) -> tuple[int, int]:
        asked = self._options.model.input_size
        height, width = card.input.shapes[0]
        return (width, height) if asked is None or brain.model is not None else asked

    def with_thresholds(self, brain: Brain, low: float, high: float, birth: float) -> Brain:
        """See `Parts`."""
        thresholds = replace(self._thresholds(brain.detector), low=low, high=high, birth=birth)
        return replace(
            brain,
            new_step=lambda memory, at_s: self.new_step(brain.detector, thresholds, memory, at_s),
        )

    # ---- render, store

    def open_overlay(self, style: OverlayStyle) -> Overlay:
        """See `Parts`."""
        return Overlay(style)

    def new_overlay(self) -> Overlay:
        """What draws on the annotated video."""
        return Overlay(OverlayStyle())

    def open_shared(self) -> Sequence[ResultWriter]:
        """See `RunParts`."""
        output = self._options.output
        writers: list[ResultWriter] = []
        if output.jsonl is not None:
            target = sys.stdout if output.jsonl == "-" else output.jsonl
            writers.append(TracksJsonlWriter(target, all_states=output.all_states))
        if output.save_detections is not None:
            writers.append(DetectionsJsonlWriter(output.save_detections))
        return writers

    def open_outlet(
        self, spec: SourceSpec, shared: Sequence[ResultWriter], source: Source | None
    ) -> FileOutlet:
        """See `RunParts`."""
        video, mot = self._video_of(spec), self._mot_of(spec)
        own = [] if mot is None else [MotWriter(mot)]
        if video is None:
            return FileOutlet(None, own, shared)

        def rate_hz() -> float:
            return LIVE_RATE_HZ if source is None else source.info.rate_hz

        def hud(result: FrameResult) -> Hud:
            # Only facts of the media: the same recording gives the same bytes.
            if source is None:
                return Hud(name=spec.name, time=utc_text(result.frame.wall_s))
            return Hud(name=spec.name, time=media_time(result.frame.pts_s), fps=rate_hz())

        picture = Picture(
            overlay=self.new_overlay(),
            hud=hud,
            open_video=lambda: VideoWriter(video, rate_hz=rate_hz()),
        )
        return FileOutlet(picture, own, shared)

    # ---- where results go

    def check_outputs(self, specs: Sequence[SourceSpec]) -> None:
        """See `RunParts`."""
        videos = [path for spec in specs if (path := self._video_of(spec)) is not None]
        texts = [path for spec in specs if (path := self._mot_of(spec)) is not None]
        output, recorded = self._options.output, self._options.model.detections
        texts += [path for path in (output.jsonl, output.save_detections) if isinstance(path, Path)]
        inputs = [Path(spec.text) for spec in specs if spec.kind == "file"]
        check_distinct([*videos, *texts], [*inputs, *([] if recorded is None else [recorded])])
        if self._several:
            check_folders(path for path in (output.out, output.mot) if path is not None)
        for path in videos:
            prepare_output(path, only_files=True)
            check_video_name(path)
        for path in texts:
            prepare_output(path)

    def files(self, specs: Sequence[SourceSpec]) -> tuple[Path, ...]:
        """See `RunParts`."""
        output = self._options.output
        named = [path for spec in specs for path in (self._video_of(spec), self._mot_of(spec))]
        named += [path for path in (output.jsonl, output.save_detections) if isinstance(path, Path)]
        return tuple(path for path in named if path is not None and path.is_file())

    def _video_of(self, spec: SourceSpec) -> Path | None:
        output, name = self._options.output, f"{spec.name}.mp4"
        return self._place(output.out, name) if output.out_folder is None else output.out_folder / name

    def _mot_of(self, spec: SourceSpec) -> Path | None:
        return self._place(self._options.output.mot, f"{spec.name}.txt")

    def _place(self, path: Path | None, name: str) -> Path | None:
        return path if path is None or not self._several else path / name
