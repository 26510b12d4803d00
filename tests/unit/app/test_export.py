from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from surveil.app.export import Recording, plan_export
from surveil.app.options import ModelOptions, OutputOptions, RunOptions
from surveil.app.table import Table
from surveil.capture.spec import parse_source
from surveil.clock import SystemClock
from surveil.errors import ModelError, SourceError, UsageError
from surveil.pipeline.session import CameraConfig
from surveil.render.shapes import Shape
from surveil.render.style import OverlayStyle

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
BARE = OverlayStyle(boxes=False, labels=False, ids=False, trails=False, zones=False)


@pytest.fixture
def recording(model: Path, clip: Path) -> Iterator[Callable[..., Recording]]:
    """Makes recordings as a session would watch them."""
    options = RunOptions(model=ModelOptions(model=str(model), device="cpu"))
    brain = Table(options, SystemClock()).open_brain(None)

    def make(style: OverlayStyle = BARE, **camera: Any) -> Recording:
        config = CameraConfig(**{"id": "square", "source": parse_source(str(clip)), **camera})
        return Recording(camera=config, brain=brain, options=options, style=style)

    yield make
    brain.detector.close()


def labels_in(path: Path) -> list[list[str]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [[track["label"] for track in line["tracks"]] for line in lines]


def pictures_in(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)])


def export(recording: Recording, folder: Path) -> tuple[Path, Path]:
    output = OutputOptions(out=folder / "o.mp4", jsonl=folder / "o.jsonl")
    run = plan_export(recording, output, threading.Event())
    assert len(list(run.results())) == 40
    assert set(run.summary().files) == {folder / "o.mp4", folder / "o.jsonl"}
    return folder / "o.mp4", folder / "o.jsonl"


def test_every_frame_is_detected_and_tracked(recording: Callable[..., Recording], tmp_path: Path) -> None:
    video, tracks = export(recording(loop=True, stay=True, paced=True), tmp_path)
    assert len(pictures_in(video)) == 40
    assert sum(map(bool, labels_in(tracks))) > 25


def test_what_is_private_stays_private(recording: Callable[..., Recording], tmp_path: Path) -> None:
    open_, _ = export(recording(), tmp_path / "open")
    masked, _ = export(recording(privacy=(LEFT,)), tmp_path / "masked")
    left = np.s_[:, 32:, :28]  # below the line with name and time
    assert pictures_in(open_)[left].mean() > 60
    assert pictures_in(masked)[left].max() < 40
    right = np.s_[:, 32:, 36:]
    assert np.abs(pictures_in(masked)[right].astype(int) - pictures_in(open_)[right]).mean() < 4


def test_only_what_counts_for_the_camera_is_reported(
    recording: Callable[..., Recording], tmp_path: Path
) -> None:
    _, tracks = export(recording(ignored=(WHOLE,)), tmp_path)
    assert not any(labels_in(tracks))


def test_it_is_drawn_as_in_the_window(recording: Callable[..., Recording], tmp_path: Path) -> None:
    bare, _ = export(recording(), tmp_path / "bare")
    zone = Shape(kind="area", name="Yard", points=LEFT, colour=(0, 255, 0), classes=())
    drawn, _ = export(recording(style=replace(BARE, zones=True), shapes=(zone,)), tmp_path / "drawn")
    assert np.abs(pictures_in(drawn).astype(int) - pictures_in(bare)).mean() > 2


def test_a_model_that_was_changed_meanwhile_detects(
    recording: Callable[..., Recording], tmp_path: Path
) -> None:
    one = recording()
    run = plan_export(
        replace(one, brain=replace(one.brain, model="gone.onnx")),
        OutputOptions(mot=tmp_path / "o.txt"),
        threading.Event(),
    )
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        next(run.results())


def test_live_cameras_and_files_that_are_gone_are_refused(
    recording: Callable[..., Recording], tmp_path: Path
) -> None:
    for text, error, words in (
        ("rtsp://10.0.0.1/1", UsageError, "only recordings"),
        (str(tmp_path / "gone.mp4"), SourceError, "no such file"),
    ):
        camera = recording(source=parse_source(text))
        with pytest.raises(error, match=words):
            plan_export(camera, OutputOptions(mot=tmp_path / "o.txt"), threading.Event())
