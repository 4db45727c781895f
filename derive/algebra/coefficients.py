"""Rational functions with rational coefficients whose denominators are kept as products of known factors.

A `Ring` fixes the symbols: n (the step number) first, then parameters and time functions.  A `Ratio` is
num / prod(ring.factors[i] ** e); denominators never contain n.  Sums only take the least common multiple of two
denominators, which is a lookup; `reduced` cancels and is called once a solution is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from derive.algebra.factored import Factored, Monomials, value_of
from derive.algebra.polynomials import factor, items, polynomial, power, product

Denominator = tuple[tuple[int, int], ...]  # ((factor index, exponent), ...), sorted


class Ring:
    """Q(symbols)[n]; `one`, `zero`, `n` and `symbol(name)` are its elements.

    >>> ring = Ring(["beta"])
    >>> b = ring.symbol("beta")
    >>> str((ring.one + b) / (ring.one - b))
    '(1 + beta)/(1 - beta)'
    """

    def __init__(self, symbols: Sequence[str] = ()) -> None:
        self.symbols = tuple(symbols)
        self.names = (self.fresh("n"), *self.symbols)  # of the generators, in their order
        # flint's own names are ASCII; a symbol may be any identifier
        self.context = fmpq_mpoly_ctx.get(("n", *(f"s{i}" for i in range(len(self.symbols)))), Ordering.lex)
        self.generators = self.context.gens()
        self.factors: list[Any] = []
        self._factor_index: dict[str, int] = {}
        self._product: dict[tuple[Denominator, Denominator], Denominator] = {}
        self._lcm: dict[tuple[Denominator, Denominator], tuple[Denominator, Any, Any]] = {}
        self._expanded: dict[Denominator, Any] = {}
        self.zero = Ratio(self, self.context.constant(0), ())
        self.one = Ratio(self, self.context.constant(1), ())
        self.n = Ratio(self, self.generators[0], ())

    def __reduce__(self) -> tuple[Any, ...]:
        return Ring, (self.symbols,)

    def fresh(self, letter: str) -> str:
        """The letter, doubled until it is no symbol of the ring.

        >>> Ring(["u", "v"]).fresh("L"), Ring(["u", "v"]).fresh("u")
        ('L', 'uu')
        """
        name = letter
        while name in self.symbols:
            name += letter
        return name

    def constant(self, value: Fraction | int | fmpq) -> Ratio:
        if isinstance(value, Fraction):
            value = fmpq(value.numerator, value.denominator)
        return Ratio(self, self.context.constant(value), ())

    def symbol(self, name: str) -> Ratio:
        return Ratio(self, self.generators[1 + self.symbols.index(name)], ())

    def register(self, factor: Any) -> int:
        """Index of an irreducible factor, which the caller has normalised."""
        key = str(factor)
        index = self._factor_index.get(key)
        if index is None:
            index = self._factor_index[key] = len(self.factors)
            self.factors.append(factor)
        return index

    def expand(self, den: Denominator) -> Any:
        """The product of a denominator's factors as one polynomial."""
        found = self._expanded.get(den)
        if found is None:
            found = self.context.constant(1)
            for index, exponent in den:
                found = product(found, power(self.factors[index], exponent))
            self._expanded[den] = found
        return found

    def merge(self, a: Denominator, b: Denominator) -> Denominator:
        """Denominator of a product."""
        found = self._product.get((a, b))
        if found is None:
            exponents = dict(a)
            for index, exponent in b:
                exponents[index] = exponents.get(index, 0) + exponent
            found = self._product[a, b] = tuple(sorted(exponents.items()))
        return found

    def lcm(self, a: Denominator, b: Denominator) -> tuple[Denominator, Any, Any]:
        """(lcm, lcm/a, lcm/b)."""
        found = self._lcm.get((a, b))
        if found is None:
            first, second = dict(a), dict(b)
            common = {i: max(first.get(i, 0), second.get(i, 0)) for i in first.keys() | second.keys()}
            lack = [tuple((i, e - d.get(i, 0)) for i, e in sorted(common.items()) if e > d.get(i, 0)) for d in (first, second)]
            found = tuple(sorted(common.items())), self.expand(lack[0]), self.expand(lack[1])
            self._lcm[a, b] = found
        return found

    def monomials(self, polynomial: Any) -> Monomials:
        """A polynomial of this ring as data, ascending degree."""
        items = sorted(polynomial.to_dict().items(), key=lambda i: (sum(i[0]), [-e for e in i[0]]))
        return tuple((_fraction(c), tuple((n, int(e)) for n, e in zip(self.names, p, strict=True) if e)) for p, c in items)

    def by_powers_of_n(self, num: Any) -> dict[int, Any]:
        """{d: coefficient of n^d} of a numerator: the Taylor coefficients at n = 0."""
        if not self.symbols:
            return {e[0]: self.context.constant(c) for e, c in num.to_dict().items()}
        found, d = {}, 0
        while num:
            following = num.derivative(0)
            value = num.subs({"n": 0}) if following else num
            if value:
                found[d] = value
            d += 1
            num = following / d
        return found


