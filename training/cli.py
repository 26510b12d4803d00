"""The command line `python -m training`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from surveil.errors import SurveilError
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.engine.config import Machine
    from training.workspace import Workspace

EXAMPLES = """examples:
  python -m training train mobilenetv2-gfl-320 --data ../shared/data --out runs/m320 --ship assets/models
      everything: cache, stages, evaluation, export, int8, cards; after a stop the same command goes on
  python -m training cache mobilenetv2-gfl-320 --data DIR --out runs/m320
      only decode the pictures and fill the feature cache
  python -m training evaluate mobilenetv2-gfl-320 --data DIR --out runs/m320 --weights-file W.safetensors
      AP of weights (or of --model FILE.onnx) on DIR's val.json
  python -m training export mobilenetv2-gfl-320 --data DIR --out runs/m320 --weights-file W.safetensors
      ONNX, int8 and cards of weights that are there
  python -m training inspect mobilenetv2-gfl-320 --data DIR --out runs/m320
      the recipe as JSON, and pictures of labelled training views
  python -m training train mobilenetv2-gfl-320-live --data DIR --out runs/live --device cuda
      the same model with live augmentation on a GPU
"""


def parser() -> argparse.ArgumentParser:
    """The options of all commands."""
    from training.recipes import RECIPES  # imports torch

    top = argparse.ArgumentParser(
        prog="python -m training",
        description="Train, judge and export the detectors that surveil ships. Progress goes to stderr.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("recipe", choices=sorted(RECIPES), help="what to train")
    shared.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="train.json, val.json and their pictures"
    )
    shared.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    shared.add_argument("--weights", type=Path, metavar="DIR", help="folder of starts and teachers")
    shared.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of decoded pictures that runs share"
    )
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    machine.add_argument(
        "--processes", type=int, help="processes on the CPU (default: 2, or the cores if fewer)"
    )
    machine.add_argument(
        "--precision", choices=("float32", "bfloat16"), help="default: float32 on the CPU, bfloat16 on CUDA"
    )
    machine.add_argument(
        "--minutes", type=float, help="time limit of each stage; its schedule is shortened to end there"
    )
    weights = argparse.ArgumentParser(add_help=False)
    weights.add_argument(
        "--weights-file", type=Path, metavar="FILE", help="trained weights (default: the run's own)"
    )

    def command(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[shared, *parents])

    train = command("train", "cache, train, evaluate, export, int8, cards: everything", machine)
    train.add_argument("--ship", type=Path, metavar="DIR", help="copy models and cards there")
    command("cache", "decode the pictures and fill the feature caches", machine)
    command("evaluate", "AP of weights or of an ONNX file", weights).add_argument(
        "--model", type=Path, metavar="FILE.onnx"
    )
    command("export", "ONNX, int8 and cards of weights", weights).add_argument(
        "--ship", type=Path, metavar="DIR"
    )
    command("inspect", "the recipe as JSON, and training views as pictures", machine)
    return top


def run(options: argparse.Namespace) -> None:
    """Carry out one command."""
    from training import finish  # the command line answers before torch is loaded
    from training.recipes import recipe
    from training.show import draw_views
    from training.workspace import Workspace

    space = Workspace(
        recipe=recipe(options.recipe),
        data=options.data,
        out=options.out,
        weights=options.weights,
        images=options.images,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    match options.command:
        case "train":
            weights = space.train(machine_of(options))
            deliver(space, weights, options.ship)
        case "cache":
            for cache in space.recipe.caches:
                space.fill_cache(cache, options.processes)
        case "evaluate":
            model = options.model or finish.export(space, options.weights_file or space.final_weights)
            judged = finish.judge(space, model)
            sys.stdout.write(judged.evaluation.table() + "\n")
        case "export":
            deliver(space, options.weights_file or space.final_weights, options.ship)
        case _:
            sys.stdout.write(json.dumps(asdict(space.recipe), indent=1) + "\n")
            sys.stderr.write(f"views: {draw_views(space, options.out / 'views.png')}\n")


def deliver(space: Workspace, weights: Path, folder: Path | None) -> None:
    """Export and judge weights, draw the run's curves, and ship if a folder is named."""
    from training import finish
    from training.show import draw_curves

    model = finish.finish(space, weights)
    if weights == space.final_weights:
        draw_curves(space, space.out / "curves.png")
    if folder:
        finish.ship(model, folder)
    small = finish.finish_int8(space, weights, model)
    if folder:
        finish.ship(small, folder)


def machine_of(options: argparse.Namespace) -> Machine:
    """How this machine trains."""
    import os

    from training.engine.config import Machine

    cuda = options.device == "cuda"
    return Machine(
        device=options.device,
        processes=1 if cuda else options.processes or min(2, os.cpu_count() or 1),
        precision=options.precision or ("bfloat16" if cuda else "float32"),
        minutes=options.minutes,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when all went well, 2 for an error a user can act on, 130 after Ctrl-C."""
    options = parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        run(options)
    except (TrainingError, SurveilError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from the last checkpoint\n")
        return 130
    return 0
