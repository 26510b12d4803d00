"""Where the files of a data folder are.

DIR (or DIR/detection) holds for each split, `train` and `val`:
  SPLIT.json            COCO format; `labelled` and `source` of an image are optional
  SPLIT-*.tar or SPLIT/ the pictures; or the folders and tars that SPLIT.json itself names: "pictures": [...]
  teacher_SPLIT.json    optional: a teacher's detections (see `records.load_records`)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.coco import read_json
from training.errors import DataError

SHIPPED = Path(__file__).parents[2] / "assets" / "models"


@dataclass(frozen=True, kw_only=True)
class Split:
    """Files of one split.

    Attributes:
        annotations: COCO JSON.
        pictures: Tars or folders.
        teacher: Detections of a teacher, or None.
    """

    annotations: Path
    pictures: tuple[Path, ...]
    teacher: Path | None


def find_split(data: Path, name: str) -> Split:
    """Files of split `name` below the folder `data`.

    Raises:
        DataError: Annotations or pictures are missing.
    """
    for root in (data, data / "detection"):
        annotations = root / f"{name}.json"
        if not annotations.exists():
            continue
        pictures = tuple(sorted(root.glob(f"{name}-*.tar")))
        if not pictures and (root / name).is_dir():
            pictures = (root / name,)
        if not pictures:
            content = read_json(annotations)
            named = content.get("pictures", []) if isinstance(content, dict) else []
            if not isinstance(named, list) or not all(isinstance(place, str) for place in named):
                raise DataError(f"{annotations}: `pictures` is not a list of folders and tars")
            pictures = tuple(root / place for place in named)
        if not pictures:
            raise DataError(
                f"{root}: neither {name}-*.tar nor a folder {name}/ with the pictures of {annotations.name}, "
                "nor does it name any"
            )
        teacher = root / f"teacher_{name}.json"
        return Split(
            annotations=annotations, pictures=pictures, teacher=teacher if teacher.exists() else None
        )
    raise DataError(f"{data}: no {name}.json there, nor in its folder detection/")


def find_added(data: Path, places: Sequence[str], name: str) -> list[Split]:
    """Split `name` of folders that are added to a data folder: paths, or names of folders in it.

    Raises:
        DataError: Annotations or pictures are missing.
    """
    inside = [data / place for place in places]
    return [find_split(a if a.is_dir() else Path(b), name) for a, b in zip(inside, places, strict=True)]


def find_weights(name: str, data: Path, weights: Path | None) -> Path:
    """A start or teacher by name.

    In `weights`, or in or beside the data folder or its `weights/`; models that ship are known anyway.
    """
    places = [weights] if weights else [data, data / "weights", data.parent / "weights", data.parent]
    places.append(SHIPPED)
    for place in places:
        if (place / name).exists():
            return place / name
    raise DataError(f"{name}: not in {', '.join(map(str, places))}; name its folder with --weights")
