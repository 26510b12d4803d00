"""Time the detectors beside each other, decoding and suppression included, on a CPU or a GPU.

usage: python benchmarks/detectors.py [--peer NANODET.onnx --peer-card CARD.json] [--model NAME …]
           [--sizes 320x320,416x416] [--runtimes openvino,onnxruntime,torch] [--device cpu] [--batch 1]
           [--threads 2] [--rounds 100] [--json OUT.json]

Frames are 1280x720 pictures of a drawn street. Preparation (resize) is timed apart. All detectors are open at
the same time and take turns call by call, so that each sees the same machine; the order of turns changes.
A call looks at `--batch` frames; on a CPU a runtime takes them one after the other. torch runs programs
(`python -m training program` writes them), on a GPU as CUDA graphs; the other runtimes run ONNX files.
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
from surveil.clock import SystemClock
from surveil.detect.assets import find_model
from surveil.detect.devices import parse_device
from surveil.detect.open import installed_runtimes, open_detector
from surveil.detect.runner import Runner
from surveil.errors import SurveilError
from surveil.pipeline.files import playing
from surveil.types import Frame
from surveil.version import __version__
from training.evaluate.commands import size as parse_size

SCENE = "test://street?size=1280x720&fps=2&seconds=10&seed=7"
MODELS = ("mobilenetv2-gfl-320-int8", "mobilenetv2-gfl-320")
PROGRAM = ".pt2"
WARM_UP_ROUNDS = 5


@dataclass(frozen=True)
class Contender:
    """A detector, and the seconds that it took."""

    model: str
    size: str
    runner: Runner
    prepare_s: list[float] = field(default_factory=list)
    detect_s: list[float] = field(default_factory=list)

    def look(self, frames: Sequence[Frame]) -> None:
        """Detect once, in all frames together, and note the times."""
        began = time.perf_counter()
        prepared = [self.runner.prepare(frame) for frame in frames]
        ready = time.perf_counter()
        self.runner.detect(prepared)
        self.detect_s.append(time.perf_counter() - ready)
        self.prepare_s.append((ready - began) / len(frames))

    def forget(self) -> None:
        """Drop the times of the warm-up."""
        self.prepare_s.clear()
        self.detect_s.clear()

    def figures(self, beside: Contender, batch: int) -> dict[str, Any]:
        """Milliseconds of a call (preparation: of a frame), frames a second, and the ratio to another."""
        middle = statistics.median(self.detect_s)
        return {
            "model": self.model,
            "size": self.size,
            "device": self.runner.device,
            "prepare_ms": 1000 * statistics.median(self.prepare_s),
            "p50_ms": 1000 * middle,
            "p95_ms": 1000 * float(np.percentile(self.detect_s, 95)),
            "best_ms": 1000 * min(self.detect_s),
            "frames_s": batch / middle,
            "ratio": middle / statistics.median(beside.detect_s),
            "best_ratio": min(self.detect_s) / min(beside.detect_s),
        }


def contenders(arguments: argparse.Namespace, folder: Path) -> list[Contender]:
    """All that take part, the peer first."""
    found = []
    if arguments.peer is not None:
        runner = open_detector(
            str(arguments.peer),
            card=arguments.peer_card,
            device=arguments.device,
            runtime="onnxruntime",
            threads=arguments.threads,
        )
        found.append(Contender(runner.card.name, size_name(runner.shape), runner))
    for name in arguments.model or MODELS:
        model = find_model(name)
        for shape in arguments.sizes:
            card = folder / f"{model.card.name}-{size_name(shape)}.json"
            # A size that the card does not list is measured all the same: what counts here is the time.
            replace(model.card, input=replace(model.card.input, shapes=(shape,))).save(card)
            for runtime in runtimes_of(model.path, arguments.runtimes):
                runner = open_detector(
                    str(model.path),
                    card=card,
                    device=arguments.device,
                    runtime=runtime,
                    threads=arguments.threads,
                )
                found.append(Contender(model.card.name, size_name(runner.shape), runner))
    return found


def runtimes_of(model: Path, asked: Sequence[str]) -> list[str]:
    """Those of the runtimes asked for that read a file: programs are torch's alone, and torch's only food."""
    known = [name for name in asked if (name == "torch") == (model.suffix == PROGRAM)]
    if not known:
        raise SystemExit(
            f"{model}: none of {', '.join(asked)} runs it; torch runs {PROGRAM}, the others .onnx"
        )
    return known


def size_name(shape: tuple[int, int]) -> str:
    """`WxH` of (height, width)."""
    return f"{shape[1]}x{shape[0]}"


def pictures() -> list[Frame]:
    """The frames that everybody looks at."""
    spec = parse_source(SCENE)
    with playing(open_source(spec, camera_id=spec.name, clock=SystemClock()), threading.Event()) as frames:
        return list(frames)


def measure(found: Sequence[Contender], rounds: int, batch: int) -> None:
    """Let all look at the same frames in turn."""
    frames, order, rng = pictures(), list(found), np.random.default_rng(0)
    for number in range(WARM_UP_ROUNDS + rounds):
        if number == WARM_UP_ROUNDS:
            for contender in found:
                contender.forget()
        rng.shuffle(order)  # type: ignore[arg-type]
        seen = [frames[(number * batch + k) % len(frames)] for k in range(batch)]
        for contender in order:
            contender.look(seen)


def gpu_name(device: str) -> str | None:
    """The GPU by its name; None on a CPU, and where torch is not there to tell."""
    asked = parse_device(device)
    if asked.kind != "cuda" or "torch" not in installed_runtimes():
        return None
    import torch  # heavy

    return torch.cuda.get_device_name(asked.index)


def report(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was measured."""
    with tempfile.TemporaryDirectory() as folder:
        found = contenders(arguments, Path(folder))
    measure(found, arguments.rounds, arguments.batch)
    return {
        "version": __version__,
        "machine": describe_machine(),
        "gpu": gpu_name(arguments.device),
        "frames": SCENE,
        "batch": arguments.batch,
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "beside": found[0].model,
        "detectors": [contender.figures(found[0], arguments.batch) for contender in found],
    }


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--peer", type=Path, help="the model that all are compared with, on ONNX Runtime")
    options.add_argument("--peer-card", type=Path, help="its card; without it the one beside it")
    options.add_argument("--model", action="append", help="name, .onnx or .pt2 file; may be given again")
    options.add_argument("--sizes", default="320x320,416x416", help="of the input, width x height")
    options.add_argument("--runtimes", help="default: all that are installed and run on the device")
    options.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    options.add_argument("--batch", type=int, default=1, help="frames of a call (default: 1)")
    options.add_argument("--threads", type=int, default=2, help="on a CPU, of one detection")
    options.add_argument("--rounds", type=int, default=100, help="calls that are counted (default: 100)")
    options.add_argument("--json", type=Path, help="write to this file instead of standard output")
    return options


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print or write."""
    options = parser()
    arguments = options.parse_args(argv)
    if arguments.batch < 1 or arguments.rounds < 1:
        options.error("--batch and --rounds are 1 or more")
    try:
        arguments.sizes = [parse_size(text) for text in arguments.sizes.split(",")]
        known = ("openvino", "onnxruntime", "torch")
        usual = [name for name in known if name in installed_runtimes()]
        if parse_device(arguments.device).kind == "cuda":
            usual = [name for name in usual if name != "openvino"]
        arguments.runtimes = arguments.runtimes.split(",") if arguments.runtimes else usual
        write_report(report(arguments), arguments.json)
    except (SurveilError, argparse.ArgumentTypeError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
