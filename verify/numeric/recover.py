"""The coefficients of the field from numerical runs alone.

On the slow manifold theta_n = x(n gamma), so the field at a point is the derivative of the iterates in n,

    F(x; gamma) = (1/gamma) log(1 + Delta) theta_0 = (1/gamma) (Delta - Delta^2/2 + Delta^3/3 - ...) theta_0 + O(gamma^K),

K steps of the scheme from the slow memory of x.  F is taken at gamma_i = i 10^-s, i = 1..K, and extrapolated (the polynomial in
gamma through the K values; its coefficients are f_0, f_1, ..., right to about gamma^(K-k) at power k).  At enough points and
losses the vectors f_k are linear equations for the coefficients of the terms of power k; the system is overdetermined, and its
residual tells whether terms are missing.  Each solution is then named by the first convergent of its continued fraction that
fits: a random number is within delta of some fraction with denominator up to q with probability about q^2 delta, whose
logarithm is the stated confidence.

Precision.  Dividing out gamma^k costs s k digits, and the differences as many: s (K + 1) digits and 30 more are carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, inf, log10
from typing import Any

import mpmath
from flint import arb, arb_mat, fmpq, fmpq_poly

from verify.numbers.independence import independent
from verify.numbers.precision import bits_of, precision, to_mpf
from verify.numbers.recurrences import number
from verify.orbits.slow_balls import NumericError, System, differences, newton_matrix, relaxed, slow_memory

#: decimal places of gamma: gamma_i = i 10^-SCALE
SCALE = 14
#: at most so large is the second difference of a run, relative to the first: then its powers of gamma are far apart
STEADY = 1e-9
#: a fraction is accepted when a random number would fit with probability below 10^-CONFIDENCE
CONFIDENCE = 6.0


@dataclass(frozen=True)
class Recovered:
    """One coefficient: of `term` in the gamma^power part of variable'.

    `value` is what the runs gave, within about `error`; `fraction` the rational it was identified as (None if none fits),
    `confidence` the digits by which it fits better than chance, `predicted` the field's own coefficient.  A term that the
    samples do not separate from others (it is a combination of them, on these losses or on all) is `held` at its predicted
    value.
    """

    variable: str
    power: int
    term: str
    value: mpmath.mpf
    fraction: Fraction | None
    confidence: float
    predicted: Fraction | mpmath.mpf
    error: float = 0.0
    held: bool = False

    @property
    def agrees(self) -> bool:
        """The fractions are equal; where none was identified, the numbers are, to ten digits at least."""
        if self.held or (isinstance(self.predicted, Fraction) and self.fraction is not None):
            return self.held or self.fraction == self.predicted
        distance = abs(float(self.value - _mpf(self.predicted)))
        return distance <= self.error and self.error <= 1e-10 * abs(float(self.value))

    def to_json(self) -> dict[str, Any]:
        return {
            "variable": self.variable,
            "power": self.power,
            "term": self.term,
            "value": mpmath.nstr(self.value, 25),
            "recovered": None if self.fraction is None else str(self.fraction),
            "confidence_digits": round(min(self.confidence, 999.0), 1),
            "predicted": str(self.predicted),
            "error": self.error,
            "held": self.held,
            "agrees": self.agrees,
        }


@dataclass(frozen=True)
class Recovery:
    """All coefficients; `residuals[(variable, power)]` is what the overdetermined equations leave, relative to f_k."""

    coefficients: tuple[Recovered, ...]
    residuals: Mapping[tuple[str, int], float]

    @property
    def complete(self) -> bool:
        """Whether the listed terms account for the whole field, to twelve digits."""
        return all(r < 1e-12 for r in self.residuals.values())

    @property
    def confirmed(self) -> bool:
        return self.complete and all(c.agrees for c in self.coefficients)

    def to_json(self) -> list[dict[str, Any]]:
        return [c.to_json() for c in self.coefficients]


def _mpf(value: Fraction | mpmath.mpf) -> mpmath.mpf:
    with precision(bits_of(60)):
        return to_mpf(number(value))


_HUGE = mpmath.mpf(2) ** 20_000


def identify(value: Any, error: float, largest: int = 10**30) -> tuple[Fraction | None, float]:
    """The simplest fraction within `error` of a number (Fraction or mpf), and its confidence in digits.

    >>> identify(Fraction(333333333333333333, 10**18), 1e-17)[0]
    Fraction(1, 3)
    >>> identify(mpmath.mpf("1e999999999"), 1e-17), identify(mpmath.mpf("1e-999999999"), 1e-17)[0]
    ((None, 0.0), Fraction(0, 1))
    """
    if not isinstance(value, Fraction) and abs(value) > _HUGE:  # its fraction alone would fill the memory
        return None, 0.0
    x = value if isinstance(value, Fraction) else _fraction(value) if abs(value) > 1 / _HUGE else Fraction(0)
    p, q, before, below = 1, 0, 0, 1
    rest = x
    while True:
        digit = rest.numerator // rest.denominator
        p, q, before, below = digit * p + before, digit * q + below, p, q
        if q > largest:
            return None, 0.0
        if abs(Fraction(p, q) - x) <= error:
            confidence = -log10(error) - 2 * log10(q) - log10(2) if error else inf
            return (Fraction(p, q), confidence) if confidence >= CONFIDENCE else (None, confidence)
        rest = 1 / (rest - digit)


def _fraction(value: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    whole, power = int(mantissa), int(exponent)
    return Fraction(-whole if sign else whole) * (Fraction(2**power) if power >= 0 else Fraction(1, 2**-power))


# ------------------------------------------------------------------------------------------ the field from runs


def field_from_runs(system: System, point: Sequence[Any], extra: int = 3) -> list[list[Any]]:
    """f_0, ..., f_N at a point, as balls without radius; right to about SCALE*(extra + N - k) digits at power k.

    >>> # gradient descent on x**2/2: f = log(1 - gamma)/gamma = -1 - gamma/2 - ...
    >>> gd = System(lambda s, h: [s[0] - h * s[0]], lambda x: [[-x[0]]], (Fraction(1),), (), ("x",), order=1)
    >>> [round(float(f.mid()), 9) for (f,) in field_from_runs(gd, [1])]
    [-1.0, -0.5]
    """
    count = system.order + 1 + extra
    digits = SCALE * (count + 1) + 30
    with precision(bits_of(digits)):
        slow = [number(x) for x in point]
        accuracy = arb(10) ** (-SCALE * (count + 1))
        values: list[list[Any]] = []
        memories: list[list[Any]] = []
        inverse = None
        for i in range(1, count + 1):
            gamma = number(Fraction(i, 10**SCALE))
            guess = _continued(memories) if memories else relaxed(system, slow, gamma) if system.rest else []
            if inverse is None and system.rest:
                inverse = newton_matrix(system, [*slow, *guess], gamma, count)
            memories.append(slow_memory(system, slow, gamma, count, accuracy, guess, inverse=inverse))
            states = system.run([*slow, *memories[-1]], gamma, count)
            values.append(_logarithm(states, system.slow_size, gamma))
        weights = interpolation(count)
        rows = []
        for k in range(system.order + 1):
            scale = arb(10) ** (SCALE * k)
            columns = zip(*values, strict=True)
            rows.append([(scale * sum((w * v for w, v in zip(weights[k], c, strict=True)), arb(0))).mid() for c in columns])
        return rows


def _continued(memories: Sequence[Sequence[Any]]) -> list[Any]:
    """The next of some vectors at gamma = 1, 2, ..., n: Delta^n = 0, which memory obeys up to gamma^n."""
    n = len(memories)
    weights = [(-1) ** (n - 1 - i) * comb(n, i) for i in range(n)]
    return [sum((m * w for m, w in zip(column, weights, strict=True)), arb(0)).mid() for column in zip(*memories, strict=True)]


def _logarithm(states: Sequence[Sequence[Any]], size: int, gamma: Any) -> list[Any]:
    """log(1 + Delta)/gamma of the slow coordinates."""
    table = differences([list(s[:size]) for s in states])
    first, second = (max((abs(float(x)) for x in table[j]), default=0.0) for j in (1, 2))
    if not second <= STEADY * first < inf:
        raise NumericError(f"coefficients are too large: at gamma = {float(gamma):.0e} the runs do not move steadily")
    return [sum((table[j][i] * (-1) ** (j + 1) / j for j in range(1, len(table))), arb(0)) / gamma for i in range(size)]


def interpolation(count: int, through_zero: bool = False) -> list[list[Any]]:
    """weights[k][i]: the coefficient of z^k of the polynomial through (i, v_i), i = 1..count, is sum_i weights[k][i] v_i.

    `through_zero` adds the node 0 with the value 0.
    """
    nodes = range(1, count + 1)
    columns = []
    for i in nodes:
        basis = fmpq_poly([0, fmpq(1, i)]) if through_zero else fmpq_poly([1])
        for j in nodes:
            if j != i:
                basis *= fmpq_poly([fmpq(-j, i - j), fmpq(1, i - j)])
        columns.append(basis)
    return [[arb(basis[k]) for basis in columns] for k in range(count)]


# ------------------------------------------------------------------------------------------ the linear equations


@dataclass(frozen=True)
class Unknown:
    """A term whose coefficient is wanted, and the predicted one."""

    term: str
    predicted: Fraction | mpmath.mpf


@dataclass(frozen=True)
class Sample:
    """A system, and every term's components at its start."""

    system: System
    terms: Mapping[str, Sequence[Any]]


