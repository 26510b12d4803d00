"""The training loop of one process."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from surveil.clock import Clock, SystemClock
from training.engine.average import Seat
from training.engine.batches import Batch
from training.engine.checkpoint import Checkpoints, RunState
from training.engine.config import Machine, StageConfig
from training.engine.ema import averaged
from training.engine.journal import Journal, Means
from training.engine.look import Look, Watcher
from training.engine.optimizer import freeze, make_optimizer, set_learning, synced_tensors
from training.engine.schedule import rate_at, steps_of, total_steps
from training.engine.stopwatch import Stopwatch
from training.errors import DivergedError
from training.losses.objective import Objective
from training.models.detector import Detector, save_model
from training.progress import Progress
from training.sparsity.masks import Masks

AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}
SMALLEST_SCALE = 1e-3  # of float16's losses; below it every step overflows


class BatchSource(Protocol):
    """Batches by number; the same number gives the same batch."""

    def batch(self, step: int) -> Batch:
        """Batch number `step` of this process."""


@dataclass(frozen=True)
class Step:
    """What a step did.

    Attributes:
        losses: By name, weighted.
        gradient: Its length before it was clipped.
        batch: The batch.
        raw: What the model said of it, float32, see `training.models.reading`.
    """

    losses: dict[str, float]
    gradient: float
    batch: Batch
    raw: Tensor


class Trainer:
    """Trains one stage in one process; all processes call `run`."""

    def __init__(
        self,
        model: Detector,
        source: BatchSource,
        criteria: Mapping[tuple[int, int], Objective],
        config: StageConfig,
        machine: Machine,
        seat: Seat | None = None,
    ) -> None:
        """`model` is trained in place; its frozen parts are left alone. `criteria`: by size of the inputs."""
        self.config, self.machine = config, machine
        self.seat = seat = seat or Seat()
        self.device = torch.device(machine.device)
        self.model = model.to(self.device, memory_format=torch.channels_last)
        self.source, self.criteria = source, criteria
        self.trained = freeze(model, config)
        self.optimizer = make_optimizer(model, config)
        self.scaler = torch.amp.GradScaler(machine.device, enabled=machine.precision == "float16")
        self.partners = seat.partners(synced_tensors(model, config))
        self.partners.begin()
        self.masks = Masks(model, config.sparse, f"stage {config.name}")  # before the EMA copies the weights
        self.ema = averaged(model, config.ema)
        self.state = RunState()
        self.steps = total_steps(config, seat.ranks)
        self.clock: Clock = SystemClock()

    @property
    def images(self) -> int:
        """Images seen by all processes."""
        return self.state.step * self.config.batch * self.seat.ranks

    def run(
        self,
        folder: Path,
        identity: dict[str, Any],
        watcher: Watcher | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Path | None:
        """Train, going on from a checkpoint if there is one.

        Args:
            folder: Of the stage.
            identity: What a checkpoint must share to go on from it.
            watcher: Looks at the stage as it goes on.
            notes: What the files of weights say besides their shape.

        Returns:
            In process 0 the file with the averaged weights; None in the others, and when it pauses.

        Raises:
            DivergedError: Losses or gradients are not finite; the last checkpoint stays.
            CheckpointError: The folder holds a checkpoint of other settings.
            OutputError: The disk is full; the last checkpoint stays.
        """
        config, first = self.config, self.seat.rank == 0
        told = {**(notes or {}), **self.masks.told()}
        checkpoints = Checkpoints(folder / "checkpoint", identity, self.partners)
        modules = {"model": self.model, "ema": self.ema, "masks": self.masks}
        self._resume(checkpoints.load(modules, self.optimizer))
        journal = Journal(folder / "log.csv", self.state.step) if first else None
        progress, begin = Progress(f"stage {config.name}", "images"), self.images
        watch = Stopwatch(self.clock, self.state.spent_s)
        saves, means = steps_of(config.checkpoint_images, config, self.seat.ranks), Means()
        set_learning(self.model, config)
        step, done = None, self._progress()
        while done < 1.0:
            step = self._step(done)
            means.add({"gradient": step.gradient, **step.losses})
            if self.state.step % config.average_every:
                continue
            done = self._settle(watch)
            if self.state.step % config.log_steps == 0:
                recent = means.take()
                if journal:
                    journal.write(self._line(recent))
                    wanted = self.steps * config.batch * self.seat.ranks
                    progress.at(self.images - begin, wanted - begin, f"loss {_total(recent):.3f}")
            paused = done < 1.0 and self._time_is_up()
            saved = paused or self.state.step % saves == 0
            if saved:
                self.state.scaler = self.scaler.state_dict()
                checkpoints.save(self.state, modules, self.optimizer)
                self._save_mean(folder / "latest.safetensors", told)
            if done >= 1.0:
                break
            if watcher and first:
                with watch.paused():
                    watcher.look(self._look(step, saved))
            if paused:
                return None
        self._save_mean(folder / "model.safetensors", told)
        if watcher and first and step:  # none where the last checkpoint was the end already
            watcher.look(self._look(step, saved, last=True))
        return folder / "model.safetensors" if first else None

    def _resume(self, state: RunState | None) -> None:
        if state is not None:
            self.state = state
            self.scaler.load_state_dict(state.scaler)
            self.masks.check(self.model, "weights")
            self.masks.check(self.ema.module, "averaged weights")

    def _settle(self, watch: Stopwatch) -> float:
        """Average the weights of all processes and move the EMA; returns the share that is done."""
        self.partners.average()
        self.ema.update_parameters(self.model)
        self.state.spent_s = self.partners.agree(watch.spent_s)
        return self._progress()

    def _progress(self) -> float:
        """Share of the stage that is done, by images or, if there is a limit, by time."""
        done = self.state.step / self.steps
        if self.machine.minutes:
            done = max(done, self.state.spent_s / (60 * self.machine.minutes))
        return done

    def _time_is_up(self) -> bool:
        """Whether this run is to stop now; all processes agree."""
        limit = self.machine.stop_at_s
        return limit is not None and self.partners.agree(self.clock.monotonic()) >= limit

    def _step(self, done: float) -> Step:
        """One batch: forward, losses, backward, update."""
        config, step = self.config, self.state.step
        rate = rate_at(step, done, config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        batch = self.source.batch(step).to(self.device)
        kind = AUTOCAST.get(self.machine.precision)
        with torch.autocast(self.device.type, kind, enabled=kind is not None):
            levels = self.model.enter(config.entry, batch.inputs)
        raw = self.model.reading.flatten(levels)
        losses = self.criteria[batch.size](raw, batch.targets, config.assigner_at(step))
        each = torch.stack(list(losses.values()))
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(each.sum()).backward()
        each = self.partners.merge(self.trained, each)
        self.scaler.unscale_(self.optimizer)
        self.masks.hold_gradients()
        norm = nn.utils.clip_grad_norm_(self.trained, config.clip)
        # one look at the device for everything
        *found, length = torch.cat([each, norm.detach()[None]]).tolist()
        values = dict(zip(losses, found, strict=True))
        self._check(values, length, batch)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.masks.hold()
        self.state.step += 1
        return Step(values, length, batch, raw.detach())

    def _check(self, losses: dict[str, float], gradient: float, batch: Batch) -> None:
        """Stop before nonsense reaches the weights."""
        if math.isfinite(sum(losses.values())):
            overflows = self.scaler.is_enabled() and self.scaler.get_scale() > SMALLEST_SCALE
            if math.isfinite(gradient) or overflows:
                return
        shown = ", ".join(f"{k} {v:g}" for k, v in {**losses, "gradient": gradient}.items())
        names = ", ".join(batch.targets.names)
        part = "this process's part of the batch" if self.seat.group else "the batch"
        raise DivergedError(
            f"stage {self.config.name}, step {self.state.step}: {shown}; "
            f"{part} shows {names}. {self._remedy()}"
        )

    def _remedy(self) -> str:
        """What to do about losses or gradients that are not finite."""
        if self.scaler.is_enabled():
            return (
                f"float16 ends at 65504, and losses scaled by {self.scaler.get_scale():g} still overflow: "
                "train with --precision bfloat16, or float32 where the device has no bfloat16, into another "
                "--out"
            )
        return "Look at the pictures and their boxes; if they are right, take a lower rate and another --out"

    def _line(self, means: dict[str, float]) -> dict[str, float]:
        """One line of the log."""
        line = {
            "step": self.state.step,
            "images": self.images,
            "seconds": round(self.state.spent_s, 1),
            "rate": round(self.optimizer.param_groups[0]["lr"], 8),
        }
        return line | {name: round(value, 5) for name, value in means.items()}

    def _look(self, step: Step, saved: bool, last: bool = False) -> Look:
        return Look(
            step=self.state.step,
            images=self.images,
            seconds=self.state.spent_s,
            batch=step.batch,
            raw=step.raw,
            criterion=self.criteria[step.batch.size],
            assigner=self.config.assigner_at(self.state.step - 1),
            model=self.ema.module,
            saved=saved,
            last=last,
        )

    def _save_mean(self, path: Path, notes: Mapping[str, str]) -> None:
        """Process 0 writes the averaged weights."""
        if self.seat.rank == 0:
            save_model(self.ema.module, path, notes)
        self.partners.wait()


def _total(means: dict[str, float]) -> float:
    """Sum of the losses."""
    return sum(value for name, value in means.items() if name != "gradient")
