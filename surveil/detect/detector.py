"""What a detector is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from surveil.detect.card import ModelCard
from surveil.detect.preprocess import Prepared
from surveil.labels import LabelMap
from surveil.types import Detections, Frame


class Detector(Protocol):
    """Finds objects in frames. Any number of threads may call `prepare` and `detect` at the same time."""

    @property
    def labels(self) -> LabelMap:
        """The classes that it knows."""

    @property
    def card(self) -> ModelCard | None:
        """The card of its model; None where there is no model."""

    @property
    def device(self) -> str:
        """What it runs on, in words for people."""

    def prepare(self, frame: Frame) -> Prepared:
        """The frame as the model wants it; the work of the capture thread."""

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        """The objects in each frame, in the order of the batch; boxes lie inside their frames, best first.

        Raises:
            ModelError: the model fails, or its output holds NaN.
        """

    def close(self) -> None:
        """Free what it holds; a second call does nothing."""
