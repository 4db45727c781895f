"""Differentiation of sums of terms: in a direction, transposed, the gradient of a scalar, and change of algebra.

    Derivative(a, {"theta": u})(m)       D m [u], the derivative of every component of m in the direction u
    Adjoint(a, "theta")(m, w)            (D m)^T w, so that <w, D m [u]> = <(D m)^T w, u> for every u
    gradient(a, s)                       grad s of a scalar sum s;   d<s> = <grad s, u>

The loss itself is the scalar state `L` (`loss_term`), whose derivative in the direction u is <grad L, u>; so are declared ones.
Laws (tests): product rule; D of a gradient is symmetric; transfer to another algebra and back is the identity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold, within
from derive.algebra.protocol import TermAlgebra
from derive.algebra.sums import Algebra, Sum, accumulate, nonzero
from derive.algebra.terms import TRANSPOSED, Cases, Exponent, Factor, Term, arguments, as_exponent, space_of
from derive.errors import ReductionError


def loss_term(algebra: Algebra, gradient: str = "L") -> Sum:
    """The loss as a scalar: L, or the declared loss with this gradient, f for 'f.x'."""
    loss, dot, _ = gradient.partition(".")
    return algebra.state(loss if dot else algebra.loss, scalar=True)


def is_loss(f: Factor, algebra: TermAlgebra) -> bool:
    """Whether a factor of the algebra's terms is a loss itself."""
    return f.kind == "state" and f.scalar and f.label in algebra.losses


def _without_one(algebra: Algebra, term: Term, f: Factor, e: Exponent) -> Sum:
    """e f^(e-1) times the other factors: the derivative of the term with respect to its factor f."""
    exponents = dict(term.factors)
    exponents[f] = as_exponent(e - 1)
    return algebra.scale(algebra.normal(exponents), algebra.ring.constant(Fraction(e)))


def _sign(algebra: Algebra, f: Factor) -> Sum:
    """sign(x) = x / |x| for a factor f = |x|."""
    return algebra.product({f.children[0]: algebra.ring.one}, algebra.normal({f: -1}))


class Derivative(Cases[Sum]):
    """The derivation that sends each state variable to its direction, and coefficients to their `rate`.

    Every derivative of a function moves with each of its variables; `rate` (d/dt of a coefficient) is zero unless given.

    >>> from derive.algebra.coefficients import Ring
    >>> from derive.algebra.terms import combination_text
    >>> a = Algebra(Ring()); g = a.node_sum("L", [])
    >>> d = Derivative(a, {"theta": a.state("u")})
    >>> combination_text(a.sorted(d(a.product(g, g))))
    '2*grad*hess(u)'
    """

    def __init__(self, algebra: Algebra, directions: Mapping[str, Sum], rate: Callable[[Ratio], Ratio] | None = None) -> None:
        self.algebra, self.directions, self.rate = algebra, directions, rate
        self._terms: dict[Term, Sum] = {}
        self._factors: dict[Factor, Sum] = {}

    def __call__(self, total: Sum) -> Sum:
        result: Sum = {}
        for t, c in total.items():
            accumulate(result, self.algebra.scale(self.term(t), c))
            if self.rate is not None:
                accumulate(result, self.algebra.scale({t: self.algebra.ring.one}, self.rate(c)))
        return nonzero(result)

    def term(self, term: Term) -> Sum:
        found = self._terms.get(term)
        if found is None:
            found = {}
            for f, e in term.factors:
                if inner := self.factor(f):
                    accumulate(found, self.algebra.product(_without_one(self.algebra, term, f, e), inner))
            self._terms[term] = found
        return found

    def factor(self, f: Factor) -> Sum:
        found = self._factors.get(f)
        if found is None:
            found = self._factors[f] = self.of_kind(f)
        return found

    def state(self, f: Factor) -> Sum:
        a = self.algebra
        if not is_loss(f, a):
            return self.directions.get(f.label, {})
        result: Sum = {}
        for x, label in a.losses[f.label].items():
            if x in self.directions:
                accumulate(result, a.contract(a.product(a.node_sum(label, []), self.directions[x])))
        return result

    def node(self, f: Factor) -> Sum:
        a = self.algebra
        result: Sum = {}
        children: list[Sum] = [{c: a.ring.one} for c in f.children]
        for slot in a.functions[f.label].slots:
            if slot in self.directions:
                accumulate(result, a.node_of_sums(f.label, [*children, self.directions[slot]]))
        for i, c in enumerate(f.children):
            if inner := self.term(c):
                accumulate(result, a.node_of_sums(f.label, [*children[:i], inner, *children[i + 1 :]]))
        return result

    def contraction(self, f: Factor) -> Sum:
        return self.algebra.contract(self.term(f.children[0]), f.label)

    def absolute(self, f: Factor) -> Sum:
        return self.algebra.product(_sign(self.algebra, f), self.term(f.children[0]))

    def root(self, f: Factor) -> Sum:
        return self.algebra.constant(self.rate(f.body[0][1])) if self.rate is not None else {}

    def base(self, f: Factor) -> Sum:
        return self(dict(f.body))

    def map(self, f: Factor) -> Sum:
        a, body = self.algebra, dict(f.body)
        children: list[Sum] = [{c: a.ring.one} for c in f.children]
        result = a.mapped(f.label, body, [*children, self(body)]) if body else {}
        for i, c in enumerate(f.children):
            if inner := self.term(c):
                accumulate(result, a.mapped(f.label, body, [*children[:i], inner, *children[i + 1 :]]))
        return nonzero(result)

    def moved(self, f: Factor) -> Sum:
        """D d^kL(p)[m, ...] [u] = d^(k+1)L(p)[m, ..., D p [u]] + d^kL(p)[D m [u], ...] + ..."""
        a, point = self.algebra, dict(f.body)
        children: list[Sum] = [{c: a.ring.one} for c in f.children]
        result = a.node_of_sums(f.label, [*children, self(point)], point)
        for i, c in enumerate(f.children):
            if inner := self.term(c):
                accumulate(result, a.node_of_sums(f.label, [*children[:i], inner, *children[i + 1 :]], point))
        return nonzero(result)

    def word(self, f: Factor) -> Sum:
        a = self.algebra
        if f.label == TRANSPOSED:
            return a.transposed(self.term(f.children[0]))
        result: Sum = {}
        letters: list[Sum] = [{m: a.ring.one} for m in f.children]
        for i, m in enumerate(f.children):
            if inner := self.term(m):
                accumulate(result, a.word_of_sums([*letters[:i], inner, *letters[i + 1 :]]))
        return nonzero(result)


