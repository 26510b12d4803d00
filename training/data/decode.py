"""Decode every picture once into a memory map: training reads pixels, not files."""

import json
import logging
import tarfile
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.coco import read_json
from training.data.complaints import Complaints
from training.data.denoise import DenoiseConfig, Denoiser
from training.data.maps import picture_file
from training.data.records import Record
from training.errors import DataError
from training.files import write_whole

log = logging.getLogger(__name__)

LARGEST = 640  # longest side in pixels of a stored picture; training never sees more
REMEDY = "decode into another disk with --images DIR (or --out DIR), or train on fewer pictures"


def picture_files(
    sources: Sequence[Path], wanted: Container[str] | None = None
) -> Iterator[tuple[str, bytes]]:
    """File name and bytes of the wanted files (None: of all) in tars and folders.

    Raises:
        DataError: One of the sources cannot be read.
    """
    for source in sources:
        try:
            files = _in_folder(source, wanted) if source.is_dir() else _in_tar(source, wanted)
            yield from files
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"{source}: neither a folder nor a tar that can be read ({error})") from error


def _in_folder(folder: Path, wanted: Container[str] | None) -> Iterator[tuple[str, bytes]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if wanted is None or path.name in wanted:
            yield path.name, path.read_bytes()


def _in_tar(path: Path, wanted: Container[str] | None) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            content = archive.extractfile(member) if wanted is None or name in wanted else None
            if content is not None:
                yield name, content.read()


def fit(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink (H, W, 3) so that its longer side is at most `side`; smaller pictures stay."""
    h, w = image.shape[:2]
    scale = side / max(h, w)
    if scale >= 1:
        return image
    return np.asarray(
        cv2.resize(image, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA), np.uint8
    )


def fitted(record: Record, side: int = LARGEST) -> Record:
    """The record of the picture as `fit` leaves it."""
    scale = side / max(record.width, record.height)
    if scale >= 1:
        return record
    width, height = round(record.width * scale), round(record.height * scale)
    factor = np.array([width / record.width, height / record.height] * 2, np.float32)
    return replace(
        record, width=width, height=height, boxes=record.boxes * factor, ignore=record.ignore * factor
    )


def blank(record: Record) -> Record:
    """A record of which nothing can be learned: all of its picture is to be ignored."""
    return replace(
        record,
        boxes=record.boxes[:0],
        classes=record.classes[:0],
        ignore=np.array([[0, 0, record.width, record.height]], np.float32),
        ignored=np.ones((1, record.ignored.shape[1]), bool),
    )


def unusable_file(images: Path) -> Path:
    """Where the names of the pictures are that could not be decoded into `images`."""
    return images.with_suffix(".unusable.json")


def stored_records(records: Sequence[Record], images: Path) -> list[Record]:
    """The records as their pictures lie in `images` (of `decode_images`): shrunk, or blank if unusable."""
    names = set(read_json(unusable_file(images))) if unusable_file(images).exists() else set()
    return [blank(r) if r.file_name in names else r for r in map(fitted, records)]


def decode_images(
    records: Sequence[Record], sources: Sequence[Path], out: Path, denoise: DenoiseConfig | None = None
) -> NDArray[np.uint8]:
    """Decode the records' pictures from tars or folders; larger ones are shrunk to `LARGEST`.

    Pictures that are missing, broken or of another size than their record says are named, and left black;
    their names are written to `unusable_file(out)`.

    Args:
        records: The pictures wanted, in order, with the sizes of the files.
        sources: Tar files or folders.
        out: The `.npy` file to write; it appears under this name only when it is complete.
        denoise: How pictures are denoised after they were shrunk; None leaves them as they are.

    Returns:
        Memory map (n, side, side, 3) uint8 BGR, each picture in the top left corner; `side` is the longest of
        all. `stored_records` gives the records that belong to it.

    Raises:
        DataError: More than a tenth of the pictures cannot be used.
        ConfigError: They cannot be denoised here, or not like that.
        OutputError: The disk is full: nothing is left of them.
    """
    clean = Denoiser(denoise) if denoise else None
    index = {r.file_name: i for i, r in enumerate(records)}
    small = [fitted(r) for r in records]
    side = max(max(r.width, r.height) for r in small)
    faults = {r.file_name: "not found" for r in records}
    with picture_file(out, [r.height for r in small], side, REMEDY) as store:
        for name, raw in picture_files(sources, index):
            image, fault = decode_one(raw, records[index[name]])
            if fault:
                faults[name] = fault
                continue
            image = fit(image, LARGEST)
            store.write(index[name], clean(image) if clean else image)
            faults.pop(name, None)
            if len(faults) % 1000 == 0:
                log.info("decoding: %d pictures left", len(faults))
        _report(faults, records, sources)
        write_whole(unusable_file(out), json.dumps(sorted(faults)).encode())
    return np.load(out, mmap_mode="r")


def decode_one(raw: bytes, record: Record) -> tuple[NDArray[np.uint8], str]:
    """A picture (H, W, 3) BGR, and what is wrong with it; "" if nothing is."""
    image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
    if image is None:
        return np.zeros((0, 0, 3), np.uint8), "does not decode"
    (h, w), expected = image.shape[:2], (record.height, record.width)
    fault = f"is {w}x{h}, its annotation says {record.width}x{record.height}" if (h, w) != expected else ""
    return np.asarray(image, np.uint8), fault


def _report(faults: dict[str, str], records: Sequence[Record], sources: Sequence[Path]) -> None:
    complaints, ids = Complaints(), {r.file_name: r.image_id for r in records}
    for name, fault in faults.items():
        complaints.add("nothing is learned from it", f"{name} (image {ids[name]}) {fault}")
    complaints.sum_up()
    if len(faults) > 0.1 * len(records):
        name, fault = next(iter(faults.items()))
        places = ", ".join(map(str, sources))
        raise DataError(
            f"{len(faults)} of {len(records)} pictures cannot be used, first {name} ({fault}), in {places}"
        )
