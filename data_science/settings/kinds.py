"""How the text of a variable is read, and how a value is written as one. Changes with a new kind of value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_science.extension import Registry


@dataclass(frozen=True, slots=True)
class Kind:
    """How the text of a variable is read."""

    expected: str | Registry  # completes "expected ..."
    parse: Callable[[str], Any]  # raises ValueError on anything else


def integer(low: int, high: int) -> Kind:
    """Whole numbers between two bounds, inclusive."""

    def parse(text: str) -> int:
        # int() alone would also take "1_000" and digits of other scripts.
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return Kind(f"a whole number from {low} to {high}", parse)


def number(low: float, *, above: bool = False) -> Kind:
    """Finite numbers of at least a bound, or above it."""

    def parse(text: str) -> float:
        # float() alone would also take "1_000" and digits of other scripts.
        value = float(text) if text.isascii() and "_" not in text else math.nan
        if not math.isfinite(value) or value < low or (above and value == low):
            raise ValueError
        return value

    return Kind(f"a finite number {'above' if above else 'of at least'} {low:g}", parse)


def choice(*options: str) -> Kind:
    """One of a few words."""

    def parse(text: str) -> str:
        return options[options.index(text)]

    return Kind("one of " + ", ".join(options), parse)


def name_in(registry: Registry) -> Kind:
    """Name of an extension."""

    def parse(text: str) -> str:
        if text not in registry:
            raise ValueError
        return text

    return Kind(registry, parse)  # which names there are is known when they are shown


def written(value: object) -> str:
    """Return a default as one would write it; "": none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Path) and len(value.parts) == 1:
        return f"./{value}"  # a bare word would not look like a folder
    return str(value)


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]


def _text(text: str) -> str:
    # A control character (a newline pasted along, NUL) can only be an accident, and libpq cuts at NUL.
    if not text.isprintable():
        raise ValueError
    return text


def holds_password(text: str) -> bool:
    """Whether a text may hold a password, as a URL or a connection string does: it is not to be shown."""
    return bool(re.search(r"://[^/]*@|\bpassword\s*=", text, re.IGNORECASE))


def _name(text: str) -> str:
    # It is shown in every message about the database.
    if "://" in text or holds_password(text):
        raise ValueError
    return _text(text)


#: In quotes, a variable at the start of a name, a URL: no shell reads an env file, and such a folder would be
#: made as it stands.
_NO_PATH = re.compile(r"""(['"]).*\1|(.*[/\\])?(\$.*|%\w+%.*)|.*\$\{.*|\w{2,}:/.*""")


def _folder(text: str) -> Path:
    if _NO_PATH.fullmatch(text.strip()):
        raise ValueError
    try:
        return Path(_text(text)).expanduser()
    except RuntimeError as error:  # no such user, or no home
        raise ValueError from error


def _secret(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text.rstrip("\r\n")  # `echo` and editors end a secret with a newline that is no part of it


FLAG = Kind("one of 1, true, yes, 0, false, no", _flag)
NAME = Kind("printable text, the name alone: no URL, and no line break or other control character", _name)
SECRET = Kind("text without NUL", _secret)
FOLDER = Kind(
    "a path without control characters, quotes, variables or URL, or a ~ that is known here", _folder
)
SEED = integer(0, 2**32 - 1)
