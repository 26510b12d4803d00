"""What 2:4 brings on a GPU: one sparse matrix product against a dense one, and the whole model.

The sparse product is torch's own (`torch.sparse.to_sparse_semi_structured`, float16, cuSPARSELt). A 1x1
convolution is such a product of its weight and of all pixels of a batch; larger kernels stay dense here, as
torch has no sparse convolution.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.benchmark import Timer

from training.errors import ConfigError, ExportError
from training.export.fold import fold
from training.models.detector import Detector
from training.sparsity.pattern import SparsityConfig, eligible_weights, is_eligible, largest_two

CAPABILITY = (8, 0)  # Ampere
ROWS = 16  # cuSPARSELt's float16 products want a multiple of so many outputs
MIN_S = 0.2  # a timing takes at least so long
TOLERANCE = 0.02  # of float16 products that add up in another order, as a share of the largest value
Pack = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Product:
    """One size of matrix product: weight (outputs, inputs) times pixels (inputs, columns).

    Attributes:
        outputs: Output channels.
        inputs: Input channels.
        columns: Pixels of all pictures of a batch.
        layers: How many 1x1 convolutions of the model have this size.
        dense_us: Microseconds with a dense weight.
        sparse_us: Microseconds with a 2:4 weight.
    """

    outputs: int
    inputs: int
    columns: int
    layers: int
    dense_us: float = 0.0
    sparse_us: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SparseReport:
    """What was timed.

    Attributes:
        device: Name of the GPU.
        batch: Pictures of a batch.
        products: By size.
        model_ms: Milliseconds of a batch through the whole float16 model: its convolutions, the 1x1 ones as
            dense products, the same as sparse products.
    """

    device: str
    batch: int
    products: tuple[Product, ...]
    model_ms: tuple[float, float, float]

    def table(self) -> str:
        """The figures as text."""
        head = ("outputs", "inputs", "pixels", "layers", "dense us", "2:4 us")
        lines = [f"{self.device}, batches of {self.batch}, float16", ""]
        lines.append("{:>8s}{:>8s}{:>9s}{:>8s}{:>10s}{:>9s}".format(*head))
        for one in self.products:
            lines.append(
                f"{one.outputs:8d}{one.inputs:8d}{one.columns:9d}{one.layers:8d}{one.dense_us:10.1f}"
                f"{one.sparse_us:9.1f}   {one.dense_us / one.sparse_us:.2f} times as fast"
            )
        plain, dense, sparse = self.model_ms
        lines += [
            "",
            f"whole model: {plain:.2f} ms by convolutions, {dense:.2f} ms with the 1x1 ones as dense "
            "products, "
            f"{sparse:.2f} ms as 2:4 products ({plain / sparse:.2f} times as fast as by convolutions)",
        ]
        return "\n".join(lines)


def check_device(device: str) -> None:
    """Check that a device has sparse tensor cores. Raises ConfigError."""
    need = "bench-sparse needs an NVIDIA GPU of compute capability 8.0 or higher (Ampere and later)"
    if device != "cuda" or not torch.cuda.is_available():
        raise ConfigError(f"{need}: there is none on device {device}")
    major, minor = torch.cuda.get_device_capability()
    if (major, minor) < CAPABILITY:
        raise ConfigError(f"{need}: {torch.cuda.get_device_name()} has {major}.{minor}")


def products_of(model: Detector, side: int, batch: int) -> list[Product]:
    """Sizes of a model's eligible 1x1 convolutions for square pictures; nothing is computed."""
    found: dict[tuple[int, int, int], int] = {}

    def count(conv: nn.Conv2d, _: object, out: Tensor) -> None:
        key = (conv.out_channels, conv.in_channels, batch * out.shape[-2] * out.shape[-1])
        found[key] = found.get(key, 0) + 1

    counted = copy.deepcopy(model).to("meta").eval()
    for module in counted.modules():
        if isinstance(module, nn.Conv2d) and is_pointwise(module):
            module.register_forward_hook(count)
    counted(torch.empty(1, 3, side, side, device="meta"))
    return [
        Product(outputs=outputs, inputs=inputs, columns=columns, layers=layers)
        for (outputs, inputs, columns), layers in sorted(found.items())
    ]


def is_pointwise(conv: nn.Conv2d, config: SparsityConfig | None = None) -> bool:
    """Whether a convolution is an eligible matrix product."""
    plain = conv.kernel_size == (1, 1) and conv.stride == (1, 1) and conv.groups == 1
    return plain and is_eligible(conv.weight.shape, config or SparsityConfig())


