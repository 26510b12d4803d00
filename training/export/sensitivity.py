"""What int8 costs, layer by layer: the errors when one group of layers, or all but one, is int8.

Errors are mean differences from the float model's scores and boxes where that model sees something. They take
seconds where AP takes minutes, and rank the groups.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.export.int8 import Calibration, decoding, float_initialisers, quantise
from training.models.backbone import LOW_BLOCKS, TAPS
from training.models.shapes import ModelConfig, YoloConfig
from training.progress import Progress

SEEN = 0.3  # cells with such a score in the float model count
EARLY_BLOCKS = 2
TOGETHER = 4  # layers of the papers' backbones in one group
LAST = "head, last 1x1"

Outputs = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Boxes (1, N, 4) and scores (1, N, C) of each picture."""


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Mean differences from the float model, in the cells where it sees something.

    Attributes:
        scores: Of a score.
        boxes: Of a side of a box, as a share of the input's longer side.
    """

    scores: float
    boxes: float

    def beside(self, other: "Errors") -> float:
        """The sum of both, each as a share of the other's; what the other does not have counts nothing.

        >>> Errors(scores=0.01, boxes=0.003).beside(Errors(scores=0.02, boxes=0.002))
        2.0
        """
        pairs = ((self.scores, other.scores), (self.boxes, other.boxes))
        return sum(own / theirs for own, theirs in pairs if theirs)


@dataclass(frozen=True, kw_only=True)
class GroupError:
    """What int8 does to one group of layers.

    Attributes:
        group: Its name.
        layers: Convolutions in it.
        alone: When it alone is int8.
        in_float: When it stays in float, and besides it only what always does.
    """

    group: str
    layers: int
    alone: Errors
    in_float: Errors


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Errors by group, and of the whole.

    Attributes:
        everything: When all groups are int8.
        groups: In the order of the graph.
        names: Nodes of each group.
        always: Groups that stay in float in any case.
    """

    everything: Errors
    groups: tuple[GroupError, ...]
    names: Mapping[str, tuple[str, ...]]
    always: tuple[str, ...] = ()

    def ranked(self) -> list[str]:
        """Names of the groups that may be int8, the one that gains most by staying in float first."""
        free = [g for g in self.groups if g.group not in self.always]
        return [g.group for g in sorted(free, key=lambda g: g.in_float.beside(self.everything))]

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values."""
        return {"everything_int8": asdict(self.everything), "groups": [asdict(g) for g in self.groups]}

    def table(self) -> str:
        """The table as text: scores, and boxes in percent of the input's side."""

        def told(errors: Errors) -> str:
            return f"{errors.scores:12.4f}{100 * errors.boxes:8.3f} %"

        head = f"{'group':28s} layers{'it alone int8':>22s}{'it alone float':>22s}"
        rows = [f"{g.group:28s}{g.layers:7d}{told(g.alone)}{told(g.in_float)}" for g in self.groups]
        return "\n".join([head, *rows, f"{'everything int8':35s}{told(self.everything)}"])


def always_float(model: ModelConfig) -> tuple[str, ...]:
    """Groups that are never int8.

    One tensor of an anchor head holds coordinates, logarithms of sides, objectness and classes. Its one scale
    spans some 18 units: half a step puts a side off by percents. The heads of GFL read a side as the mean of
    a distribution, which forgives that.
    """
    return (LAST,) if isinstance(model, YoloConfig) else ()


