"""Modifying integrators, the inverse problem: which field to hand to the scheme so that it follows its own limit flow.

    f~ = f + gamma f~_1 + gamma^2 f~_2 + ...,   f = -grad L:    modified field of scheme[f~] = f_0 + O(gamma^(N+1))

f~_k enters the modified field at gamma^k linearly, through the derivative of the limit field, F_k + Q * f~_k = 0 at every
component, so the corrections are found power by power: the scheme is run with grad replaced by its corrected series, with an
unknown vector in the place of the next correction.  Running it once more with all corrections is the proof.
Source: Chartier, Hairer & Vilmart, Math. Comp. 76 (2007), "Numerical integrators based on modified differential equations".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.algebra.calculus import Transfer, mentions
from derive.algebra.fold import is_polynomial
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.concrete.parametric import evaluated
from derive.engine.run import Derivation
from derive.engine.translation import Variant
from derive.equation import ModifiedEquation, TermSum, check_order, modified_equation
from derive.errors import SIMPLER_ROOTS, ReductionError, ResidualError, UndecidedError
from derive.readings.potential import potential_of
from derive.result import Described, blocks
from derive.scheme import Configuration, Scheme, configure, load_scheme

if TYPE_CHECKING:
    from derive.network import FieldFunction


@dataclass(frozen=True, repr=False)
class Modifying(Described):
    """The corrected field f~ = sum_k gamma^k field[k] (field[0] = -grad L, or f); `limit` is the flow the scheme then follows.

    `loss` is the corrected loss, f~ = -grad loss, as far as it exists (the whole of it where it has as many powers as `field`).
    """

    equation: ModifiedEquation
    field: tuple[TermSum, ...]
    loss: tuple[TermSum, ...]
    limit: TermSum

    def function(self, loss: Any = None, *, backend: str = "jax", field: Any = None) -> FieldFunction:
        """f~_0, f~_1, ... as functions of parameters, f(params, hyper)["theta"]; arguments as in ModifiedEquation.function."""
        from derive.network import field_function

        return field_function(self.equation, loss, backend, field, sums={"theta": self.field})

    def evaluate(self, loss: str, at: str | Mapping[str, object], digits: int = 50) -> list[list[str]]:
        """values[k][i]: component i of f~_k at a point."""
        return evaluated(self.equation, self.field, loss, at, digits)

    def describe(self) -> str:
        return f"{self.equation.name}, corrected through gamma^{len(self.field) - 1}"

    def to_json(self) -> dict[str, Any]:
        """`equations` {"theta": list by power}: the corrected field; `corrected_loss` (list by power); `limit`."""
        return {
            "equations": {"theta": blocks(self.field)},
            "corrected_loss": blocks(self.loss),
            "corrected_loss_complete": len(self.loss) == len(self.field),
            "limit": self.limit.to_json(),
        }


def corrected_run(configuration: Configuration, order: int, corrections: Sequence[tuple[Algebra, Sum]]) -> Derivation:
    """The engine on grad + gamma c_1 + gamma^2 c_2 + ...; each correction is (its algebra, the sum)."""
    return Derivation(configuration, order, variant=Variant(corrections=corrections))


def modifying_field(
    scheme: str | Path | Scheme,
    order: int = 1,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Modifying:
    """The field that makes a scheme follow its limit flow through gamma^order.

    Raises ReductionError for schemes with slow variables besides theta, with explicit time, or whose limit field is no
    componentwise function of the gradient that can be inverted.

    >>> m = modifying_field("gd", 1)
    >>> [str(s) for s in m.field], [str(s) for s in m.loss]
    (['-grad', '1/2*hess(grad)'], ['L', '-1/4*dot(grad, grad)'])
    """
    chosen = load_scheme(scheme)
    chosen.require_plain("modifying")
    configuration = configure(chosen, regime, settings)
    check_order(configuration, order)
    equation = modified_equation(chosen, 0, regime=regime, settings=settings)
    _check(equation)
    label = chosen.label
    unknown = configuration.fresh("correction")  # the state symbol that stands for the correction sought
    corrections: list[tuple[Algebra, Sum]] = []
    for k in range(1, order + 1):
        run = corrected_run(configuration, k, [*corrections, (equation.algebra, equation.algebra.state(unknown))])
        corrections.append((run.algebra, _solve(run, k, unknown)))
    proof = corrected_run(configuration, order, corrections)
    for k in range(1, order + 1):
        if not proof.algebra.is_zero(rest := proof.fields["theta"][k]):
            if not is_polynomial(rest):
                raise UndecidedError(f"{chosen.where}: the corrections are not seen to cancel at gamma^{k}; {SIMPLER_ROOTS}")
            raise ResidualError(f"{chosen.where}: the corrected scheme leaves {proof.fields['theta'][k]} at gamma^{k}")
    sign = -1 if label == "L" else 1
    algebra = proof.algebra
    field = [algebra.node_sum(label, [])] + [Transfer(a, algebra)(c) for a, c in corrections]
    field = [{t: c.scaled(sign) for t, c in s.items()} for s in field]
    loss = _loss(algebra, field) if label == "L" else []
    final = modified_equation(chosen, 0, regime=regime, settings=settings)
    return Modifying(
        final, tuple(TermSum(algebra, s) for s in field), tuple(TermSum(algebra, s) for s in loss),
        TermSum(algebra, proof.fields["theta"][0]),
    )  # fmt: skip


def _check(equation: ModifiedEquation) -> None:
    where = equation.scheme.where
    if len(equation.equations) > 1:
        raise ReductionError(
            f"{where}: the slow variables are {', '.join(equation.equations)}; correcting the gradient alone cannot repair the "
            "equation of theta, which has no gradient in it; take a regime in which only theta is slow"
        )
    if "t" in equation.algebra.ring.symbols:
        raise ReductionError(f"{where}: the update depends on the time t; corrected fields are derived for autonomous schemes")


def _solve(run: Derivation, k: int, correction: str) -> Sum:
    """c_k from F_k + Q * c_k = 0, where F_k + Q * unknown is the field at gamma^k."""
    algebra = run.algebra
    unknown = next(iter(algebra.state(correction))).factors[0][0]
    sought = frozenset((correction,))
    known: Sum = {}
    response: Sum = {}
    for t, c in run.fields["theta"][k].items():
        exponents = dict(t.factors)
        if not mentions(t, sought):
            known[t] = -c
        elif exponents.pop(unknown, 0) == 1 and not mentions(rest := algebra.interner.term(exponents), sought):
            accumulate(response, {rest: c})
        else:
            raise ReductionError(
                f"{run.scheme.where}: the limit field is no componentwise function of the gradient (it contains a norm, a dot "
                "product or a map of it), so a correction of the gradient cannot be solved for component by component"
            )
    response = algebra.partial_fractions(response)
    if not response:
        raise ReductionError(
            f"{run.scheme.where}: the limit field does not change with the size of the gradient (a sign, or zero), so "
            "no correction of the gradient has an effect on it"
        )
    return reduced(algebra.partial_fractions(algebra.product(known, algebra.power(response, Fraction(-1)))))


def _loss(algebra: Algebra, field: Sequence[Sum]) -> list[Sum]:
    """The potential of f~ = -grad V, power by power, as far as it exists."""
    result: list[Sum] = []
    for k, f in enumerate(field):
        value, obstruction = potential_of(algebra, f, k)
        if obstruction is not None or value is None:
            break
        result.append(value)
    return result
