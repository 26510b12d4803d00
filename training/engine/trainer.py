"""The training loop of one process."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from surveil.clock import Clock, SystemClock
from training.engine.average import Averager, Meeting
from training.engine.batches import Batch
from training.engine.checkpoint import Checkpoints, RunState
from training.engine.config import Machine, StageConfig
from training.engine.ema import Ema
from training.engine.journal import Journal, Means
from training.engine.schedule import rate_at, total_steps
from training.errors import DivergedError
from training.losses.criterion import Criterion
from training.models.detector import Detector, flatten, save_model
from training.progress import Progress


class BatchSource(Protocol):
    """Batches by number; the same number gives the same batch."""

    def batch(self, step: int) -> Batch:
        """Batch number `step` of this process."""


@dataclass(frozen=True)
class Seat:
    """Place of a process among those that train together.

    Attributes:
        rank: 0 logs and saves.
        meeting: Shared by all, or None when it trains alone.
    """

    rank: int = 0
    meeting: Meeting | None = None

    @property
    def ranks(self) -> int:
        """Number of processes."""
        return self.meeting.processes if self.meeting else 1


def synced_tensors(model: Detector, config: StageConfig) -> list[Tensor]:
    """What is averaged and followed by the EMA: trained parameters and batch-norm statistics."""
    parts = model.parts()
    trained: list[Tensor] = [p for name in config.trains for p in parts[name]]
    return trained + [b for _, b in model.named_buffers() if b.is_floating_point()]


def make_optimizer(model: Detector, config: StageConfig) -> torch.optim.AdamW:
    """AdamW; decay on the matrices of neck and head only, a smaller rate for the backbone (key `scale`)."""
    parts = model.parts()
    groups: list[dict[str, Any]] = []
    if "rest" in config.trains:
        rest = parts["rest"]
        groups += [
            {"params": [p for p in rest if p.ndim > 1], "scale": 1.0, "weight_decay": config.decay},
            {"params": [p for p in rest if p.ndim == 1], "scale": 1.0, "weight_decay": 0.0},
        ]
    backbone = [p for name in ("low", "high") if name in config.trains for p in parts[name]]
    if backbone:
        groups.append({"params": backbone, "scale": config.backbone_rate, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=config.rate, betas=config.betas, fused=True)


class Trainer:
    """Trains one stage in one process; all processes call `run`."""

    def __init__(
        self,
        model: Detector,
        source: BatchSource,
        criteria: Mapping[tuple[int, int], Criterion],
        config: StageConfig,
        machine: Machine,
        seat: Seat = Seat(),
    ) -> None:
        """`model` is trained in place; its frozen parts are left alone. `criteria`: by size of the inputs."""
        self.config, self.machine, self.seat = config, machine, seat
        self.device = torch.device(machine.device)
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.source, self.criteria = source, criteria
        model.requires_grad_(False)
        for name in config.trains:
            for p in model.parts()[name]:
                p.requires_grad_(True)
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(model, config)
        synced = synced_tensors(model, config)
        self.averager = Averager(synced, seat.rank, seat.meeting)
        self.averager.average()
        self.ema = Ema(synced, config.ema)
        self.state = RunState()
        self.steps = total_steps(config, seat.ranks)
        self.clock: Clock = SystemClock()

    def run(self, folder: Path, identity: dict[str, Any]) -> Path | None:
        """Train, going on from a checkpoint if there is one.

        Returns:
            In process 0 the file with the averaged weights, in the others None.

        Raises:
            DivergedError: The loss is not finite; the last checkpoint stays.
            CheckpointError: The folder holds a checkpoint of other settings.
        """
        config, first = self.config, self.seat.rank == 0
        checkpoints = Checkpoints(folder / "checkpoint", identity, self.averager)
        self.state = checkpoints.load(self.model, self.ema, self.optimizer) or self.state
        journal = Journal(folder / "log.csv", self.state.step) if first else None
        progress = Progress(f"stage {config.name}", "images")
        before_s, begin_s, begin_step = self.state.spent_s, self.clock.monotonic(), self.state.step
        images = config.batch * self.seat.ranks
        saves = max(1, config.checkpoint_images // (images * config.average_every)) * config.average_every
        means = Means()
        self.model.train()
        done = self._progress()
        while done < 1.0:
            means.add(self._step(done))
            if self.state.step % config.average_every:
                continue
            self.averager.average()
            self.ema.update()
            self.state.updates = self.ema.updates
            self.state.spent_s = self.averager.agree(before_s + self.clock.monotonic() - begin_s)
            done = self._progress()
            if self.state.step % config.log_steps == 0:
                recent = means.take()
                if journal:
                    journal.write(self._line(recent))
                    seen, wanted = ((n - begin_step) * images for n in (self.state.step, self.steps))
                    progress.at(seen, wanted, f"loss {sum(recent.values()):.3f}")
            if self.state.step % saves == 0:
                checkpoints.save(self.state, self.model, self.ema, self.optimizer)
                self._save_mean(folder / "latest.safetensors")
        self._save_mean(folder / "model.safetensors")
        return folder / "model.safetensors" if first else None

    def _progress(self) -> float:
        """Share of the stage that is done, by images or, if there is a limit, by time."""
        done = self.state.step / self.steps
        if self.machine.minutes:
            done = max(done, self.state.spent_s / (60 * self.machine.minutes))
        return done

    def _step(self, done: float) -> dict[str, float]:
        """One batch: forward, losses, backward, update."""
        config, step = self.config, self.state.step
        rate = rate_at(step, done, config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        batch = self.source.batch(step).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.machine.precision == "bfloat16"):
            levels = self._forward(batch.inputs)
        losses = self.criteria[batch.size](flatten(levels), batch.targets, config.assigner_at(step))
        values = {name: float(value.detach()) for name, value in losses.items()}
        if not all(math.isfinite(v) for v in values.values()):
            shown = ", ".join(f"{k} {v:g}" for k, v in values.items())
            names = ", ".join(batch.targets.names)
            raise DivergedError(f"stage {config.name}, step {step}: {shown}; the batch shows {names}")
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(self.trained, config.clip)
        self.optimizer.step()
        self.state.step += 1
        return values

    def _forward(self, inputs: list[Tensor]) -> list[Tensor]:
        match self.config.entry:
            case "taps":
                return self.model.from_taps(inputs)
            case "low":
                return self.model.from_low(inputs[0])
            case _:  # (B, H, W, 3) uint8
                pixels = inputs[0].permute(0, 3, 1, 2).float() / 255
                out: list[Tensor] = self.model(pixels)
                return out

    def _line(self, losses: dict[str, float]) -> dict[str, float]:
        """One line of the log."""
        line = {
            "step": self.state.step,
            "images": self.state.step * self.config.batch * self.seat.ranks,
            "seconds": round(self.state.spent_s, 1),
            "rate": round(self.optimizer.param_groups[0]["lr"], 8),
        }
        return line | {name: round(value, 5) for name, value in losses.items()}

    def _save_mean(self, path: Path) -> None:
        """Process 0 writes the averaged weights."""
        if self.seat.rank == 0:
            with self.ema.applied():
                save_model(self.model, path)
        self.averager.wait()
