"""The command `finetune`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Its options; `commands`: the sub-parsers of `python -m training`."""
    text = "a shipped model, made better on your own pictures; 20 minutes of a CPU"
    tune = commands.add_parser("finetune", help=text, description=text)
    tune.add_argument(
        "--from",
        dest="base",
        required=True,
        metavar="MODEL",
        help="a shipped model, an .onnx or .safetensors",
    )
    tune.add_argument(
        "--data", type=Path, required=True, metavar="FOLDER", help="COCO, VOC or YOLO text, known by itself"
    )
    tune.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the run (default: runs/FOLDER-tuned)"
    )
    tune.add_argument("--name", default="", help="of the new model (default: MODEL-own)")
    tune.add_argument("--labels", metavar="NAME,NAME", help="classes to learn (default: all with boxes)")
    tune.add_argument(
        "--from-labels", metavar="NAME,NAME", help="classes of a .safetensors file, in their order"
    )
    limit = tune.add_mutually_exclusive_group()
    limit.add_argument(
        "--minutes", type=float, default=20.0, help="in which everything is done (default: 20)"
    )
    limit.add_argument("--budget", type=int, default=0, metavar="IMAGES", help="views to train on instead")
    tune.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    tune.add_argument("--ship", type=Path, metavar="DIR", help="copy models and cards there")
    tune.set_defaults(run=run_finetune)


def run_finetune(options: argparse.Namespace) -> None:
    """Fine-tune, and show the figures before and after."""
    from surveil.clock import SystemClock
    from training.finetune.run import FinetuneConfig, finetune  # loads torch

    config = FinetuneConfig(
        base=options.base,
        folder=options.data,
        out=options.out or Path("runs") / f"{options.data.resolve().name}-tuned",
        name=options.name,
        labels=names(options.labels),
        base_labels=names(options.from_labels),
        minutes=options.minutes,
        budget=options.budget,
        device=options.device,
        ship=options.ship,
    )
    sys.stdout.write(finetune(config, SystemClock()))


def names(text: str | None) -> tuple[str, ...]:
    """Names of a list with commas; none of nothing.

    >>> names("person, car")
    ('person', 'car')
    """
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()
