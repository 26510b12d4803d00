"""One question over HTTP, to a camera that may answer with anything, slowly, endlessly, or not at all."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from surveil.capture.address import StreamAddress
from surveil.capture.connect import POLL_S, Deadline, check_reachable, tls_context
from surveil.capture.faults import stream_error
from surveil.errors import SourceCause, SourceError

LARGEST = 512 * 1024
"""Bytes of an answer that are read; cameras with 32 profiles send some 100 KB."""
STEP_S = 2.0
"""What connecting, shaking hands and sending may take each: they cannot be interrupted, and a stop waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        challenges: the values of WWW-Authenticate.
    """

    status: int
    challenges: tuple[str, ...]
    body: bytes


def post(
    address: StreamAddress, path: str, body: bytes, headers: Mapping[str, str], deadline: Deadline
) -> Answer:
    """Send a body and take the answer; without meaning when a stop was asked.

    Redirections are not followed, proxies not used: it is this camera that is asked.

    Args:
        address: scheme, host and port of the camera.
        path: with query.
        body: what is sent.
        headers: beside those of every request.
        deadline: for all of it.

    Raises:
        SourceError: it cannot be reached, does not answer in time, or not in HTTP.
    """
    subject = address.shown
    peer = check_reachable(address.host, address.port, deadline, subject)
    try:
        if deadline.over:
            raise TimeoutError
        with _connected(address, peer) as connection:
            talk = HTTPConnection(address.host, address.port)
            talk.sock = _Patient(connection, deadline)
            talk.request("POST", path, body, {**headers, "Connection": "close"})
            response = talk.getresponse()
            data = response.read(LARGEST + 1)
    except ssl.SSLError as error:
        raise stream_error(subject, SourceCause.TLS, f"no encrypted connection ({error.reason})") from error
    except TimeoutError as error:
        raise stream_error(subject, SourceCause.TIMEOUT) from error
    except (HTTPException, ValueError) as error:  # ValueError: a header that nobody may send
        raise no_onvif(subject, f"it does not answer in HTTP ({type(error).__name__})") from error
    except OSError as error:
        raise stream_error(subject, SourceCause.ENDED, "the connection broke") from error
    if len(data) > LARGEST:
        raise no_onvif(subject, f"it answers with more than {LARGEST // 1024} KB")
    challenges = tuple(response.headers.get_all("WWW-Authenticate") or ())
    return Answer(status=response.status, challenges=challenges, body=data)


def no_onvif(subject: str, words: str) -> SourceError:
    """The fault of a device that talks about something else."""
    return SourceError(
        f"{subject}: {words}",
        SourceCause.UNSUPPORTED,
        "Switch ONVIF on in the camera's settings, or write the address of its stream by hand.",
    )


def _connected(address: StreamAddress, peer: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(peer, STEP_S)
    if address.scheme != "https":
        return connection
    try:  # cameras make their own certificates, which prove nothing
        return tls_context(verify=False).wrap_socket(connection, server_hostname=address.host)
    except BaseException:
        connection.close()
        raise


class _Patient:
    """What `HTTPConnection` uses of a socket; reading ends with the deadline, however slow the peer is."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline

    def sendall(self, data: bytes) -> None:
        self._connection.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self._connection, self._deadline))

    def close(self) -> None:
        """The answer is still to be read: who opened the connection closes it."""


class _Reading(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline = connection, deadline
        connection.settimeout(POLL_S)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._deadline.over:
            try:
                return self._connection.recv_into(buffer)
            except TimeoutError:
                continue
        raise TimeoutError
