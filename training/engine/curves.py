"""Losses, learning rate and AP over the images seen, as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.charts import chart
from training.engine.journal import read_journal

NOT_LOSSES = ("step", "images", "seconds", "rate", "gradient")
AP_FILE = "ap.csv"


def draw_stages(stages: Sequence[tuple[str, Path]], path: Path) -> Path:
    """Draw all stages one after the other.

    Args:
        stages: Name and folder of each; `log.csv` is there, `ap.csv` may be.
        path: The PNG.
    """
    layout = {"figsize": (9, 9), "sharex": True, "height_ratios": (3, 2, 1)}
    with chart(path, nrows=3, **layout) as (figure, (losses, aps, rates)):
        losses.set(yscale="log", ylabel="loss (weighted)")
        aps.set(ylabel="AP on val (%)")
        rates.set(ylabel="learning rate", xlabel="images seen")
        offset = 0.0
        for stage, folder in stages:
            lines = _shifted(folder / "log.csv", offset)
            if not lines:  # a stage shorter than the log's steps
                continue
            judged = _shifted(folder / AP_FILE, offset) if (folder / AP_FILE).exists() else []
            _plot(losses, lines, [name for name in lines[0] if name not in NOT_LOSSES], "")
            _plot(aps, judged, [name for name in (judged or [{}])[0] if name.startswith("AP")], ".")
            offset = lines[-1]["images"]
            rates.plot(
                [line["images"] for line in lines], [line["rate"] for line in lines], color="black", lw=1
            )
            losses.axvline(offset, color="grey", lw=0.5)
            losses.annotate(
                f"{stage} ", (offset, 1), xycoords=("data", "axes fraction"), ha="right", va="top"
            )
        for axes in (losses, aps):
            if axes.get_lines():
                axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small")
        figure.tight_layout()
    return path


def _shifted(path: Path, offset: float) -> list[dict[str, float]]:
    """Lines of a journal, with the images of the stages before added."""
    return [{**line, "images": offset + line["images"]} for line in read_journal(path)]


def _plot(axes: Any, lines: list[dict[str, float]], names: Sequence[str], marker: str) -> None:
    """Curves by name; one that a former stage drew keeps its colour and its place in the legend."""
    drawn = {line.get_gid(): line.get_color() for line in axes.get_lines()}
    for name in names:
        axes.plot(
            [line["images"] for line in lines],
            [line.get(name, float("nan")) for line in lines],
            gid=name,
            label=None if name in drawn else name,
            color=drawn.get(name),
            marker=marker,
            lw=2 if name == "AP" else 1,
        )
