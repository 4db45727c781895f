"""Solutions of ordinary differential equations to many digits, by Taylor series.

    x' = F(x),   F = w_0 F_0 + w_1 F_1 + ...,      x(t + h) = sum_(k<=p) x_k h^k,   x_(k+1) = (w . F)_k / (k + 1)

The coefficients come from the tape of F (`numbers.tape`): nothing is differentiated by hand, any field written with + - * / **
and elementary functions will do.  For D digits the step is h = rho/e^2 and the order p about D ln(10)/2, the pair that
minimises p^2/h (Jorba & Zou, Experimental Mathematics 14, 2005); rho is the radius of convergence as the last two
coefficients show it.  Where the end is nearer than that, another length h goes with the order p = D ln(10)/ln(rho/h).  The
truncation error of a step is estimated, not enclosed; the rounding is enclosed, because the arithmetic is on balls, and a run
whose balls grow beyond the wanted accuracy is repeated with more bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, exp, floor, inf, log
from typing import Any

import mpmath
from flint import arb

from verify.numbers.precision import bits_of, precision, to_mpf
from verify.numbers.recurrences import Coefficients, number
from verify.numbers.tape import Tape, advance

Field = Callable[[Sequence[Any]], Sequence[Any]]
Fields = Callable[[Sequence[Any]], Sequence[Sequence[Any]]]

#: bits kept beyond the wanted accuracy; a run that loses more is repeated with twice as many
GUARD = 40
MAX_STEPS = 20_000
#: exponents b below this count as b <= 0 in `_ended`: those that stand for a finite end are 1/2, 1/3, ... for simple fields
FINITE = 0.04


class IntegrationError(ArithmeticError):
    """The solution ends before the wanted time, or needs too many steps."""


class BlowUpError(IntegrationError):
    """The solution leaves every bound in finite time, although the field is finite wherever it goes: x' = x^2."""


class SingularFieldError(IntegrationError):
    """The solution reaches a finite point at which the field is singular (a zero under a root, in a denominator): x' = -1/x."""


class Flow:
    """The flow of a combination of vector fields that share one computation.

    `fields` maps a point (a list of numbers of any type) to the list of vectors F_0, F_1, ...; it is called once, to be
    recorded.  The truncations of a modified equation are the weights (1,), (1, gamma), (1, gamma, gamma^2), ...
    """

    def __init__(self, fields: Fields, dimension: int) -> None:
        self.tape = Tape(dimension)
        self.outputs = [[self.tape.lift(c) for c in vector] for vector in fields(self.tape.inputs)]
        self._wanted: dict[int, list[int]] = {}

    def wanted(self, count: int) -> list[int]:
        """Operations that the first `count` fields need."""
        if count not in self._wanted:
            nodes = [node for vector in self.outputs[:count] for node in vector]
            self._wanted[count] = self.tape.needed([*nodes, *self.tape.inputs])
        return self._wanted[count]

    def _values(self, point: Sequence[Any]) -> list[Coefficients]:
        series: list[Coefficients] = [[] for _ in self.tape.operations]
        for node, x in zip(self.tape.inputs, point, strict=True):
            series[node.index].append(number(x))
        advance(self.tape.rules(series, self.wanted(len(self.outputs))), 0)
        return series

    def value(self, point: Sequence[Any]) -> list[list[Any]]:
        """Every field at a point, as balls at the present precision."""
        series = self._values(point)
        return [[series[node.index][0] for node in vector] for vector in self.outputs]

    def under_signs(self, point: Sequence[Any]) -> list[Any]:
        """The arguments of sign and abs in the fields, at a point: the fields are not smooth where one vanishes."""
        series = self._values(point)
        operations = self.tape.operations
        return [series[operations[i][1][0]][0] for i in self.wanted(len(self.outputs)) if operations[i][0] == "sign"]

    def coefficients(self, start: Sequence[Any], order: int, weights: Sequence[Any] = (1,)) -> list[Coefficients]:
        """x_0, ..., x_order of every component of the solution that starts at `start`."""
        series: list[Coefficients] = [[] for _ in self.tape.operations]
        inputs = [series[node.index] for node in self.tape.inputs]
        for x, value in zip(inputs, start, strict=True):
            x.append(value)
        rules = self.tape.rules(series, self.wanted(len(weights)))
        for k in range(order):
            advance(rules, k)
            for i, x in enumerate(inputs):
                slope = arb(0)
                for weight, vector in zip(weights, self.outputs, strict=False):
                    slope += weight * series[vector[i].index][k]
                x.append(slope / (k + 1))
        return inputs

    def radius(self, start: Sequence[Any], digits: int = 30) -> float:
        """Radius of convergence of the solution of x' = F_0(x) at a point, as its Taylor coefficients show it."""
        with precision(bits_of(digits) + GUARD):
            return _radius(self.coefficients([number(x) for x in start], 30))

    def integrate(
        self, start: Sequence[Any], time: Any, digits: int, weights: Sequence[Any] = (1,), radius: float | None = None
    ) -> list[Any]:
        """The solution at `time` (of either sign) as balls, right to about `digits` digits after the point.

        `radius`, where it is known, is the radius of convergence at the start: it lets the first step be planned.

        Raises BlowUpError, SingularFieldError or another IntegrationError when the solution does not reach that far.
        """
        guard = GUARD
        while True:
            with precision(bits_of(digits) + guard):
                point = self._run([number(x) for x in start], number(time), digits, [number(w) for w in weights], radius)
                if all(x.rad() <= arb(10) ** -digits * (1 + abs(x.mid())) for x in point):
                    return point
            if guard > 64 * GUARD:
                raise IntegrationError("rounding errors grow too fast along this solution; take a shorter time")
            guard *= 2

    def _run(self, point: list[Any], time: Any, digits: int, weights: Sequence[Any], radius: float | None) -> list[Any]:
        left = time
        approach: list[tuple[float, float]] = []
        for _ in range(MAX_STEPS):
            order, planned = _plan(abs(float(left)), radius, digits)
            coefficients = self.coefficients(point, order, weights)
            if not approach and not all(c[1].is_finite() for c in coefficients):
                raise _ended(approach, 0.0, point)
            radius = _radius(coefficients)
            longest = radius * exp(-digits * log(10) / (order - 2))
            if not longest > 1e-12 * abs(float(time)):
                raise _ended(approach, float(time - left), point)
            approach.append((radius, _speed(coefficients)))
            last = abs(float(left)) <= longest
            length = min(longest, planned)
            step = left if last else arb(length if float(left) > 0 else -length)
            point = [_horner(c, step) for c in coefficients]
            if last:
                return point
            left -= step
        raise IntegrationError(f"more than {MAX_STEPS} steps; take a shorter time")


