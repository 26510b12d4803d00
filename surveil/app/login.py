"""User and password of network cameras: looked up, percent-encoded, put into their addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from surveil.capture.address import PORTS
from surveil.capture.spec import SourceSpec
from surveil.config.references import References
from surveil.errors import UsageError
from surveil.redact import redact


def with_login(url: str, username: str | None, password: str | None, references: References) -> str:
    """An address with user and password; what is no network address comes back as it was.

    Args:
        url: without a user.
        username: as it is, not encoded; may hold references; None: none.
        password: the same.
        references: looks up what is only named.

    Raises:
        UsageError: a user stands in the address already, or a reference leads nowhere.
    """
    scheme, mark, rest = url.partition("://")
    if (username is None and password is None) or not mark or scheme.lower() not in PORTS:
        return url
    if "@" in rest.partition("/")[0]:
        raise UsageError(f"{redact(url)}: a user stands in the address and beside it: keep one of them")
    user, secret = references.resolve(username or ""), references.resolve(password or "")
    references.secrets.update({secret} - {""})
    return f"{scheme}://{quote(user, safe='')}:{quote(secret, safe='')}@{rest}"


def log_in(
    specs: Sequence[SourceSpec], username: str | None, password: str | None, references: References
) -> list[SourceSpec]:
    """The same sources, the network cameras of them with user and password.

    Raises:
        UsageError: none of them is one; or as `with_login`.
    """
    if username is None and password is None:
        return list(specs)
    streams = [spec for spec in specs if spec.kind == "stream"]
    if not streams:
        raise UsageError("username and password are for network addresses, and no source is one")
    texts = {spec.name: with_login(spec.text, username, password, references) for spec in streams}
    return [replace(spec, text=texts.get(spec.name, spec.text)) for spec in specs]
