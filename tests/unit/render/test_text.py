from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from surveil.render.palette import BLACK, WHITE
from surveil.render.text import (
    BOX,
    HersheyEngine,
    TextEngine,
    TextRenderer,
    TrueTypeEngine,
    clean,
    open_text_engine,
    turn_right_to_left,
)

HAS_TRUETYPE = hasattr(cv2, "FontFace")
truetype = pytest.mark.skipif(not HAS_TRUETYPE, reason="this OpenCV has no TrueType engine")
ENGINES = [HersheyEngine, pytest.param(TrueTypeEngine, marks=truetype)]

# Names as people and file systems make them: scripts, marks, joiners, emoji, controls, broken surrogates.
NAMES = [
    "Straße 3", "Вход", "入口", "カメラ", "한국어", "כניסה", "الباب", "हिन्दी", "ไทย", "🚗", "👩\u200d🚒",
    "e\u0301", "a\tb\nc\0d", "\udcff", "x\ud83dy", "\ufeffbom", "\u202ergt", "", " ",
    "\U0010ffff", "\ufffe", "?", "□",
]  # fmt: skip


def ink(engine: TextEngine, text: str) -> np.ndarray:
    image = np.zeros((60, 900, 3), np.uint8)
    engine.draw(image, engine.readable(text), (10, 40), 24, WHITE)
    return image


@pytest.mark.parametrize("make", ENGINES)
@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_breaks_an_engine(make: type[TextEngine], name: str) -> None:
    engine = make()
    drawn = ink(engine, name)
    columns = np.flatnonzero(drawn.any(axis=(0, 2)))
    assert columns.size == 0 or columns[-1] <= 10 + engine.width(engine.readable(name), 24) + 2


@pytest.mark.parametrize("make", ENGINES)
def test_what_cannot_be_drawn_is_a_box(make: type[TextEngine]) -> None:
    engine = make()
    for lacking in ("🚗", "ไ", "\udcff"):
        assert engine.readable(f"a{lacking}b") == f"a{BOX}b"
    assert ink(engine, "🚗").any()


@truetype
@pytest.mark.parametrize("name", ["Straße 3", "Вход", "Είσοδος", "入口カメラ", "한국어", "כניסה", "الباب"])
def test_the_scripts_of_most_readers_are_drawn(name: str) -> None:
    readable = TrueTypeEngine().readable(name)
    assert sorted(readable) == sorted(name)


@truetype
def test_hebrew_stands_from_the_right() -> None:
    engine = TrueTypeEngine()
    drawn, shin = ink(engine, "ושו"), ink(engine, "ש")
    left = ink(engine, "שוו")
    assert not np.array_equal(drawn, left)
    # The first letter of the text stands rightmost, whichever way the engine of this OpenCV turns it.
    width = engine.width(engine.readable("ש"), 24)
    assert not np.array_equal(ink(engine, "שו")[:, 10 : 10 + width], shin[:, 10 : 10 + width])


def test_hershey_drops_accents() -> None:
    assert HersheyEngine().readable("Ärger, Señor Żółw") == f"Arger, Senor Zo{BOX}w"


def test_hershey_draws_text_and_boxes_one_after_the_other() -> None:
    engine = HersheyEngine()
    parts = [engine.width(part, 20) for part in ("ab", BOX, "c")]
    assert engine.width(f"ab{BOX}c", 20) == sum(parts)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("e\u0301", "é"),
        ("a\r\nb\u2028c", "a  b c"),
        ("z\u200bw\ufe0f\u202e", "zw"),
        ("\udc80", BOX),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@pytest.mark.parametrize(
    ("text", "turned"),
    [
        ("abc", "abc"),
        ("אב", "בא"),
        ("x אב גד y", "x דג בא y"),
        ("אב 12", "בא 12"),
        ("אב!", "בא!"),
        ("", ""),
    ],
)
def test_turn_right_to_left(text: str, turned: str) -> None:
    assert turn_right_to_left(text) == turned


def test_the_engine_fits_the_opencv_that_is_installed() -> None:
    assert isinstance(open_text_engine(), TrueTypeEngine if HAS_TRUETYPE else HersheyEngine)


@pytest.mark.parametrize("make", ENGINES)
def test_a_plate_holds_its_text_on_its_ground(make: type[TextEngine]) -> None:
    plate = TextRenderer(make()).plate("person  7", 20, 6, (66, 228, 240))
    assert plate.shape[0] == 26
    assert not plate.flags.writeable
    inside = plate[1:-1, 6:-6]
    assert (plate[:, :4] == (66, 228, 240)).all()
    assert (plate[:, -4:] == (66, 228, 240)).all()
    assert inside.min() < 40  # black ink
    assert not (inside[0] == BLACK).all(axis=-1).any()


def test_a_plate_comes_from_memory_the_second_time() -> None:
    renderer = TextRenderer()
    assert renderer.plate("a", 20, 6, WHITE) is renderer.plate("a", 20, 6, WHITE)
    assert renderer.plate("a", 20, 6, WHITE) is not renderer.plate("a", 20, 6, BLACK)


@pytest.mark.parametrize("make", ENGINES)
def test_a_line_that_is_too_long_is_cut(make: type[TextEngine]) -> None:
    image = np.full((60, 160, 3), 200, np.uint8)
    TextRenderer(make()).line(image, "a very long name of a camera " * 9, 16, 5)
    assert (image[:, :5] == 200).all()
    assert (image[:, -4:] == 200).all()
    assert (image[5:20, 20:140] != 200).any()


@pytest.mark.parametrize("size", [(1, 1, 3), (3, 200, 3), (200, 3, 3)])
def test_a_line_on_a_tiny_picture_breaks_nothing(size: tuple[int, int, int]) -> None:
    image = np.full(size, 200, np.uint8)
    TextRenderer().line(image, "name   00:00:00.0", 11, 4)
    assert image.shape == size


def test_several_threads_draw_the_same() -> None:
    texts = [f"person  {k}" for k in range(40)] + ["入口 1", "Вход 2"]
    expected = [TextRenderer().plate(text, 18, 5, WHITE) for text in texts]
    wrong: list[str] = []

    def draw() -> None:
        renderer = TextRenderer()
        for _ in range(5):
            for text, plate in zip(texts, expected, strict=True):
                if not np.array_equal(renderer._make_plate(text, 18, 5, WHITE), plate):
                    wrong.append(text)

    threads = [threading.Thread(target=draw, name=f"draw-{k}") for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
