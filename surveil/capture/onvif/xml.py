"""What strangers on the network send: read without trusting it, its words cleaned for people."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from xml.etree.ElementTree import Element

from surveil.errors import UsageError

LONGEST = 200
"""Characters of a name that are kept."""


def library(name: str) -> Any:
    """A library of the extra `onvif`. Raises UsageError that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            f"looking for cameras needs {name.partition('.')[0]}: pip install 'surveil[onvif]'"
        ) from error


def read_xml(data: bytes) -> Element:
    """The root of a document. Raises ValueError for what is no XML, and for entities and DTDs (XML bombs)."""
    tree = library("defusedxml.ElementTree")
    try:
        root: Element = tree.fromstring(data, forbid_dtd=True)  # its own exceptions are ValueErrors
    except (SyntaxError, LookupError) as error:  # LookupError: an encoding that does not exist
        raise ValueError(f"no XML ({error})") from error
    return root


def words(element: Element | None, path: str, longest: int = LONGEST) -> str:
    """The text at a path, cleaned; empty where there is none."""
    return "" if element is None else clean(element.findtext(path) or "", longest)


def clean(text: str, longest: int = LONGEST) -> str:
    r"""One line without control and direction characters, no longer than `longest`.

    >>> clean(" Front\n door\u202e ")
    'Front door'
    """
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:longest]
