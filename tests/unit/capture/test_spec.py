from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveil.capture.spec import expand_sources, parse_source, safe_name
from surveil.errors import SourceCause, SourceError, SurveilError, UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


@pytest.mark.parametrize(
    ("text", "kind", "name", "live"),
    [
        ("0", "webcam", "camera-0", True),
        ("/dev/video2", "webcam", "video2", True),
        ("/dev/v4l/by-id/usb-Cam_1-video-index0", "webcam", "usb-Cam_1-video-index0", True),
        ("rtsp://admin:pw@10.0.0.1/stream1?channel=2", "stream", "10.0.0.1-stream1", True),
        ("RTSP://10.0.0.1:8554/a", "stream", "10.0.0.1-8554-a", True),
        ("https://[::1]/video.mjpg", "stream", "1-video.mjpg", True),
        ("test://street?seed=4", "synthetic", "street", False),
        ("some/where/Clip one.mp4", "file", "Clip-one", False),
        ("C:\\clips\\a.mp4", "file", None, False),
        ("12:30.mp4", "file", "12-30", False),
        ("shot.PNG", "images", "shot", False),
    ],
)
def test_what_a_text_means(text: str, kind: str, name: str | None, live: bool) -> None:
    spec = parse_source(text)
    assert (spec.kind, spec.live) == (kind, live)
    assert name in (None, spec.name)


@pytest.mark.parametrize(
    "text",
    ["file:///etc/passwd", "file:a.mp4", "concat:a|b", "subfile:,,start,0,end,9,,:x", "data:image/png,A",
     "pipe:0", "lavfi:testsrc", "ftp://h/x", "udp://h:1", "tcp://h:1", "rtmp://h/x", "gopher://h",
     "srt://h?passphrase=secret", "unknown:x"],
)  # fmt: skip
def test_other_schemes_are_forbidden(text: str) -> None:
    with pytest.raises(SourceError, match="not allowed") as caught:
        parse_source(text)
    assert caught.value.cause is SourceCause.FORBIDDEN
    assert caught.value.remedy
    assert "secret" not in str(caught.value)


def test_a_file_whose_name_looks_like_a_protocol_is_a_file_unless_ffmpeg_would_take_it_for_one(
    folder: Path,
) -> None:
    touch("gate:north.mp4", "concat:x")
    assert parse_source("gate:north.mp4").kind == "file"
    with pytest.raises(SourceError, match="not allowed"):
        parse_source("concat:x")


@pytest.mark.parametrize(
    "text",
    ["", "  ", "-i", "--help", "a\x00b", "a\nb", "rtsp://", "rtsp:///x", "rtsp://h:99999/", "rtsp://h:x/",
     "rtsp://h/a b", "rtsp://[::1/x", "http://u:p/w@h/", "test://moon", "test://street?sise=1"],
)  # fmt: skip
def test_malformed_sources_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError):
        parse_source(text)


@given(st.text(max_size=60) | st.text(alphabet="rtsphtfile:/@[]%?*#-=. ", max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_brings_a_traceback(text: str) -> None:
    try:
        specs = expand_sources([text])
    except SurveilError:
        return
    assert specs
    assert all(spec.name and "/" not in spec.name and not spec.name.startswith((".", "-")) for spec in specs)


def test_a_text_of_10_kb_is_a_missing_file() -> None:
    assert len(parse_source("x" * 10_000).name) < 60


def test_the_password_is_in_no_repr_and_no_error() -> None:
    spec = parse_source("rtsp://admin:geheim@10.0.0.1/x?pwd=geheim")
    assert "geheim" in spec.text
    assert "geheim" not in f"{spec!r} {spec.shown} {spec.name}"
    recorder = parse_source(
        "rtsp://10.0.0.1:555/user=admin_password=geheim_channel=1_stream=0.sdp?real_stream"
    )
    assert "geheim" in recorder.text
    assert "geheim" not in f"{recorder!r} {recorder.shown} {recorder.name}"
    assert recorder.name == "10.0.0.1-555-user"
    with pytest.raises(UsageError) as caught:
        parse_source("rtsp://admin:geheim@10.0.0.1:port/x")
    assert "geheim" not in str(caught.value)


def test_a_folder_of_images_is_one_source(folder: Path) -> None:
    touch("shots/10.png", "shots/9.jpg", "shots/notes.md", "shots/.hidden.png")
    spec = parse_source("shots/")
    assert (spec.kind, spec.name) == ("images", "shots")
    assert {p.name for p in spec.images()} == {"9.jpg", "10.png"}
    assert parse_source("shots/*.png").images() == [Path("shots/10.png")]


def test_a_folder_of_videos_is_a_source_for_each_in_natural_order(folder: Path) -> None:
    touch("v/b10.mp4", "v/b9.avi", "v/notes.md")
    assert [spec.name for spec in expand_sources(["v"])] == ["b9", "b10"]
    assert [spec.name for spec in expand_sources(["v/*.mp4"])] == ["b10"]
    with pytest.raises(UsageError, match="means 2 sources"):
        parse_source("v")


@pytest.mark.parametrize(
    ("text", "cause"), [("empty", SourceCause.EMPTY), ("none/*.mp4", SourceCause.NOT_FOUND)]
)
def test_nothing_to_play_is_an_error(folder: Path, text: str, cause: SourceCause) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(SourceError) as caught:
        expand_sources([text])
    assert caught.value.cause is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("no.mp4", SourceCause.NOT_FOUND),
        ("no.jpg", SourceCause.NOT_FOUND),
        ("empty.mp4", SourceCause.EMPTY),
        ("a.mp4", None),
        ("a.png", None),
        ("rtsp://10.0.0.1/x", None),
    ],
)
def test_a_look_says_what_is_not_there(folder: Path, text: str, cause: SourceCause | None) -> None:
    touch("a.png", "empty.mp4")
    Path("a.mp4").write_bytes(b"x")
    spec = parse_source(text)
    if cause is None:
        spec.check()
        return
    with pytest.raises(SourceError, match=re.escape(text)) as caught:
        spec.check()
    assert caught.value.cause is cause


