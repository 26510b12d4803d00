"""Pictures of an evaluation: precision by recall, and precision by score."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.errors import OutputError
from training.charts import chart
from training.evaluate.protocol import Evaluation

BINS = 10


def draw_plots(evaluation: Evaluation, title: str, folder: Path) -> tuple[Path, Path]:
    """Write `precision_recall.png` and `calibration.png` into a folder, which is made if it is not there.

    Raises:
        OutputError: The folder cannot be written to.
    """
    paths = folder / "precision_recall.png", folder / "calibration.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _precision_recall(evaluation, title, paths[0])
        _calibration(evaluation, title, paths[1])
    except OSError as error:
        raise OutputError(f"{folder}: plots cannot be written: {error.strerror or error}") from error
    return paths


def calibration(
    scores: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """How often detections of a score are right.

    Args:
        scores: (D,) in 0-1.
        right: (D,) whether each matches an object at IoU 0.5.
        bins: Equal parts of 0-1.

    Returns:
        Mean score (bins,), share that is right (bins,), both NaN where there is none, and the number.
    """
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    some = np.where(count > 0, count, np.nan)
    mean = np.bincount(place, scores, minlength=bins) / some
    share = np.bincount(place, right, minlength=bins) / some
    return mean, share, count


@contextmanager
def _share_chart(path: Path, title: str) -> Iterator[Any]:
    """Axes from 0 to 1 both ways, with a legend at the end."""
    with chart(path, figsize=(7, 5.5)) as (figure, axes):
        axes.set_title(title)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.01)
        axes.grid(alpha=0.3)
        yield axes
        axes.legend(fontsize=8)
        figure.tight_layout()


def _precision_recall(evaluation: Evaluation, title: str, path: Path) -> None:
    with _share_chart(path, f"{title}: precision by recall at IoU 0.5") as axes:
        for name, result in evaluation.classes.items():
            label = f"{name}, AP50 {result.figures[1]:.1f} ({result.boxes} boxes)"
            axes.plot(np.linspace(0, 1, len(result.precision)), result.precision, label=label, lw=1.2)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")


def _calibration(evaluation: Evaluation, title: str, path: Path) -> None:
    with _share_chart(path, f"{title}: share of right boxes (IoU 0.5) by score") as axes:
        axes.plot([0, 1], [0, 1], color="grey", lw=0.8, ls="--", label="score = share")
        parts = {name: evaluation.classes[name].found for name in evaluation.counted}
        for name, (scores, right) in parts.items():
            mean, share, _ = calibration(scores, right)
            axes.plot(mean, share, marker="o", ms=3, lw=0.9, alpha=0.7, label=f"{name} ({len(scores)})")
        scores, right = (np.concatenate([part[k] for part in parts.values()] or [[]]) for k in (0, 1))
        mean, share, _ = calibration(scores, right.astype(bool))
        axes.plot(mean, share, marker="o", ms=4, lw=2, color="black", label=f"together ({len(scores)})")
        axes.set_xlabel("score")
        axes.set_ylabel("share that is right")
