"""Kind stationary-variance: a scheme with noisy gradients on L = h theta**2/2, exactly.

    X+ = M X + b sigma xi,   Sigma = M Sigma M^T + sigma**2 b b^T         (xi of mean zero and variance one, independent)

M is derive's linear map of the scheme; the gradient enters as h theta + sigma xi, so that b is the derivative of M's theta
column with respect to h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.readings.formula import power_of
from derive.readings.stability import stability
from derive.reals import All, compare, example
from derive.scheme import Scheme, configure
from derive.scheme.linear_map import linear_map
from verify.claims.judgment import Judgment, Kind, Stated, leading, proved, refuted
from verify.claims.scheme_data import SchemeData
from verify.claims.symbolic import by_powers, equal, is_zero, symbol, symbolic, text_of

ZERO = symbolic("0", "zero")


@dataclass(frozen=True, kw_only=True)
class VarianceClaim(SchemeData):
    """variance of theta: a formula in gamma, h (curvature), sigma (noise of a gradient) and the scheme's parameters, through
    gamma**through; without `through`, exactly."""

    variance: str
    through: int | None = None


    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("h", "sigma"):
            if name in self.configuration.free:
                raise UsageError(f"'{name}' is the curvature or the noise here; give the scheme's parameter another name")


def states_variance(data: VarianceClaim) -> Stated:
    """What is stated."""
    rest = f" + O({power_of('gamma', data.through + 1)})" if data.through is not None else ""
    loss = "L = h*theta**2/2 with h > 0, gamma*h in the interval of stability"
    noise = "the gradient of each step with an independent error of mean zero and variance sigma**2"
    return Stated(f"the variance of theta settles at {data.variance}{rest}", (*data.hypotheses[:-1], loss, noise))


def judge_variance(data: VarianceClaim) -> Judgment:
    """stationary-variance: solve the Lyapunov equation, compare exactly or as a series in gamma."""
    linear = data.read(_linear)
    true = stationary_variance(linear)
    if (unstable := _never_stable(data)) and len(linear.states) > 1:
        raise UndecidedError(f"{unstable}, which need not concern theta")
    if unstable:
        return refuted(f"the variance does not settle: {unstable}", f"counterexample: h = 1: {unstable}")
    return compared(symbolic(data.variance, "variance"), true, data.through, f"on L = h*theta**2/2: variance = {text_of(true)}")


def compared(claimed: Any, true: Any, through: int | None, exact: str) -> Judgment:
    """A formula against the true one, exactly or as a series in gamma; `exact` says what is true."""
    if is_zero(true - claimed):
        return proved(exact)
    gamma = symbol("gamma")
    depth = 4 if through is None else through + 1
    mine, theirs = (by_powers(e, gamma, depth) for e in (claimed, true))
    powers = sorted({*mine, *theirs})
    k = next((p for p in powers if not equal(mine.get(p, ZERO), theirs.get(p, ZERO))), None)
    if k is None and through is not None:
        return proved(exact, f"the series agree through gamma**{through}")
    numbers = _numbers(claimed, true)
    if k is None:
        return leading(exact, f"the series agree through gamma**{depth - 1}, and the sides are not equal", numbers)
    term = f"at gamma**{k}: claimed {text_of(mine.get(k, ZERO))}, true {text_of(theirs.get(k, ZERO))}"
    if through is None and k > min(theirs):
        return leading(exact, f"next term, {term}", numbers)
    return refuted(exact, term, numbers)


def _linear(scheme: Scheme, *, regime: str | None, settings: Mapping[str, str]) -> Any:
    return linear_map(configure(scheme, regime, settings))


def _never_stable(data: VarianceClaim) -> str:
    """Why no gamma*h > 0 is stable, for any parameters in their ranges, or ''."""
    s = data.read(stability)
    ring = s.strict.ring
    some = All((s.strict.inside, compare(ring.symbol(s.q), ">", ring.zero), *(r.formula for r in s.ranges)))
    return "" if example(some) is not None else "for no gamma*h > 0 and no parameters in their ranges is it stable"


def stationary_variance(linear: Any) -> Any:
    """The theta-theta entry of the solution of the Lyapunov equation.

    Raises UndecidedError where the gradient is not taken at theta alone.

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
        raise UndecidedError("the noise of a gradient is followed only where the gradient is taken once, at theta")
    noise = slope[:, theta] * symbol("sigma")
    unknown = sp.Matrix(size, size, lambda i, j: sp.Symbol(f"S{min(i, j)}_{max(i, j)}"))
    residual = unknown - matrix * unknown * matrix.T - noise * noise.T
    solution = sp.solve([residual[i, j] for i in range(size) for j in range(i, size)], sorted(unknown.free_symbols, key=str))
    if not solution:
        raise UndecidedError("the variance does not settle: the scheme is not strictly stable on quadratics")
    return sp.factor(solution[unknown[theta, theta]])


def _numbers(claimed: Any, true: Any) -> str:
    import sympy as sp

    symbols = sorted(claimed.free_symbols | true.free_symbols, key=str)
    for small in (10, 11, 13, 17):
        values = {s: sp.Integer(1) if str(s) in ("h", "sigma") else sp.Rational(1, small) for s in symbols}
        if sp.simplify((claimed - true).subs(values)) != 0:
            at = ", ".join(f"{s} = {v}" for s, v in values.items())
            return f"counterexample: {at}: claimed {claimed.subs(values)}, true {true.subs(values)}"
    return ""


KIND = Kind("stationary-variance", VarianceClaim, states_variance, judge_variance)
