"""Make the golden files of `tests/clips` anew; look at the diff before you commit it.

usage: python tests/clips/regenerate.py [CLIP…] [--tracks-only] [--shared FOLDER]
           [--model NAME|FILE] [--card FILE]

Without CLIP all of them. Detections come from the shipped model on the CPU; with --tracks-only they stay, and
only what the trackers make of them is written again (after a change of the tracker).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import surveil
from surveil.detect.assets import find_model
from tests.clips import golden

ROOT = Path(__file__).resolve().parents[2]


def record(name: str, path: Path, model: str | None, card: Path | None) -> None:
    """Run the model over a clip and keep what it finds."""
    with tempfile.TemporaryDirectory() as folder:
        found, end_s = Path(folder) / "detections.jsonl", golden.CLIPS[name].end_s
        for _ in surveil.run(path, model=model, card=card, device="cpu", end=end_s, save_detections=found):
            pass
        golden.pack(found, name)


def track(name: str) -> None:
    """Write what every tracker makes of the recorded detections."""
    with tempfile.TemporaryDirectory() as folder:
        detections = golden.unpack(name, Path(folder))
        for tracker in golden.CLIPS[name].trackers:
            path = golden.tracks_file(name, tracker)
            path.parent.mkdir(exist_ok=True)
            path.write_text(golden.replay(detections, golden.load_thresholds(), tracker), encoding="utf-8")


def main() -> None:
    """Read the arguments, make the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clips", nargs="*", default=list(golden.CLIPS), metavar="CLIP")
    parser.add_argument("--tracks-only", action="store_true")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--model")
    parser.add_argument("--card", type=Path)
    arguments = parser.parse_args()
    if not arguments.tracks_only:
        golden.save_thresholds(find_model(arguments.model, arguments.card, device="cpu").card.thresholds)
    for name in arguments.clips:
        place = golden.CLIPS[name].place
        is_shared = place.startswith("shared/")
        clip = arguments.shared / place.removeprefix("shared/") if is_shared else ROOT / place
        if not arguments.tracks_only:
            record(name, clip, arguments.model, arguments.card)
        track(name)
        sys.stderr.write(f"{name}: {golden.packed(name).stat().st_size} bytes of detections\n")


if __name__ == "__main__":
    main()
