"""An export with progress, in a thread of its own: all of its files, or none of them. No Qt here."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from surveil.app.options import OutputOptions
from surveil.errors import OutputError
from surveil.pipeline.run import Run
from surveil.store.outputs import check_distinct, output_error

Kind = Literal["video", "jsonl", "mot"]
ENDINGS: dict[Kind, str] = {"video": ".mp4", "jsonl": ".tracks.jsonl", "mot": ".mot.txt"}
Plan = Callable[[OutputOptions, threading.Event], Run]
"""Makes the run that writes these files, until the event is set. Raises UsageError, SourceError."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be exported.

    Attributes:
        folder: where files go.
        name: of the files, without ending.
        kinds: annotated video, tracks as JSON Lines, tracks as MOT text.
        source: the recording's own file, which no export may take the place of; None: it is none.
    """

    folder: Path
    name: str
    kinds: tuple[Kind, ...]
    source: Path | None = None

    def path(self, kind: Kind) -> Path:
        """The file of that kind."""
        return self.folder / f"{self.name}{ENDINGS[kind]}"

    def replaced(self) -> tuple[Path, ...]:
        """Files that are there already, of an export before."""
        with suppress(OSError):  # of a folder that cannot be, which the export will say
            return tuple(path for path in map(self.path, self.kinds) if path.exists())
        return ()

    def outputs(self, folder: Path) -> OutputOptions:
        """As a run takes them, in another folder."""
        files = {kind: folder / self.path(kind).name for kind in self.kinds}
        return OutputOptions(out=files.get("video"), jsonl=files.get("jsonl"), mot=files.get("mot"))


class Export:
    """One run. `work` is its thread; the rest is for others.

    Attributes:
        frames: done so far.
    """

    def __init__(self, order: Order, plan: Plan) -> None:
        self.order, self._plan = order, plan
        self._run: Run | None = None
        self.frames = 0

    def work(self, stop: threading.Event) -> tuple[Path, ...]:
        """Do it; the files, none where `stop` was set before the end. Raises SurveilError of any kind.

        The files are written in a folder of their own beside their places: a disk that is full, an error or a
        `stop` leaves nothing half, and what was there before stays until its successor is whole.
        """
        order = self.order
        check_distinct(map(order.path, order.kinds), [] if order.source is None else [order.source])
        made = not order.folder.exists()
        try:
            order.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=order.folder, prefix=f".{order.name}.") as begun:
                run = self._run = self._plan(order.outputs(Path(begun)), stop)
                for _ in run.results():
                    self.frames += 1
                written = () if stop.is_set() else run.summary().files
                return tuple(path.replace(order.folder / path.name) for path in written)
        except (OSError, OutputError) as error:
            cause = error.__cause__
            raise output_error(order.folder, cause if isinstance(cause, Exception) else error) from error
        finally:
            if made:
                with suppress(OSError):  # where it is not empty it stays
                    order.folder.rmdir()

    @property
    def progress(self) -> float | None:
        """How much is done, in 0-1; None where the length is not known (yet)."""
        playing = None if self._run is None else self._run.playing
        if playing is None or not playing.frame_count:
            return None
        return min(1.0, self.frames / playing.frame_count)

    @property
    def rate_hz(self) -> float:
        """Frames a second so far."""
        passed_s = 0.0 if self._run is None else self._run.summary().wall_s
        return self.frames / passed_s if passed_s > 0 else 0.0
