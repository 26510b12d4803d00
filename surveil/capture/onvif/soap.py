"""Questions to one device: SOAP 1.2 over HTTP, signed where there is a password (ONVIF Core, chapter 5)."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from surveil.capture.address import StreamAddress
from surveil.capture.connect import Deadline
from surveil.capture.onvif.http import Answer, no_onvif, post
from surveil.capture.onvif.login import Login, http_digest, username_token
from surveil.capture.onvif.xml import read_xml, words
from surveil.clock import Clock
from surveil.errors import SourceCause, SourceError

log = logging.getLogger(__name__)

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
SOAP = "http://www.w3.org/2003/05/soap-envelope"
QUESTION_S = 6.0
"""How long one answer is waited for."""
_REFUSALS = ("NotAuthorized", "FailedAuthentication", "FailedCheck", "InvalidSecurity")


def envelope(body: str, header: str = "") -> bytes:
    """A whole message."""
    text = f'<s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'
    return f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()


class Device:
    """One device; each question has a connection of its own.

    Attributes:
        address: of its device service.
    """

    def __init__(
        self, address: StreamAddress, login: Login | None, clock: Clock, stop: threading.Event, limit_s: float
    ) -> None:
        """`limit_s`: for all questions together."""
        self.address, self._login, self._clock, self._stop = address, login, clock, stop
        self._whole = Deadline(clock, stop, limit_s)
        self._ahead = timedelta()

    def set_clock(self) -> None:
        """Learn the device's time: it refuses passwords that were signed at another.

        Raises SourceError where the device cannot be reached; what it answers is its own affair.
        """
        try:
            answer = self.ask(self.address.url, DEVICE, "GetSystemDateAndTime", signed=False)
            now = _time(answer)
        except SourceError as error:
            if error.cause not in (SourceCause.AUTH, SourceCause.UNSUPPORTED):
                raise
            log.debug("%s: its time is not known: %s", self.address.shown, error)
        except ValueError as error:
            log.debug("%s: its time makes no sense: %s", self.address.shown, error)
        else:
            self._ahead = now - datetime.fromtimestamp(self._clock.wall(), UTC)

    def ask(
        self, url: str, namespace: str, question: str, inner: str = "", *, signed: bool = True
    ) -> Element:
        """The answer to a question; without meaning when a stop was asked.

        Args:
            url: the service's; its host and port are the device's own, whatever stands there.
            namespace: of the service.
            question: its name, e.g. `GetProfiles`.
            inner: its arguments, as XML.
            signed: with user and password, if there are any.

        Raises:
            SourceError: AUTH, UNSUPPORTED, and as `http.post`.
        """
        login = self._login if signed else None
        header = "" if login is None else username_token(login, self._now())
        message = envelope(f'<{question} xmlns="{namespace}">{inner}</{question}>', header)
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{namespace}/{question}"'}
        parts = urlsplit(url)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        answer = self._post(path, message, headers)
        if answer.status == 401 and login is not None:
            proofs = (http_digest(login, challenge, path) for challenge in answer.challenges)
            proof = next((proof for proof in proofs if proof is not None), None)
            if proof is not None:
                answer = self._post(path, message, {**headers, "Authorization": proof})
        return self._understood(answer, question)

    def _post(self, path: str, message: bytes, headers: dict[str, str]) -> Answer:
        left_s = max(0.0, min(QUESTION_S, self._whole.left_s))
        return post(self.address, path, message, headers, Deadline(self._clock, self._stop, left_s))

    def _understood(self, answer: Answer, question: str) -> Element:
        subject = self.address.shown
        if answer.status in (401, 403):
            raise self._refused()
        try:
            root = read_xml(answer.body)
        except ValueError as error:
            reason = f"it does not speak ONVIF: status {answer.status}, {error}"
            raise no_onvif(subject, reason) from error
        fault = root.find(".//{*}Fault")
        if fault is not None:
            codes = " ".join(code.text or "" for code in fault.iterfind(".//{*}Value"))
            if any(refusal in codes for refusal in _REFUSALS):
                raise self._refused()
            reason = (
                words(fault, ".//{*}Text") or words(fault, ".//{*}faultstring") or words(fault, ".//{*}Value")
            )
            raise no_onvif(subject, f"{question} failed: {reason or 'it does not say why'}")
        found = root.find(f".//{{*}}{question}Response")
        if found is None:
            raise no_onvif(subject, f"it does not answer {question}")
        return found

    def _refused(self) -> SourceError:
        subject = self.address.shown
        if self._login is None:
            return SourceError(
                f"{subject}: it asks for user and password",
                SourceCause.AUTH,
                "Give a user of the camera and the password.",
            )
        return SourceError(
            f"{subject}: it refuses this user and password",
            SourceCause.AUTH,
            "Check both; many cameras have users of their own for ONVIF, made in their settings.",
        )

    def _now(self) -> str:
        now = datetime.fromtimestamp(self._clock.wall(), UTC) + self._ahead
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(answer: Element) -> datetime:
    """Raises ValueError."""
    utc = answer.find(".//{*}UTCDateTime")
    places = (
        "Date/{*}Year",
        "Date/{*}Month",
        "Date/{*}Day",
        "Time/{*}Hour",
        "Time/{*}Minute",
        "Time/{*}Second",
    )
    year, month, day, hour, minute, second = (int(words(utc, f"{{*}}{place}")) for place in places)
    if not 1970 <= year <= 2200:
        raise ValueError(f"the year {year}")
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
