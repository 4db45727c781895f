"""Errors a user can act on.  The message is one line: the rule, what was received, where, what to write instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from fractions import Fraction
from typing import Any


class DeriveError(Exception):
    """Base of every error that the command line turns into one line on stderr and exit status 2."""


class UsageError(DeriveError):
    """An option or argument is out of range, unknown or missing."""


class OrderError(UsageError):
    """The order asks for more terms than are derived unless they are asked for all the same (`force`)."""


class ParseError(DeriveError):
    """A scheme, loss or formula text is not in the grammar; carries the place in that text.

    >>> str(ParseError("'^' is not an operator; write '**'", "theta", 1, 7))
    "theta, line 1, column 7: '^' is not an operator; write '**'"
    """

    def __init__(self, message: str, where: str, line: int, column: int) -> None:
        super().__init__(f"{where}, line {line}, column {column}: {message}")
        self.line, self.column, self.reason = line, column, message


class SchemeError(DeriveError):
    """A scheme file breaks a rule of the format, or its names do not add up."""


class ReductionError(DeriveError):
    """The scheme is well formed but has no modified equation of the kind derived here (the message says why)."""


class GrowthError(ReductionError):
    """A state variable is not of order 1; it is in units of gamma**-power."""

    def __init__(self, message: str, symbol: str, power: Fraction) -> None:
        super().__init__(message)
        self.symbol, self.power = symbol, power


class IncrementError(ReductionError):
    """An unknown is not itself plus a change that vanishes with gamma."""

    def __init__(self, message: str, unknown: str) -> None:
        super().__init__(message)
        self.unknown = unknown


class UndecidedError(DeriveError):
    """The question is within the rules, and this program cannot decide it (the message says why)."""


class LimitError(DeriveError):
    """What the input asks for is larger than this program takes on: a number, a polynomial, an order, a nesting."""


class SingularPointError(DeriveError):
    """The field was evaluated where it does not exist (a zero under a negative power, an irrational sign, ...)."""


class ResidualError(AssertionError):
    """The solution, put back into the scheme, leaves a residual: a defect of this program, never of its input."""

#: what to do about an UndecidedError of a sum of terms
SIMPLER_ROOTS = "roots and absolute values in it are beyond the normal forms; write fewer of them inside of each other"


#: characters that a terminal obeys or that cannot be seen: controls, formats (bidirectional too), surrogates, line separators
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def shown(text: str, keep: str = "") -> str:
    """The text with escapes for what a terminal would obey instead of show; the characters of `keep` stay.

    >>> shown("a title\\x1b[2J\\nof two lines: ∇")
    'a title\\\\x1b[2J\\\\nof two lines: ∇'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _UNSEEN else ascii(c)[1:-1] for c in text)


def shown_data(data: Any) -> Any:
    """What was read from a file, with `shown` texts throughout; the lines of a text stay lines."""
    match data:
        case str():
            return shown(data, "\n\t")
        case list():
            return [shown_data(x) for x in data]
        case dict():
            return {shown(key): shown_data(value) for key, value in data.items()}
    return data


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest of `words`, one in other capitals first, or the empty string.

    >>> nearest("momentun", ["gd", "momentum"]), nearest("l", ["lam", "L"])
    ("; did you mean 'momentum'?", "; did you mean 'L'?")
    """
    import difflib  # at a mistake only

    known = list(words)
    found = [w for w in known if w.lower() == word.lower()] or difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{found[0]}'?" if found else ""
