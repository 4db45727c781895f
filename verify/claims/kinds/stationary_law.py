"""Kind stationary-law: the covariance that a stochastic scheme is left with on a quadratic loss, exactly.

    X+ = M X + sum_k b_k xi_k,    S = M_i S M_j^T + sum_k E(xi_k,i xi_k,j) b_k,i b_k,j^T

i, j are directions in which the Hessian of the loss is diagonal, with the curvatures h_i, h_j; M_i and b_k,i are read off the
update text, run on sums of symbols.  xi_k is the error of a sample's gradient, or a normal vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derive.errors import UndecidedError, UsageError
from derive.language.calls import KNOWN_FUNCTIONS
from derive.language.samples import NORMAL
from derive.readings.formula import power_of
from derive.scheme import Configuration
from verify.claims.judgment import Judgment, Kind, Stated
from verify.claims.kinds.stationary_variance import compared
from verify.claims.noise_data import NoiseData
from verify.claims.symbolic import symbol, symbolic, text_of
from verify.numbers.kinds import OrderedNumbers
from verify.orbits.run import Runner, reads_ahead
from verify.sde.reading import is_linear, read
from verify.sde.world import reads_time

LETTERS = {"variance": ("h", "sigma"), "covariance": ("h1", "h2", "c")}
SMALL = (Fraction(1, 100), Fraction(1, 3), Fraction(1, 2), Fraction(9, 10))


@dataclass(frozen=True, kw_only=True)
class StationaryLaw(NoiseData):
    """variance    of one direction, curvature h, sigma**2 the variance of a sample's gradient
    covariance  of two directions, curvatures h1 and h2, c the covariance of a sample's gradient
    of          which state variable, theta if it is left out
    through     gamma**through; left out: exactly
    """

    variance: str = ""
    covariance: str = ""
    of: str = "theta"
    through: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.variance) == bool(self.covariance):
            raise UsageError("give either variance = \"...\" or covariance = \"...\"")
        if self.sampling != "iid":
            raise UsageError("stationary-law: samples are independent; leave 'sampling' out")
        c = self.configuration
        if clash := {*LETTERS[self.what]} & {*c.free, self.batch}:
            raise UsageError(f"'{min(clash)}' is of the loss or the noise here; give the scheme's parameter another name")
        if self.of not in (states := [c.symbol(s) for s in c.scheme.states]):
            raise UsageError(f"of: '{self.of}' is no state variable here (known: {', '.join(states)})")

    @property
    def what(self) -> str:
        return "variance" if self.variance else "covariance"


def states_law(data: StationaryLaw) -> Stated:
    """What is stated."""
    rest = f" + O({power_of('gamma', data.through + 1)})" if data.through is not None else ""
    loss = {
        "variance": "L = h*theta**2/2, a sample's gradient with an error of the variance sigma**2",
        "covariance": "L = (h1*x1**2 + h2*x2**2)/2, the errors of a sample's gradient with the covariance c in these directions",
    }[data.what]
    hypotheses = *data.hypotheses[:-1], loss, data.drawn(0), "where the scheme is stable"
    return Stated(f"the {data.what} of {data.of} settles at {getattr(data, data.what)}{rest}", hypotheses)


def judge_law(data: StationaryLaw) -> Judgment:
    """stationary-law: solve the Lyapunov equation, compare exactly or as a series in gamma."""
    true = stationary_covariance(data)
    exact = f"{data.what} of {data.of} = {text_of(true)}"
    return compared(symbolic(getattr(data, data.what), data.what), true, data.through, exact)


def stationary_covariance(data: StationaryLaw) -> Any:
    """The entry of `of` in the solution of the Lyapunov equation.

    Raises UndecidedError for a step that is not linear, and where no parameters are found at which the law settles.

    >>> text_of(stationary_covariance(StationaryLaw(scheme="gd", covariance="c")))
    '-c*gamma/(gamma*h1*h2 - h1 - h2)'
    """
    import sympy as sp

    one = data.what == "variance"
    curvatures = [symbol("h")] * 2 if one else [symbol("h1"), symbol("h2")]
    steps = [_linear_step(data, h) for h in curvatures]
    sample = (symbol("sigma") ** 2 if one else symbol("c")) / (symbolic(data.batch, "batch") if data.batch else 1)
    known = {name: sp.Integer(one) if name == NORMAL else sample for name in steps[0].noise}
    (m, n), size = (s.matrix for s in steps), len(steps[0].states)
    covariance = sp.Matrix(size, size, lambda i, j: sp.Symbol(f"S{i}_{j}"))
    residual = covariance - m * covariance * n.T
    for (name, b), other in zip(steps[0].columns, (b for _, b in steps[1].columns)):
        residual -= known[name] * b * other.T
    solution = sp.solve(list(residual), list(covariance), dict=True)
    if not solution or covariance.free_symbols - set(solution[0]):
        raise UndecidedError("the Lyapunov equation has no single solution: a state variable settles at no law")
    _require_settling([m, n])
    place = steps[0].states.index(data.of)
    return sp.factor(solution[0][covariance[place, place]])


@dataclass(frozen=True)
class _LinearStep:
    """X+ = matrix X + sum of columns times what is drawn: (a sample or normal, its column)."""

    states: tuple[str, ...]
    matrix: Any
    columns: tuple[tuple[str, Any], ...]

    @property
    def noise(self) -> set[str]:
        return {name for name, _ in self.columns}


def _linear_step(data: StationaryLaw, h: Any) -> _LinearStep:
    """The update text run on symbols for state variables and what is drawn, in one direction of the curvature h."""
    import sympy as sp

    c = _readable(data)
    drawn: dict[str, Any] = {}

    def noise(called: str, arguments: list[Any]) -> list[Any]:
        if called == NORMAL:
            return [drawn.setdefault(f"{NORMAL} {len(drawn)}", sp.Symbol(f"n{len(drawn)}"))]
        return [h * arguments[0][0] + drawn.setdefault(called, sp.Symbol(f"e{len(drawn)}"))]

    def gradient(point: list[Any]) -> list[Any]:
        return [h * point[0]]

    states = tuple(c.symbol(s) for s in c.scheme.states)
    start = {s: [sp.Symbol(f"X{k}")] for k, s in enumerate(states)}
    rational: Callable[[Fraction], Any] = lambda q: sp.Rational(q.numerator, q.denominator)
    numbers = OrderedNumbers(rational, lambda x, r: x ** rational(r))
    values = {n: symbol(n) for n in c.free}
    after = Runner(c, gradient, values, numbers, noise=noise).step(start, symbol("gamma"), sp.Integer(0))
    rows = [sp.expand(after[s][0]) for s in states]
    column: Callable[[Any], Any] = lambda x: sp.Matrix([sp.factor(r.coeff(x)) for r in rows])
    matrix = sp.Matrix.hstack(*(column(start[s][0]) for s in states))
    return _LinearStep(states, matrix, tuple((name.split()[0], column(x)) for name, x in drawn.items()))


def _readable(data: StationaryLaw) -> Configuration:
    """The configuration as `verify.sde` reads it.  Raises UndecidedError for one whose law is not computed here."""
    c = read(data.configuration)
    if c.scheme.label != "L":
        raise UndecidedError("a stationary law is computed for losses; this scheme is written for a vector field")
    if not is_linear(c) or c.functions or reads_time(c) or reads_ahead(c.scheme):
        raise UndecidedError("a stationary law is computed for explicit texts that are linear in what they draw")
    if called := c.scheme.called & {*KNOWN_FUNCTIONS}:
        raise UndecidedError(f"the update has {min(called)}(...); write a parameter for its value")
    return c


def _require_settling(matrices: list[Any]) -> None:
    """That there are parameters at which all eigenvalues are less than one in absolute value: then the law settles, there and
    where the same holds.  Raises UndecidedError where none is found."""
    import sympy as sp

    names = sorted(set().union(*(m.free_symbols for m in matrices)), key=str)
    for k in range(len(SMALL)):
        values = {s: sp.Rational(1, 100) if s.name == "gamma" else sp.Rational(str(SMALL[k])) for s in names}
        if all(_contracts(m.subs(values)) for m in matrices):
            return
    raise UndecidedError("no parameters are found at which the scheme is strictly stable")


def _contracts(matrix: Any) -> bool:
    """Whether X -> matrix X contracts: with z = (1 + w)/(1 - w) the roots are in the left half plane, by Routh and Hurwitz."""
    import sympy as sp

    z, w = sp.symbols("z w")
    polynomial = matrix.charpoly(z).as_expr()
    moved = sp.Poly(sp.together(polynomial.subs(z, (1 + w) / (1 - w)) * (1 - w) ** matrix.rows).cancel(), w)
    a = moved.all_coeffs()
    size = matrix.rows
    if len(a) != size + 1 or a[0] == 0:
        return False
    a = [x / a[0] for x in a]
    hurwitz = sp.Matrix(size, size, lambda i, j: a[2 * j - i + 1] if 0 <= 2 * j - i + 1 <= size else 0)
    return all(bool(hurwitz[:k, :k].det() > 0) for k in range(1, size + 1))


KIND = Kind("stationary-law", StationaryLaw, states_law, judge_law)
