"""Trains the rows of a table, each seed in a folder of its own; what is done already stays."""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.engine.config import Machine
from training.engine.journal import read_journal
from training.engine.validation import Validation
from training.errors import DataError
from training.files import write_whole
from training.finish import export, letterboxed
from training.models.count import size_of
from training.models.detector import Detector, load_model
from training.papers.rows import Row, Table, seeded, trimmed
from training.recipes.fitted import for_data
from training.settings import differences, in_words, told
from training.sparsity.dead import find_dead, sums
from training.workspace import Workspace

log = logging.getLogger(__name__)

FIGURES = ("AP", "AP50", "APs")
RESULT = "result.json"
TAUGHT_BY = "weights.safetensors"  # of a finished row, where a row that it teaches finds them
LOOKED_AT, TOGETHER = 64, 4  # validation pictures on which dead weights are looked for; of a batch


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a table is trained.

    Attributes:
        data: Data folder, see `training.data.layout`.
        out: Folder of the table.
        weights: Folder of starts and teachers, or None for the usual places.
        images: Folder of decoded pictures that runs share.
        caches: Folder of feature caches that rows, tables and runs share; None: one in `out`.
        machine: How it trains.
    """

    data: Path
    out: Path
    weights: Path | None = None
    images: Path | None = None
    caches: Path | None = None
    machine: Machine = field(default_factory=Machine)

    def folder(self, row: Row, seed: int) -> Path:
        """Of one run."""
        return self._folder(row.name, seed)

    def _folder(self, name: str, seed: int) -> Path:
        return self.out / name / f"seed-{seed}"

    def seeds(self, row: Row) -> list[int]:
        """The seeds of a row that have ended."""
        found = [file.parent.name.removeprefix("seed-") for file in (self.out / row.name).glob(f"*/{RESULT}")]
        return sorted(int(seed) for seed in found if seed.isdecimal())

    def machine_of(self, row: Row) -> Machine:
        """How a row is trained; it is judged when all is done."""
        watch = replace(self.machine.watch, evaluate=False)
        return replace(self.machine, watch=watch, precision=row.precision or self.machine.precision)

    def workspace(self, row: Row, seed: int) -> Workspace:
        """Files of one run."""
        recipe = for_data(trimmed(seeded(row.recipe, seed)), self.data, self.folder(row, seed))
        if row.teacher and recipe.larger:
            weights = self._folder(row.teacher, seed) / TAUGHT_BY
            recipe = replace(recipe, larger=replace(recipe.larger, weights=str(weights.resolve())))
        return Workspace(
            recipe=recipe,
            data=self.data,
            out=self.folder(row, seed),
            weights=self.weights,
            images=self.images or self.out,
            caches=self.caches or self.out / "caches",
        )


def run_table(table: Table, place: Place, seeds: int) -> None:
    """Train, judge and export what is missing: the first seed of all rows, then the second, and so on."""
    for seed in range(seeds):
        for row in table.rows:
            run_row(row, place, seed)


def run_row(row: Row, place: Place, seed: int) -> dict[str, Any]:
    """One row with one seed; the result is written when all is done, and read where it is there.

    Raises:
        DataError: The folder holds a row of another recipe, of other data or precision.
        PausedError: The machine's time is up; the same call goes on.
    """
    space, machine = place.workspace(row, seed), place.machine_of(row)
    made_of = {**identity(space), "precision": machine.precision}
    if (known := read_result(space.out)) is not None:
        check_same(space.out, known, made_of)
        log.info("%s, seed %d: done before", row.name, seed)
        return known
    log.info("%s, seed %d: %s", row.name, seed, row.text)
    space.out.mkdir(parents=True, exist_ok=True)
    weights = space.train(machine)
    network = load_model(weights, space.recipe.model).eval()
    evaluation = Validation(space.validation()).evaluate(network)
    model, _ = export(space, weights)
    shutil.copyfile(weights, space.out / TAUGHT_BY)
    result = {
        "row": row.name,
        "seed": seed,
        "images": sum(stage.images for stage in space.recipe.stages),
        "minutes": round(minutes_of(space), 1),
        "size": list(space.recipe.sizes[0]),
        **evaluation.to_json(FIGURES, digits=None),
        "dead": dead_of(space, network),
        "parameters": size_of(Detector(space.recipe.model), space.recipe.sizes[0][0]).parameters,
        "model": model.name,
        "device": machine.device,
        **made_of,
    }
    write_whole(space.out / RESULT, json.dumps(result, indent=1).encode())
    return result


def identity(space: Workspace) -> dict[str, Any]:
    """Recipe and data of a row as JSON values; files have their names, wherever they lie."""
    recipe = replace(space.recipe, added=tuple(Path(folder).name for folder in space.recipe.added))
    if recipe.larger:
        name = Path(recipe.larger.weights).name
        recipe = replace(recipe, larger=replace(recipe.larger, weights=name))
    result: dict[str, Any] = json.loads(json.dumps({"recipe": told(recipe), "data": space.data_hash}))
    return result


def check_same(folder: Path, result: Mapping[str, Any], made_of: Mapping[str, Any]) -> None:
    """Check that a result was made of what is expected. Raises DataError, which names what differs."""
    there = {name: result.get(name, "not set") for name in made_of}
    if different := in_words(differences(there, dict(made_of))):
        raise DataError(
            f"{folder}: this row was trained otherwise: {different}. It is left alone: say what it was "
            "trained with (--budget, --full, --data, --precision), or another --out"
        )


def minutes_of(space: Workspace) -> float:
    """Minutes of training, over all calls; caches, drawings and judging do not count."""
    logs = [read_journal(space.stage_folder(k) / "log.csv") for k in range(len(space.recipe.stages))]
    return sum(lines[-1]["seconds"] for lines in logs if lines) / 60


def dead_of(space: Workspace, network: Detector) -> dict[str, Any]:
    """Dead and all of the channels of activations, and of the weights, on some validation pictures."""
    pictures = np.stack(letterboxed(space, "val", LOOKED_AT, space.recipe.sizes[:1]))
    found = find_dead(network, torch.from_numpy(pictures).split(TOGETHER))
    return {"pictures": len(pictures), **{name: list(pair) for name, pair in sums(found).items()}}


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
