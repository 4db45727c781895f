"""Formal power series in gamma whose coefficients are sums of terms times polynomials in n, evaluated lazily.

Every expression of an update text becomes one `Series`; `at(k)` is its coefficient of gamma^k.  A coefficient that
touches a state variable not yet solved at that power counts the missing value as zero and is not remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Sum, accumulate, nonzero
from derive.errors import ReductionError

if TYPE_CHECKING:
    from derive.engine.translation import Translation as Context

Place = tuple[int, int]  # line and column of the scheme text


class Series:
    """A series in gamma; `low` bounds its lowest power from below, `steady` says that no state variable is in it."""

    low = 0

    def __init__(self, context: Context, place: Place | None = None, steady: bool = False) -> None:
        self.context, self.algebra, self.place, self.steady = context, context.algebra, place, steady
        self.known: dict[int, Sum] = {}
        context.all_series.append(self)

    def at(self, k: int) -> Sum:
        if k < self.low:
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

    def compute(self, k: int) -> Sum:
        raise NotImplementedError


class Polynomial(Series):
    """Given coefficients: constants, gamma = {1: 1}, the clock t = t_0 + n gamma."""

    def __init__(self, context: Context, coefficients: Mapping[int, Ratio]) -> None:
        super().__init__(context, steady=True)
        self.coefficients = coefficients

    def compute(self, k: int) -> Sum:
        value = self.coefficients.get(k)
        return self.algebra.constant(value) if value is not None else {}


class State(Series):
    """A state variable at step n, or at step n + 1 (`ahead`, the theta_next of implicit schemes)."""

    def __init__(self, context: Context, name: str, ahead: bool = False, place: Place | None = None) -> None:
        super().__init__(context, place)
        self.name, self.ahead = name, ahead

    def at(self, k: int) -> Sum:
        if k < 0:
            return {}
        found = self.context.solution[self.name].get(k)
        if found is None:
            self.context.unsolved.add("theta_next" if self.ahead else self.name)
            return {}
        return {t: self.context.shift(c) for t, c in found.items()} if self.ahead else found


class Plus(Series):
    """a + sign b."""

    def __init__(self, a: Series, b: Series, sign: int = 1) -> None:
        super().__init__(a.context, a.place, a.steady and b.steady)
        self.a, self.b, self.sign, self.low = a, b, sign, min(a.low, b.low)

    def compute(self, k: int) -> Sum:
        result = dict(self.a.at(k))
        b = self.b.at(k)
        accumulate(result, b if self.sign > 0 else {t: -c for t, c in b.items()})
        return result


class Times(Series):
    """The Cauchy product; what is free of state, then what is of lower power, is looked at first, so that gamma * x never
    asks for x at gamma^k."""

    def __init__(self, a: Series, b: Series) -> None:
        super().__init__(a.context, a.place, a.steady and b.steady)
        self.a, self.b, self.low = a, b, a.low + b.low

    def compute(self, k: int) -> Sum:
        result: Sum = {}
        for j in range(self.a.low, k - self.b.low + 1):
            first, p, second, q = (self.a, j, self.b, k - j)
            if (self.b.steady, j) > (self.a.steady, k - j):
                first, p, second, q = second, q, first, p
            left = first.at(p)
            if left:
                right = second.at(q)
                if right:
                    accumulate(result, self.algebra.product(left, right))
        return result


class Power(Series):
    """x^e for a rational e: Y = X^e satisfies X Y' = e X' Y, that is
    k X_0 Y_k = sum_{j=1..k} (e j - (k - j)) X_j Y_{k-j}.

    A series free of state variables may begin at gamma^v: then X = gamma^v X', and the result at gamma^(v e).
    """

    def __init__(self, x: Series, exponent: Fraction, place: Place | None) -> None:
        super().__init__(x.context, place, x.steady)
        self.x, self.exponent, self.valuation = x, exponent, 0
        if x.steady:
            self.valuation = next((v for v in range(x.low, x.low + 40) if x.at(v)), 0)
            low = self.valuation * exponent
            if low.denominator != 1:
                raise x.context.fail(f"gamma^({low}): only whole powers of gamma may appear", place)
            self.low = int(low)
        self._inverse: Sum | None = None

    def compute(self, k: int) -> Sum:
        v, e, algebra = self.valuation, self.exponent, self.algebra
        k -= self.low
        leading = self.x.at(v)
        if k == 0:
            if not leading and v not in self.x.known and not self.steady and self.context.unsolved:
                return {}
            if not leading:
                what = "under a root" if e.denominator > 1 else "in a denominator"
                raise self.context.fail(
                    f"the leading part (gamma -> 0) vanishes {what}; add a positive constant such as eps there", self.place
                )
            try:
                return algebra.power(leading, e)
            except ReductionError as error:
                raise self.context.fail(str(error), self.place) from None
        if self._inverse is None:
            self._inverse = algebra.power(leading, Fraction(-1))
        total: Sum = {}
        for j in range(1, k + 1):
            factor = e * j - (k - j)
            if factor:
                x = self.x.at(v + j)
                if x:
                    y = algebra.product(x, self.at(self.low + k - j))
                    weight = fmpq(factor.numerator, factor.denominator * k)
                    accumulate(total, {t: c.scaled(weight) for t, c in y.items()})
        return algebra.product(self._inverse, total)


class Magnitude(Series):
    """|x| = s x and sign(x) = s with s = sign(x_0): both hold near every point where no component of x_0 vanishes."""

    def __init__(self, x: Series, sign_only: bool, place: Place | None) -> None:
        super().__init__(x.context, place, x.steady)
        self.x, self.sign_only = x, sign_only

    def compute(self, k: int) -> Sum:
        algebra, leading = self.algebra, self.x.at(0)
        if not leading:
            if self.context.unsolved:
                return {}
            raise self.context.fail("the leading part (gamma -> 0) vanishes under a sign or an absolute value", self.place)
        if self.sign_only and k > 0:
            return {}
        inverse = algebra.power(algebra.absolute(leading), Fraction(-1))
        sign = algebra.product(leading, inverse)
        return sign if self.sign_only else algebra.product(sign, self.x.at(k)) if k else algebra.absolute(leading)


class Contraction(Series):
    """dot(a, b) = sum_i a_i b_i."""

    def __init__(self, product: Times) -> None:
        super().__init__(product.context, product.place, product.steady)
        self.inner, self.low = product, product.low

    def compute(self, k: int) -> Sum:
        return self.algebra.contract(self.inner.at(k))


class Gradient(Series):
    """grad(x) with x = theta_0 + gamma delta_1 + gamma^2 delta_2 + ...: grafting of delta onto the gradient."""

    def __init__(self, x: Series, label: str, place: Place | None) -> None:
        super().__init__(x.context, place)
        self.x, self.label = x, label
        self.theta = x.algebra.state("theta")

    def compute(self, k: int) -> Sum:
        leading = self.x.at(0)
        if leading != self.theta:
            if self.context.unsolved:
                return {}
            return self.at_other_point(leading)
        delta = [leading, *(self.x.at(j) for j in range(1, k + 1))]
        return self.algebra.graft(self.label, delta, k)

    def at_other_point(self, leading: Sum) -> Sum:
        if not self.context.exploring:
            from derive.algebra.terms import combination_text

            point = combination_text(sorted(leading.items(), key=lambda i: i[0].key)) if leading else "0"
            raise self.context.fail(
                f"the gradient is taken at {point} as gamma -> 0; it must be taken at a point that tends to theta", self.place
            )
        return self.algebra.node_sum(self.label, list(leading))


class TimeFunction(Series):
    """r(x) with x = t_0 + delta: sum_m r^(m)(t_0) delta^m / m!."""

    def __init__(self, derivatives: list[Ratio], x: Series, name: str, place: Place | None) -> None:
        super().__init__(x.context, place, steady=True)
        self.derivatives, self.x, self.name = derivatives, x, name

    def compute(self, k: int) -> Sum:
        algebra, ring = self.algebra, self.algebra.ring
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


#: the series of each call of the scheme language, from those of its arguments and the place of the call
CALL_SERIES: dict[str, Callable[[Sequence[Series], Place | None], Series]] = {
    "grad": lambda x, place: Gradient(x[0], "L", place),
    "field": lambda x, place: Gradient(x[0], "f", place),
    "sqrt": lambda x, place: Power(x[0], Fraction(1, 2), place),
    "abs": lambda x, place: Magnitude(x[0], False, place),
    "sign": lambda x, place: Magnitude(x[0], True, place),
    "dot": lambda x, place: Contraction(Times(*x)),
    "norm": lambda x, place: Power(Contraction(Times(x[0], x[0])), Fraction(1, 2), place),
}
