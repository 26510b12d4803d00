"""Detections of an exported model on decoded pictures, as COCO results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.geometry import iou
from training.data.augment import letterbox
from training.data.records import Record
from training.progress import Progress


@dataclass(frozen=True, kw_only=True)
class DetectConfig:
    """How detections are picked; the protocol of every figure in a card.

    Attributes:
        floor: Lowest score.
        limit: Boxes per image.
        nms_iou: Boxes of one class that overlap more are one object.
        before_nms: Candidates per image that reach the suppression.
        batch: Pictures per call.
    """

    floor: float = 0.02
    limit: int = 100
    nms_iou: float = 0.6
    before_nms: int = 1000
    batch: int = 4


class OnnxModel:
    """An exported model in ONNX Runtime on the CPU."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """`threads`: 0 takes all cores."""
        import onnxruntime as ort  # heavy

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.path = path
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Pictures (B, H, W, 3) uint8 BGR to boxes (B, N, 4) and scores (B, N, C)."""
        boxes, scores = self.session.run(["boxes", "scores"], {"image": images})
        return boxes, scores


def suppress(boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression of boxes (N, 4) with scores (N,): kept indices, best first."""
    order, keep = np.argsort(-scores, kind="stable"), []
    while order.size:
        best, order = order[0], order[1:]
        keep.append(best)
        order = order[iou(boxes[best : best + 1], boxes[order])[0] <= threshold]
    return np.array(keep, np.int64)


def pick(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], config: DetectConfig
) -> NDArray[np.float32]:
    """Detections of one picture, best first.

    Args:
        boxes: (N, 4) xyxy.
        scores: (N, C).
        config: Limits.

    Returns:
        (K, 6) x1, y1, x2, y2, score, class.
    """
    cell, label = np.nonzero(scores > config.floor)
    value = scores[cell, label]
    if len(value) > config.before_nms:
        best = np.argpartition(-value, config.before_nms)[: config.before_nms]
        cell, label, value = cell[best], label[best], value[best]
    rows = [np.zeros((0, 6), np.float32)]
    for c in np.unique(label):
        of = np.flatnonzero(label == c)
        kept = of[suppress(boxes[cell[of]], value[of], config.nms_iou)]
        rows.append(
            np.column_stack([boxes[cell[kept]], value[kept], np.full(len(kept), c)]).astype(np.float32)
        )
    found = np.concatenate(rows)
    return found[np.argsort(-found[:, 4], kind="stable")][: config.limit]


def detect_all(
    model: OnnxModel,
    images: NDArray[np.uint8],
    records: Sequence[Record],
    size: tuple[int, int],
    config: DetectConfig,
) -> Iterator[tuple[Record, NDArray[np.float32]]]:
    """Each record with its detections (K, 6), boxes in pixels of the picture.

    Args:
        model: Boxes and scores of letterboxed pictures.
        images: (n, side, side, 3) uint8 as `decode_images` leaves them.
        records: Of the pictures.
        size: Height and width of the model's input.
        config: Limits.
    """
    progress = Progress(f"detecting with {model.path.name}", "images")
    for start in range(0, len(records), config.batch):
        part = range(start, min(start + config.batch, len(records)))
        boxed = [letterbox(images[i][: records[i].height, : records[i].width], *size) for i in part]
        boxes, scores = model(np.stack([b[0] for b in boxed]))
        for row, (i, (_, scale, dx, dy)) in enumerate(zip(part, boxed, strict=True)):
            limits = np.array([size[1], size[0]] * 2, np.float32)
            found = pick(np.clip(boxes[row], 0, limits), scores[row], config)
            record = records[i]
            offset = np.array([dx, dy] * 2, np.float32)
            edge = np.array([record.width, record.height] * 2, np.float32)
            found[:, :4] = np.clip((found[:, :4] - offset) / scale, 0, edge)
            yield record, found
        progress.at(part[-1] + 1, len(records))


def coco_results(
    detections: Iterator[tuple[Record, NDArray[np.float32]]], category_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """COCO results (image_id, category_id, bbox xywh, score); `category_ids`: by class index."""
    results = []
    for record, found in detections:
        for x1, y1, x2, y2, score, label in found.tolist():
            box = [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]
            category = category_ids[int(label)]
            results.append(
                {"image_id": record.image_id, "category_id": category, "bbox": box, "score": round(score, 4)}
            )
    return results
