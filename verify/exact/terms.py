"""Terms at a free index, as verification sees them, and the rules that make equal ones equal.

A term is a product at one index of

    symbols       grad (or field), theta, slow vectors, scalars such as t or r(t), and bases, each to a whole power
    nodes         d^(k+1)L[m_1, ..., m_k] of terms m_1, ..., m_k, k >= 1
    sums          sum over the index of a term (dot products)

held as nested tuples (symbols, nodes, sums).  A base is a symbol w for something under a root or in a denominator:

    w^q = b,   b a combination of terms;   c p + rest = b   gives   p -> (w^q - rest)/c     for one chosen p of b.

For q = 1 (denominators such as |g| + eps) positive powers of w are multiplied out and partial fractions separate w from p.
These rules only ever replace a term by an equal combination.  That the terms that remain are independent is not
assumed anywhere: the rank on concrete losses shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from flint import fmpq

from verify.numbers.power_series import IrrationalRoot, rational_power

Term = tuple[tuple[tuple[str, int], ...], tuple["Node", ...], tuple["Term", ...]]
Node = tuple[str, tuple[Term, ...]]
Combination = dict[Term, fmpq]

ONE: Term = ((), (), ())


class NotEnumerable(Exception):
    """The terms of this scheme cannot be listed by this method (the message says why)."""


def symbol(name: str, power: int = 1) -> Term:
    """The term that is one symbol.

    >>> symbol("grad")
    ((('grad', 1),), (), ())
    """
    return (((name, power),), (), ())


@dataclass(frozen=True)
class Base:
    """w^q = content; `pivot` (with coefficient `lead`) is the part of the content that is rewritten."""

    name: str
    q: int
    content: tuple[tuple[Term, fmpq], ...]
    pivot: Term
    lead: fmpq
    scalar: bool
    always: bool = False

    @property
    def rest(self) -> list[tuple[Term, fmpq]]:
        return [(t, c) for t, c in self.content if t != self.pivot]


@dataclass
class TermAlgebra:
    """Products, nodes, sums and powers of terms.  `scalars` are the symbols without an index.

    >>> a = TermAlgebra("L", set())
    >>> w = a.power({symbol("grad", 2): fmpq(1), ONE: fmpq(1, 4)}, Fraction(-1, 2))
    >>> a.text(next(iter(w)))
    '(1/4 + grad**2)**(-1/2)'
    """

    label: str
    scalars: set[str]
    separate: bool = False
    bases: dict[str, Base] = field(default_factory=dict)
    _reduced: dict[Term, Combination] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------ building

    def is_scalar(self, term: Term) -> bool:
        return not term[1] and all(s in self.scalars for s, _ in term[0])

    def _parts(self, term: Term) -> tuple[Term, Term]:
        """term = scalar factor * the rest."""
        outer = tuple(p for p in term[0] if p[0] in self.scalars)
        inner = tuple(p for p in term[0] if p[0] not in self.scalars)
        return (outer, (), term[2]), (inner, term[1], ())

    def _raw(self, a: Term, b: Term) -> Term:
        if a == ONE:
            return b
        if b == ONE:
            return a
        powers = dict(a[0])
        for s, e in b[0]:
            powers[s] = powers.get(s, 0) + e
        symbols = tuple(sorted((s, e) for s, e in powers.items() if e))
        return (symbols, tuple(sorted(a[1] + b[1])), tuple(sorted(a[2] + b[2])))

    def product(self, a: Term, b: Term) -> Combination:
        """a*b at the index, in normal form."""
        return self.reduce(self._raw(a, b))

    def node(self, children: Iterable[Term]) -> Combination:
        """The derivative of grad L (or of the field) contracted with the children; scalar factors come out."""
        outer, inner = ONE, []
        for child in children:
            scalar, vector = self._parts(child)
            outer = self._raw(outer, scalar)
            inner.append(vector)
        if not inner:
            return self.reduce(symbol("grad" if self.label == "L" else "field"))
        return self.reduce(self._raw(outer, ((), ((self.label, tuple(sorted(inner))),), ())))

    def contraction(self, term: Term) -> Combination:
        """The sum of a term over the index."""
        scalar, vector = self._parts(term)
        return self.reduce(self._raw(scalar, ((), (), (self._rerooted(vector),))))

    def _rerooted(self, term: Term) -> Term:
        """The least of the equal ways to write a sum: sum_i r_i d^(k+1)L[m, ..]_i = sum_j m_j d^(k+1)L[r, ..]_j."""
        if self.label != "L":
            return term
        seen, todo = {term}, [term]
        while todo:
            symbols, nodes, sums = todo.pop()
            for n, (label, children) in enumerate(nodes):
                rest: Term = (symbols, nodes[:n] + nodes[n + 1 :], sums)
                for j, child in enumerate(children):
                    inner = tuple(sorted((*children[:j], *children[j + 1 :], rest)))
                    new = self._raw(child, ((), ((label, inner),), ()))
                    if new not in seen:
                        seen.add(new)
                        todo.append(new)
        return min(seen)

    def multiply(self, a: Mapping[Term, fmpq], b: Mapping[Term, fmpq]) -> Combination:
        """Product of two combinations."""
        return collect((t, x * y * c) for s, x in a.items() for u, y in b.items() for t, c in self.product(s, u).items())

    # ------------------------------------------------------------------------------------------ rules

    def reduce(self, term: Term) -> Combination:
        """The term in normal form: a combination equal to it."""
        found = self._reduced.get(term)
        if found is None:
            rewritten = self._rewrite(term)
            found = {term: fmpq(1)} if rewritten is None else self.reduced(rewritten)
            self._reduced[term] = found
        return found

    def reduced(self, items: Iterable[tuple[Term, fmpq]]) -> Combination:
        """A combination with every term in normal form."""
        return collect((t, x * c) for term, c in items for t, x in self.reduce(term).items())

    def _rewrite(self, term: Term) -> list[tuple[Term, fmpq]] | None:
        powers = dict(term[0])
        for base in self.bases.values():
            found = self._apply(base, term, powers)
            if found is not None:
                return found
        return None

    def _apply(self, base: Base, term: Term, powers: Mapping[str, int]) -> list[tuple[Term, fmpq]] | None:
        exponent = powers.get(base.name, 0)
        if base.q > 1 or not base.rest or base.always:
            return self._eliminate(base, term) or self._invert(base, term, powers)
        if exponent > 0:  # multiply w out
            outer = self._raw(term, symbol(base.name, -1))
            return [(self._raw(outer, t), c) for t, c in base.content]
        if exponent < 0:
            return self._eliminate(base, term) or (self._partial_fractions(base, term, powers) if self.separate else None)
        return None

    def _eliminate(self, base: Base, term: Term) -> list[tuple[Term, fmpq]] | None:
        """p m = (w^q - rest) m / c."""
        outer = self._without(term, base.pivot)
        if outer is None:
            return None
        new = [(self._raw(outer, symbol(base.name, base.q)), 1 / base.lead)]
        return new + [(self._raw(outer, t), -c / base.lead) for t, c in base.rest]

    def _invert(self, base: Base, term: Term, powers: Mapping[str, int]) -> list[tuple[Term, fmpq]] | None:
        """1/s^m = c r/w^q  for  w^q = c s^m r."""
        positive = [(s, e) for s, e in base.pivot[0] if e > 0]
        if base.rest or base.pivot[1] or base.pivot[2] or len(positive) != 1 or powers.get(positive[0][0], 0) >= 0:
            return None
        s, m = positive[0]
        outer = self._raw(term, symbol(s, m))
        other: Term = (tuple(p for p in base.pivot[0] if p[0] != s), (), ())
        return [(self._raw(self._raw(outer, other), symbol(base.name, -base.q)), base.lead)]

    def _without(self, term: Term, pivot: Term) -> Term | None:
        """term / pivot, if the positive powers of the pivot are contained in the term."""
        powers = dict(term[0])
        if any(e > 0 and powers.get(s, 0) < e for s, e in pivot[0]):
            return None
        sums, nodes = list(term[2]), list(term[1])
        for part, pool in ((pivot[2], sums), (pivot[1], nodes)):
            for item in part:
                if item not in pool:
                    return None
                pool.remove(item)  # type: ignore[arg-type]
        for s, e in pivot[0]:
            powers[s] = powers.get(s, 0) - e
        return (tuple(sorted((s, e) for s, e in powers.items() if e)), tuple(nodes), tuple(sums))

    def _partial_fractions(self, base: Base, term: Term, powers: Mapping[str, int]) -> list[tuple[Term, fmpq]] | None:
        """1/(s w) = (1/s - c/w)/r  for  w = c s + r, r one invertible term."""
        rest = base.rest
        if len(base.pivot[0]) != 1 or len(rest) != 1 or rest[0][0][1] or rest[0][0][2]:
            return None
        ((s, e),) = base.pivot[0]
        if powers.get(s, 0) >= 0:
            return None
        (r, r_coefficient) = rest[0]
        outer = self._raw(term, (tuple((x, -y) for x, y in r[0]), (), ()))
        first = self._raw(outer, symbol(base.name))
        second = self._raw(outer, symbol(s, e))
        return [(first, 1 / r_coefficient), (second, -base.lead / r_coefficient)]

    # ------------------------------------------------------------------------------------------ powers

    def power(self, b: Mapping[Term, fmpq], r: Fraction) -> Combination:
        """b^r.  Raises NotEnumerable for a root of zero, or of a number without a rational root."""
        if r.denominator == 1 and r >= 0:
            result: Combination = {ONE: fmpq(1)}
            for _ in range(int(r)):
                result = self.multiply(result, b)
            return result
        if not b:
            raise NotEnumerable("a root or negative power of a quantity that vanishes at gamma = 0")
        if len(b) == 1:
            ((term, c),) = b.items()
            direct = self._direct_power(term, c, r)
            if direct is not None:
                return direct
        if r.denominator == 2 and self._name_square_root(b):
            return self.power(self.reduced(b.items()), r)
        base, scale = self._base(b, r.denominator)
        return {t: x * scale ** int(r * base.q) for t, x in self.reduce(symbol(base.name, int(r * base.q))).items()}

    def _direct_power(self, term: Term, c: fmpq, r: Fraction) -> Combination | None:
        if term[1] or term[2]:
            return None
        odd = r.denominator % 2 == 1  # real roots of odd order need no sign, those of even order are positive
        positive = all(s in self.bases and (odd or self.bases[s].q % 2 == 0) for s, _ in term[0])
        if r.denominator != 1 and not positive:
            return None
        if any((e * r).denominator != 1 for _, e in term[0]):
            return None
        try:
            factor = rational_power(c, r)
        except IrrationalRoot:
            if term == ONE:
                raise NotEnumerable(f"the root of {c} is not rational; choose other parameter values") from None
            return None
        return self.reduced([((tuple((s, int(e * r)) for s, e in term[0]), (), ()), factor)])

    def _name_square_root(self, b: Mapping[Term, fmpq]) -> bool:
        """If b is the square of a sum h of symbols, make h a symbol of its own: then |h| has one name."""
        squares = [(t, c) for t, c in b.items() if len(t[0]) == 1 and t[0][0][1] == 2 and not t[1] and not t[2]]
        squares.sort(key=lambda item: _height(item[0]), reverse=True)
        try:
            roots: list[tuple[Term, fmpq]] = [
                ((((t[0][0][0], 1),), (), ()), rational_power(c, Fraction(1, 2))) for t, c in squares
            ]
        except IrrationalRoot:
            return False
        if len(roots) < 2 or len(roots) > 5:
            return False
        first, *others = roots
        for signs in range(2 ** len(others)):
            h: Combination = dict([first, *((t, -c if signs >> i & 1 else c) for i, (t, c) in enumerate(others))])
            if self.multiply(h, h) == b:
                self._new_base(h, 1, first[0], first[1], always=True)
                return True
        return False

    def _base(self, b: Mapping[Term, fmpq], q: int) -> tuple[Base, fmpq]:
        """The base w with w^q = b/scale^q, and the scale; a rational q-th root of the pivot's coefficient is divided out."""
        pivot = max((t for t in b if t != ONE), key=lambda t: (not t[1], not t[2], _height(t)), default=ONE)
        if pivot == ONE:
            raise NotEnumerable("a power of a number")
        try:
            scale = rational_power(b[pivot], Fraction(1, q))
        except IrrationalRoot:
            scale = fmpq(1)
        content = tuple(sorted((t, c / scale**q) for t, c in b.items()))
        for base in self.bases.values():
            if base.q == q and base.content == content:
                return base, scale
        return self._new_base(dict(content), q, pivot, b[pivot] / scale**q), scale

    def _new_base(self, content: Combination, q: int, pivot: Term, lead: fmpq, always: bool = False) -> Base:
        name = f"w{len(self.bases)}"
        scalar = all(self.is_scalar(t) for t in content)
        self.bases[name] = base = Base(name, q, tuple(sorted(content.items())), pivot, lead, scalar, always)
        if scalar:
            self.scalars.add(name)
        self._reduced.clear()
        return base

    # ------------------------------------------------------------------------------------------ text

    def text(self, term: Term) -> str:
        """The term in the formula language."""
        pieces = [self._symbol_text(s, e) for s, e in term[0]]
        pieces += [self.node_text(n) for n in term[1]]
        pieces += [f"dot({self.text(t)}, 1)" for t in term[2]]
        return "*".join(pieces) or "1"

    def node_text(self, node: Node) -> str:
        label, children = node
        k = len(children)
        name = ("hess" if k == 1 else f"d{k + 1}") if label == "L" else ("dfield" if k == 1 else f"d{k}field")
        return f"{name}({', '.join(self.text(c) for c in children)})"

    def _symbol_text(self, s: str, e: int) -> str:
        if s in self.bases:
            base = self.bases[s]
            exponent = Fraction(e, base.q)
            inner = " + ".join(
                f"{c}*{self.text(t)}" if c != 1 and t != ONE else self.text(t) if t != ONE else str(c) for t, c in base.content
            )
            return f"({inner})" + ("" if exponent == 1 else f"**({exponent})")
        return s if e == 1 else f"{s}**{e}" if e > 0 else f"{s}**({e})"


def _height(term: Term) -> tuple[bool, int, tuple[tuple[str, int], ...]]:
    """Pivots: powers of the gradient first, pure powers before mixed ones."""
    names = [s for s, _ in term[0]]
    return (names in (["grad"], ["field"]), -len(names), term[0])


def collect(items: Iterable[tuple[Term, fmpq]]) -> Combination:
    """Sum of (term, coefficient) pairs, zeros left out."""
    total: Combination = {}
    for t, c in items:
        x = total.get(t)
        total[t] = c if x is None else x + c
    return {t: c for t, c in total.items() if c != 0}


def add(a: Mapping[Term, fmpq], b: Mapping[Term, fmpq], factor: int = 1) -> Combination:
    """a + factor*b."""
    return collect([*a.items(), *((t, c * factor) for t, c in b.items())])


def symbols_of(term: Term) -> Iterator[str]:
    """Every symbol in the term, at any depth."""
    yield from (s for s, _ in term[0])
    for _, children in term[1]:
        for child in children:
            yield from symbols_of(child)
    for inner in term[2]:
        yield from symbols_of(inner)
