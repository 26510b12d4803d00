"""What one stage of training does."""

from dataclasses import dataclass, field

from training.errors import ConfigError
from training.losses.criterion import LossConfig
from training.losses.imitation import ImitationLossConfig
from training.losses.localization import LARGER, LocalizationConfig
from training.losses.objective import AnyLossConfig
from training.settings import LATER
from training.sparsity.pattern import SparsityConfig

ENTRIES = ("taps", "low", "view", "image")
PARTS = ("low", "high", "rest")
ASSIGNERS = ("tal", "atss")
OPTIMIZERS = ("adamw", "sgd")
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class StageConfig:
    """One stage: what is trained, from which inputs, for how long.

    A step is one batch in every process; weights are averaged over the processes every `average_every` steps,
    and only then are the EMA, the log and the checkpoints brought up to date.

    Attributes:
        name: Of the stage and its folder.
        entry: Where a batch enters the model: cached `taps`, cached stride-8 tap (`low`), the picture of a
            cached view, drawn again (`view`: what the teacher saw is in the cache), or a live `image`.
        trains: Parts of `Detector.parts` that learn.
        images: Images seen by all processes together.
        caches: Which of the recipe's caches a step draws from, in turn; one named twice counts twice.
        batch: Images of one process's batch.
        rate: Highest learning rate.
        backbone_rate: Factor on it for the backbone.
        decay: Weight decay: with AdamW of neck's and head's matrices, with SGD of the backbone's as well.
        betas: Of AdamW.
        warmup: Steps of linear warm-up.
        assigner: Who assigns cells to objects: `tal` or `atss`.
        guided: First steps in which the teacher steers TAL.
        atss: First steps in which ATSS assigns; a start without a teacher.
        floor: Share of the rate that the cosine ends at.
        clip: Largest gradient norm.
        ema: Decay of the moving average of weights, per averaging.
        average_every: Steps between averagings.
        checkpoint_images: Images between checkpoints.
        log_steps: Steps between lines of the log.
        loss: What is minimised, and the weights of its parts: by quality, `yolov3` (paper A), or imitation.
        seed: Of weights and order.
        optimizer: `adamw` or `sgd`.
        momentum: Of SGD.
        warmup_from: Rate of the first step; 0: a `warmup`-th of the highest one.
        rate_batch: Batch for which `rate` and `warmup_from` are meant: a stage whose own `batch` is another
            has proportionally other rates. 0: they are meant for any.
        sparse: Weights that are pruned to 2:4 when the stage begins and stay so; None: none.
    """

    name: str
    entry: str
    trains: tuple[str, ...]
    images: int
    caches: tuple[int, ...] = (0,)
    batch: int = 16
    rate: float = 2e-3
    backbone_rate: float = 0.25
    decay: float = 0.03
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: int = 100
    assigner: str = "tal"
    guided: int = 0
    atss: int = 0
    floor: float = 0.0
    clip: float = 10.0
    ema: float = 0.995
    average_every: int = 4
    checkpoint_images: int = 12_800
    log_steps: int = 48
    loss: AnyLossConfig = field(default_factory=LossConfig)
    seed: int = 0
    optimizer: str = field(default="adamw", metadata=LATER)
    momentum: float = field(default=0.9, metadata=LATER)
    warmup_from: float = field(default=0.0, metadata=LATER)
    rate_batch: int = field(default=0, metadata=LATER)
    sparse: SparsityConfig | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        """Check the names, and that what is trained comes after the entry."""
        if self.entry not in ENTRIES:
            raise ConfigError(
                f"stage {self.name}: entry is {self.entry!r}, expected one of {', '.join(ENTRIES)}"
            )
        allowed = {"taps": {"rest"}, "low": {"rest", "high"}}.get(self.entry, set(PARTS))
        if not self.trains or not set(self.trains) <= allowed:
            raise ConfigError(
                f"stage {self.name}: trains {self.trains}, but entry {self.entry} reaches {sorted(allowed)}"
            )
        if not self.caches:
            raise ConfigError(f"stage {self.name}: caches is empty, name at least one")
        if self.log_steps % self.average_every:
            raise ConfigError(f"stage {self.name}: log_steps must be a multiple of average_every")
        if self.assigner not in ASSIGNERS:
            raise ConfigError(
                f"stage {self.name}: assigner is {self.assigner!r}, expected one of {', '.join(ASSIGNERS)}"
            )
        if self.guided and self.atss:
            raise ConfigError(f"stage {self.name}: guided and atss are both first steps, set one to 0")
        if self.imitates and self.entry != "view":
            raise ConfigError(f"stage {self.name}: what is imitated lies in the cache, so entry is view")
        if self.taught and self.entry == "taps":
            raise ConfigError(
                f"stage {self.name}: a larger teacher has taps of its own: entry is low, view or image"
            )
        self._check_learning()

    def _check_learning(self) -> None:
        """Check the optimizer, its warm-up, and that masked weights learn."""
        if self.optimizer not in OPTIMIZERS:
            raise ConfigError(
                f"stage {self.name}: optimizer is {self.optimizer!r}, expected one of {', '.join(OPTIMIZERS)}"
            )
        if not 0 <= self.warmup_from <= self.rate:
            raise ConfigError(
                f"stage {self.name}: warmup_from is {self.warmup_from:g}, "
                f"expected 0 to the rate {self.rate:g}"
            )
        if self.sparse and (set(self.trains) != set(PARTS) or self.imitates):
            raise ConfigError(
                f"stage {self.name}: a mask needs a detector whose weights all learn to do without what it "
                f"takes: trains must be {', '.join(PARTS)}"
            )

    @property
    def imitates(self) -> bool:
        """Whether the backbone learns another one's features rather than to detect."""
        return isinstance(self.loss, ImitationLossConfig)

    @property
    def localization(self) -> LocalizationConfig | None:
        """What is distilled by region, or None."""
        return self.loss.localization if isinstance(self.loss, LossConfig) else None

    @property
    def taught(self) -> bool:
        """Whether a larger network of the family teaches boxes and classes."""
        return self.localization is not None and self.localization.teacher == LARGER

    def assigner_at(self, step: int) -> str:
        """Name of the assigner at a step, for `Criterion.pairs`."""
        if step < self.guided:
            return "guided"
        return "atss" if step < self.atss else self.assigner


