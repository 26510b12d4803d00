from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from surveil.gui.readings.logbook import LONGEST, Filter, LogRing, Record, as_text


@pytest.fixture
def logger() -> logging.Logger:
    made = logging.getLogger("surveil.test-logbook")
    made.propagate = False
    made.setLevel(logging.WARNING)
    return made


@pytest.fixture
def ring(logger: logging.Logger) -> Iterator[LogRing]:
    made = LogRing(most=3)
    made.attach(logger)
    yield made
    made.detach()


def record(number: int = 1, level: int = logging.INFO, text: str = "said") -> Record:
    return Record(number=number, wall_s=0.25, level=level, source="surveil", text=text)


def test_secrets_are_gone_before_they_are_kept(logger, ring):
    logger.warning("no route to %s", "rtsp://admin:secret@10.0.0.1/s")
    assert [one.text for one in ring.after(0)] == ["no route to rtsp://***@10.0.0.1/s"]


def test_registered_secrets_are_hidden_too(logger):
    ring = LogRing(lambda text: text.replace("hunter2", "***"))
    ring.attach(logger)
    logger.error("the word is hunter2")
    ring.detach()
    assert ring.after(0)[0].text == "the word is ***"


def test_a_traceback_is_redacted_and_belongs_to_its_record(logger, ring):
    try:
        raise ValueError("rtsp://u:p@h/s")
    except ValueError:
        logger.exception("internal error")
    [one] = ring.after(0)
    assert one.text.startswith("internal error\nTraceback")
    assert one.text.endswith("ValueError: rtsp://***@h/s")


def test_only_the_newest_are_kept_and_counted_on(logger, ring):
    for n in range(5):
        logger.error("%d", n)
    assert ring.count == 5
    assert [(one.number, one.text) for one in ring.after(0)] == [(3, "2"), (4, "3"), (5, "4")]
    assert [one.text for one in ring.after(4)] == ["4"]
    assert ring.after(5) == ()


def test_a_record_has_a_longest_length(logger, ring):
    logger.error("x" * 10 * LONGEST)
    assert len(ring.after(0)[0].text) == LONGEST


def test_others_show_what_they_showed_before(logger):
    shown: list[str] = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record.getMessage())

    other, ring = Other(), LogRing()
    logger.addHandler(other)
    ring.attach(logger)
    logger.info("quiet")
    logger.warning("loud")
    assert [one.text for one in ring.after(0)] == ["quiet", "loud"]
    assert shown == ["loud"]
    ring.detach()
    ring.detach()
    assert (logger.level, other.level) == (logging.WARNING, logging.NOTSET)
    assert ring not in logger.handlers
    logger.removeHandler(other)


def test_debug_goes_on_where_it_was_asked_for(logger):
    logger.setLevel(logging.DEBUG)
    ring = LogRing()
    ring.attach(logger)
    logger.debug("detail")
    ring.detach()
    assert [one.text for one in ring.after(0)] == ["detail"]


def test_what_cannot_be_formatted_breaks_nothing(logger, ring, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logger.error("%d", "no number")
    logger.error("after")
    assert [one.text for one in ring.after(0)] == ["after"]


def test_threads_lose_no_number(logger):
    ring = LogRing()
    ring.attach(logger)
    threads = [threading.Thread(target=lambda: [logger.error("x") for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ring.detach()
    assert [one.number for one in ring.after(0)] == list(range(1, 401))


def test_the_filter_looks_at_level_and_text():
    assert Filter(level=logging.WARNING)(record(level=logging.ERROR))
    assert not Filter(level=logging.WARNING)(record(level=logging.INFO))
    assert Filter(text="CAR park")(record(text="car Park: live"))
    assert Filter(text="warning")(record(level=logging.WARNING))
    assert not Filter(text="door")(record(text="car park"))


def test_lines_for_the_clipboard():
    text = as_text([record(level=logging.WARNING), record(level=logging.CRITICAL, text="a\nb")])
    first, second, third = text.splitlines()
    assert first.endswith(".250  Warning said")
    assert second.endswith("Error   a")
    assert third == "b"
