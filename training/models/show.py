"""The sizes of all networks as a table."""

from collections.abc import Sequence

import torch

from training.errors import ConfigError
from training.models.count import Size, size_of
from training.models.detector import Detector
from training.models.families import FORMS, Form
from training.models.references import REFERENCES, Reference
from training.models.shapes import HybridConfig

SIDE = 320  # of the input for which the shipped detector is counted


def network_of(name: str) -> Form | Reference:
    """A network of the papers, or one that they compare theirs with. Raises ConfigError."""
    known: dict[str, Form | Reference] = {**FORMS, **REFERENCES}
    if name not in known:
        raise ConfigError(f"network {name!r} is unknown: choose among {', '.join(known)}")
    return known[name]


def sizes(classes: int | None, names: Sequence[str] = ()) -> dict[str, tuple[Size, int, str]]:
    """Size, side of the input, and words of every network.

    Args:
        classes: Number of classes; None: as each paper has it.
        names: Which of them; empty: all, what they are compared with, and the detector that ships.

    Raises:
        ConfigError: There is no network of a name.
    """
    out = {}
    for name in names or (*FORMS, *REFERENCES):
        form = network_of(name)
        with torch.device("meta"):  # they are counted, not filled with numbers
            network = form.network(classes)
        out[name] = (size_of(network, form.side), form.side, form.text)
    if not names:
        own = HybridConfig() if classes is None else HybridConfig(classes=classes)
        text = "the detector that ships: MobileNetV2, PAN 96, GFL v1"
        out["mobilenetv2-gfl"] = (size_of(Detector(own), SIDE), SIDE, text)
    return out


def table(rows: dict[str, tuple[Size, int, str]]) -> str:
    """The same as text."""
    head = ("network", "input", "parameters", "backbone", "neck", "head", "MB fp32", "GFLOPs")
    lines = ["{:26s}{:>6s}{:>12s}{:>11s}{:>11s}{:>11s}{:>9s}{:>8s}  what".format(*head)]
    for name, (size, side, text) in rows.items():
        parts = "".join(f"{size.parts[part]:11,d}" for part in ("backbone", "neck", "head"))
        lines.append(
            f"{name:26s}{side:6d}{size.parameters:12,d}{parts}{size.mb:9.2f}{size.gflops:8.2f}  {text}"
        )
    return "\n".join(lines)
