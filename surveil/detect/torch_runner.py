"""torch: runs a program of `torch.export`, on a CPU or on a GPU where only torch is there.

The one file of surveil that imports torch, and it is imported only when asked for. The program is carried out
step by step, by operations that stand in a list; on a GPU the steps of each size of batch are recorded once
as a CUDA graph and played from then on.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from surveil.detect.devices import Device, cores, in_words
from surveil.detect.program import Dtype, Here, Program, Step, Value, read_program
from surveil.detect.runner import LARGEST_BATCH, NetworkConfig, NetworkInput
from surveil.errors import DeviceError, ModelError

_NAME: Final = "torch"
_ON_SIZES: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "_operator.add": operator.add,
    "_operator.sub": operator.sub,
    "_operator.mul": operator.mul,
    "_operator.floordiv": operator.floordiv,
}
_ARRAY_STEPS: Final = """
add.Tensor add_.Tensor arange.default avg_pool2d.default batch_norm.default cat.default
clamp.default clone.default contiguous.default conv2d.default div.Tensor exp.default expand.default
flatten.using_ints full.default full_like.default hardsigmoid.default hardswish.default
hardswish_.default hardtanh.default hardtanh_.default leaky_relu.default leaky_relu_.default
matmul.default max_pool2d.default mean.dim mish.default mish_.default mul.Tensor permute.default
relu.default relu6.default relu6_.default relu_.default reshape.default select.int sigmoid.default
silu.default silu_.default slice.Tensor softmax.int stack.default sub.Tensor sum.dim_IntList
sym_size.int to.dtype topk.default transpose.int unsqueeze.default upsample_bilinear2d.vec
upsample_nearest2d.vec view.default
"""  # none of them reads or writes anything but arrays
_ON_ARRAYS: Final = frozenset(_ARRAY_STEPS.split())
_PREFIX: Final = "torch.ops.aten."
_WARM_UP_RUNS: Final = 3


def open_torch(config: NetworkConfig) -> TorchNetwork:
    """Load a `.pt2` file.

    Raises:
        DeviceError: CUDA was asked for and is not there.
        ModelError: the file is no program of torch.export, or has steps that are not known here.
    """
    if config.path.suffix.lower() != ".pt2":
        raise ModelError(
            f"{config.path}: torch runs programs of torch.export (.pt2): make one with "
            "python -m training program MODEL.onnx --out NAME.pt2"
        )
    device = _device(config.device)
    program = read_program(config.path)
    try:
        return TorchNetwork(program, device, config)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise ModelError(f"{config.path}: torch cannot load this program: {_first_line(error)}") from error


class TorchNetwork:
    """See `Network`."""

    def __init__(self, program: Program, device: torch.device, config: NetworkConfig) -> None:
        """Put the weights on the device. Raises ModelError for a step that is not known."""
        self._path, self._program, self._device = config.path, program, device
        self._lock = threading.Lock()  # a recorded graph has one place for its input
        self._played: dict[tuple[int, ...], _Recording] = {}
        if device.type == "cpu":
            torch.set_num_threads(config.threads or cores())
        self._steps = [(step, _function(step, config)) for step in program.steps]
        self._weights: dict[str, torch.Tensor] | None = {
            name: _on(device, values) for name, values in program.weights.items()
        }

    @property
    def device(self) -> str:
        """See `Network`."""
        if self._device.type == "cpu":
            return in_words(torch.get_num_threads(), _NAME)
        return f"CUDA:{self._device.index} ({_NAME})"

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """See `Network`."""
        return (self._program.input,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """See `Network`."""
        return self._program.outputs

    @property
    def largest_batch(self) -> int:
        """See `Network`."""
        free = self._program.input.shape[:1] == (None,)
        return LARGEST_BATCH if free and self._device.type == "cuda" else 1

    def run(self, tensor: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Network`."""
        picture = torch.from_numpy(tensor)
        try:
            with torch.inference_mode():
                outputs = self._compute(picture) if self._device.type == "cpu" else self._play(picture)
                return [output.cpu().numpy() for output in outputs]
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(f"{self._path}: the model failed: {_first_line(error)}") from error

    def close(self) -> None:
        """See `Network`."""
        with self._lock:
            self._weights = None
            self._played.clear()

    def _compute(self, picture: torch.Tensor) -> list[torch.Tensor]:
        weights = self._weights
        if weights is None:
            raise ModelError(f"{self._path}: this detector is closed")
        values: dict[str, Any] = {**weights, self._program.input.name: picture}

        def known(argument: Any) -> Any:
            match argument:
                case Value(name):
                    return values[name]
                case Dtype(name):
                    return getattr(torch, name)
                case Here():
                    return self._device
                case tuple():
                    return [known(one) for one in argument]
                case _:
                    return argument

        for step, function in self._steps:
            result = function(**{name: known(value) for name, value in step.arguments.items()})
            if step.outputs:
                results = result if isinstance(result, tuple) else (result,)
                values.update(zip(step.outputs, results, strict=True))
        return [values[result.name] for result in self._program.results]

    def _play(self, picture: torch.Tensor) -> list[torch.Tensor]:
        with self._lock:
            if self._weights is None:
                raise ModelError(f"{self._path}: this detector is closed")
            shape = tuple(picture.shape)
            with torch.cuda.device(self._device):
                if shape not in self._played:
                    self._played[shape] = _Recording(self._compute, picture.to(self._device))
                return [output.cpu() for output in self._played[shape].play(picture)]


class _Recording:
    """What a function does on a GPU to an input of one shape, as a CUDA graph."""

    def __init__(self, compute: Callable[[torch.Tensor], list[torch.Tensor]], picture: torch.Tensor) -> None:
        self._input = picture
        stream = torch.cuda.Stream(picture.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(picture.device))
        with torch.cuda.stream(stream):  # libraries choose their kernels before anything is recorded
            for _ in range(_WARM_UP_RUNS):
                compute(picture)
        torch.cuda.current_stream(picture.device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = compute(picture)

    def play(self, picture: torch.Tensor) -> list[torch.Tensor]:
        """The results for a picture; they are overwritten by the next."""
        self._input.copy_(picture)
        self._graph.replay()
        return self._outputs


def _device(asked: Device) -> torch.device:
    """The device; `auto` is CUDA where torch finds it."""
    if asked.kind == "cpu" or (asked.kind == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise DeviceError(f"no CUDA: torch {torch.__version__} finds none; or choose --device cpu")
    if asked.index >= torch.cuda.device_count():
        raise DeviceError(f"no CUDA device {asked.index}: torch finds {torch.cuda.device_count()}")
    return torch.device("cuda", asked.index)


def _on(device: torch.device, values: NDArray[Any]) -> torch.Tensor:
    tensor = torch.from_numpy(np.array(values)).to(device)  # a copy: the file's bytes are read-only
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _function(step: Step, config: NetworkConfig) -> Callable[..., Any]:
    """What carries out a step. Raises ModelError."""
    if step.op in _ON_SIZES:
        function = _ON_SIZES[step.op]
        return lambda a, b: function(a, b)  # operator's own take no names
    name = step.op.removeprefix(_PREFIX)
    if not step.op.startswith(_PREFIX) or name not in _ON_ARRAYS:
        raise ModelError(f"{config.path}: the step {step.op} is not among those that surveil carries out")
    packet, _, overload = name.partition(".")
    found: Callable[..., Any] = getattr(getattr(torch.ops.aten, packet), overload)
    return found


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
