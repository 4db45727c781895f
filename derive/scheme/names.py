"""Names that mean the same in every scheme."""

from __future__ import annotations

from collections.abc import Iterable

#: the step and the time of the step
CLOCK = ("gamma", "t")
#: the variables whose equation is sought
UNKNOWNS = ("theta",)


def previous(unknown: str) -> str:
    """The name of an unknown one step ago."""
    return f"{unknown}_prev"


def ahead(unknown: str) -> str:
    """The name of an unknown after this step, in implicit schemes."""
    return f"{unknown}_next"


def reserved(unknowns: Iterable[str]) -> tuple[str, ...]:
    """Names that have a meaning without a declaration, so that no parameter may have them.

    >>> reserved(["x"])
    ('gamma', 't', 'x', 'x_prev', 'x_next')
    """
    return (*CLOCK, *(name for x in unknowns for name in (x, previous(x), ahead(x))))


RESERVED = reserved(UNKNOWNS)
