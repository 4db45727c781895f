"""The value of terms on vectors of any size: each derivative of the loss is a nested directional derivative of its gradient.

    d^(k+1)L[m_1, ..., m_k] = d/ds_1 ... d/ds_k  grad L(theta + s_1 m_1 + ... + s_k m_k)  at s = 0

A term is evaluated once, however often it occurs (terms are shared).  Sums of derivatives are collected first, by linearity
and by the product rule: a d^2f[u, u] + b d^2f[u, m] + c df[n] is d/ds df(theta + s v)[u + s w] with v = a u + b m, w = c n.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, matmul, mul
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold, magnitudes, terms_within
from derive.algebra.functions import variable_of
from derive.algebra.known import SLOPES
from derive.algebra.terms import TRANSPOSED, Exponent, Factor, Term, arguments, space_of
from derive.errors import UsageError
from derive.language.layers import LAYER
from derive.language.maps import MapKind, map_of
from derive.network.backend import Backend, Function, Scalar, Tree, among, coefficient_at, multilinear, product_rule


@dataclass(frozen=True)
class Vector:
    """A tree of arrays, and the unknown in whose space it lies."""

    tree: Tree
    space: str


Value = Any  # Vector or Scalar
Nodes = dict[tuple[Term, ...], Ratio]  # the children of a node -> its coefficient


@dataclass(frozen=True)
class Surroundings:
    """What terms are made of: the unknowns' values, the functions of them, numbers, other slow variables and maps.

    `fields` gives for the label of every node the function of the point whose derivatives the nodes are, `losses` the values of
    losses by name; `numbers` the parameters and time.
    """

    point: Mapping[str, Tree]
    fields: Mapping[str, Function]
    losses: Mapping[str, Function]
    numbers: Mapping[str, Scalar]
    slow: Mapping[str, Value]
    maps: Mapping[str, Function]
    map_kinds: Mapping[str, MapKind]


class Vectors(Fold[Value]):
    """Values of terms at one point.  `inner` are the terms that stand inside of others, and are wanted as they are."""

    def __init__(self, backend: Backend, given: Surroundings, inner: Collection[Term] = ()) -> None:
        super().__init__()
        self.backend, self.given, self.inner = backend, given, inner
        self.single = len(given.point) == 1
        self.whole = next(iter(given.point.values())) if self.single else given.point

    # ------------------------------------------------------------------ sums

    def total(self, items: Iterable[tuple[Term, Ratio]]) -> Value:
        """sum of coefficients times terms."""
        found = list(items)
        if len(found) == 1 and found[0][1] == 1:
            return self.term(found[0][0])
        parts = [self.scaled(self.coefficient(c), value) for c, value in self._collected(found)]
        return reduce(self.plus, parts) if parts else 0.0

    def _collected(self, items: Iterable[tuple[Term, Ratio]]) -> Iterator[tuple[Ratio | float, Value]]:
        """(coefficient, value); nodes are collected by label, but what is wanted as it is elsewhere."""
        nodes: dict[str, Nodes] = {}
        for term, c in items:
            f = _node(term)
            if f is None or not f.children or term in self.inner or term in self._terms:
                yield c, self.term(term)
            else:
                nodes.setdefault(f.label, {})[f.children] = c
        for label, found in nodes.items():
            while found:
                yield self._derivative(label, found)

    def _derivative(self, label: str, nodes: Nodes) -> tuple[Ratio | float, Value]:
        """Of the nodes with most children those that differ in the last alone; where it is one with the same child twice, with
        it all nodes of one child less that the product rule gives too.  It takes these nodes away.

        Twice the same direction is one computation, and twice with different factors it is two: so the coefficient stays outside.
        """
        *others, last = max(nodes, key=len)
        lasts = _taken(nodes, others, space_of(last))
        if len(lasts) > 1:
            merged = (self.total(lasts), space_of(last))
            return 1.0, self.derivative(label, [*map(self._direction, others), merged])
        outer = lasts[0][1]
        moved = {i: self._whole(self.total(m), space_of(others[i])) for i, m in _changes(nodes, others, last, outer).items()}
        v, *u = (self._whole(*self._direction(m)) for m in (last, *others))
        tree = product_rule(self.backend, self.given.fields[label], self.whole, u, v, moved)
        return outer, Vector(tree, variable_of(label))

    def _direction(self, child: Term) -> tuple[Value, str]:
        return self.term(child), space_of(child)

    def _whole(self, value: Value, space: str) -> Tree:
        """A vector in one unknown's space as a direction of all unknowns."""
        tree = self.filled(value, space)
        return tree if self.single else among(self.backend, self.given.point, space, tree)

    def coefficient(self, c: Ratio | float) -> Scalar:
        if isinstance(c, float):
            return c
        return coefficient_at(c, self.given.numbers)

    def scaled(self, c: Scalar, value: Value) -> Value:
        if isinstance(c, float) and c == 1:
            return value
        return self.times(c, value)

    def plus(self, a: Value, b: Value) -> Value:
        return self._joined(add, a, b)

    def _joined(self, f: Callable[[Any, Any], Any], a: Value, b: Value) -> Value:
        """f at every component; a scalar joins each."""
        if isinstance(a, Vector) and isinstance(b, Vector):
            return Vector(self.backend.map(f, a.tree, b.tree), a.space or b.space)
        if isinstance(a, Vector):
            return Vector(self.backend.map(lambda x: f(x, b), a.tree), a.space)
        if isinstance(b, Vector):
            return Vector(self.backend.map(lambda x: f(a, x), b.tree), b.space)
        return f(a, b)

    def each(self, f: Callable[[Any], Any], value: Value) -> Value:
        return Vector(self.backend.map(f, value.tree), value.space) if isinstance(value, Vector) else f(value)

    def filled(self, value: Value, space: str) -> Tree:
        """The vector as a tree; a scalar is the same at every component."""
        if isinstance(value, Vector):
            return value.tree
        return self.backend.map(lambda x: self.backend.full(x, value), self.given.point[space or next(iter(self.given.point))])

    # ------------------------------------------------------------------ products

    def one(self) -> Value:
        return 1.0

    def times(self, a: Value, b: Value) -> Value:
        if isinstance(a, float) and a == 1:
            return b
        return self._joined(mul, a, b)

    def term(self, term: Term) -> Value:
        """x^a |x|^b is sign(x)^a |x|^(a+b): grad/|grad| is a sign, and zero where the gradient is, not zero times infinity."""
        if term in self._terms:
            return self._terms[term]
        signs, others = magnitudes(term)
        found: Value = 1.0
        for x, a, b in signs:
            found = self.times(found, self.signed(self.factor(x), a, b))
        for f, e in others:
            found = self.times(found, self.power(self.factor(f), e, f))
        self._terms[term] = found
        return found

    def signed(self, x: Value, a: int, total: Exponent) -> Value:
        """sign(x)^a |x|^total."""
        sign = self.each(self.backend.sign, x) if a % 2 else 1.0
        return sign if total == 0 else self.times(sign, self.raised(self.each(self.backend.absolute, x), total))

    def power(self, value: Value, exponent: Exponent, f: Factor) -> Value:
        return self.raised(value, exponent)

    def raised(self, value: Value, exponent: Exponent) -> Value:
        """Half-whole powers by the square root, which is exact where it can be."""
        if exponent == 1:
            return value
        if exponent.denominator == 1:
            return self.each(lambda x: x ** int(exponent), value)
        if exponent.denominator == 2:
            return self.each(lambda x: self.backend.sqrt(x) ** exponent.numerator, value)
        return self.each(lambda x: self.backend.power(x, float(exponent)), value)

    # ------------------------------------------------------------------ the kinds of factors

    def state(self, f: Factor) -> Value:
        if f.label in self.given.point:
            return Vector(self.given.point[f.label], f.label)
        if f.label in self.given.losses:
            return self.given.losses[f.label](self.whole)
        if f.label not in self.given.slow:
            raise UsageError(f"{f.label} needs a value: slow={{'{f.label}': ...}}, as the parameters are if it is a vector")
        value = self.given.slow[f.label]
        return value if f.scalar else Vector(value, f.space)

    def node(self, f: Factor) -> Value:
        return self.derivative(f.label, [self._direction(c) for c in f.children])

    def moved(self, f: Factor) -> Value:
        """The same at another point, whose variables are sums."""
        point = {x: self.filled(self.total(part), x) for x, part in zip(f.slots, arguments(f), strict=True)}
        directions = [self._whole(*self._direction(c)) for c in f.children]
        g = multilinear(self.backend, self.given.fields[f.label], len(directions))
        at = next(iter(point.values())) if self.single else {**self.given.point, **point}
        return Vector(g(at, *directions), variable_of(f.label))

    def word(self, f: Factor) -> Value:
        """A product of matrices, or a transpose, array by array."""
        letters = [self.filled(self.term(c), "") for c in f.children]
        if f.label == TRANSPOSED:
            return Vector(self.backend.map(lambda x: x.T, letters[0]), "")
        return Vector(reduce(lambda a, b: self.backend.map(matmul, a, b), letters), "")

    def derivative(self, label: str, directions: Sequence[tuple[Value, str]]) -> Vector:
        """The field of that label, differentiated once along every direction, each with its space."""
        f = multilinear(self.backend, self.given.fields[label], len(directions))
        return Vector(f(self.whole, *(self._whole(*v) for v in directions)), variable_of(label))

    def contraction(self, f: Factor) -> Value:
        child = f.children[0]
        value = self.term(child)
        if f.label not in ("", LAYER):
            raise UsageError(f"sums over a {f.label} are not computed on trees of arrays; write the loss of one matrix by hand")
        if f.label:
            return self._over_layers(Vector(self.filled(value, ""), ""))
        if isinstance(value, Vector):
            return sum(self.backend.total(x) for x in self.backend.leaves(value.tree))
        space = self.given.point[space_of(child) or next(iter(self.given.point))]
        return value * sum(self.backend.size(x) for x in self.backend.leaves(space))

    def _over_layers(self, value: Vector) -> Vector:
        """The sum over each leaf of the tree: every array is a layer."""
        return Vector(self.backend.map(lambda x: self.backend.full(x, self.backend.total(x)), value.tree), value.space)

    def absolute(self, f: Factor) -> Value:
        return self.each(self.backend.absolute, self.term(f.children[0]))

    def root(self, f: Factor) -> Value:
        value = self.total(f.body)
        return self.each(self.backend.absolute, value) if f.label == "abs" else value

    def base(self, f: Factor) -> Value:
        return self.total(f.body)

    def map(self, f: Factor) -> Value:
        """d^kP(u)[m_1, ..., m_k]; of a componentwise map, p^(k)(u) at each component."""
        if f.label in SLOPES:
            return self.each(lambda x: self.backend.known(f.label, x), self.total(f.body))
        found = map_of(f.label, self.given.maps)
        if found is None:
            raise UsageError(f"{f.label} is a map; give it as maps={{...}}: a function of a tree like the parameters")
        name, rank = found
        f_, directions = self.given.maps[name], [self.filled(self.term(c), "") for c in f.children]
        point = self.filled(self.total(f.body), "") if f.body else directions.pop()
        if self.given.map_kinds[name] == "componentwise":
            directions = [self.backend.map(lambda x: self.backend.full(x, 1.0), point)] * rank
        space = space_of(f.body[0][0]) if f.body else ""
        return Vector(multilinear(self.backend, f_, len(directions))(point, *directions), space)


