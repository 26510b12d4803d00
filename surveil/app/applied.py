"""A session that is kept as a file says: of the service and of the desktop alike."""

from __future__ import annotations

from collections.abc import Mapping

from surveil.app.configured import ConfiguredTable, ladder_of, model_of, plan_cameras, unknown_classes
from surveil.app.options import RunOptions
from surveil.config.load import Loaded
from surveil.config.references import References
from surveil.errors import DeviceError, ModelError, Problem, UsageError
from surveil.pipeline.live import Tap
from surveil.pipeline.session import NO_TAPS, CameraConfig, Session
from surveil.redact import Redactor

SHORTEST_SECRET = 4  # to hide every "1" because a variable is 1 would leave no message whole


class Applied:
    """What of a file a session follows; what did not change in it is not touched. One thread.

    Attributes:
        session: started.
        table: its parts.
        failed: cameras of the file that cannot be watched, and why.
        model_problem: why the file's model is not used; the model before goes on.
    """

    def __init__(
        self,
        session: Session,
        table: ConfiguredTable,
        environment: Mapping[str, str],
        redactor: Redactor,
        insisted: RunOptions | None = None,
    ) -> None:
        """`insisted`: model and tracker that go before those of the file."""
        self.session, self.table, self._insisted = session, table, insisted
        self._environment, self._redactor = environment, redactor
        self.failed: Mapping[str, Problem] = {}
        self.model_problem: Problem | None = None
        self._cameras: dict[str, CameraConfig] = {}

    @property
    def cameras(self) -> tuple[str, ...]:
        """The file's cameras that are in the session."""
        return tuple(self._cameras)

    def apply(
        self, loaded: Loaded, taps: Mapping[str, Tap] = NO_TAPS, pictures: Mapping[str, Tap] = NO_TAPS
    ) -> tuple[Problem, ...]:
        """Make the session what the file says; what people should know of it. May load a model: seconds.

        `taps`, `pictures`: as for `plan_cameras`.
        """
        self._use_model(loaded)
        self.session.use_ladder(ladder_of(loaded))
        references = References(self._environment)
        plan = plan_cameras(loaded, references, taps, pictures)
        self.hide(loaded, references)
        self.failed = plan.failed
        wanted = {camera.id: camera for camera in plan.cameras}
        for camera_id in [name for name in self._cameras if name not in wanted]:
            self.session.remove(camera_id)
        states = self.session.states()
        for camera_id, camera in wanted.items():
            if camera_id in states and states[camera_id].name == "failed":
                self.session.remove(camera_id)  # it tries no more by itself
                self.session.add(camera)
            elif camera_id not in self._cameras:
                self.session.add(camera)
            elif camera != self._cameras[camera_id]:
                self.session.change(camera)
        self._cameras = wanted
        return tuple(unknown_classes(loaded, self.table.labels))

    def _use_model(self, loaded: Loaded) -> None:
        options, thresholds = model_of(loaded)
        wanted, before = (self._insisted or options, thresholds), self.table.model
        if wanted == before:
            return
        self.table.use(wanted)
        try:
            self.session.set_model(None)
        except (ModelError, DeviceError, UsageError) as error:
            self.table.use(before)
            self.model_problem = loaded.problem(("model",), str(error))
        else:
            self.model_problem = None

    def hide(self, loaded: Loaded, references: References) -> None:
        """From now on no text holds what was looked up, nor a password that stands in the file."""
        config = loaded.config
        written = {camera.password for camera in config.cameras} | {config.service.metrics.token}
        for secret in references.secrets | {text for text in written if text}:
            if len(secret) >= SHORTEST_SECRET:
                self._redactor.register(secret)
