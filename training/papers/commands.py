"""The command `table`: a table of the founding papers, rerun."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.engine.config import Machine

TABLES = ("a", "b", "activations", "distillation")
EXAMPLES = """examples:
  python -m training table a --data ../shared/data --out runs/table-a
      paper A's steps at a small budget; after a stop the same command goes on
  python -m training table a --data DIR --out runs/table-a --rows base,separable --seeds 1
      some rows, and those that they are compared with; the report has all that were trained
  python -m training table a --full --data VOC --out runs/table-a-voc --device cuda
      the full rows, on a data set that `convert voc` made
  python -m training table a --data DIR --out runs/table-a --report docs/training/papers
      no training: writes table-a.md and table-a.png from what is there
"""


def add_commands(commands: Any, machine: argparse.ArgumentParser) -> None:
    """Add it to argparse's `commands`; `machine`: options of how this machine trains."""
    text = "a table of the founding papers, rerun: every row trained, judged, exported, compared"
    table = commands.add_parser(
        "table",
        help=text,
        description=text,
        parents=[machine],
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    table.add_argument("table", choices=TABLES)
    table.add_argument("--data", type=Path, required=True, metavar="DIR", help="as for train")
    table.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of all rows")
    table.add_argument("--weights", type=Path, metavar="DIR", help="folder of starts and teachers")
    table.add_argument("--images", type=Path, metavar="DIR", help="folder of decoded pictures runs share")
    table.add_argument(
        "--caches", type=Path, metavar="DIR", help="folder of feature caches that tables and runs share"
    )
    table.add_argument("--full", action="store_true", help="the full rows instead of their small twins")
    table.add_argument(
        "--gan-pictures",
        type=Path,
        metavar="DIR",
        help="table a: what gan-paste made, for the row of the GAN",
    )
    table.add_argument(
        "--real-pictures",
        type=Path,
        metavar="DIR",
        help="table a: what gan-paste --real made, for the row that it is held against",
    )
    table.add_argument("--rows", metavar="NAME,NAME", help="some rows (default: all)")
    table.add_argument("--seeds", type=int, default=2, metavar="N", help="runs of every row (default: 2)")
    table.add_argument("--budget", type=int, metavar="IMAGES", help="of every row, if not the table's")
    table.add_argument(
        "--pause", type=float, metavar="MINUTES", help="stop then with a checkpoint, exit code 3"
    )
    table.add_argument("--report", type=Path, metavar="DIR", help="write the table and its picture there")


def run_table_command(options: argparse.Namespace, machine: Machine) -> None:
    """Train what is missing, or report."""
    from training.errors import ConfigError, DataError
    from training.lock import RUN, locked
    from training.papers.report import as_markdown, draw
    from training.papers.results import measured
    from training.papers.run import Place, run_table
    from training.papers.speed import read_speeds, time_rows, write_speeds
    from training.papers.tables import table_of

    if options.seeds < 1:
        raise ConfigError(f"table: --seeds is 1 or more, got {options.seeds}")
    gan, real = (
        str(folder.resolve()) if folder else "" for folder in (options.gan_pictures, options.real_pictures)
    )
    table = table_of(options.table, full=options.full, gan_pictures=gan, real_pictures=real)
    if options.budget:
        table = table.with_budget(options.budget)
    place = Place(
        data=options.data,
        out=options.out,
        weights=options.weights,
        images=options.images,
        caches=options.caches,
        machine=machine,
    )
    if options.report is None:
        measured(table, place, machine.precision)  # what cannot be compared is said before hours of work
        names = tuple(name.strip() for name in (options.rows or "").split(",") if name.strip())
        with locked(options.out / RUN):
            run_table(table.only(names) if names else table, place, options.seeds)
            write_speeds(time_rows(table, place), options.out)
    rows = measured(table, place)
    if not rows:
        raise DataError(f"{options.out}: no row of table {table.name} was trained there yet")
    text = as_markdown(table, rows, read_speeds(options.out))
    folder = options.report or options.out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"table-{table.name}.md").write_text(text)
    draw(table, rows, folder / f"table-{table.name}.png")
    sys.stdout.write(text)
