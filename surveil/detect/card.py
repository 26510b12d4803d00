"""The card of a model: `NAME.json` beside `NAME.onnx`; what goes in, what comes out, and what was measured.

It is all that passes from training to the application besides the `.onnx` (or `.pt2`) file. Plain dataclasses
on purpose: training runs without pydantic. Values are checked where files are read and written, all problems
at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

from surveil.detect.strict import Fields, parse_json
from surveil.errors import DataError, ModelError, OutputError
from surveil.files import write_atomic
from surveil.labels import LabelMap

SCHEMA: Final = 1
"""The version of the format that this module reads and writes."""

_LARGEST_SIDE = 8192
_ZEROS, _ONES = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """How a frame becomes the model's input.

    Attributes:
        shapes: (height, width) pairs that were exported and measured; the first is the default.
        layout: order of the axes.
        dtype: type of the values; uint8 models cast and scale inside the graph.
        channels: order of the colours.
        mean: subtracted per channel after the cast, in 0-255 units; 0 for uint8 models.
        std: divided by per channel after that, in 0-255 units; 1 for uint8 models.
        resize: `letterbox` keeps the aspect on grey 114, `stretch` does not.
        interpolation: `linear` or `cubic` resampling.
    """

    shapes: tuple[tuple[int, int], ...]
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    dtype: Literal["uint8", "float32"] = "uint8"
    channels: Literal["BGR", "RGB"] = "BGR"
    mean: tuple[float, float, float] = _ZEROS
    std: tuple[float, float, float] = _ONES
    resize: Literal["letterbox", "stretch"] = "letterbox"
    interpolation: Literal["linear", "cubic"] = "linear"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Scores in 0-1 that the detector, the tracker and the overlay read.

    Attributes:
        low: the detector's floor, and the tracker's second association.
        high: the tracker's first association.
        birth: a new track begins.
        display: a bare detection is drawn.
    """

    low: float
    high: float
    birth: float
    display: float


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Everything that is known of one model file.

    Attributes:
        name: what users call it (`--model NAME`).
        file: name of the model's file beside the card.
        sha256: of that file, 64 hexadecimal digits.
        licence: an SPDX expression or a sentence.
        credits: who must be named, one line each.
        labels: the classes, in the order of the model's outputs.
        input: how a frame becomes the model's input.
        output: a name in the table `surveil.detect.layouts.LAYOUTS`.
        nms_iou: boxes of one class that overlap more are the same object.
        voting_sigma: how far such boxes correct each other, see `postprocess.vote`; None: not at all.
        thresholds: where scores are cut.
        measured: free form: AP per class with its data, latency by machine.
        training: free form: recipe, seed, data hash, revision.
    """

    name: str
    file: str
    sha256: str
    licence: str
    credits: tuple[str, ...]
    labels: LabelMap
    input: InputSpec
    output: str
    nms_iou: float
    thresholds: Thresholds
    measured: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    voting_sigma: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The card as JSON's own types, in the order in which people read it."""
        spec, cut = self.input, self.thresholds
        return {
            "schema": SCHEMA,
            "name": self.name,
            "file": self.file,
            "sha256": self.sha256,
            "licence": self.licence,
            "credits": list(self.credits),
            "labels": {"name": self.labels.name, "names": list(self.labels.names)},
            "input": {
                "shapes": [list(shape) for shape in spec.shapes],
                "layout": spec.layout,
                "dtype": spec.dtype,
                "channels": spec.channels,
                "mean": list(spec.mean),
                "std": list(spec.std),
                "resize": spec.resize,
                "interpolation": spec.interpolation,
            },
            "output": self.output,
            "nms_iou": self.nms_iou,
            **({} if self.voting_sigma is None else {"voting_sigma": self.voting_sigma}),
            "thresholds": {"low": cut.low, "high": cut.high, "birth": cut.birth, "display": cut.display},
            "measured": dict(self.measured),
            "training": dict(self.training),
        }

    def save(self, path: Path) -> None:
        """Write the card; a file that is already there is replaced in one step.

        Raises:
            ModelError: the card holds values that `load_card` would refuse.
            OutputError: the file cannot be written.
        """
        try:
            text = json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        except (TypeError, ValueError) as error:
            raise ModelError(f"{path}: this card is not JSON: {error}") from error
        parse_card(text, str(path))
        try:
            write_atomic(path, text.encode(), mode=0o644)
        except OSError as error:
            raise OutputError(f"{path}: the card cannot be written: {error.strerror or error}") from error


