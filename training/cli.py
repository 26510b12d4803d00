"""The command line `python -m training`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveil.clock import SystemClock
from surveil.errors import SurveilError
from training.compare import commands as compare_commands
from training.data import commands as data_commands
from training.deploy import commands as deploy_commands
from training.engine import commands as engine_commands
from training.errors import ConfigError, PausedError, TrainingError
from training.finetune import commands as finetune_commands
from training.gan import commands as gan_commands
from training.launch import check_options, place_of
from training.lock import RUN, locked
from training.options import add_starts, with_starts
from training.papers import commands as papers_commands
from training.progress import log_to_stderr
from training.sparsity import commands as sparsity_commands

if TYPE_CHECKING:
    from training.engine.config import Machine
    from training.recipes.recipe import Recipe
    from training.workspace import Workspace

EXAMPLES = """examples:
  python -m training train mobilenetv2-gfl-320 --data ../shared/data --out runs/m320 --ship assets/models
      everything: cache, stages, evaluation, export, int8, cards; after a stop the same command goes on
  python -m training cache mobilenetv2-gfl-320 --data DIR --out runs/m320
      only decode the pictures and fill the feature cache
  python -m training evaluate --model M.onnx --annotations DIR/val.json --images DIR/val-0.tar --plots plots
      COCO's figures of any exported model that has a card; --input-size 416x256 judges it at another size
  python -m training failures --model M.onnx --annotations DIR/val.json --images DIR/val-0.tar --out failures
      its false and missed boxes by kind: counts, a page, contact sheets
  python -m training export mobilenetv2-gfl-320 --data DIR --out runs/m320 --weights-file W.safetensors
      ONNX, int8 and cards of weights that are there
  python -m training compare A.onnx B.onnx --annotations DIR/val.json --images DIR/val-0.tar --out compare
      AP over latency, the same pictures side by side, a table
  python -m training ncnn M.onnx --out ncnn
      an exported model for ncnn, compared with torch and timed
  python -m training program M.onnx --out M-torch.pt2
      an exported model as a program of torch.export, for --runtime torch and for GPUs where only torch is
  python -m training inspect
      parameters, operations and sizes of all networks, the papers' own among them
  python -m training inspect mobilenetv2-gfl-320 --data DIR --out runs/m320
      the recipe as JSON, and pictures of labelled training views
  python -m training anchors mobilenet-yolo-320 --data DIR --out runs/y320
      anchors of a YOLO head for these boxes, to be written into its recipe
  python -m training balance mobilenet-yolo-320 --data DIR --remove-below 300 --balance 1.5
      boxes and pictures of each class: in the data, as the recipe draws them, and balanced
  python -m training memory mobilenet-yolo-320 --batch 32
      the memory of each stage, estimated and measured; train --batch auto takes what fits
  python -m training train mobilenetv2-gfl-320-live --data DIR --out runs/live --device cuda
      the same model with live views on a GPU; bench-data says how fast it is there
  python -m training table a --data DIR --out runs/table-a
      paper A's steps one by one: trained, judged, compared
  torchrun --nproc-per-node 4 -m training train RECIPE --data DIR --out runs/live --device cuda
      four GPUs share every batch (docs/training/papers/several-gpus.md)
  python -m training finetune --from mobilenetv2-gfl-320 --data FOLDER
      a shipped model made better on your own pictures in 20 minutes (docs/training/finetune.md)
  python -m training convert yolo FOLDER --out DIR
  python -m training train own --labels helmet,vest --data DIR --out runs/own
      your own pictures and classes (docs/training/own-data.md)
