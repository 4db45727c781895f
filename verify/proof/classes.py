"""Classes of signs: |x|, sign(x) and the root of a square each have two branches, and every combination must be seen.

A quantity here is what stands under a sign or absolute value, or h where a base is h^2.  With s of them, components counted
one by one, the points fall into at most 2^s classes; a class holds at least 2^-s of them.  A reflection in every coordinate
merges the classes of one odd quantity.  T samples miss a difference that lives in one class with probability at most

    (1 - 2^-s + e)^T,    e the error of one sample.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2
from typing import Any

from derive.language import Call, Expression, Name, Operation, constant
from verify.proof.reflections import reflected
from verify.proof.sample import Sample
from verify.proof.statement import Statement, root_of

TARGET = -101.0
DOUBLINGS = 8


@dataclass(frozen=True)
class Split:
    """How many independent signs there are, and which roots are of squares."""

    signs: int
    squares: frozenset[int]


def places(claim: Statement) -> dict[int, Expression]:
    """Signs, absolute values and even roots of the statement, by identity."""
    return {id(n): n for n in claim.nodes if _branches(n)}


def _branches(node: Expression) -> bool:
    """Whether this is a sign, absolute value or even root, of something that is neither a constant nor gamma, which has none."""
    sign = isinstance(node, Call) and node.function in ("abs", "sign")
    if not sign and (root_of(node) or 1) % 2:
        return False
    assert isinstance(node, Call | Operation)
    return constant(node.args[0]) is None and node.args[0] != Name("gamma")


def leads(sample: Sample) -> dict[Hashable, list[Any]]:
    """The leading coefficients under every root, sign and denominator, one list of components for each place."""
    return _by_place({**sample.orbit.last.noted, **sample.claims.algebra.noted} if sample.orbit.last else {})


def _by_place(noted: Mapping[Any, tuple[int, Any]]) -> dict[Hashable, list[Any]]:
    found: dict[Hashable, list[Any]] = {}
    for (key, component), (_, lead) in sorted(noted.items(), key=lambda item: item[0][1] or 0):
        found.setdefault(key, []).append(lead if component is not None else (lead,))
    return found


def multiples(claim: Statement, sample: Sample) -> dict[Hashable, int]:
    """Places of signs and absolute values of vectors that are, at gamma = 0, a number times the one at another place, with its
    sign: sign(s), where s is d**2*g/(1 - beta), beside sign(g).  Where the number has one sign everywhere, they have no other.
    What a root is the size of is kept."""
    ring, asked = sample.ring, places(claim)
    noted = _by_place({**sample.first, **sample.claims.algebra.noted})
    values = {k: v for k, v in noted.items() if k in asked and len({*v}) > 1}
    roots = {_sizes(ring, v, True) for k, v in values.items() if root_of(asked[k])}
    kept: list[Sequence[int]] = []
    found: dict[Hashable, int] = {}
    for key, value in sorted(values.items(), key=lambda item: _sizes(ring, item[1], False) not in roots):
        if root_of(asked[key]):
            continue
        if other := next((v for v in kept if _proportional(ring.p, v, value)), None):
            found[key] = ring.sign(value[0] * pow(other[0], -1, ring.p))
        kept.append(value)
    return found


def split(
    claim: Statement,
    sample: Sample,
    failed: set[tuple[Any, int | None]],
    positive: frozenset[Hashable],
    known_multiples: frozenset[Hashable] = frozenset(),
) -> Split:
    """The independent signs of a statement, as this sample shows them; `known_multiples` have those of others.

    `failed` are roots and components whose base was once the first to be no residue.  If it is the last component, no product of
    the bases of the root, and of those evaluated before, is a square: the root has no sign.  The first alone does not tell: of
    the bases of sqrt(mu g^2) none is a square, but the product of two is, and the signs of g count.  The last of one number a
    layer stands for all components of the last layer.
    """
    ring, d = sample.ring, sample.point.size
    plain = {key: tuple(x[0] if isinstance(x, tuple) else x for x in v) for key, v in leads(sample).items()}
    known = {key: v if len(v) == d else v * d for key, v in plain.items()}
    failing = {v for k, v in known.items() if _settled(ring.p, v, {i for key, i in failed if key == k})}
    reflection = reflected(claim)
    odd_names, odd_places = reflection if reflection else ({}, set())
    odd = _odd_values(sample, odd_names)
    found: dict[tuple[int, ...], bool] = {}  # sizes of the quantities, and whether they are odd
    squares: set[int] = set()
    for key, node in places(claim).items():
        if key not in known or key in positive or key in known_multiples:
            continue
        if not failing.isdisjoint(_multiples(ring.p, known[key], 2)):
            continue
        if root_of(node):
            squares.add(key)
        sizes = _sizes(ring, known[key], bool(root_of(node)))
        found[sizes] = found.get(sizes, False) or sizes in odd or key in odd_places
    settled = [_sizes(ring, v, True) for v in failing]
    begun = {_sizes(ring, known[k], True) for k, i in failed if i == 0 and k in known and k in squares}
    signs = _independent(ring, found, settled, d, begun)
    if reflection and any(found.values()):
        signs -= d
    return Split(signs, frozenset(squares))


def _settled(p: int, values: Sequence[int], failed: Collection[int | None]) -> bool:
    """Whether every component of what stands under a root is one that once failed first, or a product of such ones.

    With the last component to fail, all others are settled: permutations of components, rows or columns exchange them.

    >>> _settled(23, (3, 5, 6, 10), {0, 1, 2}), _settled(23, (3, 5, 6, 10), {0, 1}), _settled(23, (3, 5, 6, 10), {3})
    (True, False, True)
    """
    if None in failed:
        return True
    last = max((i for i in failed if i is not None), default=-1)
    if last < 0:
        return False
    if set(values[last:]) <= set(values[: last + 1]):
        return True
    free = {values[i] for i in failed if i is not None}
    return all(x in free or any((x * c - a * b) % p == 0 for a in free for b in free for c in free) for x in values)


def _sizes(ring: Any, values: Sequence[int], root: bool) -> tuple[int, ...]:
    return tuple(ring.power(x, Fraction(1, 2)) if root else _size(ring, x) for x in values)


def _size(ring: Any, x: int) -> int:
    return x if ring.is_residue(x) else int(ring.neg(x))


def _independent(
    ring: Any,
    found: Mapping[tuple[int, ...], bool],
    settled: Sequence[tuple[int, ...]],
    d: int,
    begun: Collection[tuple[int, ...]] = (),
) -> int:
    """d signs for each quantity, one for a scalar and for a multiple of others by a scalar, none for products of others.

    None for a multiple by a scalar either where the first component has `begun` to be settled, and so the scalar.
    """
    p = ring.p
    root = pow(2, (p + 1) // 4, p)  # of 2, and a residue
    kept, signs = _Products(p, settled), 0
    for sizes in sorted(found, key=lambda s: not found[s]):
        if not any(map(kept.has, _multiples(p, sizes, root))):
            if len(set(sizes)) == 1:
                scalar = None if found[sizes] else sizes  # a number; an odd quantity of equal sizes, sign(g), is none
            else:
                scalar = kept.scalar(sizes)
            signs += d if scalar is None else sizes not in begun
            kept.add(sizes)
            if scalar is not None:
                kept.add(scalar)
    return signs


def _multiples(p: int, values: tuple[int, ...], base: int) -> Iterator[tuple[int, ...]]:
    """Powers of the base times the values: 2, or its root among roots, for a root of 2 x is one of x times a number."""
    for power in range(-DOUBLINGS, DOUBLINGS + 1):
        factor = pow(base, power, p)
        yield tuple(x * factor % p for x in values)


class _Products:
    """Products of three or fewer of some vectors and their inverses, component by component, and of four numbers among them.

    >>> products = _Products(23, [(2, 3), (4, 5)])
    >>> products.has((8, 15)), products.has((2, pow(5, -1, 23) * 3 * 2 % 23)), products.has((2, 2))
    (True, False, False)
    """

    def __init__(self, p: int, factors: Iterable[tuple[int, ...]]) -> None:
        self.p, self.powers, self.pairs = p, list[tuple[int, ...]](), set[tuple[int, ...]]()
        for x in factors:
            self.add(x)

    def add(self, x: tuple[int, ...]) -> None:
        self.powers = self.powers or [tuple(1 for _ in x)]
        if x in self.powers:
            return
        self.powers += [x, tuple(pow(e, -1, self.p) for e in x)]
        self.pairs = {self._times(a, b) for a in self.powers for b in self.powers}

    def has(self, x: tuple[int, ...]) -> bool:
        """
        >>> products = _Products(10007, [(2, 2), (3, 3), (5, 5), (7, 7), (11, 11)])
        >>> products.has((210, 210)), products.has((2310, 2310))
        (True, False)
        """
        if len(set(x)) == 1:
            numbers = {a[0] for a in self.pairs if len(set(a)) == 1}
            if x[0] == 1 or any(x[0] * a % self.p in numbers for a in numbers):
                return True
        return any(self._times(x, a) in self.pairs for a in self.powers)

    def scalar(self, x: tuple[int, ...]) -> tuple[int, ...] | None:
        """The scalar that x is times a product of these, as a vector.

        >>> _Products(23, [(2, 3), (4, 5)]).scalar((2 * 8, 2 * 15)), _Products(23, [(2, 3)]).scalar((1, 7))
        ((2, 2), None)
        """
        multiples = (self._times(self._times(x, a), b) for a in self.powers for b in self.pairs)
        return x if len(set(x)) == 1 else next((m for m in multiples if len(set(m)) == 1), None)

    def _times(self, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(x * y % self.p for x, y in zip(a, b))


def _proportional(p: int, a: Sequence[int], b: Sequence[int]) -> bool:
    return len(a) > 1 and all((a[0] * y - x * b[0]) % p == 0 for x, y in zip(a, b))


def _odd_values(sample: Sample, parities: Mapping[str, int | None]) -> set[tuple[int, ...]]:
    """|x| for every odd variable x of the text at gamma^0."""
    ring, found = sample.ring, set()
    values = {name: v for name, v in sample.local.items() if parities.get(name) == 1 and isinstance(v, list)}
    candidates = [[s.at(0) for s in v] for v in values.values() if all(s.precision > 0 <= s.v for s in v)]
    for vector in [*candidates, sample.point.problem.leaf if parities else []]:
        if vector and all(vector):
            found.add(tuple(_size(ring, x) for x in vector))
    return found


def samples_needed(signs: int, error: float) -> int:
    """How many samples bring the error below 2^-101.

    >>> samples_needed(0, -45.0), samples_needed(3, -45.0)
    (3, 525)
    """
    return max(3, ceil(TARGET / per_sample(signs, error)))


def per_sample(signs: int, error: float) -> float:
    """log2(1 - 2^-s + e)."""
    return min(error, 0.0) if signs == 0 else log2(min(1.0 - 2.0**-signs + 2.0**error, 1.0))
