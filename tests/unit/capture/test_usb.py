"""Cameras are known by what stays: a false /sys and /dev with the links that Linux makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveil.capture.usb import Found, UsbCamera, find_cameras
from surveil.errors import SourceCause, SourceError


class Machine:
    """Plugs cameras in and out."""

    def __init__(self, root: Path) -> None:
        self.dev, self.sysfs, self._usb = root / "dev", root / "sys" / "class", root / "sys" / "usb"
        for folder in (self.dev, self.sysfs, self._usb):
            folder.mkdir(parents=True)

    def plug(self, number: int, name: str, *, port: str, serial: str = "", index: int = 0) -> None:
        interface = self._usb / port / f"{port}:1.0"
        entry = interface / "video4linux" / f"video{number}"
        entry.mkdir(parents=True)
        for key, value in {"idVendor": "046d", "idProduct": "0825", "serial": serial}.items():
            (interface.parent / key).write_text(f"{value}\n")
        (interface / "bInterfaceNumber").write_text("00\n")
        (entry / "name").write_text(f"{name}\n")
        (entry / "index").write_text(f"{index}\n")
        (entry / "device").symlink_to(interface)
        (self.sysfs / entry.name).symlink_to(entry)
        (self.dev / entry.name).touch()

    def unplug(self, *numbers: int) -> None:
        for number in numbers:
            (self.sysfs / f"video{number}").unlink()
            (self.dev / f"video{number}").unlink()

    def camera(self, text: str) -> UsbCamera:
        return UsbCamera(text, dev=self.dev, sysfs=self.sysfs)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("text", ["0", "video0"])
def test_a_camera_is_found_under_its_new_number(machine: Machine, text: str) -> None:
    machine.plug(0, "Yard", port="1-1", serial="A7")
    camera = machine.camera(text if text == "0" else str(machine.dev / text))
    assert camera.device() == (text if text == "0" else str(machine.dev / text))
    assert camera.device() == str(machine.dev / "video0")
    machine.unplug(0)
    machine.plug(0, "Desk", port="1-2")  # another one has its number now
    machine.plug(3, "Yard", port="1-4", serial="A7")
    assert camera.device() == str(machine.dev / "video3")


def test_never_another_device(machine: Machine) -> None:
    machine.plug(0, "Yard", port="1-1", serial="A7")
    camera = machine.camera("0")
    camera.device()
    machine.unplug(0)
    machine.plug(0, "Yard", port="1-2", serial="B8")
    with pytest.raises(SourceError, match=r"camera 0 \(Yard\): it is not plugged in any more") as caught:
        camera.device()
    assert caught.value.cause is SourceCause.DEVICE


def test_two_of_a_kind_are_told_apart_by_their_ports(machine: Machine) -> None:
    machine.plug(0, "Cheap", port="1-1")
    machine.plug(2, "Cheap", port="1-2")
    camera = machine.camera("2")
    camera.device()
    machine.unplug(0, 2)
    machine.plug(1, "Cheap", port="1-3")
    machine.plug(4, "Cheap", port="1-5")
    with pytest.raises(SourceError, match="2 of its kind are plugged in, none where it was"):
        camera.device()
    (machine.sysfs / "video0").symlink_to(machine.dev.parent / "sys/usb/1-2/1-2:1.0/video4linux/video2")
    assert camera.device() == str(machine.dev / "video0")


def test_what_the_system_does_not_tell_is_taken_as_it_is_written(machine: Machine) -> None:
    camera = machine.camera("0")
    assert [camera.device(), camera.device()] == ["0", "0"]
    by_id = machine.dev / "v4l" / "by-id" / "usb-Yard-index0"
    machine.plug(0, "Yard", port="1-1")
    camera = machine.camera(str(by_id))
    assert [camera.device(), camera.device()] == [str(by_id)] * 2


def test_the_cameras_of_a_machine_with_the_paths_that_stay(machine: Machine) -> None:
    machine.plug(0, "Yard", port="1-1")
    machine.plug(1, "Yard", port="1-2", index=1)  # tells about the picture, gives none
    machine.plug(10, "Desk", port="1-3")
    machine.plug(2, "Gate", port="1-4")
    for folder in ("by-id", "by-path"):
        (machine.dev / "v4l" / folder).mkdir(parents=True)
        (machine.dev / "v4l" / folder / "yard").symlink_to(machine.dev / "video0")
    assert find_cameras(machine.dev, machine.sysfs) == [
        Found(path=machine.dev / "video0", name="Yard", stable=str(machine.dev / "v4l/by-id/yard")),
        Found(path=machine.dev / "video2", name="Gate", stable=""),
        Found(path=machine.dev / "video10", name="Desk", stable=""),
    ]
    assert find_cameras(machine.dev, machine.sysfs / "none") == []
