"""The complete configuration of a training run: one frozen value, built by the functions beside this file."""

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from training.data.balance import BalanceConfig
from training.data.cache import CacheConfig
from training.data.denoise import DenoiseConfig
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig
from training.engine.config import StageConfig
from training.errors import ConfigError
from training.export.card import CardTexts
from training.export.int8 import Int8Config
from training.losses.localization import different_bins
from training.models.activations import FUSED
from training.models.shapes import DetectorConfig, HybridConfig, YoloConfig
from training.settings import LATER


@dataclass(frozen=True, kw_only=True)
class LargerTeacher:
    """A larger network of the family, trained by this package, that teaches boxes and classes.

    Attributes:
        recipe: Name of the recipe that it was trained by.
        weights: File name of its weights, as training writes them.
    """

    recipe: str
    weights: str

    @property
    def text(self) -> str:
        """Both in words, for cards: the file without its folder."""
        return f"{self.recipe}, {Path(self.weights).name}"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run learns.

    Attributes:
        name: Of the recipe.
        ships: Name of the model that it ships.
        labels: Classes, and how annotations are read.
        augment: How views are drawn.
        caches: Which views are cached, a cache for each size; the first size is the default of what ships.
        model: Shape of the detector.
        stages: What is trained, one after the other.
        start: File name of the backbone's start; empty: random weights.
        teachers: File names of dense teachers: the first fills the caches, all look at live views. Without
            any there are no caches and no distillation.
        int8: How the int8 form is made; None: there is none.
        texts: What the card says in words.
        report_sources: Beginnings of image sources whose figures are reported by themselves.
        aliases: Other names of the shipped file, each with the (height, width) that is its default.
        scenes: Drawn street scenes that are added to the training pictures (`data.scenes`).
        added: Folders of further training pictures (`train.json` and what belongs to it), such as those of
            `gan-paste`: in the data folder, or as typed.
        peers: Figures of other models on the same validation images, for the card.
        init: File name of a whole model's weights that training goes on from; empty: the first stage begins
            at the backbone's start.
        features: File name of the tuned start whose features fill the caches; empty: `start`.
        imitated: File name of the network whose features stages imitate (its first layers are those of
            `features`: a start, or an exported detector); empty: what the caches hold.
        keep: Share of `init` in the weights that ship; the rest is what was trained (weight-space averaging
            of start and end, Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
        larger: Who teaches the stages whose loss has `localization` by a larger network, or None.
        balance: Removal of classes with few boxes (done by `recipes.adapt.without_sparse`, once the data are
            known) and balancing of the others.
        denoise: How training pictures are denoised when they are decoded; None: they are not.
        anchor_views: Training views whose boxes decide the anchors (done by `recipes.fitted`, once the data
            are known); 0: those of `model` stay.
    """

    name: str
    ships: str
    labels: LabelConfig
    augment: AugmentConfig
    caches: tuple[CacheConfig, ...]
    model: DetectorConfig
    stages: tuple[StageConfig, ...]
    start: str
    teachers: tuple[str, ...]
    int8: Int8Config | None
    texts: CardTexts
    report_sources: tuple[str, ...] = ()
    aliases: tuple[tuple[str, tuple[int, int]], ...] = ()
    scenes: int = 0
    added: tuple[str, ...] = ()
    peers: tuple[dict[str, Any], ...] = ()
    init: str = ""
    features: str = ""
    imitated: str = ""
    keep: float = 0.0
    larger: LargerTeacher | None = None
    balance: BalanceConfig = field(default_factory=BalanceConfig)
    denoise: DenoiseConfig | None = None
    anchor_views: int = field(default=0, metadata=LATER)

    def __post_init__(self) -> None:
        """Check that sizes differ, that stages draw from caches that are there, and what is kept of what."""
        if not 0 <= self.keep < 1 or (self.keep and not self.init):
            raise ConfigError(
                f"recipe {self.name}: keep is a share from 0 to below 1, of the weights in init"
            )
        if len({cache.size for cache in self.caches}) != len(self.caches) or not self.caches:
            raise ConfigError(f"recipe {self.name}: caches need one or more sizes, all different")
        if not (self.start or self.features):
            raise ConfigError(f"recipe {self.name}: without a start, features must name what fills caches")
        for alias, size in self.aliases:
            if size not in self.sizes:
                raise ConfigError(f"recipe {self.name}: {alias} has size {size}, not one of {self.sizes}")
        for stage in self.stages:
            if not set(stage.caches) <= set(range(len(self.caches))):
                raise ConfigError(
                    f"recipe {self.name}, stage {stage.name}: caches {stage.caches}, "
                    f"but there are {len(self.caches)}, counted from 0"
                )

        if self.anchor_views and not isinstance(self.model, YoloConfig):
            raise ConfigError(f"recipe {self.name}: its model has no anchors: leave anchor_views 0")
        act = getattr(self.model, "act", FUSED[0])
        if self.int8 is not None and act not in FUSED:
            raise ConfigError(
                f"recipe {self.name}: int8 has no use for activation {act}, which no runtime computes "
                f"together with a convolution: choose {' or '.join(FUSED)}, or int8=None"
            )
        self._check_stages()

    def _check_stages(self) -> None:
        """Check that cached features are the backbone's own where they replace it, and that it ends well."""
        tuned = isinstance(self.model, HybridConfig) or self.model.backbone == "mobilenetv2-tuned"
        own = tuned and self.features in ("", self.start)
        for stage in self.stages:
            if stage.entry in ("taps", "low") and not own:
                raise ConfigError(
                    f"recipe {self.name}, stage {stage.name}: the caches hold features of the tuned "
                    f"MobileNetV2, which this model does not begin with: entry {stage.entry} must be view"
                )
        if self.stages and self.stages[-1].imitates:
            raise ConfigError(f"recipe {self.name}: the last stage imitates, so nothing learns to detect")
        self._check_masks()
        self._check_distillation()

    def _check_masks(self) -> None:
        """Check that nothing after a sparse stage fills what its masks took away."""
        for before, stage in pairwise(self.stages):
            if before.sparse and stage.sparse != before.sparse:
                raise ConfigError(
                    f"recipe {self.name}: stage {stage.name} would fill what the masks of stage "
                    f"{before.name} took away: it needs the same sparse"
                )
        if self.keep and self.is_sparse:
            raise ConfigError(f"recipe {self.name}: keep would mix weights without masks in: set it to 0")

    def _check_distillation(self) -> None:
        """Check that whoever is to teach by region is there, and that dense teachers' bins fit."""
        taught = any(stage.taught for stage in self.stages)
        if taught and not self.larger:
            raise ConfigError(
                f"recipe {self.name}: a larger teacher is to teach (localization), but none is named: set "
                "larger, or say --larger RECIPE=FILE"
            )
        if self.larger and not taught:
            raise ConfigError(
                f"recipe {self.name}: a larger teacher is named, but no stage has a loss with localization"
            )
        if not any(stage.localization and not stage.taught for stage in self.stages):
            return
        if not self.teachers:
            raise ConfigError(
                f"recipe {self.name}: dense teachers are to teach (localization), but there are none"
            )
        mine = getattr(self.model, "reg_max", None)
        for cache in self.caches:
            if mine is not None and mine != cache.reg_max:
                raise ConfigError(
                    f"recipe {self.name}: {different_bins('the dense teacher', cache.reg_max, mine)}"
                )

    @property
    def data_steps(self) -> dict[str, Any]:
        """What is switched on of removing, balancing and denoising, as JSON values."""
        steps: dict[str, Any] = {}
        if self.labels.removed:
            steps["removed"] = list(self.labels.removed)
        if self.balance.ratio:
            steps["balance"] = {"ratio": self.balance.ratio, "largest": self.balance.largest}
        if self.denoise:
            steps["denoise"] = asdict(self.denoise)
        return steps

    @property
    def is_sparse(self) -> bool:
        """Whether what ships is 2:4."""
        return bool(self.stages) and self.stages[-1].sparse is not None

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of the inputs that it trains; the first is the default of what ships."""
        return tuple(cache.size for cache in self.caches)
