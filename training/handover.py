"""Weights for another machine: the newest averages of a run, small."""

import logging
from pathlib import Path

from safetensors.torch import load_file

from training.errors import CheckpointError
from training.files import write_tensors
from training.workspace import Workspace

log = logging.getLogger(__name__)


def hand_over(space: Workspace, file: Path) -> Path:
    """Write the averaged weights of the run's last stage that has any, as float16.

    `python -m training export RECIPE --weights-file FILE` finishes them elsewhere.

    Raises:
        CheckpointError: The run has no weights yet.
        OutputError: The file cannot be written.
    """
    for k in reversed(range(len(space.recipe.stages))):
        for name in ("model.safetensors", "latest.safetensors"):
            source = space.stage_folder(k) / name
            if source.exists():
                state = load_file(source)
                half = {key: v.half() if v.is_floating_point() else v for key, v in state.items()}
                file.parent.mkdir(parents=True, exist_ok=True)
                write_tensors(file, half)
                log.info("%s: weights of %s, %d bytes", file, source, file.stat().st_size)
                return file
    raise CheckpointError(f"{space.out}: no weights yet")
