# ruff: noqa: E402 - what needs torch is imported after the skip
"""Folding, the exported graph against torch, int8, and the card."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
onnx = pytest.importorskip("onnx", reason="the extra `train` is not installed")
onnxruntime = pytest.importorskip("onnxruntime")

from surveil.detect.assets import list_models
from surveil.detect.card import load_card
from surveil.detect.devices import parse_device
from surveil.detect.runner import NetworkConfig
from surveil.errors import OutputError
from tests.support.runtimes import need
from tests.training.tiny_families import LITE, LITE_V2, YOLO
from training import files
from training.data.augment import letterbox
from training.evaluate.detect import decode_picture, find_pictures
from training.evaluate.judge import size_name
from training.evaluate.truth import load_truth
from training.export.card import CardTexts, build_card
from training.export.fold import fold, round_to_half
from training.export.graph import Deployed, export_onnx, parity
from training.export.int8 import (
    Int8Config,
    calibrate,
    convolutions,
    decoding,
    float_initialisers,
    quantise,
)
from training.export.sensitivity import LAST, node_groups
from training.models.detector import Detector, reading_of
from training.models.onnx_graph import read_metadata
from training.models.reading import places_of
from training.models.shapes import DetectorConfig, HybridConfig
from training.recipes import recipe

MODEL = HybridConfig(classes=3, width=16, depth=1)
MODELS = Path(__file__).parents[2] / "assets" / "models"


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Random weights, with batch-norm statistics that are not trivial and scores that differ."""
    torch.manual_seed(7)
    return unsettled(Detector(MODEL))


def unsettled(model: Detector) -> Detector:
    """Its norms are not trivial, and its scores differ."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    for conv in model.head.out:
        torch.nn.init.normal_(conv.weight, std=0.5)
    return model.eval()


@pytest.fixture(scope="module")
def exported(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Deployed]:
    path = tmp_path_factory.mktemp("export") / "tiny.onnx"
    return path, export_onnx(round_to_half(fold(detector)), path, {"recipe": "tiny"}, (64, 96))


def pictures(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (count, height, width, 3)).astype(np.uint8)


def run(model: Path, images: np.ndarray) -> list[np.ndarray]:
    """Boxes and scores."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return session.run(["boxes", "scores"], {"image": images})


def test_folding_changes_nothing(detector: Detector) -> None:
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        a, b = (detector.reading.flatten(one(x)) for one in (detector, fold(detector)))
    assert torch.allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 64, 96), (3, 64, 96), (1, 96, 32)])
def test_onnx_agrees_with_torch_at_any_batch_and_size(
    exported: tuple[Path, Deployed], shape: tuple[int, ...]
) -> None:
    gap = parity(*exported, pictures(*shape))
    assert gap["scores"] < 1e-4
    assert gap["boxes"] < 1e-4


