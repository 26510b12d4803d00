"""Decoding on a device: tried before it is used, and proved by what comes out.

FFmpeg goes over to software without a word, even where that was forbidden (PyAV issue 1690). So the format in
which the decoder works is looked at after each picture: on a device it is the device's own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import av
import av.error
from av.codec.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

from surveil.errors import DeviceError

log = logging.getLogger(__name__)

CAMERA_CODECS = ("h264", "hevc", "mjpeg")
PREFERRED = ("cuda", "videotoolbox", "d3d11va", "vaapi", "qsv", "d3d12va", "dxva2", "vdpau", "amf")
"""The order in which `auto` tries; what is not in it needs frames to stay on the device, or is for phones."""

# A context of its own would cost each camera some hundred MB of the GPU's memory.
_OPTIONS: dict[str, dict[str, object]] = {"cuda": {"primary_ctx": "1"}}

_REMEDY = "`surveil doctor` names those that work on this machine; auto and cpu always do."

OpenDevice = Callable[[str], HWAccel]
"""Opens the device of that name for decoding, or raises DeviceError."""


def open_device(name: str) -> HWAccel:
    """A device that can be opened here, for `av.open`. Raises DeviceError: cause and remedy."""
    known = hwdevices_available()
    if name not in known:
        raise DeviceError(
            f"decoding on {name!r}: this build of FFmpeg knows no such device (it knows "
            f"{', '.join(known) or 'none'}). {_REMEDY}"
        )
    hwaccel = HWAccel(name, allow_software_fallback=True, options=_OPTIONS.get(name, {}))
    for codec in CAMERA_CODECS:
        try:
            hwaccel.create(Codec(codec, "r"))
        except NotImplementedError:
            continue  # not this codec on this device; perhaps another
        except (av.error.FFmpegError, OSError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise DeviceError(
                f"decoding on {name!r}: it is not there, or has no driver (FFmpeg: {reason}). {_REMEDY}"
            ) from error
        return hwaccel
    raise DeviceError(
        f"decoding on {name!r}: this build of FFmpeg decodes none of {', '.join(CAMERA_CODECS)} on it. "
        f"{_REMEDY}"
    )


def working_devices(open_device: OpenDevice = open_device) -> list[str]:
    """Names of the devices that can really be opened on this machine, the best first."""
    return [name for name in _in_order(hwdevices_available()) if _opens(name, open_device)]


def check_decoder(name: str, open_device: OpenDevice = open_device) -> None:
    """Say at once that a device which was asked for is not there. Raises DeviceError."""
    if name not in ("auto", "cpu"):
        open_device(name)


class Decoding:
    """What one camera or recording is decoded with, over all its connections. For the thread that decodes.

    A device that is gone, or cannot decode the stream, makes nobody blind: software goes on, and that is
    said, once for each reason.

    Attributes:
        device: what is in use, as far as is known; empty: software.
        fallback: why software decodes although a device was asked for; empty where all is as it was asked.
    """

    def __init__(self, asked: str = "auto", *, name: str = "", open_device: OpenDevice = open_device) -> None:
        """`asked`: `auto`, `cpu` or a device. `name`: whose it is, for the log."""
        self._asked, self._name, self._open = asked, name, open_device
        self._useless: set[str] = set()
        self.device = self.fallback = ""

    def hwaccel(self) -> HWAccel | None:
        """For `av.open`; None: decode in software. Called before each opening."""
        self.device = ""
        for name in self._candidates():
            if name in self._useless:
                continue
            try:
                opened = self._open(name)
            except DeviceError as error:
                if self._asked != "auto":
                    self._fall_back(str(error))
                continue
            self.device = name
            return opened
        return None

    def begin(self, context: Any) -> str:
        """What decodes, in words, once the stream is known; `context` is its `av.VideoCodecContext`."""
        if self.device and not context.is_hwaccel:
            self._give_up(f"{self.device} cannot decode {context.name}")
        return self._words(context)

    def look(self, context: Any) -> str:
        """The same after a picture has come out: proved."""
        if self.device and not _on_device(context):
            self._give_up(f"{self.device} did not take this {context.name} stream")
        return self._words(context)

    def no_picture(self) -> None:
        """A connection ended without one good picture: if a device decoded, the next one does without it."""
        if self.device:
            self._give_up(f"{self.device} gave no picture")

    def _candidates(self) -> Sequence[str]:
        match self._asked:
            case "cpu":
                return ()
            case "auto":
                return _in_order(hwdevices_available())
            case name:
                return (name,)

    def _words(self, context: Any) -> str:
        if self.device:
            self.fallback = ""
            return f"{context.name} ({self.device})"
        asked = f", not {self._asked}" if self._asked not in ("auto", "cpu") else ""
        return f"{context.name} (software{asked})"

    def _give_up(self, reason: str) -> None:
        self._useless.add(self.device)
        self.device = ""
        self._fall_back(reason)

    def _fall_back(self, reason: str) -> None:
        if reason != self.fallback:
            log.warning("%s: decoded in software: %s", self._name, reason)
        self.fallback = reason


def _in_order(names: Sequence[str]) -> list[str]:
    return [name for name in PREFERRED if name in names]


def _opens(name: str, open_device: OpenDevice) -> bool:
    try:
        open_device(name)
    except DeviceError:
        return False
    return True


def _on_device(context: Any) -> bool:
    """Whether the decoder works in a format of a device, as it says itself after a picture."""
    own = {config.format.name for config in context.codec.hardware_configs if config.format is not None}
    return bool(context.is_hwaccel) and context.pix_fmt in own
