"""Files of starts: reading them, and saying layer by layer what does not fit."""

from collections.abc import Sequence
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from training.errors import CheckpointError

SHOWN = 5  # layers that an error lists
Layer = tuple[str, Tensor, Tensor]  # name, weight, bias


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a file by name, float32. Raises CheckpointError."""
    try:
        return {name: value.float() for name, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a safetensors file that can be read ({error})") from error


def read_folded(path: Path) -> list[Layer]:
    """Layers of a file whose keys are numbered in execution order (`00_conv.weight`, `01_dw.weight`, …).

    Raises:
        CheckpointError: It cannot be read, or its keys are others.
    """
    state = read_tensors(path)
    try:
        names = sorted({key.rsplit(".", 1)[0] for key in state}, key=lambda name: int(name.split("_")[0]))
        return [(name, state[f"{name}.weight"], state[f"{name}.bias"]) for name in names]
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path}: expected keys such as 00_conv.weight and 00_conv.bias in execution order ({error}); "
            "timm's, such as conv_stem.weight, are for networks with batch norms"
        ) from error


def folded_misfits(layers: Sequence[Layer], convs: Sequence[nn.Module]) -> list[str]:
    """What of the first layers does not fit the convolutions, layer by layer, in words."""
    wrong = []
    for (name, weight, bias), conv in zip(layers, convs, strict=False):
        expected = tuple(conv.get_parameter("weight").shape)
        if tuple(weight.shape) != expected:
            wrong.append(f"{name} is {tuple(weight.shape)}, expected {expected}")
        elif tuple(bias.shape) != expected[:1]:
            wrong.append(f"{name}.bias is {tuple(bias.shape)}, expected {expected[:1]}")
    return wrong


def refuse(path: Path, network: nn.Module, wrong: Sequence[str]) -> None:
    """Raise CheckpointError where something is wrong; it lists the first layers."""
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise CheckpointError(
            f"{path}: does not fit {type(network).__name__}: {'; '.join(wrong[:SHOWN])}{more}. "
            "Take a start of the same network and width"
        )
