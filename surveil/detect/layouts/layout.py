"""What an output layout is: it reads the raw outputs of a model as candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.errors import ModelError
from surveil.geometry import Boxes

OutputShapes = Mapping[str, tuple[int, ...]]
"""Shapes of a graph's outputs by name, in its order, with the batch axis in front."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """Boxes before suppression; a cell may stand for several classes.

    Attributes:
        boxes: (M, 4) float32 xyxy in pixels of the model's input, possibly beyond it.
        scores: (M,) float32 in 0-1.
        class_ids: (M,) int32.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]


def merge(parts: Sequence[Candidates]) -> Candidates:
    """The candidates of several levels as one, in their order."""
    return Candidates(
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        class_ids=np.concatenate([part.class_ids for part in parts]),
    )


class Layout(Protocol):
    """Reads the outputs of one model; made for its shapes once."""

    def decode(self, outputs: Sequence[NDArray[Any]], floor: float) -> Candidates:
        """The candidates of one frame with scores of at least `floor` (0-1).

        `outputs` are in the graph's order and without the batch axis.
        """


def expect_outputs(got: OutputShapes, wanted: Mapping[str, Sequence[int | None]]) -> None:
    """Compare a graph's outputs with those that its card promises; None stands for any size.

    Raises:
        ModelError: a name is missing or a shape differs.
    """
    for name, shape in wanted.items():
        size = got.get(name)
        if (
            size is None
            or len(size) != len(shape)
            or any(want not in (None, have) for want, have in zip(shape, size, strict=True))
        ):
            text = ", ".join("any" if want is None else str(want) for want in shape)
            raise ModelError(f"output {name!r}: expected ({text}), got {size or f'none: it has {list(got)}'}")
