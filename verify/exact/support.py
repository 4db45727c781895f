"""Which terms a scheme can produce at each power of gamma: its update text, executed on sets of terms.

    value  =  lead + {terms at gamma} + {terms at gamma^2} + ...

The part at gamma^0 (the lead) is exact; above it coefficients are forgotten and nothing ever cancels, so that the sets
contain every term of the true expansion, whatever the coefficients are.  Products, gradients and powers of sets are the
obvious ones:

    grad(theta + delta)   all d^(k+1)L[m_1..m_k], m_i among delta's terms, powers adding up
    b^r, b = b_0 + rest   all b_0^(r-m) times m factors of rest

Memory at gamma^0 is the fixed point of the leading program, affine once the memory it depends on is known; above, the sets
are enlarged until one more step of the scheme adds nothing.  Every operation is monotone and every power has finitely many
terms, so this ends.  None of the derived field is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from math import prod

from flint import fmpq, fmpq_mat

from derive.language import Call, Expression, Name, Number, Operation, constant, derivative_symbol
from derive.scheme import Configuration
from verify.exact.terms import ONE, Combination, NotEnumerable, Term, TermAlgebra, add, collect, symbol
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


class Supports:
    """The supports of every state variable of a configuration, through gamma^depth.

    slow       the slow variables, by the names of the result
    values     a rational for every free parameter
    separate   whether products of denominators are split into partial fractions (`verify.exact.terms`)
    Afterwards `states[name]` is the graded value, `leads[name]` the slow manifold at gamma = 0.
    """

    def __init__(
        self,
        configuration: Configuration,
        slow: Sequence[str],
        values: Mapping[str, Fraction],
        depth: int,
        separate: bool = False,
    ) -> None:
        self.configuration, self.depth = configuration, depth
        self.slow = tuple(dict.fromkeys(("theta", *slow)))
        self.values = {n: to_fmpq(v) for n, v in values.items()}
        scheme = configuration.scheme
        scalars = {configuration.symbol(s) for s in scheme.states if scheme.kinds.get(s) == "scalar"} | {"t"}
        functions = {derivative_symbol(f, k) for f in scheme.functions for k in range(depth + 2)}
        self.algebra = TermAlgebra(scheme.label, scalars | functions, separate)
        self.memory = [configuration.symbol(s) for s in scheme.states if configuration.symbol(s) not in self.slow]
        self._find(0)  # finds the bases, so that every term of the second pass is in normal form
        self._find(min(depth, 2))
        self._find(depth)

    # ------------------------------------------------------------------------------------------ fixed points

    def _find(self, depth: int) -> None:
        self.width = depth + 2 * self._lost_powers()
        self.states = {s: Graded({symbol(s): fmpq(1)}, self._empty()) for s in self.slow}
        self.states |= {m: Graded({symbol(f"{UNKNOWN}{m}"): fmpq(1)}, self._empty()) for m in self.memory}
        self._settle_leads()
        self.leads = {m: dict(self.states[m].lead or {}) for m in self.memory}
        while self._enlarge():
            if sum(len(s) for v in self.states.values() for s in v.higher) > MAX_TERMS:
                raise NotEnumerable(f"more than {MAX_TERMS} products")

    def _lost_powers(self) -> int:
        """The largest power of gamma in the factor of a rescaled variable; dividing by it costs as many powers twice."""
        self.width, powers = 4, [0]
        names = {**{n: self.constant(v) for n, v in self.values.items()}, "gamma": self._time({})}
        names["t"] = self._time({symbol("t"): fmpq(1)})
        for r in self.configuration.rescaled.values():
            factor = self.evaluate(r.factor, names)
            powers.append(next((k for k in range(5) if any(factor.at(k))), 0))
        return max(powers)

    def _time(self, lead: Combination) -> Graded:
        """lead + gamma."""
        return Graded(lead, [{ONE}, *self._empty()[1:]] if self.width else [])

    def _empty(self) -> list[set[Term]]:
        return [set() for _ in range(self.width)]

    def _settle_leads(self) -> None:
        unknown = list(self.memory)
        while unknown:
            new = self.step()
            solvable = self._closed(unknown, new)
            if not solvable:
                raise NotEnumerable(f"the slow manifold of {', '.join(unknown)} at gamma = 0 is not affine")
            for m, lead in self._solve(solvable, new).items():
                self.states[m].lead = lead
            unknown = [m for m in unknown if m not in solvable]

    def _closed(self, unknown: list[str], new: Mapping[str, Graded]) -> list[str]:
        """The unknown variables whose new lead is affine in variables of the same kind."""
        found = [m for m in unknown if new[m].lead is not None]
        while True:
            names = {f"{UNKNOWN}{m}" for m in found}
            kept = [m for m in found if all(s in names for t in new[m].lead or {} for s, _ in t[0] if s.startswith(UNKNOWN))]
            if kept == found:
                return found
            found = kept

    def _solve(self, names: list[str], new: Mapping[str, Graded]) -> dict[str, Combination]:
        """X = A X + R."""
        size, marks = len(names), [symbol(f"{UNKNOWN}{m}") for m in names]
        leads = [new[m].lead or {} for m in names]
        matrix = fmpq_mat([[fmpq(i == j) - leads[i].get(marks[j], fmpq(0)) for j in range(size)] for i in range(size)])
        if matrix.det() == 0:
            raise NotEnumerable(f"{', '.join(names)} does not relax: a relaxation factor is 1")
        inverse = matrix.inv()
        rests = [{t: c for t, c in lead.items() if t not in marks} for lead in leads]
        return {m: collect((t, c * inverse[i, j]) for j in range(size) for t, c in rests[j].items()) for i, m in enumerate(names)}

    def _enlarge(self) -> bool:
        """One step of the scheme; True if it gave new terms."""
        grown = False
        for name, value in self.step().items():
            for old, new in zip(self.states[name].higher, value.higher, strict=False):
                if not new <= old:
                    old |= new
                    grown = True
        return grown

    # ------------------------------------------------------------------------------------------ one step

    def step(self) -> dict[str, Graded]:
        """The supports of the state after one step."""
        c, scheme = self.configuration, self.configuration.scheme
        names: dict[str, Graded] = {n: self.constant(v) for n, v in self.values.items()}
        names["gamma"], names["t"] = self._time({}), self._time({symbol("t"): fmpq(1)})
        names |= {n: self.evaluate(e, names) for n, e in c.bindings.items()}
        factors = {v: self.evaluate(r.factor, names) for v, r in c.rescaled.items()}
        for s in scheme.states:
            value = self.states[c.symbol(s)]
            if s == "theta_prev":
                value = self.sum(self.states["theta"], value)
            names[s] = self.product(value, factors[s]) if s in factors else value
        names["theta_next"] = self.states["theta"]
        before = names["theta"]
        for a in scheme.program:
            names[a.target] = self.evaluate(a.value, names)
        if "theta_prev" in scheme.states:
            old = names["theta_prev"] if "theta_prev" in scheme.assigned else before
            names["theta_prev"] = self.sum(old, names["theta"], -1)
        new = {c.symbol(s): names[s] for s in scheme.states}
        for s, factor in factors.items():
            new[c.symbol(s)] = self._divided(names[s], factor)
        return new

    def _divided(self, value: Graded, factor: Graded) -> Graded:
        """value/factor for a rescaled variable; gamma in the factor lowers every power."""
        shift = 0
        while not factor.lead and factor.higher:
            factor, shift = self._lowered(factor), shift + 1
        if not factor.lead:
            return Graded({}, self._empty())
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

    # ------------------------------------------------------------------------------------------ operations

    def constant(self, c: fmpq) -> Graded:
        return Graded({ONE: c} if c != 0 else {}, self._empty())

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
            return Graded(None, self._empty())
        rest = Graded({}, a.higher)
        total, factor = Graded(self.algebra.power(a.lead, r), self._empty()), self.constant(fmpq(1))
        for m in range(1, a.depth + 1):
            factor = self.product(factor, rest)
            lead = Graded(self.algebra.power(a.lead, r - m), self._empty())
            total = self.sum(total, Graded({}, self.product(lead, factor).higher))
        return total

    def gradient(self, x: Graded) -> Graded:
        """grad(theta + delta), delta without a part at gamma^0."""
        if x.lead is None or _unknown(x.lead):
            return Graded(None, self._empty())
        if x.lead != {symbol("theta"): fmpq(1)}:
            raise NotEnumerable("a gradient at a point that does not tend to theta")
        return Graded(self.algebra.node(()), [self._grafted(x.higher, k) for k in range(1, x.depth + 1)])

    def _grafted(self, delta: Sequence[set[Term]], k: int) -> set[Term]:
        return {t for children in multisets(delta, k) for t in self.algebra.node(children)}

    def time_function(self, name: str, x: Graded) -> Graded:
        """r(t + s) = r(t) + r'(t) s + ..."""
        result = Graded({symbol(name): fmpq(1)}, self._empty())
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
            return self._divided(a, b)
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
            return Graded(None, self._empty())
        square = self.algebra.multiply(x.lead, x.lead)
        return Graded(self.algebra.multiply(x.lead, self.algebra.power(square, Fraction(-1, 2))), self._empty())

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
    from itertools import product

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
