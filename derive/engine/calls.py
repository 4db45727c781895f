"""The series of the calls of the scheme language: derivatives and values of losses and fields, maps, known functions, time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, partial
from itertools import product

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.functions import FIELD, LOSS
from derive.algebra.known import SLOPES, slope_of
from derive.algebra.normal import Sum, accumulate, nonzero
from derive.algebra.terms import Exponent, as_exponent, combination_text
from derive.engine.roots import Magnitude, Power
from derive.engine.series import (
    GUESS,
    Context,
    Contraction,
    MatrixProduct,
    Place,
    Plus,
    Polynomial,
    Series,
    Times,
    Trace,
    Transposed,
    lattice,
)
from derive.errors import ReductionError
from derive.language import Call, Expression, Meaning, Name, Operation, interpret
from derive.language.layers import PARTS, part_call
from derive.language.matrices import PRODUCT, TRACE, TRANSPOSE


class Gradient(Series):
    """grad(x) with x = x_0 + gamma delta_1 + gamma^2 delta_2 + ...: grafting of delta onto the gradient at x_0.

    The point gives a series for every variable of the function; what is grafted is the union of their increments, and x_0 is
    the union of what they tend to: theta_0, or another function of it, as in grad(theta + rho*grad(theta)).
    """

    what = "the gradient"

    def __init__(self, point: Mapping[str, Series], label: str, place: Place | None) -> None:
        super().__init__(next(iter(point.values())).context, place)
        self.point, self.label = point, label

    def compute(self, k: Exponent) -> Sum:
        if self._is_open():
            return {}
        for x in self.point.values():
            x.require_whole(k, self.place)
            if x.low < 0 and (below := next(filter(None, map(x.at, lattice(x.low, -1, 1))), None)):
                if self.context.is_missing(below):
                    return below
                raise self.context.fail(f"{self.what} is taken at what grows as gamma -> 0", self.place)
        return self.at_point(int(k))

    def _is_open(self) -> bool:
        """Whether part of what the point tends to counts as zero until it is solved, with no symbol of its own."""
        leading, context = self.increment(0), self.context
        return not context.exploring and bool(context.unsolved - {GUESS}) and not context.is_missing(leading)

    def at_point(self, k: int) -> Sum:
        delta = [self.increment(j) for j in range(k + 1)]
        return self.algebra.graft(self.label, delta, k, self.base(delta[0]))

    def base(self, leading: Sum) -> Sum:
        """What the point tends to, where it may be taken by a gradient."""
        if not self.context.exploring:
            self.context.check_settled(leading, self.place, "moves the point of a gradient")
        return leading

    def increment(self, j: int) -> Sum:
        """Of the point at gamma^j; at gamma^0 what it tends to."""
        if len(self.point) == 1:
            return next(iter(self.point.values())).at(j)
        result: Sum = {}
        for x in self.point.values():
            accumulate(result, x.at(j))
        return result


class Value(Gradient):
    """L(x) with x = theta_0 + gamma delta_1 + ...:  L_0 is the loss itself, k L_k = sum_(0<j<=k) j <delta_j, grad(x)_(k-j)>.

    A loss of several variables has such a sum for each of them, with its gradient by that variable.
    """

    what = "the loss"

    def __init__(self, point: Mapping[str, Series], place: Place | None, loss: str = "") -> None:
        algebra = next(iter(point.values())).algebra
        self.loss = loss or algebra.loss
        gradients = algebra.losses[self.loss]
        super().__init__(point, next(iter(gradients.values())), place)
        self.slopes = {x: Gradient(point, label, place) for x, label in gradients.items()}

    def at_point(self, k: int) -> Sum:
        algebra = self.algebra
        for variable, point in self.point.items():
            if (leading := point.at(0)) != algebra.state(variable):
                return {} if self.context.unsolved else self.at_other_point(variable, leading)
        if k == 0:
            return algebra.state(self.loss, scalar=True)
        total: Sum = {}
        for x, slope in self.slopes.items():
            for j in range(1, k + 1):
                part = algebra.contract(algebra.product(self.point[x].at(j), slope.at(k - j)))
                accumulate(total, {t: c.scaled(fmpq(j, k)) for t, c in part.items()})
        return nonzero(total)

    def at_other_point(self, variable: str, leading: Sum) -> Sum:
        """Only its gradients are known there; while exploring, what depends on the point."""
        if not self.context.exploring:
            point = combination_text(sorted(leading.items(), key=lambda i: i[0].key))
            must = f"it must be taken at a point that tends to {variable}"
            raise self.context.fail(f"{self.what} is taken at {point} as gamma -> 0; {must}", self.place)
        return self.algebra.contract(self.algebra.node_sum(self.label, list(leading)))


class Mapped(Series):
    """d^kP(x)[u_1, ..., u_k] of a map P by its name, at x = x_0 + gamma delta_1 + ...: grafting of delta onto P at x_0."""

    def __init__(self, name: str, argument: Series, directions: Sequence[Series], place: Place | None) -> None:
        super().__init__(argument.context, place, argument.steady and all(u.steady for u in directions))
        self.name, self.argument, self.directions = name, argument, directions

    def compute(self, k: Exponent) -> Sum:
        for x in (self.argument, *self.directions):
            x.require_whole(k, self.place)
            if any(x.at(j) for j in lattice(x.low, -1, 1)):
                raise self.context.fail(f"{self.name} is taken at what grows as gamma -> 0", self.place)
        argument = [self.argument.at(j) for j in range(int(k) + 1)]
        if not self.context.exploring:
            self.context.check_settled(argument[0], self.place)
        result: Sum = {}
        for powers in product(range(int(k) + 1), repeat=len(self.directions)):
            if (weight := int(k) - sum(powers)) >= 0:
                directions = [u.at(j) for u, j in zip(self.directions, powers, strict=True)]
                accumulate(result, self.algebra.mapped_at(self.name, argument, directions, weight))
        return nonzero(result)


class Known(Series):
    """y = f(x) for a known function, y' = s: k y_k = sum_{0<j<=k} j x_j s_(k-j), where s is read from the function's slope."""

    def __init__(self, name: str, x: Series, place: Place | None) -> None:
        super().__init__(x.context, place, x.steady)
        self.name, self.x, self.step = name, x, x.step

    @cached_property
    def slope(self) -> Series:
        return interpret(slope_of(self.name), _Slope(self.x, self))

    def compute(self, k: Exponent) -> Sum:
        if any(self.x.at(j) for j in lattice(self.x.low, as_exponent(-Fraction(self.step)), self.step)):
            raise self.context.fail(f"{self.name} is taken of what grows as gamma -> 0", self.place)
        if k == 0:
            return self._leading(self.x.at(0))
        result: Sum = {}
        for j in lattice(self.step, k, self.step):
            if x := self.x.at(j):
                weight = fmpq(*Fraction(j).as_integer_ratio()) / fmpq(*Fraction(k).as_integer_ratio())
                y = self.algebra.product(x, self.slope.at(as_exponent(k - j)))
                accumulate(result, {t: c.scaled(weight) for t, c in y.items()})
        return nonzero(result)

    def _leading(self, leading: Sum) -> Sum:
        if not leading and self.context.unsolved:
            return {}
        self.context.check_settled(leading, self.place)
        try:
            return self.algebra.mapped_at(self.name, [leading], [], 0)
        except ReductionError as error:
            raise self.context.fail(str(error), self.place) from None


class Expressions(Meaning[Series]):
    """Numbers, sums and products of an expression as series in a context."""

    context: Context

    def constant(self, value: Ratio) -> Series:
        return Polynomial(self.context, {0: value})

    def number(self, value: Fraction) -> Series:
        return self.constant(self.context.algebra.ring.constant(value))

    def negate(self, a: Series) -> Series:
        return Times(self.number(Fraction(-1)), a)

    def add(self, a: Series, b: Series, node: Operation) -> Series:
        return Plus(a, b)

    def subtract(self, a: Series, b: Series, node: Operation) -> Series:
        return Plus(a, b, -1)

    def multiply(self, a: Series, b: Series, node: Operation) -> Series:
        return Times(a, b)

    def divide(self, a: Series, b: Series, node: Operation) -> Series:
        return Times(a, Power(b, Fraction(-1), place_of(node.args[1])))


def place_of(node: Expression) -> Place:
    return node.line, node.column


class _Slope(Expressions):
    """Expressions in x and y as series."""

    def __init__(self, x: Series, y: Series) -> None:
        self.context, self.names = x.context, {"x": x, "y": y}

    def name(self, node: Name) -> Series:
        return self.names[node.id]

    def power(self, base: Series, exponent: Fraction, node: Operation) -> Series:
        """A square: of what may vanish as gamma -> 0."""
        assert exponent == 2
        return Times(base, base)

    def call(self, node: Call, args: list[Series]) -> Series:
        return Known(node.function, args[0], None)


class TimeFunction(Series):
    """r(x) with x = t_0 + delta: sum_m r^(m)(t_0) delta^m / m!."""

    def __init__(self, derivatives: list[Ratio], x: Series, name: str, place: Place | None) -> None:
        super().__init__(x.context, place, steady=True)
        self.derivatives, self.x, self.name = derivatives, x, name

    def compute(self, k: Exponent) -> Sum:
        algebra, ring, k = self.algebra, self.algebra.ring, int(k)
        self.x.require_whole(k, self.place)
        if self.x.at(0) != algebra.constant(ring.symbol("t")):
            raise self.context.fail(f"{self.name} must be taken at a time that tends to t, such as {self.name}(t)", self.place)
        delta = [algebra.constant(ring.zero), *(self.x.at(j) for j in range(1, k + 1))]
        power = [algebra.constant(ring.one)] + [algebra.constant(ring.zero)] * k  # delta^m / m!
        result: Sum = {}
        for m in range(k + 1):
            accumulate(result, algebra.scale(power[k], self.derivatives[m]))
            following: list[Sum] = []
            for j in range(k + 1):
                total: Sum = {}
                for i in range(1, j + 1):
                    accumulate(total, algebra.product(delta[i], power[j - i]))
                following.append({t: c.scaled(fmpq(1, m + 1)) for t, c in total.items()})
            power = following
        return nonzero(result)


def _known(name: str, x: Sequence[Series], place: Place | None) -> Series:
    return Known(name, x[0], place)


def _norm(x: Series, place: Place | None, label: str = "") -> Series:
    return Power(Contraction(Times(x, x), label), Fraction(1, 2), place)


def _mean(x: Series, place: Place | None, label: str = "") -> Series:
    """The sum over the number of components."""
    one = Polynomial(x.context, {0: x.algebra.ring.one})
    return Times(Contraction(Times(x, one), label), Power(Contraction(Times(one, one), label), Fraction(-1), place))


def _dot(x: Sequence[Series], place: Place | None, label: str) -> Series:
    return Contraction(Times(*x), label)


def _norm_of(x: Sequence[Series], place: Place | None, label: str) -> Series:
    return _norm(x[0], place, label)


def _mean_of(x: Sequence[Series], place: Place | None, label: str) -> Series:
    return _mean(x[0], place, label)


#: the series of each call of the scheme language, from those of its arguments and the place of the call
CALL_SERIES: dict[str, Callable[[Sequence[Series], Place | None], Series]] = {
    "grad": lambda x, place: Gradient({LOSS.point: x[0]}, LOSS.label, place),
    "loss": lambda x, place: Value({LOSS.point: x[0]}, place),
    "field": lambda x, place: Gradient({FIELD.point: x[0]}, FIELD.label, place),
    "sqrt": lambda x, place: Power(x[0], Fraction(1, 2), place),
    "abs": lambda x, place: Magnitude(x[0], False, place),
    "sign": lambda x, place: Magnitude(x[0], True, place),
    "dot": lambda x, place: Contraction(Times(*x)),
    **{name: partial(_known, name) for name in SLOPES},
    "norm": lambda x, place: _norm(x[0], place),
    "mean": lambda x, place: _mean(x[0], place),
    PRODUCT: lambda x, place: MatrixProduct(*x),
    TRANSPOSE: lambda x, place: Transposed(x[0]),
    TRACE: lambda x, place: Trace(x[0]),
    **{part_call("dot", part): partial(_dot, label=part) for part in PARTS},
    **{part_call("norm", part): partial(_norm_of, label=part) for part in PARTS},
    **{part_call("mean", part): partial(_mean_of, label=part) for part in PARTS},
}
