"""ONNX Runtime, on a processor that is verified, not assumed.

The runtime names CUDA as available on machines without it, and falls back without a word: the driver is
looked for first, and what a session really uses is read from it afterwards.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from surveil.detect.devices import cores, cuda_driver, in_words
from surveil.detect.runner import LARGEST_BATCH, NetworkConfig, NetworkInput
from surveil.errors import DeviceError, ModelError

_NAME: Final = "ONNX Runtime"
_RUN_ERRORS: Final[tuple[type[Exception], ...]] = (  # they share no root of their own
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
    ValueError,
)
_FILE_ERRORS: Final = (ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.NoSuchFile)
_TYPES: Final = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
_ERRORS_ONLY, _NOTHING = 3, 4
_INSTALL = "install surveil with its extra: pip install 'surveil[cuda]'; or choose --device cpu"


def open_onnx(config: NetworkConfig) -> OnnxNetwork:
    """Load an `.onnx` file.

    Raises:
        DeviceError: CUDA was asked for and does not work.
        ModelError: the file is not a model that the runtime can load.
    """
    if config.device.kind == "cuda":
        return _on_cuda(config.path, config.device.index)
    return _on_cpu(config.path, config.threads or cores())


class OnnxNetwork:
    """See `Network`."""

    def __init__(self, path: Path, session: ort.InferenceSession, device: str) -> None:
        """Take over a session; `device` names its processor."""
        self._path, self.device = path, device
        self._session: ort.InferenceSession | None = session
        self.inputs = tuple(_described(value) for value in session.get_inputs())
        self.outputs = tuple(value.name for value in session.get_outputs())
        # The CPU gains nothing from batches; CUDA takes those of all cameras at once.
        free = self.inputs[0].shape[:1] == (None,)
        on_cuda = session.get_providers()[0] == "CUDAExecutionProvider"
        self.largest_batch = LARGEST_BATCH if on_cuda and free else 1

    def run(self, tensor: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Network`."""
        session = self._session
        if session is None:
            raise ModelError(f"{self._path}: this detector is closed")
        try:
            outputs: list[NDArray[Any]] = session.run(None, {self.inputs[0].name: tensor})
        except _RUN_ERRORS as error:
            raise ModelError(f"{self._path}: the model failed: {_first_line(error)}") from error
        return outputs

    def close(self) -> None:
        """See `Network`."""
        self._session = None


def _on_cpu(path: Path, threads: int) -> OnnxNetwork:
    options = _options()
    # A call with one thread computes in the thread that calls: calls side by side need nothing else.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting threads that spin take 40 % more of the processor and make the whole pipeline slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(path, options, ["CPUExecutionProvider"], enable_fallback=0)
    except (*_FILE_ERRORS, *_RUN_ERRORS) as error:
        raise ModelError(f"{path}: {_NAME} cannot load this model: {_first_line(error)}") from error
    return OnnxNetwork(path, session, in_words(threads, _NAME))


def _on_cuda(path: Path, index: int) -> OnnxNetwork:
    if cuda_driver() is None:
        raise DeviceError("no CUDA: this machine has no NVIDIA driver; install it, or choose --device cpu")
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        raise DeviceError(f"no CUDA: {_NAME} {ort.__version__} was built without it; {_INSTALL}")
    said = io.StringIO()
    ort.set_default_logger_severity(_NOTHING)
    try:
        with contextlib.redirect_stdout(said):  # it prints which libraries it lacks
            ort.preload_dlls()
        session = ort.InferenceSession(path, _options(), [_cuda_provider(index)], enable_fallback=0)
    except _FILE_ERRORS as error:
        raise ModelError(f"{path}: {_NAME} cannot load this model: {_first_line(error)}") from error
    except _RUN_ERRORS as error:
        raise DeviceError(f"no CUDA device {index}: {_first_line(error)}") from error
    finally:
        ort.set_default_logger_severity(_ERRORS_ONLY)
    if session.get_providers()[0] != "CUDAExecutionProvider":
        lacking = " ".join(said.getvalue().split()) or "its libraries do not load"
        raise DeviceError(
            f"no CUDA: {_NAME} fell back to {session.get_providers()[0]}: {lacking}; {_INSTALL}"
        )
    return OnnxNetwork(path, session, f"CUDA:{index} ({_NAME})")


def _cuda_provider(index: int) -> tuple[str, dict[str, Any]]:
    # Batches change in size with the number of cameras: an exhaustive search at each size would stall them.
    return "CUDAExecutionProvider", {"device_id": index, "cudnn_conv_algo_search": "HEURISTIC"}


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return options


def _described(value: Any) -> NetworkInput:
    shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    return NetworkInput(name=value.name, dtype=_TYPES.get(value.type, value.type), shape=shape)


def _first_line(error: Exception) -> str:
    """What the runtime says, without its number and its trace."""
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error).strip())
    return said.partition("\n")[0].strip() or type(error).__name__