class Ratio:
    """An element of Q(symbols)[n].  Immutable; == compares functions of the symbols by name, also across rings, and numbers.

    `number()` is its Fraction, float(...) the nearest double, where no symbol is in it; `sympy()` works always.

    >>> first, second = Ring(["a", "b"]), Ring(["b"])
    >>> first.symbol("b").inverse() == second.symbol("b").inverse(), first.symbol("a") == second.symbol("b")
    (True, False)
    """

    __slots__ = ("den", "num", "ring")

    def __init__(self, ring: Ring, num: Any, den: Denominator) -> None:
        self.ring, self.num, self.den = ring, num, den

    def __bool__(self) -> bool:
        return bool(self.num)

    def __add__(self, other: Ratio) -> Ratio:
        if self.den == other.den:
            return Ratio(self.ring, self.num + other.num, self.den)
        den, a, b = self.ring.lcm(self.den, other.den)
        return Ratio(self.ring, product(self.num, a) + product(other.num, b), den)

    def __neg__(self) -> Ratio:
        return Ratio(self.ring, -self.num, self.den)

    def __sub__(self, other: Ratio) -> Ratio:
        return self + -other

    def __mul__(self, other: Ratio) -> Ratio:
        num = product(self.num, other.num)
        if not self.den:
            return Ratio(self.ring, num, other.den)
        if not other.den:
            return Ratio(self.ring, num, self.den)
        return Ratio(self.ring, num, self.ring.merge(self.den, other.den))

    def scaled(self, value: Any) -> Ratio:
        """Product with a rational number (int or fmpq)."""
        return Ratio(self.ring, self.num * value, self.den)

    def __truediv__(self, other: Ratio) -> Ratio:
        return self * other.inverse()

    def __pow__(self, exponent: int) -> Ratio:
        if exponent < 0:
            return self.inverse() ** -exponent
        return Ratio(self.ring, power(self.num, exponent), tuple((i, e * exponent) for i, e in self.den) if exponent else ())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | Fraction):
            return self.is_number and self.number() == other
        if not isinstance(other, Ratio):
            return False
        if self.ring is other.ring:
            return not (self - other)
        names = self.symbols() - {self.ring.names[0]}
        if names != other.symbols() - {other.ring.names[0]}:
            return False
        common = Ring(sorted(names))
        return not (self.substitute({}, common) - other.substitute({}, common))

    def __hash__(self) -> int:
        """The same in every ring, whose order of symbols settles signs and places of factors: so none is looked at."""
        value = self.reduced()
        if value.is_number:
            return hash(value.number())
        return hash(tuple(_unsigned(self.ring.monomials(p)) for p in (value.num, self.ring.expand(value.den))))

    def __reduce__(self) -> tuple[Any, ...]:
        return thawed_ratio, (self.ring, frozen_ratio(self))

    @property
    def key(self) -> str:
        """Equal elements of one ring, equal keys."""
        value = self.reduced()
        return f"{value.num}/{value.ring.expand(value.den)}" if value.den else str(value.num)

    def inverse(self) -> Ratio:
        """1/self; ZeroDivisionError at zero."""
        if not self.num:
            raise ZeroDivisionError("1/0")
        value = self.reduced()
        content, factors = factor(value.num)
        den = tuple(sorted((self.ring.register(f), e) for f, e in factors))
        return Ratio(self.ring, self.ring.expand(value.den) / content, den)

    def reduced(self) -> Ratio:
        """The same element with common factors cancelled."""
        if not self.den:
            return self
        num, den = self.num, []
        if not num:
            return self.ring.zero
        for index, exponent in self.den:
            f = self.ring.factors[index]
            while exponent:
                quotient, remainder = divmod(num, f)
                if remainder:
                    break
                num, exponent = quotient, exponent - 1
            if exponent:
                den.append((index, exponent))
        return Ratio(self.ring, num, tuple(den))

    @property
    def is_number(self) -> bool:
        """No symbol and no n in it."""
        value = self.reduced()
        return not value.den and bool(value.num.is_constant())

    def number(self) -> Fraction:
        """The rational number; ValueError if symbols are in it."""
        value = self.reduced()
        if value.den or not value.num.is_constant():
            raise ValueError(f"{value} is not a number")
        return _fraction(value.num.coeffs()[0]) if value.num else Fraction(0)

    def __float__(self) -> float:
        """The nearest double; ValueError if symbols are in it."""
        return float(self.number())

    def sympy(self) -> Any:
        """The same function in sympy, factored as it is printed, its symbols plain `sympy.Symbol`s.

        >>> ring = Ring(["beta"]); b = ring.symbol("beta")
        >>> (b / (ring.one - b) ** 2).sympy()
        beta/(1 - beta)**2
        """
        import sympy as sp

        return self.factored().sympy({s: sp.Symbol(s) for s in self.ring.names})

    _sympy_ = sympy  # what sympy asks of foreign numbers

    def symbols(self) -> set[str]:
        value = self.reduced()
        used = {name for name, d in zip(self.ring.names, value.num.degrees(), strict=True) if d > 0}
        for index, _ in value.den:
            degrees = self.ring.factors[index].degrees()
            used |= {name for name, d in zip(self.ring.names, degrees, strict=True) if d > 0}
        return used

    def derivative(self, symbol: str) -> Ratio:
        """d/d(symbol) of a quotient: (num' den - num den')/den^2."""
        value = self.reduced()
        index = self.ring.names.index(symbol)
        den = self.ring.expand(value.den)
        top = Ratio(self.ring, value.num.derivative(index) * den - value.num * den.derivative(index), ())
        return (top / Ratio(self.ring, den, ()) ** 2).reduced()

    def substitute(self, values: Mapping[str, Ratio], ring: Ring) -> Ratio:
        """The element with symbols replaced by elements of `ring`; ZeroDivisionError where a denominator vanishes."""
        value = self.reduced()
        known = {self.ring.names[0]: ring.n} | {s: ring.symbol(s) for s in self.ring.symbols if s in ring.symbols} | dict(values)
        images = [known[s] for s in self.ring.names if s in known]
        if len(images) == len(self.ring.names) and all(not i.den for i in images):
            mapped = [i.num for i in images]
            num = Ratio(ring, value.num.compose(*mapped, ctx=ring.context), ())
            for index, exponent in value.den:
                den = Ratio(ring, self.ring.factors[index].compose(*mapped, ctx=ring.context), ())
                num = num / den**exponent
            return num.reduced()
        result: Ratio = value.at(known, ring.constant)
        return result.reduced()

    def vanishes_with(self, symbol: str) -> bool:
        """Whether the element is zero where the symbol is; not so where a denominator vanishes with it.

        >>> ring = Ring(["a", "b"]); a, b = ring.symbol("a"), ring.symbol("b")
        >>> (a * b / (a + b)).vanishes_with("a"), (a * b - b).vanishes_with("a"), (a / (a * b)).vanishes_with("a")
        (True, False, False)
        """
        try:
            return not self.substitute({symbol: self.ring.zero}, self.ring)
        except ZeroDivisionError:
            return False

    def at(self, values: Mapping[str, Any], number: Callable[[Fraction], Any]) -> Any:
        """The value at numbers of any kind (balls, floats, sympy's, another ring's): `values` gives every symbol that occurs,
        `number` brings a rational into that kind.  ZeroDivisionError, or what the numbers raise, where a denominator vanishes.

        >>> ring = Ring(["beta"]); b = ring.symbol("beta")
        >>> ((ring.one + b) / (ring.one - b)).at({"beta": Fraction(1, 3)}, Fraction)
        Fraction(2, 1)
        """
        value = self.reduced()
        result = value_of(self.ring.monomials(value.num), values, number)
        for index, exponent in value.den:
            result = result / value_of(self.ring.monomials(self.ring.factors[index]), values, number) ** exponent
        return result

    def factored(self) -> Factored:
        """The factorisation over the rationals."""
        value, ring = self.reduced(), self.ring
        if not value.num:
            return Factored(Fraction(0), (), ())
        content, factors = factor(value.num)
        top = sorted(((ring.monomials(f), e) for f, e in factors), key=_by_length)
        bottom = sorted(((ring.monomials(ring.factors[i]), e) for i, e in value.den), key=_by_length)
        return Factored(_fraction(content), tuple(top), tuple(bottom))

    def __str__(self) -> str:
        return str(self.factored())

    __repr__ = __str__


def _unsigned(polynomial: Monomials) -> frozenset[Any]:
    return frozenset((abs(c), frozenset(powers)) for c, powers in polynomial)


def frozen_ratio(value: Ratio) -> tuple[Any, ...]:
    """The numerator and the factors of the denominator as tuples of whole numbers, which `thawed_ratio` reads in a ring with
    the same symbols.

    >>> ring = Ring(["b"])
    >>> frozen_ratio(ring.symbol("b").scaled(fmpq(2, 3)))
    ((((0, 1), 2, 3),), ())
    """
    ring = value.ring
    return items(value.num), tuple((items(ring.factors[i]), e) for i, e in value.den)


def thawed_ratio(ring: Ring, data: tuple[Any, ...]) -> Ratio:
    """The element of the ring that `frozen_ratio` wrote down."""
    num, den = data
    factors = sorted((ring.register(polynomial(ring.context, f)), e) for f, e in den)
    return Ratio(ring, polynomial(ring.context, num), tuple(factors))


def _by_length(factor: tuple[Monomials, int]) -> tuple[int, str]:
    return len(factor[0]), str(factor)


def _fraction(value: Any) -> Fraction:
    value = fmpq(value)
    return Fraction(int(value.p), int(value.q))
