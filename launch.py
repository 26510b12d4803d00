#!/usr/bin/env python3
"""Start surveil from a checkout: installs what is missing on first use, then hands over.

    python3 launch.py                 the desktop
    python3 launch.py demo            the main job on a shipped clip, without a window
    python3 launch.py run clip.mp4    any command of surveil, with its arguments
    python3 launch.py test            the tests, with pytest's arguments; the slow ones: test -m slow

It looks for what the system lacks (on Debian and Ubuntu, root gets it installed; anybody else is told the
command), makes the virtual environment `.venv` beside this file, installs surveil into it with pip, and
starts what was asked for. Nothing else is changed. It is safe to repeat: a second start finds everything in
place, and a broken or half-made `.venv` is made anew.
"""

# Standard library and surveil/system.py only; an old Python must get as far as saying that it is too old.
from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "surveil-stamp.json"  # written last: without it an installation was not finished
OLDEST = (3, 11)


def main(arguments: list[str]) -> int:
    """Prepare the system and `.venv`, then start what was asked for; its exit code."""
    if arguments in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise SystemExit(
            f"surveil needs Python {wanted} or later; {sys.executable} is {platform.python_version()}.\n"
            f"Install a newer one and start with it, for example: python{wanted} launch.py"
        )
    arguments = arguments or ["gui"]
    prepare_system(arguments[0])
    if arguments[0] == "test":
        prepare_environment({"dev", "train"})
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # the tests open no window
        os.chdir(ROOT)
        return hand_over(["-m", "pytest", *arguments[1:]])
    prepare_environment(set())
    return hand_over(["-m", "surveil", *arguments])


def say(text: str) -> None:
    """Tell on stderr what is going on: stdout belongs to what is started."""
    print(f"launch: {text}", file=sys.stderr, flush=True)


def prepare_system(command: str) -> None:
    """Install the system's packages that a command needs and that are missing, or say how and stop."""
    missing = missing_packages(command)
    if not missing:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if not shutil.which("apt-get"):
        raise SystemExit(
            "The system lacks what Debian has in the packages " + ", ".join(missing) + ".\n"
            "Install the same under your system's names, then run this command again."
        )
    if os.geteuid() != 0:
        raise SystemExit(f"The system lacks packages. Install them, then repeat:\n  sudo {' '.join(install)}")
    say("installing what the system lacks: " + " ".join(missing))
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    call(["apt-get", "update"], "apt-get could not update its lists")
    call(install, "apt-get could not install the packages")
    importlib.invalidate_caches()
    if missing_packages(command):
        raise SystemExit("Installed, and still not found: " + ", ".join(missing_packages(command)))


def missing_packages(command: str) -> list[str]:
    """The Debian packages of what is missing; systems other than Linux bring everything."""
    from surveil import system  # it needs the standard library only

    if not sys.platform.startswith("linux"):
        return []
    tables = [system.BASE]
    if command in ("gui", "test"):
        tables.append(system.QT)
    if command == "gui" and system.wants_xcb():
        tables.append(system.XCB)
    missing = list(system.missing_packages(*tables))
    if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it apart from python3
        missing.insert(0, "python{}.{}-venv".format(*sys.version_info))
    return missing


def prepare_environment(extras: set[str]) -> None:
    """Make `.venv` hold surveil with at least these extras, and what computes fastest on this machine."""
    stamp = read_stamp()
    have = set(stamp["extras"])
    if "cuda" not in have:
        extras = extras | fastest_runtime()
    if stamp["project"] == fingerprint() and extras <= have and runs("import pip, surveil"):
        return
    if not runs("import pip"):
        say(f"making the virtual environment {VENV}")
        call(
            [sys.executable, "-m", "venv", "--clear", str(VENV)], "the virtual environment could not be made"
        )
        have = set()
    STAMP.unlink(missing_ok=True)
    extras = extras | have
    target = f"{ROOT}[{','.join(sorted(extras))}]" if extras else str(ROOT)
    say(f"installing {target}; the first time this takes some minutes")
    pip = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check", "--editable", target]
    call(pip, "pip could not install surveil")
    STAMP.write_text(json.dumps({"project": fingerprint(), "extras": sorted(extras)}), encoding="utf-8")


def read_stamp() -> dict:
    """The project file and the extras that were installed last; empty where nothing was finished."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return {"project": str(stamp["project"]), "extras": list(stamp["extras"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"project": "", "extras": []}


def fingerprint() -> str:
    """Changes when the dependencies or the checkout's place change."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()


def fastest_runtime() -> set[str]:
    """The extra that speeds detection up: CUDA's libraries where there is a driver, else OpenVINO.

    Neither on processors for which not both are made.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return set()
    return {"cuda"} if nvidia_driver() else {"openvino"}


def nvidia_driver() -> bool:
    """Whether `nvidia-smi` answers."""
    if not shutil.which("nvidia-smi"):
        return False
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def venv_python() -> Path:
    """The interpreter of `.venv`."""
    return VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"


def runs(code: str) -> bool:
    """Whether the interpreter of `.venv` can run a line, away from the checkout's own modules."""
    try:
        return subprocess.run([str(venv_python()), "-c", code], capture_output=True, cwd=VENV).returncode == 0
    except OSError:
        return False


def call(command: list[str], trouble: str) -> None:
    """Run one step, its output on stderr; stop with `trouble` where it fails."""
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:
        raise SystemExit(f"{trouble}: the reason is above. Mend it, then run the same command again.")


def hand_over(arguments: list[str]) -> int:
    """Become the interpreter of `.venv`; on systems where a process cannot do that, wait for it."""
    command = [str(venv_python()), *arguments]
    if os.name == "posix":
        os.execv(command[0], command)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for what was started: it finishes its files
    return subprocess.call(command)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("interrupted; run the same command again to go on")
        sys.exit(130)
