"""Paper A's care for rare labels: classes with very few boxes are removed, the others balanced near 1:1.

Removing comes first (`recipes.adapt.without_sparse`): the class is no output any more, and where its boxes
are all classes are ignored: nothing learns that a rare thing is background, nor that it is something else.
Then pictures are drawn more often the rarer what they show (`data.cache.draw_shares`), as in repeat factor
sampling (Gupta et al. 2019, "LVIS"), but with factors that are fitted until boxes per class are level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.records import Record
from training.errors import ConfigError, DataError

ROUNDS = 200
TOLERANCE = 1.01  # of the ratio


@dataclass(frozen=True, kw_only=True)
class BalanceConfig:
    """Which classes are learned, and how often their pictures are drawn.

    Attributes:
        remove_below: Classes with fewer boxes to learn from are removed; 0 removes none.
        keep_outputs: Whether a removed class keeps its output. No box teaches it then, only a dense teacher
            does, if there is one.
        ratio: Pictures of rarer classes are repeated until the most frequent class has at most so many times
            the boxes of each other one (1: as many); 0 repeats nothing.
        largest: A picture comes at most so many times as often as without balancing.
    """

    remove_below: int = 0
    keep_outputs: bool = False
    ratio: float = 0.0
    largest: float = 10.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.remove_below < 0:
            raise ConfigError(f"balance: remove_below is a number of boxes, got {self.remove_below}")
        if self.ratio and self.ratio < 1:
            raise ConfigError(
                f"balance: ratio is 1 or more (boxes of the most frequent class over the rarest), "
                f"or 0 for none; got {self.ratio:g}"
            )
        if self.largest < 1:
            raise ConfigError(f"balance: largest is 1 or more repeats, got {self.largest:g}")


def class_boxes(records: Sequence[Record], classes: int) -> NDArray[np.int64]:
    """How many boxes of each class each picture has: (pictures, classes)."""
    return np.stack([np.bincount(record.classes, minlength=classes) for record in records])


def sparse_classes(boxes: NDArray[np.int64], labels: Sequence[str], config: BalanceConfig) -> tuple[str, ...]:
    """Names of the classes that are removed.

    Args:
        boxes: Of `class_boxes`.
        labels: Names of its columns.
        config: Says how few boxes are too few.

    Raises:
        DataError: No class is left; or one that is to be balanced has no box at all.
    """
    counts = dict(zip(labels, boxes.sum(0).tolist(), strict=True))
    sparse = tuple(name for name, count in counts.items() if count < config.remove_below)
    if len(sparse) == len(labels):
        most = max(counts, key=lambda name: counts[name])
        raise DataError(
            f"balance: no class has {config.remove_below} boxes to learn from, the most frequent is {most} "
            f"with {counts[most]}: choose a lower limit, or label more pictures"
        )
    empty = [name for name, count in counts.items() if not count and name not in sparse]
    if empty and config.ratio:
        raise DataError(
            f"balance: no box of {', '.join(empty)}, so no picture can be repeated for it: remove such "
            "classes with a limit of 1 box, leave them out of --labels, or label some"
        )
    return sparse


def repeat_factors(
    boxes: NDArray[np.int64], shares: NDArray[np.float64], config: BalanceConfig
) -> NDArray[np.float64]:
    """How many times as often each picture is drawn: (pictures,), from 1 to `largest`.

    Every class has a factor; a picture's is the geometric mean over its boxes, so that a truck among twenty
    people does not bring all of them again. Factors of classes that have too few boxes grow, by half of what
    is missing in the logarithm, until none has or all of those are at `largest`.

    Args:
        boxes: Of `class_boxes`; classes without any are left alone.
        shares: (pictures,) how often each is drawn without balancing, relative to the others.
        config: The ratio that is wanted, and the largest factor.
    """
    mix = boxes / np.maximum(boxes.sum(1, keepdims=True), 1)
    factor, repeats = np.ones(boxes.shape[1]), np.ones(len(boxes))
    there = boxes.any(0)
    for _ in range(ROUNDS):
        drawn = (shares * repeats) @ boxes
        missing = np.where(there, drawn.max() / np.maximum(drawn, 1e-9) / config.ratio, 1.0)
        raised = np.clip(factor * np.sqrt(np.maximum(missing, 1.0)), 1.0, config.largest)
        if missing.max() <= TOLERANCE or np.array_equal(raised, factor):
            break
        factor = raised
        repeats = np.exp(mix @ np.log(factor))
    return repeats


@dataclass(frozen=True, kw_only=True)
class Shares:
    """A way to draw pictures, by name: (pictures,) how often each comes, relative to the others."""

    name: str
    values: NDArray[np.float64]


def table(
    labels: Sequence[str], boxes: NDArray[np.int64], ways: Sequence[Shares], removed: Sequence[str] = ()
) -> str:
    """Boxes and pictures of each class, in as many draws as there are pictures, for each way to draw them.

    In the last way `removed` classes are not there any more.
    """
    scaled = [way.values * len(boxes) / way.values.sum() for way in ways]
    counts = [(s @ boxes, s @ (boxes > 0)) for s in scaled]
    head = f"{'':16s}" + "".join(f"{way.name:>20s}" for way in ways)
    lines = [head, f"{'class':16s}" + "".join(f"{'boxes':>10s}{'pictures':>10s}" for _ in ways)]
    for c, label in enumerate(labels):
        cells = [f"{own[c]:10.0f}{pictures[c]:10.0f}" for own, pictures in counts]
        if label in removed:
            cells[-1] = f"{'removed':>20s}"
        lines.append(f"{label:16s}" + "".join(cells))
    kept = [c for c, label in enumerate(labels) if label not in removed]
    left = [own for own, _ in counts[:-1]] + [counts[-1][0][kept]]
    return "\n".join([*lines, f"{'most : least':16s}" + "".join(f"{_ratio(own):>20s}" for own in left)])


def _ratio(boxes: NDArray[np.float64]) -> str:
    return f"{boxes.max() / boxes.min():.1f} : 1" if boxes.min() else "some have none"