def test_a_pattern_for_images_and_videos_is_ambiguous(folder: Path) -> None:
    touch("a.png", "b.mp4")
    with pytest.raises(UsageError, match="one kind"):
        expand_sources(["*"])


def test_a_file_with_pattern_signs_in_its_name_is_itself(folder: Path) -> None:
    touch("cam[1].mp4", "cam1.mp4")
    assert [spec.text for spec in expand_sources(["cam[1].mp4"])] == ["cam[1].mp4"]


def test_a_list_names_its_sources(folder: Path) -> None:
    touch("sub/clip.mp4")
    text = "# cameras\n\nyard = rtsp://u:p@10.0.0.1/s?a=b\nrtsp://10.0.0.2/s?x=y\n 0 \ngate = clip.mp4\n"
    Path("sub/cams.txt").write_text(text)
    specs = expand_sources(["sub/cams.txt"])
    assert [(s.kind, s.name) for s in specs] == [
        ("stream", "yard"), ("stream", "10.0.0.2-s"), ("webcam", "camera-0"), ("file", "gate"),
    ]  # fmt: skip
    assert specs[0].text == "rtsp://u:p@10.0.0.1/s?a=b"
    assert Path(specs[3].text) == Path("sub/clip.mp4")  # beside the list


@pytest.mark.parametrize(
    ("line", "kind"),
    [("pipe:0", SourceError), ("-x", UsageError), ("other.txt", UsageError), ("gate = rtsp://", UsageError)],
)
def test_a_bad_line_of_a_list_is_named(folder: Path, line: str, kind: type[Exception]) -> None:
    Path("cams.txt").write_text(f"0\n{line}\n")
    with pytest.raises(kind, match=r"^cams.txt:2: "):
        expand_sources(["cams.txt"])


def test_a_list_that_is_missing_empty_or_not_text(folder: Path) -> None:
    Path("empty.txt").write_text("# nothing\n")
    Path("binary.txt").write_bytes(b"\xff\xfe\x00\x81")
    for name, kind in [("none.txt", SourceError), ("empty.txt", SourceError), ("binary.txt", UsageError)]:
        with pytest.raises(kind, match=name):
            expand_sources([name])


def test_equal_names_get_numbers(folder: Path) -> None:
    specs = expand_sources(["a/x.mp4", "b/x.mp4", "c/X.mp4", "x-2.avi"])
    assert [spec.name for spec in specs] == ["x", "x-2", "X-3", "x-2-2"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etc-passwd"),
        (";rm -rf", "rm-rf"),
        ("<img src=x onerror=1>", "img-src-x-onerror-1"),
        ("=cmd|' /C calc'!A0", "cmd-C-calc-A0"),
        ("CON", "CON-source"),
        ("nul.mp4", "nul.mp4-source"),
        ("🙂", "source"),
        ("", "source"),
        ("...", "source"),
        ("Straße", "Straße"),
        ("حديقة", "حديقة"),
        ("a\u202eb", "a-b"),
        ("x" * 500, "x" * 48),
        ("a+#/b", "a-b"),
    ],
)
def test_names_are_safe(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_images_are_looked_for_anew_each_time(folder: Path) -> None:
    (folder / "shots").mkdir()
    cv2.imwrite("shots/1.png", np.zeros((4, 4, 3), np.uint8))
    spec = parse_source("shots")
    Path("shots/1.png").unlink()
    with pytest.raises(SourceError, match="no images"):
        spec.images()
