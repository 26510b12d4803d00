"""AP over latency: a point a model, a line for peers whose latency nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.charts import chart
from training.compare.entries import Entry, Peer
from training.compare.latency import Latencies, Latency
from training.evaluate.judge import size_name

PLACES = ((7, 5, "left"), (-7, 5, "right"), (7, -13, "left"), (-7, -13, "right"))  # of labels, in points
FARTHER = tuple((x, y + 12 * (1 if y > 0 else -1), side) for x, y, side in PLACES)
NEAR = 0.02  # of the AP axis: levels closer than this share one line of text


def draw_plot(entries: Sequence[Entry], peers: Sequence[Peer], latencies: Latencies, path: Path) -> None:
    """Write the PNG; its folder is there.

    Raises:
        OutputError: It cannot be written.
    """
    times = latencies.by_name
    points = [(e, times[e.name]) for e in entries if e.name in times and e.figures.ap is not None]
    levels = {e.name: e.figures.ap for e in entries if e.name not in times and e.figures.ap is not None}
    levels |= {peer.name: peer.figures.ap for peer in peers if peer.figures.ap is not None}
    with chart(path, figsize=(8.5, 5.6)) as (figure, axes):
        labels = _points(axes, points)
        _levels(axes, levels)
        _words(axes, entries, latencies)
        figure.tight_layout()
        _place(figure, axes, labels)


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those (latency, AP) that nobody beats in both, from the fastest on.

    >>> front([(3, 40), (1, 30), (2, 50)])
    [(1, 30), (2, 50)]
    """
    best: list[tuple[float, float]] = []
    for latency, ap in sorted(points, key=lambda point: (point[0], -point[1])):
        if not best or ap > best[-1][1]:
            best.append((latency, ap))
    return best


def _points(axes: Any, points: Sequence[tuple[Entry, Latency]]) -> list[Any]:
    """A dot at the median, a thin line down to the fastest, and the names, which are placed later."""
    placed = [(latency.median_ms, float(e.figures.ap or 0.0)) for e, latency in points]
    edge = front(placed)
    axes.plot([x for x, _ in edge], [y for _, y in edge], color="0.75", lw=1, zorder=1)
    labels = []
    for k, ((entry, latency), (x, y)) in enumerate(zip(points, placed, strict=True)):
        colour = f"C{k % 10}"
        axes.plot([latency.best_ms, x], [y, y], color=colour, lw=1, alpha=0.6)
        axes.scatter([x], [y], s=45, color=colour, zorder=3)
        size = size_name(entry.size)
        text = entry.name if entry.name.endswith(size) else f"{entry.name}, {size}"
        labels.append(axes.annotate(text, (x, y), (7, 5), textcoords="offset points", fontsize=8))
        labels[-1].set_in_layout(False)  # it is kept inside by `_place`
    return labels


def _place(figure: Any, axes: Any, labels: Sequence[Any]) -> None:
    """Move every label where it covers no other one and no dot, within the axes, if there is room."""
    figure.canvas.draw()
    frame, taken = axes.get_window_extent(), []
    dots = [axes.transData.transform(label.xy) for label in labels]
    for label in labels:
        for dx, dy, side in (*PLACES, *FARTHER, PLACES[0]):
            label.set_position((dx, dy))
            label.set_ha(side)
            box = label.get_window_extent()
            inside = box.x0 >= frame.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 and box.y0 >= frame.y0
            if inside and not any(map(box.overlaps, taken)) and not any(box.contains(*dot) for dot in dots):
                break
        taken.append(label.get_window_extent())


def _levels(axes: Any, levels: Mapping[str, float]) -> None:
    """A dotted line for each; levels that nearly coincide are named together."""
    low, high = axes.get_ylim()
    together: list[tuple[float, list[str]]] = []
    for name, ap in sorted(levels.items(), key=lambda item: item[1]):
        axes.axhline(ap, color="0.55", lw=0.9, ls=":", zorder=1)
        words = f"{name} {ap:.1f}"
        if together and ap - together[-1][0] < NEAR * max(high - low, 1.0):
            together[-1][1].append(words)
        else:
            together.append((ap, [words]))
    for ap, names in together:
        text = ", ".join(names)
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(text, (0.005, ap), (0, 2), ha="left", va="bottom", fontsize=7.5, color="0.35", **place)


def _words(axes: Any, entries: Sequence[Entry], latencies: Latencies) -> None:
    """Axes, title, and what is not in the picture."""
    data = list(dict.fromkeys(e.figures.data for e in entries if e.figures.ap is not None and e.figures.data))
    over = next((e.figures.mean_over for e in entries if e.figures.mean_over), ())
    left_out = [e.name for e in entries if e.figures.ap is None]
    title = "AP over latency"
    if len(data) == 1:
        title += f": {data[0]}"
    elif data:
        title += f" (AP of different data: {'; '.join(data)})"
    axes.set_title(title, fontsize=11)
    axes.set_ylabel(f"AP, mean of {', '.join(over)}" if over else "AP", fontsize=9)
    words = f"ms a picture, decoding and suppression included (thin line: from the fastest)\n{latencies.how}"
    if left_out:
        words += f"\nnot drawn, for want of an AP in its card: {', '.join(left_out)}"
    axes.set_xlabel(words, fontsize=8)
    axes.set_xlim(left=0)
    axes.margins(y=0.12)
    axes.grid(alpha=0.3)
