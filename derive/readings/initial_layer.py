"""The initial layer: a scheme started from rest, off the slow manifold, and the shifted point from which its flow starts.

    theta_n = sum_k gamma^k sum_m P_{k,m}(n, rho^n) m,    P a polynomial in n and the relaxation factors' powers rho^n

solves the scheme from rest exactly (memory as the scheme's [initial] says, 0 by default; theta_prev = theta).  Without the
decaying parts it is the modified flow started from  theta_0 + gamma c_1 + gamma^2 c_2 + ...,  c_k = P_k(n = 0, rho^n -> 0).
Source: heavy ball c_1 = beta/(1-beta)^2 grad L (initial layer of Kovachki & Stuart, JMLR 22(17), 2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.algebra.linear import null_vector
from derive.algebra.sequences import coefficient_of_n
from derive.algebra.sums import Sum, reduced
from derive.algebra.transients import TransientSolver
from derive.engine.run import Component, Derivation
from derive.engine.series import Magnitude, Power
from derive.equation import ModifiedEquation, TermSum, check_order, modified_equation
from derive.errors import ReductionError
from derive.scheme import Configuration, Scheme, configure, load_scheme
from derive.writing.series import blocks, evaluated


@dataclass(frozen=True, eq=False)
class InitialLayer:
    """The flow of theta from rest starts at theta_0 + sum_k gamma^k shift[k] (shift[0] = 0).

    `transient[k]` is the decaying part of theta_n at gamma^k; its coefficients contain n and the symbols of `factors`, each
    standing for rho^n: theta_n = flow(n gamma) from the shifted point + sum_k gamma^k transient[k].
    """

    equation: ModifiedEquation
    shift: tuple[TermSum, ...]
    transient: tuple[TermSum, ...]
    factors: Mapping[str, Ratio]

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[list[str]]:
        """values[k][i]: component i of the shift's coefficient of gamma^k at a point."""
        return evaluated(self.equation, self.shift, loss, at, digits)

    def to_json(self) -> dict[str, Any]:
        """`shift` and `transient` (lists by power), `factors`: symbol -> rho, the symbol being rho^n."""
        return {
            "shift": blocks(self.shift),
            "transient": blocks(self.transient),
            "factors": {name: str(rho) for name, rho in self.factors.items()},
        }


