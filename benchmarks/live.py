"""Live cameras through the product's own session: evenness, latency, drops, outages, stops, memory.

usage: python benchmarks/live.py steady  [--cameras 4] [--size 640x360] [--fps 30] [--seconds 60]
                                       [--slow-ms 0] [--one-by-one]
       python benchmarks/live.py outages [--cameras 4] [--size 640x360] [--fps 15] [--times 5]
       python benchmarks/live.py stops   [--times 200]
       python benchmarks/live.py faults  [--seconds 3600] [--size 320x180] [--fps 5]
       all: [--clip H264.mp4] [--model NAME] [--runtime NAME] [--note TEXT] [--json OUT.json]

The cameras are RTSP servers on the loopback (tests/support/rtsp_camera.py), in a process of their own whose
processor time is reported; their packets are made before. `steady` begins and ends with `surveil bench
detect`, so that all figures are of one machine. `--slow-ms` makes every detection take as long at least,
`--one-by-one` lets all cores work on one detection at a time instead of one core each on several.
`outages` kills and freezes one camera's process; small tiles of the others are looked at meanwhile. `stops`
starts and stops sessions at random instants, also while they are connecting. `faults` plays an hour of
random faults. Prints JSON, or writes it; `benchmarks/live_table.py` makes the page for people. Linux only
(signals, /proc).
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.live_figures import Figures, account, ages, rates, stage_times, without_machine
from benchmarks.make_clip import encode
from benchmarks.onlooker import Onlooker
from benchmarks.reports import write_report
from surveil.app.machine import describe_machine
from surveil.app.measure import measure_detector
from surveil.app.options import ModelOptions, RunOptions
from surveil.app.table import Table
from surveil.app.turns import take_short_turns
from surveil.capture.scenes.config import parse_scene_url
from surveil.detect.open import open_detector
from surveil.pipeline.session import CameraConfig, Parts, Session
from surveil.version import __version__
from tests.support.belongings import Belongings, rss_mb, slope
from tests.support.cycles import run_cycles
from tests.support.fleet import Fleet
from tests.support.live import CLOCK, KeptDetector, KeptTable, Witness, camera_config, wait_until
from tests.support.mischief import Mischief, run_mischief

ROOT = Path(__file__).resolve().parent.parent
SETTLE_S = 5.0
BENCH_S = 5.0
CLIP_S = 10


def say(text: str) -> None:
    """How it goes, for who waits."""
    sys.stderr.write(text)
    sys.stderr.flush()


def pause(seconds: float) -> None:
    """Let time pass."""
    wait_until(lambda: False, seconds)


@contextlib.contextmanager
def clip_of(arguments: argparse.Namespace) -> Iterator[Path]:
    """The clip that was given, or a drawn street, coded as cameras do: no B-frames, two seconds a group."""
    if arguments.clip is not None:
        yield arguments.clip
        return
    with tempfile.TemporaryDirectory() as folder:
        say(f"drawing {CLIP_S} s of street, {arguments.size} at {arguments.fps} fps …\n")
        query = f"size={arguments.size}&fps={arguments.fps}&seconds={CLIP_S}&seed=1"
        config, out = parse_scene_url(f"test://street?{query}"), Path(folder) / "street.mp4"
        encode(out, config, crf=23, preset="veryfast", bf="0", g=str(2 * arguments.fps))
        yield out


def model_of(arguments: argparse.Namespace) -> ModelOptions:
    """What detects."""
    return ModelOptions(model=arguments.model, runtime=arguments.runtime)


@contextlib.contextmanager
def parts_of(arguments: argparse.Namespace) -> Iterator[Parts]:
    """The product's own; around a slowed detector where one is asked for."""
    options = RunOptions(model=model_of(arguments))
    if not arguments.slow_ms:
        yield Table(options, CLOCK, several=arguments.cameras > 1 and not arguments.one_by_one)
        return
    detector = open_detector(arguments.model, runtime=arguments.runtime)
    yield KeptTable(KeptDetector(detector, arguments.slow_ms / 1000), options)
    detector.close()


@contextlib.contextmanager
def running(parts: Parts, urls: Sequence[str]) -> Iterator[tuple[Session, dict[str, Witness]]]:
    """A session that watches all cameras, as soon as they are all live."""
    witnesses = {f"cam{k}": Witness([]) for k in range(len(urls))}
    session = Session(
        parts,
        [camera_config(name, url, witnesses[name]) for name, url in zip(witnesses, urls, strict=True)],
    )
    session.start()
    try:
        if not wait_until(lambda: names_of(session) == {"live"}, 20.0):
            raise SystemExit(f"not all cameras are live: {session.states()}")
        yield session, witnesses
    finally:
        session.stop()


