"""Order of accuracy of a scheme against a target differential equation for theta.

The target sets an expression E(theta, theta', theta'') to zero.  On the modified flow theta' = f(theta) one has
theta'' = D f [f]; with a velocity, theta' = p is free and theta'' = S(theta, p) is the second-order form.  Then

    E on the modified flow = gamma^p R + O(gamma^(p+1)),   R != 0:      the scheme has order p, its leading defect is R,

for a target whose own leading power is gamma^0; gamma theta' + gamma grad L is divided by gamma first.
The velocity variable plays no role: only theta(t) is compared, so that a scheme that carries theta' up to O(gamma) loses
nothing by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from derive.algebra.calculus import Derivative
from derive.algebra.sums import Sum, accumulate, reduced
from derive.engine.composition import Given, Quotient, Workspace
from derive.engine.formula import FIRST, SECOND, FormulaReader
from derive.engine.series import Series
from derive.engine.translation import Translation
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import UsageError
from derive.language import Expression, derivative_symbol, names_of, parse_expression
from derive.readings.conclusion import EXISTS, NONE_FOUND, UNDECIDED, Conclusion, is_polynomial, where_nonzero, witness_of
from derive.readings.identity import vanishes
from derive.readings.second_order import P, said, second_order_form, time_rate
from derive.readings.target import parse_target
from derive.result import Described
from derive.scheme import Scheme, load_scheme, substitute

MAX_LEAD = 12  # powers of gamma in front of a target


@dataclass(frozen=True, repr=False)
class Accuracy(Described):
    """The scheme's order p against the target and the leading defect: target expression = gamma^p defect + ..., the target
    divided by its own leading power of gamma.

    `exact_through` is set where no defect was found: the residual vanishes through that power and `order` is one more, a
    lower bound.  `lead` is the target's own leading power.  `conclusion` is about a defect: "exists" with a loss and a point
    where it is not zero, "none found" through the order, or undecided: terms that neither cancel nor show a value.
    """

    equation: ModifiedEquation
    target: str
    order: int
    defect: TermSum
    conclusion: Conclusion
    exact_through: int | None = None
    lead: int = 0

    def describe(self) -> str:
        found = "" if self.conclusion.verdict == EXISTS else "at least "
        return f"{self.equation.name}, target {self.target}: order {found}{self.order}"

    @property
    def expression(self) -> Expression:
        """What the target sets to zero."""
        return parse_target(self.target)

    @property
    def derivative(self) -> str:
        """The symbol that stands for theta' in the defect of a second-order equation."""
        return self.equation.configuration.fresh(P) if len(self.equation.equations) > 1 else P

    def to_json(self) -> dict[str, Any]:
        """`order` and `defect` (terms; p is theta'), and the conclusion's keys."""
        return {
            "target": self.target,
            "order": self.order,
            "defect": {"power": self.order, "terms": self.defect.to_json()} if self.defect else None,
            "exact_through": self.exact_through,
            **self.conclusion.to_json(),
            **said(self.derivative),
        }


