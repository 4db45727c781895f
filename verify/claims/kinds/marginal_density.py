"""Kind marginal-density: the theta-marginal of a density of (theta, eta)."""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import UsageError
from verify.claims.fokker_planck import DensityReader, atom, loss
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.symbolic import text_of


@dataclass(frozen=True)
class MarginalClaim:
    """The theta-marginal of the density of (theta, eta) is `marginal`, up to a constant."""

    density: str
    marginal: str


def judge_marginal(data: MarginalClaim) -> Judgment:
    """marginal-density: the exponent splits into one part in theta and one in eta; the first is the marginal's."""
    joint, claimed = (DensityReader({}).exponent(text) for text in (data.density, data.marginal))
    mixed = joint.diff(atom("theta", "eta"))
    if mixed != 0 or any(joint.diff(atom("eta", "eta")).has(s) for s in (loss(), atom("theta", "theta"))):
        raise UsageError("density: the exponent couples theta and eta; a marginal is read off only where it does not")
    true = joint.subs(atom("eta", "eta"), 0)
    evidence = f"exponent {text_of(joint)} = [{text_of(true)}] + [{text_of(joint - true)}]: theta and eta are independent"
    if (true - claimed).expand() == 0:
        return proved(evidence)
    falls = [text_of(e.subs(loss(), 1) - e.subs(loss(), 0)) for e in (true, claimed)]
    ratio = f"counterexample: from L = 0 to L = 1 the density changes by exp({falls[0]}), claimed exp({falls[1]})"
    return refuted(f"the marginal is exp({text_of(true)})", evidence, ratio)


KIND = Kind("marginal-density", MarginalClaim, judge_marginal)
