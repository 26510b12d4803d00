"""Which code trained a model."""

import subprocess
from pathlib import Path


def revision(folder: Path) -> str:
    """Git revision of a checkout, with `+` when `folder` was changed since; `unknown` outside of one."""

    def git(*args: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *args], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", str(folder))
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