class Adjoint(Cases[Callable[[Sum], Sum]]):
    """w -> (D m)^T w for the derivative with respect to one state variable; nodes must be derivatives of a loss."""

    def __init__(self, algebra: Algebra, variable: str = "theta") -> None:
        self.algebra, self.variable = algebra, variable

    def __call__(self, total: Sum, w: Sum) -> Sum:
        """The vector G with sum_i w_i D m_i [u] = <G, u>; a scalar m with the scalar w = 1 gives the gradient."""
        result: Sum = {}
        for t, c in total.items():
            for f, e in t.factors:
                cotangent = self.algebra.product(self.algebra.scale(w, c), _without_one(self.algebra, t, f, e))
                if cotangent:
                    accumulate(result, self._factor(f, cotangent))
        return nonzero(result)

    def _factor(self, f: Factor, w: Sum) -> Sum:
        if f.scalar and not all(t.scalar for t in w):
            w = self.algebra.contract(w)
        return self.of_kind(f)(w)

    def state(self, f: Factor) -> Callable[[Sum], Sum]:
        a = self.algebra
        if not is_loss(f, a):
            return lambda w: w if f.label == self.variable else {}
        label = a.losses[f.label].get(self.variable)
        return lambda w: a.product(w, a.node_sum(label, [])) if label else {}

    def node(self, f: Factor) -> Callable[[Sum], Sum]:
        function = self.algebra.functions[f.label]
        points = [(self.variable, self.algebra.state(self.variable))] if self.variable in function.slots else []
        return lambda w: self._of_derivative(f, w, points, None)

    def moved(self, f: Factor) -> Callable[[Sum], Sum]:
        points = [(x, dict(p)) for x, p in zip(f.slots, arguments(f), strict=True)]
        return lambda w: self._of_derivative(f, w, points, dict(f.body))

    def _of_derivative(self, f: Factor, w: Sum, points: Sequence[tuple[str, Sum]], base: Sum | None) -> Sum:
        """Through every argument of the function (its slot, and what stands there), and every child."""
        a, function = self.algebra, self.algebra.functions[f.label]
        assert function.is_loss, "the transposed derivative of a general vector field is no term"
        children: list[Sum] = [{c: a.ring.one} for c in f.children]
        result: Sum = {}
        for slot, point in points:
            accumulate(result, self(point, a.node_of_sums(function.at(slot), [*children, w], base)))
        for i, child in enumerate(children):
            label = function.at(function.slot(space_of(f.children[i])))
            accumulate(result, self(child, a.node_of_sums(label, [*children[:i], *children[i + 1 :], w], base)))
        return result

    def contraction(self, f: Factor) -> Callable[[Sum], Sum]:
        return lambda w: self({f.children[0]: self.algebra.ring.one}, self.algebra.contract(w, f.label) if f.label else w)

    def absolute(self, f: Factor) -> Callable[[Sum], Sum]:
        return lambda w: self({f.children[0]: self.algebra.ring.one}, self.algebra.product(_sign(self.algebra, f), w))

    def root(self, f: Factor) -> Callable[[Sum], Sum]:
        return lambda w: {}

    def base(self, f: Factor) -> Callable[[Sum], Sum]:
        return lambda w: self(dict(f.body), w)

    def map(self, f: Factor) -> Callable[[Sum], Sum]:
        """p at each component has a diagonal derivative; the transpose of another map's is no term."""
        a, body = self.algebra, dict(f.body)
        if not a.is_componentwise(f.label):
            raise ReductionError(f"the transposed derivative of the map {f.label} is no term of the formula language")
        slope = a.mapped(f.label, body, [a.constant(a.ring.one)])
        return lambda w: self(body, a.product(slope, w))

    def word(self, f: Factor) -> Callable[[Sum], Sum]:
        """<w, x @ m @ y> = <x.T @ w @ y.T, m>."""
        a = self.algebra
        letters: list[Sum] = [{m: a.ring.one} for m in f.children]
        if f.label == TRANSPOSED:
            return lambda w: self(letters[0], a.transposed(w))
        turned = [a.transposed(m) for m in letters]

        def image(w: Sum) -> Sum:
            result: Sum = {}
            for i, m in enumerate(letters):
                accumulate(result, self(m, a.word_of_sums([*turned[:i][::-1], w, *turned[i + 1 :][::-1]])))
            return result

        return image


