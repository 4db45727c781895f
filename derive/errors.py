"""Errors a user can act on.  The message is one line: the rule, what was received, where, what to write instead."""

from __future__ import annotations

from collections.abc import Iterable


class DeriveError(Exception):
    """Base of every error that the command line turns into one line on stderr and exit status 2."""


class UsageError(DeriveError):
    """An option or argument is out of range, unknown or missing."""


class ParseError(DeriveError):
    """A scheme, loss or formula text is not in the grammar; carries the place in that text.

    >>> str(ParseError("'^' is not an operator; write '**'", "theta", 1, 7))
    "theta, line 1, column 7: '^' is not an operator; write '**'"
    """

    def __init__(self, message: str, where: str, line: int, column: int) -> None:
        super().__init__(f"{where}, line {line}, column {column}: {message}")
        self.line, self.column = line, column


class SchemeError(DeriveError):
    """A scheme file breaks a rule of the format, or its names do not add up."""


class ReductionError(DeriveError):
    """The scheme is well formed but has no modified equation of the kind derived here (the message says why)."""


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


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the closest of `words`, or the empty string.

    >>> nearest("momentun", ["gd", "momentum"])
    "; did you mean 'momentum'?"
    """
    import difflib  # at a mistake only

    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"; did you mean '{found[0]}'?" if found else ""