@dataclass(frozen=True, kw_only=True)
class WatchConfig:
    """What process 0 looks at while a stage trains; it changes nothing of what is learned.

    Attributes:
        first_look: Steps after which a batch and predictions are drawn, as after every checkpoint.
        pictures: Pictures of a drawing.
        evaluate: Measure the AP on the validation split when the stage ends (needs pycocotools).
        evaluate_every: Images after which it is measured in between as well; 0: only at the end.
    """

    first_look: int = 48
    pictures: int = 12
    evaluate: bool = True
    evaluate_every: int = 0


@dataclass(frozen=True, kw_only=True)
class Machine:
    """How this machine trains; none of it belongs to a recipe.

    Attributes:
        device: `cpu` or `cuda`.
        processes: Processes with averaged weights (CPU); 1 on CUDA.
        precision: `float32`, or autocast to `bfloat16` or `float16` (fast only where the processor has it;
            `float16` scales the loss, and skips steps whose gradients overflow).
        minutes: Time limit of a stage, or None. The schedule then ends by time if that comes before the last
            image, and the run is no longer reproducible to the bit.
        stop_at_s: Time of the monotonic clock at which the run stops with a checkpoint, or None. Unlike
            `minutes` it leaves the schedule alone: gone on with, the run is what an unbroken one would be.
        workers: Processes that draw live views.
        watch: What is looked at while training.
    """

    device: str = "cpu"
    processes: int = 2
    precision: str = "float32"
    minutes: float | None = None
    stop_at_s: float | None = None
    workers: int = 8
    watch: WatchConfig = field(default_factory=WatchConfig)

    def __post_init__(self) -> None:
        """Check the names."""
        if self.device not in ("cpu", "cuda") or self.precision not in PRECISIONS:
            raise ConfigError(f"machine: unknown device or precision in {self}")
        if self.device == "cuda" and self.processes != 1:
            raise ConfigError("machine: CUDA trains in one process")
