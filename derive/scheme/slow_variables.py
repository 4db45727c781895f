"""The variables in which a text has slow ones, where it is written in others: units of growth, and states that are eliminated."""

from __future__ import annotations

from derive.errors import GrowthError, IncrementError, ReductionError
from derive.language import unparse
from derive.scheme.configuration import Configuration, configure
from derive.scheme.elimination import eliminated
from derive.scheme.growth import AUTOMATIC, in_units_of_growth


def in_slow_variables(configuration: Configuration, error: ReductionError) -> Configuration:
    """The configuration in variables in which this error does not arise; raises the error where there are none."""
    match error:
        case GrowthError(symbol=symbol, power=power):
            scheme = in_units_of_growth(configuration, symbol, power)
        case IncrementError(unknown=unknown):
            try:
                scheme = eliminated(configuration.scheme, unknown)
            except ReductionError as reason:
                raise ReductionError(f"{error}; {reason}") from None
        case _:
            scheme = None
            if configuration.scheme.regimes.keys() == {AUTOMATIC}:
                units = ", ".join(f"{v} = {unparse(e)}" for v, e in configuration.scheme.regimes[AUTOMATIC].substitutions.items())
                hint = "parameters may scale too, as with --set alpha=gamma**(1/2)"
                raise ReductionError(f"{error}; {units} since it grows: {hint}") from None
    if scheme is None:
        raise error
    return configure(scheme, configuration.regime or None, configuration.settings)
