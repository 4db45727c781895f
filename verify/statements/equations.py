"""Kinds about modified equations: the field, its loss, the agreement of two schemes, the direction of the limit flow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from derive.algebra.sums import Sum
from derive.algebra.terms import Term
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import UsageError
from derive.readings.compare import compare_equations
from derive.readings.loss import ModifiedLoss, modified_loss
from verify.statements.claim import SchemeData
from verify.statements.reading import Formulas, counterexample, formulas_of, power_of, series_text
from verify.statements.verdict import Judgment, leading, proved, refuted

MAX_DEGREE = 3
LONGEST = 400  # characters of a next term worth printing


@dataclass(frozen=True, kw_only=True)
class FieldClaim(SchemeData):
    """says: slow variable -> formula in gamma.  `through`: the power through which it claims to hold; left out, exactly."""

    says: Mapping[str, str]
    through: int | None = None
    form: str = "flow"


def judge_field(data: FieldClaim) -> Judgment:
    """modified-equation: theta' = f_0 + gamma f_1 + ... as claimed, against the derived field, power by power."""
    scheme, keywords = data.chosen()
    order = data.through if data.through is not None else MAX_DEGREE
    equation = modified_equation(scheme, order, form=data.form, **keywords)
    formulas = formulas_of(equation)
    unknown = set(data.says) - set(equation.equations)
    if unknown:
        raise UsageError(f"says: '{sorted(unknown)[0]}' is no slow variable here (slow: {', '.join(equation.equations)})")
    read = {x: formulas.series(text, equation.order, f"says, {x}") for x, text in data.says.items()}
    notes = tuple(n for x, sums in read.items() if (n := _shape_note(formulas, x, sums, equation)))
    for k in range(equation.order + 1):
        for x, sums in read.items():
            true = equation[x][k].sum
            if formulas.minus(sums[k], true):
                return _field_fails(data, formulas, equation, x, k, sums, notes)
    if data.through is None:
        raise UsageError(f"says: no difference through gamma**{equation.order}; say with 'through' how far it claims to hold")
    shown = tuple(f"derived: {x}{_prime(data)} = {series_text(formulas, [s.sum for s in equation[x]])}" for x in data.says)
    return proved(*shown, *_next_term(data, equation))


def _prime(data: FieldClaim) -> str:
    return "'" if data.form == "flow" else "+ - theta = gamma times"


def _field_fails(
    data: FieldClaim, formulas: Formulas, equation: ModifiedEquation, x: str, k: int, sums: list[Sum], notes: tuple[str, ...]
) -> Judgment:
    true = equation[x][k].sum
    powers = "the limit" if k == 0 else power_of("gamma", k)
    difference = f"at {powers}: claimed {formulas.text(sums[k])}, derived {formulas.text(true)}"
    numbers = counterexample(formulas, sums[k], true, equation)
    last = k if data.through is None else data.through
    shown = series_text(formulas, [s.sum for s in equation[x]][: last + 1])
    correct = f"{x}{_prime(data)} = {shown} + O({power_of('gamma', last + 1)})"
    if data.through is None and k > 0:
        return leading(correct, f"agrees below {powers}", f"next term: {power_of('gamma', k)}*({formulas.text(true)})", numbers)
    return refuted(correct, *notes, difference, numbers)


def _shape_note(formulas: Formulas, x: str, sums: list[Sum], equation: ModifiedEquation) -> str:
    if x != "theta" and equation.scheme_kind(x) == "scalar":
        return ""
    for k, total in enumerate(sums):
        for t in total:
            if t.factors and all(f.scalar for f, _ in t.factors):
                return f"at gamma**{k} the formula adds the scalar {formulas.text({t: total[t]})} to a vector"
    return ""


def _next_term(data: FieldClaim, equation: ModifiedEquation) -> tuple[str, ...]:
    if data.through is None or data.through >= 2:
        return ()
    scheme, keywords = data.chosen()
    k = data.through + 1
    further = modified_equation(scheme, k, form=data.form, **keywords)
    shown = [f"next term of {x}: {power_of('gamma', k)}*({further[x][k]})" for x in data.says if further[x][k]]
    return tuple(s if len(s) < LONGEST else f"next term: {len(further['theta'][k])} terms at gamma**{k}" for s in shown)


# ---------------------------------------------------------------------------------------------- the modified loss


@dataclass(frozen=True, kw_only=True)
class LossClaim(SchemeData):
    """loss: formula in L, dot, gamma with theta' = -grad(loss) through gamma**through (form flow) or theta+ = theta -
    gamma*grad(loss) (form map).  `exists_through`: the power through which there is a modified loss, and none after it."""

    loss: str = ""
    through: int = 1
    form: str = "flow"
    exists_through: int | None = None


def judge_loss(data: LossClaim) -> Judgment:
    """modified-loss: the claimed potential against the derived one; and how far there is one."""
    if not data.loss and data.exists_through is None:
        raise UsageError("give 'loss', 'exists_through' or both")
    scheme, keywords = data.chosen()
    looked = max(data.through if data.loss else 0, (data.exists_through + 1) if data.exists_through is not None else 0)
    v = modified_loss(scheme, looked, form=data.form, **keywords)
    if data.exists_through is not None and v.exists_through != data.exists_through:
        more = " at least" if v.obstruction is None else ""
        return refuted(f"a modified loss exists through gamma**{v.exists_through}{more}", *_obstruction(v))
    shown = list(_obstruction(v)) if data.exists_through is not None else []
    if not data.loss:
        return proved(f"V exists through gamma**{v.exists_through}", *shown)
    formulas = formulas_of(v.equation)
    claimed = formulas.series(data.loss, data.through, "loss")
    for k in range(data.through + 1):
        if k > v.exists_through:
            return refuted(f"there is no modified loss beyond gamma**{v.exists_through}", *_obstruction(v))
        if formulas.minus(claimed[k], v.potential[k].sum):
            difference = f"at {power_of('gamma', k) if k else 'the limit'}: claimed {formulas.text(claimed[k])}, "
            difference += f"derived {v.potential[k]}"
            numbers = counterexample(formulas, claimed[k], v.potential[k].sum, v.equation, scalar=True)
            return refuted(_potential(v, formulas, data.through), difference, numbers)
    return proved(f"derived: {_potential(v, formulas, data.through)}", *shown)