def load_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        ModelError: there is no such file, or it is not a card; the message names every problem with its path.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model card") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the model card cannot be read: {error}") from error
    return parse_card(text, str(path))


def parse_card(text: str, where: str) -> ModelCard:
    """A card from its JSON text; `where` names it in messages. Raises ModelError as `load_card`."""
    try:
        document = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where}: the model card is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ModelError(f"{where}: a model card is a JSON object, got {type(document).__name__}")
    problems: list[str] = []
    fields = Fields(document, "", problems)
    schema = fields.number("schema", 1, 1e6)
    if schema != SCHEMA:
        raise ModelError(f"{where}: schema {schema:g} is newer than this surveil, which reads {SCHEMA}")
    card = ModelCard(
        name=fields.text("name"),
        file=_file(fields),
        sha256=_sha256(fields),
        licence=fields.text("licence"),
        credits=fields.texts("credits"),
        labels=_labels(fields.child("labels")),
        input=_input(fields.child("input")),
        output=fields.text("output"),
        nms_iou=fields.number("nms_iou", 0, 1),
        voting_sigma=fields.number("voting_sigma", 1e-3, 1) if "voting_sigma" in document else None,
        thresholds=_thresholds(fields.child("thresholds")),
        measured=fields.mapping("measured"),
        training=fields.mapping("training"),
    )
    fields.close()
    if problems:
        raise ModelError("\n  ".join([f"{where}: this model card cannot be used:", *problems]))
    return card


def sha256_of(path: Path) -> str:
    """The sha256 of a file, as 64 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file(fields: Fields) -> str:
    name = fields.text("file")
    if name in (".", "..") or re.search(r"[/\\:\0]", name):
        fields.wrong("file", "the name of a file beside the card, without a folder", name)
    return name


def _sha256(fields: Fields) -> str:
    digest = fields.text("sha256")
    if digest and not re.fullmatch("[0-9a-f]{64}", digest):
        fields.wrong("sha256", "64 lower-case hexadecimal digits", digest)
    return digest


def _labels(fields: Fields) -> LabelMap:
    name, names = fields.text("name"), fields.texts("names")
    fields.close()
    try:
        return LabelMap(name, names)
    except DataError:
        fields.wrong("labels.names", "at least one class name, each once", list(names))
        return LabelMap(name, ("?",))


def _input(fields: Fields) -> InputSpec:
    spec = InputSpec(
        shapes=fields.sizes("shapes", 1, _LARGEST_SIDE),
        layout=cast("Any", fields.choice("layout", ("NHWC", "NCHW"))),
        dtype=cast("Any", fields.choice("dtype", ("uint8", "float32"))),
        channels=cast("Any", fields.choice("channels", ("BGR", "RGB"))),
        mean=cast("Any", fields.numbers("mean", 3, -1e6, 1e6)),
        std=cast("Any", fields.numbers("std", 3, 1e-6, 1e6)),
        resize=cast("Any", fields.choice("resize", ("letterbox", "stretch"))),
        interpolation=cast("Any", fields.choice("interpolation", ("linear", "cubic"), default="linear")),
    )
    fields.close()
    if spec.dtype == "uint8" and spec.mean and spec.std and (spec.mean, spec.std) != (_ZEROS, _ONES):
        fields.problems.append("input: a uint8 model scales inside its graph: mean must be 0 and std 1")
    return spec


def _thresholds(fields: Fields) -> Thresholds:
    names = ("low", "high", "birth", "display")
    before = len(fields.problems)
    low, high, birth, display = (fields.number(name, 0, 1) for name in names)
    fields.close()
    if len(fields.problems) == before and low > min(high, birth, display):
        fields.problems.append("thresholds: low must not lie above high, birth or display")
    return Thresholds(low=low, high=high, birth=birth, display=display)
