"""Is the camera there? Name resolution and a plain TCP connection, both with a deadline and a way out.

FFmpeg's own connecting cannot be interrupted, and a half-open server holds it for its whole timeout. Nor does
it tell what is wrong with an encrypted connection.
"""

from __future__ import annotations

import errno
import ipaddress
import selectors
import socket
import ssl
import threading
from typing import Any

from surveil.capture.faults import stream_error
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError

POLL_S = 0.05
_Address = tuple[socket.AddressFamily, Any]


class Deadline:
    """A moment on the monotonic clock, and the event that ends all waiting before it."""

    def __init__(self, clock: Clock, stop: threading.Event, timeout_s: float) -> None:
        self.clock, self.stop = clock, stop
        self._end_s = clock.monotonic() + timeout_s

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self.stop.is_set() or self.left_s <= 0

    @property
    def left_s(self) -> float:
        """Seconds to go; negative when the time is over."""
        return self._end_s - self.clock.monotonic()


def check_reachable(host: str, port: int, deadline: Deadline, subject: str) -> tuple[str, int]:
    """The address (IP, port) that took a connection; without meaning when a stop was asked.

    Raises:
        SourceError: DNS, REFUSED, NO_ROUTE or TIMEOUT; names `subject`.
    """
    error: SourceError | None = None
    for family, address in _resolve(host, port, deadline, subject):
        if deadline.stop.is_set():
            break
        error = _try(family, address, deadline, subject)
        if error is None:
            return address[0], address[1]
    if error is not None and not deadline.stop.is_set():
        raise error
    return host, port


def encryption_fault(
    address: tuple[str, int], subject: str, *, verify: bool, timeout_s: float
) -> SourceError | None:
    """Why no encrypted connection comes about; None where that is not what is wrong.

    Args:
        address: host and port.
        subject: the source, as it may be shown.
        verify: whether the camera must prove who it is.
        timeout_s: for connecting and shaking hands, each.
    """
    try:
        with socket.create_connection(address, timeout_s) as plain:
            tls_context(verify=verify).wrap_socket(plain, server_hostname=address[0]).close()
    except ssl.SSLCertVerificationError as error:
        return SourceError(
            f"{subject}: its certificate is not trusted ({error.verify_message})",
            SourceCause.TLS,
            "Give the camera a certificate that this computer trusts, or set verify_tls: false.",
        )
    except ssl.SSLError:
        return stream_error(subject, SourceCause.TLS, f"port {address[1]} does not speak TLS")
    except OSError:
        return None
    return None


def tls_context(*, verify: bool) -> ssl.SSLContext:
    """How encrypted connections are made; without `verify` nobody has to prove who they are."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")  # FFmpeg takes what old cameras offer, too
    return context


def _resolve(host: str, port: int, deadline: Deadline, subject: str) -> list[_Address]:
    """The host's addresses; empty when a stop was asked."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        pass
    else:
        return [(family, (host, port))]
    found: list[_Address] = []
    failed: list[OSError | UnicodeError] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend((family, address) for family, _, _, _, address in rows)
        except (OSError, UnicodeError) as error:  # UnicodeError: a label that is too long or empty
            failed.append(error)
        finally:
            done.set()

    # The resolver cannot be interrupted: a thread that may outlive us waits for it (seconds at most).
    threading.Thread(target=look_up, name=f"dns-{host[:40]}", daemon=True).start()
    while not deadline.over and not deadline.clock.wait(done, POLL_S):
        pass
    if deadline.stop.is_set():
        return []
    if failed or not done.is_set():
        reason = "cannot be resolved" if failed else "was not resolved in time"
        raise stream_error(subject, SourceCause.DNS, f"the host name {host[:80]!r} {reason}")
    return found


def _try(family: socket.AddressFamily, address: Any, deadline: Deadline, subject: str) -> SourceError | None:
    """Connects and lets go again; the error where that fails, None where it worked or a stop was asked."""
    with socket.socket(family, socket.SOCK_STREAM) as connection, selectors.DefaultSelector() as selector:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_WRITE)
        code = connection.connect_ex(address)
        while code in (errno.EINPROGRESS, errno.EWOULDBLOCK) and not deadline.over:
            if selector.select(POLL_S):
                code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if deadline.stop.is_set() or code in (0, errno.EISCONN):
        return None
    where = f"port {address[1]}"
    if code == errno.ECONNREFUSED:
        return stream_error(subject, SourceCause.REFUSED, f"{where} refuses the connection")
    if code in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
        return stream_error(subject, SourceCause.NO_ROUTE, "there is no way to this address")
    return stream_error(subject, SourceCause.TIMEOUT, f"{where} does not answer")
