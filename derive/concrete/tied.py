"""The value of a tied forest on a finite data set: a polynomial in the derivatives of the test function.

    g1 g1[g]   ->   sum over i, j of  E (g1 - g)_i ((H1 - H) g)_j  d_i d_j

A tie of r derivatives of sample losses is their joint cumulant: over centred derivatives, the sum over partitions of the r
without a block of one of (-1)^(b-1) (b-1)! times the product of the means of its b blocks.  Once every block has its sample, and
every pair of normal vectors its component, the forest is a product of vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate, combinations, count, product
from math import factorial, prod
from typing import Any

from flint import fmpq

from derive.concrete.jets import Jet, Value, exact, is_zero
from derive.concrete.point import Index, raised
from derive.concrete.sampled_functions import SampledFunctions
from derive.concrete.samples import Samples
from derive.noise.forests import NORMAL, Forest, Tree, nodes, ties
from derive.noise.generator import Generator

#: how often each component of the slow variables is differentiated, the components one after the other
Derivatives = dict[Index, Value]
Drawn = Mapping[int, int]  # place of a node -> its sample, or its component of a normal vector, from 1


class TiedForests:
    """Values of tied forests at one point: `jets` are the Taylor coefficients of the samples' losses, `state` the point, and
    `functions` what labels are that stand for functions of gradients and memory."""

    def __init__(
        self, generator: Generator, samples: Samples, jets: Sequence[Jet], state: Mapping[str, Sequence[Value]],
        functions: SampledFunctions,
    ) -> None:  # fmt: skip
        self.generator, self.samples, self.jets, self.state, self.functions = generator, samples, jets, state, functions
        self.variables = samples.problem.variables
        ends = [*accumulate((len(state[v]) for v in generator.slow), initial=0)]
        self.places, self.width = dict(zip(generator.slow, ends, strict=False)), ends[-1]
        self.vector = cache(self._vector)
        self.derivative = cache(self._derivative)

    def forest(self, forest: Forest) -> Derivatives:
        """d_index of the test function -> its coefficient; every unordered index once."""
        total: Derivatives = {}
        for weight, drawn in self._draws(forest):
            form: Derivatives = {(0,) * self.width: weight}
            for slot, tree in _drawn(forest, drawn):
                form = _extended(form, self.vector(tree), self.places[slot or self.space(tree)])
            for index, value in form.items():
                total[index] = total[index] + value if index in total else value
        return {index: value for index, value in total.items() if not is_zero(value)}

    def space(self, tree: Tree) -> str:
        return self.generator.spaces[tree.label]

    def _draws(self, forest: Forest) -> Iterator[tuple[Value, dict[int, int]]]:
        """Every way to give the ties their samples, with its weight."""
        where: dict[int, list[int]] = {tie: [] for tie in ties(forest)}
        labels: dict[int, str] = {}
        for place, node in enumerate(nodes(r.tree for r in forest)):
            if node.tie:
                where[node.tie].append(place)
                labels[node.tie] = node.label
        choices = [list(self._of_tie(labels[tie], tuple(found))) for tie, found in where.items()]
        for choice in product(*choices):
            drawn = {place: k for _, part in choice for place, k in part.items()}
            yield prod((w for w, _ in choice), start=fmpq(1)), drawn

    def _of_tie(self, label: str, found: tuple[int, ...]) -> Iterator[tuple[Value, dict[int, int]]]:
        if label == NORMAL:
            for j in range(len(self.samples.problem.components(self.generator.spaces[label]))):
                yield fmpq(1), dict.fromkeys(found, j + 1)
            return
        for blocks in partitions(found):
            sign = (-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1)
            for drawn in product(enumerate(self.samples.weights, 1), repeat=len(blocks)):
                weight = prod((exact(w) for _, w in drawn), start=fmpq(sign))
                yield weight, {p: k for block, (k, _) in zip(blocks, drawn, strict=True) for p in block}

    def _vector(self, tree: Tree) -> list[Value]:
        """The vector of a tree whose ties are samples and components; 0 is the mean."""
        if tree.label in self.state:
            return list(self.state[tree.label])
        components = self.samples.problem.components(self.space(tree))
        if tree.label == NORMAL:
            return [fmpq(j == tree.tie) for j in range(1, len(components) + 1)]
        starts = self.functions.starts
        form: Derivatives = {(0,) * self.functions.width: fmpq(1)}
        for child in tree.children:
            form = _extended(form, self.vector(child), starts[child.slot or self.space(child)])
        start = starts[self.space(tree)]
        of = range(start, start + len(components))
        return [sum((v * self.derivative(tree.label, tree.tie, i, d) for d, v in form.items()), fmpq(0)) for i in of]

    def _derivative(self, label: str, sample: int, i: int, index: Index) -> Value:
        """Of the mean, or of a sample's less the mean."""
        if not sample:
            each = (self._of_sample(label, s, i, index) * exact(w) for s, w in enumerate(self.samples.weights))
            return sum(each, fmpq(0))
        return self._of_sample(label, sample - 1, i, index) - self.derivative(label, 0, i, index)

    def _of_sample(self, label: str, sample: int, i: int, index: Index) -> Value:
        if label in self.functions.texts:
            own = i - self.functions.starts[self.generator.spaces[label]]
            return self.functions.of(label, sample)[own].get(index, fmpq(0)) * prod(map(factorial, index))
        jet, index = self.jets[self.samples.which(label, i, sample)], index[: len(self.variables)]
        full = raised(index, i) if self.samples.problem.is_loss else index
        return jet.get(full, fmpq(0)) * prod(map(factorial, full))


def _drawn(forest: Forest, drawn: Drawn) -> Iterator[tuple[str, Tree]]:
    """The roots with samples in the place of ties."""
    place = count()

    def of(t: Tree) -> Tree:
        k = drawn.get(next(place), 0)
        return t._replace(tie=k, children=tuple(map(of, t.children)))

    yield from ((r.slot, of(r.tree)) for r in forest)


def _extended(form: Derivatives, vector: Sequence[Value], start: int) -> Derivatives:
    """The form times sum_j vector_j X_(start + j)."""
    result: Derivatives = {}
    for index, value in form.items():
        for j, x in enumerate(vector, start):
            if not is_zero(x):
                key = raised(index, j)
                result[key] = result[key] + value * x if key in result else value * x
    return result


def partitions(items: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """All partitions into blocks of two or more; of a single item, itself.

    >>> [len(list(partitions(range(r)))) for r in range(1, 7)]
    [1, 1, 1, 4, 11, 41]
    """
    if len(items) < 4:
        yield [tuple(items)]
        return
    first, rest = items[0], items[1:]
    for size in (*range(1, len(rest) - 1), len(rest)):
        for others in combinations(rest, size):
            left = [x for x in rest if x not in others]
            if not left:
                yield [(first, *others)]
            else:
                yield from ([(first, *others), *blocks] for blocks in partitions(left))


def depth(forests: Iterable[Forest]) -> int:
    """The highest derivative of a loss that occurs."""
    return max((len(t.children) + 1 for f in forests for t in nodes(r.tree for r in f)), default=1)
