"""One fine-tuning from a folder of pictures to models with cards, and what it brought."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from surveil.clock import Clock
from surveil.detect.card import ModelCard, load_card
from training import finish
from training.engine.config import Machine, WatchConfig
from training.engine.validation import Validation, check_tools
from training.evaluate.judge import size_name
from training.finetune.base import Base, for_classes, read_base
from training.finetune.folder import Prepared, prepare
from training.finetune.plan import (
    START,
    Plan,
    advice,
    finish_s,
    load_plan,
    planned,
    recipe_of,
    save_plan,
    views_in,
    with_images,
)
from training.live.bench import bench
from training.lock import locked
from training.models.detector import Detector, save_model
from training.models.notes import labels_note
from training.models.starts import settle_norms
from training.progress import duration
from training.show import draw_curves
from training.workspace import Workspace

log = logging.getLogger(__name__)

REPORT = "before-after.txt"
LOCK = "finetune.lock"
SETTLED_ON = 32  # pictures
TIMED_BATCHES = 3


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig:
    """What the command line says.

    Attributes:
        base: Name or file of the model to go on from.
        folder: The user's pictures.
        out: Folder of the run.
        name: What the new model is called; empty: the base's name and `-own`.
        labels: Classes to learn; none: all in the folder.
        base_labels: Classes of a `.safetensors` file.
        minutes: In which all is done, from the first picture to the last card.
        budget: Views to train on instead of minutes; 0: minutes count.
        device: `cpu` or `cuda`.
        ship: Folder that models and cards are copied to, or None.
    """

    base: str
    folder: Path
    out: Path
    name: str = ""
    labels: tuple[str, ...] = ()
    base_labels: tuple[str, ...] = ()
    minutes: float = 20.0
    budget: int = 0
    device: str = "cpu"
    ship: Path | None = None


def finetune(config: FinetuneConfig, clock: Clock) -> str:
    """Do it all; the same call goes on after a stop.

    Returns:
        The table of figures before and after, and where the models are.

    Raises:
        TrainingError: What the user gave cannot be used; says what to do.
    """
    with locked(config.out / LOCK):
        return _finetune(config, clock)


def _finetune(config: FinetuneConfig, clock: Clock) -> str:
    """See `finetune`; the folder is this process's own."""
    began = clock.monotonic()
    check_tools()
    base = read_base(config.base, config.base_labels)
    data = prepare(config.folder, config.out / "data", config.labels)
    name = config.name or f"{base.name.removesuffix('-own')}-own"
    space = Workspace(recipe=recipe_of(base, data, name), data=data.data, out=config.out, weights=config.out)
    machine = machine_of(config)
    made_of = {
        "base": base.sha256,
        "data": space.data_hash,
        "labels": data.labels,
        "minutes": 0 if config.budget else config.minutes,
        "budget": config.budget,
        "device": config.device,
    }
    plan = load_plan(made_of, config.out)
    if plan is None:
        plan = make_plan(space, base, data, config, Elapsed(clock, began))
        save_plan(plan, made_of, config.out)
    space = replace(space, recipe=with_images(space.recipe, plan))
    weights = train(space, plan, machine)
    table = deliver(space, weights, plan, config.ship)
    log.info("done in %s", duration(clock.monotonic() - began))
    return table


@dataclass(frozen=True)
class Elapsed:
    """Seconds since the command was given."""

    clock: Clock
    began: float

    @property
    def seconds(self) -> float:
        """So many."""
        return self.clock.monotonic() - self.began


def machine_of(config: FinetuneConfig) -> Machine:
    """One process; it is judged before and after, not while it trains."""
    cuda = config.device == "cuda"
    return Machine(
        device=config.device,
        processes=1,
        precision="bfloat16" if cuda else "float32",
        workers=min(8 if cuda else 1, os.cpu_count() or 1),
        watch=WatchConfig(evaluate=False),
    )


def make_plan(space: Workspace, base: Base, data: Prepared, config: FinetuneConfig, elapsed: Elapsed) -> Plan:
    """Write the start, judge it, time a few steps, and say how long it will take."""
    start = begin(space, base)
    judged_from = elapsed.seconds
    before = judge_before(space, base, start)
    count = len(space.records("val"))
    # judged side by side, a thread a picture
    picture_s = (elapsed.seconds - judged_from) * (os.cpu_count() or 1) / count
    if config.budget:
        log.info("training on %d views", config.budget)
        return planned(space.recipe, config.budget, before)
    log.info("timing a few steps of training")
    # the last stage is timed, which is the slower one
    images_s = bench(space, machine_of(config), TIMED_BATCHES).whole_images_s
    after_s = finish_s(picture_s, count)
    left_s = 60 * config.minutes - elapsed.seconds - after_s
    views = views_in(left_s, images_s, data.pictures)
    train_s = min(left_s, views / images_s)
    log.info(
        "%.3g views a second: training on %d views takes about %s, export and judging %s: ready in about %s",
        images_s,
        views,
        duration(train_s),
        duration(after_s),
        duration(train_s + after_s),
    )
    return planned(space.recipe, views, before, left_s / 60, images_s)


