"""Kind generator: E phi(theta_n) = exp(n gamma G) phi, G = G_0 + gamma G_1 + ..., drift, diffusion matrix, or all of G."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.errors import UndecidedError, UsageError
from derive.language import parse_expression
from derive.readings.formula import limited, power_of
from verify.claims.judgment import Judgment, Kind, Stated, proved, refuted
from verify.claims.noise_data import Law, NoiseData, Powers
from verify.claims.scheme_data import require_defined
from verify.sde.statement import read_forest

ROOTS = {"drift": 1, "diffusion": 2}


@dataclass(frozen=True, kw_only=True)
class GeneratorClaim(NoiseData):
    """Through gamma**through, a table for every power, forest -> coefficient, what is left out being zero:

    generator   all of G, or one or both of
    drift       its part with one derivative of phi
    diffusion   the diffusion matrix, which is twice that with two
    """

    through: int
    generator: tuple[Mapping[str, str], ...] = ()
    drift: tuple[Mapping[str, str], ...] = ()
    diffusion: tuple[Mapping[str, str], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.generator) == bool(self.drift or self.diffusion):
            raise UsageError("give either 'generator', or 'drift' or 'diffusion' or both")
        for name, powers in self.parts.items():
            if len(powers) > self.through + 1:
                raise UsageError(f"{name}: {len(powers)} powers of gamma, and through = {self.through} reads {self.through + 1}")
            for forest, coefficient in (item for power in powers for item in power.items()):
                require_defined(limited(parse_expression(coefficient, f"{name}, {forest}")), f"{name}, {forest}")
                if name in ROOTS and len(read_forest(forest)) != ROOTS[name]:
                    raise UsageError(f"{name}: '{forest}' has not {ROOTS[name]} of the derivatives of phi (trees)")

    @property
    def parts(self) -> dict[str, Powers]:
        """What is claimed, by its name."""
        found = {"generator": self.generator, "drift": self.drift, "diffusion": self.diffusion}
        return {name: powers for name, powers in found.items() if powers}


def states_generator(data: GeneratorClaim) -> Stated:
    """What is stated."""
    rest = f" + O({power_of('gamma', data.through + 1)})"
    return Stated(", ".join(f"{name} = {_text(p)}{rest}" for name, p in data.parts.items()), data.law_hypotheses(data.through))


def judge_generator(data: GeneratorClaim) -> Judgment:
    """generator: proved from the update text in random worlds over prime fields, or told apart from the proved one."""
    law = data.law(data.through)
    verdict, numbers = law.against(_composed(data, law))
    if verdict.verdict == "undecided":
        raise UndecidedError(verdict.reason)
    if verdict.verdict == "refuted":
        return refuted(str(law), str(verdict), numbers)
    return proved(str(verdict), f"derived: {law}")


def _composed(data: GeneratorClaim, law: Law) -> Powers:
    """The claimed generator; parts of which nothing is claimed are the proved ones."""
    if data.generator:
        return data.generator
    powers: Powers = law.powers
    for name, claimed in data.parts.items():
        factor = "({})/2" if name == "diffusion" else "{}"
        halved = [{f: factor.format(c) for f, c in power.items()} for power in claimed]
        kept = [{f: c for f, c in power.items() if len(read_forest(f)) != ROOTS[name]} for power in powers]
        powers = [rest | (halved[k] if k < len(halved) else {}) for k, rest in enumerate(kept)]
    return powers


def _text(powers: Powers) -> str:
    """As it is written in the file.

    >>> _text([{"g": "-1"}, {"g1 g1": "1/2"}])
    '(-1)*g + gamma*((1/2)*(g1 g1))'
    """
    shown = [" + ".join(f"({c})*" + (f"({f})" if " " in f else f) for f, c in p.items()) for p in powers]
    found = [s if k == 0 else f"{power_of('gamma', k)}*({s})" for k, s in enumerate(shown) if s]
    return " + ".join(found) or "0"


KIND = Kind("generator", GeneratorClaim, states_generator, judge_generator)
