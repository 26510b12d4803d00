"""The status of a running service: a JSON file, written as a whole, for `surveil status` and for others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from surveil.errors import OutputError, Problem, UsageError
from surveil.files import write_atomic

if TYPE_CHECKING:
    from surveil.pipeline.ladder import Load
    from surveil.pipeline.state import State

FORM = 1

ServiceState = Literal["starting", "running", "degraded", "safe mode", "stopped"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a status is made of.

    Attributes:
        state: `degraded`: the last good configuration goes on, because the file is broken now; `safe mode`:
            there was no good one yet, so no camera is watched.
        started_wall_s, now_wall_s: seconds since 1970 UTC.
        now_s: the monotonic clock, in which the cameras' states count.
        config: the file.
        digest: of the bytes that are in use; empty in safe mode.
        problems: what is wrong with the file as it is now.
        device: what infers.
        load: what is done without, because the machine cannot keep up.
        cameras: their names and states, in the order of the file.
        failed: why cameras of the file are not watched, by id.
        outputs: what could not be written last, by its name.
    """

    state: ServiceState
    pid: int
    started_wall_s: float
    now_wall_s: float
    now_s: float
    period_s: float
    config: Path
    digest: str
    problems: Sequence[Problem]
    device: str
    load: Load
    cameras: Mapping[str, tuple[str, State]]
    failed: Mapping[str, Problem]
    outputs: Mapping[str, str]


def as_json(facts: Facts, hide: Callable[[str], str]) -> dict[str, Any]:
    """The status as plain values; `hide` takes secrets out of every text."""
    cameras = {name: _camera(title, state, facts.now_s) for name, (title, state) in facts.cameras.items()}
    cameras |= {name: {"state": "failed", "cause": problem.reason} for name, problem in facts.failed.items()}
    status = {
        "form": FORM,
        "state": facts.state,
        "pid": facts.pid,
        "started_wall_s": facts.started_wall_s,
        "updated_wall_s": facts.now_wall_s,
        "period_s": facts.period_s,
        "config": {
            "path": str(facts.config),
            "digest": facts.digest,
            "problems": [str(problem) for problem in facts.problems],
        },
        "device": facts.device,
        "load": {
            "rung": facts.load.rung,
            "name": facts.load.name,
            "why": facts.load.why,
            "for_s": round(max(0.0, facts.now_s - facts.load.since_s), 1) if facts.load.rung else 0.0,
        },
        "cameras": cameras,
        "outputs": {"trouble": dict(facts.outputs)},
    }
    return {key: _hidden(value, hide) for key, value in status.items()}


def _camera(title: str, state: State, now_s: float) -> dict[str, Any]:
    stats = state.stats
    return {
        "name": title,
        "state": state.name,
        "for_s": round(max(0.0, now_s - state.since_s), 1),
        "cause": state.cause,
        "remedy": state.remedy,
        "detail": state.detail,
        "live": state.live,
        "decoder": state.decoder,
        "fps": round(stats.fps, 2),
        "processed_fps": round(stats.processed_fps, 2),
        "looked_fps": round(stats.looked_fps, 2),
        "attention": state.attention,
        "age_p50_ms": _number(stats.age_p50_ms),
        "age_p95_ms": _number(stats.age_p95_ms),
        "received": stats.received,
        "processed": stats.processed,
        "looked": stats.looked,
        "drops": dict(stats.drops),
        "counters": dict(state.counters),
        "streams": {
            use: {
                "state": stream.name,
                "for_s": round(max(0.0, now_s - stream.since_s), 1),
                "cause": stream.cause,
                "remedy": stream.remedy,
                "decoder": stream.decoder,
                "counters": dict(stream.counters),
            }
            for use, stream in state.streams.items()
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 1)


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    match value:
        case str():
            return hide(value)
        case dict():
            return {key: _hidden(part, hide) for key, part in value.items()}
        case list():
            return [_hidden(part, hide) for part in value]
        case _:
            return value


def write_status(path: Path, status: Mapping[str, Any]) -> None:
    """Replace the status file. Raises OutputError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(status, ensure_ascii=False, indent=1, allow_nan=False).encode())
    except OSError as error:
        raise OutputError(f"cannot write the status {path}: {error.strerror or error}") from error


def read_status(path: Path) -> dict[str, Any]:
    """What a service wrote last.

    Raises:
        UsageError: there is no status file, or it is none of ours.
    """
    try:
        status = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise UsageError(f"no service has written {path}: start one with `surveil serve`") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no status file of surveil: {type(error).__name__}") from error
    if not isinstance(status, dict) or status.get("form") != FORM:
        raise UsageError(f"{path} is no status file of this version of surveil")
    return status
