"""Where the files of a user lie unless they say otherwise."""

from __future__ import annotations

from pathlib import Path

FILE_NAME = "surveil.yaml"


def default_config() -> Path:
    """The configuration of this user."""
    from platformdirs import user_config_path

    return user_config_path("surveil", appauthor=False) / FILE_NAME


def default_state(name: str) -> Path:
    """A file of the running service, such as its status."""
    from platformdirs import user_state_path

    return user_state_path("surveil", appauthor=False) / name


def beside(config: Path, text: str) -> Path:
    """A path of the configuration: a relative one counts from the folder of its file."""
    return config.resolve().parent / Path(text).expanduser()
