"""Cameras on the loopback that speak ONVIF: they answer a call and questions, or worse."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.request import parse_http_list, parse_keqv_list
from xml.sax.saxutils import escape

from tests.support.http_server import HttpServer, QuietHandler

ENVELOPE = (
    '<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">'
    "<SOAP-ENV:Body>%s</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<b>&b;</b>"
)
STREAMS = (
    ("main", "Main stream", "H264", (1920, 1080), 25),
    ("sub", "Sub stream", "H264", (640, 360), 15),
)


def match(
    service: str,
    *,
    name: str = "IPCAM",
    hardware: str = "DX-1",
    kinds: str = "dn:NetworkVideoTransmitter tds:Device",
) -> str:
    """One camera's part of an answer; `name` and `hardware` as they stand in an address (percent-encoded)."""
    scopes = f"onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/{name} "
    scopes += f"onvif://www.onvif.org/hardware/{hardware} onvif://www.onvif.org/location/"
    return (
        "<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1419d68a-1dd2-11b2-a105-000000000000"
        f"</a:Address></a:EndpointReference><d:Types>{kinds}</d:Types><d:Scopes>{escape(scopes)}</d:Scopes>"
        f"<d:XAddrs>{escape(service)}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
    )


def matches(*parts: str) -> bytes:
    """An answer to a call."""
    return (ENVELOPE % f"<d:ProbeMatches>{''.join(parts)}</d:ProbeMatches>").encode()


class Crowd:
    """Devices that hear a call at one port of the loopback, and what they answer.

    Attributes:
        address: where they listen.
        heard: the calls.
        answers: datagrams that are sent back to each call.
    """

    def __init__(self, *answers: bytes, group: str = "") -> None:
        """`group`: they listen to this multicast address, on the loopback."""
        self.answers, self.heard = list(answers), list[bytes]()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((group or "127.0.0.1", 0))
        if group:
            member = struct.pack("4s4s", socket.inet_aton(group), socket.inet_aton("127.0.0.1"))
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        self._socket.settimeout(0.02)
        self.address: tuple[str, int] = self._socket.getsockname()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="onvif-crowd")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with back:
            while not self._over.is_set():
                try:
                    call, caller = self._socket.recvfrom(65_535)
                except TimeoutError:
                    continue
                self.heard.append(call)
                for answer in self.answers:
                    back.sendto(answer, caller)


