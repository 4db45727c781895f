"""A claimed generator as an operator: forests evaluated on the losses of a `World`.

    gamma G phi = sum_mu C_mu(theta) d^mu phi,    C_mu from the joint cumulants of the samples' derivatives

The joint cumulant of X_1, ..., X_r is  sum over partitions of {1..r} into b blocks of two or more of
(-1)^(b-1) (b-1)! prod E(product of the centred X in the block);  two nodes of one normal vector are contracted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial, prod

import numpy as np

from derive.errors import UndecidedError, UsageError
from derive.language import Call, Name, interpret
from derive.language.interpret import Arithmetic
from verify.proof.errors import Rejected
from verify.sde.elements import residue
from verify.sde.ring import Array, matrix_product
from verify.sde.statement import NORMAL, Claim, Hanging, Node, Term
from verify.sde.world import World

Symbol = dict[tuple[int, ...], Array]  # places of derivatives of phi, sorted -> coefficient
Vector = list[Array]


@dataclass(frozen=True)
class Evaluated:
    """A tree's root: in which variable's space its vector lies, and the vector."""

    space: str
    vector: Vector


class Spaces:
    """In whose space the vector of a label lies, and in which variables its function is differentiated."""

    def __init__(self, world: World, unknowns: Sequence[str], spaces: Mapping[str, str]) -> None:
        self.world, self.unknowns, self.spaces = world, tuple(unknowns), spaces

    def of(self, label: str) -> str:
        if label in self.world.shape.slow:
            return self.spaces.get(label, self.unknowns[0])
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
        self.world, self.ring, self.spaces = world, world.ring, spaces
        self.symbol: Symbol = {}
        for k, power in enumerate(claim.powers):
            for term in power:
                self._add(term, world.shape.half * (k + 1))

    def _add(self, term: Term, unit: int) -> None:
        c = _number(term, self.world)
        for places, value in self.forest(term).items():
            old = self.symbol.get(places, self.ring.constant(0))
            self.symbol[places] = (old + self.ring.raised(value * c % self.ring.p, unit)) % self.ring.p

    # ------------------------------------------------------------------------------------------ one forest

    def forest(self, term: Term) -> Symbol:
        """The operator of one forest, as a symbol."""
        nodes = [n for h in term.forest for n in h.tree.nodes()]
        ties = {tie: [k for k, n in enumerate(nodes) if n.tie == tie] for tie in sorted({n.tie for n in nodes} - {0})}
        result: Symbol = {}
        for choice in product(*(self._tied(term, nodes, members) for members in ties.values())):
            factor = prod((f for f, _ in choice), start=1) % self.ring.p
            chosen = {k: v for _, vectors in choice for k, v in vectors.items()}
            for places, value in self._hung(term.forest, chosen).items():
                result[places] = (result.get(places, 0) + factor * value) % self.ring.p
        return result

    def _tied(self, term: Term, nodes: Sequence[Node], members: Sequence[int]) -> Iterator[tuple[int, dict[int, Vector]]]:
        """(factor, node -> its function) for every part of the sum that a tie stands for."""
        drawn = {nodes[k].label for k in members}
        if drawn == {NORMAL}:
            if len(members) != 2:
                raise UsageError(f"'{term.text}': a normal vector stands at two nodes, not {len(members)}")
            for i in range(self.world.shape.dimension):
                unit = [self.ring.constant(int(j == i)) for j in range(self.world.shape.dimension)]
                yield 1, dict.fromkeys(members, unit)
            return
        for partition in blocks(members):
            sign = (-1) ** (len(partition) - 1) * factorial(len(partition) - 1)
            for samples in product(range(self.world.shape.samples), repeat=len(partition)):
                weight = prod((int(self.world.weights[s]) for s in samples), start=sign)
                yield weight, {
                    k: list(self._function(self.world.deviations, nodes[k].label, term)[s])
                    for block, s in zip(partition, samples)
                    for k in block
                }

    def _function(self, functions: Mapping[str, Array], label: str, term: Term) -> Array:
        if label not in functions:
            raise UsageError(f"'{term.text}': '{label}' is none of what the update draws or evaluates")
        return functions[label]

    def _hung(self, forest: Sequence[Hanging], chosen: Mapping[int, Vector]) -> Symbol:
        """sum over components of the roots: the product of the roots' vectors at the derivatives of phi."""
        counter = iter(range(1 << 30))
        roots = [(h, self._tree(h.tree, counter, chosen)) for h in forest]
        result: Symbol = {(): self.ring.constant(1)}
        for hanging, evaluated in roots:
            slot = hanging.slot or evaluated.space
            if slot not in self.world.shape.slow:
                raise UsageError(f"'{slot}' is no slow variable; they are {', '.join(self.world.shape.slow)}")
            longer: Symbol = {}
            for places, value in result.items():
                for place, component in zip(self.world.shape.places(slot), evaluated.vector):
                    key = tuple(sorted((*places, place)))
                    longer[key] = (longer.get(key, 0) + self.ring.multiply(value, component)) % self.ring.p
            result = longer
        return result

    def _tree(self, node: Node, counter: Iterator[int], chosen: Mapping[int, Vector]) -> Evaluated:
        """The vector of a tree; nodes are counted in the order of `Node.nodes`."""
        mine, space = next(counter), self.spaces.of(node.label)
        children = [self._tree(c, counter, chosen) for c in node.children]
        return Evaluated(space, [self._contracted(f, children) for f in self._root(node, mine, chosen)])

    def _root(self, node: Node, mine: int, chosen: Mapping[int, Vector]) -> Vector:
        if node.tie:
            return chosen[mine]
        if node.label in self.world.shape.slow:
            places, point = self.world.shape.places(node.label), self.world.point[node.label]
            return [(self.ring.variable(k) + self.ring.constant(x)) % self.ring.p for k, x in zip(places, point)]
        if node.label not in self.world.means:
            raise UsageError(f"'{node.label}' is none of what the update evaluates, and no slow variable")
        return list(self.world.means[node.label])

    def _contracted(self, f: Array, children: Sequence[Evaluated]) -> Array:
        """sum_j d_j1 ... d_jk f  X1_j1 ... Xk_jk, a derivative in the space of every child."""
        if not children:
            return f
        first, *rest = children
        total = self.ring.constant(0)
        for place, x in zip(self.world.shape.places(first.space), first.vector):
            total = total + self.ring.multiply(self._contracted(self.ring.derivative(f, place), rest), x)
        return total % self.ring.p

    # ------------------------------------------------------------------------------------------ on functions

    def on(self, function: Array) -> Array:
        """gamma G of a function of the slow variables."""
        total = np.zeros_like(function)
        for places, c in self.symbol.items():
            derivative = function
            for k in places:
                derivative = self.ring.derivative(derivative, k)
            total = total + self.ring.multiply(derivative, c)
        return total % self.ring.p

    def exponential(self) -> Array:
        """exp(gamma G) as a matrix: row k is what becomes of monomial k."""
        n, p = len(self.ring), self.ring.p
        step = self.on(np.eye(n, dtype=np.int64))
        result, power = np.eye(n, dtype=np.int64), np.eye(n, dtype=np.int64)
        for k in range(1, self.ring.degree + 1):
            power = matrix_product(power, step, p) * pow(k, -1, p) % p
            result = (result + power) % p
        return result


