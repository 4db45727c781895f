"""Sums of terms as series in gamma: their value at another point, and with state variables replaced by series.

    composed(w, m, {"theta": x, "eta": y})       m at theta -> x, eta -> y, as a power series in gamma

Every derivative of L in m is taken at x = theta + gamma delta_1 + ... by grafting, and its arguments are composed too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce

from flint import fmpq

from derive.algebra.calculus import is_loss
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import Fold, within
from derive.algebra.normal import Sum, accumulate, nonzero
from derive.algebra.sums import Algebra
from derive.algebra.terms import TRANSPOSED, Exponent, Factor, Term, arguments, as_exponent
from derive.engine.calls import Gradient, Mapped, Value
from derive.engine.roots import Magnitude, Power
from derive.engine.series import Context, Contraction, MatrixProduct, Place, Plus, Series, Times, Transposed
from derive.errors import ReductionError

Bags = dict[tuple[Term, ...], Ratio]  # multisets of terms (sorted tuples) with coefficients


class Workspace:
    """A context for series of its own: no unknowns, no scheme."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra, self.functions = algebra, algebra.functions
        self.solution: Mapping[str, Mapping[int, Sum]] = {}
        self.unsolved: set[str] = set()
        self.all_series: list[Series] = []
        self.exploring = False
        self.begins: Mapping[int, Exponent] = {}

    def fail(self, message: str, place: Place | None = None) -> ReductionError:
        return ReductionError(message)

    def after(self, name: str, power: int) -> Sum:
        raise AssertionError("no step number here")

    def missing(self, name: str) -> Sum:
        raise AssertionError("no unknowns here")

    def is_missing(self, value: Sum) -> bool:
        return False

    def unknown(self) -> Sum:
        return {}

    def is_tentative(self, k: int) -> bool:
        return False

    def vanishes(self, root: int, v: Exponent, following: Exponent, what: str, place: Place | None) -> ReductionError:
        return self.fail(f"the leading part (gamma -> 0) vanishes {what}; add a positive constant such as eps there")

    def check_settled(self, leading: Sum, place: Place | None, stands: str = "") -> None:
        """No step number, no transients."""


class Given(Series):
    """Known coefficients, by power of gamma."""

    def __init__(self, context: Context, coefficients: Sequence[Sum] | Mapping[Exponent, Sum]) -> None:
        super().__init__(context)
        by_power = enumerate(coefficients) if isinstance(coefficients, Sequence) else coefficients.items()
        self.coefficients: dict[Exponent, Sum] = dict(by_power)
        self.low = min(0, *self.coefficients) if self.coefficients else 0

    def compute(self, k: Exponent) -> Sum:
        return self.coefficients.get(k, {})


class Quotient(Series):
    """x / gamma^power."""

    def __init__(self, x: Series, power: int) -> None:
        super().__init__(x.context, x.place)
        self.x, self.power, self.low, self.step = x, power, as_exponent(x.low - power), x.step

    def compute(self, k: Exponent) -> Sum:
        return self.x.at(as_exponent(k + self.power))


class Node(Gradient):
    """d^(m+1)L[c_1, ..., c_m] at a point x_0 + delta: sum over multisets M of delta's terms of d^(m+|M|+1)L(x_0)[c, M]."""

    def __init__(
        self, point: Mapping[str, Series], label: str, children: Sequence[Series], place: Place | None = None
    ) -> None:
        super().__init__(point, label, place)
        self.children = children

    def at_point(self, k: int) -> Sum:
        for series in self.children:
            series.require_whole(k, self.place)
        inner = self._arguments(k)
        base, *delta = [self.increment(j) for j in range(k + 1)]
        outer = _multisets([{}, *delta], k, self.algebra.ring.one)
        base = self.base(base)
        result: Sum = {}
        for w in range(k + 1):
            for (a, x), (b, y) in ((p, q) for p in inner[w].items() for q in outer[k - w].items()):
                accumulate(result, self.algebra.scale(self.algebra.node_sum(self.label, (*a, *b), base), x * y))
        return nonzero(result)

    def _arguments(self, k: int) -> list[Bags]:
        """The fixed arguments, by total power of gamma."""
        bags: list[Bags] = [{} for _ in range(k + 1)]
        bags[0][()] = self.algebra.ring.one
        for child in self.children:
            bags = [_join([(bags[i], child.at(w - i)) for i in range(w + 1)]) for w in range(k + 1)]
        return bags