class PointwiseProduct(nn.Module):
    """A 1x1 convolution as a matrix product whose weight is stored as `pack` stores it."""

    def __init__(self, conv: nn.Conv2d, pack: Pack) -> None:
        """Takes the convolution's weight; its outputs are filled up to a multiple of `ROWS`."""
        super().__init__()
        self.outputs = conv.out_channels
        missing = -self.outputs % ROWS
        bias = conv.weight.new_zeros(self.outputs) if conv.bias is None else conv.bias.detach()
        self.bias = F.pad(bias, (0, missing))
        self.weight = pack(F.pad(conv.weight.detach().flatten(1), (0, 0, 0, missing)).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, outputs, H, W)."""
        batch, _, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(batch * height * width, -1)
        out = F.linear(pixels, self.weight, self.bias)[:, : self.outputs]
        return out.reshape(batch, height, width, -1).permute(0, 3, 1, 2)


def as_products(model: Detector, pack: Pack) -> Detector:
    """A copy of a folded model whose eligible 1x1 convolutions are products."""
    model = copy.deepcopy(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and is_pointwise(child):
                setattr(parent, name, PointwiseProduct(child, pack))
    return model


@torch.no_grad()
def prune(model: Detector) -> Detector:
    """A model with the two largest of every four weights, in place."""
    for weight in eligible_weights(model, SparsityConfig()).values():
        weight.mul_(largest_two(weight))
    return model


@contextmanager
def _prototype() -> Iterator[None]:
    """Torch says once that its sparse tensors are a prototype; ADR 0027 knows."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The PyTorch API of SparseSemiStructuredTensor")
        yield


def sparse(weight: Tensor) -> Tensor:
    """A 2:4 matrix (rows, columns) on a GPU in torch's compressed form."""
    with _prototype():
        packed: Tensor = torch.sparse.to_sparse_semi_structured(weight)
        return packed


def microseconds(work: Callable[[], Tensor]) -> float:
    """Median time of a call on the GPU."""
    with torch.no_grad():
        timed = Timer("work()", globals={"work": work}).blocked_autorange(min_run_time=MIN_S)
    return 1e6 * float(timed.median)


def time_product(size: Product) -> Product:
    """Time one size on the GPU, dense and sparse.

    Raises:
        ExportError: Their results differ.
    """
    rows = size.outputs + -size.outputs % ROWS
    weight = torch.randn(rows, size.inputs, 1, 1, device="cuda", dtype=torch.float16)
    dense = (weight * largest_two(weight)).flatten(1).contiguous()
    pixels = torch.randn(size.columns, size.inputs, device="cuda", dtype=torch.float16)
    packed = sparse(dense)
    with torch.no_grad():
        agree(F.linear(pixels, packed), F.linear(pixels, dense), f"a product of {rows} x {size.inputs}")
    return Product(
        outputs=size.outputs,
        inputs=size.inputs,
        columns=size.columns,
        layers=size.layers,
        dense_us=microseconds(lambda: F.linear(pixels, dense)),
        sparse_us=microseconds(lambda: F.linear(pixels, packed)),
    )


def agree(got: Tensor, wanted: Tensor, what: str) -> None:
    """Check that two float16 results are the same but for rounding. Raises ExportError."""
    gap = float((got.float() - wanted.float()).abs().max() / wanted.float().abs().max())
    if not gap <= TOLERANCE:
        raise ExportError(f"{what}: the sparse result differs from the dense one by {100 * gap:.1f} %")


def bench_sparse(model: Detector, side: int, batch: int) -> SparseReport:
    """Time a model, pruned here by magnitude, on the GPU.

    Args:
        model: Any weights; only its shape matters.
        side: Of its square input in pixels.
        batch: Pictures of a batch.

    Raises:
        ConfigError: There is no GPU with sparse tensor cores.
        ExportError: Sparse results differ from dense ones.
    """
    check_device("cuda")
    torch.backends.cudnn.benchmark = True  # convolutions at their best
    plain = fold(prune(model)).half().to("cuda", memory_format=torch.channels_last)
    dense, packed = as_products(plain, lambda weight: weight), as_products(plain, sparse)
    image = torch.rand(batch, 3, side, side, device="cuda", dtype=torch.float16)
    image = image.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        for got, wanted in zip(packed(image), dense(image), strict=True):
            agree(got, wanted, "the whole model")
    forms = (plain, dense, packed)
    conv, product, two_of_four = (microseconds(lambda m=m: m(image)[0]) / 1000 for m in forms)
    return SparseReport(
        device=torch.cuda.get_device_name(),
        batch=batch,
        products=tuple(time_product(size) for size in products_of(model, side, batch)),
        model_ms=(conv, product, two_of_four),
    )