def gradient(algebra: Algebra, scalar: Sum, variable: str = "theta") -> Sum:
    """The gradient of a scalar sum with respect to theta, or to another vector state variable.

    >>> from derive.algebra.coefficients import Ring
    >>> from derive.algebra.terms import combination_text
    >>> a = Algebra(Ring()); g = a.node_sum("L", [])
    >>> combination_text(a.sorted(gradient(a, a.contract(a.product(g, g)))))
    '2*hess(grad)'
    """
    return Adjoint(algebra, variable)(scalar, algebra.constant(algebra.ring.one))


def same(algebra: Algebra, a: Sum, b: Sum) -> bool:
    """Equality as functions."""
    return algebra.is_zero(algebra.add(a, {t: -c for t, c in b.items()}))


def mentions(term: Term, labels: frozenset[str]) -> bool:
    """Whether a state variable with one of these labels stands anywhere in the term."""
    return any(f.kind == "state" and f.label in labels for f in within(term))


def contains(term: Term, f: Factor) -> int:
    """How often the factor stands in the term, exponents not counted."""
    return sum(g is f for g in within(term))


class Transfer(Fold[Sum]):
    """Sums of one algebra in another: coefficients are carried over (or substituted), terms are built anew.

    `values` gives symbols that the target replaces, as elements of the target's ring.
    """

    def __init__(self, source: Algebra, target: Algebra, values: Mapping[str, Ratio] | None = None) -> None:
        super().__init__()
        self.source, self.target, self.values = source, target, values or {}

    def __call__(self, total: Sum) -> Sum:
        if self.source is self.target and not self.values:
            return total
        result: Sum = {}
        for t, c in total.items():
            accumulate(result, self.target.scale(self.term(t), self.coefficient(c)))
        return nonzero(result)

    def coefficient(self, c: Ratio) -> Ratio:
        return c.substitute(self.values, self.target.ring)

    def one(self) -> Sum:
        return {self.target.unit: self.target.ring.one}

    def times(self, a: Sum, b: Sum) -> Sum:
        return self.target.product(a, b)

    def power(self, value: Sum, exponent: Exponent, f: Factor) -> Sum:
        return self.target.power(value, Fraction(exponent))

    def state(self, f: Factor) -> Sum:
        return loss_term(self.target) if f.label == self.source.loss else self.target.state(f.label, f.scalar)

    def node(self, f: Factor) -> Sum:
        return self.target.node_of_sums(f.label, [self.term(c) for c in f.children])

    def contraction(self, f: Factor) -> Sum:
        return self.target.contract(self.term(f.children[0]), f.label)

    def absolute(self, f: Factor) -> Sum:
        return self.target.absolute(self.term(f.children[0]))

    def root(self, f: Factor) -> Sum:
        value = self.target.constant(self.coefficient(f.body[0][1]))
        return self.target.absolute(value) if f.label == "abs" else value

    def base(self, f: Factor) -> Sum:
        return self(dict(f.body))

    def map(self, f: Factor) -> Sum:
        return self.target.mapped(f.label, self(dict(f.body)), [self.term(c) for c in f.children])

    def moved(self, f: Factor) -> Sum:
        return self.target.node_of_sums(f.label, [self.term(c) for c in f.children], self(dict(f.body)))

    def word(self, f: Factor) -> Sum:
        letters = [self.term(m) for m in f.children]
        return self.target.transposed(letters[0]) if f.label == TRANSPOSED else self.target.word_of_sums(letters)