def begin(space: Workspace, base: Base) -> Detector:
    """Write the weights that training begins with: the base's, for these classes and pictures."""
    labels = space.recipe.labels.labels
    known = [name for name in labels if name in base.labels]
    fresh = [name for name in labels if name not in base.labels]
    log.info(
        "from %s: classes kept: %s; new: %s",
        base.name,
        ", ".join(known) or "none",
        ", ".join(fresh) or "none",
    )
    model = base.model if labels == base.labels else for_classes(base.model, base.labels, labels)
    pictures = np.stack(finish.letterboxed(space, "train", SETTLED_ON, space.recipe.sizes))
    image = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    settle_norms(model, [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)], image)
    save_model(model, space.out / START, labels_note(labels))
    return model


def judge_before(space: Workspace, base: Base, start: Detector) -> dict[str, tuple[float, float]]:
    """AP and AP50 of the classes that the base knows, by name."""
    known = [name for name in space.recipe.labels.labels if name in base.labels]
    judged = Validation(space.validation()).evaluate(start)
    return {k: (r.figures[0], r.figures[1]) for k, r in judged.classes.items() if k in known}


def train(space: Workspace, plan: Plan, machine: Machine) -> Path:
    """Train stage by stage, each within its own minutes; returns the last stage's weights."""
    limits = plan.minutes or (None,) * len(plan.images)
    for k, minutes in enumerate(limits, 1):
        # the stages before are done, and are not trained again
        so_far = replace(space, recipe=replace(space.recipe, stages=space.recipe.stages[:k]))
        weights = so_far.train(replace(machine, minutes=minutes))
    return weights


def deliver(space: Workspace, weights: Path, plan: Plan, folder: Path | None) -> str:
    """Export, judge, cards, int8; ship if a folder is named. Returns the table, and what follows from it."""
    model, files = finish.finish(space, weights)
    draw_curves(space, space.out / "curves.png")
    small = finish.finish_int8(space, weights, model)
    if folder:
        finish.ship(files, folder)
        finish.ship(small, folder)
    size = size_name(space.recipe.sizes[0])
    cards = [load_card(found[1]) for found in (files, small)]
    after, as_int8 = (judged(card, size) for card in cards)
    table = figures(space.recipe.labels.labels, plan.before, after, as_int8)
    both = [(ap, after[name]["AP"]) for name, (ap, _) in plan.before.items() if name in after]
    first, last = np.mean(both, 0) if both else (0.0, 0.0)
    seen = sum(stage["images"] for stage in cards[0].training["stages"].values())  # time may cut plans short
    said = advice(seen, len(space.records("train")), (first, last) if both else None)
    end = f"{files[0]}\n{small[0]}\nsurveil run VIDEO --model {files[0]}\n"
    text = f"{table}\n\n{said}\n\n{end}" if said else f"{table}\n\n{end}"
    (space.out / REPORT).write_text(text)
    return text


def judged(card: ModelCard, size: str) -> Mapping[str, Any]:
    """Figures by class, as a card holds them."""
    classes: Mapping[str, Any] = card.measured["ap"][size]["classes"]
    return classes


def figures(
    labels: tuple[str, ...],
    before: Mapping[str, tuple[float, float]],
    after: Mapping[str, Any],
    small: Mapping[str, Any],
) -> str:
    """AP and AP50 by class: before, after, and as int8; means over the classes that have both."""

    def told(values: tuple[float, float] | None, nothing: str) -> str:
        return f"{values[0]:5.1f} /{values[1]:5.1f}" if values else f"{nothing:>12}"

    def of(card: Mapping[str, Any], name: str) -> tuple[float, float]:
        return card[name]["AP"], card[name]["AP50"]

    lines = [f"{'AP / AP50':<16}{'boxes':>6}{'before':>14}{'after':>14}{'int8':>14}"]
    for name in labels:
        if name not in after:
            lines.append(f"{name:<16}{'fewer than 10 boxes to judge by':>48}")
            continue
        row = f"{name:<16}{after[name]['boxes']:>6}  {told(before.get(name), 'new')}"
        lines.append(f"{row}  {told(of(after, name), '')}  {told(of(small, name), '')}")
    both = [name for name in labels if name in before and name in after]
    for text, names, first in (("mean of known", both, True), ("mean of all", list(after), False)):
        if not names:
            continue
        tables = [[before[n] for n in names] if first else [], [of(after, n) for n in names]]
        tables.append([of(small, n) for n in names])
        means = [
            (float(m[0]), float(m[1])) if len(m) else None
            for m in (np.mean(t, 0) if t else () for t in tables)
        ]
        lines.append(f"{text:<16}{'':>6}  " + "  ".join(told(m, "") for m in means))
    return "\n".join(lines)
