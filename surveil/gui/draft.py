"""A camera as it stands in the dialog: fields of text, and what is wrong with them. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError

from surveil.app.workspace import free_id
from surveil.capture.spec import parse_source, safe_name
from surveil.config.camera import Camera, Input
from surveil.config.references import outline
from surveil.errors import SourceError, UsageError
from surveil.gui.text import tr
from surveil.redact import redact

Transport = Literal["tcp", "udp"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """The fields of the dialog.

    Attributes:
        url: the stream that is looked at.
        large: another stream of the same camera, for the live picture and recordings; may be empty.
        password: as typed; empty: as it was.
    """

    name: str = ""
    url: str = ""
    large: str = ""
    username: str = ""
    password: str = ""
    transport: Transport = "tcp"
    enabled: bool = True


def draft_of(camera: Camera) -> Draft:
    """The fields of a camera; its password stays where it is."""
    seen = camera.input_for_detection
    large = next((one.url for one in camera.inputs if one is not seen), "")
    return Draft(
        name=camera.title,
        url=seen.url,
        large=large,
        username=camera.username or "",
        transport=camera.rtsp_transport,
        enabled=camera.enabled,
    )


def camera_of(draft: Draft, taken: Sequence[str], before: Camera | None = None) -> tuple[Camera, str]:
    """The camera that a draft means, and the password that is to be kept for it (empty: none that is new).

    Args:
        draft: the fields.
        taken: ids of other cameras.
        before: the camera that is edited; what the dialog does not show stays as it is.

    Raises:
        UsageError: a field makes no sense; the message says which, and why.
    """
    if not draft.url.strip():
        raise UsageError(tr("The address is missing."))
    draft = _without_credentials(draft)
    name = " ".join(draft.name.split())
    camera_id = free_id(_id_of(name, draft.url), taken) if before is None else before.id
    fields = {
        "id": camera_id,
        "name": "" if name == camera_id else name,
        "enabled": draft.enabled,
        "inputs": _inputs(draft, before),
        "username": draft.username.strip() or None,
        "password": None if before is None or not draft.username.strip() else before.password,
        "rtsp_transport": draft.transport,
    }
    kept = (
        {} if before is None else {key: getattr(before, key) for key in Camera.model_fields.keys() - fields}
    )
    try:
        camera = Camera(**{**kept, **fields})
        if draft.password:  # checks that it may have one at all
            Camera(**{**kept, **fields, "password": draft.password})
    except ValidationError as error:
        raise UsageError(words_of(error)) from error
    return camera, draft.password


def with_password(camera: Camera, password: str) -> Camera:
    """The camera with its password as text or reference."""
    return camera.model_copy(update={"password": password})


def words_of(error: ValidationError) -> str:
    """What is wrong, in one line, without values that may be secret."""
    said = []
    for fault in error.errors(include_url=False, include_input=False):
        cause = fault.get("ctx", {}).get("error")
        where = next((str(part) for part in reversed(fault["loc"]) if isinstance(part, str)), "")
        said.append(str(cause) if cause is not None else f"{where}: {fault['msg']}".lstrip(": "))
    return redact("; ".join(dict.fromkeys(said)))


def _inputs(draft: Draft, before: Camera | None) -> tuple[Input, ...]:
    url, large = draft.url.strip(), draft.large.strip()
    if before is not None and draft_of(before).url == url and draft_of(before).large == large:
        return before.inputs
    try:
        if not large:
            return (Input(url=url),)
        return Input(url=url, roles=("detect",)), Input(url=large, roles=("record", "live"))
    except ValidationError as error:
        raise UsageError(words_of(error)) from error


def _without_credentials(draft: Draft) -> Draft:
    """User and password of an address that was pasted whole go to the fields of their own."""
    try:
        parts = urlsplit(draft.url.strip())
        user, password = parts.username, parts.password
    except ValueError:
        return draft
    if not user or "$" in user or (draft.username and draft.username != unquote(user)):
        return draft
    host = parts.netloc.rpartition("@")[2]
    return replace(
        draft,
        url=parts._replace(netloc=host).geturl(),
        username=unquote(user),
        password=draft.password or unquote(password or ""),
    )


def _id_of(name: str, url: str) -> str:
    if name and safe_name(name) not in ("source", ""):
        return safe_name(name)
    try:
        return parse_source(outline(url.strip()) or "camera").name
    except (UsageError, SourceError):
        return "camera"  # what is wrong with the address is said elsewhere
