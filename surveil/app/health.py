"""What `surveil doctor` looks at: findings in the order in which problems should be solved."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Literal

from surveil import system
from surveil.app.machine import describe_machine, versions
from surveil.detect.telemetry import without_telemetry
from surveil.errors import DeviceError, SurveilError
from surveil.version import __version__

RIVALS = (  # packages that own the same folder: whichever came last has overwritten the other
    ("onnxruntime", "onnxruntime-gpu"),
    ("opencv-python", "opencv-python-headless"),
    ("opencv-python", "opencv-contrib-python"),
    ("opencv-python", "opencv-contrib-python-headless"),
)
CODECS: tuple[tuple[str, Literal["r", "w"]], ...] = (
    ("h264", "r"),
    ("hevc", "r"),
    ("mjpeg", "r"),
    ("libx264", "w"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        level: `ok`, `note` (something is not there that is not needed here), `problem`.
        remedy: what to do; empty where nothing is to be done.
    """

    level: Literal["ok", "note", "problem"]
    subject: str
    text: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """All findings; each is made when it is asked for, as some take a second."""
    yield from _machine()
    yield from _rivals()
    yield from _base_libraries()
    yield from _window_libraries()
    yield from _imports()
    yield from _runtimes()
    yield from _codecs()
    yield from _decoders()
    yield from _cameras()
    yield from _models()
    yield from _device()


def _ok(subject: str, text: str) -> Finding:
    return Finding(level="ok", subject=subject, text=text)


def _problem(subject: str, text: str, remedy: str) -> Finding:
    return Finding(level="problem", subject=subject, text=text, remedy=remedy)


def _machine() -> Iterator[Finding]:
    about = describe_machine()
    yield _ok("surveil", f"{__version__} on Python {about['python']}, {about['system']}")
    yield _ok("machine", f"{about['processor']}, {about['cores']} cores, {about['memory_gb']} GB")
    yield _ok("libraries", ", ".join(f"{name} {version}" for name, version in versions().items()))


def _rivals() -> Iterator[Finding]:
    installed = {str(dist.metadata["Name"]).lower() for dist in metadata.distributions()}
    clashes = [pair for pair in RIVALS if set(pair) <= installed]
    for first, second in clashes:
        yield _problem(
            "double installation",
            f"{first} and {second} are both installed and overwrite each other",
            f"pip uninstall -y {first} {second} && pip install {_kept(first, second)}",
        )
    if not clashes:
        yield _ok("double installation", "none")


def _kept(first: str, second: str) -> str:
    """The one of two rivals that surveil depends on."""
    return second if second == "onnxruntime-gpu" else first


def _base_libraries() -> Iterator[Finding]:
    missing = system.missing_packages(system.BASE)
    if missing:
        yield _problem("system libraries", f"missing: {', '.join(missing)}", system.install_hint(missing))
    else:
        yield _ok("system libraries", "what OpenCV needs is there")


def _window_libraries() -> Iterator[Finding]:
    groups = (system.QT, system.XCB) if system.wants_xcb() else (system.QT,)
    missing = system.missing_packages(*groups)
    if not missing:
        yield _ok("window libraries", "what Qt needs is there")
        return
    screen = any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    yield Finding(
        level="problem" if screen else "note",
        subject="window libraries",
        text=f"missing: {', '.join(missing)}" + ("" if screen else " (only `surveil gui` needs them)"),
        remedy=system.install_hint(missing),
    )


def _imports() -> Iterator[Finding]:
    """Whether the heavy libraries load at all."""
    libraries = [("cv2", "opencv-python"), ("av", "av"), ("onnxruntime", "onnxruntime")]
    if find_spec("openvino") is not None:
        libraries.append(("openvino", "openvino"))
    for module, package in libraries:
        try:
            with without_telemetry():
                import_module(module)
        except ImportError as error:
            hint = (
                f"first what is named above, then {sys.executable} -m pip install --force-reinstall {package}"
            )
            yield _problem(f"import {module}", str(error).splitlines()[0], hint)
        else:
            yield _ok(f"import {module}", "loads")


def _runtimes() -> Iterator[Finding]:
    """What can compute a network here."""
    try:
        from surveil.detect.devices import cuda_driver
        from surveil.detect.open import installed_runtimes
    except ImportError:
        return  # said above
    there = installed_runtimes()
    if "openvino" in there or cuda_driver() is not None:
        yield _ok("runtimes", ", ".join(there))
        return
    yield Finding(
        level="note",
        subject="runtimes",
        text=f"{', '.join(there)}; with openvino as well, detection on a CPU takes less time",
        remedy="pip install 'surveil[openvino]'",
    )


def _codecs() -> Iterator[Finding]:
    try:
        from av.codec import Codec
        from av.codec.codec import UnknownCodecError
    except ImportError:
        return  # said above
    missing = []
    for name, mode in CODECS:
        try:
            Codec(name, mode)
        except UnknownCodecError:
            missing.append(f"{name} ({'reading' if mode == 'r' else 'writing'})")
    if missing:
        yield _problem(
            "codecs",
            f"PyAV's FFmpeg lacks {', '.join(missing)}",
            f"{sys.executable} -m pip install --force-reinstall --only-binary :all: av",
        )
    else:
        yield _ok("codecs", ", ".join(name for name, _ in CODECS))


def _decoders() -> Iterator[Finding]:
    """Devices that decode video, each of them opened to find out."""
    try:
        from av.codec.hwaccel import hwdevices_available

        from surveil.capture.hardware import working_devices
    except ImportError:
        return  # said above
    there = working_devices()
    if there:
        yield _ok("decoding", f"cpu, {', '.join(there)} (decode: auto takes {there[0]})")
        return
    known = ", ".join(hwdevices_available()) or "none"
    yield _ok("decoding", f"cpu; no other device can be opened (FFmpeg knows {known})")


def _cameras() -> Iterator[Finding]:
    """USB cameras, by the path that means them also when their numbers change."""
    from surveil.capture.usb import find_cameras

    for camera in find_cameras():
        stable = f"; for a configuration: {camera.stable}" if camera.stable else ""
        yield _ok("USB camera", f"{camera.path} {camera.name}{stable}")


def _models() -> Iterator[Finding]:
    from surveil.detect.assets import find_model, list_models

    reinstall = "install surveil again, or put the model's files right"
    try:
        default = find_model(None)
        names = [model.card.name for model in list_models()]
    except SurveilError as error:
        yield _problem("models", str(error), reinstall)
        return
    yield _ok("models", f"{', '.join(names)} (default {default.card.name}); files and cards agree")
    yield _ok("default model", f"{default.path}")


def _device() -> Iterator[Finding]:
    try:
        from surveil.detect.devices import cuda_driver
        from surveil.detect.open import open_detector
    except ImportError:
        return  # said above
    asked = "cpu" if cuda_driver() is None else "cuda"
    try:
        detector = open_detector(None, device=asked)
    except DeviceError as error:
        text = f"an NVIDIA driver is there, but cannot be used: {error}"
        yield _problem("device", text, "pip install 'surveil[cuda]'")
    except SurveilError:
        return  # the model is to blame, and that was said
    else:
        yield _ok("device", detector.device + ("" if asked == "cuda" else "; no NVIDIA driver"))
        detector.close()