"""
LABELS = "classes, if not the recipe's; `all`: every category of train.json"


def parser() -> argparse.ArgumentParser:
    """The options of all commands."""
    from training.evaluate.commands import add_commands

    top = argparse.ArgumentParser(
        prog="python -m training",
        description="Train, judge and export the detectors that surveil ships. Progress goes to stderr.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("recipe", help="what to train: a name in training/recipes/__init__.py")
    shared.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="train.json, val.json and their pictures"
    )
    shared.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    shared.add_argument("--weights", type=Path, metavar="DIR", help="folder of starts and teachers")
    shared.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of decoded pictures that runs share"
    )
    shared.add_argument("--caches", type=Path, metavar="DIR", help="folder of feature caches that runs share")
    shared.add_argument("--labels", metavar="NAME,NAME", help=LABELS)
    shared.add_argument(
        "--budget", type=int, metavar="IMAGES", help="images to train on in all stages, if not the recipe's"
    )
    shared.add_argument(
        "--scenes", type=int, metavar="N", help="drawn street scenes added to the training pictures"
    )
    shared.add_argument("--larger", metavar="RECIPE=FILE", help="a larger network that teaches: its weights")
    add_starts(shared)
    data_commands.add_steps(shared)
    gan_commands.add_pictures(shared)
    machine = machine_options()
    weights = argparse.ArgumentParser(add_help=False)
    weights.add_argument(
        "--weights-file", type=Path, metavar="FILE", help="trained weights (default: the run's own)"
    )

    def command(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[shared, *parents])

    train = command("train", "cache, train, evaluate, export, int8, cards: everything", machine)
    engine_commands.add_batch(train)
    train.add_argument("--ship", type=Path, metavar="DIR", help="copy models and cards there")
    train.add_argument(
        "--pause", type=float, metavar="MINUTES", help="stop then with a checkpoint, exit code 3"
    )
    train.add_argument(
        "--hand-over", type=Path, metavar="DIR", help="write logs and float16 weights there, and end"
    )
    command("cache", "decode the pictures and fill the feature caches", machine)
    add_commands(commands)
    command("export", "ONNX, int8 and cards of weights", weights).add_argument(
        "--ship", type=Path, metavar="DIR"
    )
    add_bench(command("bench-data", "images/s of live training, part by part, and what limits it", machine))
    data_commands.add_anchors(
        command("anchors", "anchors for YOLO heads: k-means over the boxes of training views")
    )
    rooms = (data_commands, engine_commands, gan_commands, compare_commands, deploy_commands)
    for room in (*rooms, finetune_commands, sparsity_commands):
        room.add_commands(commands)
    papers_commands.add_commands(commands, machine)
    add_inspect(commands)
    return top


def add_bench(bench: argparse.ArgumentParser) -> None:
    """Options of `bench-data`."""
    bench.add_argument("--batches", type=int, default=20, help="batches that are timed (default: 20)")
    bench.add_argument("--batch", type=int, help="images of a batch, if not the recipe's")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")


def machine_options() -> argparse.ArgumentParser:
    """How this machine trains, for the commands that do."""
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    machine.add_argument(
        "--processes", type=int, help="processes on the CPU (default: 2, or the cores if fewer)"
    )
    machine.add_argument(
        "--precision",
        choices=("float32", "bfloat16", "float16"),
        help="default: float32 on the CPU, bfloat16 on CUDA",
    )
    machine.add_argument(
        "--minutes", type=float, help="time limit of each stage; its schedule is shortened to end there"
    )
    machine.add_argument(
        "--evaluate-every",
        type=int,
        default=0,
        metavar="IMAGES",
        help="measure the AP on val after so many images, too, not only when a stage ends",
    )
    machine.add_argument("--no-evaluate", action="store_true", help="do not measure the AP while training")
    machine.add_argument("--workers", type=int, default=8, help="processes that draw live views (default: 8)")
    return machine


def add_inspect(commands: Any) -> None:
    """Add the command that needs neither data nor a run."""
    text = "sizes of all networks; or a recipe as JSON, and training views as pictures"
    inspect = commands.add_parser("inspect", help=text, description=text)
    inspect.add_argument("recipe", nargs="?", help="a recipe; without it the networks are listed")
    inspect.add_argument("--data", type=Path, metavar="DIR", help="draws views of a recipe, with --out")
    inspect.add_argument("--out", type=Path, metavar="DIR", help="where the views go")
    inspect.add_argument("--images", type=Path, metavar="DIR", help="folder of decoded pictures")
    inspect.add_argument("--labels", metavar="NAME,NAME", help=LABELS)
    data_commands.add_steps(inspect)
    inspect.add_argument("--classes", type=int, metavar="N", help="of the networks, if not the papers' own")


def run(options: argparse.Namespace) -> None:
    """Carry out one command; those of some rooms bring their own `run`."""
    check_options(options)
    match options.command:
        case _ if "run" in options:
            options.run(options)
        case "convert":
            data_commands.run_convert(options)
        case "draw-scenes":
            data_commands.run_draw_scenes(options)
        case "gan" | "gan-paste":
            gan_commands.run(options)
        case "table":
            papers_commands.run_table_command(options, machine_of(options))
        case "memory":
            engine_commands.run_memory(options, with_labels(options))
        case "balance":
            data_commands.run_balance(options, with_labels(options))
        case "inspect":
            run_inspect(options)
        case _:
            run_recipe(options)


def run_recipe(options: argparse.Namespace) -> None:
    """Carry out one command that needs a recipe."""
    from training.live.bench import bench  # the command line answers before torch is loaded
    from training.workspace import Workspace

    space = Workspace(
        recipe=adapted(options),
        data=options.data,
        out=options.out,
        weights=options.weights,
        images=options.images,
        caches=options.caches,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    match options.command:
        case "train":
            train(space, options)
        case "cache":
            with locked(options.out / RUN):
                for cache in space.recipe.caches:
                    space.fill_cache(cache, options.processes)
        case "bench-data":
            report = bench(space, machine_of(options), options.batches, options.batch)
            sys.stdout.write(report.table() + "\n")
            if options.json:
                options.json.write_text(json.dumps(report.to_json(), indent=1) + "\n")
        case "anchors":
            sys.stdout.write(data_commands.anchors_of(space, options.count, options.views) + "\n")
        case "export":
            deliver(space, options.weights_file or space.final_weights, options.ship)
        case _:
            raise AssertionError(options.command)


def run_inspect(options: argparse.Namespace) -> None:
    """List the networks; or print a recipe, and draw views of it."""
    from training.models.show import sizes, table

    if options.recipe is None:
        sys.stdout.write(table(sizes(options.classes)) + "\n")
        return
    made = adapted(options)
    sys.stdout.write(json.dumps(asdict(made), indent=1) + "\n")
    if options.data is None and options.out is None:
        return
    if options.data is None or options.out is None:
        raise ConfigError("inspect: views need both --data DIR and --out DIR")
    from training.show import draw_views
    from training.workspace import Workspace

    options.out.mkdir(parents=True, exist_ok=True)
    space = Workspace(recipe=made, data=options.data, out=options.out, images=options.images)
    sys.stderr.write(f"views: {draw_views(space, options.out / 'views.png')}\n")


def adapted(options: argparse.Namespace) -> Recipe:
    """The recipe, for the classes, the data, the start and the budget of the options."""
    from training.recipes.adapt import shortened, with_larger, with_scenes
    from training.recipes.fitted import for_data
    from training.recipes.start import with_start

    made = data_commands.with_steps(with_labels(options), options)
    if options.data:
        made = for_data(made, options.data, options.out)
    if getattr(options, "start", None):
        made = with_start(made, options.start, options.weights)
    if getattr(options, "scenes", None):
        made = with_scenes(made, options.scenes)
    if getattr(options, "larger", None):
        made = with_larger(made, options.larger)
    made = replace(made, added=(*made.added, *getattr(options, "add", ())))
    made = with_starts(made, options)
    budget = getattr(options, "budget", None)
    made = shortened(made, budget) if budget else made
    if getattr(options, "images_of_batch", None):
        made = engine_commands.with_batch(made, options, machine_of(options))
    return made


def with_labels(options: argparse.Namespace) -> Recipe:
    """The recipe for the classes of the options."""
    from training.recipes import recipe
    from training.recipes.adapt import for_labels, named_by

    made = recipe(options.recipe)
    if not options.labels:
        return made
    if options.labels == "all":
        if options.data is None:
            raise ConfigError("--labels all: the classes are those of the data, say --data DIR")
        return for_labels(made, named_by(options.data))
    return for_labels(made, [name.strip() for name in options.labels.split(",")])


def train(space: Workspace, options: argparse.Namespace) -> None:
    """Train to the end or to a pause; then everything up to the cards, or hand over what there is."""
    from training.engine.group import joined
    from training.handover import hand_over

    place = place_of()
    first = place is None or place.rank == 0
    try:
        with joined(place, options.device) as group:
            weights = space.train(machine_of(options), group)
    except PausedError:
        if options.hand_over and first:
            hand_over(space, options.hand_over)
        raise
    if not first:
        return
    if options.hand_over:
        hand_over(space, options.hand_over)
    else:
        deliver(space, weights, options.ship)


def deliver(space: Workspace, weights: Path, folder: Path | None) -> None:
    """Export and judge weights, draw the run's curves, and ship if a folder is named."""
    from training import finish
    from training.show import draw_curves

    model, files = finish.finish(space, weights)
    if weights == space.final_weights:
        draw_curves(space, space.out / "curves.png")
    if folder:
        finish.ship(files, folder)
    if space.recipe.int8 is None:
        return
    files = finish.finish_int8(space, weights, model)
    if folder:
        finish.ship_int8(files, folder)


