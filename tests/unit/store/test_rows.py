from __future__ import annotations

from surveil.store.rows import reported
from surveil.types import TrackState
from tests.support.results import A, result_of

BOX = (0.0, 0.0, 9.0, 9.0)
ALL = [
    A(1, BOX),
    A(2, BOX, unseen_s=0.2),
    A(3, BOX, state=TrackState.TENTATIVE),
    A(4, BOX, state=TrackState.LOST, unseen_s=0.5),
]


def test_confirmed_and_matched_tracks_are_told() -> None:
    assert reported(result_of(ALL)).ids.tolist() == [1]


def test_where_the_detector_did_not_run_predictions_are_told() -> None:
    assert reported(result_of(ALL, detected=False)).ids.tolist() == [1, 2]


def test_all_states_on_request() -> None:
    assert reported(result_of(ALL), all_states=True).ids.tolist() == [1, 2, 3, 4]
