"""The contest of generator and discriminator over the crops of one class.

Every step draws its crops and its numbers from the seed and the step alone, so a run that goes on from a
checkpoint is the run that was never stopped.
"""

import hashlib
import json
import logging
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from training.engine.average import Averager
from training.engine.checkpoint import Checkpoints, RunState
from training.engine.ema import averaged
from training.engine.journal import Journal
from training.errors import DivergedError
from training.gan.distort import DRAWS, distorted
from training.gan.networks import (
    Discriminator,
    Generator,
    NetworkConfig,
    load_generator,
    save_generator,
    to_batch,
)
from training.gan.samples import draw_sheet, latent, sampled
from training.progress import Progress

log = logging.getLogger(__name__)

SHOWN = 32  # samples of a sheet
LOOKS = 4  # sheets of a short run
LENGTHS = ("crops", "log_steps", "look_steps")  # a run may be made longer, or looked at more often
MEASURED = ("loss_d", "loss_g", "real", "drawn")


@dataclass(frozen=True, kw_only=True)
class GanConfig:
    """How a GAN is trained; rate and betas as in DCGAN's paper but for the second beta.

    Attributes:
        network: Shape of both networks.
        crops: Crops that the discriminator sees, repetitions counted.
        batch: Crops of a step.
        rate: Learning rate (Adam).
        betas: Of Adam.
        ema: Decay of the moving average of the generator, per step; the average is what is kept.
        distort: Shift and recolour what the discriminator sees (`gan.distort`).
        log_steps: Steps between lines of the log.
        look_steps: Steps between sheets of samples and checkpoints; short runs have `LOOKS` of them.
        seed: Of weights, order and samples.
    """

    network: NetworkConfig = field(default_factory=NetworkConfig)
    crops: int = 2_000_000
    batch: int = 64
    rate: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    ema: float = 0.999
    distort: bool = True
    log_steps: int = 50
    look_steps: int = 500
    seed: int = 1

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return math.ceil(self.crops / self.batch)

    def due(self, step: int) -> tuple[bool, bool]:
        """Whether a line of the log, and whether a sheet and a checkpoint are due after so many steps."""
        look = step == self.steps or step % min(self.look_steps, math.ceil(self.steps / LOOKS)) == 0
        return look or step % self.log_steps == 0, look


