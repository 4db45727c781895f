"""Kinds about stationary densities, decided by the Fokker-Planck equation.

    dx = drift dt + noise dW,      0 = -div(drift P) + sum over noisy variables of noise**2/2 Laplacian(P)

For P = exp(phi) the right side over P is a polynomial in quantities that are independent for a general loss in d dimensions:
|grad L|^2, its products with theta and eta, Laplacian(L), |eta|^2, ..., d.  It vanishes identically exactly when every
coefficient does.  With c*phi for phi the coefficients are polynomials in c, whose common root is the right constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import ParseError, UsageError
from derive.language import Call, Expression, Name, Number, Operation, constant, parse_expression
from verify.claims.judgment import Judgment, proved, refuted
from verify.claims.symbolic import limited, symbol, symbolic, text_of

CALLS: dict[str, int | None] = {"exp": 1, "dot": 2}
BASIS = ("theta", "eta", "grad")
Vector = dict[str, Any]  # basis vector -> coefficient


def atom(a: str, b: str) -> Any:
    """The scalar <a, b> as a symbol."""
    import sympy as sp

    first, second = sorted((a, b), key=BASIS.index)
    return sp.Symbol(f"dot({first}, {second})")


def _loss() -> Any:
    import sympy as sp

    return sp.Symbol("L")


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
    inner = text_of(c * Reader(data, {}).exponent())
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
        values |= {sp.Symbol("Laplacian(L)"): 1, sp.Symbol("d"): 1, _loss(): sp.Rational(theta**2, 2)}
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

    reader = Reader(data, where)
    phi = c * reader.exponent()
    total: Any = sp.Integer(0)
    for x, text in data.drift.items():
        if x not in ("theta", "eta"):
            raise UsageError(f"drift: the variables are theta and eta, not '{x}'")
        drift = reader.vector(text, f"drift, {x}")
        total -= _divergence(drift, x) + _dot(drift, _slope(phi, x))
    for x, text in data.noise.items():
        if x not in data.drift:
            raise UsageError(f"noise: '{x}' has no drift")
        slope = _slope(phi, x)
        total += symbolic(text, f"noise, {x}").subs(reader.where) ** 2 / 2 * (_divergence(slope, x) + _dot(slope, slope))
    return sp.factor(sp.together(sp.expand(total)))


def _dot(u: Vector, v: Vector) -> Any:
    return sum((a * b * atom(m, k) for m, a in u.items() for k, b in v.items()), 0)


def _slope(phi: Any, x: str) -> Vector:
    """The gradient of a scalar in L, <theta, theta>, <theta, eta>, <eta, eta> with respect to x, by the chain rule."""
    import sympy as sp

    other = "eta" if x == "theta" else "theta"
    result: Vector = {x: 2 * sp.diff(phi, atom(x, x)), other: sp.diff(phi, atom("theta", "eta"))}
    if x == "theta":
        result["grad"] = sp.diff(phi, _loss())
    return {b: k for b, k in result.items() if k != 0}


def _divergence(v: Vector, x: str) -> Any:
    """div_x of sum k_b b = sum k_b div_x b + <grad_x k_b, b>;  div theta = div eta = d, div_theta grad L = Laplacian(L)."""
    import sympy as sp

    own = {x: sp.Symbol("d")} | ({"grad": sp.Symbol("Laplacian(L)")} if x == "theta" else {})
    total: Any = sp.Integer(0)
    for b, k in v.items():
        total += k * own.get(b, 0) + _dot(_slope(k, x), {b: sp.Integer(1)})
    return total


class Reader:
    """Vector and scalar formulas in theta, eta, grad, L and parameters."""

    def __init__(self, data: DensityClaim, where: Mapping[str, Any]) -> None:
        self.data, self.where = data, {symbol(n): v for n, v in where.items()}

    def exponent(self) -> Any:
        e = limited(parse_expression(self.data.density, "density", CALLS))
        if not isinstance(e, Call) or e.function != "exp":
            raise ParseError("write the density as exp(...), without its normalisation", "density", 1, 1)
        value = self.value(e.args[0], "density")
        if isinstance(value, dict):
            raise ParseError("the exponent is a vector", "density", 1, 1)
        if any("grad" in str(s) for s in value.free_symbols):
            raise ParseError("the exponent may contain L, dot(theta, theta), dot(theta, eta), dot(eta, eta)", "density", 1, 1)
        return value

    def vector(self, text: str, where: str) -> Vector:
        value = self.value(limited(parse_expression(text, where, CALLS)), where)
        if isinstance(value, dict):
            return value
        if value == 0:
            return {}
        raise ParseError("a drift is a vector, built from grad, theta and eta", where, 1, 1)

    def value(self, e: Expression, where: str) -> Any:
        import sympy as sp

        match e:
            case Number(value):
                return sp.Rational(value.numerator, value.denominator)
            case Name(id):
                return {id: sp.Integer(1)} if id in BASIS else _loss() if id == "L" else symbol(id).subs(self.where)
            case Call("dot", (a, b)):
                u, v = self.value(a, where), self.value(b, where)
                if isinstance(u, dict) and isinstance(v, dict):
                    return _dot(u, v)
            case Operation("neg", (a,)):
                return self._times(sp.Integer(-1), self.value(a, where))
            case Operation("+" | "-", (a, b)):
                u, v = self.value(a, where), self.value(b, where)
                v = self._times(sp.Integer(1 if e.op == "+" else -1), v)
                if isinstance(u, dict) and isinstance(v, dict):
                    return {k: u.get(k, 0) + v.get(k, 0) for k in {**u, **v}}
                if not isinstance(u, dict) and not isinstance(v, dict):
                    return u + v
            case Operation("*" | "/", (a, b)):
                u, v = self.value(a, where), self.value(b, where)
                if e.op == "/" and not isinstance(v, dict):
                    v = 1 / v
                if isinstance(v, dict) and e.op == "*":
                    u, v = v, u
                if not isinstance(v, dict):
                    return self._times(v, u)
            case Operation("**", (a, b)):
                u, power = self.value(a, where), constant(b)
                if power is not None and not isinstance(u, dict):
                    return u ** sp.Rational(power.numerator, power.denominator)
        raise ParseError("vectors and scalars do not fit here", where, e.line, e.column)

    def _times(self, k: Any, x: Any) -> Any:
        return {b: k * c for b, c in x.items()} if isinstance(x, dict) else k * x


# ---------------------------------------------------------------------------------------------- marginals


@dataclass(frozen=True)
class MarginalClaim:
    """The theta-marginal of the density of (theta, eta) is `marginal`, up to a constant."""

    density: str
    marginal: str


def judge_marginal(data: MarginalClaim) -> Judgment:
    """marginal-density: the exponent splits into one part in theta and one in eta; the first is the marginal's."""
    joint, claimed = (Reader(DensityClaim({}, {}, text), {}).exponent() for text in (data.density, data.marginal))
    mixed = joint.diff(atom("theta", "eta"))
    if mixed != 0 or any(joint.diff(atom("eta", "eta")).has(s) for s in (_loss(), atom("theta", "theta"))):
        raise UsageError("density: the exponent couples theta and eta; a marginal is read off only where it does not")
    true = joint.subs(atom("eta", "eta"), 0)
    evidence = f"exponent {text_of(joint)} = [{text_of(true)}] + [{text_of(joint - true)}]: theta and eta are independent"
    if (true - claimed).expand() == 0:
        return proved(evidence)
    falls = [text_of(e.subs(_loss(), 1) - e.subs(_loss(), 0)) for e in (true, claimed)]
    ratio = f"counterexample: from L = 0 to L = 1 the density changes by exp({falls[0]}), claimed exp({falls[1]})"
    return refuted(f"the marginal is exp({text_of(true)})", evidence, ratio)
