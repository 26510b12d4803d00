"""Who is there? A call to all devices of the local network, and their answers.

This is WS-Discovery 1.0 as ONVIF uses it (Core Specification, chapter 7). Answers come from anybody: only the
address that an answer came from is believed, never the one that it names.
"""

from __future__ import annotations

import ipaddress
import logging
import selectors
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote, urlsplit

from surveil.capture.address import StreamAddress
from surveil.capture.connect import POLL_S, Deadline
from surveil.capture.onvif.xml import clean, library, read_xml, words
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError, UsageError

log = logging.getLogger(__name__)

LARGEST, AT_ONCE = 65_535, 256
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_SCOPE = "onvif://www.onvif.org/"


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscoverConfig:
    """How cameras are looked for.

    Attributes:
        search_s: how long answers are waited for.
        calls_s: when the call is made, as the network may lose one.
        group: where devices listen, (IP address, port).
        interfaces: own IPv4 addresses from which the call goes out; empty: all of this machine.
        most: devices after which nobody else is heard.
    """

    search_s: float = 4.0
    calls_s: tuple[float, ...] = (0.0, 0.5, 1.5)
    group: tuple[str, int] = ("239.255.255.250", 3702)
    interfaces: tuple[str, ...] = ()
    most: int = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Discovered:
    """A camera that answered.

    Attributes:
        service: address of its device service, at the host that answered.
        host: its IP address.
        name, hardware: what it says of itself; plain text, may be empty.
    """

    service: str
    host: str
    name: str
    hardware: str


def discover(
    clock: Clock, stop: threading.Event, config: DiscoverConfig | None = None
) -> tuple[Discovered, ...]:
    """The cameras that answer, in the order of their addresses; those so far when a stop was asked.

    Raises:
        UsageError: the extra is not installed.
        SourceError: NO_ROUTE: this machine has no network that the call could go out to.
    """
    config = config or DiscoverConfig()
    deadline = Deadline(clock, stop, config.search_s)
    read_xml(b"<ready/>")  # says now, not at the first answer, that a library is missing
    found: dict[str, Discovered] = {}
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        sockets = [stack.enter_context(one) for one in _sockets(config.interfaces or own_addresses())]
        for one in sockets:
            selector.register(one, selectors.EVENT_READ)
        calls = list(config.calls_s)
        while not deadline.over and len(found) < config.most:
            if calls and config.search_s - deadline.left_s >= calls[0]:
                calls.pop(0)
                _call(sockets, config.group)
            for device in islice(_answers(selector), config.most - len(found)):
                found.setdefault(device.service, device)
    return tuple(
        sorted(found.values(), key=lambda device: (ipaddress.ip_address(device.host), device.service))
    )


def own_addresses() -> tuple[str, ...]:
    """The IPv4 addresses of this machine's networks, without the loopback."""
    adapters = library("ifaddr").get_adapters()
    texts = [ip.ip for adapter in adapters for ip in adapter.ips if isinstance(ip.ip, str)]
    return tuple(text for text in texts if not ipaddress.ip_address(text).is_loopback)


def read_answer(data: bytes, sender: str) -> Iterator[Discovered]:
    """The cameras of one datagram. Raises ValueError for what is no answer."""
    for match in read_xml(data).iterfind(".//{*}ProbeMatch"):
        scopes = words(match, "{*}Scopes", 4_000).split()
        kinds = words(match, "{*}Types", 1_000)
        if "NetworkVideoTransmitter" not in kinds and not any(scope.startswith(_SCOPE) for scope in scopes):
            continue  # a printer
        service = _service(words(match, "{*}XAddrs", 4_000).split(), sender)
        if service is not None:
            yield Discovered(
                service=service,
                host=sender,
                name=_said(scopes, "name"),
                hardware=_said(scopes, "hardware"),
            )


def _sockets(addresses: tuple[str, ...]) -> Iterator[socket.socket]:
    for address in addresses:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            one.setblocking(False)
            one.bind((address, 0))
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # 200 answers may come at once
        except OSError as error:  # the address went away a moment ago
            log.debug("no call from %s: %s", address, error)
            one.close()
            continue
        yield one


def _call(sockets: list[socket.socket], group: tuple[str, int]) -> None:
    message = _probe()
    sent = 0
    for one in sockets:
        try:
            sent += one.sendto(message, group) > 0
        except OSError as error:
            log.debug("no call from %s: %s", one.getsockname(), error)
    if not sent:
        raise SourceError(
            "the call for cameras cannot go out: this computer has no network that takes it",
            SourceCause.NO_ROUTE,
            "Check cable, wireless network and firewall, or write the camera's address by hand.",
        )


def _probe() -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{_ADDRESSING}">'
        f'<s:Header><a:Action s:mustUnderstand="1">{_DISCOVERY}/Probe</a:Action>'
        f"<a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>"
        f"<a:ReplyTo><a:Address>{_ADDRESSING}/role/anonymous</a:Address></a:ReplyTo>"
        '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>'
        f'<s:Body><Probe xmlns="{_DISCOVERY}"><d:Types xmlns:d="{_DISCOVERY}" '
        'xmlns:n="http://www.onvif.org/ver10/network/wsdl">n:NetworkVideoTransmitter</d:Types></Probe>'
        "</s:Body></s:Envelope>"
    ).encode()


def _answers(selector: selectors.DefaultSelector) -> Iterator[Discovered]:
    """The cameras whose answers came within a moment."""
    for key, _ in selector.select(POLL_S):
        assert isinstance(key.fileobj, socket.socket)
        for data, sender in _heard(key.fileobj):
            try:
                yield from read_answer(data, sender)
            except ValueError as error:
                log.debug("%s answers with something else: %s", sender, error)


def _heard(one: socket.socket) -> list[tuple[bytes, str]]:
    """The datagrams that wait, with their senders: all are taken before one is read, as many come at once."""
    waiting: list[tuple[bytes, str]] = []
    with suppress(OSError):  # BlockingIOError: that was all; Windows says here that nobody listens somewhere
        while len(waiting) < AT_ONCE:
            data, sender = one.recvfrom(LARGEST)
            waiting.append((data, sender[0]))
    return waiting


def _service(addresses: list[str], sender: str) -> str | None:
    """The device service at the host that answered; None where no address makes sense."""
    usable = []
    for text in addresses[:16]:
        with suppress(UsageError):
            address = StreamAddress.parse(text)
            if address.scheme in ("http", "https"):
                usable.append(address)
    if not usable:
        return None
    chosen = next((address for address in usable if address.host == sender), usable[0])
    parts = urlsplit(chosen.url)
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=f"{sender}{port}", fragment="").geturl()


def _said(scopes: list[str], what: str) -> str:
    start = f"{_SCOPE}{what}/"
    return clean(
        unquote(next((scope.removeprefix(start) for scope in scopes if scope.startswith(start)), ""))
    )
