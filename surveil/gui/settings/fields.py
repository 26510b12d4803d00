"""Values as one types them, and back; limits and choices in words. No Qt here."""

from __future__ import annotations

import re
from typing import Any

from surveil.config.describe import REQUIRED, Setting
from surveil.errors import UsageError
from surveil.gui.text import tr

Raw = str | bool
"""What stands in a field: a switch, or text; a choice by its name."""

_SIZE = re.compile(r"(\d+)\s*[x×*]\s*(\d+)", re.IGNORECASE)


def raw_of(setting: Setting, value: Any) -> Raw:
    """A value as it stands in its field; secrets are never shown."""
    if setting.kind == "switch":
        return bool(value)
    if value is None or value is REQUIRED or setting.secret:
        return ""
    match setting.kind:
        case "size":
            return f"{value[0]} x {value[1]}"
        case "texts":
            return ", ".join(value)
        case "number":
            return f"{value:.10g}"
        case _:
            return str(value)


def value_of(setting: Setting, raw: Raw) -> Any:
    """What a field means; an empty one means nothing, or the default. Raises UsageError: it means nothing."""
    if isinstance(raw, bool):
        return raw
    text = raw.strip()
    if setting.kind == "texts":
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if not text:
        return None if setting.optional else _default(setting)
    match setting.kind:
        case "whole":
            return int(_number(text, whole=True))
        case "number":
            return _number(text, whole=False)
        case "size":
            size = _SIZE.fullmatch(text)
            if size is None:
                raise UsageError(tr("expected width x height, e.g. 416 x 256"))
            return int(size[1]), int(size[2])
        case _:
            return text


def _default(setting: Setting) -> Any:
    return "" if setting.default is REQUIRED or setting.kind == "text" else setting.default


def _number(text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text.replace(",", "."))
    except ValueError as error:
        raise UsageError(tr("expected a whole number") if whole else tr("expected a number")) from error


def limits_in_words(setting: Setting) -> str:
    """E.g. `0 to 1`, `more than 0`; empty: none."""
    least, most = setting.least, setting.most
    if least is None and most is None:
        return ""
    if most is None:
        more = setting.above
        return tr("more than {least:g}", least=least) if more else tr("{least:g} or more", least=least)
    if least is None:
        return tr("at most {most:g}", most=most)
    if setting.above:
        return tr("more than {least:g}, at most {most:g}", least=least, most=most)
    return tr("{least:g} to {most:g}", least=least, most=most)


def default_in_words(setting: Setting) -> str:
    """What holds where nothing is given."""
    if setting.kind == "switch":
        return tr("on") if setting.default else tr("off")
    if setting.default is None:
        return tr("not set")
    if setting.default in ("", (), REQUIRED):
        return ""
    return str(raw_of(setting, setting.default))


def title_of(setting: Setting) -> str:
    """The last part of a key in words, without its unit.

    >>> title_of(Setting(key=("display", "trail_s"), kind="number", help="", unit="s"))
    'Trail'
    """
    name = setting.key[-1]
    if setting.unit:
        name = name.rpartition("_")[0]
    words = name.replace("_", " ")
    words = re.sub(r"\b(rtsp|tls|id)\b", lambda found: found[0].upper(), words)
    return words[:1].upper() + words[1:]
