"""`surveil models`: what detectors there are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from surveil.cli.launch import put

Name = Annotated[str | None, typer.Argument(metavar="[NAME|FILE.onnx]", help="Without it the default model.")]

LIST_EXAMPLES = """\b
surveil models list
"""
SHOW_EXAMPLES = """\b
surveil models show
surveil models show mobilenetv2-gfl-320 | jq .measured
"""


def build() -> typer.Typer:
    """The commands below `surveil models`."""
    app = typer.Typer(help="The detectors that have a name.", no_args_is_help=True, rich_markup_mode=None)
    app.command("list", epilog=LIST_EXAMPLES)(list_)
    app.command("show", epilog=SHOW_EXAMPLES)(show)
    return app


def list_() -> None:
    """Name, input, classes, size and licence of each; * marks the default of this machine."""
    from surveil.detect.assets import default_model, list_models

    default = default_model()
    rows = [("", "name", "input", "classes", "MB", "licence")]
    for model in list_models():
        card = model.card
        sizes = " ".join(f"{width}x{height}" for height, width in card.input.shapes)
        size_mb = model.path.stat().st_size / 1e6
        mark = "*" if card.name == default else ""
        rows.append((mark, card.name, sizes, str(len(card.labels)), f"{size_mb:.1f}", card.licence))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        put("  ".join(f"{value:<{width}}" for value, width in zip(row, widths, strict=True)).rstrip())


def show(
    name: Name = None,
) -> None:
    """Everything that is known of one model: its card, as JSON."""
    from surveil.detect.assets import find_model

    put(json.dumps(find_model(name).card.to_json(), indent=2, ensure_ascii=False))
