"""Detections of one image beside its annotations: which boxes are false, which objects are missed, and why.

A false box has one kind: `duplicate` (its object has a better box), `confusion` (an object of another class),
`localisation` (an object of its class, but badly framed) or `background`. A missed object has one reason:
`confusion`, `localisation`, `low score` (framed rightly, but under the score) or `not found`. Both may have
several circumstances, see `circumstances`.

Where only an undivided group is labelled (any vehicle), its members count as that group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.geometry import Boxes, area, intersection, iou, xywh_to_xyxy
from training.data.coco import is_labelled
from training.evaluate.judge import Judged

FALSE_KINDS = ("background", "localisation", "duplicate", "confusion")
MISSED_REASONS = ("not found", "low score", "localisation", "confusion")
CIRCUMSTANCES = ("small", "medium", "large", "crowd", "night", "from above", "edge of the picture")


@dataclass(frozen=True, kw_only=True)
class FailureConfig:
    """When a box is wrong, and what its circumstances are.

    Attributes:
        score: Boxes from here on count.
        same_iou: A box that overlaps an object by so much shows it.
        near_iou: From here on it is badly framed; below, it shows something else.
        small: Objects under this many pixels squared are small (COCO's bound).
        large: From here on they are large (COCO's bound).
        crowd: Share of a box that other objects cover.
        dark: Mean grey value of a picture taken at night, 0-255.
        edge_px: A box that comes so close to the edge is cut off by it.
        above: Beginnings of sources filmed from above.
        groups: Undivided categories and the classes that they may be.
    """

    score: float
    same_iou: float = 0.5
    near_iou: float = 0.1
    small: float = 32.0**2
    large: float = 96.0**2
    crowd: float = 0.3
    dark: float = 60.0
    edge_px: float = 2.0
    above: tuple[str, ...] = ("topview_",)
    groups: tuple[tuple[str, tuple[str, ...]], ...] = (("vehicle_any", ("car", "bus", "truck")),)


@dataclass(frozen=True)
class Scene:
    """One image as it is compared; labels are categories of the annotation file.

    Attributes:
        boxes: (G, 4) objects, xyxy.
        labels: Of the objects.
        crowds: (R, 4) regions of many objects, where nothing is false.
        crowd_labels: Of the regions.
        found: (D, 4) detections of labelled classes, best first.
        scores: (D,).
        found_labels: Of the detections, as the annotations would name them.
        names: Of the detections, as the model names them.
    """

    boxes: Boxes
    labels: NDArray[Any]
    crowds: Boxes
    crowd_labels: NDArray[Any]
    found: Boxes
    scores: NDArray[np.float32]
    found_labels: NDArray[Any]
    names: Sequence[str]


def circumstances(
    box: NDArray[np.float32], others: Boxes, image: Mapping[str, Any], light: float, config: FailureConfig
) -> tuple[str, ...]:
    """What may make a box hard.

    Args:
        box: (4,) xyxy.
        others: (N, 4) the image's other objects.
        image: Its entry.
        light: Mean grey value of the picture.
        config: The bounds.
    """
    pixels = float(area(box[None])[0])
    covered = float(intersection(box[None], others).max(initial=0.0)) / max(pixels, 1e-6)
    distance = min(box[0], box[1], image["width"] - box[2], image["height"] - box[3])
    middle = "medium" if pixels >= config.small else "small"
    found = {
        "large" if pixels >= config.large else middle: True,
        "crowd": covered >= config.crowd,
        "night": light < config.dark,
        "from above": image["source"].startswith(config.above),
        "edge of the picture": distance <= config.edge_px,
    }
    return tuple(name for name in CIRCUMSTANCES if found.get(name))


def make_scene(judged: Judged, k: int, entries: Sequence[dict[str, Any]], config: FailureConfig) -> Scene:
    """Image k with its annotations, as they are compared."""
    image, found = judged.truth.images[k], judged.found[k]
    as_truth = {name: name for name in judged.classes if is_labelled(image, name)}
    for group, members in config.groups:
        if image["labelled"] != "all" and group in image["labelled"]:
            as_truth |= {m: group for m in members if m in judged.classes and m not in as_truth}
    names = {judged.truth.categories[name]: name for name in as_truth.values()}
    objects = [a for a in entries if a["category_id"] in names and not a["iscrowd"]]
    regions = [a for a in entries if a["category_id"] in names and a["iscrowd"]]
    labels = [found.labels[c] for c in found.class_ids.tolist()]
    kept = [row for row, label in enumerate(labels) if label in as_truth]
    return Scene(
        boxes=_boxes(objects),
        labels=np.array([names[a["category_id"]] for a in objects], object),
        crowds=_boxes(regions),
        crowd_labels=np.array([names[a["category_id"]] for a in regions], object),
        found=found.boxes[kept],
        scores=found.scores[kept],
        found_labels=np.array([as_truth[labels[row]] for row in kept], object),
        names=[labels[row] for row in kept],
    )


def _boxes(entries: Sequence[dict[str, Any]]) -> Boxes:
    rows = np.array([a["bbox"] for a in entries], np.float32).reshape(-1, 4)
    return np.asarray(xywh_to_xyxy(rows), np.float32)


def pair_up(overlap: NDArray[np.floating], same: NDArray[np.bool_], least: float) -> NDArray[np.intp]:
    """Greedy matching, best detection first, each object once.

    Args:
        overlap: (D, G) IoU.
        same: (D, G) whether both have one class.
        least: IoU of a match.

    Returns:
        (D,) the object of each detection, -1 where it has none.
    """
    free = np.ones(overlap.shape[1], bool)
    objects = np.full(len(overlap), -1, np.intp)
    for row, (overlaps, fits) in enumerate(zip(overlap, same, strict=True)):
        value = np.where(free & fits, overlaps, 0.0)
        if value.max(initial=0.0) >= least:
            objects[row] = int(value.argmax())
            free[objects[row]] = False
    return objects


def compare(
    scene: Scene, config: FailureConfig
) -> tuple[list[tuple[int, str]], list[tuple[int, str, float]], int]:
    """What is wrong in one image.

    Returns:
        False boxes (row, kind); missed objects (row, reason, best score); and how many boxes count.
    """
    overlap = np.asarray(iou(scene.found, scene.boxes))
    same = scene.found_labels[:, None] == scene.labels[None, :]
    same = same.astype(bool).reshape(overlap.shape)
    sure = scene.scores >= config.score
    objects = pair_up(overlap[sure], same[sure], config.same_iou)
    own, other = np.where(same, overlap, 0.0), np.where(same, 0.0, overlap)
    wrong, ignored = [], 0
    for row in np.flatnonzero(objects < 0):
        if _in_crowd(scene, row, config.same_iou):
            ignored += 1
            continue
        match (own[row].max(initial=0.0), other[row].max(initial=0.0)):
            case (mine, _) if mine >= config.same_iou:
                kind = "duplicate"
            case (_, others) if others >= config.same_iou:
                kind = "confusion"
            case (mine, _) if mine >= config.near_iou:
                kind = "localisation"
            case _:
                kind = "background"
        wrong.append((int(row), kind))
    stray = [row for row, _ in wrong]
    missed = []
    for k in sorted(set(range(len(scene.boxes))) - set(objects.tolist())):
        framing = own[:, k] >= config.same_iou
        best = float(scene.scores[framing].max(initial=0.0))
        if other[sure, k].max(initial=0.0) >= config.same_iou:
            reason = "confusion"
        elif own[stray, k].max(initial=0.0) >= config.near_iou:
            reason = "localisation"
        else:
            reason = "low score" if best > 0 else "not found"
        missed.append((k, reason, best))
    return wrong, missed, int(sure.sum()) - ignored


def _in_crowd(scene: Scene, row: int, share: float) -> bool:
    """Whether a detection lies in a region of many objects of its class."""
    regions = scene.crowds[scene.crowd_labels == scene.found_labels[row]]
    box = scene.found[row : row + 1]
    return bool(intersection(box, regions).max(initial=0.0) >= share * area(box)[0])


def without(scene: Scene, row: int, config: FailureConfig) -> Boxes:
    """The objects that a detection does not show."""
    overlap = iou(scene.found[row : row + 1], scene.boxes)[0]
    return scene.boxes[overlap < config.near_iou]
