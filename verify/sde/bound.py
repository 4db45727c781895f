"""How often a wrong generator can pass: degrees of what is compared, as polynomials in the random numbers of a world.

The program of a world is run once more on degrees: (n, d) for a quotient of polynomials of at most these degrees, a whole power
series counting as one number.  A non-zero polynomial of degree D vanishes modulo p at a fraction D/p of the points at most
(Schwartz, Zippel); one with coefficients below 2^H is zero modulo fewer than H/30 of the primes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log2
from typing import Any

from derive.errors import UndecidedError
from derive.language import Call, Expression, Number, Operation, constant, names_of, walk
from derive.language.samples import NORMAL
from derive.scheme import Configuration
from verify.numbers.evaluation import evaluate
from verify.orbits.run import Runner
from verify.sde.reading import is_linear
from verify.sde.statement import Claim
from verify.sde.structure import Structure
from verify.sde.world import Shape, draws

#: of primes of 31 bits that are 3 modulo 4 there are more than 2^24
PRIME_BITS, PRIMES = 30, 24
#: a product of two polynomials of a ring sums fewer terms than 2^TERMS
TERMS = 20


@dataclass(frozen=True)
class Degree:
    """A quotient of polynomials of these degrees, or a power series, through the degree `length`, of such quotients."""

    above: int
    below: int = 0
    length: int = 0

    def __add__(self, other: Degree) -> Degree:
        if self.below == other.below == 0:
            return replace(self, above=max(self.above, other.above))
        return replace(self, above=max(self.above + other.below, other.above + self.below), below=self.below + other.below)

    __sub__ = __add__

    def __neg__(self) -> Degree:
        return self

    def __mul__(self, other: Degree) -> Degree:
        return replace(self, above=self.above + other.above, below=self.below + other.below)

    def __truediv__(self, other: Degree) -> Degree:
        return self * other.power(Fraction(-1))

    def power(self, r: Fraction) -> Degree:
        """Of a whole power its degrees times it; else of (c (1 + x))^r by its series, of a number its quotient."""
        if r.denominator == 1 and r >= 0:
            return replace(self, above=int(r) * self.above, below=int(r) * self.below)
        if r.denominator == 1 and not self.length:
            return replace(self, above=-int(r) * self.below, below=-int(r) * self.above)
        size = int(self.length + 1 + abs(r)) * self.total
        return replace(self, above=size, below=size)

    @property
    def total(self) -> int:
        return self.above + self.below

    def exp(self) -> Degree:
        return self.power(Fraction(self.length))


@dataclass(frozen=True)
class Degrees:
    """Degrees as numbers of the interpreter."""

    length: int

    def of(self, degree: int) -> Degree:
        return Degree(degree, 0, self.length)

    def lift(self, q: Fraction) -> Degree:
        return self.of(0)

    def power(self, x: Degree, r: Fraction) -> Degree:
        return x.power(r)

    def absolute(self, x: Degree) -> Degree:
        return x

    sign = absolute

    def scaled(self, x: Degree, factor: Degree) -> Degree:
        return x * factor


def step_degree(c: Configuration, shape: Shape, structure: Structure) -> Degree:
    """Of what a step makes of any variable."""
    numbers = Degrees(shape.degree)

    def function(points: Sequence[Sequence[Degree]]) -> list[Degree]:
        """A jet, a weight, and powers of the distances."""
        total = numbers.of(2)
        for x in (x for point in points for x in point):
            total = total * x.power(Fraction(shape.degree))
        return [total]

    def gradient(*arguments: Any) -> list[Degree]:
        return function(arguments[1] if len(arguments) > 1 else arguments)

    def noise(called: str, points: list[Any]) -> list[Degree]:
        return [numbers.of(0)] if called == NORMAL else function(points)

    def schedule(t: Degree) -> Degree:
        return numbers.of(1) * t.power(Fraction(shape.degree))

    follows = 1 if not any(structure.follows.values()) else 4 * (1 + len(structure.units))
    state = {x: [numbers.of(1)] for x in shape.slow} | {m: [Degree(follows, follows - 1, shape.degree)] for m in structure.units}
    runner = Runner(
        c, gradient, {n: numbers.of(1) for n in c.free}, numbers, dict.fromkeys(c.functions, schedule),
        passes=shape.degree + 1, noise=noise,
    )  # fmt: skip
    after = runner.step(state, numbers.of(0), numbers.of(1))
    values = [x for v in after.values() for x in (v if isinstance(v, list) else [v])]
    return Degree(max(x.above for x in values), max(x.below for x in values), shape.degree)


def claim_degree(claim: Claim, length: int) -> int:
    """Of gamma G as claimed: its coefficients over their common denominator, a node a deviation of a sample's jet."""
    numbers, above, below = Degrees(length), 0, 0
    for term in (t for power in claim.powers for t in power):
        names = dict.fromkeys(names_of(term.coefficient), numbers.of(1))
        value = evaluate(term.coefficient, names, numbers, lambda f, args: numbers.of(1))
        above, below = max(above, value.above + 3 * term.size), below + value.below
    return above + below


