"""What holds for every detector."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from surveil.detect.detector import Detector
from surveil.detect.open import open_detector, open_recorded
from surveil.types import Detections, Frame
from tests.support.frames import BLUE, GREEN, RED, frame_of
from tests.support.onnx_models import colour_model
from tests.support.programs import colour_program
from tests.support.runtimes import need

SIZES = ((64, 64), (127, 63), (31, 200), (1, 1), (1279, 717))


def _frames() -> list[Frame]:
    """One frame of each size; its left upper quarter is coloured."""
    colours = (BLUE, GREEN, RED, BLUE, GREEN)
    pairs = zip(SIZES, colours, strict=True)
    return [
        frame_of((w, h), (colour, (0, 0, -(-w // 2), -(-h // 2))), index=k)
        for k, ((w, h), colour) in enumerate(pairs)
    ]


def _open_fixed(folder: Path) -> Detector:
    return open_detector(str(colour_model(folder)), device="cpu", runtime="onnxruntime", threads=1)


def _open_batched(folder: Path) -> Detector:
    path = colour_model(folder, batch="batch")
    return open_detector(str(path), device="cpu", runtime="onnxruntime", threads=1)


def _open_openvino(folder: Path) -> Detector:
    need("openvino")
    return open_detector(str(colour_model(folder)), device="cpu", runtime="openvino", threads=1)


def _open_streams(folder: Path) -> Detector:
    need("openvino")
    path = colour_model(folder, batch="batch")
    return open_detector(str(path), device="cpu", runtime="openvino", threads=1, streams=2)


def _open_torch(folder: Path) -> Detector:
    return open_detector(str(colour_program(folder)), device="cpu", runtime="torch", threads=1)


def _open_recorded(folder: Path) -> Detector:
    path = folder / "detections.jsonl"
    lines = []
    for frame, name in zip(_frames(), ("blue", "green", "red", "blue", "green"), strict=True):
        width, height = frame.size
        found = [
            {"label": name, "score": 0.9, "box": [0, 0, width / 2, height / 2]},
            {"label": name, "score": 0.5, "box": [-3.5, 0, width + 9, height]},
        ]
        row = {"camera": "camera", "frame": frame.index, "pts_s": frame.pts_s, "size": [width, height]}
        lines.append(json.dumps({**row, "detections": found}))
    path.write_text("\n".join(lines) + "\n")
    return open_recorded(path)


_WAYS: dict[str, Callable[[Path], Detector]] = {
    "onnx": _open_fixed,
    "onnx-batched": _open_batched,
    "openvino": _open_openvino,
    "openvino-streams": _open_streams,
    "torch": _open_torch,
    "recorded": _open_recorded,
}


@pytest.fixture(params=_WAYS)
def detector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Detector]:
    opened = _WAYS[request.param](tmp_path)
    yield opened
    opened.close()


def _one(detector: Detector, frame: Frame) -> Detections:
    return detector.detect([detector.prepare(frame)])[0]


def _same(a: Detections, b: Detections) -> bool:
    fields = ("boxes", "scores", "class_ids")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in fields)


def test_says_what_it_knows_and_runs_on(detector: Detector) -> None:
    assert {"blue", "green", "red"} == set(detector.labels.names)
    assert detector.device
    if detector.card is not None:
        assert detector.card.labels == detector.labels


def test_an_empty_frame_gives_no_boxes(detector: Detector) -> None:
    found = _one(detector, frame_of((90, 70), index=99))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.frame_size == (90, 70)
    assert found.labels == detector.labels


def test_no_frames_give_nothing(detector: Detector) -> None:
    assert detector.detect([]) == []


def test_a_batch_keeps_its_order(detector: Detector) -> None:
    frames = [*_frames(), frame_of((90, 70), index=99)]
    together = detector.detect([detector.prepare(frame) for frame in frames])
    assert [found.frame_size for found in together] == [frame.size for frame in frames]
    for frame, found in zip(frames, together, strict=True):
        assert _same(found, _one(detector, frame))
    assert len({found.class_ids[0] for found in together if len(found)}) == 3


def test_finds_the_coloured_quarter_in_frame_pixels(detector: Detector) -> None:
    frame = _frames()[0]
    found = _one(detector, frame)
    assert found.labels[int(found.class_ids[0])] == "blue"
    best = found.boxes[found.class_ids == found.class_ids[0]]
    assert best[:, :2].min() == 0
    assert (best[0] <= 32).all()


@pytest.mark.parametrize("index", range(len(SIZES)))
def test_boxes_lie_inside_the_frame_best_first(detector: Detector, index: int) -> None:
    frame = _frames()[index]
    found = _one(detector, frame)
    width, height = frame.size
    assert len(found) > 0
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, [0, 2]] <= width).all()
    assert (found.boxes[:, [1, 3]] <= height).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores > 0) & (found.scores <= 1)).all()


def test_the_same_frame_gives_the_same_boxes(detector: Detector) -> None:
    frame = _frames()[1]
    assert _same(_one(detector, frame), _one(detector, frame))


def test_results_are_read_only(detector: Detector) -> None:
    found = _one(detector, _frames()[0])
    for name in ("boxes", "scores", "class_ids"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[0] = 0


def test_the_frame_stays_as_it_is(detector: Detector) -> None:
    frame = _frames()[0]  # it has the model's own size: the place where a view would be handed on
    before = frame.image.copy()
    prepared = detector.prepare(frame)
    assert not np.shares_memory(prepared.tensor, frame.image)
    detector.detect([prepared])
    assert np.array_equal(frame.image, before)


def test_frames_may_be_prepared_in_other_threads(detector: Detector) -> None:
    frames, prepared = _frames(), {}

    def prepare(k: int) -> None:
        prepared[k] = detector.prepare(frames[k])

    threads = [threading.Thread(target=prepare, args=(k,)) for k in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = detector.detect([prepared[k] for k in range(len(frames))])
    assert all(_same(a, _one(detector, frame)) for a, frame in zip(found, frames, strict=True))


def test_several_threads_may_detect_at_the_same_time(detector: Detector) -> None:
    frames, found = _frames(), {}

    def detect(k: int) -> None:
        for _ in range(5):
            found[k] = _one(detector, frames[k])

    threads = [threading.Thread(target=detect, args=(k,)) for k in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(_same(found[k], _one(detector, frame)) for k, frame in enumerate(frames))


def test_closes_twice(detector: Detector) -> None:
    detector.close()
    detector.close()
