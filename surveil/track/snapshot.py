"""A tracker's whole memory as text: versioned JSON that reads back to the last bit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surveil.errors import DataError
from surveil.labels import LabelMap
from surveil.track.lifecycle import Table, table_type

SCHEMA = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerState:
    """What a tracker knows.

    Attributes:
        next_id: the id of the next new track; smaller ones never come back.
        now_s: media time of the last update; None before the first.
        labels: the classes of the tracks.
        spoken: those of the detections; the same until a swapped model forgets living classes.
        tracks: see `lifecycle.Table`.
    """

    next_id: int
    now_s: float | None
    labels: LabelMap
    spoken: LabelMap
    tracks: Table


def dump(state: TrackerState) -> str:
    """The state as JSON in one line; numbers are written in full, so that `load` gives the same bits."""
    body = {
        "next_id": state.next_id,
        "now_s": state.now_s,
        "labels": _names(state.labels),
        "spoken": _names(state.spoken),
        "tracks": {name: state.tracks[name].tolist() for name in state.tracks.dtype.names or ()},
    }
    return json.dumps({"schema": SCHEMA, "sha256": _digest(body), "state": body}, allow_nan=False)


def load(text: str) -> TrackerState:
    """The state from `dump`.

    Raises:
        DataError: it is damaged, or of another version.
    """
    try:
        whole = json.loads(text)
        schema = whole["schema"]
        if schema != SCHEMA:
            raise DataError(
                f"tracker snapshot: expected version {SCHEMA}, got {schema!r}: begin without it, or with the "
                "release that wrote it"
            )
        body = whole["state"]
        if whole["sha256"] != _digest(body):
            raise DataError("tracker snapshot: damaged (its checksum is wrong): begin without it")
        return _state(body)
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"tracker snapshot: damaged ({error}): begin without it") from error


def continued(state: TrackerState, ids_after: int, at_s: float | None) -> TrackerState:
    """The state for frames whose media time begins anew; arguments as of `SurveilTracker.resume`."""
    tracks = state.tracks.copy()
    now_s = state.now_s
    if at_s is not None and now_s is not None:
        for name in ("born_s", "seen_s", "anchored_s"):
            tracks[name] = at_s - (now_s - tracks[name])  # in this order: what is seen now stays seen now
        now_s = at_s
    return replace(state, next_id=max(state.next_id, ids_after + 1), now_s=now_s, tracks=tracks)


def _state(body: dict[str, Any]) -> TrackerState:
    labels, spoken = (LabelMap(body[key]["name"], tuple(body[key]["names"])) for key in ("labels", "spoken"))
    columns = body["tracks"]
    tracks = np.zeros(len(columns["ids"]), table_type(len(labels)))
    for name in tracks.dtype.names or ():
        tracks[name] = np.array(columns[name], tracks[name].dtype).reshape(tracks[name].shape)
    return TrackerState(
        next_id=body["next_id"], now_s=body["now_s"], labels=labels, spoken=spoken, tracks=tracks
    )


def _names(labels: LabelMap) -> dict[str, Any]:
    return {"name": labels.name, "names": list(labels.names)}


def _digest(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
