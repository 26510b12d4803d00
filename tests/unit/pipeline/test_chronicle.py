from __future__ import annotations

import logging

from surveil.pipeline.chronicle import Chronicle
from surveil.pipeline.state import State


def state(name: str, **values: str) -> State:
    return State(name=name, since_s=0.0, **values)  # type: ignore[arg-type]


def test_changes_alone_are_told(caplog):
    caplog.set_level(logging.INFO, "surveil.pipeline.chronicle")
    chronicle = Chronicle()
    for now in (
        {"door": state("live")},
        {"door": state("live")},
        {"door": state("reconnecting", cause="no route", detail="no route to 10.0.0.1")},
        {"door": state("live"), "yard": state("failed", cause="gone")},
        {"yard": state("failed", cause="gone")},
    ):
        chronicle.note(now)
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("INFO", "door: live"),
        ("WARNING", "door: reconnecting: no route to 10.0.0.1"),
        ("INFO", "door: live"),
        ("WARNING", "yard: failed: gone"),
        ("INFO", "door: removed"),
    ]
