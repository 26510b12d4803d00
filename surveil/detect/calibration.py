"""Thresholds that a user measured for a model; they lie in the user's data folder and go over the card's.

Installed cards are read-only, and another camera is another distribution of scores: `surveil calibrate`
writes what `find_model` then puts over the card. A file belongs to one model file, by its sha256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from surveil.detect.card import ModelCard, Thresholds
from surveil.errors import ModelError, OutputError
from surveil.files import write_atomic

SCHEMA = 1


def calibration_path(name: str) -> Path:
    """Where a model's own thresholds lie."""
    import platformdirs

    return platformdirs.user_data_path("surveil", appauthor=False) / "calibration" / f"{name}.json"


def save_calibration(card: ModelCard, thresholds: Thresholds, source: Mapping[str, Any]) -> Path:
    """Put thresholds over those of a card; `source` says what they were measured on. Returns the file.

    Raises:
        OutputError: it cannot be written.
    """
    path = calibration_path(card.name)
    body = {
        "schema": SCHEMA,
        "model": card.name,
        "sha256": card.sha256,
        "thresholds": asdict(thresholds),
        "source": dict(source),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def forget_calibration(name: str) -> bool:
    """Let the card's thresholds hold again; False where nothing was calibrated. Raises OutputError."""
    path = calibration_path(name)
    try:
        there = path.is_file()
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed: {error.strerror or error}") from error
    return there


def calibrated(card: ModelCard) -> ModelCard:
    """The card, with the user's own thresholds where there are some; `measured` then says so.

    What was calibrated for another file of that name does not count.

    Raises:
        ModelError: the file cannot be read; the message says how to be rid of it.
    """
    path = calibration_path(card.name)
    if not path.is_file():
        return card
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["schema"] != SCHEMA:
            raise ValueError(f"expected version {SCHEMA}, got {body['schema']!r}")
        values = {key: float(body["thresholds"][key]) for key in ("low", "high", "birth", "display")}
        if not 0 <= values["low"] <= values["high"] <= values["birth"] <= 1:
            raise ValueError(f"expected 0 <= low <= high <= birth <= 1, got {values}")
        if body["sha256"] != card.sha256:
            return card
        measured = {**card.measured, "calibrated": {"file": str(path), **body["source"]}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: not a calibration ({error}): remove it, or calibrate again") from error
    return replace(card, thresholds=Thresholds(**values), measured=measured)
