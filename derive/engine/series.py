"""Formal power series in gamma whose coefficients are sums of terms times polynomials in n, evaluated lazily.

Every expression of an update text becomes one `Series`; `at(k)` is its coefficient of gamma^k.  A coefficient that
touches a state variable not yet solved at that power counts the missing value as zero and is not remembered.

Powers may be fractions inside an expression (sqrt(gamma), or sqrt(S_bar/gamma)): a series has them on low + step Z.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Protocol

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.functions import Function
from derive.algebra.normal import Sum, accumulate
from derive.algebra.terms import Exponent, as_exponent
from derive.errors import ReductionError
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
            swapped = (self.b.steady, j) > (self.a.steady, k - j)
            if swapped:
                first, p, second, q = second, q, first, p
            left = first.at(p)
            if left:
                right = second.at(q)
                if right:
                    accumulate(result, self.joined(right, left) if swapped else self.joined(left, right))
        return result

    def joined(self, a: Sum, b: Sum) -> Sum:
        """The product of a coefficient of the left factor and one of the right."""
        return self.algebra.product(a, b)


class MatrixProduct(Times):
    """A @ B."""

    def joined(self, a: Sum, b: Sum) -> Sum:
        return self.algebra.matmul(a, b)


class Transposed(Series):
    """A.T."""

    def __init__(self, x: Series) -> None:
        super().__init__(x.context, x.place, x.steady)
        self.x, self.low, self.step = x, x.low, x.step

    def compute(self, k: Exponent) -> Sum:
        return self.algebra.transposed(self.x.at(k))


class Trace(Transposed):
    """trace(A)."""

    def compute(self, k: Exponent) -> Sum:
        return self.algebra.trace(self.x.at(k))


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
