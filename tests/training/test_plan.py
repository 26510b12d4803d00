"""Views: what is drawn, that boxes follow the pixels, and that old caches keep their identity."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import COLOURS, SIZE, TinyData
from training.data.augment import Augmenter
from training.data.cache import pack
from training.data.distort import lamp_light, motion_kernel
from training.data.labels import LabelReader
from training.data.plan import AugmentConfig, Distortion, Layer, Placement, Plan, Planner, draw_distortion
from training.data.records import Record

PERSON, CAR = range(2)
PLAIN = AugmentConfig(mosaic=0.0, colour=0.0, grey=0.0, blur=0.0, compress=0.0, noise=0.0)

# boxes, bits to ignore, mean colours of views drawn before MixUp, CutMix, night and motion were known
PINNED = {
    1: ([17.118, 2.656, 31.742, 19.086], 8, 2, 109.16, 114.042),
    2: ([24.327, 10.932, 48.641, 43.777], 2, 6, 78.475, 109.895),
    5: ([6.74, 0.0, 28.336, 27.011], 8, 6, 109.3, 105.526),
    6: ([13.141, 0.0, 51.068, 32.327], 8, 6, 64.022, 94.665),
}


def ramps() -> tuple[np.ndarray, list[Record]]:
    """Three pictures of colour ramps, each with two boxes and a region to ignore."""
    images, records = np.zeros((3, 128, 128, 3), np.uint8), []
    for k, (w, h) in enumerate(((128, 72), (96, 96), (64, 90))):
        y, x = np.mgrid[:h, :w]
        images[k, :h, :w] = np.stack([(x * 2 + k * 40) % 256, (y * 2) % 256, (x + y) % 256], -1)
        record = Record(
            image_id=k,
            file_name=f"{k}.png",
            source="",
            width=w,
            height=h,
            boxes=np.array([[10, 8, 50, 60], [30, 20, 60, 44.5]], np.float32),
            classes=np.array([0, 2]),
            ignore=np.array([[0, 0, 20, 20]], np.float32),
            ignored=np.array([[False, True, False]]),
        )
        records.append(record)
    return images, records


@pytest.mark.parametrize("seed", sorted(PINNED))
def test_the_same_seed_gives_the_same_view_as_ever(seed: int) -> None:
    config = AugmentConfig(mosaic=0.4, blur=0.2, compress=0.2, noise=0.2, grey=0.3)
    view = Augmenter(*ramps(), config, (64, 96)).view(seed % 3, np.random.default_rng((1, seed)))
    box, count, bits, colour, clean = PINNED[seed]
    assert view.boxes[0].tolist() == pytest.approx(box, abs=1e-3)
    assert (len(view.boxes), int(pack(view.ignore).sum())) == (count, bits)
    assert float(view.image.mean()) == pytest.approx(colour, abs=0.1)  # JPEG decoders differ a little
    assert float(view.clean.mean()) == pytest.approx(clean, abs=0.01)


def test_options_that_are_off_are_not_part_of_the_identity() -> None:
    old = "scale aspect mosaic mosaic_scale colour grey blur compress noise min_seen min_side"
    assert list(AugmentConfig().identity()) == old.split()
    changed = AugmentConfig(mixup=0.1, grey=0.0)
    assert changed.identity()["mixup"] == 0.1
    assert changed.identity()["grey"] == 0.0
    assert set(asdict(changed)) - set(changed.identity()) == {
        "letterbox",
        "cutmix",
        "night",
        "motion",
        "calm",
    }


def box_of_colour(image: np.ndarray, colour: tuple[int, int, int]) -> list[int]:
    """Box of the pixels near a colour."""
    y, x = np.nonzero(np.abs(image.astype(int) - colour).sum(-1) < 60)
    return [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


@pytest.mark.parametrize("letterbox", [0.0, 1.0])
def test_boxes_follow_the_pixels(tiny: TinyData, letterbox: float) -> None:
    config = replace(PLAIN, scale=(0.6, 0.95), letterbox=letterbox)
    augmenter = Augmenter(tiny.images, tiny.records, config, SIZE)
    for seed in range(12):
        view = augmenter.view(seed % 6, np.random.default_rng(seed))
        (box,) = view.boxes[view.classes == CAR]  # drawn last, never hidden
        assert box_of_colour(view.image, COLOURS["car"]) == pytest.approx(box.tolist(), abs=1.6)


def test_a_letterboxed_view_is_the_whole_picture_in_the_middle(tiny: TinyData) -> None:
    planner = Planner(tiny.records, replace(PLAIN, letterbox=1.0), (96, 96))
    places = [planner.plan(0, np.random.default_rng(seed)).layers[0].placement for seed in range(6)]
    assert {(abs(p.sx), p.sy, p.ty) for p in places} == {(1.0, 1.0, 16.0)}  # 96 x 64 pixels on 96 x 96
    assert {(p.sx, p.tx) for p in places} == {(1.0, 0.0), (-1.0, 96.0)}


def test_a_mosaic_keeps_boxes_inside_and_ignores_what_was_cut(tiny: TinyData) -> None:
    config = AugmentConfig(mosaic=1.0, mosaic_scale=(1.5, 2.0))
    augmenter = Augmenter(tiny.images, tiny.records, config, SIZE)
    ignored = 0
    for seed in range(8):
        view = augmenter.view(0, np.random.default_rng(seed))
        assert view.boxes.min() >= 0
        assert view.boxes[:, 2].max() <= SIZE[1]
        assert view.boxes[:, 3].max() <= SIZE[0]
        ignored += int(view.ignore.any())
    assert ignored > 0


def test_mixup_shows_both_pictures_with_their_boxes(tiny: TinyData) -> None:
    augmenter = Augmenter(tiny.images, tiny.records, replace(PLAIN, mixup=1.0), SIZE)
    plan = augmenter.planner.plan(0, np.random.default_rng(4))
    assert [layer.opacity == 1.0 for layer in plan.layers] == [True, False]
    both = augmenter.reader.read([plan])
    alone = [augmenter.reader.read([Plan((layer,))]) for layer in plan.layers]
    assert np.array_equal(both.boxes, np.concatenate([one.boxes for one in alone]))
    view = augmenter.view(0, np.random.default_rng(4))
    clear = Augmenter(tiny.images, tiny.records, PLAIN, SIZE).view(0, np.random.default_rng(4))
    share = plan.layers[1].opacity
    grey = (np.abs(view.clean.astype(int) - clear.clean * (1 - share) - 114 * share) < 1.5).all(-1)
    assert 0.02 < grey.mean() < 0.98  # the second picture leaves some of the canvas free, and covers some


def test_what_a_pasted_part_hides_is_ignored_not_learned(tiny: TinyData) -> None:
    record = replace(tiny.records[0], boxes=np.array([[0, 0, 40, 64], [60, 0, 90, 64]], np.float32))
    reader = LabelReader([record], PLAIN)
    whole = Layer(0, Placement((0, 0, 96, 64), 1.0, 1.0, 0.0, 0.0))
    patch = Layer(0, Placement((0, 0, 36, 64), 0.1, 0.1, 90.0, 90.0))  # its own boxes lie outside the part
    labels = reader.read([Plan((whole, patch))])
    assert labels.boxes.tolist() == [[60, 0, 90, 64]]  # of the other, 10 % are left
    assert [0, 0, 40, 64] in labels.ignore.tolist()
    seen_through = reader.read([Plan((whole, replace(patch, opacity=0.5)))])
    assert len(seen_through.boxes) == 2


def test_a_mirrored_placement_by_hand(tiny: TinyData) -> None:
    boxes = np.array([[10, 10, 20, 30], [40, 0, 60, 10]], np.float32)
    record = replace(tiny.records[0], boxes=boxes, classes=np.array([PERSON, CAR]))
    plan = Plan((Layer(0, Placement((0, 0, 100, 100), sx=-2.0, sy=1.0, tx=90.0, ty=5.0)),))
    labels = LabelReader([record], replace(PLAIN, min_seen=0.2)).read([plan])
    assert labels.boxes.tolist() == [[50, 15, 70, 35], [0, 5, 10, 15]]
    assert labels.classes.tolist() == [PERSON, CAR]
    strict = LabelReader([record], replace(PLAIN, min_seen=0.3)).read([plan])  # a quarter of it is left
    assert strict.boxes.tolist() == [[50, 15, 70, 35]]
    assert strict.ignore.tolist() == [[0, 5, 10, 15]]
    assert strict.ignored.nonzero()[1].tolist() == [CAR]


def test_labels_of_many_views_are_those_of_each(tiny: TinyData) -> None:
    config = AugmentConfig(mosaic=0.5, mixup=0.3, cutmix=0.3)
    planner, reader = Planner(tiny.records, config, SIZE), LabelReader(tiny.records, config)
    plans = [planner.plan(k % 6, np.random.default_rng(k)) for k in range(10)]
    together = reader.read(plans)
    for k, plan in enumerate(plans):
        alone = reader.read([plan])
        assert np.array_equal(together.boxes[together.view == k], alone.boxes)
        assert np.array_equal(together.ignore[together.ignore_view == k], alone.ignore)


def test_distortions_come_in_their_shares_and_one_at_a_time() -> None:
    config = AugmentConfig(blur=0.1, compress=0.2, noise=0.1, motion=0.3, night=0.5)
    drawn = [draw_distortion(config, np.random.default_rng(k)) for k in range(800)]
    for kind, share in (("blur", 0.1), ("compress", 0.2), ("noise", 0.1), ("motion", 0.3), ("", 0.3)):
        assert np.mean([d.kind == kind for d in drawn]) == pytest.approx(share, abs=0.05)
    nights = [d.night for d in drawn if d.night]
    assert len(nights) / 800 == pytest.approx(0.5, abs=0.06)
    assert np.mean([night.lamp > 0 for night in nights]) == pytest.approx(0.5, abs=0.08)
    assert draw_distortion(replace(PLAIN, colour=0.0), np.random.default_rng(0)) == Distortion()


def test_motion_and_lamp_by_hand() -> None:
    level = motion_kernel(5.0, 0.0)
    assert level[4].tolist() == pytest.approx([0, 0, 0.2, 0.2, 0.2, 0.2, 0.2, 0, 0])
    assert level.sum() == pytest.approx(1.0)
    assert np.allclose(motion_kernel(5.0, np.pi / 2), level.T, atol=1e-6)
    light = lamp_light((5, 5), 0.4)
    assert light[2, 2] == pytest.approx(1.0)
    assert light[0, 0] == pytest.approx(0.6)
    assert light[2, 0] == pytest.approx(0.8)


def test_night_is_dark_and_infrared_has_no_colours() -> None:
    images, records = ramps()
    bright = Augmenter(images, records, PLAIN, (64, 96))
    dark = Augmenter(images, records, replace(PLAIN, night=1.0), (64, 96))
    for seed in range(6):
        rng = np.random.default_rng(seed)
        night = dark.planner.plan(0, rng).distortion.night
        assert night is not None
        view = dark.view(0, np.random.default_rng(seed))
        assert np.array_equal(view.clean, bright.view(0, np.random.default_rng(seed)).clean)
        assert view.image.mean() < 0.85 * view.clean.mean()
        spread = np.abs(view.image.astype(int) - view.image.mean(-1, keepdims=True)).mean()
        assert (spread < 8) == (night.lamp > 0)
