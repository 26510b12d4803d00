# ruff: noqa: E402 - what needs torch is imported after the skip
"""Fine-tuning: folders of every format, finished models as starts, plans that fit into minutes."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `train` is not installed")

from torch import Tensor, nn

from surveil.detect.card import load_card
from surveil.errors import ModelError
from tests.support.onnx_models import colour_model
from tests.training.folders import FOLDERS, coco_folder, content, write_pictures
from tests.training.tiny import TinyData, lively
from training.cli import main
from training.errors import CheckpointError, ConfigError, DataError
from training.export.card import CardTexts, build_card
from training.export.fold import fold, round_to_half
from training.export.graph import export_onnx
from training.finetune.base import Base, for_classes, read_base, unfold
from training.finetune.folder import Prepared, count_boxes, prepare, read_folder, split_by_hash
from training.finetune.plan import (
    BATCH,
    Plan,
    advice,
    finish_s,
    load_plan,
    planned,
    recipe_of,
    save_plan,
    views_in,
    with_images,
)
from training.finetune.run import figures
from training.models.detector import Detector, save_model
from training.models.shapes import HybridConfig
from training.models.starts import settle_norms

LABELS = ("person", "bus")
MODEL = HybridConfig(classes=2, width=16, depth=1)
SIZE = (64, 96)
TEXTS = CardTexts(labels_name="tiny", licence="none", credits=("nobody",), notes=())


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_of_any_format_becomes_data(kind: str, tmp_path: Path) -> None:
    made = prepare(FOLDERS[kind](tmp_path / "mine"), tmp_path / "out")
    assert made.labels == ("helmet",)
    counts = {}
    for split in ("train", "val"):
        there = json.loads((tmp_path / "out" / f"{split}.json").read_text())
        counts[split] = len(there["images"])
        (place,) = map(Path, there["pictures"])
        assert all(list(place.rglob(image["file_name"])) for image in there["images"])
        assert count_boxes(there, ["helmet"])["helmet"] == counts[split]
    assert counts == ({"train": 30, "val": 30} if kind == "yolo" else {"train": 48, "val": 12})
    assert (made.pictures, made.boxes) == (counts["train"], {"helmet": counts["train"]})


def test_a_split_is_said_and_does_not_depend_on_the_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        prepare(FOLDERS["single"](tmp_path / "mine"), tmp_path / "out")
    assert "12 of its 60 pictures are set aside to judge by" in caplog.text
    one = content([f"{k}.jpg" for k in range(40)])
    other = {**one, "images": one["images"][::-1]}
    names = [{i["file_name"] for i in split_by_hash(c, 0.25, 0)[1]["images"]} for c in (one, other)]
    assert names[0] == names[1]
    assert len(names[0]) == 10
    assert names[0] != {i["file_name"] for i in split_by_hash(one, 0.25, 1)[1]["images"]}


def test_what_cannot_be_trained_on_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    few = coco_folder(tmp_path / "few", Path("train"), Path("train.json"), 15)
    mine = FOLDERS["single"](tmp_path / "mine")
    many = content([f"{k}.png" for k in range(40)])
    many["categories"] = [{"id": k, "name": f"c{k}"} for k in range(9)]
    many["annotations"] = [{**a, "category_id": k % 9} for k, a in enumerate(many["annotations"])]
    write_pictures(tmp_path / "many", 1)
    (tmp_path / "many" / "all.json").write_text(json.dumps(many))
    bare = {**content([f"{k}.png" for k in range(40)]), "annotations": []}
    write_pictures(tmp_path / "bare", 1)
    (tmp_path / "bare" / "all.json").write_text(json.dumps(bare))
    for folder, labels, message in (
        (tmp_path / "absent", (), "no such folder"),
        (tmp_path / "nothing", (), "no format that is known"),
        (few, (), "a few hundred are wanted: annotate more"),
        (mine, ("helmt",), r"no class helmt \(did you mean helmet\?\); there are helmet, empty"),
        (mine, ("empty",), "no boxes of empty in the 48 training pictures"),
        (tmp_path / "bare", (), "no boxes in the 32 training pictures: annotate"),
        (tmp_path / "many", ("c0",), "too few boxes to judge by"),
    ):
        with pytest.raises(DataError, match=message):
            prepare(folder, tmp_path / "out", labels)
    shutil.copy(mine / "boxes.json", mine / "again.json")
    with pytest.raises(DataError, match="several COCO files"):
        read_folder(mine)


def busy(config: HybridConfig = MODEL) -> Detector:
    """A detector whose norms do something, of both signs."""
    torch.manual_seed(1)
    model = Detector(config)
    lively(model.backbone)
    for conv in [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.bias is not None]:
        conv.bias.data.add_(0.05 * torch.randn_like(conv.bias))  # equal ones are stored once in a file
    for norm in [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]:
        nn.init.normal_(norm.running_mean, std=0.3)
        nn.init.uniform_(norm.running_var, 0.5, 2.0)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        norm.weight.data[::3] *= -1
        nn.init.normal_(norm.bias, std=0.3)
    return model.eval()


@torch.no_grad()
def raw_of(model: Detector, image: Tensor) -> Tensor:
    """Raw outputs in evaluation."""
    return model.reading.flatten(model.eval()(image))


def test_a_finished_model_computes_what_it_did_when_it_is_unfolded() -> None:
    image, model = torch.rand(2, 3, *SIZE), busy()
    folded = round_to_half(fold(model))
    back = unfold(folded.state_dict(), MODEL, Path("m.onnx"))
    expected = raw_of(folded, image)
    torch.testing.assert_close(raw_of(back, image), expected, rtol=0, atol=5e-3 * float(expected.abs().max()))
    settled = [m for m in back.modules() if isinstance(m, nn.BatchNorm2d)]
    before = raw_of(back, image)
    settle_norms(back, settled, image)
    torch.testing.assert_close(raw_of(back, image), before, rtol=1e-3, atol=1e-3)
    with torch.no_grad():  # in training the norms look at the batch, which they expect
        trained = back.reading.flatten(back.train()(image))
    torch.testing.assert_close(trained, before, rtol=1e-2, atol=1e-2)


def test_levels_that_share_nothing_are_no_model_of_ours() -> None:
    folded = dict(fold(busy()).state_dict())
    folded["head.towers.2.1.weight"] = torch.randn_like(folded["head.towers.2.1.weight"])
    with pytest.raises(CheckpointError, match="not shared by its levels"):
        unfold(folded, MODEL, Path("m.onnx"))


def test_rows_of_known_classes_are_kept() -> None:
    model, image = busy(), torch.rand(1, 3, *SIZE)
    tuned = for_classes(model, LABELS, ("helmet", "bus", "person"))
    old, new = raw_of(model, image), raw_of(tuned, image)
    torch.testing.assert_close(new[..., [2, 1]], old[..., :2])
    torch.testing.assert_close(new[..., 3:], old[..., 2:])
    assert float(new[..., 0].sigmoid().max()) < 0.2  # a new class begins where all classes did


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model as it ships, with its card."""
    path = tmp_path_factory.mktemp("base") / "tiny.onnx"
    export_onnx(round_to_half(fold(busy())), path, {}, SIZE)
    build_card(path, TEXTS, LABELS, (SIZE,)).save(path.with_suffix(".json"))
    return path


