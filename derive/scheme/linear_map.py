"""A scheme on the quadratic loss L = h theta^2 / 2: its update text run on linear forms in the state variables.

Nothing about any scheme is written in: grad(x) is h x, hess(x, u) is h u, and every line of the update is carried out on
vectors of coefficients over (theta, memory).  What is not linear in the state (a product, root or quotient of state variables)
is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flint import fmpz

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.linear import Matrix, characteristic_polynomial
from derive.errors import ReductionError
from derive.language import Call, Expression, Operation, names_of
from derive.language.calls import call_of, written_name
from derive.language.maps import map_of
from derive.scheme import Configuration
from derive.scheme.linear_forms import Form, LinearForms


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


class Quadratic(LinearForms):
    """The update where grad(x) is h x, its derivative in the direction u is h u, and all further ones vanish."""

    problem = "loss"

    def __init__(self, configuration: Configuration, ring: Ring, curvature: str) -> None:
        super().__init__(configuration, ring)
        self.curvature = ring.symbol(curvature)

    def gradient(self, point: Form, node: Call) -> Form:
        return self.scaled(point, self.curvature)

    def derivative(self, directions: list[Form], node: Call) -> Form:
        return self.scaled(directions[0], self.curvature) if len(directions) == 1 else {}

    def power(self, base: Form, exponent: Fraction | None, node: Operation) -> Form:
        if exponent is not None and exponent.denominator > 1 and self.is_number(base):
            return self.constant(_power(self.value(base), exponent), node)
        return base if exponent == 1 else super().power(base, exponent, node)

    def admit(self, node: Call) -> None:
        """Every call is looked at with its arguments: one of numbers is a number."""

    def call(self, node: Call, args: list[Form]) -> Form:
        entry = call_of(node.function)
        if entry.label and entry.kind == "vector":
            return super().call(node, args)
        if entry.label or not all(map(self.is_number, args)):
            return self.refused(node)
        if node.function == "sqrt":
            return self.constant(_power(self.value(args[0]), Fraction(1, 2)), node)
        if node.function in ("abs", "norm", "sign") and (x := self.value(args[0]).reduced()).is_number:
            size = -x if x.number() < 0 else x
            return {"": size if node.function != "sign" else self.ring.constant((x.number() > 0) - (x.number() < 0))}
        return self.constant(None, node)

    def constant(self, value: Ratio | None, node: Expression) -> Form:
        if value is None:
            raise self.refuse(
                "the update is linear in the state, and a root or a size of parameters among its coefficients is no rational "
                "function of them; set them so that it is a rational number (--set), or name it as a parameter of its own",
                node,
            )
        return {"": value}

    def refused(self, node: Call) -> Form:
        raise self.nonlinear(f"{written_name(node.function)}(...) is not affine in the state", node)

    def refuse(self, problem: str, node: Expression | None = None) -> ReductionError:
        place = f", line {node.line}, column {node.column}" if node else ""
        return ReductionError(f"{self.scheme.where}{place}: {problem}")

    def nonlinear(self, problem: str, node: Expression) -> ReductionError:
        if isinstance(node, Call) and (found := map_of(node.function, self.scheme.maps)):
            return self.refuse(f"on a quadratic loss the stability depends on what the map {found[0]} is", node)
        return self.refuse(
            f"on a quadratic {self.problem} the update is not a linear map of the state (a product, quotient, root or norm of "
            "state variables), so no characteristic polynomial decides its stability",
            node,
        )

    def rows(self) -> list[Form]:
        """Every state variable after the step, free of theta_next."""
        updates = self.run()
        if any(row.get("") for row in updates.values()):
            raise self.refuse("a part of the update does not depend on the state")
        return [*self.explicit(updates).values()]


def _power(value: Ratio, exponent: Fraction) -> Ratio | None:
    """A rational number to a rational power, where that is a rational number.

    >>> ring = Ring(["b"]); numbers = ring.constant(Fraction(9, 16)), ring.one + ring.one, ring.symbol("b")
    >>> [_power(x, Fraction(1, 2)) for x in numbers]
    [3/4, None, None]
    """
    value = value.reduced()
    if not value.is_number or value.number() < 0 or (not value and exponent < 0):
        return None
    x, ring = value.number(), value.ring
    roots = [Fraction(int(fmpz(n).root(exponent.denominator))) for n in (x.numerator, x.denominator)]
    root = roots[0] / roots[1]
    return ring.constant(root**exponent.numerator) if root**exponent.denominator == x else None


def _ring(configuration: Configuration, curvature: str) -> Ring:
    """gamma, the curvature and the free parameters, where the linear map is the same at every step."""
    scheme = configuration.scheme
    scheme.require_plain("stability")
    if scheme.label != "L":
        raise ReductionError(f"{scheme.where}: stability is read on losses; this scheme is written for a vector field")
    require_constant(configuration)
    return Ring(["gamma", curvature, *configuration.free])


def require_constant(configuration: Configuration) -> None:
    """Raise ReductionError where the map changes from step to step."""
    scheme = configuration.scheme
    texts = [a.value for a in scheme.program] + list(configuration.bindings.values())
    if configuration.functions or any("t" in names_of(e) for e in texts):
        raise ReductionError(
            f"{scheme.where}: the update depends on the time t, so its linear map changes from step to step and no "
            "single characteristic polynomial decides; fix the schedule to a constant"
        )


def linear_map(configuration: Configuration) -> LinearMap:
    """The scheme's update on L = h theta^2/2 as a matrix.

    Raises ReductionError for componentwise, normalised, time-dependent schemes and general vector fields.

    >>> from derive.scheme import configure, load_scheme
    >>> [str(c) for c in linear_map(configure(load_scheme("momentum"))).polynomial()]
    ['beta', '-(1 + beta - gamma*h)', '1']
    """
    curvature = configuration.fresh("h")
    ring = _ring(configuration, curvature)
    states = configuration.scheme.states
    matrix = [[row.get(s, ring.zero) for s in states] for row in Quadratic(configuration, ring, curvature).rows()]
    return LinearMap(configuration, ring, curvature, states, matrix)
