"""Options that several commands share, and how they become the application's own."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from surveil.app.options import ModelOptions


class TrackerName(StrEnum):
    """The trackers."""

    SURVEIL = "surveil"
    SORT = "sort"


Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|FILE.onnx", help="What detects; see `surveil models list`."),
]
Card = Annotated[
    Path | None,
    typer.Option("--card", metavar="FILE", help="The model's card; without it FILE.json beside the model."),
]
Tracker = Annotated[TrackerName, typer.Option("--tracker", help="How objects are followed.")]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where; cuda fails if it is not there.")
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--classes", metavar="NAME,…", help="Only these, e.g. person,car. May be given again."),
]
MinScore = Annotated[
    float | None, typer.Option("--min-score", min=0, max=1, help="No object below this score (0-1).")
]
Every = Annotated[int, typer.Option("--every", min=1, metavar="N", help="Detect on every Nth frame only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more; show where an error happened.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Errors only: no progress, no table.")]


def split(names: list[str] | None) -> tuple[str, ...]:
    """Names given one by one or with commas.

    >>> split(["person,car", "bus"])
    ('person', 'car', 'bus')
    """
    return tuple(name.strip() for text in names or () for name in text.split(",") if name.strip())


def model_options(
    model: str | None,
    card: Path | None,
    device: str,
    classes: list[str] | None,
    min_score: float | None,
    every: int,
) -> ModelOptions:
    """As the application wants them; the tracker is the default one."""
    return ModelOptions(
        model=model, card=card, device=device, classes=split(classes), min_score=min_score, every=every
    )