def accuracy(
    scheme: str | Path | Scheme,
    target: str,
    order: int = 4,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Accuracy:
    """The order to which a scheme's theta follows the target, looked for through gamma^order.

    Raises ParseError and UsageError for a bad target, and what `modified_equation` and `second_order` raise.

    >>> a = accuracy("momentum", "theta'' + lam*theta' + grad", regime="leapfrog", settings={"lam": "0"})
    >>> a.order, str(a.defect)
    (2, '-1/12*hess(grad) + 1/12*d3(p, p)')
    """
    expression = parse_target(target)
    load_scheme(scheme).require_plain("accuracy")
    if not isinstance(order, int) or order < 0:
        raise UsageError(f"order must be a whole number >= 0, not {order}")
    result: Accuracy | None = None
    for n in sorted({min(1, order), min(2, order), order}):  # a defect at low order needs no high one
        equation = modified_equation(scheme, n, regime=regime, settings=settings)
        result = _accuracy(equation, target, n, set(names_of(expression)))
        if result.defect:
            break
    assert result is not None
    return result


def _accuracy(equation: ModifiedEquation, target: str, order: int, names: set[str]) -> Accuracy:
    workspace = Workspace(equation.algebra)
    expression = substitute(parse_target(target), _known(equation))
    times: dict[str, Series] = {n: Given(workspace, [s]) for n, s in _schedules(equation).items()}
    free = {n: Given(workspace, [equation.algebra.state(n)]) for n in (FIRST, SECOND)}
    lead = _leading_power(FormulaReader(workspace, times | free).read(expression))
    first, second = _derivatives(equation, names)
    values = {FIRST: Given(workspace, first), SECOND: Given(workspace, second)}
    residual = Quotient(FormulaReader(workspace, times | values).read(expression), lead)
    residual.require_whole(order)
    for k in range(order + 1):
        if not vanishes(equation.algebra, value := residual.at(k)):
            defect = TermSum(equation.algebra, reduced(value))
            return Accuracy(equation, target, k, defect, _conclusion(defect, equation, k), None, lead)
    nothing = Conclusion(NONE_FOUND, "a defect", searched=f"the powers of gamma through gamma^{order}")
    return Accuracy(equation, target, order + 1, TermSum(equation.algebra, {}), nothing, order, lead)


def _conclusion(defect: TermSum, equation: ModifiedEquation, k: int) -> Conclusion:
    """Whether the terms found at gamma^k are a defect, and not zero in another form."""
    about, witness = f"a defect at gamma^{k}", witness_of(defect, equation)
    if witness is None and not all(map(is_polynomial, defect.sum)):
        return Conclusion(UNDECIDED, about, because="its terms do not cancel, and no point tried shows a value")
    return Conclusion(EXISTS, about, because="it is not identically zero", witness=witness,
                      for_parameters=where_nonzero(defect, equation), quantity="the defect")  # fmt: skip


def _leading_power(target: Series) -> int:
    """The lowest power of gamma in the target itself, theta' and theta'' free."""
    first = floor(target.low)
    last = first + MAX_LEAD
    lead = next((k for k in range(first, last + 1) if target.require_whole(k).at(k)), None)
    if lead is None:
        raise UsageError(f"target: it vanishes through gamma^{last}, whatever theta is")
    return lead


def _schedules(equation: ModifiedEquation) -> dict[str, Sum]:
    """The time functions that were set, with their derivatives, as they stand in the equation."""
    algebra, c = equation.algebra, equation.configuration
    translation = Translation(c, equation.order)
    return {
        derivative_symbol(name, k): algebra.constant(value.substitute({}, algebra.ring))
        for name, setting in c.functions.items() if setting is not None
        for k, value in enumerate(translation.time_derivatives(name))
    }  # fmt: skip


def _known(equation: ModifiedEquation) -> dict[str, Expression]:
    """What the regime and the settings say a parameter is: beta = 1 - lam*gamma, lam = 0."""
    c = equation.configuration
    settings = {n: parse_expression(v, f"--set {n}") for n, v in c.settings.items() if n.isidentifier()}
    return {n: substitute(e, settings) for n, e in c.bindings.items() if n not in c.free} | settings


def _derivatives(equation: ModifiedEquation, names: set[str]) -> tuple[list[Sum], list[Sum]]:
    """theta' and theta'' on the modified flow, by power of gamma."""
    if len(equation.equations) > 1:
        if SECOND not in names:
            raise UsageError(
                "target: this regime is a second-order equation for theta; write theta'' in the target, such as "
                "\"theta'' + lam*theta' + grad\""
            )
        form = second_order_form(equation)
        return [equation.algebra.state(form.derivative)], [s.sum for s in form.terms]
    algebra = equation.algebra
    field = [s.sum for s in equation.equations["theta"]]
    second: list[Sum] = [{} for _ in field]
    if SECOND in names:
        rate = time_rate(equation)
        for j, f in enumerate(field):
            along = Derivative(algebra, {"theta": f}, rate if j == 0 else None)
            for i, g in enumerate(field[: len(field) - j]):
                accumulate(second[i + j], along(g))
    return field, second
