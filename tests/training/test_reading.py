# ruff: noqa: E402 - what needs torch is imported after the skip
"""How raw outputs are read: scores and boxes computed by hand, for every head."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.errors import ConfigError
from training.grid import STRIDES, cell_grid
from training.models.detector import reading_of
from training.models.reading import AnchorReading, GFLReading, places_of, product_logits
from training.models.shapes import YOLOV3_ANCHORS, HybridConfig, LiteConfig, YoloConfig

SIZE = (64, 96)
ANCHORS = (((8, 16), (10, 10)), ((30, 20), (20, 40)), ((60, 60), (90, 50)))


def test_places_of_the_hybrid_are_the_cells() -> None:
    places = places_of(reading_of(HybridConfig()), SIZE)
    centres, strides = cell_grid(*SIZE)
    assert torch.equal(places.centres, torch.from_numpy(centres))
    assert torch.equal(places.strides, torch.from_numpy(strides))
    assert places.cells.tolist() == list(range(len(strides)))


def test_places_of_three_levels_leave_the_coarsest_out() -> None:
    places = places_of(reading_of(LiteConfig()), SIZE)
    assert len(places.strides) == 96 + 24 + 6
    assert places.cells.tolist() == list(range(96 + 24 + 6))


def test_anchors_of_a_cell_are_neighbours() -> None:
    reading = AnchorReading(2, ANCHORS, STRIDES[:3], 1.0)
    places = places_of(reading, SIZE)
    assert len(places.strides) == 2 * (96 + 24 + 6)
    assert places.cells[:4].tolist() == [0, 0, 1, 1]
    assert places.anchors is not None
    assert places.anchors[:3].tolist() == [[8, 16], [10, 10], [8, 16]]
    assert places.anchors[-1].tolist() == [90, 50]
    assert places.centres[2].tolist() == [12.0, 4.0]
    assert places.squares(5.0)[2].tolist() == [8.0, -4.0, 16.0, 12.0]  # the anchor, not a square


def test_raw_outputs_lie_in_the_order_of_the_places() -> None:
    reading = AnchorReading(2, ANCHORS, STRIDES[:3], 1.0)
    levels = [torch.zeros(1, 2 * 7, rows, columns) for rows, columns in ((8, 12), (4, 6), (2, 3))]
    levels[1][0, 7 + 5, 3, 4] = 9.0  # second anchor, first class, row 3, column 4 of stride 16
    place, channel = (reading.flatten(levels)[0] == 9.0).nonzero()[0].tolist()
    places = places_of(reading, SIZE)
    assert channel == 5
    assert places.centres[place].tolist() == [72.0, 56.0]
    assert places.anchors is not None
    assert places.anchors[place].tolist() == [20, 40]


def test_an_anchors_box_by_hand() -> None:
    reading = AnchorReading(1, ANCHORS, STRIDES[:3], 3.0)
    place = places_of(reading, SIZE)[torch.tensor([0])]  # centre (4, 4), stride 8, anchor 8 x 16
    raw = torch.tensor([[math.log(3), 0.0, math.log(2), -100.0, 0.0, 0.0]])
    # sigmoid(log 3) = 0.75: a quarter of 3 strides to the right; twice as wide; the shortest height
    high = 16 * math.exp(-4.0)
    wanted = [10 - 8, 4 - high / 2, 10 + 8, 4 + high / 2]
    assert reading.boxes(raw, place)[0].tolist() == pytest.approx(wanted, rel=1e-5)
    assert reading.scores(raw).item() == pytest.approx(0.25)


def test_the_product_of_two_scores_as_a_logit() -> None:
    a = torch.tensor([-30.0, -2.0, 0.0, 3.0, 40.0], dtype=torch.float64)
    for b in (-25.0, -1.0, 0.5, 30.0):
        second = torch.full_like(a, b)
        exact = a.sigmoid() * second.sigmoid()
        assert torch.allclose(product_logits(a, second).sigmoid(), exact, rtol=1e-9, atol=0.0)
    sure = torch.tensor(60.0)
    assert torch.isfinite(product_logits(sure, sure))


def test_quality_multiplies_all_scores() -> None:
    reading = GFLReading(2, 7, STRIDES[:3], quality=True)
    raw = torch.zeros(1, 1, 2 + 32 + 1)
    raw[..., 0], raw[..., -1] = 2.0, -1.0
    own, judged = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(1))
    assert reading.scores(raw)[0, 0].tolist() == pytest.approx([own * judged, 0.5 * judged])
    assert torch.allclose(reading.logits(raw).sigmoid(), reading.scores(raw))
    places = places_of(reading, SIZE)[torch.tensor([[0]])]
    assert reading.boxes(raw, places)[0, 0].tolist() == pytest.approx([4 - 28, 4 - 28, 4 + 28, 4 + 28])


@pytest.mark.parametrize(
    ("anchors", "reach", "message"),
    [
        (YOLOV3_ANCHORS[:2], 1.0, "expected three levels"),
        ((((8, 8),), ((8, 8), (9, 9)), ((8, 8),)), 1.0, "same number each"),
        ((((8, 8),), ((8, 0),), ((8, 8),)), 1.0, "above zero"),
        (YOLOV3_ANCHORS, 0.0, "more than zero strides"),
    ],
)
def test_anchors_that_make_no_sense_are_refused(anchors: tuple, reach: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        YoloConfig(anchors=anchors, reach=reach)
