"""What motion gating saves, and whether it loses a visit: clips with known visits, and an empty one.

usage: python benchmarks/gating.py [--people people-one-by-one.mp4] [--cars cars-from-above.mp4]
                                   [--model NAME] [--runtime NAME] [--rounds 3] [--cameras 4]
                                   [--live-seconds 30] [--json OUT.json]

Every clip is tracked by the product's own run, without drawing and writing, in a process of its own: with
every frame looked at, and with motion gating, in turn. `benchmarks/visits.py` compares the tracks of the
clips with their visits. `empty` is the beginning of the first clip, before anybody comes, played to and fro
for a minute: the noise of a real camera. `live` plays it as several cameras at their own pace in one session,
as `surveil serve` does. Processor seconds of the whole process after its first result, or after the cameras
have settled, per hour of media and camera; of several rounds the least. Prints JSON, or writes it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reports import write_report
from benchmarks.visits import VISITS, compare
from surveil.app.doors import plan_run
from surveil.app.machine import describe_machine
from surveil.app.options import ModelOptions, OutputOptions, RunOptions
from surveil.app.table import Table
from surveil.capture.spec import parse_source
from surveil.clock import SystemClock
from surveil.pipeline.session import CameraConfig, Session
from surveil.version import __version__

EMPTY_S = 60
BEFORE_S = 1.0  # so long before the first visit nobody is in sight
SETTLE_S = 8.0  # cameras are open, and backgrounds are learned


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One run over the clip `one`, in this process."""
    model = ModelOptions(model=arguments.model, runtime=arguments.runtime, motion_gating=arguments.gated)
    options = RunOptions(model=model, output=OutputOptions(mot=arguments.mot))
    run = plan_run([str(arguments.one)], options, threading.Event())
    began_s, media_s = 0.0, 0.0
    for number, result in enumerate(run.results()):
        if number == 0:
            began_s = time.process_time()
        media_s = result.frame.pts_s
    cpu_s, summary = time.process_time() - began_s, run.summary()
    return {
        "device": summary.device,
        "frames": summary.frames,
        "looked": summary.looked,
        "objects": dict(summary.objects),
        "cpu_s_per_camera_hour": cpu_s / media_s * 3600,
        "stages_cpu_ms": {name: stage.cpu_ms for name, stage in run.times.stages().items()},
    }


def measure_live(arguments: argparse.Namespace) -> dict[str, Any]:
    """Several cameras that show the clip `one`, in one session in this process."""
    clock, never = SystemClock(), threading.Event()
    table = Table(RunOptions(model=ModelOptions(model=arguments.model, runtime=arguments.runtime)), clock)
    spec = parse_source(str(arguments.one))
    cameras = [
        CameraConfig(id=f"camera{number}", source=spec, loop=True, motion_gating=arguments.gated)
        for number in range(arguments.cameras)
    ]
    session = Session(table, cameras)
    session.start()
    clock.wait(never, SETTLE_S)
    before, cpu_s, began_s = session.states(), time.process_time(), clock.monotonic()
    clock.wait(never, arguments.live_seconds)
    after, cpu_s, passed_s = session.states(), time.process_time() - cpu_s, clock.monotonic() - began_s
    session.stop(10)
    counts = {
        what: sum(getattr(after[one].stats, what) - getattr(before[one].stats, what) for one in after)
        for what in ("received", "processed", "looked")
    }
    return {
        "cameras": len(cameras),
        **counts,
        "cpu_s_per_camera_hour": cpu_s / passed_s / len(cameras) * 3600,
    }


def measured_apart(
    clip: Path, arguments: argparse.Namespace, *, gated: bool, mot: Path | None
) -> dict[str, Any]:
    """`measure`, or without `mot` `measure_live`: the best of several rounds, each in its own process."""
    options = {
        "--one": clip, "--mot": mot, "--model": arguments.model, "--runtime": arguments.runtime,
        "--cameras": arguments.cameras, "--live-seconds": arguments.live_seconds,
    }  # fmt: skip
    command = [sys.executable, __file__, *(["--gated"] if gated else [])]
    for name, value in options.items():
        command += [] if value is None else [name, str(value)]
    rounds = []
    for _ in range(arguments.rounds):
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rounds.append(json.loads(done.stdout))
    return min(rounds, key=lambda one: one["cpu_s_per_camera_hour"])


def empty_clip(clip: Path, visits: Sequence[tuple[int, int]], rate: float, out: Path) -> None:
    """The pictures before the first visit, to and fro, coded anew."""
    count = visits[0][0] - round(BEFORE_S * rate)
    pictures = [frame for frame, _ in zip(_pictures(clip), range(count), strict=False)]
    shuttle = [*range(count), *range(count - 2, 0, -1)]
    fraction = Fraction(rate).limit_denominator(1001)
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=fraction, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height = pictures[0].width, pictures[0].height
        stream.pix_fmt = "yuv420p"
        for index in range(round(EMPTY_S * rate)):
            image = pictures[shuttle[index % len(shuttle)]].to_ndarray(format="bgr24")
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = index, 1 / fraction
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _pictures(clip: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(clip)) as container:
        yield from container.decode(container.streams.video[0])


def both(kind: str, clip: Path, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """A clip without and with gating, and what that makes of its visits."""
    rows: dict[str, Any] = {}
    for name, gated in (("every frame", False), ("motion gating", True)):
        sys.stderr.write(f"{kind}: {name} …\n")
        mot = None if kind == "live" else folder / f"{kind}-{gated}.txt"
        rows[name] = measured_apart(clip, arguments, gated=gated, mot=mot)
        if kind in VISITS and mot is not None:
            found = compare(kind, mot)
            rows[name] |= {key: found[key] for key in ("tracks", "visits", "worst_frames", "exact")}
    saved = 1 - rows["motion gating"]["cpu_s_per_camera_hour"] / rows["every frame"]["cpu_s_per_camera_hour"]
    return {**rows, "cpu_saved": saved}


def report(arguments: argparse.Namespace) -> dict[str, Any]:
    """All of it."""
    clips = {kind: getattr(arguments, kind) for kind in VISITS if getattr(arguments, kind) is not None}
    if not clips:
        sys.exit(__doc__)
    found: dict[str, Any] = {"version": __version__, "machine": describe_machine(), "clips": {}}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for kind, clip in clips.items():
            found["clips"][kind] = both(kind, clip, arguments, folder)
        kind, clip = next(iter(clips.items()))
        rate, visits = VISITS[kind]
        empty_clip(clip, visits, rate, folder / "empty.mp4")
        for kind in ("empty", "live"):
            found["clips"][kind] = both(kind, folder / "empty.mp4", arguments, folder)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for kind in VISITS:
        parser.add_argument(f"--{kind}", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--live-seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--gated", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--mot", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Command line."""
    arguments = _arguments()
    if arguments.one is not None:
        found = measure_live(arguments) if arguments.mot is None else measure(arguments)
    else:
        found = report(arguments)
    write_report(found, arguments.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
