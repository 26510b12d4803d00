"""Crops out of pictures, pasted objects and their annotations, the judge, and the commands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.support.onnx_models import colour_model
from tests.training.tiny import TinyData
from training import cli
from training.data.layout import find_split
from training.data.records import LabelConfig, load_records
from training.errors import ConfigError, DataError
from training.gan.backgrounds import Backgrounds
from training.gan.crops import CropConfig, named_classes, read_crops
from training.gan.judge import JudgeConfig, SampleJudge, check_judge
from training.gan.paste import PasteConfig, Placer, borders, paste, shared, sizes_of
from training.gan.patches import Patch
from training.gan.pictures import paste_pictures
from training.recipes import recipe
from training.recipes.adapt import for_labels
from training.workspace import Workspace

PINK = (200, 60, 250)
GREEN = (20, 220, 20)


class Plain:
    """Patches of one colour, half as wide as tall."""

    def __init__(self, colour: tuple[int, int, int] = PINK) -> None:
        self.colour = colour

    def draw(self, rng: np.random.Generator) -> Patch:
        pixels = np.full((64, 64, 3), self.colour, np.uint8)
        return Patch(pixels, np.array([20, 8, 44, 56], np.float32))


class Square(Plain):
    """The same with a square box."""

    def draw(self, rng: np.random.Generator) -> Patch:
        return replace(super().draw(rng), box=np.array([8, 8, 56, 56], np.float32))


def write_set(folder: Path, boxes: int = 2) -> Path:
    """Pictures of green motorcycles 20 x 40 with blue riders; half of them do not label the riders.

    The last two pictures do not label motorcycles, and show none.
    """
    names = ["person", "motorcycle", "car"]
    for split, count in (("train", 12), ("val", 8)):
        (folder / split).mkdir(parents=True)
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for k in range(1, count + 1):
            picture = np.full((120, 160, 3), 70, np.uint8)
            labelled = ["motorcycle", "person", "car"] if k % 2 else ["motorcycle"]
            labelled = ["car"] if k > count - 2 else labelled
            for n in range(boxes if "motorcycle" in labelled and (split == "train" or k < 4) else 0):
                x, y = 10 + 22 * (n % 6), 20 + 40 * (n // 6)
                picture[y : y + 40, x : x + 20] = GREEN
                objects = [("motorcycle", [x, y, 20, 40])]
                objects += [("person", [x + 5, y, 10, 25])] if "person" in labelled else []
                for name, box in objects:
                    a = {"image_id": k, "category_id": 1 + names.index(name), "bbox": box, "iscrowd": 0}
                    annotations.append({"id": len(annotations) + 1, "area": box[2] * box[3], **a})
            cv2.imwrite(str(folder / split / f"{k}.png"), picture)
            entry = {"id": k, "file_name": f"{k}.png", "width": 160, "height": 120, "source": "street"}
            images.append({**entry, "labelled": labelled})
        categories = [{"id": i, "name": name} for i, name in enumerate(names, 1)]
        content = {"images": images, "annotations": annotations, "categories": categories}
        (folder / f"{split}.json").write_text(json.dumps(content))
    rows = [[2, 3, 60, 70, 40, 30, 0.7], [2, 3, 0, 0, 10, 10, 0.2]]  # a car that nobody labelled, and a doubt
    (folder / "teacher_train.json").write_text(json.dumps(rows))
    return folder


def changed(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int, int]:
    """The box around all pixels that differ."""
    ys, xs = np.nonzero((before != after).any(2))
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def test_crops_are_cut_out_in_order_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    split = find_split(write_set(tmp_path), "train")
    crops = read_crops(split, "motorcycle", CropConfig(side=32, least=5))
    assert crops.shape == (20, 32, 32, 4)
    assert (crops[:, 16, 16, :3] == GREEN).all()
    assert (crops[:, 16, 16, 3] == 255).all()
    few = read_crops(split, "motorcycle", CropConfig(side=32, least=5, most=7, seed=3))
    assert len(few) == 7
    with pytest.raises(ConfigError, match=r"class person: 0 crops, at least 5 .*10 smaller than 32 pixels"):
        read_crops(split, "person", CropConfig(least=5))
    (tmp_path / "train" / "3.png").unlink()
    with pytest.raises(ConfigError, match="2 of pictures that are missing or broken"):
        read_crops(split, "motorcycle", CropConfig(least=19))
    with pytest.raises(DataError, match="none of the classes dog"):
        read_crops(split, "dog", CropConfig())


def test_too_few_crops_are_said_with_a_remedy(
    tiny: TinyData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["gan", "car", "--data", str(tiny.folder), "--out", str(tmp_path / "out"), "--judge", "none"]
    assert cli.main(command) == 2
    told = capsys.readouterr().err
    assert "class car: 6 crops, at least 200 are needed" in told
    assert "gan-paste --real" in told
    assert not (tmp_path / "out").exists()


def test_a_patch_changes_its_box_and_a_soft_edge() -> None:
    before = np.full((100, 140, 3), 30, np.uint8)
    patch = Plain().draw(np.random.default_rng(0))
    for wanted in ([40, 20, 64, 68], [10.3, 30.7, 22.3, 54.7], [100, 10, 140, 90]):
        picture = before.copy()
        box = paste(picture, patch, np.array(wanted, np.float32), 0.15)
        assert np.abs(box - wanted).max() <= 1.0  # whole pixels, and the picture's edge
        edge = 0.15 * (wanted[3] - wanted[1]) + 1
        around = changed(before, picture)
        assert (np.abs(np.array(around) - box) <= edge).all()
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        assert (picture[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1] == PINK).all()
        row = picture[(y1 + y2) // 2, max(x1 - 9, 0) : x1, 0].astype(int)
        assert (np.diff(row) >= 0).all()  # the edge fades out


def test_places_are_like_real_ones_and_free() -> None:
    sizes = np.array([[0.1, 0.5], [0.2, 0.9], [0.9, 1.0]])
    placer, patch = Placer(sizes, PasteConfig(smallest=15)), Plain().draw(np.random.default_rng(0))
    taken = np.array([[0, 0, 100, 100]], np.float32)
    lower = []
    for k in range(60):
        box = placer.place(patch, (200, 100), taken, np.random.default_rng(k))
        assert box is not None
        assert shared(box, taken).max() <= 0.1
        assert box[0] >= 0
        assert box[2] <= 200
        wide, tall = box[2:] - box[:2]
        assert tall == pytest.approx(2 * wide, rel=1e-3)
        assert tall == pytest.approx({50: 20, 90: 40}[round(float(box[3]))], rel=1e-3)  # far ones are small
        lower.append(round(float(box[3])))
    assert set(lower) == {50, 90}  # 180 pixels would be enlarged too much
    full = np.array([[0, 0, 200, 100]], np.float32)
    assert placer.place(patch, (200, 100), full, np.random.default_rng(0)) is None
    large = Placer(sizes, PasteConfig(smallest=500))
    assert large.place(patch, (200, 100), taken[:0], np.random.default_rng(0)) is None


def test_black_borders_are_no_place() -> None:
    picture = np.zeros((100, 160, 3), np.uint8)
    assert borders(picture)[0].tolist() == [0, 0, 160, 100]
    picture[20:70, 30:160, 1] = 90
    picture[5, 7] = 200  # a speck
    found = borders(picture).tolist()
    assert found == [[0, 0, 160, 20], [0, 70, 160, 100], [0, 0, 30, 100], [160, 0, 160, 100]]
    inside = np.array([[40, 30, 60, 60]], np.float32)
    assert shared(inside[0], borders(picture)).max() == 0
    assert shared(np.array([0, 30, 60, 60], np.float32), borders(picture)).max() == 0.5


def test_what_boxes_share_is_measured_on_the_smaller_one() -> None:
    others = np.array([[0, 0, 10, 10], [5, 0, 6, 1], [200, 20, 230, 30]], np.float32)
    assert shared(np.array([5, 0, 105, 100], np.float32), others).tolist() == [0.5, 1.0, 0.0]
    with pytest.raises(ConfigError, match="overlap is below 1"):
        PasteConfig(overlap=1.0)


def test_pasted_objects_are_annotated_where_the_pixels_changed(tmp_path: Path) -> None:
    data = write_set(tmp_path / "data")
    config = PasteConfig(pictures=16, smallest=20, most=2)
    split, out = find_split(data, "train"), tmp_path / "out"
    file = paste_pictures(split, {"motorcycle": Plain()}, config, out, {"paste": 1})
    made = find_split(out, "train")
    assert made.annotations == file
    content = json.loads(file.read_text())
    assert len(content["images"]) > 10
    assert {image["of"] for image in content["images"]} <= {f"{k}.png" for k in range(1, 11)}
    labels = LabelConfig(labels=("person", "motorcycle", "car"), groups=())
    records = load_records(file, labels, made.teacher)
    real = {r.file_name: r for r in load_records(split.annotations, labels, split.teacher)}
    for record, image in zip(records, content["images"], strict=True):
        before = cv2.imread(str(data / "train" / image["of"]))
        after = cv2.imread(str(out / "train" / record.file_name))
        old = {tuple(box) for box in real[image["of"]].boxes.tolist()}
        new = np.array([b for b in record.boxes.tolist() if tuple(b) not in old])
        assert 1 <= len(new) <= 2
        assert len(record.boxes) == len(old) + len(new)
        assert (record.classes[-len(new) :] == 1).all() or 2 in record.classes
        strong = np.abs(before.astype(int) - after).max(2) > 60
        seen = np.zeros_like(strong)
        for x1, y1, x2, y2 in new.round().astype(int):
            assert strong[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].all()
            seen[max(y1 - 9, 0) : y2 + 9, max(x1 - 9, 0) : x2 + 9] = True
            assert [x1, y1] != [0, 0]
            riders = record.ignore[record.ignored[:, 0]]  # whether there is one in the box, nobody knows
            assert any(np.abs(region - (x1, y1, x2, y2)).max() <= 1 for region in riders)
        assert not (strong & ~seen).any()
        assert len(record.boxes[record.classes == 0]) == len(
            real[image["of"]].boxes[real[image["of"]].classes == 0]
        )


def test_the_teacher_speaks_for_pasted_pictures_as_well(tmp_path: Path) -> None:
    data = write_set(tmp_path / "data")
    split = find_split(data, "train")
    known = Backgrounds(split)
    assert known.certain("motorcycle") == list(range(10))
    assert known.companions("motorcycle") == ["person"]
    assert known.taken(1, 0.3).tolist()[-1] == [60, 70, 100, 100]
    assert len(known.taken(1, 0.1)) == len(known.taken(1, 0.3)) + 1
    paste_pictures(split, {"motorcycle": Plain()}, PasteConfig(pictures=10), tmp_path / "out", {})
    content = json.loads((tmp_path / "out" / "train.json").read_text())
    rows = json.loads((tmp_path / "out" / "teacher_train.json").read_text())
    of = {image["id"]: image["of"] for image in content["images"]}
    assert [row[1:] for row in rows if row[1] == 3] == [
        [3, 60, 70, 40, 30, 0.7], [3, 0, 0, 10, 10, 0.2]
    ]  # fmt: skip
    assert {of[row[0]] for row in rows if row[1] == 3} == {"2.png"}
    doubts = [row for row in rows if row[1] == 1]
    assert {int(of[row[0]].split(".")[0]) % 2 for row in doubts} == {0}  # where riders are not labelled
    assert {row[6] for row in doubts} == {0.0}
    crowds = [a for a in content["annotations"] if a["iscrowd"]]
    assert {int(of[a["image_id"]].split(".")[0]) % 2 for a in crowds} == {1}
    assert {a["category_id"] for a in crowds} == {1}


def test_equal_seeds_make_equal_pictures_and_what_is_there_stays(tmp_path: Path) -> None:
    split = find_split(write_set(tmp_path / "data"), "train")
    files = [
        paste_pictures(
            split, {"motorcycle": Plain()}, PasteConfig(pictures=3, seed=seed), tmp_path / name, {"of": seed}
        )
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    texts = [file.read_text() for file in files]
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["annotations"] != json.loads(texts[2])["annotations"]
    pictures = [sorted(p.read_bytes() for p in (tmp_path / name / "train").iterdir()) for name in "ab"]
    assert pictures[0] == pictures[1]
    stamp = files[0].stat().st_mtime_ns
    again = paste_pictures(split, {"motorcycle": Plain()}, PasteConfig(pictures=3), tmp_path / "a", {"of": 1})
    assert again.stat().st_mtime_ns == stamp
    with pytest.raises(ConfigError, match="holds other pictures"):
        paste_pictures(split, {"motorcycle": Plain()}, PasteConfig(pictures=3), tmp_path / "a", {"of": 9})


def test_classes_and_places_that_are_not_there(tmp_path: Path) -> None:
    data = write_set(tmp_path / "data")
    split = find_split(data, "train")
    with pytest.raises(DataError, match="no picture has a place for motorcycle of 900 pixels"):
        paste_pictures(
            split, {"motorcycle": Plain()}, PasteConfig(pictures=2, smallest=900), tmp_path / "a", {}
        )
    content = json.loads((data / "train.json").read_text())
    for image in content["images"]:
        image["labelled"] = ["car"]
    (data / "train.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=r"class motorcycle: no picture of .* labels all of its objects"):
        paste_pictures(split, {"motorcycle": Plain()}, PasteConfig(pictures=2), tmp_path / "b", {})
    with pytest.raises(ConfigError, match="each once"):
        named_classes("car,,car")
    with pytest.raises(ConfigError, match="expected names"):
        named_classes("../car")


def test_pasted_pictures_join_the_training_pictures(tmp_path: Path) -> None:
    data = write_set(tmp_path / "data")
    paste_pictures(
        find_split(data, "train"), {"motorcycle": Plain()}, PasteConfig(pictures=4), tmp_path / "more", {}
    )
    made = for_labels(recipe("own"), ["person", "motorcycle", "car"])
    plain = Workspace(recipe=made, data=data, out=tmp_path / "out")
    space = replace(plain, recipe=replace(made, added=(str(tmp_path / "more"),)))
    records, pictures = space.records("train"), space.pictures("train")
    more = len(records) - len(plain.records("train"))
    assert 1 <= more <= 4
    assert len(pictures) == len(records)
    assert (pictures[-1][..., 2] > 200).any()  # pink
    assert records[-1].source == "street"  # its labels are as good as those of the picture it was made of
    assert space.data_hash != plain.data_hash
    assert space.pictures_file("val") == plain.pictures_file("val")
    twice = replace(plain, recipe=replace(made, added=(str(tmp_path / "more"), "../more")))
    with pytest.raises(DataError, match="pictures of the same name"):
        twice.records("train")


def test_the_judge_finds_what_looks_like_the_class(tmp_path: Path) -> None:
    data, model = write_set(tmp_path / "data"), colour_model(tmp_path)
    content = json.loads((data / "val.json").read_text().replace("motorcycle", "green"))
    for a in content["annotations"]:
        a["bbox"] = [20, 20, 80, 80]  # twice a cell of the model, which sees 160 pixels as 64
    (data / "val.json").write_text(json.dumps(content))
    config = JudgeConfig(model=str(model), count=6, iou=0.05, paste=PasteConfig(enlarge=3))
    judge = SampleJudge(find_split(data, "val"), "green", config)
    try:
        good, bad = judge.judge(Square(GREEN), "good"), judge.judge(Square((70, 70, 70)), "bad")
    finally:
        judge.close()
    assert good.to_json() == {"pasted": 6, "found": 6, "bare": 0, "share": 1.0}
    assert (bad.pasted, bad.found, bad.bare) == (6, 0, 0)
    with pytest.raises(ConfigError, match="not dog: name a detector that does"):
        check_judge(config, ["green", "dog"])


def test_the_commands_from_crops_to_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_set(tmp_path / "data", boxes=12)
    crop = ["--data", str(data), "--min-side", "10"]
    small = ["--budget", "8", "--batch", "4", "--width", "2", "--judge", "none"]
    told = cli.main(["gan", "motorcycle", *crop, *small, "--out", str(tmp_path / "gan")])
    assert told == 2  # 120 crops
    assert "class motorcycle: 120 crops, at least 200" in capsys.readouterr().err
    real = ["gan-paste", "motorcycle", "--real", "--data", str(data), "--pictures", "5"]
    assert cli.main([*real, "--out", str(tmp_path / "real")]) == 0
    assert (
        json.loads((tmp_path / "real" / "train.json").read_text())["info"]["gan"]["motorcycle"]
        == "real crops"
    )
    drawn = ["gan-paste", "motorcycle", "--gan", str(tmp_path / "gan"), "--data", str(data)]
    assert cli.main([*drawn, "--out", str(tmp_path / "drawn")]) == 2
    assert "generator.safetensors: cannot be read" in capsys.readouterr().err


def test_a_gan_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_set(tmp_path / "data", boxes=12)
    command = ["gan", "motorcycle", "--data", str(data), "--out", str(tmp_path / "gan"), "--least", "100"]
    small = ["--budget", "8", "--batch", "4", "--width", "2", "--judge"]
    assert cli.main([*command, *small, "none"]) == 0
    assert (tmp_path / "gan" / "motorcycle" / "generator.safetensors").exists()
    assert cli.main([*command, *small, str(colour_model(tmp_path))]) == 2
    assert "knows blue, green, red, not motorcycle" in capsys.readouterr().err


def test_sizes_of_real_boxes(tmp_path: Path) -> None:
    records = load_records(
        find_split(write_set(tmp_path), "train").annotations, LabelConfig(labels=("motorcycle",), groups=())
    )
    sizes = sizes_of(records)
    assert sizes.shape == (20, 2)
    assert np.allclose(sizes, [40 / 160, 60 / 120])
