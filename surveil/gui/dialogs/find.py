"""Find a camera of the local network: who answers, which streams it has, which of them to use."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from surveil.app.onvif import in_words, propose
from surveil.gui.draft import Draft
from surveil.gui.probing import Probing
from surveil.gui.text import shortened, tr
from surveil.gui.words import why_not

if TYPE_CHECKING:
    from surveil.capture.onvif.discover import Discovered
    from surveil.capture.onvif.media import Stream

CAMERA = Qt.ItemDataRole.UserRole


class FindDialog(QDialog):
    """Three steps in one window: choose a camera, ask it, choose its streams.

    Signals:
        chosen: the draft, with what was found put in.
    """

    chosen = pyqtSignal(Draft)

    def __init__(self, draft: Draft, probing: Probing, parent: QWidget | None = None) -> None:
        """`draft`: what is known of the camera already; its user and password are asked with."""
        super().__init__(parent)
        self._draft, self._probing = draft, probing
        self._stop: threading.Event | None = None
        self._asked: Discovered | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Find cameras"))
        self.setMinimumSize(620, 480)
        self._build_fields()
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        column.addLayout(self._head())
        column.addWidget(self.cameras, 1)
        column.addLayout(self._form())
        column.addWidget(self._buttons())
        self.finished.connect(lambda _result: self._end())
        self._look()

    # ---- how it looks

    def _build_fields(self) -> None:
        self.verdict = QLabel()
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.verdict.setWordWrap(True)
        self.verdict.setMinimumHeight(40)
        self.verdict.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.cameras = QListWidget()
        self.cameras.setAccessibleName(tr("Cameras that answered"))
        self.cameras.setUniformItemSizes(True)
        self.cameras.setSpacing(2)
        self.cameras.currentItemChanged.connect(lambda _now, _before: self._choose())
        self.cameras.itemActivated.connect(lambda _item: self._ask())
        self.username, self.password = QLineEdit(self._draft.username), QLineEdit(self._draft.password)
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        for field in (self.username, self.password):
            field.returnPressed.connect(self._ask)
        self.seen, self.large = QComboBox(), QComboBox()
        for box in (self.seen, self.large):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setEnabled(False)

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.again = QPushButton(tr("Look again"))
        self.again.setAutoDefault(False)
        self.again.clicked.connect(self._look)
        row.addWidget(self.verdict, 1)
        row.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.ask = QPushButton(tr("Ask for its streams"))
        self.ask.setAutoDefault(False)
        self.ask.clicked.connect(self._ask)
        for text, widget in (
            (tr("User"), self.username),
            (tr("Password"), self.password),
            ("", self.ask),
            (tr("Detect in"), self.seen),
            (tr("Large stream"), self.large),
        ):
            form.addRow(text, widget)
            widget.setAccessibleName(text or self.ask.text())
        return form

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        self.use = QPushButton(tr("Use this camera"))
        self.use.setAutoDefault(False)
        buttons.addButton(self.use, QDialogButtonBox.ButtonRole.AcceptRole)
        cancel = QPushButton(tr("Cancel"))
        cancel.setAutoDefault(False)  # Enter in a field asks the camera
        buttons.addButton(cancel, QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self._use)
        buttons.rejected.connect(self.reject)
        self.use.setEnabled(False)
        return buttons

    # ---- who is there

    def _look(self) -> None:
        self._end()
        self.cameras.clear()
        self._forget_streams()
        self.again.setEnabled(False)
        self._say(tr("Looking for cameras in the local network…"), "faint")
        self._stop = self._probing.search(done=self._found, failed=self._failed)

    def _found(self, stop: threading.Event, found: Sequence[Discovered]) -> None:
        if stop is not self._stop:
            return
        self._end()
        for camera in found:
            item = QListWidgetItem(_title(camera))
            item.setData(CAMERA, camera)
            self.cameras.addItem(item)
        if not found:
            self._say(
                tr(
                    "No camera answered. Switch ONVIF on in the cameras' settings, and let this computer's "
                    "firewall take their answers. Cameras in another network do not hear the call: write "
                    "their address by hand."
                ),
                "alarm",
            )
            return
        self.cameras.setCurrentRow(0)
        self.cameras.setFocus()
        count = (
            tr("1 camera answered.") if len(found) == 1 else tr("{count} cameras answered.", count=len(found))
        )
        self._say(f"{count} {tr('Choose one and ask for its streams.')}", "good")

    # ---- which streams it has

    def _choose(self) -> None:
        """Another camera is chosen: what the one before said does not hold for it."""
        if self._camera() != self._asked:
            self._end()
            self._forget_streams()
        self.ask.setEnabled(self._camera() is not None)

    def _ask(self) -> None:
        camera = self._camera()
        if camera is None:
            return
        self._end()
        self._forget_streams()
        self._asked = camera
        self.ask.setEnabled(False)
        self._say(tr("Asking {camera}…", camera=camera.host), "faint")
        login = self.username.text().strip(), self.password.text()
        self._stop = self._probing.streams(camera.service, login, done=self._answered, failed=self._failed)

    def _answered(self, stop: threading.Event, streams: Sequence[Stream]) -> None:
        if stop is not self._stop:
            return
        self._end()
        proposal = propose(streams)
        for box in (self.seen, self.large):
            box.setEnabled(True)
        self.large.addItem(tr("none"), "")
        for stream in streams:
            self.seen.addItem(in_words(stream), stream.url)
            self.large.addItem(in_words(stream), stream.url)
        self.seen.setCurrentIndex(streams.index(proposal.seen))
        self.large.setCurrentIndex(0 if proposal.large is None else 1 + streams.index(proposal.large))
        self.use.setEnabled(True)
        self.use.setDefault(True)
        self.use.setFocus()
        count = (
            tr("It has 1 stream.") if len(streams) == 1 else tr("It has {count} streams.", count=len(streams))
        )
        self._say(count, "good")

    def _use(self) -> None:
        camera = self._asked
        if camera is None or not self.seen.count():
            return
        seen, large = self.seen.currentData(), self.large.currentData()
        self.chosen.emit(
            replace(
                self._draft,
                name=self._draft.name or shortened(camera.name, 48),
                url=seen,
                large="" if large == seen else large,
                username=self.username.text().strip(),
                password=self.password.text(),
            )
        )
        self.accept()

    # ---- inside

    def _camera(self) -> Discovered | None:
        item = self.cameras.currentItem()
        camera: Discovered | None = None if item is None else item.data(CAMERA)
        return camera

    def _forget_streams(self) -> None:
        self._asked = None
        for box in (self.seen, self.large):
            box.clear()
            box.setEnabled(False)
        self.use.setEnabled(False)

    def _failed(self, stop: threading.Event, error: Exception) -> None:
        if stop is self._stop:
            self._end()
            self._say(why_not(error), "alarm")

    def _end(self) -> None:
        """Whatever is under way is not wanted any more, or is done."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None
        self.again.setEnabled(True)
        self.ask.setEnabled(self._camera() is not None)

    def _say(self, text: str, role: str) -> None:
        self.verdict.setText(text)
        self.verdict.setProperty("role", role)
        style = self.verdict.style()
        if style is not None:
            style.polish(self.verdict)


def _title(camera: Discovered) -> str:
    """One line about a camera; whatever it calls itself, it stays one line."""
    said = " · ".join(filter(None, (shortened(camera.name, 60), shortened(camera.hardware, 40))))
    return f"{camera.host}   {said}" if said else camera.host