def recover(
    samples: Sequence[Sample],
    unknowns: Mapping[str, Sequence[Sequence[Unknown]]],
    slots: Mapping[str, tuple[int, int]],
    powers: Sequence[int],
) -> Recovery:
    """Solve for the coefficients at every wanted power.

    `unknowns[variable][k]` are the terms of power k; `slots[variable]` is the range of slow coordinates that belong to the
    variable.

    Raises NumericError where the runs fail.
    """
    fields = [field_from_runs(sample.system, sample.system.start) for sample in samples]
    found: list[Recovered] = []
    residuals: dict[tuple[str, int], float] = {}
    with precision(bits_of(SCALE * 3 + 60)):
        for variable, by_power in unknowns.items():
            low, high = slots[variable]
            for k in powers:
                right = [x for f in fields for x in f[k][low:high]]
                matrix = _matrix(samples, [u.term for u in by_power[k]], high - low)
                solved, residuals[variable, k] = _solved(variable, k, by_power[k], matrix, right)
                found += solved
    return Recovery(tuple(found), residuals)


def _solved(
    variable: str, power: int, unknowns: Sequence[Unknown], matrix: list[list[Any]], right: list[Any]
) -> tuple[list[Recovered], float]:
    """The coefficients of one power: held terms go to the right side with their predicted values, the rest is solved for."""
    free, rows = independent(matrix, len(unknowns))
    held = [j for j in range(len(unknowns)) if j not in free]
    rest = [b - sum((row[j] * number(unknowns[j].predicted) for j in held), arb(0)) for row, b in zip(matrix, right, strict=True)]
    solution, errors, residual = _solution([[row[j] for j in free] for row in matrix], rest, rows)
    named = {j: _named(variable, power, unknowns[j], x, e) for j, x, e in zip(free, solution, errors, strict=True)}
    for j in held:
        p = unknowns[j].predicted
        exact = p if isinstance(p, Fraction) else None
        named[j] = Recovered(variable, power, unknowns[j].term, to_mpf(number(p)), exact, 0.0, p, held=True)
    return [named[j] for j in range(len(unknowns))], residual


