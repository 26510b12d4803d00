"""The desktop without its widgets: what is watched, how it is shown, what is said about it. No Qt here.

Two kinds of cameras stand side by side: those of the file (`Workspace`), which come back at the next start,
and guests: recordings and addresses that were only opened to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from surveil.clock import Clock
from surveil.gui.board import Board
from surveil.gui.player import Player
from surveil.gui.text import tr
from surveil.gui.view import TileView
from surveil.gui.wall import Wall
from surveil.gui.words import badges, objects_in_words, sentences, trouble, word_of
from surveil.pipeline.chronicle import Chronicle
from surveil.pipeline.present import WHOLE
from surveil.pipeline.session import CameraConfig, Session
from surveil.pipeline.state import TROUBLE, State
from surveil.render.style import OverlayStyle
from surveil.resources import demo_clip

Configure = Callable[[Sequence[str]], list[CameraConfig]]
SWITCHES = ("boxes", "labels", "ids", "trails", "zones")
"""Fields of `OverlayStyle` that the window switches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One camera of the desktop.

    Attributes:
        id: its name in the session.
        title: what people call it.
        kept: whether it stands in the file.
        problem: why it cannot be watched; empty: it is in the session.
        source: what was opened, for guests.
    """

    id: str
    title: str
    kept: bool = False
    problem: str = ""
    source: str = ""


class Desk:
    """What the window shows and commands. One thread: that of the window.

    Attributes:
        session: started; its life is the caller's.
        wall: of the main window.
        states: of all cameras, as of the last `refresh`.
    """

    def __init__(
        self,
        session: Session,
        configure: Configure,
        clock: Clock,
        style: OverlayStyle | None = None,
        look: Callable[[], Mapping[str, State]] | None = None,
    ) -> None:
        """Show nothing yet.

        Args:
            session: see above.
            configure: makes cameras from sources as one types them; raises UsageError or SourceError.
            clock: the session's.
            style: what is drawn from the start.
            look: how the cameras are doing, without waiting; by default the session is asked.
        """
        self._look = look or session.states
        self.session, self._configure, self.clock = session, configure, clock
        self.wall = Wall(session, self._style_of)
        self.states: Mapping[str, State] = {}
        self.style = replace(style or OverlayStyle(), hud=False)
        self.bare: str | None = None
        """The camera whose zones are not drawn on its picture, because they are being edited."""
        self._entries: dict[str, Entry] = {}
        self._players: dict[str, Player] = {}
        self._chronicle = Chronicle()

    # ---- cameras

    @property
    def board(self) -> Board:
        """Which tiles are on screen in the main window."""
        return self.wall.board

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All cameras, in the order of the tiles."""
        return tuple(self._entries[name] for name in self.board.ids)

    def entry(self, camera_id: str) -> Entry:
        """One of them. Raises KeyError."""
        return self._entries[camera_id]

    def open(self, sources: Sequence[str], *, loop: bool = False) -> tuple[str, ...]:
        """Watch sources as guests; the ids they were given. Raises UsageError, SourceError."""
        opened = []
        for config in self._configure(sources):
            name = self._free(config.id)
            self.session.add(replace(config, id=name, loop=loop or config.loop, stay=True))
            title = Path(config.source.text).name if config.source.kind == "file" else config.source.name
            self._entries[name] = Entry(id=name, title=title, source=config.source.text)
            opened.append(name)
        self._use([*self.board.ids, *opened])
        if opened:
            self.board.selected = opened[0]
        self.refresh()
        return tuple(opened)

    def open_demo(self) -> tuple[str, ...]:
        """Watch the shipped clip, again and again. Raises UsageError when it is missing."""
        return self.open([str(demo_clip())], loop=True)

    def close(self, camera_id: str) -> None:
        """Let go of a guest; a camera of the file is removed there, not here."""
        entry = self._entries.get(camera_id)
        if entry is None or entry.kept:
            return
        self.session.remove(camera_id)
        del self._entries[camera_id]
        self._use([name for name in self.board.ids if name != camera_id])

    def adopt(self, kept: Iterable[Entry]) -> None:
        """Show the cameras of the file as they are now; guests stay, after them."""
        guests = [entry for entry in self._entries.values() if not entry.kept]
        entries = [*kept, *guests]
        self._entries = {entry.id: entry for entry in entries}
        self._use([entry.id for entry in entries])
        self.refresh()

    def exchange(self, one: str, other: str, wall: Wall | None = None) -> tuple[str, ...] | None:
        """Let two tiles change places; the new order of the file's cameras where it is another."""
        before = [entry.id for entry in self.entries if entry.kept]
        (wall or self.wall).board.exchange(one, other)
        after = [entry.id for entry in self.entries if entry.kept]
        return tuple(after) if after != before else None

    def _free(self, name: str) -> str:
        names = (name if n == 1 else f"{name}-{n}" for n in range(1, len(self._entries) + 2))
        return next(name for name in names if name not in self._entries)

    def _use(self, ids: Sequence[str]) -> None:
        self.wall.use(ids)
        for gone in self._players.keys() - set(ids):
            del self._players[gone]

    # ---- looking

    def switch(self, name: str, on: bool) -> None:
        """Turn a part of the overlay on or off, at once also on a picture that is held."""
        self.style = replace(self.style, **{name: on})
        self.wall.again()

    def restyle(self, style: OverlayStyle) -> None:
        """Draw otherwise from now on; the line with name and time is the tile's own."""
        self.style = replace(style, hud=False)
        self.wall.again()

    def switched(self, name: str) -> bool:
        """Whether a part of the overlay is on."""
        return bool(getattr(self.style, name))

    def _style_of(self, camera_id: str) -> OverlayStyle:
        return replace(self.style, zones=False) if camera_id == self.bare else self.style

    # ---- what is said

    def refresh(self) -> None:
        """Ask how all cameras are doing; some four times a second will do."""
        self.states = self._look()
        self._chronicle.note(self.states)
        self.wall.again()  # a camera that was opened anew lost its pictures

    def view(self, camera_id: str, wall: Wall | None = None) -> TileView:
        """What a tile of a wall shows now; of the main one where none is named."""
        wall = wall or self.wall
        entry, state = self._entries[camera_id], self.states.get(camera_id)
        view = TileView(
            title=entry.title,
            selected=wall.board.selected == camera_id and len(wall.board.ids) > 1,
            zoomed=wall.region(camera_id) != WHOLE,
        )
        if self.session.failure is not None:
            return replace(view, message=tr("Detection has stopped"), detail=str(self.session.failure))
        if entry.problem:
            return replace(view, message=tr("This camera cannot be watched"), detail=sentences(entry.problem))
        if state is None:
            return replace(view, message=tr("Connecting…"))
        preview, now_s = wall.preview(camera_id), self.clock.monotonic()
        heading, detail = trouble(state, preview, now_s)
        return replace(
            view,
            picture=None if preview is None else preview.image,
            badges=() if heading or preview is None else badges(state, preview, now_s),
            message=heading,
            detail=detail,
        )

    def player(self, camera_id: str | None) -> Player | None:
        """The transport of a recording; None for a live camera, or where there is none."""
        state = self.states.get(camera_id) if camera_id is not None else None
        if camera_id is None or state is None or state.live or state.name in ("failed", "off"):
            return None
        if camera_id not in self._players:
            self._players[camera_id] = Player(self.session, camera_id)
        return self._players[camera_id]

    def status(self) -> str:
        """One line about the camera that is selected."""
        chosen = self.board.selected
        state = self.states.get(chosen) if chosen is not None else None
        if chosen is None or state is None:
            return tr("Ready")
        parts = [self._entries[chosen].title, word_of(state.name)]
        preview = self.wall.preview(chosen)
        if state.cause:
            parts.append(state.cause)
        elif preview is not None:
            parts.append(objects_in_words(preview))
            parts.append(tr("inference on {device}", device=state.device))
            if state.decoder:
                parts.append(tr("video: {decoder}", decoder=state.decoder))
        return "  ·  ".join(parts)

    def summary(self) -> str:
        """How many cameras there are, how many are in trouble, and what is done without for lack of time."""
        ill = sum(state.name in TROUBLE for state in self.states.values())
        ill += sum(bool(entry.problem) for entry in self._entries.values())
        count = len(self._entries)
        if not count:
            return ""
        words = tr("1 camera") if count == 1 else tr("{count} cameras", count=count)
        words = words if not ill else tr("{words}, {ill} in trouble", words=words, ill=ill)
        load = self.session.load
        if load.rung:
            words = tr("Too much to do: {what}  ·  {words}", what=load.name, words=words)
        return words
