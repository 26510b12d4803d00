"""Detections of a model on labelled pictures, through the application's own detector."""

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from surveil.detect.detector import Detector
from surveil.detect.devices import cores
from surveil.types import Detections, Frame
from training.data.decode import picture_files
from training.errors import DataError
from training.evaluate.truth import Truth
from training.progress import Progress


@dataclass(frozen=True, kw_only=True)
class ProtocolConfig:
    """How detections are picked; the protocol of every figure in a card.

    Attributes:
        floor: Lowest score.
        nms_iou: Boxes of one class that overlap more are one object; what our own cards say.
        voting_sigma: How far such boxes correct each other; what our own cards say. None: not at all.
    """

    floor: float = 0.02
    nms_iou: float = 0.6
    voting_sigma: float | None = 0.03


def decode_picture(truth: Truth, k: int, raw: bytes) -> NDArray[np.uint8]:
    """Picture k of the file, (H, W, 3) uint8 BGR.

    Raises:
        DataError: It does not decode, or has another size than the file says.
    """
    entry = truth.images[k]
    where = f"{truth.path}: images[{k}] {entry['file_name']}"
    image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
    if image is None:
        raise DataError(f"{where}: the picture does not decode")
    (height, width), expected = image.shape[:2], (entry["width"], entry["height"])
    if (width, height) != expected:
        raise DataError(f"{where}: expected {expected[0]}x{expected[1]}, the picture has {width}x{height}")
    return np.asarray(image, np.uint8)


def find_pictures(truth: Truth, sources: Sequence[Path]) -> Iterable[tuple[int, bytes]]:
    """Index and encoded picture of every image, in the order of tars and folders.

    Raises:
        DataError: A picture is missing, or two have the same name.
    """
    index = truth.indices()
    seen: set[int] = set()
    for name, raw in picture_files(sources, index):
        k = index[name]
        if k in seen:
            raise DataError(f"{name}: two pictures of this name in {', '.join(map(str, sources))}")
        seen.add(k)
        yield k, raw
    missing = sorted(set(range(len(truth.images))) - seen)
    if missing:
        first = truth.images[missing[0]]["file_name"]
        places = ", ".join(map(str, sources))
        raise DataError(f"{len(missing)} pictures not found in {places}; first: images[{missing[0]}] {first}")


def detect_all(detector: Detector, truth: Truth, sources: Sequence[Path], what: str) -> list[Detections]:
    """Detections of every image, in the order of the file; one picture a core at a time.

    Args:
        detector: With one thread of its own.
        truth: The images.
        sources: Tars and folders with the pictures.
        what: What is judged, for the progress line.

    Raises:
        DataError: As `find_pictures` and `decode_picture`.
    """

    def look(k: int, raw: bytes) -> Detections:
        frame = Frame(
            camera_id="pictures",
            index=k,
            pts_s=float(k),
            wall_s=0.0,
            arrived_s=0.0,
            image=decode_picture(truth, k, raw),
        )
        return detector.detect([detector.prepare(frame)])[0]

    workers = cores()
    progress = Progress(what, "images")
    found: dict[int, Detections] = {}
    pending: deque[tuple[int, Future[Detections]]] = deque()

    def settle() -> None:
        k, done = pending.popleft()
        found[k] = done.result()
        progress.at(len(found), len(truth.images))

    with ThreadPoolExecutor(workers, thread_name_prefix="judge") as pool:
        for k, raw in find_pictures(truth, sources):
            pending.append((k, pool.submit(look, k, raw)))
            if len(pending) > 2 * workers:
                settle()
        while pending:
            settle()
    return [found[k] for k in range(len(truth.images))]


def coco_results(truth: Truth, found: Sequence[Detections]) -> list[dict[str, Any]]:
    """COCO results (image_id, category_id, bbox xywh, score); labels that are no category are left out."""
    results = []
    for image, one in zip(truth.images, found, strict=True):
        for (x1, y1, x2, y2), score, label in zip(
            one.boxes.tolist(), one.scores.tolist(), one.class_ids.tolist(), strict=True
        ):
            category = truth.categories.get(one.labels[label])
            if category is not None:
                box = [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)]
                results.append(
                    {
                        "image_id": image["id"],
                        "category_id": category,
                        "bbox": box,
                        "score": round(score, 5),
                    }
                )
    return results
