"""Linear stability: for which curvatures h the iterates on L = h theta^2/2 tend to zero, as exact inequalities.

With q = gamma h the characteristic polynomial P(z) = det(z E - M) has all roots inside the unit disc exactly when
(Jury 1962; Schur-Cohn)

    P(1) > 0,   (-1)^d P(-1) > 0,   and |a_0| < a_d for P and for its Schur transforms (a_d P - a_0 P*)/z down to degree 2.

The interval of q is bounded by roots of these conditions; which roots bound it is found at sample parameters inside the
scheme's ranges and stated only where all samples agree (a minimum of several expressions where they do not).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError, UsageError
from derive.readings.bounds import stable_interval
from derive.result import Described, named
from derive.scheme import Configuration, Scheme, configure, load_scheme
from derive.scheme.linear_map import linear_map


@dataclass(frozen=True, repr=False)
class Stability(Described):
    """The characteristic polynomial (coefficients from z^0 up, in q = gamma h), the Jury conditions (each > 0), the interval.

    `q` and `curvature` are the symbols for q and h: these letters, where the scheme has no such names.
    `interval` is (lower, upper) for q = gamma h, exact expressions ('oo' for no bound), or None where no q is strictly stable;
    `weak_interval` where all roots lie on the closed disc, simple on its rim (undamped schemes), else None.
    """

    configuration: Configuration
    polynomial: tuple[Ratio, ...]
    conditions: tuple[Ratio, ...]
    interval: tuple[str, str] | None
    weak_interval: tuple[str, str] | None
    q: str
    curvature: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """Symbols besides q that the polynomial contains."""
        used = {s for c in self.polynomial for s in c.symbols()}
        return tuple(s for s in self.polynomial[0].ring.symbols if s in used and s != self.q)

    def spectral_radius(self, q: Any, values: Mapping[str, Any] | None = None) -> float:
        """max |root| of P at numbers (floating point: a check, not part of any result)."""
        import numpy as np

        numbers = {self.q: float(q)} | {n: float(Fraction(v) if isinstance(v, str) else v) for n, v in (values or {}).items()}
        return float(max(abs(np.roots([at_numbers(c, numbers) for c in reversed(self.polynomial)])), default=0.0))

    def describe(self) -> str:
        ends = self.interval or self.weak_interval
        return f"{named(self.configuration)}: " + (f"{ends[0]} < gamma*{self.curvature} < {ends[1]}" if ends else "never stable")

    def to_json(self) -> dict[str, Any]:
        """`interval` (two expressions for gamma*h), `polynomial` (coefficients of z^0, z^1, ...), `conditions` (each > 0)."""
        return {
            "polynomial": [str(c) for c in self.polynomial],
            "conditions": [f"{c} > 0" for c in self.conditions],
            "interval": list(self.interval) if self.interval else None,
            "weak_interval": list(self.weak_interval) if self.weak_interval else None,
            self.q: f"gamma*{self.curvature}",
        }


def stability(
    scheme: str | Path | Scheme,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Stability:
    """The stability interval of a scheme on quadratics.

    Raises ReductionError for schemes that are no linear map of the state there (the reason is in the message).
    Source: heavy ball 2(1+beta), Polyak 1964; Nesterov (2+2 beta)/(1+2 beta).

    >>> stability("momentum").interval
    ('0', '2*(1 + beta)')
    """
    configuration = configure(load_scheme(scheme), regime, settings)
    linear = linear_map(configuration)
    q = configuration.fresh("q")
    ring = Ring([q, *(s for s in linear.ring.symbols if s != linear.curvature)])
    curvature = ring.symbol(q) / ring.symbol("gamma")
    polynomial = [c.substitute({linear.curvature: curvature}, ring) for c in _minimal(linear.polynomial())]
    conditions = jury_conditions(polynomial)
    strict = weak = None
    if all(conditions):
        strict = stable_interval(configuration, conditions, q)
    if strict is None and len(polynomial) == 3 and not all(conditions):
        weak = stable_interval(configuration, [c for c in conditions if c], q)
    shown = tuple(c for c in conditions if not c.is_number)
    return Stability(configuration, tuple(polynomial), shown, strict, weak, q, linear.curvature)


def _minimal(polynomial: list[Ratio]) -> list[Ratio]:
    """Without roots z = 0: memory that does not outlive a step."""
    while len(polynomial) > 2 and not polynomial[0]:
        polynomial = polynomial[1:]
    return polynomial


def jury_conditions(polynomial: Sequence[Ratio]) -> list[Ratio]:
    """Expressions whose joint positivity puts all roots inside the unit disc; the leading coefficient must be 1.

    >>> ring = Ring(["a", "b"]); a, b = ring.symbol("a"), ring.symbol("b")
    >>> [str(c) for c in jury_conditions([b, a, ring.one])]
    ['(1 + a + b)', '(1 - a + b)', '(1 - b)', '(1 + b)']
    """
    ring = polynomial[0].ring
    degree = len(polynomial) - 1
    plus = sum(polynomial, ring.zero)
    minus = sum((c.scaled((-1) ** (degree - k)) for k, c in enumerate(polynomial)), ring.zero)
    result = [plus.reduced(), minus.reduced()]
    current = list(polynomial)
    while len(current) > 2:
        first, last = current[0], current[-1]
        result += [(last - first).reduced(), (last + first).reduced()]
        size = len(current)
        current = [(last * current[k + 1] - first * current[size - 2 - k]).reduced() for k in range(size - 1)]
    return result


def at_numbers(c: Ratio, values: Mapping[str, float]) -> float:
    """A coefficient at floating-point numbers; UsageError where a symbol has no value."""
    for name in sorted(c.symbols() - set(values)):
        raise UsageError(f"'{name}' has no value; set it with --set {name}=...")
    return float(c.at(values, float))


__all__ = ["ReductionError", "Stability", "jury_conditions", "stability"]
