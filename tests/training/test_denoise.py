"""Wavelet denoising, against pictures whose noise is known, and where it happens."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("pywt", reason="PyWavelets is not installed")

from tests.training.tiny import LABELS, TinyData
from training.cli import main
from training.data.decode import decode_images
from training.data.denoise import DenoiseConfig, Denoiser, shrink
from training.errors import ConfigError
from training.recipes import recipe
from training.recipes.adapt import for_labels
from training.workspace import Workspace


def scene(size: tuple[int, int] = (120, 161)) -> np.ndarray:
    """Smooth light with a bright disc and a dark bar, (H, W, 3) uint8."""
    y, x = np.mgrid[: size[0], : size[1]]
    light = 90 + 40 * np.sin(x / 25) + 30 * np.cos(y / 18)
    light[(x - 60) ** 2 + (y - 50) ** 2 < 500] = 210
    light[80:100, 30:140] = 40
    return np.stack([light, light * 0.8, 255 - light], -1).clip(0, 255).astype(np.uint8)


def noisy(image: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(a.astype(float) - b).mean()))


@pytest.mark.parametrize("sigma", [8.0, 20.0])
def test_noise_falls_and_the_picture_stays(sigma: float) -> None:
    clean = scene()
    spoilt = noisy(clean, sigma)
    better = Denoiser(DenoiseConfig())(spoilt)
    assert better.shape == clean.shape  # 161 columns: an odd side
    assert better.dtype == np.uint8
    assert psnr(better, clean) > psnr(spoilt, clean) + 4
    flat = (slice(102, 118), slice(5, 150))  # below the bar nothing has an edge
    residue = (better[flat].astype(float) - clean[flat]).std()
    assert residue < 0.4 * sigma
    blurred = cv2.GaussianBlur(spoilt, (0, 0), 2.0)
    edge = (slice(78, 102), slice(40, 130))
    assert psnr(better[edge], clean[edge]) > psnr(blurred[edge], clean[edge])


def test_noise_that_is_known_need_not_be_estimated() -> None:
    clean = scene()
    spoilt = noisy(clean, 12.0)
    estimated, told = (Denoiser(DenoiseConfig(noise=noise))(spoilt) for noise in (0.0, 12.0))
    assert psnr(told, clean) == pytest.approx(psnr(estimated, clean), abs=0.5)
    compressed = cv2.imdecode(
        cv2.imencode(".jpg", spoilt, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR
    )
    left, smoothed = (Denoiser(DenoiseConfig(noise=noise))(compressed) for noise in (0.0, 8.0))
    assert np.array_equal(left, compressed)  # coded coarsely, it has no finest details left that would tell
    assert psnr(smoothed, clean) > psnr(compressed, clean) + 0.2


def test_what_has_no_noise_is_left_alone() -> None:
    denoise = Denoiser(DenoiseConfig())
    for colour in (0, 77, 255):
        flat = np.full((64, 48, 3), colour, np.uint8)
        assert np.array_equal(denoise(flat), flat)
    tiny = noisy(np.full((8, 8, 3), 100, np.uint8), 9.0)
    assert np.array_equal(denoise(tiny), tiny)  # shorter than the wavelet
    assert np.abs(denoise(scene()).astype(int) - scene()).max() <= 1


def test_one_level_of_haar_by_hand() -> None:
    """The orthonormal Haar transform of 2x2 blocks, its thresholds and its inverse, without PyWavelets."""
    image = noisy(scene((32, 40)), 6.0)
    expected = np.empty(image.shape)
    for c in range(3):
        a, b, e, d = (image[i::2, j::2, c].astype(float) for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)))
        rough = (a + b + e + d) / 2
        details = [(a + b - e - d) / 2, (a - b + e - d) / 2, (a - b - e + d) / 2]
        sigma = np.median(np.abs(details[2])) / 0.6745
        soft = []
        for band in details:
            spread = max((band**2).mean() - sigma**2, 0.0)
            t = sigma**2 / np.sqrt(spread) if spread else np.inf
            soft.append(np.where(np.abs(band) > t, band - np.sign(band) * min(t, 1e9), 0.0))
        rows, columns, both = soft
        expected[0::2, 0::2, c] = (rough + rows + columns + both) / 2
        expected[0::2, 1::2, c] = (rough + rows - columns - both) / 2
        expected[1::2, 0::2, c] = (rough - rows + columns - both) / 2
        expected[1::2, 1::2, c] = (rough - rows - columns + both) / 2
    got = Denoiser(DenoiseConfig(wavelet="haar", levels=1))(image)
    assert np.abs(got - expected.clip(0, 255)).max() <= 0.51  # it is rounded


def test_thresholds_by_hand() -> None:
    band = np.array([-5.0, 1.0, 5.0, 1.0], np.float32)
    assert shrink(band, 2.0) == pytest.approx([-11 / 3, 0, 11 / 3, 0])  # 13 - 4 = 9, 4 / 3
    assert shrink(band, 4.0).tolist() == [0, 0, 0, 0]  # all of it may be noise
    assert shrink(band, 0.0).tolist() == band.tolist()


def test_what_cannot_be_carried_out_is_said(
    tiny: TinyData, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in ({"levels": 0}, {"noise": -1.0}):
        with pytest.raises(ConfigError, match="levels is 1 or more and noise 0 or more"):
            DenoiseConfig(**wrong)
    assert main(["inspect", "own", "--noise", "5"]) == 2
    assert "say --denoise as well" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="'sim8' is unknown: choose sym8"):
        Denoiser(DenoiseConfig(wavelet="sim8"))
    assert main(["inspect", "own", "--denoise", "morl"]) == 2  # a continuous one
    assert "'morl' is unknown" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pywt", None)
    with pytest.raises(ConfigError, match="pip install"):
        Denoiser(DenoiseConfig())


def test_pictures_of_other_settings_lie_elsewhere(tiny: TinyData, tmp_path: Path) -> None:
    made = for_labels(recipe("own"), LABELS.labels)
    plain = Workspace(recipe=made, data=tiny.folder, out=tmp_path)
    wavelet = replace(plain, recipe=replace(made, denoise=DenoiseConfig(wavelet="haar", levels=2)))
    assert wavelet.pictures_file("train").name.endswith("-haar-2.npy")
    assert wavelet.pictures_file("val") == plain.pictures_file("val")
    assert wavelet.recipe.data_steps == {"denoise": {"wavelet": "haar", "levels": 2, "noise": 0.0}}
    assert DenoiseConfig(noise=2.5).name == "sym8-4-2.5"
    stored = wavelet.pictures("train")
    assert stored.shape == plain.pictures("train").shape
    assert len(wavelet.records("train")) == 6


def test_decoding_denoises_what_it_stores(tiny: TinyData, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    folder.mkdir()
    spoilt = noisy(scene((64, 96)), 12.0)
    for record in tiny.records:
        cv2.imwrite(str(folder / record.file_name), spoilt)
    stored = decode_images(tiny.records, [folder], tmp_path / "a.npy", DenoiseConfig())
    assert np.array_equal(stored[0, :64, :96], Denoiser(DenoiseConfig())(spoilt))
    assert not stored[0, 64:].any()  # only the picture, not the store around it
