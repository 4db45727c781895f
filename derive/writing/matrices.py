"""A @ B and A.T of what is written already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from derive.language import Written
from derive.language.calls import Medium, write_call
from derive.language.matrices import PRODUCT, TRANSPOSE


def write_matrices(
    name: str, args: Sequence[Written], medium: Medium, parenthesised: Callable[[str], str] = "({})".format
) -> Written | None:
    """A product or a transpose, if the call is one.

    >>> a, b = Written("a", 5), Written("b + c", 1)
    >>> write_matrices("@", [b, a], "unicode").text, write_matrices("@T", [b], "ascii").text
    ('(b + c) @ a', '(b + c).T')
    """
    if name == PRODUCT:
        left, right = args[0].within(2, parenthesised), args[1].within(3, parenthesised)
        return Written(write_call(name, [left, right], medium), 2)
    if name == TRANSPOSE:
        return Written(write_call(name, [args[0].within(5, parenthesised)], medium), 5)
    return None
