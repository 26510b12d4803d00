"""The typical script that surveil is measured against: OpenCV, ONNX Runtime, ByteTrack, one loop.

usage: python benchmarks/peer_script.py VIDEO MODEL.onnx OUT.mp4

MODEL.onnx is NanoDet-Plus-m 416 (four outputs of 80 class logits and 4 x 8 distances). The script is what a
competent user writes from the libraries' manuals in an hour: default settings, no tuning, MPEG-4 out. It
needs an environment of its own (`pip install opencv-python onnxruntime "supervision<0.28"`, the last with
ByteTrack) and is no part of the product. Prints JSON: frames, wall_s and fps of the loop, startup_s before
it, and the mean milliseconds of each step.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections import defaultdict

import cv2
import numpy as np
import onnxruntime
import supervision as sv
from numpy.typing import NDArray

SIDE = 416
STRIDES = (8, 16, 32, 64)
MEAN = np.float32([103.53, 116.28, 123.675])
STD = np.float32([57.375, 57.12, 58.395])
MIN_SCORE = 0.3
MAX_IOU = 0.6
NAMES = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus", 7: "truck"}


def preprocess(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The stretched, normalised picture (1, 3, 416, 416)."""
    small = cv2.resize(image, (SIDE, SIDE)).astype(np.float32)
    return np.ascontiguousarray(((small - MEAN) / STD).transpose(2, 0, 1)[None])


def decode(outputs: list[NDArray[np.float32]], size: tuple[int, int]) -> sv.Detections:
    """Boxes in pixels of the picture, after non-maximum suppression by class."""
    boxes, scores, classes = [], [], []
    for output, stride in zip(outputs, STRIDES, strict=True):
        cells = output[0].reshape(112, -1).T
        probability = 1 / (1 + np.exp(-cells[:, :80]))
        best = probability.argmax(axis=1)
        score = probability[np.arange(len(best)), best]
        keep = np.flatnonzero(score > MIN_SCORE)
        weights = np.exp(cells[keep, 80:].reshape(-1, 4, 8))
        distance = (weights / weights.sum(axis=2, keepdims=True)) @ np.arange(8, dtype=np.float32) * stride
        x, y = keep % (SIDE // stride) * stride, keep // (SIDE // stride) * stride
        boxes.append(np.stack([x, y, x, y], axis=1) + distance * [-1, -1, 1, 1])
        scores.append(score[keep])
        classes.append(best[keep])
    scale = np.array([size[0], size[1], size[0], size[1]]) / SIDE
    found = sv.Detections(
        xyxy=(np.concatenate(boxes) * scale).astype(np.float32),
        confidence=np.concatenate(scores),
        class_id=np.concatenate(classes),
    )
    return found[np.isin(found.class_id, list(NAMES))].with_nms(MAX_IOU)


class Laps:
    """Where the time goes."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.start = self.last = time.perf_counter()

    def __call__(self, step: str) -> None:
        """Count the time since the last call for `step`."""
        now = time.perf_counter()
        self.spent[step] += now - self.last
        self.last = now


def follow(
    capture: cv2.VideoCapture, session: onnxruntime.InferenceSession, writer: cv2.VideoWriter, rate: float
) -> tuple[int, Laps]:
    """The loop: read, detect, track, draw, write. How many frames there were, and the time they took."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # supervision moves its tracker to another package
        tracker = sv.ByteTrack(frame_rate=round(rate))
    boxes, texts, traces = sv.BoxAnnotator(), sv.LabelAnnotator(), sv.TraceAnnotator()
    input_name, frames, lap = session.get_inputs()[0].name, 0, Laps()
    while True:
        ok, image = capture.read()
        lap("read")
        if not ok:
            return frames, lap
        outputs = session.run(None, {input_name: preprocess(image)})
        found = decode(outputs, (image.shape[1], image.shape[0]))
        lap("detect")
        found = tracker.update_with_detections(found)
        lap("track")
        rows = zip(found.tracker_id, found.class_id, found.confidence, strict=True)
        labels = [f"#{track} {NAMES[kind]} {score:.2f}" for track, kind, score in rows]
        image = traces.annotate(texts.annotate(boxes.annotate(image, found), found, labels), found)
        lap("draw")
        writer.write(image)
        lap("write")
        frames += 1


def main() -> int:
    """Run the loop over one video."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    began = time.perf_counter()
    video, model, out = sys.argv[1:]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    capture = cv2.VideoCapture(video)
    rate = capture.get(cv2.CAP_PROP_FPS)
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(out, cv2.VideoWriter_fourcc(*"mp4v"), rate, size)
    if not capture.isOpened() or not writer.isOpened():
        print(f"cannot open {video} or {out}", file=sys.stderr)
        return 1
    frames, laps = follow(capture, session, writer, rate)
    writer.release()
    laps("write")
    wall_s = laps.last - laps.start
    row = {
        "frames": frames,
        "wall_s": round(wall_s, 3),
        "fps": round(frames / wall_s, 2),
        "startup_s": round(laps.start - began, 3),
        "ms": {step: round(1000 * seconds / max(1, frames), 2) for step, seconds in laps.spent.items()},
    }
    print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
