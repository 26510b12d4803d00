"""Messages to the supervisor of services (systemd): ready, reloading, stopping, still alive.

The protocol is one datagram a message to the socket that the environment names:
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from surveil.clock import Clock


class Supervisor:
    """Sends messages where somebody listens; without a listener it does nothing."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        self._address, self._clock = environment.get("NOTIFY_SOCKET", ""), clock
        period = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(period) / 1e6 if period.isdecimal() else None
        """Within this time it wants a sign of life; None: never."""

    def ready(self, words: str) -> None:
        """All is running."""
        self._send(f"READY=1\nSTATUS={words}")

    def reloading(self) -> None:
        """The configuration is being applied; `ready` follows."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")

    def alive(self, words: str) -> None:
        """A sign of life."""
        self._send(f"WATCHDOG=1\nSTATUS={words}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # An address with @ is abstract: it has no file, and begins with a zero byte.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(message.encode(), address)
            except OSError:
                return  # a supervisor that does not listen is no reason to watch no cameras
