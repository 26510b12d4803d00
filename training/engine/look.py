"""What can be seen of a run from outside."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from training.engine.batches import Batch
from training.losses.criterion import Criterion
from training.losses.yolov3 import YoloV3Criterion
from training.models.detector import Detector


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a watcher sees after a step.

    Attributes:
        step: Steps done.
        images: Images seen by all processes.
        seconds: Spent on training.
        batch: The batch of that step.
        raw: (B, N, K) float32, what the model said of it, see `training.models.reading`.
        criterion: What it was judged by.
        assigner: Who assigned cells to objects.
        model: The averaged model, in evaluation mode.
        saved: A checkpoint was written.
        last: The stage has ended.
    """

    step: int
    images: int
    seconds: float
    batch: Batch
    raw: Tensor
    criterion: Criterion | YoloV3Criterion
    assigner: str
    model: Detector
    saved: bool
    last: bool


class Watcher(Protocol):
    """Looks at a run from time to time and changes nothing in it."""

    def look(self, look: Look) -> None:
        """Called in process 0 whenever weights were averaged, while the others wait."""
