"""Milliseconds of raw networks side by side: shapes with random weights, in every runtime, in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.deploy.runtimes import RUNTIMES, TITLES, export_raw, open_run
from training.deploy.turns import load_average, take_turns
from training.errors import ConfigError
from training.export.card import processor
from training.models.count import parameters_of
from training.models.show import network_of

SHAPES = ("mobilenet-yolo", "mobilenet-yolo-full", "yolov4-tiny", "yolov3-darknet53")


@dataclass(frozen=True, kw_only=True)
class SpeedConfig:
    """What is timed.

    Attributes:
        names: Networks of `python -m training inspect`; the first is what the others are compared with.
        side: Of the square input in pixels; None: each network's own.
        classes: Of all networks; None: each network's own.
        runtimes: Among `runtimes.RUNTIMES`.
        threads: Of one picture.
        rounds: That are counted.
    """

    names: tuple[str, ...] = SHAPES
    side: int | None = None
    classes: int | None = None
    runtimes: tuple[str, ...] = RUNTIMES
    threads: int = 2
    rounds: int = 30

    def __post_init__(self) -> None:
        """Check the numbers. Raises ConfigError."""
        if self.rounds < 1 or self.threads < 1:
            raise ConfigError(f"expected rounds and threads from 1, got {self.rounds} and {self.threads}")
        if self.side is not None and (self.side < 32 or self.side % 32):
            raise ConfigError(f"expected a side in steps of 32 pixels, got {self.side}")
        unknown = [name for name in self.runtimes if name not in RUNTIMES]
        if unknown:
            raise ConfigError(f"runtime {unknown[0]!r} is unknown: choose among {', '.join(RUNTIMES)}")
        if len(set(self.names)) < len(self.names):
            raise ConfigError(f"a network is named twice: {', '.join(self.names)}")


def time_shapes(config: SpeedConfig) -> dict[str, Any]:
    """Time untrained networks without decoding.

    Returns:
        JSON values: the machine, and a row for every network and runtime.

    Raises:
        ConfigError: A network or a runtime is not known.
    """
    forms = {name: network_of(name) for name in config.names}
    jobs, facts = {}, {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, form in forms.items():
            side = config.side or form.side
            torch.manual_seed(0)
            network = form.network(config.classes).eval()
            path = Path(folder) / f"{name}.onnx"
            export_raw(network, path, (side, side))
            parameters = parameters_of(network)
            facts[name] = {
                "input": f"{side}x{side}",
                "parameters": parameters,
                "mb": round(4e-6 * parameters, 1),
            }
            image = np.random.default_rng(0).random((1, 3, side, side), np.float32)
            for runtime in config.runtimes:
                run = open_run(runtime, path, (side, side), config.threads)
                jobs[name, runtime] = lambda _, run=run, image=image: run(image)
        timings = take_turns(jobs, config.rounds)
    rows = [
        {
            "network": name,
            "runtime": runtime,
            **facts[name],
            **timing.to_json(timings[config.names[0], runtime]),
        }
        for (name, runtime), timing in timings.items()
    ]
    return {
        "machine": processor(),
        "load_average": load_average(),
        "threads": config.threads,
        "rounds": config.rounds,
        "rows": rows,
    }


def speed_table(report: Mapping[str, Any]) -> str:
    """The same as a markdown table; ratios are beside the first network in that runtime."""
    lines = [
        "| network | input | parameters | MB | runtime | median ms | best ms | CPU ms | ratio: median, CPU |",
        "|---|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['network']} | {row['input']} | {row['parameters']:,} | {row['mb']:.1f} | "
        f"{TITLES[row['runtime']]} | {row['median_ms']:.1f} | {row['best_ms']:.1f} | {row['cpu_ms']:.1f} | "
        f"{row['ratio']:.2f}, {row['cpu_ratio']:.2f} |"
        for row in report["rows"]
    ]
    return "\n".join([*lines, "", machine_line(report)])


def machine_line(report: Mapping[str, Any]) -> str:
    """Where and how it was timed, in a sentence."""
    load = report["load_average"]
    busy = "" if load is None else f", load average {load:g}"
    return (
        f"{report['machine']}, {report['threads']} threads, {report['rounds']} rounds by turns{busy}, "
        "decoding left out. Where other programs ran, read the ratios."
    )