def _join(pairs: Sequence[tuple[Bags, Sum]]) -> Bags:
    result: Bags = {}
    for bags, total in pairs:
        for bag, x in bags.items():
            for t, c in total.items():
                key = tuple(sorted((*bag, t), key=lambda term: term.key))
                result[key] = result[key] + x * c if key in result else x * c
    return {bag: c for bag, c in result.items() if c}


def _multisets(delta: Sequence[Sum], k: int, one: Ratio) -> list[Bags]:
    """exp(gamma delta_1 + gamma^2 delta_2 + ...) over multisets E:  w E_w = sum_j j delta_j E_(w-j)."""
    result: list[Bags] = [{(): one}]
    for w in range(1, k + 1):
        parts = [(result[w - j], {t: c.scaled(fmpq(j, w)) for t, c in delta[j].items()}) for j in range(1, w + 1)]
        result.append(_join(parts))
    return result


def composed(context: Context, total: Sum, states: Mapping[str, Series]) -> Series:
    """The sum as a series, with state variables replaced; the unknowns are also the point of every derivative."""
    return _Composer(context, states).total(total)


class _Composer(Fold[Series]):
    def __init__(self, context: Context, states: Mapping[str, Series]) -> None:
        super().__init__()
        self.context, self.states, self.algebra = context, states, context.algebra
        self.labels = frozenset(states)
        self.unity = self.given({self.algebra.unit: self.algebra.ring.one})

    def given(self, value: Sum) -> Given:
        return Given(self.context, [value])

    def total(self, total: Sum) -> Series:
        fixed = {t: c for t, c in total.items() if not self.moves(t)}
        result: Series = self.given(fixed)
        for t, c in total.items():
            if t not in fixed:
                result = Plus(result, Times(self.given(self.algebra.constant(c)), self.term(t)))
        return result

    def moves(self, term: Term) -> bool:
        """Whether a replaced state variable stands in the term, or a derivative at a replaced point."""
        moved = {label for label, f in self.context.functions.items() if self.labels & set(f.slots)}
        return any(
            f.label in (moved if f.kind == "node" else self.labels) or bool(self.labels & self._slots(f).keys())
            for f in within(term)
            if f.kind in ("state", "node")
        )

    def _slots(self, f: Factor) -> Mapping[str, str]:
        """The variables of a loss, none for any other factor."""
        return self.algebra.losses[f.label] if is_loss(f, self.algebra) else {}

    def _point(self, slots: Iterable[str]) -> dict[str, Series]:
        return {x: self.states.get(x) or self.given(self.algebra.state(x)) for x in slots}

    def one(self) -> Series:
        return self.unity

    def times(self, a: Series, b: Series) -> Series:
        return b if a is self.unity else Times(a, b)

    def power(self, value: Series, exponent: Exponent, f: Factor) -> Series:
        if not isinstance(exponent, int) or exponent < 1:
            return Power(value, Fraction(exponent), None)
        return reduce(Times, [value] * exponent)

    def state(self, f: Factor) -> Series:
        if self.labels & (slots := self._slots(f)).keys():
            return Value(self._point(slots), None, f.label)
        return self.states.get(f.label) or self.given(self.algebra.state(f.label, f.scalar))

    def node(self, f: Factor) -> Series:
        return Node(self._point(self.context.functions[f.label].slots), f.label, [self.term(c) for c in f.children])

    def contraction(self, f: Factor) -> Series:
        return Contraction(Times(self.unity, self.term(f.children[0])), f.label)

    def absolute(self, f: Factor) -> Series:
        return Magnitude(self.term(f.children[0]), False, None)

    def root(self, f: Factor) -> Series:
        value = self.algebra.constant(f.body[0][1])
        return self.given(self.algebra.absolute(value) if f.label == "abs" else value)

    def base(self, f: Factor) -> Series:
        return self.total(dict(f.body))

    def map(self, f: Factor) -> Series:
        inner = [self.term(c) for c in f.children]
        argument, *directions = [self.total(dict(f.body)), *inner] if f.body else inner
        return Mapped(f.label, argument, directions, None)

    def moved(self, f: Factor) -> Series:
        point = {x: self.total(dict(p)) for x, p in zip(f.slots, arguments(f), strict=True)}
        return Node(point, f.label, [self.term(c) for c in f.children])

    def word(self, f: Factor) -> Series:
        letters = [self.term(c) for c in f.children]
        return Transposed(letters[0]) if f.label == TRANSPOSED else reduce(MatrixProduct, letters)
