"""The detector as a program of `torch.export`, for `surveil run --runtime torch`: no pickle inside.

`python -m training program` writes it; its card is that of the exported ONNX model that computes the same.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from surveil.detect.card import ModelCard, sha256_of
from surveil.detect.program import NAMES_FILE
from training.export.graph import Deployed
from training.files import write_whole

OUTPUTS = ("boxes", "scores")
BATCHES, STEPS = (1, 16), (4, 64)  # pictures, and sides in steps of 32 pixels


def export_program(deployed: Deployed, path: Path) -> None:
    """Write the program of a folded, rounded detector; batch, height and width (multiples of 32) are free.

    Raises:
        OutputError: The file cannot be written; nothing is left half-written.
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
        OutputError: The file cannot be written; nothing is left half-written.
    """
    program.example_inputs = None  # torch would pickle them into the file
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds paths of this machine
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={NAMES_FILE: json.dumps({"outputs": list(outputs)})})
    write_whole(path, content.getvalue())


def program_card(path: Path, like: ModelCard) -> ModelCard:
    """The card of a program; `like` is that of the ONNX model that computes the same."""
    measured = {key: value for key, value in like.measured.items() if key not in ("latency", "bytes")}
    return replace(like, name=path.stem, file=path.name, sha256=sha256_of(path), measured=measured)