def test_the_graph_keeps_the_contract_of_the_card(exported: tuple[Path, Deployed]) -> None:
    proto = onnx.load(exported[0])
    (image,) = proto.graph.input
    assert (image.name, image.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert [o.name for o in proto.graph.output] == ["boxes", "scores"]
    assert proto.opset_import[0].version >= 17
    large = [
        t for t in proto.graph.initializer if t.data_type == onnx.TensorProto.FLOAT and np.prod(t.dims) >= 64
    ]
    assert not large
    boxes, scores = run(exported[0], pictures(2, 64, 96))
    assert boxes.shape == (2, 128, 4)
    assert scores.shape == (2, 128, 3)
    assert ((scores > 0) & (scores < 1)).all()
    assert (boxes[..., 2:] >= boxes[..., :2]).all()


@pytest.mark.parametrize("family", [YOLO, LITE, LITE_V2], ids=["yolo", "lite", "lite-gfl2"])
def test_every_family_is_exported_and_agrees_with_torch(family: DetectorConfig, tmp_path: Path) -> None:
    torch.manual_seed(7)
    model = unsettled(Detector(family))
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        a, b = (model.reading.flatten(one(x)) for one in (model, fold(model)))
    assert torch.allclose(a, b, atol=1e-3)
    path = tmp_path / "family.onnx"
    deployed = export_onnx(round_to_half(fold(model)), path, {}, (64, 96))
    for shape in ((1, 64, 96), (3, 64, 96), (1, 96, 32)):
        gap = parity(path, deployed, pictures(*shape))
        assert gap["scores"] < 1e-4
        assert gap["boxes"] < 1e-4
    boxes, scores = run(path, pictures(2, 64, 96))
    assert boxes.shape == (2, model.reading.anchors * (96 + 24 + 6), 4)
    assert scores.shape == (*boxes.shape[:2], family.classes)
    proto = float_initialisers(onnx.load(path))
    kept = set(decoding(proto)).intersection(convolutions(proto))
    assert len(kept) == (6 if family == LITE_V2 else 0)  # the quality branch reads decoded sides
    assert set(node_groups(proto)) >= {"neck", "head, towers", "head, last 1x1"}


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU (…) of boxes (…, 4) with those in the same places."""
    inner = (np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])).clip(0).prod(-1)
    return inner / ((a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inner)


@pytest.mark.timeout(600)  # ONNX Runtime quantises slowly on a busy machine
def test_int8_of_anchors_keeps_scores_and_boxes(tmp_path: Path) -> None:
    torch.manual_seed(7)
    path, target = tmp_path / "yolo.onnx", tmp_path / "yolo-int8.onnx"
    export_onnx(round_to_half(fold(unsettled(Detector(YOLO)))), path, {}, (64, 96))
    calibration = calibrate(path, [*pictures(4, 64, 96)], Int8Config(images=4))
    last = node_groups(float_initialisers(onnx.load(path)))[LAST]
    assert len(last) == 3
    boxes, exact = run(path, pictures(2, 64, 96))
    fits = []
    for keep in ((), last):
        quantise(path, target, calibration, keep)
        coarse_boxes, coarse = run(target, pictures(2, 64, 96))
        assert np.corrcoef(exact.ravel(), coarse.ravel())[0, 1] > 0.9
        fits.append(overlaps(boxes, coarse_boxes).mean())
    assert fits[1] > max(fits[0], 0.9)
    inputs = {node.name: node.input for node in onnx.load(target).graph.node}
    assert all(not name.endswith("_DequantizeLinear_Output") for node in last for name in inputs[node][1:])


@pytest.mark.timeout(600)  # ONNX Runtime quantises slowly on a busy machine
def test_int8_of_paper_b_is_alike_in_both_runtimes(tmp_path: Path) -> None:
    """Sums without convolutions, bilinear resizing down and up, ReLU, GFL v1."""
    need("openvino")
    from surveil.detect.openvino_runner import open_openvino

    torch.manual_seed(7)
    path, target = tmp_path / "lite.onnx", tmp_path / "lite-int8.onnx"
    export_onnx(round_to_half(fold(unsettled(Detector(LITE)))), path, {}, (64, 96))
    assert "linear" in {
        a.s.decode() for n in onnx.load(path).graph.node for a in n.attribute if a.name == "mode"
    }
    quantise(path, target, calibrate(path, [*pictures(4, 64, 96)], Int8Config(images=4)), ())
    x = pictures(1, 64, 96)
    network = open_openvino(
        NetworkConfig(path=target, shape=(1, 64, 96, 3), device=parse_device("cpu"), threads=1)
    )
    named = dict(zip(network.outputs, network.run(x), strict=True))
    (boxes, exact), others = run(path, x), (run(target, x), (named["boxes"], named["scores"]))
    for coarse_boxes, coarse in others:
        assert np.corrcoef(exact.ravel(), coarse.ravel())[0, 1] > 0.9
        assert overlaps(boxes, coarse_boxes).mean() > 0.9
    assert np.corrcoef(others[0][1].ravel(), others[1][1].ravel())[0, 1] > 0.95


@pytest.mark.parametrize("form", ["float", "int8"])
def test_a_full_disk_leaves_what_was_there(
    detector: Detector,
    exported: tuple[Path, Deployed],
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, source = tmp_path / "tiny.onnx", exported[0]
    path.write_bytes(b"before")
    calibration = calibrate(source, [*pictures(1, 64, 96)], Int8Config(images=1, values=16))
    everything = [node.name for node in onnx.load(source).graph.node]  # quantising is not what is tried
    write = {
        "float": lambda: export_onnx(round_to_half(fold(detector)), path, {}, (64, 96)),
        "int8": lambda: quantise(source, path, calibration, everything),
    }[form]

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write()
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("tiny.onnx", b"before")]


@pytest.mark.timeout(400)  # ONNX Runtime quantises slowly on a busy machine
def test_int8_quantises_the_convolutions_and_leaves_decoding(
    exported: tuple[Path, Deployed], tmp_path: Path
) -> None:
    proto = float_initialisers(onnx.load(exported[0]))
    assert not [n for n in decoding(proto) if n in convolutions(proto)]
    assert len(convolutions(proto)) == 52 + 3 + 2 + 5 * 3 + 3 * 2 + 4 * 3
    target = tmp_path / "tiny-int8.onnx"
    calibration = calibrate(exported[0], [*pictures(2, 64, 96), *pictures(2, 96, 64)], Int8Config(images=4))
    assert all(low <= 0 < high for low, high in calibration.ranges.values())
    quantise(exported[0], target, calibration, convolutions(proto)[:1])
    small = onnx.load(target)
    assert len([n for n in small.graph.node if n.op_type == "QuantizeLinear"]) > 50
    assert target.stat().st_size < 0.75 * exported[0].stat().st_size
    for shape in ((2, 64, 96), (1, 96, 64), (3, 32, 32)):
        (_, exact), (_, coarse) = run(exported[0], pictures(*shape)), run(target, pictures(*shape))
        assert exact.shape == coarse.shape
        assert np.corrcoef(exact.ravel(), coarse.ravel())[0, 1] > 0.9


def test_a_card_is_written_and_read_back(exported: tuple[Path, Deployed], tmp_path: Path) -> None:
    texts = CardTexts(labels_name="three", licence="Apache-2.0", credits=("someone",), notes=("careful",))
    card = build_card(exported[0], texts, ("a", "b", "c"), ((64, 96), (32, 32)), "other-name")
    card.save(tmp_path / "other-name.json")
    read = load_card(tmp_path / "other-name.json")
    assert read == card
    assert (read.name, read.file) == ("other-name", "tiny.onnx")
    assert read.measured == {"notes": ["careful"]}
    assert read.input.shapes == ((64, 96), (32, 32))


SIZES = ((320, 320), (416, 416), (256, 416))


def real_pictures(shared: Path, count: int, size: tuple[int, int]) -> np.ndarray:
    """Some of the validation pictures, letterboxed."""
    detection = shared / "data" / "detection"
    truth = load_truth(detection / "val.json")
    found = islice(find_pictures(truth, [detection / "val-0.tar"]), 0, 40 * count, 40)
    return np.stack([letterbox(decode_picture(truth, k, raw), *size)[0] for k, raw in found])


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=size_name)
def test_the_real_backbone_agrees_with_torch_on_real_pictures(
    detector: Detector, shared: Path, size: tuple[int, int], tmp_path: Path
) -> None:
    real = Detector(HybridConfig())
    for own, other in zip(real.head.out, detector.head.out, strict=True):
        torch.nn.init.normal_(own.weight, std=float(other.weight.detach().std()))
    real.backbone.load_start(shared / "data" / "weights" / "mobilenet_v2_1.0_pvb_2003.safetensors")
    path = tmp_path / "real.onnx"
    deployed = export_onnx(round_to_half(fold(real.eval())), path, {}, SIZES[0])
    gap = parity(path, deployed, real_pictures(shared, 4, size))
    assert gap["scores"] < 1e-4
    assert gap["boxes"] < 1e-4


def shipped() -> list[tuple[Path, tuple[int, int]]]:
    """Each file that ships in float, at each size of its card."""
    sizes = {model.path: model.card.input.shapes for model in list_models((MODELS,))}
    return [(path, size) for path in sizes if not path.stem.endswith("-int8") for size in sizes[path]]


@pytest.mark.parametrize(
    ("path", "size"), shipped(), ids=[f"{path.stem} at {size_name(size)}" for path, size in shipped()]
)
def test_what_ships_runs_at_every_size_also_as_int8(shared: Path, path: Path, size: tuple[int, int]) -> None:
    card, made = load_card(path.with_suffix(".json")), recipe(read_metadata(path)["recipe"])
    x = real_pictures(shared, 2, size)
    boxes, exact = run(path, x)
    places = len(places_of(reading_of(made.model), size).strides)
    assert boxes.shape == (2, places, 4)
    assert exact.shape == (2, places, len(card.labels))
    seen = exact > 0.3
    assert seen.any()
    small = path.with_name(f"{path.stem}-int8.onnx")
    assert small.exists() == (made.int8 is not None)
    if small.exists():
        coarse_boxes, coarse = run(small, x)
        assert exact.shape == coarse.shape
        assert np.abs(exact - coarse)[seen].mean() < 0.05
        assert overlaps(boxes, coarse_boxes)[seen.any(-1)].mean() > 0.9
