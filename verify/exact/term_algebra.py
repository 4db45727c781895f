"""The rules that make equal terms equal, and powers of combinations (see `exact.terms` for what a term is)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from flint import fmpq

from verify.exact.terms import ONE, Base, Combination, Node, NotEnumerable, Term, collect, height, joined, symbol, without
from verify.numbers.power_series import IrrationalRoot, rational_power


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

    def product(self, a: Term, b: Term) -> Combination:
        """a*b at the index, in normal form."""
        return self.reduce(joined(a, b))

    def node(self, children: Iterable[Term]) -> Combination:
        """The derivative of grad L (or of the field) contracted with the children; scalar factors come out."""
        outer, inner = ONE, []
        for child in children:
            scalar, vector = self._parts(child)
            outer = joined(outer, scalar)
            inner.append(vector)
        if not inner:
            return self.reduce(symbol("grad" if self.label == "L" else "field"))
        return self.reduce(joined(outer, ((), ((self.label, tuple(sorted(inner))),), ())))

    def contraction(self, term: Term) -> Combination:
        """The sum of a term over the index."""
        scalar, vector = self._parts(term)
        return self.reduce(joined(scalar, ((), (), (self._rerooted(vector),))))

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
                    new = joined(child, ((), ((label, inner),), ()))
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
            outer = joined(term, symbol(base.name, -1))
            return [(joined(outer, t), c) for t, c in base.content]
        if exponent < 0:
            return self._eliminate(base, term) or (self._partial_fractions(base, term, powers) if self.separate else None)
        return None

    def _eliminate(self, base: Base, term: Term) -> list[tuple[Term, fmpq]] | None:
        """p m = (w^q - rest) m / c."""
        outer = without(term, base.pivot)
        if outer is None:
            return None
        new = [(joined(outer, symbol(base.name, base.q)), 1 / base.lead)]
        return new + [(joined(outer, t), -c / base.lead) for t, c in base.rest]

    def _invert(self, base: Base, term: Term, powers: Mapping[str, int]) -> list[tuple[Term, fmpq]] | None:
        """1/s^m = c r/w^q  for  w^q = c s^m r."""
        positive = [(s, e) for s, e in base.pivot[0] if e > 0]
        if base.rest or base.pivot[1] or base.pivot[2] or len(positive) != 1 or powers.get(positive[0][0], 0) >= 0:
            return None
        s, m = positive[0]
        outer = joined(term, symbol(s, m))
        other: Term = (tuple(p for p in base.pivot[0] if p[0] != s), (), ())
        return [(joined(joined(outer, other), symbol(base.name, -base.q)), base.lead)]

    def _partial_fractions(self, base: Base, term: Term, powers: Mapping[str, int]) -> list[tuple[Term, fmpq]] | None:
        """1/(s w) = (1/s - c/w)/r  for  w = c s + r, r one invertible term."""
        rest = base.rest
        if len(base.pivot[0]) != 1 or len(rest) != 1 or rest[0][0][1] or rest[0][0][2]:
            return None
        ((s, e),) = base.pivot[0]
        if powers.get(s, 0) >= 0:
            return None
        (r, r_coefficient) = rest[0]
        outer = joined(term, (tuple((x, -y) for x, y in r[0]), (), ()))
        first = joined(outer, symbol(base.name))
        second = joined(outer, symbol(s, e))
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
        squares.sort(key=lambda item: height(item[0]), reverse=True)
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
        pivot = max((t for t in b if t != ONE), key=lambda t: (not t[1], not t[2], height(t)), default=ONE)
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
