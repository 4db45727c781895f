"""Roots, quotients, absolute values and signs of series: the power of gamma at which a series begins is factored out.

    X = gamma^v (X_v + gamma X_(v+1) + ...):    X^e = gamma^(v e) (X_v^e + ...),    |X| = sign(X_v) X    for gamma > 0

v is found, not given: a coefficient that is known and vanishes identically moves it on.  sqrt((theta_n - theta_(n-1))^2) has
X_0 = X_1 = 0 and X_2 = |f_0|^2 at every component, so it begins as gamma |f_0|.  X_v does not depend on the step number n: on
the slow manifold X at step n is X at step 0 from another point, and that point is theta_0 up to O(gamma).
"""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq

from derive.algebra.normal import Sum, accumulate
from derive.algebra.terms import Exponent, as_exponent
from derive.engine.series import GUESS, Place, Series, lattice
from derive.errors import ReductionError


class Vanishes(ReductionError):
    """What stands in the root of this number begins at the power `following` or later."""

    def __init__(self, message: str, root: int, following: Exponent) -> None:
        super().__init__(message)
        self.root, self.following = root, following


def valuation(x: Series) -> Exponent:
    """The power at which a series begins; sought from its lower bound up, as far as it is known before anything is solved."""
    if x.low >= 0 and not x.steady:
        return x.low
    last = x.low + 40 if x.steady else 0
    return next((v for v in lattice(x.low, last, x.step) if x.at(v)), max(x.low, 0))


class Leading(Series):
    """A function of x that its leading part decides: x = gamma^v (X_v + ...), `valuation` = v."""

    what = ""

    def __init__(self, x: Series, place: Place | None) -> None:
        self.number = len(x.context.all_series)
        super().__init__(x.context, place, x.steady)
        self.x = x
        self.moved = x.context.begins.get(self.number)
        self.valuation = valuation(x) if self.moved is None else self.moved

    def begin(self) -> Sum | None:
        """X_v; None as long as it is not known, as on no slow manifold.  Raises what sets the next power where it vanishes."""
        if self.moved is not None and self.context.exploring:
            self.context.unsolved.add(self.what)
            return None
        leading = self.x.at(self.valuation)
        unsolved = self.context.unsolved
        if not leading and not unsolved - {GUESS}:
            if self.steady:  # at all the powers that `valuation` looked at
                hint = "add a positive constant such as eps there"
                raise self.context.fail(f"the leading part vanishes {self.what}; {hint}", self.place)
            following = as_exponent(self.valuation + Fraction(self.x.step))
            raise self.context.vanishes(self.number, self.valuation, following, self.what, self.place)
        if not leading or (unsolved and self.context.is_missing(leading)):
            return None
        if self.moved is not None and any("n" in c.symbols() for c in leading.values()):
            raise self.context.fail(f"what vanishes with gamma {self.what} changes from step to step where it begins", self.place)
        return leading

    def unknown(self) -> Sum:
        """What stands for a coefficient as long as X_v is not known."""
        return {} if self.context.exploring else self.x.at(self.valuation) or self.context.unknown()

    def check_below(self) -> None:
        """Raises ReductionError where x is seen to begin at a lower power than it was when its values were guesses, or at a
        higher one than it shows, which 0/0 hides: the numerator is looked at first."""
        if not self.steady:
            self.context.unsolved.clear()
            self.begin()
        if self.moved is not None:
            for j in lattice(self.x.low, as_exponent(self.valuation - Fraction(self.x.step)), self.x.step):
                if self.x.at(j):
                    where = f"at which what stands {self.what} begins"
                    raise self.context.fail(f"the power of gamma {where} is not found", self.place)


class Power(Leading):
    """x^e for a rational e: Y = X^e satisfies X Y' = e X' Y, that is
    k X_0 Y_k = sum_{0<j<=k} (e j - (k - j)) X_j Y_{k-j},    with X_j for the coefficient of gamma^(v + j).
    """

    def __init__(self, x: Series, exponent: Fraction, place: Place | None) -> None:
        super().__init__(x, place)
        self.what = "under a root" if exponent.denominator > 1 else "in a denominator"
        self.exponent = exponent
        self.low, self.step = as_exponent(self.valuation * exponent), x.step
        self._inverse: Sum | None = None

    def forget(self) -> None:
        super().forget()
        self._inverse = None

    def compute(self, k: Exponent) -> Sum:
        v, algebra = self.valuation, self.algebra
        k = as_exponent(k - self.low)
        leading = self.begin()
        if leading is None:
            return self.unknown()
        if k == 0:
            self.context.check_settled(leading, self.place)
            return self._power(leading, self.exponent)
        inverse = self._inverse or self._power(leading, Fraction(-1))
        if not self.context.unsolved:
            self._inverse = inverse
        total: Sum = {}
        for j in lattice(self.step, k, self.step):
            factor = Fraction(self.exponent * j - (k - j))
            if factor:
                x = self.x.at(as_exponent(v + j))
                if x:
                    y = algebra.product(x, self.at(as_exponent(self.low + k - j)))
                    weight = fmpq(factor.numerator, factor.denominator) / fmpq(*Fraction(k).as_integer_ratio())
                    accumulate(total, {t: c.scaled(weight) for t, c in y.items()})
        return algebra.product(inverse, total)

    def _power(self, leading: Sum, e: Fraction) -> Sum:
        try:
            return self.algebra.power(leading, e)
        except ReductionError as error:
            raise self.context.fail(str(error), self.place) from None


class Magnitude(Leading):
    """|x| = s x and sign(x) = s with s = sign(X_v): both hold near every point where no component of X_v vanishes."""

    what = "under a sign or an absolute value"

    def __init__(self, x: Series, sign_only: bool, place: Place | None) -> None:
        super().__init__(x, place)
        self.sign_only = sign_only
        self.low, self.step = (0, 1) if sign_only else (self.valuation, x.step)

    def compute(self, k: Exponent) -> Sum:
        algebra, leading = self.algebra, self.begin()
        if leading is None:
            return self.unknown()
        if self.sign_only and k > 0:
            return {}
        self.context.check_settled(leading, self.place)
        inverse = algebra.power(algebra.absolute(leading), Fraction(-1))
        sign = algebra.product(leading, inverse)
        if self.sign_only:
            return sign
        return algebra.product(sign, self.x.at(k)) if k != self.valuation else algebra.absolute(leading)
