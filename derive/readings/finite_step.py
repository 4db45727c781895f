"""Bias correction as it is: the step number n of a scheme started from rest, about the present point.

    theta_(n+1) = theta_n + gamma (M_0(theta_n) + gamma M_1(theta_n; n) + ...)

where n steps were done before.  In Adam M_0 is the same for every n, since m_n/(1 - beta1^n) and v_n/(1 - beta2^n) are grad L and
its square but for O(gamma), and M_1 tends to that of the scheme on its slow manifold as fast as n beta^n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from derive.algebra.calculus import Transfer
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum, reduced
from derive.algebra.totals import decimal, total
from derive.concrete.parametric import evaluate
from derive.engine.run import Derivation
from derive.engine.started import CountedRun, StartedRun
from derive.equation import ModifiedEquation, TermSum, check_order, modified_equation
from derive.errors import ReductionError, UsageError
from derive.readings.initial_layer import decaying_factors, fresh_names
from derive.result import Described, blocks
from derive.scheme import Scheme, configure, load_scheme

MAX_STEP = 64


@dataclass(frozen=True, repr=False)
class FiniteStep(Described):
    """`maps[x][k]` is M_k of the unknown x when n steps are done; `equation` is the map that it tends to, form 'map'.

    With `step` None the coefficients contain n and the symbols of `factors`, each standing for rho^n; else n is `step`.
    """

    equation: ModifiedEquation
    step: int | None
    maps: Mapping[str, tuple[TermSum, ...]]
    factors: Mapping[str, Ratio]

    def __getitem__(self, variable: str) -> tuple[TermSum, ...]:
        return self.maps[variable]

    @property
    def excess(self) -> dict[str, tuple[TermSum, ...]]:
        """M_k(n) less its limit: what decays with n."""
        return {x: tuple(self._less_limit(x, k) for k in range(len(values))) for x, values in self.maps.items()}

    def _less_limit(self, x: str, k: int) -> TermSum:
        own, limit = self.maps[x][k], self.equation.equations[x][k]
        algebra = own.algebra
        settled = Transfer(limit.algebra, algebra)(limit.sum)
        return TermSum(algebra, reduced(algebra.add(own.sum, {t: -c for t, c in settled.items()})))

    def at_step(self, n: int) -> FiniteStep:
        """The same when n steps are done, n a number.

        >>> adam = finite_step("adam-bias-corrected", settings={"beta1": "1/2", "beta2": "1/2"})
        >>> str(adam.at_step(1)["theta"][1])
        '-eps/3*(abs(grad) + eps)**(-2)*hess(grad*(abs(grad) + eps)**(-1))'
        """
        check_step(n)
        if self.step is not None:
            raise UsageError(f"this is step {self.step} alone; leave out step")
        maps = {x: [self._at(total, n) for total in values] for x, values in self.maps.items()}
        return replace(self, step=n, maps={x: tuple(values) for x, values in maps.items()}, factors={})

    def _at(self, total: TermSum, n: int) -> TermSum:
        ring = total.algebra.ring
        values = {ring.names[0]: ring.constant(n), **{z: rho**n for z, rho in self.factors.items()}}
        try:
            return TermSum(total.algebra, reduced({t: c.substitute(values, ring) for t, c in total.sum.items()}))
        except ZeroDivisionError:
            raise ReductionError(f"{self.equation.scheme.where}: at step {n} a denominator vanishes") from None

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[list[str]]:
        """values[k][i]: component i of M_k of theta at a point, where n is a number."""
        if self.step is None:
            raise UsageError("values need the number of steps done before: at_step(n)")
        return list(evaluate(replace(self.equation, equations=self.maps), loss, at, digits).values["theta"])

    def layer(self, digits: int = 30) -> dict[str, dict[str, str]]:
        """sum_(n>=0) (M_1(n) - M_1(infinity)) as term -> coefficient, a decimal with a proven error below its last digit.

        At gamma^2 the orbit is that of the stationary map from theta_0 + gamma^2 times this.  Every parameter must have a value:
        in Adam the sums are Lambert series, sum_k sigma(k) beta^k with the sum of divisors sigma.
        """
        if self.step is not None:
            raise UsageError("the layer is a sum over all steps; leave out step")
        try:
            factors = {z: rho.number() for z, rho in self.factors.items()}
            parts = {x: values[1] for x, values in self.excess.items()}
            return {x: {str(t): decimal(total(c, factors, digits), digits) for c, t in part} for x, part in parts.items()}
        except ValueError as error:
            raise UsageError(f"layer: {error}; give every parameter a value, as in settings={{'beta1': '9/10'}}") from None

    def describe(self) -> str:
        when = "n" if self.step is None else str(self.step)
        return f"{self.equation.name}, from rest, step {when}, through gamma^{self.equation.order}"

    def to_json(self) -> dict[str, Any]:
        """`maps`: unknown -> M_k by k; `excess`: the same less the limit; `factors`: symbol -> rho, the symbol being rho^n;
        `step` null or the number n."""
        maps, excess = ({x: blocks(values) for x, values in m.items()} for m in (self.maps, self.excess))
        factors = {z: str(rho) for z, rho in self.factors.items()}
        return {"step": self.step, "maps": maps, "excess": excess, "factors": factors}


def finite_step(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    step: int | None = None,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> FiniteStep:
    """The map from theta_n to theta_(n+1) through gamma^(order+1), for a scheme started from rest.

    step      n, the number of steps done before; left out, n stays a symbol, where M_0 does not depend on n, through gamma^2,
              and a first step that divides zero by zero is continued from n > 0
    settings  exact values or expressions for parameters, {"beta1": "9/10"}

    Raises ReductionError where no such map exists in closed form, UsageError for a bad order or step.

    >>> adam = finite_step("adam-bias-corrected", settings={"beta2": "beta1"})
    >>> print(adam.excess["theta"][1])
    beta1*eps*z*(1 + n)/(1 - beta1*z)*(abs(grad) + eps)**(-2)*hess(grad*(abs(grad) + eps)**(-1))
    """
    chosen = load_scheme(scheme)
    chosen.require_no_layers("finite-step")
    configuration = configure(chosen, regime, settings)
    check_order(configuration, order)
    if step is not None:
        check_step(step)
    equation = modified_equation(chosen, order, regime=regime, settings=settings, form="map")
    _check(equation)
    if step is not None:
        counted = CountedRun(configuration, order, step)
        return FiniteStep(equation, step, _sums(counted.algebra, counted.maps), {})
    probe = Derivation(configuration, 0)
    factors = decaying_factors(probe)
    rest = dict(zip(fresh_names(probe.ring.symbols, len(factors)), factors, strict=True))
    run = StartedRun(configuration, order, rest)
    return FiniteStep(equation, None, _sums(run.algebra, run.maps), run.sequences.factors)


def check_step(n: int) -> None:
    if not 0 <= n <= MAX_STEP:
        raise UsageError(f"step {n}: the number of steps done before must be a whole number from 0 to {MAX_STEP}")


def _sums(algebra: Algebra, maps: Mapping[str, list[Sum]]) -> dict[str, tuple[TermSum, ...]]:
    return {x: tuple(TermSum(algebra, value) for value in values) for x, values in maps.items()}


def _check(equation: ModifiedEquation) -> None:
    """Only unknowns are slow, nothing depends on time, and the text's own variables start at rest."""
    scheme = equation.scheme
    if "t" in equation[next(iter(scheme.unknowns))][0].algebra.ring.symbols:
        raise ReductionError(f"{scheme.where}: the step depends on the time t = n*gamma; finite-step knows autonomous texts")
    moved = [*scheme.eliminated, *scheme.units, *(x for x in equation.equations if x not in scheme.unknowns)]
    if moved:
        raise ReductionError(f"{scheme.where}: {', '.join(moved)} moves as slowly as theta, so n alone does not settle the step")
