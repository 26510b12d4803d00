"""Detectors from what users type."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, get_args

from surveil.detect.assets import find_model
from surveil.detect.card import ModelCard
from surveil.detect.devices import cuda_driver, parse_device
from surveil.detect.recorded import RecordedDetector
from surveil.detect.runner import Network, NetworkConfig, Runner, default_selection, tensor_shape
from surveil.errors import DeviceError, ModelError, UsageError

RuntimeName = Literal["auto", "onnxruntime", "openvino", "torch"]
RUNTIMES: Final[tuple[RuntimeName, ...]] = get_args(RuntimeName)
"""What can be asked for; `auto` is OpenVINO on a CPU where it is installed, and ONNX Runtime elsewhere."""

log = logging.getLogger(__name__)


def open_detector(  # noqa: PLR0913 - what users may choose; all but the model are by keyword
    model: str | None = None,
    *,
    card: Path | None = None,
    device: str = "auto",
    runtime: str = "auto",
    input_size: tuple[int, int] | None = None,
    classes: Sequence[str] | None = None,
    min_score: float | None = None,
    threads: int = 0,
    streams: int = 1,
) -> Runner:
    """A detector that runs a model.

    Args:
        model: a name, or the path of an `.onnx` file; None: the default model of the device.
        card: its card, by default beside it.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        runtime: one of `RUNTIMES`.
        input_size: (width, height) of the model's input, one of the card's; None: the card's first.
        classes: names of the classes that are kept; by default all.
        min_score: detections below it are dropped; by default the card's `low`.
        threads: on a CPU: of one detection; 0: one for each core.
        streams: on a CPU: detections that are to run side by side.

    Raises:
        UsageError: an unknown class, device, runtime or input size, or a score outside 0-1.
        ModelError: the model or its card cannot be used.
        DeviceError: the device or the runtime is not there.
    """
    # Wrong names are said before a model is read.
    chosen, wanted = parse_device(device), parse_runtime(runtime)
    score = _score(min_score)
    found = find_model(model, card, device=device)
    selection = default_selection(found.card)
    if score is not None:
        selection = replace(selection, min_score=score)
    if classes is not None:
        selection = replace(selection, classes=found.card.labels.ids_of(classes))
    shape = _shape(found.card, input_size)
    config = NetworkConfig(
        path=found.path,
        shape=tensor_shape(found.card.input, shape),
        device=chosen,
        threads=threads,
        streams=streams,
    )
    return Runner(found, _network(config, wanted), shape, selection)


def open_recorded(
    path: Path, *, classes: Sequence[str] | None = None, min_score: float | None = None
) -> RecordedDetector:
    """Stored detections as a detector; arguments as in `open_detector`.

    Raises:
        UsageError: the file cannot be read or is wrong, or a class is unknown.
    """
    return RecordedDetector(path, classes=classes, min_score=_score(min_score) or 0.0)


def parse_runtime(text: str) -> RuntimeName:
    """One of `RUNTIMES`. Raises UsageError."""
    for name in RUNTIMES:
        if text == name:
            return name
    raise UsageError(f"unknown runtime {text!r}: known are {', '.join(RUNTIMES)}")


def installed_runtimes() -> tuple[RuntimeName, ...]:
    """The runtimes whose packages are there; whether they load is seen when they are used."""
    return tuple(name for name in RUNTIMES if name != "auto" and find_spec(name) is not None)


def _network(config: NetworkConfig, runtime: RuntimeName) -> Network:
    """The model in the hands of the runtime that was asked for."""
    match runtime, config.device.kind:
        case "openvino", _:
            return _openvino(config)
        case "torch", _:
            return _torch(config)
        case "auto", _ if config.path.suffix.lower() == ".pt2":
            return _torch(config)
        case "onnxruntime", "auto":
            return _cuda_or(_onnx, config)
        case "auto", "auto":
            return _cuda_or(_fastest_on_cpu, config)
        case "auto", "cpu":
            return _fastest_on_cpu(config)
        case _:
            return _onnx(config)


def _cuda_or(otherwise: Callable[[NetworkConfig], Network], config: NetworkConfig) -> Network:
    """CUDA where NVIDIA's driver answers; that it does not work is said aloud."""
    if cuda_driver() is not None:
        try:
            return _onnx(replace(config, device=replace(config.device, kind="cuda")))
        except DeviceError as error:
            log.warning("running on the CPU instead: %s", error)
    return otherwise(replace(config, device=replace(config.device, kind="cpu")))


def _fastest_on_cpu(config: NetworkConfig) -> Network:
    """OpenVINO where it is installed; that it does not work is said aloud."""
    if find_spec("openvino") is not None:
        try:
            return _openvino(config)
        except (DeviceError, ModelError) as error:
            log.warning("running with ONNX Runtime instead: %s", error)
    return _onnx(config)


def _onnx(config: NetworkConfig) -> Network:
    from surveil.detect.onnx_runner import open_onnx

    return open_onnx(config)


def _openvino(config: NetworkConfig) -> Network:
    try:
        from surveil.detect.openvino_runner import open_openvino
    except ImportError as error:
        raise DeviceError(
            f"OpenVINO does not load ({error}): pip install 'surveil[openvino]', "
            "or choose --runtime onnxruntime"
        ) from error
    return open_openvino(config)


def _torch(config: NetworkConfig) -> Network:
    try:
        from surveil.detect.torch_runner import open_torch
    except ImportError as error:
        raise DeviceError(
            f"torch does not load ({error}): pip install 'surveil[train]', or choose --runtime onnxruntime"
        ) from error
    return open_torch(config)


def _shape(card: ModelCard, input_size: tuple[int, int] | None) -> tuple[int, int]:
    """(height, width) of the input. Raises UsageError where the card does not list it."""
    if input_size is None:
        return card.input.shapes[0]
    width, height = input_size
    if (height, width) not in card.input.shapes:
        known = ", ".join(f"{w}x{h}" for h, w in card.input.shapes)
        raise UsageError(
            f"{card.name} was not measured at an input size of {width}x{height} (width x height): "
            f"known are {known}"
        )
    return height, width


def _score(value: float | None) -> float | None:
    if value is not None and not 0 <= value <= 1:
        raise UsageError(f"the least score must lie between 0 and 1, got {value:g}")
    return value
