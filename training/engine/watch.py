"""What process 0 looks at while a stage trains: drawn batches, predictions, AP, curves.

In the stage's folder: `looks/batch-STEP.png` (a training batch with its targets and the cells that learn
them), `looks/predictions-STEP.png` (the averaged weights on validation pictures), `ap.csv`, `curves.png`.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveil.detect.preprocess import letterbox
from training.draw import draw_box, draw_dots, save_grid
from training.engine.config import StageConfig, WatchConfig
from training.engine.curves import AP_FILE, draw_stages
from training.engine.journal import Journal
from training.engine.look import Look
from training.engine.validation import TorchDetector, Validation
from training.grid import cell_grid

log = logging.getLogger(__name__)

DRAWN_SCORE = 0.3
TRUTH_COLOUR = -1  # white; predictions lie over it in their class's colour

Pictures = Callable[[Look], NDArray[np.uint8]]
"""The pictures (B, H, W, 3) uint8 BGR of the batch that is looked at."""


def pictures_of_inputs(look: Look) -> NDArray[np.uint8]:
    """The pictures of batches that are made of pictures."""
    pictures: NDArray[np.uint8] = look.batch.inputs[0].cpu().numpy()
    return pictures


class Watch:
    """See the module."""

    def __init__(
        self,
        folder: Path,
        config: WatchConfig,
        stage: StageConfig,
        pictures: Pictures,
        validation: Validation,
    ) -> None:
        """`folder`: of the stage; `pictures`: where the drawn batches come from."""
        self.folder, self.config, self.stage = folder, config, stage
        self.pictures, self.validation = pictures, validation
        every = stage.average_every
        self._first = -(-config.first_look // every) * every
        self._examples = validation.examples(config.pictures)
        self._journal: Journal | None = None

    def look(self, look: Look) -> None:
        """See `training.engine.look.Watcher`."""
        if look.saved or look.last or look.step == self._first:
            self._draw_batch(look)
            self._draw_predictions(look)
        if self.config.evaluate and (look.last or self._due(look)):
            self._evaluate(look)

    def _due(self, look: Look) -> bool:
        """Whether the images at which the AP is measured again were reached since the look before."""
        every = self.config.evaluate_every
        before = look.images - look.images // look.step * self.stage.average_every
        return every > 0 and look.images // every > before // every

    def _draw_batch(self, look: Look) -> None:
        targets, criterion = look.batch.targets, look.criterion
        pairs = criterion.pairs(look.raw, targets, look.assigner)
        places = criterion.places
        centres, strides = places.centres.cpu().numpy(), places.strides.cpu().numpy()
        grid = cell_grid(*look.batch.size)
        image, boxes, classes = (
            x.cpu().numpy() for x in (targets.objects.image, targets.objects.boxes, targets.objects.classes)
        )
        owner, cell = pairs.objects.cpu().numpy(), pairs.cells.cpu().numpy()
        fine = grid[1] == grid[1].min()
        tiles = []
        for k, picture in enumerate(self.pictures(look)[: self.config.pictures]):
            tile = np.ascontiguousarray(picture)
            for label, ignored in enumerate(targets.ignore[k].cpu().numpy().T):
                draw_dots(tile, grid[0][ignored & fine][::2], label)
            for g in np.flatnonzero(image == k):
                label = int(classes[g])
                draw_box(tile, boxes[g], self.validation.job.labels[label], label)
                for n in cell[owner == g]:
                    draw_dots(tile, centres[n : n + 1], label, 1 + int(strides[n]) // 8)
            tiles.append(tile)
        save_grid(tiles, self.folder / "looks" / f"batch-{look.step:06}.png")

    def _draw_predictions(self, look: Look) -> None:
        job = self.validation.job
        detector = TorchDetector(look.model, job.labels, job.size)
        tiles = []
        for example in self._examples:
            found = detector.detect([detector.prepare(example.frame)])[0]
            tile, place = letterbox(example.frame.image, job.size)
            scale = np.array([place.scale_x, place.scale_y] * 2)
            offset = np.array([place.offset_x, place.offset_y] * 2)
            for box in example.boxes:
                draw_box(tile, box * scale + offset, "", TRUTH_COLOUR)
            for box, score, label in zip(found.boxes, found.scores, found.class_ids, strict=True):
                if score >= DRAWN_SCORE:
                    text = f"{job.labels[label]} {score:.2f}"
                    draw_box(tile, box * scale + offset, text, int(label))
            tiles.append(tile)
        save_grid(tiles, self.folder / "looks" / f"predictions-{look.step:06}.png")

    def _evaluate(self, look: Look) -> None:
        judged = self.validation.evaluate(look.model)
        line = {"step": look.step, "images": look.images, "seconds": round(look.seconds, 1)}
        line |= {"AP": round(judged.mean[0], 3), "AP50": round(judged.mean[1], 3)}
        line |= {f"AP {name}": round(result.figures[0], 3) for name, result in judged.classes.items()}
        self._journal = self._journal or Journal(self.folder / AP_FILE, look.step - 1)
        self._journal.write(line)
        log.info(
            "stage %s, %d images: AP %.2f, AP50 %.2f on %s",
            self.stage.name,
            look.images,
            *judged.mean[:2],
            self.validation.job.annotations.name,
        )
        draw_stages([(self.stage.name, self.folder)], self.folder / "curves.png")
