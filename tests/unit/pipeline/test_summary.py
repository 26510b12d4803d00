from __future__ import annotations

import tracemalloc

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

    def pass_by(first: int) -> None:
        for track_id in range(first, first + 2000):
            census.add(result_of([A(track_id, BOX)], index=track_id))

    pass_by(1)
    tracemalloc.start()
    pass_by(2001)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(census.objects().values()) == 4000
    assert grown < 20_000
