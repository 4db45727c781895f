"""Classes of signs: |x|, sign(x) and the root of a square each have two branches, and every combination must be seen.

A quantity here is what stands under a sign or absolute value, or h where a base is h^2.  With s of them, components counted
one by one, the points fall into at most 2^s classes; a class holds at least 2^-s of them.  A reflection in every coordinate
merges the classes of one odd quantity.  T samples miss a difference that lives in one class with probability at most

    (1 - 2^-s + e)^T,    e the error of one sample.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2
from typing import Any

from derive.language import Call, Expression, Operation, constant
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
    """Whether this is a sign, absolute value or even root, of something that is no constant."""
    sign = isinstance(node, Call) and node.function in ("abs", "sign")
    if not sign and (root_of(node) or 1) % 2:
        return False
    assert isinstance(node, Call | Operation)
    return constant(node.args[0]) is None


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
    failing = {known[k] for k, i in failed if k in known and (i is None or len(set(known[k][i:])) == 1)}
    failing |= {doubled for base in failing for doubled in _doubled(ring.p, base)}
    reflection = reflected(claim)
    odd_names, odd_places = reflection if reflection else ({}, set())
    odd = _odd_values(sample, odd_names)
    found: dict[tuple[int, ...], bool] = {}  # sizes of the quantities, and whether they are odd
    squares: set[int] = set()
    for key, node in places(claim).items():
        if key not in known or key in positive or key in known_multiples or known[key] in failing:
            continue
        if root_of(node):
            squares.add(key)
        sizes = _sizes(ring, known[key], bool(root_of(node)))
        found[sizes] = found.get(sizes, False) or sizes in odd or key in odd_places
    settled = [_sizes(ring, v, True) for v in failing]
    signs = _independent(ring, found, settled, d)
    if reflection and any(found.values()):
        signs -= d
    return Split(signs, frozenset(squares))


def _sizes(ring: Any, values: Sequence[int], root: bool) -> tuple[int, ...]:
    return tuple(ring.power(x, Fraction(1, 2)) if root else _size(ring, x) for x in values)


def _size(ring: Any, x: int) -> int:
    return x if ring.is_residue(x) else int(ring.neg(x))


def _independent(ring: Any, found: Mapping[tuple[int, ...], bool], settled: Sequence[tuple[int, ...]], d: int) -> int:
    """d signs for each quantity, one for a scalar and for a multiple of another by a scalar, none for products of others."""
    kept, signs = list(settled), 0
    for sizes in sorted(found, key=lambda s: not found[s]):
        if not any(_related(ring.p, sizes, x, y) for x in kept for y in kept):
            if len(set(sizes)) == 1:
                single = not found[sizes]  # a number; an odd quantity of equal sizes, sign(g), is none
            else:
                single = any(_proportional(ring.p, sizes, other) for other in kept)
            signs += 1 if single else d
            kept.append(sizes)
    return signs


def _doubled(p: int, base: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """2^k times the base: its root is that of the base times a number, since 2 is a residue."""
    for power in range(-DOUBLINGS, DOUBLINGS + 1):
        factor = pow(2, power, p)
        yield tuple(x * factor % p for x in base)


def _related(p: int, a: Sequence[int], x: Sequence[int], y: Sequence[int]) -> bool:
    """a = x y, a = x/y or a x y = 1, in every component."""
    every = list(zip(a, x, y))
    return (
        all((i - j * k) % p == 0 for i, j, k in every)
        or all((i * k - j) % p == 0 for i, j, k in every)
        or all((i * j * k - 1) % p == 0 for i, j, k in every)
    )


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
