"""What the coefficients of a method can be: a common denominator and a bound on the numerators, before any run.

Claim.  Write Y for the value of a point on a tree with m nodes, a polynomial in n.  There are a multiplier q and a
denominator e (integers, or polynomials in the hyperparameters with integer coefficients) such that, in the basis
C(n, j), the coefficient of C(n, j) in q^m e^(2m-j) Y is integral.  Proof by induction: a product over children has
exponents 2(m-1) - j at least; summing over n raises j by one, the memory term (E - W)^-1 Delta-expands as
sum_k (-1)^k (1-W)^-(k+1) Delta^k, lowers j by k and divides by e at most k+1 times; each leaves one e for the
constants of the method, and a stage coefficient finds two.  Hence with L_m = lcm(1 ... m)

    D_m = q^m e^(2m-1) L_m clears the linear coefficient b,      D_m / L_m the value at n = 1.

The numerators are bounded in the norm |P| = sum_j |c_j| r^j in powers of n (c_j cleared likewise, |c| the sum of the
absolute values of its coefficients), which is submultiplicative: |Y(tree)| <= product of the children's norms times
the norm of one step, and |b D_m| <= L_m |Y| / r for every r >= G.  Any such r gives a bound, the best of several is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, inf, lcm, log2
from typing import Any

from flint import fmpq

from derive.algebra.coefficients import Denominator, Ratio, Ring
from derive.errors import LimitError
from derive.trees.method import Colour, TreeMethod

#: slack for the rounding of a sum of positive floats with fewer than 10**6 terms
_SLACK_BITS = 0.01
LARGEST = 10**60


@dataclass(frozen=True)
class Clearing:
    """A common denominator: an integer times a product of the ring's factors."""

    integer: int
    factors: Denominator

    def ratio(self, ring: Ring) -> Ratio:
        return Ratio(ring, ring.expand(self.factors) * self.integer, ())

    @property
    def trivial(self) -> bool:
        return self.integer == 1 and not self.factors


@dataclass(frozen=True, eq=False)
class Bounds:
    """Denominators and numerator bounds of a method's coefficients; made by `bounds_of`.

    `bits[m]` is a number of bits in which |numerator over D_m| fits for trees with m nodes (all symbols' coefficients),
    `degrees` the degree of a numerator in each symbol as (per node, per power of e).
    """

    multiplier: Clearing
    relaxation: Clearing
    flow: bool
    bits: tuple[float, ...]
    degrees: tuple[tuple[int, int], ...]

    def scale(self, nodes: int) -> int:
        """L_m for the flow, 1 for the map."""
        return lcm(*range(1, nodes + 1)) if self.flow else 1

    def integer_denominator(self, nodes: int) -> int:
        """The integer part of D_m."""
        return int(self.multiplier.integer**nodes * self.relaxation.integer ** (2 * nodes - 1) * self.scale(nodes))

    def factor_denominator(self, nodes: int) -> Denominator:
        """The symbolic part of D_m, as exponents of the ring's factors."""
        exponents: dict[int, int] = {}
        for clearing, power in ((self.multiplier, nodes), (self.relaxation, 2 * nodes - 1)):
            for index, e in clearing.factors:
                exponents[index] = exponents.get(index, 0) + e * power
        return tuple(sorted(exponents.items()))

    def degree(self, symbol: int, nodes: int) -> int:
        """Greatest degree of a numerator over D_m in one symbol."""
        node, power = self.degrees[symbol]
        return node * nodes + power * (nodes - 1)


def common_denominator(values: list[Ratio], ring: Ring) -> Clearing:
    """The least clearing that makes every value a polynomial with integer coefficients."""
    integer = 1
    factors: Denominator = ()
    for value in values:
        value = value.reduced()
        factors = ring.lcm(factors, value.den)[0]
        integer = lcm(integer, *(int(fmpq(c).q) for c in value.num.coeffs()))
    return Clearing(integer, factors)


def size(value: Ratio) -> float:
    """Sum of the absolute values of the coefficients of a polynomial.  Raises LimitError beyond LARGEST: primes are needed for
    every digit of the result."""
    total = sum((abs(fmpq(c)) for c in value.num.coeffs()), fmpq(0))
    if total > LARGEST:
        raise LimitError("the entries of the method are numbers beyond 10^60; write a parameter in their place")
    return float(total)


def _degree(value: Ratio, symbol: int) -> int:
    return int(value.num.degrees()[1 + symbol]) if value.num else 0


def _one_step(colour: Colour) -> tuple[list[Ratio], list[list[Ratio]], list[list[Ratio]]]:
    """Constants through which one node acts: summation, memory (one list a point, theta's own last), stages."""
    rows = [*colour.out, colour.head]
    memory = [[(o * x).reduced() for o in row for inner in colour.inputs for x in inner] for row in rows]
    return colour.weights, memory, colour.stages


