"""USB cameras on Linux: which are there, and which is the one that was meant.

The numbers of /dev/videoN are dealt out anew whenever a camera comes or goes. So a camera is known by what
stays: maker, product, serial number and function; where two are alike, by the port that it is plugged into.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from surveil.errors import SourceCause, SourceError

DEV, SYSFS = Path("/dev"), Path("/sys/class/video4linux")


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What stays of a camera when its number changes.

    Attributes:
        name: as its driver says.
        marks: maker, product, serial number, interface, and which of its functions this device is.
        port: where it is plugged in.
    """

    name: str
    marks: tuple[str, ...]
    port: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A device that gives pictures; `stable` is the path that always means it, empty where there is none."""

    path: Path
    name: str
    stable: str


class UsbCamera:
    """The camera that a number or path meant first, for as long as this object lives."""

    def __init__(self, text: str, *, dev: Path = DEV, sysfs: Path = SYSFS) -> None:
        """`text`: `0`, `/dev/video0`, or a path that is stable by itself (`/dev/v4l/by-id/…`)."""
        self._text, self._dev, self._sysfs = text, dev, sysfs
        self._known: Identity | None = None

    def device(self) -> str:
        """What to open now.

        Raises:
            SourceError: DEVICE: the camera that was meant before is not plugged in, whatever has its number.
        """
        if self._text.startswith(str(self._dev / "v4l")):
            return self._text
        if self._known is None:
            self._known = identity(device_path(self._text, self._dev).name, self._sysfs)
            return self._text
        others = {entry.name: identity(entry.name, self._sysfs) for entry in _entries(self._sysfs)}
        alike = [name for name, other in others.items() if other is not None and _alike(other, self._known)]
        same_port = [name for name in alike if _port(others[name]) == self._known.port]
        if not alike:
            raise SourceError(
                f"camera {self._text} ({self._known.name}): it is not plugged in any more",
                SourceCause.DEVICE,
                "Plug it in again; any port will do.",
            )
        if len(alike) > 1 and not same_port:
            raise SourceError(
                f"camera {self._text} ({self._known.name}): {len(alike)} of its kind are plugged in, none "
                "where it was",
                SourceCause.DEVICE,
                "Plug it into its port again, or name it by its /dev/v4l/by-path.",
            )
        return str(self._dev / (same_port or alike)[0])


def identity(video: str, sysfs: Path = SYSFS) -> Identity | None:
    """Who `video0` is now; None where the system does not tell (no such device, another system)."""
    entry = sysfs / video
    name = _read(entry / "name")
    if not name:
        return None
    interface = (entry / "device").resolve()
    usb = interface.parent
    marks = tuple(_read(usb / key) for key in ("idVendor", "idProduct", "serial"))
    function = _read(interface / "bInterfaceNumber"), _read(entry / "index")
    return Identity(name=name, marks=(*marks, *function), port=str(interface))


def find_cameras(dev: Path = DEV, sysfs: Path = SYSFS) -> list[Found]:
    """The devices of this machine that give pictures (not those that give data about them), by number."""
    stable: dict[str, str] = {}
    for folder in ("by-path", "by-id"):  # the id wins: it holds on any port
        links = sorted((dev / "v4l" / folder).glob("*")) if (dev / "v4l" / folder).is_dir() else []
        stable |= {link.resolve().name: str(link) for link in links}
    return [
        Found(path=dev / entry.name, name=_read(entry / "name"), stable=stable.get(entry.name, ""))
        for entry in _entries(sysfs)
        if _read(entry / "index") in ("", "0") and (dev / entry.name).exists()
    ]


def device_path(device: str, dev: Path = DEV) -> Path:
    """`/dev/video0` for `0`; a link is followed to the device that it means now."""
    return dev / f"video{int(device)}" if device.isdecimal() else Path(device).resolve()


def check_device(path: Path) -> None:
    """Raises SourceError where there is no such camera (it lists those there are), or no right to use it."""
    if not path.exists():
        there = ", ".join(sorted(str(p) for p in path.parent.glob("video*") if re.search(r"\d$", p.name)))
        raise SourceError(
            f"camera {path}: there is no such device (there: {there or 'no camera at all'})",
            SourceCause.DEVICE,
            "Plug the camera in; in a container or virtual machine, hand the device through.",
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            f"camera {path}: may not be used",
            SourceCause.REFUSED,
            "Add your user to the group video (sudo usermod -aG video $USER) and log in again.",
        )


def _alike(one: Identity, other: Identity) -> bool:
    return (one.name, one.marks) == (other.name, other.marks)


def _port(known: Identity | None) -> str:
    return "" if known is None else known.port


def _entries(sysfs: Path) -> list[Path]:
    """Of all video devices, by number."""
    entries = sysfs.iterdir() if sysfs.is_dir() else ()
    videos = [entry for entry in entries if re.fullmatch(r"video\d+", entry.name)]
    return sorted(videos, key=lambda entry: int(entry.name.removeprefix("video")))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