def _single(term: Term) -> Factor | None:
    """The factor that a term is."""
    return term.factors[0][0] if len(term.factors) == 1 and term.factors[0][1] == 1 else None


def _changes(nodes: Nodes, others: Sequence[Term], last: Term, outer: Ratio) -> dict[int, list[tuple[Term, Ratio]]]:
    """By place of a child u of `others`: (m, c/outer) for the nodes in which m stands for it and `last` is missing."""
    if last not in others:
        return {}
    found: dict[int, list[tuple[Term, Ratio]]] = {}
    for i, u in enumerate(others):
        rest = [*others[:i], *others[i + 1 :]]
        fitting = _taken(dict(nodes), rest, space_of(u)) if u not in others[:i] else []
        if fitting and all(_divides(outer, c) for _, c in fitting):
            found[i] = [(m, c / outer) for m, c in _taken(nodes, rest, space_of(u))]
    return found


def _divides(a: Ratio, c: Ratio) -> bool:
    """Whether c/a has no pole that a and c do not have."""
    own = {i for i, _ in (*a.reduced().den, *c.reduced().den)}
    return {i for i, _ in (c / a).reduced().den} <= own


def _taken(nodes: Nodes, others: Sequence[Term], space: str) -> list[tuple[Term, Ratio]]:
    """(last child, coefficient) of the nodes with these children and one more in the space, which are taken away."""
    found = []
    for children in [m for m in nodes if len(m) == len(others) + 1]:
        rest = list(children)
        for t in others:
            if t in rest:
                rest.remove(t)
        if len(rest) == 1 and space_of(rest[0]) == space:
            found.append((rest[0], nodes.pop(children)))
    return found


def _node(term: Term) -> Factor | None:
    f = _single(term)
    return f if f is not None and f.kind == "node" else None


def inner_terms(totals: Iterable[Iterable[Term]]) -> set[Term]:
    """The terms that stand inside of others, in sums of terms."""
    return {inner for total in totals for t in total for inner in terms_within(t) if inner is not t}
