"""Fresh processes for heavy work, with the memory allocator set up for tensors that come and go."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from training.errors import TrainingError

# glibc hands large blocks back to the system at once and gets them anew for every tensor; kept, a step takes
# 20-30 % less. All three are needed, and they only count in a process that starts with them.
ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for the processes started inside the block; those the user set are left alone."""
    added = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def told_by(traceback: str) -> str:
    r"""What a traceback says at its end: the whole message of our own errors, the last line of others.

    >>> told_by("Traceback …\ntraining.errors.DataError: v.json:\n  no images\n")
    'v.json:\n  no images'
    >>> told_by("Traceback …\nValueError: too large")
    'ValueError: too large'
    """
    *_, text = re.split(r"^(?:surveil|training)\.errors\.\w+: ", traceback.strip(), flags=re.MULTILINE)
    return text if text != traceback.strip() else text.splitlines()[-1]


def run_processes(body: Callable[..., None], count: int, *args: Any) -> None:
    """Run `body(rank, count, *args)` in `count` fresh processes and wait.

    Raises:
        TrainingError: A process failed; the others were ended.
    """
    import torch.multiprocessing as mp  # heavy

    with environment(ALLOCATOR):
        context = mp.spawn(body, (count, *args), count, join=False)  # type: ignore[no-untyped-call]
    try:
        while not context.join():
            pass
    except mp.ProcessRaisedException as error:
        raise TrainingError(f"process {error.error_index}: {told_by(str(error))}") from error
    except mp.ProcessExitedException as error:
        raise TrainingError(
            f"process {error.error_index} ended unexpectedly: {error} (out of memory?)"
        ) from error
