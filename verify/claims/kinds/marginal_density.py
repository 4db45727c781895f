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
        (f"the density of (theta, eta) is {data.density}, up to a constant", "any smooth loss for which that is a density"),
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
    falls = [text_of(e.subs(loss(), 1) - e.subs(loss(), 0)) for e in (true, claimed)]
    ratio = f"counterexample: from L = 0 to L = 1 the density changes by exp({falls[0]}), claimed exp({falls[1]})"
    return refuted(f"the marginal is exp({text_of(true)})", evidence, ratio)


def _differs(true: Any, claimed: Any) -> bool:
    """Whether the exponents differ by more than a constant."""
    zero = {s: 0 for s in (true - claimed).free_symbols if not s.is_positive}
    constant = (true - claimed).subs(zero)
    return not equal(true, claimed + constant)


KIND = Kind("marginal-density", MarginalClaim, states_marginal, judge_marginal)
