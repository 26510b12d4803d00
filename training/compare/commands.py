"""The command `compare`: any exported models that have cards, side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Its options; `commands`: the sub-parsers of `python -m training`."""
    text = "exported models side by side: AP over latency, the same pictures, a table"
    compare = commands.add_parser("compare", help=text, description=text)
    compare.set_defaults(run=run_compare)
    compare.add_argument(
        "models",
        nargs="+",
        metavar="MODEL",
        help="MODEL.onnx with its card, or a shipped name; MODEL@416x416: at another size of its card",
    )
    compare.add_argument(
        "--out",
        type=Path,
        default=Path("compare"),
        metavar="DIR",
        help="compare.md, plot and sheet (default: compare)",
    )
    compare.add_argument(
        "--card",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.json",
        help="card of a model that has none beside it; may be given again",
    )
    compare.add_argument("--names", metavar="A,B,…", help="to be shown instead of the cards' names")
    compare.add_argument(
        "--annotations", type=Path, metavar="FILE.json", help="objects of the pictures, COCO"
    )
    compare.add_argument(
        "--images", type=Path, nargs="+", default=(), metavar="PLACE", help="folders, tars (default: drawn)"
    )
    compare.add_argument("--pictures", type=int, default=6, metavar="N", help="on the sheet (default: 6)")
    compare.add_argument("--cell", type=int, default=320, metavar="PX", help="width of each (default: 320)")
    compare.add_argument(
        "--from-cards", action="store_true", help="latencies as the cards say, instead of measured here"
    )
    compare.add_argument("--runtime", default="auto", help="auto (default), openvino or onnxruntime")
    compare.add_argument("--threads", type=int, default=2, metavar="N", help="of a detection (default: 2)")
    compare.add_argument("--rounds", type=int, default=50, metavar="N", help="that are timed (default: 50)")


def run_compare(options: argparse.Namespace) -> None:
    """Compare, write, print the table."""
    from training.compare.entries import open_entries
    from training.compare.run import CompareConfig, compare

    config = CompareConfig(
        annotations=options.annotations,
        places=tuple(options.images),
        pictures=options.pictures,
        cell=options.cell,
        from_cards=options.from_cards,
        runtime=options.runtime,
        threads=options.threads,
        rounds=options.rounds,
    )
    names = [name.strip() for name in options.names.split(",")] if options.names else []
    text = compare(open_entries(options.models, options.card, names), options.out, config)
    sys.stdout.write(text)
    sys.stderr.write(f"table, plot and sheet in {options.out.resolve()}\n")
