"""Memory that grows, as people write it: S = S + g*g, k = k + 1.

    S+ = S + r              S grows like 1/gamma in a time of order 1, which is 1/gamma steps
    S = S_bar/gamma         S_bar+ = S_bar + gamma r, a slow variable:  S_bar' = r + ...

A scheme without regimes is given these units; a regime of its own decides where there is one.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.language import Expression, Name, Number, Operation, fresh_name
from derive.scheme.configuration import Configuration
from derive.scheme.model import AUTOMATIC, Regime, Scheme

MAX_POWER = 4  # of 1/gamma


def in_units_of_growth(configuration: Configuration, symbol: str, power: Fraction) -> Scheme | None:
    """The scheme with the variable of this symbol in units of gamma**-power.

    None where the scheme has regimes of its own, or the power is beyond 4.

    >>> from derive.scheme import configure, inline_scheme
    >>> scheme = in_units_of_growth(configure(inline_scheme("k = k + 1; theta = theta - gamma*grad(theta)/k")), "k", Fraction(1))
    >>> c = configure(scheme)
    >>> c.symbol("k"), c.regime
    ('k_bar', '')
    """
    scheme = configuration.scheme
    if scheme.regimes.keys() - {AUTOMATIC}:
        return None
    known = dict(scheme.units)
    variable = next(v for v in scheme.states if configuration.symbol(v) == symbol)
    exponent = power + (_exponent(known[variable]) if variable in known else 0)
    if exponent > MAX_POWER:
        return None
    name = symbol if variable in known else fresh_name(f"{variable}_bar", {*scheme.names, *configuration.free})
    known[variable] = Operation("/", (Name(name), _power_of_gamma(exponent)))
    return replace(scheme, regimes={AUTOMATIC: Regime(AUTOMATIC, substitutions=known)})


def _power_of_gamma(exponent: Fraction) -> Expression:
    return Name("gamma") if exponent == 1 else Operation("**", (Name("gamma"), Number(exponent)))


def _exponent(expression: Expression) -> Fraction:
    """The q of S_bar/gamma**q."""
    match expression:
        case Operation("/", (_, Operation("**", (_, Number(q))))):
            return q
    return Fraction(1)
