"""Wavelet denoising of training pictures, a step of paper A: BayesShrink.

Chang, Yu and Vetterli 2000, "Adaptive wavelet thresholding for image denoising and compression": each
channel by itself; noise from the finest diagonal band, sigma = median(|d|) / 0.6745; in each band of details
the threshold sigma^2 / sigma_x with sigma_x^2 = max(mean(d^2) - sigma^2, 0); coefficients shrink softly.
"""

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from training.errors import ConfigError

MEDIAN = 0.6745  # of the size of a standard normal number


@dataclass(frozen=True, kw_only=True)
class DenoiseConfig:
    """How pictures are denoised; the defaults are those of the publication.

    Attributes:
        wavelet: Name of an orthogonal or biorthogonal wavelet of PyWavelets.
        levels: Scales that are shrunk; small pictures have fewer.
        noise: Standard deviation in grey levels; 0: estimated in each channel of each picture. Pictures that
            were compressed at a low bit-rate have lost the fine details that tell it: nothing is estimated.
    """

    wavelet: str = "sym8"
    levels: int = 4
    noise: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers; the wavelet is looked up when it is needed."""
        if self.levels < 1 or self.noise < 0:
            raise ConfigError(
                f"denoise: levels is 1 or more and noise 0 or more, got {self.levels} and {self.noise:g}"
            )

    @property
    def name(self) -> str:
        """For file names: pictures of different settings have different ones."""
        return f"{self.wavelet}-{self.levels}" + (f"-{self.noise:g}" if self.noise else "")


def wavelets() -> ModuleType:
    """PyWavelets. Raises ConfigError if it is not installed."""
    try:
        import pywt  # only this step needs it
    except ImportError as error:
        raise ConfigError("denoise: needs PyWavelets: pip install 'surveil[train]'") from error
    module: ModuleType = pywt
    return module


class Denoiser:
    """Denoises pictures."""

    def __init__(self, config: DenoiseConfig) -> None:
        """Raises ConfigError: PyWavelets is not installed, or has no such wavelet."""
        self.config, self.pywt = config, wavelets()
        known = self.pywt.wavelist(kind="discrete")
        if config.wavelet not in known:
            raise ConfigError(
                f"denoise: wavelet {config.wavelet!r} is unknown: choose sym8 (the default), haar, db4, "
                f"coif2, bior4.4 or another of PyWavelets' {len(known)} (pywt.wavelist(kind='discrete'))"
            )
        self.length = self.pywt.Wavelet(config.wavelet).dec_len

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) uint8 without its noise."""
        levels = min(self.config.levels, self.pywt.dwt_max_level(min(image.shape[:2]), self.length))
        if not levels:
            return image
        channels = [self._channel(channel, levels) for channel in np.moveaxis(image.astype(np.float32), 2, 0)]
        return np.stack(channels, 2).round().clip(0, 255).astype(np.uint8)

    def _channel(self, channel: NDArray[np.float32], levels: int) -> NDArray[np.float32]:
        rough, *bands = self.pywt.wavedec2(channel, self.config.wavelet, level=levels)
        sigma = self.config.noise or float(np.median(np.abs(bands[-1][2]))) / MEDIAN
        shrunk = [tuple(shrink(band, sigma) for band in scale) for scale in bands]
        whole = self.pywt.waverec2([rough, *shrunk], self.config.wavelet)
        return np.asarray(
            whole[: channel.shape[0], : channel.shape[1]], np.float32
        )  # odd sides come back even


def shrink(band: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Coefficients shrunk by the threshold that fits them and noise of standard deviation `sigma`.

    >>> [f"{value:.2f}" for value in shrink(np.array([-5.0, 1.0, 5.0, 1.0], np.float32), 2.0)]
    ['-3.67', '0.00', '3.67', '0.00']
    """
    signal = float(np.mean(np.square(band))) - sigma**2
    if signal <= 0:  # nothing but noise
        return np.zeros_like(band) if sigma else band
    threshold = sigma**2 / np.sqrt(signal)
    return np.asarray(np.sign(band) * np.maximum(np.abs(band) - threshold, 0), np.float32)
