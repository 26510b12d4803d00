"""What outlives a service: every camera's tracks and its last id, in a file beside the status."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from surveil.clock import Clock
from surveil.errors import DataError
from surveil.files import write_atomic
from surveil.pipeline.memory import Memories, Memory
from surveil.track.snapshot import load

log = logging.getLogger(__name__)

FORM = 1
PERIOD_S = 5.0
RESERVE = 1000
"""Ids that may be given between two writes; after a crash they go on behind, so that none comes twice."""


class TracksFile:
    """One file; one thread writes it.

    Attributes:
        next_s: when it is to be written again, monotonic.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self.next_s = clock.monotonic() + PERIOD_S
        self._trouble = ""

    def read(self) -> Memories:
        """What the service before knew. What cannot be used is said in the log, and tracks begin anew then.

        Without a sound file nobody knows which ids were given. They go on from the milliseconds since 1970:
        no camera has made more tracks than that.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return Memories()
        except OSError as error:
            return self._anew(f"cannot be read ({error.strerror})")
        try:
            return self._parsed(data)
        except DataError as error:
            return self._anew(str(error))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            return self._anew(f"damaged ({type(error).__name__}: {error})")

    def write(self, memories: Memories, *, last: bool = False) -> None:
        """Keep what is known now; `last`: no id will be given after that."""
        self.next_s = self._clock.monotonic() + PERIOD_S
        body = {
            "ids_after": memories.ids_after,
            "cameras": {
                camera_id: {
                    "last_id": memory.last_id + (0 if last else RESERVE),
                    "wall_s": memory.wall_s,
                    "tracker": memory.tracker,
                }
                for camera_id, memory in memories.cameras.items()
            },
        }
        whole = {"form": FORM, "sha256": _digest(body), "memories": body}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, json.dumps(whole, allow_nan=False).encode())
        except OSError as error:
            reason = error.strerror or error
            trouble = f"cannot write {self._path}: {reason}; ids may come twice after a restart"
            if trouble != self._trouble:  # said once; the cameras are worth more than their past
                log.error("%s", trouble)  # noqa: TRY400
            self._trouble = trouble
        else:
            self._trouble = ""

    def _parsed(self, data: bytes) -> Memories:
        whole = json.loads(data)
        if whole["form"] != FORM:
            raise DataError(f"expected form {FORM}, got {whole['form']!r}")
        body = whole["memories"]
        if whole["sha256"] != _digest(body):
            raise DataError("damaged (its checksum is wrong)")
        cameras = {camera_id: self._memory(camera_id, one) for camera_id, one in body["cameras"].items()}
        return Memories(cameras=cameras, ids_after=body["ids_after"])

    def _memory(self, camera_id: str, values: dict[str, Any]) -> Memory:
        memory = Memory(last_id=values["last_id"], wall_s=values["wall_s"], tracker=values["tracker"])
        if memory.tracker is None:
            return memory
        try:
            load(memory.tracker)
        except DataError as error:  # written by another release: the ids are known all the same
            log.warning("%s: camera %s: %s; its tracks begin anew", self._path, camera_id, error)
            return memory.ids_alone()
        return memory

    def _anew(self, why: str) -> Memories:
        ids_after = int(self._clock.wall() * 1000)
        log.error("%s: %s: tracks begin anew, with ids after %d", self._path, why, ids_after)
        return Memories(ids_after=ids_after)


def _digest(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
