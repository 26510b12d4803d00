"""Pictures for people: labelled training views; losses, learning rate and AP over a run."""

from pathlib import Path

import numpy as np

from training.data.augment import Augmenter
from training.data.cache import draw_order
from training.draw import draw_box, draw_dots, save_grid
from training.engine.curves import draw_stages
from training.workspace import Workspace


def draw_views(space: Workspace, path: Path, rows: int = 4, columns: int = 6) -> Path:
    """A grid of training views with their boxes; cells where a class is ignored are dotted in its colour."""
    recipe, cache = space.recipe, space.recipe.caches[0]
    records = space.records("train")
    augmenter = Augmenter(space.pictures("train"), records, recipe.augment, cache.size)
    order = draw_order(records, cache, recipe.labels.labels, recipe.balance)
    tiles = []
    for k in range(rows * columns):
        view = augmenter.view(int(order[k]), np.random.default_rng((cache.seed, k)))
        tile = view.image.copy()
        fine = (cache.size[0] // 8) * (cache.size[1] // 8)
        for c, name in enumerate(recipe.labels.labels):
            ignored = view.ignore[:fine, c]
            draw_dots(tile, augmenter.centres[:fine][ignored][::2], c)
            for box in view.boxes[view.classes == c]:
                draw_box(tile, box, name, c)
        tiles.append(tile)
    return save_grid(tiles, path, columns)


def draw_curves(space: Workspace, path: Path) -> Path:
    """Losses, learning rate and AP over the images seen, all stages one after the other."""
    stages = [(config.name, space.stage_folder(k)) for k, config in enumerate(space.recipe.stages)]
    return draw_stages(stages, path)
