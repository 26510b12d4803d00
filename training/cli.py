"""The command line `python -m training`."""

import argparse
import logging
import sys
from pathlib import Path

from training.errors import TrainingError
from training.recipes import RECIPES, recipe
from training.workspace import Workspace


def main(argv: list[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m training")
    p.add_argument("command")
    p.add_argument("recipe", choices=sorted(RECIPES))
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument('--minutes', type=float)
    a = p.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    space = Workspace(recipe=recipe(a.recipe), data=a.data, out=a.out)
    try:
        space.cache()
        if a.command=='train':
            from training.engine.config import Machine
            space.train(Machine(minutes=a.minutes, processes=2))
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
