"""The tiny model of `onnx_models`, as a program of torch.export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.onnx_models import CELL, SIDE, colour_card


def colour_program(folder: Path, *, free_batch: bool = False, **card: Any) -> Path:
    """Write the model and its card; returns the path of the `.pt2` file. `card` as in `colour_card`."""
    torch = pytest.importorskip("torch", reason="programs need the package torch (the extra train)")
    from training.export.program import save_program

    class Colours(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            y, x = torch.meshgrid(*[torch.arange(SIDE // CELL)] * 2, indexing="ij")
            corners = torch.stack([x, y, x + 1, y + 1], -1).reshape(1, -1, 4).float() * CELL
            self.register_buffer("corners", corners)

        def forward(self, image: Any) -> tuple[Any, Any]:
            planes = image.permute(0, 3, 1, 2).float()
            means = torch.nn.functional.avg_pool2d(planes, CELL, CELL)
            scores = means.permute(0, 2, 3, 1).reshape(-1, (SIDE // CELL) ** 2, 3) / 255
            return scores, self.corners + scores[..., :1] * 0

    example = torch.zeros(2 if free_batch else 1, SIDE, SIDE, 3, dtype=torch.uint8)
    shapes = {"image": {0: torch.export.Dim("batch", min=1, max=16)}} if free_batch else None
    program = torch.export.export(Colours().eval(), (example,), dynamic_shapes=shapes)
    path = folder / "colours-torch.pt2"
    save_program(program, path, ("scores", "boxes"))
    colour_card(path, name="colours-torch", **card).save(path.with_suffix(".json"))
    return path
