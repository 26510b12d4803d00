"""The pictures behind cached batches, drawn again as they were when the cache was filled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.augment import Augmenter
from training.data.cache import ViewJob
from training.engine.batches import BatchesInTurn
from training.engine.look import Look


class Redrawer:
    """See the module."""

    def __init__(self, source: BatchesInTurn, views: Sequence[ViewJob]) -> None:
        """`views`: how the views of each source were drawn."""
        self.source, self.views = source, views

    def __call__(self, look: Look) -> NDArray[np.uint8]:
        """The pictures (B, H, W, 3) uint8 BGR of the batch that is looked at."""
        place, number = self.source.at(look.step - 1)
        job, cached = self.views[place], self.source.sources[place]
        augmenter = Augmenter(np.load(job.images, mmap_mode="r"), job.records, job.augment, job.cache.size)
        index = cached.cache["index"]
        # the seed of a view is its row, see `data.cache.Filler`
        return np.stack(
            [
                augmenter.view(int(index[row]), np.random.default_rng((job.cache.seed, row))).image
                for row in cached.rows(number)
            ]
        )
