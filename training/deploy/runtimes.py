"""Raw networks in ONNX Runtime, OpenVINO and ncnn: a picture in, the raw outputs out, on so many threads."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.data.runtime import compile_graph
from training.errors import ConfigError, ExportError

Floats = NDArray[np.float32]
Run = Callable[[Floats], list[Floats]]
"""(1, 3, H, W) float32 to the raw outputs (1, K, h, w), level by level."""

OPSET = 17
RUNTIMES = ("onnxruntime", "openvino")
TITLES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "ncnn": "ncnn"}


class RawOutputs(nn.Module):
    """A network whose outputs are a tuple, as tracers want them."""

    def __init__(self, network: nn.Module) -> None:
        """`network`: gives a list of tensors."""
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(1, 3, H, W) to raw outputs (1, K, h, w) each."""
        return tuple(self.network(image))


def quietly(work: Callable[[], Any]) -> Any:
    """Trace: the tracer warns of every Python number; what it makes is checked afterwards instead."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return work()


def export_raw(network: nn.Module, path: Path, size: tuple[int, int]) -> None:
    """Write a network as ONNX in float32 for an input of (height, width); outputs are `out0`, `out1`, ….

    `export.graph` writes what ships: with decoding, for inputs of any size.
    """
    raw, example = RawOutputs(network).eval(), torch.zeros(1, 3, *size)
    with torch.no_grad():
        names = [f"out{k}" for k in range(len(raw(example)))]
    quietly(
        lambda: torch.onnx.export(
            raw,
            (example,),
            str(path),
            input_names=["image"],
            output_names=names,
            opset_version=OPSET,
            dynamo=False,
        )
    )


def torch_run(network: nn.Module) -> Run:
    """The network as it is: what the others are compared with."""
    raw = RawOutputs(network).eval()

    def run(image: Floats) -> list[Floats]:
        with torch.no_grad():
            return [out.numpy() for out in raw(torch.from_numpy(image))]

    return run


def open_run(runtime: str, path: Path, size: tuple[int, int], threads: int) -> Run:
    """A raw network of `export_raw` in a runtime, for one input of (height, width).

    Raises:
        ConfigError: The runtime is unknown or not installed.
    """
    if runtime in RUNTIMES and find_spec(runtime) is None:
        raise ConfigError(f"{TITLES[runtime]} is not installed: pip install '.[train]'")
    match runtime:
        case "onnxruntime":
            return _onnxruntime(path, threads)
        case "openvino":
            return compile_graph(path.read_bytes(), (3, *size), threads, batch=1)
        case _:
            raise ConfigError(f"runtime {runtime!r} is unknown: choose among {', '.join(RUNTIMES)}")


def _onnxruntime(path: Path, threads: int) -> Run:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda image: list(session.run(None, {"image": image}))


def ncnn_run(param: Path, weights: Path, outputs: Sequence[str], threads: int, *, half: bool) -> Run:
    """A network of `ncnn.convert` in ncnn, on the CPU.

    Args:
        param: The `.param` file.
        weights: The `.bin` file.
        outputs: Their names, level by level.
        threads: Of one picture.
        half: Let ncnn keep weights and maps in float16 where the processor computes with them.

    Raises:
        ExportError: ncnn does not load the files, or fails.
    """
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = half
    net.opt.use_bf16_packed = net.opt.use_bf16_storage = False
    for load, path in ((net.load_param, param), (net.load_model, weights)):
        if load(str(path)) != 0:
            raise ExportError(f"{path}: ncnn does not load this file")

    def run(image: Floats) -> list[Floats]:
        found = []
        with net.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(np.ascontiguousarray(image[0])).clone())
            for name in outputs:
                status, value = extractor.extract(name)
                if status != 0:
                    raise ExportError(f"{param}: ncnn fails at output {name} ({status})")
                found.append(np.array(value, np.float32)[None])
                del value  # ncnn wants its memory back before the net goes
        return found

    return run
