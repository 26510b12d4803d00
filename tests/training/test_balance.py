"""Removing sparse classes and balancing the others: by hand, and as the commands do it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

from tests.training.tiny import CACHE, LABELS, TinyData
from training.cli import main
from training.data.balance import (
    BalanceConfig,
    Shares,
    class_boxes,
    repeat_factors,
    sparse_classes,
    table,
)
from training.data.cache import draw_order, draw_shares, identity
from training.data.plan import AugmentConfig
from training.data.records import LabelConfig, Record, load_records
from training.errors import ConfigError, DataError
from training.recipes import recipe
from training.recipes.adapt import for_labels, named_by, without_sparse
from training.workspace import Workspace

EVENLY = BalanceConfig(ratio=1.0)
# four pictures of the first class, two of the second, one of the third: 4, 2 and 1 boxes
APART = np.repeat(np.eye(3, dtype=int), (4, 2, 1), axis=0)


def test_pictures_of_one_class_each_come_as_often_as_it_is_rare() -> None:
    repeats = repeat_factors(APART, np.ones(7), EVENLY)
    assert repeats.tolist() == pytest.approx([1] * 4 + [2] * 2 + [4], rel=0.02)
    halves = repeat_factors(APART, np.ones(7), replace(EVENLY, ratio=2.0))
    assert halves.tolist() == pytest.approx([1] * 6 + [2], rel=0.02)
    assert repeat_factors(APART, np.ones(7), replace(EVENLY, ratio=4.0)).tolist() == [1] * 7


def test_repeats_are_capped_and_shares_count() -> None:
    capped = repeat_factors(APART, np.ones(7), replace(EVENLY, largest=3.0))
    assert capped.tolist() == pytest.approx([1] * 4 + [2] * 2 + [3], rel=0.02)
    # the recipe draws the rarest class four times as often already
    shares = np.array([1, 1, 1, 1, 2, 2, 4.0])
    assert repeat_factors(APART, shares, EVENLY).tolist() == [1] * 7


def test_a_rare_thing_among_many_frequent_ones_brings_few_of_them_again() -> None:
    boxes = np.array([[20, 1], [0, 1]])
    repeats = repeat_factors(boxes, np.ones(2), replace(EVENLY, largest=8.0))
    assert repeats[1] == pytest.approx(8.0)
    assert repeats[0] == pytest.approx(8 ** (1 / 21))  # the geometric mean over 21 boxes
    assert repeat_factors(np.array([[0, 0], [3, 0]]), np.ones(2), EVENLY).tolist() == [1, 1]


def test_classes_with_few_boxes_are_named_or_nothing_is_left() -> None:
    boxes, labels = np.array([[5, 1, 0], [7, 1, 0]]), ("person", "car", "bus")
    assert sparse_classes(boxes, labels, BalanceConfig()) == ()
    assert sparse_classes(boxes, labels, BalanceConfig(remove_below=2)) == ("bus",)
    assert sparse_classes(boxes, labels, BalanceConfig(remove_below=3)) == ("car", "bus")
    with pytest.raises(DataError, match=r"no class has 13 boxes .* most frequent is person with 12: choose"):
        sparse_classes(boxes, labels, BalanceConfig(remove_below=13))
    with pytest.raises(DataError, match="no box of bus, so no picture can be repeated"):
        sparse_classes(boxes, labels, EVENLY)
    assert sparse_classes(boxes, labels, replace(EVENLY, remove_below=1)) == ("bus",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"remove_below": -1}, "number of boxes"),
        ({"ratio": 0.5}, "1 or more"),
        ({"largest": 0.9}, "1 or more repeats"),
    ],
)
def test_numbers_without_sense_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        BalanceConfig(**wrong)  # type: ignore[arg-type]


def test_views_are_drawn_in_the_balanced_shares(tiny: TinyData) -> None:
    records = [replace(r, boxes=r.boxes[:1], classes=r.classes[:1]) for r in tiny.records]
    records[0] = replace(records[0], classes=np.array([1]))  # one car, five people
    cache = replace(CACHE, views=1000)
    order = draw_order(records, cache, LABELS.labels, EVENLY)
    assert (order == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert np.array_equal(order, draw_order(records, cache, LABELS.labels, EVENLY))
    plain = draw_order(records, cache, LABELS.labels)
    assert np.array_equal(plain, draw_order(records, cache, LABELS.labels, BalanceConfig(remove_below=9)))
    assert (plain == 0).mean() == pytest.approx(1 / 6, abs=0.02)


def written(folder: Path) -> Path:
    """A person, a bicycle, a crowd of bicycles and an undivided vehicle, at x = 0, 10, 20, 30."""
    image = {"id": 1, "file_name": "a.png", "width": 100, "height": 100}
    boxes = [(1, 0, 0), (2, 10, 0), (2, 20, 1), (3, 30, 0)]
    data = {
        "images": [image],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": c, "bbox": [x, 0, 10, 10], "iscrowd": crowd}
            for k, (c, x, crowd) in enumerate(boxes)
        ],
        "categories": [{"id": k, "name": n} for k, n in enumerate(("person", "bicycle", "any", "car"), 1)],
    }
    (folder / "train.json").write_text(json.dumps(data))
    return folder / "train.json"


def test_a_removed_class_is_ignored_and_never_background(tmp_path: Path) -> None:
    groups = (("any", ("bicycle", "car")),)
    without = LabelConfig(labels=("person", "car"), removed=("bicycle",), groups=groups)
    (record,) = load_records(written(tmp_path), without)
    assert record.classes.tolist() == [0]
    # nobody named the undivided vehicle: it counts as a bicycle, the first of its group
    assert record.ignore[record.ignored.all(1)].tolist() == [[10, 0, 20, 10], [30, 0, 40, 10]]
    kept = LabelConfig(labels=("bicycle", "person", "car"), removed=("bicycle",), groups=groups)
    (record,) = load_records(tmp_path / "train.json", kept)
    assert record.classes.tolist() == [1]
    assert record.ignored.sum(1).tolist() == [1, 1, 3, 3]  # the crowd, the undivided one's other name, boxes


def test_a_recipe_loses_the_classes_that_are_sparse_in_its_data(tiny: TinyData, tmp_path: Path) -> None:
    full = replace(for_labels(recipe("own"), LABELS.labels), balance=BalanceConfig(remove_below=3))
    lean = without_sparse(full, tiny.folder)
    assert lean.labels.labels == ("person", "car")
    assert lean.labels.removed == ("bus", "truck")
    assert lean.model.classes == 2
    assert lean.balance.remove_below == 0
    assert lean.data_steps == {"removed": ["bus", "truck"]}
    kept = without_sparse(
        replace(full, balance=replace(full.balance, keep_outputs=True, ratio=1.5)), tiny.folder
    )
    assert kept.labels.labels == LABELS.labels
    assert kept.data_steps == {"removed": ["bus", "truck"], "balance": {"ratio": 1.5, "largest": 10.0}}
    with pytest.raises(ConfigError, match="depends on the data"):
        Workspace(recipe=full, data=tiny.folder, out=tmp_path)
    tuned = replace(recipe("mobilenetv2-gfl-320-tuned"), balance=BalanceConfig(remove_below=3))
    with pytest.raises(ConfigError, match="goes on from a model"):
        without_sparse(tuned, tiny.folder)
    assert named_by(tiny.folder) == list(LABELS.labels)


def test_steps_that_are_off_leave_a_cache_what_it_was() -> None:
    made_of = identity(CACHE, LABELS, AugmentConfig(), "0", recipe("own").data_steps)
    assert sorted(made_of) == ["augment", "cache", "data", "labels"]
    assert "removed" not in made_of["labels"]
    on = replace(recipe("own"), balance=EVENLY)
    assert identity(CACHE, LABELS, AugmentConfig(), "0", on.data_steps)["balance"]["ratio"] == 1.0


def test_the_table_counts_boxes_and_pictures_of_as_many_draws() -> None:
    ways = [
        Shares(name="once", values=np.ones(7)),
        Shares(name="even", values=np.array([1, 1, 1, 1, 2, 2, 4.0])),
    ]
    lines = table(("a", "b", "c"), APART, ways).splitlines()
    assert lines[2].split() == ["a", "4", "4", "2", "2"]  # 12 shares in 7 draws
    assert lines[4].split() == ["c", "1", "1", "2", "2"]
    assert lines[5].split() == ["most", ":", "least", "4.0", ":", "1", "1.0", ":", "1"]
    removed = table(("a", "b", "c"), APART, ways, removed=("c",)).splitlines()
    assert removed[4].split() == ["c", "1", "1", "removed"]
    assert removed[5].split()[3:] == ["4.0", ":", "1", "1.0", ":", "1"]


def test_the_command_prints_what_the_steps_do(tiny: TinyData, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["balance", "own", "--labels", "all", "--data", str(tiny.folder)]
    assert main([*command, "--remove-below", "2", "--balance", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "6 pictures"
    assert said[3].split() == ["person", *["6"] * 6]
    assert said[5].split() == ["bus", "0", "0", "0", "0", "removed"]
    assert said[7].split("  ")[-1].strip() == "1.0 : 1"
    assert "some have none" in said[7]
    assert main([*command, "--balance", "1"]) == 2
    assert "no box of bus, truck" in capsys.readouterr().err
    assert main([*command, "--keep-outputs"]) == 2
    assert "--remove-below" in capsys.readouterr().err


def test_shares_of_sources_and_rare_classes_stay_what_they_were(tiny: TinyData) -> None:
    records: list[Record] = [replace(r, source="far" if k else "near") for k, r in enumerate(tiny.records)]
    config = replace(CACHE, source_views=(("near", 4.0),), rare=(("car", 2.0),))
    assert draw_shares(records, config, LABELS.labels, BalanceConfig()).tolist() == [8, 2, 2, 2, 2, 2]
    assert class_boxes(records, 4).tolist() == [[1, 1, 0, 0]] * 6
