"""Every command of the window in one table: its words, its keys, where it stands; also the keyboard map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surveil.gui.text import tr


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: by which the window finds what it does.
        keys: Qt's names of keys; the first one is shown in menus.
        menu: in which menu it stands.
        icon: of `icons.STROKES`; empty: none.
        toolbar: whether it stands in the toolbar, too; `short`: with these words there.
        checked: for a switch, whether it is on from the start; None: no switch.
    """

    name: str
    text: str
    keys: tuple[str, ...] = ()
    menu: str
    icon: str = ""
    toolbar: bool = False
    short: str = ""
    checked: bool | None = None


MENUS = ("file", "view", "overlay", "playback", "tools", "help")


def menu_title(menu: str) -> str:
    """The words of a menu."""
    return {
        "file": tr("&File"),
        "view": tr("&View"),
        "overlay": tr("&Overlay"),
        "playback": tr("&Playback"),
        "tools": tr("&Tools"),
        "help": tr("&Help"),
    }[menu]


def commands() -> tuple[Command, ...]:
    """All of them, in the order of the menus."""
    return (*_file(), *_view(), *_overlay(), *_playback(), *_tools(), *_help())


def _file() -> Iterator[Command]:
    yield Command(name="add", text=tr("Add camera…"), keys=("Ctrl+N",), menu="file", icon="add", toolbar=True)
    yield Command(
        name="open",
        text=tr("Open recording…"),
        keys=("Ctrl+O",),
        menu="file",
        icon="open",
        toolbar=True,
        short=tr("Open"),
    )
    yield Command(name="demo", text=tr("Try the demo"), keys=("Ctrl+D",), menu="file", icon="demo")
    yield Command(
        name="snapshot",
        text=tr("Save a snapshot"),
        keys=("S",),
        menu="file",
        icon="snapshot",
        toolbar=True,
        short=tr("Snapshot"),
    )
    yield Command(
        name="export",
        text=tr("Export recording…"),
        keys=("Ctrl+E",),
        menu="file",
        icon="export",
        toolbar=True,
        short=tr("Export"),
    )
    yield Command(name="close", text=tr("Close recording"), keys=("Ctrl+W",), menu="file", icon="close")
    yield Command(
        name="keep_running",
        text=tr("Go on watching when the window is closed"),
        menu="file",
        checked=False,
    )
    yield Command(name="quit", text=tr("Quit"), keys=("Ctrl+Q",), menu="file")


def _view() -> Iterator[Command]:
    yield Command(name="full", text=tr("Full tile"), keys=("F",), menu="view")
    yield Command(name="back", text=tr("Back to all tiles"), keys=("Esc",), menu="view")
    yield Command(name="whole", text=tr("Whole picture"), keys=("0",), menu="view")
    yield Command(name="screen", text=tr("Full screen"), keys=("F11",), menu="view", icon="full")
    yield Command(name="after", text=tr("Next camera"), keys=("Ctrl+Right", "Ctrl+Tab"), menu="view")
    yield Command(name="before", text=tr("Camera before"), keys=("Ctrl+Left",), menu="view")
    yield Command(name="page_on", text=tr("Next page of tiles"), keys=("PgDown",), menu="view")
    yield Command(name="page_back", text=tr("Page of tiles before"), keys=("PgUp",), menu="view")


def _overlay() -> Iterator[Command]:
    yield Command(name="detections", text=tr("All of the overlay"), keys=("D",), menu="overlay")
    for name, text, key in (
        ("boxes", tr("Boxes"), "B"),
        ("labels", tr("Labels"), "N"),
        ("ids", tr("Ids"), "I"),
        ("trails", tr("Trails"), "T"),
        ("zones", tr("Zones and lines"), "A"),
    ):
        yield Command(name=name, text=text, keys=(key,), menu="overlay", checked=True)


def _playback() -> Iterator[Command]:
    yield Command(name="play", text=tr("Play or pause"), keys=("Space", "K"), menu="playback", icon="play")
    yield Command(name="jump_back", text=tr("10 s back"), keys=("J",), menu="playback", icon="back")
    yield Command(name="jump_on", text=tr("10 s on"), keys=("L",), menu="playback", icon="on")
    yield Command(name="frame_back", text=tr("Frame before"), keys=(",",), menu="playback", icon="previous")
    yield Command(name="frame_on", text=tr("Next frame"), keys=(".",), menu="playback", icon="next")
    yield Command(name="slower", text=tr("Half the speed"), keys=("[", "-"), menu="playback")
    yield Command(name="faster", text=tr("Twice the speed"), keys=("]", "+"), menu="playback")
    yield Command(name="begin", text=tr("To the beginning"), keys=("Home",), menu="playback")


def _tools() -> Iterator[Command]:
    yield Command(
        name="edit_zones",
        text=tr("Zones and lines…"),
        keys=("Z",),
        menu="tools",
        icon="zones",
        toolbar=True,
        short=tr("Zones"),
    )
    yield Command(
        name="models", text=tr("Models…"), keys=("Ctrl+M",), menu="tools", icon="models", toolbar=True
    )
    yield Command(
        name="settings", text=tr("Settings…"), keys=("Ctrl+,",), menu="tools", icon="settings", toolbar=True
    )
    yield Command(name="yaml", text=tr("Open the configuration file"), menu="tools")


def _help() -> Iterator[Command]:
    yield Command(name="keys", text=tr("Keyboard map"), keys=("?", "F1"), menu="help", icon="help")
    yield Command(name="about", text=tr("About surveil"), menu="help")


def mouse() -> tuple[tuple[str, str], ...]:
    """What the mouse does: (what, where)."""
    return (
        (tr("Fill the window with a tile, and back"), tr("double click, or Enter")),
        (tr("Go into a picture, and out"), tr("wheel")),
        (tr("Move the part that is seen"), tr("drag, after going in")),
        (tr("Let two tiles change places"), tr("drag onto another")),
        (tr("Show that camera alone"), "1 – 9"),
        (tr("Open a recording"), tr("drop a file on the window")),
    )
