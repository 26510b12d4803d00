"""Compare tracks of one of the two counted clips with its truth: how many visits, and how far off their ends.

usage: python benchmarks/visits.py people|cars TRACKS.mot.txt

Prints JSON: every track longer than a second beside the visit that it fits, the largest error of start and
end in frames, and whether the tracks are exactly the visits. Exit code 5 when they are not. Frames count
from 0.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

TOLERANCE = 25
VISITS = {  # (frames per second, first and last frame of every visit)
    "people": (10.0, [(58, 198), (222, 448), (502, 702), (748, 872), (912, 1206), (1222, 1346)]),
    "cars": (12.5, [(54, 108), (178, 230), (186, 238), (314, 348)]),
}


def spans(mot_file: Path) -> dict[int, tuple[int, int]]:
    """First and last frame (from 0) of every id in a MOT text."""
    frames: dict[int, list[int]] = defaultdict(list)
    for line in mot_file.read_text().splitlines():
        frame, track = line.split(",")[:2]
        frames[int(track)].append(int(frame) - 1)
    return {track: (min(seen), max(seen)) for track, seen in frames.items()}


def compare(clip: str, mot_file: Path) -> dict[str, object]:
    """Tracks longer than a second, paired with the visits of a clip so that most frames overlap."""
    rate, visits = VISITS[clip]
    tracks = {k: (a, b) for k, (a, b) in sorted(spans(mot_file).items()) if b - a > rate}
    overlap = np.array([[min(b, d) - max(a, c) for c, d in visits] for a, b in tracks.values()])
    pairs = dict(zip(*linear_sum_assignment(overlap, maximize=True), strict=True)) if len(tracks) else {}
    rows, worst = [], 0
    for row, (track, (first, last)) in enumerate(tracks.items()):
        visit = visits[pairs[row]] if row in pairs else None
        error = (first - visit[0], last - visit[1]) if visit else None
        worst = max(worst, *map(abs, error)) if error else worst
        rows.append({"track": track, "frames": [first, last], "visit": visit, "error": error})
    exact = len(tracks) == len(visits) and worst <= TOLERANCE
    counts = {"tracks": len(tracks), "visits": len(visits), "worst_frames": worst, "exact": exact}
    return {"clip": clip, **counts, "rows": rows}


def main() -> int:
    """Command line."""
    if len(sys.argv) != 3 or sys.argv[1] not in VISITS:
        sys.exit(__doc__)
    result = compare(sys.argv[1], Path(sys.argv[2]))
    print(json.dumps(result, indent=1))
    return 0 if result["exact"] else 5


if __name__ == "__main__":
    sys.exit(main())
