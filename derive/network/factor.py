"""A matrix S with S S^T the first diffusion matrix of a law, applied to noise.

    D = sum_ab M_ab E[a_s b_s^T],   a_s the vectors of a sample, M = L diag(d) L^T exactly:
    S z = sum_i sqrt(d_i) sum_s sqrt(w_s) z_is (sum_j L_ji a_j,s)

so that the noise of SGD is sum_s sqrt(w_s) z_s (g_s - g), times sqrt(1/B).  Powers of D beyond the first are no covariances:
a matrix that is positive as a power series has a root as a power series only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.errors import UsageError
from derive.network.tied import Node, TiedVectors, with_all_centred
from derive.noise.forests import text
from derive.noise.generator import Generator

Key = tuple[str, Node]  # slot and tree
Matrix = dict[tuple[Key, Key], Ratio]


@dataclass(frozen=True)
class Column:
    """sqrt(pivot) times the sum of coefficients times trees, for every sample, or every normal vector."""

    kind: str  # "samples" or "normal"
    tie: int
    pivot: Ratio
    parts: tuple[tuple[Ratio, Key], ...]

    def applied(self, vectors: TiedVectors, sampled: Any, z: Any) -> dict[str, Any]:
        for _, (_, node) in self.parts:
            vectors.prepare(node)
        root = sampled.root(sampled.coefficient(self.pivot))

        def at(sample: Any) -> dict[str, Any]:
            total: dict[str, Any] = {}
            for c, (slot, node) in self.parts:
                value = sampled.scaled(root * sampled.coefficient(c), vectors.vector(node, {self.tie: sample}))
                total[slot] = sampled.plus(total[slot], value) if slot in total else value
            return total

        if self.kind == "normal":
            return at(z)
        found: dict[str, Any] = sampled.over_samples(at, sampled.with_roots_of_weights(z))
        return found


@dataclass(frozen=True)
class Factored:
    power: int
    columns: tuple[Column, ...]


def factored(generator: Generator) -> Factored:
    """The columns of the first power with noise.

    Raises UsageError where the two roots of a forest share more than one sample, and where D is no covariance.
    """
    power = next((k for k, found in enumerate(generator.through(2)) if found), None)
    if power is None:
        raise UsageError("this law has no noise through the order; take a higher one")
    matrices: dict[int, Matrix] = {}
    for forest, c in generator.through(2)[power].items():
        tie, (a, b) = _keys(generator, forest)
        matrix = matrices.setdefault(tie, {})
        for key in ((a, b), (b, a)):
            matrix[key] = matrix[key] + c if key in matrix else c
    return Factored(power, tuple(column for tie, m in sorted(matrices.items()) for column in _columns(tie, m)))


def _keys(generator: Generator, forest: Any) -> tuple[int, tuple[Key, Key]]:
    """The tie that is shared, numbered 1 (-1 of a normal vector), and the two trees."""
    refusal = f"no matrix for the noise of {text(forest)}: its roots share more than one draw; take covariance(...)"
    try:
        roots = with_all_centred(forest)
    except ValueError:
        raise UsageError(refusal) from None
    if len(roots.binds) != 1:
        raise UsageError(refusal)
    (tie,) = roots.binds
    one = 1 if tie > 0 else -1
    slots = [s or generator.spaces[t.label] for s, t in zip(roots.slots, roots.trees, strict=True)]
    a, b = ((s, _renamed(t, {tie: one, one: tie})) for s, t in zip(slots, roots.trees, strict=True))
    return one, (a, b)


def _renamed(node: Node, names: Mapping[int, int]) -> Node:
    return node._replace(
        tie=names.get(node.tie, node.tie),
        children=tuple(_renamed(c, names) for c in node.children),
        binds=tuple(names.get(k, k) for k in node.binds),
    )


def _columns(tie: int, matrix: Matrix) -> list[Column]:
    """M = L diag(d) L^T, column by column."""
    left, found = dict(matrix), []
    keys = list(dict.fromkeys(a for a, _ in matrix))
    while keys:
        first, *rest = keys
        pivot = left.get((first, first))
        row = {b: left[first, b] for b in rest if left.get((first, b))}
        if not pivot:
            if row:
                raise UsageError("the first diffusion matrix is no covariance: it has a negative value; take covariance(...)")
            keys = rest
            continue
        lower = {b: (c / pivot).reduced() for b, c in row.items()}
        parts = ((pivot.ring.one, first), *((c, b) for b, c in lower.items()))
        found.append(Column("samples" if tie > 0 else "normal", tie, pivot, parts))
        for a, x in lower.items():
            for b, y in row.items():
                zero = pivot.ring.zero
                left[a, b] = (left.get((a, b), zero) - x * y).reduced()
        keys = rest
    return found


__all__ = ["Column", "Factored", "factored"]
