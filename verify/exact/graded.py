"""Values known up to coefficients: an exact lead, and the set of terms at every higher power of gamma.

    value  =  lead + {terms at gamma} + {terms at gamma^2} + ...

Above the lead coefficients are forgotten and nothing ever cancels.  Products, gradients and powers of sets are the obvious ones:

    grad(theta + delta)   all d^(k+1)L[m_1..m_k], m_i among delta's terms, powers adding up
    b^r, b = b_0 + rest   all b_0^(r-m) times m factors of rest
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import prod

from flint import fmpq

from derive.language import Call, Expression, Name, Number, Operation, constant, derivative_symbol
from verify.exact.term_algebra import TermAlgebra
from verify.exact.terms import ONE, Combination, NotEnumerable, Term, add, collect, symbol
from verify.numbers.power_series import to_fmpq

MAX_TERMS = 20_000
UNKNOWN = "?"


@dataclass
class Graded:
    """A value: exact lead (None while it is not known yet) and one set of terms for each power of gamma from 1."""

    lead: Combination | None
    higher: list[set[Term]]

    def at(self, k: int) -> Iterable[Term]:
        return self.higher[k - 1] if k else (self.lead or {})

    @property
    def depth(self) -> int:
        return len(self.higher)


@dataclass
class GradedAlgebra:
    """Operations on values known through gamma^width, and expressions evaluated with them."""

    algebra: TermAlgebra
    width: int

    def clock(self, lead: Combination) -> Graded:
        """lead + gamma."""
        return Graded(lead, [{ONE}, *self.empty()[1:]] if self.width else [])

    def empty(self) -> list[set[Term]]:
        return [set() for _ in range(self.width)]

    def divided(self, value: Graded, factor: Graded) -> Graded:
        """value/factor for a rescaled variable; gamma in the factor lowers every power."""
        shift = 0
        while not factor.lead and factor.higher:
            factor, shift = self._lowered(factor), shift + 1
        if not factor.lead:
            return Graded({}, self.empty())
        result = self.product(value, self.power(factor, Fraction(-1)))
        for _ in range(shift):
            result = self._lowered(result)
        return result

    @staticmethod
    def _lowered(value: Graded) -> Graded:
        """value/gamma; the new lead is known up to coefficients, which is enough if it is a single term."""
        terms = value.higher[0] if value.higher else set()
        lead = dict.fromkeys(terms, fmpq(1))
        return Graded(lead, value.higher[1:])

    def constant(self, c: fmpq) -> Graded:
        return Graded({ONE: c} if c != 0 else {}, self.empty())

    def sum(self, a: Graded, b: Graded, factor: int = 1) -> Graded:
        lead = None if a.lead is None or b.lead is None else add(a.lead, b.lead, factor)
        return Graded(lead, [x | y for x, y in zip(a.higher, b.higher, strict=False)])

    def product(self, a: Graded, b: Graded) -> Graded:
        depth = min(a.depth, b.depth)
        higher = [
            {t for i in range(k + 1) for x in a.at(i) for y in b.at(k - i) for t in self.algebra.product(x, y)}
            for k in range(1, depth + 1)
        ]
        return Graded(self._lead_product(a.lead, b.lead), higher)

    def _lead_product(self, a: Combination | None, b: Combination | None) -> Combination | None:
        if a == {} or b == {}:
            return {}
        if a is None or b is None or (_unknown(a) and _unknown(b)):
            return None
        result = self.algebra.multiply(a, b)
        return None if any(_mixed(t) for t in result) else result

    def power(self, a: Graded, r: Fraction) -> Graded:
        if r.denominator == 1 and r >= 0:
            result = self.constant(fmpq(1))
            for _ in range(int(r)):
                result = self.product(result, a)
            return result
        if a.lead is None or _unknown(a.lead):
            return Graded(None, self.empty())
        rest = Graded({}, a.higher)
        total, factor = Graded(self.algebra.power(a.lead, r), self.empty()), self.constant(fmpq(1))
        for m in range(1, a.depth + 1):
            factor = self.product(factor, rest)
            lead = Graded(self.algebra.power(a.lead, r - m), self.empty())
            total = self.sum(total, Graded({}, self.product(lead, factor).higher))
        return total

    def gradient(self, x: Graded) -> Graded:
        """grad(theta + delta), delta without a part at gamma^0."""
        if x.lead is None or _unknown(x.lead):
            return Graded(None, self.empty())
        if x.lead != {symbol("theta"): fmpq(1)}:
            raise NotEnumerable("a gradient at a point that does not tend to theta")
        return Graded(self.algebra.node(()), [self._grafted(x.higher, k) for k in range(1, x.depth + 1)])

    def _grafted(self, delta: Sequence[set[Term]], k: int) -> set[Term]:
        return {t for children in multisets(delta, k) for t in self.algebra.node(children)}

    def time_function(self, name: str, x: Graded) -> Graded:
        """r(t + s) = r(t) + r'(t) s + ..."""
        result = Graded({symbol(name): fmpq(1)}, self.empty())
        for k in range(1, x.depth + 1):
            for children in multisets(x.higher, k):
                product: Combination = {symbol(derivative_symbol(name, len(children))): fmpq(1)}
                for child in children:
                    product = self.algebra.multiply(product, {child: fmpq(1)})
                result.higher[k - 1] |= set(product)
        return result

    # ------------------------------------------------------------------------------------------ expressions

    def evaluate(self, expression: Expression, names: Mapping[str, Graded]) -> Graded:
        match expression:
            case Number(value):
                return self.constant(to_fmpq(value))
            case Name(id):
                return names[id]
            case Operation("neg", (a,)):
                return self.product(self.constant(fmpq(-1)), self.evaluate(a, names))
            case Operation("+" | "-" as op, (a, b)):
                return self.sum(self.evaluate(a, names), self.evaluate(b, names), 1 if op == "+" else -1)
            case Operation("*", (a, b)):
                return self.product(self.evaluate(a, names), self.evaluate(b, names))
            case Operation("/", (a, b)):
                return self._quotient(self.evaluate(a, names), self.evaluate(b, names))
            case Operation("**", (a, b)):
                return self.power(self.evaluate(a, names), constant(b) or Fraction(0))
            case Call(function, args):
                return self._call(function, [self.evaluate(a, names) for a in args])
        raise NotEnumerable(f"{expression} is outside the language")

    def _quotient(self, a: Graded, b: Graded) -> Graded:
        if b.lead is not None and not b.lead:
            return self.divided(a, b)
        return self.product(a, self.power(b, Fraction(-1)))

    def _call(self, function: str, args: list[Graded]) -> Graded:
        match function:
            case "grad" | "field":
                return self.gradient(args[0])
            case "sqrt":
                return self.power(args[0], Fraction(1, 2))
            case "dot":
                return self._summed(self.product(args[0], args[1]))
            case "norm":
                return self.power(self._summed(self.product(args[0], args[0])), Fraction(1, 2))
            case "abs":
                return self.product(args[0], self._sign(args[0]))
            case "sign":
                return self._sign(args[0])
        return self.time_function(function, args[0])

    def _sign(self, x: Graded) -> Graded:
        """sign(x) is that of the lead: it has no higher powers."""
        if x.lead is None or _unknown(x.lead):
            return Graded(None, self.empty())
        square = self.algebra.multiply(x.lead, x.lead)
        return Graded(self.algebra.multiply(x.lead, self.algebra.power(square, Fraction(-1, 2))), self.empty())

    def _summed(self, x: Graded) -> Graded:
        lead = x.lead
        if lead is not None:
            lead = (
                None
                if _unknown(lead)
                else collect((u, c * e) for t, c in lead.items() for u, e in self.algebra.contraction(t).items())
            )
        return Graded(lead, [{u for t in terms for u in self.algebra.contraction(t)} for terms in x.higher])


