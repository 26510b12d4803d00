from __future__ import annotations

from pathlib import Path

from surveil.store.mot import MotWriter
from surveil.types import TrackState
from tests.support.results import A, result_of


def test_frames_count_from_one_and_boxes_are_the_filters(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    with MotWriter(path) as writer:
        writer.write(result_of([A(3, (0, 0, 1, 1), 0.5, smoothed=(10.5, 20.25, 30.75, 60))]))
        writer.write(result_of(index=1))
        writer.write(result_of([A(3, (1, 2, 3, 5)), A(4, (5, 6, 7, 9), 0.12345)], index=2))
    assert path.read_text().splitlines() == [
        "1,3,10.50,20.25,20.25,39.75,0.5000,-1,-1,-1",
        "3,3,1.00,2.00,2.00,3.00,0.7500,-1,-1,-1",
        "3,4,5.00,6.00,2.00,3.00,0.1235,-1,-1,-1",
    ]


def test_only_what_is_sure_is_written(tmp_path: Path) -> None:
    path, box = tmp_path / "t.txt", (0.0, 0.0, 9.0, 9.0)
    rows = [A(1, box, state=TrackState.TENTATIVE), A(2, box, state=TrackState.LOST, unseen_s=0.3)]
    with MotWriter(path) as writer:
        writer.write(result_of(rows))
        writer.write(result_of([A(3, box, unseen_s=0.1)], index=1))
        writer.write(result_of([A(3, box, unseen_s=0.2)], index=2, detected=False))
    assert [line.split(",")[:2] for line in path.read_text().splitlines()] == [["3", "3"]]
