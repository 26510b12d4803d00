"""The detector as a program of `torch.export`, for `surveil run --runtime torch`: no pickle inside.

usage: python -m training.export.program RECIPE --weights-file W.safetensors --card NAME.json --out NAME.pt2

The card is that of the exported ONNX model: the program computes the same and gets a card like it.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from surveil.detect.card import ModelCard, load_card, sha256_of
from surveil.detect.program import NAMES_FILE
from surveil.errors import SurveilError
from training.errors import ExportError, TrainingError
from training.export.fold import fold, round_to_half
from training.export.graph import Deployed
from training.models.detector import load_model

OUTPUTS = ("boxes", "scores")
BATCHES, STEPS = (1, 16), (4, 64)  # pictures, and sides in steps of 32 pixels


def export_program(deployed: Deployed, path: Path) -> None:
    """Write the program of a folded, rounded detector; batch, height and width (multiples of 32) are free.

    Raises:
        ExportError: The file cannot be written.
    """
    batch = torch.export.Dim("batch", min=BATCHES[0], max=BATCHES[1])
    height, width = (torch.export.Dim(f"{side}_32", min=STEPS[0], max=STEPS[1]) for side in ("h", "w"))
    # Three sizes that differ, so that none is taken for another.
    example = torch.zeros(2, 320, 416, 3, dtype=torch.uint8)
    shapes = {"image": {0: batch, 1: 32 * height, 2: 32 * width}}
    save_program(torch.export.export(deployed.eval(), (example,), dynamic_shapes=shapes), path, OUTPUTS)


def save_program(program: torch.export.ExportedProgram, path: Path, outputs: Sequence[str]) -> None:
    """Write a program as surveil reads it.

    Args:
        program: With one input.
        path: The file to write; it ends in .pt2.
        outputs: What the program's results are called.

    Raises:
        ExportError: The file cannot be written.
    """
    program.example_inputs = None  # torch would pickle them into the file
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds paths of this machine
    part = path.with_name(f"part-{path.name}")  # the writer wants the ending .pt2
    try:
        torch.export.save(program, part, extra_files={NAMES_FILE: json.dumps({"outputs": list(outputs)})})
        part.replace(path)
    except OSError as error:
        raise ExportError(f"{path}: the program cannot be written: {error.strerror or error}") from error


def program_card(path: Path, like: ModelCard) -> ModelCard:
    """The card of a program; `like` is that of the ONNX model that computes the same."""
    measured = {key: value for key, value in like.measured.items() if key not in ("latency", "bytes")}
    return replace(like, name=path.stem, file=path.name, sha256=sha256_of(path), measured=measured)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; 0 when all went well, 2 for an error a user can act on."""
    from training.recipes import recipe

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", help="says what shape the detector has")
    parser.add_argument("--weights-file", type=Path, required=True, metavar="W.safetensors")
    parser.add_argument("--card", type=Path, required=True, metavar="NAME.json", help="of the ONNX model")
    parser.add_argument("--out", type=Path, required=True, metavar="NAME-torch.pt2")
    options = parser.parse_args(argv)
    try:
        if options.out.suffix != ".pt2":
            raise ExportError(f"{options.out}: a program's name ends in .pt2")
        like = load_card(options.card)
        model = load_model(options.weights_file, recipe(options.recipe).model)
        export_program(Deployed(round_to_half(fold(model))), options.out)
        program_card(options.out, like).save(options.out.with_suffix(".json"))
    except (TrainingError, SurveilError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