def _number(term: Term, world: World) -> int:
    """The coefficient at the world's parameters."""
    value: int = interpret(term.coefficient, _Modular(world))
    return value % world.ring.p


class _Modular(Arithmetic):
    """Numbers modulo p; a zero denominator rejects the world."""

    def __init__(self, world: World) -> None:
        self.world, self.p = world, world.ring.p

    def number(self, value: object) -> int:
        return residue(value, self.p)  # type: ignore[arg-type]

    def name(self, node: Name) -> int:
        if node.id not in self.world.parameters:
            raise UsageError(f"'{node.id}' in a coefficient is no free parameter of the scheme")
        return self.world.parameters[node.id]

    def divide(self, a: int, b: int, node: object) -> int:
        return a * self.inverse(b) % self.p

    def inverse(self, b: int) -> int:
        if b % self.p == 0:
            raise Rejected("a denominator that vanishes")
        return pow(b, -1, self.p)

    def power(self, base: int, exponent: object, node: object) -> int:
        r = exponent
        if getattr(r, "denominator", 0) != 1:
            raise UndecidedError("a coefficient with a root")
        return pow(base % self.p, int(r), self.p) if r >= 0 else pow(self.inverse(base), -int(r), self.p)  # type: ignore[call-overload, operator]

    def call(self, node: Call, args: list[int]) -> int:
        raise UndecidedError(f"a coefficient that calls {node.function}")
