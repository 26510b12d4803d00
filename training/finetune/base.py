"""A finished model as a start: folded weights unfolded again, rows of the last layer by class name.

An exported model holds convolutions with biases. Ours train with batch norms, and the head's convolutions are
shared by all levels while its norms are not. The norms get back what they did; what they will see in
training they learn from the first pictures (`models.starts.settle_norms`).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from surveil.detect.assets import find_model
from surveil.detect.card import sha256_of
from training.errors import CheckpointError, ConfigError
from training.export.fold import fold
from training.grid import STRIDES
from training.models.blocks import ConvBN
from training.models.detector import Detector, load_model
from training.models.head import GFLHead
from training.models.onnx_graph import read_weights
from training.models.shapes import HybridConfig

log = logging.getLogger(__name__)

PREFIX, HALF = "model.", ".half"  # see `export.graph`
ALIKE = 0.02  # of a shared convolution's length: what its levels may differ by beyond their norms
SIZE = (320, 320)
ADVICE = (
    f"finetune goes on from models of the family {HybridConfig.family}, such as mobilenetv2-gfl-320; for "
    "others, `python -m training train own` makes a model of your classes from a shipped backbone"
)


@dataclass(frozen=True, kw_only=True)
class Base:
    """A model to go on from.

    Attributes:
        name: What it is called.
        file: Where its weights are.
        sha256: Of that file.
        labels: Its classes, in the order of its outputs.
        size: Height and width of the input that it is made for.
        licence: Of its weights.
        credits: Who must be named.
        model: Its weights, ready to be trained.
    """

    name: str
    file: Path
    sha256: str
    labels: tuple[str, ...]
    size: tuple[int, int]
    licence: str
    credits: tuple[str, ...]
    model: Detector


def read_base(name: str, labels: Sequence[str] = ()) -> Base:
    """A model by its name, or by its file.

    Args:
        name: Of a shipped model, or the path of an `.onnx` file with its card or of a `.safetensors` file.
        labels: Classes of a `.safetensors` file, which does not know them.

    Raises:
        ConfigError: The classes of a `.safetensors` file are not said.
        CheckpointError: It is a model of another kind; says what to do.
        ModelError: There is no such model.
    """
    path = Path(name)
    if path.suffix == ".safetensors":
        return _from_weights(path, labels)
    file = find_model(name)
    if file.path.suffix != ".onnx" or file.path.stem.endswith("-int8"):
        float_twin = name.removesuffix(".onnx").removesuffix("-int8")
        raise CheckpointError(f"{name}: training goes on from float weights: --from {float_twin}")
    folded = {
        k.removeprefix(PREFIX).removesuffix(HALF): v.float() for k, v in read_weights(file.path).items()
    }
    config = shape_of(folded, len(file.card.labels.names), file.path)
    return Base(
        name=file.card.name,
        file=file.path,
        sha256=file.card.sha256,
        labels=file.card.labels.names,
        size=file.card.input.shapes[0],
        licence=file.card.licence,
        credits=file.card.credits,
        model=unfold(folded, config, file.path),
    )


def _from_weights(path: Path, labels: Sequence[str]) -> Base:
    """Weights as `models.detector.save_model` writes them."""
    if not labels:
        raise ConfigError(
            f"{path}: a .safetensors file does not know its classes: name them in the order of its outputs "
            "with --from-labels"
        )
    return Base(
        name=path.stem,
        file=path,
        sha256=sha256_of(path) if path.is_file() else "",
        labels=tuple(labels),
        size=SIZE,
        licence="of whoever trained it",
        credits=(),
        model=load_model(path, HybridConfig(classes=len(labels))),
    )


def shape_of(folded: Mapping[str, Tensor], classes: int, path: Path) -> HybridConfig:
    """The shape of an exported detector, read off its weights. Raises CheckpointError."""
    try:
        out, kernel = folded["head.out.0.weight"], folded["neck.extra.0.0.weight"]
        convs = sum(k.startswith("head.towers.0.") and k.endswith(".weight") for k in folded)
        config = HybridConfig(
            classes=classes,
            width=out.shape[1],
            kernel=kernel.shape[-1],
            depth=convs // 2,
            reg_max=(out.shape[0] - classes) // 4 - 1,
        )
    except KeyError as error:
        raise CheckpointError(f"{path}: another family: {ADVICE}") from error
    own = {k: v.shape for k, v in fold(Detector(config)).state_dict().items()}
    theirs = {k: v.shape for k, v in folded.items() if k in own}
    if theirs != own:
        differ = next(k for k in own if theirs.get(k) != own[k])
        raise CheckpointError(f"{path}: another family or shape ({differ} does not fit): {ADVICE}")
    return config


@torch.no_grad()
def unfold(folded: Mapping[str, Tensor], config: HybridConfig, path: Path) -> Detector:
    """The reverse of `export.fold.fold`: a detector that computes the same in evaluation.

    Raises:
        CheckpointError: The head's levels are no forms of the same convolutions.
    """
    model = Detector(config)
    start = "backbone."
    model.backbone.load_state_dict({k[len(start) :]: v for k, v in folded.items() if k.startswith(start)})
    for name, module in model.neck.named_modules(prefix="neck"):
        if isinstance(module, ConvBN):
            module[0].weight.copy_(folded[f"{name}.0.weight"])
            _set_norm(module[1], torch.ones_like(module[1].weight), folded[f"{name}.0.bias"])
    head = model.head
    if not isinstance(head, GFLHead):
        raise CheckpointError(f"{path}: {ADVICE}")
    for k, conv in enumerate(conv for pair in head.convs for conv in pair):
        levels = torch.stack([folded[f"head.towers.{level}.{k}.weight"] for level in range(len(STRIDES))])
        shared, gains, left = _common(levels)
        if left > ALIKE:
            raise CheckpointError(
                f"{path}: convolution {k} of the head is not shared by its levels: {ADVICE}"
            )
        conv.weight.copy_(shared)
        for level, norms in enumerate(head.norms):
            _set_norm(norms[k], gains[level], folded[f"head.towers.{level}.{k}.bias"])
    head.out.load_state_dict(
        {k.removeprefix("head.out."): v for k, v in folded.items() if k.startswith("head.out.")}
    )
    return model.eval()


def _set_norm(norm: nn.BatchNorm2d, gain: Tensor, bias: Tensor) -> None:
    """Let a norm compute gain x + bias."""
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0)
    norm.weight.copy_(gain * (1 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _common(levels: Tensor) -> tuple[Tensor, Tensor, float]:
    """Kernels (L, O, I, h, w) as shared ones times a factor a level and output.

    Returns:
        The kernels (O, I, h, w): of each output those of the level where they are longest; the factors
        (L, O); and the largest rest, as a share of the longest kernel.
    """
    flat = levels.flatten(2)
    longest = flat.norm(dim=2).argmax(0)
    shared = flat[longest, torch.arange(flat.shape[1])]
    gains = (flat * shared).sum(2) / shared.square().sum(1).clamp(min=1e-12)
    rest = (flat - gains[..., None] * shared).norm(dim=2) / shared.norm(dim=1).clamp(min=1e-6)
    return shared.view(levels.shape[1:]), gains, float(rest.max())


@torch.no_grad()
def for_classes(model: Detector, theirs: Sequence[str], labels: Sequence[str], seed: int = 0) -> Detector:
    """The detector for other classes: all but the last layer stays, and in that the rows of known classes."""
    if not isinstance(model.config, HybridConfig) or not isinstance(model.head, GFLHead):
        raise CheckpointError(ADVICE)
    torch.manual_seed(seed)
    fresh = Detector(replace(model.config, classes=len(labels)))
    state, own = model.state_dict(), fresh.state_dict()
    known = [(k, theirs.index(name)) for k, name in enumerate(labels) if name in theirs]
    for name, value in state.items():
        if not name.startswith("head.out."):
            own[name] = value
            continue
        own[name][len(labels) :] = value[len(theirs) :]  # the boxes' rows
        for k, row in known:
            own[name][k] = value[row]
    fresh.load_state_dict(own)
    return fresh.eval()
