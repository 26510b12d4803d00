"""Every text that people read passes `tr`, so that a catalogue of translations can stand in for English.

Catalogues are gettext's: `surveil/locale/LANGUAGE/LC_MESSAGES/surveil.mo`; see docs/desktop.md.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

DOMAIN = "surveil"
FOLDER = Path(__file__).resolve().parent.parent / "locale"


@lru_cache(maxsize=1)
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, FOLDER, fallback=True)


def tr(text: str, **values: object) -> str:
    """The text in the user's language, with `values` in its places.

    >>> tr("{count} cameras", count=3)
    '3 cameras'
    """
    said = _catalogue().gettext(text)
    return said.format(**values) if values else said


def shortened(text: str, most: int = 60) -> str:
    """A name on one line: no line breaks, no more than `most` characters.

    >>> shortened("a   b" + "c" * 80, 5)
    'a bc…'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
