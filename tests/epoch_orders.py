"""Epochs by running every order: the law's operator on polynomials, and tied forests on sample losses, with nothing of the derivation.

A function of the state is a list of polynomials, by powers of gamma, cut off behind gamma^order.  One step with the batch i takes
z to A z + gamma b_i(z); its operator on functions is sum_a gamma^|a| b_i^a/a! (D^a f)(A z), and an epoch's is the mean over all
orders of the products of its steps' operators.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import combinations, product
from math import factorial, prod
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from derive.noise.forests import Forest, Tree, nodes

Function = list[Any]  # polynomials by powers of gamma


@dataclass(frozen=True)
class Problem:
    """Losses of the batches in the variables x (the parameters), memory v for each with v+ = beta v - gamma grad, x+ = x + v+;
    without memory where beta is None."""

    losses: tuple[Any, ...]
    context: Any
    dimension: int
    order: int
    beta: fmpq | None = None

    @property
    def batches(self) -> int:
        return len(self.losses)

    @cached_property
    def mean(self) -> Any:
        return sum(self.losses) / self.batches

    @cached_property
    def deviations(self) -> list[Any]:
        return [loss - self.mean for loss in self.losses]

    # ------------------------------------------------------------------------------------------ the run

    def step(self, f: Function, batch: int) -> Function:
        """The operator of a step."""
        force = [-self.losses[batch].derivative(i) for i in range(self.dimension)]
        result = self.zero()
        for powers in product(range(self.order + 1), repeat=self.dimension):
            if (k := sum(powers)) <= self.order:
                scale = prod((b**p / factorial(p) for b, p in zip(force, powers, strict=True)), start=self.context.constant(1))
                for j in range(self.order + 1 - k):
                    part = reduce(lambda h, i: self.along(h, i), [i for i, p in enumerate(powers) for _ in range(p)], f[j])
                    result[j + k] += scale * self.moved(part)
        return result

    def along(self, f: Any, i: int) -> Any:
        """The derivative in the direction in which the gradient's component i acts, on x and on v."""
        return f.derivative(i) if self.beta is None else f.derivative(i) + f.derivative(self.dimension + i)

    def moved(self, f: Any) -> Any:
        """f(A z)."""
        if self.beta is None:
            return f
        z, d = self.context.gens(), self.dimension
        return f.compose(*(x + v * self.beta for x, v in zip(z[:d], z[d:], strict=True)), *(v * self.beta for v in z[d:]))

    def epoch(self, f: Function) -> Function:
        """The mean over all orders; the last step's operator acts first."""
        known: dict[tuple[int, ...], Function] = {(): f}
        for size in range(1, self.batches + 1):
            for chosen in combinations(range(self.batches), size):
                parts = [self.step(known[tuple(x for x in chosen if x != i)], i) for i in chosen]
                known[chosen] = reduce(self.total, parts)
        return self.scaled(known[tuple(range(self.batches))], fmpq(1, factorial(self.batches)))

    def settled(self, f: Function) -> Function:
        """prod_j (T - beta^(m j))^(order + 1) f at v = 0: every transient is taken away."""
        if self.beta is None:
            return f
        degree = max(p.total_degree() for p in f) + 2 * self.order
        for j in range(1, degree + 1):
            for _ in range(self.order + 1):
                f = self.total(self.epoch(f), self.scaled(f, -(self.beta ** (self.batches * j))))
        return [self.at_rest(p) for p in f]

    def at_rest(self, f: Any) -> Any:
        z = self.context.gens()
        return f.compose(*z[: self.dimension], *(0 * v for v in z[self.dimension :]))

    # ------------------------------------------------------------------------------------------ the generator

    def flow(self, powers: Sequence[Mapping[Forest, fmpq]], f: Function) -> Function:
        """exp(m gamma G) f."""
        result, term = f, f
        for k in range(1, self.order + 1):
            following = self.zero()
            for i, forests in enumerate(powers):
                for j in range(self.order - i):
                    following[i + j + 1] += sum((self.value(forest, term[j]) * c for forest, c in forests.items()), 0 * f[0])
            term = self.scaled(following, fmpq(self.batches, k))
            result = self.total(result, term)
        return result

    def value(self, forest: Forest, f: Any) -> Any:
        """F(f): every tie the joint cumulant over the batches."""
        listed = [t for r in forest for t in nodes([r.tree])]
        ties = [[k for k, t in enumerate(listed) if t.tie == tie] for tie in sorted({t.tie for t in listed} - {0})]
        total = 0 * f
        for choice in product(*map(self.cumulant, ties)):
            losses = {k: self.mean for k in range(len(listed))}
            for _, chosen in choice:
                losses |= chosen
            total += self.contracted(forest, f, losses) * prod((c for c, _ in choice), start=fmpq(1))
        return total

    def cumulant(self, tie: Sequence[int]) -> Iterator[tuple[fmpq, dict[int, Any]]]:
        """sum over partitions (-1)^(b-1) (b-1)! prod of means, as choices of a deviation for every node."""
        for blocks in partitions(list(tie)):
            if all(len(b) > 1 for b in blocks):
                sign = fmpq((-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1), self.batches ** len(blocks))
                for chosen in product(self.deviations, repeat=len(blocks)):
                    yield sign, {k: d for b, d in zip(blocks, chosen, strict=True) for k in b}

    def contracted(self, forest: Forest, f: Any, losses: Mapping[int, Any]) -> Any:
        numbers = iter(range(len(losses)))

        def applied(function: Any, children: Sequence[Tree]) -> Any:
            """The derivative of the function in the directions of the vectors."""
            vectors = [vector(c) for c in children]
            return derivative(function, vectors)

        def vector(t: Tree) -> list[Any]:
            loss = losses[next(numbers)]
            vectors = [vector(c) for c in t.children]
            return [derivative(loss.derivative(i), vectors) for i in range(self.dimension)]

        def derivative(function: Any, vectors: Sequence[list[Any]]) -> Any:
            total = 0 * function
            for indices in product(range(self.dimension), repeat=len(vectors)):
                slope = reduce(lambda h, i: h.derivative(i), indices, function)
                total += prod((v[i] for v, i in zip(vectors, indices, strict=True)), start=slope)
            return total

        return applied(f, [r.tree for r in forest])

    # ------------------------------------------------------------------------------------------ functions

    def zero(self) -> Function:
        return [self.context.constant(0) for _ in range(self.order + 1)]

    def total(self, f: Function, g: Function) -> Function:
        return [a + b for a, b in zip(f, g, strict=True)]

    def scaled(self, f: Function, c: fmpq) -> Function:
        return [a * c for a in f]


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, *rest = items
    for found in partitions(rest):
        yield [[first], *found]
        for k, block in enumerate(found):
            yield [*found[:k], [first, *block], *found[k + 1 :]]


def some_problem(
    seed: int, batches: int, order: int, dimension: int = 2, degree: int = 4, beta: fmpq | None = None
) -> tuple[Problem, Function]:
    """Losses with random small rational coefficients, and a test function of degree order + 1."""
    draw = random.Random(seed)
    names = tuple("xyzw"[:dimension]) + (tuple("abcd"[:dimension]) if beta is not None else ())
    context = fmpq_mpoly_ctx.get(names, Ordering.lex)
    parameters: Callable[[int], Any] = lambda most: sum(
        (
            prod((z**p for z, p in zip(context.gens(), powers, strict=False)), start=context.constant(1))
            * fmpq(draw.randint(-4, 4), draw.randint(1, 3))
            for powers in product(range(most + 1), repeat=dimension)
            if 0 < sum(powers) <= most
        ),
        context.constant(0),
    )
    problem = Problem(tuple(parameters(degree) for _ in range(batches)), context, dimension, order + 1, beta)
    return problem, [parameters(order + 1), *problem.zero()[1:]]
