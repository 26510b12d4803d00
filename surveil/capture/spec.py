"""Reading what a user wrote: which kind of source it is, and a name for it that is safe in file names."""

from __future__ import annotations

import glob
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from surveil.capture.address import PORTS, StreamAddress
from surveil.capture.order import natural_key
from surveil.capture.paths import check_file
from surveil.capture.scenes.config import parse_scene_url
from surveil.errors import SourceCause, SourceError, UsageError
from surveil.redact import redact

SourceKind = Literal["file", "images", "stream", "webcam", "synthetic"]

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_CONTAINERS = {
    ".3gp",
    ".asf",
    ".avi",
    ".dav",
    ".flv",
    ".m2ts",
    ".m4v",
    ".mkv",
    ".mov",
    ".mp4",
    ".mpeg",
    ".mpg",
}
_MORE_CONTAINERS = {".mts", ".mxf", ".ogv", ".part", ".ts", ".vob", ".webm", ".wmv"}
_BARE_STREAMS = {".264", ".265", ".h264", ".h265", ".hevc", ".mjpeg", ".mjpg"}
VIDEO_SUFFIXES = frozenset(_CONTAINERS | _MORE_CONTAINERS | _BARE_STREAMS)
LIST_SUFFIX = ".txt"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")  # two letters at least: C:\clip.mp4 is a path
_DEVICE = re.compile(r"/dev/(video\d+|v4l/by-(id|path)/[\w.:+\-]+)")
_FFMPEG_ONLY = frozenset(
    {"concat", "concatf", "crypto", "data", "fd", "file", "lavfi", "pipe", "subfile", "tee"}
)
_LINE = re.compile(r"(?P<name>[^=:/\\?]+?)\s*=\s*(?P<source>\S.*)")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSpec:
    """One source as the user means it.

    Attributes:
        kind: which implementation plays it.
        text: path, pattern, device or address; may hold a password, hence not in the repr.
        name: short, unique among the sources given together, safe in file names.
        live: True for cameras, and for what is to be taken for one: it loses frames that are not taken.
    """

    kind: SourceKind
    text: str = field(repr=False)
    name: str
    live: bool = False

    @property
    def shown(self) -> str:
        """`text` without secrets."""
        return redact(self.text)

    def check(self) -> None:
        """Look whether files are there and can be read, without opening them. Raises SourceError."""
        if self.kind == "file":
            check_file(Path(self.text))
        elif self.kind == "images":
            self.images()

    def images(self) -> Sequence[Path]:
        """The files of a folder or pattern of images, of this moment. Raises SourceError."""
        path = Path(self.text)
        if not glob.has_magic(self.text) and not _is(path.exists):
            raise SourceError(f"{path}: there is no such file", SourceCause.NOT_FOUND, "Check the path.")
        found = [path] if _is(path.is_file) else _children(path) if _is(path.is_dir) else _matches(self.text)
        images = [p for p in found if p.suffix.lower() in IMAGE_SUFFIXES]
        if not images:
            raise SourceError(
                f"{self.text}: holds no images", SourceCause.EMPTY, "Give a folder or pattern of images."
            )
        return images


def parse_source(text: str) -> SourceSpec:
    """The one source that `text` means.

    Raises:
        UsageError: it means several, or cannot be an address.
        SourceError: FORBIDDEN for schemes that are not allowed, NOT_FOUND and EMPTY for paths.
    """
    specs = expand_sources([text])
    if len(specs) != 1:
        raise UsageError(f"{redact(text)}: means {len(specs)} sources; exactly one is wanted here")
    return specs[0]


def expand_sources(texts: Iterable[str]) -> list[SourceSpec]:
    """All sources that `texts` mean, in their order: patterns, folders of videos and lists are spelt out.

    Equal names get `-2`, `-3` and so on.

    Raises:
        UsageError, SourceError: as `parse_source`; for a line of a list the message begins with `file:line`.
    """
    specs = [spec for text in texts for spec in _expand(text)]
    return _distinct(specs)


def safe_name(text: str) -> str:
    """A short name that is safe in file names on every system; letters and digits of all scripts stay.

    >>> safe_name("../../Hof & Garten!.mp4")
    'Hof-Garten-.mp4'
    """
    text = unicodedata.normalize("NFC", text)
    text = re.sub(r"[^\w.]+", "-", text)
    text = re.sub(r"\.{2,}", ".", text).strip(".-_ ")[:_LONGEST_NAME].rstrip(".-_ ")
    return f"{text}-source" if _RESERVED.fullmatch(text) else text or "source"


def _expand(text: str, folder: Path | None = None) -> list[SourceSpec]:
    """`folder`: that of the list in which `text` stands; lists hold no further lists."""
    _check_text(text)
    if text.isascii() and text.isdecimal():
        return [SourceSpec(kind="webcam", text=str(int(text)), name=f"camera-{int(text)}", live=True)]
    if _DEVICE.fullmatch(text):
        return [SourceSpec(kind="webcam", text=text, name=safe_name(Path(text).name), live=True)]
    scheme = _SCHEME.match(text)
    if scheme and (_is_address(text, scheme[1].lower()) or not _is(Path(text).exists)):
        return [_address(text, scheme[1])]
    return _paths(text, folder)


def _check_text(text: str) -> None:
    if not text.strip():
        raise UsageError(
            "a source is missing: expected a file, a folder, an address or a camera's number, got ''"
        )
    if not all(c.isprintable() for c in text):
        raise UsageError(f"source {_short(text)!r}: control characters are not allowed")
    if text.startswith("-"):
        raise UsageError(f"source {_short(text)!r}: begins with '-'; write ./NAME for a file of such a name")


