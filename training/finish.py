"""From trained weights to shipped files: export, evaluation, int8, cards."""

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.card import ModelCard, Thresholds
from training.data.augment import letterbox
from training.data.records import read_json
from training.engine.journal import read_journal
from training.engine.stage import REVISION
from training.evaluate.detect import DetectConfig, OnnxModel, coco_results, detect_all
from training.evaluate.protocol import Evaluation, evaluate
from training.evaluate.thresholds import choose_thresholds
from training.export.card import build_card, latency_ms
from training.export.fold import fold, round_to_half
from training.export.graph import export_onnx, parity
from training.export.int8 import calibrate, convolutions, float_initialisers, quantise
from training.models.detector import load_model
from training.workspace import Workspace

log = logging.getLogger(__name__)

PARITY_PICTURES = 8


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model file and what it scored.

    Attributes:
        path: The ONNX file.
        evaluation: On the validation split.
        by_source: The same on parts of it, by the beginning of the images' source.
    """

    path: Path
    evaluation: Evaluation
    by_source: dict[str, Evaluation]


def judge(space: Workspace, model: Path, threads: int = 0) -> Judged:
    """Evaluate an exported model on the validation split; the results stay beside it as COCO JSON."""
    labels = space.recipe.labels.labels
    data = read_json(space.split("val").annotations)
    ids = {c["name"]: c["id"] for c in data["categories"]}
    found = detect_all(
        OnnxModel(model, threads),
        space.pictures("val"),
        space.records("val"),
        space.recipe.sizes[0],
        DetectConfig(),
    )
    results = coco_results(found, [ids.get(name, -1) for name in labels])
    (space.out / f"{model.stem}.results.json").write_text(json.dumps(results))
    return judge_results(space, model, data, results)


def judge_results(
    space: Workspace, model: Path, data: dict[str, Any], results: list[dict[str, Any]]
) -> Judged:
    """Evaluate COCO results of a model; `data`: contents of the annotation file."""
    labels = space.recipe.labels.labels
    whole = evaluate(data, results, labels)
    log.info("%s:\n%s", model.name, whole.table())
    parts = {source: evaluate(data, results, labels, source) for source in space.recipe.report_sources}
    return Judged(path=model, evaluation=whole, by_source={k: v for k, v in parts.items() if v.classes})


def export(space: Workspace, weights: Path) -> Path:
    """Write `NAME.onnx` into the run's folder and check it against torch on real pictures."""
    recipe = space.recipe
    folded = round_to_half(fold(load_model(weights, recipe.model)))
    target = space.out / f"{recipe.ships}.onnx"
    metadata = {"classes": ",".join(recipe.labels.labels), "recipe": recipe.name}
    deployed = export_onnx(folded, target, metadata, recipe.sizes[0])
    pictures = letterboxed(space, "val", PARITY_PICTURES)
    gap = parity(target, deployed, pictures)
    log.info(
        "%s: %d bytes; differs from torch by %.1e (scores), %.1e (boxes)",
        target.name,
        target.stat().st_size,
        *gap.values(),
    )
    return target


def letterboxed(space: Workspace, split: str, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Some pictures of a split (count, H, W, 3) as the model sees them."""
    records, images = space.records(split), space.pictures(split)
    chosen = np.random.default_rng(seed).choice(len(records), min(count, len(records)), replace=False)
    size = space.recipe.sizes[0]
    return np.stack([letterbox(images[i][: records[i].height, : records[i].width], *size)[0] for i in chosen])


def export_int8(space: Workspace, model: Judged) -> tuple[Judged, list[str]]:
    """Write and judge `NAME-int8.onnx`; the first layers stay in float if the AP falls too much.

    Returns:
        The int8 model and the layers kept in float.
    """
    import onnx  # heavy

    config, target = space.recipe.int8, space.out / f"{space.recipe.ships}-int8.onnx"
    pictures = letterboxed(space, "train", config.images)
    sensitive = convolutions(float_initialisers(onnx.load(model.path)))[: config.first_float]
    ranges = calibrate(model.path, pictures, config)
    for keep in ([], sensitive):
        log.info(
            "int8: %d pictures, in float: %s", len(pictures), ", ".join(keep) or "nothing but the decoding"
        )
        quantise(model.path, target, ranges, keep)
        judged = judge(space, target)
        loss = model.evaluation.mean[0] - judged.evaluation.mean[0]
        if loss <= config.max_loss:
            break
    log.info("int8: mean AP falls by %.2f", loss)
    return judged, keep


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
        "cached_views": {cache.name: cache.views for cache in recipe.caches},
        "start": recipe.start,
        "teachers": recipe.teachers,
        "data": "train.json and teacher_train.json",
        "data_hash": space.data_hash,
        "revision": (weights.parent / REVISION).read_text(),
    }


def measured_facts(space: Workspace, model: Judged, extra: dict[str, Any]) -> dict[str, Any]:
    """What was measured, for the card."""
    height, width = space.recipe.sizes[0]
    return {
        "ap": {
            "data": "val.json (870 images), each class only on the images in which it is labelled",
            "protocol": "COCO AP by pycocotools, score floor 0.02, 100 boxes an image, class-wise NMS 0.6",
            "input": f"{width}x{height}",
            **model.evaluation.to_json(),
        },
        "ap_by_source": {k: v.to_json() for k, v in model.by_source.items()},
        "peers_on_the_same_images": [dict(peer) for peer in space.recipe.peers],
        "latency": latency_ms(model.path, letterboxed(space, "val", PARITY_PICTURES)),
        "bytes": model.path.stat().st_size,
        **extra,
    }


def write_card(space: Workspace, model: Judged, thresholds: Thresholds, facts: dict[str, Any]) -> ModelCard:
    """Write the card beside the model."""
    recipe = space.recipe
    card = build_card(model.path, recipe.texts, recipe.labels.labels, recipe.sizes[:1], thresholds, facts)
    card.save(model.path.with_suffix(".json"))
    return card


def finish(space: Workspace, weights: Path) -> Judged:
    """Export trained weights, judge them, write the card."""
    model = judge(space, export(space, weights))
    describe(space, weights, model, {})
    return model


def finish_int8(space: Workspace, weights: Path, model: Judged) -> Judged:
    """The int8 form of a finished model, judged and with its own card."""
    small, keep = export_int8(space, model)
    loss = model.evaluation.mean[0] - small.evaluation.mean[0]
    describe(space, weights, small, {"float_layers": keep, "ap_lost_by_int8": round(loss, 2)})
    return small


def describe(space: Workspace, weights: Path, model: Judged, extra: dict[str, Any]) -> None:
    """Write the card of a judged model; `extra` goes to what was measured."""
    parameters = sum(p.numel() for p in fold(load_model(weights, space.recipe.model)).parameters())
    measured = measured_facts(space, model, {"parameters": parameters, **extra})
    facts = {"measured": measured, "training": training_facts(space, weights)}
    write_card(space, model, choose_thresholds(model.evaluation), facts)


def ship(model: Judged, folder: Path) -> None:
    """Copy a model and then its card to where the application finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (model.path, model.path.with_suffix(".json")):
        part = folder / f"{file.name}.part"
        shutil.copyfile(file, part)
        part.replace(folder / file.name)
        log.info("shipped %s", folder / file.name)
