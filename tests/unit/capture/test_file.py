from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import re
import threading
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from surveil.capture.file import FileConfig, FileSource
from surveil.capture.span import Span
from surveil.clock import SystemClock
from surveil.errors import SourceCause, SourceError, SurveilError, UsageError
from surveil.types import Frame
from tests.support.clips import damage, picture, write_clip, write_sound


def source(path: Path, **options: Any) -> FileSource:
    span = Span(**{key: options.pop(key) for key in ("start_s", "end_s") if key in options})
    return FileSource(
        path, camera_id="clip", clock=SystemClock(), config=FileConfig(span=span, threads=1), **options
    )


def play(path: Path, **options: Any) -> list[Frame]:
    with source(path, **options) as opened:
        return list(opened.frames(threading.Event()))


def cause_of(path: Path) -> SourceCause:
    with pytest.raises(SourceError) as caught, source(path) as opened:
        list(opened.frames(threading.Event()))
    assert str(path.name) in str(caught.value)
    assert caught.value.remedy
    return caught.value.cause


def test_every_frame_comes_with_its_true_time(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=30, rate=10, b_frames=2)
    frames = play(clip)
    assert [f.index for f in frames] == list(range(30))
    assert [f.pts_s for f in frames] == pytest.approx([k / 10 for k in range(30)])
    for k, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - picture(k)).mean() < 4


def test_what_is_known_of_it(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=30, rate=10)
    with source(clip, start_s=1) as opened:
        info = opened.info
    assert (info.name, info.size, info.rate_hz, info.live) == ("clip", (64, 48), 10, False)
    assert info.duration_s == pytest.approx(3, abs=0.11)
    assert info.frame_count == 20
    assert info.decoder == "h264 (software)"


def test_colours_are_bit_identical_to_opencv(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=5, size=(66, 50))
    capture = cv2.VideoCapture(str(clip))
    for frame in play(clip):
        assert np.array_equal(frame.image, capture.read()[1])
    capture.release()


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_marks_are_respected(tmp_path: Path, rotation: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=2, rotation=rotation)
    with source(clip) as opened:
        frame = next(iter(opened.frames(threading.Event())))
        assert opened.info.size == frame.size == ((64, 48) if rotation == 180 else (48, 64))
    capture = cv2.VideoCapture(str(clip))
    assert np.array_equal(frame.image, capture.read()[1])
    capture.release()


def test_a_variable_rate_is_kept(tmp_path: Path) -> None:
    stamps = [0, 50, 60, 300, 310, 1000]
    clip = write_clip(tmp_path / "clip.mkv", frames=6, rate=10, stamps=stamps)
    assert [f.pts_s for f in play(clip)] == pytest.approx([s / 1000 for s in stamps], abs=2e-3)


