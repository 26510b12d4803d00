"""The files of one run: decoded pictures, feature cache, stages, results; made when they are first needed."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.card import sha256_of
from training.data.cache import CacheConfig, FeatureCache, ViewJob, fill_part, holds, identity
from training.data.decode import decode_images, stored_records
from training.data.denoise import DenoiseConfig
from training.data.layout import Split, find_added, find_split, find_weights
from training.data.records import Record, check_learnable, data_hash, load_records
from training.data.scenes import draw_scenes
from training.engine.config import Machine, StageConfig
from training.engine.group import Group
from training.engine.larger import LargerJob, check_fits, check_shared
from training.engine.processes import run_processes
from training.engine.stage import StageJob, run_stage
from training.engine.validation import ValidationJob
from training.errors import ConfigError, DataError
from training.evaluate.truth import load_truth
from training.lock import RUN, locked
from training.models.detector import blend, load_model
from training.models.notes import labels_of
from training.models.shapes import ImitationConfig
from training.recipes import recipe as recipe_of
from training.recipes.recipe import Recipe

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A recipe, its data and the folder of the run.

    Attributes:
        recipe: What to train.
        data: Data folder, see `training.data.layout`.
        out: Folder of the run.
        weights: Folder of starts and teachers, or None for the usual places.
        images: Folder of decoded pictures, shared by runs on the same data.
        caches: Folder of feature caches that runs share, each named by what it was made of, or folder of a
            run whose own ones are taken where they are the same; None: the run's own lie in `out`.
    """

    recipe: Recipe
    data: Path
    out: Path
    weights: Path | None = None
    images: Path | None = None
    caches: Path | None = None

    def __post_init__(self) -> None:
        """Check that the recipe knows its classes and its anchors."""
        if self.recipe.balance.remove_below:
            raise ConfigError(
                f"recipe {self.recipe.name}: which classes are removed depends on the data: "
                "use what recipes.adapt.without_sparse makes of it"
            )
        if self.recipe.anchor_views:
            raise ConfigError(
                f"recipe {self.recipe.name}: its anchors depend on the data: "
                "use what recipes.fitted.for_data makes of it"
            )

    def split(self, name: str) -> Split:
        """Files of a split."""
        return find_split(self.data, name)

    def weight_file(self, name: str) -> Path:
        """A start or a teacher."""
        return find_weights(name, self.data, self.weights)

    def records(self, name: str) -> list[Record]:
        """Records of a split, as its decoded pictures are; validation never sees the teacher's detections."""
        return stored_records(self._annotated(name), self.pictures_file(name))

    def _annotated(self, name: str) -> list[Record]:
        """Records of a split with the sizes of the picture files; what is added comes last."""
        if name not in self._read:
            splits, labels = [self.split(name), *self._besides(name)], self.recipe.labels
            parts = [
                load_records(s.annotations, labels, s.teacher if name == "train" else None) for s in splits
            ]
            records = [record for part in parts for record in part]
            if len({record.file_name for record in records}) < len(records):
                places = ", ".join(str(s.annotations) for s in splits)
                raise DataError(f"pictures of the same name in {places}: make one anew with another seed")
            if name == "train":
                check_learnable(records, labels, [s.annotations for s in splits])
            self._read[name] = records
        return self._read[name]

    @cached_property
    def _read(self) -> dict[str, list[Record]]:
        """What was read already: it takes seconds."""
        return {}

    def _besides(self, name: str) -> list[Split]:
        """What a split has besides: drawn scenes, which are drawn when they are not there, added folders."""
        if name != "train":
            return []
        count = self.recipe.scenes
        folder = (self.images or self.out) / f"scenes-{count}"
        drawn = [find_split(draw_scenes(folder, name, count).parent, name)] if count else []
        return drawn + find_added(self.data, self.recipe.added, name)

    @property
    def data_hash(self) -> str:
        """Names the training data: annotations and teacher detections."""
        splits = [self.split("train"), *self._besides("train")]
        return data_hash(*(s.annotations for s in splits), *(s.teacher for s in splits if s.teacher))

    def pictures_file(self, name: str) -> Path:
        """Decoded pictures of a split."""
        files = [split.annotations for split in (self.split(name), *self._besides(name))]
        denoise = self._denoise(name)
        how = f"-{denoise.name}" if denoise else ""
        return (self.images or self.out) / f"images-{name}-{data_hash(*files)}{how}.npy"

    def _denoise(self, name: str) -> DenoiseConfig | None:
        """How the pictures of a split are denoised: those to judge by stay as cameras give them."""
        return self.recipe.denoise if name == "train" else None

    def pictures(self, name: str) -> NDArray[np.uint8]:
        """Decoded pictures (n, side, side, 3) of a split; decodes them when they are not there."""
        path = self.pictures_file(name)
        if not path.exists():
            splits = [self.split(name), *self._besides(name)]
            places = [place for split in splits for place in split.pictures]
            with locked(path.with_suffix(".lock"), "decodes these pictures"):
                decode_images(self._annotated(name), places, path, self._denoise(name))
        pictures: NDArray[np.uint8] = np.load(path, mmap_mode="r")
        return pictures

    def cache_folder(self, config: CacheConfig) -> Path:
        """Folder of a feature cache."""
        if self.caches is None:
            return self.out / config.name
        made_of = self._made_of(config)
        if holds(self.caches / config.name, made_of):
            return self.caches / config.name
        named = json.dumps([made_of, self.recipe.features or self.recipe.start])
        return self.caches / f"{config.name}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"

    def _made_of(self, config: CacheConfig) -> dict[str, Any]:
        """What a feature cache is made of."""
        recipe = self.recipe
        made_of = identity(config, recipe.labels, recipe.augment, self.data_hash, recipe.data_steps)
        start = Path(recipe.features or recipe.start)
        # a recipe's own start is known by the run's folder, one of --start is not
        return made_of | ({"start": sha256_of(start)} if start.is_absolute() else {})

    def fill_cache(self, config: CacheConfig, processes: int | None = None) -> None:
        """Complete a feature cache: compute what is missing, one process a core."""
        recipe, folder = self.recipe, self.cache_folder(config)
        self.pictures("train")  # what is wrong with them is said before there is a cache
        cache = FeatureCache.create(folder, config, len(recipe.labels.labels), self._made_of(config))
        if cache.missing:
            log.info("%s: %d of %d views to compute", config.name, cache.missing, len(cache))
            run_processes(fill_part, processes or os.cpu_count() or 1, folder, self.views(config))

    def views(self, config: CacheConfig) -> ViewJob:
        """What a process needs to draw training views; decodes the pictures when they are not there."""
        recipe = self.recipe
        self.pictures("train")
        return ViewJob(
            images=self.pictures_file("train"),
            records=tuple(self.records("train")),
            start=self.weight_file(recipe.features or recipe.start),
            teachers=tuple(self.weight_file(name) for name in recipe.teachers),
            labels=recipe.labels,
            augment=recipe.augment,
            cache=config,
            balance=recipe.balance,
        )

    def validation(self) -> ValidationJob:
        """What weights in training are judged by."""
        split = self.split("val")
        return ValidationJob(
            annotations=split.annotations,
            pictures=split.pictures,
            labels=self.recipe.labels.labels,
            size=self.recipe.sizes[0],
        )

    def larger(self) -> LargerJob | None:
        """The recipe's larger teacher; None without one.

        Raises:
            ConfigError: Its cells, bins or classes are not the student's, or a stage begins where it cannot.
            CheckpointError: Its weights are of another network.
        """
        recipe = self.recipe
        if recipe.larger is None:
            return None
        name = recipe.larger.recipe
        # its weights tell which classes it was trained for; its recipe may have been given others
        shape = replace(recipe_of(name).model, classes=recipe.model.classes)
        check_fits((recipe.name, recipe.model), (name, shape))
        larger = LargerJob(recipe=name, model=shape, file=self.weight_file(recipe.larger.weights))
        self._check_labels(larger)
        load_model(larger.file, shape)
        if any(stage.taught and stage.entry == "low" for stage in recipe.stages):
            check_shared(larger, self.weight_file(recipe.features or recipe.start))
        return larger

    def _check_labels(self, larger: LargerJob) -> None:
        """Check that the larger teacher has the student's classes in their order, where its file names them.

        Raises:
            ConfigError: They are others.
        """
        mine, theirs = self.recipe.labels.labels, labels_of(larger.file)
        if theirs is None:
            log.warning(
                "%s does not say which classes it was trained for: they are taken to be %s, in this order",
                larger.file,
                ", ".join(mine),
            )
        elif theirs != mine:
            raise ConfigError(
                f"{larger.file}: the larger teacher {larger.recipe} was trained for {', '.join(theirs)}, the "
                f"student {self.recipe.name} learns {', '.join(mine)}; classes are compared one by one: "
                "take a teacher of the same classes in the same order (--labels)"
            )

    def stage_folder(self, k: int) -> Path:
        """Folder of stage k, from 0."""
        return self.out / f"{k + 1}-{self.recipe.stages[k].name}"

    @property
    def final_weights(self) -> Path:
        """Where the weights that ship are when the last stage has ended."""
        name = "blended.safetensors" if self.recipe.keep else "model.safetensors"
        return self.stage_folder(len(self.recipe.stages) - 1) / name

    def prepare(self, stages: Sequence[StageConfig]) -> None:
        """Make what the stages draw from and what is not there yet: decoded pictures, feature caches."""
        self.pictures("train")
        for n in dict.fromkeys(n for stage in stages if stage.entry != "image" for n in stage.caches):
            self.fill_cache(self.recipe.caches[n])

    def train(self, machine: Machine, group: Group | None = None) -> Path:
        """Train all stages; those that have ended before are skipped.

        Args:
            machine: On what.
            group: Processes of torchrun that share every batch: each of them calls this.

        Returns:
            The file with the final averaged weights.

        Raises:
            ConfigError: Another training writes into this folder.
        """
        with nullcontext() if group and group.rank else locked(self.out / RUN):
            return self._train(machine, group)

    def _train(self, machine: Machine, group: Group | None) -> Path:
        """See `train`; the folder is this process's own."""
        load_truth(self.split("val").annotations)  # what is wrong with it is said before hours of work
        recipe = self.recipe
        if group:
            for config in recipe.stages:
                group.share(config)  # a batch that cannot be shared is said before hours of work
        init, imitated = (self.weight_file(name) if name else None for name in (recipe.init, recipe.imitated))
        before, larger = None, self.larger()
        for k, config in enumerate(recipe.stages):
            caches = [recipe.caches[n] for n in config.caches]
            make = partial(self.prepare, [config])
            group.first(make) if group else make()
            job = StageJob(
                config=config,
                machine=machine,
                model=ImitationConfig(of=recipe.model) if config.imitates else recipe.model,
                start=self.weight_file(recipe.start) if recipe.start else None,
                init=init,
                init_imitates=before is not None and before.imitates,
                imitated=imitated if config.imitates else None,
                larger=larger if config.taught else None,
                caches=tuple(self.cache_folder(cache) for cache in caches),
                views=tuple(self.views(cache) for cache in caches),
                validation=self.validation(),
                out=self.stage_folder(k),
                data_hash=self.data_hash,
                data_steps=recipe.data_steps,
            )
            init, before = run_stage(job, group), config
        if init is None:
            raise ConfigError(f"recipe {recipe.name} has no stages")
        if recipe.keep and not (group and group.rank):
            blend(self.weight_file(recipe.init), init, recipe.keep, recipe.model, self.final_weights)
        return self.final_weights
