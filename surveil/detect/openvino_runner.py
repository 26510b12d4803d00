"""OpenVINO on the CPU: the fastest way to run int8 there.

Threads are not pinned to cores: two processes would share the first ones while others idle. What was compiled
is kept in the user's cache folder, as compiling takes longer than all the rest of opening a model.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any, Final

import platformdirs
from numpy.typing import NDArray

from surveil.detect.devices import cores, in_words
from surveil.detect.runner import NetworkConfig, NetworkInput, fits
from surveil.detect.telemetry import without_telemetry
from surveil.errors import DeviceError, ModelError

with without_telemetry():
    import openvino as ov
    from openvino import frontend

_NAME: Final = "OpenVINO"
_ERRORS: Final[tuple[type[Exception], ...]] = (  # the readers' own share no root
    frontend.GeneralFailure,
    frontend.InitializationFailure,
    frontend.NotImplementedFailure,
    frontend.OpConversionFailure,
    frontend.OpValidationFailure,
    RuntimeError,
)

log = logging.getLogger(__name__)


def open_openvino(config: NetworkConfig) -> OpenVinoNetwork:
    """Load an `.onnx` file and compile it for the shape of its input.

    Raises:
        DeviceError: another device than the CPU was asked for.
        ModelError: the file is not a model that the runtime can load, or its input cannot have that shape.
    """
    if config.device.kind == "cuda":
        raise DeviceError(f"{_NAME} runs on the CPU only: choose --device cpu, or --runtime onnxruntime")
    path = config.path
    try:
        onnx = frontend.FrontEndManager().load_by_framework("onnx")
        model = onnx.convert(onnx.load(str(path)))
        inputs = tuple(_described(value) for value in model.inputs)
    except _ERRORS as error:
        raise ModelError(f"{path}: {_NAME} cannot load this model: {_reason(error)}") from error
    if not inputs:
        raise ModelError(f"{path}: {_NAME} cannot load this model: it has no input")
    try:
        if fits(config.shape, inputs[0].shape):  # whoever compares it with the card refuses it else
            model.reshape({0: list(config.shape)})  # free axes are slower
    except _ERRORS as error:
        raise ModelError(f"{path}: its input cannot be {config.shape}: {_reason(error)}") from error
    try:
        compiled = _core().compile_model(model, "CPU", _properties(config))
    except _ERRORS as error:
        raise ModelError(f"{path}: {_NAME} cannot compile this model: {_reason(error)}") from error
    return OpenVinoNetwork(config, inputs, compiled)


class OpenVinoNetwork:
    """See `Network`. As many calls run at the same time as there are streams; others wait."""

    def __init__(
        self, config: NetworkConfig, inputs: tuple[NetworkInput, ...], compiled: ov.CompiledModel
    ) -> None:
        """Take over what was compiled for `config`; `inputs` are those of its file."""
        self._path, self.inputs, self.largest_batch = config.path, inputs, 1
        self.device = in_words(config.threads or cores(), _NAME)
        self.outputs = tuple(output.any_name for output in compiled.outputs)
        self._closed = False
        self._requests: SimpleQueue[ov.InferRequest | None] = SimpleQueue()
        for _ in range(config.streams):
            self._requests.put(compiled.create_infer_request())

    def run(self, tensor: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Network`."""
        request = self._requests.get()
        try:
            if request is None:
                raise ModelError(f"{self._path}: this detector is closed")
            request.set_input_tensor(ov.Tensor(tensor, shared_memory=True))
            request.infer()
            # The next call writes into the same memory.
            return [request.get_output_tensor(k).data.copy() for k in range(len(self.outputs))]
        except _ERRORS as error:
            raise ModelError(f"{self._path}: the model failed: {_reason(error)}") from error
        finally:
            self._requests.put(None if self._closed else request)

    def close(self) -> None:
        """See `Network`."""
        self._closed = True
        with suppress(Empty):
            while True:
                self._requests.get_nowait()
        self._requests.put(None)  # whoever waits for one is told


@cache
def _core() -> ov.Core:
    """The one of this process, never let go.

    Its CPU part lays a stack for signal handlers under the thread that first compiles, and frees it in the
    thread that lets go: were that another, the next signal would end the process.
    """
    return ov.Core()


def _properties(config: NetworkConfig) -> Mapping[str, Any]:
    properties: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY" if config.streams == 1 else "THROUGHPUT",
        "INFERENCE_NUM_THREADS": (config.threads or cores()) * config.streams,
        "NUM_STREAMS": config.streams,
        "ENABLE_CPU_PINNING": False,
    }
    folder = platformdirs.user_cache_path("surveil", appauthor=False) / "openvino"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.info("%s: what is compiled cannot be kept: %s", folder, error.strerror or error)
        return properties
    return {**properties, "CACHE_DIR": str(folder)}


def _described(value: Any) -> NetworkInput:
    shape = tuple(axis.get_length() if axis.is_static else None for axis in value.partial_shape)
    return NetworkInput(name=value.any_name, dtype=value.element_type.to_dtype().name, shape=shape)


def _reason(error: Exception) -> str:
    """What went wrong; the lines before it say in which file of the runtime."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
