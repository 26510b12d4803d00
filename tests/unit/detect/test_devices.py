from __future__ import annotations

import pytest

from surveil.detect.devices import Device, cores, parse_device
from surveil.errors import UsageError


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("auto", Device(kind="auto")),
        ("cpu", Device(kind="cpu")),
        ("cuda", Device(kind="cuda")),
        ("cuda:3", Device(kind="cuda", index=3)),
    ],
)
def test_reads_names(text: str, device: Device) -> None:
    assert parse_device(text) == device


@pytest.mark.parametrize("text", ["", "gpu", "CUDA", "cpu:1", "cuda:", "cuda:-1", "cuda:x", "cuda:0 "])
def test_refuses_other_names(text: str) -> None:
    with pytest.raises(UsageError, match=r"unknown device .*: known are auto, cpu, cuda and cuda:N"):
        parse_device(text)


def test_there_is_a_core() -> None:
    assert cores() >= 1
