"""Programs of `torch.export`, read without torch and without pickle.

A `.pt2` file is a zip archive: the graph as JSON, the weights as raw bytes, and what may be pickled (example
inputs, constants of foreign types). torch's own reader unpickles these, and falls back from the safe way to
the unsafe one: a file from the net could run anything. This reader opens the graph and the raw weights only.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surveil.detect.runner import NetworkInput
from surveil.errors import ModelError

SCHEMA: Final = 8
"""The major version of torch's format that this module reads (torch 2.11-2.13)."""

NAMES_FILE: Final = "surveil.json"
"""The extra file in the archive that names the outputs: `{"outputs": ["boxes", "scores"]}`."""

_DTYPES: Final = {1: "uint8", 5: "int64", 6: "float16", 7: "float32", 12: "bool"}  # torch's numbers for them
_CHECKS: Final = "torch.ops.aten._assert_"  # of what was true at export
_PLAIN: Final = ("as_int", "as_float", "as_bool", "as_string")
_LISTS: Final = ("as_ints", "as_floats", "as_bools")


@dataclass(frozen=True, slots=True)
class Value:
    """What a step before, the input or a weight gave."""

    name: str


@dataclass(frozen=True, slots=True)
class Dtype:
    """A type of array, by numpy's name."""

    name: str


@dataclass(frozen=True, slots=True)
class Here:
    """The device on which the program runs, whatever the one on which it was exported."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation.

    Attributes:
        op: its full name, e.g. `torch.ops.aten.conv2d.default`.
        arguments: by name: numbers, texts, None, `Value`, `Dtype`, `Here`, or tuples of them.
        outputs: the names of what it gives; none where it gives nothing.
    """

    op: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A graph with its weights.

    Attributes:
        input: the picture.
        weights: by their names in the steps.
        steps: in order, without checks.
        results: values that are returned.
        outputs: what these are called.
    """

    input: NetworkInput
    weights: Mapping[str, NDArray[Any]]
    steps: tuple[Step, ...]
    results: tuple[Value, ...]
    outputs: tuple[str, ...]


def read_program(path: Path) -> Program:
    """A program of torch.export from its `.pt2` file. Raises ModelError that says why it cannot be used."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _program(_Archive(archive))
    except (OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: not an archive of torch.export: {error}") from error
    except KeyError as error:
        raise ModelError(f"{path}: this program of torch.export cannot be used: it lacks {error}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path}: this program of torch.export cannot be used: {error}") from error


class _Archive:
    """Files of a `.pt2` archive; all lie in one folder, whose name does not matter."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        names = [name for name in archive.namelist() if name.endswith("models/model.json")]
        if len(names) != 1:
            raise ValueError(f"expected one models/model.json, got {names}")
        self._root = names[0].removesuffix("models/model.json")

    def read(self, name: str) -> bytes:
        return self._archive.read(self._root + name)

    def json(self, name: str) -> Any:
        return json.loads(self.read(name))


def _program(archive: _Archive) -> Program:
    document = archive.json("models/model.json")
    major = document["schema_version"]["major"]
    if major != SCHEMA:
        raise ValueError(f"its format is {major}, expected {SCHEMA}: export it with torch 2.11 to 2.13")
    graph = document["graph_module"]["graph"]
    weights: dict[str, NDArray[Any]] = {}
    pictures: list[str] = []
    stored = archive.json("data/weights/model_weights_config.json")["config"]
    for spec in document["graph_module"]["signature"]["input_specs"]:
        ((kind, value),) = spec.items()
        match kind:
            case "parameter" | "buffer":
                weights[value["arg"]["name"]] = _weight(archive, stored[value[f"{kind}_name"]])
            case "user_input":
                pictures.append(value["arg"]["as_tensor"]["name"])
            case _:
                raise ValueError(f"inputs of the kind {kind!r} are not read")
    if len(pictures) != 1:
        raise ValueError(f"expected one input, got {pictures}")
    results = tuple(Value(value["as_tensor"]["name"]) for value in graph["outputs"])
    outputs = tuple(map(str, archive.json(f"extra/{NAMES_FILE}")["outputs"]))
    if len(outputs) != len(results):
        raise ValueError(f"{NAMES_FILE} names {len(outputs)} outputs, the graph has {len(results)}")
    return Program(
        input=_input(pictures[0], graph["tensor_values"][pictures[0]]),
        weights=weights,
        steps=tuple(_step(node) for node in graph["nodes"] if not node["target"].startswith(_CHECKS)),
        results=results,
        outputs=outputs,
    )


def _weight(archive: _Archive, entry: Mapping[str, Any]) -> NDArray[Any]:
    name, meta = entry["path_name"], entry["tensor_meta"]
    if entry["use_pickle"]:
        raise ValueError(f"{name} is pickled; pickles are not opened")
    sizes = [size["as_int"] for size in meta["sizes"]]
    values = np.frombuffer(archive.read(f"data/weights/{name}"), _dtype(meta["dtype"]))
    if meta["storage_offset"]["as_int"] or values.size != np.prod(sizes, dtype=np.int64):
        raise ValueError(f"{name} is a view of other weights: export contiguous ones")
    steps = [step["as_int"] for step in meta["strides"]]
    order = sorted(range(len(sizes)), key=lambda axis: steps[axis], reverse=True)  # as they lie in memory
    return values.reshape([sizes[axis] for axis in order]).transpose(np.argsort(order))


def _input(name: str, meta: Mapping[str, Any]) -> NetworkInput:
    shape = tuple(size.get("as_int") for size in meta["sizes"])
    return NetworkInput(name=name, dtype=_dtype(meta["dtype"]), shape=shape)


def _step(node: Mapping[str, Any]) -> Step:
    arguments = {value["name"]: _argument(value["arg"]) for value in node["inputs"]}
    results = [_argument(value) for value in node["outputs"]]
    if not all(isinstance(value, Value) for value in results):
        raise ValueError(f"{node['target']}: expected arrays or sizes as its results, got {node['outputs']}")
    return Step(node["target"], arguments, tuple(value.name for value in results))


def _argument(argument: Mapping[str, Any]) -> Any:
    ((kind, value),) = argument.items()
    match kind:
        case "as_tensor":
            return Value(value["name"])
        case "as_tensors":
            return tuple(Value(one["name"]) for one in value)
        case "as_sym_int":
            return _size(value)
        case "as_sym_ints":
            return tuple(_size(one) for one in value)
        case "as_scalar_type":
            return Dtype(_dtype(value))
        case "as_device":
            return Here()
        case "as_none":
            return None
        case _ if kind in _PLAIN:
            return value
        case _ if kind in _LISTS:
            return tuple(value)
    raise ValueError(f"arguments of the kind {kind!r} are not read")


def _size(value: Mapping[str, Any]) -> Value | int:
    return Value(value["as_name"]) if "as_name" in value else int(value["as_int"])


def _dtype(code: int) -> str:
    if code not in _DTYPES:
        raise ValueError(f"arrays of torch's type {code} are not read")
    return _DTYPES[code]
