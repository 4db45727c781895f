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

from derive.algebra.coefficients import Ratio
from derive.algebra.functions import Function
from derive.algebra.normal import Sum, accumulate
from derive.algebra.terms import Exponent, as_exponent
from derive.errors import ReductionError
from derive.scheme.names import ahead

if TYPE_CHECKING:
    from derive.algebra.protocol import TermAlgebra

Place = tuple[int, int]  # line and column of the scheme text
GUESS = "a guess"  # among what is unsolved: a value that is there, but is a guess


class Context(Protocol):
    """What series share: the algebra, the functions whose derivatives are in it, the values found so far, and how to fail.

    `solution[x][k]` is the value of the state variable x at gamma^k; a series that misses one adds its name to `unsolved`.
    While `exploring`, state variables are symbols of their own; `missing` is what stands for a value not yet known.
    `begins[r]` is the power at which what stands under the root (or in the denominator, the sign) r begins, where it is not the
    one that it shows; roots are numbered as they are built, the same each time.
    """

    functions: Mapping[str, Function]
    exploring: bool
    unsolved: set[str]
    all_series: list[Series]

    @property
    def begins(self) -> Mapping[int, Exponent]: ...

    @property
    def algebra(self) -> TermAlgebra: ...

    @property
    def solution(self) -> Mapping[str, Mapping[int, Sum]]: ...

    def after(self, name: str, power: int) -> Sum:
        """A state that is solved at this power, after a step."""

    def missing(self, name: str) -> Sum:
        """Zero, or a symbol of its own while it is checked that nothing depends on it."""

    def is_missing(self, value: Sum) -> bool:
        """Whether such a symbol stands in a sum."""

    def unknown(self) -> Sum:
        """Such a symbol for something made of what is unsolved."""

    def is_tentative(self, k: int) -> bool:
        """Whether values at gamma^k are guesses, from which nothing may be remembered."""

    def vanishes(self, root: int, v: Exponent, following: Exponent, what: str, place: Place | None) -> ReductionError:
        """What stands in the root of this number is seen to vanish at gamma^v; `following` is its next power."""

    def fail(self, message: str, place: Place | None = None) -> ReductionError: ...

    def check_settled(self, leading: Sum, place: Place | None, stands: str = "") -> None:
        """Raise ReductionError where a transient stands under a root, in a denominator or in an absolute value (`stands`)."""


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
        if self.context.is_tentative(int(k)):
            self.context.unsolved.add(GUESS)
        return self.context.after(self.name, int(k)) if self.ahead else found


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


class Contraction(Series):
    """dot(a, b) = sum_i a_i b_i; with the label `layer` the sum over the layer of the free index."""

    def __init__(self, product: Times, label: str = "") -> None:
        super().__init__(product.context, product.place, product.steady)
        self.inner, self.low, self.step, self.label = product, product.low, product.step, label

    def compute(self, k: Exponent) -> Sum:
        return self.algebra.contract(self.inner.at(k), self.label)
