"""A detector that runs a model: all that is the same whatever program computes the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from surveil.detect.assets import ModelFile
from surveil.detect.card import InputSpec, ModelCard
from surveil.detect.devices import Device
from surveil.detect.layouts.table import open_layout
from surveil.detect.postprocess import SelectionConfig, select
from surveil.detect.preprocess import Prepared, Preprocessor
from surveil.errors import ModelError
from surveil.labels import LabelMap
from surveil.types import Detections, Frame

LARGEST_BATCH: Final = 16
"""Pictures that a GPU is given at once, where the model takes any number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkConfig:
    """What a runtime is asked to run, and how.

    Attributes:
        path: the model's file.
        shape: of the input, with a batch of 1 in front.
        device: where.
        threads: on a CPU: of one call; 0: one for each core.
        streams: on a CPU: calls that are to run side by side.
    """

    path: Path
    shape: tuple[int, ...]
    device: Device
    threads: int = 0
    streams: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkInput:
    """An input as the model's file describes it.

    Attributes:
        dtype: in numpy's words.
        shape: None where an axis is free.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


class Network(Protocol):
    """A model in the hands of a runtime: arrays in, arrays out. Any number of threads may call `run`."""

    @property
    def device(self) -> str:
        """The processor that it really uses, and the runtime, in words for people."""

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """What it wants."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names, in the order of `run`."""

    @property
    def largest_batch(self) -> int:
        """Pictures that one call takes, and gains from."""

    def run(self, tensor: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """All outputs of one call, with the batch axis in front; they belong to the caller.

        Raises:
            ModelError: the runtime fails, or was closed.
        """

    def close(self) -> None:
        """Free what it holds; a second call does nothing."""


class Runner:
    """See `Detector`.

    Attributes:
        network: what computes.
        shape: (height, width) of its input in pixels.
    """

    def __init__(
        self, model: ModelFile, network: Network, shape: tuple[int, int], selection: SelectionConfig
    ) -> None:
        """Compare the network with the model's card, and run it once.

        Args:
            model: the file and its card.
            network: the same file, loaded.
            shape: (height, width) of the input; one of the card's.
            selection: which candidates become detections.

        Raises:
            ModelError: the model cannot be run, or is not what its card says.
        """
        self._path, self._card, self._selection = model.path, model.card, selection
        self.network, self.shape = network, shape
        spec = model.card.input
        check_input(model.path, spec, network.inputs)
        self._preprocessor = Preprocessor(spec, shape)
        # What a graph says of its outputs may be symbolic: a first run tells, and warms up as well.
        outputs = self._run(np.zeros(tensor_shape(spec, shape), spec.dtype))
        shapes = {name: output.shape for name, output in zip(network.outputs, outputs, strict=True)}
        try:
            self._layout = open_layout(model.card.output, shapes, shape, len(model.card.labels))
        except ModelError as error:
            raise ModelError(f"{model.path}: not what its card says: {error}") from error

    @property
    def labels(self) -> LabelMap:
        """See `Detector`."""
        return self._card.labels

    @property
    def card(self) -> ModelCard:
        """See `Detector`."""
        return self._card

    @property
    def device(self) -> str:
        """See `Detector`."""
        return self.network.device

    def prepare(self, frame: Frame) -> Prepared:
        """See `Detector`."""
        return self._preprocessor.prepare(frame)

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        """See `Detector`."""
        found: list[Detections] = []
        step = self.network.largest_batch
        for start in range(0, len(batch), step):
            found += self._detect(batch[start : start + step])
        return found

    def close(self) -> None:
        """See `Detector`."""
        self.network.close()

    def _detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        tensors = [prepared.tensor for prepared in batch]
        outputs = self._run(tensors[0] if len(tensors) == 1 else np.concatenate(tensors))
        return [self._select(prepared, [output[k] for output in outputs]) for k, prepared in enumerate(batch)]

    def _select(self, prepared: Prepared, outputs: Sequence[NDArray[Any]]) -> Detections:
        size = prepared.info.size
        if size is None:
            raise ModelError(
                "Prepared.info.size: expected (width, height), got None: use this detector's prepare()"
            )
        found = self._layout.decode(outputs, self._selection.min_score)
        return select(found, prepared.placement, size, self._card.labels, self._selection)

    def _run(self, tensor: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        """All outputs of one call, with the batch axis, finite."""
        outputs = self.network.run(tensor)
        for name, output in zip(self.network.outputs, outputs, strict=True):
            _check_output(self._path.name, name, output)
        return outputs


def default_selection(card: ModelCard) -> SelectionConfig:
    """Which candidates become detections, as the card says."""
    return SelectionConfig(
        min_score=card.thresholds.low, nms_iou=card.nms_iou, voting_sigma=card.voting_sigma
    )


def tensor_shape(spec: InputSpec, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """The model's input for one picture of (height, width)."""
    return (1, *shape, 3) if spec.layout == "NHWC" else (1, 3, *shape)


def fits(shape: Sequence[int], axes: Sequence[int | None]) -> bool:
    """Whether an input with these axes can have a shape.

    >>> fits((1, 320, 320, 3), (1, None, None, 3))
    True
    """
    return len(shape) == len(axes) and all(
        have in (None, want) for want, have in zip(shape, axes, strict=True)
    )


def check_input(path: Path, spec: InputSpec, inputs: Sequence[NetworkInput]) -> None:
    """Compare what a network wants with what its card says. Raises ModelError."""
    where = f"{path}: not what its card says: "
    if len(inputs) != 1:
        raise ModelError(f"{where}expected one input, the model has {[value.name for value in inputs]}")
    got = inputs[0]
    if got.dtype != spec.dtype:
        raise ModelError(f"{where}input {got.name!r}: expected {spec.dtype}, got {got.dtype}")
    if got.shape and got.shape[0] not in (None, 1):
        raise ModelError(f"{path}: input {got.name!r}: expected a batch of 1 or any size, got {got.shape[0]}")
    for shape in spec.shapes:
        wanted = tensor_shape(spec, shape)
        if not fits(wanted, got.shape):
            free = ", ".join("any" if have is None else str(have) for have in got.shape)
            raise ModelError(f"{where}input {got.name!r}: expected {wanted}, got ({free})")


def _check_output(model: str, name: str, output: NDArray[Any]) -> None:
    if not isinstance(output, np.ndarray) or output.dtype != np.float32:
        raise ModelError(
            f"{model}: output {name!r}: expected float32, got {getattr(output, 'dtype', type(output))}"
        )
    flat = output.reshape(-1)
    # The sum of squares is not finite if a value is not: one pass, without an array of booleans.
    if not math.isfinite(np.dot(flat, flat)):
        raise ModelError(
            f"{model}: output {name!r} holds NaN or infinite values: the model or its input is broken"
        )
