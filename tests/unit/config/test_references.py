from __future__ import annotations

import keyring.errors
import pytest

from surveil.config.references import SERVICE, References, check_references, is_reference, outline
from surveil.errors import UsageError


def references(**environment: str) -> References:
    return References(environment, {"door": "s3cret"}.get)


def test_variables_and_keyring() -> None:
    found = references(USER="admin", PW="p@ss")
    assert found.resolve("rtsp://${USER}:${PW}@h/${PATH_:-a}") == "rtsp://admin:p@ss@h/a"
    assert found.resolve("keyring:door") == "s3cret"
    assert found.resolve("plain $HOME {x}") == "plain $HOME {x}"
    assert found.secrets == {"admin", "p@ss", "a", "s3cret"}


def test_what_is_missing_is_named_and_nothing_is_said_of_the_rest() -> None:
    with pytest.raises(UsageError, match="the environment variable NO is not set"):
        references(YES="hunter2").resolve("${YES}${NO}")
    with pytest.raises(UsageError, match=f"holds no 'gate': store it with 'keyring set {SERVICE} gate'"):
        references().resolve("keyring:gate")


def test_a_machine_without_a_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(service: str, name: str) -> str:
        raise keyring.errors.NoKeyringError

    monkeypatch.setattr("keyring.get_password", fail)
    with pytest.raises(UsageError, match=r"cannot be read \(NoKeyringError\): use \$\{VARIABLE\}"):
        References({}).resolve("keyring:door")


def test_the_keyring_is_asked_under_our_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_password", lambda service, name: f"{service}/{name}")
    assert References({}).resolve("keyring:door") == "surveil/door"


@pytest.mark.parametrize("text", ["${", "${X", "${1X}", "a${X:-${Y}}", "keyring:", "keyring:a\tb"])
def test_malformed_references(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected keyring:NAME|a reference is"):
        check_references(text)


def test_which_texts_hold_no_secret_themselves() -> None:
    assert [is_reference(text) for text in ("${X}", "keyring:a", "${X}${Y}")] == [True] * 3
    assert [is_reference(text) for text in ("x", "${X:-hunter2}", "a${X}", "keyring:")] == [False] * 4
    assert outline("http://h/${A:-b}?k=${C}") == "http://h/x?k=x"
