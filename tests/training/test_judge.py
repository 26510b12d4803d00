"""Judging a model file through the application's detector, from the command line to the figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("pycocotools", reason="the extra `train` is not installed")

from surveil.detect.card import load_card, sha256_of
from surveil.labels import SURVEIL_6, LabelMap
from tests.support.onnx_models import colour_model
from tests.training.sets import coloured_set
from training import cli
from training.evaluate.judge import JudgeConfig, judge, judged_classes
from training.evaluate.truth import load_truth


def evaluate(model: Path, truth: Path, *more: str) -> int:
    return cli.main(["evaluate", "--model", str(model), "--annotations", str(truth), *more])


def test_a_perfect_model_reaches_a_hundred(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, archive = coloured_set(tmp_path)
    out, results = tmp_path / "new" / "figures.json", tmp_path / "results.json"
    files = ["--images", str(archive), "--json", str(out), "--results", str(results)]
    assert evaluate(colour_model(tmp_path), truth, *files) == 0
    figures = json.loads(out.read_text())
    assert figures["mean"]["AP"] == figures["all"]["AP"] == 100.0
    assert figures["classes"]["blue"]["images"] == 12
    assert figures["classes"]["red"]["images"] == 11  # red is not labelled in the first picture
    assert figures["classes"].keys() == {"blue", "red"}  # nothing is green
    assert figures["classes"]["red"]["APs"] == 100.0
    assert figures["classes"]["red"]["APl"] is None
    assert figures["input"] == "64x64"
    assert figures["by_source"] == {}  # six boxes of a class are too few
    found = json.loads(results.read_text())
    assert {r["category_id"] for r in found} == {5, 7}
    assert len(found) == 24
    assert "mean of 2" in capsys.readouterr().out


def test_folders_serve_as_well_as_tars(tmp_path: Path) -> None:
    truth, archive = coloured_set(tmp_path)
    model = colour_model(tmp_path)
    one, other = (
        judge(model, None, load_truth(truth), [place], JudgeConfig())
        for place in (archive, archive.parent / "pictures")
    )
    assert one.results == other.results
    assert one.classes == ("blue", "green", "red")


def test_parts_by_source(tmp_path: Path) -> None:
    truth, archive = coloured_set(tmp_path, 24)
    judged = judge(colour_model(tmp_path), None, load_truth(truth), [archive], JudgeConfig())
    assert {k: v.classes["blue"].images for k, v in judged.by_source.items()} == {"coco_": 12}
    assert "images of coco_* alone" in judged.table()


@pytest.mark.parametrize(
    ("labels", "wanted", "expected"),
    [
        (("a", "b"), None, ("a", "b")),
        (("dog", *SURVEIL_6.names), None, SURVEIL_6.names),
        (("dog", *SURVEIL_6.names), ("dog",), ("dog",)),
    ],
)
def test_which_classes_are_judged(
    labels: tuple[str, ...], wanted: tuple[str, ...] | None, expected: tuple[str, ...], tmp_path: Path
) -> None:
    card = load_card(colour_model(tmp_path, labels=LabelMap("x", labels)).with_suffix(".json"))
    assert judged_classes(card, wanted) == expected


def spoil_size(folder: Path) -> None:
    cv2.imwrite(str(folder / "pictures" / "3.png"), np.zeros((10, 20, 3), np.uint8))


def spoil_twin(folder: Path) -> None:
    (folder / "pictures" / "more").mkdir()
    (folder / "pictures" / "more" / "3.png").write_bytes((folder / "pictures" / "3.png").read_bytes())


SPOILT: list[tuple[Any, str]] = [
    (
        lambda f: (f / "pictures" / "3.png").write_bytes(b"no picture"),
        "images[3] some/3.png: the picture does not",
    ),
    (
        lambda f: (f / "pictures" / "3.png").write_bytes(b""),
        "images[3] some/3.png: the picture does not decode",
    ),
    (spoil_size, "images[3] some/3.png: expected 64x64, the picture has 20x10"),
    (lambda f: (f / "pictures" / "3.png").unlink(), "1 pictures not found in"),
    (spoil_twin, "3.png: two pictures of this name"),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILT, ids=["text", "empty", "size", "missing", "twice"])
def test_pictures_that_do_not_fit_are_named(
    spoil: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, _ = coloured_set(tmp_path)
    spoil(tmp_path)
    assert evaluate(colour_model(tmp_path), truth, "--images", str(tmp_path / "pictures")) == 2
    assert message in capsys.readouterr().err


def test_what_cannot_be_judged_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, archive = coloured_set(tmp_path)
    model = colour_model(tmp_path)
    pictures = ["--images", str(archive)]

    def says(message: str, *options: str, annotations: Path = truth) -> None:
        assert evaluate(model, annotations, *options) == 2
        assert message in capsys.readouterr().err

    says("unknown class 'rde': did you mean 'red'?", *pictures, "--classes", "rde")
    says("no class of green has 10 boxes", *pictures, "--classes", "green")
    says("neither a folder nor a tar", "--images", str(truth))
    says("neither a folder nor a tar", "--images", str(tmp_path / "none.tar"))
    says("none.json: cannot be read", *pictures, annotations=tmp_path / "none.json")
    says("none.json is missing", *pictures, "--card", str(tmp_path / "none.json"))
    data = json.loads(truth.read_text())
    for category in data["categories"]:
        category["name"] += "ish"
    data["images"][0]["labelled"] = "all"
    (tmp_path / "other.json").write_text(json.dumps(data))
    says("none of the classes blue, green, red", *pictures, annotations=tmp_path / "other.json")
    with pytest.raises(SystemExit):
        evaluate(model, truth, *pictures, "--input-size", "64")
    assert "expected WIDTHxHEIGHT such as 416x256, got '64'" in capsys.readouterr().err


def test_a_tar_that_ends_early_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, archive = coloured_set(tmp_path)
    archive.write_bytes(archive.read_bytes()[:5000])
    assert evaluate(colour_model(tmp_path), truth, "--images", str(archive)) == 2
    assert str(archive) in capsys.readouterr().err


def test_the_figures_go_nowhere_when_the_disk_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, archive = coloured_set(tmp_path)
    (tmp_path / "file").write_text("in the way")
    where = tmp_path / "file" / "figures.json"
    assert evaluate(colour_model(tmp_path), truth, "--images", str(archive), "--json", str(where)) == 2
    assert f"{where}: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("peer", ["nanodet-plus-m-416", "picodet-s-416"])
def test_the_cards_of_the_peers_belong_to_their_files(peer: str, root: Path, shared: Path) -> None:
    card = load_card(root / "benchmarks" / "peers" / f"{peer}.json")
    assert card.name == peer
    assert card.sha256 == sha256_of(shared / "data" / "weights" / card.file)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("peer", "person", "five"), [("nanodet-plus-m-416", 40.5, 50.5), ("picodet-s-416", 40.7, 51.5)]
)
def test_peers_reach_their_known_figures(
    peer: str, person: float, five: float, root: Path, shared: Path
) -> None:
    card = root / "benchmarks" / "peers" / f"{peer}.json"
    model, data = shared / "data" / "weights" / load_card(card).file, shared / "data" / "detection"
    judged = judge(model, card, load_truth(data / "val.json"), [data / "val-0.tar"], JudgeConfig())
    assert judged.evaluation.classes["person"].figures[0] == pytest.approx(person, abs=0.3)
    assert judged.evaluation.mean[0] == pytest.approx(five, abs=0.3)
