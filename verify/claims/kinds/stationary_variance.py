"""Kind stationary-variance: a scheme with noisy gradients on L = h theta**2/2, exactly.

    X+ = M X + b sigma xi,   Sigma = M Sigma M^T + sigma**2 b b^T         (xi of mean zero and variance one, independent)

M is derive's linear map of the scheme; the gradient enters as h theta + sigma xi, so that b is the derivative of M's theta
column with respect to h.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.errors import UsageError
from derive.scheme import configure
from derive.scheme.linear_map import linear_map
from verify.claims.judgment import Judgment, Kind, leading, proved, refuted
from verify.claims.scheme_data import SchemeData
from verify.claims.symbolic import symbol, symbolic, text_of


@dataclass(frozen=True, kw_only=True)
class VarianceClaim(SchemeData):
    """variance of theta: a formula in gamma, h (curvature), sigma (noise of a gradient) and the scheme's parameters, through
    gamma**through; without `through`, exactly."""

    variance: str
    through: int | None = None


def judge_variance(data: VarianceClaim) -> Judgment:
    """stationary-variance: solve the Lyapunov equation, compare exactly or as a series in gamma."""
    import sympy as sp

    scheme, keywords = data.chosen()
    true = stationary_variance(linear_map(configure(scheme, keywords["regime"], keywords["settings"])))
    claimed = symbolic(data.variance, "variance")
    exact = f"on L = h*theta**2/2: variance = {text_of(true)}"
    if sp.cancel(true - claimed) == 0:
        return proved(exact)
    gamma = symbol("gamma")
    depth = 4 if data.through is None else data.through + 1
    series = [[sp.factor(c) for c in _coefficients(e, gamma, depth)] for e in (claimed, true)]
    k = next((i for i, (a, b) in enumerate(zip(*series, strict=True)) if sp.cancel(a - b) != 0), None)
    if k is None and data.through is not None:
        return proved(exact, f"the series agree through gamma**{data.through}")
    if k is None:
        raise UsageError("variance: the series agree as far as they are looked at; say 'through' which power it claims to hold")
    first = next(i for i, c in enumerate(series[1]) if c != 0)
    term = f"at gamma**{k}: claimed {text_of(series[0][k])}, true {text_of(series[1][k])}"
    numbers = _numbers(claimed, true)
    if data.through is None and k > first:
        return leading(exact, f"next term, {term}", numbers)
    return refuted(exact, term, numbers)


def stationary_variance(linear: Any) -> Any:
    """The theta-theta entry of the solution of the Lyapunov equation.

    Raises UsageError where the gradient is not taken at theta alone.

    >>> from derive import configure, load_scheme
    >>> text_of(stationary_variance(linear_map(configure(load_scheme("gd")))))
    '-gamma*sigma**2/(h*(gamma*h - 2))'
    """
    import sympy as sp

    h, size = symbol(linear.curvature), len(linear.states)
    matrix = sp.Matrix([[symbolic(str(c), "matrix") for c in row] for row in linear.matrix])
    slope = matrix.diff(h)
    theta = linear.states.index("theta")
    if slope.has(h) or any(slope[i, j] != 0 for i in range(size) for j in range(size) if j != theta):
        raise UsageError("the noise of a gradient is followed only where the gradient is taken once, at theta")
    noise = slope[:, theta] * symbol("sigma")
    unknown = sp.Matrix(size, size, lambda i, j: sp.Symbol(f"S{min(i, j)}_{max(i, j)}"))
    residual = unknown - matrix * unknown * matrix.T - noise * noise.T
    solution = sp.solve([residual[i, j] for i in range(size) for j in range(i, size)], sorted(unknown.free_symbols, key=str))
    if not solution:
        raise UsageError("the variance does not settle: the scheme is not strictly stable on quadratics")
    return sp.factor(solution[unknown[theta, theta]])


def _coefficients(value: Any, gamma: Any, depth: int) -> list[Any]:
    import sympy as sp

    series = sp.expand(sp.series(value, gamma, 0, depth).removeO())
    return [series.coeff(gamma, k) for k in range(depth)]


def _numbers(claimed: Any, true: Any) -> str:
    import sympy as sp

    symbols = sorted(claimed.free_symbols | true.free_symbols, key=str)
    values = {s: sp.Integer(1) if str(s) in ("h", "sigma") else sp.Rational(1, 10) for s in symbols}
    at = ", ".join(f"{s} = {v}" for s, v in values.items())
    return f"counterexample: {at}: claimed {claimed.subs(values)}, true {true.subs(values)}"


KIND = Kind("stationary-variance", VarianceClaim, judge_variance)
