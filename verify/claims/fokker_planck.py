"""Drifts and densities for a general loss, and the Fokker-Planck operator on them.

    dx = drift dt + noise dW  (Ito),      0 = -div(drift P) + sum over noisy variables of Laplacian(noise**2/2 P)

where noise is a scalar, which may depend on theta, eta and L.  For P = exp(phi) the right side over P is a polynomial in
quantities that are independent for a general loss in d dimensions: |grad L|^2, its products with theta and eta, Laplacian(L),
|eta|^2, ..., d.  It vanishes identically exactly when every coefficient does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.errors import ParseError, UndecidedError
from derive.language import Call, Expression, Name, Number, Operation, constant, parse_expression
from derive.readings.formula import limited
from verify.claims.symbolic import symbol

CALLS: dict[str, int | None] = {"exp": 1, "dot": 2, "norm": 1, "sqrt": 1}
BASIS = ("theta", "eta", "grad")
Vector = dict[str, Any]  # basis vector -> coefficient


def atom(a: str, b: str) -> Any:
    """The scalar <a, b> as a symbol."""
    import sympy as sp

    first, second = sorted((a, b), key=BASIS.index)
    return sp.Symbol(f"dot({first}, {second})")


def loss() -> Any:
    import sympy as sp

    return sp.Symbol("L")


def dot(u: Vector, v: Vector) -> Any:
    return sum((a * b * atom(m, k) for m, a in u.items() for k, b in v.items()), 0)


def slope(phi: Any, x: str) -> Vector:
    """The gradient of a scalar in L, <theta, theta>, <theta, eta>, <eta, eta> with respect to x, by the chain rule."""
    import sympy as sp

    other = "eta" if x == "theta" else "theta"
    result: Vector = {x: 2 * sp.diff(phi, atom(x, x)), other: sp.diff(phi, atom("theta", "eta"))}
    if x == "theta":
        result["grad"] = sp.diff(phi, loss())
    return {b: k for b, k in result.items() if k != 0}


def divergence(v: Vector, x: str) -> Any:
    """div_x of sum k_b b = sum k_b div_x b + <grad_x k_b, b>;  div theta = div eta = d, div_theta grad L = Laplacian(L)."""
    import sympy as sp

    own = {x: sp.Symbol("d")} | ({"grad": sp.Symbol("Laplacian(L)")} if x == "theta" else {})
    total: Any = sp.Integer(0)
    for b, k in v.items():
        total += k * own.get(b, 0) + dot(slope(k, x), {b: sp.Integer(1)})
    return total


def diffused(phi: Any, noise: Any, x: str) -> Any:
    """Laplacian_x(D P)/P = Laplacian D + 2 <grad D, grad phi> + D (Laplacian phi + |grad phi|^2), P = exp(phi), D = noise**2/2.

    >>> import sympy as sp
    >>> str(diffused(-loss(), sp.Symbol("s"), "theta"))
    's**2*(-Laplacian(L) + dot(grad, grad))/2'
    """
    import sympy as sp

    d, rise = noise**2 / sp.Integer(2), slope(phi, x)
    own = slope(d, x)
    return divergence(own, x) + 2 * dot(own, rise) + d * (divergence(rise, x) + dot(rise, rise))


class DensityReader:
    """Vector and scalar formulas in theta, eta, grad, L and parameters."""

    def __init__(self, where: Mapping[str, Any]) -> None:
        self.where = {symbol(n): v for n, v in where.items()}

    def exponent(self, density: str) -> Any:
        """phi of a density exp(phi)."""
        e = limited(parse_expression(density, "density", CALLS))
        if not isinstance(e, Call) or e.function != "exp":
            raise ParseError("write the density as exp(...), without its normalisation", "density", 1, 1)
        value = self.value(e.args[0], "density")
        if isinstance(value, dict):
            raise ParseError("the exponent is a vector", "density", 1, 1)
        if any("grad" in str(s) for s in value.free_symbols):
            raise ParseError("the exponent may contain L, dot(theta, theta), dot(theta, eta), dot(eta, eta)", "density", 1, 1)
        return value

    def scalar(self, text: str, where: str) -> Any:
        """A number, which may depend on theta, eta and L.  Raises UndecidedError for a vector."""
        value = self.value(limited(parse_expression(text, where, CALLS)), where)
        if not isinstance(value, dict) and value.is_real is False:
            raise ParseError(f"'{text}' is not a real number", where, 1, 1)
        if isinstance(value, dict):
            raise UndecidedError(f"{where}: {text} is a vector; only a scalar noise, the same in every direction, is followed")
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
                return {id: sp.Integer(1)} if id in BASIS else loss() if id == "L" else symbol(id).subs(self.where)
            case Call("dot", (a, b)):
                u, v = self.value(a, where), self.value(b, where)
                if isinstance(u, dict) and isinstance(v, dict):
                    return dot(u, v)
            case Call("norm", (a,)):
                u = self.value(a, where)
                if isinstance(u, dict):
                    return sp.sqrt(dot(u, u))
            case Call("sqrt", (a,)):
                u = self.value(a, where)
                if not isinstance(u, dict):
                    return sp.sqrt(u)
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
