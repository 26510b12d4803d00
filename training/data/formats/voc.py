"""PASCAL VOC: an XML file for each picture.

SRC/JPEGImages (or images, or SRC itself)    the pictures
SRC/Annotations (or SRC itself)              NAME.xml
SRC/ImageSets/Main/LIST.txt                  names without suffix: train, val, trainval, test

SRC may hold several such folders, as the challenge's archives unpack them (VOCdevkit/VOC2007, VOC2012): a
list is then the pictures of all of them. Folders without ImageSets (own pictures) are one set.
"""

import logging
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.data.complaints import Complaints
from training.data.formats.annotated import Box, DataSet, Picture, find_picture, picture_size
from training.errors import DataError

log = logging.getLogger(__name__)

USUAL = (("train", "val"), ("trainval", "test"), ("trainval",), ("train",))
"""Lists to train on and to judge by, in the order in which they are looked for."""

SHOWN = 4  # names that an error lists


def read_voc(source: Path, complaints: Complaints, lists: Sequence[str] = ()) -> DataSet:
    """Read a folder; what cannot be used is left out and named.

    A list `test` that is not among those wanted becomes a split of its own.

    Args:
        source: The folder.
        complaints: Hears of what is left out.
        lists: Names of the lists to train on and to judge by; empty: those that are there, see `USUAL`.

    Raises:
        DataError: There are no annotations, or not the lists that are wanted; or the list to train on shares
            pictures with another one.
    """
    years = [folder for folder in sorted(source.glob("*/")) if (folder / "Annotations").is_dir()]
    parts = [source] if (source / "Annotations").is_dir() or not years else years
    known = {file.stem for part in parts for file in (part / "ImageSets" / "Main").glob("*.txt")}
    shown = ", ".join(sorted(name for name in known if name.rpartition("_")[2] == name))  # not car_train
    wanted = tuple(lists) or next((usual for usual in USUAL if known.issuperset(usual)), ())
    if not wanted and any((part / "ImageSets").is_dir() for part in parts):
        raise DataError(
            f"{source}: ImageSets/Main has no list of pictures ({shown or 'it is empty'}): "
            "unpack the challenge's trainval archive there, write train.txt and val.txt with the name of a "
            "picture in each line, or remove ImageSets: then --val SHARE of all pictures are chosen by chance"
        )
    for name in set(wanted) - known:
        raise DataError(
            f"{source}: no ImageSets/Main/{name}.txt; there are {shown or 'none'}: name two "
            "of these with --lists TRAIN,VAL, or unpack the archive that has it (VOC2007's test is one of "
            "its own; VOC2012's test has no annotations)"
        )
    splits = dict(zip(("train", "val"), wanted, strict=False)) or {"train": ""}
    if "test" in known - set(wanted):
        splits["test"] = "test"
    _check_shared(source, parts, splits)
    pictures = {
        split: [picture for part in parts for picture in _pictures(part, name, complaints)]
        for split, name in splits.items()
    }
    labels = {box.label for split in pictures.values() for picture in split for box in picture.boxes}
    return DataSet(labels=tuple(sorted(labels)), splits=pictures)


def _check_shared(source: Path, parts: Sequence[Path], splits: Mapping[str, str]) -> None:
    """Refuse to judge by pictures that are trained on. Raises DataError."""
    for split, name in splits.items():
        if split == "train":
            continue
        both = [
            stem for part in parts for stem in set(_listed(part, splits["train"])) & set(_listed(part, name))
        ]
        if both:
            first = ", ".join(sorted(both)[:SHOWN]) + (", …" if len(both) > SHOWN else "")
            raise DataError(
                f"{source}: the lists {splits['train']} and {name} share {len(both)} pictures ({first}): a "
                "model cannot be judged by what it was trained on; name lists that share none, such as "
                "--lists train,val or trainval,test"
            )


def _listed(part: Path, name: str) -> list[str]:
    """Names of the pictures of a list of one folder; none where there is no such list."""
    file = part / "ImageSets" / "Main" / f"{name}.txt"
    if not file.exists():
        return []
    return [line.split()[0] for line in file.read_text().splitlines() if line.strip()]


def _pictures(part: Path, name: str, complaints: Complaints) -> list[Picture]:
    """The pictures of a list of one folder; of all XML files where there are no lists."""
    notes = part / "Annotations" if (part / "Annotations").is_dir() else part
    folders = [part / place for place in ("JPEGImages", "images", "Images", ".")]
    place = next(folder for folder in folders if folder.is_dir())
    file = part / "ImageSets" / "Main" / f"{name}.txt"
    if not name:
        names = sorted(file.stem for file in notes.glob("*.xml"))
        if not names:
            raise DataError(f"{part}: neither ImageSets/Main nor XML files in {notes}")
    elif file.exists():
        names = _listed(part, name)
    else:
        log.info("%s: no list %s", part, name)
        return []
    found = [_picture(notes / f"{name}.xml", place, complaints) for name in names]
    return [picture for picture in found if picture]


def _picture(file: Path, pictures: Path, complaints: Complaints) -> Picture | None:
    try:
        root = ET.parse(file).getroot()
    except (OSError, ET.ParseError) as error:
        complaints.add("cannot be read, its picture is left out", f"{file} ({error})")
        return None
    picture = find_picture(pictures, file.stem)
    size = picture_size(picture) if picture else None
    if picture is None or size is None:
        complaints.add("its picture is missing or does not decode, left out", str(file))
        return None
    boxes = []
    for k, item in enumerate(root.iter("object")):
        try:
            boxes.append(_box(item))
        except (TypeError, ValueError, AttributeError):
            complaints.add("no name or no whole bndbox, left out", f"{file}, object {k}")
    return Picture(file=picture, width=size[0], height=size[1], boxes=tuple(boxes))


def _box(item: ET.Element) -> Box:
    """One object; VOC counts pixels from 1 and includes the last one."""
    corners = {name: float(item.findtext(f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")}  # type: ignore[arg-type]
    return Box(
        label=item.findtext("name").strip(),  # type: ignore[union-attr]
        x1=corners["xmin"] - 1,
        y1=corners["ymin"] - 1,
        x2=corners["xmax"],
        y2=corners["ymax"],
        difficult=(item.findtext("difficult") or "0").strip() == "1",
    )
