from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from surveil.app.options import ModelOptions
from surveil.detect.assets import DEFAULT_MODEL, find_model
from surveil.gui.models.shelf import facts, gone, shelf, speed_in_words


@pytest.fixture
def folder(tmp_path):
    """A folder with the shipped model under another name, and a card that is none."""
    shipped = find_model(DEFAULT_MODEL)
    shutil.copy(shipped.path, tmp_path / shipped.path.name)
    ap = {"data": "val.json (870 images)", "320x320": {"mean": {"AP": 50.0, "AP50": 69.0}}}
    measured = {"ap": ap, "parameters": 2148408}
    replace(shipped.card, measured=measured).save(tmp_path / "mine.json")
    (tmp_path / "odd.json").write_text("{}")
    return tmp_path


def test_all_models_stand_there_the_one_in_use_first(folder):
    mine, odd = shelf(ModelOptions(model="mine"), [folder])
    assert (mine.name, mine.used, mine.problem) == ("mine", True, "")
    assert mine.size_mb == pytest.approx(mine.path.stat().st_size / 1e6)
    assert odd.card is None
    assert "odd.json" in odd.problem


def test_facts_are_the_card_s(folder):
    mine, odd = shelf(ModelOptions(model="mine"), [folder])
    accuracy, figures, classes = facts(mine, ModelOptions())
    assert accuracy == "AP 50.0, AP50 69.0 on val.json (870 images)"
    assert figures == f"{mine.size_mb:.1f} MB  ·  2.1 M parameters  ·  input 320 × 320"
    assert classes.startswith("6 classes: person, bicycle")
    assert facts(odd, ModelOptions()) == ()
    accuracy, figures, _ = facts(mine, ModelOptions(input_size=(416, 256)))
    assert "416 × 256" in figures
    assert accuracy == "The card says nothing about its accuracy."  # at that size


def test_a_card_without_figures_makes_none_up(folder):
    path = folder / "mine.json"
    card = json.loads(path.read_text())
    card["measured"] = {"ap": "good"}
    path.write_text(json.dumps(card))
    (mine, _) = shelf(ModelOptions(model="mine"), [folder])
    assert facts(mine, ModelOptions())[0] == "The card says nothing about its accuracy."


def test_a_file_that_vanishes_is_seen(folder):
    models = shelf(ModelOptions(model="mine"), [folder])
    assert gone(models) == frozenset()
    models[0].path.unlink()
    assert gone(models) == {"mine"}
    again = shelf(ModelOptions(model="mine"), [folder])
    assert "no such model file" in again[0].problem


def test_the_speed_says_where_it_was_measured():
    words = speed_in_words({"detections_per_s": 50.0, "device": "CPU, 2 threads"})
    assert words == "50 detections a second on this machine (20.0 ms; CPU, 2 threads)"
