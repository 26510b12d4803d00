"""From trained weights to shipped files: export, evaluation at every size, int8, cards."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.card import load_card
from surveil.detect.open import installed_runtimes
from surveil.errors import DeviceError, OutputError
from training.data.augment import letterbox
from training.engine.journal import read_journal
from training.engine.stage import REVISION
from training.errors import ConfigError, ExportError
from training.evaluate.judge import JudgeConfig, Judged, judge, protocol_in_words, size_name
from training.evaluate.protocol import BRIEF, SIZED
from training.evaluate.thresholds import choose_thresholds
from training.evaluate.truth import load_truth
from training.export.card import build_card, latency_ms
from training.export.fold import fold, round_to_half
from training.export.graph import export_onnx, parity
from training.export.int8 import Int8Config, calibrate, quantise
from training.export.sensitivity import Sensitivity, always_float, measure
from training.files import write_whole
from training.models.detector import load_model
from training.recipes.recipe import Recipe
from training.sparsity.report import report_of
from training.workspace import Workspace

log = logging.getLogger(__name__)

PARITY_PICTURES = 8
DECODING = "decoding (softmax, boxes, sigmoid)"
LATENCY_RUNTIMES = ("onnxruntime", "openvino")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A model file, and what it scored at each input size.

    Attributes:
        path: The ONNX file.
        judged: On the validation split, by (height, width).
    """

    path: Path
    judged: Mapping[tuple[int, int], Judged]

    def means(self) -> dict[str, float]:
        """The headline AP by size."""
        return {size_name(size): one.evaluation.mean[0] for size, one in self.judged.items()}


def judge_sizes(space: Workspace, model: Path) -> Finished:
    """Evaluate an exported model at every size of the recipe; the results stay beside it as COCO JSON.

    A card without figures is written beside the model first: the application's detector runs it by that.
    """
    recipe, split = space.recipe, space.split("val")
    build_card(model, recipe.texts, recipe.labels.labels, recipe.sizes).save(model.with_suffix(".json"))
    truth = load_truth(split.annotations)
    judged = {}
    for size in recipe.sizes:
        config = JudgeConfig(shape=size, classes=recipe.labels.labels, sources=recipe.report_sources)
        one = judge(model, None, truth, split.pictures, config)
        results = space.out / f"{model.stem}.{size_name(size)}.results.json"
        write_whole(results, json.dumps(one.results).encode())
        log.info("%s", one.table())
        judged[size] = one
    return Finished(path=model, judged=judged)


def export(space: Workspace, weights: Path) -> tuple[Path, dict[str, Any]]:
    """Write `NAME.onnx` into the run's folder and check it against torch on real pictures of every size.

    A 2:4 model is checked to be one.

    Returns:
        The file, and for its card the largest differences from torch by size and what 2:4 is.
    """
    recipe = space.recipe
    folded = round_to_half(fold(load_model(weights, recipe.model)))
    target = space.out / f"{recipe.ships}.onnx"
    metadata = {"classes": ",".join(recipe.labels.labels), "recipe": recipe.name}
    deployed = export_onnx(folded, target, metadata, recipe.sizes[0])
    gaps = {}
    for size in recipe.sizes:
        gap = parity(target, deployed, np.stack(letterboxed(space, "val", PARITY_PICTURES, (size,))))
        gaps[size_name(size)] = {name: float(f"{value:.1e}") for name, value in gap.items()}
        log.info("%s at %s differs from torch by %.1e (scores), %.1e of the side (boxes)",
                 target.name, size_name(size), gap["scores"], gap["boxes"])  # fmt: skip
    log.info("%s: %d bytes", target.name, target.stat().st_size)
    agrees = {"torch_parity": {"pictures": PARITY_PICTURES, **gaps}}
    return target, agrees | sparsity_facts(recipe, target)


def letterboxed(
    space: Workspace, split: str, count: int, sizes: Sequence[tuple[int, int]], seed: int = 0
) -> list[NDArray[np.uint8]]:
    """Some pictures of a split, (H, W, 3) each, as the model sees them; the sizes take turns."""
    return [
        letterbox(picture, *sizes[k % len(sizes)])[0]
        for k, picture in enumerate(some_pictures(space, split, count, seed))
    ]


