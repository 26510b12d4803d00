"""The exported network: picture in, boxes and scores out, with decoding inside, as ONNX.

Input `image`: (B, H, W, 3) uint8 BGR, letterboxed on grey 114; batch, height and width are free (multiples of
32). Outputs `boxes` (B, N, 4) float32 xyxy in input pixels and `scores` (B, N, C) float32 in 0..1. Weights
are stored as float16 behind a Cast, which the runtime folds when it loads the file.
"""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.errors import ExportError
from training.files import write_whole
from training.models.detector import Detector
from training.models.reading import MapReading, Places, cell_places, joined

OPSET = 17
MAX_BYTES = 16 * 2**20
HALF_FROM = 64  # initialisers with fewer values stay float32


class Deployed(nn.Module):
    """A folded detector with scaling and decoding around it."""

    def __init__(self, model: Detector) -> None:
        """`model`: as `fold` returns it."""
        super().__init__()
        if isinstance(model.reading, MapReading):
            raise ExportError("a model that imitates features detects nothing")
        self.model, self.reading = model, model.reading

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(B, H, W, 3) uint8 to boxes (B, N, 4) and scores (B, N, C)."""
        levels = self.model(image.permute(0, 3, 1, 2).float() * (1 / 255))
        places = joined([self._places(k, level) for k, level in enumerate(levels)])
        raw = self.reading.flatten(levels)
        return self.reading.boxes(raw, places), self.reading.scores(raw)

    def _places(self, k: int, level: Tensor) -> Places:
        """Places of a level (B, K, h, w), from its shape: every input size fits."""
        rows, columns = level.shape[-2], level.shape[-1]
        return self.reading.expand(cell_places(rows, columns, self.reading.strides[k], level.device), k)


def export_onnx(model: Detector, path: Path, metadata: dict[str, str], size: tuple[int, int]) -> Deployed:
    """Write the ONNX file of a folded, rounded detector.

    Args:
        model: As `round_to_half(fold(…))` returns it.
        path: The file to write.
        metadata: Kept in the file.
        size: Height and width for tracing; the graph takes others, too.

    Returns:
        The torch module that computes the same.

    Raises:
        ExportError: The file is larger than a shipped model may be.
        OutputError: The file cannot be written; nothing is left half-written.
    """
    import onnx  # heavy

    deployed = Deployed(model).eval()
    example = torch.zeros(1, *size, 3, dtype=torch.uint8)
    axes = {"image": {0: "batch", 1: "height", 2: "width"}, "boxes": {0: "batch", 1: "cells"}}
    traced = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every Python number; parity is checked instead
        torch.onnx.export(
            deployed,
            (example,),
            traced,  # annotated as a path; the tracer takes open files as well
            input_names=["image"],
            output_names=["boxes", "scores"],
            dynamic_axes=axes | {"scores": axes["boxes"]},
            opset_version=OPSET,
            dynamo=False,
        )
    proto = onnx.load_model_from_string(traced.getvalue())
    store_as_half(proto)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(proto)
    content = proto.SerializeToString()
    if len(content) > MAX_BYTES:
        raise ExportError(f"{path.name}: {len(content)} bytes, at most {MAX_BYTES} may ship")
    write_whole(path, content)
    return deployed


def store_as_half(proto: Any) -> None:
    """Replace float32 initialisers by float16 ones behind a Cast; the values must be representable."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < HALF_FROM:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(
            helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT, name=f"{name}.cast")
        )
    for k, node in enumerate(casts):
        proto.graph.node.insert(k, node)


def parity(path: Path, deployed: Deployed, images: np.ndarray, floor: float = 0.02) -> dict[str, float]:
    """Largest differences between the ONNX file and torch on pictures (B, H, W, 3) uint8.

    Returns:
        `scores`: absolute; `boxes`: as a share of the longer side, over cells with a score above `floor`.

    Raises:
        ExportError: Scores differ by more than 1e-3, or boxes by more than 0.1 % of the side.
    """
    import onnxruntime as ort  # heavy

    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    boxes, scores = session.run(["boxes", "scores"], {"image": images})
    with torch.no_grad():
        true_boxes, true_scores = (x.numpy() for x in deployed(torch.from_numpy(images)))
    seen = true_scores.max(-1) > floor
    gap = {
        "scores": float(np.abs(scores - true_scores).max()),
        "boxes": float(np.abs(boxes - true_boxes)[seen].max(initial=0)) / max(images.shape[1:3]),
    }
    if gap["scores"] > 1e-3 or gap["boxes"] > 1e-3:
        raise ExportError(f"{path.name} does not agree with torch: {gap}")
    return gap
