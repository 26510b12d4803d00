"""Add or edit a camera; `Test` looks at it at once and says what it gives, or why it gives nothing."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QPixmap
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from surveil.app.probe import Found
from surveil.config.camera import Camera
from surveil.errors import UsageError
from surveil.gui.dialogs.find import FindDialog
from surveil.gui.draft import Draft, Transport, camera_of, draft_of
from surveil.gui.probing import Probing
from surveil.gui.text import tr
from surveil.gui.words import sentences, why_not

THUMBNAIL = QSize(208, 117)


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What the dialog starts from.

    Attributes:
        draft: the fields.
        camera: that is edited; None: a new one.
        taken: ids of the cameras that there are.
    """

    draft: Draft = field(default_factory=Draft)
    camera: Camera | None = None
    taken: tuple[str, ...] = ()


class CameraDialog(QDialog):
    """The fields of one camera.

    Signals:
        given: the camera, its new password (may be empty), whether it is a new one.
    """

    given = pyqtSignal(Camera, str, bool)

    def __init__(self, given: Given, probing: Probing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given, self._probing = given, probing
        self._stop: threading.Event | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Add a camera") if given.camera is None else tr("Edit the camera"))
        self.setMinimumWidth(560)
        self._build_fields()
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(14)
        column.addLayout(self._form())
        column.addWidget(self._card())
        column.addWidget(self._buttons())
        self._show(given.draft)
        self.finished.connect(lambda _result: self._end_test())

    # ---- how it looks

    def _build_fields(self) -> None:
        self.name, self.url, self.large = QLineEdit(), QLineEdit(), QLineEdit()
        self.username, self.password = QLineEdit(), QLineEdit()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.transport = QComboBox()
        self.transport.addItem(tr("TCP (recommended)"), "tcp")
        self.transport.addItem("UDP", "udp")
        self.enabled = QCheckBox(tr("Watch this camera"))
        self.name.setMaxLength(200)
        self.name.setPlaceholderText(tr("Front door"))
        self.url.setPlaceholderText(tr("rtsp://192.168.1.20/stream1, http://…, or 0 for a webcam"))
        self.large.setPlaceholderText(tr("optional: a larger stream for the live picture and recordings"))
        if self._given.camera is not None and self._given.camera.password:
            self.password.setPlaceholderText(tr("unchanged"))

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for text, widget in (
            (tr("Name"), self.name),
            (tr("Address"), self._address()),
            (tr("User"), self.username),
            (tr("Password"), self.password),
            (tr("Large stream"), self.large),
            (tr("RTSP over"), self.transport),
            ("", self.enabled),
        ):
            form.addRow(text, widget)
            widget.setAccessibleName(text or self.enabled.text())
        self.url.setAccessibleName(tr("Address"))
        return form

    def _address(self) -> QWidget:
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(0, 0, 0, 0)
        self.finder = QPushButton(tr("Find cameras…"))
        self.finder.setAutoDefault(False)
        self.finder.clicked.connect(self._find)
        row.addWidget(self.url, 1)
        row.addWidget(self.finder)
        return both

    def _card(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        row = QHBoxLayout(card)
        row.setContentsMargins(14, 12, 14, 12)
        row.setSpacing(14)
        self.thumbnail = QLabel()
        self.thumbnail.setFixedSize(THUMBNAIL)
        self.thumbnail.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.thumbnail.hide()
        self.verdict = QLabel(tr("Test the address before you save it."))
        self.verdict.setTextFormat(Qt.TextFormat.PlainText)
        self.verdict.setWordWrap(True)
        self.verdict.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.verdict.setMinimumHeight(54)
        self.test = QPushButton(tr("Test"))
        self.test.setAutoDefault(False)
        self.test.clicked.connect(self._toggle_test)
        row.addWidget(self.thumbnail)
        row.addWidget(self.verdict, 1)
        row.addWidget(self.test, 0, Qt.AlignmentFlag.AlignVCenter)
        self._say(self.verdict.text(), "faint")
        return card

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        self.save = QPushButton(tr("Add camera") if self._given.camera is None else tr("Save"))
        self.save.setDefault(True)
        buttons.addButton(self.save, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QPushButton(tr("Cancel")), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self._save)
        buttons.rejected.connect(self.reject)
        return buttons

    def _show(self, draft: Draft) -> None:
        self.name.setText(draft.name)
        self.url.setText(draft.url)
        self.large.setText(draft.large)
        self.username.setText(draft.username)
        self.transport.setCurrentIndex(0 if draft.transport == "tcp" else 1)
        self.enabled.setChecked(draft.enabled)

    # ---- what it does

    def draft(self) -> Draft:
        """The fields as they are now."""
        transport: Transport = "udp" if self.transport.currentData() == "udp" else "tcp"
        return Draft(
            name=self.name.text(),
            url=self.url.text(),
            large=self.large.text(),
            username=self.username.text(),
            password=self.password.text(),
            transport=transport,
            enabled=self.enabled.isChecked(),
        )

    def camera_removed(self) -> None:
        """The camera that is edited is not in the file any more."""
        if self._given.camera is not None:
            self._given = Given(draft=self.draft(), taken=self._given.taken)
            self.save.setText(tr("Add again"))
            self._say(tr("This camera was removed meanwhile. “Add again” keeps it as a new one."), "alarm")

    def _find(self) -> None:
        dialog = FindDialog(self.draft(), self._probing, self)
        dialog.chosen.connect(self._take)
        dialog.open()

    def _take(self, draft: Draft) -> None:
        """What was found in the network."""
        self._show(draft)
        self.password.setText(draft.password)
        self._end_test()
        self._toggle_test()

    def _camera(self) -> tuple[Camera, str] | None:
        try:
            return camera_of(self.draft(), self._given.taken, self._given.camera)
        except UsageError as error:
            self._say(sentences(str(error)), "alarm")
            return None

    def _save(self) -> None:
        made = self._camera()
        if made is not None:
            self.given.emit(*made, self._given.camera is None)
            self.accept()

    def _toggle_test(self) -> None:
        if self._stop is not None:
            self._end_test(tr("The test was cancelled."))
            return
        made = self._camera()
        if made is None:
            return
        self.thumbnail.hide()
        self._say(tr("Looking…"), "faint")
        self.test.setText(tr("Cancel test"))
        self._stop = self._probing.start(*made, done=self._found, failed=self._not_found)

    def _end_test(self, words: str = "") -> None:
        if self._stop is not None:
            self._stop.set()
            self._stop = None
        self.test.setText(tr("Test"))
        if words:
            self._say(words, "faint")

    def _found(self, stop: threading.Event, found: Found | None) -> None:
        if stop is not self._stop or found is None:
            return
        self._end_test()
        self.thumbnail.setPixmap(_thumbnail(found.frame.image, self.devicePixelRatioF()))
        self.thumbnail.show()
        self._say(in_words(found), "good")

    def _not_found(self, stop: threading.Event, error: Exception) -> None:
        if stop is not self._stop:
            return
        self._end_test()
        self._say(why_not(error), "alarm")

    def _say(self, text: str, role: str) -> None:
        self.verdict.setText(text)
        self.verdict.setProperty("role", role)
        style = self.verdict.style()
        if style is not None:
            style.polish(self.verdict)


def given_of(camera: Camera, taken: tuple[str, ...]) -> Given:
    """To edit a camera."""
    return Given(draft=draft_of(camera), camera=camera, taken=taken)


def in_words(found: Found) -> str:
    """What was found."""
    width, height = found.size
    return tr(
        "It works: {width} × {height}, {rate:.0f} pictures a second, {decoder}. "
        "First picture after {first:.1f} s.",
        width=width,
        height=height,
        rate=found.rate_hz,
        decoder=found.decoder,
        first=found.first_s,
    )


def _thumbnail(image: np.ndarray, ratio: float) -> QPixmap:
    """A picture (H, W, 3) uint8 BGR in the size of the card."""
    height, width = image.shape[:2]
    made = QImage(image.tobytes(), width, height, 3 * width, QImage.Format.Format_BGR888)
    pixmap = QPixmap.fromImage(made).scaled(
        THUMBNAIL * ratio,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
