"""Layouts, board, zoom, memory, player, draft: what stands behind the widgets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.config.camera import Camera, Input
from surveil.errors import UsageError
from surveil.gui.board import Board
from surveil.gui.draft import Draft, camera_of, draft_of
from surveil.gui.layouts import NAMED, layout
from surveil.gui.memory import Memory
from surveil.gui.player import Player
from surveil.gui.zoom import MOST, panned, zoomed
from surveil.pipeline.present import WHOLE

from .fakes import FakeSession, configure, preview

# ---- layouts and board


@given(
    st.sampled_from([*NAMED, "5x2", "1x8"]), st.integers(0, 40), st.integers(50, 3000), st.integers(50, 2000)
)
def test_tiles_lie_in_the_board_and_never_over_each_other(name, count, width, height):
    board = layout(name, count, (width, height))
    taken = np.zeros((height, width), np.uint8)
    for number in range(len(board.cells)):
        left, top, wide, high = board.place(number, (width, height))
        assert left >= 0
        assert top >= 0
        taken[top : top + high, left : left + wide] += 1
    if width > 200 and height > 200:
        assert taken.max() == 1
    assert name != "auto" or len(board.cells) >= max(1, count)


def test_one_large_and_five_small():
    board = layout("1+5", 6, (300, 300))
    assert len(board.cells) == 6
    assert board.place(0, (300, 300))[2] > 1.9 * board.place(1, (300, 300))[2]


def test_pages_where_the_layout_does_not_hold_all():
    board = Board()
    board.use(["a", "b", "c", "d", "e"])
    board.arrange("2x2")
    assert board.pages((800, 600)) == 2
    assert list(board.visible((800, 600))) == ["a", "b", "c", "d"]
    board.turn(1, (800, 600))
    assert list(board.visible((800, 600))) == ["e"]
    board.turn(1, (800, 600))
    assert board.page == 0
    with pytest.raises(UsageError):
        board.arrange("9x9")


def test_the_full_tile_follows_the_selection_and_goes_with_its_camera():
    board = Board()
    board.use(["a", "b"])
    board.toggle_full("a")
    board.step(1)
    assert board.visible((100, 100)) == {"b": (0, 0, 100, 100)}
    board.use(["a"])
    assert (board.full, board.selected) == (None, "a")
    assert not board.leave_full()


# ---- zoom


@given(
    st.lists(st.tuples(st.floats(0.2, 5), st.floats(0, 1), st.floats(0, 1), st.floats(-2, 2)), max_size=20)
)
def test_what_is_seen_stays_in_the_frame(moves):
    region = WHOLE
    for factor, x, y, by in moves:
        region = panned(zoomed(region, factor, (x, y)), (by, -by))
        left, top, right, bottom = region
        assert -1e-9 <= left < right <= 1 + 1e-9
        assert -1e-9 <= top < bottom <= 1 + 1e-9
        assert right - left == pytest.approx(bottom - top)
        assert right - left >= 1 / MOST - 1e-9


def test_the_point_under_the_mouse_is_held():
    region = zoomed(WHOLE, 2.0, (0.3, 0.6))
    assert region[0] + 0.3 * (region[2] - region[0]) == pytest.approx(0.3)
    assert region[1] + 0.6 * (region[3] - region[1]) == pytest.approx(0.6)


# ---- memory


def test_what_was_remembered_comes_back(tmp_path: Path):
    memory = Memory(tmp_path / "state" / "desktop.json")
    memory.note(layout="1+5", theme="light", switches={"trails": False}, keep_running=True)
    memory.save()
    assert Memory(tmp_path / "state" / "desktop.json").now == memory.now


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"layout": 7, "theme": "pink", "switches": {"a": 1}, "folder": null}']
)
def test_a_file_that_makes_no_sense_is_as_good_as_none(tmp_path: Path, content: str):
    path = tmp_path / "desktop.json"
    path.write_text(content)
    assert Memory(path).now == Memory(None).now


def test_unknown_keys_of_another_version_are_left(tmp_path: Path):
    path = tmp_path / "desktop.json"
    path.write_text(json.dumps({"layout": "3x3", "future": 1}))
    assert Memory(path).now.layout == "3x3"


# ---- player


@pytest.fixture
def player() -> Player:
    session = FakeSession()
    session.add(configure(["a.mp4"])[0])
    return Player(session, "a.mp4")  # type: ignore[arg-type]


def playback(player: Player):
    return player._session.playback("a.mp4")


def test_jumps_count_from_the_picture_that_is_shown(player):
    player.look(preview(index=120))  # 12 s
    player.jump(10.0)
    player.jump(-10.0)
    assert playback(player).commands == [("seek", 20.0), ("seek", 2.0)]


def test_speeds_stay_within_what_is_possible(player):
    for _ in range(10):
        player.hasten(2.0)
    assert playback(player).transport.speed == 16.0
    for _ in range(20):
        player.hasten(0.5)
    assert playback(player).transport.speed == 0.125


def test_space_at_the_end_begins_again(player):
    from surveil.pipeline.state import FeedState

    playback(player).state = FeedState(name="ended", since_s=0.0)
    player.toggle()
    assert playback(player).commands == [("resume",), ("seek", 0.0)]


def test_the_hill_knows_only_what_was_looked_at(player):
    player.look(preview(index=100, seq=1))
    player.look(preview(index=100, seq=1))  # the same picture again
    player.look(preview(index=104, seq=2))
    hill = player.density()
    looked = np.flatnonzero(~np.isnan(hill))
    assert looked.tolist() == list(range(200, 209))
    assert set(hill[looked]) == {3.0}


# ---- draft


def test_an_address_with_a_password_is_taken_apart():
    camera, password = camera_of(Draft(name="Front door", url="rtsp://admin:s%40cret@10.0.0.7/s1"), [])
    assert (camera.inputs[0].url, camera.username, password) == ("rtsp://10.0.0.7/s1", "admin", "s@cret")
    assert camera.password is None
    assert "cret" not in repr(camera)


def test_two_streams_have_their_roles():
    camera, _ = camera_of(Draft(url="rtsp://10.0.0.7/sub", large="rtsp://10.0.0.7/main"), [])
    assert [(one.url[-4:], one.roles) for one in camera.inputs] == [
        ("/sub", ("detect",)),
        ("main", ("record", "live")),
    ]


@pytest.mark.parametrize("name", ["<b>Tür</b> & <script>", "🚪 Haustür", "x" * 200, "CON", "..", "Yard 2"])
def test_any_name_makes_an_id_that_is_safe_and_free(name):
    first, _ = camera_of(Draft(name=name, url="rtsp://10.0.0.7/s"), [])
    second, _ = camera_of(Draft(name=name, url="rtsp://10.0.0.7/s"), [first.id.upper()])
    assert first.title == " ".join(name.split())
    assert second.id.casefold() != first.id.casefold()


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (Draft(), "address is missing"),
        (Draft(url="ftp://x/y"), "not allowed"),
        (Draft(url="rtsp://${OPEN/x"), "reference"),
        (Draft(url="a.mp4", username="me"), "no input is one"),
    ],
)
def test_what_makes_no_sense_is_said(draft, words):
    with pytest.raises(UsageError, match=words):
        camera_of(draft, [])


def test_editing_keeps_what_the_dialog_does_not_show():
    before = Camera(
        id="door",
        inputs=(Input(url="rtsp://10.0.0.7/s"),),
        username="admin",
        password="keyring:door",
        decode="cpu",
    )
    changed, password = camera_of(Draft(**{**vars_of(draft_of(before)), "name": "Front"}), [], before)
    assert (changed.name, changed.decode, changed.password, password) == ("Front", "cpu", "keyring:door", "")
    assert changed.inputs == before.inputs


def vars_of(draft: Draft) -> dict:
    return {name: getattr(draft, name) for name in Draft.__dataclass_fields__}
