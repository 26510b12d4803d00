"""What a file of weights says besides its tensors."""

import json
from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError, safe_open

from training.errors import CheckpointError

LABELS = "labels"


def notes_of(path: Path) -> dict[str, str]:
    """All that it says; empty where it says nothing. Raises CheckpointError."""
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file that can be read ({error})") from error


def labels_note(labels: Sequence[str]) -> dict[str, str]:
    """The classes of a network in the order of its outputs, as a note."""
    return {LABELS: json.dumps(list(labels))}


def labels_of(path: Path) -> tuple[str, ...] | None:
    """The classes that a file names; None where it does not. Raises CheckpointError."""
    note = notes_of(path).get(LABELS)
    if note is None:
        return None
    try:
        names = json.loads(note)
    except ValueError as error:
        raise CheckpointError(f"{path}: its note of classes is not JSON ({error})") from error
    return tuple(map(str, names))
