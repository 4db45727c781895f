"""The variables in which a text has slow ones, where it is written in others: units of growth, and states that are eliminated."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from derive.errors import GrowthError, IncrementError, ReductionError
from derive.scheme.configuration import Configuration, configure
from derive.scheme.elimination import eliminated
from derive.scheme.growth import in_units_of_growth
from derive.scheme.model import Scheme

MAX_CHANGES = 16  # of variables, one at a time
T = TypeVar("T")


def in_slow_variables(configuration: Configuration, run: Callable[[Configuration], T]) -> T:
    """run(configuration), in variables that are changed as often as the run says that one of them is not slow.

    Raises what `run` raises where no change of variables is left.
    """
    grown: GrowthError | None = None
    for _ in range(MAX_CHANGES):
        try:
            return run(configuration)
        except ReductionError as error:
            scheme = _changed(configuration, error)
            if scheme is None:
                raise _explained(grown, error, configuration.scheme.where) from None
            if isinstance(error, GrowthError):
                grown = grown or error
            configuration = configure(scheme, configuration.regime or None, configuration.settings)
    return run(configuration)


def _changed(configuration: Configuration, error: ReductionError) -> Scheme | None:
    """The scheme in variables in which this error does not arise, if there are any."""
    match error:
        case GrowthError(symbol=symbol, power=power):
            return _settable(configuration, symbol) or in_units_of_growth(configuration, symbol, power)
        case IncrementError(unknown=unknown):
            try:
                return eliminated(configuration.scheme, unknown)
            except ReductionError as reason:
                raise ReductionError(f"{error}; {reason}") from None
    return None


def _settable(configuration: Configuration, symbol: str) -> Scheme | None:
    """The scheme with this state eliminated, where it is what an unknown is set from."""
    for x in configuration.scheme.unknowns:
        with suppress(ReductionError):
            found = eliminated(configuration.scheme, x)
            if found and symbol in found.eliminated and found.lags == configuration.scheme.lags:
                return found
    return None


def _explained(grown: GrowthError | None, error: ReductionError, where: str) -> ReductionError:
    """The error; of variables that were carried in other units on the way, what that came to."""
    if grown is None or error is grown:
        return error
    reason = str(error).removeprefix(where).removeprefix(": ")
    return ReductionError(f"{grown}; so rescaled, {reason}; parameters may scale too, as with --set alpha=gamma**(1/2)")
