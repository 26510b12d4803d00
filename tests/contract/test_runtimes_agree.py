"""The same frames give the same detections, whatever runtime computes."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surveil.capture.open import open_source, parse_source
from surveil.clock import SystemClock
from surveil.detect.assets import find_model
from surveil.detect.card import load_card
from surveil.detect.open import open_detector
from surveil.geometry import iou
from surveil.pipeline.files import playing
from surveil.types import Detections, Frame
from tests.support.runtimes import need

SCENE = "test://street?size=640x360&fps=2&seconds=3&seed=7"
SHOWN = 0.5  # below it, which of two boxes of one object wins is a matter of rounding
SIZES = ((320, 320), (416, 416), (416, 256))  # width, height


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    spec = parse_source(SCENE)
    with playing(open_source(spec, camera_id="street", clock=SystemClock()), threading.Event()) as frames:
        return list(frames)


def _detect(frames: list[Frame], model: str, runtime: str, **options: object) -> list[Detections]:
    detector = open_detector(model, device="cpu", runtime=runtime, threads=1, min_score=0.1, **options)  # type: ignore[arg-type]
    found = [detector.detect([detector.prepare(frame)])[0] for frame in frames]
    detector.close()
    return found


def _assert_alike(wanted: list[Detections], got: list[Detections], score: float, overlap: float) -> None:
    """The same objects, of those that are shown: scores within `score`, boxes that overlap by `overlap`."""
    sure = 0
    for a, b in zip(wanted, got, strict=True):
        for box, value, class_id in zip(a.boxes, a.scores, a.class_ids, strict=True):
            if value > SHOWN:
                sure += 1
                near = (iou(box[None], b.boxes)[0] >= overlap) & (b.class_ids == class_id)
                assert near.any(), f"class {class_id}, score {value:.3f}, {box}: not found"
                assert np.abs(b.scores[near] - value).min() <= score
    assert sure > 0


@pytest.mark.parametrize(
    ("model", "score", "overlap"),
    [("mobilenetv2-gfl-320", 1e-3, 0.999), ("mobilenetv2-gfl-320-int8", 0.05, 0.8)],  # int8 rounds otherwise
)
def test_openvino_and_onnx_runtime(frames: list[Frame], model: str, score: float, overlap: float) -> None:
    need("openvino")
    wanted, got = (_detect(frames, model, runtime) for runtime in ("onnxruntime", "openvino"))
    _assert_alike(wanted, got, score, overlap)
    _assert_alike(got, wanted, score, overlap)


@pytest.mark.parametrize("peer", ["nanodet-plus-m-416", "picodet-s-416"])
def test_public_detectors_on_both(frames: list[Frame], shared: Path, root: Path, peer: str) -> None:
    need("openvino")
    card = root / "benchmarks" / "peers" / f"{peer}.json"
    onnx = shared / "data" / "weights" / load_card(card).file
    wanted, got = (_detect(frames, str(onnx), runtime, card=card) for runtime in ("onnxruntime", "openvino"))
    _assert_alike(wanted, got, 1e-3, 0.999)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("size", SIZES)
def test_every_shape_of_the_card_finds_the_same_objects(
    frames: list[Frame], tmp_path: Path, size: tuple[int, int], runtime: str
) -> None:
    need(runtime)
    model = find_model("mobilenetv2-gfl-320")
    spec = replace(model.card.input, shapes=tuple((height, width) for width, height in SIZES))
    card = tmp_path / "card.json"
    replace(model.card, input=spec).save(card)
    detector = open_detector(str(model.path), card=card, device="cpu", runtime=runtime, input_size=size)
    assert detector.shape == size[::-1]
    prepared = [detector.prepare(frame) for frame in frames]
    assert prepared[0].tensor.shape == (1, size[1], size[0], 3)
    found = [detector.detect([one])[0] for one in prepared]
    wanted = _detect(frames, "mobilenetv2-gfl-320", runtime)
    detector.close()
    best = [(a, b) for a, b in zip(wanted, found, strict=True) if len(a) and a.scores[0] > 0.6]
    assert best
    for a, b in best:  # the largest box lies where it lay
        assert (np.abs(b.boxes - a.boxes[0]).max(axis=1) < 20).any()
