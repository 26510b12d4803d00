# ruff: noqa: E402 - what needs torch is imported after the skip
"""A larger network teaches in training: who may, what it changes, and runs that go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")

from safetensors.torch import load_file, save_file

from surveil.clock import SystemClock
from tests.training.test_families import job_of
from tests.training.test_live_run import make_trainer as make_live_trainer
from tests.training.tiny import CACHE, LABELS, TinyData
from tests.training.tiny_families import CLASSES, LITE, YOLO, write_imagenet_start, write_tuned_start
from tests.training.tiny_stage import ALONE, MODEL, STAGE, make_trainer, same
from training import cli
from training import workspace as workspace_module
from training.data.cache import FeatureCache
from training.engine.config import Machine
from training.engine.journal import read_journal
from training.engine.larger import LargerJob, LargerNetwork, TaughtBatches, check_fits, check_shared
from training.engine.stage import StageJob, train_in_process
from training.engine.trainer import Trainer
from training.errors import CheckpointError, ConfigError
from training.finish import training_facts
from training.handover import hand_over
from training.live.batches import LiveBatches
from training.live.bench import time_parts
from training.losses.criterion import LossConfig
from training.losses.imitation import ImitationLossConfig
from training.losses.localization import LocalizationConfig
from training.losses.yolov3 import YoloV3Config
from training.models.detector import Detector, blend, save_model
from training.models.mobilenet_v2 import MobileNetV2
from training.models.notes import labels_note, labels_of
from training.models.shapes import DetectorConfig
from training.papers.table_distillation import LARGER_ROWS, STUDY
from training.papers.tables import table_of
from training.recipes import RECIPES, recipe
from training.recipes.adapt import taught, with_larger
from training.recipes.recipe import LargerTeacher, Recipe
from training.settings import differences
from training.workspace import Workspace

DISTIL = replace(STAGE, images=16, checkpoint_images=8, loss=LossConfig(localization=LocalizationConfig()))
WIDE = replace(MODEL, width=32)
PARTS = {"ld_main", "ld_valuable", "ld_classes"}


def teacher_of(folder: Path, model: DetectorConfig = WIDE, seed: int = 8) -> LargerJob:
    """A network with random weights."""
    torch.manual_seed(seed)
    network = Detector(model)
    for out in network.head.out:
        torch.nn.init.normal_(out.weight, std=0.5)  # it has something to say
    save_model(network, folder / f"teacher-{seed}.safetensors")
    return LargerJob(recipe="teacher", model=model, file=folder / f"teacher-{seed}.safetensors")


def taught_trainer(cache: FeatureCache, larger: LargerJob, machine: Machine = ALONE) -> Trainer:
    """The tiny trainer, taught."""
    trainer = make_trainer(cache, DISTIL, machine)
    trainer.source = TaughtBatches(trainer.source, LargerNetwork(larger, DISTIL.entry, machine))
    return trainer


def test_a_taught_run_makes_its_steps_and_goes_on_to_the_same_weights(
    tiny_cache: FeatureCache, tmp_path: Path
) -> None:
    larger = teacher_of(tmp_path)
    whole = taught_trainer(tiny_cache, larger).run(tmp_path / "whole", {"run": 1})
    assert whole is not None
    lines = read_journal(tmp_path / "whole" / "log.csv")
    assert all(line[name] > 0 for line in lines for name in PARTS)
    late = replace(ALONE, stop_at_s=0.0)  # every call is over its time after the first averaging
    results = [taught_trainer(tiny_cache, larger, late).run(tmp_path / "parts", {"run": 1}) for _ in range(4)]
    assert results[:3] == [None] * 3
    assert results[3] is not None
    assert same(whole, results[3])
    other = taught_trainer(tiny_cache, teacher_of(tmp_path, seed=9)).run(tmp_path / "other", {"run": 1})
    assert other is not None
    assert not same(whole, other)


def test_only_the_student_learns(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    trainer = taught_trainer(tiny_cache, teacher_of(tmp_path))
    network = trainer.source.teacher.network
    before = {k: v.clone() for k, v in network.state_dict().items()}
    batch = trainer.source.batch(0)
    assert not any(x.requires_grad for x in (batch.targets.lesson.logits, batch.targets.lesson.sides))
    trainer.model.train()
    assert trainer._step(0.0).losses.keys() > PARTS
    assert not network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())  # norms included
    assert all(p.grad is None for p in network.parameters())


def test_the_teacher_sees_what_the_student_sees(tiny_cache: FeatureCache, tmp_path: Path) -> None:
    trainer = taught_trainer(tiny_cache, teacher_of(tmp_path))
    batch, network = trainer.source.batch(3), trainer.source.teacher.network
    with torch.no_grad():
        raw = network.reading.flatten(network.from_low(batch.inputs[0]))
    assert torch.equal(batch.targets.lesson.logits, raw[..., :CLASSES])
    assert torch.equal(batch.targets.lesson.sides.flatten(2), raw[..., CLASSES:])
    assert batch.targets.lesson.known.all()
    half = LargerNetwork(teacher_of(tmp_path), "low", replace(ALONE, precision="bfloat16"))
    lesson = half(batch).targets.lesson
    assert lesson.logits.dtype == lesson.sides.dtype == torch.float32
    assert not torch.equal(lesson.logits, batch.targets.lesson.logits)
    assert torch.allclose(lesson.logits, batch.targets.lesson.logits, rtol=0.1, atol=0.3)


def test_its_cost_is_timed_by_itself(tiny: TinyData, tmp_path: Path) -> None:
    trainer = make_live_trainer(tiny, ALONE)
    assert isinstance(trainer.source, LiveBatches)
    network = LargerNetwork(teacher_of(tmp_path), "image", ALONE)
    report = time_parts(trainer.source, trainer, 1, SystemClock(), network)
    assert [timing.part for timing in report.parts][-2:] == ["larger", "learn"]
    assert all(timing.batch_ms > 0 for timing in report.parts)
    assert isinstance(trainer.source, TaughtBatches)  # all parts together have it, too


def test_a_lite_network_teaches_one_from_pictures(
    tiny: TinyData, tiny_cache: FeatureCache, tmp_path: Path
) -> None:
    larger = teacher_of(tmp_path, replace(LITE, variant=2, quality=True))
    job = job_of(
        replace(DISTIL, entry="view", trains=("low", "high", "rest"), checkpoint_images=2),
        LITE,
        tiny,
        tmp_path / "out",
        start=write_imagenet_start(tmp_path / "imagenet.safetensors", MobileNetV2()),
        init=None,
        caches=(tiny_cache.folder,),
        larger=larger,
    )
    train_in_process(0, 1, job, None)
    assert all(line[name] > 0 for line in read_journal(job.out / "log.csv") for name in PARTS)
    other = replace(job, larger=teacher_of(tmp_path, larger.model, seed=9))
    found = list(differences(job.identity(), other.identity()))
    assert len(found) == 1
    assert found[0].startswith("larger.sha256 is ")
    with pytest.raises(CheckpointError, match=r"another run: larger\.sha256"):
        train_in_process(0, 1, other, None)


def test_runs_from_before_there_was_this_option_go_on(tiny: TinyData, tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    start.write_bytes(b"not read here")
    job = job_of(STAGE, MODEL, tiny, tmp_path, start=start, init=None, caches=())
    assert "localization" not in job.identity()["stage"]["loss"]
    assert "larger" not in job.identity()
    taught_job = replace(job, config=replace(job.config, loss=DISTIL.loss))
    assert taught_job.identity()["stage"]["loss"]["localization"]["temperature"] == 10.0


@pytest.mark.parametrize(
    ("student", "teacher", "message"),
    [
        (
            LITE,
            MODEL,
            r"teacher wide predicts at strides \(8, 16, 32, 64\), the student narrow at \(8, 16, 32\)",
        ),
        (
            LITE,
            replace(LITE, reg_max=10),
            r"wide has 11 bins a side \(reg_max 10\), the student 8 \(reg_max 7\)",
        ),
        (LITE, YOLO, "wide has anchors and no distributions.* recipes with a GFL head"),
        (YOLO, LITE, "narrow has anchors and no distributions"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    student: DetectorConfig, teacher: DetectorConfig, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_fits(("narrow", student), ("wide", teacher))


def test_a_teacher_with_the_same_cells_and_bins_fits() -> None:
    check_fits(("narrow", LITE), ("wide", replace(LITE, variant=2, width=48, quality=True)))


def test_at_the_cached_tap_a_teacher_shares_the_layers_below(tmp_path: Path) -> None:
    start, larger = write_tuned_start(tmp_path / "start.safetensors"), teacher_of(tmp_path)
    with pytest.raises(
        ConfigError, match=r"not those of start\.safetensors.* Train with entry view or image"
    ):
        check_shared(larger, start)
    network = Detector(WIDE)
    network.backbone.load_start(start)
    for parameter in network.parts()["high"]:
        torch.nn.init.normal_(parameter)
    save_model(network, larger.file)
    check_shared(larger, start)
    state = load_file(larger.file)
    save_file({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, larger.file)
    check_shared(larger, start)  # as it is handed over
    with pytest.raises(ConfigError, match="not those of"):
        check_shared(teacher_of(tmp_path, LITE), start)


def space_of(tiny: TinyData, folder: Path, **changes: object) -> Workspace:
    """A student of the hybrid's narrow form, taught by one that its recipe names."""
    write_tuned_start(folder / "start.safetensors")
    made = replace(
        recipe("own"),
        model=MODEL,
        labels=LABELS,
        stages=(replace(DISTIL, entry="image"),),
        start="start.safetensors",
        caches=(CACHE,),
        larger=LargerTeacher(recipe="mobilenetv2-gfl-320", weights="wide.safetensors"),
    )
    return Workspace(
        recipe=replace(made, **changes),  # type: ignore[arg-type]
        data=tiny.folder,
        out=folder / "run",
        weights=folder,
    )


