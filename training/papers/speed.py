"""How fast the rows of a table are, all in one run by turns, and networks that nobody trained beside them."""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from surveil.clock import Clock, SystemClock
from surveil.detect.open import installed_runtimes, open_detector
from surveil.types import Frame
from training.deploy.runtimes import export_raw, open_run
from training.deploy.turns import load_average
from training.errors import DataError
from training.export.card import LATENCY_SCORE, build_card, processor
from training.files import write_whole
from training.finish import some_pictures
from training.models.count import parameters_of
from training.models.show import network_of
from training.papers.rows import Row, Table
from training.papers.run import Place

SPEEDS = "speeds.json"
ROUNDS, PICTURES, REPEATS = 25, 4, 10  # a thousand timings of a row in a runtime
RUNTIMES = ("onnxruntime", "openvino")
THREADS = 2

Work = Callable[[int], object]
"""One picture, by its number."""
Key = tuple[str, str]
"""Row or network, and runtime."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A network that was timed as it is built, with random weights.

    Attributes:
        text: What it is, in words.
        mb: 10^6 bytes in float32.
        ms: Milliseconds for one picture by runtime, without decoding and suppression.
    """

    text: str
    mb: float
    ms: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """Medians of a table's times.

    Attributes:
        machine: The processor.
        load: Programs that wanted a core when it began; None where the system does not say.
        timings: Of each row in each runtime.
        rows: Milliseconds for one picture by row and runtime, decoding and suppression included.
        references: Untrained networks by name.
    """

    machine: str
    load: float | None
    timings: int
    rows: Mapping[str, Mapping[str, float]]
    references: Mapping[str, Reference] = field(default_factory=dict)

    @property
    def runtimes(self) -> list[str]:
        """In which was timed."""
        return sorted({name for ms in self.rows.values() for name in ms})

    @property
    def text(self) -> str:
        """How it was timed, in a sentence."""
        busy = "" if self.load is None else f", load average {self.load:g} when it began"
        without = "; the untrained networks without these" if self.references else ""
        return (
            f"Times: one picture on {THREADS} threads of {self.machine}, median of {self.timings:,} by "
            f"turns, decoding and suppression included{without}{busy}."
        )


def time_rows(table: Table, place: Place, rounds: int = ROUNDS) -> Speeds:
    """Time the first seed's models of all rows that have ended, and the table's references."""
    runtimes = [name for name in RUNTIMES if name in installed_runtimes()]
    load = load_average()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as opened:
        work: dict[Key, Work] = {}
        for row in (row for row in table.rows if 0 in place.seeds(row)):
            for runtime in runtimes:
                work[row.name, runtime] = _detection(row, place, runtime, opened)
        facts = {}
        for name in table.references:
            path, form = Path(folder) / f"{name}.onnx", network_of(name)
            recipe = table.rows[0].recipe
            torch.manual_seed(0)
            network = form.network(len(recipe.labels.labels)).eval()
            export_raw(network, path, recipe.sizes[0])
            facts[name] = (form.text, 4e-6 * parameters_of(network))
            for runtime in runtimes:
                work[name, runtime] = _raw(path, recipe.sizes[0], runtime)
        times = _by_turns(work, rounds, SystemClock())
    ms: dict[str, dict[str, float]] = {}
    for (name, runtime), seconds in times.items():
        ms.setdefault(name, {})[runtime] = round(1000 * median(seconds), 2)
    return Speeds(
        machine=processor(),
        load=load,
        timings=rounds * PICTURES * REPEATS,
        rows={name: each for name, each in ms.items() if name not in facts},
        references={
            name: Reference(text=text, mb=round(mb, 2), ms=ms.get(name, {}))
            for name, (text, mb) in facts.items()
        },
    )


def _detection(row: Row, place: Place, runtime: str, opened: ExitStack) -> Work:
    """The application's detector with the row's model."""
    space = place.workspace(row, 0)
    recipe = space.recipe  # for the classes that it learned
    model = space.out / f"{recipe.ships}.onnx"
    card = build_card(model, recipe.texts, recipe.labels.labels, recipe.sizes)
    replace(card, name=row.name).save(model.with_suffix(".json"))
    height, width = recipe.sizes[0]
    detector = opened.enter_context(
        closing(
            open_detector(
                str(model),
                device="cpu",
                runtime=runtime,
                input_size=(width, height),
                min_score=LATENCY_SCORE,
                threads=THREADS,
            )
        )
    )
    frames = [
        Frame(camera_id="speed", index=k, pts_s=float(k), wall_s=0.0, arrived_s=0.0, image=picture)
        for k, picture in enumerate(some_pictures(space, "val", PICTURES))
    ]
    prepared = [detector.prepare(frame) for frame in frames]
    return lambda k: detector.detect([prepared[k % len(prepared)]])


def _raw(path: Path, size: tuple[int, int], runtime: str) -> Work:
    """A network from input to raw outputs."""
    run = open_run(runtime, path, size, THREADS)
    image = np.random.default_rng(0).random((1, 3, *size), np.float32)
    return lambda _: run(image)


def _by_turns(work: Mapping[Key, Work], rounds: int, clock: Clock) -> dict[Key, list[float]]:
    """Seconds of every picture; each round gives every model a turn of some pictures."""
    times: dict[Key, list[float]] = {key: [] for key in work}
    for _ in range(rounds):
        for key, detect in work.items():
            detect(0)  # the processor's caches hold the model before
            for k in range(PICTURES * REPEATS):
                began_s = clock.monotonic()
                detect(k)
                times[key].append(clock.monotonic() - began_s)
    return times


def write_speeds(speeds: Speeds, folder: Path) -> None:
    """Keep them beside the rows."""
    write_whole(folder / SPEEDS, (json.dumps(asdict(speeds), indent=1) + "\n").encode())


def read_speeds(folder: Path) -> Speeds | None:
    """What `time_rows` found; None where nothing was timed. Raises DataError for a broken file."""
    path = folder / SPEEDS
    if not path.exists():
        return None
    try:
        held: dict[str, Any] = json.loads(path.read_text())
        references = {name: Reference(**values) for name, values in held.pop("references").items()}
        return Speeds(**held, references=references)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: not times of a table ({error}); remove it, and rows are timed anew"
        ) from error
