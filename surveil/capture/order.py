"""The order in which people put files."""

from __future__ import annotations

import re
from pathlib import Path


def natural_key(path: Path) -> tuple[object, ...]:
    """Sorts as people count.

    >>> [p.name for p in sorted(map(Path, ["b10.png", "b9.png", "a.png"]), key=natural_key)]
    ['a.png', 'b9.png', 'b10.png']
    """
    parts = re.split(r"(\d+)", path.name)
    return (
        str(path.parent),
        *((int(part), "") if k % 2 else (-1, part.casefold()) for k, part in enumerate(parts)),
    )
