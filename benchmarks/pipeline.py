"""Time the main job as whole processes, beside the typical script, and stage by stage.

usage: python benchmarks/pipeline.py CLIP [--model NAME|FILE.onnx] [--card FILE] [--runtimes auto] [--runs 3]
           [--json OUT.json] [--peer-python PYTHON --peer-model NANODET.onnx]

A run is `python -m surveil run CLIP --out …`: from the start of the process to its end, interpreter, imports
and loading the model included. Several runtimes (openvino,onnxruntime) run in turn; the stages and the
detector alone are measured with the first. With a peer its script (`peer_script.py`, in an interpreter of its
own) takes its turn, too, so that all see the same machine. Frames are counted in the videos that were
written. Prints JSON, or writes it; `benchmarks/table.py` makes the page for people. POSIX only (wait4).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.reports import write_report
from surveil.app.machine import describe_machine
from surveil.version import __version__

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / "benchmarks" / "peer_script.py"


def run_process(command: Sequence[str], video: Path) -> dict[str, float]:
    """Start a command and wait for its end: wall time, CPU time, most memory, frames that it wrote."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')}")
    frames = count_frames(video)
    cpu_s = usage.ru_utime + usage.ru_stime
    return {
        "frames": frames,
        "wall_s": wall_s,
        "fps": frames / wall_s,
        "cpu_ms_per_frame": cpu_s * 1000 / frames,
        "peak_rss_mb": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "written_mb": video.stat().st_size / 1e6,
    }


def count_frames(video: Path) -> int:
    """Decoded pictures of a video."""
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


def describe_clip(clip: Path) -> dict[str, Any]:
    """What goes in."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        return {
            "name": clip.name,
            "codec": stream.codec_context.name,
            "size": [stream.codec_context.width, stream.codec_context.height],
            "rate_hz": float(stream.guessed_rate or 0),
            "frames": count_frames(clip),
        }


def summed_up(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    """The middle of several runs, and all of them."""
    keys = ("fps", "wall_s", "cpu_ms_per_frame", "peak_rss_mb", "written_mb")
    return {**{key: statistics.median(run[key] for run in runs) for key in keys}, "runs": list(runs)}


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Interleaved runs, then the stages and the detector alone, with the first runtime."""
    model = [] if arguments.model is None else ["--model", arguments.model]
    model += [] if arguments.card is None else ["--card", arguments.card]
    surveil = [sys.executable, "-m", "surveil"]
    runtimes = arguments.runtimes.split(",")
    own: dict[str, list[dict[str, float]]] = {runtime: [] for runtime in runtimes}
    peer: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "own.mp4"
        theirs = Path(folder) / "peer.mp4"
        for _ in range(arguments.runs):
            for runtime in runtimes:
                command = [*surveil, "run", arguments.clip, "--out", str(video), "--quiet", *model]
                own[runtime].append(run_process([*command, "--runtime", runtime], video))
            if arguments.peer_python is not None:
                command = [
                    arguments.peer_python,
                    str(PEER),
                    arguments.clip,
                    arguments.peer_model,
                    str(theirs),
                ]
                peer.append(run_process(command, theirs))
    bench, model = [*surveil, "bench"], [*model, "--runtime", runtimes[0]]
    stages = json.loads(
        subprocess.check_output([*bench, "pipeline", arguments.clip, "--json", *model], cwd=ROOT)
    )
    detector = json.loads(subprocess.check_output([*bench, "detect", "--json", *model], cwd=ROOT))
    for part in (stages, detector):
        part.pop("machine")
    report: dict[str, Any] = {
        "version": __version__,
        "machine": describe_machine(),
        "clip": describe_clip(Path(arguments.clip)),
        "own": {runtime: summed_up(runs) for runtime, runs in own.items()},
        "stages": stages,
        "detector": detector,
    }
    if peer:
        report["peer"] = summed_up(peer)
        report["times_as_fast"] = report["own"][runtimes[0]]["fps"] / report["peer"]["fps"]
    return report


def main() -> None:
    """Read the arguments, measure, print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=lambda text: str(Path(text).resolve()))
    parser.add_argument("--model", help="name or .onnx file; the default model without it")
    parser.add_argument("--card", type=lambda text: str(Path(text).resolve()))
    parser.add_argument("--runtimes", default="auto", help="as of surveil run, several with commas")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write to this file instead of standard output")
    parser.add_argument("--peer-python", help="interpreter with the peer's libraries")
    parser.add_argument("--peer-model", help="NanoDet-Plus-m 416 for the peer")
    arguments = parser.parse_args()
    if (arguments.peer_python is None) != (arguments.peer_model is None):
        parser.error("--peer-python and --peer-model belong together")
    write_report(measure(arguments), arguments.json)


if __name__ == "__main__":
    main()
