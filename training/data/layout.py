"""Where the files of a data folder are.

DIR (or DIR/detection) holds for each split, `train` and `val`:
  SPLIT.json            COCO format; `labelled` and `source` of an image are optional
  SPLIT-*.tar or SPLIT/ the pictures
  teacher_SPLIT.json    optional: a teacher's detections (see `records.load_records`)
"""

from dataclasses import dataclass
from pathlib import Path

from training.errors import DataError


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
            raise DataError(
                f"{root}: neither {name}-*.tar nor a folder {name}/ with the pictures of {annotations.name}"
            )
        teacher = root / f"teacher_{name}.json"
        return Split(
            annotations=annotations, pictures=pictures, teacher=teacher if teacher.exists() else None
        )
    raise DataError(f"{data}: no {name}.json there, nor in its folder detection/")


def find_weights(name: str, data: Path, weights: Path | None) -> Path:
    """A start or teacher by name: in `weights`, else in or beside the data folder or its `weights/`."""
    places = [weights] if weights else [data, data / "weights", data.parent / "weights", data.parent]
    for place in places:
        if (place / name).exists():
            return place / name
    raise DataError(f"{name}: not in {', '.join(map(str, places))}; name its folder with --weights")
