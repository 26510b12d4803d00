"""A detector for ncnn, as paper B deploys it: torch to TorchScript, pnnx, `NAME.ncnn.param` and `.bin`.

pnnx is a program in its wheel; it is run in a temporary folder, and whatever it says wrong is an error.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from surveil.errors import OutputError
from training.deploy.runtimes import RawOutputs, quietly
from training.errors import ConfigError, ExportError

log = logging.getLogger(__name__)

PACKAGES = ("ncnn", "pnnx")
TIMEOUT_S = 600.0
LAST_LINES = 12  # of what pnnx says, in an error


@dataclass(frozen=True, kw_only=True)
class NcnnFiles:
    """What ncnn loads.

    Attributes:
        param: The layers, as text.
        weights: Their weights.
        outputs: Names of the outputs, in the network's order.
        shapes: Theirs, (1, K, h, w) for an input of the size that was traced.
    """

    param: Path
    weights: Path
    outputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]


def check_packages() -> None:
    """Raise ConfigError if the extra is not installed."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise ConfigError(f"{' and '.join(absent)} not installed: pip install '.[ncnn]'")


def pnnx_program() -> Path:
    """The program pnnx. Raises ConfigError without the extra."""
    check_packages()
    import pnnx

    return Path(pnnx.EXEC_PATH)


def convert(
    network: nn.Module, size: tuple[int, int], target: Path, *, half: bool, program: Path | None = None
) -> NcnnFiles:
    """Write a network for ncnn.

    Args:
        network: (1, 3, H, W) float32 to a list of outputs; in evaluation.
        size: (height, width) that is traced; ncnn takes others as well where the network does.
        target: The files' name without `.ncnn.param`; its folder is there.
        half: Weights stored as float16.
        program: pnnx, if not that of the package.

    Raises:
        ConfigError: The extra is not installed.
        ExportError: pnnx fails, takes too long, or writes nothing.
        OutputError: The files cannot be written.
    """
    tool = program or pnnx_program()
    raw, example = RawOutputs(network).eval(), torch.zeros(1, 3, *size)
    with torch.no_grad():
        shapes = tuple(tuple(out.shape) for out in raw(example))
    with tempfile.TemporaryDirectory(prefix="pnnx-") as folder:
        script = Path(folder) / "net.pt"
        quietly(lambda: torch.jit.trace(raw, example).save(str(script)))
        shape = f"inputshape=[1,3,{size[0]},{size[1]}]f32"
        run_pnnx([str(tool), script.name, shape, f"fp16={int(half)}"], Path(folder))
        made = [Path(folder) / f"net.ncnn.{kind}" for kind in ("param", "bin")]
        check_made(made)
        files = [target.with_name(f"{target.name}.ncnn.{kind}") for kind in ("param", "bin")]
        for source, file in zip(made, files, strict=True):
            try:
                shutil.copyfile(source, file)
            except OSError as error:
                raise OutputError(f"{file}: cannot be written: {error.strerror or error}") from error
    outputs = tuple(f"out{k}" for k in range(len(shapes)))
    return NcnnFiles(param=files[0], weights=files[1], outputs=outputs, shapes=shapes)


def run_pnnx(command: Sequence[str], folder: Path, timeout_s: float = TIMEOUT_S) -> str:
    """Run pnnx in a folder, without a shell; returns what it said.

    Raises:
        ExportError: It does not start, fails, or takes longer than `timeout_s`; its last lines are told.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"pnnx took longer than {timeout_s:g} s{_end(error.output)}") from error
    except OSError as error:
        raise ExportError(f"{command[0]}: pnnx does not start: {error.strerror or error}") from error
    if done.returncode != 0:
        reason = (
            f"was ended by signal {-done.returncode}" if done.returncode < 0 else f"fails ({done.returncode})"
        )
        raise ExportError(f"pnnx {reason}{_end(done.stdout)}")
    text = done.stdout.decode(errors="replace")
    log.debug("pnnx:\n%s", text)
    return text


def _end(said: bytes | None) -> str:
    """The last lines of what pnnx said, for a message."""
    lines = (said or b"").decode(errors="replace").strip().splitlines()[-LAST_LINES:]
    return "; it said nothing" if not lines else "; its last lines:\n  " + "\n  ".join(lines)


def check_made(files: Sequence[Path]) -> None:
    """Raise ExportError if pnnx wrote no files, or left layers of torch that ncnn does not know."""
    absent = [file.name for file in files if not file.is_file() or not file.stat().st_size]
    if absent:
        raise ExportError(f"pnnx ended well, but wrote no {' and no '.join(absent)}")
    lines = files[0].read_text(encoding="utf-8").splitlines()[2:]
    kinds = {line.split()[0] for line in lines if line.strip()}
    foreign = sorted(kind for kind in kinds if "." in kind or kind.startswith(("aten", "pnnx", "prim")))
    if foreign:
        raise ExportError(f"pnnx: this network has layers that ncnn does not know: {', '.join(foreign)}")
