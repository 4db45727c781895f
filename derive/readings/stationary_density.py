"""The stationary density exp(-V) of a scheme for any loss, and whether its law is reversible, from the generator.

    G phi = a . grad phi + D : grad^2 phi + ...,    no current:  a = div D - D grad V

order by order in gamma.  Where a scheme is given normal noise that stays as gamma -> 0, D_0 = d I and a_0 = -c grad L, so that

    V_0 = (c/d) L,       grad V_1 = -(a_1 - div D_1 + D_1 grad V_0)/d

and of what can stand at gamma^1,

    a_1 = x_1 grad L + x_2 H grad L + x_3 grad Lap L + x_4 grad tr Sigma/2,     D_1 = y_1 I + y_2 H + y_3 Sigma,

all is the gradient of a V_1 but for the covariance Sigma of sample gradients: Sigma grad V_0 - div Sigma has a curl.  A generator
that is symmetric with respect to exp(-V) has no highest derivative of an odd order: one of third order at gamma^2, where it is
the first beyond the second, says that detailed balance ends there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.errors import ReductionError
from derive.noise.forests import parse, text
from derive.noise.generator import Generator, generator
from derive.noise.sampling import independent
from derive.readings.law_witness import LawWitness, law_witness
from derive.result import Described, named
from derive.scheme import Configuration, Scheme, configure, load_scheme

#: functions of the loss whose gradients can stand in V, as they are typed
LOSS, SQUARE, LAPLACIAN, TRACE = "L", "|grad L|^2", "Lap L", "tr Sigma"
_DRIFT = {"g": LOSS, "g[g]": SQUARE, "g[n1,n1]": LAPLACIAN, "g1[g1]": TRACE}
_DIFFUSION = ("n1 n1", "n1 g[n1]", "g1 g1")
HOLDS, FAILS, UNDECIDED = "holds", "fails", "undecided"
#: why detailed balance fails
CURL = "Sigma grad V_0 - div Sigma, in the place of a gradient, has a curl (none where Sigma is a multiple of I)"
TURNING = "round a minimum the law turns, as H S is not symmetric (it is where Sigma and H commute)"
ODD = "the highest derivative of phi at gamma^2 is of an odd order"
#: on what `curl` is the value, and of what
CURL_EXAMPLE = "the curl of it, over d, on L = x**2/2 + y**2, L_xi = L + xi*(x + y), E xi**2 = 1"
TURNING_EXAMPLE = "E(theta_2 theta_1' - theta_1 theta_2')/gamma for modes of curvatures 1, 2 whose errors have the covariance 1"


@dataclass(frozen=True, repr=False)
class StationaryDensity(Described):
    """p = exp(-V), V = V_0 + gamma V_1 + O(gamma^2), a formal series, for every smooth loss.

    potential        by powers of gamma: function of the loss -> its coefficient; as far as it was found
    balance          detailed balance -> "holds" through gamma^balance_power, "fails" at it, or "undecided" at it
    because          why it fails, at that power or at the next
    curl             where it fails: a number that is not zero for a loss and samples that `example` names
    next_power       where it holds: what is known of the next power ("fails" or "undecided")
    witness          where it fails there, by a derivative of an odd order: a loss on which that is not zero
    """

    generator: Generator
    potential: tuple[Mapping[str, Ratio], ...]
    balance: str
    balance_power: int
    because: str = ""
    curl: Ratio | None = None
    example: str = ""
    next_power: str = ""
    witness: LawWitness | None = None

    @property
    def configuration(self) -> Configuration:
        return self.generator.configuration

    def describe(self) -> str:
        return f"{named(self.configuration)}: detailed balance {self.balance} at gamma^{self.balance_power}"

    def to_json(self) -> dict[str, Any]:
        return {
            "potential": [{term: str(c) for term, c in power.items()} for power in self.potential],
            "detailed_balance": {
                "verdict": self.balance, "power": self.balance_power, "because": self.because, "example": self.example,
                "curl": None if self.curl is None else str(self.curl), "next_power": self.next_power,
                "witness": None if self.witness is None else self.witness.to_json(),
            },
        }  # fmt: skip


def stationary_density(
    scheme: str | Path | Scheme, *, regime: str | None = None, settings: Mapping[str, str] | None = None
) -> StationaryDensity:
    """The stationary density through gamma^1, and whether detailed balance holds.

    Raises ReductionError where there is no noise, several slow variables, or something else than gradients of a loss.
    Source: Euler's scheme for the Langevin equation, Leimkuhler & Matthews, Appl. Math. Res. Express (2013) 34.

    >>> from derive.scheme import inline_scheme
    >>> d = stationary_density(inline_scheme("theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"))
    >>> [{f: str(c) for f, c in power.items()} for power in d.potential]
    [{'L': '1'}, {'|grad L|^2': '-1/4', 'Lap L': '1/2'}]
    >>> d.balance, d.balance_power, d.next_power
    ('holds', 1, 'fails')
    """
    return density_of(generator(configure(independent(load_scheme(scheme)), regime, settings, noise=True), 2))


def density_of(g: Generator) -> StationaryDensity:
    """The same of a generator through gamma^2."""
    _require(g)
    c, d, spread = -_at(g, 0, "g"), _at(g, 0, "n1 n1"), _at(g, 1, "g1 g1")
    if not d:
        return _small_noise(g, spread)
    limit = {LOSS: (c / d).reduced()}
    if spread:
        curl = (spread * limit[LOSS] / d).reduced()
        return StationaryDensity(g, (limit,), FAILS, 1, CURL, curl, CURL_EXAMPLE)
    return _with_next(g, (limit, _first(g, limit[LOSS], d)))


def _require(g: Generator) -> None:
    """ReductionError where the powers through gamma^1 have other forests than those that are read."""
    where = f"{g.configuration.scheme.where}: no stationary density"
    if len(g.slow) > 1 or g.opaque or g.configuration.scheme.label != "L" or g.configuration.scheme.losses:
        raise ReductionError(f"{where}: it is read for one slow variable ({', '.join(g.slow)}) and gradients of one loss")
    for power, known in zip(g.powers, ({"g", "n1 n1"}, {*_DRIFT, *_DIFFUSION}), strict=False):
        for f in power:
            if text(f) not in known:
                raise ReductionError(f"{where}: it is not read where the generator has {text(f)} through gamma^1")
    if not any(len(f) == 2 for power in g.powers[:2] for f in power):
        raise ReductionError(f"{where}: no noise through gamma^1")


def _at(g: Generator, power: int, forest: str) -> Ratio:
    zero = next(c.ring.zero for p in g.powers for c in p.values())
    return g.powers[power].get(parse(forest), zero)


def _first(g: Generator, ratio: Ratio, d: Ratio) -> dict[str, Ratio]:
    """V_1: from -(a_1 - div D_1 + D_1 grad V_0)/d, as H grad L = grad |grad L|^2/2 and div H = grad Lap L."""
    x = {said: _at(g, 1, forest) for forest, said in _DRIFT.items()}
    y, z = _at(g, 1, "n1 n1"), _at(g, 1, "n1 g[n1]")
    minus = {
        LOSS: x[LOSS] + y * ratio,
        SQUARE: (x[SQUARE] + z * ratio) / ratio.ring.constant(2),
        LAPLACIAN: x[LAPLACIAN] - z,
        TRACE: x[TRACE] / ratio.ring.constant(2),
    }
    return {said: (-c / d).reduced() for said, c in minus.items() if c}


def _with_next(g: Generator, potential: tuple[Mapping[str, Ratio], ...]) -> StationaryDensity:
    """What the highest derivative at gamma^2 says, where all before it are of second order at most."""
    top = max(map(len, g.powers[2]), default=0)
    forests = {f: c for f, c in g.powers[2].items() if len(f) == top}
    witness = law_witness(forests, g) if top > 2 and top % 2 else None
    if witness is None:
        return StationaryDensity(g, potential, HOLDS, 1, next_power=UNDECIDED)
    return StationaryDensity(g, potential, HOLDS, 1, ODD, next_power=FAILS, witness=witness)


def _small_noise(g: Generator, spread: Ratio) -> StationaryDensity:
    """No noise at gamma^0: the law is narrow, and round a minimum Gaussian of covariance gamma S: c (H S + S H) = 2 y Sigma.
    Two modes turn at the rate gamma c (k - h) S_hk, S_hk = 2 y s/(c (h + k)), s the covariance of their errors."""
    turning = spread.scaled(2) / spread.ring.constant(3)
    return StationaryDensity(g, (), FAILS, 1, TURNING, turning.reduced(), TURNING_EXAMPLE)
