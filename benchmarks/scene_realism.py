"""How much of a drawn clip do COCO detectors find that never saw it?

usage: python benchmarks/scene_realism.py CLIP.mp4 nanodet=NANODET.onnx picodet=PICODET.onnx

The truth is CLIP.json beside the clip. Counted are the objects of which at least half is seen; one is found
where a detection of its class with a score of 0.3 or more overlaps its box by an IoU of 0.5 or more (each
detection counts once). Prints JSON; exit code 5 where a detector finds less than 85 % of the people or 90 %
of the cars.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import expit, softmax

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from surveil.capture.scenes.truth import FrameTruth, read_truth
from surveil.geometry import iou

COCO = {"person": 0, "car": 2}
WANTED = {"person": 0.85, "car": 0.90}
SIDE, SCORE, IOU, NMS_IOU, VISIBLE = 416, 0.3, 0.5, 0.6, 0.5
STRIDES = (8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class Family:
    """How a family of detectors wants its input and puts out its boxes (GFL distributions per cell)."""

    rgb: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: int
    middle: float  # where a cell's centre lies, in cells from its edge
    joined: bool  # class logits and distributions in one output per level, channels first


FAMILIES = {
    "nanodet": Family(
        rgb=False,
        mean=(103.53, 116.28, 123.675),
        std=(57.375, 57.12, 58.395),
        resize=cv2.INTER_LINEAR,
        middle=0.0,
        joined=True,
    ),
    "picodet": Family(
        rgb=True,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        resize=cv2.INTER_CUBIC,
        middle=0.5,
        joined=False,
    ),
}


class Peer:
    """One detector, read as simply as can be: this is a measure, not a product."""

    def __init__(self, family: Family, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # the models carry initialisers that nothing uses
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._family = family
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def detect(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """Boxes (N, 4) xyxy px of the people and of the cars in a BGR picture."""
        family = self._family
        small = cv2.resize(image, (SIDE, SIDE), interpolation=family.resize)
        small = small[..., ::-1] if family.rgb else small
        tensor = (small.astype(np.float32) - family.mean) / family.std
        outputs = self._session.run(None, {self._input: tensor.transpose(2, 0, 1)[None].astype(np.float32)})
        scores, boxes = self._decode(outputs)
        boxes *= np.array([image.shape[1], image.shape[0]] * 2) / SIDE
        return {label: _suppressed(boxes, scores[:, number]) for label, number in COCO.items()}

    def _decode(self, outputs: list[Any]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        levels = len(STRIDES)
        if self._family.joined:
            flat = [out[0].reshape(out.shape[1], -1).T for out in outputs]
            scores, spreads = [expit(out[:, :80]) for out in flat], [out[:, 80:] for out in flat]
        else:
            scores, spreads = [o[0] for o in outputs[:levels]], [o[0] for o in outputs[levels:]]
        boxes = []
        for stride, spread in zip(STRIDES, spreads, strict=True):
            sides = softmax(spread.reshape(-1, 4, 8), axis=-1) @ np.arange(8) * stride
            cells = -(-SIDE // stride)
            y, x = (np.mgrid[:cells, :cells].reshape(2, -1) + self._family.middle) * stride
            boxes.append(np.stack([x, y, x, y], axis=1) + sides * [-1, -1, 1, 1])
        return np.concatenate(scores), np.concatenate(boxes)


def _suppressed(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.float32]:
    kept = np.flatnonzero(scores >= SCORE)
    kept = kept[np.argsort(-scores[kept])]
    chosen: list[int] = []
    overlap = iou(boxes[kept], boxes[kept])
    for row in range(len(kept)):
        if not any(overlap[row, other] > NMS_IOU for other in chosen):
            chosen.append(row)
    return boxes[kept[chosen]].astype(np.float32)


def count(truth: FrameTruth, found: dict[str, NDArray[np.float32]]) -> Counter[str]:
    """Of one frame: objects (`LABEL`), `LABEL found`, and `LABEL false`: detections that touch no object."""
    counts: Counter[str] = Counter()
    for label, boxes in found.items():
        real = [item for item in truth.objects if item.label == label]
        wanted = np.array([item.box for item in real if item.visibility >= VISIBLE]).reshape(-1, 4)
        fit = iou(wanted, boxes) >= IOU
        rows, columns = linear_sum_assignment(fit, maximize=True)
        counts[label] += len(wanted)
        counts[f"{label} found"] += int(fit[rows, columns].sum())
        near = iou(np.array([item.box for item in real]).reshape(-1, 4), boxes) > 0.1
        counts[f"{label} false"] += int((~near.any(axis=0)).sum())
    return counts


def measure(clip: Path, peers: dict[str, Peer]) -> dict[str, Any]:
    """Shares found, by detector and class."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in peers}
    truth = read_truth(clip.with_suffix(".json"))
    with av.open(str(clip)) as container:
        for frame, seen in zip(container.decode(video=0), truth, strict=True):
            image = frame.to_ndarray(format="bgr24")
            for name, peer in peers.items():
                counts[name] += count(seen, peer.detect(image))
    found = {
        name: {
            label: {
                "objects": total[label],
                "found": round(total[f"{label} found"] / max(total[label], 1), 4),
                "false_per_frame": round(total[f"{label} false"] / len(truth), 3),
            }
            for label in COCO
        }
        for name, total in counts.items()
    }
    enough = all(rows[label]["found"] >= WANTED[label] for rows in found.values() for label in WANTED)
    return {"clip": str(clip), "frames": len(truth), "detectors": found, "wanted": WANTED, "enough": enough}


def main() -> int:
    """Command line."""
    given = [argument.partition("=") for argument in sys.argv[2:]]
    if not given or any(name not in FAMILIES for name, _, _ in given):
        sys.exit(__doc__)
    peers = {name: Peer(FAMILIES[name], Path(model)) for name, _, model in given}
    result = measure(Path(sys.argv[1]), peers)
    print(json.dumps(result, indent=1))
    return 0 if result["enough"] else 5


if __name__ == "__main__":
    sys.exit(main())