def _plan(left: float, radius: float | None, digits: int) -> tuple[int, float]:
    """The order and the longest step: m equal steps of length h need the order p = D ln(10)/ln(rho/h), the m of least m p^2.

    >>> _plan(1.0, 8.0, 30), _plan(1.0, 4.0, 30)
    ((36, 1.0), (36, 0.5))
    """
    if radius is None:
        return max(8, ceil(digits * log(10) / 2) + 2), inf
    best = left * exp(2) / radius
    plans = []
    for count in {max(1, floor(best)), ceil(best)}:
        order = max(8, ceil(digits * log(10) / log(radius * count / left)) + 2)
        plans.append((count * order**2, order, left / count))
    return min(plans)[1:]


def _horner(coefficients: Coefficients, step: Any) -> Any:
    value = arb(0)
    for c in reversed(coefficients):
        value = value * step + c
    return value


def _radius(coefficients: Sequence[Coefficients]) -> float:
    """min of |x_k|^(-1/k) over the last two orders, relative to the size of x; the largest component counts."""
    order = len(coefficients[0]) - 1
    size = max(1e-30, max(float(abs(c[0]).mid()) for c in coefficients))
    found = 1e6
    for k in (order - 1, order):
        largest = max((abs(c[k]).mid() for c in coefficients), key=float)
        if largest > 0:
            found = min(found, float((arb(size) / largest).log()) / k)
    return exp(min(found, 13.0))


def _speed(coefficients: Sequence[Coefficients]) -> float:
    return max(float(abs(c[1]).mid()) for c in coefficients)


def _ended(approach: Sequence[tuple[float, float]], time: float, point: Sequence[Any]) -> IntegrationError:
    """What happened at the end of a solution, from its (distance d to the singularity, speed) on the way there.

    If x moves like d^b, the speed is like d^(b-1): b > 0 ends at a finite point (x' = -1/x: b = 1/2), b <= 0 does not
    (x' = x^2: b = -1; x' = e^x, logarithmically: b = 0).
    """
    near = [(log(d), log(speed)) for d, speed in approach if 0 < d < inf and 0 < speed < inf]
    last = near[-1] if near else (0.0, 0.0)
    far = next((p for p in reversed(near) if p[0] > last[0] + log(100)), None)
    if far is not None and 1 + (last[1] - far[1]) / (last[0] - far[0]) < FINITE:
        return BlowUpError(f"the solution leaves every bound at time {time:.4g}")
    place = ", ".join(f"{float(x.mid()):.4g}" for x in point)
    return SingularFieldError(f"the field is singular near ({place}), where the solution is at time {time:.4g}")


def integrate(field: Field, start: Sequence[Any], time: Any, digits: int = 50) -> list[mpmath.mpf]:
    """The solution of x' = field(x) at `time`, to `digits` digits, as mpmath numbers.

    `field` takes and returns a list of numbers and must work with any type that has + - * / ** and, where it needs them,
    the methods sqrt, exp, log, sin, ...  Time as an argument of the field: give it as a component with slope 1.

    >>> e, = integrate(lambda x: [x[0]], [1], 1, digits=40)
    >>> mpmath.nstr(e, 30)
    '2.71828182845904523536028747135'
    """
    flow = Flow(lambda x: [field(x)], len(start))
    return [to_mpf(x) for x in flow.integrate(start, time, digits)]


__all__ = ["BlowUpError", "Flow", "IntegrationError", "SingularFieldError", "bits_of", "integrate", "precision", "to_mpf"]
