"""Decode every picture once into a memory map: training reads pixels, not files."""

import logging
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.records import Record
from training.errors import DataError

log = logging.getLogger(__name__)


def _pictures(sources: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of every file in tars and folders."""
    for source in sources:
        if source.is_dir():
            for path in sorted(p for p in source.rglob("*") if p.is_file()):
                yield path.name, path.read_bytes()
            continue
        with tarfile.open(source) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    yield Path(member.name).name, content.read()


def fit(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink (H, W, 3) so that its longer side is at most `side`; smaller pictures stay."""
    h, w = image.shape[:2]
    scale = side / max(h, w)
    if scale >= 1:
        return image
    return np.asarray(
        cv2.resize(image, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA), np.uint8
    )


def decode_images(records: Sequence[Record], sources: Sequence[Path], out: Path) -> NDArray[np.uint8]:
    """Decode the records' pictures from tars or folders.

    Args:
        records: The pictures wanted, in order; their sizes must be those of the files.
        sources: Tar files or folders.
        out: The `.npy` file to write; it appears under this name only when it is complete.

    Returns:
        Memory map (n, side, side, 3) uint8 BGR, each picture in the top left corner; `side` is the longest of
        all.

    Raises:
        DataError: A picture is missing, does not decode, or has another size than its record says.
    """
    index = {r.file_name: i for i, r in enumerate(records)}
    side = max(max(r.width, r.height) for r in records)
    part = out.with_suffix(".part.npy")
    store = np.lib.format.open_memmap(part, "w+", np.uint8, (len(records), side, side, 3))
    missing = set(index)
    for name, raw in _pictures(sources):
        i = index.get(name)
        if i is None:
            continue
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
        expected = (records[i].height, records[i].width)
        if image is None:
            raise DataError(f"{name} (image {records[i].image_id}): does not decode")
        if image.shape[:2] != expected:
            raise DataError(f"{name}: {image.shape[:2]} (height, width), its annotation says {expected}")
        store[i, : image.shape[0], : image.shape[1]] = image
        missing.discard(name)
        if len(missing) % 1000 == 0:
            log.info("decoding: %d pictures left", len(missing))
    if missing:
        places = ", ".join(map(str, sources))
        raise DataError(f"{len(missing)} pictures not found, first {sorted(missing)[0]}, in {places}")
    store.flush()
    part.rename(out)
    return np.load(out, mmap_mode="r")
