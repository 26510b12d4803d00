"""What all tests share: the folder of real recordings, and a guard against threads that are left behind."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """No windows, and no verdict by the clock: a busy machine fails no test."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    settings.register_profile("house", deadline=None)
    settings.load_profile("house")


_code = 0


def pytest_sessionfinish(exitstatus: int) -> None:
    """Remember the verdict."""
    global _code
    _code = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """What a failed test left running, and failed for, would keep the process from ending."""
    left = [t.name for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    if left and _code:
        sys.stderr.write(f"ended with threads that tests left behind: {', '.join(left)}\n")
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(_code)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings and data sets; the test skips where it is not at hand."""
    folder = Path(os.environ.get("SURVEIL_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"real recordings are not at hand: no folder {folder} (set SURVEIL_SHARED)")
    return folder


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """A test that leaves a thread of ours running fails."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if not thread.daemon:
            thread.join(2.0)
        assert thread.daemon or not thread.is_alive(), f"thread {thread.name!r} was left behind"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sets up logging for a process of its own; the next test must not inherit it."""
    logger = logging.getLogger("surveil")
    before = logger.level, logger.propagate, list(logger.handlers)
    yield
    level, logger.propagate, logger.handlers[:] = before
    logger.setLevel(level)
