"""Reading and writing what the measurements found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def write_report(report: Mapping[str, Any], path: Path | None) -> None:
    """Write a measurement as JSON; None: to standard output."""
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    if path is None:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")


def print_page(head: str, section: Callable[[Mapping[str, Any]], str], usage: str | None) -> None:
    """Print a page with a section for each JSON file that the command names; without files, how to use it."""
    reports = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    if not reports:
        raise SystemExit((usage or "").strip())
    sys.stdout.write("\n\n".join([head.strip(), *map(section, reports)]) + "\n")
