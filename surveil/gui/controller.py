"""What the window commands and asks: sources, playing, overlay switches, every state in words. No Qt here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from surveil.clock import Clock
from surveil.gui.view import TileView
from surveil.pipeline.present import Preview
from surveil.pipeline.session import CameraConfig, Session
from surveil.pipeline.state import TROUBLE, State
from surveil.render.style import OverlayStyle
from surveil.resources import demo_clip

SWITCHES = (  # (field of OverlayStyle, text, key)
    ("boxes", "Boxes", "B"),
    ("labels", "Labels", "L"),
    ("trails", "Trails", "T"),
)
HEADINGS = {
    "connecting": "Connecting…",
    "stalled": "No new picture",
    "reconnecting": "No connection, trying again",
    "failed-auth": "The camera refuses the password",
    "stopped": "Stopped",
    "failed": "This source cannot be shown",
    "off": "Switched off",
}
WORDS = {"live": "Live", "playing": "Playing", "paused": "Paused", "ended": "Finished"}
Configure = Callable[[Sequence[str]], list[CameraConfig]]
STALE_S = 3.0  # a live picture older than this is never shown as if it were alive


class Controller:
    """One tile's worth of session: which source is shown, how, and what is said about it.

    Args:
        session: started; its life is the caller's.
        configure: makes the configurations of cameras from sources as one types them; raises UsageError or
            SourceError.
        clock: the session's.
    """

    def __init__(self, session: Session, configure: Configure, clock: Clock) -> None:
        self._session, self._configure, self._clock = session, configure, clock
        self._ids: list[str] = []
        self._shown: str | None = None
        self._size = (960, 540)
        self._style = OverlayStyle(hud=False)
        self._paused = False
        self._failure: tuple[str, str] | None = None

    # ---- commands

    def open(self, source: str) -> None:
        """Show a source instead of those that are open. Raises UsageError or SourceError."""
        self.open_all([source])

    def open_demo(self) -> None:
        """Show the shipped clip, again and again. Raises UsageError when it is missing."""
        self.open_all([str(demo_clip())], loop=True)

    def open_all(self, sources: Sequence[str], *, loop: bool = False) -> None:
        """Open several sources and show the first; `choose` shows another. Raises as `open`."""
        self.close_source()
        for config in self._configure(sources):
            self._session.add(replace(config, loop=True) if loop else config)
            self._ids.append(config.id)
        self.choose(0)

    def choose(self, number: int) -> None:
        """Show the source of this number, counted from 0; nothing happens when there is none."""
        if not 0 <= number < len(self._ids):
            return
        if self._shown is not None:
            self._session.hide(self._shown)
        self._shown, self._paused = self._ids[number], False
        self._show()

    def close_source(self) -> None:
        """Let go of every source."""
        for camera_id in self._ids:
            self._session.remove(camera_id)
        self._ids, self._shown, self._paused, self._failure = [], None, False, None

    def fail(self, message: str) -> None:
        """Say that a source could not even be begun."""
        self.close_source()
        self._failure = ("This source cannot be shown", message)

    def toggle_pause(self) -> None:
        """Hold a recording, or go on; a live camera is not held."""
        if self._shown is None or not self.can_pause:
            return
        self._paused = not self._paused
        (self._session.pause if self._paused else self._session.resume)(self._shown)

    def switch(self, name: str, on: bool) -> None:
        """Turn a part of the overlay on or off, at once also on a picture that is held."""
        self._style = replace(self._style, **{name: on})
        self._show()

    def resize(self, width: int, height: int) -> None:
        """Make pictures for a tile of this size in device pixels."""
        self._size = (max(width, 1), max(height, 1))
        self._show()

    def _show(self) -> None:
        if self._shown is not None:
            self._session.show(self._shown, self._size, self._style)

    # ---- questions

    @property
    def paused(self) -> bool:
        """Whether the recording is held."""
        return self._paused

    @property
    def can_pause(self) -> bool:
        """Whether what is shown is a recording that plays."""
        state = self._state()
        return state is not None and not state.live and state.name in ("playing", "paused")

    def switched(self, name: str) -> bool:
        """Whether a part of the overlay is on."""
        return bool(getattr(self._style, name))

    def view(self) -> TileView:
        """What the tile shows now."""
        if self._failure is not None:
            return TileView(message=self._failure[0], detail=self._failure[1])
        if self._session.failure is not None:
            return TileView(message="Detection has stopped", detail=str(self._session.failure))
        state = self._state()
        if state is None or self._shown is None:
            return TileView(message="No source", detail="Open a file or a camera.")
        preview = self._session.preview(self._shown)
        heading, detail = self._trouble(state, preview)
        return TileView(
            picture=None if preview is None else preview.image,
            badge="" if heading or preview is None else badge(state, preview),
            message=heading,
            detail=detail,
        )

    def status(self) -> str:
        """One line in words."""
        state = self._state()
        if state is None or self._shown is None:
            return self._failure[1] if self._failure else "Ready"
        preview = self._session.preview(self._shown)
        parts = [self._place(self._shown), WORDS.get(state.name, HEADINGS.get(state.name, state.name))]
        if state.cause:
            parts.append(state.cause)
        elif preview is not None:
            parts += [objects_in_words(preview), f"inference on {state.device}"]
            if state.decoder:
                parts.append(f"video: {state.decoder}")
        return "  ·  ".join(parts)

    def _place(self, name: str) -> str:
        """The source's name, with its place among several and how to see the others."""
        count = len(self._ids)
        if count < 2:
            return name
        return f"{name} ({self._ids.index(name) + 1} of {count}, keys 1-{min(count, 9)})"

    def _state(self) -> State | None:
        return None if self._shown is None else self._session.states().get(self._shown)

    def _trouble(self, state: State, preview: Preview | None) -> tuple[str, str]:
        """Heading and detail when the picture is not what it seems; two empty texts when all is well."""
        words = sentences(state.cause, state.remedy)
        if state.name in TROUBLE or state.name in ("stopped", "off"):
            return HEADINGS[state.name], words
        if preview is None:
            return HEADINGS["connecting"], words
        age_s = self._clock.monotonic() - preview.result.frame.arrived_s
        if state.live and age_s > STALE_S:
            return HEADINGS["stalled"], words or f"The last picture is {age_s:.0f} s old."
        return "", ""


def badge(state: State, preview: Preview) -> str:
    """Frames a second, frame age, device; for a recording that is held or over, that instead of figures."""
    if state.name in ("paused", "ended"):
        return WORDS[state.name]
    return f"{preview.fps_shown:.0f} fps  ·  {preview.age_ms:.0f} ms  ·  {state.device}"


def sentences(*texts: str) -> str:
    """Texts with a capital and a stop each; what begins with a path or address keeps its first letter.

    >>> sentences("refused", "Is it switched on?"), sentences("a.mp4: there is no such file")
    ('Refused. Is it switched on?', 'a.mp4: there is no such file.')
    """
    said = [text if ":" in text else text[0].upper() + text[1:] for text in texts if text]
    return " ".join(text if text.endswith((".", "?", "!")) else f"{text}." for text in said)


def objects_in_words(preview: Preview) -> str:
    """What is in the picture, e.g. "3 × person, 1 × car"."""
    tracks = preview.result.tracks
    seen = [tracks.labels[int(k)] for k, s in zip(tracks.class_ids, tracks.states, strict=True) if s == 1]
    counts = {label: seen.count(label) for label in sorted(set(seen))}
    return ", ".join(f"{count} × {label}" for label, count in counts.items()) or "nothing in view"
