# ruff: noqa: E402 - what needs torch is imported after the skip
"""Raw networks in other runtimes: ONNX Runtime, OpenVINO and ncnn agree with torch; times by turns."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra `train` is not installed")
cv2 = pytest.importorskip("cv2")

from surveil.detect.card import InputSpec, sha256_of
from tests.support.clock import StepClock
from tests.support.onnx_models import colour_model
from tests.support.runtimes import need
from training import cli
from training.deploy.deliver import NcnnConfig, as_inputs, deliver, parity, report_of
from training.deploy.ncnn import check_made, run_pnnx
from training.deploy.network import RawNetwork, from_onnx, from_weights
from training.deploy.pictures import drawn_pictures, some_pictures
from training.deploy.runtimes import export_raw, ncnn_run, open_run, torch_run
from training.deploy.speed import SpeedConfig, speed_table, time_shapes
from training.deploy.turns import WARM_UP, take_turns
from training.errors import CheckpointError, ConfigError, DataError, ExportError
from training.models.detector import Detector, save_model
from training.recipes import recipe


class Tiny(torch.nn.Module):
    """Two raw outputs, at strides 2 and 4."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(3, 8, 3, 2, 1)
        self.second = torch.nn.Conv2d(8, 6, 3, 2, 1)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        fine = self.first(x).relu()
        return [fine, self.second(fine)]


def tiny_network() -> RawNetwork:
    return RawNetwork(
        name="tiny",
        module=Tiny().eval(),
        size=(32, 64),
        input=InputSpec(shapes=((32, 64),), layout="NCHW", dtype="float32", std=(255.0, 255.0, 255.0)),
        labels=("thing",),
        reading={"kind": "none", "strides": [2, 4]},
        selection={"nms_iou": 0.6},
        origin={"recipe": "made up"},
    )


def shipped(root: Path, kind: str = "") -> Path:
    return root / "assets" / "models" / f"mobilenetv2-gfl-320{kind}.onnx"


def test_runtimes_agree_with_torch(tmp_path: Path) -> None:
    need("openvino")
    network = tiny_network()
    export_raw(network.module, tmp_path / "raw.onnx", network.size)
    image = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)
    for runtime in ("onnxruntime", "openvino"):
        run = open_run(runtime, tmp_path / "raw.onnx", network.size, threads=1)
        gap = parity(run, torch_run(network.module), [image], "float32")
        assert gap["difference"] < 1e-5, runtime
    with pytest.raises(ConfigError, match="'tensorrt' is unknown: choose among onnxruntime, openvino"):
        open_run("tensorrt", tmp_path / "raw.onnx", network.size, threads=1)


def test_what_does_not_agree_is_refused() -> None:
    run = torch_run(Tiny())

    def worse(image: np.ndarray) -> list[np.ndarray]:
        return [1.05 * out for out in run(image)]

    image = np.ones((1, 3, 32, 64), np.float32)
    with pytest.raises(ExportError, match=r"ncnn, float16: raw outputs differ .* 0\.05 of the largest"):
        parity(worse, run, [image], "float16")
    with pytest.raises(ExportError, match="an output is"):
        parity(lambda image: [out[..., :1] for out in run(image)], run, [image], "float32")


def test_the_shipped_model_is_read_back_and_read_as_its_card_says(root: Path) -> None:
    network = from_onnx(shipped(root), None, (64, 96))
    frame = np.random.default_rng(1).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    raw = torch_run(network.module)(as_inputs(network, {"noise": frame})[0])
    classes, bins = network.reading["classes"], network.reading["reg_max"] + 1
    scores, boxes = [], []
    for level, stride in zip(raw, network.reading["strides"], strict=True):
        rows, columns = level.shape[2:]
        cells = level[0].reshape(level.shape[1], -1).T
        scores.append(1 / (1 + np.exp(-cells[:, :classes])))
        share = np.exp(cells[:, classes:].reshape(-1, 4, bins))
        sides = stride * (share / share.sum(-1, keepdims=True) @ np.arange(bins))
        y, x = np.mgrid[:rows, :columns]
        centres = (np.stack([x.ravel(), y.ravel()], 1) + 0.5) * stride
        boxes.append(np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], 1))
    session = ort.InferenceSession(str(shipped(root)), providers=["CPUExecutionProvider"])
    true_boxes, true_scores = session.run(["boxes", "scores"], {"image": frame[None]})
    assert np.abs(np.concatenate(scores) - true_scores[0]).max() < 1e-4
    assert np.abs(np.concatenate(boxes) - true_boxes[0]).max() < 1e-2
    assert network.labels[0] == "person"
    assert network.origin["recipe"] == "mobilenetv2-gfl-320-tuned"
    assert network.selection["nms_iou"] == 0.6
    assert network.selection["thresholds"]["display"] == 0.48


