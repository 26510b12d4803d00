"""Dead weights: what no picture of a sample can teach, because activations are flat where it is looked at.

A *dead channel* is an output channel of an activation layer whose slope is exactly zero at every place of
every picture: the channel is cut off (ReLU below 0) or saturated (ReLU6 above 6) throughout. A *dead weight*
is one that is not zero and whose gradient is exactly zero on every picture; masked weights are zero and not
counted. Norms compute with their statistics, as in the model that ships. The gradient is that of a fixed
random mixture of all raw outputs: wherever a path to any output is open, it is not zero. A loss that looks at
some cells only may teach less; none can teach more.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.models.activations import ACTIVATIONS
from training.models.detector import Detector


@dataclass(frozen=True, kw_only=True)
class Dead:
    """Channels of an activation layer, or weights of a convolution.

    Attributes:
        name: Of the layer or the weight.
        kind: Name of the activation, or `weights`.
        total: How many there are (of weights: those that are not zero).
        dead: How many of them are dead.
    """

    name: str
    kind: str
    total: int
    dead: int


def slopes(act: nn.Module, x: Tensor) -> Tensor:
    """Derivative of an activation at every value of `x`, which stays as it is."""
    with torch.enable_grad():
        probe = x.detach().clone().requires_grad_(True)
        out = act.forward(probe * 1)  # a copy, as activations overwrite what they are given
        (slope,) = torch.autograd.grad(out.sum(), probe)
    return slope


@contextmanager
def _watched(model: nn.Module, open_: dict[str, Tensor]) -> Iterator[None]:
    """Note in `open_` which channels of each activation layer have had a slope at any place."""
    kinds = tuple({type(make()) for make in ACTIVATIONS.values()})

    def watch(name: str, act: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen = (slopes(act, given[0]) != 0).any(dim=0).flatten(1).any(dim=1)
        open_[name] = open_[name] | seen if name in open_ else seen

    hooks = [
        module.register_forward_pre_hook(lambda act, given, name=name: watch(name, act, given))
        for name, module in model.named_modules()
        if isinstance(module, kinds)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def find_dead(model: Detector, batches: Iterable[Tensor], seed: int = 0) -> list[Dead]:
    """Dead channels of every activation layer, then dead weights of every convolution.

    Args:
        model: Its gradients are lost, all else stays.
        batches: Pictures (B, H, W, 3) uint8 BGR.
        seed: Of the mixture of the outputs.
    """
    training = model.training
    model.eval()
    weights = {name: p for name, p in model.named_parameters() if p.ndim == 4}
    reached = {name: torch.zeros_like(p, dtype=torch.bool) for name, p in weights.items()}
    open_: dict[str, Tensor] = {}
    mixer = torch.Generator().manual_seed(seed)
    with _watched(model, open_):
        for pictures in batches:
            raw = model.reading.flatten(model(pictures.permute(0, 3, 1, 2).float() / 255))
            mixture = (raw * torch.randn(raw.shape, generator=mixer)).sum()
            slope = torch.autograd.grad(mixture, list(weights.values()), allow_unused=True)
            for name, found in zip(weights, slope, strict=True):
                if found is not None:
                    reached[name] |= found != 0
    model.train(training)
    modules = dict(model.named_modules())
    channels = [
        Dead(
            name=name,
            kind=type(modules[name]).__name__,
            total=len(seen),
            dead=int((~seen).sum()),
        )
        for name, seen in open_.items()
    ]
    return channels + [
        Dead(
            name=name,
            kind="weights",
            total=int((p != 0).sum()),
            dead=int(((p != 0) & ~reached[name]).sum()),
        )
        for name, p in weights.items()
    ]


def sums(found: Sequence[Dead]) -> dict[str, tuple[int, int]]:
    """Dead ones and all of them: `channels` of activations, and `weights` that are not zero."""
    kinds = {
        "channels": [one for one in found if one.kind != "weights"],
        "weights": [one for one in found if one.kind == "weights"],
    }
    return {
        name: (sum(one.dead for one in chosen), sum(one.total for one in chosen))
        for name, chosen in kinds.items()
    }


def table(found: Sequence[Dead], pictures: int) -> str:
    """A line for each layer with something dead, and the sums."""
    lines = [f"{'layer':56s}{'kind':>10s}{'of':>9s}{'dead':>8s}{'share':>8s}"]
    lines += [
        f"{one.name:56s}{one.kind:>10s}{one.total:9d}{one.dead:8d}{100 * one.dead / one.total:7.2f}%"
        for one in found
        if one.dead
    ]
    words = {"channels": "channels of activations", "weights": "weights that are not zero"}
    for name, (dead, total) in sums(found).items():
        share = 100 * dead / max(1, total)
        lines.append(f"dead on all {pictures} pictures: {dead} of {total} {words[name]} ({share:.3f} %)")
    return "\n".join(lines)
