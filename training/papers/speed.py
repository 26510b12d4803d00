"""How fast the rows of a table are, all in one run, taking turns."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from surveil.detect.open import installed_runtimes
from training.export.card import build_card, latency_ms
from training.finish import some_pictures
from training.papers.rows import Table
from training.papers.run import Place

SPEEDS = "speeds.json"
ROUNDS, PICTURES = 5, 4
RUNTIMES = ("onnxruntime", "openvino")
Speeds = dict[str, dict[str, float]]
"""Milliseconds for one picture by row and runtime."""


def time_rows(table: Table, place: Place) -> Speeds:
    """Time the first seed's models of all rows by turns: decoding and suppression included, two threads."""
    runtimes = [name for name in RUNTIMES if name in installed_runtimes()]
    times: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for row in table.rows:
            space = place.workspace(row, 0)
            recipe = space.recipe  # for the classes that it learned
            model = space.out / f"{recipe.ships}.onnx"
            card = build_card(model, recipe.texts, recipe.labels.labels, recipe.sizes)
            replace(card, name=row.name).save(model.with_suffix(".json"))
            pictures = some_pictures(space, "val", PICTURES)
            for runtime in runtimes:
                took = latency_ms(model, recipe.sizes[0], pictures, runtime)
                times.setdefault(row.name, {}).setdefault(runtime, []).append(took["median_ms"])
    return {
        name: {runtime: round(median(all_of), 2) for runtime, all_of in each.items()}
        for name, each in times.items()
    }


def read_speeds(folder: Path) -> Mapping[str, Mapping[str, float]]:
    """What `time_rows` found; empty where nothing was timed."""
    path = folder / SPEEDS
    found: Speeds = json.loads(path.read_text()) if path.exists() else {}
    return found
