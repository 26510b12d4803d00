"""Replays recorded detections through the camera step, without any picture.

`detections/NAME.jsonl.gz` is what the shipped model found in a clip: input, packed, as it is large.
`tracks/NAME.TRACKER.mot.txt` is what a tracker made of it: output, plain, so that changes read as a diff.
`thresholds.json` holds the thresholds of the model's card at that time. `regenerate.py` makes them all.
"""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from surveil.capture.source import SourceInfo
from surveil.detect.card import Thresholds
from surveil.detect.recorded import RecordedDetector, read_detections
from surveil.pipeline.camera import CameraStep
from surveil.pipeline.files import FileJob, run_sequential
from surveil.pipeline.outlet import FileOutlet
from surveil.store.mot import MotWriter
from surveil.track.open import open_tracker
from surveil.types import Frame

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class GoldenClip:
    """One clip: where it lies, how many seconds of it, and which trackers.

    `shared/` stands for the folder of real recordings, whose footage is not in the repository.
    """

    place: str
    end_s: float | None = None
    trackers: tuple[str, ...] = ("surveil",)


CLIPS: Mapping[str, GoldenClip] = MappingProxyType(
    {
        "street": GoldenClip("assets/clips/street.mp4", trackers=("surveil", "sort")),
        "street-shake": GoldenClip("assets/clips/street-shake.mp4"),
        "people-one-by-one": GoldenClip("shared/clips/people-one-by-one.mp4"),
        "cars-from-above": GoldenClip("shared/clips/cars-from-above.mp4"),
        "motorway": GoldenClip("shared/clips/motorway.avi", end_s=12.0),
        "office-fisheye": GoldenClip("shared/clips/office-fisheye.mp4", end_s=10.0),
        "night-square": GoldenClip("shared/clips/night-square.mp4", end_s=10.0),
        "street-moving-camera": GoldenClip("shared/clips/street-moving-camera.mp4"),
    }
)


@dataclass(frozen=True)
class BlankSource:
    """The frames of a file of detections: their numbers, times and sizes, without pictures."""

    detections: Path

    def __enter__(self) -> BlankSource:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @property
    def info(self) -> SourceInfo:
        """See `Source`."""
        return SourceInfo(
            name="blank",
            size=None,
            rate_hz=25.0,
            duration_s=None,
            live=False,
            frame_count=None,
            decoder="none",
        )

    @property
    def counters(self) -> Mapping[str, int]:
        """See `Source`."""
        return {}

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        """See `Source`."""
        for row in read_detections(self.detections):
            width, height = row.size
            yield Frame(
                camera_id=row.camera,
                index=row.frame,
                pts_s=row.pts_s,
                wall_s=0.0,
                arrived_s=0.0,
                image=np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3)),
            )


def replay(detections: Path, thresholds: Thresholds, tracker: str) -> str:
    """The tracks (MOT text) that a tracker makes of recorded detections."""
    detector = RecordedDetector(detections)
    text = io.StringIO()
    job = FileJob(
        source=BlankSource(detections),
        detector=detector,
        step=CameraStep(open_tracker(tracker, detector.labels, thresholds), detector.labels),
        outlet=FileOutlet(None, own=[MotWriter(text)]),
    )
    for _ in run_sequential(job, threading.Event()):
        pass
    return text.getvalue()


def packed(name: str) -> Path:
    """The recorded detections of a clip."""
    return HERE / "detections" / f"{name}.jsonl.gz"


def unpack(name: str, folder: Path) -> Path:
    """The recorded detections of a clip as JSON Lines in `folder`."""
    path = folder / f"{name}.jsonl"
    path.write_bytes(gzip.decompress(packed(name).read_bytes()))
    return path


def pack(detections: Path, name: str) -> None:
    """Store detections; equal ones give equal bytes."""
    packed(name).parent.mkdir(exist_ok=True)
    packed(name).write_bytes(gzip.compress(detections.read_bytes(), 9, mtime=0))


def tracks_file(name: str, tracker: str) -> Path:
    """The golden tracks of a clip."""
    return HERE / "tracks" / f"{name}.{tracker}.mot.txt"


def load_thresholds() -> Thresholds:
    """Those of the model at the time of recording."""
    return Thresholds(**json.loads((HERE / "thresholds.json").read_text(encoding="utf-8")))


def save_thresholds(thresholds: Thresholds) -> None:
    """Remember those of the model."""
    values = {name: getattr(thresholds, name) for name in ("low", "high", "birth", "display")}
    (HERE / "thresholds.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
