"""Crops of one class out of the training pictures: what a GAN learns from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.complaints import Complaints
from training.data.decode import decode_one, picture_files
from training.data.layout import Split
from training.data.records import LabelConfig, Record, load_records
from training.errors import ConfigError
from training.gan.patches import LARGEST, LEAST, cut

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CropConfig:
    """Which boxes are cut out, and how.

    Attributes:
        side: Of a crop, in pixels.
        margin: Surroundings on each side, as a share of the box's longer side.
        min_side: Boxes with a longer side under this many pixels of their picture are left out.
        aspect: So are boxes longer than this many times their shorter side.
        least: With fewer crops a GAN only repeats what it saw, and is refused.
        most: So many crops are enough; they are chosen by chance.
        seed: Of that choice.
    """

    side: int = 64
    margin: float = 0.15
    min_side: float = 32.0
    aspect: float = 4.0
    least: int = 200
    most: int = 20_000
    seed: int = 1

    def __post_init__(self) -> None:
        """Check that the mask of every box can be read in a crop."""
        longest = 1 / (1 + 2 * self.margin)
        if self.side < 16 or not LARGEST <= longest <= 1 or not 1 <= self.aspect <= longest / LEAST:
            raise ConfigError(
                f"crops: side is 16 or more, margin 0 to {(1 / LARGEST - 1) / 2:.2f}, aspect 1 to "
                f"{longest / LEAST:.1f} with this margin; "
                f"got {self.side}, {self.margin:g} and {self.aspect:g}"
            )


def labelled_records(split: Split, label: str) -> list[Record]:
    """Records of a split with the boxes of one class alone. Raises DataError: the file has no such class."""
    return load_records(split.annotations, LabelConfig(labels=(label,), groups=()))


def read_crops(split: Split, label: str, config: CropConfig) -> NDArray[np.uint8]:
    """Crops (N, S, S, 4) uint8, BGR and mask (see `patches.cut`), in the order of the annotation file.

    Pictures that cannot be used are named and left out.

    Raises:
        ConfigError: Fewer than `config.least`.
        DataError: The files cannot be used, or have no such class.
    """
    records = labelled_records(split, label)
    chosen, refused = _chosen(records, config)
    _enough(label, len(chosen), refused, config)
    if len(chosen) > config.most:
        rng = np.random.default_rng(config.seed)
        chosen = [chosen[k] for k in sorted(rng.choice(len(chosen), config.most, replace=False))]
    places: dict[str, list[tuple[int, Record, NDArray[np.float32]]]] = {}
    for k, (record, box) in enumerate(chosen):
        places.setdefault(record.file_name, []).append((k, record, box))
    crops: dict[int, NDArray[np.uint8]] = {}
    complaints = Complaints()
    for name, raw in picture_files(split.pictures, places):
        picture, fault = decode_one(raw, places[name][0][1])
        if fault:
            complaints.add("no crops of it", f"{name} {fault}")
            continue
        crops |= {k: cut(picture, box, config.side, config.margin) for k, _, box in places[name]}
    complaints.sum_up()
    refused["of pictures that are missing or broken"] = len(chosen) - len(crops)
    _enough(label, len(crops), refused, config)
    log.info("%s: %d crops", label, len(crops))
    return np.stack([crops[k] for k in sorted(crops)])


def _chosen(
    records: Sequence[Record], config: CropConfig
) -> tuple[list[tuple[Record, NDArray[np.float32]]], dict[str, int]]:
    """Boxes that are cut out with their records, and how many are not, by reason."""
    chosen = []
    small = thin = 0
    for record in records:
        for box in record.boxes:
            short, longer = sorted(float(v) for v in box[2:] - box[:2])
            if longer < config.min_side:
                small += 1
            elif longer > config.aspect * short:
                thin += 1
            else:
                chosen.append((record, box))
    return chosen, {
        f"smaller than {config.min_side:g} pixels": small,
        f"longer than {config.aspect:g} times their other side": thin,
    }


def _enough(label: str, count: int, refused: dict[str, int], config: CropConfig) -> None:
    if count >= config.least:
        return
    reasons = ", ".join(f"{n} {reason}" for reason, n in refused.items() if n)
    instead = "; with so few, paste the real crops: gan-paste --real" if count else ""
    raise ConfigError(
        f"class {label}: {count} crops, at least {config.least} are needed"
        f"{f' (left out: {reasons})' if reasons else ''}. Add pictures that show it, or take smaller boxes "
        f"with --min-side{instead}"
    )


def named_classes(text: str) -> tuple[str, ...]:
    """The classes of CLASS,CLASS. Raises ConfigError: none, or one twice.

    >>> named_classes("bicycle, bus")
    ('bicycle', 'bus')
    """
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) != len(names) or any(Path(name).name != name for name in names):
        raise ConfigError(f"classes: expected names with commas between, each once, got {text!r}")
    return names
