"""Make docs/config.md from the models of `surveil.config`, so that it names every key and no other.

usage: python docs/make_config_page.py [--check]

With --check nothing is written; the exit code is 1 where the page is not what it should be.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from surveil.config.describe import REQUIRED, Setting, settings
from surveil.config.models import Config

PAGE = Path(__file__).resolve().parent / "config.md"

HEAD = """\
# The configuration

<!-- Made by docs/make_config_page.py from surveil/config; do not edit. -->

One YAML file says what is watched and how. A file with one line is enough:

```yaml
cameras: [rtsp://10.0.0.7/stream1]
```

```
surveil config init cameras.yaml        a commented sample that works at once
surveil config check cameras.yaml       every mistake at once, as file:line:column: key: reason
surveil config show cameras.yaml        as it is understood, with defaults and without passwords
surveil config schema                   JSON Schema, for editors that check while one writes
surveil config import-frigate FILE      cameras out of a configuration of Frigate
surveil serve cameras.yaml              watches; changes of the file are taken over while it runs
surveil status cameras.yaml             how the service and its cameras are doing
```

Without a file all of them use the one in the user's configuration folder (on Linux
`~/.config/surveil/surveil.yaml`).

- **Unknown keys are mistakes**, as are keys that are given twice: a misspelt key would do nothing, silently.
- **Secrets** need not stand in the file: `${NAME}` and `${NAME:-default}` are taken from the environment,
  `keyring:NAME` from the machine's keyring (`keyring set surveil NAME`). They are looked up when they are
  used, and shown nowhere. Passwords stand as they are; what an address needs encoded is encoded for you.
- **Short forms**: an address may stand for a camera or for an input, a list of points for a mask.
- **Relative paths** count from the folder of the file.
- **Points** are 0-1 of the picture's width and height, from the top left, and so fit the small and the large
  stream of a camera alike. With `size_px: [width, height]` they are pixels of a picture of that size.
- **Units** are in the names: `_s` seconds, `_hz` times a second, `_px` pixels.

## What a change does while `surveil serve` runs

| changed | what happens |
|---|---|
| a camera's `detect`, `masks.detection` | applied between two frames |
| anything else of it | that camera is opened anew; its track ids go on |
| `model`, `tracking` | the new model takes over; one that cannot be used changes nothing |
| `display`, `outputs` | with the next result; files that are open are finished |
| `service.lock_file`, `status_file`, `metrics` | at the next start |
| the file is broken or gone | nothing: the last good one goes on, `surveil status` says why |

Names, zones and lines are never a reason to open a camera anew. A file that is broken from the start is safe
mode: no camera is watched until it is mended. SIGHUP reads the file, and all that it names, again at once.

## Masks

- **Privacy masks** are painted black in the thread that reads the camera, before anything else sees the
  picture: live view, detector, recording. Every pixel that an area touches is hidden.
- **Detection masks** leave objects out: one whose foot, the middle of the lowest row of pixels of its box,
  lies in an area is dropped before it is tracked. The picture stays as it is.

"""


def page() -> str:
    """The whole page."""
    parts = [HEAD.rstrip("\n")]
    for name, field in Config.model_fields.items():
        rows = [setting for setting in settings() if setting.key[0] == name]
        if len(rows) > 1:
            parts.append(f"## `{name}`\n\n{field.description}\n\n" + "\n".join(table(rows[1:])))
    return "\n\n".join(parts) + "\n"


def table(rows: list[Setting]) -> Iterator[str]:
    """One row a key."""
    yield "| key | value | default | |"
    yield "|---|---|---|---|"
    for row in rows:
        path = row.path.partition(".")[2]
        yield f"| `{path}` | {words(row)} | {default(row)} | {row.help.replace('|', '/')} |"


def words(row: Setting) -> str:
    """What may stand there."""
    kinds = {
        "switch": "true, false",
        "whole": "whole number",
        "number": "number",
        "text": "text",
        "size": "[width, height]",
        "texts": "list",
        "numbers": "list of [x, y]",
        "section": "",
        "sections": "list",
        "choice": "",
    }
    choices = ", ".join(f"`{choice}`" for choice in row.choices)
    text = choices if row.kind == "choice" else f"{kinds[row.kind]}{f' of {choices}' if choices else ''}"
    if row.least is not None and row.most is not None:
        text += f" above {row.least:g} to {row.most:g}" if row.above else f" {row.least:g} to {row.most:g}"
    return text


def default(row: Setting) -> str:
    """What holds where nothing stands."""
    if row.default is REQUIRED:
        return "needed" if row.key[-1] != "id" else "made"
    if row.kind in ("section", "sections") or row.default in (None, (), ""):
        return ""
    return f"`{json.dumps(row.default)}`"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only say whether the page is right")
    text = page()
    if parser.parse_args().check:
        return int(not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