def names_of(session: Session) -> set[str]:
    """The states in which cameras are."""
    return {state.name for state in session.states().values()}


# ---- steady


def steady(arguments: argparse.Namespace, clip: Path) -> Figures:
    """Cameras without faults."""
    bench = [measure_detector(model_of(arguments), BENCH_S)]
    with (
        parts_of(arguments) as parts,
        Fleet(clip, arguments.cameras) as fleet,
        running(parts, fleet.urls) as (session, witnesses),
    ):
        pause(SETTLE_S)
        begin_s, before, cameras_before_s = CLOCK.monotonic(), psutil.Process().cpu_times(), fleet.cpu_s
        memory = watch_memory(session, arguments.seconds)
        end_s, after = CLOCK.monotonic(), psutil.Process().cpu_times()
        cameras_s = fleet.cpu_s - cameras_before_s
        fleet.freeze()  # nothing comes any more: what is on its way arrives, and everything adds up
        wait_until(lambda: adds_up(accounts_of(session, witnesses)), 5.0, 0.2)
        accounts = accounts_of(session, witnesses)
        device = session.device
        stages = stage_times(session.times)
    bench.append(measure_detector(model_of(arguments), BENCH_S))
    seen = {
        name: [one for one in witness.seen if begin_s <= one.now_s < end_s]
        for name, witness in witnesses.items()
    }
    seconds, cpu_s = end_s - begin_s, sum(after[:2]) - sum(before[:2])
    return {
        "device": device,
        "bench_detect": [without_machine(one) for one in bench],
        **rates(seen, seconds, [one["detections_per_s"] for one in bench]),
        "age_ms": ages(seen, begin_s, end_s),
        "accounts": accounts,
        "adds_up": adds_up(accounts),
        "cpu_s_per_camera_hour": cpu_s / (arguments.cameras * seconds / 3600),
        "cpu_cores": cpu_s / seconds,
        "camera_server_cores": cameras_s / seconds,
        "memory": slope(memory),
        "stages_ms": stages,
    }


def accounts_of(session: Session, witnesses: Mapping[str, Witness]) -> dict[str, Figures]:
    """What became of every frame, by camera."""
    return {name: account(state, witnesses[name]) for name, state in session.states().items()}


def adds_up(accounts: Mapping[str, Figures]) -> bool:
    """Whether no frame is missing, and none is on its way."""
    return all(one["left"] == 0 for one in accounts.values())


def watch_memory(session: Session, seconds: float) -> list[float]:
    """RSS in MB, once a second."""
    begin_s, samples = CLOCK.monotonic(), list[float]()
    while (passed_s := CLOCK.monotonic() - begin_s) < seconds:
        samples.append(rss_mb())
        if session.failure is not None:
            raise session.failure
        if len(samples) % 30 == 0:
            say(f"{passed_s:.0f} s, {samples[-1]:.0f} MB\n")
        pause(max(0.01, min(begin_s + len(samples), begin_s + seconds) - CLOCK.monotonic()))
    return samples


# ---- outages


def outages(arguments: argparse.Namespace, clip: Path) -> Figures:
    """One camera is killed and frozen, again and again, in a process of its own; the others go on."""
    killed, frozen = list[Figures](), list[Figures]()
    with (
        parts_of(arguments) as parts,
        Fleet(clip, 1) as victim,
        Fleet(clip, arguments.cameras - 1) as others,
        running(parts, [*victim.urls, *others.urls]) as (session, witnesses),
        Onlooker(session, list(witnesses)[1:]) as onlooker,
    ):
        scene = Scene(session, witnesses, onlooker)
        for k in range(arguments.times):
            pause(3.0)
            killed.append(outage(scene, victim.kill, victim.start, 1.0 + k))
            say(f"killed: {killed[-1]}\n")
            pause(3.0)
            frozen.append(outage(scene, victim.freeze, victim.wake, 5.0 + k))
            say(f"frozen: {frozen[-1]}\n")
        calm_s = CLOCK.monotonic()
        pause(10.0)
        calm = scene.gaps_ms(calm_s)
    return {"killed": killed, "frozen": frozen, "without_faults": calm}


class Scene(NamedTuple):
    """Cameras, and those who watch them; `onlooker`: all but the first."""

    session: Session
    witnesses: Mapping[str, Witness]
    onlooker: Onlooker

    def gaps_ms(self, begin_s: float) -> Figures:
        """Of all cameras but the first, since a moment: the longest time without a result, a new picture."""
        end_s = CLOCK.monotonic()
        results = [1000 * one.gap_s(begin_s, end_s) for name, one in self.witnesses.items() if name != "cam0"]
        return {
            "others_gap_ms": max(results),
            "others_pictures_gap_ms": self.onlooker.gap_ms(begin_s, end_s),
        }


