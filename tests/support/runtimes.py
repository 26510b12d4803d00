"""Runtimes that may be absent."""

from __future__ import annotations

import pytest

from surveil.detect.open import installed_runtimes


def need(runtime: str) -> None:
    """Skip the test where the package of a runtime is not installed."""
    if runtime not in installed_runtimes():
        pytest.skip(f"the package {runtime} is not installed")
