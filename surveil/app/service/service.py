"""The loop of `surveil serve`: it applies the file, watches it for changes, and says how things are."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveil.app.applied import Applied
from surveil.app.configured import ConfiguredTable, overlay_style
from surveil.app.service.lock import ProcessLock
from surveil.app.service.metrics import MetricsServer
from surveil.app.service.readiness import Supervisor
from surveil.app.service.recorder import Recorder, RecorderConfig
from surveil.app.service.restarts import TracksFile
from surveil.app.service.status import Facts, ServiceState, as_json, write_status
from surveil.app.service.watch import FileWatch
from surveil.app.shapes import shapes_of
from surveil.clock import Clock, utc_text
from surveil.config.load import Loaded, load_config, parse_config
from surveil.config.paths import beside, default_state
from surveil.config.references import References
from surveil.errors import ConfigError, OutputError, Problem, UsageError
from surveil.pipeline.chronicle import Chronicle
from surveil.pipeline.session import Session
from surveil.pipeline.state import FeedState, State
from surveil.redact import Redactor

log = logging.getLogger(__name__)

STOP_S = 5.0


@dataclass(kw_only=True, slots=True)
class Signals:
    """What others ask of the service; set from signal handlers and tests.

    Attributes:
        stop: end well.
        wake: there is something to do: end the wait.
        reload: read the file again, changed or not.
    """

    stop: threading.Event
    wake: threading.Event
    reload: threading.Event

    def ask_to_stop(self) -> None:
        """End well, soon."""
        self.stop.set()
        self.wake.set()

    def ask_to_reload(self) -> None:
        """Read the file again."""
        self.reload.set()
        self.wake.set()


class Service:
    """One service; `run` is all of it."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        environment: Mapping[str, str],
        signals: Signals,
        redactor: Redactor,
    ) -> None:
        self._path, self._clock, self._environment = path, clock, environment
        self._signals, self._redactor = signals, redactor
        self._supervisor = Supervisor(environment, clock)
        self._started_wall_s = clock.wall()
        self._broken: tuple[Problem, ...] = ()
        self._chronicle = Chronicle()
        self._fault = ""  # why the status cannot be written; said once
        self._status: dict[str, Any] = {}

    def run(self) -> None:
        """Serve until asked to stop.

        Raises:
            UsageError: there is no such file, or another service is running.
            ModelError, DeviceError: the model of the first configuration cannot be used.
            OutputError: lock, status or port cannot be had.
            SurveilError: what ended the inference; the supervisor of services starts anew.
        """
        if not self._path.exists():
            raise UsageError(f"there is no {self._path}: make one with `surveil config init {self._path}`")
        self._watch = FileWatch(self._path)
        while self._serve():
            log.warning("%s is sound now: it is served from the beginning", self._path)

    def _serve(self) -> bool:
        """From the file as it is to the end; whether that is a beginning with a file that was mended."""
        self._loaded, self._good = self._first()
        self._mended = False
        service = self._loaded.config.service
        lock = self._state_file(service.lock_file, "lock")
        self._status_path = self._state_file(service.status_file, "status.json")
        about = {"config": str(self._path.resolve()), "since": utc_text(self._started_wall_s)}
        with ExitStack() as stack:
            stack.enter_context(ProcessLock(lock, about))
            table = ConfiguredTable(self._loaded, self._clock)
            self._recorder = Recorder(self._recording(self._loaded), self._clock)
            self._tracks = TracksFile(self._status_path.with_suffix(".tracks.json"), self._clock)
            self._session = Session(table, memories=self._tracks.read())
            self._applied = Applied(self._session, table, self._environment, self._redactor)
            stack.callback(self._end)
            self._tell("starting")
            self._listen(stack)  # a port that is taken is said before a model is loaded
            self._recorder.start()
            self._session.start()
            self._apply()
            self._tell("running" if self._good else "safe mode")
            self._supervisor.ready(self._words())
            self._loop()
        return self._mended

    @property
    def reader_left(self) -> bool:
        """Whether it ended because nobody read its standard output any more."""
        return self._recorder.reader_left

    # ---- the file

    def _first(self) -> tuple[Loaded, bool]:
        """The file, or an empty configuration in its place where it is broken."""
        loaded = self._read()
        return (loaded, True) if loaded else (parse_config(b"", self._path), False)

    def _read(self) -> Loaded | None:
        """The file as it is now; None, and every mistake in the log, where it is broken."""
        try:
            loaded = load_config(self._path)
            self._recording(loaded)  # a folder that cannot be known is a mistake of the file, too
        except ConfigError as error:
            if error.problems != self._broken:
                for problem in error.problems:
                    log.error("%s", problem)  # noqa: TRY400 - a broken file is no fault of the program
            self._broken = error.problems
            return None
        self._broken = ()
        for warning in loaded.warnings:
            log.warning("%s", warning)
        return loaded

    def _reload(self, *, forced: bool) -> None:
        loaded = self._read()
        if loaded is None:
            log.warning("%s is broken: the cameras go on as before", self._path)
            return
        if not self._good:
            self._mended = True  # also its lock, its status and its port are to be taken over
            return
        if loaded.digest == self._loaded.digest and not forced:
            return
        self._supervisor.reloading()
        before, self._loaded = self._loaded, loaded
        if _fixed(loaded) != _fixed(before):
            log.warning("%s: lock, status file and port change at the next start", self._path)
        self._apply()
        self._supervisor.ready(self._words())
        log.info("%s applied", self._path)

    def _apply(self) -> None:
        """Make the session what the file says, and say what does not work."""
        shapes = {camera.id: shapes_of(camera) for camera in self._loaded.config.cameras}
        self._recorder.use(self._recording(self._loaded), shapes)
        before = self._applied.model_problem
        pictures = {"video": self._recorder.offer_picture} if self._loaded.config.outputs.annotated else {}
        for note in self._applied.apply(self._loaded, {"outputs": self._recorder.offer}, pictures):
            log.warning("%s", note)
        for problem in self._applied.failed.values():
            log.error("%s", problem)
        if self._applied.model_problem not in (None, before):
            log.error("%s; the model before goes on", self._applied.model_problem)
        self._tracks.write(self._session.memories)  # new cameras are known before they give an id

    def _recording(self, loaded: Loaded) -> RecorderConfig:
        outputs = loaded.config.outputs
        try:
            folder = References(self._environment).resolve(outputs.folder)
        except UsageError as error:
            raise ConfigError([loaded.problem(("outputs", "folder"), str(error))]) from error
        return RecorderConfig(
            folder=beside(self._path, folder),
            annotated=outputs.annotated,
            jsonl=outputs.jsonl,
            all_states=outputs.all_states,
            piece_s=outputs.piece_s,
            style=overlay_style(loaded.config),
        )

    def _state_file(self, text: str | None, name: str) -> Path:
        return default_state(name) if text is None else beside(self._path, text)

    # ---- the loop

    def _loop(self) -> None:
        watch_s = status_s = self._clock.monotonic()
        while not (self._signals.stop.is_set() or self._mended):
            service = self._loaded.config.service
            now_s = self._clock.monotonic()
            if self._session.failure is not None:
                raise self._session.failure
            if self._recorder.reader_left:
                return
            if self._signals.reload.is_set() or now_s >= watch_s:
                watch_s = now_s + service.watch_period_s
                self._look_at_file()
            if now_s >= status_s:
                status_s = now_s + min(service.status_period_s, (self._supervisor.watchdog_s or 120) / 2)
                self._tell(self._state())
                self._supervisor.alive(self._words())
            if now_s >= self._tracks.next_s:
                self._tracks.write(self._session.memories)
            next_s = min(watch_s, status_s, self._tracks.next_s)
            self._clock.wait(self._signals.wake, max(0.0, next_s - self._clock.monotonic()))
            self._signals.wake.clear()

    def _look_at_file(self) -> None:
        forced = self._signals.reload.is_set()
        self._signals.reload.clear()
        if self._watch.changed() or forced:
            self._reload(forced=forced)

    def _end(self) -> None:
        if not self._mended:
            self._supervisor.stopping()
        with ExitStack() as stack:  # each is tried, whatever happens to the others
            stack.callback(self._tell, "stopped")
            stack.callback(self._recorder.stop, STOP_S)
            stack.callback(lambda: self._tracks.write(self._session.memories, last=True))
            stack.callback(self._session.stop, STOP_S)

    # ---- what others are told

    def _state(self) -> ServiceState:
        if not self._good:
            return "safe mode"
        return "degraded" if self._broken or self._applied.model_problem else "running"

    def _tell(self, state: ServiceState) -> None:
        states = self._session.states()
        titles = {camera.id: camera.title for camera in self._loaded.config.cameras}
        self._chronicle.note(dict(_streams(states)))
        facts = Facts(
            state=state,
            pid=os.getpid(),
            started_wall_s=self._started_wall_s,
            now_wall_s=self._clock.wall(),
            now_s=self._clock.monotonic(),
            period_s=self._loaded.config.service.status_period_s,
            config=self._path.resolve(),
            digest=self._loaded.digest if self._good else "",
            problems=(*self._broken, *([self._applied.model_problem] if self._applied.model_problem else [])),
            device="" if state in ("starting", "stopped") else self._session.device,
            load=self._session.load,
            cameras={
                name: (titles.get(name, name), states[name])
                for name in self._applied.cameras
                if name in states
            },
            failed=self._applied.failed,
            outputs=self._recorder.trouble,
        )
        self._status = as_json(facts, self._redactor)
        try:
            write_status(self._status_path, self._status)
        except OutputError as error:
            if str(error) != self._fault:  # the cameras are worth more than the status
                log.error("%s", error)  # noqa: TRY400
            self._fault = str(error)
        else:
            self._fault = ""

    def _words(self) -> str:
        """In one line, for the supervisor of services."""
        states = [camera["state"] for camera in self._status.get("cameras", {}).values()]
        live = sum(state in ("live", "playing") for state in states)
        return f"{self._state()}: {live} of {len(states)} cameras live"

    def _listen(self, stack: ExitStack) -> None:
        metrics = self._loaded.config.service.metrics
        if metrics.port is None or metrics.token is None:
            return
        references = References(self._environment)
        try:
            token = references.resolve(metrics.token)
        except UsageError as error:
            key = ("service", "metrics", "token")
            raise ConfigError([self._loaded.problem(key, str(error))]) from error
        self._applied.hide(self._loaded, references)
        server = MetricsServer(metrics.port, token, lambda: self._status)
        stack.callback(server.stop)
        server.start()
        log.info("figures at http://127.0.0.1:%d/metrics", server.port)


def _streams(states: Mapping[str, State]) -> Iterator[tuple[str, State | FeedState]]:
    """All streams of all cameras, with a name for each."""
    for name, camera in states.items():
        yield name, camera
        for use, stream in camera.streams.items():
            yield f"{name} (for {use})", stream


def _fixed(loaded: Loaded) -> tuple[object, ...]:
    """What holds from start to end."""
    service = loaded.config.service
    return service.lock_file, service.status_file, service.metrics