def some_pictures(space: Workspace, split: str, count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Some pictures of a split as they were taken, (H, W, 3) uint8 BGR each."""
    images = space.pictures(split)  # decoded first: the records say how large they became
    records = space.records(split)
    chosen = np.random.default_rng(seed).choice(len(records), min(count, len(records)), replace=False)
    return [np.array(images[i][: records[i].height, : records[i].width]) for i in chosen]


def export_int8(space: Workspace, model: Finished) -> tuple[Finished, dict[str, Any]]:
    """Write and judge `NAME-int8.onnx`; sensitive layers stay in float while AP falls too much at any size.

    Where it falls too much after all, that is said here and on the card, and `ship_int8` refuses it.

    Returns:
        The int8 model, and what there is to say of it.
    """
    config, target = space.recipe.int8, space.out / f"{model.path.stem}-int8.onnx"
    if config is None:
        raise ConfigError(f"recipe {space.recipe.name} has no int8 form")
    pictures = letterboxed(space, "train", config.images, space.recipe.sizes)
    calibration = calibrate(model.path, pictures, config)
    always = always_float(space.recipe.model)
    sensitivity = measure(model.path, calibration, pictures[: config.probe], always)
    log.info("int8, mean errors of scores and boxes by group of layers:\n%s", sensitivity.table())
    ranked = sensitivity.ranked()
    for count in range(min(config.float_groups, len(ranked)) + 1):
        kept = [*always, *ranked[:count]]
        log.info("int8: %d pictures, in float: %s", len(pictures), ", ".join([DECODING, *kept]))
        quantise(
            model.path, target, calibration, [name for group in kept for name in sensitivity.names[group]]
        )
        small = judge_sizes(space, target)
        lost = {size: model.means()[size] - mean for size, mean in small.means().items()}
        log.info("int8: mean AP falls by %s", ", ".join(f"{v:.2f} at {size}" for size, v in lost.items()))
        if max(lost.values()) <= config.max_loss:
            break
    facts = int8_facts(sensitivity, kept, lost, len(pictures), config)
    if "warning" in facts:
        log.warning("%s: %s", target, facts["warning"])
    return small, {"int8": facts} | sparsity_facts(space.recipe, target)


def int8_facts(
    sensitivity: Sensitivity,
    kept: Sequence[str],
    lost: Mapping[str, float],
    pictures: int,
    config: Int8Config,
) -> dict[str, Any]:
    """How a model became int8, for the card; with a `warning` where AP falls by more than is allowed."""
    facts = {
        "kept_in_float": [DECODING, *kept],
        "mean_ap_lost": {size: round(value, 2) for size, value in lost.items()},
        "calibration": f"{pictures} training pictures, percentile {config.percentile:g}, biases corrected",
        "mean_errors": sensitivity.to_json(),
    }
    size, worst = max(lost.items(), key=lambda item: item[1])
    if worst > config.max_loss:
        facts["warning"] = (
            f"int8 loses {worst:.3f} of mean AP at {size}, the recipe allows {config.max_loss:g}: "
            "prefer the float model"
        )
    return facts


def training_facts(space: Workspace, weights: Path) -> dict[str, Any]:
    """How the weights came about, for the card."""
    recipe = space.recipe
    if weights.resolve() != space.final_weights.resolve():
        return {"recipe": recipe.name, "weights": f"{weights.name}, not trained by this run"}
    stages = {}
    for k, config in enumerate(recipe.stages):
        lines = read_journal(space.stage_folder(k) / "log.csv")
        stages[config.name] = {
            "images": int(lines[-1]["images"]),
            "minutes": round(lines[-1]["seconds"] / 60, 1),
        }
    return {
        "recipe": recipe.name,
        "seed": recipe.stages[0].seed,
        "stages": stages,
        "cached_views": {size_name(cache.size): cache.count for cache in recipe.caches},
        "start": Path(recipe.start).name or "random weights",
        **({"features_imitated": recipe.imitated} if recipe.imitated else {}),
        **({"continued_from": Path(recipe.init).name, "kept_of_it": recipe.keep} if recipe.init else {}),
        "teachers": [Path(name).name for name in recipe.teachers],
        **({"larger_teacher": recipe.larger.text} if recipe.larger else {}),
        "data": "train.json and teacher_train.json" if space.split("train").teacher else "train.json",
        "data_hash": space.data_hash,
        **({"data_steps": recipe.data_steps} if recipe.data_steps else {}),
        "revision": (weights.parent / REVISION).read_text(),
    }


def sparsity_facts(recipe: Recipe, model: Path) -> dict[str, Any]:
    """What the card of a 2:4 model says of it; nothing of others.

    Raises:
        ExportError: The exported weights break the pattern.
    """
    if not recipe.is_sparse:
        return {}
    report = report_of(model, recipe.stages[-1].sparse, said=True)
    report.check()
    return report.facts()


def measured_facts(space: Workspace, model: Finished) -> dict[str, Any]:
    """What was measured, for the cards."""
    one = next(iter(model.judged.values()))
    protocol = protocol_in_words(one.model.card, JudgeConfig().protocol)
    return {
        "ap": {
            "data": f"{one.truth.path.name} ({len(one.truth.images)} images)",
            "protocol": protocol,
            "mean_over": list(one.evaluation.counted),
            **{size_name(size): judged.figures(SIZED, BRIEF) for size, judged in model.judged.items()},
        },
        "peers_on_the_same_images": [dict(peer) for peer in space.recipe.peers],
        "latency": latencies(space, model.path),
        "bytes": model.path.stat().st_size,
    }


def latencies(space: Workspace, model: Path) -> list[Mapping[str, Any]]:
    """Time of one picture at every size, in every runtime that is installed and loads."""
    pictures = some_pictures(space, "val", PARITY_PICTURES)
    rows = []
    for runtime in (name for name in LATENCY_RUNTIMES if name in installed_runtimes()):
        try:
            rows += [latency_ms(model, size, pictures, runtime) for size in space.recipe.sizes]
        except DeviceError as error:
            log.warning("latency is not measured in %s: %s", runtime, error)
    return rows


def finish(space: Workspace, weights: Path) -> tuple[Finished, list[Path]]:
    """Export trained weights, judge them, write the cards.

    Returns:
        The model, and the files that ship: the model, then its cards.
    """
    path, facts = export(space, weights)
    model = judge_sizes(space, path)
    return model, describe(space, weights, model, facts)


def finish_int8(space: Workspace, weights: Path, model: Finished) -> list[Path]:
    """The int8 form of a finished model, judged and with its own cards: the files that ship."""
    small, facts = export_int8(space, model)
    return describe(space, weights, small, facts)


def describe(space: Workspace, weights: Path, model: Finished, facts: Mapping[str, Any]) -> list[Path]:
    """Write a card for each name of a judged model; returns its file, then the cards.

    Names differ in the size that comes first, and in the thresholds, which are read off that size's curves.
    """
    recipe = space.recipe
    parameters = sum(p.numel() for p in fold(load_model(weights, recipe.model)).parameters())
    measured = {**measured_facts(space, model), "parameters": parameters, **facts}
    training = training_facts(space, weights)
    suffix = model.path.stem.removeprefix(recipe.ships)
    files = [model.path]
    for name, first in ((recipe.ships, recipe.sizes[0]), *recipe.aliases):
        sizes = (first, *(size for size in recipe.sizes if size != first))
        card = build_card(model.path, recipe.texts, recipe.labels.labels, sizes, f"{name}{suffix}")
        cuts = choose_thresholds(model.judged[first].evaluation)
        notes = [*card.measured["notes"], *cuts.notes]
        files.append(model.path.with_name(f"{name}{suffix}.json"))
        replace(
            card,
            thresholds=cuts.thresholds,
            measured={**measured, **card.measured, "notes": notes},
            training=training,
        ).save(files[-1])
    return files


def ship(files: Sequence[Path], folder: Path) -> None:
    """Copy a model and then its cards to where the application finds them.

    Raises:
        OutputError: A file cannot be written; none is left half-written.
    """
    for file in files:
        target = folder / file.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
        except OSError as error:
            raise OutputError(f"{target}: cannot be written: {error}") from error
        write_whole(target, content)
        log.info("shipped %s", target)


def ship_int8(files: Sequence[Path], folder: Path) -> None:
    """As `ship`, for an int8 model and its cards.

    Raises:
        ExportError: It loses more than its recipe allows: it stays where it is.
        OutputError: As `ship`.
    """
    warning = load_card(files[1]).measured["int8"].get("warning")
    if warning:
        raise ExportError(
            f"{files[0]} does not ship: {warning}. More float groups may mend it (Int8Config.float_groups); "
            "its float form ships"
        )
    ship(files, folder)
