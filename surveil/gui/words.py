"""States and figures in words. No Qt here."""

from __future__ import annotations

from surveil.errors import SourceError, SurveilError
from surveil.gui.text import tr
from surveil.pipeline.present import Preview
from surveil.pipeline.state import TROUBLE, State
from surveil.redact import redact

STALE_S = 3.0
"""A live picture older than this is never shown as if it were alive."""
OLD_S = 0.5
"""From this age on the badge counts on while no new picture comes."""


def heading_of(name: str) -> str:
    """What is said over a picture that is not live."""
    return {
        "connecting": tr("Connecting…"),
        "stalled": tr("No new picture"),
        "reconnecting": tr("No connection, trying again"),
        "failed-auth": tr("The camera refuses the password"),
        "stopped": tr("Stopped"),
        "failed": tr("This source cannot be shown"),
        "off": tr("Switched off"),
    }.get(name, name)


def word_of(name: str) -> str:
    """A state in one word or few, for lists and the status line."""
    short = {
        "live": tr("Live"),
        "playing": tr("Playing"),
        "paused": tr("Paused"),
        "ended": tr("Finished"),
        "failed": tr("Cannot be shown"),
        "stalled": tr("No picture"),
        "reconnecting": tr("No connection"),
        "failed-auth": tr("Wrong password"),
    }
    return short.get(name) or heading_of(name)


def trouble(state: State, preview: Preview | None, now_s: float) -> tuple[str, str]:
    """Heading and detail when the picture is not what it seems; two empty texts when all is well."""
    said = sentences(state.cause, state.remedy)
    if state.name in TROUBLE or state.name in ("stopped", "off"):
        return heading_of(state.name), said
    if preview is None:
        return heading_of("connecting"), said
    age_s = now_s - preview.result.frame.arrived_s
    if state.live and age_s > STALE_S:
        return heading_of("stalled"), said or tr("The last picture is {age} s old.", age=f"{age_s:.0f}")
    return "", ""


def badges(state: State, preview: Preview, now_s: float) -> tuple[str, ...]:
    """Pictures a second, frame age, device; of a recording that is held or over, that instead of figures."""
    if state.name in ("paused", "ended"):
        return (word_of(state.name),)
    age_ms = preview.age_ms
    waited_s = now_s - preview.result.frame.arrived_s
    if state.live and waited_s > OLD_S:
        age_ms = max(age_ms, waited_s * 1000)
    return (f"{preview.fps_shown:.0f} fps", f"{age_ms:.0f} ms", state.device)


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
    return ", ".join(f"{count} × {label}" for label, count in counts.items()) or tr("nothing in view")


def clock_text(seconds: float) -> str:
    """Media time for people.

    >>> clock_text(7.25), clock_text(3725)
    ('0:07.2', '1:02:05')
    """
    if seconds < 3600:
        return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02d}:{int(seconds % 60):02d}"


def why_not(error: Exception) -> str:
    """Why a source or a device gives nothing, and what can be done."""
    if isinstance(error, SourceError):
        message = redact(str(error)).removesuffix(error.remedy).rstrip(". ")
        return sentences(error.cause.value, message, error.remedy)
    return sentences(redact(str(error))) if isinstance(error, SurveilError) else repr(error)
