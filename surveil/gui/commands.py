"""Every command of the window in one table: its words, its keys, where it stands; also the keyboard map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

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
    item = partial(Command, menu="file")
    yield item(name="add", text=tr("Add camera…"), keys=("Ctrl+N",), icon="add", toolbar=True)
    yield item(
        name="open", text=tr("Open recording…"), keys=("Ctrl+O",), icon="open", toolbar=True, short=tr("Open")
    )
    yield item(name="demo", text=tr("Try the demo"), keys=("Ctrl+D",), icon="demo")
    yield item(
        name="snapshot",
        text=tr("Save a snapshot"),
        keys=("S",),
        icon="snapshot",
        toolbar=True,
        short=tr("Snapshot"),
    )
    yield item(
        name="export",
        text=tr("Export recording…"),
        keys=("Ctrl+E",),
        icon="export",
        toolbar=True,
        short=tr("Export"),
    )
    yield item(name="close", text=tr("Close recording"), keys=("Ctrl+W",), icon="close")
    yield item(name="keep_running", text=tr("Go on watching when the window is closed"), checked=False)
    yield item(name="quit", text=tr("Quit"), keys=("Ctrl+Q",))


def _view() -> Iterator[Command]:
    item = partial(Command, menu="view")
    yield item(name="full", text=tr("Full tile"), keys=("F",))
    yield item(name="back", text=tr("Back to all tiles"), keys=("Esc",))
    yield item(name="whole", text=tr("Whole picture"), keys=("0",))
    yield item(name="screen", text=tr("Full screen"), keys=("F11",), icon="full")
    yield item(name="after", text=tr("Next camera"), keys=("Ctrl+Right", "Ctrl+Tab"))
    yield item(name="before", text=tr("Camera before"), keys=("Ctrl+Left",))
    yield item(name="page_on", text=tr("Next page of tiles"), keys=("PgDown",))
    yield item(name="page_back", text=tr("Page of tiles before"), keys=("PgUp",))
    yield item(name="carousel", text=tr("Carousel"), keys=("C",), checked=False)
    yield item(name="monitor", text=tr("New monitor window…"), keys=("Ctrl+Shift+N",))


def _overlay() -> Iterator[Command]:
    item = partial(Command, menu="overlay")
    yield item(name="detections", text=tr("All of the overlay"), keys=("D",))
    for name, text, key in (
        ("boxes", tr("Boxes"), "B"),
        ("labels", tr("Labels"), "N"),
        ("ids", tr("Ids"), "I"),
        ("trails", tr("Trails"), "T"),
        ("zones", tr("Zones and lines"), "A"),
    ):
        yield item(name=name, text=text, keys=(key,), checked=True)


def _playback() -> Iterator[Command]:
    item = partial(Command, menu="playback")
    yield item(name="play", text=tr("Play or pause"), keys=("Space", "K"), icon="play")
    yield item(name="jump_back", text=tr("10 s back"), keys=("J",), icon="back")
    yield item(name="jump_on", text=tr("10 s on"), keys=("L",), icon="on")
    yield item(name="frame_back", text=tr("Frame before"), keys=(",",), icon="previous")
    yield item(name="frame_on", text=tr("Next frame"), keys=(".",), icon="next")
    yield item(name="slower", text=tr("Half the speed"), keys=("[", "-"))
    yield item(name="faster", text=tr("Twice the speed"), keys=("]", "+"))
    yield item(name="begin", text=tr("To the beginning"), keys=("Home",))


def _tools() -> Iterator[Command]:
    item = partial(Command, menu="tools")
    yield item(
        name="edit_zones",
        text=tr("Zones and lines…"),
        keys=("Z",),
        icon="zones",
        toolbar=True,
        short=tr("Zones"),
    )
    yield item(name="models", text=tr("Models…"), keys=("Ctrl+M",), icon="models", toolbar=True)
    yield item(name="settings", text=tr("Settings…"), keys=("Ctrl+,",), icon="settings", toolbar=True)
    yield item(name="yaml", text=tr("Open the configuration file"))


def _help() -> Iterator[Command]:
    item = partial(Command, menu="help")
    yield item(name="keys", text=tr("Keyboard map"), keys=("?", "F1"), icon="help")
    yield item(name="about", text=tr("About surveil"))


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
