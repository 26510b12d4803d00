"""VOC and YOLO folders as COCO files, with what cannot be used left out and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.cli import main
from training.data.augment import Augmenter
from training.data.complaints import Complaints
from training.data.decode import decode_images
from training.data.formats.convert import convert
from training.data.formats.voc import read_voc
from training.data.formats.yolo import read_yolo
from training.data.layout import find_split
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig, load_records
from training.errors import ConfigError, DataError

LABELS = LabelConfig(labels=("helmet", "vest"), groups=())


def picture(file: Path, width: int = 100, height: int = 50) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.full((height, width, 3), 128, np.uint8))
    return file


def voc_object(name: str, box: tuple[float, ...], extra: str = "") -> str:
    corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    return f"<object><name>{name}</name>{extra}<bndbox>{corners}</bndbox></object>"


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Ten pictures, of which two are for judging; three have faults."""
    root = tmp_path / "voc"
    (root / "Annotations").mkdir(parents=True)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for k in range(10):
        picture(root / "JPEGImages" / f"{k}.jpg")
        inner = voc_object("helmet", (11, 6, 30, 25))
        if k == 0:
            inner += voc_object("vest", (41, 1, 100, 50), "<difficult>1</difficult>") + "<object></object>"
        (root / "Annotations" / f"{k}.xml").write_text(f"<annotation>{inner}</annotation>")
    (root / "Annotations" / "3.xml").write_text("<annotation>")
    (root / "JPEGImages" / "4.jpg").write_bytes(b"")
    (root / "ImageSets" / "Main" / "train.txt").write_text("".join(f"{k} 1\n" for k in range(8)))
    (root / "ImageSets" / "Main" / "val.txt").write_text("8\n9\n")
    return root


