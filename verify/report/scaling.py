"""What the page can still slide after --set, and the regimes of a scheme in which its decay factors tend to one with gamma.

With beta fixed the memory is a series in gamma/(1 - beta): of no use where that is not small.  A regime such as
beta = 1 - lam gamma keeps lam fixed instead; lam is found from beta and gamma, so that the same run can be looked at there.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.errors import DeriveError
from derive.language import Expression, constant, names_of, parse_expression
from derive.scheme import Configuration, configure
from derive.scheme.catalogue import catalogue
from derive.scheme.schedule import evaluate
from verify.report.controls import contains

Values = Mapping[str, Fraction]


def set_numbers(configuration: Configuration) -> dict[str, Fraction]:
    """The parameters that are set to numbers inside their stated ranges: the page slides them from there.

    >>> from derive import load_scheme
    >>> set_numbers(configure(load_scheme("momentum"), settings={"beta": "9/10"}))
    {'beta': Fraction(9, 10)}
    """
    found = {}
    for name, text in configuration.settings.items():
        if name not in configuration.scheme.parameters:
            continue
        try:
            value = constant(parse_expression(text, name))
        except DeriveError:
            continue
        if value is not None and contains(configuration, name, value):
            found[name] = value
    return found


@dataclass(frozen=True)
class Scaled:
    """A regime with its title, and the command that opens the page in it with the same numbers."""

    name: str
    title: str
    command: str


def scaled_regimes(configuration: Configuration, values: Values, gamma: Fraction, order: int) -> list[Scaled]:
    """The other regimes that give a parameter of this one, free here, as an expression in gamma, with what it was free for.

    >>> from derive import load_scheme
    >>> c = configure(load_scheme("momentum"))
    >>> [s.name for s in scaled_regimes(c, {"beta": Fraction(9, 10)}, Fraction(1, 100), 1)]
    ['inertial', 'leapfrog', 'strongly-convex']
    >>> scaled_regimes(c, {"beta": Fraction(9, 10)}, Fraction(1, 100), 1)[0].command
    'verify report --scheme momentum --regime inertial --set lam=10 --gamma 1/100 --order 1 -o momentum-inertial.html'
    """
    found = []
    for name, regime in configuration.scheme.regimes.items():
        if name == configuration.regime:
            continue
        other = configure(configuration.scheme, name)
        moved = {p: e for p, e in other.bindings.items() if p in values and "gamma" in names_of(e)}
        if moved:
            found.append(Scaled(name, regime.title, _command(other, moved, values, gamma, order)))
    return found


def _command(other: Configuration, moved: Mapping[str, Expression], values: Values, gamma: Fraction, order: int) -> str:
    numbers = {n: v for n, v in values.items() if n in other.free}
    for parameter, expression in moved.items():
        unknown = [n for n in other.free if n in names_of(expression) and n not in numbers]
        if len(unknown) == 1:
            rate = solved(expression, unknown[0], values[parameter], {"gamma": gamma, **numbers})
            numbers |= {} if rate is None or not contains(other, unknown[0], rate) else {unknown[0]: rate}
    known = other.scheme.name in catalogue()
    words = ["verify", "report", "--scheme", other.scheme.name if known else "FILE.toml", "--regime", other.regime]
    for n in other.free:
        words += ["--set", f"{n}={numbers[n]}"] if n in numbers else []
    words += ["--gamma", str(gamma), "--order", str(order), "-o", f"{other.scheme.name}-{other.regime}.html"]
    return shlex.join(words)


def solved(expression: Expression, name: str, target: Fraction, values: Values) -> Fraction | None:
    """The x with expression(x) = target for a linear fractional expression; None where there is none.

    Such an f keeps cross ratios: (f(x), f(0); f(1), f(2)) = (x, 0; 1, 2), which is linear in x.

    >>> solved(parse_expression("(1 - lam*gamma/2)/(1 + lam*gamma/2)", "example"), "lam", Fraction(1, 3), {"gamma": Fraction(1)})
    Fraction(1, 1)
    """
    def f(x: Fraction) -> Fraction:
        return evaluate(expression, {**values, name: x})

    try:
        at = [f(Fraction(k)) for k in (0, 1, 2)]
        for k in (0, 1, 2):
            if at[k] == target:
                return Fraction(k)
        ratio = (target - at[1]) * (at[0] - at[2]) / ((target - at[2]) * (at[0] - at[1]))
        x = (2 - 2 * ratio) / (2 - ratio)
        return x if f(x) == target else None
    except (DeriveError, ZeroDivisionError):
        return None


__all__ = ["Scaled", "scaled_regimes", "set_numbers", "solved"]
