"""How good samples are: how many of them a detector finds when they are pasted, beside real crops.

Both are pasted into pictures of the validation split that show no object of the class, by the same rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveil.detect.assets import find_model
from surveil.detect.detector import Detector
from surveil.detect.open import open_detector
from surveil.types import Detections, Frame
from training.data.decode import decode_one, picture_files
from training.data.layout import Split
from training.data.records import box_iou
from training.errors import ConfigError
from training.gan.backgrounds import Backgrounds
from training.gan.paste import PasteConfig, Placer, borders, paste, sizes_of
from training.gan.patches import Patches
from training.progress import Progress


@dataclass(frozen=True, kw_only=True)
class JudgeConfig:
    """How samples are judged.

    Attributes:
        model: Name or path of a detector that knows the class.
        count: Objects that are pasted.
        iou: A detection finds an object that it overlaps by so much.
        paste: How objects are placed: small ones it would not find if they were real.
    """

    model: str = "mobilenetv2-gfl-320"
    count: int = 200
    iou: float = 0.5
    paste: PasteConfig = field(default_factory=lambda: PasteConfig(smallest=48.0, enlarge=2.0))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a detector found.

    Attributes:
        pasted: Objects.
        found: Those that it found, as that class.
        bare: Boxes in which it had found the class before anything was pasted.
    """

    pasted: int
    found: int
    bare: int

    @property
    def share(self) -> float:
        """Share of the objects that were found."""
        return self.found / self.pasted

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {"pasted": self.pasted, "found": self.found, "bare": self.bare, "share": round(self.share, 4)}


def check_judge(config: JudgeConfig, labels: Sequence[str]) -> None:
    """Raises ConfigError: the detector does not know a class. ModelError: it is not there."""
    known = find_model(config.model).card.labels.names
    foreign = [label for label in labels if label not in known]
    if foreign:
        raise ConfigError(
            f"judge {config.model}: knows {', '.join(known[:10])}, not {', '.join(foreign)}: name a detector "
            "that does with --judge FILE.onnx, or --judge none"
        )


class SampleJudge:
    """A detector and pictures without the class."""

    def __init__(self, split: Split, label: str, config: JudgeConfig) -> None:
        """Read the pictures and open the detector; `close` it.

        Raises:
            ConfigError: No picture is certain not to show the class.
            DataError: The split cannot be used.
            SurveilError: The detector cannot be used.
        """
        self.label, self.config = label, config
        known = Backgrounds(split)
        records = known.records(label)
        self.placer = Placer(sizes_of(records), config.paste)
        free = [k for k in known.certain(label) if not len(records[k].boxes) and not len(records[k].ignore)]
        rng = np.random.default_rng(config.paste.seed)
        chosen = {records[k].file_name: k for k in rng.permutation(free)[: config.count].tolist()}
        self.pictures: list[tuple[NDArray[np.uint8], NDArray[np.float32]]] = []
        for name, raw in picture_files(split.pictures, chosen):
            picture, fault = decode_one(raw, records[chosen[name]])
            if not fault:
                taken = known.taken(chosen[name], config.paste.doubtful)
                self.pictures.append((picture, np.concatenate([taken, borders(picture)])))
        if not self.pictures:
            raise ConfigError(
                f"{split.annotations}: no picture is known to be without a {label}; do without: --judge none"
            )
        self.score = find_model(config.model).card.thresholds.display
        self.detector: Detector = open_detector(
            config.model,
            device="cpu",
            runtime="onnxruntime",
            classes=[label],
            min_score=self.score,
            threads=1,
        )

    def close(self) -> None:
        """Let go of the detector."""
        self.detector.close()

    def judge(self, patches: Patches, what: str) -> Found:
        """Paste `config.count` patches, one a picture, and look. Raises DataError: none has a place."""
        pasted = found = bare = 0
        progress = Progress(f"judging {what} of {self.label}", "pictures")
        for k in range(self.config.count):
            rng = np.random.default_rng((self.config.paste.seed, k))
            picture, taken = self.pictures[k % len(self.pictures)]
            patch = patches.draw(rng)
            place = self.placer.place(patch, (picture.shape[1], picture.shape[0]), taken, rng)
            progress.at(k + 1, self.config.count)
            if place is None:
                continue
            after = picture.copy()
            box = paste(after, patch, place, self.config.paste.margin)
            pasted += 1
            bare += self._hit(picture, box)
            found += self._hit(after, box)
        if not pasted:
            raise ConfigError(f"class {self.label}: no free place in any of {len(self.pictures)} pictures")
        return Found(pasted=pasted, found=found, bare=bare)

    def _hit(self, picture: NDArray[np.uint8], box: NDArray[np.float32]) -> bool:
        seen = self._look(picture)
        return bool(len(seen) and box_iou(seen.boxes, box[None]).max() >= self.config.iou)

    def _look(self, picture: NDArray[np.uint8]) -> Detections:
        frame = Frame(camera_id="pasted", index=0, pts_s=0.0, wall_s=0.0, arrived_s=0.0, image=picture)
        return self.detector.detect([self.detector.prepare(frame)])[0]