def test_voc_becomes_coco_that_can_be_trained_on(
    voc: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "data"
    convert("voc", voc, out)
    assert "3.xml (no element found" in caplog.text
    assert "4.xml: its picture is missing or does not decode" in caplog.text
    assert "0.xml, object 2: no name or no whole bndbox, left out" in caplog.text
    train = find_split(out, "train")
    assert train.pictures == (voc / "JPEGImages",)
    records = load_records(train.annotations, LABELS)
    assert [r.file_name for r in records] == ["0.jpg", "1.jpg", "2.jpg", "5.jpg", "6.jpg", "7.jpg"]
    assert records[0].boxes.tolist() == [[10, 5, 30, 25]]  # pixels 11 to 30, counted from 1
    assert records[0].ignore.tolist() == [[40, 0, 100, 50]]
    assert decode_images(records, train.pictures, tmp_path / "a.npy").shape == (6, 100, 100, 3)
    assert len(load_records(find_split(out, "val").annotations, LABELS)) == 2


def test_voc_without_lists_is_split_by_chance(
    voc: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    shutil.rmtree(voc / "ImageSets")
    splits = []
    for name in ("a", "b"):
        convert("voc", voc, tmp_path / name, val_share=0.3)
        parts = [json.loads((tmp_path / name / f"{s}.json").read_text())["images"] for s in ("train", "val")]
        splits.append([[image["file_name"] for image in part] for part in parts])
    assert "no list of pictures to judge by: 2 of all are chosen by chance (--val SHARE" in caplog.text
    assert splits[0] == splits[1]
    assert [len(part) for part in splits[0]] == [6, 2]
    assert not set(splits[0][0]) & set(splits[0][1])


def test_voc_without_lists_says_what_to_do(voc: Path, tmp_path: Path) -> None:
    (voc / "ImageSets" / "Main" / "val.txt").unlink()
    wanted = (
        r"looked in ImageSets/Main for train and val; trainval and test\. Say how many .* \(--val 0\.1: a"
    )
    with pytest.raises(DataError, match=rf"voc: no list of pictures to judge by: {wanted}"):
        convert("voc", voc, tmp_path / "data")
    shutil.rmtree(voc / "ImageSets")
    with pytest.raises(DataError, match=wanted):
        convert("voc", voc, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("lists", "shared"),
    [
        (("trainval", "val"), r"trainval and val share 2 pictures \(8, 9\)"),
        (("train", "train"), "share 8 pic"),
    ],
)
def test_what_is_trained_on_does_not_judge(
    voc: Path, tmp_path: Path, lists: tuple[str, str], shared: str
) -> None:
    (voc / "ImageSets" / "Main" / "trainval.txt").write_text("".join(f"{k}\n" for k in range(10)))
    with pytest.raises(DataError, match=rf"the lists .*{shared}.*--lists train,val or trainval,test"):
        convert("voc", voc, tmp_path / "data", lists=lists)
    assert not (tmp_path / "data").exists()
    (voc / "ImageSets" / "Main" / "test.txt").write_text("0\n")
    with pytest.raises(DataError, match=r"train and test share 1 pictures \(0\)"):
        convert("voc", voc, tmp_path / "data")


CLASSES = """
aeroplane bicycle bird boat bottle bus car cat chair cow
diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor
"""
NAMES = tuple(CLASSES.split())


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    """Two years as the challenge's archives unpack them; only 2007 has a test list. 20 classes."""
    root = tmp_path / "VOCdevkit"
    lists = {
        "VOC2007": {"train": "01", "val": "2", "trainval": "012", "test": "34", "car_train": "0"},
        "VOC2012": {"train": "5", "val": "6", "trainval": "56"},
    }
    for year, names in lists.items():
        sets = root / year / "ImageSets" / "Main"
        sets.mkdir(parents=True)
        (root / year / "Annotations").mkdir()
        for name, numbers in names.items():
            (sets / f"{name}.txt").write_text("".join(f"{year}_{k}  1\n" for k in numbers))
        for k in "".join(numbers for name, numbers in names.items() if name in ("trainval", "test")):
            picture(root / year / "JPEGImages" / f"{year}_{k}.jpg", 40, 40)
            objects = "".join(voc_object(name, (1, 1, 20, 20)) for name in NAMES)
            objects += voc_object("car", (5, 5, 9, 9), "<difficult>1</difficult>")
            (root / year / "Annotations" / f"{year}_{k}.xml").write_text(
                f"<annotation>{objects}</annotation>"
            )
    return root


def names_of(folder: Path) -> dict[str, str]:
    """Numbers of the pictures by split."""
    content = {file.stem: json.loads(file.read_text())["images"] for file in sorted(folder.glob("*.json"))}
    return {split: "".join(i["file_name"][-5] for i in images) for split, images in content.items()}


def test_years_of_voc_come_together_by_their_lists(devkit: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    convert("voc", devkit, out)
    assert names_of(out) == {"train": "015", "val": "26", "test": "34"}
    convert("voc", devkit, tmp_path / "all", lists=("trainval", "test"))
    assert names_of(tmp_path / "all") == {"train": "01256", "val": "34"}
    convert("voc", devkit / "VOC2012", tmp_path / "one")
    assert names_of(tmp_path / "one") == {"train": "5", "val": "6"}
    split = find_split(out, "train")
    assert [place.parent.name for place in split.pictures] == ["VOC2007", "VOC2012"]
    (record, *rest) = load_records(split.annotations, LabelConfig(labels=NAMES, groups=()))
    assert record.classes.tolist() == list(range(20))
    assert record.ignored.nonzero()[1].tolist() == [NAMES.index("car")]  # the difficult one
    assert len(rest) == 2
    images = decode_images([record, *rest], split.pictures, tmp_path / "a.npy")
    view = Augmenter(images, [record, *rest], AugmentConfig(mosaic=1.0), (64, 64)).view(
        0, np.random.default_rng(0)
    )
    assert view.ignore.shape[1] == 20


def test_lists_that_are_not_there_are_named_with_what_to_do(devkit: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no ImageSets/Main/test\.txt; there are train, trainval, val: name two"
    ):
        convert("voc", devkit / "VOC2012", tmp_path, lists=("trainval", "test"))
    for file in (devkit / "VOC2012" / "ImageSets" / "Main").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"no list of pictures \(it is empty\): unpack .* --val SHARE"):
        convert("voc", devkit / "VOC2012", tmp_path)
    with pytest.raises(ConfigError, match="of VOC folders"):
        convert("yolo", devkit, tmp_path, lists=("train", "val"))
    assert main(["convert", "voc", str(devkit), "--out", str(tmp_path / "x"), "--lists", "train"]) == 2


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither ImageSets/Main nor XML files"):
        read_voc(tmp_path, Complaints())
    with pytest.raises(DataError, match=r"neither data\.yaml nor classes\.txt"):
        read_yolo(tmp_path, Complaints())


def yolo(root: Path) -> Path:
    """Four pictures to train on, one to judge by; labels with faults."""
    lines = {
        "a": "0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.6 0.1\n",
        "b": "",
        "c": "7 0.5 0.5 0.1 0.1\nhelmet 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1\n",
        "d": "1 0.1 0.2 0.3 0.2 0.3 0.8 0.1 0.8\n",
    }
    for split, names in (("train", "abcd"), ("val", "e")):
        for name in names:
            picture(root / "images" / split / f"{name}.png")
            (root / "labels" / split).mkdir(parents=True, exist_ok=True)
            if name in lines:
                (root / "labels" / split / f"{name}.txt").write_text(lines[name])
    return root


@pytest.mark.parametrize("described", ["list", "table", "elsewhere", "classes.txt"])
def test_yolo_becomes_coco(tmp_path: Path, caplog: pytest.LogCaptureFixture, described: str) -> None:
    root, out = yolo(tmp_path / "yolo"), tmp_path / "data"
    places = "train: images/train\nval: images/val\n"
    match described:
        case "list":
            (root / "data.yaml").write_text(places + "names: [helmet, vest]\n")
        case "table":
            (root / "data.yaml").write_text(places + "names:\n  1: vest\n  0: helmet\n")
        case "elsewhere":
            moved = places.replace("images", "../images")
            (root / "data.yaml").write_text(f"path: /not/here\n{moved}names: [helmet, vest]\n")
        case _:
            (root / "classes.txt").write_text("helmet\nvest\n")
    convert("yolo", root, out)
    split = find_split(out, "train")
    records = load_records(split.annotations, LABELS)
    assert [(r.file_name, len(r.boxes)) for r in records] == [
        ("a.png", 2), ("b.png", 0), ("c.png", 0), ("d.png", 1)
    ]  # fmt: skip
    assert records[0].boxes.tolist() == [[40, 15, 60, 35], [0, 2.5, 40, 7.5]]  # the second is cut at the edge
    assert records[3].boxes.tolist() == [[10, 10, 30, 40]]  # around an outline
    assert records[3].classes.tolist() == [1]
    for line in (1, 2, 3):
        assert f"c.txt, line {line} (" in caplog.text
    assert len(load_records(find_split(out, "val").annotations, LABELS)) == 1


def test_what_yolo_lacks_is_named(tmp_path: Path) -> None:
    root = yolo(tmp_path / "yolo")
    (root / "data.yaml").write_text("train: images/train\n")
    with pytest.raises(DataError, match=r"data\.yaml: needs `names` and `train`"):
        convert("yolo", root, tmp_path / "data")
    (root / "data.yaml").write_text("train: images/none\nnames: [a]\n")
    with pytest.raises(DataError, match="images/none is not there"):
        convert("yolo", root, tmp_path / "data")


def test_one_picture_is_too_few(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("helmet\n")
    picture(tmp_path / "images" / "a.png")
    with pytest.raises(DataError, match="0 pictures to train on, 1 to judge"):
        convert("yolo", tmp_path, tmp_path / "data")
