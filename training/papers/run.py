"""Trains the rows of a table, each seed in a folder of its own; what is done already stays."""

import json
import logging
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from surveil.clock import Clock, SystemClock
from training.engine.config import Machine
from training.engine.validation import Validation
from training.errors import DataError
from training.files import write_whole
from training.finish import export
from training.models.count import size_of
from training.models.detector import Detector, load_model
from training.papers.rows import Row, Table, seeded
from training.recipes.fitted import for_data
from training.workspace import Workspace

log = logging.getLogger(__name__)

FIGURES = ("AP", "AP50", "APs")
RESULT = "result.json"
TAUGHT_BY = "weights.safetensors"  # of a finished row, where a row that it teaches finds them


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a table is trained.

    Attributes:
        data: Data folder, see `training.data.layout`.
        out: Folder of the table; feature caches lie in it once for all rows that share them.
        weights: Folder of starts and teachers, or None for the usual places.
        images: Folder of decoded pictures that runs share.
        machine: How it trains.
        clock: What time it is.
    """

    data: Path
    out: Path
    weights: Path | None = None
    images: Path | None = None
    machine: Machine = field(default_factory=Machine)
    clock: Clock = field(default_factory=SystemClock)

    def folder(self, row: Row, seed: int) -> Path:
        """Of one run."""
        return self._folder(row.name, seed)

    def _folder(self, name: str, seed: int) -> Path:
        return self.out / name / f"seed-{seed}"

    def workspace(self, row: Row, seed: int) -> Workspace:
        """Files of one run."""
        recipe = for_data(seeded(row.recipe, seed), self.data, self.folder(row, seed))
        if row.teacher and recipe.larger:
            weights = self._folder(row.teacher, seed) / TAUGHT_BY
            recipe = replace(recipe, larger=replace(recipe.larger, weights=str(weights.resolve())))
        return Workspace(
            recipe=recipe,
            data=self.data,
            out=self.folder(row, seed),
            weights=self.weights,
            images=self.images or self.out,
            caches=self.out / "caches",
        )


def run_table(table: Table, place: Place, seeds: int) -> None:
    """Train, judge and export what is missing: the first seed of all rows, then the second, and so on."""
    for seed in range(seeds):
        for row in table.rows:
            run_row(row, place, seed)


def run_row(row: Row, place: Place, seed: int) -> dict[str, Any]:
    """One row with one seed; the result is written when all is done, and read where it is there.

    Raises:
        PausedError: The machine's time is up; the same call goes on.
    """
    space, folder = place.workspace(row, seed), place.folder(row, seed)
    made_of = json.loads(json.dumps(asdict(space.recipe)))
    if (known := read_result(folder)) is not None and known["recipe"] == made_of:
        log.info("%s, seed %d: done before", row.name, seed)
        return known
    log.info("%s, seed %d: %s", row.name, seed, row.text)
    folder.mkdir(parents=True, exist_ok=True)
    begun_s = place.clock.monotonic()
    watch = replace(place.machine.watch, evaluate=False)  # it is judged once, below
    weights = space.train(replace(place.machine, watch=watch))
    minutes = (place.clock.monotonic() - begun_s) / 60
    evaluation = Validation(space.validation()).evaluate(load_model(weights, space.recipe.model).eval())
    model, _ = export(space, weights)
    shutil.copyfile(weights, folder / TAUGHT_BY)
    result = {
        "row": row.name,
        "seed": seed,
        "images": sum(stage.images for stage in space.recipe.stages),
        "minutes": round(minutes, 1),
        "size": list(space.recipe.sizes[0]),
        **evaluation.to_json(FIGURES),
        "parameters": size_of(Detector(space.recipe.model), space.recipe.sizes[0][0]).parameters,
        "model": model.name,
        "data": space.data_hash,
        "recipe": made_of,
    }
    write_whole(folder / RESULT, json.dumps(result, indent=1).encode())
    return result


def read_result(folder: Path) -> dict[str, Any] | None:
    """What a run came to; None where it has not ended. Raises DataError for a broken file."""
    path = folder / RESULT
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); remove it, and the row is judged anew") from error
    return found
