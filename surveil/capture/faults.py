"""FFmpeg's errors in plain words: which cause, and what the user can do about it."""

from __future__ import annotations

import av.error

from surveil.errors import SourceCause, SourceError
from surveil.redact import redact

_WORDS = {
    SourceCause.AUTH: "it asks for another user name or password",
    SourceCause.ENDED: "the stream ended",
    SourceCause.NOT_FOUND: "it has no stream at this path",
    SourceCause.NOT_VIDEO: "it answers, but not with video",
    SourceCause.TIMEOUT: "it does not answer in time",
}

_REMEDIES = {
    SourceCause.AUTH: "Check the user name and the password.",
    SourceCause.DAMAGED: "Check the network between camera and computer.",
    SourceCause.DNS: "Check the host name, or write the camera's IP address.",
    SourceCause.ENDED: "The camera may be starting again, or have too many viewers.",
    SourceCause.NOT_FOUND: "Check the path in the address; the camera's manual or web page lists it.",
    SourceCause.NOT_VIDEO: "Check that the address is that of a video stream, not of a web page or of sound.",
    SourceCause.NO_ROUTE: "Check the network, the cable and the address.",
    SourceCause.REFUSED: "Check the port, and that the camera's RTSP or HTTP service is switched on.",
    SourceCause.TLS: "Check the port, or write rtsp:// or http:// for a camera that does not encrypt.",
    SourceCause.TIMEOUT: "Check that the camera is switched on and reachable.",
    SourceCause.UNSUPPORTED: "Set the camera to H.264, H.265 or MJPEG.",
}

_CAUSES: tuple[tuple[tuple[type[Exception], ...], SourceCause], ...] = (
    ((av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError), SourceCause.AUTH),
    ((av.error.HTTPNotFoundError, FileNotFoundError), SourceCause.NOT_FOUND),
    ((av.error.HTTPClientError, av.error.HTTPError), SourceCause.REFUSED),
    ((av.error.ExitError, TimeoutError), SourceCause.TIMEOUT),
    ((ConnectionRefusedError,), SourceCause.REFUSED),
    ((ConnectionError, EOFError), SourceCause.ENDED),
    ((av.error.DecoderNotFoundError, av.error.ProtocolNotFoundError), SourceCause.UNSUPPORTED),
    ((av.error.PatchWelcomeError, NotImplementedError), SourceCause.UNSUPPORTED),
)


def stream_error(subject: str, cause: SourceCause, words: str = "") -> SourceError:
    """A network source's fault without any password; `words` says more than the cause's own words would."""
    return SourceError(
        redact(f"{subject}: {words or _WORDS.get(cause, cause.value)}"), cause, _REMEDIES.get(cause, "")
    )


def translate(subject: str, error: Exception, *, passed_s: float, timeout_s: float) -> SourceError:
    """What an error of PyAV means for a network source.

    Args:
        subject: the source, as it may be shown.
        error: what PyAV raised.
        passed_s: how long the failing call took: a half-open server gives "invalid data", only late.
        timeout_s: the limit that the call ran under, in seconds.
    """
    late = passed_s >= 0.8 * timeout_s
    if isinstance(error, av.error.InvalidDataError):
        cause = SourceCause.TIMEOUT if late else SourceCause.NOT_VIDEO
    else:
        fallback = SourceCause.TIMEOUT if late else SourceCause.ENDED
        cause = next((cause for kinds, cause in _CAUSES if isinstance(error, kinds)), fallback)
    return stream_error(subject, cause, "" if cause in _WORDS else own_words(error))


def own_words(error: Exception) -> str:
    """FFmpeg's words without number and address (which may hold a password)."""
    return str(getattr(error, "strerror", None) or type(error).__name__)
