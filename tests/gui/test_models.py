"""The model manager, driven with mouse and keys."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from surveil.app.options import ModelOptions
from surveil.config.load import load_config
from surveil.detect.assets import DEFAULT_CPU_MODEL, DEFAULT_MODEL, find_model
from surveil.errors import ModelError
from surveil.gui.models import dialog as dialog_module
from surveil.types import Detections

from .fakes import preview
from .filed import workspace_of, write

FILE = f"""\
version: 1
cameras:
  - id: gate
    inputs: [rtsp://10.0.0.1/1]
model:
  name: {DEFAULT_CPU_MODEL}  # the light one
  input_size_px: [320, 320]
  threads: 2  # leave the rest to others
"""
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def path(tmp_path):
    return tmp_path / "surveil.yaml"


def with_scores(*scores):
    """A picture of a camera in which this was found."""
    shown = preview()
    n = len(scores)
    found = Detections(
        boxes=np.zeros((n, 4), np.float32),
        scores=np.float32(scores),
        class_ids=np.zeros(n, np.int32),
        frame_size=(160, 90),
        labels=shown.result.detections.labels,
    )
    return replace(shown, result=replace(shown.result, detections=found))


@pytest.fixture
def own():
    """The thresholds of the model in use, as its card has them."""
    return find_model(DEFAULT_CPU_MODEL).card.thresholds


@pytest.fixture
def window(new_window, session, path, own, qtbot):
    session.picture = with_scores(own.low + 0.01, own.birth - 0.01, own.birth + 0.01, own.birth + 0.2)
    workspace = workspace_of(path, FILE, session)
    window = new_window(workspace)
    window.parts = replace(window.parts, run_options=lambda: workspace._applied.table.model[0])
    qtbot.waitUntil(lambda: "gate" in session.state)
    return window


def open_models(window, qtbot):
    window.actions_.by_name["models"].trigger()
    models = window.doing.tools.models
    qtbot.waitUntil(lambda: bool(models.cards), timeout=15_000)
    return models


@pytest.fixture
def models(window, qtbot):
    return open_models(window, qtbot)


def in_use(models):
    return [name for name, card in models.cards.items() if card.model.used]


def test_the_cards_say_what_the_models_are(models):
    assert in_use(models) == [DEFAULT_CPU_MODEL]
    card = models.cards[DEFAULT_CPU_MODEL]
    assert card.mark.isVisible()
    assert not card.use.isEnabled()
    assert "Not measured" in card.speed.text()
    assert set(models.cards) >= {DEFAULT_MODEL, DEFAULT_CPU_MODEL}


def test_another_model_detects_without_the_window_waiting(models, session, path, qtbot, monkeypatch):
    threads = []
    monkeypatch.setattr(session, "set_model", lambda _: threads.append(threading.current_thread().name))
    qtbot.mouseClick(models.cards[DEFAULT_MODEL].use, LEFT)
    assert models.cards[DEFAULT_MODEL].use.text() == "Loading…"
    qtbot.waitUntil(lambda: in_use(models) == [DEFAULT_MODEL], timeout=15_000)
    assert threads == ["desktop-tasks"]
    text = path.read_text()
    assert f"name: {DEFAULT_MODEL}" in text
    assert "# the light one" in text
    assert "input_size_px" not in text
    assert "threads: 2  # leave the rest to others" in text
    assert models.words.text() == f"{DEFAULT_MODEL} detects now."
    assert session.named("remove") == []


def test_a_model_that_cannot_be_used_leaves_file_and_session_as_they_were(
    models, session, path, qtbot, monkeypatch
):
    def refuse(_model):
        raise ModelError("the graph is damaged")

    monkeypatch.setattr(session, "set_model", refuse)
    qtbot.mouseClick(models.cards[DEFAULT_MODEL].use, LEFT)
    qtbot.waitUntil(lambda: "The graph is damaged" in models.words.text(), timeout=15_000)
    model = load_config(path).config.model
    assert (model.name, model.input_size_px) == (DEFAULT_CPU_MODEL, (320, 320))
    qtbot.waitUntil(lambda: in_use(models) == [DEFAULT_CPU_MODEL], timeout=15_000)


def test_the_speed_is_measured_in_a_thread_and_kept(window, models, qtbot, monkeypatch):
    name = DEFAULT_MODEL
    told = []

    def measured(options, seconds, stop):
        told.append((options.model, options.input_size, seconds, threading.current_thread().name))
        return {"detections_per_s": 50.0, "device": "CPU"}

    models._bench = replace(models._bench, measure=measured)
    qtbot.mouseClick(models.cards[name].measure, LEFT)
    qtbot.waitUntil(lambda: "50 detections a second" in models.cards[name].speed.text())
    assert told == [(name, None, dialog_module.MEASURE_S, "measure-model")]
    models.close()
    again = open_models(window, qtbot)
    assert "50 detections a second" in again.cards[name].speed.text()


def test_measuring_is_cancelled(models, qtbot):
    ended = threading.Event()

    def endless(options, seconds, stop):
        assert stop.wait(20)
        ended.set()
        return {"detections_per_s": 1.0, "device": "CPU"}

    models._bench = replace(models._bench, measure=endless)
    card, other = models.cards[DEFAULT_MODEL], models.cards[DEFAULT_CPU_MODEL]
    qtbot.mouseClick(card.measure, LEFT)
    assert (card.measure.text(), card.speed.text()) == ("Cancel", "Measuring…")
    assert not other.measure.isEnabled()
    qtbot.mouseClick(card.measure, LEFT)
    assert ended.wait(10)
    assert card.measure.text() == "Measure"
    qtbot.wait(50)
    assert "Not measured" in card.speed.text()


def test_closing_ends_the_measuring(models, qtbot):
    ended = threading.Event()

    def endless(options, seconds, stop):
        if stop.wait(20):
            ended.set()
        return {"detections_per_s": 1.0, "device": "CPU"}

    models._bench = replace(models._bench, measure=endless)
    qtbot.mouseClick(models.cards[DEFAULT_MODEL].measure, LEFT)
    models.close()
    assert ended.wait(10)


def test_thresholds_show_what_would_pass_before_they_are_kept(models, session, path, own, qtbot):
    widget = models.thresholds
    qtbot.waitUntil(lambda: widget.counts["low"].text() == "4 of 4 pass")
    assert widget.counts["birth"].text() == "2 of 4 pass"
    slider = widget.sliders["birth"]
    slider.setFocus()
    for _ in range(15):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert widget.counts["birth"].text() == "1 of 4 pass"
    qtbot.waitUntil(lambda: bool(session.named("set_thresholds")), timeout=5_000)
    birth = round(own.birth + 0.15, 2)
    assert session.named("set_thresholds")[-1] == ("set_thresholds", own.low, own.high, birth)
    assert "thresholds" not in path.read_text()
    qtbot.mouseClick(widget.keep, LEFT)
    qtbot.waitUntil(lambda: not widget.keep.isEnabled(), timeout=10_000)
    given = load_config(path).config.model.thresholds
    assert (given.low, given.high, given.birth) == (own.low, own.high, birth)
    qtbot.mouseClick(widget.reset, LEFT)
    assert widget.values["birth"].text() == f"{own.birth:.2f}"
    qtbot.mouseClick(widget.keep, LEFT)
    qtbot.waitUntil(lambda: "thresholds" not in path.read_text(), timeout=10_000)


def test_cuts_push_one_another_and_stop_at_the_floor(models, own, qtbot):
    widget = models.thresholds
    slider = widget.sliders["low"]
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert widget.values["low"].text() == f"{own.low:.2f}"
    qtbot.keyClick(slider, Qt.Key.Key_End)
    assert [widget.values[name].text() for name in ("low", "high", "birth")] == ["1.00"] * 3


def test_closing_takes_back_what_was_only_tried(models, session, own, qtbot):
    slider = models.thresholds.sliders["birth"]
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: len(session.named("set_thresholds")) == 1, timeout=5_000)
    models.close()
    qtbot.waitUntil(lambda: len(session.named("set_thresholds")) == 2, timeout=5_000)
    assert session.named("set_thresholds")[-1] == ("set_thresholds", own.low, own.high, own.birth)


def test_the_file_of_the_model_in_use_vanishes(new_window, session, path, tmp_path, qtbot):
    shipped = find_model(DEFAULT_MODEL)
    copy = tmp_path / "own.onnx"
    shutil.copy(shipped.path, copy)
    replace(shipped.card, name="own", file="own.onnx").save(tmp_path / "own.json")
    workspace = workspace_of(path, f"version: 1\nmodel: {{name: {copy}}}\n", session)
    window = new_window(workspace)
    window.parts = replace(window.parts, run_options=lambda: workspace._applied.table.model[0])
    models = open_models(window, qtbot)
    card = models.cards[str(copy)]
    assert not card.problem.isVisible()
    copy.unlink()
    qtbot.waitUntil(lambda: "It goes on from memory" in card.problem.text(), timeout=15_000)
    assert not card.measure.isEnabled()
    qtbot.mouseClick(models.cards[DEFAULT_MODEL].use, LEFT)
    qtbot.waitUntil(lambda: DEFAULT_MODEL in in_use(models), timeout=15_000)


def test_the_file_is_changed_by_hand_meanwhile(models, path, qtbot):
    write(path, FILE.replace(f"name: {DEFAULT_CPU_MODEL}", f"name: {DEFAULT_MODEL}"))
    qtbot.waitUntil(lambda: in_use(models) == [DEFAULT_MODEL], timeout=15_000)


def test_nonsense_in_the_file_is_said_and_the_model_goes_on(models, path, session, qtbot):
    write(path, "model: [nonsense\n")
    qtbot.mouseClick(models.cards[DEFAULT_MODEL].use, LEFT)
    qtbot.waitUntil(lambda: "The model before goes on" in models.words.text(), timeout=15_000)
    assert session.named("set_model") == []
    assert path.read_text() == "model: [nonsense\n"


def test_without_a_file_the_model_is_changed_for_now(new_window, session, qtbot):
    window = new_window()
    models = open_models(window, qtbot)
    qtbot.mouseClick(models.cards[DEFAULT_MODEL].use, LEFT)
    qtbot.waitUntil(lambda: in_use(models) == [DEFAULT_MODEL], timeout=15_000)
    assert session.named("set_model") == [("set_model", DEFAULT_MODEL)]
    assert not models.thresholds.keep.isEnabled()


def test_a_shipped_model_is_really_measured():
    options = replace(ModelOptions(), model=DEFAULT_CPU_MODEL, device="cpu")
    report = dialog_module.measure(options, 0.1, threading.Event())
    assert report["model"] == DEFAULT_CPU_MODEL
    assert report["detections_per_s"] > 0