def bounds_of(method: TreeMethod, order: int, flow: bool = True) -> Bounds:
    """Denominators and bounds of all coefficients with at most `order` nodes.

    >>> from derive.trees.method import runge_kutta
    >>> euler = bounds_of(runge_kutta([[0]], [1]), 20)
    >>> euler.integer_denominator(20), euler.bits[20] < 62
    (232792560, True)
    """
    ring = method.ring
    entries = [x for c in method.colours for row in c.relaxation for x in row]
    relaxation = common_denominator(entries, ring)
    e = relaxation.ratio(ring)
    steps = [_one_step(c) for c in method.colours]
    once = [x * e for slow, memory, _ in steps for x in (*slow, *(y for row in memory for y in row))]
    twice = [x * e * e for _, _, stages in steps for row in stages for x in row]
    multiplier = common_denominator(once + twice, ring)
    q = multiplier.ratio(ring)

    def cleared(value: Ratio, power: Ratio) -> Ratio:
        return (value * power * q).reduced()

    inner = [(x * e).reduced() for x in entries]
    growth = max([size(e), *(sum(size((x * e).reduced()) for x in row) for c in method.colours for row in c.relaxation)])
    sums = []
    for slow, memory, stages in steps:
        head = sum(size(cleared(x, e)) for x in memory[-1])
        remembered = max(sum(size(cleared(x, e)) for x in row) for row in memory) + head
        staged = max(sum(size(cleared(x, e * e)) for x in row) for row in stages)
        sums.append((sum(size(cleared(x, e)) for x in slow), remembered, staged))
    slow_sum, memory_sum, stage_sum = (max(s[i] for s in sums) for i in range(3))
    bits = _numerator_bits(order, growth, slow_sum, memory_sum, stage_sum)
    scales = [log2(lcm(*range(1, m + 1))) if flow else 0.0 for m in range(1, order + 1)]
    degrees = []
    for s in range(len(ring.symbols)):
        power = max(_degree(x, s) for x in (e, *inner))
        one = max(_degree((x * q).reduced(), s) for x in once)
        two = max(_degree((x * q).reduced(), s) for x in twice)
        degrees.append((max(one, two - power, 0), power))
    total = (0.0, *(b + s + _SLACK_BITS for b, s in zip(bits, scales, strict=True)))
    return Bounds(multiplier, relaxation, flow, total, tuple(degrees))


def _numerator_bits(order: int, growth: float, slow: float, memory: float, stage: float) -> list[float]:
    """log2 of the bound on |Y|/r for m = 1 ... order: the least over several radii r."""
    best = [inf] * order
    steps = 8 if memory else 3
    for i in range(2 * steps + 1):
        radius = growth * 2 ** (i / 2)
        best = [min(pair) for pair in zip(best, _bits_at(order, radius, growth, slow, memory, stage), strict=True)]
    return best


def _bits_at(order: int, radius: float, growth: float, slow: float, memory: float, stage: float) -> list[float]:
    relative = radius / growth
    most, tree, forest = 0.0, [0.0], [0.0]
    bits = []
    for m in range(1, order + 1):
        # the product over children has degree m - 1 at most, so x^j with j <= m - 1 are what the step acts on
        j = m - 1
        summed = sum(abs(c) * relative ** (i - j) for i, c in enumerate(_summation(j)))
        differenced = sum(c * relative ** (i - j) for i, c in enumerate(_differences(j))) if memory else 0.0
        # e^(j+1-i) times the constants: one factor `growth` is left besides the powers in `relative`
        most = max(most, growth * (slow * summed + memory * differenced + stage))
        tree.append(forest[m - 1] + log2(most) if most else 0.0)
        forest.append(max(forest[m - c] + tree[c] for c in range(1, m + 1)))
        bits.append(max(tree[m] - log2(radius), 0.0))
    return bits


@lru_cache(maxsize=64)
def _summation(power: int) -> list[float]:
    """Coefficients of sum_{i<n} i^power in powers of n: (B_{p+1}(n) - B_{p+1})/(p+1)."""
    from flint import fmpz

    polynomial: Any = bernoulli_polynomial(power + 1)
    return [0.0, *(float(c.p) / float(c.q) / float(fmpz(power + 1)) for c in polynomial.coeffs()[1:])]


@lru_cache(maxsize=64)
def _differences(power: int) -> list[float]:
    """sum over k of the coefficients of Delta^k x^power, all of them positive."""
    total = [0.0] * (power + 1)
    current = [0] * power + [1]
    while any(current):
        total = [a + b for a, b in zip(total, [*map(float, current), *[0.0] * power], strict=False)]
        current = [sum(current[j] * comb(j, i) for j in range(i + 1, len(current))) for i in range(len(current) - 1)]
    return total


def bernoulli_polynomial(degree: int) -> Any:
    """B_degree(x) = sum_k C(degree, k) B_{degree-k} x^k with B_1 = -1/2, as a flint polynomial."""
    from flint import fmpq_poly

    return fmpq_poly([comb(degree, k) * fmpq.bernoulli(degree - k) for k in range(degree + 1)])
