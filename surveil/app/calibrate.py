"""Thresholds for a model from the scores that it gives, without anybody drawing a box.

Scores of a detector have two heights: what is nothing crowds at the bottom, what is something stands round a
score that depends on the model and on the picture. The valley between them is where detections begin to mean
something (`low`); who begins a track should not be of the weaker third of what stands above it (`birth`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surveil.app.detection_files import read_video
from surveil.app.doors import plan_run
from surveil.app.options import ModelOptions, RunOptions
from surveil.detect.assets import find_model
from surveil.detect.calibration import save_calibration
from surveil.detect.card import Thresholds
from surveil.errors import UsageError

FLOOR = 0.1  # scores below are not looked at
BIN = 0.05
HIGH_SHARE, BIRTH_SHARE = 0.15, 0.33  # of the detections above the valley, how many are weaker
FEWEST = 50  # detections above the valley
RISE = 1.5  # the upper height stands so many times above the valley


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """What came out.

    Attributes:
        model: its name.
        before, after: thresholds.
        detections: how many there were above the valley.
        path: where the new ones lie.
    """

    model: str
    before: Thresholds
    after: Thresholds
    detections: int
    path: Path


def calibrate(sources: Sequence[str], options: ModelOptions, stop: threading.Event) -> Calibration:
    """Look at recordings with the model and put thresholds over its card.

    Args:
        sources: recordings with objects of all sizes; not needed where `options.detections` is given.
        options: `model`, `card`, `device`, `every`; or `detections`, a file of the model's detections with
            scores from 0.1 on, for which `model` names whose they are.
        stop: ends it early, without a result.

    Raises:
        UsageError: there are not enough scores, or they have no valley.
        SurveilError: a source or the model cannot be used.
    """
    model = find_model(options.model, options.card, device=options.device)
    if options.detections is not None:
        video = read_video(options.detections, 1.0)  # times do not matter here
        found = [detections.scores for _, detections in video.frames]
        names = [options.detections.name]
    else:
        run = plan_run(list(sources), RunOptions(model=replace(options, min_score=FLOOR)), stop)
        found = [result.detections.scores for result in run.results() if result.detected]
        names = list(sources)
    if stop.is_set():
        raise UsageError("calibration was interrupted: nothing has changed")
    scores = np.concatenate([np.zeros(0, np.float32), *found]).astype(np.float64)
    after, count = thresholds_from(scores)
    path = save_calibration(model.card, after, {"from": names, "detections": count})
    return Calibration(
        model=model.card.name, before=model.card.thresholds, after=after, detections=count, path=path
    )


def thresholds_from(scores: NDArray[np.float64]) -> tuple[Thresholds, int]:
    """Thresholds from scores (N,), and how many of them stand above the valley.

    Raises:
        UsageError: there are not enough, or they have no valley.
    """
    edges = np.arange(FLOOR, 1 + BIN / 2, BIN)
    counts, _ = np.histogram(scores, edges)
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    smooth[0], smooth[-1] = counts[0], counts[-1]
    # In the valley the lower of both heights stands out; a wide one is entered from below.
    left = np.maximum.accumulate(smooth)
    right = np.maximum.accumulate(smooth[::-1])[::-1]
    depth = np.minimum(left, right) / (smooth + 1)
    valley = int(np.argmax(depth >= depth.max() / 2))
    low = float(edges[valley] + BIN / 2)
    above = scores[scores >= low]
    if len(above) < FEWEST or depth.max() < RISE:
        raise UsageError(
            f"calibration: {len(scores)} detections have no valley between nothing and something "
            f"({len(above)} stand above {low:.2f}): give more frames, with objects that the model sees well"
        )
    high, birth = (round(float(np.quantile(above, share)), 3) for share in (HIGH_SHARE, BIRTH_SHARE))
    return Thresholds(low=round(low, 3), high=high, birth=birth, display=high), len(above)
