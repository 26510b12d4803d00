"""Starts a stage: one process on CUDA, several with averaged weights on the CPU, or those of torchrun."""

import json
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from surveil.detect.card import sha256_of
from training.data.cache import FeatureCache, ViewJob
from training.data.redraw import ViewPainter
from training.engine.average import Meeting, Seat
from training.engine.batches import BatchesInTurn, CachedBatches, Share, ViewBatches
from training.engine.checkpoint import is_same
from training.engine.config import Machine, StageConfig
from training.engine.group import Group
from training.engine.larger import LargerJob, LargerNetwork, TaughtBatches
from training.engine.optimizer import synced_tensors
from training.engine.processes import run_processes
from training.engine.redraw import Redrawer
from training.engine.trainer import BatchSource, Trainer
from training.engine.validation import Validation, ValidationJob, check_tools
from training.engine.watch import Pictures, Watch, pictures_of_inputs
from training.errors import ConfigError, PausedError
from training.files import write_whole
from training.live.batches import open_live
from training.losses.objective import objective_of
from training.models.backbone import MobileNetV2
from training.models.detector import Detector, load_backbone, load_model
from training.models.norms import share_norms
from training.models.notes import labels_note
from training.models.shapes import ModelConfig
from training.models.staged import StagedBackbone
from training.models.starts import begin
from training.progress import log_to_stderr
from training.revision import revision
from training.settings import told
from training.together import whole

log = logging.getLogger(__name__)

REVISION = "revision.txt"  # in a stage's folder: the code that trained it


