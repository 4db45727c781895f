"""Kind modified-equation: theta' = f_0 + gamma f_1 + ... of a scheme, power by power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import ClassVar

from derive import ModifiedEquation, TermSum
from derive.errors import UndecidedError, UsageError, nearest
from derive.readings.formula import Formulas, formulas_of, power_of, scalar_term, series_text
from derive.readings.probes import counterexample
from verify.claims.judgment import Judgment, Kind, Stated, leading, proved, refuted
from verify.claims.scheme_data import SchemeData

MAX_DEGREE = 3
LATEST = 2  # no next term from this power on
LONGEST = 400  # characters of a next term worth printing
LEFT = {"flow": "{}'", "map": "({}+ - {})/gamma"}


@dataclass(frozen=True, kw_only=True)
class FieldClaim(SchemeData):
    """says: slow variable -> formula in gamma.  `through`: the power through which it claims to hold; left out, exactly.
    form: flow, x' = formula, or map, x+ = x + gamma*formula."""

    games: ClassVar[bool] = True
    says: Mapping[str, str]
    through: int | None = None
    form: str = "flow"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.says:
            raise UsageError("says: give a formula for theta or another slow variable")
        if self.form not in LEFT:
            raise UsageError(f"form: write flow or map, not '{self.form}'{nearest(self.form, LEFT)}")

    def left(self, x: str) -> str:
        return LEFT[self.form].format(x, x)


def states_field(data: FieldClaim) -> Stated:
    """What is stated."""
    rest = " exactly, at every power of gamma" if data.through is None else f" + O({power_of('gamma', data.through + 1)})"
    slow = "on the slow manifold, after the transients"
    return Stated(", ".join(f"{data.left(x)} = {f}{rest}" for x, f in data.says.items()), (*data.hypotheses, slow))


def judge_field(data: FieldClaim) -> Judgment:
    """modified-equation: theta' = f_0 + gamma f_1 + ... as claimed, proved over prime fields from the update text, or told
    apart from the derived field, power by power."""
    order = data.through if data.through is not None else MAX_DEGREE
    ahead = data.through is not None and data.through < LATEST  # the next term is shown as well
    equation = data.equation(order + ahead, form=data.form)
    formulas = formulas_of(equation)
    unknown = set(data.says) - set(equation.equations)
    if unknown:
        raise UsageError(f"says: '{sorted(unknown)[0]}' is no slow variable here (slow: {', '.join(equation.equations)})")
    read = {x: formulas.series(text, order, f"says, {x}") for x, text in data.says.items()}
    for k in range(order + 1):
        for x, sums in read.items():
            if formulas.minus(sums[k], equation[x][k]):
                return _field_fails(data, formulas, equation, x, k, sums[k], read)
    if data.through is None:
        raise UndecidedError(f"no difference through gamma**{order}; no computation here reaches every power: say 'through'")
    proof = data.proof(equation, {x: tuple(map(str, sums)) for x, sums in read.items()})
    if not proof.proved:
        raise UndecidedError(str(proof))
    shown = tuple(f"derived: {data.left(x)} = {series_text(equation[x][: order + 1])}" for x in data.says)
    return proved(str(proof), *shown, *(_next_term(data, equation) if ahead else ()))


def _field_fails(
    data: FieldClaim, formulas: Formulas, equation: ModifiedEquation, x: str, k: int, claimed: TermSum,
    read: Mapping[str, list[TermSum]],
) -> Judgment:  # fmt: skip
    true = equation[x][k]
    powers = "the limit" if k == 0 else power_of("gamma", k)
    difference = f"at {powers}: claimed {claimed}, derived {true}"
    if equation.scheme.losses:
        numbers = _on_a_game(equation, x, claimed, true)
    else:
        numbers = counterexample(formulas, claimed, true, equation)
    last = k if data.through is None else data.through
    shown = series_text(equation[x][: last + 1])
    correct = f"{data.left(x)} = {shown} + O({power_of('gamma', last + 1)})"
    if data.through is None and k > max(j for sums in read.values() for j, s in enumerate(sums) if s or j == 0):
        return leading(correct, f"agrees below {powers}", f"next term: {power_of('gamma', k)}*({true})", numbers)
    notes = (n for v, sums in read.items() if (n := _shape_note(v, sums, equation)))
    return refuted(correct, *notes, difference, numbers)


def _on_a_game(equation: ModifiedEquation, x: str, claimed: TermSum, true: TermSum) -> str:
    """Losses and a point, every unknown with one component, where two sums of x's space differ; empty if none tried tells them
    apart."""
    losses = "; ".join(f"{f} = {_loss(slots, k)}" for k, (f, slots) in enumerate(equation.scheme.losses.items(), 1))
    for start, point in product((2, 5, 11), ("1", "2", "1/3")):
        values = {n: Fraction(1, start + i) for i, n in enumerate(equation.configuration.free)}
        sums = tuple(_at(total, values) for total in (claimed, true))
        both = replace(equation, equations={**dict.fromkeys(equation.equations, ()), x: sums}, memory={})
        at = {f"{u}1": point for u in equation.scheme.unknowns}
        for v in equation.equations.keys() - equation.scheme.unknowns.keys():
            at[v if equation.scheme_kind(v) == "scalar" else f"{v}_{equation.space(v)}1"] = "2"
        try:
            (first,), (second,) = both.evaluate(losses, at).values[x]
        except ZeroDivisionError:
            continue
        if first != second:
            where = ", ".join(f"{n} = {v}" for n, v in {**at, **values}.items())
            return f"counterexample: {losses} at {where}: claimed {first}, true {second}"
    return ""


def _at(total: TermSum, values: Mapping[str, Fraction]) -> TermSum:
    """The sum with numbers for the parameters of its coefficients."""
    ring = total.algebra.ring
    numbers = {n: ring.constant(v) for n, v in values.items()}
    return TermSum(total.algebra, {t: c.substitute(numbers, ring) for t, c in total.sum.items()})


def _loss(slots: Sequence[str], k: int) -> str:
    """A polynomial with derivatives of every order up to the fourth, different for every k."""
    names = [f"{x}1" for x in slots]
    squares = " + ".join(f"{k + i}*{v}**2/2" for i, v in enumerate(names))
    return f"{squares} + {k + 1}*{'*'.join(names)} + ({' + '.join(names)})**4/24"


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


KIND = Kind("modified-equation", FieldClaim, states_field, judge_field)