def _potential(v: ModifiedLoss, formulas: Formulas, through: int) -> str:
    left = "theta' = -grad V" if v.equation.form == "flow" else "theta+ = theta - gamma*grad V"
    sums = [s.sum for s in v.potential][: through + 1]
    return f"{left} + O({power_of('gamma', through + 1)}), V = {series_text(formulas, sums)}"


def _obstruction(v: ModifiedLoss) -> tuple[str, ...]:
    o = v.obstruction
    if o is None:
        return ()
    if o.rootings:
        algebra = v.equation.algebra
        values = "; ".join(f"{TermSum(algebra, {t: algebra.ring.one})} has {b}" for t, b in o.rootings[0][1])
        return (f"at gamma**{o.power} the field is no gradient: rootings of one free tree differ in b: {values}",)
    return (f"at gamma**{o.power} the Jacobian is not symmetric: (DF)[{o.direction}] - (DF)^T {o.direction} = {o.asymmetry}",)


# ---------------------------------------------------------------------------------------------- two schemes


@dataclass(frozen=True)
class AgreementClaim:
    """first, second: schemes.  `through`: they agree through this power and no further; left out: exactly."""

    first: SchemeData
    second: SchemeData
    through: int | None = None


def judge_agreement(data: AgreementClaim) -> Judgment:
    """agreement: through which power two schemes have the same modified equation (of second order where there is a velocity)."""
    order = 2 if data.through is None else data.through + 1
    equations = []
    for side in (data.first, data.second):
        scheme, keywords = side.chosen()
        equations.append(modified_equation(scheme, order, **keywords))
    c = compare_equations(equations[0], equations[1])
    left = "theta''" if c.second_order else "theta'"
    k = c.same_through + 1
    if c.same_through == c.order:
        text = f"the equations for {left} agree through gamma**{c.order}"
        if data.through is None:
            raise UsageError(f"{text}; say with 'through' how far they claim to agree")
        return refuted(f"{text} at least", "no difference found")
    difference = f"second minus first, {left}: {power_of('gamma', k) if k else '1'}*({c.difference})"
    numbers = counterexample(Formulas(c.difference.algebra, {c.derivative: False}, {}), {}, c.difference.sum)
    agreement = f"they agree through gamma**{c.same_through} and differ at gamma**{k}" if k else "their limits differ"
    if data.through is not None:
        if data.through == c.same_through:
            return proved(agreement, difference)
        return refuted(f"{agreement}: {difference}", numbers.replace("claimed", "claimed difference"))
    found = (f"{agreement}: {difference}", agreement, numbers.replace("claimed", "claimed difference"))
    return leading(*found) if k else refuted(*found)


# ---------------------------------------------------------------------------------------------- direction


@dataclass(frozen=True, kw_only=True)
class DirectionClaim(SchemeData):
    """parallel: whether the limit flow is the gradient times a number, whatever the loss."""

    parallel: bool


def judge_direction(data: DirectionClaim) -> Judgment:
    """limit-direction: is f_0 a scalar times the gradient?  Yes by its terms, no by a point where it is not."""
    scheme, keywords = data.chosen()
    equation = modified_equation(scheme, 0, **keywords)
    f = equation["theta"][0]
    evidence = f"limit flow: theta' = {f}"
    if all(_is_gradient_times_scalar(t) for t in f.sum):
        text = "every term is a scalar times grad: the direction is the gradient's for every loss"
        if data.parallel:
            return proved(evidence, text)
        return refuted("the limit flow keeps the gradient's direction", evidence, text)
    numbers = _turned(equation)
    if not numbers:
        raise UsageError("the direction is not decided: no scalar factor is seen in the terms, and no point refutes it")
    if data.parallel:
        return refuted("the limit flow does not keep the gradient's direction; " + evidence, numbers)
    return proved(evidence, numbers.replace("counterexample", "shown by"))


def _is_gradient_times_scalar(t: Term) -> bool:
    vectors = [(f, e) for f, e in t.factors if not f.scalar]
    return len(vectors) == 1 and vectors[0][0].kind == "node" and not vectors[0][0].children and vectors[0][1] == 1


def _turned(equation: ModifiedEquation) -> str:
    """A point where f_0 and grad are not parallel."""
    text = str(equation["theta"][0])
    numbers = {n: "1/2" for n in equation.configuration.free if re.search(rf"\b{n}\b", text)}
    at = equation.subs(**numbers) if numbers else equation
    point = {"x": "1", "y": "1"} | {f"{v}_{x}": str(1 + i) for v in at.equations if v != "theta" for i, x in enumerate("xy")}
    loss = "x**2/2 + y**2"
    values = [float(Fraction(v)) for v in at.evaluate(loss, point, 12).values["theta"][0]]
    if abs(values[0] * 2 - values[1] * 1) < 1e-9:
        return ""
    where = ", ".join(f"{n} = {v}" for n, v in (point | numbers).items())
    return f"counterexample: L = {loss} at {where}: grad = (1, 2), theta' = ({values[0]:.6g}, {values[1]:.6g})"
