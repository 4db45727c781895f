"""The generator of an optimizer that takes the m batches of a data set once an epoch, in a fresh random order.

E phi(theta after n epochs) = exp(n m gamma G) phi: the coefficient of a forest is [n^1] of its weight in n epochs, over m gamma.
Ties are joint *cumulants* of a batch drawn from the m, as for independent samples.  Up to three nodes these are the central
moments, of which `derive.noise.epochs` gives the weights; since

    M(C) = sum over partitions of C into blocks of two and more of the product of the cumulants of the blocks,

a forest receives the weights of all in which some of its ties are one.  Places in an order are no independent draws, so that
with memory forests in several pieces occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import coefficient_of_n
from derive.errors import UsageError
from derive.language import constant, fresh_name, parse_expression
from derive.noise.builder import one_step
from derive.noise.enumeration import Enumeration
from derive.noise.epochs import BATCHES, Epochs
from derive.noise.forests import NORMAL, Forest, Root, Tree, canonical, nodes
from derive.noise.generator import Generator, collected
from derive.noise.steps import Step
from derive.scheme import Configuration, Scheme


@dataclass(frozen=True)
class EpochGenerator(Generator):
    """G for `batches` batches, a number or the symbol of one; at the ends of epochs, at the times n m gamma.

    `symbols` says what further symbols of the coefficients stand for: B for beta**m.
    """

    batches: str = field(kw_only=True)
    symbols: Mapping[str, str] = field(kw_only=True)


def reshuffled_generator(
    configuration: Configuration, order: int, batches: int | None = None, progress: Callable[[int], None] = lambda power: None
) -> EpochGenerator:
    """The generator through gamma^order for so many batches in an epoch; where None is given, for every number of them, with fast
    memory for every number above the order.

    Raises UsageError for a number of batches without such a generator, ReductionError for a text without one, LimitError.

    >>> from derive.noise.forests import text
    >>> from derive.scheme import configure, inline_scheme
    >>> sgd = configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True)
    >>> for f, c in reshuffled_generator(sgd, 1).powers[1].items():
    ...     print(text(f), "|", c)
    g1[g1] | -1/2
    g[g] | -1/2
    >>> for f, c in reshuffled_generator(sgd, 3).through(2)[3].items():
    ...     print(text(f), "|", c)
    g1[g2] g1[g2] | m/24
    g1[g2] g2[g1] | -m/24
    g1[g] g1[g] | m*(1 + m)/24
    g[g1] g1[g] | -m*(1 + m)/12
    g[g1] g[g1] | m*(1 + m)/24
    """
    step = one_step(configuration, order + 1)
    _check(step, batches)
    # without memory coefficients are polynomials in m, and what they are for few batches is their value there
    weights = Epochs(step, batches if step.fast else None)
    value = {} if batches is None else {weights.letter: weights.ring.constant(batches)}

    def coefficient(forest: Forest, power: int) -> Ratio:
        c = sum((coefficient_of_n(weights.weight(f, power), 1) for f in merged(forest)), weights.ring.zero)
        return (c / weights.m).substitute(value, weights.ring)

    powers = collected(Enumeration(step, whole=False), coefficient, progress)
    symbols = {} if batches else {z: _power(a, weights.letter) for z, a in weights.powers.items()}
    return EpochGenerator(
        configuration, step.slow, powers, dict(step.spaces), dict(step.forms.opaque),
        batches=str(batches or weights.letter), symbols=symbols,
    )  # fmt: skip


def batches_letter(scheme: Scheme) -> str:
    """The name of the number of batches in an epoch: m, or mm where the scheme has an m of its own."""
    return fresh_name(BATCHES, scheme.names)


def batches_setting(scheme: Scheme, settings: Mapping[str, str]) -> tuple[dict[str, str], int | None]:
    """The settings without that of the number of batches, and this number.

    >>> from derive.scheme import inline_scheme
    >>> batches_setting(inline_scheme("v = beta*v + sgrad(theta); theta = theta - gamma*v"), {"beta": "1/2", "m": "8"})
    ({'beta': '1/2'}, 8)
    """
    letter = batches_letter(scheme)
    rest = {name: text for name, text in settings.items() if name != letter}
    if letter not in settings:
        return rest, None
    value = constant(parse_expression(settings[letter], f"--set {letter}"))
    if value is None or value.denominator != 1:
        raise UsageError(f"--set {letter}={settings[letter]}: the number of batches in an epoch is a whole number, such as 8")
    return rest, int(value)


def _check(step: Step, batches: int | None) -> None:
    """Raise UsageError for a number of batches, and ReductionError for a text, of which epochs are not read."""
    forms, least = step.forms, max(2, step.order if step.fast else 2)
    if len({g.sample for g in step.gradients.values()} - {""}) > 1:
        raise forms.refuse("a step of an epoch has one batch, and this one draws several samples")
    if batches is None or batches >= least:
        return
    why = "one batch is the whole data set, without noise"
    if batches > 1:
        why = f"cumulants of {least} gradients depend on those of fewer where there are fewer batches"
    raise UsageError(f"epochs of {batches} batches: {why}; take {least} or more{', or a lower order' * (batches > 1)}")


def _power(a: Ratio, exponent: str) -> str:
    return f"{a}**{exponent}" if str(a).isidentifier() else f"({a})**{exponent}"


def merged(forest: Forest) -> Iterator[Forest]:
    """The forest, and all in which some of its ties of samples are one.

    >>> from derive.noise.forests import parse, text
    >>> [text(f) for f in merged(parse("g1[g2] g1[g2]"))]
    ['g1[g1] g1[g1]', 'g1[g2] g1[g2]']
    """
    ties = sorted({t.tie for t in nodes(r.tree for r in forest) if t.label != NORMAL} - {0})
    for numbers in _partitions(ties):
        yield canonical(Root(r.slot, _renumbered(r.tree, numbers)) for r in forest)


def _partitions(items: Sequence[int]) -> Iterator[dict[int, int]]:
    """Every partition, as a map of items to the first of their block."""
    if not items:
        yield {}
        return
    *rest, last = items
    for known in _partitions(rest):
        for first in (*dict.fromkeys(known.values()), last):
            yield {**known, last: first}


def _renumbered(t: Tree, numbers: Mapping[int, int]) -> Tree:
    return t._replace(tie=numbers.get(t.tie, t.tie), children=tuple(_renumbered(c, numbers) for c in t.children))
