"""What a library tells its maker over the network stays untold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Let `import openvino` not find the package by which it reports its use; it goes on without."""
    modules: dict[str, Any] = sys.modules
    if "openvino_telemetry" in modules:  # somebody else's choice
        yield
        return
    modules["openvino_telemetry"] = None
    try:
        yield
    finally:
        del modules["openvino_telemetry"]
