"""The pictures of a batch that is looked at, where it was made of cached features."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.cache import ViewJob
from training.data.redraw import ViewPainter
from training.engine.batches import BatchesInTurn, ViewBatches
from training.engine.look import Look


class Redrawer:
    """See the module."""

    def __init__(self, source: BatchesInTurn, views: Sequence[ViewJob]) -> None:
        """`views`: how the views of each source were drawn."""
        self.source, self.views = source, views

    def __call__(self, look: Look) -> NDArray[np.uint8]:
        """The pictures (B, H, W, 3) uint8 BGR of the batch that is looked at."""
        place, number = self.source.at(look.step - 1)
        source = self.source.sources[place]
        cached = source.cached if isinstance(source, ViewBatches) else source
        return ViewPainter(self.views[place])(cached.cache, cached.rows(number))
