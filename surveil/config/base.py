"""What all sections have in common: frozen, strict, no unknown keys, help on every field."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from surveil.config.references import check_references

LONGEST_TEXT = 4096


class Section(BaseModel):
    """A part of the configuration; equal values are equal sections."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


# What the desktop and the documentation need to know beyond type and limits; read by `describe`.
SECRET: dict[str, Any] = {"secret": True, "references": True}
"""Never shown; may hold `${VAR}` and be `keyring:NAME`."""
REFERENCES: dict[str, Any] = {"references": True}
"""May hold `${VAR}`."""

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Reference = Annotated[Text, AfterValidator(check_references)]
Score = Annotated[float, Field(ge=0, le=1)]
Size = tuple[Annotated[int, Field(ge=1, le=32768)], Annotated[int, Field(ge=1, le=32768)]]
"""Width and height in pixels."""
