"""Starts a stage: one process on CUDA, several with averaged weights on the CPU."""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from training.data.cache import FeatureCache, ViewJob
from training.engine.average import Meeting
from training.engine.batches import BatchesInTurn, CachedBatches
from training.engine.config import Machine, StageConfig
from training.engine.processes import run_processes
from training.engine.trainer import BatchSource, Seat, Trainer, synced_tensors
from training.errors import ConfigError
from training.grid import cell_grid
from training.live.batches import open_live
from training.losses.criterion import Criterion
from training.models.detector import Detector, ModelConfig, load_model
from training.revision import revision

log = logging.getLogger(__name__)

REVISION = "revision.txt"  # in a stage's folder: the code that trained it


@dataclass(frozen=True, kw_only=True)
class StageJob:
    """Everything a process needs to train a stage.

    Attributes:
        config: What to do.
        machine: On what.
        model: Shape of the detector.
        start: The backbone's public start; used when `init` is None.
        init: Weights of the stage before, or None.
        caches: Folders of the feature caches that are drawn from in turn (entries `taps` and `low`).
        views: How views are drawn (entry `image`), or None.
        sizes: Height and width of the inputs, by cache.
        out: Folder of the stage.
        files: Names of the training pictures, for error messages.
        data_hash: Names the data.
    """

    config: StageConfig
    machine: Machine
    model: ModelConfig
    start: Path
    init: Path | None
    caches: tuple[Path, ...]
    views: ViewJob | None
    sizes: tuple[tuple[int, int], ...]
    out: Path
    files: tuple[str, ...]
    data_hash: str

    def identity(self) -> dict[str, Any]:
        """JSON values that a resumed run must share."""
        made_of = {
            "stage": asdict(self.config),
            "model": asdict(self.model),
            # a run may go on with another time limit, but not with other arithmetic
            "machine": [self.machine.device, self.machine.processes, self.machine.precision],
            "sizes": self.sizes,
            "data": self.data_hash,
            "init": str(self.init or self.start),
        }
        result: dict[str, Any] = json.loads(json.dumps(made_of))
        return result


def build_model(job: StageJob) -> Detector:
    """The detector as the stage finds it; the same in every process."""
    torch.manual_seed(job.config.seed)
    if job.init:
        return load_model(job.init, job.model)
    model = Detector(job.model)
    model.backbone.load_start(job.start)
    return model


def open_batches(job: StageJob, rank: int, ranks: int) -> BatchSource:
    """Where a process's batches come from: the cache, or views drawn live (in one process only)."""
    if job.config.entry != "image":
        of = {
            folder: CachedBatches(FeatureCache.open(folder), job.config, rank, ranks, job.files)
            for folder in dict.fromkeys(job.caches)
        }
        return BatchesInTurn([of[folder] for folder in job.caches])
    if job.views is None or ranks > 1:
        raise ConfigError(f"stage {job.config.name}: live views need one process (--processes 1)")
    return open_live(
        job.views, job.sizes, job.config, job.machine.workers, torch.device(job.machine.device)
    )


def train_in_process(rank: int, ranks: int, job: StageJob, meeting: Meeting | None) -> None:
    """Body of one process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if job.machine.device == "cpu":
        torch.set_num_threads(1 if ranks > 1 else torch.get_num_threads())
    device = torch.device(job.machine.device)
    criteria = {
        size: Criterion(cell_grid(*size), job.config.loss, job.model.reg_max, device)
        for size in set(job.sizes)
    }
    trainer = Trainer(
        build_model(job),
        open_batches(job, rank, ranks),
        criteria,
        job.config,
        job.machine,
        Seat(rank, meeting),
    )
    trainer.run(job.out, job.identity())


def run_stage(job: StageJob) -> Path:
    """Train a stage to its end, or return at once when it has ended before.

    Returns:
        The file with the averaged weights.
    """
    result, done = job.out / "model.safetensors", job.out / "stage.json"
    if done.exists() and json.loads(done.read_text()) == job.identity():
        log.info("stage %s: done before, %s", job.config.name, result)
        return result
    job.out.mkdir(parents=True, exist_ok=True)
    (job.out / REVISION).write_text(revision(Path(__file__).parent))
    ranks = job.machine.processes
    log.info(
        "stage %s: %d images, %d processes, %s",
        job.config.name,
        job.config.images,
        ranks,
        job.machine.precision,
    )
    if job.machine.device == "cuda":
        if not torch.cuda.is_available():
            raise ConfigError("no CUDA device here: leave --device out to train on the CPU")
        train_in_process(0, 1, job, None)
    else:
        numbers = sum(t.numel() for t in synced_tensors(Detector(job.model), job.config))
        meeting = Meeting(ranks, numbers) if ranks > 1 else None
        run_processes(train_in_process, ranks, job, meeting)
    done.write_text(json.dumps(job.identity(), indent=1))
    return result
