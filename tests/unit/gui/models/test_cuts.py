from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from surveil.config.models import Thresholds
from surveil.detect import card
from surveil.gui.models.cuts import CUTS, Cuts, Present, cuts_in_force, cuts_of, given_by
from surveil.labels import SURVEIL_6
from surveil.types import Detections, Frame, FrameResult, Tracks

OWN = Cuts(low=0.4, high=0.5, birth=0.7)


def result(*scores, detected=True):
    n = len(scores)
    frame = Frame(camera_id="a", index=0, pts_s=0, wall_s=0, arrived_s=0, image=np.zeros((4, 4, 3), np.uint8))
    found = Detections(
        boxes=np.zeros((n, 4), np.float32),
        scores=np.float32(scores),
        class_ids=np.zeros(n, np.int32),
        frame_size=(4, 4),
        labels=SURVEIL_6,
    )
    return FrameResult(
        frame=frame, detections=found, tracks=Tracks.empty((4, 4), SURVEIL_6), detected=detected
    )


@given(st.sampled_from(CUTS), st.floats(-1, 2), st.floats(0, 0.5))
def test_cuts_stay_in_order_and_above_the_floor(name, to, floor):
    cuts = Cuts(low=0.5, high=0.55, birth=0.7).moved(name, to, floor)
    assert floor - 0.005 <= cuts.low <= cuts.high <= cuts.birth <= 1
    Thresholds(low=cuts.low, high=cuts.high, birth=cuts.birth)


def test_the_card_s_hold_where_the_file_gives_none():
    own = cuts_of(card.Thresholds(low=0.4, high=0.5, birth=0.7, display=0.5))
    assert own == OWN
    assert cuts_of(card.Thresholds(low=0.4, high=0.5, birth=0.7, display=0.5), least=0.6) == Cuts(
        low=0.6, high=0.6, birth=0.7
    )
    assert cuts_in_force(own, Thresholds(birth=0.9)) == Cuts(low=0.4, high=0.5, birth=0.9)
    assert given_by(OWN, OWN) == Thresholds()
    assert given_by(OWN.moved("birth", 0.8), OWN).birth == 0.8


def test_present_detections_are_counted_above_each_cut():
    present = Present()
    present.see("a", result(0.4, 0.45, 0.9))
    present.see("b", result(0.5, 0.7))
    assert present.passing(OWN) == {"low": 5, "high": 3, "birth": 2}
    present.see("a", result(detected=False))
    assert len(present.scores) == 5
    present.only({"b"})
    assert present.scores == (0.5, np.float32(0.7))
    present.see("b", None)
    assert present.passing(OWN) == {"low": 0, "high": 0, "birth": 0}
