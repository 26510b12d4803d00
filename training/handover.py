"""A run in small, to be finished on another machine: its logs, and its newest averaged weights as float16."""

import logging
import shutil
from pathlib import Path

from safetensors.torch import load_file

from surveil.errors import OutputError
from training.engine.stage import REVISION
from training.errors import CheckpointError
from training.files import write_tensors
from training.models.notes import notes_of
from training.workspace import Workspace

log = logging.getLogger(__name__)


def hand_over(space: Workspace, folder: Path) -> Path:
    """Write a folder that is a run's folder for `python -m training export --out FOLDER`.

    Returns:
        The weights: `model.safetensors` of the last stage that has begun, `latest.safetensors` if it has not
        ended.

    Raises:
        CheckpointError: The run has no weights yet.
        OutputError: A file cannot be written.
    """
    newest = None
    for k in range(len(space.recipe.stages)):
        source = space.stage_folder(k)
        there = [source / name for name in ("model.safetensors", "latest.safetensors")]
        newest = next((file for file in there if file.exists()), newest)
        for name in ("log.csv", REVISION):
            if (source / name).exists():
                _copy(source / name, folder / source.name / name)
    if newest is None:
        raise CheckpointError(f"{space.out}: no weights yet")
    target = folder / newest.parent.name / newest.name
    target.parent.mkdir(parents=True, exist_ok=True)
    state = load_file(newest)
    halves = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    write_tensors(target, halves, notes_of(newest))
    log.info("%s: the weights of %s, %d bytes", target, newest, target.stat().st_size)
    return target


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
