"""One look at a source: what it gives, or why it gives nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from surveil.app.login import with_login
from surveil.capture.open import SourceOptions, open_source
from surveil.capture.spec import SourceSpec, parse_source
from surveil.clock import Clock
from surveil.config.camera import Camera
from surveil.config.paths import beside
from surveil.config.references import References
from surveil.pipeline.files import playing
from surveil.types import Frame

LOOK_S = 1.0
"""How long the pictures of a camera are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a source gives.

    Attributes:
        size: (width, height) of its pictures in pixels.
        rate_hz: pictures a second: counted for a camera, nominal for a recording.
        decoder: codec and what decodes it, in words.
        first_s: seconds until the first picture.
        frame: the newest picture.
    """

    size: tuple[int, int]
    rate_hz: float
    decoder: str
    first_s: float
    frame: Frame


def source_of(camera: Camera, file: Path, environment: Mapping[str, str]) -> SourceSpec:
    """What is opened for a camera's detection. Raises UsageError, SourceError."""
    references = References(environment)
    url = references.resolve(camera.input_for_detection.url)
    text = with_login(url, camera.username, camera.password, references)
    spec = parse_source(text)
    return parse_source(str(beside(file, text))) if spec.kind in ("file", "images") else spec


def probe(
    spec: SourceSpec, *, clock: Clock, stop: threading.Event, camera: Camera | None = None
) -> Found | None:
    """Open a source, take its first pictures, and close it; None where `stop` was set before one came.

    `camera`: how it is read, and what of its pictures is private; None: as by default, and nothing.

    Raises:
        SourceError: with cause and remedy.
    """
    spec.check()
    began_s = clock.monotonic()
    options, hide = _as_watched(camera, stop)
    source = open_source(spec, camera_id="probe", clock=clock, options=options)
    with playing(source, stop) as frames:
        first = newest = next(frames, None)
        if first is None or newest is None:
            return None
        count = 0
        if spec.live:
            for newest in frames:
                count += 1
                if newest.arrived_s - first.arrived_s >= LOOK_S:
                    break
        passed_s = newest.arrived_s - first.arrived_s
        return Found(
            size=newest.size,
            rate_hz=count / passed_s if passed_s > 0 else source.info.rate_hz,
            decoder=source.info.decoder,
            first_s=first.arrived_s - began_s,
            frame=hide(newest),
        )


def _as_watched(
    camera: Camera | None, stop: threading.Event
) -> tuple[SourceOptions, Callable[[Frame], Frame]]:
    """How a camera's stream is opened, and what its pictures go through before anything sees them."""
    from surveil.capture.privacy import PrivacyMask  # brings OpenCV along

    if camera is None:
        return SourceOptions(stop=stop), PrivacyMask(())
    options = SourceOptions(
        stop=stop, transport=camera.rtsp_transport, verify_tls=camera.verify_tls, decode=camera.decode
    )
    return options, PrivacyMask([area.relative for area in camera.masks.privacy])
