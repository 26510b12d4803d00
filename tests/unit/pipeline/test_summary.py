from __future__ import annotations

from surveil.pipeline.summary import Census
from surveil.types import TrackState
from tests.support.results import A, result_of

BOX = (10.0, 10.0, 30.0, 60.0)


def test_every_confirmed_track_counts_once_by_its_last_class() -> None:
    census = Census()
    for index, rows in enumerate(
        (
            [A(1, BOX), A(2, BOX, state=TrackState.TENTATIVE)],
            [A(1, BOX, class_id=2), A(2, BOX, state=TrackState.LOST), A(3, BOX)],
            [A(3, BOX)],
            [],
        )
    ):
        census.add(result_of(rows, index=index, detected=index % 2 == 0))
    census.add(result_of([A(1, BOX)], index=9, camera_id="yard"))
    labels = result_of().tracks.labels
    assert census.objects() == {labels[0]: 2, labels[2]: 1}
    assert (census.frames, census.looked) == (5, 3)


def test_weeks_of_tracks_cost_no_memory() -> None:
    census = Census()
    for track_id in range(1, 2001):
        census.add(result_of([A(track_id, BOX), A(track_id + 1, BOX)], index=track_id))
    assert sum(census.objects().values()) == 2001
    assert [len(there) for there in census._there.values()] == [2]  # the rest is a number
