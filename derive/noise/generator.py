"""The generator of a stochastic optimizer: E phi(theta_n) = exp(n gamma G) phi, power by power of gamma."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import coefficient_of_n
from derive.noise.builder import one_step
from derive.noise.enumeration import Enumeration
from derive.noise.forests import Forest, Root, size, symmetry, text
from derive.noise.steps import Step
from derive.noise.weights import Weights
from derive.scheme import Configuration


@dataclass(frozen=True)
class Generator:
    """G = sum gamma^k sum c_F F(phi), the formal generator of the law of the slow variables at the times n gamma.

    `powers[k]` gives the coefficient of every tied forest at gamma^k; those with one root are the drift, those with two, doubled,
    the diffusion matrix, and where there are any with three or more roots no stochastic differential equation has this law.
    `slow` are the slow variables as they are printed, the unknowns first; `spaces` says in whose space lies a variable, or what
    a label stands for.  `opaque` says what labels stand for that are neither gradients nor variables, such as
    u = sgrad(theta)/norm(sgrad(theta)).  Where gradients are means over large batches, ties through B^-`inverse` are kept and
    `centres` says what the arguments of functions fluctuate about: argument -> label -> factor.
    """

    configuration: Configuration
    slow: tuple[str, ...]
    powers: tuple[Mapping[Forest, Ratio], ...]
    spaces: Mapping[str, str]
    opaque: Mapping[str, str]
    centres: Mapping[str, Mapping[str, Ratio]] = field(default_factory=dict)
    inverse: int | None = None

    @property
    def order(self) -> int:
        return len(self.powers) - 1

    def through(self, roots: int) -> tuple[Mapping[Forest, Ratio], ...]:
        """The part with so many roots, by powers of gamma: 1 is the drift, 2 half the diffusion matrix."""
        return tuple({f: c for f, c in power.items() if len(f) == roots} for power in self.powers)


def generator(
    configuration: Configuration, order: int, progress: Callable[[int], None] = lambda power: None, inverse: int | None = None
) -> Generator:
    """The generator through gamma^order of independent samples; `progress` hears of every power that is done.  With `inverse`
    gradients are means over large batches of B samples, and ties through B^-inverse are kept.

    The coefficient of a forest is [n^1] of its weight over its symmetry.

    Raises ReductionError where the text is not linear in state variables, gradients and normal vectors, LimitError.

    >>> from derive.noise.forests import text
    >>> from derive.scheme import configure, inline_scheme
    >>> heavy = inline_scheme("v = beta*v + sgrad(theta); theta = theta - gamma*v")
    >>> for f, c in generator(configure(heavy, noise=True), 1).powers[1].items():
    ...     print(text(f), "|", c)
    g[g] | -(1 + beta)/(2*(1 - beta)**3)
    g1 g1 | 1/(2*(1 - beta)**2)
    """
    step = one_step(configuration, order + 1, inverse is not None)
    weights, found = Weights(step), Enumeration(step, inverse=inverse)
    powers = collected(found, lambda f, k: coefficient_of_n(weights.weight(f, k), 1), progress)
    return Generator(
        configuration, step.slow, powers, dict(step.spaces), dict(step.forms.opaque), dict(step.centres), inverse
    )


def collected(
    found: Enumeration, coefficient: Callable[[Forest, int], Ratio], progress: Callable[[int], None]
) -> tuple[dict[Forest, Ratio], ...]:
    """The coefficients [n^1] of forests over their symmetries, by powers of gamma, forests as they are printed."""
    step = found.step
    powers: list[dict[Forest, Ratio]] = [{} for _ in range(step.order)]
    for cost in range(1, 2 * step.order + 1):
        for forest in found.forests(cost):
            for k in range((cost + 1) // 2, step.order + 1):
                if c := coefficient(forest, k):
                    powers[k - 1][_printed(step, forest)] = c.scaled(fmpq(1, symmetry(forest))).reduced()
        progress(cost)
    return tuple(dict(sorted(p.items(), key=_by_roots)) for p in powers)


def _printed(step: Step, forest: Forest) -> Forest:
    """The forest with no name of a variable where it is the unknown of the tree's space."""
    return tuple(Root("" if r.slot == step.spaces.get(r.tree.label, r.slot) else r.slot, r.tree) for r in forest)


def _by_roots(item: tuple[Forest, Ratio]) -> tuple[int, int, str]:
    forest, _ = item
    return len(forest), size(forest), text(forest)
