"""One camera: where its pictures come from, how it is watched, what is hidden or left out."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from surveil.capture.spec import parse_source, safe_name
from surveil.config.base import REFERENCES, SECRET, Reference, Section, Text
from surveil.config.references import outline
from surveil.config.shapes import AreaOrPoints, Line, Zone
from surveil.errors import SourceCause, SourceError, UsageError

Role = Literal["detect", "record", "live"]
ROLES: tuple[Role, ...] = ("detect", "record", "live")

_CREDENTIALS = re.compile(r"[a-z]+://[^/?#]*@", re.IGNORECASE)
_ADDRESS = re.compile(r"(rtsps?|https?)://", re.IGNORECASE)


class Input(Section):
    """One stream of a camera; may be written as its address alone."""

    url: Reference = Field(
        description="rtsp://, rtsps://, http:// or https://, a USB camera (0, /dev/video0), a recording's "
        "path, or test://SCENE.",
        json_schema_extra=REFERENCES,
    )
    roles: tuple[Role, ...] = Field(
        default=ROLES,
        min_length=1,
        description="What it is for: detect (the small stream will do), record, live (the large one).",
    )

    @field_validator("url")
    @classmethod
    def _can_be_opened(cls, url: str) -> str:
        check_address(url)
        return url

    @field_validator("roles")
    @classmethod
    def _once_each(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        twice = [role for role, count in Counter(roles).items() if count > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice")
        return roles


def check_address(url: str) -> None:
    """Whether a source can be of this form; references stand for anything. Raises ValueError."""
    text = outline(url)
    if text is None:
        return  # it is all in a reference: seen when that is known
    try:
        parse_source(text)
    except SourceError as error:
        if error.cause not in (SourceCause.NOT_FOUND, SourceCause.EMPTY):  # those may come back
            raise ValueError(str(error)) from error
    except UsageError as error:
        raise ValueError(str(error)) from error


def _from_address(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


InputOrAddress = Annotated[Input, BeforeValidator(_from_address, json_schema_input_type=Input | str)]


class Detect(Section):
    """How a camera is looked at."""

    classes: tuple[Text, ...] = Field(
        default=(), description="The only classes that count at this camera; none: all of the model."
    )
    max_rate_hz: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None, description="The detector looks no more often than this; without it at every picture."
    )
    priority: Annotated[int, Field(ge=-10, le=10)] = Field(
        default=0, description="Who comes first when the machine cannot serve all: higher goes before lower."
    )
    motion_gating: bool = Field(
        default=False, description="Let the detector rest while nothing moves in the picture."
    )


class Masks(Section):
    """What is hidden, and what is left out."""

    privacy: tuple[AreaOrPoints, ...] = Field(
        default=(),
        description="Areas that are painted black before anything sees or stores the picture.",
    )
    detection: tuple[AreaOrPoints, ...] = Field(
        default=(),
        description="Areas in which nothing is reported: objects whose foot, the middle of the box's lower "
        "edge, lies in one are dropped.",
    )


class Camera(Section):
    """One camera; may be written as its address alone."""

    id: Annotated[str, Field(min_length=1, max_length=48)] = Field(
        description="Short name in files and events: letters, digits, dot, dash, underscore. Without it one "
        "is made from the address."
    )
    name: Annotated[Text, Field(max_length=200)] = Field(
        default="", description="What people call it; without it the id."
    )
    enabled: bool = Field(default=True, description="Whether it is watched.")
    inputs: tuple[InputOrAddress, ...] = Field(min_length=1, max_length=8, description="Its streams.")
    username: Reference | None = Field(
        default=None,
        description="For all inputs that are network addresses; as it is, not percent-encoded.",
        json_schema_extra=REFERENCES,
    )
    password: Reference | None = Field(
        default=None,
        description="Best as keyring:NAME or ${VAR}; as it is, not percent-encoded.",
        json_schema_extra=SECRET,
    )
    rtsp_transport: Literal["tcp", "udp"] = Field(
        default="tcp", description="How RTSP carries its packets; UDP loses some in busy networks."
    )
    verify_tls: bool = Field(
        default=False,
        description="Whether rtsps:// and https:// cameras must show a certificate that this machine trusts; "
        "most make their own, and are then encrypted but not proved.",
    )
    still_after_s: Annotated[float, Field(ge=1, le=86400)] | None = Field(
        default=10.0,
        description="A camera that sends the very same picture for so long is said to be stalled; null: "
        "never, for pictures that may stand still.",
    )
    decode: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")] = Field(
        default="auto",
        description="What decodes: auto (a device where one works), cpu, or a device such as cuda, vaapi, "
        "qsv; `surveil doctor` names those of this machine.",
    )
    detect: Detect = Field(default=Detect(), description="How it is looked at.")
    masks: Masks = Field(default=Masks(), description="What is hidden, and what is left out.")
    zones: tuple[Zone, ...] = Field(default=(), description="Areas with a name.")
    lines: tuple[Line, ...] = Field(default=(), description="Lines that are crossed.")

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or self.id

    def input_for(self, role: Role) -> Input:
        """The stream for a role; where none has it, the one that is looked at."""
        return next((one for one in self.inputs if role in one.roles), self.input_for_detection)

    @property
    def input_for_detection(self) -> Input:
        """The stream that is looked at."""
        return next(one for one in self.inputs if "detect" in one.roles)

    @field_validator("id")
    @classmethod
    def _is_safe(cls, name: str) -> str:
        if safe_name(name) != name:
            raise ValueError(f"cannot be a file name everywhere; write {safe_name(name)!r}")
        return name

    @field_validator("inputs")
    @classmethod
    def _one_input_for_a_role(cls, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
        held = Counter(role for one in inputs for role in one.roles)
        twice = [role for role in ROLES if held[role] > 1]
        if twice:
            raise ValueError(f"several inputs have the role {twice[0]}: give it to one, with roles: [...]")
        if not held["detect"]:
            raise ValueError("no input has the role detect")
        return inputs

    @field_validator("zones", "lines")
    @classmethod
    def _names_once(cls, shapes: tuple[Zone, ...] | tuple[Line, ...]) -> tuple[Zone, ...] | tuple[Line, ...]:
        twice = [name for name, count in Counter(shape.name for shape in shapes).items() if count > 1]
        if twice:
            raise ValueError(f"the name {twice[0]!r} is given twice")
        return shapes

    @model_validator(mode="after")
    def _credentials_have_one_place(self) -> Camera:
        if self.username is None and self.password is None:
            return self
        if any(_CREDENTIALS.match(one.url) for one in self.inputs):
            raise ValueError("user and password stand in a url and in fields of their own: keep one of them")
        if not any(_ADDRESS.match(one.url) or outline(one.url) is None for one in self.inputs):
            raise ValueError("username and password are for network addresses, and no input is one")
        return self


def expand_camera(value: Any, taken: set[str]) -> Any:
    """The long form of what stands for a camera, with an id; anything else comes back as it was.

    Args:
        value: an address, or a mapping, as the file has it.
        taken: ids in lower case that others have; the new one is added.
    """
    if isinstance(value, str):
        value = {"inputs": (value,)}
    if not isinstance(value, dict) or "id" in value:
        return value
    inputs = value.get("inputs")
    first = inputs[0] if isinstance(inputs, tuple) and inputs else None
    url = first.get("url") if isinstance(first, dict) else first
    stem = _name_of(url) if isinstance(url, str) else "camera"
    names = (stem if n == 1 else f"{stem[:44]}-{n}" for n in range(1, len(taken) + 2))
    name = next(name for name in names if name.casefold() not in taken)
    taken.add(name.casefold())
    return {"id": name, **value}


def _name_of(url: str) -> str:
    try:
        return parse_source(outline(url) or "camera").name
    except (UsageError, SourceError):
        return "camera"  # what is wrong with it is said elsewhere
