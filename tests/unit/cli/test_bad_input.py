"""Every bad input of `surveil run`: one clear line on stderr, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from surveil.detect.card import Thresholds
from tests.support.clips import damage, write_clip, write_sound
from tests.support.onnx_models import colour_model

Cli = Callable[..., Any]
SURE = {"thresholds": Thresholds(low=0.4, high=0.45, birth=0.5, display=0.45)}


def refused(outcome: Any, code: int, pattern: str) -> None:
    """One line that says it, no traceback, and the code."""
    assert outcome.code == code, outcome.err
    assert re.search(pattern, outcome.err), outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.err.startswith("error: ")
    assert len(outcome.err.splitlines()) == 1, outcome.err


def missing(folder: Path) -> Path:
    return folder / "missing.mp4"


def empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def junk(folder: Path) -> Path:
    (folder / "junk.mp4").write_bytes(bytes(range(256)) * 40)
    return folder / "junk.mp4"


def truncated(folder: Path) -> Path:
    path = write_clip(folder / "cut.mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # the index stands at the end
    return path


def sound(folder: Path) -> Path:
    return write_sound(folder / "sound.mp4")


def without_images(folder: Path) -> Path:
    (folder / "none").mkdir()
    (folder / "none" / "readme.md").touch()
    return folder / "none"


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (missing, "no such file"),
        (empty, "empty"),
        (junk, "not a video"),
        (truncated, "cut off.*moov"),
        (sound, "only sound"),
        (without_images, "neither images nor videos"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_source_that_is_none(
    cli: Cli, model: Path, tmp_path: Path, make: Callable[[Path], Path], pattern: str
) -> None:
    outcome = cli("run", make(tmp_path), "--model", model, "--out", "o.mp4", "--jsonl", "o.jsonl")
    refused(outcome, 3, pattern)
    assert not list(Path.cwd().glob("o.*"))


@pytest.mark.parametrize("make", [missing, empty, without_images], ids=lambda make: make.__name__)
def test_source_that_is_not_there_is_said_before_anything_is_loaded(
    cli: Cli, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    refused(cli("run", make(tmp_path), "--model", "nosuch.onnx"), 3, "no such file|empty|neither")
    assert not Path("surveil-out").exists()


def test_picture_that_is_not_there(cli: Cli, model: Path) -> None:
    refused(cli("run", "missing.jpg", "--model", model), 3, "missing.jpg: there is no such file")


def test_damaged_recording_goes_on_and_counts(cli: Cli, model: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c.mp4", frames=60, size=(160, 120))
    damage(clip, 0.4, 300)
    outcome = cli("run", clip, "--model", model, "--jsonl", "o.jsonl")
    assert outcome.code == 0, outcome.err
    assert 20 < len(Path("o.jsonl").read_text().splitlines()) <= 60
    assert "left out" in outcome.out


def test_one_bad_recording_leaves_the_others(cli: Cli, model: Path, clip: Path, tmp_path: Path) -> None:
    bad = junk(tmp_path)
    outcome = cli("run", bad, clip, "--model", model, "--out", "videos", "--mot", "mot", "--jsonl", "-")
    assert outcome.code == 3
    assert [row["frame"] for row in outcome.rows] == list(range(20))
    assert [path.name for path in Path("videos").iterdir()] == ["square.mp4"]
    assert [path.name for path in Path("mot").iterdir()] == ["square.txt"]  # an empty one would say: nobody
    assert "not a video" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: 1 of 2 sources could not be processed (junk)")


@pytest.mark.parametrize("option", ["--out", "--jsonl", "--mot", "--save-detections"])
def test_folder_as_output(cli: Cli, model: Path, clip: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "folder").mkdir()
    refused(cli("run", clip, "--model", model, option, "folder"), 1, "folder")


@pytest.mark.parametrize("name", ["o.avi", "videos"])
def test_video_of_another_kind(cli: Cli, model: Path, clip: Path, name: str) -> None:
    refused(cli("run", clip, "--model", model, "--out", name), 2, rf"{name}: .* ends in \.mp4")
    assert not Path(name).exists()


@pytest.mark.parametrize("option", [["--out", "o.mp4"], ["--no-video", "--mot", "o.txt"]], ids=" ".join)
def test_file_as_output_of_several_sources(cli: Cli, model: Path, clip: Path, option: list[str]) -> None:
    refused(cli("run", clip, clip, "--model", model, *option), 2, "it is a folder .* such as o$")
    assert not Path(option[-1]).exists()


@pytest.mark.parametrize("option", ["--out", "--jsonl", "--mot", "--save-detections"])
def test_output_below_a_file(cli: Cli, model: Path, clip: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    refused(cli("run", clip, "--model", model, option, "file/o"), 1, "is a file, not a folder")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("option", ["--jsonl", "--mot", "--save-detections"])
def test_full_disk(cli: Cli, model: Path, clip: Path, option: str) -> None:
    outcome = cli("run", clip, "--model", model, "--out", "o.mp4", option, "/dev/full", "-q")
    refused(outcome, 1, "/dev/full: the disk is full")
    assert Path("o.mp4.part").is_file()
    assert not Path("o.mp4").exists()


def test_output_that_is_the_input(cli: Cli, model: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "c.mp4")
    before = clip.read_bytes()
    refused(cli("run", clip, "--model", model, "--out", clip), 2, "would overwrite")
    refused(cli("run", clip, "--model", model, "--mot", "x", "--jsonl", "x"), 2, "would overwrite")
    assert clip.read_bytes() == before


def test_no_frame_between_start_and_end(cli: Cli, model: Path, clip: Path) -> None:
    refused(cli("run", clip, "--model", model, "--start", 100), 2, "no frame from 100 s.*20 frames")
    refused(cli("run", clip, "--model", model, "--start", 1, "--end", 0.5), 2, "(?i)start|end")


@pytest.mark.parametrize(
    ("arguments", "code", "pattern"),
    [
        (["--classes", "rde"], 2, "unknown class 'rde': did you mean 'red'"),
        (["--device", "tpu"], 2, "unknown device 'tpu'"),
        (["--input-size", "64"], 2, "--input-size 64: expected WIDTHxHEIGHT"),
        (["--input-size", "96x32"], 2, "colours was not measured at an input size of 96x32.*known are 64x64"),
        (["--runtime", "torch"], 4, r"\.pt2|pip install 'surveil\[train\]'"),
        (["--runtime", "openvino", "--device", "cuda"], 4, "CPU only|pip install"),
        (["--model", "yolo"], 4, "unknown model 'yolo'"),
        (["--model", "nosuch.onnx"], 4, "nosuch.onnx: no such model"),
        (["--card", "nosuch.json"], 4, "nosuch.json"),
        (["--no-video", "--out", "o.mp4"], 2, "--no-video"),
        (["--detections", "nosuch.jsonl"], 2, "nosuch.jsonl"),
        (["--password", "hunter2"], 2, "--password wants keyring:NAME or"),
        (["--username", "me"], 2, "no source is one"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_argument_that_cannot_work(
    cli: Cli, model: Path, clip: Path, arguments: list[str], code: int, pattern: str
) -> None:
    given = arguments if "--model" in arguments else ["--model", str(model), *arguments]
    refused(cli("run", clip, *given), code, pattern)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["rtsp://10.0.0.7/1", "--username", "me", "--password", "hunter2"], "--password wants keyring:NAME"),
        (["--username", "me"], "name a camera's address"),
        (["--demo", "--rtsp-transport", "udp"], "name a camera's address"),
    ],
)
def test_login_of_a_window_that_cannot_work(cli: Cli, arguments: list[str], pattern: str) -> None:
    refused(cli("gui", *arguments), 2, pattern)


@pytest.mark.parametrize(
    "arguments",
    [["--every", "0"], ["--min-score", "2"], ["--tracker", "x"], ["--runtime", "x"], ["--nosuch"], []],
    ids=" ".join,
)
def test_usage_that_the_parser_refuses(cli: Cli, clip: Path, arguments: list[str]) -> None:
    outcome = cli("run", *([clip, *arguments] if arguments else []))
    assert outcome.code == 2
    assert "Usage: surveil run" in outcome.err


def test_cuda_that_is_not_there_fails_loudly(cli: Cli, model: Path, clip: Path) -> None:
    from surveil.detect.devices import cuda_driver

    if cuda_driver() is not None:
        pytest.skip("this machine has an NVIDIA driver")
    refused(cli("run", clip, "--model", model, "--device", "cuda"), 4, "no CUDA.*--device cpu")


def test_model_without_card(cli: Cli, clip: Path, tmp_path: Path) -> None:
    path = colour_model(tmp_path)
    path.with_suffix(".json").unlink()
    refused(cli("run", clip, "--model", path), 4, "card .*colours.json is missing")


def test_model_that_is_another_than_its_card_says(cli: Cli, clip: Path, tmp_path: Path) -> None:
    path = colour_model(tmp_path)
    with path.open("ab") as file:
        file.write(b" ")
    refused(cli("run", clip, "--model", path), 4, "sha256")


def test_model_whose_shapes_are_wrong(cli: Cli, clip: Path, tmp_path: Path) -> None:
    path = colour_model(tmp_path, **SURE)
    card = json.loads(path.with_suffix(".json").read_text())
    card["input"]["shapes"] = [[32, 32]]
    path.with_suffix(".json").write_text(json.dumps(card))
    refused(cli("run", clip, "--model", path), 4, r"expected \(1, 32, 32, 3\), got \(1, 64, 64, 3\)")


def test_model_that_answers_nonsense(cli: Cli, clip: Path, tmp_path: Path) -> None:
    refused(cli("run", clip, "--model", colour_model(tmp_path, broken=True)), 4, "NaN")


def test_frame_size_that_changes_in_mid_stream(cli: Cli, model: Path, tmp_path: Path) -> None:
    sizes = [(64, 48), (96, 64)]
    parts = [write_clip(tmp_path / f"{n}.ts", frames=10, size=size) for n, size in enumerate(sizes)]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    outcome = cli("run", "both.ts", "--model", model, "--jsonl", "-", "-q")
    assert outcome.code == 0, outcome.err
    assert len(outcome.rows) == 20
    with av.open("surveil-out/both.mp4") as container:
        sizes = [(frame.width, frame.height) for frame in container.decode(video=0)]
    assert sizes == [(64, 48)] * 20


def test_recordings_and_cameras_in_one_run(cli: Cli, model: Path, clip: Path) -> None:
    refused(cli("run", clip, "0", "--model", model), 2, "cannot go into one run")


def test_camera_that_refuses(cli: Cli, model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = cli("run", f"rtsp://admin:secret@127.0.0.1:{port}/x", "--model", model, "--no-video")
    refused(outcome, 3, "refuse")
    assert "secret" not in outcome.err


def test_camera_has_no_start(cli: Cli, model: Path) -> None:
    refused(cli("run", "rtsp://127.0.0.1:9/x", "--model", model, "--start", 3), 2, "a camera has no start")


def test_camera_that_is_not_there(cli: Cli, model: Path) -> None:
    refused(cli("run", "/dev/video97", "--model", model, "--no-video"), 3, "video97")


def test_forbidden_address(cli: Cli, model: Path) -> None:
    refused(cli("run", "concat:a|b", "--model", model), 3, "not allowed")


def test_recorded_detections_of_another_video(cli: Cli, model: Path, clip: Path) -> None:
    row = {"camera": "square", "frame": 0, "pts_s": 0.0, "size": [10, 10], "detections": []}
    Path("d.jsonl").write_text(json.dumps(row) + "\n")
    refused(cli("run", clip, "--model", model, "--detections", "d.jsonl", "-q"), 2, "another video")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(cli: Cli, model: Path, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(cli("run", clip, "--model", model, "--out", "locked/o.mp4"), 1, "permission denied")
