"""Make the pictures of the documents with the program itself, from the shipped clip.

usage: python docs/make_pictures.py [--model NAME|FILE.onnx]

Writes docs/img/overlay.jpg (a frame of the annotated video) and docs/img/window.jpg (the desktop; drawn
without a screen when QT_QPA_PLATFORM=offscreen).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "assets" / "clips" / "street.mp4"
FRAME = 120


def surveil(*words: str) -> None:
    """Run the command line as a user would."""
    subprocess.run([sys.executable, "-m", "surveil", *words], cwd=ROOT, check=True)


def overlay(target: Path, model: list[str]) -> None:
    """A frame of the annotated video."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "street.mp4"
        surveil("run", str(CLIP), "--out", str(video), *model)
        capture = cv2.VideoCapture(str(video))
        capture.set(cv2.CAP_PROP_POS_FRAMES, FRAME)
        found, image = capture.read()
        capture.release()
    if not found or not cv2.imwrite(str(target), image):
        sys.exit(f"no frame {FRAME} in the annotated video, or {target} cannot be written")


def main() -> None:
    """Command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--model", help="a model other than the default")
    chosen = parser.parse_args().model
    model = ["--model", chosen] if chosen else []
    folder = ROOT / "docs" / "img"
    folder.mkdir(exist_ok=True)
    overlay(folder / "overlay.jpg", model)
    surveil("gui", str(CLIP), "--exit-after", "9", "--screenshot", str(folder / "window.jpg"), *model)


if __name__ == "__main__":
    main()
