"""The value of terms on vectors of any size: each derivative of the loss is a nested directional derivative of its gradient.

    d^(k+1)L[m_1, ..., m_k] = d/ds_1 ... d/ds_k  grad L(theta + s_1 m_1 + ... + s_k m_k)  at s = 0

A term is evaluated once, however often it occurs (terms are shared).  What stands under no product is collected first:
a d^(k+1)L[u, m] + b d^(k+1)L[v, m] = d^(k+1)L[a u + b v, m] takes one derivative for two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, mul
from typing import Any

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold, terms_within
from derive.algebra.functions import variable_of
from derive.algebra.known import SLOPES
from derive.algebra.terms import Exponent, Factor, Term, space_of
from derive.errors import UsageError
from derive.language.maps import MapKind, map_of
from derive.network.backend import Backend, Function, Scalar, Tree, among


@dataclass(frozen=True)
class Vector:
    """A tree of arrays, and the unknown in whose space it lies."""

    tree: Tree
    space: str


Value = Any  # Vector or Scalar


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
        parts = [self.scaled(self.coefficient(c), value) for c, value in self._collected(items)]
        return reduce(self.plus, parts) if parts else 0.0

    def _collected(self, items: Iterable[tuple[Term, Ratio]]) -> Iterable[tuple[Any, Value]]:
        """(coefficient, value), with nodes that differ in their last child alone taken together."""
        alike: dict[tuple[str, tuple[Term, ...], str], list[tuple[Term, Ratio]]] = {}
        for term, c in items:
            f = _node(term)
            if f is None or not f.children or term in self.inner or term in self._terms:
                yield c, self.term(term)
            else:
                *others, largest = sorted(f.children, key=lambda m: m.key)
                alike.setdefault((f.label, tuple(others), space_of(largest)), []).append((largest, c))
        for (label, others, space), lasts in alike.items():
            c, last = (lasts[0][1], self.term(lasts[0][0])) if len(lasts) == 1 else (1.0, self.total(lasts))
            directions = [*((self.term(m), space_of(m)) for m in others), (last, space)]
            yield c, self.derivative(label, directions)

    def coefficient(self, c: Ratio | float) -> Scalar:
        if isinstance(c, float):
            return c
        missing = sorted(s for s in c.symbols() if s not in self.given.numbers)
        if missing:
            raise UsageError(f"{', '.join(missing)} needs a value: hyper={{'{missing[0]}': ...}}, or slow={{...}} for time and memory")
        return c.at(self.given.numbers, float)

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
        exponents = dict(term.factors)
        found: Value = 1.0
        for size in [f for f in exponents if f.kind == "abs"]:
            x = _single(size.children[0])
            if x in exponents and x is not None:
                a, b = exponents.pop(x), exponents.pop(size)
                found = self.times(found, self.signed(self.factor(x), int(a), a + b))
        for f, e in exponents.items():
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
        return self.derivative(f.label, [(self.term(c), space_of(c)) for c in f.children])

    def derivative(self, label: str, directions: Sequence[tuple[Value, str]]) -> Vector:
        """The field of that label, differentiated once along every direction, each with its space."""
        f = self.given.fields[label]
        for value, space in directions:
            tree = self.filled(value, space)
            f = self.backend.along(f, tree if self.single else among(self.backend, self.given.point, space, tree))
        return Vector(f(self.whole), variable_of(label))

    def contraction(self, f: Factor) -> Value:
        child = f.children[0]
        value = self.term(child)
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
        for v in directions:
            f_ = self.backend.along(f_, v)
        return Vector(f_(point), space_of(next(iter(f.body))[0]) if f.body else "")


def _single(term: Term) -> Factor | None:
    """The factor that a term is."""
    return term.factors[0][0] if len(term.factors) == 1 and term.factors[0][1] == 1 else None


def _node(term: Term) -> Factor | None:
    f = _single(term)
    return f if f is not None and f.kind == "node" else None


def inner_terms(totals: Iterable[Iterable[Term]]) -> set[Term]:
    """The terms that stand inside of others, in sums of terms."""
    return {inner for total in totals for t in total for inner in terms_within(t) if inner is not t}
