"""A trained detector as a program of `torch.export` with its card, compared with what it was made from."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from surveil.detect.assets import find_model
from surveil.detect.card import ModelCard, load_card
from surveil.detect.devices import parse_device
from surveil.detect.runner import NetworkConfig, tensor_shape
from surveil.detect.torch_runner import open_torch
from surveil.errors import ModelError
from training.deploy.network import folded_detector
from training.errors import ConfigError, ExportError
from training.export.fold import fold, round_to_half
from training.export.graph import Deployed
from training.export.program import export_program, program_card
from training.models.detector import Detector, load_model
from training.recipes import recipe as recipe_of

log = logging.getLogger(__name__)

SUFFIX = ".pt2"
TOLERANCE = 1e-3  # of scores, and of boxes as a share of the input's longer side


def write_program(source: str, out: Path, weights: Path | None = None, card: Path | None = None) -> ModelCard:
    """Write a program and, beside it, its card.

    Args:
        source: An exported model of ours (`.onnx`), or the name of a recipe.
        out: The file to write; it ends in .pt2.
        weights: Of the recipe, as training writes them.
        card: Of the ONNX model; None: the one beside it. A recipe needs one.

    Returns:
        The card that was written.

    Raises:
        ConfigError: Weights or a card are missing, or there are too many.
        CheckpointError: The weights are missing, broken or of another architecture.
        ExportError: The model is no export of ours, or surveil computes something else than torch.
        SurveilError: The model or its card cannot be used, or a file cannot be written.
    """
    if out.suffix != SUFFIX:
        raise ConfigError(f"{out}: a program's name ends in {SUFFIX}")
    read = _from_onnx if source.endswith(".onnx") else _of
    model, like = read(source, weights, card)
    deployed = Deployed(model).eval()
    export_program(deployed, out)
    try:
        check_program(out, deployed, like)
    except (ExportError, ModelError):
        out.unlink()
        raise
    written = program_card(out, like)
    written.save(out.with_suffix(".json"))
    return written


def _from_onnx(source: str, weights: Path | None, card: Path | None) -> tuple[Detector, ModelCard]:
    """A folded detector out of an exported model, and the model's card."""
    if weights:
        raise ConfigError(f"{source} has weights: leave --weights-file out, or name a recipe")
    file = find_model(source, card)
    model = folded_detector(file)
    if model is None:
        raise ExportError(f"{source}: names no recipe of ours, so its network is not known")
    return model, load_card(card or file.path.with_suffix(".json"))


def _of(recipe: str, weights: Path | None, card: Path | None) -> tuple[Detector, ModelCard]:
    """A recipe's folded detector with the weights of a file, and the card."""
    if weights is None or card is None:
        raise ConfigError(f"recipe {recipe}: name --weights-file and --card, or give an exported .onnx")
    like = load_card(card)
    shape = replace(recipe_of(recipe).model, classes=len(like.labels))
    return round_to_half(fold(load_model(weights, shape))), like


def check_program(path: Path, deployed: Deployed, card: ModelCard) -> None:
    """Compare a program in surveil's hands with torch, on noise of the card's first size.

    Raises:
        ExportError: They differ by more than `TOLERANCE`.
        ModelError: surveil does not know one of its steps.
    """
    shape = tensor_shape(card.input, card.input.shapes[0])
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    config = NetworkConfig(
        path=path, shape=shape, device=parse_device("cpu"), threads=torch.get_num_threads()
    )
    boxes, scores = open_torch(config).run(noise)
    with torch.no_grad():
        true_boxes, true_scores = (x.numpy() for x in deployed(torch.from_numpy(noise)))
    gap_of_scores = float(np.abs(scores - true_scores).max())
    gap_of_boxes = float(np.abs(boxes - true_boxes).max()) / max(shape[1:3])
    log.info(
        "%s differs from torch by %.1e (scores), %.1e of the side (boxes)",
        path.name,
        gap_of_scores,
        gap_of_boxes,
    )
    if max(gap_of_scores, gap_of_boxes) > TOLERANCE:
        raise ExportError(f"{path.name} does not agree with torch: {gap_of_scores:.1e}, {gap_of_boxes:.1e}")
