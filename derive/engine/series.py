"""Formal power series in gamma whose coefficients are sums of terms times polynomials in n, evaluated lazily.

Every expression of an update text becomes one `Series`; `at(k)` is its coefficient of gamma^k.  A coefficient that
touches a state variable not yet solved at that power counts the missing value as zero and is not remembered.

Powers may be fractions inside an expression (sqrt(gamma), or sqrt(S_bar/gamma)): a series has them on low + step Z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property, partial
from itertools import product
from math import lcm
from typing import TYPE_CHECKING, Protocol

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.functions import FIELD, LOSS, Function
from derive.algebra.known import SLOPES, slope_of
from derive.algebra.layers import LAYER
from derive.algebra.normal import Sum, accumulate, nonzero
from derive.algebra.terms import Exponent, as_exponent, combination_text
from derive.errors import ReductionError
from derive.language import Call, Meaning, Name, Operation, interpret
from derive.scheme.names import ahead

if TYPE_CHECKING:
    from derive.algebra.protocol import TermAlgebra

Place = tuple[int, int]  # line and column of the scheme text


class Context(Protocol):
    """What series share: the algebra, the functions whose derivatives are in it, the values found so far, and how to fail.

    `solution[x][k]` is the value of the state variable x at gamma^k; a series that misses one adds its name to `unsolved`.
    While `exploring`, state variables are symbols of their own; `missing` is what stands for a value not yet known.
    """

    functions: Mapping[str, Function]
    exploring: bool
    unsolved: set[str]
    all_series: list[Series]

    @property
    def algebra(self) -> TermAlgebra: ...

    @property
    def solution(self) -> Mapping[str, Mapping[int, Sum]]: ...

    def shift(self, sequence: Ratio) -> Ratio:
        """P(n+1)."""

    def missing(self, name: str) -> Sum:
        """Zero, or a symbol of its own while it is checked that nothing depends on it."""

    def fail(self, message: str, place: Place | None = None) -> ReductionError: ...

    def check_settled(self, leading: Sum, place: Place | None) -> None:
        """Raise ReductionError where a transient stands under a root, in a denominator or in an absolute value."""


def lattice(low: Exponent, high: Exponent, step: Exponent) -> Iterator[Exponent]:
    """low, low + step, ... through high."""
    if low.__class__ is step.__class__ is high.__class__ is int:
        yield from range(low, high + 1, step)
        return
    while low <= high:
        yield low
        low = as_exponent(low + step)


def _is_whole(x: Exponent) -> bool:
    return isinstance(x, int) or x.denominator == 1


def _common_step(*parts: Exponent) -> Exponent:
    """The coarsest 1/q that all parts are multiples of."""
    if all(p.__class__ is int for p in parts):
        return 1
    return as_exponent(Fraction(1, lcm(*(Fraction(p).denominator for p in parts))))


class Series:
    """A series in gamma; `low` bounds its lowest power from below, `step` divides the distance of its powers from there;
    `steady` says that no state variable is in it."""

    low: Exponent = 0
    step: Exponent = 1

    def __init__(self, context: Context, place: Place | None = None, steady: bool = False) -> None:
        self.context, self.algebra, self.place, self.steady = context, context.algebra, place, steady
        self.known: dict[Exponent, Sum] = {}
        context.all_series.append(self)

    def at(self, k: Exponent) -> Sum:
        if k < self.low or (k.__class__ is not int and not _is_whole((k - self.low) / Fraction(self.step))):
            return {}
        found = self.known.get(k)
        if found is None:
            before = self.context.unsolved.copy()
            self.context.unsolved.clear()
            found = self.compute(k)
            if not self.context.unsolved:
                self.known[k] = found
            self.context.unsolved |= before
        return found

    def forget(self) -> None:
        """Nothing that was found is true any longer."""
        self.known.clear()

    def compute(self, k: Exponent) -> Sum:
        raise NotImplementedError

    def require_whole(self, through: Exponent, place: Place | None = None) -> Series:
        """The series itself; ReductionError where a fractional power of gamma stands in it, through a power."""
        if self.step != 1 or not _is_whole(self.low):
            for j in lattice(self.low, through, self.step):
                if not _is_whole(j) and self.at(j):
                    raise self.context.fail(f"gamma^({j}): only whole powers of gamma may appear", place or self.place)
        return self


class Polynomial(Series):
    """Given coefficients: constants, gamma = {1: 1}, the clock t = t_0 + n gamma."""

    def __init__(self, context: Context, coefficients: Mapping[Exponent, Ratio]) -> None:
        super().__init__(context, steady=True)
        self.coefficients = coefficients

    def compute(self, k: Exponent) -> Sum:
        value = self.coefficients.get(k)
        return self.algebra.constant(value) if value is not None else {}


class State(Series):
    """A state variable at step n, or at step n + 1 (`ahead`, the theta_next of implicit schemes)."""

    def __init__(self, context: Context, name: str, ahead: bool = False, place: Place | None = None) -> None:
        super().__init__(context, place)
        self.name, self.ahead = name, ahead

    def at(self, k: Exponent) -> Sum:
        if k < 0 or not _is_whole(k):
            return {}
        found = self.context.solution[self.name].get(int(k))
        if found is None:
            name = ahead(self.name) if self.ahead else self.name
            self.context.unsolved.add(name)
            return self.context.missing(name)
        return {t: self.context.shift(c) for t, c in found.items()} if self.ahead else found


class Plus(Series):
    """a + sign b."""

    def __init__(self, a: Series, b: Series, sign: int = 1) -> None:
        super().__init__(a.context, a.place, a.steady and b.steady)
        self.a, self.b, self.sign, self.low = a, b, sign, min(a.low, b.low)
        self.step = _common_step(a.step, b.step, a.low - b.low)

    def compute(self, k: Exponent) -> Sum:
        result = dict(self.a.at(k))
        b = self.b.at(k)
        accumulate(result, b if self.sign > 0 else {t: -c for t, c in b.items()})
        return result


class Times(Series):
    """The Cauchy product; what is free of state, then what is of lower power, is looked at first, so that gamma * x never
    asks for x at gamma^k."""

    def __init__(self, a: Series, b: Series) -> None:
        super().__init__(a.context, a.place, a.steady and b.steady)
        self.a, self.b, self.low = a, b, as_exponent(a.low + b.low)
        self.step = _common_step(a.step, b.step)

    def compute(self, k: Exponent) -> Sum:
        result: Sum = {}
        for j in lattice(self.a.low, as_exponent(k - self.b.low), self.a.step):
            first, p, second, q = (self.a, j, self.b, k - j)
            if (self.b.steady, j) > (self.a.steady, k - j):
                first, p, second, q = second, q, first, p
            left = first.at(p)
            if left:
                right = second.at(q)
                if right:
                    accumulate(result, self.algebra.product(left, right))
        return result


def valuation(x: Series) -> Exponent:
    """The power at which a series begins; sought from its lower bound up, as far as it is known before anything is solved."""
    if x.low >= 0 and not x.steady:
        return 0
    last = x.low + 40 if x.steady else 0
    return next((v for v in lattice(x.low, last, x.step) if x.at(v)), 0)


class Power(Series):
    """x^e for a rational e: Y = X^e satisfies X Y' = e X' Y, that is
    k X_0 Y_k = sum_{0<j<=k} (e j - (k - j)) X_j Y_{k-j}.

    A series may begin at gamma^v, v <= 0 where state variables are in it: X = gamma^v X', and the result at gamma^(v e).
    """

    def __init__(self, x: Series, exponent: Fraction, place: Place | None) -> None:
        super().__init__(x.context, place, x.steady)
        self.x, self.exponent = x, exponent
        self.valuation = valuation(x)
        self.low, self.step = as_exponent(self.valuation * exponent), x.step
        self._inverse: Sum | None = None

    def forget(self) -> None:
        super().forget()
        self._inverse = None

    def compute(self, k: Exponent) -> Sum:
        v, algebra = self.valuation, self.algebra
        k = as_exponent(k - self.low)
        leading = self.x.at(v)
        if k == 0:
            return self._leading(leading)
        if self._inverse is None:
            self._inverse = algebra.power(leading, Fraction(-1))
        total: Sum = {}
        for j in lattice(self.step, k, self.step):
            factor = Fraction(self.exponent * j - (k - j))
            if factor:
                x = self.x.at(as_exponent(v + j))
                if x:
                    y = algebra.product(x, self.at(as_exponent(self.low + k - j)))
                    weight = fmpq(factor.numerator, factor.denominator) / fmpq(*Fraction(k).as_integer_ratio())
                    accumulate(total, {t: c.scaled(weight) for t, c in y.items()})
        return algebra.product(self._inverse, total)

    def _leading(self, leading: Sum) -> Sum:
        e = self.exponent
        if not leading:
            if self.valuation not in self.x.known and not self.steady and self.context.unsolved:
                return {}
            what = "under a root" if e.denominator > 1 else "in a denominator"
            raise self.context.fail(
                f"the leading part (gamma -> 0) vanishes {what}; add a positive constant such as eps there", self.place
            )
        self.context.check_settled(leading, self.place)
        try:
            return self.algebra.power(leading, e)
        except ReductionError as error:
            raise self.context.fail(str(error), self.place) from None


class Magnitude(Series):
    """|x| = s x and sign(x) = s with s = sign(x_0): both hold near every point where no component of x_0 vanishes."""

    def __init__(self, x: Series, sign_only: bool, place: Place | None) -> None:
        super().__init__(x.context, place, x.steady)
        self.x, self.sign_only = x, sign_only
        self.valuation = valuation(x)
        self.low, self.step = (0, 1) if sign_only else (self.valuation, x.step)

    def compute(self, k: Exponent) -> Sum:
        algebra, leading = self.algebra, self.x.at(self.valuation)
        if not leading:
            if self.context.unsolved:
                return {}
            raise self.context.fail("the leading part (gamma -> 0) vanishes under a sign or an absolute value", self.place)
        if self.sign_only and k > 0:
            return {}
        self.context.check_settled(leading, self.place)
        inverse = algebra.power(algebra.absolute(leading), Fraction(-1))
        sign = algebra.product(leading, inverse)
        if self.sign_only:
            return sign
        return algebra.product(sign, self.x.at(k)) if k != self.valuation else algebra.absolute(leading)


class Contraction(Series):
    """dot(a, b) = sum_i a_i b_i; with the label `layer` the sum over the layer of the free index."""

    def __init__(self, product: Times, label: str = "") -> None:
        super().__init__(product.context, product.place, product.steady)
        self.inner, self.low, self.step, self.label = product, product.low, product.step, label

    def compute(self, k: Exponent) -> Sum:
        return self.algebra.contract(self.inner.at(k), self.label)


class Gradient(Series):
    """grad(x) with x = theta_0 + gamma delta_1 + gamma^2 delta_2 + ...: grafting of delta onto the gradient.

    The point gives a series for every variable of the function; what is grafted is the union of their increments.
    """

    what = "the gradient"

    def __init__(self, point: Mapping[str, Series], label: str, place: Place | None) -> None:
        super().__init__(next(iter(point.values())).context, place)
        self.point, self.label = point, label
        self.base = {variable: self.algebra.state(variable) for variable in point}

    def compute(self, k: Exponent) -> Sum:
        for variable, x in self.point.items():
            leading = x.at(0)
            if leading != self.base[variable]:
                if self.context.unsolved:
                    return {}
                return self.at_other_point(variable, leading)
        for x in self.point.values():
            x.require_whole(k, self.place)
        return self.at_point(int(k))

    def at_point(self, k: int) -> Sum:
        return self.algebra.graft(self.label, [{}, *(self.increment(j) for j in range(1, k + 1))], k)

    def increment(self, j: int) -> Sum:
        """Of the point at gamma^j."""
        if len(self.point) == 1:
            return next(iter(self.point.values())).at(j)
        result: Sum = {}
        for x in self.point.values():
            accumulate(result, x.at(j))
        return result

    def at_other_point(self, variable: str, leading: Sum) -> Sum:
        if not self.context.exploring:
            point = combination_text(sorted(leading.items(), key=lambda i: i[0].key)) if leading else "0"
            must = f"it must be taken at a point that tends to {variable}"
            raise self.context.fail(f"{self.what} is taken at {point} as gamma -> 0; {must}", self.place)
        return self.algebra.node_sum(self.label, list(leading))


class Value(Gradient):
    """L(x) with x = theta_0 + gamma delta_1 + ...:  L_0 is the loss itself, k L_k = sum_(0<j<=k) j <delta_j, grad(x)_(k-j)>."""

    what = "the loss"

    def __init__(self, point: Mapping[str, Series], label: str, place: Place | None) -> None:
        super().__init__(point, label, place)
        self.slope = Gradient(point, label, place)

    def at_point(self, k: int) -> Sum:
        algebra = self.algebra
        if k == 0:
            return algebra.state(algebra.loss, scalar=True)
        total: Sum = {}
        for j in range(1, k + 1):
            part = algebra.product(self.increment(j), self.slope.at(k - j))
            accumulate(total, {t: c.scaled(fmpq(j, k)) for t, c in part.items()})
        return algebra.contract(nonzero(total))

    def at_other_point(self, variable: str, leading: Sum) -> Sum:
        return self.algebra.contract(super().at_other_point(variable, leading))


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


class _Slope(Meaning[Series]):
    """Expressions in x and y as series."""

    def __init__(self, x: Series, y: Series) -> None:
        self.context, self.names = x.context, {"x": x, "y": y}

    def number(self, value: Fraction) -> Series:
        return Polynomial(self.context, {0: self.context.algebra.ring.constant(value)})

    def name(self, node: Name) -> Series:
        return self.names[node.id]

    def negate(self, a: Series) -> Series:
        return Times(self.number(Fraction(-1)), a)

    def add(self, a: Series, b: Series, node: Operation) -> Series:
        return Plus(a, b)

    def subtract(self, a: Series, b: Series, node: Operation) -> Series:
        return Plus(a, b, -1)

    def multiply(self, a: Series, b: Series, node: Operation) -> Series:
        return Times(a, b)

    def divide(self, a: Series, b: Series, node: Operation) -> Series:
        return Times(a, Power(b, Fraction(-1), None))

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


#: the series of each call of the scheme language, from those of its arguments and the place of the call
CALL_SERIES: dict[str, Callable[[Sequence[Series], Place | None], Series]] = {
    "grad": lambda x, place: Gradient({LOSS.point: x[0]}, LOSS.label, place),
    "loss": lambda x, place: Value({LOSS.point: x[0]}, LOSS.label, place),
    "field": lambda x, place: Gradient({FIELD.point: x[0]}, FIELD.label, place),
    "sqrt": lambda x, place: Power(x[0], Fraction(1, 2), place),
    "abs": lambda x, place: Magnitude(x[0], False, place),
    "sign": lambda x, place: Magnitude(x[0], True, place),
    "dot": lambda x, place: Contraction(Times(*x)),
    **{name: partial(_known, name) for name in SLOPES},
    "norm": lambda x, place: _norm(x[0], place),
    "mean": lambda x, place: _mean(x[0], place),
    "dot.layer": lambda x, place: Contraction(Times(*x), LAYER),
    "norm.layer": lambda x, place: _norm(x[0], place, LAYER),
    "mean.layer": lambda x, place: _mean(x[0], place, LAYER),
}
