"""A claimed generator as an operator: forests evaluated on the losses of a `World`.

    gamma G phi = sum_mu C_mu(theta) d^mu phi,    C_mu from the joint cumulants of the samples' derivatives

The joint cumulant of X_1, ..., X_r is  sum over partitions of {1..r} into b blocks of two or more of
(-1)^(b-1) (b-1)! prod E(product of the centred X in the block);  two nodes of one normal vector are contracted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import factorial
from operator import mul
from typing import Any

import numpy as np

from derive.errors import UndecidedError, UsageError
from derive.language import names_of
from verify.numbers.evaluation import evaluate
from verify.proof.errors import Rejected
from verify.sde.elements import Element, Elements
from verify.sde.ring import CLOCK, matrix_product
from verify.sde.scalars import Array
from verify.sde.statement import NORMAL, Claim, Hanging, Node, Term
from verify.sde.world import World

Symbol = dict[tuple[int, ...], Array]  # places of derivatives of phi, sorted -> coefficient


@dataclass(frozen=True)
class Evaluated:
    """A tree's root: in which variable the function above it is differentiated, and the vector, components x coefficients; before
    these an axis of the choices of samples at its ties."""

    space: str
    vector: Array


class Spaces:
    """In whose space the vector of a label lies, and in which variables its function is differentiated."""

    def __init__(self, world: World, unknowns: Sequence[str], spaces: Mapping[str, str]) -> None:
        self.world, self.unknowns, self.spaces = world, tuple(unknowns), spaces

    def of(self, label: str) -> str:
        if label in self.world.shape.slow:
            return self.spaces.get(label, self.unknowns[0])
        if label in self.spaces:
            return self.spaces[label]
        if label == NORMAL and len(self.unknowns) > 1:
            raise UndecidedError("nothing says in whose space a normal vector of a game lies")
        space = label.partition(".")[2]
        return space if space in self.unknowns else self.unknowns[0]


def blocks(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """Partitions into blocks of two or more.

    >>> list(blocks([1, 2, 3])), len(list(blocks([1, 2, 3, 4])))
    ([[[1, 2, 3]]], 4)
    """
    yield from (b for b in _partitions(list(items)) if all(len(x) > 1 for x in b))


def _partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, *rest = items
    for found in _partitions(rest):
        yield [[first], *found]
        for k, block in enumerate(found):
            yield [*found[:k], [first, *block], *found[k + 1 :]]


class Operator:
    """gamma G on polynomials of the distances from the point, as a symbol and as a matrix."""

    def __init__(self, world: World, claim: Claim, spaces: Spaces) -> None:
        self.world, self.ring, self.scalars, self.spaces = world, world.ring, world.ring.scalars, spaces
        self.symbol: Symbol = {}
        for k, power in enumerate(claim.powers):
            for term in power:
                self._add(term, world.shape.half * (k + 1))

    def _add(self, term: Term, unit: int) -> None:
        c = _coefficient(term, self.world)
        for places, value in self.forest(term).items():
            old = self.symbol.get(places, self.ring.constant(0))
            self.symbol[places] = self.scalars.reduced(old + self.ring.raised(self.ring.multiply(value, c), unit))

    # ------------------------------------------------------------------------------------------ one forest

    def forest(self, term: Term) -> Symbol:
        """The operator of one forest, as a symbol: a sum over the choices of samples at its ties."""
        nodes = [n for h in term.forest for n in h.tree.nodes()]
        ties = {tie: [k for k, n in enumerate(nodes) if n.tie == tie] for tie in sorted({n.tie for n in nodes} - {0})}
        choices = list(product(*(list(self._tied(term, nodes, members)) for members in ties.values())))
        factors = self.scalars.array([self.scalars.reduced(_product(f for f, _ in c)) for c in choices])
        chosen = {k: np.array([_found(c, k) for c in choices]) for k, n in enumerate(nodes) if n.tie}
        hung = self._hung(term.forest, chosen)
        return {places: self._summed(value, factors) for places, value in hung.items()}

    def _summed(self, value: Array, factors: Array) -> Array:
        result: Array = self.scalars.reduced(self.scalars.reduced(np.atleast_2d(value) * factors[:, None]).sum(axis=0))
        return result

    def _tied(self, term: Term, nodes: Sequence[Node], members: Sequence[int]) -> Iterator[tuple[Any, dict[int, Array]]]:
        """(factor, node -> its function) for every part of the sum that a tie stands for."""
        if {nodes[k].label for k in members} == {NORMAL}:
            if len(members) != 2:
                raise UsageError(f"'{term.text}': a normal vector stands at two nodes, not {len(members)}")
            for unit in np.eye(self.world.shape.dimension, dtype=np.int64):
                yield 1, dict.fromkeys(members, np.array([self.ring.constant(int(x)) for x in unit]))
            return
        weights = self.world.weights.tolist()
        for partition in blocks(members):
            sign = (-1) ** (len(partition) - 1) * factorial(len(partition) - 1)
            for samples in product(range(self.world.shape.samples), repeat=len(partition)):
                weight = sign * _product(weights[s] for s in samples)
                yield self.scalars.reduced(weight), {
                    k: self._function(self.world.deviations, nodes[k].label)[s]
                    for block, s in zip(partition, samples)
                    for k in block
                }

    def _function(self, functions: Mapping[str, Array], label: str) -> Array:
        if label not in functions:
            raise UsageError(f"'{label}' is none of what the update draws or evaluates, and no slow variable")
        return functions[label]

    def _hung(self, forest: Sequence[Hanging], chosen: Mapping[int, Array]) -> Symbol:
        """sum over components of the roots: the product of the roots' vectors at the derivatives of phi."""
        counter = iter(range(1 << 30))
        result: Symbol = {(): self.ring.constant(1)}
        for hanging in forest:
            evaluated = self._tree(hanging.tree, counter, chosen)
            slot = hanging.slot or evaluated.space
            if slot not in self.world.shape.slow:
                raise UsageError(f"'{slot}' is no slow variable; they are {', '.join(self.world.shape.slow)}")
            longer: Symbol = {}
            for places, value in result.items():
                products = self.ring.multiply(value[..., None, :], evaluated.vector)
                for i, place in enumerate(self.world.shape.places(slot)):
                    key = tuple(sorted((*places, place)))
                    longer[key] = self.scalars.reduced(longer.get(key, 0) + products[..., i, :])
            result = longer
        return result

    def _tree(self, node: Node, counter: Iterator[int], chosen: Mapping[int, Array]) -> Evaluated:
        """The vector of a tree; nodes are counted in the order of `Node.nodes`."""
        mine, space = next(counter), node.slot or self.spaces.of(node.label)
        children = [self._tree(c, counter, chosen) for c in node.children]
        fast = [c for c in children if c.space in self.world.fast]
        slow = [c for c in children if c.space not in self.world.fast]
        if not fast and node.label in self.world.linear:
            raise UsageError(f"'{node.label}' is linear in {self.world.linear[node.label]}, which has no place in the forest")
        return Evaluated(space, self._contracted(self._filled(self._root(node, mine, chosen), node, fast), slow))

    def _filled(self, f: Array, node: Node, fast: Sequence[Evaluated]) -> Array:
        """A function that is linear in memory, with a vector in its place: sum_j f_j x_j."""
        if not fast:
            return f
        if len(fast) > 1 or self.world.linear.get(node.label) != fast[0].space:
            raise UsageError(f"'{node.label}' is no linear function of {', '.join(x.space for x in fast)}")
        total: Any = 0
        for j in range(self.world.shape.dimension):
            total = self.scalars.reduced(total + self.ring.multiply(f[..., j, :, :], fast[0].vector[..., j, None, :]))
        return np.asarray(total)

    def _root(self, node: Node, mine: int, chosen: Mapping[int, Array]) -> Array:
        if node.tie:
            return chosen[mine]
        if node.label in self.world.shape.slow:
            places, point = self.world.shape.places(node.label), self.world.point[node.label]
            values = [self.ring.variable(k) + self.ring.constant(x) for k, x in zip(places, point)]
            return np.array([self.scalars.reduced(x) for x in values])
        return self._function(self.world.means, node.label)

    def _contracted(self, f: Array, children: Sequence[Evaluated]) -> Array:
        """sum_j d_j1 ... d_jk f  X1_j1 ... Xk_jk, a derivative in the space of every child."""
        if not children:
            return f
        first, *rest = children
        total: Any = 0
        for i, place in enumerate(self.world.shape.places(first.space)):
            inner = self._contracted(self.ring.derivative(f, place), rest)
            total = self.scalars.reduced(total + self.ring.multiply(inner, first.vector[..., i, None, :]))
        return np.asarray(total)

    # ------------------------------------------------------------------------------------------ on functions

    def on(self, function: Array) -> Array:
        """gamma G of a function of the slow variables."""
        total = np.zeros_like(function)
        for places, c in self.symbol.items():
            derivative = function
            for k in places:
                derivative = self.ring.derivative(derivative, k)
            total = total + self.ring.multiply(derivative, c)
        if self.world.shape.clock:
            total = total + self.ring.raised(self.ring.derivative(function, CLOCK), self.world.shape.half)
        result: Array = self.scalars.reduced(total)
        return result

    def matrix(self) -> Array:
        """gamma G as a matrix: row k is what becomes of monomial k."""
        return self.on(self.scalars.array(np.eye(len(self.ring), dtype=np.int64)))

    def exponential(self, p: int, times: int = 1) -> Array:
        """exp(times gamma G) modulo p, a finite sum."""
        n, step = len(self.ring), self.matrix() * times % p
        result, power = np.eye(n, dtype=np.int64), np.eye(n, dtype=np.int64)
        for k in range(1, self.ring.degree + 1):
            power = matrix_product(power, step, p) * pow(k, -1, p) % p
            result = (result + power) % p
        return result


def _product(factors: Iterable[Any]) -> Any:
    return reduce(mul, factors, 1)


def _found(choice: Sequence[tuple[Any, dict[int, Array]]], node: int) -> Array:
    return next(vectors[node] for _, vectors in choice if node in vectors)


def _coefficient(term: Term, world: World) -> Array:
    """A coefficient, a function of time perhaps; a zero denominator rejects the world."""
    numbers = Elements(world.ring)
    names = world.names(numbers)
    if unknown := [n for n in names_of(term.coefficient) if n not in names]:
        known = ", ".join(names) or "none"
        raise UsageError(f"'{unknown[0]}' in the coefficient of {term.text} is no free parameter here (known: {known})")
    try:
        value: Element = evaluate(term.coefficient, names, numbers, _no_call)
    except ZeroDivisionError:
        raise Rejected("a denominator that vanishes") from None
    return value.plain().values


def _no_call(function: str, _: object) -> Element:
    raise UndecidedError(f"a coefficient that calls {function}")
