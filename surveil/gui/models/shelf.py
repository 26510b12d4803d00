"""Every model that there is, as its card says, and the one that is in use. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveil.app.options import ModelOptions
from surveil.detect.assets import default_model, find_model, model_names
from surveil.detect.card import ModelCard
from surveil.errors import ModelError
from surveil.gui.text import tr


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelved:
    """One model.

    Attributes:
        name: by which it is chosen; of a model without a name its path.
        used: whether it is in use.
        card: what is known of it; None where it cannot be used.
        path: of its file.
        size_mb: of its file.
        problem: why it cannot be used; empty: it can.
    """

    name: str
    used: bool = False
    card: ModelCard | None = None
    path: Path | None = None
    size_mb: float = 0.0
    problem: str = ""


def shelf(options: ModelOptions, folders: Iterable[Path] | None = None) -> tuple[Shelved, ...]:
    """All models, the one in use first; reads their files whole, to compare their sums.

    Args:
        options: the model in use.
        folders: where models are looked for; by default `model_folders()`.
    """
    places = None if folders is None else tuple(folders)
    used = options.model or default_model(options.device)
    names = [used, *(name for name in model_names(places) if name != used)]
    return tuple(_shelved(name, name == used, options, places) for name in names)


def _shelved(name: str, used: bool, options: ModelOptions, folders: tuple[Path, ...] | None) -> Shelved:
    try:
        found = find_model(name, options.card if used else None, folders)
        size_mb = found.path.stat().st_size / 1e6
    except (ModelError, OSError) as error:
        return Shelved(name=name, used=used, problem=str(error))
    return Shelved(name=name, used=used, card=found.card, path=found.path, size_mb=size_mb)


def gone(models: Iterable[Shelved]) -> frozenset[str]:
    """The names of those whose files are there no more."""
    return frozenset(model.name for model in models if model.path is not None and not model.path.exists())


def facts(model: Shelved, options: ModelOptions) -> tuple[str, ...]:
    """What a card shows, line by line."""
    card = model.card
    if card is None:
        return ()
    height, width = _shape(card, options if model.used else ModelOptions())
    lines = [_accuracy(card.measured, f"{width}x{height}")]
    parts = [tr("{size:.1f} MB", size=model.size_mb)]
    parameters = card.measured.get("parameters")
    if isinstance(parameters, int):
        parts.append(tr("{count:.1f} M parameters", count=parameters / 1e6))
    parts.append(tr("input {width} × {height}", width=width, height=height))
    lines.append("  ·  ".join(parts))
    names = ", ".join(card.labels.names)
    lines.append(tr("{count} classes: {names}", count=len(card.labels.names), names=names))
    return tuple(line for line in lines if line)


def _shape(card: ModelCard, options: ModelOptions) -> tuple[int, int]:
    if options.input_size is not None and options.input_size[::-1] in card.input.shapes:
        return options.input_size[1], options.input_size[0]
    return card.input.shapes[0]


def _accuracy(measured: Mapping[str, Any], size: str) -> str:
    """AP as the card has it; what is missing there is not made up."""
    ap = measured.get("ap")
    mean = _mapping(_mapping(_mapping(ap).get(size)).get("mean"))
    value, half = mean.get("AP"), mean.get("AP50")
    if not isinstance(value, int | float):
        return tr("The card says nothing about its accuracy.")
    words = tr("AP {value:.1f}", value=value)
    if isinstance(half, int | float):
        words += tr(", AP50 {value:.1f}", value=half)
    data = _mapping(ap).get("data")
    return words + (tr(" on {data}", data=data) if isinstance(data, str) else "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def speed_in_words(report: Mapping[str, Any]) -> str:
    """What was measured here, of a report of `measure_detector`."""
    rate = float(report["detections_per_s"])
    return tr(
        "{rate:.0f} detections a second on this machine ({ms:.1f} ms; {device})",
        rate=rate,
        ms=1000 / rate,
        device=report["device"],
    )
