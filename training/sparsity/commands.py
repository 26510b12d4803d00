"""The commands `sparsity` and `bench-sparse`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 4  # pictures that are looked at together


def add_commands(commands: Any) -> None:
    """Add both to argparse's `commands`."""
    text = "whether a file's weights are 2:4, layer by layer; with pictures also which of them are dead"
    sparsity = commands.add_parser("sparsity", help=text, description=text)
    sparsity.add_argument("file", type=Path, help="a checkpoint (.safetensors) or a model (.onnx)")
    sparsity.add_argument("--recipe", help="whose checkpoint it is, to look for dead weights")
    sparsity.add_argument("--labels", metavar="NAME,NAME", help="classes, if not the recipe's")
    sparsity.add_argument(
        "--annotations", type=Path, metavar="FILE.json", help="of the pictures, COCO format"
    )
    sparsity.add_argument(
        "--images", type=Path, nargs="+", metavar="PLACE", help="folders and tars of the pictures"
    )
    sparsity.add_argument(
        "--count", type=int, default=64, metavar="N", help="pictures that are looked at (default: 64)"
    )
    sparsity.set_defaults(run=run_sparsity)
    text = "speed of 2:4 matrix products and of a whole 2:4 model on an NVIDIA GPU"
    bench = commands.add_parser("bench-sparse", help=text, description=text)
    bench.add_argument(
        "network",
        nargs="?",
        default="efficientlite1-gfl2",
        help="of `inspect` (default: efficientlite1-gfl2)",
    )
    bench.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    bench.add_argument("--batch", type=int, default=16, help="pictures of a batch (default: 16)")
    bench.set_defaults(run=run_bench)


def run_sparsity(options: argparse.Namespace) -> None:
    """Print what a file's weights are like; a card that is wrong is an error."""
    from training.sparsity.report import report_of

    wanted = (options.recipe, options.annotations, options.images)
    if any(wanted) and not all(wanted):
        raise ConfigError("sparsity: dead weights need --recipe, --annotations and --images together")
    if options.count < 1:
        raise ConfigError(f"sparsity: --count is 1 or more, got {options.count}")
    report = report_of(options.file)
    sys.stdout.write(report.table() + "\n")
    if all(wanted):
        sys.stdout.write("\n" + dead_weights(options) + "\n")
    report.check()


def dead_weights(options: argparse.Namespace) -> str:
    """The dead channels and weights of a recipe's checkpoint, as text."""
    from training.models.detector import load_model
    from training.recipes import recipe
    from training.recipes.adapt import for_labels
    from training.sparsity.dead import find_dead, table

    if options.file.suffix != ".safetensors":
        raise ConfigError(f"{options.file}: dead weights are looked for in a checkpoint (.safetensors)")
    made = recipe(options.recipe)
    if options.labels:
        made = for_labels(made, [name.strip() for name in options.labels.split(",")])
    model = load_model(options.file, made.model)
    batches = list(batches_of(options, made.sizes[0]))
    return table(find_dead(model, batches), sum(len(batch) for batch in batches))


def batches_of(options: argparse.Namespace, size: tuple[int, int]) -> Iterator[Tensor]:
    """Pictures of the annotation file, evenly over it, letterboxed: (B, H, W, 3) uint8."""
    import numpy as np
    import torch

    from training.data.augment import letterbox
    from training.evaluate.detect import decode_picture, find_pictures
    from training.evaluate.truth import load_truth

    truth = load_truth(options.annotations)
    every = max(1, len(truth.images) // options.count)
    found = islice(find_pictures(truth, options.images), 0, every * options.count, every)
    pictures = (letterbox(decode_picture(truth, k, raw), *size)[0] for k, raw in found)
    while batch := list(islice(pictures, BATCH)):
        yield torch.from_numpy(np.stack(batch))


def run_bench(options: argparse.Namespace) -> None:
    """Print how fast 2:4 is here."""
    from training.models.families import FORMS
    from training.sparsity.bench import bench_sparse, check_device

    if options.network not in FORMS:
        raise ConfigError(f"network {options.network!r} is unknown: choose among {', '.join(FORMS)}")
    if options.batch < 1:
        raise ConfigError(f"bench-sparse: --batch is 1 or more, got {options.batch}")
    check_device(options.device)
    form = FORMS[options.network]
    sys.stdout.write(bench_sparse(form.network(), form.side, options.batch).table() + "\n")