def group_of(node: str) -> str | None:
    """The group of a node by its name in the exported graph; None for what belongs to none.

    >>> group_of("/model/backbone/blocks.3/expand/Conv")
    'backbone to stride 8'
    """
    parts = node.strip("/").split("/")
    match parts:
        case ["model", "backbone", "stem" | "stemmed" | "blocks.0" | "blocks.1", *_]:
            return f"stem and first {EARLY_BLOCKS} blocks"
        case ["model", "backbone", block, *_] if block.startswith("blocks."):
            number = int(block.removeprefix("blocks."))
            if number < LOW_BLOCKS:
                return "backbone to stride 8"
            return "backbone to stride 16" if number <= TAPS[1] else "backbone to stride 32"
        case ["model", "backbone", layer, *_] if layer.startswith("layers."):
            first = int(layer.removeprefix("layers.")) // TOGETHER * TOGETHER
            return f"backbone, layers {first} to {first + TOGETHER - 1}"
        case ["model", "neck", *_]:
            return "neck"
        case ["model", "head", part, *_]:
            return LAST if part.startswith("out.") else "head, towers"
        case _:
            return None


def node_groups(proto: Any) -> dict[str, tuple[str, ...]]:
    """Names of the nodes before the decoding, by group, in the order of the graph."""
    skipped, groups = set(decoding(proto)), dict[str, list[str]]()
    for node in proto.graph.node:
        group = group_of(node.name)
        if group is not None and node.name not in skipped:
            groups.setdefault(group, []).append(node.name)
    return {group: tuple(names) for group, names in groups.items()}


def measure(
    source: Path,
    calibration: Calibration,
    pictures: Sequence[NDArray[np.uint8]],
    always: tuple[str, ...] = (),
) -> Sensitivity:
    """Quantise an exported model group by group and compare its scores and boxes.

    Args:
        source: As `export_onnx` writes it.
        calibration: Of its activations, as `calibrate` returns it.
        pictures: (H, W, 3) uint8 each, letterboxed.
        always: Groups that stay in float in any case, see `always_float`.
    """
    import onnx  # heavy

    proto = float_initialisers(onnx.load(source))
    names = node_groups(proto)
    layers = {node.name for node in proto.graph.node if node.op_type == "Conv"}
    every = [name for group in names.values() for name in group]
    kept = [name for group in always for name in names[group]]
    progress = Progress("int8 by groups of layers", "groups")
    with TemporaryDirectory() as folder:
        error = _error_of(source, Path(folder) / "part.onnx", calibration, pictures)
        groups = []
        for group, own in names.items():
            groups.append(
                GroupError(
                    group=group,
                    layers=len(layers.intersection(own)),
                    alone=error([name for name in every if name not in own]),
                    in_float=error([*own, *kept]),
                )
            )
            progress.at(len(groups), len(names))
        return Sensitivity(everything=error(()), groups=tuple(groups), names=names, always=always)


def _error_of(
    source: Path, target: Path, calibration: Calibration, pictures: Sequence[NDArray[np.uint8]]
) -> Callable[[Sequence[str]], Errors]:
    """The errors of the int8 form in which the nodes of these names stay in float."""
    exact = _outputs(source, pictures)
    sides = [max(picture.shape[:2]) for picture in pictures]

    def error(keep: Sequence[str]) -> Errors:
        quantise(source, target, calibration, keep)
        return difference(exact, _outputs(target, pictures), sides)

    return error


def difference(exact: Outputs, coarse: Outputs, sides: Sequence[int]) -> Errors:
    """Errors of a model beside the exact one; `sides`: of each picture, in pixels."""
    scores, boxes = [np.zeros(0)], [np.zeros(0)]
    for (own_boxes, own), (other_boxes, other), side in zip(exact, coarse, sides, strict=True):
        seen = own > SEEN
        scores.append(np.abs(own - other)[seen])
        boxes.append(np.abs(own_boxes - other_boxes)[seen.any(-1)].ravel() / side)
    return Errors(scores=_mean(scores), boxes=_mean(boxes))


def _mean(parts: Sequence[NDArray[np.floating]]) -> float:
    together = np.concatenate(parts)
    return round(float(together.mean()), 5) if together.size else 0.0


def _outputs(model: Path, pictures: Sequence[NDArray[np.uint8]]) -> Outputs:
    import onnxruntime as ort  # heavy

    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return [tuple(session.run(["boxes", "scores"], {"image": picture[None]})) for picture in pictures]