def machine_of(options: argparse.Namespace) -> Machine:
    """How this machine trains."""
    import os

    from training.engine.config import Machine, WatchConfig

    cuda, place = options.device == "cuda", place_of()
    cores = (os.cpu_count() or 1) // (place.machine if place else 1)
    pause, elsewhere = (getattr(options, name, None) for name in ("pause", "hand_over"))
    return Machine(
        device=options.device,
        processes=1 if cuda or place else options.processes or min(2, os.cpu_count() or 1),
        precision=options.precision or ("bfloat16" if cuda else "float32"),
        minutes=options.minutes,
        stop_at_s=SystemClock().monotonic() + 60 * pause if pause else None,
        workers=min(options.workers, max(cores, 1)),
        watch=WatchConfig(
            evaluate=not (options.no_evaluate or elsewhere), evaluate_every=options.evaluate_every
        ),
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 when all went well, 2 for an error a user can act on, 3 after --pause, 130 after Ctrl-C.
    """
    options = parser().parse_args(argv)
    log_to_stderr()
    place = place_of()
    follows = place is not None and place.rank > 0
    if follows:
        logging.getLogger().setLevel(logging.WARNING)  # process 0 tells how it goes
    try:
        run(options)
    except PausedError as pause:
        if follows:
            return 0  # torchrun ends all processes when one of them returns anything else
        sys.stderr.write(f"{pause}\n")
        return 3
    except (TrainingError, SurveilError) as error:
        sys.stderr.write(f"error{f' in process {place.rank}' if place else ''}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from the last checkpoint\n")
        return 130
    return 0
