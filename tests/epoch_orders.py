"""Epochs by running every order of the batches: the law's operator on polynomials, and tied forests on sample losses.

A function of the state is a list of polynomials, by powers of gamma, cut off behind gamma^order.  A step with the batch i takes z
to A z + gamma b_i(z); its operator on functions is sum_a gamma^|a| b_i^a/a! (D^a f)(A z), and that of an epoch the mean, over all
orders, of the products of its steps' operators.  Nothing of the derivation is used.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
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
    """v+ = beta v - gamma r (grad L_i(x - ahead gamma grad L_i) + decay x), x+ = x + v+, in `dimension` components of x and of v.

    Without memory where beta is None.  The variables of `context` are x, then v, then the time t of which r is a polynomial; it
    grows by gamma.
    """

    losses: Sequence[Any]
    context: Any
    dimension: int
    order: int
    beta: fmpq | None = None
    decay: fmpq | int = 0
    ahead: int = 0
    rate: Any = None

    @cached_property
    def mean(self) -> Any:
        return sum(self.losses) / self.batches

    @cached_property
    def deviations(self) -> list[Any]:
        return [loss - self.mean for loss in self.losses]

    @property
    def batches(self) -> int:
        return len(self.losses)

    @property
    def x(self) -> Sequence[Any]:
        return self.context.gens()[: self.dimension]

    # ------------------------------------------------------------------------------------------ the run

    def step(self, f: Function, batch: int) -> Function:
        """The operator of a step."""
        amounts = [self.force(batch, i) for i in range(self.dimension)]
        if self.rate is not None:
            amounts.append(self.constant(1))
        result = self.constant(0)
        for powers in product(range(self.order + 1), repeat=len(amounts)):
            if sum(powers) > self.order:
                continue
            ways = [i for i, p in enumerate(powers) for _ in range(p)]
            scale = reduce(times, (amounts[i] for i in ways), self.constant(1))
            part = times(scale, [self.moved(reduce(self.along, ways, p)) for p in f])
            for j, p in enumerate(part[: self.order + 1 - len(ways)]):
                result[j + len(ways)] += p * fmpq(1, prod(map(factorial, powers)))
        return result

    def force(self, batch: int, i: int) -> Function:
        """-r (d_i L(x - ahead gamma grad L) + decay x_i), by powers of gamma."""
        loss, rate = self.losses[batch], 1 if self.rate is None else self.rate
        back = [-self.ahead * loss.derivative(k) for k in range(self.dimension)]
        found = [
            self.derivative(loss.derivative(i), [back] * j) / factorial(j) for j in range(self.order + 1 if self.ahead else 1)
        ]
        found[0] += self.decay * self.x[i]
        return [*scaled(found, -rate), *self.constant(0)[len(found) :]]

    def along(self, f: Any, i: int) -> Any:
        """The derivative in the direction of the force's component i, which acts on x and v; after these, in that of t."""
        if i == self.dimension:
            return f.derivative(len(self.context.gens()) - 1)
        return f.derivative(i) if self.beta is None else f.derivative(i) + f.derivative(self.dimension + i)

    def moved(self, f: Any) -> Any:
        """f(A z)."""
        if self.beta is None or not f:
            return f
        z, d = self.context.gens(), self.dimension
        v = [self.beta * y for y in z[d : 2 * d]]
        return f.compose(*(x + y for x, y in zip(z[:d], v, strict=True)), *v, *z[2 * d :])

    def epoch(self, f: Function) -> Function:
        """The mean over all orders; the last step's operator acts first."""
        known: dict[tuple[int, ...], Function] = {(): f}
        for size in range(1, self.batches + 1):
            for chosen in combinations(range(self.batches), size):
                parts = [self.step(known[tuple(x for x in chosen if x != i)], i) for i in chosen]
                known[chosen] = reduce(total, parts)
        return scaled(known[tuple(range(self.batches))], fmpq(1, factorial(self.batches)))

    def settled(self, f: Function) -> Function:
        """prod_j (T - beta^(m j))^(order + 1) f at v = 0, T the epoch: all transients are taken away."""
        if self.beta is None:
            return f
        degree = max(p.total_degree() for p in f) + self.order * (max(p.total_degree() for p in self.losses) - 2)
        for j in range(1, degree + 1):
            for _ in range(self.order + 1):
                f = total(self.epoch(f), scaled(f, -(self.beta ** (self.batches * j))))
        z, d = self.context.gens(), self.dimension
        return [p.compose(*z[:d], *(0 * v for v in z[d : 2 * d]), *z[2 * d :]) for p in f]

    # ------------------------------------------------------------------------------------------ the generator

    def flow(self, powers: Sequence[Mapping[Forest, Any]], f: Function) -> Function:
        """exp(m gamma (G + d/dt)) f."""
        result = term = f
        for k in range(1, self.order + 1):
            following = self.constant(0)
            for j in range(self.order):
                if self.rate is not None:
                    following[j + 1] += self.along(term[j], self.dimension)
                for i, forests in enumerate(powers[: self.order - j]):
                    following[i + j + 1] += sum((self.value(forest, term[j]) * c for forest, c in forests.items()), 0 * f[0])
            term = scaled(following, fmpq(self.batches, k))
            result = total(result, term)
        return result

    def value(self, forest: Forest, f: Any) -> Any:
        """F(f), every tie the joint cumulant over the batches."""
        listed = [t for r in forest for t in nodes([r.tree])]
        ties = [[k for k, t in enumerate(listed) if t.tie == tie] for tie in sorted({t.tie for t in listed} - {0})]
        found = 0 * f
        for choice in product(*map(self.cumulant, ties)):
            losses = dict.fromkeys(range(len(listed)), self.mean)
            for _, chosen in choice:
                losses |= chosen
            found += self.contracted(forest, f, losses) * prod((c for c, _ in choice), start=fmpq(1))
        return found

    def cumulant(self, tie: Sequence[int]) -> Iterator[tuple[fmpq, dict[int, Any]]]:
        """sum over partitions (-1)^(b-1) (b-1)! prod of means, as choices of a deviation for every node."""
        for blocks in partitions(list(tie)):
            if all(len(b) > 1 for b in blocks):
                sign = fmpq((-1) ** (len(blocks) - 1) * factorial(len(blocks) - 1), self.batches ** len(blocks))
                for chosen in product(self.deviations, repeat=len(blocks)):
                    yield sign, {k: d for b, d in zip(blocks, chosen, strict=True) for k in b}

    def contracted(self, forest: Forest, f: Any, losses: Mapping[int, Any]) -> Any:
        """F(f) with that loss at every node."""
        numbers = iter(range(len(losses)))

        def vector(t: Tree) -> Sequence[Any]:
            loss = losses[next(numbers)]
            vectors = [vector(c) for c in t.children]
            return self.x if t.label == "theta" else [self.derivative(loss.derivative(i), vectors) for i in range(self.dimension)]

        return self.derivative(f, [vector(r.tree) for r in forest])

    def derivative(self, f: Any, vectors: Sequence[Sequence[Any]]) -> Any:
        """In the directions of the vectors."""
        found = 0 * f
        for indices in product(range(self.dimension), repeat=len(vectors)):
            slope = reduce(lambda h, i: h.derivative(i), indices, f)
            found += prod((v[i] for v, i in zip(vectors, indices, strict=True)), start=slope)
        return found

    def constant(self, value: int) -> Function:
        return [self.context.constant(value if k == 0 else 0) for k in range(self.order + 1)]