@dataclass(frozen=True, kw_only=True)
class StageJob:
    """Everything a process needs to train a stage.

    Attributes:
        config: What to do.
        machine: On what.
        model: Shape of the detector, or of what imitates.
        start: The backbone's public start, used when `init` is None; None: random weights.
        init: Weights of the stage before, or None.
        init_imitates: Whether that stage imitated features: then its backbone is taken.
        imitated: Weights of the network whose features are imitated; None: those in the caches.
        larger: The network that teaches boxes and classes, or None.
        caches: Folders of the feature caches that are drawn from in turn (entries `taps` and `low`).
        views: How the views of each cache were drawn, or how they are drawn live (entry `image`).
        validation: What the averaged weights are judged by.
        out: Folder of the stage.
        data_hash: Names the data.
        data_steps: What was done to them, see `Recipe.data_steps`.
    """

    config: StageConfig
    machine: Machine
    model: ModelConfig
    start: Path | None
    init: Path | None
    init_imitates: bool = False
    imitated: Path | None = None
    larger: LargerJob | None = None
    caches: tuple[Path, ...]
    views: tuple[ViewJob, ...]
    validation: ValidationJob
    out: Path
    data_hash: str
    data_steps: dict[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of the inputs, by cache."""
        return tuple(view.cache.size for view in self.views)

    @property
    def notes(self) -> dict[str, str]:
        """What the files of weights say besides their shape."""
        return {} if self.config.imitates else labels_note(self.validation.labels)

    @property
    def processes(self) -> int:
        """Processes that train side by side; live views are drawn for one, which has all threads."""
        return 1 if self.config.entry == "image" else self.machine.processes

    def identity(self) -> dict[str, Any]:
        """JSON values that a resumed run must share."""
        begun = self.init or self.start
        made_of = {
            "stage": told(self.config),
            "model": told(self.model),
            # a run may go on with another time limit, but not with other arithmetic
            "machine": [self.machine.device, self.processes, self.machine.precision],
            "sizes": self.sizes,
            "data": self.data_hash,
            "init": named(begun) if begun else "random weights",
        }
        if self.config.entry != "image" and any(view.cache.used for view in self.views):
            made_of["views"] = [view.cache.count for view in self.views]
        if self.config.imitates:
            made_of["imitated"] = named(self.imitated) if self.imitated else "the caches"
        if self.larger:
            made_of["larger"] = self.larger.identity()
        if self.data_steps:
            made_of["data_steps"] = self.data_steps
        result: dict[str, Any] = json.loads(json.dumps(made_of))
        return result


def named(file: Path) -> dict[str, str]:
    """A file in an identity: its contents count, not where it lies."""
    return {"file": str(file), "sha256": sha256_of(file)}


def build_model(job: StageJob, source: BatchSource) -> Detector:
    """The detector as the stage finds it; the same in every process, but for norms of a public start.

    Those are set to what the first batch shows, so that the start computes what it did without norms;
    processes average them before the first step.
    """
    torch.manual_seed(job.config.seed)
    if job.init and not job.init_imitates:
        return load_model(job.init, job.model)
    model = Detector(job.model)
    if job.init:
        load_backbone(job.init, model)
    elif job.start:
        has_norms = isinstance(model.backbone, StagedBackbone)
        mine = source.batch(0).inputs[0].to(job.machine.device) if has_norms else None
        begin(model.backbone, job.start, None if mine is None else whole(mine).cpu())
    return model


def open_batches(job: StageJob, seat: Seat) -> BatchSource:
    """Where a process's batches come from: the cache, the pictures of its views, or views drawn live."""
    share = Share(seat.rank, seat.ranks) if seat.group else None
    if job.config.entry == "image":
        device = torch.device(job.machine.device)
        return open_live(job.views[0], job.sizes, job.config, job.machine.workers, device, share)
    rank, ranks = (0, 1) if share else (seat.rank, seat.ranks)
    files = [record.file_name for record in job.views[0].records]
    of: dict[Path, CachedBatches | ViewBatches] = {}
    for folder, view in zip(job.caches, job.views, strict=True):
        if folder in of:
            continue
        cached = CachedBatches(
            FeatureCache.open(folder, view.cache.count), job.config, rank, ranks, files, share
        )
        of[folder] = cached
        if job.config.entry == "view":
            of[folder] = ViewBatches(cached, ViewPainter(view), job.config.imitates, imitated_by(job))
    return BatchesInTurn([of[folder] for folder in job.caches])


def with_lessons(job: StageJob, source: BatchSource) -> BatchSource:
    """The batches, with what the larger network says of them if the stage has one."""
    if job.larger is None:
        return source
    return TaughtBatches(source, LargerNetwork(job.larger, job.config.entry, job.machine))


def imitated_by(job: StageJob) -> MobileNetV2 | None:
    """The network whose features a stage imitates; None where the caches hold them or nothing is imitated."""
    if not (job.config.imitates and job.imitated):
        return None
    network = MobileNetV2()
    network.load_start(job.imitated)
    return network


def train_in_process(rank: int, ranks: int, job: StageJob, meeting: Meeting | None) -> None:
    """Body of one process that trains alone, or with others whose weights it averages."""
    log_to_stderr()
    if job.machine.device == "cpu":
        torch.set_num_threads(1 if ranks > 1 else torch.get_num_threads())
    train_in_seat(job, Seat(rank, meeting))


def train_in_seat(job: StageJob, seat: Seat) -> None:
    """Train a stage in one of its processes."""
    identity = job.identity()  # of the whole batch: how many share it makes no difference
    if seat.group:
        job = replace(job, config=seat.group.share(job.config))
    device = torch.device(job.machine.device)
    source = open_batches(job, seat)
    model = build_model(job, source)
    if seat.group:
        share_norms(model, device)
    criteria = {size: objective_of(size, job.config.loss, model.reading, device) for size in set(job.sizes)}
    trainer = Trainer(model, with_lessons(job, source), criteria, job.config, job.machine, seat)
    watched = seat.rank == 0 and not job.config.imitates  # features cannot be drawn, nor judged
    trainer.run(job.out, identity, open_watch(job, source) if watched else None, job.notes)


def open_watch(job: StageJob, source: BatchSource) -> Watch:
    """What looks at the stage."""
    pictures: Pictures = (
        Redrawer(source, job.views) if isinstance(source, BatchesInTurn) else pictures_of_inputs
    )
    return Watch(job.out, job.machine.watch, job.config, pictures, Validation(job.validation))


def run_stage(job: StageJob, group: Group | None = None) -> Path:
    """Train a stage to its end, or return at once when it has ended before.

    Args:
        job: What to do.
        group: Processes of torchrun that share every batch: each of them calls this.

    Returns:
        The file with the averaged weights.
    """
    result, done = job.out / "model.safetensors", job.out / "stage.json"
    if done.exists() and is_same(json.loads(done.read_text()), job.identity()):
        log.info("stage %s: done before, %s", job.config.name, result)
        return result
    if job.machine.watch.evaluate and not job.config.imitates:
        check_tools()
    job.out.mkdir(parents=True, exist_ok=True)
    writes = group is None or group.rank == 0
    if writes:
        (job.out / REVISION).write_text(revision(Path(__file__).parent))
    ranks = group.ranks if group else job.processes
    log.info(
        "stage %s: %d images, %d processes, %s",
        job.config.name,
        job.config.images,
        ranks,
        job.machine.precision,
    )
    if job.machine.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("no CUDA device here: leave --device out to train on the CPU")
    if group:
        train_in_seat(job, Seat(group.rank, group=group))
    elif job.machine.device == "cuda":
        train_in_process(0, 1, job, None)
    else:
        numbers = sum(t.numel() for t in synced_tensors(Detector(job.model), job.config))
        meeting = Meeting(ranks, numbers) if ranks > 1 else None
        run_processes(train_in_process, ranks, job, meeting)
    if not result.exists():
        raise PausedError(f"stage {job.config.name} is paused; the same command goes on from {job.out}")
    if writes:
        write_whole(done, json.dumps(job.identity(), indent=1).encode())
    return result
