"""Names that mean the same in every scheme."""

from __future__ import annotations

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


#: names that no parameter may have
RESERVED = (*CLOCK, *(name for x in UNKNOWNS for name in (x, previous(x), ahead(x))))