def initial_layer(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> InitialLayer:
    """The shift of the starting point through gamma^order, and the transient, for a scheme started from rest.

    Raises ReductionError where the transient is no finite sum of n^a rho^(b n): under a root or in a denominator (Adam), with
    a factor 0 or one that does not decay, with memory variables that relax together.

    >>> layer = initial_layer("momentum", 1)
    >>> str(layer.shift[1]), str(layer.transient[1])
    ('beta/(1 - beta)**2*grad', '-beta*z/(1 - beta)**2*grad')
    """
    chosen = load_scheme(scheme)
    configuration = configure(chosen, regime, settings)
    check_order(configuration, order)
    equation = modified_equation(chosen, 0, regime=regime, settings=settings)
    run = TransientDerivation(configuration, max(0, order - 1))
    shifts, transients = [], []
    for k in range(order + 1):
        theta = run.solution["theta"][k] if k else {}
        settled = {t: coefficient_of_n(run.transients.settled(c), 0) for t, c in theta.items()}
        moving = {t: run.transients.moving(c) for t, c in theta.items()}
        shifts.append(TermSum(run.algebra, reduced(settled)))
        transients.append(TermSum(run.algebra, reduced(moving)))
    factors = dict(zip(run.symbols_of_factors, run.transients.factors, strict=True))
    return InitialLayer(equation, tuple(shifts), tuple(transients), factors)


class TransientDerivation(Derivation):
    """The engine with sequences that carry transients, and initial values instead of the slow manifold."""

    transients: TransientSolver

    def __init__(self, configuration: Configuration, order: int) -> None:
        probe = Derivation(configuration, 0)
        factors = _factors(probe)
        self.symbols_of_factors = _fresh_names(probe.ring.symbols, len(factors))
        self._source_factors = factors
        super().__init__(configuration, order)

    def _symbols(self) -> list[str]:
        return [*super()._symbols(), *self.symbols_of_factors]

    def _explore(self) -> list[Component]:
        factors = [f.substitute({}, self.ring) for f in self._source_factors]
        self.transients = TransientSolver(self.ring, self.symbols_of_factors, factors)
        return super()._explore()

    def shift(self, sequence: Ratio) -> Ratio:
        return self.transients.shift(sequence)

    def _solve(self, component: Component, k: int) -> None:
        if k <= 1:
            self._check_roots()
        super()._solve(component, k)

    def _check_roots(self) -> None:
        """No transient may stand under a root, in a denominator or in an absolute value at gamma = 0."""
        for series in list(self.all_series):
            if isinstance(series, Power | Magnitude) and not series.steady:
                before = self.unsolved.copy()
                value = series.x.at(0)
                self.unsolved.clear()
                self.unsolved |= before
                if any(self.transients.has_transient(c) for c in value.values()):
                    powers = ", ".join(f"({f})**n" for f in self.transients.factors)
                    raise self.fail(
                        f"from rest, the transient ({powers}) stands under a root, in a denominator or in an absolute value, "
                        "so the iterates are no finite sum of n^a rho^(b n); start from the slow manifold instead "
                        "(modified-eq --show-memory)",
                        series.place,
                    )

    def _solution(self, component: Component, right: list[Sum], k: int) -> list[Sum]:
        if len(component.names) > 1:
            return self._pair(component, right, k)
        if component.slow:
            if k == 0:
                return [self.symbols[component.slow]]
            return [{t: p for t, c in right[0].items() if (p := self.transients.sum(c))}]
        a = component.matrix[0][0]
        start = self._start(component.names[0], k)
        terms = dict.fromkeys((*right[0], *start))
        zero = self.ring.zero
        return [{t: p for t in terms if (p := self.transients.relax(a, right[0].get(t, zero), start.get(t, zero)))}]

    def _start(self, symbol: str, k: int) -> Sum:
        """The memory's initial value at gamma^k: what the scheme's [initial] says, else zero."""
        variable = next(v for v in self.scheme.states if self.configuration.symbol(v) == symbol)
        expression = self.scheme.initial.get(variable)
        if expression is None:
            return {}
        bindings = {n: self._series(e, {}) for n, e in self.configuration.bindings.items()}
        return self._series(expression, bindings).at(k)

    def _pair(self, component: Component, right: list[Sum], k: int) -> list[Sum]:
        """theta with theta_prev: eigenvalues 1 (l, r) and rho (m, s);  X = r y + s w, both from rest, X_k(0) = 0 for k >= 1."""
        ring, zero = self.ring, self.ring.zero
        if k == 0:
            assert component.slow is not None
            return [self.algebra.scale(self.symbols[component.slow], r) for r in component.right]
        rho = (component.matrix[0][0] + component.matrix[1][1] - ring.one).reduced()
        excess = [[a - (rho if i == j else zero) for j, a in enumerate(row)] for i, row in enumerate(component.matrix)]
        s = null_vector(excess, ring)
        m = null_vector([list(column) for column in zip(*excess, strict=True)], ring)
        assert s is not None
        assert m is not None
        scale = (m[0] * s[0] + m[1] * s[1]).inverse()
        result: list[Sum] = [{}, {}]
        for t in dict.fromkeys((*right[0], *right[1])):
            a, b = right[0].get(t, zero), right[1].get(t, zero)
            y = self.transients.sum(component.left[0] * a + component.left[1] * b)
            w = self.transients.relax(rho, (m[0] * a + m[1] * b) * scale, zero)
            for i in range(2):
                if x := (component.right[i] * y + s[i] * w).reduced():
                    result[i][t] = x
        return result

    def _read_off(self) -> None:
        """Nothing: the fields are those of the plain engine."""


def _fresh_names(taken: tuple[str, ...], count: int) -> list[str]:
    stem = "z"
    while any(s.startswith(stem) for s in taken):
        stem += "z"
    return [stem] if count == 1 else [f"{stem}{i}" for i in range(1, count + 1)]


def _factors(probe: Derivation) -> list[Ratio]:
    """The distinct relaxation factors; refused where the transient is not a sum of their powers."""
    found: list[Ratio] = []
    for names, polynomial in probe.relaxations():
        memory = ", ".join(n for n in names if n != "theta")
        if len(polynomial) != 2:
            raise probe.fail(f"the memory variables {memory} relax together, which is not a sum of powers of rational factors")
        factor = (-polynomial[0]).reduced()
        if not factor:
            raise probe.fail(f"{memory} relaxes with factor 0: its transient is over after a step and is no sum of n^a rho^(b n)")
        if factor.is_number and abs(factor.number()) >= 1:
            raise probe.fail(f"the transient of {memory} has the factor {factor}, which does not decay, so no flow settles")
        if factor not in found:
            found.append(factor)
    return found


__all__ = ["InitialLayer", "ReductionError", "TransientDerivation", "initial_layer"]
