"""No secret leaves the redactor, and what is no secret stays readable."""

from __future__ import annotations

import base64
import re
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveil.redact import MASK, Redactor, redact

# name: (text, what must not be left of it). The thirteen hard cases of the design, then what else was met.
HARD_CASES = {
    "user and password": ("open rtsp://admin:pw-one@10.0.0.5:554/live", ["admin", "pw-one"]),
    "@ in the password": ("rtsp://admin:p@ss-w@rd@10.0.0.5/live", ["admin", "p@ss", "w@rd", "ss-w"]),
    "/ in the password": ("rtsp://admin:pa/ss/word@10.0.0.5/live", ["admin", "pa/ss", "word"]),
    "two URLs in a line": (
        "rtsp://ada:first@h1/a failed, trying rtsp://bob:second@h2/b",
        ["ada", "first", "bob", "second"],
    ),
    "file: before the URL": ("file:rtsp://admin:pw-five@10.0.0.5/live", ["admin", "pw-five"]),
    "user with a dot": ("rtsp://john.smith:pw-six@cam.example/live", ["john", "smith", "pw-six"]),
    "mail address as user": ("https://me%40x.org:pw-seven@cam.example/live", ["me%40x.org", "pw-seven"]),
    "empty user": ("rtsp://:pw-eight@cam.example/live", ["pw-eight"]),
    "usr and pwd": ("http://cam/video.cgi?usr=ada9&pwd=pw-nine&resolution=2", ["ada9", "pw-nine"]),
    "password parameter": ("http://cam/video.cgi?password=pw-ten", ["pw-ten"]),
    "loginpas": ("http://cam/v.cgi?loginuse=ada11&loginpas=pw-eleven", ["ada11", "pw-eleven"]),
    "srt passphrase": ("srt://cam:9000?mode=caller&passphrase=pw-twelve", ["pw-twelve"]),
    "Authorization header": ("> Authorization: Basic dXNlcjpwdw==\r\n", ["dXNlcjpwdw"]),
    "two URLs without a blank": ("rtsp://a1:p1@h1,rtsp://b2:p2@h2", ["a1", "p1", "b2", "p2"]),
    "quote in the password": ("rtsp://admin:it's\"me@cam/live", ["admin", "it's", '"me']),
    "password in quotes": ("""{'password': 'pw-16', "token":"pw-17"}""", ["pw-16", "pw-17"]),
    "header in a dictionary": (
        "{'Authorization': 'Digest username=\"ada\", response=\"f00\"'}",
        ["ada", "f00"],
    ),
    "longer parameter name": ("https://cam/api?access_token=pw-18&api-key=pw-19", ["pw-18", "pw-19"]),
    "upper case": ("RTSP://ADMIN:PW-20@CAM/LIVE?PASSWORD=PW-21", ["ADMIN", "PW-20", "PW-21"]),
    "yaml": ("password: pw-22", ["pw-22"]),
}


@pytest.mark.parametrize("case", HARD_CASES)
def test_hard_cases_leak_nothing(case: str) -> None:
    text, secrets = HARD_CASES[case]
    shown = redact(text)
    assert MASK in shown
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize("case", HARD_CASES)
def test_redacting_twice_changes_nothing(case: str) -> None:
    once = redact(HARD_CASES[case][0])
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://10.0.0.5:554/live?channel=1&subtype=0",
        "https://example.org/a/b.html",
        "clip.mp4: 300 frames, 12 tracks, 61.5 fps",
        "cameras.yaml:12:4: detect.key: unknown key; did you mean 'fps'?",
        "mail me@example.org",
        "test://street?seed=1&size=640x360",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_host_and_path_stay_readable() -> None:
    assert redact("rtsp://u:p@cam.example:554/s1?pwd=x&ch=2") == "rtsp://***@cam.example:554/s1?pwd=***&ch=2"


def test_json_stays_whole() -> None:
    assert redact('{"url":"rtsp://u:p@h/s?pwd=x","fps":3}') == '{"url":"rtsp://***@h/s?pwd=***","fps":3}'


URL_SAFE = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'"), min_size=6)


@given(password=URL_SAFE)
def test_no_password_in_a_url_survives(password: str) -> None:
    assert password not in redact(f"cannot open rtsp://admin:{password}@10.0.0.5/live: refused").replace(
        MASK, ""
    )


@given(secret=st.text(st.characters(codec="utf-8"), min_size=8).filter(lambda text: set(text) - set("*")))
def test_registered_values_vanish_in_every_disguise(secret: str) -> None:
    redactor = Redactor()
    redactor.register(secret)
    encoded = quote(secret, safe="")
    lower_hex = re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), encoded)
    for form in (secret, encoded, lower_hex, base64.b64encode(secret.encode()).decode()):
        assert form not in redactor(f"[{form}]").replace(MASK, "")


def test_the_longest_registered_value_goes_first() -> None:
    redactor = Redactor()
    for secret in ("", "abc", "abcdef"):
        redactor.register(secret)
    assert redactor("[abcdef] [abc]") == "[***] [***]"


def test_long_lines_take_linear_time() -> None:
    begin = time.thread_time()
    for piece in ("rtsp://", "a", "_", "password=", "x://@", "'", "key"):
        redact(piece * 20_000)
    assert time.thread_time() - begin < 5
