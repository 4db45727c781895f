"""Classes of signs: |x|, sign(x) and the root of a square each have two branches, and every combination must be seen.

A quantity here is what stands under a sign or absolute value, or h where a base is h^2.  With s of them, components counted
one by one, the points fall into at most 2^s classes; a class holds at least 2^-s of them.  A reflection in every coordinate
merges the classes of one odd quantity.  T samples miss a difference that lives in one class with probability at most

    (1 - 2^-s + e)^T,    e the error of one sample.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log2
from typing import Any

from derive.language import Call, Expression, constant
from verify.proof.reflections import reflected
from verify.proof.sample import Sample
from verify.proof.statement import Statement, root_of

TARGET = -101.0


@dataclass(frozen=True)
class Split:
    """How many independent signs there are, and which roots are of squares."""

    signs: int
    squares: frozenset[int]


def places(claim: Statement) -> dict[int, Expression]:
    """Signs, absolute values and even roots of the statement, by identity."""
    return {
        id(n): n
        for n in claim.nodes
        if (isinstance(n, Call) and n.function in ("abs", "sign") and constant(n.args[0]) is None) or (root_of(n) or 1) % 2 == 0
    }


def leads(sample: Sample) -> dict[Hashable, list[Any]]:
    """The leading coefficients under every root, sign and denominator, one list of components for each place."""
    found: dict[Hashable, list[Any]] = {}
    noted = {**sample.orbit.last.noted, **sample.claims.algebra.noted} if sample.orbit.last else {}
    for (key, component), (_, lead) in sorted(noted.items(), key=lambda item: item[0][1] or 0):
        found.setdefault(key, []).append(lead if component is not None else (lead,))
    return found


def split(claim: Statement, sample: Sample, failed: set[Any], positive: frozenset[int]) -> Split:
    """The independent signs of a statement, as this sample shows them; `failed` are roots known to be of no square."""
    ring, known, nodes = sample.ring, leads(sample), places(claim)
    failing = {tuple(known[k]) for k in failed if k in known}
    reflection = reflected(claim)
    odd_names, odd_places = reflection if reflection else ({}, set())
    odd = _odd_values(sample, odd_names)
    vectors: dict[tuple[Any, ...], bool] = {}
    scalars: set[Any] = set()
    squares: set[int] = set()
    for key, node in nodes.items():
        values = known.get(key)
        if values is None or key in positive or tuple(values) in failing:
            continue
        scalar = isinstance(values[0], tuple)
        plain = [x[0] for x in values] if scalar else values
        root = root_of(node)
        if root:
            squares.add(key)
        sizes = tuple(ring.power(x, Fraction(1, 2)) if root else _size(ring, x) for x in plain)
        if scalar:
            scalars.add(sizes)
        else:
            vectors[sizes] = vectors.get(sizes, False) or sizes in odd or key in odd_places
    signs = _independent(ring, vectors, sample.point.size) + len(scalars)
    if reflection and any(vectors.values()):
        signs -= sample.point.size
    return Split(signs, frozenset(squares))


def _size(ring: Any, x: int) -> int:
    return x if ring.is_residue(x) else int(ring.neg(x))


def _independent(ring: Any, vectors: Mapping[tuple[Any, ...], bool], d: int) -> int:
    """d signs for each quantity, one more for each multiple of another by a scalar; odd quantities first."""
    kept: list[tuple[Any, ...]] = []
    signs = 0
    for sizes in sorted(vectors, key=lambda s: not vectors[s]):
        if any(_proportional(ring, sizes, other) for other in kept):
            signs += 1
        else:
            kept.append(sizes)
            signs += d
    return signs


def _proportional(ring: Any, a: Sequence[int], b: Sequence[int]) -> bool:
    return all((a[0] * y - x * b[0]) % ring.p == 0 for x, y in zip(a, b)) and len(a) > 1


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
