"""Memory that grows, as people write it: S = S + g*g, k = k + 1.

    S+ = S + gamma**p r  with p <= 0          S grows like gamma**(p - 1) in a time of order 1: n = t/gamma steps
    S = S_bar/gamma**(1 - p)                  S_bar+ = S_bar + gamma r, a slow variable:  S_bar' = r + ...

A scheme without regimes is given these units; a regime of its own decides where there is one.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from derive.language import Expression, Name, Number, Operation, fresh_name
from derive.scheme.configuration import Configuration
from derive.scheme.model import Regime, Scheme

MAX_POWER = 4  # of 1/gamma
AUTOMATIC = ""  # the name of the regime that no file has


def in_units_of_growth(configuration: Configuration, symbol: str, power: Fraction) -> Scheme | None:
    """The scheme with the variable of this symbol, of order gamma**power after a step, in units in which it is slow.

    None where the scheme has regimes of its own, or the power is beyond 4.

    >>> from derive.scheme import configure, inline_scheme
    >>> scheme = in_units_of_growth(configure(inline_scheme("k = k + 1; theta = theta - gamma*grad(theta)/k")), "k", Fraction(0))
    >>> c = configure(scheme)
    >>> c.symbol("k"), c.regime
    ('k_bar', '')
    """
    scheme = configuration.scheme
    if scheme.regimes.keys() - {AUTOMATIC}:
        return None
    known = dict(scheme.regimes[AUTOMATIC].substitutions) if scheme.regimes else {}
    variable = next(v for v in scheme.states if configuration.symbol(v) == symbol)
    exponent = 1 - power + (_exponent(known[variable]) if variable in known else 0)
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
