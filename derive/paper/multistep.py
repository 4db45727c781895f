"""Linear multistep schemes: rho(E) theta = gamma sigma(E) f(theta), E the shift by one step, and mu(z) = z sigma(e^z)/rho(e^z).

The update is run on linear forms in the state with coefficients in z (the shift).  Memory that is linear in theta and in
gradients at theta, theta_prev or theta_next is eliminated by Cramer's rule; heavy ball becomes a two-step scheme:

    z X = M X + b G,   theta = N(z)/det(z E - M) G        ->    rho = det, sigma = N/gamma, common factors cancelled
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

from flint import fmpq

from derive.algebra.calculus import Derivative
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.engine.run import Derivation
from derive.language import Call, Expression
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form, LinearForms

_GRAD, _AHEAD = "(grad)", "theta_next"


class _NotLinearError(Exception):
    """The scheme is no linear multistep scheme."""


@dataclass(frozen=True, eq=False)
class Multistep:
    """sum_j rho_j theta_{n+j} = gamma sum_j sigma_j f(theta_{n+j}), and mu_k of mu(z) = sum_k mu_k z^k."""

    rho: tuple[Ratio, ...]
    sigma: tuple[Ratio, ...]
    mu: tuple[Ratio, ...]


def multistep(derivation: Derivation) -> Multistep | None:
    """The scheme as a linear multistep scheme with fixed coefficients, or None."""
    c = derivation.configuration
    if derivation.slow != ("theta",) or c.rescaled or c.functions or len(c.scheme.states) > 3:
        return None
    try:
        rho, sigma = _Elimination(c).polynomials()
        mu = _series(rho, sigma, derivation.order)
    except (_NotLinearError, ZeroDivisionError, ValueError):
        return None
    ring = derivation.ring
    carried = [tuple(x.substitute({}, ring).reduced() for x in values) for values in (rho, sigma, mu)]
    return Multistep(*carried)


class _Elimination(LinearForms):
    """The update where a gradient at theta_prev, theta or theta_next is 1, z, z^2 times the first of them."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration, Ring(["gamma", *(n for n in configuration.free if n != "gamma")]))
        self.z = self.ring.n  # the shift takes the place of the step number

    def polynomials(self) -> tuple[list[Ratio], list[Ratio]]:
        states, rows = self.scheme.states, self.run().values()
        one, zero = self.ring.one, self.ring.zero
        matrix = []
        for i, (s, row) in enumerate(zip(states, rows, strict=True)):
            line = [(self.z if i == j else zero) - row.get(x, zero) for j, x in enumerate(states)]
            line[states.index("theta")] = line[states.index("theta")] - self.z * row.get(_AHEAD, zero)
            if row.get(""):
                raise _NotLinearError(s)
            matrix.append(line)
        column = [row.get(_GRAD, zero) for row in rows]
        position = states.index("theta")
        replaced = [[*line[:position], b, *line[position + 1 :]] for line, b in zip(matrix, column, strict=True)]
        rho, sigma = self.z * _determinant(matrix, one), _determinant(replaced, one)
        if self.scheme.label == "L":
            sigma = -sigma
        result = self._cancelled(rho.reduced(), (sigma / self.ring.symbol("gamma")).reduced())
        if any(x and "gamma" in x.symbols() for values in result for x in values):
            raise _NotLinearError("the coefficients depend on gamma")
        return result

    def _cancelled(self, rho: Ratio, sigma: Ratio) -> tuple[list[Ratio], list[Ratio]]:
        """Coefficients by powers of z, without common factors, rho monic."""
        ring = self.ring
        r, s = rho.num * ring.expand(sigma.den), sigma.num * ring.expand(rho.den)
        common = r.gcd(s)
        parts = [ring.by_powers_of_n(p // common) for p in (r, s)]
        lead = Ratio(ring, parts[0][max(parts[0])], ())
        degree = max(max(p) for p in parts)
        result = [[Ratio(ring, p.get(j, ring.zero.num), ()) / lead for j in range(degree + 1)] for p in parts]
        return result[0], result[1]

    def gradient(self, point: Form, node: Call) -> Form:
        for k, name in enumerate(("theta_prev", "theta", _AHEAD)):
            if point == {name: self.ring.one}:
                return {_GRAD: self.z**k if k else self.ring.one}
        raise self.refuse("a gradient at another point")

    def refuse(self, problem: str, node: Expression | None = None) -> _NotLinearError:
        return _NotLinearError(problem)


def _determinant(matrix: list[list[Ratio]], one: Ratio) -> Ratio:
    """Expansion along the first row: no division, so that z stays in numerators."""
    if not matrix:
        return one
    total = one - one
    for j, a in enumerate(matrix[0]):
        if a:
            minor = _determinant([row[:j] + row[j + 1 :] for row in matrix[1:]], one)
            total = total + (a * minor).scaled((-1) ** j)
    return total


def _series(rho: list[Ratio], sigma: list[Ratio], order: int) -> list[Ratio]:
    """mu_0, ..., mu_order of z sigma(e^z)/rho(e^z), with e^(jz) = sum_k j^k z^k/k!."""
    zero = rho[0] - rho[0]

    def moment(values: list[Ratio], k: int) -> Ratio:
        return sum((c.scaled(fmpq(j**k, factorial(k))) for j, c in enumerate(values)), zero).reduced()

    if moment(rho, 0):
        raise _NotLinearError("rho(1) is not zero")
    below = [moment(rho, k + 1) for k in range(order + 1)]
    mu: list[Ratio] = []
    for k in range(order + 1):
        rest = sum((below[j] * mu[k - j] for j in range(1, k + 1)), zero)
        mu.append(((moment(sigma, k) - rest) / below[0]).reduced())
    return mu


# ---------------------------------------------------------------------------------------------- iterative substitution


def time_derivatives(algebra: Algebra, label: str, mu: tuple[Ratio, ...]) -> tuple[list[list[Sum]], list[Sum]]:
    """(D, field): D[m][j] is the coefficient of gamma^j in D^m f along the flow of field_0 + gamma field_1 + ...,

    field_k = sum_{m=0..k} mu_m D[m][k - m],      D[m][j] = sum_{i<=j} (d D[m-1][j-i])[field_i].
    """
    f = algebra.node_sum(label, [])
    if label == "L":
        f = {t: -c for t, c in f.items()}
    table: list[list[Sum]] = [[f]]
    field: list[Sum] = []
    moves: list[Derivative] = []
    for k in range(len(mu)):
        if k:
            table.append([])
            for m in range(1, k + 1):
                j = k - m
                value: Sum = {}
                for i in range(j + 1):
                    if j - i < len(table[m - 1]):
                        accumulate(value, moves[i](table[m - 1][j - i]))
                table[m].append(reduced(value))
        total: Sum = {}
        for m in range(k + 1):
            if k - m < len(table[m]):
                accumulate(total, algebra.scale(table[m][k - m], mu[m]))
        field.append(reduced(total))
        moves.append(Derivative(algebra, {"theta": field[k]}))
    return table, field
