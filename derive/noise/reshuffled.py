"""The generator of an optimizer that takes the m batches of a data set once an epoch, in a fresh random order.

E phi(theta after n epochs) = exp(n m gamma G) phi: G = [n^1] of the weights in n epochs, over m gamma.  Ties are joint
*cumulants* of a batch drawn from the m, as for independent samples; up to three nodes they are central moments, and

    M(C) = sum over partitions of C into blocks of two and more of the product of the cumulants of the blocks

takes a sum over moments (`derive.noise.epochs`) to one over cumulants: a forest receives the weights of all in which some of its
ties are one.  The places of an order are no independent draws, so that forests in several pieces have weights too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from derive.algebra.coefficients import Ratio
from derive.algebra.sequences import coefficient_of_n
from derive.errors import UsageError
from derive.noise.enumeration import Enumeration
from derive.noise.epochs import Epochs
from derive.noise.forests import Forest, Root, Tree, canonical, nodes
from derive.noise.generator import Generator, collected
from derive.noise.steps import Step, one_step
from derive.scheme import Configuration


@dataclass(frozen=True)
class EpochGenerator(Generator):
    """G for `batches` batches, a number or the symbol of it; `symbols` says what others stand for: m0 for beta**m."""

    batches: str
    symbols: Mapping[str, str]


def reshuffled_generator(
    configuration: Configuration, order: int, batches: int | None = None, progress: Callable[[int], None] = lambda power: None
) -> EpochGenerator:
    """The generator through gamma^order; `batches` is their number, None leaves it a symbol.

    >>> from derive.noise.forests import text
    >>> from derive.scheme import configure, inline_scheme
    >>> sgd = configure(inline_scheme("theta = theta - gamma*sgrad(theta)"), noise=True)
    >>> for f, c in reshuffled_generator(sgd, 2).powers[2].items():
    ...     if "1" in text(f): print(text(f), "|", c)
    """
    step = one_step(configuration, order + 1)
    _check(step, batches, order)
    weights = Epochs(step, batches if step.fast else None)
    number = {} if batches is None else {weights.letter: weights.ring.constant(batches)}

    def coefficient(forest: Forest, power: int) -> Ratio:
        c = sum((coefficient_of_n(weights.weight(f, power), 1) for f in merged(forest)), weights.ring.zero)
        return (c / weights.m).reduced().substitute(number, weights.ring)

    powers = collected(Enumeration(step, whole=False), coefficient, progress)
    symbols = {} if batches else {z: f"({a})**{weights.letter}" for z, a in weights.powers.items()}
    given = str(batches or weights.letter)
    return EpochGenerator(configuration, step.slow, powers, dict(step.spaces), dict(step.forms.opaque), given, symbols)


def _check(step: Step, batches: int | None, order: int) -> None:
    """Raise UsageError for a number of batches, and ReductionError for a text, of which the epochs are not read here."""
    forms = step.forms
    samples = {e.sample for e in forms.evaluations} - {""}
    if len(samples) > 1:
        raise forms.refuse("in epochs a step has one batch, and this one draws several")
    if forms.slopes:
        raise forms.refuse("in epochs what changes with t is not read; make schedules constant")
    least = order + 1 if step.fast else 2
    if batches is not None and batches < least:
        why = f"with memory the moments of {least} gradients of fewer are not independent of each other" if batches > 1 else \
            "one batch is the whole data set, without noise"
        raise UsageError(f"{batches} batches in an epoch: {why}; take {least} or more")


def merged(forest: Forest) -> Iterator[Forest]:
    """The forest, and all in which some of its ties of samples are one."""
    found = sorted({t.tie for t in nodes(r.tree for r in forest) if t.label != "n"} - {0})
    for numbers in _partitions(found):
        yield canonical(Root(r.slot, _renumbered(r.tree, numbers)) for r in forest)


def _partitions(items: Sequence[int]) -> Iterator[dict[int, int]]:
    """Every partition, as a map of an item to the first of its block."""
    if not items:
        yield {}
        return
    *rest, last = items
    for known in _partitions(rest):
        for first in (*dict.fromkeys(known.values()), last):
            yield {**known, last: first}


def _renumbered(t: Tree, numbers: Mapping[int, int]) -> Tree:
    return t._replace(tie=numbers.get(t.tie, t.tie), children=tuple(_renumbered(c, numbers) for c in t.children))
