"""Kind modified-equation: theta' = f_0 + gamma f_1 + ... of a scheme, power by power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive import ModifiedEquation, TermSum, modified_equation
from derive.errors import UsageError
from derive.readings.formula import Formulas, counterexample, formulas_of, power_of, scalar_term, series_text
from verify.claims.judgment import Judgment, Kind, leading, proved, refuted
from verify.claims.scheme_data import SchemeData

MAX_DEGREE = 3
LATEST = 2  # no next term from this power on
LONGEST = 400  # characters of a next term worth printing


@dataclass(frozen=True, kw_only=True)
class FieldClaim(SchemeData):
    """says: slow variable -> formula in gamma.  `through`: the power through which it claims to hold; left out, exactly."""

    says: Mapping[str, str]
    through: int | None = None
    form: str = "flow"


def judge_field(data: FieldClaim) -> Judgment:
    """modified-equation: theta' = f_0 + gamma f_1 + ... as claimed, against the derived field, power by power."""
    order = data.through if data.through is not None else MAX_DEGREE
    ahead = data.through is not None and data.through < LATEST  # the next term is shown as well
    equation = data.read(modified_equation, order + ahead, form=data.form)
    formulas = formulas_of(equation)
    unknown = set(data.says) - set(equation.equations)
    if unknown:
        raise UsageError(f"says: '{sorted(unknown)[0]}' is no slow variable here (slow: {', '.join(equation.equations)})")
    read = {x: formulas.series(text, order, f"says, {x}") for x, text in data.says.items()}
    notes = tuple(n for x, sums in read.items() if (n := _shape_note(x, sums, equation)))
    for k in range(order + 1):
        for x, sums in read.items():
            if formulas.minus(sums[k], equation[x][k]):
                return _field_fails(data, formulas, equation, x, k, sums[k], notes)
    if data.through is None:
        raise UsageError(f"says: no difference through gamma**{order}; say with 'through' how far it claims to hold")
    shown = tuple(f"derived: {x}{_prime(data)} = {series_text(equation[x][: order + 1])}" for x in data.says)
    return proved(*shown, *(_next_term(data, equation) if ahead else ()))


def _prime(data: FieldClaim) -> str:
    return "'" if data.form == "flow" else "+ - theta = gamma times"


def _field_fails(
    data: FieldClaim, formulas: Formulas, equation: ModifiedEquation, x: str, k: int, claimed: TermSum, notes: tuple[str, ...]
) -> Judgment:
    true = equation[x][k]
    powers = "the limit" if k == 0 else power_of("gamma", k)
    difference = f"at {powers}: claimed {claimed}, derived {true}"
    numbers = counterexample(formulas, claimed, true, equation)
    last = k if data.through is None else data.through
    shown = series_text(equation[x][: last + 1])
    correct = f"{x}{_prime(data)} = {shown} + O({power_of('gamma', last + 1)})"
    if data.through is None and k > 0:
        return leading(correct, f"agrees below {powers}", f"next term: {power_of('gamma', k)}*({true})", numbers)
    return refuted(correct, *notes, difference, numbers)


def _shape_note(x: str, sums: list[TermSum], equation: ModifiedEquation) -> str:
    if x != "theta" and equation.scheme_kind(x) == "scalar":
        return ""
    for k, total in enumerate(sums):
        if (scalar := scalar_term(total)) is not None:
            return f"at gamma**{k} the formula adds the scalar {scalar} to a vector"
    return ""


def _next_term(data: FieldClaim, equation: ModifiedEquation) -> tuple[str, ...]:
    """The coefficient beyond those claimed, as lines of evidence."""
    k = equation.order
    shown = [f"next term of {x}: {power_of('gamma', k)}*({equation[x][k]})" for x in data.says if equation[x][k]]
    return tuple(s if len(s) < LONGEST else f"next term: {len(equation['theta'][k])} terms at gamma**{k}" for s in shown)


KIND = Kind("modified-equation", FieldClaim, judge_field)
