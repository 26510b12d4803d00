"""surveil: real-time video surveillance; cameras and recordings in, tracked objects out.

import surveil
for result in surveil.run("clip.mp4"):
    print(result.tracks.boxes)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveil.errors import SurveilError
from surveil.version import __version__

if TYPE_CHECKING:
    from surveil.app import run

__all__ = ["SurveilError", "__version__", "run"]


def __getattr__(name: str) -> Any:
    # `run` pulls in the whole pipeline: it is loaded when it is asked for.
    if name == "run":
        from surveil.app import run

        return run
    raise AttributeError(f"module 'surveil' has no attribute {name!r}")
