"""Values of known functions (exp, sin, log, ...) in a prime field: free numbers that obey the functions' relations.

    exp     exp(q_1 a_1 + q_2 a_2 + ...) = prod exp(a_i)^(q_i), exp(log x) = x
    sin     cos(a) + i sin(a) is multiplicative in the same way, of length one
    log     log(x y) = log x + log y, log(x^q) = q log x, log(exp a) = a
    tanh, sigmoid, softplus by exp and log;  erf, atan odd, derf even, free numbers else

An identity that holds for free values holds for those of the functions, so that what is proved here is true; relations that
are not seen leave a true statement unproved, never a false one proved.  A relation between numbers is one between the
polynomials that they are values of, but for a probability that `RELATIONS` bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from random import Random

from verify.proof.errors import Undecided
from verify.proof.field import PrimeField
from verify.proof.taylor import value_at_zero

#: exp(a) and cos(a) + i sin(a) are drawn as this power, so that their roots of small order exist
POWER = 2 * 24
#: multiples q of one known argument, and of each of two or three
SINGLE = tuple(sorted({Fraction(s * m, n) for m in range(1, 9) for n in (1, 2, 3, 4) for s in (1, -1)}))
DOUBLE = tuple(Fraction(s * m, n) for m, n in ((1, 1), (2, 1), (1, 2)) for s in (1, -1))
MOST_ARGUMENTS, MOST_TRIPLES, MOST_MULTIPLE = 60, 120, 8
#: bounds the degrees of numerator and denominator of a value, where no exp(log x) occurs: 2 POWER MOST_MULTIPLE
DEGREE = 2**10
#: log2 of the number of relations that are tried in one sample, each an accident with a probability of degree/p
RELATIONS = 24

Pair = tuple[int, int]  # x + y i
Vector = Mapping[int, Fraction]  # argument of the basis -> q


class KnownValues:
    """The values at one sample."""

    def __init__(self, ring: PrimeField, source: Random) -> None:
        self.p, self.source = ring.p, source
        self.exponentials = _Homomorphism(ring, self._positive)
        self.rotations = _Homomorphism(ring, self._rotation)
        self.logarithms: dict[int, int] = {}
        self.free: dict[tuple[str, int], int] = {}

    def value(self, name: str, x: int) -> int:
        """name(x).

        >>> values = KnownValues(PrimeField(2**61 - 1), Random(1))
        >>> values.value("exp", 5) ** 2 * pow(values.value("exp", 10), -1, values.p) % values.p
        1
        >>> (values.value("sin", 3) ** 2 + values.value("cos", 3) ** 2) % values.p, values.value("log", values.value("exp", 9))
        (1, 9)
        """
        p = self.p
        if x == 0 and (known := value_at_zero(name)) is not None:
            return known.numerator * pow(known.denominator, -1, p) % p
        match name:
            case "exp":
                return self.exponentials.of(x)[0]
            case "sin" | "cos":
                return self.rotations.of(x)[name == "sin"]
            case "tanh":
                square = self.exponentials.of(2 * x % p)[0]
                return (square - 1) * pow(square + 1, -1, p) % p
            case "sigmoid":
                e = self.exponentials.of(x)[0]
                return e * pow(e + 1, -1, p) % p
            case "softplus":
                return self._logarithm((1 + self.exponentials.of(x)[0]) % p)
            case "log":
                return self._logarithm(x)
        return self._odd_or_even(name, x)

    def _positive(self) -> Pair:
        return self.source.randrange(1, self.p), 0

    def _rotation(self) -> Pair:
        """((1 - w^2) + 2 w i)/(1 + w^2)."""
        w = self.source.randrange(1, self.p)
        inverse = pow(1 + w * w, -1, self.p)
        return (1 - w * w) * inverse % self.p, 2 * w * inverse % self.p

    def _odd_or_even(self, name: str, x: int) -> int:
        sign = 1 if name == "derf" else -1
        if (name, self.p - x) in self.free:
            return sign * self.free[name, self.p - x] % self.p
        return self.free.setdefault((name, x), self.source.randrange(1, self.p))

    def _logarithm(self, x: int) -> int:
        if x == 0:
            raise ZeroDivisionError
        if x == 1:
            return 0
        if x not in self.logarithms:
            found = self._by_products(x)
            self.logarithms[x] = self.source.randrange(1, self.p) if found is None else found
            if self.logarithms[x] not in self.exponentials.vectors:
                self.exponentials.learn(self.logarithms[x], x)
        return self.logarithms[x]

    def _by_products(self, x: int) -> int | None:
        """The logarithm of a power of one known number, or of a product or quotient of two."""
        known = dict(self.logarithms)
        known |= {value[0]: a for a, value in self.exponentials.found.items()}
        if x in known:
            return known[x]
        p = self.p
        powers = {pow(y, k, p): k * a % p for y, a in known.items() for k in (-4, -3, -2, -1, 1, 2, 3, 4)}
        if x in powers:
            return powers[x]
        roots = {pow(x, k, p): k for k in (2, 3, 4)}
        for y, a in known.items():
            if y in roots:
                return a * pow(roots[y], -1, p) % p
        inverse_of = {y: x * pow(y, -1, p) % p for y in powers}
        return next((powers[y] + powers[z] for y, z in inverse_of.items() if z in powers), None)


@dataclass
class _Generator:
    """f(b) = g^power for an argument b of the basis; the one with power 1 has the roots that g has."""

    g: Pair
    power: int

    def to(self, q: Fraction, ring: PrimeField) -> Pair:
        exponent = self.power * q
        if exponent.denominator == 1:
            return _power(self.g, int(exponent), ring.p)
        if self.power > 1:
            raise Undecided("exp, sin or cos of numbers that are odd fractions of each other")
        return ring.power(self.g[0], exponent), 0


class _Homomorphism:
    """f(sum q_i a_i) = prod f(a_i)^(q_i) on the arguments met; `draw` gives the g of a new one."""

    def __init__(self, ring: PrimeField, draw: Callable[[], Pair]) -> None:
        self.ring, self.p, self.draw = ring, ring.p, draw
        self.basis: dict[int, _Generator] = {}
        self.vectors: dict[int, Vector] = {}  # arguments met, over the basis
        self.found: dict[int, Pair] = {}
        self.learned: set[int] = set()

    def learn(self, a: int, value: int) -> None:
        """f(a) is this number, a being met for the first time."""
        self.basis[a], self.vectors[a] = _Generator((value, 0), 1), {a: Fraction(1)}
        self.learned.add(a)

    @property
    def takes_logarithms(self) -> bool:
        """Whether a value is a product with powers of numbers x, as exp(log x) is."""
        return any(not self.learned.isdisjoint(self.vectors[a]) for a in self.found)

    def of(self, a: int) -> Pair:
        if a not in self.found:
            vector = self._vector(a)
            value: Pair = (1, 0)
            for b, q in vector.items():
                value = _times(value, self.basis[b].to(q, self.ring), self.p)
            self.vectors[a], self.found[a] = vector, value
        return self.found[a]

    def _vector(self, a: int) -> Vector:
        if a == 0 or a in self.vectors:
            return self.vectors.get(a, {})
        if (relation := next(self._relations(a), None)) is None:
            if len(self.basis) >= MOST_ARGUMENTS:
                raise Undecided("exp, sin or cos of too many different numbers")
            self.basis[a] = _Generator(self.draw(), POWER)
            return {a: Fraction(1)}
        total: dict[int, Fraction] = {}
        for known, q in relation:
            for b, r in self.vectors[known].items():
                total[b] = total.get(b, Fraction(0)) + q * r
        if sum(map(abs, total.values())) > MOST_MULTIPLE:
            raise Undecided("exp, sin or cos of large multiples of each other")
        return total

    def _multiples(self, factors: Sequence[Fraction]) -> dict[int, tuple[int, Fraction]]:
        p = self.p
        return {b * q.numerator * pow(q.denominator, -1, p) % p: (b, q) for b in self.vectors for q in factors}

    def _relations(self, a: int) -> Iterator[list[tuple[int, Fraction]]]:
        """Known arguments and multiples of them whose sum is a."""
        if single := self._multiples(SINGLE).get(a):
            yield [single]
        double = self._multiples(DOUBLE)
        for x, first in double.items():
            if second := double.get((a - x) % self.p):
                yield [first, second]
        if len(double) < MOST_TRIPLES:
            for x, y in combinations(double, 2):
                if third := double.get((a - x - y) % self.p):
                    yield [double[x], double[y], third]


def _times(a: Pair, b: Pair, p: int) -> Pair:
    return (a[0] * b[0] - a[1] * b[1]) % p, (a[0] * b[1] + a[1] * b[0]) % p


def _power(a: Pair, n: int, p: int) -> Pair:
    """Of a number, or of a number of length one, whose inverse is its conjugate."""
    if a[1] == 0:
        return pow(a[0], n, p), 0
    base, result = (a if n >= 0 else (a[0], -a[1] % p)), (1, 0)
    for bit in bin(abs(n))[2:]:
        result = _times(result, result, p)
        if bit == "1":
            result = _times(result, base, p)
    return result
