"""The stochastic scheme that a claim is about, and the generator of its law: derived, and proved before it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from derive import modified_sde
from derive.errors import UndecidedError, UsageError, nearest
from derive.scheme import Configuration, Scheme, configure
from verify.claims.scheme_data import SchemeData
from verify.sde.proof import Verdict, drawings, prove_generator
from verify.sde.reading import is_linear
from verify.sde.statement import MAX_POWER, read_claim
from verify.sde.witness import witness

SAMPLINGS = ("iid", "reshuffled")
#: forest -> coefficient, one table for every power of gamma
Powers = Sequence[Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class NoiseData(SchemeData):
    """Which stochastic scheme a claim is about.

    sampling  iid, or reshuffled: an epoch takes each batch once, in a random order
    batch     over how many independent samples a gradient is a mean, a number or a symbol
    batches   how many batches an epoch has; left out, the symbol m
    """

    sampling: str = "iid"
    batch: str = ""
    batches: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sampling not in SAMPLINGS:
            near = nearest(self.sampling, SAMPLINGS)
            raise UsageError(f"sampling: write {' or '.join(SAMPLINGS)}, not '{self.sampling}'{near}")
        if self.batches and not (self.sampling == "reshuffled" and self.batches.isdigit()):
            raise UsageError("'batches' is a number, and goes with sampling = \"reshuffled\"; left out, it is the symbol m")
        if self.batch and self.sampling == "reshuffled":
            raise UsageError("'batch' goes with independent samples; in an epoch every step has one of its batches")

    def configured(self, scheme: Scheme, keywords: Mapping[str, Any]) -> Configuration:
        return configure(scheme, keywords["regime"], keywords["settings"], noise=True)

    def drawn(self, through: int) -> str:
        """How samples are drawn; of the symbol m a claim is judged for these numbers of batches."""
        if self.sampling == "reshuffled":
            symbolic = read_claim({"generator": [{"power": through, "terms": []}], "batches": self.batches or "m"})
            counts = ", ".join(str(d.batches) for d in drawings(symbolic, True))
            return f"epochs of {self.batches or f'm = {counts}'} batches in a random order"
        return f"a gradient is the mean over {self.batch} independent samples" if self.batch else "independent samples"

    def law_hypotheses(self, through: int) -> tuple[str, ...]:
        """The scheme, its parameters, and how samples are drawn.

        >>> NoiseData(update="theta = theta - gamma*sgrad(theta)", sampling="reshuffled").law_hypotheses(1)[1:]
        ('any smooth losses of the samples', 'epochs of m = 2, 3, 4 batches in a random order')
        """
        least = max(2, through + 1)
        some = () if is_linear(self.configuration) else (f"in dimension {least}, for any law of {least} samples",)
        return *self.hypotheses[:-1], "any smooth losses of the samples", *some, self.drawn(through)

    def law(self, order: int) -> Law:
        """The generator through gamma^order.

        Raises UndecidedError where it is not proved from the update text.
        """
        if order > MAX_POWER:
            raise UsageError(f"through: at most {MAX_POWER}")
        return _law(_Asked(repr(self), order, self))


@dataclass(frozen=True)
class Law:
    """A generator as JSON, proved; `texts` are its powers as they are printed."""

    configuration: Configuration
    data: Mapping[str, Any]
    texts: tuple[str, ...]
    proof: Verdict

    def __str__(self) -> str:
        shown = [f"{_power(k)}({t})" for k, t in enumerate(self.texts) if t != "0"]
        return f"G = {' + '.join(shown) or '0'} + O(gamma**{len(self.texts)})"

    @property
    def powers(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = [{} for _ in self.texts]
        for block in self.data["generator"]:
            found[block["power"]] |= {t["forest"]: t["coefficient"] for t in block["terms"]}
        return found

    def against(self, powers: Powers) -> tuple[Verdict, str]:
        """The verdict on other powers in the place of its own, and numbers that tell the two apart."""
        filled = [*powers, *({} for _ in self.texts[len(powers) :])]  # what is left out is claimed to be zero
        blocks = [{"power": k, "terms": [{"forest": f, "coefficient": c} for f, c in p.items()]} for k, p in enumerate(filled)]
        claim, true = read_claim({**self.data, "generator": blocks}), read_claim(self.data)
        verdict = prove_generator(self.configuration, claim)
        if verdict.verdict != "refuted" or self.proof.structure is None:
            return verdict, ""
        return verdict, witness(self.configuration, claim, true, self.proof.structure, drawings(true, True)[-1])


@dataclass(frozen=True)
class _Asked:
    """`text` stands for data that are not all hashable."""

    text: str
    order: int
    data: NoiseData = field(compare=False)


@lru_cache(maxsize=128)
def _law(asked: _Asked) -> Law:
    data, order = asked.data, asked.order
    scheme, keywords = data.chosen()
    settings = keywords["settings"] | ({"m": data.batches} if data.batches else {})
    equation = modified_sde(
        scheme, order, regime=keywords["regime"], settings=settings, sampling=data.sampling, batch=data.batch or None
    )
    found = Law(data.configuration, equation.to_json(), tuple(map(str, equation.powers)), Verdict("undecided"))
    verdict, _ = found.against(found.powers)
    if verdict.verdict != "proved":
        raise UndecidedError(f"the derived generator is not proved: {verdict}")
    return replace(found, proof=verdict)


def _power(k: int) -> str:
    return "" if k == 0 else "gamma*" if k == 1 else f"gamma**{k}*"