class GanTrainer:
    """Both networks, their optimizer, and the moving average of the generator."""

    def __init__(self, crops: NDArray[np.uint8], config: GanConfig, device: str) -> None:
        """`crops`: (N, S, S, 4) uint8 as `crops.read_crops` returns them; `device`: `cpu` or `cuda`."""
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.crops = torch.from_numpy(crops).to(device)
        self.generator = Generator(config.network).to(device)
        self.discriminator = Discriminator(config.network).to(device)
        self.average: AveragedModel = averaged(self.generator, config.ema)
        # One optimizer for both: what has no gradient is left alone, and only one of them has any.
        parameters = [*self.discriminator.parameters(), *self.generator.parameters()]
        self.optimizer = torch.optim.Adam(parameters, config.rate, config.betas)

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """What a checkpoint holds."""
        return {"generator": self.generator, "discriminator": self.discriminator, "average": self.average}

    @property
    def kept(self) -> Generator:
        """The averaged generator, in evaluation mode."""
        generator: Generator = self.average.module
        return generator

    def step(self, k: int) -> Tensor:
        """Step k of both networks.

        Returns:
            (4,) as in `MEASURED`: the losses of discriminator and generator, and the mean probability of
            being real that real and drawn crops had.
        """
        config, rng = self.config, np.random.default_rng((self.config.seed, k))
        rows = torch.from_numpy(rng.integers(len(self.crops), size=config.batch)).to(self.device)
        real = to_batch(self.crops[rows])
        mirrored = torch.from_numpy(rng.random(config.batch) < 0.5).to(self.device)
        real = torch.where(mirrored[:, None, None, None], real.flip(3), real)

        with torch.no_grad():
            drawn = self.generator(self._latent(rng))
        on_real, on_drawn = self._judged(real, rng), self._judged(drawn, rng)
        loss_d = F.softplus(-on_real).mean() + F.softplus(on_drawn).mean()
        self._update(loss_d)

        self.discriminator.requires_grad_(False)
        loss_g = F.softplus(-self._judged(self.generator(self._latent(rng)), rng)).mean()
        self._update(loss_g)
        self.discriminator.requires_grad_(True)
        self.average.update_parameters(self.generator)
        return torch.stack([loss_d, loss_g, on_real.sigmoid().mean(), on_drawn.sigmoid().mean()]).detach()

    def samples(self, count: int) -> NDArray[np.uint8]:
        """Samples (count, S, S, 4) of the average; always from the same numbers."""
        rng = np.random.default_rng((self.config.seed, 0, 0))
        return sampled(self.kept, latent(rng, count, self.kept))

    def _latent(self, rng: np.random.Generator) -> Tensor:
        return latent(rng, self.config.batch, self.generator).to(self.device)

    def _judged(self, x_B4SS: Tensor, rng: np.random.Generator) -> Tensor:
        if self.config.distort:
            draws = torch.from_numpy(rng.random((len(x_B4SS), DRAWS), np.float32)).to(self.device)
            x_B4SS = distorted(x_B4SS, draws)
        logits_B: Tensor = self.discriminator(x_B4SS)
        return logits_B

    def _update(self, loss: Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


def train_gan(crops: NDArray[np.uint8], label: str, config: GanConfig, out: Path, device: str) -> Path:
    """Train on crops (N, S, S, 4) to the end, from the last checkpoint in `out` if there is one.

    Writes `log.csv`, `real.png`, `samples-CROPS.png` and at last `generator.safetensors`; where that is there
    already, and was made of the same, nothing is done.

    Raises:
        CheckpointError: What is in `out` was made of other crops or with other settings.
        DivergedError: A loss is not finite.
        OutputError: A file cannot be written.
    """
    made_of = {"label": label, "crops": len(crops), "sha256": hashlib.sha256(crops).hexdigest()[:16]}
    settings = {k: v for k, v in asdict(config).items() if k not in LENGTHS}
    identity = json.loads(json.dumps({**made_of, "config": settings}))
    trainer = GanTrainer(crops, config, device)
    checkpoints = Checkpoints(out / "checkpoints", identity, Averager([], 0, None))
    final = out / "generator.safetensors"
    state = checkpoints.load(trainer.modules, trainer.optimizer) or RunState()
    if state.step >= config.steps and final.exists():
        load_generator(final)
        log.info("%s: trained already", label)
        return final
    out.mkdir(parents=True, exist_ok=True)
    draw_sheet(list(crops[np.linspace(0, len(crops) - 1, SHOWN).astype(int)]), out / "real.png")
    journal = Journal(out / "log.csv", state.step)
    progress = Progress(f"GAN, {label}", "steps")
    sums = torch.zeros(len(MEASURED), device=device)
    since = state.step
    for k in range(state.step, config.steps):
        sums += trainer.step(k)
        state.step = k + 1
        log_due, look_due = config.due(state.step)
        if not log_due:
            continue
        means = dict(zip(MEASURED, (sums / (state.step - since)).tolist(), strict=True))
        _check(means, label, since, state.step)
        sums.zero_()
        since, seen = state.step, state.step * config.batch
        journal.write({"step": state.step, "crops": seen, **{n: round(v, 5) for n, v in means.items()}})
        progress.at(state.step, config.steps, f"D {means['loss_d']:.2f}, G {means['loss_g']:.2f}")
        if look_due:
            draw_sheet(list(trainer.samples(SHOWN)), out / f"samples-{seen:08}.png")
            checkpoints.save(state, trainer.modules, trainer.optimizer)
    save_generator(final, trainer.kept, {**identity, "seen": state.step * config.batch})
    return final


def _check(means: dict[str, float], label: str, first: int, last: int) -> None:
    if not all(math.isfinite(v) for v in means.values()):
        raise DivergedError(
            f"GAN of {label}: a loss is not finite in steps {first + 1} to {last} ({means}): the samples up "
            "to there are whole; begin again with a lower --rate or another --seed, in a new --out"
        )
