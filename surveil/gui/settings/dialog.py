"""The settings window: pages, search, and the way to the file itself. It never stops the main window."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from surveil.app.workspace import Workspace
from surveil.errors import ConfigError
from surveil.gui.filing import Filing
from surveil.gui.settings.form import SECTIONS, Form, PageName, Row, page_title
from surveil.gui.settings.row import RowWidget
from surveil.gui.text import shortened, tr
from surveil.redact import redact

SIZE = (800, 640)
NAV_PX = 150


class SettingsDialog(QDialog):
    """Shows a `Form` and keeps it in the file."""

    def __init__(self, workspace: Workspace, filing: Filing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace, self._filing = workspace, filing
        self.form = Form(workspace.loaded.config)
        self._waiting = self._warned = False
        self._then: Callable[[], None] = lambda: None
        self.rows: list[RowWidget] = []
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Settings"))
        self.resize(*SIZE)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(12)
        column.addLayout(self._head())
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self._navigation())
        middle.addWidget(self._page(), 1)
        column.addLayout(middle, 1)
        column.addWidget(self._banner())
        column.addLayout(self._foot())
        filing.changed.connect(self._file_changed)
        self._fill_cameras()
        self.pages.setCurrentRow(0 if self.form.config.cameras else 1)

    # ---- how it looks

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search all settings"))
        self.search.setAccessibleName(tr("Search all settings"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._show_rows())
        self.camera = QComboBox()
        self.camera.setAccessibleName(tr("Camera"))
        self.camera.setMinimumWidth(190)
        self.camera.currentIndexChanged.connect(lambda _row: self._show_rows())
        row.addWidget(self.search, 1)
        row.addWidget(self.camera)
        return row

    def _navigation(self) -> QListWidget:
        self.pages = QListWidget()
        self.pages.setFixedWidth(NAV_PX)
        self.pages.setAccessibleName(tr("Pages"))
        self.pages.addItems([page_title(page) for page in SECTIONS])
        self.pages.setStyleSheet("QListView::item { padding: 8px 10px; }")
        self.pages.currentRowChanged.connect(self._turn_page)
        return self.pages

    def _page(self) -> QScrollArea:
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return self._scroll

    def _banner(self) -> QLabel:
        self.banner = QLabel()
        self.banner.setTextFormat(Qt.TextFormat.PlainText)
        self.banner.setWordWrap(True)
        self.banner.hide()
        return self.banner

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.yaml = QPushButton(tr("Open the YAML"))
        self.yaml.setAccessibleDescription(str(self._workspace.path))
        self.yaml.setAutoDefault(False)
        self.yaml.clicked.connect(self.open_yaml)
        path = QLabel()
        path.setTextFormat(Qt.TextFormat.PlainText)
        path.setProperty("role", "faint")
        path.setText(shortened(str(self._workspace.path), 60))
        self.undo, self.close_, self.save = (
            QPushButton(tr("Undo all")),
            QPushButton(tr("Close")),
            QPushButton(tr("Apply")),
        )
        self.save.setDefault(True)
        self.undo.setAutoDefault(False)
        self.undo.clicked.connect(self._undo_all)
        self.close_.setAutoDefault(False)
        self.close_.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        row.addWidget(self.yaml)
        row.addWidget(path, 1)
        for button in (self.undo, self.close_, self.save):
            row.addWidget(button)
        return row

    # ---- what is shown

    @property
    def _camera_id(self) -> str:
        return str(self.camera.currentData() or "")

    def _turn_page(self, _row: int) -> None:
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self._show_rows()

    def _fill_cameras(self) -> None:
        before = self._camera_id
        self.camera.blockSignals(True)
        self.camera.clear()
        for camera in self.form.config.cameras:
            self.camera.addItem(shortened(camera.title, 40), camera.id)
        self.camera.setCurrentIndex(max(0, self.camera.findData(before)))
        self.camera.blockSignals(False)

    def _show_rows(self) -> None:
        """Make the page anew: another page, another camera, another search."""
        page: PageName = tuple(SECTIONS)[max(0, self.pages.currentRow())]
        text = self.search.text().strip()
        if text:
            rows = self.form.found(text, self._camera_id)
        elif page == "cameras" and not self._camera_id:
            rows = ()
        else:
            rows = self.form.rows(page, self._camera_id)
        self.camera.setVisible(bool(self._camera_id) and (page == "cameras" or bool(text)))
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(2)
        self.rows = []
        head = ""
        for row in rows:
            if text or row.group:
                words = " – ".join(
                    part for part in ((page_title(row.page) if text else ""), row.group) if part
                )
                if words != head:
                    column.addWidget(_heading(words.rstrip(".")))
                    head = words
            column.addWidget(self._row(row))
        if not rows:
            nothing = tr("Nothing found.") if text else tr("There is no camera in the file yet.")
            column.addWidget(_heading(nothing))
        column.addStretch(1)
        self._scroll.setWidget(body)
        self._refresh()

    def _row(self, row: Row) -> RowWidget:
        widget = RowWidget(row, secret=self.form.has_secret(row))
        widget.typed.connect(lambda raw: self._typed(row, raw))
        widget.reset.connect(lambda: self._reset(row))
        self.rows.append(widget)
        return widget

    def _refresh(self) -> None:
        faults = self.form.faults()
        for widget in self.rows:
            row = widget.row
            widget.show_raw(
                self.form.raw(row), default=self.form.is_default(row), fault=faults.get(row.key, "")
            )
        self.save.setEnabled(self.form.unsaved and not faults and not self._waiting)
        self.undo.setEnabled(self.form.unsaved and not self._waiting)

    def _say(self, text: str, role: str = "alarm") -> None:
        self.banner.setText(redact(text))
        self.banner.setProperty("role", role)
        style = self.banner.style()
        if style is not None:
            style.polish(self.banner)
        self.banner.setVisible(bool(text))

    # ---- what is done

    def _typed(self, row: Row, raw: str | bool) -> None:
        self.form.enter(row, raw)
        self._warned = False
        self._refresh()

    def _reset(self, row: Row) -> None:
        self.form.reset(row)
        self._refresh()

    def _undo_all(self) -> None:
        self.form.forget()
        self._refresh()

    def open_yaml(self) -> None:
        """Open the file itself, in what the user edits texts with."""
        path = self._workspace.path
        if not path.exists():
            self._say(tr("The file is made when the first setting is kept: {path}", path=path), "faint")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._say(tr("No program could be opened for {path}", path=path))

    @property
    def fault(self) -> str:
        """Why what was typed cannot be kept; empty: it can."""
        return next(iter(self.form.faults().values()), "")

    def keep(self, then: Callable[[], None]) -> None:
        """Write what was typed to the file and go on with `then`; where that fails it is said here."""
        self._then = then
        self._save()

    def _save(self) -> None:
        self._waiting = True
        self._say(tr("Applying…"), "faint")
        self._refresh()
        form = self.form
        self._filing.edit(lambda workspace: workspace.edit(form.write), self._saved, self._refused)

    def _saved(self) -> None:
        self._waiting = False
        self.form.forget()
        self.form.rebase(self._workspace.loaded.config)
        self._say(tr("Kept and in force."), "good")
        self._refresh()
        then, self._then = self._then, lambda: None
        then()

    def _refused(self, error: Exception) -> None:
        self._waiting = False
        self._then = lambda: None
        rest = self.form.refuse(error.problems) if isinstance(error, ConfigError) else ()
        if rest or not isinstance(error, ConfigError):
            why = str(rest[0]) if rest else str(error)
            self._say(tr("Nothing was kept. {why}", why=why))
        else:
            self._say(tr("Nothing was kept: see above."))
        self._refresh()

    def reject(self) -> None:
        """See Qt: the first time it says that something would be lost."""
        if self.form.unsaved and not self._waiting and not self._warned:
            self._warned = True
            self._say(tr("There are changes that were not applied. Close once more to let them go."))
            return
        super().reject()

    def _file_changed(self) -> None:
        """Somebody changed the file; what was typed here stays."""
        broken = self._filing.snapshot.broken
        if broken:
            self._say(
                tr(
                    "The file has mistakes; nothing can be kept until they are mended. {first}",
                    first=broken[0],
                )
            )
        elif self.banner.property("role") == "alarm":
            self._say("")
        if self._waiting or self._workspace.loaded.config == self.form.config:
            return
        cameras = [camera.id for camera in self.form.config.cameras]
        self.form.rebase(self._workspace.loaded.config)
        if cameras != [camera.id for camera in self.form.config.cameras]:
            self._fill_cameras()
            self._show_rows()
        else:
            self._refresh()


def _heading(text: str) -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", "heading")
    label.setWordWrap(True)
    label.setContentsMargins(0, 12, 0, 4)
    label.setText(text)
    return label
