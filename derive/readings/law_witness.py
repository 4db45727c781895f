"""A loss, a law of samples and a test function on which a combination of tied forests is not zero, in exact numbers.

Every unknown has one component, and derivatives are taken at 0 (at 1 where the value of a variable stands in a forest):

    L_xi(x) = p(x) + xi q(x),    xi = m - 1 with probability 1/m, else -1;    phi = x^r/r!

An untied node with j branches is then p^(j+1), the nodes of a tie together the cumulant of xi of their number times the product
of their q^(j+1), two equal normal vectors give 1, and phi sees the forests with r roots alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial
from typing import Any, NamedTuple

from derive.algebra.coefficients import Ratio
from derive.language import names_of, parse_expression
from derive.noise.forests import GRADIENT, NORMAL, Forest, Tree, nodes
from derive.noise.generator import Generator
from derive.noise.reshuffled import EpochGenerator
from derive.readings.domain import domain
from derive.readings.witness import sample
from derive.reals import All
from derive.result import Described
from derive.scheme.schedule import evaluate

Derivative = tuple[str, tuple[str, ...]]  # of a loss or field, by these variables
BATCHES = 3  # m, where it is not the number of batches in an epoch
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)


class Jets(NamedTuple):
    """The derivatives of the mean, and those of what xi multiplies."""

    mean: Mapping[Derivative, Fraction]
    noise: Mapping[Derivative, Fraction]


@dataclass(frozen=True, repr=False)
class LawWitness(Described):
    """`value` is what the combination gives on the test function, for losses of samples and at the point."""

    losses: Mapping[str, str]
    samples: str
    test: str
    at: Mapping[str, str]
    parameters: Mapping[str, str]
    value: Fraction

    def describe(self) -> str:
        losses = ", ".join(f"{name} = {value}" for name, value in self.losses.items())
        where = ", ".join(f"{n} = {v}" for n, v in {**self.at, **self.parameters}.items())
        samples = f", {self.samples}" if self.samples else ""
        return f"{self.value} on {losses}{samples}, phi = {self.test} at {where}"

    def to_json(self) -> dict[str, Any]:
        return {
            "losses": dict(self.losses), "samples": self.samples, "test": self.test, "at": dict(self.at),
            "parameters": dict(self.parameters), "value": str(self.value),
        }  # fmt: skip


def draws(batches: int) -> tuple[tuple[Fraction, Fraction], ...]:
    """The values of xi with their probabilities."""
    return (Fraction(batches - 1), Fraction(1, batches)), (Fraction(-1), Fraction(batches - 1, batches))


def cumulant(order: int, batches: int = BATCHES) -> Fraction:
    """kappa_r of xi:  m_r = sum_j binomial(r-1, j-1) kappa_j m_(r-j).

    >>> [str(cumulant(r)) for r in (1, 2, 3, 4)]
    ['0', '2', '2', '-6']
    """
    moments = [sum((p * x**r for x, p in draws(batches)), Fraction(0)) for r in range(order + 1)]
    found = [Fraction(0)]
    for r in range(1, order + 1):
        found.append(moments[r] - sum((comb(r - 1, j - 1) * found[j] * moments[r - j] for j in range(1, r)), Fraction(0)))
    return found[order]


def law_witness(total: Mapping[Forest, Ratio], *generators: Generator) -> LawWitness | None:
    """A witness that the combination is not zero for every loss and law of samples; None where none was found.

    >>> from derive.noise.generator import generator
    >>> from derive.scheme import configure, inline_scheme
    >>> sgd = generator(configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True), 1)
    >>> law_witness(sgd.powers[1], sgd)
    <LawWitness -1/2 on L = theta + theta**2/2, phi = theta at theta = 0>
    """
    if any(g.opaque for g in generators):
        return None
    space = generators[0].spaces
    batches = _batches(generators)
    numbers = _parameters(total.values(), generators, batches)
    if numbers is None:
        return None
    for roots in _tests(total, space):
        chosen = {f: c.at(numbers, Fraction) for f, c in total.items() if _roots(f, space) == roots}
        at = Fraction(int(any(t.label in space and t.label in generators[0].slow for f in chosen for t in _all(f))))
        for jets in _jets(chosen, generators[0]):
            value = sum((c * forest_value(f, jets, generators[0], at, batches) for f, c in chosen.items()), Fraction(0))
            if value:
                return _witness(jets, roots, at, numbers, value, batches)
    return None


def forest_value(forest: Forest, jets: Jets, g: Generator, at: Fraction, batches: int = BATCHES) -> Fraction:
    """The number that a forest is, the derivative of phi by its roots left out."""
    value, tied = Fraction(1), Counter[int]()
    for t in _all(forest):
        if t.label in g.slow:
            value *= at
        elif t.label != NORMAL:
            value *= (jets.noise if t.tie else jets.mean).get(derivative(t, g), Fraction(0))
            tied[t.tie] += 1
    for tie, count in tied.items():
        value *= cumulant(count, batches) if tie else 1
    return value


def derivative(t: Tree, g: Generator) -> Derivative:
    """Which derivative a node is."""
    loss, _, variable = t.label.partition(".")
    slots = [c.slot or g.spaces[c.label] for c in t.children]
    if t.label == GRADIENT:
        return "L", tuple(sorted([g.spaces[t.label], *slots]))
    return (loss, tuple(sorted([variable, *slots]))) if variable else (t.label, tuple(sorted(slots)))


def _all(forest: Forest) -> list[Tree]:
    return [*nodes(r.tree for r in forest)]


def _roots(forest: Forest, spaces: Mapping[str, str]) -> tuple[str, ...]:
    """The variables by which phi is differentiated."""
    return tuple(sorted(r.slot or spaces[r.tree.label] for r in forest))


def _tests(total: Iterable[Forest], spaces: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Those of all forests, the simplest first."""
    return sorted({_roots(f, spaces) for f in total}, key=lambda r: (len(r), r))


