"""The commands that make training data: `convert` and `draw-scenes`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Their options; `commands`: the sub-parsers of `python -m training`."""
    convert = commands.add_parser("convert", help="VOC or YOLO folders as the COCO files that are trained on")
    convert.add_argument("kind", choices=("voc", "yolo"))
    convert.add_argument("source", type=Path, metavar="FOLDER")
    convert.add_argument("--out", type=Path, required=True, metavar="DIR", help="for train.json and val.json")
    convert.add_argument(
        "--val", type=float, default=0.1, metavar="SHARE", help="to judge by, where the source has no split"
    )
    scenes = commands.add_parser("draw-scenes", help="a small set of drawn street scenes with exact boxes")
    scenes.add_argument("out", type=Path, metavar="DIR", help="for train.json, val.json and their pictures")
    scenes.add_argument(
        "--train", type=int, default=200, metavar="N", help="pictures to train on (default: 200)"
    )
    scenes.add_argument("--val", type=int, default=40, metavar="N", help="pictures to judge by (default: 40)")


def run_convert(options: argparse.Namespace) -> None:
    """Write COCO files for a folder in another format."""
    from training.data.formats.convert import convert  # the command line answers before OpenCV is loaded

    convert(options.kind, options.source, options.out, options.val)


def run_draw_scenes(options: argparse.Namespace) -> None:
    """Draw both splits, of different streets."""
    from training.data.scenes import draw_scenes

    draw_scenes(options.out, "train", options.train, seed=0)
    draw_scenes(options.out, "val", options.val, seed=1)
