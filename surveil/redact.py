"""The one redactor: no password reaches a log, an error, a title or a screen.

Two nets: the values that were registered as secret (plain, percent-encoded, base64), and the places where
secrets usually stand (URL credentials, password-like parameters, Authorization headers).
"""

from __future__ import annotations

import base64
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"
_KEYS = "username|user|usr|pwd|password|passwd|pass|token|key|passphrase|loginpas|loginuse|secret|auth"
# Greedy up to the last @ before a blank, so that a password that holds @ or / is covered whole.
_CREDENTIALS = re.compile(r"([a-z][a-z0-9+.\-]{1,15}://)[^\s\"'<>]*@", re.IGNORECASE)
_PARAMETER = re.compile(rf"([?&;\s]|^)({_KEYS})=([^&\s\"'<>]*)", re.IGNORECASE)
_HEADER = re.compile(r"((?:proxy-)?authorization\s*[:=]\s*)[^\r\n]*", re.IGNORECASE)
_URLS = re.compile(r"(?=[a-z][a-z0-9+.\-]{1,15}://)", re.IGNORECASE)


class Redactor:
    """Replaces secrets by `***`. One instance a process, handed to everything that shows text."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: tuple[str, ...] = ()

    def register(self, secret: str) -> None:
        """Remember a secret's value and its usual disguises (percent-encoded, base64)."""
        if not secret:
            return
        raw = secret.encode()
        forms = {secret, quote(secret, safe=""), quote_plus(secret), base64.b64encode(raw).decode()}
        with self._lock:
            self._values = tuple(sorted({*self._values, *forms}, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        for value in self._values:
            text = text.replace(value, MASK)
        return redact(text)


def redact(text: str) -> str:
    """`text` without anything that stands where secrets usually stand.

    >>> redact("rtsp://admin:a@b/c@10.0.0.1/s?pwd=x")
    'rtsp://***@10.0.0.1/s?pwd=***'
    """
    text = _HEADER.sub(rf"\1{MASK}", text)
    parts = _URLS.split(text)  # one URL a part, so that a greedy match cannot swallow the one before
    text = "".join(_CREDENTIALS.sub(rf"\1{MASK}@", part) for part in parts)
    return _PARAMETER.sub(rf"\1\2={MASK}", text)