def _is_address(text: str, scheme: str) -> bool:
    return scheme in _FFMPEG_ONLY or scheme in PORTS or text[len(scheme) :].startswith("://")


def _address(text: str, scheme: str) -> SourceSpec:
    text = scheme.lower() + text[len(scheme) :]
    match scheme.lower():
        case "test":
            parse_scene_url(text)  # says now what is wrong with it
            name = safe_name(text.removeprefix("test:").lstrip("/").partition("?")[0])
            return SourceSpec(kind="synthetic", text=text, name=name)
        case known if known in PORTS:
            address = StreamAddress.parse(text)
            port = "" if address.port == PORTS[known] else f"-{address.port}"
            path = redact(address.path)  # where some recorders want the password
            name = safe_name(f"{address.host}{port}{path}")
            return SourceSpec(kind="stream", text=text, name=name, live=True)
        case "file":
            remedy = "Write the path alone, without file:."
        case _:
            remedy = f"Allowed are {', '.join([*PORTS, 'test'])}, paths and camera numbers."
    raise SourceError(
        f"source {_short(text)!r}: addresses that begin with {scheme}: are not allowed",
        SourceCause.FORBIDDEN,
        remedy,
    )


def _paths(text: str, folder: Path | None) -> list[SourceSpec]:
    path = folder / text if folder is not None else Path(text)
    if _is(path.is_dir):
        return _folder(path)
    if glob.has_magic(text) and not _is(path.exists):
        return _pattern(str(path))
    if path.suffix.lower() == LIST_SUFFIX:
        if folder is not None:
            raise UsageError(f"{_short(text)}: a list cannot hold another list")
        return _list(path)
    kind: SourceKind = "images" if path.suffix.lower() in IMAGE_SUFFIXES else "file"
    return [SourceSpec(kind=kind, text=str(path), name=safe_name(path.stem))]


def _folder(path: Path) -> list[SourceSpec]:
    """A folder with images is one source, a folder with videos alone is one source for each."""
    children = _children(path)
    if any(p.suffix.lower() in IMAGE_SUFFIXES for p in children):
        return [SourceSpec(kind="images", text=str(path), name=safe_name(path.resolve().name))]
    videos = [p for p in children if p.suffix.lower() in VIDEO_SUFFIXES]
    if not videos:
        raise SourceError(
            f"{path}: the folder holds neither images nor videos",
            SourceCause.EMPTY,
            "Give a folder that does, or a file.",
        )
    return _files(videos)


def _pattern(pattern: str) -> list[SourceSpec]:
    found = _matches(pattern)
    images = [p for p in found if p.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        raise SourceError(f"{_short(pattern)}: no file matches", SourceCause.NOT_FOUND, "Check the pattern.")
    if not images:
        return _files(found)
    if len(images) < len(found):
        raise UsageError(f"{_short(pattern)}: matches images and other files; write a pattern for one kind")
    return [SourceSpec(kind="images", text=pattern, name=safe_name(found[0].resolve().parent.name))]


def _list(path: Path) -> list[SourceSpec]:
    """`cams.txt`: one source a line, `NAME = SOURCE` or `SOURCE`; `#` begins a line of comment."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: expected a list of sources as UTF-8 text") from error
    except OSError as error:
        raise SourceError(
            f"{path}: the list cannot be read ({error.strerror})", SourceCause.NOT_FOUND, "Check the path."
        ) from error
    specs = [
        spec
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
        for spec in _line(line.strip(), path, number)
    ]
    if not specs:
        raise SourceError(f"{path}: names no source", SourceCause.EMPTY, "Write one source a line.")
    return specs


def _line(line: str, path: Path, number: int) -> list[SourceSpec]:
    named = _LINE.fullmatch(line)
    try:
        specs = _expand(named["source"] if named else line, path.parent)
    except SourceError as error:
        located = SourceError(f"{path}:{number}: {error}", error.cause)
        located.remedy = error.remedy
        raise located from error
    except UsageError as error:
        raise UsageError(f"{path}:{number}: {error}") from error
    return [replace(spec, name=safe_name(named["name"])) for spec in specs] if named else specs


def _files(paths: Sequence[Path]) -> list[SourceSpec]:
    return [
        SourceSpec(kind="file", text=str(p), name=safe_name(p.stem)) for p in sorted(paths, key=natural_key)
    ]


def _children(folder: Path) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
    except OSError as error:
        raise SourceError(
            f"{folder}: the folder cannot be read ({error.strerror})",
            SourceCause.REFUSED,
            "Give your user the right to read it.",
        ) from error


def _matches(pattern: str) -> list[Path]:
    return [p for p in map(Path, glob.glob(pattern)) if p.is_file()]  # noqa: PTH207 (absolute patterns too)


def _distinct(specs: Sequence[SourceSpec]) -> list[SourceSpec]:
    taken: set[str] = set()
    result = []
    for spec in specs:
        names = (spec.name if n == 1 else f"{spec.name}-{n}" for n in itertools.count(1))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        result.append(replace(spec, name=name))
    return result


def _is(look: Callable[[], bool]) -> bool:
    """A look at the disk; what cannot be looked at (a name that is too long) is not there."""
    try:
        return look()
    except (OSError, ValueError):
        return False


def _short(text: str) -> str:
    """For messages: without secrets, and not longer than a line."""
    text = redact(text)
    return text if len(text) <= 120 else f"{text[:117]}..."
