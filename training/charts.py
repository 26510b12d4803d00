"""Charts by matplotlib, which is heavy and loaded only when one is drawn."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.files import write_whole

DPI = 110


@contextmanager
def chart(path: Path, **layout: Any) -> Iterator[tuple[Any, Any]]:
    """A figure and its axes, which are written as a PNG when the block ends well.

    Args:
        path: The PNG; its folder is there.
        layout: As `matplotlib.pyplot.subplots` takes it.

    Raises:
        OutputError: It cannot be written; a former picture stays.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(**layout)
    try:
        yield figure, axes
        picture = io.BytesIO()
        figure.savefig(picture, dpi=DPI)
        write_whole(path, picture.getvalue())
    finally:
        plt.close(figure)
