"""Measures the detector alone, and the whole way from file to annotated video."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveil.app.doors import plan_run
from surveil.app.machine import describe_machine, peak_rss_mb
from surveil.app.options import ModelOptions, OutputOptions, RunOptions
from surveil.clock import Clock, SystemClock
from surveil.errors import UsageError
from surveil.pipeline.stats import Samples, StageTimes
from surveil.resources import demo_clip
from surveil.types import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from surveil.detect.runner import Network, NetworkInput

SCENE = "test://street?size=1280x720&fps=10&seconds=2&seed=7"
PICTURES = 20
WARM_UP_RUNS = 3


def measure_detector(
    options: ModelOptions,
    seconds: float,
    clock: Clock | None = None,
    stop: threading.Event | None = None,
    source: str | None = None,
) -> dict[str, Any]:
    """Detections a second at batch 1, and where the time goes.

    `prepare` is the resize, `run` the network alone, `post` the rest of the same `detect`. `stop` ends it
    early; the figures are then of what was done until it was set. `source`: whose first pictures are looked
    at; None: a street of 1280x720 that is drawn first, which takes seconds.

    Raises:
        ModelError, DeviceError: the detector cannot be opened.
        UsageError: it was stopped before anything was measured.
    """
    from surveil.detect.open import open_detector

    clock, over = clock or SystemClock(), stop or threading.Event()
    detector = open_detector(
        options.model,
        card=options.card,
        device=options.device,
        runtime=options.runtime,
        input_size=options.input_size,
        threads=options.threads,
    )
    times, run, post = StageTimes(), Samples(), Samples()
    network = detector.network = TimedNetwork(detector.network, clock)
    pictures = _pictures(source or SCENE, clock, over)
    if not pictures:
        detector.close()
        raise UsageError("the measuring was stopped before it began")
    frames = cycle(pictures)
    for frame in islice(frames, WARM_UP_RUNS):
        detector.detect([detector.prepare(frame)])
    end_s = clock.monotonic() + seconds
    measured = 0
    while not measured or (clock.monotonic() < end_s and not over.is_set()):
        measured += 1
        with times.measure("prepare"):
            prepared = detector.prepare(next(frames))
        with times.measure("detect") as whole:
            detector.detect([prepared])
        run.add(network.last_ms)
        post.add(whole.wall_ms - network.last_ms)
    stages = times.stages()
    detector.close()
    return {
        "model": detector.card.name,
        "device": detector.device,
        "input": {"width": detector.shape[1], "height": detector.shape[0]},
        "detections_per_s": 1000 / (stages["prepare"].wall_ms + stages["detect"].wall_ms),
        "ms": {
            "prepare": {"p50": stages["prepare"].p50_ms, "p95": stages["prepare"].p95_ms},
            "run": {"p50": run.percentile(50), "p95": run.percentile(95)},
            "post": {"p50": post.percentile(50), "p95": post.percentile(95)},
        },
        "machine": describe_machine(),
    }


class TimedNetwork:
    """A network that knows how long its last run took; see `Network`."""

    def __init__(self, network: Network, clock: Clock) -> None:
        """`network`: what computes."""
        self._network, self._clock = network, clock
        self.last_ms = 0.0

    @property
    def device(self) -> str:
        """See `Network`."""
        return self._network.device

    @property
    def inputs(self) -> tuple[NetworkInput, ...]:
        """See `Network`."""
        return self._network.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """See `Network`."""
        return self._network.outputs

    @property
    def largest_batch(self) -> int:
        """See `Network`."""
        return self._network.largest_batch

    def run(self, tensor: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """See `Network`."""
        begin_s = self._clock.monotonic()
        outputs = self._network.run(tensor)
        self.last_ms = (self._clock.monotonic() - begin_s) * 1000
        return outputs

    def close(self) -> None:
        """See `Network`."""
        self._network.close()


def measure_pipeline(clip: Path | None, options: ModelOptions, clock: Clock | None = None) -> dict[str, Any]:
    """The main job on a recording, or on the shipped clip; the annotated video is thrown away at the end.

    Latency is the time from the decoded frame to its last byte handed to the file.

    Raises:
        SurveilError: the run fails.
    """
    clock = clock or SystemClock()
    source = clip or demo_clip()
    ages = Samples(1 << 16)
    cpu_s = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        output = OutputOptions(out=Path(folder) / "annotated.mp4")
        run = plan_run([str(source)], RunOptions(model=options, output=output), threading.Event(), clock)
        for result in run.results():
            ages.add((clock.monotonic() - result.frame.arrived_s) * 1000)
        written_mb = output.out.stat().st_size / 1e6 if output.out else 0.0
    summary = run.summary()
    return {
        "source": source.name,
        "device": summary.device,
        "frames": summary.frames,
        "fps": summary.fps,
        "cpu_ms_per_frame": (time.process_time() - cpu_s) * 1000 / max(summary.frames, 1),
        "latency_ms": {"p50": ages.percentile(50), "p95": ages.percentile(95)},
        "peak_rss_mb": peak_rss_mb(),
        "written_mb": written_mb,
        "stages_ms": _stages(run.times),
        "machine": describe_machine(),
    }


def _stages(times: StageTimes) -> Mapping[str, Mapping[str, float]]:
    return {
        name: {"cpu": stage.cpu_ms, "mean": stage.wall_ms, "p50": stage.p50_ms, "p95": stage.p95_ms}
        for name, stage in times.stages().items()
    }


def _pictures(source: str, clock: Clock, stop: threading.Event) -> list[Frame]:
    from surveil.capture.open import open_source, parse_source
    from surveil.pipeline.files import playing

    spec = parse_source(source)
    with playing(open_source(spec, camera_id=spec.name, clock=clock), stop) as frames:
        return list(islice(frames, PICTURES))
