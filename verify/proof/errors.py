"""Why a run over a field stops: the statement cannot be decided here, or this sample has to be drawn again."""

from __future__ import annotations

from collections.abc import Hashable


class Undecided(Exception):
    """The statement is outside what is proved here; the message is the reason."""


class FractionalPower(Undecided):
    """A root brings a fractional power of gamma: series in a root of gamma may do."""


class Rejected(Exception):
    """A number that must be positive is none in this sample: where, and its component (None for a scalar)."""

    def __init__(self, message: str, component: int | None = None, key: Hashable = None) -> None:
        super().__init__(message)
        self.component, self.key = component, key


class ShortPrecision(Exception):
    """The series were cut too early for this text: run again with more coefficients."""
