"""Detectors from what users type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from surveil.detect.assets import ModelFile, find_model
from surveil.detect.detector import Detector
from surveil.detect.devices import parse_device
from surveil.detect.recorded import RecordedDetector
from surveil.errors import UsageError


def open_detector(
    model: str | None = None,
    *,
    card: Path | None = None,
    device: str = "auto",
    classes: Sequence[str] | None = None,
    min_score: float | None = None,
    threads: int = 0,
) -> Detector:
    """A detector that runs a model.

    Args:
        model: a name, or the path of an `.onnx` file; None: the default model of the device.
        card: its card, by default beside it.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        classes: names of the classes that are kept; by default all.
        min_score: detections below it are dropped; by default the card's `low`.
        threads: for the CPU; 0: one for each core.

    Raises:
        UsageError: an unknown class or device, or a score outside 0-1.
        ModelError: the model or its card cannot be used.
        DeviceError: the device is not there.
    """
    parse_device(device)  # a wrong name is said before a model is read
    return _runner(find_model(model, card, device=device), device, threads, classes, _score(min_score))


def open_recorded(
    path: Path, *, classes: Sequence[str] | None = None, min_score: float | None = None
) -> RecordedDetector:
    """Stored detections as a detector; arguments as in `open_detector`.

    Raises:
        UsageError: the file cannot be read or is wrong, or a class is unknown.
    """
    return RecordedDetector(path, classes=classes, min_score=_score(min_score) or 0.0)


def _runner(
    model: ModelFile, device: str, threads: int, classes: Sequence[str] | None, min_score: float | None
) -> Detector:
    """The program that runs the model on that device."""
    from surveil.detect.onnx_runner import OnnxRunner, default_selection

    selection = default_selection(model.card)
    if min_score is not None:
        selection = replace(selection, min_score=min_score)
    if classes is not None:
        selection = replace(selection, classes=model.card.labels.ids_of(classes))
    match parse_device(device).kind:
        case "auto" | "cpu" | "cuda":
            return OnnxRunner(model, device=device, threads=threads, selection=selection)


def _score(value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 1:
        raise UsageError(f"the least score must lie between 0 and 1, got {value:g}")
    return value
