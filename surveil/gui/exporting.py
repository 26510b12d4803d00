"""An export: `surveil run` of one recording, with progress, in a thread of its own. No Qt here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from surveil.app.doors import plan_run
from surveil.app.options import OutputOptions, RunOptions
from surveil.pipeline.run import Run

Kind = Literal["video", "jsonl", "mot"]
ENDINGS: dict[Kind, str] = {"video": ".mp4", "jsonl": ".tracks.jsonl", "mot": ".mot.txt"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be exported.

    Attributes:
        source: the recording.
        folder: where files go.
        name: of the files, without ending.
        kinds: annotated video, tracks as JSON Lines, tracks as MOT text.
    """

    source: str
    folder: Path
    name: str
    kinds: tuple[Kind, ...]

    def path(self, kind: Kind) -> Path:
        """The file of that kind."""
        return self.folder / f"{self.name}{ENDINGS[kind]}"

    def outputs(self) -> OutputOptions:
        """As `surveil run` takes them."""
        return OutputOptions(
            out=self.path("video") if "video" in self.kinds else None,
            jsonl=self.path("jsonl") if "jsonl" in self.kinds else None,
            mot=self.path("mot") if "mot" in self.kinds else None,
        )


class Export:
    """One run. `work` is its thread; the rest is for others.

    Attributes:
        frames: done so far.
    """

    def __init__(
        self,
        order: Order,
        options: RunOptions,
        plan: Callable[[Sequence[str], RunOptions, threading.Event], Run] = plan_run,
    ) -> None:
        """`options`: model and tracker."""
        self.order, self._options, self._plan = order, options, plan
        self._run: Run | None = None
        self.frames = 0

    def work(self, stop: threading.Event) -> tuple[Path, ...]:
        """Do it until the end or `stop`; the files. Raises SurveilError of any kind."""
        options = replace(self._options, output=self.order.outputs())
        self.order.folder.mkdir(parents=True, exist_ok=True)
        run = self._run = self._plan([self.order.source], options, stop)
        for _ in run.results():
            self.frames += 1
        return run.summary().files

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
