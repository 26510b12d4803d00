"""From a raw network to ncnn's files: converted, compared with torch on pictures, timed, described."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surveil.clock import SystemClock
from surveil.detect.card import sha256_of
from surveil.detect.preprocess import Preprocessor
from surveil.errors import OutputError
from surveil.types import Frame
from training.deploy.ncnn import NcnnFiles, check_packages, convert
from training.deploy.network import RawNetwork
from training.deploy.pictures import some_pictures
from training.deploy.runtimes import RUNTIMES, TITLES, Floats, Run, export_raw, ncnn_run, open_run, torch_run
from training.deploy.turns import Timing, load_average, take_turns
from training.errors import ConfigError, ExportError
from training.export.card import processor
from training.files import write_whole

log = logging.getLogger(__name__)

SCHEMA = 1
# Largest difference of a raw output from torch's, as a share of the largest value of that output.
TOLERANCE = {"float32": 1e-4, "float16": 1e-2}


@dataclass(frozen=True, kw_only=True)
class NcnnConfig:
    """What is written and measured.

    Attributes:
        half: The files hold float16 weights and ncnn may compute in float16; else float32.
        places: Folders and tars of pictures; none: drawn streets.
        pictures: How many of them are compared and timed.
        threads: Of one picture.
        rounds: That are timed; 0: none.
    """

    half: bool = True
    places: tuple[Path, ...] = ()
    pictures: int = 8
    threads: int = 2
    rounds: int = 50

    def __post_init__(self) -> None:
        """Check the numbers. Raises ConfigError."""
        if self.threads < 1 or self.rounds < 0:
            raise ConfigError(f"expected threads from 1 and rounds from 0, got {self.threads}, {self.rounds}")


def deliver(network: RawNetwork, folder: Path, config: NcnnConfig) -> dict[str, Any]:
    """Write `NAME.ncnn.param`, `NAME.ncnn.bin` and `NAME.ncnn.json`.

    Float16 and float32 weights are both compared and timed; the form that was asked for is kept.

    Returns:
        The card.

    Raises:
        ConfigError: The extra `ncnn` is not installed.
        ExportError: pnnx fails, or what it wrote does not agree with torch.
    """
    check_packages()
    images = as_inputs(network, some_pictures(config.places, config.pictures))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        forms: dict[str, NcnnFiles] = {}
        for name, half in (("float32", False), ("float16", True)):
            place = folder if half == config.half else Path(scratch)
            forms[name] = convert(network.module, network.size, place / network.name, half=half)
        runs: dict[str, Run] = {
            f"ncnn, {name}": ncnn_run(
                files.param, files.weights, files.outputs, config.threads, half=name == "float16"
            )
            for name, files in forms.items()
        }
        gaps = {
            name: parity(runs[f"ncnn, {name}"], torch_run(network.module), images, name) for name in forms
        }
        speed = timed(network, runs, images, config, Path(scratch)) if config.rounds else {}
    kept = forms["float16" if config.half else "float32"]
    card = card_of(network, kept, config) | {"parity": {"pictures": len(images), **gaps}, "speed": speed}
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    write_whole(folder / f"{network.name}.ncnn.json", text.encode())
    return card


def as_inputs(network: RawNetwork, pictures: Mapping[str, Any]) -> list[Floats]:
    """Pictures (H, W, 3) as the network takes them, (1, 3, height, width) float32 each."""
    prepare = Preprocessor(network.input, network.size).prepare
    frames = [
        Frame(camera_id=name, index=k, pts_s=float(k), wall_s=0.0, arrived_s=0.0, image=picture)
        for k, (name, picture) in enumerate(pictures.items())
    ]
    return [prepare(frame).tensor for frame in frames]


def parity(run: Run, reference: Run, images: Sequence[Floats], form: str) -> dict[str, float]:
    """Largest differences of raw outputs from torch's over all pictures.

    Returns:
        `difference`: absolute; `share`: of the largest value of the same output; `tolerance` for the share.

    Raises:
        ExportError: The share is above the tolerance of the form, or the outputs have other shapes.
    """
    worst, share = 0.0, 0.0
    for image in images:
        for mine, true in zip(run(image), reference(image), strict=True):
            if mine.shape != true.shape:
                raise ExportError(f"ncnn, {form}: an output is {mine.shape}, torch's {true.shape}")
            gap = float(np.abs(mine - true).max())
            worst, share = max(worst, gap), max(share, gap / max(float(np.abs(true).max()), 1e-6))
    if not share <= TOLERANCE[form]:
        raise ExportError(
            f"ncnn, {form}: raw outputs differ from torch's by {worst:.2g}, {share:.2g} of the largest; "
            f"at most {TOLERANCE[form]:g} is accepted"
        )
    return {"difference": float(f"{worst:.2g}"), "share": float(f"{share:.2g}"), "tolerance": TOLERANCE[form]}


def timed(
    network: RawNetwork, runs: Mapping[str, Run], images: Sequence[Floats], config: NcnnConfig, scratch: Path
) -> dict[str, Any]:
    """The same raw network in ncnn, ONNX Runtime and OpenVINO, by turns, one picture at a time."""
    path = scratch / "raw.onnx"
    export_raw(network.module, path, network.size)
    everyone = {TITLES[name]: open_run(name, path, network.size, config.threads) for name in RUNTIMES} | dict(
        runs
    )

    def job(run: Run) -> Any:
        return lambda number: run(images[number % len(images)])

    timings: dict[str, Timing] = take_turns(
        {name: job(run) for name, run in everyone.items()}, config.rounds, SystemClock()
    )
    first = timings[TITLES[RUNTIMES[0]]]
    return {
        "machine": processor(),
        "load_average": load_average(),
        "threads": config.threads,
        "rounds": config.rounds,
        "what": "raw outputs of one picture, without preparation and decoding",
        "rows": [{"runtime": name, **timing.to_json(first)} for name, timing in timings.items()],
    }


def card_of(network: RawNetwork, files: NcnnFiles, config: NcnnConfig) -> dict[str, Any]:
    """What somebody must know who runs the files."""
    spec, (height, width) = network.input, network.size
    strides = network.reading.get("strides", [None] * len(files.outputs))
    return {
        "schema": SCHEMA,
        "name": network.name,
        "param": files.param.name,
        "bin": files.weights.name,
        "sha256": {file.name: sha256_of(file) for file in (files.param, files.weights)},
        "weights": "float16" if config.half else "float32",
        "input": {
            "name": "in0",
            "width": width,
            "height": height,
            "channels": spec.channels,
            "resize": "letterbox on grey 114" if spec.resize == "letterbox" else spec.resize,
            "interpolation": spec.interpolation,
            "mean_vals": list(spec.mean),
            "norm_vals": [1 / value for value in spec.std],
        },
        "outputs": [
            {"name": name, "shape": list(shape[1:]), **({"stride": stride} if stride else {})}
            for name, shape, stride in zip(files.outputs, files.shapes, strides, strict=True)
        ],
        "reading": dict(network.reading),
        "selection": dict(network.selection),
        "labels": list(network.labels),
        "origin": dict(network.origin),
    }


def report_of(card: Mapping[str, Any]) -> str:
    """Parity and speed of a card as text."""
    lines = ["| weights | largest difference from torch | as a share | accepted |", "|---|---:|---:|---:|"]
    lines += [
        f"| {form} | {gap['difference']:.2g} | {gap['share']:.2g} | {gap['tolerance']:g} |"
        for form, gap in card["parity"].items()
        if form != "pictures"
    ]
    if card["speed"]:
        lines += ["", "| runtime | median ms | best ms | CPU ms | ratio: median, CPU |"]
        lines.append("|---|---:|---:|---:|---:|")
        lines += [
            f"| {row['runtime']} | {row['median_ms']:.1f} | {row['best_ms']:.1f} | {row['cpu_ms']:.1f} | "
            f"{row['ratio']:.2f}, {row['cpu_ratio']:.2f} |"
            for row in card["speed"]["rows"]
        ]
    return "\n".join(lines)
