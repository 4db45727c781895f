"""A stochastic scheme started from rest: at which random point the modified law starts.

    E phi(theta_n) = (J exp(n gamma G) phi)(theta_0) + decaying,      J = :exp(K):

J acts last: the law at the time n gamma is that of the generator G started not at theta_0 but at random, with the mean
theta_0 + m, the covariance C and further cumulants that K names (formal ones: C may be negative, as the memory that is not there
yet makes the first steps smaller than the modified law has them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.equation import check_order
from derive.noise.forests import text
from derive.noise.generator import Generator
from derive.noise.sampling import independent, require_few_forests
from derive.noise.start import start_from_rest
from derive.noise.sums import ForestSum, labels_of
from derive.result import Described, named
from derive.scheme import Configuration, Scheme, configure, load_scheme


@dataclass(frozen=True, repr=False)
class InitialLaw(Described):
    """K through gamma^order, by powers of gamma, and what decays.

    mean         the shift of the mean of the slow variables: the trees
    covariance   the matrix C: twice the forests with two roots
    beyond       those with more
    decaying     forest by forest, what the cumulants of theta_n have besides: its coefficients contain n and the symbols of
                 `factors`, each standing for rho^n
    """

    settled: Generator
    decaying: Generator
    factors: Mapping[str, Ratio]

    @property
    def configuration(self) -> Configuration:
        return self.settled.configuration

    @property
    def order(self) -> int:
        return self.settled.order

    @property
    def mean(self) -> tuple[ForestSum, ...]:
        return self._through(1)

    @property
    def covariance(self) -> tuple[ForestSum, ...]:
        return tuple(power.times(2) for power in self._through(2))

    @property
    def beyond(self) -> tuple[ForestSum, ...]:
        return self._through(*range(3, 2 * self.order + 1))

    def function(self, loss: Any, samples: Any, *, backend: str = "jax", weights: Any = None) -> Any:
        """K as functions, as `WeakEquation.function` has G: f.on(phi, params, hyper) is [K_0 phi, K_1 phi, ...]."""
        from derive.network.law import law_function

        return law_function(self.settled, loss, samples, backend, weights)

    def _through(self, *roots: int) -> tuple[ForestSum, ...]:
        labels = labels_of(self.settled)
        return tuple(ForestSum(power, labels).through(*roots) for power in self.settled.powers)

    def describe(self) -> str:
        return f"{named(self.configuration)}, from rest, in law, through gamma^{self.order}"

    def to_json(self) -> dict[str, Any]:
        """`mean`, `covariance`, `beyond`: block lists of forests; `decaying`, with `factors`: symbol -> rho, it being rho^n."""
        parts = {"mean": self.mean, "covariance": self.covariance, "beyond": self.beyond}
        found: dict[str, Any] = {
            name: [{"power": k, "terms": power.to_json()} for k, power in enumerate(powers)] for name, powers in parts.items()
        }
        moving = [
            {"power": k, "terms": [{"coefficient": str(c), "forest": text(f)} for f, c in power.items()]}
            for k, power in enumerate(self.decaying.powers)
        ]
        return found | {"decaying": moving, "factors": {name: str(rho) for name, rho in self.factors.items()}}


def initial_law(
    scheme: str | Path | Scheme,
    order: int = 2,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> InitialLaw:
    """What starting from rest does to the law, through gamma^order; memory starts at zero, and theta_prev at theta.

    A text that draws nothing is read with every gradient that of the step's sample.
    Raises what `modified_sde` raises, and ReductionError where memory relaxes in one step or does not relax.

    >>> law = initial_law("momentum", 2)
    >>> str(law.mean[1]), str(law.covariance[2])
    ('beta/(1 - beta)**2*g', '-beta*(2 + beta)/((1 - beta)**3*(1 + beta))*(g1 g1)')
    """
    configuration = configure(independent(load_scheme(scheme)), regime, settings, noise=True)
    check_order(configuration, order, force=True)
    require_few_forests(order)
    start = start_from_rest(configuration, order)
    return InitialLaw(start.settled, start.decaying, start.factors)
