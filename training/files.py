"""Files that appear under their name only when they are whole; a full disk leaves what was there before."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from surveil.errors import OutputError


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, flush to the disk, rename into place.

    Raises:
        OutputError: It cannot be written; the former file stays, and nothing is left beside it.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}): what was there before stays"
        ) from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file; errors as in `write_whole`."""
    write_whole(path, save({name: t.contiguous() for name, t in tensors.items()}, metadata))