def multisets(delta: Sequence[set[Term]], k: int) -> Iterable[tuple[Term, ...]]:
    """Multisets of terms whose powers of gamma (delta[i-1] holds those at gamma^i) add up to k."""
    for partition in _partitions(k, min(k, len(delta))):
        yield from _choices(delta, partition)


def _choices(delta: Sequence[set[Term]], partition: Mapping[int, int]) -> Iterable[tuple[Term, ...]]:
    pools = [list(combinations_with_replacement(sorted(delta[i - 1]), m)) for i, m in partition.items()]
    if prod(len(p) for p in pools) > 20 * MAX_TERMS:
        raise NotEnumerable("too many products")
    for chosen in product(*pools):
        yield tuple(t for group in chosen for t in group)


def _partitions(total: int, largest: int) -> Iterable[dict[int, int]]:
    if total == 0:
        yield {}
        return
    for part in range(min(total, largest), 0, -1):
        for count in range(total // part, 0, -1):
            for rest in _partitions(total - count * part, part - 1):
                yield {part: count, **rest}


def _unknown(lead: Combination) -> bool:
    return any(s.startswith(UNKNOWN) for t in lead for s, _ in t[0])


def _mixed(term: Term) -> bool:
    """An unknown that is not alone: the lead would not be affine with constant coefficients."""
    return any(s.startswith(UNKNOWN) for s, _ in term[0]) and (len(term[0]) > 1 or term[0][0][1] > 1 or bool(term[1] or term[2]))
