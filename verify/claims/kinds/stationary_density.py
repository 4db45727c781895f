"""Kind stationary-density: the Fokker-Planck equation for a general loss.

With c*phi for phi the coefficients of the rate are polynomials in c, whose common root is the right constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UsageError
from verify.claims.fokker_planck import BASIS, DensityReader, atom, divergence, dot, loss, slope
from verify.claims.judgment import Judgment, Kind, proved, refuted
from verify.claims.symbolic import symbolic, text_of


@dataclass(frozen=True)
class DensityClaim:
    """drift, noise: by variable (theta, or theta and eta); density: exp(...) in L, dot(u, v) and parameters, not normalised;
    where: parameters set to a value."""

    drift: Mapping[str, str]
    noise: Mapping[str, str]
    density: str
    where: Mapping[str, str] | None = None


def judge_density(data: DensityClaim) -> Judgment:
    """stationary-density: is the density stationary for every loss, and if not, which constant in the exponent makes it so."""
    where = {n: symbolic(v, f"where, {n}") for n, v in (data.where or {}).items()}
    rate = _rate(data, where, 1)
    equation = "(dP/dt)/P"
    if rate == 0:
        return proved(f"Fokker-Planck: {equation} = 0 identically")
    evidence = [f"Fokker-Planck: {equation} = {text_of(rate)}, not zero for a general loss", _numbers(rate)]
    found = _right_constant(data, where)
    if found is not None:
        return refuted(f"stationary for every loss: {_scaled(data, found)}", *evidence)
    free = _right_constant(data, {})
    if not where or free is None:
        return refuted("no constant in the exponent makes it stationary for every loss", *evidence)
    set_to = ", ".join(f"{n} = {v}" for n, v in (data.where or {}).items())
    correct = f"at {set_to} no constant in the exponent makes it stationary; "
    correct += f"with {', '.join(where)} free it is {_scaled(data, free)}"
    return refuted(correct, *evidence)


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
        if x not in ("theta", "eta"):
            raise UsageError(f"drift: the variables are theta and eta, not '{x}'")
        drift = reader.vector(text, f"drift, {x}")
        total -= divergence(drift, x) + dot(drift, slope(phi, x))
    for x, text in data.noise.items():
        if x not in data.drift:
            raise UsageError(f"noise: '{x}' has no drift")
        rise = slope(phi, x)
        total += symbolic(text, f"noise, {x}").subs(reader.where) ** 2 / 2 * (divergence(rise, x) + dot(rise, rise))
    return sp.factor(sp.together(sp.expand(total)))


KIND = Kind("stationary-density", DensityClaim, judge_density)
