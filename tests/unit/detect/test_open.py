from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from surveil.detect.open import open_detector, open_recorded
from surveil.errors import DeviceError, ModelError, UsageError
from tests.support.frames import BLUE, RED, frame_of
from tests.support.onnx_models import colour_model

SQUARES = ((RED, (0, 0, 16, 16)), (BLUE, (32, 32, 48, 48)), ((0, 110, 0), (48, 0, 64, 16)))


def _names(folder: Path, **options: object) -> set[str]:
    detector = open_detector(str(colour_model(folder)), device="cpu", threads=1, **options)  # type: ignore[arg-type]
    (found,) = detector.detect([detector.prepare(frame_of((64, 64), *SQUARES))])
    detector.close()
    return {found.labels[int(k)] for k in found.class_ids}


def test_opens_a_model_by_path(tmp_path: Path) -> None:
    assert _names(tmp_path) == {"red", "green", "blue"}


def test_keeps_the_classes_that_are_wanted(tmp_path: Path) -> None:
    assert _names(tmp_path, classes=("red", "green")) == {"red", "green"}


def test_drops_what_scores_too_low(tmp_path: Path) -> None:
    assert _names(tmp_path, min_score=0.5) == {"red", "blue"}


def test_an_unknown_class_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown class 'rad': did you mean 'red'"):
        _names(tmp_path, classes=("rad",))


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_score_beyond_0_to_1_is_refused(tmp_path: Path, score: float) -> None:
    with pytest.raises(UsageError, match="must lie between 0 and 1"):
        _names(tmp_path, min_score=score)


def test_an_unknown_device_is_said_before_a_model_is_read() -> None:
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        open_detector("none.onnx", device="gpu")


def test_exit_codes_tell_who_is_to_blame() -> None:
    assert (UsageError.exit_code, ModelError.exit_code, DeviceError.exit_code) == (2, 4, 4)


def test_opens_stored_detections(tmp_path: Path) -> None:
    row = {"camera": "a", "frame": 0, "pts_s": 0.0, "size": [64, 64]}
    found = [{"label": "car", "score": score, "box": [0, 0, 9, 9]} for score in (0.2, 0.8)]
    path = tmp_path / "found.jsonl"
    path.write_text(json.dumps({**row, "detections": found}))
    detector = open_recorded(path, min_score=0.5, classes=("car",))
    (got,) = detector.detect([detector.prepare(frame_of((64, 64)))])
    assert got.scores.tolist() == pytest.approx([0.8])


def test_cards_and_stored_detections_need_no_runtime() -> None:
    code = (
        "import surveil.detect.open, surveil.detect.card, surveil.detect.detector, sys;"
        "print([name for name in ('onnxruntime', 'pydantic', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
