"""The law in which a stochastic scheme settles: its variance on a quadratic loss, in closed form, and what it says of any loss.

    L_xi(x) = h x^2/2 + xi x,   E xi = 0,   E xi^2 = s        Var theta, exact in gamma, and by powers of gamma
    T = h Var theta                                           its temperature; gamma s/(2 (1 - beta)) + ... for momentum

s is the variance of a step's gradient: Sigma/B for a mean over B samples of the variance Sigma, so that the temperature begins
with gamma/(B (1 - beta)) Sigma/2.  The variance settles where all roots of the scheme's characteristic polynomial lie inside the
unit disc; where samples have curvatures of their own, of the variance w, where those of the second moments do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.equation import check_order
from derive.errors import DeriveError, ReductionError, UsageError
from derive.noise.quadratic import QuadraticStep, Symbols
from derive.noise.sampling import independent
from derive.readings.stability import Stability, stability_of
from derive.readings.stationary_density import StationaryDensity, stationary_density
from derive.result import Described, named
from derive.scheme import Configuration, Scheme, configure, load_scheme
from derive.scheme.linear_map import LinearMap

MAX_SERIES = 60


@dataclass(frozen=True, repr=False)
class StationaryLaw(Described):
    """What a scheme settles in.

    variance     of theta on L = h theta^2/2, exact; `names` are the symbols for h, a second curvature, s and w
    series       its coefficients by powers of gamma: the first that is not zero, and `order` more
    spread       the variance where samples have curvatures of the variance w too; None, with `no_spread`, where that has no
                 closed form in w alone
    covariance   of two modes of curvatures h and k whose errors have the covariance s; given normal noise has none
    spread_series, covariance_series    the same by powers of gamma
    stability    where the variance settles
    density      the density for any loss, with detailed balance; None, with `no_density`, where it is not read
    """

    configuration: Configuration
    order: int
    names: Symbols
    variance: Ratio
    series: Mapping[int, Ratio]
    spread: Ratio | None
    spread_series: Mapping[int, Ratio]
    no_spread: str
    covariance: Ratio
    covariance_series: Mapping[int, Ratio]
    stability: Stability
    density: StationaryDensity | None
    no_density: str

    @cached_property
    def temperature(self) -> Mapping[int, Ratio]:
        """h Var theta, by powers of gamma."""
        return {k: (c * c.ring.symbol(self.names.curvature)).reduced() for k, c in self.series.items()}

    def describe(self) -> str:
        return f"{named(self.configuration)}: {self.variance}"

    def to_json(self) -> dict[str, Any]:
        """`variance`, `temperature` (by powers of gamma), and the other readings; `symbols` says what h, k, s, w are here."""
        return {
            "symbols": dict(zip(("h", "k", "s", "w"), self.names, strict=True)),
            "variance": str(self.variance),
            "series": [{"power": k, "coefficient": str(c)} for k, c in self.series.items()],
            "temperature": [{"power": k, "coefficient": str(c)} for k, c in self.temperature.items()],
            "variance_with_curvatures": None if self.spread is None else str(self.spread),
            "covariance": str(self.covariance),
            "stability": self.stability.to_json(),
            "density": None if self.density is None else self.density.to_json(),
        }


def stationary_law(
    scheme: str | Path | Scheme,
    order: int = 2,
    *,
    regime: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> StationaryLaw:
    """The stationary law, its variance with `order` corrections.

    A text that draws nothing is read with every gradient that of the step's sample.
    Raises ReductionError where its step is not linear on quadratic losses or changes with the time.
    Source: SGD gamma s/(h (2 - gamma h)), Mandt, Hoffman & Blei, JMLR 18(134), 2017, to leading order.

    >>> law = stationary_law("momentum", 1)
    >>> str(law.variance)
    'gamma*s*(1 + beta)/(h*(1 - beta)*(2 + 2*beta - gamma*h))'
    >>> {k: str(c) for k, c in law.temperature.items()}, law.stability.interval
    ({1: 's/(2*(1 - beta))', 2: 'h*s/(4*(1 - beta)*(1 + beta))'}, ('0', '2*(1 + beta)'))
    """
    chosen = independent(load_scheme(scheme))
    configuration = configure(chosen, regime, settings, noise=True)
    check_order(configuration, order, force=True)
    if order > MAX_SERIES:
        raise UsageError(f"order {order}: the closed form is exact; its series is written through gamma^{MAX_SERIES}")
    step = QuadraticStep(configuration)
    variance = step.variance()
    linear = step.step(step.symbols.curvature, False)
    stable = stability_of(LinearMap(configuration, step.ring, step.symbols.curvature, linear.states, linear.matrix()))
    spread, no_spread = _or_reason(lambda: step.variance(sampled_curvature=True))
    density, no_density = _or_reason(lambda: stationary_density(chosen, regime=regime, settings=settings))
    covariance = step.covariance()
    return StationaryLaw(
        configuration, order, step.symbols, variance, _series(step, variance, order),
        spread, _series(step, spread, order) if spread else {}, no_spread,
        covariance, _series(step, covariance, order) if covariance else {}, stable, density, no_density,
    )  # fmt: skip


def _or_reason(read: Any) -> tuple[Any, str]:
    """What is read, or why it is not."""
    try:
        return read(), ""
    except DeriveError as e:
        return None, str(e)


def _series(step: QuadraticStep, variance: Ratio, order: int) -> dict[int, Ratio]:
    """The first power of gamma that is not zero, and as many more as the order says."""
    first = next((k for k in range(9) if variance and step.series(variance, k).order is not None), None)
    if first is None:
        raise ReductionError(f"{step.configuration.scheme.where}: the stationary variance is zero through gamma^8")
    return dict(enumerate(step.series(variance, first + order).coefficients[first:], first))
