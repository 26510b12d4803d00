"""Panels over a session whose cameras are what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TypeVar

import pytest
from PyQt6.QtWidgets import QApplication

from surveil.config.shapes import Zone
from surveil.errors import UsageError
from surveil.gui.desk import Desk, Entry
from surveil.gui.icons import STROKES, icon
from surveil.gui.panels.base import Context, Look, PanelWidget
from surveil.gui.tasks import Tasks
from surveil.gui.theme import DARK, LIGHT, Colours
from surveil.pipeline.ladder import Load
from surveil.pipeline.state import State
from surveil.types import FrameResult
from tests.support.results import A, result_of

Panel = TypeVar("Panel", bound=PanelWidget)


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return self.now_s


@dataclass
class Session:
    """Cameras with states and results, without threads."""

    state: dict[str, State] = field(default_factory=dict)
    results: dict[str, FrameResult] = field(default_factory=dict)
    load: Load = field(default_factory=Load)
    failure: BaseException | None = None

    def states(self) -> dict[str, State]:
        return dict(self.state)

    def latest(self, camera_id: str) -> FrameResult | None:
        if camera_id not in self.state:
            raise UsageError(f"there is no camera {camera_id!r}")
        return self.results.get(camera_id)


@dataclass
class Stage:
    """A desk with cameras, and what a panel did with it."""

    desk: Desk
    session: Session
    clock: Clock
    tasks: Tasks
    zones: dict[str, tuple[Zone, ...]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def watch(self, **titles: str) -> None:
        """Watch these cameras, live and without objects."""
        for name in titles:
            self.session.state.setdefault(name, State(name="live", since_s=0.0))
            self.see(name)
        self.desk.adopt(Entry(id=name, title=title, kept=True) for name, title in titles.items())

    def see(self, camera: str, *objects: A, age_s: float = 1.0, **changes: object) -> None:
        """Let a camera have a new result."""
        result = result_of(objects, camera_id=camera)
        frame = replace(result.frame, arrived_s=self.clock.now_s)
        ages = result.tracks.age_s * 0 + age_s
        tracks = replace(result.tracks, age_s=ages.astype("float32"))
        self.session.results[camera] = replace(result, frame=frame, tracks=tracks, **changes)

    def become(self, camera: str, **changes: object) -> None:
        """Let a camera be in another state."""
        self.session.state[camera] = replace(self.session.state[camera], **changes)  # type: ignore[arg-type]
        self.desk.refresh()

    def camera(self, camera_id: str) -> SimpleNamespace:
        """A camera of the file, as far as panels ask."""
        return SimpleNamespace(zones=self.zones.get(camera_id, ()))

    @property
    def context(self) -> Context:
        """What a panel gets."""
        return Context(
            desk=self.desk,
            filing=SimpleNamespace(snapshot=self),  # type: ignore[arg-type]
            tasks=self.tasks,
            toasts=SimpleNamespace(note=self.notes.append),  # type: ignore[arg-type]
            probing=None,  # type: ignore[arg-type]
            run=self.commands.append,
            edit=lambda _camera: None,
        )


@pytest.fixture
def stage(qapp: QApplication) -> Iterator[Stage]:
    def nothing(_sources: Sequence[str]) -> list[object]:
        raise AssertionError("no panel opens a source")

    session, clock = Session(), Clock()
    tasks = Tasks(clock)  # type: ignore[arg-type]
    yield Stage(Desk(session, nothing, clock), session, clock, tasks)  # type: ignore[arg-type]
    tasks.stop(5.0)


def look(colours: Colours) -> Look:
    return Look(icons={name: icon(name, colours.ink, colours.faint) for name in STROKES}, colours=colours)


@pytest.fixture(params=[DARK, LIGHT], ids=["dark", "light"])
def colours(request: pytest.FixtureRequest) -> Colours:
    return request.param


@pytest.fixture
def shown(qtbot) -> Callable[[Panel], Panel]:
    """Makes a panel visible, dressed in dark."""

    def show(panel: Panel) -> Panel:
        qtbot.addWidget(panel)
        panel.resize(900, 360)
        panel.dress(look(DARK))
        with qtbot.waitExposed(panel):
            panel.show()
        panel.refresh()
        return panel

    return show
