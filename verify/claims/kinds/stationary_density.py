"""Kind stationary-density: the Fokker-Planck equation for a general loss.

With c*phi for phi the coefficients of the rate are polynomials in c, whose common root is the right constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.language import names_of, parse_expression
from verify.claims.expansion import expansion_at_zero
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
            if name not in used or name in (*BASIS, "L"):
                raise UsageError(f"where: '{name}' is no parameter here")


def states_density(data: DensityClaim) -> Stated:
    """What is stated."""
    noise = {x: f" + ({f})*dW" for x, f in data.noise.items()}
    moves = (f"d{x} = ({f})*dt{noise.get(x, '')}" for x, f in data.drift.items())
    where = ", ".join(f"{n} = {v}" for n, v in (data.where or {}).items())
    which = "any smooth loss and positive parameters" + " for which the density is one" * data.normalisable
    kind = "the density" if data.normalisable else "the measure, normalisable or not,"
    solved = "the noise real and the solutions there for all times"
    hypotheses = (*moves, "in Ito's sense", where, which, solved)
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
    numbers = _numbers(rate, DensityReader(where).exponent(data.density))
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
    for x in variables:
        own = [atom(a, b) for i, a in enumerate(BASIS) for b in BASIS[i:] if x in (a, b)] + ([loss()] if x == "theta" else [])
        if not phi.has(*own):
            return f"it does not depend on {x}"
    coupled = phi.has(atom("theta", "eta"))
    decided = [x for x in variables if not coupled and not (x == "theta" and phi.has(loss()))]
    return next((f"it does not fall with |{x}|" for x in decided if _stays(phi, x)), "")


def _stays(phi: Any, x: str) -> bool:
    """Whether phi does not tend to -oo with |x|, whatever the parameters, by its leading power of 1/|x|**2."""
    import sympy as sp

    u = sp.Symbol("u", positive=True)
    try:
        leading = next(iter(expansion_at_zero(phi.subs(atom(x, x), 1 / u), u, Fraction(1, 2)).items()), (Fraction(0), 0))
    except UndecidedError:
        return False
    return leading[0] >= 0 or bool(sp.factor(leading[1]).is_nonnegative)


def _scaled(data: DensityClaim, c: Any) -> str:
    inner = text_of(c * DensityReader({}).exponent(data.density))
    return f"exp({inner})"


def _right_constant(data: DensityClaim, where: Mapping[str, Any]) -> Any:
    """c != 0 with exp(c*phi) stationary, or None."""
    import sympy as sp

    c = sp.Symbol("c")
    try:
        conditions = _coefficients(_rate(data, where, c))
    except sp.PolynomialError:
        return None  # a root of |grad|**2, L, ...
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
    if not independent:
        return [rate]
    return [sp.together(k) for k in sp.Poly(sp.expand(sp.numer(sp.together(rate))), *independent).coeffs()]


def _numbers(rate: Any, phi: Any) -> str:
    """The rate at L = x**2/2 (grad = theta, Laplacian 1) in one dimension, or at L = -x**2/2 where the density grows with L, at
    some theta, eta = 2 and simple parameters."""
    import sympy as sp

    symbols = sorted((s for s in (rate + phi).free_symbols if s.is_positive), key=str)
    for theta, step in ((1, 0), (2, 0), (3, 0), (1, 1), (2, 1)):
        parameters = {s: sp.Integer(1 + step * (i + 1)) for i, s in enumerate(symbols)}
        for sign in (1, -1):
            sizes = {"theta": theta, "eta": 2, "grad": sign * theta}
            values = {atom(a, b): sizes[a] * sizes[b] for i, a in enumerate(BASIS) for b in BASIS[i:]} | parameters
            values |= {sp.Symbol("Laplacian(L)"): sign, sp.Symbol("d"): 1, loss(): sp.Rational(sign * theta**2, 2)}
            rise, value = sp.diff(phi, loss()).subs(values), rate.subs(values)
            if value.is_real and value.is_finite and value != 0 and (rise * sign).is_nonpositive:
                eta = ", eta = 2" if any("eta" in str(s).replace("theta", "") for s in rate.free_symbols) else ""
                at = f"theta = {theta}{eta}" + "".join(f", {s} = {v}" for s, v in parameters.items())
                chosen = "x**2/2" if sign > 0 else "-x**2/2"
                return f"counterexample: L = {chosen} in one dimension at {at}: (dP/dt)/P = {value}"
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
