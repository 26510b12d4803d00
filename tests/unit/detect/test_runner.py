from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.detect.card import InputSpec, load_card
from surveil.detect.open import open_detector
from surveil.detect.runner import Runner
from surveil.errors import ModelError
from surveil.labels import SURVEIL_6, LabelMap
from surveil.types import Detections, Frame
from tests.support.frames import BLUE, GREEN, RED, frame_of
from tests.support.onnx_models import SIDE, colour_model
from tests.support.runtimes import need

RUNTIMES = ("onnxruntime", "openvino")


def _detect(runner: Runner, *frames: Frame) -> list[Detections]:
    return runner.detect([runner.prepare(frame) for frame in frames])


def _open(path: Path, runtime: str = "onnxruntime", **options: Any) -> Runner:
    need(runtime)
    return open_detector(str(path), device="cpu", runtime=runtime, threads=1, **options)


def _runner(folder: Path, **options: Any) -> Runner:
    return _open(colour_model(folder), **options)


def test_boxes_are_where_the_colour_is(tmp_path: Path) -> None:
    # A wide frame at half size: cells of 32 px of the frame, below a grey border of 16 px of the input.
    frame = frame_of((128, 64), (RED, (32, 0, 64, 32)), (GREEN, (96, 32, 128, 64)))
    (found,) = _detect(_runner(tmp_path), frame)
    assert found.boxes.tolist() == [[32, 0, 64, 32], [96, 32, 128, 64]]
    assert [found.labels[int(k)] for k in found.class_ids] == ["red", "green"]
    assert found.scores.tolist() == [1, 1]
    assert found.frame_size == (128, 64)


def test_the_cards_floor_is_the_default(tmp_path: Path) -> None:
    frame = frame_of((SIDE, SIDE), ((90, 0, 0), (0, 0, 16, 16)))  # 90 / 255 = 0.35, below the card's 0.4
    runner = _runner(tmp_path)
    assert len(_detect(runner, frame)[0]) == 0
    low = _open(tmp_path / "colours.onnx", min_score=0.3)
    assert len(_detect(low, frame)[0]) == 1


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_closed_one_says_so(tmp_path: Path, runtime: str) -> None:
    runner = _runner(tmp_path, runtime=runtime)
    runner.close()
    with pytest.raises(ModelError, match="this detector is closed"):
        _detect(runner, frame_of((9, 9)))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_nan_is_an_error(tmp_path: Path, runtime: str) -> None:
    with pytest.raises(ModelError, match="output 'scores' holds NaN or infinite values"):
        _open(colour_model(tmp_path, broken=True), runtime)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": SURVEIL_6}, r"output 'scores': expected \(any, any, 6\), got \(1, 16, 3\)"),
        ({"output": "nanodet"}, "expected 4 outputs"),
        ({"output": "yolo"}, "unknown output layout 'yolo'"),
        (
            {"input": InputSpec(shapes=((32, 64),))},
            r"input 'image': expected \(1, 32, 64, 3\), got \(1, 64, 64, 3\)",
        ),
        (
            {"input": InputSpec(shapes=((64, 64), (32, 32)))},
            r"expected \(1, 32, 32, 3\), got \(1, 64, 64, 3\)",
        ),
        ({"input": InputSpec(shapes=((64, 64),), layout="NCHW")}, r"expected \(1, 3, 64, 64\)"),
        (
            {"input": InputSpec(shapes=((64, 64),), dtype="float32")},
            "expected float32, got uint8",
        ),
    ],
)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_card_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str, runtime: str
) -> None:
    path = colour_model(tmp_path, **changes)
    with pytest.raises(ModelError, match=rf"colours\.onnx: not what its card says: .*{message}"):
        _open(path, runtime)


def test_a_fixed_batch_of_several_is_refused(tmp_path: Path) -> None:
    path = colour_model(tmp_path, batch=4)
    with pytest.raises(ModelError, match="expected a batch of 1 or any size, got 4"):
        _open(path)


@pytest.mark.gpu
def test_cuda_finds_what_the_cpu_finds(root: Path, shared: Path) -> None:
    card = root / "benchmarks" / "peers" / "nanodet-plus-m-416.json"
    onnx = shared / "data" / "weights" / load_card(card).file
    rng = np.random.default_rng(0)
    frames = [replace(frame_of((640, 360), index=k), image=_noise(rng)) for k in range(4)]
    cuda = open_detector(str(onnx), card=card, device="cuda", min_score=0.02)
    assert cuda.device.startswith("CUDA")
    cpu = _open(onnx, card=card, min_score=0.02)
    _same_within(_detect(cpu, *frames), _detect(cuda, *frames))


@pytest.mark.gpu
def test_cuda_takes_batches(tmp_path: Path) -> None:
    model = colour_model(tmp_path, batch="batch")
    frames = [
        frame_of((128, 64), (BLUE, (32 * (k % 4), 0, 32 * (k % 4) + 32, 32)), index=k) for k in range(40)
    ]
    cuda = open_detector(str(model), device="cuda")
    _same_within(_detect(_open(model), *frames), _detect(cuda, *frames))


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Soft blotches: more like a picture than white noise is."""
    return np.kron(rng.integers(0, 256, (9, 16, 3), np.uint8), np.ones((40, 40, 1), np.uint8))


def _same_within(wanted: list[Detections], got: list[Detections]) -> None:
    """The same objects; a score within 0.01, a corner within a pixel. TF32 explains no more than that."""
    for a, b in zip(wanted, got, strict=True):
        sure = a.scores > 0.04
        for box, score, class_id in zip(a.boxes[sure], a.scores[sure], a.class_ids[sure], strict=True):
            near = (np.abs(b.boxes - box).max(axis=1) < 1) & (b.class_ids == class_id)
            assert near.any(), f"{class_id} {score:.3f} {box} is not among the boxes of CUDA"
            assert np.abs(b.scores[near] - score).min() < 0.01


def test_labels_come_from_the_card(tmp_path: Path) -> None:
    names = LabelMap("others", ("sky", "grass", "brick"))
    runner = _open(colour_model(tmp_path, labels=names))
    assert runner.labels is runner.card.labels
    (found,) = _detect(runner, frame_of((64, 64), (RED, (0, 0, 16, 16))))
    assert found.labels[int(found.class_ids[0])] == "brick"
