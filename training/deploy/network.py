"""A detector as other runtimes get it: a torch module from picture to raw outputs, and how to read these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from surveil.detect.assets import ModelFile, find_model
from surveil.detect.card import InputSpec, ModelCard
from training.errors import CheckpointError, ConfigError, ExportError
from training.evaluate.detect import ProtocolConfig
from training.export.fold import fold, round_to_half
from training.models.detector import Detector, load_model
from training.models.onnx_graph import OnnxGraph, read_metadata, read_weights
from training.models.reading import AnchorReading, GFLReading
from training.models.shapes import DetectorConfig
from training.recipes import recipe as recipe_of
from training.recipes.recipe import Recipe

# What our networks take: BGR in 0..1, letterboxed on grey 114.
OUR_INPUT = InputSpec(shapes=((320, 320),), layout="NCHW", dtype="float32", std=(255.0, 255.0, 255.0))

CENTRE = "cell centre = ((column + 0.5) stride, (row + 0.5) stride), all in pixels of the input"


@dataclass(frozen=True, kw_only=True)
class RawNetwork:
    """What is exported.

    Attributes:
        name: Of the files that are written.
        module: (1, 3, H, W) float32 to raw outputs (1, K, h, w) or what a third party's graph gives.
        size: (height, width) of the input in pixels.
        input: How a frame becomes the module's input.
        labels: Names of the classes.
        reading: How raw outputs are read, as JSON values.
        selection: Which boxes are kept, as JSON values: suppression, and thresholds where a card has them.
        origin: Where the weights come from, as JSON values.
    """

    name: str
    module: nn.Module
    size: tuple[int, int]
    input: InputSpec
    labels: tuple[str, ...]
    reading: Mapping[str, Any]
    selection: Mapping[str, Any]
    origin: Mapping[str, Any]


def from_weights(recipe: Recipe, weights: Path, size: tuple[int, int] | None) -> RawNetwork:
    """The network of a recipe with the weights of a file, folded and rounded to float16 as for ONNX.

    Raises:
        CheckpointError: The weights are missing, broken, or of another architecture.
        ConfigError: The recipe's model detects nothing.
    """
    module = round_to_half(fold(load_model(weights, recipe.model)))
    network = _ours(module, recipe.ships, tuple(recipe.labels.labels), size or recipe.sizes[0])
    usual = {"nms_iou": ProtocolConfig().nms_iou}
    return replace(network, selection=usual, origin={"recipe": recipe.name, "weights": weights.name})


def from_onnx(path: Path, card: Path | None, size: tuple[int, int] | None) -> RawNetwork:
    """The network of an exported model with its card: of ours by the recipe it names, or a third party's.

    Raises:
        SurveilError: The model or its card cannot be used.
        CheckpointError: The file holds other weights than its recipe's network.
        ExportError: A third party's graph holds operators that the torch form does not know.
    """
    file = find_model(str(path), card)
    wanted = size or file.card.input.shapes[0]
    card_says = {"licence": file.card.licence, "credits": list(file.card.credits)}
    origin = {"model": file.path.name, "sha256": file.card.sha256, **card_says}
    detector = folded_detector(file)
    if detector is None:
        network = _theirs(file.path, file.card, wanted)
    else:
        network = _ours(detector, file.card.name, file.card.labels.names, wanted)
        origin = {"recipe": read_metadata(file.path)["recipe"], **origin}
    return replace(network, selection=_selection(file.card), origin=origin)


def folded_detector(file: ModelFile) -> Detector | None:
    """The network of an exported model of ours, by the recipe that it names; None for a third party's.

    Raises:
        CheckpointError: The file holds other weights than its recipe's network.
    """
    told = read_metadata(file.path)
    if "recipe" not in told:
        return None
    config = replace(recipe_of(told["recipe"]).model, classes=len(file.card.labels.names))
    return _folded_from(file.path, config)


def _selection(card: ModelCard) -> dict[str, Any]:
    cut = card.thresholds
    voting = {} if card.voting_sigma is None else {"voting_sigma": card.voting_sigma}
    return {
        "nms_iou": card.nms_iou,
        **voting,
        "thresholds": {"low": cut.low, "high": cut.high, "birth": cut.birth, "display": cut.display},
    }


def _ours(module: Detector, name: str, labels: tuple[str, ...], size: tuple[int, int]) -> RawNetwork:
    """Without what is kept and where it comes from."""
    if size[0] % 32 or size[1] % 32:
        raise ConfigError(f"{name}: sides of the input are multiples of 32, got {size[1]}x{size[0]}")
    return RawNetwork(
        name=name,
        module=module,
        size=size,
        input=replace(OUR_INPUT, shapes=(size,)),
        labels=labels,
        reading=reading_in_words(module),
        selection={},
        origin={},
    )


def _theirs(path: Path, card: ModelCard, size: tuple[int, int]) -> RawNetwork:
    """Without what is kept and where it comes from."""
    if card.output == "surveil":
        raise ExportError(
            f"{path}: names no recipe, so its network is not known: give the recipe and --weights-file"
        )
    if size not in card.input.shapes:
        raise ConfigError(f"{path}: its card knows the sizes {card.input.shapes}, got {size}")
    return RawNetwork(
        name=card.name,
        module=OnnxGraph(path),
        size=size,
        input=card.input,
        labels=card.labels.names,
        reading={"layout": card.output, "how": f"as surveil/detect/layouts/{card.output}.py"},
        selection={},
        origin={},
    )


def _folded_from(path: Path, config: DetectorConfig) -> Detector:
    """A folded detector with the weights of a file of `export_onnx`, which keeps their names."""
    module, prefix = fold(Detector(config)), "model."
    state: dict[str, Tensor] = {
        name.removeprefix(prefix).removesuffix(".half"): value.float()
        for name, value in read_weights(path).items()
        if name.startswith(prefix)
    }
    own = module.state_dict()
    wrong = [name for name, value in own.items() if name not in state or state[name].shape != value.shape]
    if wrong:
        raise CheckpointError(
            f"{path}: {len(wrong)} of {len(own)} weights of its recipe's network are not in this file, first "
            f"{wrong[0]}: an int8 model has none of them; give the recipe and --weights-file instead"
        )
    module.load_state_dict({name: state[name] for name in own})
    return module


def reading_in_words(module: Detector) -> dict[str, Any]:
    """How the raw outputs of a detector of ours are read, for people who write it in another language."""
    match module.reading:
        case GFLReading() as gfl:
            bins = gfl.reg_max + 1
            quality = " times sigmoid(the last channel)" if gfl.quality else ""
            return {
                "kind": "gfl",
                "classes": gfl.classes,
                "reg_max": gfl.reg_max,
                "quality": gfl.quality,
                "strides": list(gfl.strides),
                "how": (
                    f"Channels of a cell: {gfl.classes} class logits, then {bins} bins for each of left, "
                    f"top, right, bottom. Score = sigmoid(logit){quality}. Distance of a side = stride x the "
                    f"sum of k softmax(bins)[k], k = 0..{gfl.reg_max}. Box = cell centre -/+ distances, "
                    f"{CENTRE}. Then class-wise NMS."
                ),
            }
        case AnchorReading() as yolo:
            return {
                "kind": "anchors",
                "classes": yolo.classes,
                "anchors": [[list(side) for side in level] for level in yolo.sides],
                "reach": yolo.reach,
                "strides": list(yolo.strides),
                "how": (
                    f"Channels of a cell: for each of {yolo.anchors} anchors x, y, w, h, objectness and "
                    f"{yolo.classes} classes. Score = sigmoid(objectness) x sigmoid(class). Centre = cell "
                    "centre + reach (sigmoid(x, y) - 0.5) stride; sides = anchor x exp(w, h limited to "
                    f"-4..4), {CENTRE}. Then class-wise NMS."
                ),
            }
        case _:
            raise ConfigError("a model that imitates features detects nothing")
