"""Kind modified-loss: theta' = -grad V, and how far there is a V."""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import UsageError
from derive.readings.formula import counterexample, formulas_of, power_of, series_text
from derive.readings.loss import ModifiedLoss, modified_loss
from verify.claims.judgment import Judgment, Kind, proved, refuted, undecided
from verify.claims.scheme_data import SchemeData


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
    looked = max(data.through if data.loss else 0, (data.exists_through + 1) if data.exists_through is not None else 0)
    v = data.read(modified_loss, looked, form=data.form)
    if v.obstruction is not None and not v.obstruction.decided:
        return undecided(f"a modified loss exists through gamma**{v.exists_through}; {v.conclusion.because}")
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
        if k in v.unwritten:
            if rest := formulas.minus(v.equation.equations["theta"][k], formulas.descent(claimed[k])):
                return refuted(f"at gamma**{k} theta' plus the gradient of the claimed loss is {rest}")
        elif formulas.minus(claimed[k], v.potential[k]):
            difference = f"at {power_of('gamma', k) if k else 'the limit'}: claimed {claimed[k]}, "
            difference += f"derived {v.potential[k]}"
            numbers = counterexample(formulas, claimed[k], v.potential[k], v.equation, scalar=True)
            return refuted(_potential(v, data.through), difference, numbers)
    return proved(f"derived: {_potential(v, data.through)}", *shown)


def _potential(v: ModifiedLoss, through: int) -> str:
    left = "theta' = -grad V" if v.equation.form == "flow" else "theta+ = theta - gamma*grad V"
    return f"{left} + O({power_of('gamma', through + 1)}), V = {series_text(v.potential[: through + 1])}"


def _obstruction(v: ModifiedLoss) -> tuple[str, ...]:
    o = v.obstruction
    if o is None:
        return ()
    if o.rootings:
        values = "; ".join(f"{t} has {b}" for t, b in o.rootings[0][1])
        return (f"at gamma**{o.power} the field is no gradient: rootings of one free tree differ in b: {values}",)
    return (f"at gamma**{o.power} the Jacobian is not symmetric: (DF)[{o.direction}] - (DF)^T {o.direction} = {o.asymmetry}",)


KIND = Kind("modified-loss", LossClaim, judge_loss)
