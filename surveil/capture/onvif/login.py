"""User and password, as ONVIF wants them: a token in the message, and where HTTP asks for it, a digest.

The password itself never travels: both ways send hashes (WS-Security UsernameToken Profile 1.0, RFC 7616).
HTTP's Basic scheme would send it, so it is not spoken.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.request import parse_http_list, parse_keqv_list
from xml.sax.saxutils import escape

from surveil.errors import UsageError

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
"""The algorithms of RFC 7616 that are spoken, and Python's names of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Who asks; the password is not in the repr. Raises UsageError where characters cannot be sent."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.username.isprintable() and self.password.isprintable()):
            raise UsageError("user and password: control characters are not allowed")


def username_token(login: Login, created: str, nonce: bytes | None = None) -> str:
    """The header of a message.

    Args:
        login: who asks.
        created: the time by the camera's clock, ISO 8601 in UTC; a camera refuses tokens of another time.
        nonce: for tests; by default 16 random bytes.
    """
    nonce = nonce or secrets.token_bytes(16)
    digest = hashlib.sha1(nonce + created.encode() + login.password.encode(), usedforsecurity=False).digest()
    return (
        f'<w:Security s:mustUnderstand="1" xmlns:w="{_WSS}wssecurity-secext-1.0.xsd" '
        f'xmlns:u="{_WSS}wssecurity-utility-1.0.xsd"><w:UsernameToken>'
        f"<w:Username>{escape(login.username)}</w:Username>"
        f'<w:Password Type="{_WSS}username-token-profile-1.0#PasswordDigest">{_base64(digest)}</w:Password>'
        f'<w:Nonce EncodingType="{_WSS}soap-message-security-1.0#Base64Binary">{_base64(nonce)}</w:Nonce>'
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )


def http_digest(login: Login, challenge: str, path: str, client_nonce: str | None = None) -> str | None:
    """The value of `Authorization` for a POST; None where the challenge is none that can be met safely.

    Args:
        login: who asks.
        challenge: of a `WWW-Authenticate` header.
        path: with query, as in the request's first line.
        client_nonce: for tests; by default random.
    """
    scheme, _, rest = challenge.strip().partition(" ")
    if scheme.lower() != "digest" or not rest.isprintable():
        return None
    try:
        given = parse_keqv_list(parse_http_list(rest))
    except (ValueError, IndexError):  # an item without "=", or without a value
        return None
    algorithm = given.get("algorithm", "MD5").upper()
    qop = {word.strip() for word in given.get("qop", "").split(",")} - {""}
    if algorithm not in _HASHES or "nonce" not in given or (qop and "auth" not in qop):
        return None

    def hashed(*parts: str) -> str:
        data = ":".join(parts).encode()
        return hashlib.new(_HASHES[algorithm], data, usedforsecurity=False).hexdigest()

    own = client_nonce or secrets.token_hex(8)
    realm, nonce = given.get("realm", ""), given["nonce"]
    who, what = hashed(login.username, realm, login.password), hashed("POST", path)
    counted = ("00000001", own, "auth") if qop else ()
    fields = {"username": login.username, "realm": realm, "nonce": nonce, "uri": path}
    fields["response"] = hashed(who, nonce, *counted, what)
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    bare = {"algorithm": algorithm} | ({"qop": "auth", "nc": counted[0]} if counted else {})
    if counted:
        fields["cnonce"] = own
    quoted = [f'{key}="{_quotable(value)}"' for key, value in fields.items()]
    return "Digest " + ", ".join([*quoted, *(f"{key}={value}" for key, value in bare.items())])


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
