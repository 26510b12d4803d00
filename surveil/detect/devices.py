"""The processors that a detector may run on, by the names that users type."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from dataclasses import dataclass
from typing import Literal, cast

from surveil.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Device:
    """A processor that was asked for.

    Attributes:
        kind: `auto` takes CUDA where it works, and the CPU elsewhere.
        index: which one of several.
    """

    kind: Literal["auto", "cpu", "cuda"]
    index: int = 0


def parse_device(text: str) -> Device:
    """A device from `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"(auto|cpu|cuda)(?:(?<=cuda):(\d{1,3}))?", text)
    if match is None:
        raise UsageError(f"unknown device {text!r}: known are auto, cpu, cuda and cuda:N (N counts from 0)")
    kind, index = match.groups()
    return Device(kind=cast("Literal['auto', 'cpu', 'cuda']", kind), index=int(index or 0))


def cuda_driver() -> str | None:
    """The NVIDIA driver's library where this machine has one; it is loaded to find out."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(name)
    except OSError:
        return None
    return name


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_words(threads: int, runtime: str) -> str:
    """A CPU and what computes on it.

    >>> in_words(2, "OpenVINO")
    'CPU, 2 threads (OpenVINO)'
    """
    return f"CPU, {threads} thread{'s' if threads > 1 else ''} ({runtime})"
