"""Where models are: shipped ones by name, others by path. A model is a file and its card.

This is the one place that joins a model with its card, and puts over it what the user calibrated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from surveil.detect.calibration import calibrated
from surveil.detect.card import ModelCard, load_card, sha256_of
from surveil.detect.devices import cuda_driver, parse_device
from surveil.errors import ModelError
from surveil.resources import assets_dir

SUFFIXES: Final = (".onnx", ".pt2")
"""Of the files that runtimes read: ONNX, and programs of torch.export."""

DEFAULT_MODEL: Final = "mobilenetv2-gfl-320"
"""The name of the model that runs where none is named."""

DEFAULT_CPU_MODEL: Final = f"{DEFAULT_MODEL}-int8"
"""The same on a CPU: a quarter less work for half a point of AP."""


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A model whose card belongs to it: its sha256 was compared.

    Attributes:
        path: the `.onnx` or `.pt2` file.
        card: what goes in and what comes out.
    """

    path: Path
    card: ModelCard


def model_folders() -> tuple[Path, ...]:
    """Where models are looked for by name: the user's own folder, then the shipped ones."""
    import platformdirs

    own = platformdirs.user_data_path("surveil", appauthor=False)
    return own / "models", assets_dir() / "models"


def default_model(device: str = "auto") -> str:
    """The name of the model that runs on a device where none is named. Raises UsageError for a wrong device.

    `auto` counts as a GPU where its driver is: should CUDA fail later, the float model runs on the CPU.
    """
    kind = parse_device(device).kind
    on_cpu = kind == "cpu" or (kind == "auto" and cuda_driver() is None)
    return DEFAULT_CPU_MODEL if on_cpu else DEFAULT_MODEL


def find_model(
    name_or_path: str | None,
    card: Path | None = None,
    folders: Sequence[Path] | None = None,
    device: str = "auto",
) -> ModelFile:
    """A model by its name, or by the path of its file; the default one where none is named.

    Args:
        name_or_path: as typed by the user; it is a path if it ends in one of `SUFFIXES` or names a folder.
        card: the model's card; by default the `.json` file of the same name beside it.
        folders: where names are looked up; by default `model_folders()`.
        device: where it is to run: the default depends on it.

    Raises:
        UsageError: the device is unknown.
        ModelError: there is no such model, its card is missing or wrong, or it belongs to another file.
    """
    name = default_model(device) if name_or_path is None else name_or_path
    path = Path(name)
    if path.suffix.lower() in SUFFIXES:
        return _joined(path, card)
    if path.suffix or len(path.parts) > 1:
        raise ModelError(f"{name}: expected the name of a model, or an .onnx or .pt2 file")
    places = model_folders() if folders is None else folders
    for folder in places:
        own_card = folder / f"{name}.json"
        if own_card.is_file():
            return _joined(folder / load_card(own_card).file, card or own_card)
    raise ModelError(_unknown(name, places))


def list_models(folders: Sequence[Path] | None = None) -> tuple[ModelFile, ...]:
    """The models that have a name, in the order of names. Raises ModelError as `find_model`."""
    places = model_folders() if folders is None else folders
    return tuple(find_model(name, folders=places) for name in model_names(places))


def model_names(folders: Sequence[Path] | None = None) -> tuple[str, ...]:
    """What the models are called that have a card; whether each can be used is seen by `find_model`."""
    places = model_folders() if folders is None else folders
    return tuple(sorted({path.stem for folder in places for path in folder.glob("*.json")}))


def _joined(path: Path, card_path: Path | None) -> ModelFile:
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    beside = card_path or path.with_suffix(".json")
    if not beside.is_file():
        raise ModelError(
            f"{path}: its card {beside} is missing: it says what goes into the model and what comes out; "
            "name it with --card"
        )
    card = load_card(beside)
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read: {error.strerror or error}") from error
    if digest != card.sha256:
        raise ModelError(
            f"{path}: its sha256 is {digest}, but the card {beside} belongs to a file with {card.sha256}: "
            "the file is damaged or another one"
        )
    return ModelFile(path=path, card=calibrated(card))


def _unknown(name: str, folders: Sequence[Path]) -> str:
    names = model_names(folders)
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    known = ", ".join(names) or f"none (looked in {', '.join(map(str, folders))})"
    return f"unknown model {name!r}: {hint}known: {known}; or give the path of an .onnx file"
