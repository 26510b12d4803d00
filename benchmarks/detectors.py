"""Time the detectors beside each other: one frame at a time, decoding and suppression included.

usage: python benchmarks/detectors.py [--peer NANODET.onnx --peer-card CARD.json] [--model NAME …]
           [--sizes 320x320,416x416] [--runtimes openvino,onnxruntime] [--threads 2] [--rounds 100]
           [--json OUT.json]

Frames are 1280x720 pictures of a drawn street. Preparation (resize) is timed apart. All detectors are open at
the same time and take turns frame by frame, so that each sees the same machine; the order of turns changes.
Times are medians; `ratio` is the median time beside the peer's, or beside that of the first line where there
is no peer. The sizes are those of the model's card, and others that its graph accepts.
Prints JSON, or writes it; `benchmarks/table.py` makes the page for people from it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reports import write_report
from surveil.app.machine import describe_machine
from surveil.capture.open import open_source, parse_source
from surveil.cli.options import parse_size
from surveil.clock import SystemClock
from surveil.detect.assets import find_model
from surveil.detect.open import installed_runtimes, open_detector
from surveil.detect.runner import Runner
from surveil.pipeline.files import playing
from surveil.types import Frame
from surveil.version import __version__

SCENE = "test://street?size=1280x720&fps=2&seconds=10&seed=7"
MODELS = ("mobilenetv2-gfl-320-int8", "mobilenetv2-gfl-320")
WARM_UP_ROUNDS = 5


@dataclass(frozen=True)
class Contender:
    """A detector, and the seconds that it took."""

    model: str
    size: str
    runner: Runner
    prepare_s: list[float] = field(default_factory=list)
    detect_s: list[float] = field(default_factory=list)

    def look(self, frame: Frame) -> None:
        """Detect once and note the times."""
        began = time.perf_counter()
        prepared = self.runner.prepare(frame)
        ready = time.perf_counter()
        self.runner.detect([prepared])
        self.detect_s.append(time.perf_counter() - ready)
        self.prepare_s.append(ready - began)

    def forget(self) -> None:
        """Drop the times of the warm-up."""
        self.prepare_s.clear()
        self.detect_s.clear()

    def figures(self, beside: Contender) -> dict[str, Any]:
        """Milliseconds, and the ratio to another's median."""
        return {
            "model": self.model,
            "size": self.size,
            "device": self.runner.device,
            "prepare_ms": 1000 * statistics.median(self.prepare_s),
            "p50_ms": 1000 * statistics.median(self.detect_s),
            "p95_ms": 1000 * float(np.percentile(self.detect_s, 95)),
            "best_ms": 1000 * min(self.detect_s),
            "ratio": statistics.median(self.detect_s) / statistics.median(beside.detect_s),
            "best_ratio": min(self.detect_s) / min(beside.detect_s),
        }


def contenders(arguments: argparse.Namespace, folder: Path) -> list[Contender]:
    """All that take part, the peer first."""
    found = []
    if arguments.peer is not None:
        runner = open_detector(
            str(arguments.peer),
            card=arguments.peer_card,
            device="cpu",
            runtime="onnxruntime",
            threads=arguments.threads,
        )
        found.append(Contender(runner.card.name, size_name(runner.shape), runner))
    for name in arguments.model or MODELS:
        model = find_model(name)
        for size in arguments.sizes:
            card = folder / f"{model.card.name}-{size[0]}x{size[1]}.json"
            # A size that the card does not list is measured all the same: what counts here is the time.
            spec = replace(model.card.input, shapes=((size[1], size[0]),))
            replace(model.card, input=spec).save(card)
            for runtime in arguments.runtimes:
                runner = open_detector(
                    str(model.path), card=card, device="cpu", runtime=runtime, threads=arguments.threads
                )
                found.append(Contender(model.card.name, size_name(runner.shape), runner))
    return found


def size_name(shape: tuple[int, int]) -> str:
    """`WxH` of (height, width)."""
    return f"{shape[1]}x{shape[0]}"


def pictures() -> list[Frame]:
    """The frames that everybody looks at."""
    spec = parse_source(SCENE)
    with playing(open_source(spec, camera_id=spec.name, clock=SystemClock()), threading.Event()) as frames:
        return list(frames)


def measure(found: Sequence[Contender], rounds: int) -> None:
    """Let all look at the same frames in turn."""
    frames, order, rng = pictures(), list(found), np.random.default_rng(0)
    for number in range(WARM_UP_ROUNDS + rounds):
        if number == WARM_UP_ROUNDS:
            for contender in found:
                contender.forget()
        rng.shuffle(order)  # type: ignore[arg-type]
        for contender in order:
            contender.look(frames[number % len(frames)])


def report(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was measured."""
    with tempfile.TemporaryDirectory() as folder:
        found = contenders(arguments, Path(folder))
    measure(found, arguments.rounds)
    return {
        "version": __version__,
        "machine": describe_machine(),
        "frames": SCENE,
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "beside": found[0].model,
        "detectors": [contender.figures(found[0]) for contender in found],
    }


def main() -> None:
    """Read the arguments, measure, print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", type=Path, help="the model that all are compared with, on ONNX Runtime")
    parser.add_argument("--peer-card", type=Path, help="its card; without it the one beside it")
    parser.add_argument("--model", action="append", help="name or .onnx file; may be given again")
    parser.add_argument("--sizes", default="320x320,416x416", help="of the input, width x height")
    parser.add_argument("--runtimes", help="default: openvino and onnxruntime, where they are installed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write to this file instead of standard output")
    arguments = parser.parse_args()
    arguments.sizes = [parse_size(text) for text in arguments.sizes.split(",")]
    known = [name for name in ("openvino", "onnxruntime") if name in installed_runtimes()]
    arguments.runtimes = arguments.runtimes.split(",") if arguments.runtimes else known
    write_report(report(arguments), arguments.json)


if __name__ == "__main__":
    main()
