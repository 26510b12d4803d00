"""Generator and discriminator of DCGAN for patches of four channels.

Radford, Metz, Chintala: "Unsupervised representation learning with deep convolutional generative adversarial
networks", ICLR 2016. The discriminator has spectral normalisation (Miyato et al., ICLR 2018) where the paper
has batch norms: with few crops it keeps the discriminator from running away.
"""

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from training.errors import CheckpointError, ConfigError
from training.files import write_tensors

CHANNELS = 4  # blue, green, red, mask of the box


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Shape of both networks.

    Attributes:
        side: Of a patch in pixels, a power of two.
        latent: Numbers that a patch is drawn from.
        width: Channels at half of the side; they double with every further halving.
    """

    side: int = 64
    latent: int = 100
    width: int = 64

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.side < 16 or self.side & (self.side - 1) or self.latent < 1 or self.width < 1:
            raise ConfigError(
                f"GAN: side is a power of two from 16 on, latent and width 1 or more, got {self}"
            )

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels at 1/2, 1/4, … of the side, down to maps of 4 x 4."""
        return tuple(self.width << k for k in range(self.side.bit_length() - 3))


def started(network: nn.Module) -> None:
    """The paper's start: weights N(0, 0.02), factors of batch norms N(1, 0.02)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)


class Generator(nn.Module):
    """Latent numbers to patches."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        deep = config.channels[::-1]
        layers: list[nn.Module] = [nn.ConvTranspose2d(config.latent, deep[0], 4, bias=False)]
        for wide, narrow in pairwise(deep):
            layers += [nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(wide, narrow, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(deep[-1]), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(deep[-1], CHANNELS, 4, 2, 1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        started(self)

    def forward(self, z_BZ: Tensor) -> Tensor:
        """Latent numbers N(0, 1) to patches x_B4SS in -1..1: BGR / 127.5 - 1, mask."""
        x_B4SS: Tensor = self.layers(z_BZ[:, :, None, None])
        return x_B4SS


class Discriminator(nn.Module):
    """Patches to one logit each: above 0 is real."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((CHANNELS, *config.channels)):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        layers += [nn.Conv2d(config.channels[-1], 1, 4)]
        self.layers = nn.Sequential(*layers)
        started(self)
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                spectral_norm(layer)

    def forward(self, x_B4SS: Tensor) -> Tensor:
        """Patches in -1..1 to logits (B,)."""
        logits_B: Tensor = self.layers(x_B4SS).flatten()
        return logits_B


def save_generator(path: Path, generator: Generator, about: dict[str, Any]) -> None:
    """Write weights, shape and `about` (JSON values) as safetensors. Raises OutputError."""
    metadata = {"gan": json.dumps(asdict(generator.config)), "about": json.dumps(about)}
    write_tensors(path, dict(generator.state_dict()), metadata)


def load_generator(path: Path) -> tuple[Generator, dict[str, Any]]:
    """A generator in evaluation mode, and what was written about it.

    Raises:
        CheckpointError: The file is missing, broken, or of something else.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
    if not {"gan", "about"} <= metadata.keys():
        raise CheckpointError(f"{path}: not a generator of `python -m training gan`")
    generator = Generator(NetworkConfig(**json.loads(metadata["gan"])))
    try:
        generator.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: its tensors do not fit its shape ({error})") from error
    return generator.requires_grad_(False).eval(), json.loads(metadata["about"])


def to_batch(patches_BSS4: Tensor) -> Tensor:
    """Patches uint8 to x_B4SS in -1..1."""
    return patches_BSS4.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_patches(x_B4SS: Tensor) -> Tensor:
    """The reverse of `to_batch`: (B, S, S, 4) uint8."""
    return ((x_B4SS + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