def test_time_starts_at_zero_even_where_the_stream_does_not(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts", frames=10, rate=10)
    assert [f.pts_s for f in play(clip)] == pytest.approx([k / 10 for k in range(10)], abs=1e-3)


def test_start_and_end_keep_true_indices(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=40, rate=10, b_frames=2)
    frames = play(clip, start_s=1.25, end_s=2.0)
    assert [f.index for f in frames] == list(range(13, 20))
    whole = play(clip)
    assert all(np.array_equal(f.image, whole[f.index].image) for f in frames)


def test_a_start_past_the_end_is_a_usage_error(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=10, rate=10)
    with pytest.raises(UsageError, match="10 frames"):
        play(clip, start_s=5)


@pytest.mark.parametrize("size", [(65, 49), (2, 2), (642, 362)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = write_clip(tmp_path / "clip.mkv", frames=3, size=size, codec="mjpeg")
    assert {f.size for f in play(clip)} == {size}


def test_a_size_that_changes_in_mid_stream(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{k}.h264", frames=6, size=size) for k, size in enumerate([(64, 48), (96, 80)])
    ]
    joined = tmp_path / "joined.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = play(joined)
    assert [f.size for f in frames] == [(64, 48)] * 6 + [(96, 80)] * 6
    assert [f.index for f in frames] == list(range(12))


def test_packets_are_offered_before_they_are_decoded(tmp_path: Path) -> None:
    packets: list[Any] = []
    clip = write_clip(tmp_path / "clip.mp4", frames=12)
    with source(clip, packet_sink=packets.append) as opened:
        for _ in opened.frames(threading.Event()):
            assert packets
    assert len(packets) == 12
    assert packets[0].is_keyframe
    assert all(packet.size for packet in packets)


def test_damage_is_survived_and_counted(tmp_path: Path) -> None:
    clip = damage(write_clip(tmp_path / "clip.mp4", frames=120, size=(320, 240), gop=30), 0.4, 600)
    with source(clip) as opened:
        frames = list(opened.frames(threading.Event()))
        counters = opened.counters
    lost = counters["corrupt_frames"] + counters["damaged_packets"]
    assert lost > 0
    assert 80 < len(frames) <= 120 - lost
    assert [f.index for f in frames] == list(range(len(frames)))
    assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(frames))
    assert frames[-1].pts_s == pytest.approx(11.9)


def test_a_recording_that_was_cut_off_plays_to_its_last_whole_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", frames=60, size=(320, 240))
    os.truncate(clip, clip.stat().st_size * 2 // 3)
    assert 20 < len(play(clip)) < 60


def test_a_lacking_end_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=60, size=(320, 240), index_first=True)
    assert len(play(clip)) == 60
    assert len(play(clip, end_s=1.0)) == 10
    assert caplog.messages == []
    os.truncate(clip, clip.stat().st_size // 2)
    assert 5 < len(play(clip)) < 55
    assert re.fullmatch(r".*clip.mp4: the pictures end after [1-4]\.\d s of 6\.0 s.*", caplog.messages[0])


def test_missing_empty_and_junk_files(tmp_path: Path) -> None:
    empty, junk, text = tmp_path / "empty.mp4", tmp_path / "junk.mp4", tmp_path / "notes.mp4"
    empty.touch()
    junk.write_bytes(np.random.default_rng(0).bytes(20_000))
    text.write_text("This is no video.\n" * 1000)
    assert cause_of(tmp_path / "missing.mp4") is SourceCause.NOT_FOUND
    assert cause_of(empty) is SourceCause.EMPTY
    assert cause_of(junk) is SourceCause.NOT_VIDEO
    assert cause_of(text) is SourceCause.NOT_VIDEO
    assert cause_of(tmp_path) is SourceCause.NOT_VIDEO


def test_an_mp4_without_its_index(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=30)
    os.truncate(clip, clip.stat().st_size // 2)
    with pytest.raises(SourceError, match="moov") as caught:
        play(clip)
    assert caught.value.cause is SourceCause.DAMAGED


def test_sound_alone(tmp_path: Path) -> None:
    clip = write_sound(tmp_path / "sound.mp4")
    with pytest.raises(SourceError, match="only sound") as caught:
        play(clip)
    assert caught.value.cause is SourceCause.NOT_VIDEO


def test_a_file_without_one_good_frame(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=10, size=(320, 240))
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    with av.open(str(clip)) as container:
        size = sum(packet.size for packet in container.demux(video=0))
    data[start : start + size] = bytes(size)
    clip.write_bytes(data)
    with pytest.raises(SourceError, match="not one frame") as caught:
        play(clip)
    assert caught.value.cause is SourceCause.DAMAGED


def test_lists_and_texts_that_ffmpeg_would_play_are_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    concat, poem = tmp_path / "list.mp4", tmp_path / "poem.nfo"
    concat.write_text("ffconcat version 1.0\nfile a.mp4\n")
    poem.write_text("roses are red\n" * 100)
    assert cause_of(concat) is SourceCause.NOT_VIDEO
    assert cause_of(poem) is SourceCause.NOT_VIDEO


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert cause_of(tmp_path / "pipe") is SourceCause.UNSUPPORTED


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "clip.mp4")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root may read everything, so the system cannot be asked
    assert cause_of(clip) is SourceCause.REFUSED


def test_a_name_that_looks_like_a_protocol_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "clip.mp4", frames=3).rename(tmp_path / "concat:clip.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(play(Path("concat:clip.mp4"))) == 3


def test_info_before_opening_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="open"):
        source(tmp_path / "clip.mp4").info.size  # noqa: B018


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("ts", "libx264"), ("avi", "mpeg4")]
)
def test_mutated_files_bring_frames_or_a_clear_error(tmp_path: Path, suffix: str, codec: str) -> None:
    whole = write_clip(tmp_path / f"whole.{suffix}", frames=12, codec=codec).read_bytes()
    mutant, dice = tmp_path / f"mutant.{suffix}", random.Random(7)
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 5, 50])):
            data[dice.randrange(len(data))] = dice.randrange(256)
        mutant.write_bytes(data[: dice.randrange(len(data)) if dice.random() < 0.3 else None])
        frames = []
        with contextlib.suppress(SurveilError):  # and nothing else
            frames = play(mutant)
        assert [f.index for f in frames] == list(range(len(frames)))
        assert all(b.pts_s > a.pts_s for a, b in itertools.pairwise(frames))


@pytest.mark.parametrize(
    ("name", "count", "rate_hz"),
    [
        pytest.param("people-one-by-one.mp4", 1394, 10, marks=pytest.mark.slow),
        ("cars-from-above.mp4", 377, 12.5),
        ("motorway.avi", 750, 25),
        pytest.param("street-moving-camera.mp4", 151, 30, marks=pytest.mark.slow),
    ],
)
def test_real_recordings_are_decoded_whole(shared: Path, name: str, count: int, rate_hz: float) -> None:
    index, pts_s = -1, -1.0
    with source(shared / "clips" / name) as opened:
        assert opened.info.rate_hz == rate_hz
        for frame in opened.frames(threading.Event()):
            index += 1
            assert frame.index == index
            assert frame.pts_s > pts_s
            pts_s = frame.pts_s
        assert opened.counters == {"corrupt_frames": 0, "damaged_packets": 0, "repaired_stamps": 0}
    assert index + 1 == count
    assert pts_s == pytest.approx((count - 1) / rate_hz, abs=0.01)