class OnvifCamera(HttpServer):
    """The device service and the media service of one camera.

    Attributes:
        user, password: who may ask; an empty user: everybody.
        by: what proves it: `token` in the message, or `digest` of HTTP.
        streams: (token, name, codec, size, rate) of its profiles with video.
        uri: of a stream, by its token.
        skew: how far its clock is ahead.
        instead: asked first, with question and path; what it gives is sent in place of the true answer:
            status and body, or None.
        asked: the questions that were answered.
    """

    def __init__(self, user: str = "", password: str = "", *, by: str = "token") -> None:
        self.user, self.password, self.by = user, password, by
        self.streams = STREAMS
        self.uri: Callable[[str], str] = lambda token: f"rtsp://127.0.0.1:8554/{token}?a=1&b=2"
        self.skew = timedelta()
        self.instead: Callable[[str], tuple[int, bytes] | None] = lambda question: None
        self.silent = threading.Event()
        self.asked: list[str] = []
        camera = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                while camera.silent.is_set() and not camera.closed.wait(0.02):
                    pass
                with contextlib.suppress(OSError):
                    camera._answer(self, body)

        super().__init__(Handler, "onvif-camera")
        self.host = f"127.0.0.1:{self.port}"
        self.service = f"http://{self.host}/onvif/device_service"

    def _answer(self, request: BaseHTTPRequestHandler, body: str) -> None:
        found = re.search(r"<s:Body><(\w+)", body)
        question = found[1] if found else ""
        special = self.instead(question)
        if special is not None:
            self._send(request, *special)
        elif question == "GetSystemDateAndTime" or self._may(request, body):
            self.asked.append(question)
            self._send(request, 200, (ENVELOPE % self._said(question, body)).encode())
        elif self.by == "digest":
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="camera"')
            request.send_header(
                "WWW-Authenticate", 'Digest realm="camera", nonce="abc", qop="auth", opaque="o"'
            )
            request.send_header("Content-Length", "0")
            request.end_headers()
        else:
            self._send(request, 400, fault("ter:NotAuthorized", "Sender not authorized"))

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.send_header("Content-Type", "application/soap+xml")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _may(self, request: BaseHTTPRequestHandler, body: str) -> bool:
        if not self.user:
            return True
        return self._digest_fits(request) if self.by == "digest" else self._token_fits(body)

    def _token_fits(self, body: str) -> bool:
        """WS-Security UsernameToken Profile 1.0: base64(sha1(nonce + created + password)); within 5 s."""
        given = {
            key: found[1]
            for key in ("Username", "Password", "Nonce", "Created")
            if (found := re.search(rf"<\w+:{key}\b[^>]*>([^<]*)<", body))
        }
        if len(given) < 4 or given["Username"] != escape(self.user):
            return False
        text = base64.b64decode(given["Nonce"]) + given["Created"].encode() + self.password.encode()
        late = datetime.now(UTC) + self.skew - datetime.fromisoformat(given["Created"])
        proof = base64.b64encode(hashlib.sha1(text).digest()).decode()
        return proof == given["Password"] and abs(late) < timedelta(seconds=5)

    def _digest_fits(self, request: BaseHTTPRequestHandler) -> bool:
        """RFC 2617 with qop=auth."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Digest":
            return False
        given = parse_keqv_list(parse_http_list(rest))

        def md5(*parts: str) -> str:
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        who, what = md5(self.user, "camera", self.password), md5("POST", request.path)
        wanted = md5(who, "abc", given["nc"], given["cnonce"], "auth", what)
        return given["response"] == wanted and given["username"] == self.user and given["uri"] == request.path

    def _said(self, question: str, body: str) -> str:
        match question:
            case "GetSystemDateAndTime":
                now = datetime.now(UTC) + self.skew
                return (
                    "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:UTCDateTime>"
                    f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
                    f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
                    f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date></tt:UTCDateTime>"
                    "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
                )
            case "GetCapabilities":
                return (
                    "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>"
                    "http://192.168.1.64/onvif/media_service</tt:XAddr></tt:Media></tds:Capabilities>"
                    "</tds:GetCapabilitiesResponse>"
                )
            case "GetProfiles":
                profiles = "".join(_profile(*one) for one in self.streams)
                sound = '<trt:Profiles token="sound"><tt:Name>Sound alone</tt:Name></trt:Profiles>'
                return f"<trt:GetProfilesResponse>{sound}{profiles}</trt:GetProfilesResponse>"
            case "GetStreamUri":
                found = re.search(r"<ProfileToken>([^<]*)<", body)
                uri = escape(self.uri(found[1] if found else ""))
                return (
                    f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"
                    "</trt:GetStreamUriResponse>"
                )
        return "<tds:Unknown/>"


def fault(code: str, reason: str) -> bytes:
    """A SOAP 1.2 fault."""
    return (
        ENVELOPE
        % "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
        f"<SOAP-ENV:Value>{code}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason>"
        f'<SOAP-ENV:Text xml:lang="en">{escape(reason)}</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>'
    ).encode()


def _profile(token: str, name: str, codec: str, size: tuple[int, int], rate: int) -> str:
    return (
        f'<trt:Profiles token="{escape(token)}" fixed="true"><tt:Name>{escape(name)}</tt:Name>'
        f'<tt:VideoEncoderConfiguration token="v"><tt:Name>v</tt:Name><tt:Encoding>{codec}</tt:Encoding>'
        f"<tt:Resolution><tt:Width>{size[0]}</tt:Width><tt:Height>{size[1]}</tt:Height></tt:Resolution>"
        f"<tt:RateControl><tt:FrameRateLimit>{rate}</tt:FrameRateLimit></tt:RateControl>"
        "</tt:VideoEncoderConfiguration></trt:Profiles>"
    )
