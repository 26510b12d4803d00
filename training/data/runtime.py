"""OpenVINO as the fast CPU engine of frozen networks during training."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.telemetry import without_telemetry

Runner = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]


def openvino() -> Any:
    """The library, loaded when a cache needs it; it reports nothing to its maker."""
    with without_telemetry():
        import openvino as library  # heavy

    return library


@cache
def _core() -> Any:
    """One for the whole process: let go in another thread, it takes the stack of signal handlers with it."""
    return openvino().Core()


def compile_graph(model: Any, shape: tuple[int, int, int], threads: int, batch: int = -1) -> Runner:
    """Compile a network with one input for the CPU.

    Args:
        model: An `openvino.Model`, or the bytes of an ONNX file.
        shape: Channels, height, width of the input.
        threads: Threads of one call.
        batch: Pictures of one call; -1: any number, which is slower.

    Returns:
        A function from (B, *shape) float32 to the network's outputs, in their order.
    """
    core = _core()
    graph = core.read_model(model) if isinstance(model, bytes) else model
    graph.reshape([batch, *shape])
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,
    }  # pinned, all processes share core 0
    compiled = core.compile_model(graph, "CPU", options)

    def run(x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        result = compiled(x)
        return [result[i] for i in range(len(result))]

    return run