def degree_in(symbol: str, coefficient: Expression) -> int:
    """The degree of a coefficient in a symbol, numerator and denominator together.

    >>> from derive.language import parse_expression
    >>> degree_in("B", parse_expression("(1 + beta)/(2*B**2)", "example"))
    2
    """
    numbers = Degrees(0)
    names = {n: numbers.of(int(n == symbol)) for n in names_of(coefficient)}
    value: Degree = evaluate(coefficient, names, numbers, lambda f, args: numbers.of(0))
    return value.total


@dataclass(frozen=True)
class Bound:
    """degree: of what is compared; bits: of its coefficients; conditions: squares that were asked for."""

    degree: int
    bits: int
    conditions: int

    @property
    def misses(self) -> float:
        """The logarithm to base 2 of a bound for the chance that one world shows nothing."""
        point = (self.degree << self.conditions) / 2**PRIME_BITS
        prime = self.bits / 30 / 2**PRIMES
        return log2(min(point + prime, 1.0) or 1.0)

    def worlds(self, wanted: int) -> int:
        """How many worlds make the chance smaller than 2^-wanted."""
        if self.misses > -1:
            raise UndecidedError(f"degrees of {self.degree} are too large for primes of 31 bits")
        return max(2, int(-wanted // self.misses) + 1)


def bound(c: Configuration, claim: Claim, shape: Shape, structure: Structure, passes: int) -> Bound:
    """Each pass for the law of the memory applies the step and the generator once more and divides by a determinant."""
    one = step_degree(c, shape, structure)
    step = shape.degree * one.total + len(draws(c)) * int(claim.batch if claim.batch.isdigit() else 2 * claim.order + 8)
    step *= shape.samples if claim.batches else 1
    generated = (claim.order + 1) * claim_degree(claim, shape.degree)
    block = max(1, len(structure.units)) ** shape.degree
    determinant = block * shape.degree * one.total if structure.units else 0
    degree = (passes + 1) * (step + generated + determinant)
    texts = [a.value for a in c.scheme.program] + list(c.bindings.values()) + [t.coefficient for p in claim.powers for t in p]
    numbers = [n.value for e in texts for n in walk(e) if isinstance(n, Number)]
    largest = max((abs(q.numerator).bit_length() + q.denominator.bit_length() for q in numbers), default=1)
    each = 1 if is_linear(c) else max(shape.dimension, shape.samples)
    return Bound(degree, degree * (largest + TERMS), each * sum(map(_is_root, (n for e in texts for n in walk(e)))))


def _is_root(node: Expression) -> bool:
    """Whether a square is asked for, of every component or for every sample."""
    match node:
        case Call("sqrt" | "norm"):
            return True
        case Operation("**", (_, exponent)):
            value = constant(exponent)
            return value is None or value.denominator != 1
    return False

