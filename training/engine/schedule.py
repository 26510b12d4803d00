"""Learning rate over a stage: linear warm-up, then half a cosine."""

import math
from dataclasses import replace

from training.engine.config import StageConfig


def rate_at(step: int, progress: float, config: StageConfig) -> float:
    """Learning rate of step `step` (from 0) when `progress` (0..1) of the stage is done."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    own = for_own_batch(config)
    return own.rate * warm(step, own) * (own.floor + (1 - own.floor) * cosine)


def for_own_batch(config: StageConfig) -> StageConfig:
    """The stage with rates that are meant for its own batch, see `StageConfig.rate_batch`."""
    if not config.rate_batch:
        return config
    factor = config.batch / config.rate_batch
    return replace(config, rate=config.rate * factor, warmup_from=config.warmup_from * factor, rate_batch=0)


def warm(step: int, config: StageConfig) -> float:
    """Share of the rate that the warm-up allows; all of it from step `warmup` on."""
    if step >= config.warmup:
        return 1.0
    if not config.warmup_from:
        return (step + 1) / config.warmup
    first = config.warmup_from / config.rate
    return first + (1 - first) * step / config.warmup


def total_steps(config: StageConfig, processes: int) -> int:
    """Steps of the stage, rounded up to whole averagings."""
    per_round = config.batch * processes * config.average_every
    return -(-config.images // per_round) * config.average_every


def steps_of(images: int, config: StageConfig, processes: int) -> int:
    """Steps in which about so many images are seen: whole averagings, one at least."""
    per_round = config.batch * processes * config.average_every
    return max(1, images // per_round) * config.average_every
