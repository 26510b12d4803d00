"""The one redactor: no password reaches a log, an error, a title or a screen.

Two nets: the values that were registered as secret (plain, percent-encoded, base64), and the places where
secrets usually stand (URL credentials, password-like parameters, Authorization headers). Where the end of a
secret is in doubt, too much is hidden rather than too little.
"""

from __future__ import annotations

import base64
import re
import threading
from urllib.parse import quote, quote_plus

MASK = "***"

_SCHEME = r"[a-z][a-z0-9+.\-]{1,15}://"
# What a secret may be made of: a password may hold @, / and quotes, so it ends at a blank, or at a quote that
# closes something.
_CHARACTER = r"(?:(?![\"'](?:[\s,;:)\]}>]|$))\S)"
_WORDS = r"passwd|password|passphrase|pwd|secret|token|api[_\-]?key|loginpas"
_KEYS = rf"{_WORDS}|username|user|usr|pass|key|loginuse|auth"
_START = r"(?<![a-z0-9])(?:[a-z0-9_\-]{0,20}[_\-])?"

# Up to the last @, but never into the next URL of the line.
_CREDENTIALS = re.compile(rf"({_SCHEME})(?:(?!{_SCHEME}){_CHARACTER})*@", re.IGNORECASE)
_PARAMETER = re.compile(rf"({_START}(?:{_KEYS})=[\"']?)(?:(?!&){_CHARACTER})+", re.IGNORECASE)
# With a colon (YAML, JSON, prose) only the words that cannot mean anything else.
_ENTRY = re.compile(rf"({_START}(?:{_WORDS})[\"']?\s*:\s*[\"']?){_CHARACTER}+", re.IGNORECASE)
_HEADER = re.compile(r"((?:proxy-)?authorization[\"']?\s*[:=]\s*)[^\r\n]*", re.IGNORECASE)
_HEX = re.compile(r"%[0-9A-F]{2}")


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
        forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
        forms |= {_HEX.sub(lambda code: code[0].lower(), form) for form in forms}
        forms |= {encode(raw).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
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
    text = _CREDENTIALS.sub(rf"\1{MASK}@", text)
    text = _PARAMETER.sub(rf"\1{MASK}", text)
    return _ENTRY.sub(rf"\1{MASK}", text)
