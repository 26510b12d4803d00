"""Fixtures of the training tests; heavy modules are imported when used, so they skip without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.training.tiny import TinyData
    from training.data.cache import FeatureCache


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyData:
    """Six pictures of coloured rectangles."""
    from tests.training.tiny import make_tiny_data

    return make_tiny_data(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_cache(tiny: TinyData, tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    """A feature cache of their views."""
    from tests.training.tiny import make_tiny_cache

    return make_tiny_cache(tiny, tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Torch on one thread: the same sums everywhere, and no waiting for cores that others use."""
    torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
    torch.set_num_threads(1)
