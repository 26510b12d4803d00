"""Pictures for people: labelled training views, loss and rate over a run."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.augment import Augmenter
from training.data.cache import draw_order
from training.engine.journal import read_journal
from training.workspace import Workspace

COLOURS = (
    (60, 200, 60),
    (200, 160, 0),
    (0, 140, 255),
    (200, 0, 200),
    (0, 220, 220),
    (60, 60, 230),
    (255, 255, 255),
)


def draw_views(space: Workspace, path: Path, rows: int = 4, columns: int = 6) -> Path:
    """A grid of training views with their boxes; cells where a class is ignored are dotted in its colour."""
    recipe, cache = space.recipe, space.recipe.caches[0]
    records = space.records("train")
    augmenter = Augmenter(space.pictures("train"), records, recipe.augment, cache.size)
    order = draw_order(records, cache, recipe.labels.labels)
    tiles = []
    for k in range(rows * columns):
        view = augmenter.view(int(order[k]), np.random.default_rng((cache.seed, k)))
        tile = view.image.copy()
        fine = (cache.size[0] // 8) * (cache.size[1] // 8)
        for c, name in enumerate(recipe.labels.labels):
            for x, y in augmenter.centres[:fine][(view.ignore[:fine] >> c) & 1 == 1].astype(int)[::2]:
                cv2.circle(tile, (int(x), int(y)), 1, COLOURS[c % len(COLOURS)], -1)
            for box in view.boxes[view.classes == c].astype(int):
                _box(tile, box, name, COLOURS[c % len(COLOURS)])
        tiles.append(tile)
    grid = np.vstack([np.hstack(tiles[r * columns : (r + 1) * columns]) for r in range(rows)])
    cv2.imwrite(str(path), grid)
    return path


def _box(image: NDArray[np.uint8], box: NDArray[np.int_], name: str, colour: tuple[int, int, int]) -> None:
    x1, y1, x2, y2 = (int(v) for v in box)
    cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1)
    cv2.putText(image, name, (x1 + 1, y1 + 9), cv2.FONT_HERSHEY_SIMPLEX, 0.32, colour, 1)


def draw_curves(space: Workspace, path: Path) -> Path:
    """Losses and learning rate over the images seen, all stages one after the other."""
    import matplotlib as mpl  # heavy, and only this picture needs it

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (losses, rates) = plt.subplots(2, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 1))
    offset = 0.0
    colours: dict[str, str] = {}
    for k, config in enumerate(space.recipe.stages):
        lines = read_journal(space.stage_folder(k) / "log.csv")
        x = [offset + line["images"] for line in lines]
        for name in list(lines[0])[4:]:
            label = None if name in colours else name
            (drawn,) = losses.plot(
                x, [line[name] for line in lines], label=label, color=colours.get(name), lw=1
            )
            colours[name] = drawn.get_color()
        rates.plot(x, [line["rate"] for line in lines], color="black", lw=1)
        losses.axvline(x[-1], color="grey", lw=0.5)
        losses.text(x[-1], losses.get_ylim()[1], f"{config.name} ", ha="right", va="top", color="grey")
        offset = x[-1]
    losses.set_yscale("log")
    losses.set_ylabel("loss (weighted)")
    losses.legend(loc="upper right")
    rates.set_ylabel("learning rate")
    rates.set_xlabel("images seen")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path
