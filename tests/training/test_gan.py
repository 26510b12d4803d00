"""The GAN: patches and their masks, both networks, the contest, checkpoints, what stops it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

import torch

from training.engine.journal import read_journal
from training.errors import CheckpointError, ConfigError, DataError, DivergedError
from training.files import write_tensors
from training.gan.crops import CropConfig
from training.gan.distort import DRAWS, distorted
from training.gan.networks import (
    Discriminator,
    Generator,
    NetworkConfig,
    load_generator,
    save_generator,
    to_batch,
    to_patches,
)
from training.gan.patches import RealPatches, box_of, cut
from training.gan.samples import DrawnPatches
from training.gan.train import GanConfig, GanTrainer, train_gan

SMALL = NetworkConfig(side=16, latent=8, width=8)
SHORT = GanConfig(network=SMALL, crops=32, batch=8, rate=1e-3, log_steps=1, look_steps=2)
COLOUR = (30, 200, 90)


def plain_crops(count: int = 12, side: int = 16) -> np.ndarray:
    """Boxes of one colour on grey, of several shapes."""
    crops = []
    for k in range(count):
        picture = np.full((60, 60, 3), 120, np.uint8)
        wide, tall = 20 + k % 4, 30 - k % 5
        box = np.array([20, 15, 20 + wide, 15 + tall], np.float32)
        picture[15 : 15 + tall, 20 : 20 + wide] = COLOUR
        crops.append(cut(picture, box, side, 0.15))
    return np.stack(crops)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    inter = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(inter / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inter))


def test_a_crop_holds_its_object_and_says_where_it_lies() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        picture = np.full((90, 120, 3), 40, np.uint8)
        w, h = (int(v) for v in rng.integers(12, 45, 2))
        x, y = int(rng.integers(0, 120 - w)), int(rng.integers(0, 90 - h))
        picture[y : y + h, x : x + w] = COLOUR
        crop = cut(picture, np.array([x, y, x + w, y + h], np.float32), 64, 0.15)
        assert crop.shape == (64, 64, 4)
        found = box_of(crop[..., 3])
        assert found is not None
        x1, y1, x2, y2 = found.astype(int)
        assert (crop[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2, :3] == COLOUR).all()
        assert max(found[2:] - found[:2]) == pytest.approx(64 / 1.3, abs=2.5)
        assert (found[2] - found[0]) / (found[3] - found[1]) == pytest.approx(w / h, rel=0.12)


def test_masks_without_a_box_are_told() -> None:
    rng = np.random.default_rng(0)
    tiny = np.zeros((64, 64), np.uint8)
    tiny[30:34, 30:34] = 255
    corners = np.zeros((64, 64), np.uint8)
    corners[:20, :20] = corners[44:, 44:] = 255
    noise = rng.integers(0, 256, (64, 64)).astype(np.uint8)
    for mask in (np.zeros((64, 64), np.uint8), tiny, corners, noise):
        assert box_of(mask) is None


def test_real_patches_are_mirrored_with_their_boxes() -> None:
    crops = plain_crops(1, 32)
    crops[0, :, :, 3] = 0
    crops[0, 4:28, 2:18, 3] = 255
    boxes = {tuple(RealPatches(crops).draw(np.random.default_rng(k)).box) for k in range(20)}
    assert boxes == {(2.0, 4.0, 18.0, 28.0), (14.0, 4.0, 30.0, 28.0)}
    with pytest.raises(DataError, match="mask shows no box"):
        RealPatches(np.zeros((1, 16, 16, 4), np.uint8)).draw(np.random.default_rng(0))


def test_the_networks_are_those_of_the_paper() -> None:
    generator = Generator(NetworkConfig())
    convolutions = 16 * (100 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 4) + 4
    norms = 2 * (512 + 256 + 128 + 64)
    assert sum(p.numel() for p in generator.parameters()) == convolutions + norms
    assert generator(torch.randn(2, 100)).shape == (2, 4, 64, 64)
    for side in (16, 32):
        config = NetworkConfig(side=side, latent=5, width=4)
        drawn = Generator(config)(torch.randn(3, 5))
        assert drawn.shape == (3, 4, side, side)
        assert drawn.abs().max() <= 1
        assert Discriminator(config)(drawn).shape == (3,)


def test_every_matrix_of_the_discriminator_has_norm_one() -> None:
    discriminator = Discriminator(SMALL)
    for _ in range(60):  # the norm is estimated step by step
        discriminator(torch.randn(2, 4, 16, 16))
    discriminator.eval()
    matrices = [layer.weight.flatten(1) for layer in discriminator.layers if hasattr(layer, "weight")]
    assert len(matrices) == 3
    for matrix in matrices:
        assert torch.linalg.matrix_norm(matrix, 2).item() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("wrong", [{"side": 48}, {"side": 8}, {"latent": 0}, {"width": 0}])
def test_shapes_that_cannot_be(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="power of two"):
        NetworkConfig(**wrong)


@pytest.mark.parametrize("wrong", [{"side": 8}, {"margin": 0.7}, {"aspect": 20.0}, {"margin": -0.1}])
def test_crops_whose_masks_could_not_be_read(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="crops: side is 16 or more, margin 0 to 0"):
        CropConfig(**wrong)


def test_patches_survive_the_way_through_a_network() -> None:
    crops = torch.from_numpy(plain_crops())
    assert torch.equal(to_patches(to_batch(crops)), crops)
    assert to_batch(crops).shape == (12, 4, 16, 16)
    assert to_batch(crops).min() >= -1


def test_distortions_move_mask_and_picture_together_and_let_gradients_through() -> None:
    x = to_batch(torch.from_numpy(plain_crops(4))).requires_grad_()
    still = torch.full((4, DRAWS), 0.5)
    torch.testing.assert_close(distorted(x, still), x)  # the middle of every range changes nothing
    shifted = still.clone()
    shifted[:, 3:] = torch.tensor([0.0, 0.999])  # 2 pixels right, 2 up
    moved = distorted(x, shifted)
    torch.testing.assert_close(moved[:, :, :-2, 2:], x[:, :, 2:, :-2])
    distorted(x, torch.rand(4, DRAWS)).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    bright = still.clone()
    bright[:, 0] = 1.0
    torch.testing.assert_close(distorted(x, bright)[:, :3], x[:, :3] + 0.5)
    torch.testing.assert_close(distorted(x, bright)[:, 3], x[:, 3])


def test_equal_seeds_give_equal_networks_and_other_seeds_others() -> None:
    crops = plain_crops()
    samples = []
    for seed in (1, 1, 2):
        trainer = GanTrainer(crops, replace(SHORT, seed=seed), "cpu")
        for k in range(3):
            trainer.step(k)
        samples.append(trainer.samples(4))
    assert np.array_equal(samples[0], samples[1])
    assert not np.array_equal(samples[0], samples[2])


def test_each_step_moves_both_networks_once() -> None:
    trainer = GanTrainer(plain_crops(), SHORT, "cpu")
    before = {name: [p.clone() for p in m.parameters()] for name, m in trainer.modules.items()}
    trainer.step(0)
    for name in ("generator", "discriminator"):
        now = trainer.modules[name].parameters()
        assert all(not torch.equal(a, b) for a, b in zip(before[name], now, strict=True)), name
    steps = {int(state["step"]) for state in trainer.optimizer.state_dict()["state"].values()}
    assert steps == {1}


def test_it_learns_a_tiny_set(tmp_path: Path) -> None:
    config = GanConfig(network=SMALL, crops=8 * 150, batch=8, rate=2e-3, ema=0.95, log_steps=50)
    crops = plain_crops()
    file = train_gan(crops, "thing", config, tmp_path, "cpu")
    lines = read_journal(tmp_path / "log.csv")
    assert [line["step"] for line in lines] == [38, 50, 76, 100, 114, 150]
    assert lines[0]["loss_d"] != lines[-1]["loss_d"]
    patches = DrawnPatches(load_generator(file)[0])
    rng = np.random.default_rng(0)
    drawn = [patches.draw(rng) for _ in range(20)]
    assert patches.readable > 0.6
    middles = np.array([p.pixels[6:10, 6:10].mean((0, 1)) for p in drawn])
    assert np.abs(middles.mean(0) - COLOUR).max() < 40  # untrained samples are grey: 110 away
    tall = np.mean([(p.box[3] - p.box[1]) / (p.box[2] - p.box[0]) for p in drawn])
    assert 1.0 < tall < 1.7  # real ones: 1.3
    sheets = [f"samples-{8 * step:08}.png" for step in (38, 76, 114, 150)]
    assert sorted(p.name for p in tmp_path.glob("*.png")) == ["real.png", *sheets]


def test_a_run_that_goes_on_is_the_run_that_never_stopped(tmp_path: Path) -> None:
    crops = plain_crops()
    whole = train_gan(crops, "thing", SHORT, tmp_path / "whole", "cpu")
    train_gan(crops, "thing", replace(SHORT, crops=16), tmp_path / "parts", "cpu")
    parts = train_gan(crops, "thing", SHORT, tmp_path / "parts", "cpu")
    a, b = (load_generator(file)[0].state_dict() for file in (whole, parts))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert load_generator(parts)[1]["seen"] == 32
    assert (tmp_path / "whole/log.csv").read_text() == (tmp_path / "parts/log.csv").read_text()
    stamp = parts.stat().st_mtime_ns
    assert train_gan(crops, "thing", SHORT, tmp_path / "parts", "cpu").stat().st_mtime_ns == stamp
    with pytest.raises(CheckpointError, match=r"config\.rate is 0\.001 there and 0\.002 here"):
        train_gan(crops, "thing", replace(SHORT, rate=2e-3), tmp_path / "parts", "cpu")
    with pytest.raises(CheckpointError, match="sha256"):
        train_gan(255 - crops, "thing", SHORT, tmp_path / "parts", "cpu")


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="GAN of thing: a loss is not finite in steps 1 to 1"):
        train_gan(plain_crops(), "thing", replace(SHORT, rate=float("inf")), tmp_path, "cpu")
    assert not (tmp_path / "generator.safetensors").exists()


def test_weights_are_read_back_and_other_files_are_refused(tmp_path: Path) -> None:
    generator = Generator(SMALL).eval()
    file = tmp_path / "generator.safetensors"
    save_generator(file, generator, {"label": "thing"})
    read, about = load_generator(file)
    z = torch.randn(2, 8)
    assert torch.equal(read(z), generator(z))
    assert about == {"label": "thing"}
    other = tmp_path / "other.safetensors"
    write_tensors(other, {"a": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="not a generator"):
        load_generator(other)
    other.write_bytes(b"PK")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_generator(other)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_generator(tmp_path / "nothing.safetensors")


def test_a_generator_that_draws_no_boxes_is_told() -> None:
    with pytest.raises(DataError, match="no readable box: train the GAN for longer"):
        DrawnPatches(Generator(SMALL).eval()).draw(np.random.default_rng(0))


@pytest.mark.gpu
def test_it_trains_on_a_gpu_and_is_read_on_a_cpu(tmp_path: Path) -> None:
    train_gan(plain_crops(), "thing", replace(SHORT, crops=16), tmp_path, "cuda")
    file = train_gan(plain_crops(), "thing", SHORT, tmp_path, "cuda")
    assert len(read_journal(tmp_path / "log.csv")) == 4
    assert load_generator(file)[0](torch.zeros(1, 8)).isfinite().all()
