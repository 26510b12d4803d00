"""`surveil config`: the file that says what is watched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveil.cli.launch import put, say
from surveil.errors import ConfigError, OutputError, Problem, UsageError

if TYPE_CHECKING:
    from surveil.config.load import Loaded

File = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="The configuration; without it that of this user.")
]
Redacted = Annotated[
    bool, typer.Option("--redacted/--secrets", help="Without passwords, or with them as the file has them.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write here; without it to standard output.")
]

INIT_EXAMPLES = """\b
surveil config init
surveil config init cameras.yaml && surveil serve cameras.yaml
"""
CHECK_EXAMPLES = """\b
surveil config check cameras.yaml
"""
SHOW_EXAMPLES = """\b
surveil config show cameras.yaml
surveil config show cameras.yaml --secrets
"""
SCHEMA_EXAMPLES = """\b
surveil config schema > surveil.schema.json
"""
FRIGATE_EXAMPLES = """\b
surveil config import-frigate /config/config.yml --out cameras.yaml
"""


def build() -> typer.Typer:
    """The commands below `surveil config`."""
    app = typer.Typer(help="The file that says what is watched.", no_args_is_help=True, rich_markup_mode=None)
    app.command("init", epilog=INIT_EXAMPLES)(init)
    app.command("check", epilog=CHECK_EXAMPLES)(check)
    app.command("show", epilog=SHOW_EXAMPLES)(show)
    app.command("schema", epilog=SCHEMA_EXAMPLES)(schema)
    app.command("import-frigate", epilog=FRIGATE_EXAMPLES)(import_frigate)
    return app


def init(file: File = None) -> None:
    """Write a commented sample that works at once: a drawn street, and every key with what it is for."""
    from surveil.config.sample import sample

    path = chosen(file)
    _write_new(path, sample())
    put(f"{path}\n\nnext: surveil serve {path}")


def check(file: File = None) -> None:
    """Say everything that is wrong with a file, with line and column.

    Also whether its variables and secrets can be looked up here, and whether the model knows the classes that
    are looked for. Exits with 2 when something is wrong.
    """
    from surveil.app.configured import plan_cameras, run_options, unknown_classes
    from surveil.config.references import References
    from surveil.detect.assets import find_model

    loaded = read(chosen(file))
    plan = plan_cameras(loaded, References(os.environ))
    _report(loaded.warnings)
    model = run_options(loaded).model
    labels = find_model(model.model, model.card, device=model.device).card.labels.names
    wrong = [*plan.failed.values(), *unknown_classes(loaded, labels)]
    if wrong:
        _report(wrong)
        raise typer.Exit(UsageError.exit_code)
    count = len(loaded.config.cameras)
    put(f"{loaded.path}: {count} camera{'' if count == 1 else 's'}, no mistakes")


def show(file: File = None, redacted: Redacted = True) -> None:
    """Print a file as it is understood: all keys, with their defaults."""
    from surveil.config.show import show as as_text

    put(as_text(read(chosen(file)).config, redacted=redacted).rstrip("\n"))


def schema() -> None:
    """Print the JSON Schema, for editors that check while one writes."""
    from surveil.config.describe import schema as as_json

    put(json.dumps(as_json(), indent=2))


def import_frigate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Frigate's config.yml.")], out: Out = None
) -> None:
    """Take over the cameras of Frigate: inputs and roles, detection rate, masks, zones, objects.

    Says on standard error, line by line, what cannot be taken over.
    """
    from surveil.config.frigate import import_frigate as take_over
    from surveil.detect.assets import find_model

    try:
        imported = take_over(file, frozenset(find_model(None).card.labels.names))
    except ConfigError as error:
        _report(error.problems)
        raise typer.Exit(error.exit_code) from error
    _report(imported.left_out)
    if out is None:
        put(imported.text.rstrip("\n"))
    else:
        _write_new(out, imported.text)
    left = len(imported.left_out)
    say(f"{imported.cameras} cameras taken over, {left} settings not; check it with `surveil config check`")


def chosen(file: Path | None) -> Path:
    """The file that was named, or that of this user."""
    from surveil.config.paths import default_config

    return file or default_config()


def read(path: Path) -> Loaded:
    """A file; where it has mistakes all of them on stderr, and exit code 2."""
    from surveil.config.load import load_config

    try:
        return load_config(path)
    except ConfigError as error:
        _report(error.problems)
        raise typer.Exit(error.exit_code) from error


def _report(problems: Iterable[Problem]) -> None:
    for problem in problems:
        say(str(problem))  # its reason holds no secret: see `config.load`


def _write_new(path: Path, text: str) -> None:
    from surveil.files import write_atomic

    if path.exists():
        raise UsageError(f"{path} is there already: name another file, or remove it")
    try:
        path.resolve().parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