def _jets(total: Mapping[Forest, Fraction], g: Generator) -> Iterator[Jets]:
    """Those with the derivatives of one forest alone, all 1; then every derivative, a prime each."""
    every = [_needed(f, g) for f in total]
    for mean, noise in every:
        yield Jets(dict.fromkeys(mean, Fraction(1)), dict.fromkeys(noise, Fraction(1)))
    means, noises = (sorted({d for pair in every for d in pair[k]}) for k in (0, 1))
    for shift in range(3):
        primes = [Fraction(_PRIMES[(shift + k) % len(_PRIMES)]) for k in range(len(means) + len(noises))]
        yield Jets(dict(zip(means, primes)), dict(zip(noises, primes[len(means) :])))


def _needed(forest: Forest, g: Generator) -> tuple[set[Derivative], set[Derivative]]:
    found: tuple[set[Derivative], set[Derivative]] = set(), set()
    for t in _all(forest):
        if t.label != NORMAL and t.label not in g.slow:
            found[bool(t.tie)].add(derivative(t, g))
    return found


def _batches(generators: Iterable[Generator]) -> int:
    """The number of batches in an epoch, where a generator is one of epochs; one that it is for, where it is for many."""
    epochs = next((g for g in generators if isinstance(g, EpochGenerator)), None)
    if epochs is None:
        return BATCHES
    return int(epochs.batches) if epochs.batches.isdigit() else max(BATCHES, epochs.order + 2)


def _parameters(
    coefficients: Iterable[Ratio], generators: Sequence[Generator], batches: int
) -> dict[str, Fraction] | None:
    """Numbers for all symbols, in the ranges that the schemes state."""
    epochs = [g for g in generators if isinstance(g, EpochGenerator)]
    powers = {z: parse_expression(text, z) for g in epochs for z, text in g.symbols.items()}
    letters = {g.batches: Fraction(batches) for g in epochs}
    used = {s for c in coefficients for s in c.symbols()}
    used |= {s for z in used & powers.keys() for s in names_of(powers[z])}
    ranges = [r.formula for g in generators for r in domain(g.configuration, used)]
    found = sample(used - powers.keys() - letters.keys(), All(tuple(ranges)))
    if found is None:
        return None
    found |= {n: x for n, x in letters.items() if n in used}
    return found | {z: evaluate(e, found) for z, e in powers.items() if z in used}


# ------------------------------------------------------------------------------------------------------ words


def _witness(
    jets: Jets, roots: tuple[str, ...], at: Fraction, numbers: Mapping[str, Fraction], value: Fraction, batches: int
) -> LawWitness:
    names = dict.fromkeys(name for part in jets for name, _ in part)
    losses = {name: _loss(name, jets, at) for name in names}
    noisy = any(jets.noise.values())
    samples = f"xi = {batches - 1} with probability 1/{batches}, else -1" if noisy else ""
    powers = Counter(roots)
    test = "*".join(_monomial(x, k, at) for x, k in powers.items())
    variables = {x: str(at) for x in dict.fromkeys((*roots, *(x for part in jets for _, by in part for x in by)))}
    return LawWitness(losses, samples, test, variables, {n: str(v) for n, v in numbers.items()}, value)


def _monomial(x: str, k: int, at: Fraction) -> str:
    """(x - at)^k/k!, whose kth derivative is 1."""
    base = f"({x} - {at})" if at else x
    return base if k == 1 else f"{base}**{k}/{factorial(k)}"


def _loss(name: str, jets: Jets, at: Fraction) -> str:
    """Its Taylor polynomial."""
    mean, noise = (" + ".join(_term(by, c, at) for (n, by), c in sorted(part.items()) if n == name) for part in jets)
    if not noise:
        return mean
    noise = f"({noise})" if " + " in noise else noise
    return f"{mean} + xi*{noise}" if mean else f"xi*{noise}"


def _term(by: tuple[str, ...], c: Fraction, at: Fraction) -> str:
    monomials = "*".join(_monomial(x, k, at) for x, k in Counter(by).items()) or "1"
    return monomials if c == 1 else f"{c}*{monomials}"
