"""Addresses of network cameras: taken apart once, shown without their password."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from surveil.errors import UsageError
from surveil.redact import redact

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamAddress:
    """Where a network camera's stream is.

    Attributes:
        url: as FFmpeg gets it; holds the password, hence not in the repr.
        shown: the same for people, without any secret.
        scheme: rtsp, rtsps, http or https.
        host: name or IP address, without brackets.
        port: the one in the address, else the scheme's own.
        path: without query, which may hold secrets.
    """

    url: str = field(repr=False)
    shown: str
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str) -> StreamAddress:
        """Takes an address apart. Raises UsageError where it cannot be one; the message holds no secret."""
        shown = redact(url)
        if any(c.isspace() or not c.isprintable() for c in url):
            raise UsageError(
                f"address {shown!r}: blanks and control characters are not allowed; write them as %20"
            )
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
            problem = "the part before the path is not HOST or HOST:PORT"
        else:
            problem = "no host"
        scheme = url.partition(":")[0].lower()
        if scheme not in PORTS:
            raise UsageError(f"address {shown!r}: expected one of {', '.join(PORTS)}, got {scheme!r}")
        if not host or port == 0:
            raise UsageError(
                f"address {shown!r}: {problem}; expected {scheme}://HOST:PORT/PATH, before HOST perhaps "
                "USER:PASSWORD@ with @ / : # ? written as %40 %2F %3A %23 %3F"
            )
        return cls(
            url=url, shown=shown, scheme=scheme, host=host, port=port or PORTS[scheme], path=parts.path
        )
