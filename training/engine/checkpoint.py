"""Checkpoints from which a run goes on exactly: weights, EMA and optimizer as safetensors, the rest as JSON.

Every process writes its own file into `step-N/`, or process 0 one for all whose weights are the same; when
all are there, process 0 names the folder in `latest.json` and removes the one before. Nothing is pickled, and
a crash or a full disk at any moment leaves the former checkpoint usable.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from surveil.errors import OutputError
from training.engine.average import Partners
from training.errors import CheckpointError
from training.files import write_tensors, write_whole
from training.settings import differences, in_words

LATEST = "latest.json"


class Stateful(Protocol):
    """What a checkpoint holds tensors of: modules, masks."""

    def state_dict(self) -> dict[str, Tensor]:
        """Its tensors by name."""

    def load_state_dict(self, state: dict[str, Tensor], /) -> Any:
        """Take them."""


@dataclass
class RunState:
    """What changes during a stage and is not a tensor.

    Attributes:
        step: Steps done.
        spent_s: Seconds spent on them.
        scaler: State of the gradient scaler; empty without one.
    """

    step: int = 0
    spent_s: float = 0.0
    scaler: dict[str, Any] = field(default_factory=dict)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of the optimizer as flat names: `INDEX.FIELD`."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{field}": value for i, fields in state.items() for field, value in fields.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """The reverse of `optimizer_tensors`; the groups keep their present settings."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, field = name.split(".", 1)
        state.setdefault(int(index), {})[field] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    # Fused steps pair values by their place in memory: what files hold row by row must lie as the weights do.
    for weight, held in optimizer.state.items():
        for name, value in held.items():
            if value.shape == weight.shape:
                held[name] = torch.empty_like(weight).copy_(value)


FILES = ("init", "imitated")  # files in an identity: {"file": path, "sha256": of its contents}


def brought_up(there: dict[str, Any], here: dict[str, Any]) -> dict[str, Any]:
    """An identity that was written before, as it would be written today.

    Where a file lies does not matter, its contents do. They were not noted in the beginning, only the path
    was: runs of that time go on while the path is the same.
    """
    known = dict(there)
    for key in FILES:
        old, new = known.get(key), here.get(key)
        if isinstance(new, dict) and (
            old == new["file"] or (isinstance(old, dict) and old.get("sha256") == new["sha256"])
        ):
            known[key] = new
    return known


def is_same(there: dict[str, Any], here: dict[str, Any]) -> bool:
    """Whether two identities, one written before and one of now, are of the same run."""
    return brought_up(there, here) == here


class Checkpoints:
    """Checkpoints of one stage in one folder."""

    def __init__(self, folder: Path, identity: dict[str, Any], partners: Partners) -> None:
        """`identity`: JSON values that must be equal when a run goes on (configuration, data, processes)."""
        self.folder, self.identity, self.partners = folder, identity, partners

    def save(
        self, state: RunState, modules: Mapping[str, Stateful], optimizer: torch.optim.Optimizer
    ) -> None:
        """Write a checkpoint; every process calls this at the same step.

        Raises:
            OutputError: It cannot be written; the former checkpoint stays.
        """
        target = self.folder / f"step-{state.step}"
        if self.partners.saves:
            self._write(target, modules, optimizer)
        self.partners.wait()
        if self.partners.rank == 0:
            latest = {"identity": self.identity, "folder": target.name, **asdict(state)}
            write_whole(self.folder / LATEST, json.dumps(latest, indent=1).encode())
            for old in self.folder.glob("step-*"):
                if old != target:
                    shutil.rmtree(old)

    def _write(self, target: Path, modules: Mapping[str, Stateful], optimizer: torch.optim.Optimizer) -> None:
        tensors = {f"optimizer.{k}": v for k, v in optimizer_tensors(optimizer).items()}
        for name, module in modules.items():
            tensors |= {f"{name}.{k}": v for k, v in module.state_dict().items()}
        try:
            target.mkdir(parents=True, exist_ok=True)
            write_tensors(target / f"rank-{self.partners.file}.safetensors", tensors)
        except OSError as error:  # of the folder
            raise OutputError(f"{target}: cannot be made ({error.strerror})") from error
        except OutputError:
            with suppress(OSError):
                target.rmdir()  # unless another process wrote into it
            raise

    def load(self, modules: Mapping[str, Stateful], optimizer: torch.optim.Optimizer) -> RunState | None:
        """Go on from the latest checkpoint; None when there is none.

        Raises:
            CheckpointError: It belongs to another configuration, or its files are missing or broken.
        """
        file = self.folder / LATEST
        if not file.exists():
            return None
        latest = json.loads(file.read_text())
        self._check(latest["identity"])
        path = self.folder / latest["folder"] / f"rank-{self.partners.file}.safetensors"
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"{path}: cannot be read ({error}); remove {self.folder} to start the stage anew"
            ) from error
        for name, module in modules.items():
            module.load_state_dict(_part(tensors, name))
        load_optimizer(optimizer, _part(tensors, "optimizer"))
        return RunState(step=latest["step"], spent_s=latest["spent_s"], scaler=latest["scaler"])

    def _check(self, identity: dict[str, Any]) -> None:
        if different := in_words(differences(brought_up(identity, self.identity), self.identity)):
            raise CheckpointError(
                f"{self.folder}: a checkpoint of another run: {different}. Train "
                "with the same settings and data, into another --out, or remove that folder"
            )


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Tensors `NAME.…`, without that beginning."""
    start = f"{name}."
    return {k[len(start) :]: v for k, v in tensors.items() if k.startswith(start)}
