from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.detect.assets import ModelFile, find_model
from surveil.detect.card import InputSpec
from surveil.detect.onnx_runner import OnnxRunner
from surveil.detect.postprocess import SelectionConfig
from surveil.errors import ModelError
from surveil.labels import SURVEIL_6, LabelMap
from surveil.types import Detections, Frame
from tests.support.frames import BLUE, GREEN, RED, frame_of
from tests.support.onnx_models import SIDE, colour_model
from tests.support.peer_cards import NANODET_FILE, nanodet_card


def _detect(runner: OnnxRunner, *frames: Frame) -> list[Detections]:
    return runner.detect([runner.prepare(frame) for frame in frames])


def _runner(folder: Path, **options: Any) -> OnnxRunner:
    return OnnxRunner(find_model(str(colour_model(folder))), device="cpu", threads=1, **options)


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
    low = OnnxRunner(
        find_model(str(tmp_path / "colours.onnx")), device="cpu", selection=SelectionConfig(min_score=0.3)
    )
    assert len(_detect(low, frame)[0]) == 1


def test_says_its_device_and_threads(tmp_path: Path) -> None:
    assert _runner(tmp_path).device == "CPU, 1 thread (ONNX Runtime)"


def test_a_closed_one_says_so(tmp_path: Path) -> None:
    runner = _runner(tmp_path)
    runner.close()
    with pytest.raises(ModelError, match="this detector is closed"):
        _detect(runner, frame_of((9, 9)))


def test_nan_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="output 'scores' holds NaN or infinite values"):
        OnnxRunner(find_model(str(colour_model(tmp_path, broken=True))), device="cpu")


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
            r"expected tensor\(float\), got tensor\(uint8\)",
        ),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = colour_model(tmp_path, **changes)
    with pytest.raises(ModelError, match=rf"colours\.onnx: not what its card says: .*{message}"):
        OnnxRunner(find_model(str(path)), device="cpu")


def test_a_fixed_batch_of_several_is_refused(tmp_path: Path) -> None:
    path = colour_model(tmp_path, batch=4)
    with pytest.raises(ModelError, match="expected a batch of 1 or any size, got 4"):
        OnnxRunner(find_model(str(path)), device="cpu")


@pytest.mark.parametrize("content", [b"", b"no model", bytes(1000)])
def test_a_broken_file_is_a_model_error(tmp_path: Path, content: bytes) -> None:
    model = find_model(str(colour_model(tmp_path)))
    model.path.write_bytes(content)
    with pytest.raises(ModelError, match=r"colours\.onnx: ONNX Runtime cannot load this model"):
        OnnxRunner(model, device="cpu")


def test_the_threads_of_the_runtime_do_not_spin(tmp_path: Path) -> None:
    runner = _runner(tmp_path)
    assert runner._session is not None
    options = runner._session.get_session_options()
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.intra_op_num_threads == 1


@pytest.mark.gpu
def test_cuda_finds_what_the_cpu_finds(tmp_path: Path, shared: Path) -> None:
    onnx = shared / "data" / "weights" / NANODET_FILE
    model = find_model(str(onnx), nanodet_card(onnx, tmp_path))
    rng = np.random.default_rng(0)
    frames = [replace(frame_of((640, 360), index=k), image=_noise(rng)) for k in range(4)]
    selection = SelectionConfig(min_score=0.02)
    cuda = OnnxRunner(model, device="cuda", selection=selection)
    assert cuda.device.startswith("CUDA")
    _same_within(
        _detect(OnnxRunner(model, device="cpu", selection=selection), *frames), _detect(cuda, *frames)
    )


@pytest.mark.gpu
def test_cuda_takes_batches(tmp_path: Path) -> None:
    model: ModelFile = find_model(str(colour_model(tmp_path, batch="batch")))
    frames = [
        frame_of((128, 64), (BLUE, (32 * (k % 4), 0, 32 * (k % 4) + 32, 32)), index=k) for k in range(40)
    ]
    _same_within(
        _detect(OnnxRunner(model, device="cpu"), *frames), _detect(OnnxRunner(model, device="cuda"), *frames)
    )


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
    runner = OnnxRunner(find_model(str(colour_model(tmp_path, labels=names))), device="cpu")
    assert runner.labels is runner.card.labels
    (found,) = _detect(runner, frame_of((64, 64), (RED, (0, 0, 16, 16))))
    assert found.labels[int(found.class_ids[0])] == "brick"
