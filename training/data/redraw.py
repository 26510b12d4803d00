"""The pictures behind cached views, drawn again as they were when the cache was filled."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.augment import Augmenter
from training.data.cache import FeatureCache, ViewJob


class ViewPainter:
    """Draws views of one cache."""

    def __init__(self, job: ViewJob) -> None:
        """`job`: how the views were drawn."""
        images = np.load(job.images, mmap_mode="r")
        self.augmenter = Augmenter(images, job.records, job.augment, job.cache.size)
        self.seed = job.cache.seed

    def __call__(self, cache: FeatureCache, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Pictures (B, H, W, 3) uint8 BGR of these rows of the cache."""
        cv2.setNumThreads(1)
        views = []
        for row in rows:
            # the seed of a view is its row, see `data.cache.Filler`
            rng = np.random.default_rng((self.seed, row))
            views.append(self.augmenter.view(int(cache["index"][row]), rng).image)
        return np.stack(views)
