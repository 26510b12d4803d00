"""Checkpoints from which a run goes on exactly: weights, EMA and optimizer as safetensors, the rest as JSON.

Every process writes its own file into `step-N/`; when all are there, process 0 names the folder in
`latest.json` and removes the one before. Nothing is pickled, and a crash at any moment leaves the former
checkpoint usable.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.engine.average import Averager
from training.engine.ema import Ema
from training.errors import CheckpointError

LATEST = "latest.json"


@dataclass
class RunState:
    """What changes during a stage and is not a tensor.

    Attributes:
        step: Steps done.
        spent_s: Seconds spent on them.
        updates: Updates of the EMA.
    """

    step: int = 0
    spent_s: float = 0.0
    updates: int = 0


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of the optimizer as flat names: `INDEX.FIELD`."""
    state = optimizer.state_dict()["state"]
    return {
        f"{i}.{field}": value.contiguous() for i, fields in state.items() for field, value in fields.items()
    }


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The reverse of `optimizer_tensors`; the groups keep their present settings."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, field = name.split(".", 1)
        state.setdefault(int(index), {})[field] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


class Checkpoints:
    """Checkpoints of one stage in one folder."""

    def __init__(self, folder: Path, identity: dict[str, Any], averager: Averager) -> None:
        """`identity`: JSON values that must be equal when a run goes on (configuration, data, processes)."""
        self.folder, self.identity, self.averager = folder, identity, averager

    def save(
        self, state: RunState, model: torch.nn.Module, ema: Ema, optimizer: torch.optim.Optimizer
    ) -> None:
        """Write a checkpoint; every process calls this at the same step."""
        rank, target = self.averager.rank, self.folder / f"step-{state.step}"
        target.mkdir(parents=True, exist_ok=True)
        tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
        tensors |= {f"optimizer.{k}": v for k, v in optimizer_tensors(optimizer).items()}
        tensors |= {f"ema.{i}": v.contiguous() for i, v in enumerate(ema.mean)}
        save_file(tensors, target / f"rank-{rank}.safetensors")
        self.averager.wait()
        if rank == 0:
            latest = {"identity": self.identity, "folder": target.name, **vars(state)}
            part = self.folder / f"{LATEST}.part"
            part.write_text(json.dumps(latest, indent=1))
            part.rename(self.folder / LATEST)
            for old in self.folder.glob("step-*"):
                if old != target:
                    shutil.rmtree(old)

    def load(self, model: torch.nn.Module, ema: Ema, optimizer: torch.optim.Optimizer) -> RunState | None:
        """Go on from the latest checkpoint; None when there is none.

        Raises:
            CheckpointError: It belongs to another configuration.
        """
        file = self.folder / LATEST
        if not file.exists():
            return None
        latest = json.loads(file.read_text())
        if latest["identity"] != self.identity:
            raise CheckpointError(
                f"{file}: of another run (settings, data or processes differ); remove {self.folder}"
            )
        tensors = load_file(self.folder / latest["folder"] / f"rank-{self.averager.rank}.safetensors")
        model.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        for i, mean in enumerate(ema.mean):
            mean.copy_(tensors[f"ema.{i}"])
        load_optimizer(optimizer, {k[10:]: v for k, v in tensors.items() if k.startswith("optimizer.")})
        ema.updates = latest["updates"]
        return RunState(step=latest["step"], spent_s=latest["spent_s"], updates=latest["updates"])
