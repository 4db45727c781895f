"""Two stochastic schemes in law: through which power of gamma their generators are the same, and which tied forests differ.

    E phi(theta_n) = exp(n gamma G) phi                 G = sum gamma^k sum c_F F(phi)

One step of B, with the step s gamma and batches r times as large, stands against m steps of A.  A tie of j nodes is a joint
cumulant of j derivatives of a sample's loss and weighs r^(1-j) in the larger batch, so that B's generator in A's clock has

    c_F  ->  s^(k+1)/m r^-(sum over ties (j - 1)) c_F           at gamma^k

    m = r = 1, s free      another step           momentum-scaling rule: s = 1 - beta for heavy ball against SGD
    m = r = s = kappa      larger batches         linear-scaling rule
    m = 1, r = 1/..., ...  anything else that is asked for

That all coefficients through gamma^k are equal says that the laws of the slow variables are, with an error of the order
gamma^(k+1), for every smooth loss and every law of samples; that two forests differ is shown on a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import UsageError
from derive.language import fresh_name
from derive.noise.forests import Forest, text
from derive.noise.generator import Generator
from derive.noise.reshuffled import EpochGenerator, batches_letter
from derive.noise.sampling import excess, with_samples
from derive.readings.law_witness import LawWitness, law_witness
from derive.result import Described, named
from derive.scheme import Scheme, configure, load_scheme
from derive.weak_equation import modified_sde

Powers = tuple[Mapping[Forest, Ratio], ...]


class Rule(NamedTuple):
    """One step of B with the step `step`*gamma and batches `batch` times as large, against `steps` steps of A."""

    step: Ratio
    steps: Ratio
    batch: Ratio

    @property
    def plain(self) -> bool:
        return all(x == 1 for x in self)


@dataclass(frozen=True, repr=False)
class LawComparison(Described):
    """How the laws of two schemes agree, B run by the `rule`.

    same_through   the generators are the same through this power of gamma (-1: not even the limits are)
    differences    at the power after that: forest -> its coefficients in A and in B
    parts          number of derivatives of phi (1 the drift, 2 the diffusion) -> the power through which that part is the same
    step_ratio     s with which B has A's limit at gamma^0, where that is not 1 and no rule was asked for: then it is the rule's
    witness        a loss, a law of samples and a test function on which the generators differ; None where they are the same,
                   or functions of gradients stand in the texts, of which no loss was looked for
    """

    first: Generator
    second: Generator
    order: int
    rule: Rule
    same_through: int
    differences: Mapping[str, tuple[Ratio, Ratio]]
    parts: Mapping[int, int]
    searched: bool
    witness: LawWitness | None

    @property
    def names(self) -> tuple[str, str]:
        return named(self.first.configuration), named(self.second.configuration)

    def describe(self) -> str:
        return f"{self.names[0]} against {self.names[1]}: the same law through gamma^{self.same_through} of {self.order}"

    def to_json(self) -> dict[str, Any]:
        return {
            "same_through": self.same_through,
            "order": self.order,
            "rule": {"step": str(self.rule.step), "steps": str(self.rule.steps), "batch": str(self.rule.batch)},
            "rule_searched": self.searched,
            "parts": {str(roots): power for roots, power in self.parts.items()},
            "differences": [{"forest": f, "first": str(a), "second": str(b)} for f, (a, b) in self.differences.items()],
            "witness": None if self.witness is None else self.witness.to_json(),
        }


def compare_laws(
    a: str | Path | Scheme,
    b: str | Path | Scheme,
    order: int = 1,
    *,
    regimes: tuple[str | None, str | None] = (None, None),
    settings: Mapping[str, str] | None = None,
    samplings: tuple[str | None, str | None] = (None, None),
    linear_scaling: bool = False,
) -> LawComparison:
    """Compare the laws of two schemes through gamma^order; parameters of the same name are the same parameter.

    `settings` apply to each scheme that has the parameter; a text that draws nothing is read with every gradient that of the
    step's sample.  With `linear_scaling`, B has batches and steps kappa times as large, and one of its steps stands against kappa
    of A.  Otherwise, where only a factor tells the limits at gamma^0 apart, B is run with the step that makes them equal.
    `samplings` are 'iid' or 'reshuffled', as the schemes' files say where they are left out: epochs, each a random order of m
    batches, against independent draws from them.

    Raises UsageError where the schemes have different variables or losses, and what `generator` raises.

    >>> c = compare_laws("sgd", "momentum", 1)
    >>> str(c.rule.step), c.same_through, dict(c.parts)
    ('(1 - beta)', 0, {1: 0, 2: 1})
    >>> {f: [str(x) for x in pair] for f, pair in c.differences.items()}
    {'g[g]': ['-1/2', '-(1 + beta)/(2*(1 - beta))']}
    >>> list(compare_laws("sgd", "sgd", 2, linear_scaling=True).differences)
    ['g[g]']
    >>> c = compare_laws("sgd", "sgd", 1, samplings=("iid", "reshuffled"))
    >>> {f: [str(x) for x in pair] for f, pair in c.differences.items()}
    {'g1 g1': ['1/2', '0'], 'g1[g1]': ['0', '-1/2']}
    """
    schemes = [with_samples(load_scheme(a)), with_samples(load_scheme(b))]
    given = settings or {}
    found = [_generator(*chosen, given, order) for chosen in zip(schemes, regimes, samplings, strict=True)]
    for name in given:
        if not any(name in g.configuration.settings or name == _batches(g) for g in found):
            raise UsageError(f"--set {name}: neither scheme has this parameter free")
    return compare_generators(*found, linear_scaling=linear_scaling)


def _generator(
    scheme: Scheme, regime: str | None, sampling: str | None, settings: Mapping[str, str], order: int
) -> Generator:
    """The generator of one scheme, with those settings that are about it."""
    how = scheme.sampling if sampling is None else sampling
    known = {*configure(scheme, regime, noise=True).free, *([batches_letter(scheme)] if how == "reshuffled" else [])}
    own = {n: v for n, v in settings.items() if n in known or n.partition("(")[0] in scheme.functions}
    return modified_sde(scheme, order, regime=regime, settings=own, sampling=sampling).generator


def _batches(g: Generator) -> str:
    """The name of the number of batches in an epoch."""
    return batches_letter(g.configuration.scheme) if isinstance(g, EpochGenerator) else ""


def compare_generators(first: Generator, second: Generator, *, linear_scaling: bool = False) -> LawComparison:
    """Compare two generators of the same order."""
    _require_comparable(first, second)
    used = {s for g in (first, second) for p in g.powers for c in p.values() for s in c.symbols()}
    kappa = fresh_name("kappa", used)
    ring = Ring(sorted({*used, kappa}))
    if linear_scaling:
        _require_scalable(first, second)
    f, g = (tuple({t: c.substitute({}, ring) for t, c in p.items()} for p in x.powers) for x in (first, second))
    k = ring.symbol(kappa)
    ratio = None if linear_scaling or _timed(first, second) else _ratio(f, g)
    rule = Rule(k, k, k) if linear_scaling else Rule(ratio or ring.one, ring.one, ring.one)
    g = tuple({t: ruled(t, c, power, rule) for t, c in p.items()} for power, p in enumerate(g))
    order = min(len(f), len(g)) - 1
    through = _same_through(f, g, order)
    differences = _differences(f[through + 1], g[through + 1]) if through < order else {}
    witness = law_witness({t: b - a for t, (a, b) in differences.items()}, first, second) if differences else None
    roots = sorted({len(t) for p in (*f[: order + 1], *g[: order + 1]) for t in p})
    parts = {r: _same_through(_rooted(f, r), _rooted(g, r), order) for r in roots}
    named_differences = {text(t): pair for t, pair in differences.items()}
    return LawComparison(
        first, second, order, rule, through, named_differences, parts, not linear_scaling and not rule.plain, witness
    )


def _require_comparable(first: Generator, second: Generator) -> None:
    about = [sorted(g.slow) for g in (first, second)]
    if about[0] != about[1]:
        raise UsageError(
            f"laws of different variables are not compared: {', '.join(about[0])} here and {', '.join(about[1])} there; choose "
            "regimes of the same kind (--regime-a, --regime-b)"
        )
    one, other = (g.configuration.scheme for g in (first, second))
    if one.label != other.label or dict(one.losses) != dict(other.losses):
        raise UsageError("the schemes are written for different losses or fields; laws are compared for the same ones")
    if any(first.opaque[u] != second.opaque[u] for u in first.opaque.keys() & second.opaque.keys()):
        raise UsageError("the schemes have different functions of gradients, which are not compared: " + ", ".join(first.opaque))


def _require_scalable(*generators: Generator) -> None:
    """UsageError where larger batches and steps are no rule for the coefficients of forests."""
    if any(g.opaque for g in generators):
        raise UsageError("linear scaling is read where gradients stand alone: no batch size scales the law of a function of them")
    if any(isinstance(g, EpochGenerator) for g in generators):
        raise UsageError("linear scaling is read for independent samples: larger batches make fewer of them in an epoch")
    if _timed(*generators):
        raise UsageError("linear scaling is read for steps that do not depend on the time, which runs with the step")


def _timed(*generators: Generator) -> bool:
    """Whether coefficients depend on the time."""
    used = {s for g in generators for power in g.powers for c in power.values() for s in c.symbols()}
    return "t" in used or any(g.configuration.functions for g in generators)


def ruled(forest: Forest, c: Ratio, power: int, rule: Rule) -> Ratio:
    """The coefficient of a forest at gamma^power where the scheme is run by a rule, in the clock of the other."""
    return (c * rule.step ** (power + 1) * rule.steps.inverse() * rule.batch ** -excess(forest)).reduced()


def _ratio(f: Powers, g: Powers) -> Ratio | None:
    """s > 0 with f = s g at gamma^0."""
    if f[0].keys() != g[0].keys() or not f[0]:
        return None
    ratios = [(f[0][t] / g[0][t]).reduced() for t in f[0]]
    backwards = ratios[0].is_number and ratios[0].number() < 0
    return ratios[0] if not backwards and all(r == ratios[0] for r in ratios) else None


def _differences(a: Mapping[Forest, Ratio], b: Mapping[Forest, Ratio]) -> dict[Forest, tuple[Ratio, Ratio]]:
    zero = next(iter([*a.values(), *b.values()])).ring.zero
    pairs = {t: (a.get(t, zero), b.get(t, zero)) for t in (*a, *(t for t in b if t not in a))}
    return {t: pair for t, pair in pairs.items() if pair[0] != pair[1]}


def _same_through(f: Powers, g: Powers, order: int) -> int:
    differ = (k for k in range(order + 1) if (f[k] or g[k]) and _differences(f[k], g[k]))
    return next(differ, order + 1) - 1


def _rooted(powers: Iterable[Mapping[Forest, Ratio]], roots: int) -> Powers:
    return tuple({t: c for t, c in p.items() if len(t) == roots} for p in powers)
