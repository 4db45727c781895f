"""The generator of a stochastic optimizer: E phi(theta_n) = exp(n gamma G) phi, power by power of gamma."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.algebra.coefficients import Ratio
from derive.noise.forests import Forest
from derive.scheme import Configuration


@dataclass(frozen=True)
class Generator:
    """G = sum gamma^k sum c_F F(phi), the formal generator of the law of the slow variables at the times n gamma.

    `powers[k]` gives the coefficient of every tied forest at gamma^k; those with one root are the drift, those with two, doubled,
    the diffusion matrix, and where there are any with three or more roots no stochastic differential equation has this law.
    `slow` are the slow variables as they are printed, the unknowns first.  `opaque` says what labels stand for that are neither
    gradients nor variables, such as u = sgrad/norm(sgrad).
    """

    configuration: Configuration
    slow: tuple[str, ...]
    powers: tuple[Mapping[Forest, Ratio], ...]
    opaque: Mapping[str, str]

    @property
    def order(self) -> int:
        return len(self.powers) - 1

    def through(self, roots: int) -> tuple[Mapping[Forest, Ratio], ...]:
        """The part with so many roots, by powers of gamma: 1 is the drift, 2 half the diffusion matrix."""
        return tuple({f: c for f, c in power.items() if len(f) == roots} for power in self.powers)
