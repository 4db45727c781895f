"""Rational powers and absolute values of sums: factored, so that equal functions meet in equal bases.

Even roots are taken of what is under them as it stands; factors of the parameters alone count as positive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.normal import NormalForms, Sum, accumulate, combined
from derive.algebra.polynomials import factor
from derive.algebra.terms import Exponent, Factor, Term, as_exponent
from derive.errors import LimitError, ReductionError

MAX_BITS = 160  # of a number that is factorised: less than a second


class Powers(NormalForms):
    """Powers over one ring; `sign` of a polynomial in the parameters is 1 or -1 where it is known to be >= 0 or <= 0."""

    sign: Callable[[Ratio], int] = staticmethod(lambda value: 0)

    def power(self, a: Sum, exponent: Fraction) -> Sum:
        """a^exponent for a rational exponent; a sum under a negative or fractional power becomes a base.

        Raises ReductionError where a vanishes under a root or in a denominator, and for roots of negative numbers.
        """
        exponent = Fraction(exponent)
        if exponent.denominator == 1 and exponent >= 0:
            result: Sum = {self.unit: self.ring.one}
            for _ in range(int(exponent)):
                result = self.product(result, a)
            return result
        if not a:
            raise ReductionError("zero under a root or in a denominator")
        constant, parts = self._factorised(a)
        if exponent.denominator == 1:
            result = self.constant(constant ** int(exponent))
            for part, k in parts:
                result = self.product(result, self._base_power(part, k * exponent))
            return result
        if constant.is_number and constant.number() < 0:
            parts, constant = [*parts, ({self.unit: -self.ring.one}, 1)], -constant
        result, odd = self._coefficient_power(constant, exponent), {self.unit: self.ring.one}
        for part, k in parts:  # x^k = |x|^(k - k mod 2) x^(k mod 2): only what may be negative stays under the root
            if k > 1:
                result = self.product(result, self._base_power(self.absolute(part), (k - k % 2) * exponent))
            if k % 2:
                odd = self.product(odd, part)
        return self.product(result, self._base_power(odd, exponent))

    def _base_power(self, a: Sum, exponent: Fraction) -> Sum:
        """a^e without looking for factors: a single term, or a base."""
        if len(a) == 1:
            ((term, coefficient),) = a.items()
            return self.product(self._coefficient_power(coefficient, exponent), self._term_power(term, exponent))
        base, scale = self._base(a, exponent.denominator == 1)
        return self.product(self._coefficient_power(scale, exponent), self.normal({base: as_exponent(exponent)}))

    def _factorised(self, a: Sum) -> tuple[Ratio, list[tuple[Sum, int]]]:
        """(c, [(P, k), ...]) with a = c prod P^k: the factorisation as a polynomial in factors of terms, where it is one."""
        symbols = sorted({f for t in a for f, _ in t.factors}, key=lambda f: f.key)
        if len(a) == 1:
            return self.ring.one, [(a, 1)]
        if any(not isinstance(e, int) or e < 0 for t in a for _, e in t.factors):
            return self._over_common_monomial(a)
        names = [f"x{i}" for i in range(len(symbols))]
        ring = Ring([*self.ring.symbols, *names])
        index = {f: ring.symbol(x) for f, x in zip(symbols, names, strict=True)}
        total = ring.zero
        for t, c in a.items():
            image = c.substitute({}, ring)
            for f, e in t.factors:  # x^(2k) is |x|^(2k) beside |x|
                size = f.absolute if f.absolute in index else None
                odd = int(e) if size is None else int(e) % 2
                image = image * index[f] ** odd
                if size is not None:
                    image = image * index[size] ** (int(e) - odd)
            total = total + image
        content, factors = factor(total.reduced().num)
        parts = [(self._read_back(f, symbols), e) for f, e in factors]
        if len([p for p, _ in parts if len(p) > 1 or self.unit not in p]) == 1 and parts[-1][1] == 1 and len(parts) == 1:
            return self.ring.one, [(a, 1)]
        constant = self.ring.constant(content)
        for i, e in total.reduced().den:
            constant = constant / self._read_back(ring.factors[i], symbols)[self.unit] ** e
        scalars = [(p, e) for p, e in parts if list(p) == [self.unit]]
        for p, e in scalars:
            constant = constant * p[self.unit] ** e
        return constant, [(p, e) for p, e in parts if list(p) != [self.unit]]

    def _over_common_monomial(self, a: Sum) -> tuple[Ratio, list[tuple[Sum, int]]]:
        """The greatest monomial that divides every term, and the factors of the rest: 1 - r/B is B^-1 (B - r)."""
        powers = [dict(t.factors) for t in a]
        common = {f: min(p.get(f, 0) for p in powers) for f in {f: None for p in powers for f in p}}
        if not any(common.values()):
            return self.ring.one, [(a, 1)]
        inverse = {f: -e for f, e in common.items()}
        written = {self.interner.term(combined(dict(t.factors), inverse)): c for t, c in a.items()}
        rest: Sum = {}
        for t, c in written.items():
            accumulate(rest, {term: x * c for term, x in self.normal(dict(t.factors)).items()})
        if not rest:
            raise ReductionError("zero under a root or in a denominator")
        # sums are multiplied out where that takes no more terms
        constant, parts = self._factorised(rest) if len(rest) <= len(written) else (self.ring.one, [(written, 1)])
        return constant, [({self.interner.term(common): self.ring.one}, 1), *parts]

    def _read_back(self, polynomial: object, symbols: list[Factor]) -> Sum:
        count = 1 + len(self.ring.symbols)
        groups: dict[tuple[int, ...], dict[tuple[int, ...], fmpq]] = {}
        for exponents, c in polynomial.to_dict().items():  # type: ignore[attr-defined]
            groups.setdefault(exponents[count:], {})[exponents[:count]] = c
        result: Sum = {}
        for powers, block in groups.items():
            term = self.interner.term({f: int(e) for f, e in zip(symbols, powers, strict=True) if e})
            result[term] = Ratio(self.ring, self.ring.context.from_dict(block), ())
        return result

    def _base(self, a: Sum, sign_free: bool) -> tuple[Factor, Ratio]:
        """(B, c) with a = c B; c is a positive number, or any number where the sign may be moved out."""
        leading = max(a, key=_leading_key)
        content, _ = factor(a[leading].reduced().num)
        sign, _ = factor(a[self.unit].reduced().num) if self.unit in a else (content, [])
        scale = -abs(content) if sign_free and sign < 0 else abs(content)
        size = self.ring.constant(scale)
        inverse = size.inverse()
        body = tuple((t, (a[t] * inverse).reduced()) for t in sorted(a, key=lambda t: t.key, reverse=True))
        positive = all(_nonnegative(t, c) for t, c in body)
        base = self.interner.factor("base", "", body=body, scalar=all(t.scalar for t in a), positive=positive)
        base.leading = (leading, next(x for t, x in body if t is leading))
        return base, size

    def _term_power(self, term: Term, exponent: Fraction) -> Sum:
        exponents: dict[Factor, Exponent] = {}
        odd: dict[Factor, Exponent] = {}
        for f, e in term.factors:
            if (
                exponent.denominator == 1
                or f.positive
                or f.kind in ("abs", "root")
                or (f.kind == "base" and isinstance(e, Fraction))
            ):
                exponents[f] = as_exponent(e * exponent)
            elif isinstance(e, int) and e % 2 == 0:
                exponents[self._absolute(f)] = as_exponent(e * exponent)
            else:
                odd[f] = e
        if odd:  # real only where the product is positive
            inner = self.interner.term(odd)
            base = self.interner.factor("base", "", body=((inner, self.ring.one),), scalar=inner.scalar, positive=True)
            base.leading = (inner, self.ring.one)
            exponents[base] = as_exponent(exponent)
        return self.normal(exponents)

    def _absolute(self, f: Factor) -> Factor:
        if f.absolute is None:
            child = self.interner.term({f: 1})
            f.absolute = self.interner.factor("abs", "", [child], scalar=f.scalar, positive=True)
        return f.absolute

    def _coefficient_power(self, value: Ratio, exponent: Fraction) -> Sum:
        """c^e: rational powers of primes and of polynomials in the parameters become root factors."""
        if exponent.denominator == 1:
            return self.constant(value ** int(exponent))
        value = value.reduced()
        content, top = factor(value.num)
        if content < 0:
            if exponent.denominator % 2 == 0:
                raise ReductionError(f"an even root of the negative number {value}")
            sign = -1 if exponent.numerator % 2 else 1
            return self.scale(self._coefficient_power(-value, exponent), self.ring.constant(sign))
        result = self.constant(self.ring.one)
        for prime, e in _prime_factors(content):
            result = self.product(result, self._root(self.ring.constant(prime), e, exponent))
        powers = [(Ratio(self.ring, f, ()), e) for f, e in top]
        powers += [(Ratio(self.ring, self.ring.factors[i], ()), -e) for i, e in value.den]
        for polynomial, e in powers:
            result = self.product(result, self._root(polynomial, e, exponent))
        return result

    def _root(self, value: Ratio, e: int, exponent: Fraction) -> Sum:
        total = as_exponent(e * exponent)
        number = value.is_number
        even = exponent.denominator % 2 == 0 and e % 2 == 0 and not number
        if even and (sign := self.sign(value)):
            value, even = value if sign > 0 else -value, False
        root = self.interner.factor("root", "abs" if even else "", body=((self.unit, value),), scalar=True, positive=True)
        return self.normal({root: total})

    def absolute(self, a: Sum) -> Sum:
        """|a|, componentwise; a itself where no term and no coefficient in it can be negative."""
        if not a or all(_nonnegative(t, c) for t, c in a.items()):
            return a
        if len(a) > 1:
            constant, parts = self._factorised(a)
            result = self.absolute(self.constant(constant))
            for part, k in parts:
                single = len(part) == 1
                size = self.absolute(part) if single else self.normal({self._absolute(self._base(part, True)[0]): 1})
                scale = self.ring.one if single else self._base(part, True)[1]
                size = self.scale(size, scale if scale.number() > 0 else -scale)
                for _ in range(k):
                    result = self.product(result, size)
            return result
        ((term, coefficient),) = a.items()
        if coefficient.is_number:
            size = self.constant(coefficient if coefficient.number() > 0 else -coefficient)
        else:
            size = self._coefficient_power(coefficient * coefficient, Fraction(1, 2))
        exponents: dict[Factor, Exponent] = {}
        for f, e in term.factors:  # |x^e |x|^d| = |x|^(e + d): x and |x| may both stand in the term
            root = f.kind == "base" and Fraction(e).denominator % 2 == 0  # real where it is positive
            x = f if f.positive or root or e % 2 == 0 else self._absolute(f)
            exponents[x] = as_exponent(exponents.get(x, 0) + e)
        return self.product(size, self.normal(exponents))


def _leading_key(term: Term) -> tuple[object, ...]:
    """By the factors that vary; of terms that differ in constants alone (roots of parameters, the dimension d: those of size 0),
    the one with their highest powers.

    So rule 2 ends: with B = 2^(1/2) g + d g + 1 and m = g it would write g/B by g/B again, m = d g stands in no other term.
    """
    varying = tuple((f.key, e) for f, e in term.factors if f.size)
    return term.size, varying, sum(Fraction(e) for f, e in term.factors if not f.size), term.key


def _nonnegative(term: Term, coefficient: Ratio) -> bool:
    """A positive number times what is not negative, such as 2 g^2 |u|."""
    return coefficient.is_number and coefficient.number() > 0 and term.nonnegative


def _prime_factors(content: fmpq) -> Iterator[tuple[int, int]]:
    """Raises LimitError where what is left after the small primes is too large to be factorised at once."""
    from flint import fmpz

    for sign, whole in ((1, content.p), (-1, content.q)):
        factors = fmpz(whole).factor(trial_limit=3000)
        if factors and int(factors[-1][0]).bit_length() > MAX_BITS:
            raise LimitError(f"the root of a number of {len(str(whole))} digits, too large to be factorised; write a parameter")
        for prime, e in fmpz(whole).factor():
            yield int(prime), sign * int(e)
