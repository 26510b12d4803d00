"""Weights from Hugging Face: one safetensors file over https, checked before it is kept."""

import hashlib
import logging
import os
import re
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import platformdirs
from safetensors import SafetensorError
from safetensors.torch import load

from surveil.detect.card import sha256_of
from training.errors import CheckpointError, ConfigError, DataError
from training.files import write_whole
from training.progress import Progress

log = logging.getLogger(__name__)

FILE = "model.safetensors"  # the only file that is asked for: nothing is unpickled
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
CHUNK = 1 << 18
UNKNOWN = (401, 403, 404)  # what the hub says of models that are not there, or not for everybody
BY_HAND = "; or download it by hand and say --start FILE, under its own name"


@dataclass(frozen=True, kw_only=True)
class HubConfig:
    """Where weights come from.

    Attributes:
        address: Of the hub, without a slash at its end; its scheme is the only one that is taken.
        hosts: Where files may lie: these, and names below them.
        largest: Bytes; a file beyond is refused.
        timeout_s: How long the other side may be silent.
    """

    address: str = "https://huggingface.co"
    hosts: tuple[str, ...] = ("huggingface.co", "hf.co")
    largest: int = 512 << 20
    timeout_s: float = 30.0

    def check(self, address: str) -> None:
        """Raise DataError for an address that is not the hub's."""
        parts, own = urlsplit(address), urlsplit(self.address)
        host = parts.hostname or ""
        known = any(host == name or host.endswith(f".{name}") for name in self.hosts)
        if parts.scheme != own.scheme or not known:
            raise DataError(f"{address}: neither {own.scheme} nor of {', '.join(self.hosts)}{BY_HAND}")


class _Redirects(HTTPRedirectHandler):
    """Follows redirections within the hub."""

    def __init__(self, config: HubConfig) -> None:
        self.config = config

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        self.config.check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch_weights(name: str, folder: Path | None = None, config: HubConfig | None = None) -> Path:
    """The weights of a public model, fetched where they are not there yet.

    Args:
        name: OWNER/NAME, as on the hub.
        folder: Where they are kept as `NAME.safetensors`; None: below the user's cache.
        config: Where they come from.

    Raises:
        ConfigError: That is no such name.
        DataError: They cannot be fetched; nothing is left behind.
        CheckpointError: What came is no safetensors file.
        OutputError: It cannot be written.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(f"hf:{name}: expected hf:OWNER/NAME, such as hf:timm/efficientnet_lite0.ra_in1k")
    owner, model = name.split("/")
    cache = platformdirs.user_cache_path("surveil", appauthor=False) / "starts" / owner
    path = (folder or cache) / f"{model}.safetensors"
    if path.exists():
        log.info("%s: there already, sha256 %s", path, sha256_of(path))
        return path
    config = config or HubConfig()
    address = f"{config.address}/{name}/resolve/main/{FILE}"
    data = _download(address, config, model)
    _check(address, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{model}-{os.getpid()}.safetensors")  # processes of torchrun fetch side by side
    write_whole(own, data)
    own.replace(path)
    log.info("%s: %d bytes from %s, sha256 %s", path, len(data), address, hashlib.sha256(data).hexdigest())
    return path


def _download(address: str, config: HubConfig, what: str) -> bytes:
    config.check(address)
    request = Request(address, headers={"User-Agent": "surveil"})
    try:
        with build_opener(_Redirects(config)).open(request, timeout=config.timeout_s) as answer:
            return _read(answer, address, config, Progress(what, "KiB"))
    except HTTPError as error:
        missing = f"no public model of this name has a {FILE}"
        reason = missing if error.code in UNKNOWN else error.reason
        raise DataError(f"{address}: {error.code}, {reason}{BY_HAND}") from error
    except (OSError, HTTPException) as error:
        raise DataError(f"{address}: cannot be fetched ({error}){BY_HAND}") from error


def _read(answer: HTTPResponse, address: str, config: HubConfig, progress: Progress) -> bytes:
    total, data = int(answer.headers.get("Content-Length") or 0), bytearray()
    while max(len(data), total) <= config.largest and (part := answer.read(CHUNK)):
        data += part
        if total:
            progress.at(len(data) >> 10, total >> 10)
    if max(len(data), total) > config.largest:
        raise DataError(f"{address}: larger than {config.largest >> 20} MiB: no start of ours")
    if len(data) < total:
        raise DataError(
            f"{address}: cut off after {len(data)} of {total} bytes: the same command tries again"
        )
    return bytes(data)


def _check(address: str, data: bytes) -> None:
    """Raise CheckpointError for what is not a safetensors file."""
    try:
        load(data)
    except SafetensorError as error:
        page = ", but a web page" if data.lstrip()[:1] == b"<" else ""
        raise CheckpointError(f"{address}: not a safetensors file{page} ({error}){BY_HAND}") from error
