"""Kind stationary-density: the Fokker-Planck equation for a general loss.

With c*phi for phi the coefficients of the rate are polynomials in c, whose common root is the right constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.language import names_of, parse_expression
from verify.claims.fokker_planck import BASIS, CALLS, DensityReader, atom, diffused, divergence, dot, loss, slope
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.symbolic import symbolic, text_of


@dataclass(frozen=True)
class DensityClaim:
    """drift, noise: by variable (theta, or theta and eta); density: exp(...) in L, dot(u, v) and parameters, not normalised;
    where: parameters set to a value;  normalisable: false where an invariant measure is meant that is no probability."""

    drift: Mapping[str, str]
    noise: Mapping[str, str]
    density: str
    where: Mapping[str, str] | None = None
    normalisable: bool = True

    def __post_init__(self) -> None:
        if not self.drift or not self.noise:
            raise UsageError("drift and noise: give at least theta's")
        for key, given in (("drift", self.drift), ("noise", self.noise)):
            for x in given:
                if x not in ("theta", "eta"):
                    raise UsageError(f"{key}: the variables are theta and eta, not '{x}'")
        if "theta" not in self.drift or (unmoved := set(self.noise) - set(self.drift)):
            raise UsageError(f"drift: {'theta' if 'theta' not in self.drift else unmoved.pop()} has none")
        texts = [*self.drift.values(), *self.noise.values(), self.density]
        used = {n for t in texts for n in names_of(parse_expression(t, "claim", CALLS))}
        if "eta" in used and "eta" not in self.drift:
            raise UsageError("drift: eta has none")
        for name in self.where or {}:
            if name not in used:
                raise UsageError(f"where: '{name}' does not occur")


def states_density(data: DensityClaim) -> Stated:
    """What is stated."""
    noise = {x: f" + ({f})*dW" for x, f in data.noise.items()}
    moves = (f"d{x} = ({f})*dt{noise.get(x, '')}" for x, f in data.drift.items())
    where = ", ".join(f"{n} = {v}" for n, v in (data.where or {}).items())
    which = "any smooth loss and positive parameters" + " for which the density is one" * data.normalisable
    kind = "the density" if data.normalisable else "the measure, normalisable or not,"
    hypotheses = (*moves, "in Ito's sense", where, which)
    return Stated(f"{kind} {data.density} is stationary", tuple(h for h in hypotheses if h))


def judge_density(data: DensityClaim) -> Judgment:
    """stationary-density: is the density stationary for every loss, and if not, which constant in the exponent makes it so."""
    where = {n: symbolic(v, f"where, {n}") for n, v in (data.where or {}).items()}
    rate = _rate(data, where, 1)
    equation = "(dP/dt)/P"
    if rate == 0:
        evidence = f"Fokker-Planck: {equation} = 0 identically"
        if not data.normalisable:
            return proved(evidence)
        bad = never_normalisable(DensityReader(where).exponent(data.density), tuple(data.drift))
        return refuted(f"it is invariant, but no density: {bad}", evidence, f"counterexample: {bad}") if bad else proved(evidence)
    numbers = _numbers(rate)
    shown = [f"Fokker-Planck: {equation} = {text_of(rate)}, not zero for a general loss", numbers]
    if not numbers:
        raise UndecidedError(f"{equation} = {text_of(rate)}, and no numbers show that it is not zero")
    found = _right_constant(data, where)
    if found is not None:
        return refuted(f"stationary for every loss: {_scaled(data, found)}", *shown)
    free = _right_constant(data, {})
    if not where or free is None:
        return refuted("not stationary for every loss; no other constant in the exponent was found that makes it so", *shown)
    set_to = ", ".join(f"{n} = {v}" for n, v in (data.where or {}).items())
    correct = f"at {set_to} no constant in the exponent was found that makes it stationary; "
    correct += f"with {', '.join(where)} free it is {_scaled(data, free)}"
    return refuted(correct, *shown)


def never_normalisable(phi: Any, variables: tuple[str, ...]) -> str:
    """Why exp(phi) has no finite integral, whatever the loss; '' where nothing is against it.

    >>> never_normalisable(DensityReader({}).exponent("exp(-L + dot(eta, eta))"), ("theta", "eta"))
    'it does not fall with |eta|'
    """
    import sympy as sp

    for x in variables:
        own = [atom(a, b) for i, a in enumerate(BASIS) for b in BASIS[i:] if x in (a, b)] + ([loss()] if x == "theta" else [])
        if not phi.has(*own):
            return f"it does not depend on {x}"
    falls = sp.factor(sp.diff(phi, atom("eta", "eta"))) if "eta" in variables else sp.Integer(-1)
    return "it does not fall with |eta|" if falls.is_nonnegative else ""


def _scaled(data: DensityClaim, c: Any) -> str:
    inner = text_of(c * DensityReader({}).exponent(data.density))
    return f"exp({inner})"


def _right_constant(data: DensityClaim, where: Mapping[str, Any]) -> Any:
    """c != 0 with exp(c*phi) stationary, or None."""
    import sympy as sp

    c = sp.Symbol("c")
    conditions = _coefficients(_rate(data, where, c))
    roots: set[Any] | None = None
    for condition in conditions:
        if not condition.has(c):
            return None
        here = {sp.factor(r) for r in sp.roots(sp.Poly(sp.numer(sp.together(condition)), c))}
        roots = here if roots is None else {r for r in roots if any(sp.simplify(r - s) == 0 for s in here)}
    return next((r for r in sorted(roots or (), key=str) if r != 0), None)


def _coefficients(rate: Any) -> list[Any]:
    import sympy as sp

    independent = [s for s in rate.free_symbols if not s.is_positive and str(s) != "c"]
    return [sp.together(k) for k in sp.Poly(sp.expand(rate), *independent).coeffs()] if independent else [rate]


def _numbers(rate: Any) -> str:
    """The rate at L = x**2/2 in one dimension, theta = 1 (grad = 1, Laplacian 1), eta = 2 and all parameters one."""
    import sympy as sp

    for theta in (1, 2, 3):
        sizes = {"theta": theta, "eta": 2, "grad": theta}
        values = {atom(a, b): sizes[a] * sizes[b] for i, a in enumerate(BASIS) for b in BASIS[i:]}
        values |= {sp.Symbol("Laplacian(L)"): 1, sp.Symbol("d"): 1, loss(): sp.Rational(theta**2, 2)}
        values |= {s: 1 for s in rate.free_symbols if s.is_positive}
        value = rate.subs(values)
        if value != 0:
            names = sorted(str(s) for s in rate.free_symbols if s.is_positive)
            eta = ", eta = 2" if any("eta" in str(s).replace("theta", "") for s in rate.free_symbols) else ""
            at = f"theta = {theta}{eta}" + "".join(f", {n} = 1" for n in names)
            return f"counterexample: L = x**2/2 in one dimension at {at}: (dP/dt)/P = {value}"
    return ""


def _rate(data: DensityClaim, where: Mapping[str, Any], c: Any) -> Any:
    """(dP/dt)/P for P = exp(c*phi)."""
    import sympy as sp

    reader = DensityReader(where)
    phi = c * reader.exponent(data.density)
    total: Any = sp.Integer(0)
    for x, text in data.drift.items():
        drift = reader.vector(text, f"drift, {x}")
        total -= divergence(drift, x) + dot(drift, slope(phi, x))
    for x, text in data.noise.items():
        total += diffused(phi, reader.scalar(text, f"noise, {x}"), x)
    return sp.factor(sp.together(sp.expand(total)))


KIND = Kind("stationary-density", DensityClaim, states_density, judge_density)
