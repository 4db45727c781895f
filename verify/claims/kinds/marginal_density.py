"""Kind marginal-density: the theta-marginal of a density of (theta, eta)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.errors import UndecidedError
from verify.claims.fokker_planck import DensityReader, atom, loss
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.kinds.stationary_density import never_normalisable
from verify.claims.symbolic import equal, text_of


@dataclass(frozen=True)
class MarginalClaim:
    """The theta-marginal of the density of (theta, eta) is `marginal`, up to a constant."""

    density: str
    marginal: str


def states_marginal(data: MarginalClaim) -> Stated:
    """What is stated."""
    return Stated(
        f"the marginal of theta is {data.marginal}, up to a constant",
        (
            f"the density of (theta, eta) is {data.density}, up to a constant",
            "any smooth loss and positive parameters for which that is a density",
        ),
    )


def judge_marginal(data: MarginalClaim) -> Judgment:
    """marginal-density: the exponent splits into one part in theta and one in eta; the first is the marginal's."""
    import sympy as sp

    joint, claimed = (DensityReader({}).exponent(text) for text in (data.density, data.marginal))
    if bad := never_normalisable(joint, ("theta", "eta")):
        numbers = f"counterexample: exp({text_of(joint)}) has no finite integral: {bad}"
        return refuted(f"there is no marginal: {bad}", numbers)
    if joint.has(atom("theta", "eta")) or sp.diff(joint, atom("eta", "eta")).has(loss(), atom("theta", "theta")):
        raise UndecidedError("the exponent couples theta and eta; a marginal is read off only where it does not")
    true = joint.subs(atom("eta", "eta"), 0)
    evidence = f"exponent {text_of(joint)} = [{text_of(true)}] + [{text_of(joint - true)}]: theta and eta are independent"
    if not _differs(true, claimed):
        return proved(evidence)
    return refuted(f"the marginal is exp({text_of(true)})", evidence, _ratio(true, claimed))


def _ratio(true: Any, claimed: Any) -> str:
    """How the densities change from one value of L, or of |theta|**2, to another, the rest held."""
    for x, name in ((loss(), "L"), (atom("theta", "theta"), "|theta|**2")):
        for a, b in ((0, 1), (1, 2), (2, 3)):
            changes = [e.subs(x, b) - e.subs(x, a) for e in (true, claimed)]
            if all(c.is_finite is not False for c in changes) and text_of(changes[0] - changes[1]) != "0":
                first, second = map(text_of, changes)
                way = f"from {name} = {a} to {name} = {b}"
                return f"counterexample: {way} the density changes by exp({first}), claimed exp({second})"
    return ""


def _differs(true: Any, claimed: Any) -> bool:
    """Whether the exponents differ by more than a constant."""
    zero = {s: 0 for s in (true - claimed).free_symbols if not s.is_positive}
    constant = (true - claimed).subs(zero)
    constant = constant if constant.is_finite is not False else 0
    return not equal(true, claimed + constant)


KIND = Kind("marginal-density", MarginalClaim, states_marginal, judge_marginal)
