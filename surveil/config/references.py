"""What the file only names: `${VAR}`, `${VAR:-default}` and `keyring:NAME`, looked up when it is needed.

The values go where they are used and into the redactor, never into a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from surveil.errors import UsageError

SERVICE = "surveil"
"""Under this name the keyring keeps our secrets."""

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}")
_KEYRING = re.compile(r"keyring:(?P<name>[\w.@/\- ]{1,64})")

Lookup = Callable[[str], str | None]
"""The secret of that name; None where there is none. Raises UsageError where secrets cannot be read."""


class References:
    """Puts values in the place of references.

    Attributes:
        secrets: all values that were looked up, to be hidden wherever text is shown.
    """

    def __init__(self, environment: Mapping[str, str], keyring: Lookup | None = None) -> None:
        """`keyring`: by default the machine's own."""
        self._environment, self._keyring = environment, keyring or read_keyring
        self.secrets: set[str] = set()

    def resolve(self, text: str) -> str:
        """`text` with values for references. Raises UsageError that names what is missing."""
        if text.startswith("keyring:"):
            return self._remember(self._from_keyring(text))
        return _VARIABLE.sub(self._variable, text)

    def _from_keyring(self, text: str) -> str:
        named = _KEYRING.fullmatch(text)
        if named is None:
            raise UsageError("expected keyring:NAME with letters, digits and . @ / - _ in the name")
        name = named["name"]
        value = self._keyring(name)
        if value is None:
            raise UsageError(f"the keyring holds no {name!r}: store it with 'keyring set {SERVICE} {name}'")
        return value

    def _variable(self, found: re.Match[str]) -> str:
        value = self._environment.get(found["name"], found["default"])
        if value is None:
            raise UsageError(f"the environment variable {found['name']} is not set")
        return self._remember(value)

    def _remember(self, value: str) -> str:
        if value:
            self.secrets.add(value)
        return value


def check_references(text: str) -> str:
    """`text`, whose references are well formed. Raises ValueError."""
    if "${" in _VARIABLE.sub("", text):
        raise ValueError("a reference is ${NAME} or ${NAME:-default}; one of these is not closed or misspelt")
    if text.startswith("keyring:") and not _KEYRING.fullmatch(text):
        raise ValueError("expected keyring:NAME with letters, digits and . @ / - _ in the name")
    return text


def is_reference(text: str) -> bool:
    """Whether `text` names a value and holds none itself."""
    return bool(_KEYRING.fullmatch(text)) or (
        _VARIABLE.sub("", text) == "" and not any(found["default"] for found in _VARIABLE.finditer(text))
    )


def outline(text: str) -> str | None:
    """`text` with a letter in the place of each reference; None where it is nothing but one.

    >>> outline("rtsp://${USER}:${PASSWORD}@10.0.0.7/a"), outline("${DOOR}")
    ('rtsp://x:x@10.0.0.7/a', None)
    """
    if _VARIABLE.fullmatch(text):
        return None
    return _VARIABLE.sub("x", text)


def read_keyring(name: str) -> str | None:
    """The machine's keyring. Raises UsageError where it has none."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError as error:
        raise UsageError(
            f"the keyring cannot be read ({type(error).__name__}): use ${{VARIABLE}} on machines without one"
        ) from error


def write_keyring(name: str, secret: str) -> str:
    """Put a secret into the machine's keyring; the reference to it. Raises UsageError where it has none."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(SERVICE, name, secret)
    except KeyringError as error:
        raise UsageError(f"this machine has no keyring that can be used ({type(error).__name__})") from error
    return f"keyring:{name}"
