from __future__ import annotations

from surveil.pipeline.slot import Slot


def test_newest_value_wins_and_the_lost_are_counted() -> None:
    slot: Slot[int] = Slot()
    assert slot.latest() is None
    slot.put(1)
    slot.put(2)
    assert (slot.latest(), slot.latest(), slot.overwritten) == (2, 2, 1)
    slot.put(3)
    assert (slot.latest(), slot.overwritten) == (3, 1)
    slot.put(4)
    slot.clear()
    assert (slot.latest(), slot.overwritten) == (None, 1)