def test_models_whose_network_is_not_known_are_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"of its recipe's network are not .*--weights-file"):
        from_onnx(shipped(root, "-int8"), None, None)
    with pytest.raises(ExportError, match=r"colours\.onnx: names no recipe"):
        from_onnx(colour_model(tmp_path), None, None)
    with pytest.raises(ConfigError, match="multiples of 32, got 100x64"):
        from_onnx(shipped(root), None, (64, 100))


def test_the_network_of_a_recipe_with_weights(tmp_path: Path) -> None:
    made = recipe("mobilenetv2-gfl-320")
    save_model(Detector(made.model), tmp_path / "weights.safetensors")
    network = from_weights(made, tmp_path / "weights.safetensors", None)
    assert network.size == made.sizes[0]
    assert network.name == made.ships
    with torch.no_grad():
        assert next(tuple(x.shape) for x in network.module(torch.zeros(1, 3, 64, 64))) == (1, 38, 8, 8)


def test_a_recipe_needs_weights_and_a_file_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ncnn", reason="the extra `ncnn` is not installed")
    pytest.importorskip("pnnx", reason="the extra `ncnn` is not installed")
    assert cli.main(["ncnn", "mobilenetv2-gfl-320", "--out", "nowhere"]) == 2
    assert "name its weights with --weights-file" in capsys.readouterr().err
    assert cli.main(["ncnn", "m.onnx", "--weights-file", "w.safetensors", "--out", "nowhere"]) == 2
    assert "leave --weights-file out" in capsys.readouterr().err


def test_failures_of_pnnx_are_told_with_its_last_lines(tmp_path: Path) -> None:
    def program(code: str, timeout_s: float = 60.0) -> str:
        return run_pnnx([sys.executable, "-c", code], tmp_path, timeout_s)

    assert program("print('fine')").strip() == "fine"
    with pytest.raises(ExportError, match=r"pnnx fails \(3\); its last lines:\n  line 8\n[^$]*line 19$"):
        program("print(*(f'line {k}' for k in range(20)), sep='\\n'); raise SystemExit(3)")
    with pytest.raises(ExportError, match=r"pnnx fails \(1\); it said nothing"):
        program("raise SystemExit(1)")
    with pytest.raises(ExportError, match=r"longer than 0\.1 s"):
        program("import time; time.sleep(60)", 0.1)
    with pytest.raises(ExportError, match="pnnx does not start"):
        run_pnnx([str(tmp_path / "none")], tmp_path)


def test_layers_that_ncnn_does_not_know_are_named(tmp_path: Path) -> None:
    path = tmp_path / "net.ncnn.param"
    head = "7767517\n2 2\nInput in0 0 1 in0\n"
    path.write_text(head + "Convolution conv_0 1 1 in0 out0 0=32\n")
    check_made([path])
    path.write_text(head + "torch.gather gather_0 1 1 in0 out0\n")
    with pytest.raises(ExportError, match=r"layers that ncnn does not know: torch\.gather"):
        check_made([path])
    with pytest.raises(ExportError, match=r"wrote no net\.ncnn\.bin"):
        check_made([path, tmp_path / "net.ncnn.bin"])


def test_a_network_goes_to_ncnn(tmp_path: Path) -> None:
    pytest.importorskip("ncnn", reason="the extra `ncnn` is not installed")
    pytest.importorskip("pnnx", reason="the extra `ncnn` is not installed")
    need("openvino")
    places = tmp_path / "pictures"
    places.mkdir()
    rng = np.random.default_rng(2)
    cv2.imwrite(str(places / "noise.png"), rng.integers(0, 256, (48, 64, 3)).astype(np.uint8))
    network, out = tiny_network(), tmp_path / "out"
    card = deliver(network, out, NcnnConfig(places=(places,), pictures=1, threads=1, rounds=1))
    assert sorted(p.name for p in out.iterdir()) == ["tiny.ncnn.bin", "tiny.ncnn.json", "tiny.ncnn.param"]
    assert json.loads((out / "tiny.ncnn.json").read_text()) == card
    assert card["sha256"]["tiny.ncnn.bin"] == sha256_of(out / "tiny.ncnn.bin")
    assert card["input"] | {"norm_vals": None} == {
        "name": "in0",
        "width": 64,
        "height": 32,
        "channels": "BGR",
        "resize": "letterbox on grey 114",
        "interpolation": "linear",
        "mean_vals": [0.0, 0.0, 0.0],
        "norm_vals": None,
    }
    assert card["outputs"][1] == {"name": "out1", "shape": [6, 8, 16], "stride": 4}
    assert card["weights"] == "float16"
    assert card["parity"]["float32"]["share"] < 1e-5
    assert 0 < card["parity"]["float16"]["share"] < 1e-2
    rows = {row["runtime"]: row for row in card["speed"]["rows"]}
    assert set(rows) == {"ONNX Runtime", "OpenVINO", "ncnn, float32", "ncnn, float16"}
    assert all(row["best_ms"] > 0 for row in rows.values())
    assert "| ncnn, float16 |" in report_of(card)
    # the files by themselves, as somebody else runs them
    run = ncnn_run(out / card["param"], out / card["bin"], ["out0", "out1"], 1, half=False)
    image = rng.random((1, 3, 32, 64), np.float32)
    assert parity(run, torch_run(network.module), [image], "float16")["share"] < 1e-2
    (out / "tiny.ncnn.param").write_text("no network")
    with pytest.raises(ExportError, match=r"tiny\.ncnn\.param: ncnn does not load this file"):
        ncnn_run(out / card["param"], out / card["bin"], ["out0"], 1, half=False)


