# ruff: noqa: E402 - what needs torch is imported after the skip
"""Paper B's groups are the paper's: shapes, schedule, and what differs between neighbours."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from training.engine.larger import check_fits
from training.engine.schedule import rate_at
from training.models.families import FORMS
from training.recipes import RECIPES, recipe
from training.recipes.adapt import for_labels, shortened
from training.recipes.coco import COCO_LABELS
from training.recipes.paper_a import VOC_LABELS
from training.recipes.paper_b import GROUPS, TEACHER, activation_row
from training.recipes.recipe import Recipe

NAMES = sorted(name for name in RECIPES if name.startswith("paper-b-"))


def made(number: int, suffix: str = "") -> Recipe:
    return recipe(f"paper-b-group{number}{suffix}")


@pytest.mark.parametrize(
    ("number", "form", "act"),
    [
        (1, "efficientlite0-gfl", "relu6"),
        (2, "efficientlite1-gfl", "mish"),
        (3, "efficientlite1-gfl", "silu"),
        (4, "efficientlite1-gfl2", "silu"),
    ],
)
def test_a_group_is_the_papers_network(number: int, form: str, act: str) -> None:
    group = made(number)
    assert group.model == replace(FORMS[form].config, act=act)
    assert group.sizes == ((FORMS[form].side, FORMS[form].side),)
    assert group.labels.labels == COCO_LABELS
    assert len(set(COCO_LABELS)) == 80


def test_the_teacher_is_lite2_with_the_head_of_its_student() -> None:
    assert recipe("paper-b-teacher").model == FORMS["efficientlite2-gfl2"].config
    student, teacher = GROUPS[4].model(80), TEACHER.model(80)
    assert (teacher.width, teacher.depth, teacher.reg_max) == (student.width, student.depth, student.reg_max)


@pytest.mark.parametrize("suffix", ["", "-small"])
def test_groups_differ_only_in_what_the_table_says(suffix: str) -> None:
    stages = [made(number, suffix).stages for number in (1, 2, 3, 4)]
    assert stages[0] == stages[1] == stages[2]
    assert [stage.sparse is not None for stage in stages[3]][-2:] == [False, True]
    assert [replace(stage, sparse=None) for stage in stages[3]] == list(stages[0])
    assert made(4, suffix).is_sparse
    assert not made(3, suffix).is_sparse


@pytest.mark.parametrize("suffix", ["", "-small"])
def test_group_5_is_group_4_with_its_teacher(suffix: str) -> None:
    fifth, fourth = made(5, suffix), made(4, suffix)
    assert fifth.larger is not None
    assert fifth.larger.recipe == f"paper-b-teacher{suffix}"
    check_fits((fifth.name, fifth.model), (fifth.larger.recipe, recipe(fifth.larger.recipe).model))
    assert fifth.model == fourth.model
    assert [stage.sparse for stage in fifth.stages] == [stage.sparse for stage in fourth.stages]
    assert [stage.taught for stage in fifth.stages][-2:] == [True, True]
    assert not any(stage.taught for stage in fourth.stages)


def test_the_schedule_is_the_papers() -> None:
    stage = made(1).stages[0]
    assert stage.optimizer == "sgd"
    assert (stage.momentum, stage.decay, stage.clip) == (0.9, 4e-5, 35.0)
    assert rate_at(0, 0.0, stage) == pytest.approx(3e-4)
    assert rate_at(500, 0.0, stage) == pytest.approx(0.16)
    assert rate_at(500, 0.0, replace(stage, batch=32)) == pytest.approx(0.04)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("act", ["relu6", "mish", "silu"])
def test_rows_of_activations(act: str, sparse: bool) -> None:
    for full in (False, True):
        row = activation_row(act, sparse=sparse, full=full)
        assert (row.model.act, row.is_sparse) == (act, sparse)
        assert row.sizes == ((320, 320),)
        other = activation_row("relu6", sparse=not sparse, full=full)
        assert [replace(s, sparse=None) for s in row.stages] == [
            replace(s, sparse=None) for s in other.stages
        ]


def test_other_classes_and_budgets() -> None:
    voc = for_labels(made(4), VOC_LABELS)
    assert voc.model.classes == 20
    short = shortened(made(4, "-small"), 320)
    assert sum(stage.images for stage in short.stages) == pytest.approx(320, abs=3)
    assert short.is_sparse


def test_the_small_twins_cost_a_few_thousand_images() -> None:
    for name in NAMES:
        images = sum(stage.images for stage in recipe(name).stages)
        assert (images < 10_000) == name.endswith("-small")
        assert recipe(name).name == name
