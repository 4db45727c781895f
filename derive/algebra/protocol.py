"""What the engine asks of an algebra: fifteen operations.  Another algebra that has them can stand beside `sums.Algebra`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Protocol

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.normal import Sum
from derive.algebra.terms import Term


class TermAlgebra(Protocol):
    """Sums of terms over a ring; `unit` is the empty product, `losses` the losses themselves, scalar states, by label."""

    ring: Ring
    unit: Term
    loss: str
    losses: Mapping[str, Mapping[str, str]]

    def constant(self, value: Ratio) -> Sum: ...

    def state(self, name: str, scalar: bool = False) -> Sum:
        """A state variable's component at the index."""

    def node_sum(self, label: str, children: Sequence[Term], base: Sum | None = None) -> Sum:
        """A derivative of the function `label` with its arguments, at the point `base`, theta_0 where none is given."""

    def graft(self, label: str, delta: Sequence[Sum], weight: int, base: Sum | None = None) -> Sum:
        """The function at base + sum_j gamma^j delta[j], at gamma^weight."""

    def mapped_at(self, name: str, argument: Sequence[Sum], directions: Sequence[Sum], weight: int) -> Sum:
        """A map, or its derivative in directions, at sum_j gamma^j argument[j], at gamma^weight."""

    def product(self, a: Sum, b: Sum) -> Sum: ...

    def scale(self, a: Sum, ratio: Ratio) -> Sum: ...

    def power(self, a: Sum, exponent: Fraction) -> Sum: ...

    def absolute(self, a: Sum) -> Sum: ...

    def contract(self, a: Sum, label: str = "") -> Sum:
        """Summed over the index: a scalar; with the label `layer` summed over the layer of the index."""

    def matmul(self, a: Sum, b: Sum) -> Sum:
        """The product of matrices."""

    def transposed(self, a: Sum) -> Sum:
        """Of a matrix."""

    def trace(self, a: Sum) -> Sum: ...

    def is_zero(self, a: Sum) -> bool:
        """Whether the sum vanishes identically."""
