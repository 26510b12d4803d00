"""What a figure was measured on: the machine and the libraries, in words and numbers."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "numpy",
    "opencv-python",
    "av",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "torch",
    "scipy",
    "PyQt6",
)


def describe_machine() -> dict[str, Any]:
    """Processor, cores that this process may use, memory, system, Python, libraries."""
    from surveil.detect.devices import cores

    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_gb": _memory_gb(),
        "system": f"{platform.system()}-{platform.release().partition('-')[0]}-{platform.machine()}",
        "python": platform.python_version(),
        "packages": dict(versions()),
    }


def versions() -> Mapping[str, str]:
    """The installed versions of the libraries that matter."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def peak_rss_mb() -> float | None:
    """The most memory this process has held, in 10^6 bytes; None where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6  # bytes there, KiB elsewhere


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)
