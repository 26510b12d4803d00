"""The page about a model's failures, made from their JSON."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.errors import DataError
from training.evaluate.mistakes import CIRCUMSTANCES, FALSE_KINDS, MISSED_REASONS

MARKS = "<!-- failures: made by `python -m training failures` -->", "<!-- end of failures -->"

WORDS = {
    "background": "there is no labelled object",
    "localisation": "an object of its class, framed badly (IoU {near_iou:g} to {same_iou:g})",
    "duplicate": "its object has a better box",
    "confusion": "an object of another class",
    "not found": "no box frames it, whatever its score",
    "low score": "framed rightly, but the score is too low",
}


def failures_page(report: Mapping[str, Any]) -> str:
    """Markdown of `Failures.to_json`."""
    config, objects = report["config"], report["objects"]
    missed, false = report["missed"], report["false"]
    found = objects.get("all", 0) - missed["all"]
    lines = [
        f"`{report['model']}` at {report['input']} on `{report['annotations']}` ({report['images']} images), "
        f"boxes from score {config['score']:g} on, IoU {config['same_iou']:g}: of {objects.get('all', 0)} "
        f"labelled objects **{missed['all']} are missed** ({_share(missed['all'], objects.get('all', 0))}), "
        f"{found} are found; of {report['boxes']} boxes **{false['all']} are false** "
        f"({_share(false['all'], report['boxes'])}). A class counts only in the images that label it.",
        "### Missed objects: why",
        _table(
            ("reason", "", "objects", "share"),
            _kinds(MISSED_REASONS, missed, config),
        ),
        "### Missed objects: circumstances",
        "An object may have several. The rate says how many of the objects so placed are missed.",
        _table(
            ("circumstance", "missed", "share of all missed", "objects", "rate"),
            _rates({name: name for name in CIRCUMSTANCES}, missed["by_circumstance"], objects, missed["all"]),
        ),
        "### False boxes: what they show",
        _table(("kind", "", "boxes", "share"), _kinds(FALSE_KINDS, false, config)),
        "### False boxes: circumstances",
        _table(
            ("circumstance", "false", "share of all false"),
            [
                (name, count, _share(count, false["all"]))
                for name in CIRCUMSTANCES
                for count in [false["by_circumstance"].get(name, 0)]
            ],
        ),
        "### By class and by source",
        _table(
            ("class", "missed", "share of all missed", "objects", "rate", "false boxes"),
            _parts("class", report),
        ),
        _table(
            ("source", "missed", "share of all missed", "objects", "rate", "false boxes"),
            _parts("source", report),
        ),
        f"Bounds: small is under {config['small'] ** 0.5:g} x {config['small'] ** 0.5:g} pixels of the "
        f"picture, large from {config['large'] ** 0.5:g} x {config['large'] ** 0.5:g}; in a crowd other "
        f"objects cover {config['crowd']:.0%} of the box; night means a mean grey value under "
        f"{config['dark']:g}; from above are the sources {', '.join(config['above'])}*; at the edge a side "
        f"lies within {config['edge_px']:g} pixels of the picture's.",
    ]
    return "\n\n".join(lines) + "\n"


def filled(page: Path, tables: str) -> str:
    """The text of a page with what stands between its two `MARKS` replaced.

    Raises:
        DataError: The page is not there, or has not both marks.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{page}: cannot be read ({error.strerror})") from error
    head, first, rest = text.partition(MARKS[0])
    _, last, tail = rest.partition(MARKS[1])
    if not (first and last):
        raise DataError(f"{page}: expected the lines {MARKS[0]!r} and {MARKS[1]!r}")
    return f"{head}{first}\n\n{tables}\n{last}{tail}"


def _kinds(
    names: Iterable[str], part: Mapping[str, Any], config: Mapping[str, Any]
) -> list[Sequence[object]]:
    counts = {name: part["by_kind"].get(name, 0) for name in names}
    ordered = sorted(counts, key=lambda name: -counts[name])
    return [(n, WORDS[n].format(**config), counts[n], _share(counts[n], part["all"])) for n in ordered]


def _rates(
    names: Mapping[str, str], missed: Mapping[str, int], objects: Mapping[str, int], total: int
) -> list[Sequence[object]]:
    """Rows of the names (shown, by key of `objects`) that have objects."""
    rows = []
    for key, shown in names.items():
        count, of = missed.get(shown, 0), objects.get(key, 0)
        if of:
            rows.append((shown, count, _share(count, total), of, _share(count, of)))
    return rows


def _parts(what: str, report: Mapping[str, Any]) -> list[Sequence[object]]:
    keys = sorted(key for key in report["objects"] if key.startswith(f"{what} "))
    names = {key: key.partition(" ")[2] for key in keys}
    missed, false = report["missed"], report["false"]["by_" + what]
    rows = _rates(names, missed["by_" + what], report["objects"], missed["all"])
    return [(*row, false.get(row[0], 0)) for row in rows]


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if total else "-"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    numbers = [k for k, name in enumerate(head) if k and name]
    rule = ["---:" if k in numbers else "---" for k in range(len(head))]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))
