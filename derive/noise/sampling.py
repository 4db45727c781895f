"""How samples are drawn: a text without noise read as one of single samples, and the mean over a batch of them.

    theta = theta - gamma*grad(theta)      is read as      theta = theta - gamma*sgrad(theta)

The joint cumulant of r sums of B independent terms, each over B, is that of one term times B^(1-r), so a tie of r
derivatives of the sample's loss weighs B^(1-r); given normal noise is no sample and keeps its weight.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import ReductionError, UsageError
from derive.language import plain_name
from derive.language.calls import partial_of, written_name
from derive.noise.forests import NORMAL, Forest, nodes
from derive.noise.generator import Generator
from derive.scheme import Configuration, Scheme
from derive.scheme.names import CLOCK
from derive.scheme.samples import sampled_scheme

MAX_BATCH = 10**12
#: plain SGD has 585 tied forests at gamma^5, and six times as many at every further power
MAX_WEAK_ORDER = {"iid": 6, "reshuffled": 5}


def require_few_forests(order: int, sampling: str = "iid") -> None:
    """Raise UsageError for an order with more tied forests than can be gone through.

    >>> require_few_forests(7)
    Traceback (most recent call last):
    ...
    derive.errors.UsageError: order 7: too many tied forests at gamma^7; the limit is order 6
    """
    if order > MAX_WEAK_ORDER[sampling]:
        raise UsageError(f"order {order}: too many tied forests at gamma^{order}; the limit is order {MAX_WEAK_ORDER[sampling]}")


def with_samples(scheme: Scheme) -> Scheme:
    """The scheme itself where it draws at random; else every gradient is that of the step's sample.

    >>> from derive.scheme import load_scheme
    >>> with_samples(load_scheme("momentum")).update
    'v = beta*v - alpha*sgrad(theta)\\ntheta = theta + v'
    """
    if scheme.stochastic:
        return scheme
    for function in sorted(scheme.called):
        partial = partial_of(function)
        if (partial is not None and len(partial.variables) != 1) or function == "loss":
            name = written_name(function) if partial is None or partial.variables else partial.loss
            what = f"{scheme.where}: {name}(...) of a sample is not read"
            raise ReductionError(f"{what}; write sgrad(x) where gradients are of a sample")
    return sampled_scheme(scheme)


def independent(scheme: Scheme) -> Scheme:
    """The scheme with samples.  Raises UsageError where its samples are not independent of all others."""
    if scheme.sampling != "iid":
        what = "samples that are independent of all others"
        raise UsageError(f"{scheme.where}: this is read for {what}, and these are {scheme.sampling}")
    return with_samples(scheme)


# ---------------------------------------------------------------------------------------------- batches


def batch_size(text: str, configuration: Configuration) -> str:
    """The size of a batch, a number or a symbol that means nothing else in the scheme."""
    name = plain_name(str(text).strip())
    if re.fullmatch(r"\d{1,13}", name) and 0 < int(name) <= MAX_BATCH:
        return str(int(name))
    taken = {*configuration.scheme.names, *configuration.scheme.reserved, *configuration.free, *CLOCK, "L", "f"}
    if not name.isidentifier() or name in taken:
        what = "has a meaning in the scheme already" if name in taken else "is no positive whole number and no name"
        raise UsageError(f"batch: '{name}' {what}; write --batch 32, or a symbol such as --batch B")
    return name


def by_batch(generator: Generator, batch: str) -> Generator:
    """The generator where every sample is the mean over a batch of that size.

    Raises ReductionError where a function of the sample's gradient other than a linear one is left in it.
    """
    if batch == "1":
        return generator
    if generator.opaque and generator.inverse is None:
        u, said = next(iter(generator.opaque.items()))
        raise ReductionError(
            f"a batch: {u} = {said} of a mean is no mean; leave --batch out, a sample then stands for the whole batch, or "
            "expand in powers of 1/B (--batch-order 1)"
        )
    symbols = dict.fromkeys(s for power in generator.powers for c in power.values() for s in c.ring.symbols)
    ring = Ring([*symbols, *([] if batch.isdigit() else [batch])])
    size = ring.constant(Fraction(batch)) if batch.isdigit() else ring.symbol(batch)

    def weighed(power: Mapping[Forest, Ratio]) -> dict[Forest, Ratio]:
        return {f: (c.substitute({}, ring) / size ** excess(f)).reduced() for f, c in power.items()}

    return replace(generator, powers=tuple(map(weighed, generator.powers)))


def excess(forest: Forest) -> int:
    """sum of r - 1 over ties of r derivatives of sample losses.

    >>> from derive.noise.forests import parse
    >>> [excess(parse(f)) for f in ("g[g]", "g1 g1[g]", "g1 g1 g1 g2 g2", "n1 n1")]
    [0, 1, 3, 0]
    """
    counts = Counter(t.tie for t in nodes(r.tree for r in forest) if t.tie and t.label != NORMAL)
    return sum(counts.values()) - len(counts)
