"""The proofs of a password, against the examples of their specifications."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from surveil.capture.onvif.login import Login, http_digest, username_token
from surveil.errors import UsageError


def test_the_token_is_that_of_ws_security() -> None:
    """ONVIF Application Programmer's Guide 1.0, chapter 6.1.1.3: its example of a digest."""
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    token = username_token(Login(username="user", password="userpassword"), "2010-09-16T07:50:45Z", nonce)
    assert "tuOSpGlFlIXsozq4HFNeeGeFLEI=" in token
    assert "LKqI6G/AikKCQrN0zqZFlg==" in token
    assert "userpassword" not in token


def test_every_token_is_another() -> None:
    login = Login(username="a<b>", password="x")
    one, other = (username_token(login, "2026-01-01T00:00:00Z") for _ in range(2))
    assert one != other
    assert "a&lt;b&gt;" in one


RFC = Login(username="Mufasa", password="Circle of Life")
REALM = "http-auth@example.org"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", hashlib.md5),
        ("SHA-256", hashlib.sha256),
    ],
)
def test_the_digest_is_that_of_rfc_7616(algorithm, response) -> None:
    """RFC 7616, 3.4.1, with POST in the place of GET."""
    nonce, own = (
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    challenge = (
        f'Digest realm="{REALM}", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}", opaque="FQhe"'
    )
    said = http_digest(RFC, challenge, "/dir/index.html", own)
    who = response(f"Mufasa:{REALM}:Circle of Life".encode()).hexdigest()
    what = response(b"POST:/dir/index.html").hexdigest()
    wanted = response(f"{who}:{nonce}:00000001:{own}:auth:{what}".encode()).hexdigest()
    assert said is not None
    assert re.search(r'response="(\w+)"', said)[1] == wanted
    assert 'opaque="FQhe"' in said
    assert "qop=auth" in said
    assert "nc=00000001" in said


def test_the_digest_of_old_cameras_has_no_qop() -> None:
    """RFC 2069."""
    said = http_digest(RFC, 'Digest realm="r", nonce="n"', "/x")
    who = hashlib.md5(b"Mufasa:r:Circle of Life").hexdigest()
    what = hashlib.md5(b"POST:/x").hexdigest()
    assert said is not None
    assert hashlib.md5(f"{who}:n:{what}".encode()).hexdigest() in said
    assert "cnonce" not in said


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="camera"',
        "Digest",
        "Digest nonsense",
        "Digest realm=",
        'Digest realm="r"',
        'Digest realm="r", nonce="n", algorithm=MD4',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r", nonce="n\r\nX: y"',
    ],
)
def test_a_challenge_that_cannot_be_met_is_not(challenge: str) -> None:
    assert http_digest(RFC, challenge, "/x") is None


def test_the_password_is_in_no_repr() -> None:
    assert "Circle" not in repr(RFC)


@pytest.mark.parametrize(("user", "word"), [("a\0", "b"), ("a", "b\n"), ("a\udcff", "b")])
def test_what_cannot_be_sent_is_refused(user: str, word: str) -> None:
    with pytest.raises(UsageError, match="control characters"):
        Login(username=user, password=word)