def total(f: Function, g: Function) -> Function:
    return [a + b for a, b in zip(f, g, strict=True)]


def times(f: Function, g: Function) -> Function:
    """The product, cut off."""
    found = [0 * a for a in f]
    for j, a in enumerate(f):
        for k, b in enumerate(g[: len(f) - j]):
            if a and b:
                found[j + k] += a * b
    return found


def scaled(f: Function, c: Any) -> Function:
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


def some_problem(batches: int, order: int, dimension: int = 2, degree: int = 4, **settings: Any) -> tuple[Problem, Function]:
    """Losses of that degree with random small rational coefficients, none of them zero, to be compared through gamma^order of G,
    and a test function of the degree order + 1; `rate` gives the coefficients of r(t)."""
    draw = random.Random(f"{batches} {order} {dimension} {degree}")
    memory = "abcd"[:dimension] if settings.get("beta") is not None else ""
    rate = settings.pop("rate", ())
    context = fmpq_mpoly_ctx.get((*"xyzw"[:dimension], *memory, *("t" if rate else "")), Ordering.lex)
    z = context.gens()

    def some(most: int) -> Any:
        powers = [p for p in product(range(most + 1), repeat=dimension) if 0 < sum(p) <= most]
        monomials = [prod((x**e for x, e in zip(z, p, strict=False)), start=context.constant(1)) for p in powers]
        return sum(
            (x * fmpq(draw.choice((-4, -3, -2, -1, 1, 2, 3, 4)), draw.randint(1, 3)) for x in monomials), context.constant(0)
        )

    if rate:
        settings["rate"] = sum((c * z[-1] ** k for k, c in enumerate(rate)), context.constant(0))
    problem = Problem([some(degree) for _ in range(batches)], context, dimension, order + 1, **settings)
    return problem, [some(order + 1), *problem.constant(0)[1:]]
