"""The model manager: cards, the change of the model while everything runs, and the thresholds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QDialog, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from surveil.app.options import ModelOptions
from surveil.config.models import Thresholds
from surveil.errors import UsageError
from surveil.gui.desk import Desk
from surveil.gui.filing import Filing
from surveil.gui.models.card import ModelCardWidget
from surveil.gui.models.cuts import Cuts, Present, cuts_in_force, cuts_of, given_by
from surveil.gui.models.shelf import Shelved, gone, shelf, speed_in_words
from surveil.gui.models.thresholds import ThresholdsWidget
from surveil.gui.tasks import Tasks
from surveil.gui.text import tr
from surveil.gui.theme import Colours
from surveil.gui.words import sentences
from surveil.redact import redact
from surveil.resources import demo_clip

SIZE = (820, 720)
LOOK_MS, SETTLE_MS = 300, 200
LOOKS_A_CHECK = 7
"""So often is looked at the scores before it is looked whether the files are still there."""
MEASURE_S = 3.0
Measure = Callable[[ModelOptions, float, threading.Event], Mapping[str, Any]]


def measure(options: ModelOptions, seconds: float, stop: threading.Event) -> Mapping[str, Any]:
    """See `measure_detector`; on the pictures of the shipped clip."""
    from surveil.app.measure import measure_detector

    return measure_detector(options, seconds, stop=stop, source=str(demo_clip()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """What the manager works with.

    Attributes:
        options: the model in force; without a file that of the start.
        measure: measures a model until it is stopped.
        speeds: what was measured, by model, kept while the window lives.
    """

    desk: Desk
    filing: Filing
    tasks: Tasks
    options: Callable[[], ModelOptions]
    measure: Measure = measure
    speeds: dict[str, str] = field(default_factory=dict)


class ModelsDialog(QDialog):
    """Stops nothing: models are loaded and measured in threads of their own."""

    def __init__(self, bench: Bench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._chosen: str | None = None  # without a file nobody else knows it
        self._models: tuple[Shelved, ...] = ()
        self._gone: frozenset[str] = frozenset()
        self._busy = self._measuring = ""
        self._stop: threading.Event | None = None
        self._own: Cuts | None = None  # the card's
        self._kept: Cuts | None = None  # in force when the dialog is closed
        self._cuts: Cuts | None = None
        self._present, self._looks = Present(), 0
        self._over = False
        self.cards: dict[str, ModelCardWidget] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Models"))
        self.resize(*SIZE)
        self._build()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.timeout.connect(self._try_cuts)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(LOOK_MS)
        bench.filing.changed.connect(self._file_changed)
        self.finished.connect(lambda _result: self._end())
        self._shown: tuple[ModelOptions, Thresholds] | None = None
        self.reload()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(12)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self.words = QLabel(tr("Reading the models…"))
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setProperty("role", "faint")
        self.thresholds = ThresholdsWidget()
        self.thresholds.moved.connect(self._cuts_moved)
        self.thresholds.kept.connect(self._keep_cuts)
        self.thresholds.back.connect(self._card_s_cuts)
        self.thresholds.show_cuts(None, 0.0)
        column.addWidget(self._scroll, 1)
        column.addWidget(self.words)
        column.addWidget(self.thresholds)

    def dress(self, colours: Colours) -> None:
        """Use these colours."""
        self.thresholds.dress(colours)

    # ---- what is there

    def _options(self) -> ModelOptions:
        options = self._bench.options()
        return options if self._chosen is None else replace(options, model=self._chosen, card=None)

    def _given(self) -> Thresholds:
        workspace = self._bench.filing.workspace
        return Thresholds() if workspace is None else workspace.loaded.config.model.thresholds

    def reload(self) -> None:
        """Read the models anew."""
        options = self._options()
        self._shown = (options, self._given())
        self._bench.tasks.aside(
            "models",
            lambda _stop: shelf(options),
            lambda models: self._show_models(models, options),
            self._fail,
        )

    def _show_models(self, models: tuple[Shelved, ...], options: ModelOptions) -> None:
        if self._over:
            return
        self._models, self._gone = models, gone(())
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(10)
        self.cards = {}
        for model in models:
            card = self.cards[model.name] = ModelCardWidget(model, options)
            card.chosen.connect(self._use)
            card.measured.connect(self._toggle_measure)
            column.addWidget(card)
        column.addStretch(1)
        self._scroll.setWidget(body)
        if self.words.text() == tr("Reading the models…"):
            self._say("", "faint")
        self._show_thresholds(models[0], options)
        self._refresh()

    def _show_thresholds(self, used: Shelved, options: ModelOptions) -> None:
        if used.card is None:
            self._own = self._kept = self._cuts = None
            self.thresholds.show_cuts(None, 0.0)
            return
        self._own = cuts_of(used.card.thresholds, options.min_score)
        before, self._kept = self._kept, cuts_in_force(self._own, self._given())
        if self._cuts is None or self._cuts == before or before is None:
            self._cuts = self._kept
        self.thresholds.show_cuts(self._cuts, self._floor(used, options))
        self._say_cuts()

    def _floor(self, used: Shelved, options: ModelOptions) -> float:
        """The detector says nothing of what is below."""
        assert used.card is not None
        return used.card.thresholds.low if options.min_score is None else options.min_score

    def _refresh(self) -> None:
        for name, card in self.cards.items():
            card.show_state(
                speed=self._bench.speeds.get(name, ""),
                busy=self._busy,
                measuring=self._measuring,
                gone=name in self._gone,
            )

    def _say(self, text: str, role: str) -> None:
        self.words.setText(text)
        self.words.setProperty("role", role)
        style = self.words.style()
        if style is not None:
            style.polish(self.words)
        self.words.setVisible(bool(text))

    def _fail(self, error: Exception) -> None:
        if not self._over:
            self._say(sentences(redact(str(error)).partition("\n")[0]) or repr(error), "alarm")

    def _file_changed(self) -> None:
        if not self._over and not self._busy and self._shown != (self._options(), self._given()):
            self.reload()

    # ---- what is found now

    def _look(self) -> None:
        ids = {entry.id for entry in self._bench.desk.entries}
        self._present.only(ids)
        for camera_id in ids:
            with suppress(UsageError):  # the file may have taken the camera away a moment ago
                self._present.see(camera_id, self._bench.desk.session.latest(camera_id))
        self.thresholds.show_present(self._present)
        self._looks += 1
        if self._looks % LOOKS_A_CHECK == 0 and self._bench.tasks.waiting == 0:
            models = self._models
            self._bench.tasks.queue(lambda: gone(models), self._show_gone, self._fail)

    def _show_gone(self, names: frozenset[str]) -> None:
        if not self._over and names != self._gone:
            self._gone = names
            self._refresh()

    # ---- another model

    def _use(self, name: str) -> None:
        bench = self._bench
        self._busy = name
        self._say(tr("Loading {name}; the cameras go on meanwhile.", name=name), "faint")
        self._refresh()
        if bench.filing.workspace is not None:
            bench.filing.edit(
                lambda workspace: workspace.use_model(name), lambda: self._used(name), self._not_used
            )
        else:
            bench.tasks.queue(
                lambda: bench.desk.session.set_model(name), lambda _none: self._used(name), self._not_used
            )

    def _used(self, name: str) -> None:
        self._busy = ""
        if self._bench.filing.workspace is None:
            self._chosen = name
        if not self._over:
            self._cuts = None
            self._say(tr("{name} detects now.", name=name), "good")
            self.reload()

    def _not_used(self, error: Exception) -> None:
        self._busy = ""
        if not self._over:
            why = sentences(redact(str(error)).partition("\n")[0])
            self._say(tr("The model before goes on. {why}", why=why), "alarm")
            self.reload()

    # ---- how fast it is

    def _toggle_measure(self, name: str) -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop, self._measuring = None, ""
        else:
            self._measure(name)
        self._refresh()

    def _measure(self, name: str) -> None:
        bench, options = self._bench, self._options()
        model = next(model for model in self._models if model.name == name)
        if not model.used:
            options = replace(options, model=name, card=None, input_size=None)
        options = replace(options, classes=(), min_score=None)
        self._measuring = name

        def done(report: Mapping[str, Any]) -> None:
            if self._stop is stop:
                self._stop, self._measuring = None, ""
                bench.speeds[name] = speed_in_words(report)
                self._refresh()

        def failed(error: Exception) -> None:
            if self._stop is stop:
                self._stop, self._measuring = None, ""
                self._fail(error)
                self._refresh()

        # The answers come through the event loop, so `stop` is bound long before.
        stop = self._stop = bench.tasks.aside(
            "measure-model", lambda stop: bench.measure(options, MEASURE_S, stop), done, failed
        )

    # ---- thresholds

    def _cuts_moved(self, cuts: Cuts) -> None:
        self._cuts = cuts
        self.thresholds.show_present(self._present)
        self._say_cuts()
        self._settle.start(SETTLE_MS)

    def _try_cuts(self) -> None:
        """Let the cameras run with the cuts as they are now."""
        session, cuts = self._bench.desk.session, self._cuts
        if cuts is not None:
            self._bench.tasks.queue(
                lambda: session.set_thresholds(**asdict(cuts)), lambda _none: None, self._fail
            )

    def _card_s_cuts(self) -> None:
        self._cuts = self._own
        if self._own is not None and self._models:
            self.thresholds.show_cuts(self._own, self._floor(self._models[0], self._options()))
            self._cuts_moved(self._own)

    def _keep_cuts(self) -> None:
        cuts, own = self._cuts, self._own
        if cuts is None or own is None:
            return
        self._settle.stop()

        def kept() -> None:
            self._kept = cuts
            if not self._over:
                self._say_cuts()

        given = given_by(cuts, own)
        self._bench.filing.edit(lambda workspace: workspace.use_thresholds(given), kept, self._fail)

    def _say_cuts(self) -> None:
        changed = self._cuts != self._kept
        if self._bench.filing.workspace is None:
            words = tr("In force until surveil ends.") if changed else ""
        elif changed:
            words = tr("Being tried. Keep writes them into the configuration; closing takes them back.")
        else:
            words = tr("As the card says.") if self._cuts == self._own else tr("As the configuration says.")
        keep = changed and self._bench.filing.workspace is not None
        self.thresholds.say(words, changed=keep, own=self._cuts == self._own)

    # ---- the end

    def _end(self) -> None:
        self._over = True
        self._timer.stop()
        self._settle.stop()
        if self._stop is not None:
            self._stop.set()
            self._stop = None  # the answer is not waited for
        if self._bench.filing.workspace is not None and self._cuts != self._kept:
            self._cuts = self._kept
            self._try_cuts()
