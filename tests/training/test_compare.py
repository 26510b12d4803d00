"""Models side by side, from the command line to table, plot and sheet."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `train` is not installed")
pytest.importorskip("matplotlib", reason="the extra `train` is not installed")

from surveil.detect.card import load_card
from surveil.labels import LabelMap
from tests.support.onnx_models import colour_model
from tests.training.sets import coloured_set
from training import cli
from training.compare.entries import common_classes, open_entries
from training.compare.latency import from_cards
from training.compare.sheet import Column, draw_sheet
from training.compare.shots import Marks, Shot, annotated_shots
from training.draw import colour_of
from training.errors import ConfigError
from training.evaluate.truth import load_truth

PEERS = [
    {"name": "Other-Net 64", "AP": {"mean": 41.0, "blue": 1.0}, "AP50": {"mean": 60.0}},
    {"name": "Third (not measured here)", "AP": {"mean": 30.0}},
    {"name": 7},
]


def measured(ap: float, median_ms: float | None = None) -> dict[str, Any]:
    at_size = {"mean": {"AP": ap, "AP50": 70.0}, "classes": {"person": {"AP": 33.0}}}
    latency = {"input": "64x64", "runtime": "CPU, 2 threads (ONNX Runtime)", "median_ms": median_ms}
    return {
        "ap": {"data": "val.json (12 images)", "mean_over": ["blue", "red"], "64x64": at_size},
        "latency": [] if median_ms is None else [latency],
        "parameters": 123,
    }


def model(folder: Path, name: str, **card: Any) -> Path:
    """The colour model under a name of its own."""
    folder.joinpath(name).mkdir()
    return colour_model(folder / name, name=name, **card)


def compare(out: Path, *options: str | Path) -> int:
    quick = ["--rounds", "2", "--threads", "1", "--runtime", "onnxruntime", "--cell", "128"]
    return cli.main(["compare", *map(str, options), "--out", str(out), *quick])


def test_two_models_and_the_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, archive = coloured_set(tmp_path)
    ours = model(tmp_path, "ours", measured=measured(50.0) | {"peers_on_the_same_images": PEERS})
    peer = model(tmp_path, "other-net-64")  # its card says nothing of AP, ours does
    out = tmp_path / "new" / "out"
    pictures = ["--annotations", truth, "--images", archive, "--pictures", "3"]
    assert compare(out, ours, peer, *pictures) == 0
    report = json.loads((out / "compare.json").read_text())
    first, second, third = report["rows"]
    assert (first["model"], first["AP"], first["AP50"], first["person"]) == ("ours", 50.0, 70.0, 33.0)
    assert (first["parameters"], second["parameters"]) == (123, 64)  # the second's are counted in its file
    assert first["best_ms"] <= first["median_ms"]
    assert (second["model"], second["AP"]) == ("other-net-64", 41.0)
    assert third == {
        "model": "Third",
        "input": None,
        "AP": 30.0,
        "person": None,
        "AP50": None,
        "data": "val.json (12 images)",
    }
    page = (out / "compare.md").read_text()
    assert page == capsys.readouterr().out
    assert "| Third | – | 30.0 | – | – | – | – | – | – | – |" in page
    assert "on val.json (12 images)." in page
    sheet = cv2.imread(str(out / "sheet.jpg"))
    assert sheet.shape[1] == 3 * (128 + 6) + 6  # truth, two models
    assert sheet.shape[0] > 3 * 128
    assert cv2.imread(str(out / "ap_over_latency.png")).shape[1] > 800


def test_latencies_of_cards(tmp_path: Path) -> None:
    fast = model(tmp_path, "fast", measured=measured(40.0, 5.0))
    slow = model(tmp_path, "slow", measured=measured(45.0))
    assert compare(tmp_path / "out", fast, slow, "--from-cards", "--pictures", "1") == 0
    rows = json.loads((tmp_path / "out" / "compare.json").read_text())["rows"]
    assert [row["median_ms"] for row in rows] == [5.0, None]
    assert "Not in the plot" not in (tmp_path / "out" / "compare.md").read_text()
    entries = open_entries([str(slow)], [], [])
    with pytest.raises(ConfigError, match=r"slow/colours\.onnx: neither its card .* at 64x64"):
        from_cards(entries)


def test_the_folder_need_not_be_named_and_what_is_not_drawn_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = model(tmp_path, "known", measured=measured(40.0, 5.0))
    bare = model(tmp_path, "bare")
    monkeypatch.chdir(tmp_path)
    _, archive = coloured_set(tmp_path)
    options = ["--rounds", "1", "--runtime", "onnxruntime", "--cell", "128", "--images", str(archive)]
    assert cli.main(["compare", str(known), str(bare), *options]) == 0
    said = capsys.readouterr()
    assert f"table, plot and sheet in {tmp_path / 'compare'}" in said.err
    assert "Not in the plot, because no card says an AP of them at this size: bare;" in said.out
    names = {"compare.md", "compare.json", "ap_over_latency.png", "sheet.jpg"}
    assert {file.name for file in (tmp_path / "compare").iterdir()} == names


def test_names_sizes_and_cards(tmp_path: Path) -> None:
    path = model(tmp_path, "ours", measured=measured(50.0))
    entry = open_entries([f"{path}@64x64"], [], ["shown"])[0]
    assert (entry.name, entry.size, entry.figures.ap) == ("shown", (64, 64), 50.0)
    card = tmp_path / "elsewhere.json"
    load_card(path.with_suffix(".json")).save(card)
    path.with_suffix(".json").unlink()
    assert open_entries([str(path)], [card], [])[0].card_path == card


def test_what_cannot_be_compared_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = model(tmp_path, "ours")
    other = model(tmp_path, "other", labels=LabelMap("animals", ("cat", "dog", "cow")))
    bare = model(tmp_path, "bare")
    bare.with_suffix(".json").unlink()
    (tmp_path / "empty").mkdir()
    truth, archive = coloured_set(tmp_path / "set")
    stray = load_card(ours.with_suffix(".json"))
    replace(stray, file="stray.onnx").save(tmp_path / "stray.json")

    def says(message: str, *options: str | Path) -> None:
        assert compare(tmp_path / "out", *options) == 2
        assert message in capsys.readouterr().err

    says(f"{bare}: its card {bare.with_suffix('.json')} is missing", ours, bare)
    says(f"{other}: none of its classes", ours, other)
    says(f"{tmp_path / 'empty'}: no pictures", ours, "--images", tmp_path / "empty")
    says("where are its pictures? Name them with --images", ours, "--annotations", truth)
    says(
        "1 pictures not found",
        ours,
        "--annotations",
        truth,
        "--images",
        tmp_path / "empty",
        "--pictures",
        "1",
    )
    says("its card knows the input sizes 64x64, got 96x64", f"{ours}@96x64")
    says("ours at 64x64 is compared with itself", ours, ours)
    says("--names: 1 names for 2 models", ours, other, "--names", "a")
    says("stray.json: this card belongs to stray.onnx", ours, "--card", tmp_path / "stray.json")
    says("are cards of one file", ours, *["--card", ours.with_suffix(".json")] * 2)
    says("one picture or more, got 0", ours, "--images", archive, "--pictures", "0")
    assert not (tmp_path / "out").exists()  # all of it is said before anything is written


def test_classes_in_common(tmp_path: Path) -> None:
    one = model(tmp_path, "one")
    two = model(tmp_path, "two", labels=LabelMap("x", ("red", "dog", "blue")))
    assert common_classes(open_entries([str(one), str(two)], [], [])) == ("blue", "red")


def test_annotated_pictures_show_the_classes_and_say_what_is_labelled(tmp_path: Path) -> None:
    path, archive = coloured_set(tmp_path)
    shots = annotated_shots(load_truth(path), [archive], ("red", "blue"), 99)
    assert len(shots) == 12
    assert shots[0].labelled == "labelled: blue"
    assert shots[0].truth is not None
    assert shots[0].truth.labels == ("blue",)
    assert shots[1].labelled == ""
    assert len(annotated_shots(load_truth(path), [archive], ("red",), 99)) == 11


def test_boxes_are_where_they_belong() -> None:
    shot = Shot(name="black", picture=np.zeros((200, 400, 3), np.uint8))
    box = np.array([[100, 100, 300, 180]], np.float32)
    marks = Marks(boxes=box, labels=("b",), scores=(0.5,))
    nothing = Marks(boxes=box[:0], labels=(), scores=())
    columns = [Column(head=("one",), marks=[marks]), Column(head=("two",), marks=[nothing])]
    sheet = draw_sheet([shot], columns, ("a", "b"), 200)
    head = sheet.shape[0] - 100 - 22  # the cell is 100 high, its caption 22
    cell = sheet[head : head + 100, 6:206]
    assert tuple(cell[70, 50].tolist()) == colour_of(1)  # left edge
    assert tuple(cell[70, 150].tolist()) == colour_of(1)  # right edge
    assert tuple(cell[90, 100].tolist()) == colour_of(1)  # lower edge
    assert not cell[70, 100].any()
    assert not sheet[head : head + 100, 212:412].any()
    with pytest.raises(ConfigError, match="cells of 120 pixels or more, got 50"):
        draw_sheet([shot], columns, ("a", "b"), 50)
