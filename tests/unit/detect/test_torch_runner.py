from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveil.detect.open import open_detector
from surveil.detect.program import read_program
from surveil.errors import DeviceError, ModelError
from tests.support.frames import RED, frame_of
from tests.support.onnx_models import SIDE, colour_model
from tests.support.programs import colour_program
from tests.support.runtimes import need


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("torch")
    return colour_program(tmp_path_factory.mktemp("program"), free_batch=True)


def _open(path: Path, **options: Any) -> Any:
    return open_detector(str(path), **{"device": "cpu", "runtime": "torch", "threads": 1, **options})


def _changed(program: Path, folder: Path, name: str, change: Callable[[Any], None]) -> Path:
    """A copy in which one JSON file of the archive differs."""
    path = folder / program.name
    with zipfile.ZipFile(program) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith(name):
                document = json.loads(content)
                change(document)
                content = json.dumps(document).encode()
            target.writestr(entry, content)
    return path


def test_finds_what_is_there(program: Path) -> None:
    detector = _open(program)
    assert detector.device == "CPU, 1 thread (torch)"
    (found,) = detector.detect([detector.prepare(frame_of((128, 64), (RED, (32, 0, 64, 32))))])
    assert found.boxes.tolist() == [[32, 0, 64, 32]]


def test_programs_need_no_runtime_by_name(program: Path) -> None:
    assert _open(program, runtime="auto").device.endswith("(torch)")


def test_torchs_own_reader_computes_the_same(program: Path) -> None:
    import torch

    picture = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), np.uint8)
    wanted = torch.export.load(program).module()(torch.from_numpy(picture))
    network = _open(program).network
    assert network.outputs == ("scores", "boxes")
    for got, want in zip(network.run(picture), wanted, strict=True):
        assert np.array_equal(got, want.numpy())


def test_the_file_holds_no_pickle_and_no_path_of_this_machine(program: Path) -> None:
    with zipfile.ZipFile(program) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    pickles = [name for name, content in contents.items() if name.endswith(".pt") and content]
    assert not pickles
    assert not any(str(Path(__file__).parent.parent).encode() in content for content in contents.values())


def test_pickled_weights_are_not_opened(program: Path, tmp_path: Path) -> None:
    def pickled(document: Any) -> None:
        for entry in document["config"].values():
            entry["use_pickle"] = True

    path = _changed(program, tmp_path, "model_weights_config.json", pickled)
    with pytest.raises(ModelError, match="is pickled; pickles are not opened"):
        read_program(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["schema_version"].update(major=9), "its format is 9, expected 8"),
        (lambda d: d.pop("graph_module"), "it lacks 'graph_module'"),
        (lambda d: d["graph_module"]["graph"]["nodes"][0]["inputs"].append(
            {"name": "x", "arg": {"as_graph": {}}, "kind": 1}), "'as_graph' are not read"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(
    program: Path, tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    with pytest.raises(ModelError, match=rf"colours-torch\.pt2: this program .* cannot be used: .*{message}"):
        read_program(_changed(program, tmp_path, "models/model.json", change))


@pytest.mark.parametrize(
    "target", ["torch.ops.aten.from_file.default", "os.system", "torch.ops.evil.run.default"]
)
def test_only_steps_of_the_list_are_carried_out(program: Path, tmp_path: Path, target: str) -> None:
    from surveil.detect.devices import parse_device
    from surveil.detect.runner import NetworkConfig
    from surveil.detect.torch_runner import open_torch

    def other(document: Any) -> None:
        document["graph_module"]["graph"]["nodes"][0]["target"] = target

    path = _changed(program, tmp_path, "models/model.json", other)
    config = NetworkConfig(path=path, shape=(1, SIDE, SIDE, 3), device=parse_device("cpu"))
    with pytest.raises(ModelError, match=f"the step {target} is not among those"):
        open_torch(config)


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_broken_file_is_a_model_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pt2"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.pt2: not an archive of torch\.export"):
        read_program(path)


def test_an_onnx_file_is_not_for_torch(tmp_path: Path) -> None:
    need("torch")
    with pytest.raises(ModelError, match=r"torch runs programs of torch\.export"):
        _open(colour_model(tmp_path))


def test_cuda_that_is_not_there_is_said(program: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(DeviceError, match=r"no CUDA: torch .* finds none"):
        _open(program, device="cuda")


def test_a_closed_one_says_so(program: Path) -> None:
    detector = _open(program)
    prepared = detector.prepare(frame_of((9, 9)))
    detector.close()
    with pytest.raises(ModelError, match="this detector is closed"):
        detector.detect([prepared])


@pytest.mark.gpu
def test_cuda_computes_what_the_cpu_computes(program: Path) -> None:
    rng = np.random.default_rng(0)
    cpu, cuda = _open(program).network, _open(program, device="cuda").network
    assert cuda.device == "CUDA:0 (torch)"
    for batch in (1, 3, 1):
        picture = rng.integers(0, 256, (batch, SIDE, SIDE, 3), np.uint8)
        for got, want in zip(cuda.run(picture), cpu.run(picture), strict=True):
            assert np.abs(got - want).max() < 1e-3
