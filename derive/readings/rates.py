"""Eigenvalues at a minimum, which no smooth change of variables can alter.

On a quadratic loss with its minimum at 0 let f_k(0) = g_k(0) = 0 and theta_B = psi(theta_A) = theta_A + gamma c_1 + ... smooth
with D psi [f] = g(psi).  Then psi(0) is a zero of g, and 0 is the only one near 0 as g_0'(0) is invertible; differentiating at
0 gives  D psi f'(0) = g'(0) D psi:  f'(0) and g'(0), as series in gamma, are similar.  In one dimension

    first order     theta' = f               f_k'(0) = g_k'(0) for every k
    second order    theta'' = S(theta, p)    the same for both partial derivatives of S_k (determinant and trace)

Where they differ at gamma^k no change of variables exists through gamma^k, of whatever form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from flint import ctx, fmpq

from derive.algebra.calculus import Derivative
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.fold import within
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import DERIVATIVES, Exponent, Factor
from derive.concrete.jets import Value, exact, known_value, real_power
from derive.concrete.point import Index, Point, WithoutMaps
from derive.concrete.values import PRECISION
from derive.equation import ModifiedEquation, TermSum
from derive.errors import DeriveError
from derive.readings.conclusion import WITNESSED, unless
from derive.readings.domain import stated_ranges
from derive.readings.witness import BITS, Witness, excludes_zero, parameters_of, sample, shown

EIGENVALUE = "the second eigenvalue minus the first"
COEFFICIENTS = "the second coefficient of theta minus the first", "the second coefficient of theta' minus the first"
MOVED, PLACE = "u", "x"  # the direction of differentiation; theta itself


@dataclass(frozen=True)
class RateDifference:
    """The first power of gamma at which the linear parts at a minimum differ, by how much, and for which parameters.

    `witness` is of `quantity`: of eigenvalues, which are negative where the minimum attracts, or in second order of their
    product (with its sign changed) or sum, the coefficients of theta and of theta' in theta''.
    """

    power: int
    witness: Witness
    for_parameters: str
    quantity: str = EIGENVALUE


class _Minimum(WithoutMaps, ABC):
    """Numbers at L = x^2/2, or the field -x, at rest: slow variables are zero, the direction of differentiation is 1."""

    size = 1

    def __init__(self, algebra: Algebra, velocity: str | None) -> None:
        self.algebra, self.velocity = algebra, velocity
        self.direction = algebra.ring.fresh(MOVED)

    @abstractmethod
    def rational(self, value: Fraction) -> Value: ...

    @abstractmethod
    def power(self, x: Value, exponent: Exponent, f: Factor) -> Value: ...

    @abstractmethod
    def absolute(self, x: Value) -> Value: ...

    def known(self, name: str, x: Value) -> Value:
        if self.differs(x):
            raise ArithmeticError("a known function away from zero")
        value = known_value(name, exact(Fraction(0)))
        if not isinstance(value, fmpq):
            raise ArithmeticError("an irrational value")
        return self.rational(Fraction(int(value.p), int(value.q)))

    @abstractmethod
    def coefficient(self, c: Ratio) -> Value: ...

    def place(self) -> Value:
        return self.rational(Fraction(0))

    def state(self, f: Factor) -> Sequence[Value]:
        return [self.place() if f.label == "theta" else self.rational(Fraction(int(f.label == self.direction)))]

    def derivative(self, label: str, i: int, index: Index) -> Value:
        return self.elsewhere(label, [self.place()], sum(index))(i, index)

    def elsewhere(self, label: str, point: list[Value], degree: int) -> Callable[[int, Index], Value]:
        """Of the loss x^2/2, or the field -x."""

        def derivative(i: int, index: Index) -> Value:
            value = point[0] if not sum(index) else self.rational(Fraction(int(sum(index) == 1)))
            return value if self.algebra.functions[label].is_loss else -value

        return derivative

    def rates(self, total: Sum) -> Iterator[Value]:
        """The derivatives at rest with respect to theta and to the velocity; ArithmeticError where rest is no fixed point."""
        if self.differs(Point(self).total(total.items())[0]):
            raise ArithmeticError("no fixed point")
        u = self.algebra.state(self.direction)
        for variable in ("theta", self.velocity) if self.velocity else ("theta",):
            yield Point(self).total(Derivative(self.algebra, {variable: u})(total).items())[0]

    def differs(self, x: Value) -> bool:
        return excludes_zero(x)


class _Symbolic(_Minimum):
    """Rational functions of the parameters."""

    def __init__(self, algebra: Algebra, velocity: str | None) -> None:
        super().__init__(algebra, velocity)
        self.ring = algebra.ring

    def rational(self, value: Fraction) -> Ratio:
        return self.ring.constant(value)

    def power(self, x: Ratio, exponent: Exponent, f: Factor) -> Ratio:
        if not isinstance(exponent, int):
            raise ArithmeticError("a root of a rational function")
        return x**exponent

    def absolute(self, x: Ratio) -> Ratio:
        raise ArithmeticError("the sign of a rational function")

    def coefficient(self, c: Ratio) -> Ratio:
        return c

    def differs(self, x: Ratio) -> bool:
        return bool(x.reduced())


class _OneSided(_Symbolic):
    """Rational functions of the parameters and of theta = x > 0, where |grad L| = x: the rate is f(x)/x at x = 0.

    What is said of changes of variables on both sides holds on x >= 0 alone, where the field is smooth.
    """

    def __init__(self, algebra: Algebra) -> None:
        super().__init__(algebra, None)
        self.x = algebra.ring.fresh(PLACE)
        self.ring = Ring((*algebra.ring.symbols, self.x))

    def place(self) -> Ratio:
        return self.ring.symbol(self.x)

    def absolute(self, x: Ratio) -> Ratio:
        factors = x.reduced().factored()
        if not x.symbols() <= {self.x} or len(factors.numerator) > 1 or factors.denominator:
            raise ArithmeticError("the sign of a rational function")
        return -x if factors.content < 0 else x

    def coefficient(self, c: Ratio) -> Ratio:
        return c.substitute({}, self.ring)

    def rates(self, total: Sum) -> Iterator[Value]:
        slope = Point(self).total(total.items())[0] / self.place()
        yield slope.substitute({self.x: self.ring.zero}, self.ring)


class _Exact(_Minimum):
    """Rationals and balls, at one choice of the parameters."""

    def __init__(self, algebra: Algebra, velocity: str | None, symbols: Mapping[str, Fraction]) -> None:
        super().__init__(algebra, velocity)
        self.symbols = {n: exact(v) for n, v in symbols.items()}

    def rational(self, value: Fraction) -> Value:
        return exact(value)

    def power(self, x: Value, exponent: Exponent, f: Factor) -> Value:
        return real_power(x, Fraction(exponent))

    def absolute(self, x: Value) -> Value:
        raise ArithmeticError("not smooth")

    def known(self, name: str, x: Value) -> Value:
        return known_value(name, x)

    def coefficient(self, c: Ratio) -> Value:
        return c.at(self.symbols, exact)


def rate_difference(
    algebra: Algebra, f: list[Sum], g: list[Sum], velocity: str | None, equations: Sequence[ModifiedEquation]
) -> RateDifference | None:
    """Where the rates of theta' = f and theta' = g (theta'' where there is a velocity) first differ; None where they are not
    seen to, or the fields are not smooth at the minimum.

    >>> from derive.readings.compare import compare
    >>> compare("gd", "heun").conclusion.witness, compare("heun", "midpoint").conclusion.witness
    (<Witness x**2/2 at x = 0: 1/2>, None)
    """
    symbolic = _Symbolic(algebra, velocity) if velocity else _OneSided(algebra)
    with suppress(ArithmeticError, DeriveError):
        found = _first_difference(symbolic, f, g)
        if found is None:
            return None
        k, difference, limit, i = found
        where = unless([difference * limit], *equations)
        return RateDifference(k, _witness(algebra, f, str(difference.reduced())), where, _quantity(i, velocity))
    used = set().union(*(parameters_of(TermSum(algebra, s)) for s in (*f, *g)))
    symbols = sample(used, stated_ranges(used, *equations)) or {}
    with suppress(ArithmeticError, DeriveError, KeyError), PRECISION, ctx.workprec(BITS):
        found = _first_difference(_Exact(algebra, velocity, symbols), f, g)
        if found is not None:
            witness = _witness(algebra, f, shown(found[1]), symbols)
            return RateDifference(found[0], witness, WITNESSED, _quantity(found[3], velocity))
    return None


def _quantity(i: int, velocity: str | None) -> str:
    """What differs: the i-th of the rates of `_Minimum`."""
    return COEFFICIENTS[i] if velocity else EIGENVALUE


def rest_rates(algebra: Algebra, velocity: str, f: Sum, g: Sum) -> Ratio | None:
    """The trace of the linear flow theta' = f, velocity' = g on L = x^2/2; None where it is no rational function.

    >>> from derive.equation import modified_equation
    >>> e = modified_equation("momentum", 0, regime="inertial")
    >>> rest_rates(e.algebra, "eta", e["theta"][0].sum, e["eta"][0].sum)
    -lam
    """
    numbers = _Symbolic(algebra, velocity)
    try:
        (first, _), (_, last) = (tuple(numbers.rates(s)) for s in (f, g))
    except (ArithmeticError, DeriveError):
        return None
    trace: Ratio = first + last
    return trace.reduced()


def _witness(algebra: Algebra, f: list[Sum], value: str, symbols: Mapping[str, Fraction] | None = None) -> Witness:
    field = any(not algebra.functions[x.label].is_loss for t in f[0] for x in within(t) if x.kind in DERIVATIVES)
    return Witness("-x" if field else "x**2/2", {"x": "0"}, {n: str(v) for n, v in (symbols or {}).items()}, "x", value)


def _first_difference(numbers: _Minimum, f: list[Sum], g: list[Sum]) -> tuple[int, Value, Value, int] | None:
    """(the power, the difference of the rates there, the limit's own rate, which is not zero, which of the rates)."""
    limit = next(numbers.rates(f[0]))
    if not numbers.differs(limit):
        return None
    for k, (x, y) in enumerate(zip(f, g, strict=True)):
        for i, (a, b) in enumerate(zip(numbers.rates(x), numbers.rates(y), strict=True)):
            if numbers.differs(b - a):
                return k, b - a, limit, i
    return None
