"""The doors: `run` for Python, `plan_run` for the command line, `open_session` for the window."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from surveil.app.options import CameraOptions, GuiOptions, ModelOptions, OutputOptions, RunOptions
from surveil.clock import Clock, SystemClock
from surveil.errors import UsageError

if TYPE_CHECKING:
    from surveil.capture.spec import SourceSpec
    from surveil.pipeline.run import Run
    from surveil.pipeline.session import CameraConfig, Session
    from surveil.types import FrameResult

# What each door leads to is imported behind it: asking for help or for options loads neither PyAV nor OpenCV.


def run(  # noqa: PLR0913 - the same arguments as the command line's, so that they are found and typed
    source: str | Path | Sequence[str | Path],
    *,
    out: str | Path | None = None,
    jsonl: str | Path | None = None,
    mot: str | Path | None = None,
    save_detections: str | Path | None = None,
    detections: str | Path | None = None,
    model: str | Path | None = None,
    card: str | Path | None = None,
    tracker: str = "surveil",
    camera_motion: Literal["auto", "off"] = "auto",
    device: str = "auto",
    runtime: str = "auto",
    input_size: tuple[int, int] | None = None,
    classes: Sequence[str] = (),
    min_score: float | None = None,
    every: int = 1,
    motion_gating: bool = False,
    start: float = 0.0,
    end: float | None = None,
    all_states: bool = False,
    rtsp_transport: Literal["tcp", "udp"] = "tcp",
    verify_tls: bool = False,
    username: str | None = None,
    password: str | None = None,
    decode: str = "auto",
    realtime: bool = False,
    loop: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[FrameResult]:
    """Detect and track: the results of recordings, frame by frame, or of cameras, until `stop` is set.

    Nothing is opened before the first result is asked for, and nothing is written unless it is named. Files
    are finished when the results end or the caller leaves the loop.

    Example::

        for result in surveil.run("clip.mp4"):
            print(result.frame.pts_s, result.tracks.boxes)

    Args:
        source: a file, folder, pattern, list, address or camera number; or several of them.
        out: see `OutputOptions`, as are `jsonl`, `mot`, `save_detections` and `all_states`.
        jsonl: tracks as JSON Lines.
        mot: tracks as MOT text.
        save_detections: detections as JSON Lines.
        detections: see `ModelOptions`, as are the next eleven.
        model: what detects.
        card: its card.
        tracker: what tracks.
        camera_motion: whether it is told how the camera moves.
        device: where it detects.
        runtime: which program computes it.
        input_size: (width, height) in which it looks.
        classes: what is looked for.
        min_score: how sure it must be.
        every: how often it looks.
        motion_gating: whether it rests while nothing moves.
        start: first media second; see `RunOptions`.
        end: media second to end before; see `RunOptions`.
        all_states: also unconfirmed tracks.
        rtsp_transport: how RTSP carries its packets; see `CameraOptions`, as are the next three.
        verify_tls: whether encrypted cameras must prove who they are.
        username: of network cameras.
        password: of network cameras; `keyring:NAME` and `${VAR}` are looked up.
        decode: what decodes video; see `RunOptions`, as are the next two.
        realtime: whether recordings are taken for cameras.
        loop: whether they then begin again at their end.
        stop: ends the results early and well when it is set.

    Raises:
        UsageError: an argument cannot work.
        SourceError: at once where a source is not there, else from the iteration.
        ModelError, DeviceError, OutputError: from the iteration; see `surveil.errors`.
    """
    options = RunOptions(
        model=ModelOptions(
            model=None if model is None else str(model),
            card=_path(card),
            device=device,
            runtime=runtime,
            input_size=input_size,
            tracker=tracker,
            camera_motion=camera_motion,
            classes=tuple(classes),
            min_score=min_score,
            every=every,
            motion_gating=motion_gating,
            detections=_path(detections),
        ),
        output=OutputOptions(
            out=_path(out),
            mot=_path(mot),
            jsonl="-" if jsonl == "-" else _path(jsonl),
            save_detections=_path(save_detections),
            all_states=all_states,
        ),
        camera=CameraOptions(
            transport=rtsp_transport, verify_tls=verify_tls, username=username, password=password
        ),
        start_s=start,
        end_s=end,
        decode=decode,
        realtime=realtime,
        loop=loop,
    )
    sources = [source] if isinstance(source, str | Path) else source
    return plan_run([str(one) for one in sources], options, stop or threading.Event()).results()


def _path(text: str | Path | None) -> Path | None:
    return None if text is None else Path(text)


def plan_run(
    sources: Sequence[str], options: RunOptions, stop: threading.Event, clock: Clock | None = None
) -> Run:
    """A run that begins when its results are asked for. Raises UsageError, SourceError, DeviceError."""
    from surveil.capture.spec import expand_sources

    specs = expand_sources(sources)
    if len(specs) == 1:
        specs[0].check()  # said at once, before PyAV, OpenCV and a model load; of several the others go on
    if options.realtime:
        specs = [replace(spec, live=True) for spec in specs]
    specs = _logged_in(specs, options.camera)

    _check_decoder(options.decode)
    from surveil.app.table import Table
    from surveil.pipeline.run import Run

    table = Table(options, clock or SystemClock(), several=len(specs) > 1)
    return Run(
        specs, table, stop=stop, every=options.model.every, seconds=options.end_s, staged=options.staged
    )


def open_session(options: GuiOptions, clock: Clock | None = None, *, several: bool = False) -> Session:
    """A session that is started and watches nothing yet.

    Args:
        options: what detects, and what decodes.
        clock: of all threads; None: the machine's own.
        several: whether it begins with more than one source; how many there are is looked after later, too.

    Raises:
        ModelError, DeviceError, UsageError: it cannot be started.
    """
    _check_decoder(options.decode)
    from surveil.app.table import Table
    from surveil.pipeline.ladder import LadderConfig
    from surveil.pipeline.session import Session

    table = Table(RunOptions(model=options.model), clock or SystemClock(), several=several)
    session = Session(table, ladder=LadderConfig())
    session.start()
    return session


def configure_cameras(sources: Sequence[str], options: GuiOptions) -> list[CameraConfig]:
    """How sources are watched: patterns, folders and lists are spelt out; drawn scenes play again and again.

    Raises:
        UsageError, SourceError: a source cannot be understood.
    """
    from surveil.capture.spec import expand_sources
    from surveil.pipeline.session import CameraConfig

    return [
        CameraConfig(
            id=spec.name,
            source=spec,
            every=options.model.every,
            motion_gating=options.model.motion_gating,
            loop=spec.kind == "synthetic",
            transport=options.camera.transport,
            verify_tls=options.camera.verify_tls,
            decode=options.decode,
        )
        for spec in _logged_in(expand_sources(sources), options.camera)
    ]


def _logged_in(specs: list[SourceSpec], camera: CameraOptions) -> list[SourceSpec]:
    if camera.username is None and camera.password is None:
        return specs
    from surveil.app.login import log_in
    from surveil.config.references import References

    return log_in(specs, camera.username, camera.password, References(os.environ))


def _check_decoder(name: str) -> None:
    if name not in ("auto", "cpu"):  # else PyAV would be loaded for nothing
        from surveil.capture.hardware import check_decoder

        check_decoder(name)


def configure_camera(source: str, options: GuiOptions) -> CameraConfig:
    """How one source is watched. Raises UsageError, SourceError."""
    configs = configure_cameras([source], options)
    if len(configs) != 1:
        raise UsageError(f"{source} means {len(configs)} sources: give one of them")
    return configs[0]
