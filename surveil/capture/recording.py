"""Opening a video file with PyAV, or saying exactly why that does not work."""

from __future__ import annotations

from pathlib import Path

import av
import av.error
from av.codec.hwaccel import HWAccel

from surveil.capture.paths import check_file
from surveil.capture.pictures import picture_stream
from surveil.errors import SourceCause, SourceError

_LISTS = frozenset({"hls", "concat", "dash", "sdp", "tty", "imf"})  # these open other files, or draw text


def open_recording(path: Path, hwaccel: HWAccel | None = None) -> av.container.InputContainer:
    """The opened container; `hwaccel` decodes where it can. Raises SourceError with the cause in words."""
    check_file(path)
    try:
        # An absolute path cannot be mistaken for a protocol, and the allow-list keeps FFmpeg inside files.
        container = av.open(str(path.resolve()), options={"protocol_whitelist": "file"}, hwaccel=hwaccel)
    except av.error.InvalidDataError as error:
        raise _unreadable(path) from error
    except (OSError, av.error.FFmpegError, ValueError) as error:
        raise SourceError(f"{path}: {error}", SourceCause.NOT_VIDEO, "Check the file.") from error
    if _LISTS & set(container.format.name.split(",")):
        name = container.format.name
        container.close()
        raise SourceError(
            f"{path}: a {name} file is a list or a text, not a recording",
            SourceCause.NOT_VIDEO,
            "Give the video files themselves.",
        )
    return container


def _unreadable(path: Path) -> SourceError:
    with path.open("rb") as file:
        mp4 = file.read(12)[4:8] in (b"ftyp", b"mdat", b"free", b"wide", b"skip")
    if mp4:
        return SourceError(
            f"{path}: the file is cut off: its index (the moov box) is missing",
            SourceCause.DAMAGED,
            "The recording was not closed properly; tools like untrunc can rebuild it from a sound one.",
        )
    return SourceError(
        f"{path}: this is not a video file, or its beginning is destroyed",
        SourceCause.NOT_VIDEO,
        "Check that a video player can open it.",
    )


def video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    """The stream to be decoded. Raises SourceError (NOT_VIDEO) where there is none."""
    stream = picture_stream(container)
    if stream is None:
        sound = "only sound" if container.streams.audio else "no picture"
        raise SourceError(f"{path}: holds {sound}", SourceCause.NOT_VIDEO, "Give a file with a picture.")
    if stream.codec_context is None:
        raise SourceError(
            f"{path}: there is no decoder for its picture",
            SourceCause.UNSUPPORTED,
            "Convert the file to H.264.",
        )
    return stream