def test_the_teacher_of_a_run_is_found_and_checked_before_anything_is_done(
    tiny: TinyData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, jobs = space_of(tiny, tmp_path), []
    shape = replace(recipe("mobilenetv2-gfl-320").model, classes=CLASSES)
    torch.manual_seed(1)
    save_model(Detector(shape), tmp_path / "wide.safetensors")
    monkeypatch.setattr(workspace_module, "run_stage", lambda job, _: jobs.append(job) or job.out / "m")
    space.train(Machine(processes=1, workers=0))
    assert [job.larger for job in jobs] == [
        LargerJob(recipe="mobilenetv2-gfl-320", model=shape, file=tmp_path / "wide.safetensors")
    ]
    assert isinstance(jobs[0], StageJob)
    low = replace(space.recipe, stages=(DISTIL,))
    with pytest.raises(ConfigError, match="Train with entry view or image"):
        replace(space, recipe=low).train(Machine(processes=1))
    save_model(Detector(replace(shape, classes=CLASSES + 1)), tmp_path / "wide.safetensors")
    with pytest.raises(CheckpointError, match="classes is 5 there and 4 here"):
        space.train(Machine(processes=1))
    lite = LargerTeacher(recipe="efficientlite2-gfl-320", weights="wide.safetensors")
    with pytest.raises(
        ConfigError, match=r"efficientlite2-gfl-320 predicts at strides \(8, 16, 32\), the student own"
    ):
        space_of(tiny, tmp_path, larger=lite).train(Machine(processes=1))
    assert len(jobs) == 1


def test_a_teacher_of_other_classes_is_refused_by_their_names(
    tiny: TinyData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space, file = space_of(tiny, tmp_path), tmp_path / "wide.safetensors"
    network = Detector(replace(recipe("mobilenetv2-gfl-320").model, classes=CLASSES))
    save_model(network, file, labels_note(LABELS.labels))
    assert space.larger() is not None
    assert caplog.text == ""
    save_model(network, file, labels_note(LABELS.labels[::-1]))
    with pytest.raises(
        ConfigError,
        match="was trained for truck, bus, car, person, the student own learns person, car, bus, truck;",
    ):
        space.larger()
    save_model(network, file)
    assert space.larger() is not None
    assert "does not say which classes it was trained for: they are taken to be person, car" in caplog.text


def test_weights_name_their_classes(tiny_cache: FeatureCache, tiny: TinyData, tmp_path: Path) -> None:
    job = job_of(STAGE, MODEL, tiny, tmp_path, start=tmp_path / "none", init=None, caches=())
    late = make_trainer(tiny_cache, machine=replace(ALONE, stop_at_s=0.0))
    assert late.run(tmp_path, {}, None, job.notes) is None
    latest = tmp_path / "latest.safetensors"
    assert labels_of(latest) == LABELS.labels
    blend(latest, latest, 0.5, MODEL, tmp_path / "blended.safetensors")
    assert labels_of(tmp_path / "blended.safetensors") == LABELS.labels
    space = Workspace(recipe=space_of(tiny, tmp_path).recipe, data=tiny.folder, out=tmp_path / "run")
    space.stage_folder(0).mkdir(parents=True)
    latest.rename(space.stage_folder(0) / latest.name)
    assert labels_of(hand_over(space, tmp_path / "small")) == LABELS.labels
    imitating = replace(job, config=replace(STAGE, entry="view", loss=ImitationLossConfig()))
    assert imitating.notes == {}


def test_the_card_names_the_teacher(tiny: TinyData, tmp_path: Path) -> None:
    file = str(tmp_path / "wide.safetensors")
    space = space_of(tiny, tmp_path, larger=LargerTeacher(recipe="mobilenetv2-gfl-320", weights=file))
    folder = space.stage_folder(0)
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text("step,images,seconds\n8,16,1.0\n")
    (folder / "revision.txt").write_text("abc")
    facts = training_facts(space, space.final_weights)
    assert facts["larger_teacher"] == "mobilenetv2-gfl-320, wide.safetensors"


def test_recipes_say_who_teaches() -> None:
    own, loss = recipe("own"), DISTIL.loss
    stages = tuple(replace(stage, loss=loss) for stage in own.stages)
    with pytest.raises(ConfigError, match="none is named: set larger, or say --larger"):
        replace(own, stages=stages)
    with pytest.raises(ConfigError, match="no stage has a loss with localization"):
        replace(own, larger=LargerTeacher(recipe="own", weights="w"))
    dense = replace(loss, localization=LocalizationConfig(teacher="dense"))
    stages = tuple(replace(stage, loss=dense) for stage in own.stages)
    with pytest.raises(ConfigError, match=r"dense teachers are to teach.* there are none"):
        replace(own, stages=stages)
    lite1 = recipe("efficientlite1-gfl-416-live")
    stages = tuple(replace(stage, loss=dense) for stage in lite1.stages)
    with pytest.raises(ConfigError, match=r"dense teacher has 8 bins a side.* the student 11"):
        replace(lite1, stages=stages)
    with pytest.raises(ConfigError, match="a larger teacher has taps of its own"):
        replace(DISTIL, entry="taps", trains=("rest",))


def test_any_recipe_takes_a_larger_teacher_by_name(tmp_path: Path) -> None:
    plain = recipe("mobilenetv2-gfl-320")
    made = with_larger(plain, f"mobilenetv2-gfl-320={tmp_path / 'w.safetensors'}")
    assert made.larger == LargerTeacher(
        recipe="mobilenetv2-gfl-320", weights=str((tmp_path / "w.safetensors").resolve())
    )
    # the first begins at cached taps
    assert [stage.taught for stage in made.stages] == [False, True, True, True]
    options = ["train", "mobilenetv2-gfl-320", "--data", "d", "--out", "o", "--larger", "own=w"]
    said = cli.adapted(cli.parser().parse_args(options))
    assert said == with_larger(plain, "own=w")
    full = recipe("efficientlite0-gfl-320-live-distilled")
    other = with_larger(full, "efficientlite2-gfl-320-live=w")
    assert other.larger is not None
    assert other.larger.recipe == "efficientlite2-gfl-320-live"
    assert other.stages == full.stages
    for wrong in ("efficientlite2-gfl-320", "=w", "own="):
        with pytest.raises(ConfigError, match="--larger is RECIPE=FILE"):
            with_larger(plain, wrong)
    with pytest.raises(ConfigError, match="no stage has a loss with localization"):
        taught(recipe("mobilenet-yolo-320-equation5"), LargerTeacher(recipe="own", weights="w"))


@pytest.mark.parametrize("full", [False, True])
def test_rows_differ_in_nothing_but_the_distillation(full: bool) -> None:
    table = table_of("distillation", full=full)

    def bare(made: Recipe) -> Recipe:
        stages = tuple(replace(stage, loss=LossConfig()) for stage in made.stages)
        caches = tuple(replace(cache, top=1) for cache in made.caches)
        return replace(made, larger=None, stages=stages, caches=caches)

    recipes = {row.name: row.recipe for row in table.rows}
    assert all(bare(made) == bare(recipes["without"]) for made in recipes.values())
    losses = {name: {stage.loss for stage in made.stages} for name, made in recipes.items()}
    assert all(len(found) == 1 for found in losses.values())
    regions = {name: next(iter(found)).localization for name, found in losses.items()}
    assert regions.pop("without") is None
    assert regions.pop("dense") is None
    assert regions.pop("coco") == LocalizationConfig(teacher="dense")
    assert regions == {name: found for name, (_, found) in LARGER_ROWS.items()}
    taught_too = {name for name, found in losses.items() if next(iter(found)).distill_box}
    assert taught_too == {"dense"}


def distilled() -> dict[str, Recipe]:
    """All recipes of ours that have a larger teacher."""
    rows = [row for full in (False, True) for row in table_of("distillation", full=full).rows]
    made = {f"{row.recipe.name} {row.name}": row.recipe for row in rows}
    made |= {name: recipe(name) for name in RECIPES}
    return {name: one for name, one in made.items() if one.larger}


def test_the_teachers_of_our_recipes_fit_them() -> None:
    found = distilled()
    assert len(found) == 2 * len(LARGER_ROWS) + 4
    for name, made in found.items():
        assert made.larger is not None
        teacher = recipe(made.larger.recipe)
        check_fits((name, made.model), (teacher.name, teacher.model))
        assert made.labels == teacher.labels


def test_the_study_shares_the_layers_that_fill_the_cache(shared: Path) -> None:
    weights, student = shared / "data" / "weights", table_of("distillation", full=False).rows[0].recipe
    larger = LargerJob(recipe=STUDY.recipe, model=recipe(STUDY.recipe).model, file=weights / STUDY.weights)
    check_shared(larger, weights / student.start)


def test_equation_5_has_no_regions() -> None:
    assert replace(STAGE, loss=YoloV3Config()).localization is None
