"""The models that are compared: files, cards, input sizes, and the figures that their cards hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from surveil.detect.assets import ModelFile, find_model
from surveil.detect.card import ModelCard, load_card
from surveil.errors import UsageError
from training.errors import ConfigError
from training.evaluate.judge import size_name
from training.models.onnx_graph import read_weights

Size = tuple[int, int]
_SIZED = re.compile(r"(?P<model>.+)@(?P<width>\d+)x(?P<height>\d+)")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a card says of a model at one input size; None: nothing.

    Attributes:
        ap: Mean of the classes that the card counts.
        ap50: The same at IoU 0.5.
        person: AP of class person.
        data: What it was measured on.
        mean_over: The classes that the card counts.
    """

    ap: float | None = None
    ap50: float | None = None
    person: float | None = None
    data: str = ""
    mean_over: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model at one input size.

    Attributes:
        name: In table and pictures.
        asked: Name or path, as `open_detector` takes it.
        card_path: Its card where that does not lie beside it.
        file: The file and its card.
        size: (height, width) of the input in pixels.
        figures: Of its card, or of the cards that name it as a peer.
    """

    name: str
    asked: str
    card_path: Path | None
    file: ModelFile
    size: Size
    figures: Figures

    @property
    def megabytes(self) -> float:
        """10^6 bytes of the file."""
        return self.file.path.stat().st_size / 1e6

    @property
    def parameters(self) -> int | None:
        """As its card says, else counted in the file; None for what is no ONNX."""
        told = self.file.card.measured.get("parameters")
        if isinstance(told, int):
            return told
        if self.file.path.suffix != ".onnx":
            return None
        values = read_weights(self.file.path).values()
        return sum(value.numel() for value in values if value.is_floating_point() and value.numel() > 1)


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A detector of others whose figures stand in a card, without its file."""

    name: str
    figures: Figures


def open_entries(models: Sequence[str], cards: Sequence[Path], names: Sequence[str]) -> tuple[Entry, ...]:
    """Find the models and their cards.

    Args:
        models: Names or files, each with an input size if it ends in `@WIDTHxHEIGHT`.
        cards: Of files that have none beside them: a card belongs to the file that it names.
        names: To be shown instead of the cards'; none, or one for each model.

    Raises:
        ConfigError: A card or the names do not fit, or a model is there twice.
        SurveilError: A model or its card is missing or broken; the message names the file.
    """
    if names and len(names) != len(models):
        raise ConfigError(f"--names: {len(names)} names for {len(models)} models")
    by_file = _by_file(cards)
    found = [_entry(text, by_file) for text in models]
    used = {entry.card_path for entry in found}
    stray = [path for path in by_file.values() if path not in used]
    if stray:
        raise ConfigError(
            f"{stray[0]}: this card belongs to {load_card(stray[0]).file}, which is not compared"
        )
    if names:
        found = [replace(entry, name=name) for entry, name in zip(found, names, strict=True)]
    else:
        found = _told_apart(found)
    twice = [name for name, count in Counter(entry.name for entry in found).items() if count > 1]
    if twice:
        raise ConfigError(f"{twice[0]} is compared with itself: name models once, or at different sizes")
    peers = {slug(peer.name): peer.figures for peer in peers_of(found)}
    return tuple(_with_peers_figures(entry, peers) for entry in found)


def _by_file(cards: Sequence[Path]) -> dict[str, Path]:
    """Cards by the model's file that they name."""
    found: dict[str, Path] = {}
    for path in cards:
        file = load_card(path).file
        if file in found:
            raise ConfigError(f"{path} and {found[file]} are cards of one file, {file}: name one of them")
        found[file] = path
    return found


def _entry(text: str, cards: Mapping[str, Path]) -> Entry:
    sized = _SIZED.fullmatch(text)
    asked = sized["model"] if sized else text
    card_path = cards.get(Path(asked).name)
    file = find_model(asked, card_path)
    shapes = file.card.input.shapes
    size = (int(sized["height"]), int(sized["width"])) if sized else shapes[0]
    if size not in shapes:
        known = ", ".join(map(size_name, shapes))
        raise UsageError(f"{asked}: its card knows the input sizes {known}, got {size_name(size)}")
    return Entry(
        name=file.card.name,
        asked=asked,
        card_path=card_path,
        file=file,
        size=size,
        figures=figures_of(file.card, size),
    )


def _told_apart(entries: Sequence[Entry]) -> list[Entry]:
    """One model at several sizes is named by its size as well."""
    count = Counter(entry.name for entry in entries)
    return [replace(e, name=f"{e.name} at {size_name(e.size)}") if count[e.name] > 1 else e for e in entries]


def figures_of(card: ModelCard, size: Size) -> Figures:
    """What a card says at an input size (height, width); its figures are free-form, so any may be missing."""
    told = card.measured.get("ap")
    if not isinstance(told, Mapping):
        return Figures()
    at_size = told.get(size_name(size))
    classes = told.get("mean_over")
    return Figures(
        ap=_number(at_size, "mean", "AP"),
        ap50=_number(at_size, "mean", "AP50"),
        person=_number(at_size, "classes", "person", "AP"),
        data=str(told.get("data", "")),
        mean_over=tuple(map(str, classes)) if isinstance(classes, list) else (),
    )


def peers_of(entries: Sequence[Entry]) -> list[Peer]:
    """The peers that the cards name, each once."""
    found: dict[str, Peer] = {}
    for entry in entries:
        rows = entry.file.card.measured.get("peers_on_the_same_images")
        for row in rows if isinstance(rows, list) else []:
            if not (isinstance(row, Mapping) and isinstance(row.get("name"), str)):
                continue
            name = row["name"].split(" (")[0]
            figures = replace(
                entry.figures,
                ap=_number(row, "AP", "mean"),
                ap50=_number(row, "AP50", "mean"),
                person=_number(row, "AP", "person"),
            )
            found.setdefault(slug(name), Peer(name=name, figures=figures))
    return list(found.values())


def absent_peers(entries: Sequence[Entry]) -> list[Peer]:
    """Those that are not compared themselves."""
    own = {slug(entry.file.card.name) for entry in entries}
    return [peer for peer in peers_of(entries) if slug(peer.name) not in own]


def _with_peers_figures(entry: Entry, peers: Mapping[str, Figures]) -> Entry:
    known = peers.get(slug(entry.file.card.name))
    first = entry.size == entry.file.card.input.shapes[0]  # the size that a peer's name means
    return replace(entry, figures=known) if known and first and entry.figures.ap is None else entry


def slug(name: str) -> str:
    """A name as files are called.

    >>> slug("NanoDet-Plus-m 416")
    'nanodet-plus-m-416'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _number(values: Any, *keys: str) -> float | None:
    """A number deep in JSON; None where it is not."""
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return float(values) if isinstance(values, int | float) and not isinstance(values, bool) else None


def common_classes(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The classes that all models know, in the first one's order.

    Raises:
        ConfigError: There are none.
    """
    first, *others = entries
    common = list(first.file.card.labels.names)
    for entry in others:
        known = entry.file.card.labels.names
        left = [name for name in common if name in known]
        if not left:
            raise ConfigError(
                f"{entry.file.path}: none of its classes ({', '.join(known[:5])}, …) is among "
                f"{', '.join(common[:8])} of the models before it"
            )
        common = left
    return tuple(common)
