"""Draw a street scene into an H.264 clip with its exact truth beside it.

usage: python benchmarks/make_clip.py OUT.mp4 [--size 640x360] [--fps 10] [--seconds 20] [--seed 1]
                                      [--shake 0] [--pan 0] [--crf 23] [--preset veryfast]

Writes OUT.mp4, OUT.json (boxes, ids, visibility, line crossings, motion of the camera) and OUT.mot.txt (MOT
ground truth, frames from 1), and prints what it did as JSON. Equal arguments give equal files on one machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from surveil.capture.scenes.config import SceneConfig, parse_scene_url
from surveil.capture.scenes.scene import Scene
from surveil.capture.scenes.truth import FrameTruth, write_truth
from surveil.errors import SurveilError


def encode(out: Path, config: SceneConfig, *, crf: int, preset: str, **x264: str) -> list[FrameTruth]:
    """Draw all frames of a config into `out`; their truth. `x264`: more options of the encoder."""
    scene, truth = Scene(config), []
    rate = Fraction(config.fps).limit_denominator(1001)
    with av.open(str(out), "w", options={"movflags": "+faststart"}) as container:
        options = {"preset": preset, "crf": str(crf), **x264}
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = (side + side % 2 for side in config.size)
        stream.pix_fmt, stream.thread_count = "yuv420p", 1  # several threads give other bytes each time
        for index in range(config.frame_count):
            image, seen = scene.frame(index)
            frame = _i420(image)
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
            truth.append(seen)
        container.mux(stream.encode(None))
    return truth


def _i420(image: NDArray[np.uint8]) -> av.VideoFrame:
    """A picture as the encoder takes it; odd sides get their last row or column twice."""
    height, width = image.shape[:2]
    even = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return av.VideoFrame.from_ndarray(cv2.cvtColor(even, cv2.COLOR_BGR2YUV_I420), format="yuv420p")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    for name, default in (
        ("size", "640x360"), ("fps", "10"), ("seconds", "20"), ("seed", "1"), ("shake", "0"), ("pan", "0"),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--crf", type=int, default=23)
    parser.add_argument("--preset", default="veryfast")
    return parser.parse_args()


def main() -> int:
    """Command line."""
    args = _arguments()
    options = [f"{name}={getattr(args, name)}" for name in ("size", "fps", "seconds", "seed", "shake", "pan")]
    cv2.setNumThreads(1)
    started = time.process_time()
    try:
        config = parse_scene_url("test://street?" + "&".join(options))
        truth = encode(args.out, config, crf=args.crf, preset=args.preset)
        write_truth(args.out, config, truth)
    except SurveilError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    counts = {
        label: len({item.id for frame in truth for item in frame.objects if item.label == label})
        for label in ("person", "car")
    }
    result = {
        "clip": str(args.out),
        "frames": len(truth),
        "bytes": args.out.stat().st_size,
        "objects": counts,
        "crossings": sum(len(frame.crossings) for frame in truth),
        "cpu_ms_per_frame": round(1000 * (time.process_time() - started) / len(truth), 1),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
