from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surveil.config.reader import LARGEST_BYTES, in_words, read_yaml

SIGNS = st.sampled_from(list(" \n\t-:?&*!|>'\"%@`{}[],#<=~.0123abxyé\u2028\U0001f600"))


def only_problem(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    problems = read_yaml(content, "f.yaml").problems
    assert len(problems) == 1
    return str(problems[0])


def test_values_and_their_places() -> None:
    document = read_yaml(b"a: 1\nb:\n  - x: 'yes'\n  - [1.5, true, ~, 0x1F, no]\n", "f.yaml")
    assert document.problems == ()
    assert document.data == {"a": 1, "b": ({"x": "yes"}, (1.5, True, None, 31, "no"))}
    assert document.places["b", 0, "x"] == (3, 5)
    assert document.places["b", 1, 4] == (4, 26)


def test_dates_and_odd_words_stay_texts() -> None:
    document = read_yaml(b"a: 2001-99-99\nb: 12:30\nc: =\n", "f.yaml")
    assert document.data == {"a": "2001-99-99", "b": "12:30", "c": "="}


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert read_yaml(b"", "f").data == {}
    assert read_yaml("\ufeff# nothing\n".encode(), "f").data == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab: YAML is indented with blanks"),
        ("a: [1,\n", "f.yaml:2:1: not YAML while parsing a flow node"),
        ("a: 'open", "f.yaml:1:9: not YAML while scanning a quoted scalar: found unexpected end of stream"),
        ("a: *nobody", "f.yaml:1:4: an alias (*NAME) that stands for nothing; put a text"),
        ("a: 1\n---\nb: 2\n", "a second document begins (---)"),
        ("a: !!python/object:os.system x", "f.yaml:1:4: a: a value with a tag (!NAME)"),
        ("a: !!binary eA==", "f.yaml:1:4: a: a value with a tag (!NAME)"),
        ("? [a]\n: b", "a key must be a word"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: a: given twice; the first is in line 1"),
        ('a: "x\\0y"', "f.yaml:1:4: a: line breaks and control characters are not allowed"),
        ('a: "\\ud800"', "f.yaml:1:4: a: line breaks and control characters are not allowed"),
        ("a: " + "9" * 5000, "f.yaml:1:4: a: the number is too large"),
        ("a: !!int x", "f.yaml:1:4: a: 'x' is not a number"),
        ("a: 1\nb: \x01", "f.yaml:2:4: a character here is not allowed in YAML"),
        ("[" * 3000, "lists or mappings stand too deep in one another"),
        ("<<: 3", "<< takes over a mapping, and this is none"),
        ("%YAML 3.0\n---\na: 1", "f.yaml:1:1: not YAML: found incompatible YAML document"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_place(text: str, said: str) -> None:
    assert said in only_problem(text)


@pytest.mark.parametrize(
    "text",
    [
        "password: *hunter2",
        "password: !hunter2",
        "password: !hunter2 x",
        "password: !hunter2!x y",
        "inputs: {rtsp://admin:hunter2@10.0.0.7/stream1/with/a/path/that/is/longer/than/a/line: !x 1}",
        "rtsp://admin:a-long-one-before-hunter2-that-ends-behind-the-cut@h/1: 1\n"
        "rtsp://admin:a-long-one-before-hunter2-that-ends-behind-the-cut@h/1: 2",
        "a: &hunter2 1\nb: &hunter2 2\nc: !x 1",
    ],
)
def test_what_may_be_a_password_is_not_said(text: str) -> None:
    """Unquoted passwords mean something else in YAML; warnings are errors here."""
    problems = read_yaml(text.encode(), "f.yaml").problems
    assert problems
    assert "hunter2" not in "".join(map(str, problems))


def test_bytes_that_are_no_text() -> None:
    assert only_problem(b"a: 1\nb: \xff\xfe") == "f.yaml:2:4: byte 0xff is no UTF-8 text"
    assert "too many" in only_problem(b"#" * (LARGEST_BYTES + 1))


def test_an_anchor_bomb_is_cut_short() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    document = read_yaml("\n".join(lines).encode(), "f.yaml")
    assert any("too many values" in str(problem) for problem in document.problems)
    assert len(document.problems) < 20
    loop = read_yaml(b"a: &a\n  b: *a\n", "f.yaml")
    assert any("too deep" in str(problem) for problem in loop.problems)
    merged = read_yaml(b"a: &a\n  <<: *a\n", "f.yaml")
    assert any("repeats itself" in str(problem) for problem in merged.problems)


def test_merged_keys_are_taken_over_and_may_be_overridden() -> None:
    document = read_yaml(b"base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", "f.yaml")
    assert document.data["use"] == {"y": 3, "x": 1}
    assert document.problems == ()


def test_a_key_in_words_is_printable_and_short() -> None:
    assert in_words(("cameras", 0, "x\n" + "y" * 100)) == f"cameras[0].x?{'y' * 55}..."


@settings(max_examples=100)
@example("a: &x [*x]")
@example("!<!> x")
@example("--- |2\n")
@example("{? : }")
@given(
    st.text(
        alphabet=st.sampled_from(list(" \n\t-:?&*!|>'\"%@`{}[],#<=~.0123abxyé\u2028\U0001f600")), max_size=60
    )
)
def test_nonsense_never_breaks_the_reader(text: str) -> None:
    for problem in read_yaml(text.encode(), "f.yaml").problems:
        assert str(problem).startswith("f.yaml:")
        assert problem.line >= 1
        assert problem.column >= 1


def test_mutations_of_a_sound_file_never_break_the_reader() -> None:
    sound = b"cameras:\n  - id: a\n    inputs: [rtsp://h/1]\nmodel: {device: cpu}\nx: &y {a: 1}\nz: *y\n"
    chance = random.Random(1)
    for _ in range(150):
        content = bytearray(sound)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        read_yaml(bytes(content[: chance.randrange(len(content))]), "f.yaml")
