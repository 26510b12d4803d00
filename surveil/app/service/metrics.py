"""Figures for Prometheus and a word for health checks, over HTTP on the loopback address alone.

`/metrics` needs the token (it tells what the cameras are called and when nobody watches); `/healthz` needs
none and tells nothing but `ok` or what is wrong with the service as a whole: no supervisor can mend a camera
by starting the service anew.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from surveil.errors import OutputError

ADDRESS = "127.0.0.1"
_SLOW_S = 5.0

Status = Mapping[str, Any]


def as_text(status: Status) -> str:
    """A status in the text format of Prometheus, version 0.0.4."""
    return "".join(f"{line}\n" for line in _lines(status))


_PLAIN = (  # key of the status, name, kind, help
    ("fps", "surveil_camera_fps", "gauge", "Frames received a second, now."),
    ("processed_fps", "surveil_camera_processed_fps", "gauge", "Frames processed a second, now."),
    ("looked_fps", "surveil_camera_looked_fps", "gauge", "Frames the detector looks at a second, now."),
    ("received", "surveil_camera_frames_received_total", "counter", "Frames received."),
    ("processed", "surveil_camera_frames_processed_total", "counter", "Frames processed."),
    ("looked", "surveil_camera_frames_looked_total", "counter", "Frames the detector looked at."),
)
_COUNTED = (  # key of the status, name, label, help
    ("drops", "surveil_camera_dropped_total", "reason", "Frames and results lost."),
    ("counters", "surveil_camera_events_total", "event", "What the source counts: reconnects, faults."),
)


def _lines(status: Status) -> Iterator[str]:
    cameras: Mapping[str, Mapping[str, Any]] = status["cameras"]
    yield from _family("surveil_up", "gauge", "Whether cameras are watched.")
    yield f"surveil_up {int(status['state'] in ('running', 'degraded'))}"
    yield from _family("surveil_config_ok", "gauge", "Whether the file is sound as it is now.")
    yield f"surveil_config_ok {int(status['state'] == 'running')}"
    yield from _family("surveil_load_rung", "gauge", "How much is done without for lack of time: 0 nothing.")
    yield f"surveil_load_rung {status['load']['rung']}"
    yield from _family("surveil_device_info", "gauge", "1 for what infers.")
    yield f"surveil_device_info{_labels(device=status['device'])} 1"
    yield from _family("surveil_camera_decoder_info", "gauge", "1 for what decodes a camera's pictures.")
    for name, camera in cameras.items():
        if camera.get("decoder"):
            yield f"surveil_camera_decoder_info{_labels(camera=name, decoder=camera['decoder'])} 1"
    yield from _family("surveil_camera_state", "gauge", "1 for the state in which a camera is.")
    for name, camera in cameras.items():
        yield f"surveil_camera_state{_labels(camera=name, state=camera['state'])} 1"
    for key, metric, kind, about in _PLAIN:
        yield from _family(metric, kind, about)
        yield from (
            f"{metric}{_labels(camera=name)} {one[key]}" for name, one in cameras.items() if key in one
        )
    yield from _ages(cameras)
    for key, metric, label, about in _COUNTED:
        yield from _family(metric, "counter", about)
        for name, camera in cameras.items():
            for reason, count in camera.get(key, {}).items():
                yield f"{metric}{_labels(camera=name, **{label: reason})} {count}"


def _ages(cameras: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    metric = "surveil_camera_frame_age_seconds"
    yield from _family(metric, "gauge", "From a frame's arrival to its result, over the newest frames.")
    for name, camera in cameras.items():
        for key, quantile in (("age_p50_ms", "0.5"), ("age_p95_ms", "0.95")):
            if camera.get(key) is not None:
                yield f"{metric}{_labels(camera=name, quantile=quantile)} {camera[key] / 1000:g}"


def _family(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _labels(**labels: str) -> str:
    escaped = {
        key: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        for key, value in labels.items()
    }
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped.items()) + "}"


class MetricsServer:
    """Answers in threads of its own; `latest` gives the status of this moment, from any thread."""

    def __init__(self, port: int, token: str, latest: Callable[[], Status]) -> None:
        """Listen. Raises OutputError where the port is taken."""
        try:
            self._server = ThreadingHTTPServer((ADDRESS, port), _handler(token, latest))
        except OSError as error:
            raise OutputError(
                f"cannot listen on {ADDRESS}:{port}: {error.strerror}; choose another service.metrics.port"
            ) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metrics")

    @property
    def port(self) -> int:
        """Where it listens; another than was asked for where that was 0."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; may be called before `start`."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _handler(token: str, latest: Callable[[], Status]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        timeout = _SLOW_S
        server_version, sys_version = "surveil", ""

        def do_GET(self) -> None:
            """Answer."""
            match self.path.partition("?")[0]:
                case "/healthz":
                    state = latest()["state"]
                    well = state in ("starting", "running", "degraded")
                    self._answer(200 if well else 503, "ok\n" if state == "running" else f"{state}\n")
                case "/metrics" if hmac.compare_digest(self._sent().encode(), f"Bearer {token}".encode()):
                    self._answer(200, as_text(latest()))
                case "/metrics":
                    self._answer(401, "send Authorization: Bearer TOKEN\n")
                case _:
                    self._answer(404, "there are /metrics and /healthz\n")

        def _sent(self) -> str:
            return self.headers.get("Authorization", "")

        def _answer(self, code: int, text: str) -> None:
            body = text.encode()
            self.send_response(code)
            if code == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Not to stderr: requests come every few seconds."""

    return Handler
