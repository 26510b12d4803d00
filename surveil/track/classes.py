"""What a track is: detectors change their minds, so every detection votes and the label follows slowly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveil.labels import LabelMap
from surveil.track.assignment import overlapping
from surveil.types import Detections

NEW_VOTE = 0.1  # weight of the newest detection beside all before it, once there are ten
LEAD = 0.1  # how far another class must lead before the label changes


def best_guesses(found: Detections, same_overlap: float) -> NDArray[np.bool_]:
    """Mask (M,) with one detection an object: of boxes of different classes that overlap more, the surest.

    A detector suppresses double boxes class by class; one van may still come as a car, a truck and a bus.
    """
    keep = np.ones(len(found), np.bool_)
    if len(found) == 0 or (found.class_ids == found.class_ids[0]).all():
        return keep
    boxes, scores = found.boxes.astype(np.float64), found.scores
    i, j, overlap = overlapping(boxes, boxes)
    better = (scores[i] > scores[j]) | ((scores[i] == scores[j]) & (i < j))
    beaten = (overlap > same_overlap) & better & (found.class_ids[i] != found.class_ids[j])
    keep[j[beaten]] = False
    return keep


def first_votes(class_ids: NDArray[np.int32], classes: int) -> NDArray[np.float64]:
    """Votes (N, C) of tracks at their first detection: everything for its class; rows add up to 1."""
    votes = np.zeros((len(class_ids), classes))
    votes[np.arange(len(class_ids)), class_ids] = 1
    return votes


def vote(
    votes: NDArray[np.float64], hits: NDArray[np.int64], class_ids: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Votes (N, C) after one detection each of class_ids (N,); hits (N,) counts the detections before.

    The mean over the first ten detections, an exponentially decayed one after that: a wrong first label has
    no privilege.
    """
    weight = np.maximum(NEW_VOTE, 1 / (hits + 1))
    votes = votes * (1 - weight)[:, None]
    votes[np.arange(len(votes)), class_ids] += weight
    return votes


def elect(votes: NDArray[np.float64], class_ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """Labels (N,) after the vote: the present ones, unless another class leads clearly."""
    rows = np.arange(len(votes))
    best = np.argmax(votes, axis=1)
    changes = votes[rows, best] > votes[rows, class_ids] + LEAD
    return np.where(changes, best, class_ids).astype(np.int32)


def adopt(
    new: LabelMap, old: LabelMap, votes: NDArray[np.float64], class_ids: NDArray[np.int32]
) -> tuple[LabelMap, NDArray[np.float64], NDArray[np.int32]]:
    """The label map, votes (N, C) and labels (N,) of living tracks after the detector was swapped.

    Classes are the same when their names are. The new detector's map becomes the tracks' map, so that its
    class ids mean the same in both; names that only living tracks vote for are appended (`new+old`) and
    nothing is forgotten.
    """
    voted = [old[int(k)] for k in np.flatnonzero(votes.any(axis=0))]
    kept = tuple(name for name in voted if name not in new.names)
    labels = LabelMap(f"{new.name}+{old.name}", new.names + kept) if kept else new
    moved = np.zeros((len(votes), len(labels)))
    for name in voted:
        moved[:, labels.id_of(name)] = votes[:, old.id_of(name)]
    ids = [labels.id_of(old[int(k)]) for k in class_ids]
    return labels, moved, np.array(ids, np.int32)
