from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surveil import files
from surveil.detect.card import InputSpec, ModelCard, Thresholds, load_card, parse_card, sha256_of
from surveil.errors import ModelError, OutputError
from surveil.labels import SURVEIL_6

CARD = ModelCard(
    name="tiny",
    file="tiny.onnx",
    sha256="0" * 64,
    licence="Apache-2.0",
    credits=("someone",),
    labels=SURVEIL_6,
    input=InputSpec(shapes=((320, 320), (256, 416))),
    output="surveil",
    nms_iou=0.6,
    thresholds=Thresholds(low=0.1, high=0.4, birth=0.5, display=0.4),
    measured={"ap": {"person": 31.5}, "note": "größer"},
    training={"recipe": "tiny", "seed": 7},
)


def test_the_card_in_the_documents_is_one(root: Path) -> None:
    page = (root / "docs" / "model-cards.md").read_text("utf-8")
    card = parse_card(page.partition("```json\n")[2].partition("```")[0], "model-cards.md")
    assert (card.output, card.input.resize) == ("nanodet", "stretch")
    for key in card.to_json():
        assert f"`{key}" in page or key == "schema"


def test_voting_may_be_left_out_and_comes_back(tmp_path: Path) -> None:
    assert "voting_sigma" not in CARD.to_json()
    voting = replace(CARD, voting_sigma=0.05)
    voting.save(tmp_path / "tiny.json")
    assert load_card(tmp_path / "tiny.json") == voting
    with pytest.raises(ModelError, match=r"voting_sigma: expected a number from 0\.001 to 1, got 0"):
        replace(CARD, voting_sigma=0.0).save(tmp_path / "wrong.json")


def _changed(*path: str | int, value: Any) -> str:
    """The card's text with one value replaced; `value` of ... removes it."""
    document = copy.deepcopy(CARD.to_json())
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(document)


def test_saves_and_loads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "tiny.json"
    CARD.save(path)
    assert load_card(path) == CARD
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.json"]
    assert "größer" in path.read_text(encoding="utf-8")


def test_interpolation_may_be_left_out() -> None:
    card = parse_card(_changed("input", "interpolation", value=...), "card")
    assert card.input.interpolation == "linear"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("licence",), ..., "licence: missing"),
        (("license",), "MIT", "license: unknown key, did you mean 'licence'?"),
        (("input", "layuot"), "NHWC", "input.layuot: unknown key, did you mean 'layout'?"),
        (("input", "layout"), "NHCW", "input.layout: expected 'NHWC' or 'NCHW', got \"NHCW\""),
        (("input", "shapes", 1), [0, 320], "input.shapes[1]: expected [height, width]"),
        (("input", "shapes"), [], "input.shapes: expected at least one"),
        (("input", "shapes", 0), [320.5, 320], "input.shapes[0]: expected"),
        (("input", "mean"), [0, 0], "input.mean: expected a list of 3 numbers, got [0, 0]"),
        (("input", "std", 2), 0, "input.std[2]: expected a number"),
        (("input", "mean"), [103.5, 116.3, 123.7], "a uint8 model scales inside its graph"),
        (("input",), "big", 'input: expected an object, got "big"'),
        (("labels", "names"), ["a", "a"], "labels.names: expected at least one class name, each once"),
        (("labels", "names", 0), 3, "labels.names[0]: expected a text"),
        (("thresholds", "birth"), 1.5, "thresholds.birth: expected a number from 0 to 1, got 1.5"),
        (("thresholds", "low"), True, "thresholds.low: expected a number"),
        (("thresholds", "low"), 0.45, "low must not lie above"),
        (("nms_iou",), "0.6", 'nms_iou: expected a number from 0 to 1, got "0.6"'),
        (("sha256",), "abc", "sha256: expected 64 lower-case hexadecimal digits"),
        (("file",), "../tiny.onnx", "file: expected the name of a file beside the card"),
        (("credits",), "someone", "credits: expected a list of texts"),
        (("measured",), [], "measured: expected an object"),
        (("name",), "", "name: expected a text that is not empty"),
        (("training",), None, "training: missing"),
        (("schema",), 2, "schema 2 is newer than this surveil"),
    ],
)
def test_names_what_is_wrong(path: tuple[str | int, ...], value: Any, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_card(_changed(*path, value=value), "folder/tiny.json")
    assert str(caught.value).startswith("folder/tiny.json: ")
    assert message in str(caught.value)


def test_names_all_that_is_wrong_at_once() -> None:
    document = CARD.to_json()
    del document["name"]
    document["thresholds"]["high"] = "much"
    document["extra"] = 1
    with pytest.raises(ModelError) as caught:
        parse_card(json.dumps(document), "card")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["name", "thresholds.high", "extra"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value: line 1 column 1"),
        ("[]", "a model card is a JSON object, got list"),
        ('{"name": 1, "name": 2}', "'name' stands twice"),
        ('{"nms_iou": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_refuses_what_is_no_card(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_card(text, "card")


def test_a_missing_or_binary_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model card"):
        load_card(tmp_path / "none.json")
    (tmp_path / "junk.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"junk.json: the model card cannot be read"):
        load_card(tmp_path / "junk.json")


@pytest.mark.parametrize(
    "card",
    [
        replace(CARD, nms_iou=2.0),
        replace(CARD, measured={"ap": float("nan")}),
        replace(CARD, training={"path": Path()}),
    ],
)
def test_does_not_save_what_it_would_not_load(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        card.save(tmp_path / "tiny.json")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        CARD.save(tmp_path / "no" / "tiny.json")


def test_a_full_disk_leaves_the_card_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tiny.json"
    CARD.save(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match=r"tiny\.json: the card cannot be written: No space left"):
        replace(CARD, licence="another").save(path)
    assert load_card(path) == CARD
    assert list(tmp_path.iterdir()) == [path]


def test_sha256_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()
