"""PASCAL VOC: an XML file for each picture.

SRC/JPEGImages (or images, or SRC itself)    the pictures
SRC/Annotations (or SRC itself)              NAME.xml
SRC/ImageSets/Main/train.txt  val.txt        names without suffix; without them all XML files are one set
"""

import xml.etree.ElementTree as ET
from pathlib import Path

from training.data.complaints import Complaints
from training.data.formats.annotated import Box, DataSet, Picture, find_picture, picture_size
from training.errors import DataError


def read_voc(source: Path, complaints: Complaints) -> DataSet:
    """Read a folder; what cannot be used is left out and named.

    Raises:
        DataError: There are no annotations.
    """
    notes = source / "Annotations" if (source / "Annotations").is_dir() else source
    folders = [source / name for name in ("JPEGImages", "images", "Images", ".")]
    pictures = next(folder for folder in folders if folder.is_dir())
    splits: dict[str, list[Picture]] = {}
    for split, names in _splits(source, notes).items():
        found = [_picture(notes / f"{name}.xml", pictures, complaints) for name in names]
        splits[split] = [picture for picture in found if picture]
    labels = sorted({box.label for split in splits.values() for picture in split for box in picture.boxes})
    return DataSet(labels=tuple(labels), splits=splits)


def _splits(source: Path, notes: Path) -> dict[str, list[str]]:
    sets = source / "ImageSets" / "Main"
    for wanted in (("train", "val"), ("trainval",), ("train",)):
        if all((sets / f"{name}.txt").exists() for name in wanted):
            return {
                "train" if name == "trainval" else name: [
                    line.split()[0]
                    for line in (sets / f"{name}.txt").read_text().splitlines()
                    if line.strip()
                ]
                for name in wanted
            }
    names = sorted(file.stem for file in notes.glob("*.xml"))
    if not names:
        raise DataError(f"{source}: neither ImageSets/Main nor XML files in {notes}")
    return {"train": names}


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
