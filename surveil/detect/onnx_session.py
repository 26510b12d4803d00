"""ONNX Runtime sessions whose processor is verified, not assumed.

The runtime names CUDA as available on machines without it, and falls back without a word: the driver is
looked for first, and what the session really uses is read from it afterwards.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from surveil.detect.devices import Device, cores, cuda_driver
from surveil.errors import DeviceError, ModelError

RUNTIME_ERRORS: Final[tuple[type[Exception], ...]] = (
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
"""What the runtime raises when a session cannot be made or run; its classes share no root of their own."""

_FILE_ERRORS: Final = (ort_errors.InvalidProtobuf, ort_errors.InvalidGraph, ort_errors.NoSuchFile)
_ERRORS_ONLY, _NOTHING = 3, 4
_INSTALL = "install surveil with its extra: pip install 'surveil[cuda]'; or choose --device cpu"

log = logging.getLogger(__name__)


def open_session(path: Path, device: Device, threads: int) -> tuple[ort.InferenceSession, str]:
    """A session, and the processor that it really uses.

    Args:
        path: the `.onnx` file.
        device: what was asked for; `auto` that finds a driver but no working CUDA says so in a warning.
        threads: for the CPU; 0: one for each core.

    Returns:
        The session, and its processor in words.

    Raises:
        DeviceError: CUDA was asked for and does not work.
        ModelError: the file is not a model that the runtime can load.
    """
    match device.kind:
        case "cpu":
            return _on_cpu(path, threads)
        case "cuda":
            return _on_cuda(path, device.index)
        case "auto" if cuda_driver() is None:
            return _on_cpu(path, threads)
        case "auto":
            try:
                return _on_cuda(path, device.index)
            except DeviceError as error:
                log.warning("running on the CPU instead: %s", error)
                return _on_cpu(path, threads)


def _on_cpu(path: Path, threads: int) -> tuple[ort.InferenceSession, str]:
    count = threads or cores()
    options = _options()
    options.intra_op_num_threads = count
    options.inter_op_num_threads = 1
    # Waiting threads that spin take 40 % more of the processor and make the whole pipeline slower.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(path, options, ["CPUExecutionProvider"], enable_fallback=0)
    except (*_FILE_ERRORS, *RUNTIME_ERRORS) as error:
        raise ModelError(f"{path}: ONNX Runtime cannot load this model: {first_line(error)}") from error
    return session, f"CPU, {count} thread{'s' if count > 1 else ''} (ONNX Runtime)"


def _on_cuda(path: Path, index: int) -> tuple[ort.InferenceSession, str]:
    if cuda_driver() is None:
        raise DeviceError("no CUDA: this machine has no NVIDIA driver; install it, or choose --device cpu")
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        raise DeviceError(f"no CUDA: ONNX Runtime {ort.__version__} was built without it; {_INSTALL}")
    said = io.StringIO()
    ort.set_default_logger_severity(_NOTHING)
    try:
        with contextlib.redirect_stdout(said):  # it prints which libraries it lacks
            ort.preload_dlls()
        session = ort.InferenceSession(path, _options(), [_cuda_provider(index)], enable_fallback=0)
    except _FILE_ERRORS as error:
        raise ModelError(f"{path}: ONNX Runtime cannot load this model: {first_line(error)}") from error
    except RUNTIME_ERRORS as error:
        raise DeviceError(f"no CUDA device {index}: {first_line(error)}") from error
    finally:
        ort.set_default_logger_severity(_ERRORS_ONLY)
    if session.get_providers()[0] != "CUDAExecutionProvider":
        lacking = " ".join(said.getvalue().split()) or "its libraries do not load"
        raise DeviceError(
            f"no CUDA: ONNX Runtime fell back to {session.get_providers()[0]}: {lacking}; {_INSTALL}"
        )
    return session, f"CUDA:{index} (ONNX Runtime)"


def _cuda_provider(index: int) -> tuple[str, dict[str, Any]]:
    # Batches change in size with the number of cameras: an exhaustive search at each size would stall them.
    return "CUDAExecutionProvider", {"device_id": index, "cudnn_conv_algo_search": "HEURISTIC"}


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return options


def first_line(error: Exception) -> str:
    """What the runtime says, without its number and its trace."""
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error).strip())
    return said.partition("\n")[0].strip() or type(error).__name__