def outage(scene: Scene, begin: Callable[[], None], end: Callable[[], None], away_s: float) -> Figures:
    """One fault of cam0: seconds until it is seen, until it plays again, and the others' longest gaps."""
    session, witnesses = scene.session, scene.witnesses
    begin_s = CLOCK.monotonic()
    begin()
    seen = wait_until(lambda: session.states()["cam0"].name != "live", 10.0, 0.02)
    state = session.states()["cam0"]
    pause(away_s)
    end()
    back_s = CLOCK.monotonic()
    playing = wait_until(lambda: witnesses["cam0"].seen[-1].now_s > back_s, 15.0, 0.005)
    live = wait_until(lambda: session.states()["cam0"].name == "live", 2.0, 0.02)
    if not (seen and playing and live):
        raise SystemExit(f"the fault was not seen, or the camera is not back: {session.states()['cam0']}")
    return {
        "seen_s": state.since_s - begin_s,
        "as": f"{state.name}: {state.cause}",
        "playing_s": first_s(witnesses["cam0"], back_s) - back_s,
        **scene.gaps_ms(begin_s),
    }


def first_s(witness: Witness, after_s: float) -> float:
    """When the first result came after a moment."""
    return next(one.now_s for one in list(witness.seen) if one.now_s > after_s)


# ---- stops and faults


def stops(arguments: argparse.Namespace, clip: Path) -> Figures:
    """Sessions of two odd cameras each, stopped at random instants."""
    detector = open_detector(arguments.model, runtime=arguments.runtime)
    cycles = run_cycles(clip, KeptDetector(detector), arguments.times)
    detector.close()
    return {
        "cycles": len(cycles.stops_s),
        "stop_s": {"longest": max(cycles.stops_s), "p50": float(np.median(cycles.stops_s))},
        "states_when_stopped": cycles.states,
        "before": cycles.before and cycles.before.as_dict(),
        "after": cycles.after and cycles.after.as_dict(),
        "left_behind": cycles.left_behind,
        "connections_left": cycles.clients_left,
    }


def faults(arguments: argparse.Namespace, clip: Path) -> Figures:
    """Random faults on all cameras for a long time; the first five minutes of memory are left out."""
    before = Belongings.now()
    with parts_of(arguments) as parts, Fleet(clip, arguments.cameras) as fleet:
        configs: list[CameraConfig] = [camera_config(f"cam{k}", url) for k, url in enumerate(fleet.urls)]
        session = Session(parts, configs)
        session.start()
        try:
            mischief = Mischief(fleet, session, configs, [clip, ROOT / "assets" / "clips" / "street.mp4"])
            samples = run_mischief(mischief, arguments.seconds, say)
            back = wait_until(lambda: names_of(session) == {"live"}, 40.0)
        finally:
            session.stop()
    return {
        "faults": dict(mischief.done),
        "wrong": mischief.wrong,
        "all_back": back,
        "memory": slope(samples[min(300, len(samples) // 4) :]),
        "before": before.as_dict(),
        "after": Belongings.now().as_dict(),
    }


# ---- command line

KINDS = {"steady": steady, "outages": outages, "stops": stops, "faults": faults}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "steady": {"cameras": 4, "size": "640x360", "fps": 30, "seconds": 60.0},
    "outages": {"cameras": 4, "size": "640x360", "fps": 15, "times": 5},
    "stops": {"size": "320x180", "fps": 15, "times": 200},
    "faults": {"cameras": 4, "size": "320x180", "fps": 5, "seconds": 3600.0},
}


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=KINDS)
    for name, kind in (("cameras", int), ("size", str), ("fps", int), ("seconds", float), ("times", int)):
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--slow-ms", type=float, default=0.0)
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--note", help="what else the machine did, say")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    for name, value in DEFAULTS[arguments.kind].items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    return arguments


def main() -> None:
    """Measure; print or write."""
    arguments = read_arguments()
    take_short_turns()  # as every command that watches cameras
    with clip_of(arguments) as clip:
        settings = {
            name: value
            for name, value in vars(arguments).items()
            if name not in ("json", "clip") and value is not None
        }
        figures = KINDS[arguments.kind](arguments, clip)
    report = {
        "version": __version__,
        "machine": describe_machine(),
        **settings,
        "clip": "drawn street" if arguments.clip is None else arguments.clip.name,
        **figures,
    }
    write_report(report, arguments.json)


if __name__ == "__main__":
    main()
