"""What a fine-tuning trains, and for how long: as many views as fit into the minutes that were promised."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from training.data.cache import CacheConfig
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.errors import CheckpointError, ConfigError
from training.export.card import CardTexts
from training.export.int8 import Int8Config
from training.files import write_whole
from training.finetune.base import Base
from training.finetune.folder import Prepared
from training.progress import duration
from training.recipes.own import own
from training.recipes.recipe import Recipe

START = "start.safetensors"
FILE = "plan.json"
VIEWS_OF_A_PICTURE = 40  # more teach a few hundred pictures by heart
LEAST_VIEWS = 160
ENOUGH_VIEWS = 10  # of a picture; fewer only disturb what was known
HEAD_SHARE = 0.3  # of the views, where classes are new: the last layer alone, before the rest follows
CAUTION = 0.9  # of the speed that was measured
# Export, int8 and judging take as long as this many pictures in torch on one thread, and seconds besides.
FINISH_PICTURES, FINISH_S = 600, 60.0

BATCH = 8
UPPER = StageConfig(
    name="upper",
    entry="image",
    trains=("high", "rest"),  # what is below stride 8 stays as it is
    images=1,
    batch=BATCH,
    rate=5e-4,
    backbone_rate=0.25,
    warmup=40,
    average_every=1,
    ema=0.99,
    log_steps=1,  # a stage that time cuts short has a line as well
    checkpoint_images=1_600,
)
HEAD = replace(UPPER, name="head", trains=("rest",), rate=1.5e-3, floor=0.2, atss=60)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is trained.

    Attributes:
        images: Views of each stage.
        minutes: Time limit of each stage; none where the budget was said in views.
        images_s: Views a second that were measured; 0 where nothing was.
        before: AP and AP50 of the classes that the base knows, by name.
    """

    images: tuple[int, ...]
    minutes: tuple[float, ...] = ()
    images_s: float = 0.0
    before: Mapping[str, tuple[float, float]]


def recipe_of(base: Base, data: Prepared, name: str) -> Recipe:
    """What is trained; `with_images` says for how long."""
    known = [label for label in data.labels if label in base.labels]
    fresh = [label for label in data.labels if label not in base.labels]
    made = own()
    note = f"Fine-tuned from {base.name} (sha256 {base.sha256[:16]}…) on {data.pictures} pictures."
    kept = f"Classes that it knew: {', '.join(known) or 'none'}; new ones: {', '.join(fresh) or 'none'}."
    return replace(
        made,
        name="finetune",
        ships=name,
        labels=LabelConfig(labels=data.labels, groups=()),
        augment=AugmentConfig(letterbox=0.2, calm=0.2),
        caches=(CacheConfig(size=base.size, views=20_000),),
        model=replace(base.model.config, classes=len(data.labels)),
        stages=(HEAD, UPPER) if fresh else (UPPER,),
        init=START,
        int8=Int8Config(images=64, probe=8, float_groups=1),
        texts=CardTexts(
            labels_name="own",
            licence=f"of whoever trained it; the start: {base.licence}",
            credits=(f"Fine-tuned from {base.name}", *base.credits),
            notes=(note, kept),
        ),
    )


def with_images(recipe: Recipe, plan: Plan) -> Recipe:
    """The recipe with as many views as planned."""
    stages = zip(recipe.stages, plan.images, strict=True)
    return replace(recipe, stages=tuple(_fitted(stage, images) for stage, images in stages))


def _fitted(stage: StageConfig, images: int) -> StageConfig:
    """The stage with so many views; what it begins with takes no more than its share."""
    steps = images // stage.batch
    warmup, atss = max(1, min(stage.warmup, steps // 5)), min(stage.atss, steps // 3)
    return replace(stage, images=images, warmup=warmup, atss=atss)


def planned(
    recipe: Recipe,
    budget: int,
    before: Mapping[str, tuple[float, float]],
    minutes: float = 0.0,
    images_s: float = 0.0,
) -> Plan:
    """Share a budget of views, and minutes if there is a limit, among the stages."""
    shares = (HEAD_SHARE, 1 - HEAD_SHARE) if len(recipe.stages) > 1 else (1.0,)
    return Plan(
        images=tuple(max(BATCH, round(share * budget / BATCH) * BATCH) for share in shares),
        minutes=tuple(round(share * minutes, 2) for share in shares) if minutes else (),
        images_s=round(images_s, 2),
        before=before,
    )


def views_in(left_s: float, images_s: float, pictures: int) -> int:
    """Views to train on in the seconds that are left.

    Raises:
        ConfigError: They are too few to learn anything; says what would do.
    """
    views = min(int(CAUTION * left_s * images_s), VIEWS_OF_A_PICTURE * pictures)
    if views < LEAST_VIEWS:
        wanted = LEAST_VIEWS / (CAUTION * images_s) - left_s
        raise ConfigError(
            f"--minutes: {duration(max(left_s, 0))} are left to train, {images_s:.2g} views a second: at "
            f"least {duration(wanted)} more are needed for {LEAST_VIEWS} views; say more --minutes or "
            "--budget"
        )
    return views


def advice(seen: int, pictures: int, known: tuple[float, float] | None) -> str:
    """What to do when the figures are no better, or cannot be; empty when all is well.

    Args:
        seen: Views that were trained.
        pictures: Of the training split.
        known: Mean AP of the known classes before and after; None where there are none.
    """
    each = seen / pictures
    if each < ENOUGH_VIEWS:
        return (
            f"Each picture was seen {each:.1f} times, {ENOUGH_VIEWS} are wanted: say more --minutes, or take "
            "a faster machine."
        )
    if known and known[1] < known[0]:
        return "The classes that it knew are found no better: keep the base for them, or annotate more."
    return ""


def finish_s(picture_s: float, judged: int) -> float:
    """Seconds that export, int8 and judging will take.

    Args:
        picture_s: Seconds of one picture in torch on one thread.
        judged: Pictures of the validation split: they are judged three times more, by two threads or more.
    """
    return FINISH_S + picture_s * (FINISH_PICTURES + 1.5 * judged)


def save_plan(plan: Plan, made_of: Mapping[str, Any], out: Path) -> None:
    """Write it beside the run, so that a run that was stopped goes on with it."""
    write_whole(out / FILE, json.dumps({"made_of": dict(made_of), **asdict(plan)}, indent=1).encode())


def load_plan(made_of: Mapping[str, Any], out: Path) -> Plan | None:
    """The plan of a run that was stopped; None when there is none.

    Raises:
        CheckpointError: It belongs to another fine-tuning.
    """
    if not (out / FILE).exists():
        return None
    there = json.loads((out / FILE).read_text())
    if there.pop("made_of") != json.loads(json.dumps(dict(made_of))):
        raise CheckpointError(
            f"{out}: holds a fine-tuning of another model, other data or other settings: choose another --out"
        )
    return Plan(
        images=tuple(there["images"]),
        minutes=tuple(there["minutes"]),
        images_s=there["images_s"],
        before={name: (ap, ap50) for name, (ap, ap50) in there["before"].items()},
    )
