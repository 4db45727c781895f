"""Kind modified-loss: theta' = -grad V, and how far there is a V."""

from __future__ import annotations

from dataclasses import dataclass

from derive import TermSum
from derive.errors import UndecidedError, UsageError, nearest
from derive.readings.formula import Formulas, formulas_of, power_of, series_text
from derive.readings.loss import ModifiedLoss, modified_loss
from derive.readings.probes import counterexample
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.scheme_data import SchemeData

LEFT = {"flow": "theta' = -grad V", "map": "theta+ = theta - gamma*grad V"}


@dataclass(frozen=True, kw_only=True)
class LossClaim(SchemeData):
    """loss: formula in L, dot, gamma with theta' = -grad(loss) through gamma**through (form flow) or theta+ = theta -
    gamma*grad(loss) (form map).  `exists_through`: the power through which there is a modified loss, and none after it;
    `exists_at_least_through`: nothing is said of what comes after it."""

    loss: str = ""
    through: int | None = None
    form: str = "flow"
    exists_through: int | None = None
    exists_at_least_through: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [x is not None for x in (self.exists_through, self.exists_at_least_through)]
        if not (self.loss or any(given)) or all(given):
            raise UsageError("give 'loss', 'exists_through' (or 'exists_at_least_through'), or both")
        if self.through is not None and not self.loss:
            raise UsageError("'through' goes with 'loss'")
        if self.form not in LEFT:
            raise UsageError(f"form: write flow or map, not '{self.form}'{nearest(self.form, LEFT)}")

    @property
    def order(self) -> int:
        """The power through which `loss` is claimed."""
        return 1 if self.through is None else self.through


def states_loss(data: LossClaim) -> Stated:
    """What is stated."""
    parts = []
    if data.loss:
        parts.append(f"{LEFT[data.form]} + O({power_of('gamma', data.order + 1)}) with V = {data.loss}")
    if data.exists_through is not None:
        parts.append(f"there is such a V through gamma**{data.exists_through} and none through gamma**{data.exists_through + 1}")
    if data.exists_at_least_through is not None:
        parts.append(f"there is such a V through gamma**{data.exists_at_least_through}")
    return Stated("; ".join(parts), data.hypotheses)


def judge_loss(data: LossClaim) -> Judgment:
    """modified-loss: -grad of the claimed potential is proved to be the field; and how far there is a potential."""
    evidence: list[str] = []
    claimed_through = data.exists_at_least_through if data.exists_through is None else data.exists_through
    if claimed_through is not None:
        last = claimed_through + (data.exists_through is not None)
        v = data.read(modified_loss, last, form=data.form)
        data.equation(last, data.form)
        if v.obstruction is not None and not v.obstruction.decided:
            raise UndecidedError(f"a modified loss exists through gamma**{v.exists_through}; {v.conclusion.because}")
        if v.exists_through != claimed_through:
            more = " at least" if v.obstruction is None else ""
            return refuted(f"a modified loss exists through gamma**{v.exists_through}{more}", *_obstruction(v))
        evidence = [f"V exists through gamma**{v.exists_through}", *_obstruction(v)]
    if not data.loss:
        return proved(*evidence)
    equation = data.equation(data.order, data.form)
    formulas = formulas_of(equation)
    if set(equation.equations) != {"theta"}:
        raise UndecidedError(f"theta' depends on other slow variables too: {', '.join(equation.equations)}")
    claimed = formulas.series(data.loss, data.order, "loss")
    fields = [formulas.descent(v) for v in claimed]
    for k, (mine, true) in enumerate(zip(fields, equation["theta"], strict=True)):
        if formulas.minus(mine, true):
            return _fails(data, formulas, claimed, k)
    proof = data.proof(equation, {"theta": tuple(map(str, fields))})
    if not proof.proved:
        raise UndecidedError(str(proof))
    return proved(str(proof), f"V = {series_text(claimed)}, -grad V = {series_text(fields)}", *evidence)


def _fails(data: LossClaim, formulas: Formulas, claimed: list[TermSum], k: int) -> Judgment:
    """The first power at which -grad of the claim is not the field."""
    v = data.read(modified_loss, data.order, form=data.form)
    if k > v.exists_through and v.obstruction is not None and v.obstruction.decided:
        return refuted(f"there is no modified loss beyond gamma**{v.exists_through}", *_obstruction(v))
    if k in v.unwritten or k > v.exists_through:
        mine, field = formulas.descent(claimed[k]), v.equation["theta"][k]
        difference = f"at {power_of('gamma', k)}: minus the gradient of the claim is {mine}, the field {field}"
        numbers = counterexample(formulas, mine, field, v.equation)
        return refuted(f"-grad V is {field} at {power_of('gamma', k)}", difference, numbers)
    difference = f"at {power_of('gamma', k) if k else 'the limit'}: claimed {claimed[k]}, derived {v.potential[k]}"
    true = formulas_of(v.equation).series(str(v.potential[k]), 0, "potential")[0]
    numbers = counterexample(formulas, claimed[k], true, v.equation, scalar=True)
    return refuted(_potential(v, data), difference, numbers)


def _potential(v: ModifiedLoss, data: LossClaim) -> str:
    order = min(data.order, v.exists_through)
    return f"{LEFT[data.form]} + O({power_of('gamma', order + 1)}), V = {series_text(v.potential[: order + 1])}"


def _obstruction(v: ModifiedLoss) -> tuple[str, ...]:
    o = v.obstruction
    if o is None:
        return ()
    if o.rootings:
        values = "; ".join(f"{t} has {b}" for t, b in o.rootings[0][1])
        return (f"at gamma**{o.power} the field is no gradient: rootings of one free tree differ in c: {values}",)
    return (f"at gamma**{o.power} the Jacobian is not symmetric: (DF)[{o.direction}] - (DF)^T {o.direction} = {o.asymmetry}",)


KIND = Kind("modified-loss", LossClaim, states_loss, judge_loss)