@pytest.mark.slow
def test_the_shipped_model_goes_to_ncnn(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("ncnn", reason="the extra `ncnn` is not installed")
    pytest.importorskip("pnnx", reason="the extra `ncnn` is not installed")
    options = ["--out", str(tmp_path), "--pictures", "2", "--rounds", "0", "--threads", "1"]
    assert cli.main(["ncnn", str(shipped(root)), *options]) == 0
    card = json.loads((tmp_path / "mobilenetv2-gfl-320.ncnn.json").read_text())
    assert [out["shape"] for out in card["outputs"]] == [[38, s, s] for s in (40, 20, 10, 5)]
    assert card["reading"]["reg_max"] == 7


def test_pictures_are_spread_over_their_names(tmp_path: Path) -> None:
    for k in range(5):
        cv2.imwrite(str(tmp_path / f"{k}.png"), np.full((4, 4, 3), k, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    assert list(some_pictures([tmp_path], 3)) == ["0.png", "2.png", "4.png"]
    assert len(some_pictures([tmp_path], 9)) == 5
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: no pictures"):
        some_pictures([tmp_path / "empty"], 3)
    (tmp_path / "empty" / "broken.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"broken\.jpg: the picture does not decode"):
        some_pictures([tmp_path / "empty"], 3)
    with pytest.raises(ConfigError, match="one picture or more"):
        some_pictures([tmp_path], 0)


def test_drawn_pictures_are_the_same_every_time() -> None:
    one, other = drawn_pictures(1), drawn_pictures(1)
    assert list(one) == ["street-01"]
    assert np.array_equal(one["street-01"], other["street-01"])


def test_turns_are_taken_and_the_first_rounds_do_not_count() -> None:
    clock, seen = StepClock(), []

    def job(name: str, takes_s: float) -> object:
        def work(number: int) -> None:
            seen.append((name, number))
            clock.now_s += takes_s

        return work

    timings = take_turns({"a": job("a", 0.25), "b": job("b", 0.5)}, 4, clock)  # type: ignore[dict-item]
    assert len(seen) == 2 * (4 + WARM_UP)
    assert {name for name, _ in seen[:2]} == {"a", "b"}
    assert {number for _, number in seen} == {0, 1, 2, 3}
    assert timings["b"].seconds.tolist() == [0.5] * 4
    figures = timings["b"].to_json(timings["a"])
    assert (figures["median_ms"], figures["best_ms"], figures["ratio"]) == (500.0, 500.0, 2.0)


def test_untrained_networks_are_timed() -> None:
    config = SpeedConfig(
        names=("yolov4-tiny",), side=32, classes=2, runtimes=("onnxruntime",), rounds=1, threads=1
    )
    report = time_shapes(config)
    (row,) = report["rows"]
    assert row["input"] == "32x32"
    assert row["parameters"] == 6_056_606 - (512 + 256 + 2) * 3 * 78  # 78 classes fewer
    assert row["ratio"] == 1.0
    assert "| yolov4-tiny | 32x32 | 5,876,426 |" in speed_table(report)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": 100}, "steps of 32 pixels, got 100"),
        ({"rounds": 0}, "rounds and threads from 1"),
        ({"names": ("a", "a")}, "named twice"),
        ({"runtimes": ("ncnn",)}, "'ncnn' is unknown: choose among onnxruntime, openvino"),
    ],
)
def test_what_cannot_be_timed_is_said(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SpeedConfig(**change)  # type: ignore[arg-type]