def test_a_base_is_read_from_its_file(exported: Path, tmp_path: Path) -> None:
    base = read_base(str(exported))
    assert (base.name, base.labels, base.size) == ("tiny", LABELS, SIZE)
    assert base.model.config == MODEL
    image = torch.rand(1, 3, *SIZE)
    expected = raw_of(busy(), image)
    torch.testing.assert_close(
        raw_of(base.model, image), expected, rtol=0, atol=5e-3 * float(expected.abs().max())
    )
    wide = busy(HybridConfig(classes=2))
    save_model(wide, tmp_path / "w.safetensors")
    other = read_base(str(tmp_path / "w.safetensors"), ("a", "b"))
    assert torch.equal(raw_of(other.model, image), raw_of(wide, image))


def test_a_base_that_does_not_serve_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"--from mobilenetv2-gfl-320$"):
        read_base("mobilenetv2-gfl-320-int8")
    with pytest.raises(ModelError, match="unknown model"):
        read_base("mobilenet")
    with pytest.raises(ConfigError, match="--from-labels"):
        read_base(str(tmp_path / "w.safetensors"))
    with pytest.raises(CheckpointError, match="finetune goes on from models of the family mobilenetv2-gfl"):
        read_base(str(colour_model(tmp_path)))


def test_the_shipped_model_is_a_base() -> None:
    base = read_base("mobilenetv2-gfl-416")
    assert base.size == (416, 416)
    assert base.model.config == HybridConfig()
    assert base.labels[:3] == ("person", "bicycle", "car")


@pytest.fixture
def base() -> Base:
    """A base that knows a person and a bus."""
    return Base(
        name="tiny",
        file=Path("tiny.onnx"),
        sha256="12" * 32,
        labels=LABELS,
        size=SIZE,
        licence="none",
        credits=("nobody",),
        model=busy(),
    )


def test_new_classes_are_learned_by_the_last_layer_first(base: Base) -> None:
    same = Prepared(data=Path("d"), labels=LABELS, pictures=50, boxes={})
    other = replace(same, labels=("bus", "helmet"))
    recipe = recipe_of(base, same, "mine")
    assert [s.name for s in recipe.stages] == ["upper"]
    assert all("low" not in s.trains for s in recipe.stages)
    tuned = recipe_of(base, other, "mine")
    plan = planned(tuned, 1_000, {}, minutes=10.0)
    assert plan.images == (304, 704)
    assert plan.minutes == (3.0, 7.0)
    made = with_images(tuned, plan)
    assert [(s.name, s.trains, s.images) for s in made.stages] == [
        ("head", ("rest",), 304),
        ("upper", ("high", "rest"), 704),
    ]
    assert [(s.warmup, s.atss) for s in made.stages] == [(7, 12), (17, 0)]
    assert made.model == replace(MODEL, classes=2)
    assert made.texts.notes[0] == "Fine-tuned from tiny (sha256 1212121212121212…) on 50 pictures."
    assert "knew: bus; new ones: helmet" in made.texts.notes[1]
    assert made.texts.credits == ("Fine-tuned from tiny", "nobody")


