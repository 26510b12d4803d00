"""A session on real connections: what is wrong with one camera is said, and the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveil.app.configured import ConfiguredTable, plan_cameras
from surveil.clock import SystemClock
from surveil.config.load import parse_config
from surveil.config.references import References
from surveil.pipeline.session import Session
from surveil.types import FrameResult
from tests.support.clips import picture, write_clip, write_sound
from tests.support.rtsp_camera import RtspCamera
from tests.support.web_camera import WebCamera, motion_jpeg

PAUSE = threading.Event()  # never set: something to wait on


def eventually(true: Callable[[], Any], timeout_s: float = 40.0) -> Any:
    for _ in range(int(timeout_s / 0.02)):
        if answer := true():
            return answer
        PAUSE.wait(0.02)
    raise AssertionError(f"did not become true within {timeout_s} s")


@pytest.fixture
def start(model: Path) -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def begin(cameras: str, environment: dict[str, str] | None = None, **taps: Any) -> Session:
        text = f"model: {{name: {model}, device: cpu, threads: 1}}\ncameras:\n{cameras}"
        file = parse_config(text.encode(), Path("c.yaml"))
        plan = plan_cameras(file, References(environment or {}), **taps)
        assert not plan.failed, plan.failed
        sessions.append(Session(ConfiguredTable(file, SystemClock()), plan.cameras))
        sessions[-1].start()
        return sessions[-1]

    yield begin
    for session in sessions:
        session.stop(10.0)


@pytest.fixture
def steady(clip: Path) -> Iterator[RtspCamera]:
    with RtspCamera(clip) as camera:
        yield camera


def test_a_wrong_password_leaves_the_other_camera_alone(
    start: Callable[..., Session], steady: RtspCamera
) -> None:
    with WebCamera(login="admin:right") as web:
        session = start(
            f"  - {{id: a, inputs: ['{steady.url}']}}\n"
            f"  - {{id: b, inputs: ['{web.url}'], username: admin, password: '${{PW}}'}}\n",
            {"PW": "wr@ng"},
        )
        eventually(lambda: session.states()["b"].name == "failed-auth")
        first = eventually(lambda: session.latest("a"))
        asked = web.asked
        eventually(lambda: session.latest("a").frame.index > first.frame.index + 15)  # type: ignore[union-attr]
        state = session.states()["b"]
    assert (state.cause, session.states()["a"].name) == ("wrong password", "live")
    assert state.remedy == "Check the user name and the password."
    assert "wr" not in state.detail.replace("wrong password", "")
    assert web.asked == asked  # it waits half a minute, or the camera would lock the user out


def test_a_page_and_a_sound_leave_the_other_camera_alone(
    start: Callable[..., Session], steady: RtspCamera, tmp_path: Path
) -> None:
    sound = write_sound(tmp_path / "sound.ts").read_bytes()
    page = b"<html>Welcome</html>" * 100
    with (
        WebCamera(lambda: iter([page]), kind="text/html") as web,
        WebCamera(lambda: iter([sound] * 20), kind="video/mp2t") as audio,
    ):
        session = start(
            f"  - {{id: a, inputs: ['{steady.url}']}}\n  - {{id: page, inputs: ['{web.url}']}}\n"
            f"  - {{id: sound, inputs: ['{audio.url}']}}\n  - {{id: closed, inputs: ['rtsp://127.0.0.1:1/x']}}\n"
        )
        first = eventually(lambda: session.latest("a"))
        causes = {"a": "", "page": "not video", "sound": "not video", "closed": "refused"}
        eventually(lambda: {name: state.cause for name, state in session.states().items()} == causes)
        eventually(lambda: session.latest("a").frame.index > first.frame.index + 15)  # type: ignore[union-attr]


def test_the_small_stream_is_looked_at_and_the_large_one_recorded(
    start: Callable[..., Session], steady: RtspCamera, tmp_path: Path
) -> None:
    large = write_clip(tmp_path / "large.mp4", frames=40, size=(256, 144))
    kept: list[FrameResult] = []

    def keep(result: FrameResult) -> bool:
        kept.append(result)
        return True

    with RtspCamera(large) as main:
        session = start(
            "  - id: yard\n    masks: {privacy: [[[0, 0.9], [1, 0.9], [1, 1], [0, 1]]]}\n"
            f"    inputs: [{{url: '{steady.url}', roles: [detect]}}, "
            f"{{url: '{main.url}', roles: [record, live]}}]\n",
            pictures={"video": keep},
        )
        eventually(lambda: sum(len(result.tracks) > 0 for result in kept) > 10)
        streams = session.states()["yard"].streams
        assert (streams["record"].name, streams["record"].decoder) == ("live", "h264 (software)")
        main.kick()
        eventually(lambda: "the stream for record: stream ended" in session.states()["yard"].cause)
        assert session.states()["yard"].name == "live"
        count = len(kept)
        eventually(lambda: len(kept) > count + 5)
    assert {result.frame.size for result in kept} == {(256, 144)}
    assert all(not result.frame.image[131:].any() for result in kept)
    index = [result.frame.index for result in kept]
    assert index == sorted(set(index))


def test_a_picture_that_stands_still_is_said_and_goes_on(start: Callable[..., Session]) -> None:
    frozen = picture(3)
    with WebCamera(lambda: motion_jpeg(iter([frozen] * 10**6), rate_hz=20)) as web:
        session = start(
            f"  - {{id: frozen, still_after_s: 2, inputs: ['{web.url}']}}\n"
            f"  - {{id: poster, still_after_s: null, inputs: ['{web.url}']}}\n"
        )
        state = eventually(lambda: (now := session.states()["frozen"]).name == "stalled" and now)
        assert state.cause == "the camera sends the same picture again and again"
        assert "still_after_s: null" in state.remedy
        received = state.stats.received
        eventually(lambda: session.states()["frozen"].stats.received > received + 5)
        assert session.states()["frozen"].name == "stalled"
        assert session.states()["poster"].name == "live"
