from __future__ import annotations

import itertools
from pathlib import Path

import av
import numpy as np
import pytest

from surveil.capture.stillness import Stillness, fingerprint
from surveil.types import Frame
from tests.support.clips import picture


def at(arrived_s: float, image: np.ndarray) -> Frame:
    return Frame(camera_id="c", index=0, pts_s=arrived_s, wall_s=0.0, arrived_s=arrived_s, image=image)


def told(images: list[np.ndarray], rate_hz: float = 5, after_s: float | None = 10.0) -> list[bool]:
    still = Stillness(after_s)
    return [still(at(100 + k / rate_hz, image)) for k, image in enumerate(images)]


def test_the_same_picture_for_ten_seconds_and_the_first_other_one() -> None:
    answers = told([picture(0)] * 60 + [picture(k) for k in range(20)])
    assert answers.index(True) == 50
    assert all(answers[50:60])
    assert not any(answers[65:])  # a look a second


def test_a_picture_with_a_sensors_noise_is_never_still() -> None:
    rng = np.random.default_rng(0)
    quiet = [np.clip(picture(0, (640, 360)) + rng.integers(0, 2, (360, 640, 1)), 0, 255) for _ in range(30)]
    assert not any(told([image.astype(np.uint8) for image in quiet], rate_hz=1))


def test_off() -> None:
    assert not any(told([picture(0)] * 200, after_s=None))


def test_another_size_is_another_picture() -> None:
    assert fingerprint(np.zeros((8, 4, 3), np.uint8)) != fingerprint(np.zeros((4, 8, 3), np.uint8))
    assert fingerprint(np.zeros((2160, 3840, 3), np.uint8)) == fingerprint(
        np.zeros((2160, 3840, 3), np.uint8)
    )


@pytest.mark.parametrize("name", ["quiet", "dark"])
def test_a_quiet_scene_is_alive_even_when_it_is_hardly_encoded(tmp_path: Path, name: str) -> None:
    """Sensor noise of one step, H.264 that skips whatever it can, a keyframe every five seconds."""
    rng, path = np.random.default_rng(1), tmp_path / "quiet.mp4"
    ground = np.full((180, 320), 90 if name == "quiet" else 18, np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=2, options={"preset": "ultrafast", "crf": "38"})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 320, 180, "yuv420p", 10
        for _ in range(60):
            noisy = (ground + rng.normal(0, 1.5, ground.shape)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="gray")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        images = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert not any(told(images, rate_hz=2))


@pytest.mark.slow
def test_real_recordings_are_alive(shared: Path) -> None:
    for clip in sorted((shared / "clips").glob("*.mp4")):
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            rate_hz = float(stream.guessed_rate or 25)
            every = max(1, round(rate_hz))
            images = [
                frame.to_ndarray(format="bgr24")
                for k, frame in enumerate(itertools.islice(container.decode(stream), 20 * every))
                if k % every == 0
            ]
        assert not any(told(images, rate_hz=rate_hz / every)), clip.name
