"""Errors of the training tool; the command line prints them without a traceback.

TrainingError
├── DataError        annotations, images or caches that do not fit
├── ConfigError      a recipe or an option that cannot be carried out
├── CheckpointError  a checkpoint of another architecture or run
├── DivergedError    a loss that is not finite
├── ExportError      a graph that does not agree with torch
└── PausedError      a run that stopped where it was told to, and can go on
"""


class TrainingError(Exception):
    """Base of every error that a user of the training tool can act on."""


class DataError(TrainingError):
    """Annotations, images or a cache that do not fit: names the file and the entry."""


class ConfigError(TrainingError):
    """A recipe or an option that cannot be carried out here."""


class CheckpointError(TrainingError):
    """A checkpoint that belongs to another architecture or another run."""


class DivergedError(TrainingError):
    """A loss that is not finite: names the step and the rows of the batch."""


class ExportError(TrainingError):
    """An exported graph that does not agree with torch, or is too large."""


class PausedError(TrainingError):
    """A run that stopped at its time limit with a checkpoint: the same command goes on."""