def _matrix(samples: Sequence[Sample], terms: Sequence[str], size: int) -> list[list[Any]]:
    columns = [[x for sample in samples for x in sample.terms[term]] for term in terms]
    rows = len(samples) * size
    if any(len(c) != rows for c in columns):
        raise NumericError("a term has another number of components than its variable")
    return [[c[i] for c in columns] for i in range(rows)]


def _solution(
    matrix: Sequence[Sequence[Any]], right: Sequence[Any], rows: Sequence[int]
) -> tuple[list[Any], list[float], float]:
    """The solution of the equations `rows`, its error, and what it leaves of all equations, relative to the right side.

    The error of a component is the row of the inverse, in absolute value, times what is not known of the right side: the residual
    found, or 10^(-5/2 SCALE): three nodes more than the order leave about 10^(-3 SCALE).
    """
    size = max([abs(float(x)) for x in right], default=0.0)
    if not rows:
        return [], [], 0.0 if size < 10.0 ** (4 - SCALE) else 1.0
    inverse = arb_mat([list(matrix[i]) for i in rows]).inv()
    solution = inverse * arb_mat(len(rows), 1, [right[i] for i in rows])
    rest = arb_mat([list(row) for row in matrix]) * solution
    residual = max(abs(float((rest[i, 0] - b).mid())) for i, b in enumerate(right))
    doubt = max(residual, 10.0 ** (-2.5 * SCALE) * (1 + size))
    count = range(len(rows))
    errors = [doubt * sum(abs(float(inverse[i, j].mid())) for j in count) for i in count]
    return [solution[i, 0].mid() for i in count], errors, residual / (1 + size)


def _named(variable: str, power: int, unknown: Unknown, value: Any, error: float) -> Recovered:
    exact = to_mpf(value)
    fraction, confidence = identify(exact, 10 * error)
    return Recovered(variable, power, unknown.term, exact, fraction, confidence, unknown.predicted, 10 * error)
