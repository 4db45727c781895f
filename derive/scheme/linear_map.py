"""A scheme on the quadratic loss L = h theta^2 / 2: its update text run on linear forms in the state variables.

Nothing about any scheme is written in: grad(x) is h x, and every line of the update is carried out on vectors of
coefficients over (theta, memory).  What is not linear in the state (a product, root or quotient of state variables) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import Matrix, characteristic_polynomial
from derive.errors import ReductionError
from derive.language import Call, Expression, Name, Number, Operation, constant, names_of
from derive.scheme import Configuration

Form = dict[str, Ratio]  # coefficient of each state variable; "" is the constant part
_AHEAD = "theta_next"


@dataclass(frozen=True, eq=False)
class LinearMap:
    """X -> matrix X for the states X of a scheme on L = h theta^2/2, over the ring of gamma, h and the free parameters.

    `curvature` is the symbol that stands for h: h itself where the scheme has no such name.
    """

    configuration: Configuration
    ring: Ring
    curvature: str
    states: tuple[str, ...]
    matrix: Matrix

    def polynomial(self) -> list[Ratio]:
        """Coefficients of det(z E - matrix) from z^0 up."""
        return characteristic_polynomial(self.matrix, self.ring)


class _Runner:
    def __init__(self, configuration: Configuration) -> None:
        self.configuration, self.scheme = configuration, configuration.scheme
        if self.scheme.label != "L":
            raise ReductionError(f"{self.scheme.where}: stability is read on losses; this scheme is written for a vector field")
        texts = [a.value for a in self.scheme.program] + list(configuration.bindings.values())
        if configuration.functions or any("t" in names_of(e) for e in texts):
            raise ReductionError(
                f"{self.scheme.where}: the update depends on the time t, so its linear map changes from step to step and no "
                "single characteristic polynomial decides; fix the schedule to a constant"
            )
        self.curvature = configuration.fresh("h")
        self.ring = Ring(["gamma", self.curvature, *configuration.free])

    def run(self) -> LinearMap:
        names: dict[str, Form] = {n: self.value(e, {}) for n, e in self.configuration.bindings.items()}
        states = self.scheme.states
        for s in (*states, _AHEAD):
            names[s] = {s: self.ring.one}
        before = names["theta"]
        for a in self.scheme.program:
            names[a.target] = self.value(a.value, names)
        if "theta_prev" in states and "theta_prev" not in self.scheme.assigned:
            names["theta_prev"] = before
        rows = [names[s] for s in states]
        for row in rows:
            if row.get(""):
                raise ReductionError(f"{self.scheme.where}: a part of the update does not depend on the state")
        return LinearMap(self.configuration, self.ring, self.curvature, states, self._solved(rows, states))

    def _solved(self, rows: list[Form], states: tuple[str, ...]) -> Matrix:
        """theta_next, where it appears, is theta's own new value: theta+ = m X + n theta+."""
        zero, theta = self.ring.zero, rows[states.index("theta")]
        scale = (self.ring.one - theta.get(_AHEAD, zero)).inverse()
        ahead = {s: theta.get(s, zero) * scale for s in states}
        return [[(r.get(s, zero) + r.get(_AHEAD, zero) * ahead[s]).reduced() for s in states] for r in rows]

    def value(self, e: Expression, names: dict[str, Form]) -> Form:
        match e:
            case Number(x):
                return {"": self.ring.constant(x)} if x else {}
            case Name(id):
                return names[id] if id in names else {"": self.ring.symbol(id)}
            case Operation("neg", (a,)):
                return {s: -c for s, c in self.value(a, names).items()}
            case Operation("**", (a, b)):
                exponent = constant(b)
                base = self.value(a, names)
                if exponent == 1:
                    return base
                if exponent is None or exponent.denominator > 1 or self.moves(base):
                    raise self.nonlinear(e)
                return {"": base.get("", self.ring.zero) ** int(exponent)}
            case Operation(op, (a, b)):
                return self.combine(e, op, self.value(a, names), self.value(b, names))
            case Call("grad", (a,)):
                return {s: c * self.ring.symbol(self.curvature) for s, c in self.value(a, names).items()}
        raise self.nonlinear(e)

    def combine(self, e: Expression, op: str, x: Form, y: Form) -> Form:
        if op in "+-":
            result = dict(x)
            for s, c in y.items():
                result[s] = result.get(s, self.ring.zero) + (c if op == "+" else -c)
            return {s: c for s, c in result.items() if c}
        if op == "/" or self.moves(y):
            x, y = (x, y) if op == "/" else (y, x)
        if self.moves(y):
            raise self.nonlinear(e)
        factor = y.get("", self.ring.zero)
        if op == "/":
            factor = factor.inverse()
        return {s: v for s, c in x.items() if (v := c * factor)}

    @staticmethod
    def moves(x: Form) -> bool:
        return any(s for s in x)

    def nonlinear(self, e: Expression) -> ReductionError:
        return ReductionError(
            f"{self.scheme.where}, line {e.line}, column {e.column}: on a quadratic loss the update is not a linear map of the "
            "state (a product, quotient, root or norm of state variables), so no characteristic polynomial decides its stability"
        )


def linear_map(configuration: Configuration) -> LinearMap:
    """The scheme's update on L = h theta^2/2 as a matrix.

    Raises ReductionError for componentwise, normalised, time-dependent schemes and general vector fields.

    >>> from derive.scheme import configure, load_scheme
    >>> [str(c) for c in linear_map(configure(load_scheme("momentum"))).polynomial()]
    ['beta', '-(1 + beta - gamma*h)', '1']
    """
    return _Runner(configuration).run()
