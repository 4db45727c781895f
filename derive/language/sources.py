"""Files that people give: their text, and the data of TOML and JSON, in which nothing is left that a terminal would obey.

What cannot be read is refused in one line.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.errors import DeriveError, UsageError, shown_data

MAX_BYTES, MAX_DIGITS = 1_000_000, 400
Reader = Callable[[str], Any]


def read_text(path: str | Path, what: str = "") -> str:
    """The text of a file; `what` says in an error what it should have been.

    >>> read_text("no/such.toml", "scheme file")
    Traceback (most recent call last):
    derive.errors.UsageError: cannot read scheme file 'no/such.toml': No such file or directory
    """
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) <= MAX_BYTES:
            return content.decode()
        reason = f"longer than {MAX_BYTES:,} bytes"
    except OSError as error:
        reason = error.strerror or "no such file"
    except UnicodeDecodeError:
        reason = "not UTF-8 text"
    except ValueError:  # a NUL in the name
        reason = "no such file"
    raise UsageError(f"cannot read {what}{' ' if what else ''}'{path}': {reason}")


def toml_data(text: str, where: str, refused: type[DeriveError] = UsageError) -> dict[str, Any]:
    """The table of a TOML text, decimals exact.

    >>> toml_data("x = 0.1", "example")
    {'x': Fraction(1, 10)}
    """
    table: dict[str, Any] = _read(lambda s: tomllib.loads(s, parse_float=_decimal), "TOML", text, where, refused)
    return table


def json_data(text: str, where: str, refused: type[DeriveError] = UsageError) -> Any:
    """The data of a JSON text, decimals exact."""
    return _read(lambda s: json.loads(s, parse_float=_decimal), "JSON", text, where, refused)


def _read(read: Reader, kind: str, text: str, where: str, refused: type[DeriveError]) -> Any:
    try:
        return shown_data(read(text))
    except RecursionError:
        reason = "nested too deeply"
    except ValueError as error:  # also a whole number of thousands of digits
        reason = " ".join(str(error).split())
    fraction = re.search(r"[\[=,]\s*([-+]?\d+\s*/\s*\d+)\s*[\],\n]", text)
    hint = f'; a fraction is a text, "{fraction[1]}"' if fraction else ""
    raise refused(f"{where}: not valid {kind}: {reason}{hint}") from None


def _decimal(text: str) -> Fraction:
    """The exact value; not of 1e999999999, nor of inf."""
    exponent = text.lower().partition("e")[2] or "0"
    if len(text) > MAX_DIGITS or (exponent.lstrip("+-").isdigit() and abs(int(exponent)) > MAX_DIGITS):
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return Fraction(text)
