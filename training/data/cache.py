"""Feature cache: augmented views run once through the frozen backbone and the dense teacher.

Training then starts at the cached taps (or at the stride-8 tap) and no longer pays for augmentation, the
lower backbone and the teacher. One `.npy` memory map a field, so several processes fill and read it side by
side; a cache that was interrupted is continued. Space is taken for the views that are used;
files are as long as for all of them, with a hole at the end where the disk can have one.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.augment import Augmenter, View
from training.data.balance import BalanceConfig, class_boxes, repeat_factors
from training.data.maps import new_maps, take_space
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig, Record
from training.data.runtime import Runner, compile_graph, openvino
from training.data.teacher import Dense, DenseTeacher
from training.errors import ConfigError, DataError
from training.files import write_whole
from training.grid import cell_grid, level_shapes
from training.models.backbone import CHANNELS
from training.progress import Progress, log_to_stderr
from training.settings import LATER, differences, in_words, told

log = logging.getLogger(__name__)

TAPS = ("tap8", "tap16", "tap32")
META = "cache.json"
WHAT, REMEDY = "views of a feature cache", "name an --out on another disk, or take a recipe with fewer views"


@dataclass(frozen=True, kw_only=True)
class CacheConfig:
    """Which views are drawn and what is kept of them.

    Attributes:
        size: Height and width of a view in pixels.
        views: Number of views; with the seed it decides what each of them shows.
        used: A run makes do with so many first ones of them: only these are computed and drawn from, whether
            there are more or not; 0: all. The cache is the same one.
        source_views: How often an image of a source is drawn relative to others (1 if not named).
        rare: Factor for images that show a class; the largest counts.
        top: Cells per view whose teacher distribution is kept: those with the highest scores.
        max_boxes: Boxes kept per view.
        reg_max: Last bin of the teacher's distributions.
        batch: Views computed together.
        seed: Of the choice of images and of every view.
    """

    size: tuple[int, int]
    views: int
    source_views: tuple[tuple[str, float], ...] = ()
    rare: tuple[tuple[str, float], ...] = ()
    top: int = 128
    max_boxes: int = 80
    reg_max: int = 7
    batch: int = 4
    seed: int = 1
    used: int = field(default=0, metadata=LATER)

    @property
    def count(self) -> int:
        """How many views are computed and drawn from."""
        return min(self.used or self.views, self.views)

    @property
    def name(self) -> str:
        """Name of its folder."""
        height, width = self.size
        return f"cache-{width}x{height}"


def layout(config: CacheConfig, classes: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Field name -> (shape of one view, dtype)."""
    cells = len(cell_grid(*config.size)[0])
    shapes = level_shapes(*config.size)
    fields: dict[str, tuple[tuple[int, ...], Any]] = {
        name: ((channels, *shape), np.float16)
        for name, channels, shape in zip(TAPS, CHANNELS, shapes, strict=False)
    }
    return fields | {
        "soft": ((cells, classes), np.uint8),  # teacher scores, see `encode_score`
        "top": ((config.top,), np.int16),  # cells whose distribution is kept
        "top_dist": ((config.top, 4 * (config.reg_max + 1)), np.float16),
        "ignore": ((cells,) if classes <= 8 else (cells, -(-classes // 8)), np.uint8),  # see `pack`
        "boxes": ((config.max_boxes, 5), np.float16),  # x1, y1, x2, y2, class
        "count": ((), np.int16),
        "index": ((), np.int32),  # record of the view; -1 until the view is complete
    }


def pack(ignore: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Flags (N, C) as bytes, the first class in the lowest bit: (N,) of up to 8 classes, else (N, bytes)."""
    packed = np.packbits(ignore, axis=1, bitorder="little")
    return packed if packed.shape[1] > 1 else packed[:, 0]


def encode_score(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scores 0..1 to bytes, finer near zero: round(255 sqrt(x))."""
    return np.round(np.sqrt(np.clip(x, 0, 1)) * 255).astype(np.uint8)


def identity(
    cache: CacheConfig,
    labels: LabelConfig,
    augment: AugmentConfig,
    data: str,
    steps: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """What a cache was made of, as JSON values; two caches with the same identity are the same.

    How many of its views a run uses is no part of it.

    `steps`: of `Recipe.data_steps`; without any the identity is what it was before they were known.
    """
    read = {name: value for name, value in asdict(labels).items() if name != "removed"}  # one of the steps
    made_of = {
        "cache": told(replace(cache, used=0)),
        "labels": read,
        "augment": augment.identity(),
        "data": data,
    }
    made_of |= steps or {}
    result: dict[str, Any] = json.loads(json.dumps(made_of))
    return result


class FeatureCache:
    """The memory maps of one cache folder, by field name."""

    def __init__(self, folder: Path, fields: dict[str, NDArray[Any]]) -> None:
        """Use `create` or `open`."""
        self.folder, self.fields = folder, fields

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The field (views, …)."""
        return self.fields[name]

    def __len__(self) -> int:
        """Number of views that are used, complete or not."""
        return len(self.fields["index"])

    @property
    def missing(self) -> int:
        """Views that are not computed yet."""
        return int((self.fields["index"] < 0).sum())

    @classmethod
    def create(
        cls, folder: Path, config: CacheConfig, classes: int, made_of: dict[str, Any]
    ) -> "FeatureCache":
        """Make the folder and its empty fields, or open them if the same cache is there already.

        Raises:
            DataError: Another cache is there; it stays as it is, for it may be another run's as well.
            OutputError: The disk has no space for what is used of it; nothing is left of a new one.
        """
        meta, share = folder / META, config.count / config.views
        if meta.exists():
            if different := in_words(differences(json.loads(meta.read_text()), made_of)):
                raise DataError(
                    f"{folder}: holds another cache: {different}. It is left alone: name another --out, or "
                    "a folder where caches of all kinds lie side by side with --caches"
                )
            cache = cls.open(folder, config.count)
            if cache.missing:  # begun where less of it was used, or sparse files were made, or copied
                take_space(sorted(folder.glob("*.npy")), WHAT, REMEDY, share)
            return cache
        folder.mkdir(parents=True, exist_ok=True)
        fields = {
            name: ((config.views, *shape), kind) for name, (shape, kind) in layout(config, classes).items()
        }
        new_maps(folder, fields, WHAT, REMEDY, share)
        np.load(folder / "index.npy", mmap_mode="r+")[:] = -1
        write_whole(meta, json.dumps(made_of, indent=1).encode())
        return cls.open(folder, config.count)

    @classmethod
    def open(cls, folder: Path, count: int | None = None) -> "FeatureCache":
        """Open for reading and writing; `count`: so many first views, None: all. Raises DataError."""
        if not (folder / META).exists():
            raise DataError(f"{folder}: not a feature cache ({META} is missing)")
        files = sorted(folder.glob("*.npy"))
        return cls(folder, {file.stem: np.load(file, mmap_mode="r+")[:count] for file in files})


def holds(folder: Path, made_of: dict[str, Any]) -> bool:
    """Whether a folder has the cache of this `identity`."""
    meta = folder / META
    return meta.exists() and bool(json.loads(meta.read_text()) == made_of)


def draw_shares(
    records: Sequence[Record], config: CacheConfig, labels: Sequence[str], balance: BalanceConfig
) -> NDArray[np.float64]:
    """How often each record is drawn (n,), relative to the others: by source, by rare classes, balanced."""
    share, rare = dict(config.source_views), {labels.index(k): v for k, v in config.rare if k in labels}
    weight = np.array(
        [
            share.get(r.source, 1.0) * max((rare.get(int(c), 1.0) for c in r.classes), default=1.0)
            for r in records
        ]
    )
    if balance.ratio:
        weight = weight * repeat_factors(class_boxes(records, len(labels)), weight, balance)
    return weight


def draw_order(
    records: Sequence[Record],
    config: CacheConfig,
    labels: Sequence[str],
    balance: BalanceConfig | None = None,
) -> NDArray[np.int64]:
    """Which record each view shows (views,): each in its share, shuffled."""
    weight = draw_shares(records, config, labels, balance or BalanceConfig())
    rng = np.random.default_rng(config.seed)
    counts = np.floor(weight / weight.sum() * config.views + rng.random(len(records))).astype(int)
    return np.resize(rng.permutation(np.repeat(np.arange(len(records)), counts)), config.views)


def backbone_runner(start: Path, size: tuple[int, int], threads: int = 1) -> Runner:
    """The frozen backbone as an OpenVINO network: (B, 3, H, W) BGR in 0..1 to the three taps."""
    import torch

    from training.models.backbone import MobileNetV2

    model = MobileNetV2().load_start(start).eval()
    graph = openvino().convert_model(model, example_input=torch.rand(2, 3, *size))
    return compile_graph(graph, (3, *size), threads)


class Filler:
    """Computes views and writes them into a cache."""

    def __init__(
        self, cache: FeatureCache, augmenter: Augmenter, backbone: Runner, teacher: DenseTeacher
    ) -> None:
        """All three networks and the cache must have the same input size."""
        self.cache, self.augmenter, self.backbone, self.teacher = cache, augmenter, backbone, teacher

    def fill(
        self, jobs: Sequence[tuple[int, int]], config: CacheConfig, progress: Progress | None = None
    ) -> None:
        """Compute the views `jobs`, pairs of (place in the cache, record), that are not there yet."""
        jobs = [job for job in jobs if self.cache["index"][job[0]] < 0]
        for start in range(0, len(jobs), config.batch):
            part = jobs[start : start + config.batch]
            views = [self.augmenter.view(i, np.random.default_rng((config.seed, k))) for k, i in part]
            pixels = np.stack([v.image for v in views]).transpose(0, 3, 1, 2).astype(np.float32) / 255
            taps = self.backbone(np.ascontiguousarray(pixels))
            dense = self.teacher(np.stack([v.clean for v in views]))
            for row, ((k, i), view) in enumerate(zip(part, views, strict=True)):
                for name, tap in zip(TAPS, taps, strict=True):
                    self.cache[name][k] = tap[row]
                self._write(k, view, dense, row, config)
                self.cache["index"][k] = i  # last: marks the view as complete
            if progress:
                progress.at(start + len(part), len(jobs))

    def _write(self, k: int, view: View, dense: Dense, row: int, config: CacheConfig) -> None:
        scores = dense.scores[row]
        top = np.argpartition(-scores.max(1), config.top)[: config.top]
        self.cache["soft"][k], self.cache["top"][k] = encode_score(scores), top
        self.cache["top_dist"][k] = dense.distributions[row, top]
        m = min(len(view.boxes), config.max_boxes)
        self.cache["boxes"][k, :m, :4], self.cache["boxes"][k, :m, 4] = view.boxes[:m], view.classes[:m]
        self.cache["count"][k], self.cache["ignore"][k] = m, pack(view.ignore)


@dataclass(frozen=True, kw_only=True)
class ViewJob:
    """Everything one process needs to draw views; it is sent to the process as it is."""

    images: Path
    records: tuple[Record, ...]
    start: Path
    teachers: tuple[Path, ...]
    labels: LabelConfig
    augment: AugmentConfig
    cache: CacheConfig
    balance: BalanceConfig = field(default_factory=BalanceConfig)


def fill_part(part: int, parts: int, folder: Path, job: ViewJob) -> None:
    """Body of one process: every `parts`-th view, from `part` on."""
    cv2.setNumThreads(1)
    log_to_stderr()
    if not job.teachers:
        raise ConfigError(
            "a feature cache needs a dense teacher: name one in the recipe, or train with live views"
        )
    order = draw_order(job.records, job.cache, job.labels.labels, job.balance)
    jobs = [(k, int(order[k])) for k in range(part, job.cache.count, parts)]
    size = job.cache.size
    augmenter = Augmenter(np.load(job.images, mmap_mode="r"), job.records, job.augment, size)
    filler = Filler(
        FeatureCache.open(folder, job.cache.count),
        augmenter,
        backbone_runner(job.start, size),
        DenseTeacher(job.teachers[0], job.labels.labels, size),
    )
    filler.fill(
        jobs, job.cache, Progress(f"cache, part {part + 1} of {parts}", "views") if part == 0 else None
    )
