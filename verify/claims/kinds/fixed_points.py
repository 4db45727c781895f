"""Kind fixed-points: where the limit flow rests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derive import ModifiedEquation
from derive.errors import DeriveError, UndecidedError, UsageError
from derive.readings.domain import stated_ranges
from derive.reals import All, Not, Proved, compare, decide
from derive.reals.reading import read_all
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.scheme_data import SchemeData


@dataclass(frozen=True, kw_only=True)
class FixedPointClaim(SchemeData):
    """What is claimed of the fixed points of the limit flow, for all losses.

    every_stable_one_is_a_minimum: asymptotically stable ones;  every_stable_one_is_global: those are minima of the whole loss;
    converges_from_every_start: to a minimum, wherever the loss has one.
    """

    every_loss_has_one: bool | None = None
    every_one_is_a_minimum: bool | None = None
    every_stable_one_is_a_minimum: bool | None = None
    every_stable_one_is_global: bool | None = None
    converges_from_every_start: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if all(getattr(self, key) is None for key in SENTENCES):
            raise UsageError(f"say what is claimed of the fixed points: {', '.join(SENTENCES)}")


#: what a key states, and what its denial
SENTENCES = {
    "every_loss_has_one": ("every loss has a fixed point", "some loss has no fixed point"),
    "every_one_is_a_minimum": ("every fixed point, of every loss, is a minimum", "some fixed point is no minimum"),
    "every_stable_one_is_a_minimum": (
        "every asymptotically stable fixed point, of every loss, is a minimum",
        "some asymptotically stable fixed point is no minimum",
    ),
    "every_stable_one_is_global": (
        "every asymptotically stable fixed point is the minimum of the whole loss",
        "some asymptotically stable fixed point is not global",
    ),
    "converges_from_every_start": (
        "on every loss that has a minimum it converges to one from every start", "from some start it converges to no minimum",
    ),
}  # fmt: skip
WITHOUT = ("x", "-x")
#: a minimum at 1, where the second derivative is 3, and a lower one at -2
TWO_MINIMA, HILL = "x**4/4 + x**3/3 - x**2", "x**3/3 - x"
#: losses with a point where the gradient vanishes and the loss is lower nearby
NO_MINIMUM = {"-x**2/2": "1/10", "x**3/3": "-1/10"}


def states_fixed_points(data: FixedPointClaim) -> Stated:
    """What is stated."""
    claims = ((SENTENCES[key], getattr(data, key)) for key in SENTENCES)
    parts = [true if claimed else false for (true, false), claimed in claims if claimed is not None]
    return Stated(f"for the limit flow: {', and '.join(parts)}", data.hypotheses)


def judge_fixed_points(data: FixedPointClaim) -> Judgment:
    """fixed-points: exact examples on simple losses; where the flow is down the gradient, its loss is a Lyapunov function."""
    equation = data.equation(0)
    limits = ", ".join(f"{x}' = {powers[0]}" for x, powers in equation.equations.items())
    shown, wrong = [f"limit flow: {limits}"], []
    for key, (truth, _) in SENTENCES.items():
        claimed = getattr(data, key)
        if claimed is None:
            continue
        against = AGAINST[key](equation) if key in AGAINST else ""
        proof = "" if against else _descends(equation) if key == "every_stable_one_is_a_minimum" else ""
        if not against and not proof:
            raise UndecidedError(f"limit flow: {limits}; the losses tried do not decide whether {truth}")
        if claimed == bool(against):
            wrong.append(against or proof)
        shown.append(f"shown by: {against or proof}")
    if wrong:
        correct = f"the fixed points are the zeros of {limits}; {'; '.join(wrong)}"
        return refuted(correct, shown[0], *(f"counterexample: {w}" for w in wrong))
    return proved(*shown)


def _without(equation: ModifiedEquation) -> str:
    return next(filter(None, (_absent(equation, loss) for loss in WITHOUT)), "")


def _summit(equation: ModifiedEquation) -> str:
    return next(filter(None, (_no_minimum(equation, loss, "0", x) for loss, x in NO_MINIMUM.items())), "")


def _stays_on_top(equation: ModifiedEquation) -> str:
    """That the flow rests on top of a hill, beside which there is a minimum."""
    found = _no_minimum(equation, HILL, "-1", "-9/10")
    return f"{found}, and x = 1 is a minimum: from theta = -1 it moves nowhere" if found else ""


def _higher_minimum(equation: ModifiedEquation) -> str:
    """That a flow c grad, c < 0, has the higher of two minima as an attracting fixed point."""
    return f"on L = {TWO_MINIMA} theta = 1 is stable (L'' = 3), L(1) = -5/12, L(-2) = -8/3" if _descends(equation) else ""


def _descends(equation: ModifiedEquation) -> str:
    """That the limit flow is -c grad with c > 0 for all parameters in their ranges: then L falls strictly along every solution
    that is not at rest, and an asymptotically stable point, to which all nearby ones tend, is a minimum."""
    f = equation["theta"][0]
    if len(equation.equations) > 1 or len(f.sum) != 1 or str(next(iter(f.sum))) != "grad":
        return ""
    c = next(iter(f.sum.values()))
    if not isinstance(decide(compare(c, "<", c.ring.zero), stated_ranges(c.ring.symbols, equation)), Proved):
        return ""
    return f"L falls along the flow, dL/dt = {c}*|grad|**2 with a negative factor"


#: what is looked for against a sentence; nothing is known against every_stable_one_is_a_minimum, which may be proved
AGAINST: dict[str, Callable[[ModifiedEquation], str]] = {
    "every_loss_has_one": _without,
    "every_one_is_a_minimum": _summit,
    "every_stable_one_is_global": _higher_minimum,
    "converges_from_every_start": _stays_on_top,
}


def _absent(equation: ModifiedEquation, loss: str) -> str:
    """That the limit flow vanishes nowhere on this loss, for all parameters in their ranges."""
    rows = [str(c) for powers in equation.on_loss(loss).values() for c in powers[0]]
    try:
        reading = read_all(rows, where="limit flow")
    except DeriveError:
        return ""  # not rational, nothing decided
    zero = All(tuple(compare(reading.values[r], "==", reading.ring.zero) for r in rows))
    ranges = stated_ranges(reading.ring.symbols, equation)
    if not isinstance(decide(Not(zero), All((reading.given, reading.exists, ranges))), Proved):
        return ""
    flow = ", ".join(f"{x}' = {powers[0][0]}" for x, powers in equation.on_loss(loss).items())
    return f"on L = {loss} {flow}, which vanishes at no x: there is no fixed point"


def _no_minimum(equation: ModifiedEquation, loss: str, top: str, lower: str) -> str:
    """That a point is fixed, with all else at rest, and the loss is lower nearby."""
    at = {"x": top} | {f"{v}_x" if equation.scheme_kind(v) == "vector" else v: "0" for v in equation.equations if v != "theta"}
    try:
        values = equation.evaluate(loss, at).values
    except DeriveError:
        return ""  # the field does not exist there
    if any(v != "0" for rows in values.values() for v in rows[0]):
        return ""
    return f"on L = {loss} theta = {top} is fixed and no minimum: L is lower at x = {lower}"


KIND = Kind("fixed-points", FixedPointClaim, states_fixed_points, judge_fixed_points)
