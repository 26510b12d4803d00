"""The commands `program`, `ncnn` and `speed-shapes`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import ConfigError
from training.evaluate.commands import size

if TYPE_CHECKING:
    from training.deploy.network import RawNetwork


def add_commands(commands: Any) -> None:
    """Their options; `commands`: the sub-parsers of `python -m training`."""
    timed = argparse.ArgumentParser(add_help=False)
    timed.add_argument("--threads", type=int, default=2, metavar="N", help="of one picture (default: 2)")
    timed.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    add_program(commands)
    text = "a detector for ncnn through pnnx: converted, compared with torch, timed beside other runtimes"
    ncnn = commands.add_parser("ncnn", help=text, description=text, parents=[timed])
    ncnn.set_defaults(run=run_ncnn)
    ncnn.add_argument(
        "model", metavar="MODEL", help="an exported MODEL.onnx with its card, or a recipe with --weights-file"
    )
    ncnn.add_argument("--weights-file", type=Path, metavar="FILE", help="weights of the recipe (safetensors)")
    ncnn.add_argument("--card", type=Path, metavar="FILE.json", help="card of the .onnx (default: beside it)")
    ncnn.add_argument("--out", type=Path, required=True, metavar="DIR", help="NAME.ncnn.param, .bin, .json")
    ncnn.add_argument("--input-size", type=size, metavar="WxH", help="default: the card's or recipe's first")
    ncnn.add_argument("--float32", action="store_true", help="weights in float32 (default: float16)")
    ncnn.add_argument(
        "--images",
        type=Path,
        nargs="+",
        default=(),
        metavar="PLACE",
        help="of pictures (default: drawn)",
    )
    ncnn.add_argument("--pictures", type=int, default=8, metavar="N", help="how many of them (default: 8)")
    ncnn.add_argument("--rounds", type=int, default=50, metavar="N", help="that are timed (default: 50)")
    text = "milliseconds of untrained networks side by side, with YOLOv3 and YOLOv4-tiny among them"
    shapes = commands.add_parser("speed-shapes", help=text, description=text, parents=[timed])
    shapes.set_defaults(run=run_speed_shapes)
    shapes.add_argument("names", nargs="*", metavar="NETWORK", help="as `inspect` lists them")
    shapes.add_argument("--side", type=int, metavar="PX", help="of the input (default: each network's own)")
    shapes.add_argument("--classes", type=int, metavar="N", help="of all networks (default: each one's own)")
    shapes.add_argument("--runtimes", metavar="A,B", help="default: onnxruntime,openvino")
    shapes.add_argument("--rounds", type=int, default=30, metavar="N", help="that are timed (default: 30)")


def add_program(commands: Any) -> None:
    """The command `program`."""
    text = "a detector as a program of torch.export, for surveil's --runtime torch, compared with torch"
    program = commands.add_parser("program", help=text, description=text)
    program.set_defaults(run=run_program)
    program.add_argument(
        "model",
        metavar="MODEL",
        help="an exported MODEL.onnx with its card, or a recipe with --weights-file and --card",
    )
    program.add_argument(
        "--weights-file", type=Path, metavar="FILE", help="weights of the recipe (safetensors)"
    )
    program.add_argument(
        "--card", type=Path, metavar="FILE.json", help="card of the ONNX model (default: beside it)"
    )
    program.add_argument(
        "--out", type=Path, required=True, metavar="NAME-torch.pt2", help="its card is written beside it"
    )


def run_program(options: argparse.Namespace) -> None:
    """Write the program and its card, and say how it is used."""
    from training.deploy.program import write_program

    card = write_program(options.model, options.out, options.weights_file, options.card)
    sizes = ", ".join(f"{width}x{height}" for height, width in card.input.shapes)
    sys.stdout.write(f"{options.out}: {options.out.stat().st_size} bytes, for {sizes}\n")
    sys.stdout.write(f"surveil run SOURCE --model {options.out} --runtime torch\n")


def run_ncnn(options: argparse.Namespace) -> None:
    """Convert, compare, time, print."""
    from training.deploy.deliver import NcnnConfig, deliver, report_of
    from training.deploy.ncnn import check_packages

    check_packages()  # said before anything is loaded
    config = NcnnConfig(
        half=not options.float32,
        places=tuple(options.images),
        pictures=options.pictures,
        threads=options.threads,
        rounds=options.rounds,
    )
    card = deliver(network_of(options), options.out, config)
    sys.stdout.write(report_of(card) + "\n")
    _save(options.json, card)


def network_of(options: argparse.Namespace) -> RawNetwork:
    """The network that the options name. Raises TrainingError and SurveilError."""
    from training.deploy.network import from_onnx, from_weights
    from training.recipes import recipe

    if Path(options.model).suffix == ".onnx":
        if options.weights_file:
            raise ConfigError(f"{options.model} has weights: leave --weights-file out, or name a recipe")
        return from_onnx(Path(options.model), options.card, options.input_size)
    if options.weights_file is None:
        raise ConfigError(f"recipe {options.model}: name its weights with --weights-file, or give a .onnx")
    return from_weights(recipe(options.model), options.weights_file, options.input_size)


def run_speed_shapes(options: argparse.Namespace) -> None:
    """Time the networks and print the table."""
    from training.deploy.runtimes import RUNTIMES
    from training.deploy.speed import SHAPES, SpeedConfig, speed_table, time_shapes

    report = time_shapes(
        SpeedConfig(
            names=tuple(options.names) or SHAPES,
            side=options.side,
            classes=options.classes,
            runtimes=tuple(options.runtimes.split(",")) if options.runtimes else RUNTIMES,
            threads=options.threads,
            rounds=options.rounds,
        )
    )
    sys.stdout.write(speed_table(report) + "\n")
    _save(options.json, report)


def _save(path: Path | None, values: Any) -> None:
    """Write JSON where a file is named. Raises OutputError."""
    from training.files import write_whole

    if path:
        write_whole(path, (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode())
