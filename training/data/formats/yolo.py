"""YOLO text: a line `class cx cy w h` (shares of the picture's sides) for each object.

SRC/data.yaml                      `train`, `val` (folders, or lists of pictures as .txt), `names`; or
SRC/classes.txt (or names.txt)     a name a line, with pictures in SRC/images, also split into train/ and val/
SRC/labels/…/NAME.txt              beside SRC/images/…; missing or empty: nothing is in the picture
"""

from pathlib import Path
from typing import Any

from training.data.complaints import Complaints
from training.data.formats.annotated import SUFFIXES, Box, DataSet, Picture, picture_size
from training.errors import DataError


def read_yolo(source: Path, complaints: Complaints) -> DataSet:
    """Read a folder; what cannot be used is left out and named.

    Raises:
        DataError: Names of classes or pictures are missing.
    """
    labels, places = _described(source)
    splits: dict[str, list[Picture]] = {}
    for split, folders in places.items():
        found = [_picture(file, labels, complaints) for folder in folders for file in _files(folder)]
        splits[split] = [picture for picture in found if picture]
    return DataSet(labels=tuple(labels), splits=splits)


def _described(source: Path) -> tuple[list[str], dict[str, list[Path]]]:
    """Names of the classes, and the places of the pictures by split."""
    described = source / "data.yaml"
    if described.exists():
        return _from_yaml(described)
    for name in ("classes.txt", "names.txt", "obj.names"):
        if (source / name).exists():
            labels = [line.strip() for line in (source / name).read_text().splitlines() if line.strip()]
            images = source / "images"
            if (images / "train").is_dir():
                there = [split for split in ("train", "val") if (images / split).is_dir()]
                return labels, {split: [images / split] for split in there}
            return labels, {"train": [images if images.is_dir() else source]}
    raise DataError(f"{source}: neither data.yaml nor classes.txt names the classes")


def _from_yaml(file: Path) -> tuple[list[str], dict[str, list[Path]]]:
    from ruamel.yaml import YAML, YAMLError  # only this format needs it

    try:
        content: Any = YAML(typ="safe").load(file)
        names = content["names"]
        labels = [str(names[k]) for k in sorted(names)] if isinstance(names, dict) else list(map(str, names))
        root = file.parent / content.get("path", ".")
        root = root if root.is_dir() else file.parent  # `path` is often that of another machine
        places = {
            split: [_place(root, file.parent, entry) for entry in _listed(content[split])]
            for split in ("train", "val")
            if content.get(split)
        }
    except (YAMLError, KeyError, TypeError) as error:
        raise DataError(f"{file}: needs `names` and `train` ({error})") from error
    return labels, places


def _listed(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _place(root: Path, beside: Path, entry: str) -> Path:
    """A folder or list; some tools write `../train/images` for a folder that is beside the file."""
    for place in (root / entry, beside / entry, beside / entry.removeprefix("../")):
        if place.exists():
            return place
    raise DataError(f"{beside / 'data.yaml'}: {entry} is not there")


def _files(place: Path) -> list[Path]:
    """Pictures of a folder, or of a list in a text file."""
    if place.is_dir():
        return sorted(file for file in place.rglob("*") if file.suffix.lower() in SUFFIXES)
    return [place.parent / line.strip() for line in place.read_text().splitlines() if line.strip()]


def _label_file(picture: Path) -> Path:
    """`…/images/…/NAME.jpg` has `…/labels/…/NAME.txt`; without a folder `images` both lie side by side."""
    parts = list(picture.parts)
    if "images" in parts:
        last = len(parts) - 1 - parts[::-1].index("images")
        parts[last] = "labels"
    return Path(*parts).with_suffix(".txt")


def _picture(file: Path, labels: list[str], complaints: Complaints) -> Picture | None:
    size = picture_size(file)
    if size is None:
        complaints.add("is missing or does not decode, left out", str(file))
        return None
    notes = _label_file(file)
    boxes = []
    for k, line in enumerate(notes.read_text().splitlines() if notes.exists() else []):
        if not line.strip():
            continue
        try:
            boxes.append(_box(line, labels, size))
        except (ValueError, IndexError):
            wanted = f"not `class cx cy w h` with a class from 0 to {len(labels) - 1}, left out"
            complaints.add(wanted, f"{notes}, line {k + 1} ({line.strip()[:60]})")
    return Picture(file=file, width=size[0], height=size[1], boxes=tuple(boxes))


def _box(line: str, labels: list[str], size: tuple[int, int]) -> Box:
    """One object; more than four numbers are the corners of an outline."""
    first, *numbers = line.split()
    number, shares = int(first), [float(n) for n in numbers]
    if number < 0 or len(shares) < 4 or len(shares) % 2:
        raise ValueError(line)
    (w, h), label = size, labels[number]
    if len(shares) == 4:
        cx, cy, width, height = shares
        x, y = [cx - width / 2, cx + width / 2], [cy - height / 2, cy + height / 2]
    else:
        x, y = shares[0::2], shares[1::2]
    return Box(label=label, x1=min(x) * w, y1=min(y) * h, x2=max(x) * w, y2=max(y) * h)