def test_views_fit_into_the_minutes() -> None:
    assert views_in(1000.0, 4.0, 500) == 3_600
    assert views_in(1000.0, 400.0, 500) == 20_000  # forty of a picture are enough
    with pytest.raises(
        ConfigError, match=r"10 s are left to train, 2 views a second: at least 1:18 min more"
    ):
        views_in(10.0, 2.0, 500)
    assert finish_s(0.1, 100) == pytest.approx(60 + 0.1 * 750)
    assert planned(recipe_of_one(), 3, {}).images == (BATCH,)


def test_what_brought_nothing_says_what_to_do() -> None:
    assert advice(1_000, 500, None).startswith("Each picture was seen 2.0 times, 10 are wanted: say more")
    assert "keep the base" in advice(1_000, 50, (30.0, 29.0))
    assert advice(1_000, 50, (30.0, 31.0)) == ""
    assert advice(1_000, 50, None) == ""


def recipe_of_one() -> Any:
    """A recipe with one stage."""
    from training.recipes import recipe

    made = recipe("own")
    return replace(made, stages=made.stages[:1])


def test_a_plan_is_that_of_its_run(tmp_path: Path) -> None:
    plan = Plan(images=(304, 704), minutes=(3.0, 7.0), images_s=2.5, before={"bus": (1.0, 2.0)})
    assert load_plan({"base": "x"}, tmp_path) is None
    save_plan(plan, {"base": "x", "labels": ("bus",)}, tmp_path)
    assert load_plan({"base": "x", "labels": ("bus",)}, tmp_path) == plan
    with pytest.raises(CheckpointError, match="choose another --out"):
        load_plan({"base": "y", "labels": ("bus",)}, tmp_path)


def test_the_table_has_before_and_after() -> None:
    after = {
        "bus": {"AP": 30.0, "AP50": 50.0, "boxes": 12},
        "helmet": {"AP": 10.0, "AP50": 20.0, "boxes": 40},
    }
    small = {name: {**row, "AP": row["AP"] - 1} for name, row in after.items()}
    table = figures(("bus", "helmet", "rare"), {"bus": (20.0, 40.0)}, after, small).splitlines()
    rows = [" ".join(line.split()) for line in table]
    assert rows == [
        "AP / AP50 boxes before after int8",
        "bus 12 20.0 / 40.0 30.0 / 50.0 29.0 / 50.0",
        "helmet 40 new 10.0 / 20.0 9.0 / 20.0",
        "rare fewer than 10 boxes to judge by",
        "mean of known 20.0 / 40.0 30.0 / 50.0 29.0 / 50.0",
        "mean of all 20.0 / 35.0 19.0 / 35.0",
    ]


def test_the_command_line_refuses_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [
        "finetune",
        "--from",
        "mobilenetv2-gfl-320",
        "--data",
        str(tmp_path),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(line) == 2
    assert "no format that is known" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(1200)  # ONNX Runtime quantises slowly on a busy machine
def test_from_a_folder_to_models_with_cards(
    tiny: TinyData, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"  # the pictures of the validation split, three times
    (mine / "train").mkdir(parents=True)
    there = json.loads((tiny.folder / "val.json").read_text())
    images, annotations = [], []
    for k in range(3):
        for image in there["images"]:
            name, number = f"{k}-{image['file_name']}", 100 * k + image["id"]
            shutil.copy(tiny.folder / "val" / image["file_name"], mine / "train" / name)
            images.append({**image, "id": number, "file_name": name})
            boxes = [a for a in there["annotations"] if a["image_id"] == image["id"]]
            annotations += [{**a, "id": len(annotations) + 1, "image_id": number} for a in boxes]
    (mine / "train.json").write_text(json.dumps({**there, "images": images, "annotations": annotations}))
    (mine / "val").symlink_to(tiny.folder / "val")
    shutil.copy(tiny.folder / "val.json", mine)
    out = tmp_path / "run"
    line = ["finetune", "--from", str(exported), "--data", str(mine), "--out", str(out), "--budget", "32"]
    assert main([*line, "--ship", str(tmp_path / "ship")]) == 0
    told = capsys.readouterr().out
    assert f"surveil run VIDEO --model {out / 'tiny-own.onnx'}" in told
    card = load_card(tmp_path / "ship" / "tiny-own.json")
    assert card.labels.names == ("person", "car")
    assert card.training["continued_from"] == "start.safetensors"
    assert card.training["data_hash"]
    assert "Fine-tuned from tiny" in card.measured["notes"][0]
    assert (tmp_path / "ship" / "tiny-own-int8.onnx").exists()
    assert main(line) == 0  # what is done is not done again
    assert main([*line[:-1], "40"]) == 2
    assert "choose another --out" in capsys.readouterr().err
