"""Which tracks of a result are written, for all text formats alike."""

from __future__ import annotations

from surveil.types import FrameResult, Tracks, TrackState


def reported(result: FrameResult, *, all_states: bool = False) -> Tracks:
    """The tracks that a file tells of.

    Without `all_states` those are the confirmed ones that were matched in this frame. Where the detector did
    not run (every Nth frame), all confirmed ones: their boxes are predictions and `coasting` says so.
    """
    tracks = result.tracks
    if all_states:
        return tracks
    wanted = tracks.states == TrackState.CONFIRMED
    if result.detected:
        wanted &= ~tracks.coasting
    return tracks.select(wanted)
