"""The commands that make or count training data, and the options of what is done to it before training."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import ConfigError

if TYPE_CHECKING:
    from training.recipes.recipe import Recipe
    from training.workspace import Workspace


def add_commands(commands: Any) -> None:
    """Their options; `commands`: the sub-parsers of `python -m training`."""
    convert = commands.add_parser("convert", help="VOC or YOLO folders as the COCO files that are trained on")
    convert.add_argument("kind", choices=("voc", "yolo"))
    convert.add_argument("source", type=Path, metavar="FOLDER")
    convert.add_argument("--out", type=Path, required=True, metavar="DIR", help="for train.json and val.json")
    convert.add_argument(
        "--val",
        type=float,
        metavar="SHARE",
        help="of the pictures, to judge by, chosen by chance where the source has no split (default: 0.1 of "
        "YOLO folders; VOC folders without lists need it)",
    )
    convert.add_argument(
        "--lists",
        metavar="TRAIN,VAL",
        help="VOC: names of the lists in ImageSets/Main to train on and to judge by, such as trainval,test "
        "(default: train,val; trainval,test where only these are there)",
    )
    scenes = commands.add_parser("draw-scenes", help="a small set of drawn street scenes with exact boxes")
    scenes.add_argument("out", type=Path, metavar="DIR", help="for train.json, val.json and their pictures")
    scenes.add_argument(
        "--train", type=int, default=200, metavar="N", help="pictures to train on (default: 200)"
    )
    scenes.add_argument("--val", type=int, default=40, metavar="N", help="pictures to judge by (default: 40)")
    text = "boxes and pictures of each class: in the data, as a recipe draws them, and balanced"
    balance = commands.add_parser("balance", help=text, description=text)
    balance.add_argument("recipe", help="whose classes and shares")
    balance.add_argument("--data", type=Path, required=True, metavar="DIR", help="with train.json")
    balance.add_argument("--labels", metavar="NAME,NAME", help="classes, if not the recipe's; or `all`")
    add_steps(balance)


def add_steps(command: argparse.ArgumentParser) -> None:
    """The options of `with_steps`."""
    command.add_argument(
        "--remove-below", type=int, metavar="BOXES", help="remove classes that have fewer boxes to learn from"
    )
    command.add_argument(
        "--keep-outputs", action="store_true", help="removed classes keep their output, which no box teaches"
    )
    command.add_argument(
        "--balance",
        type=float,
        metavar="RATIO",
        help="repeat pictures of rarer classes until no class has more than RATIO times the boxes of another",
    )
    command.add_argument(
        "--repeats",
        type=float,
        metavar="MOST",
        help="how often a picture may be repeated for it (default: 10)",
    )
    command.add_argument(
        "--denoise",
        nargs="?",
        const="sym8",
        metavar="WAVELET",
        help="denoise training pictures by wavelets (BayesShrink; default wavelet: sym8)",
    )
    command.add_argument(
        "--noise",
        type=float,
        metavar="LEVELS",
        help="grey levels of noise (default: estimated in each picture)",
    )


def with_steps(recipe: Recipe, options: argparse.Namespace) -> Recipe:
    """The recipe with the data steps of the options in place of its own.

    Raises:
        ConfigError: The wavelet is unknown, or the numbers make no sense.
    """
    from training.data.denoise import DenoiseConfig, Denoiser

    balance, denoise = recipe.balance, recipe.denoise
    if options.remove_below is not None:
        balance = replace(balance, remove_below=options.remove_below)
    if options.keep_outputs:
        if not balance.remove_below:
            raise ConfigError("--keep-outputs: of classes that --remove-below removes, say how many boxes")
        balance = replace(balance, keep_outputs=True)
    if options.balance is not None:
        balance = replace(balance, ratio=options.balance)
    if options.repeats is not None:
        balance = replace(balance, largest=options.repeats)
    if options.denoise:
        denoise = DenoiseConfig(wavelet=options.denoise)
    if options.noise is not None:
        if denoise is None:
            raise ConfigError("--noise: of pictures that are denoised, say --denoise as well")
        denoise = replace(denoise, noise=options.noise)
    if denoise:
        Denoiser(denoise)  # said now, not after the annotations were read
    return replace(recipe, balance=balance, denoise=denoise)


def run_convert(options: argparse.Namespace) -> None:
    """Write COCO files for a folder in another format."""
    from training.data.formats.convert import convert  # the command line answers before OpenCV is loaded

    lists = tuple(name.strip() for name in options.lists.split(",")) if options.lists else ()
    if len(lists) not in (0, 2):
        raise ConfigError(f"--lists: two names, to train on and to judge by, got {options.lists!r}")
    convert(options.kind, options.source, options.out, options.val, lists=lists)


def run_draw_scenes(options: argparse.Namespace) -> None:
    """Draw both splits, of different streets."""
    from training.data.scenes import draw_scenes

    draw_scenes(options.out, "train", options.train, seed=0)
    draw_scenes(options.out, "val", options.val, seed=1)


def run_balance(options: argparse.Namespace, recipe: Recipe) -> None:
    """Print how often classes are seen before and after the data steps; `recipe`: for the classes wanted."""
    import numpy as np  # with what follows it takes a second

    from training.data.balance import BalanceConfig, Shares, class_boxes, table
    from training.data.cache import draw_shares
    from training.recipes.adapt import training_records, without_sparse

    made = without_sparse(with_steps(recipe, options), options.data)
    read, left = training_records(recipe, options.data), training_records(made, options.data)
    labels, cache = recipe.labels.labels, recipe.caches[0]
    own = draw_shares(read, cache, labels, BalanceConfig())
    balanced = draw_shares(left, made.caches[0], made.labels.labels, made.balance)
    ways = (
        Shares(name="each picture once", values=np.ones(len(read))),
        Shares(name="the recipe", values=own),
        Shares(name="balanced", values=balanced),
    )
    boxes = class_boxes(read, len(labels))
    sys.stdout.write(f"{len(read)} pictures\n{table(labels, boxes, ways, made.labels.removed)}\n")


def add_anchors(anchors: argparse.ArgumentParser) -> None:
    """Options of `anchors`."""
    anchors.add_argument("--count", type=int, default=9, help="of all three levels (default: 9)")
    anchors.add_argument("--views", type=int, default=20_000, help="views that are drawn (default: 20000)")


def anchors_of(space: Workspace, count: int, views: int) -> str:
    """Anchors for the recipe's first size, as its model takes them, and how well they fit."""
    from training.data.anchors import LEVELS, cluster, drawn_sides, levels_of, report
    from training.data.cache import draw_order

    if count < LEVELS or count % LEVELS:
        raise ConfigError(f"anchors: --count is a multiple of {LEVELS}, for as many levels; got {count}")
    recipe = space.recipe
    records, cache = space.records("train"), recipe.caches[0]
    order = draw_order(records, cache, recipe.labels.labels, recipe.balance)[:views]
    sides = drawn_sides(records, order, recipe.augment, cache)
    anchors = cluster(sides, count)
    return f"anchors={levels_of(anchors)}\n{report(sides, anchors)}"
