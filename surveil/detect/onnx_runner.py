"""A detector that runs an ONNX model with ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from surveil.detect.assets import ModelFile
from surveil.detect.card import InputSpec, ModelCard
from surveil.detect.devices import parse_device
from surveil.detect.layouts.table import open_layout
from surveil.detect.onnx_session import RUNTIME_ERRORS, first_line, open_session
from surveil.detect.postprocess import SelectionConfig, select
from surveil.detect.preprocess import Prepared, Preprocessor
from surveil.errors import ModelError
from surveil.labels import LabelMap
from surveil.types import Detections, Frame

_LARGEST_BATCH: Final = 16
_TYPES: Final = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}


class OnnxRunner:
    """See `Detector`."""

    def __init__(
        self,
        model: ModelFile,
        *,
        device: str = "auto",
        threads: int = 0,
        selection: SelectionConfig | None = None,
    ) -> None:
        """Load the model, compare it with its card, and run it once.

        Args:
            model: the file and its card.
            device: `auto`, `cpu`, `cuda` or `cuda:N`.
            threads: for the CPU; 0: one for each core.
            selection: which candidates become detections; by default as the card says.

        Raises:
            UsageError: the device's name is unknown.
            DeviceError: the device is not there.
            ModelError: the model cannot be loaded or run, or is not what its card says.
        """
        self._path, self._card = model.path, model.card
        self._selection = selection or default_selection(model.card)
        session, self._device = open_session(model.path, parse_device(device), threads)
        self._session: ort.InferenceSession | None = session
        fixed_batch = self._check_input(session)
        self._input = session.get_inputs()[0].name
        # The CPU gains nothing from batches; CUDA takes those of all cameras at once.
        on_cpu = session.get_providers()[0] == "CPUExecutionProvider"
        self._batch = fixed_batch or (1 if on_cpu else _LARGEST_BATCH)
        shape = model.card.input.shapes[0]
        self._preprocessor = Preprocessor(model.card.input, shape)
        names = [output.name for output in session.get_outputs()]
        # What the graph says of its outputs may be symbolic: a first run tells, and warms up as well.
        outputs = self._run(np.zeros(_tensor_shape(model.card.input, shape, 1), model.card.input.dtype))
        shapes = {name: output.shape for name, output in zip(names, outputs, strict=True)}
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
        return self._device

    def prepare(self, frame: Frame) -> Prepared:
        """See `Detector`."""
        return self._preprocessor.prepare(frame)

    def detect(self, batch: Sequence[Prepared]) -> list[Detections]:
        """See `Detector`."""
        found: list[Detections] = []
        for start in range(0, len(batch), self._batch):
            found += self._detect(batch[start : start + self._batch])
        return found

    def close(self) -> None:
        """See `Detector`."""
        self._session = None

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

    def _run(self, tensor: NDArray[Any]) -> list[NDArray[np.float32]]:
        """All outputs of one call, with the batch axis, finite."""
        if self._session is None:
            raise ModelError(f"{self._path}: this detector is closed")
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(None, {self._input: tensor})
        except RUNTIME_ERRORS as error:
            raise ModelError(f"{self._path}: the model failed: {first_line(error)}") from error
        for info, output in zip(self._session.get_outputs(), outputs, strict=True):
            _check_output(self._path.name, info.name, output)
        return outputs

    def _check_input(self, session: ort.InferenceSession) -> int | None:
        """The size of the batch where the graph fixes it. Raises ModelError where the card says otherwise."""
        spec, inputs = self._card.input, session.get_inputs()
        where = f"{self._path}: not what its card says: "
        if len(inputs) != 1:
            raise ModelError(f"{where}expected one input, the model has {[value.name for value in inputs]}")
        got = inputs[0]
        if got.type != _TYPES[spec.dtype]:
            raise ModelError(f"{where}input {got.name!r}: expected {_TYPES[spec.dtype]}, got {got.type}")
        batch = got.shape[0] if got.shape and isinstance(got.shape[0], int) else None
        if batch not in (None, 1):
            raise ModelError(
                f"{self._path}: input {got.name!r}: expected a batch of 1 or any size, got {batch}"
            )
        for shape in spec.shapes:
            wanted = _tensor_shape(spec, shape, 1)
            if len(wanted) != len(got.shape) or any(
                isinstance(have, int) and have != want for want, have in zip(wanted, got.shape, strict=True)
            ):
                raise ModelError(f"{where}input {got.name!r}: expected {wanted}, got {tuple(got.shape)}")
        return batch


def default_selection(card: ModelCard) -> SelectionConfig:
    """Which candidates become detections, as the card says."""
    return SelectionConfig(min_score=card.thresholds.low, nms_iou=card.nms_iou)


def _tensor_shape(spec: InputSpec, shape: tuple[int, int], batch: int) -> tuple[int, int, int, int]:
    return (batch, *shape, 3) if spec.layout == "NHWC" else (batch, 3, *shape)


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
