"""Known functions of one number, at each component: exp, log, sin, cos, tanh, sigmoid, softplus, atan, erf.

    y = f(u), and y' from x = u and y:   the table SLOPES, from which every derivative and every power series follows

Normal form, so that equal fields meet:
  exp         exp(sum_i c_i m_i) = product of exp(p_i m_i)^(q_i), c_i = q_i p_i with q_i rational: exp(2u) is exp(u)^2 and
              exp(u - v) is exp(u)/exp(v); exp(log(u)) = u, and exp(r log(u)) = u^r
  log         of a product of positive factors, the sum of their logarithms; log(exp(u)) = u
  sin, cos    sin(u)^2 = 1 - cos(u)^2
  parity      f(-u) for sin, cos, tanh, atan, erf, and sigmoid(-u) = 1 - sigmoid(u), softplus(-u) = softplus(u) - u: the argument
              whose leading coefficient is positive is written
Equality tests also write tanh, sigmoid and softplus by exp and log (`in_exponentials`).  erf' = derf is 2/sqrt(pi) exp(-u^2).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.normal import Sum, reduced
from derive.algebra.polynomials import factor
from derive.algebra.powers import Powers
from derive.algebra.terms import Term
from derive.errors import ReductionError
from derive.language import Arithmetic, Call, Expression, Name, Operation, interpret, parse_expression

if TYPE_CHECKING:
    from derive.algebra.terms import Factor

#: y' of y = f(x), in x and y
SLOPES = {
    "exp": "y",
    "log": "1/x",
    "sin": "cos(x)",
    "cos": "-sin(x)",
    "tanh": "1 - y**2",
    "sigmoid": "y - y**2",
    "softplus": "sigmoid(x)",
    "atan": "1/(1 + x**2)",
    "erf": "derf(x)",
    "derf": "-2*x*y",
}
_AT_ZERO: dict[str, int | Fraction] = {"exp": 1, "sin": 0, "cos": 1, "tanh": 0, "sigmoid": Fraction(1, 2), "atan": 0, "erf": 0}
#: (a, b, c) with f(-x) = a f(x) + b x + c
_PARITY = {
    "sin": (-1, 0, 0), "tanh": (-1, 0, 0), "atan": (-1, 0, 0), "erf": (-1, 0, 0), "cos": (1, 0, 0), "derf": (1, 0, 0),
    "sigmoid": (-1, 0, 1), "softplus": (1, -1, 0),
}  # fmt: skip
_POSITIVE = ("exp", "sigmoid", "softplus", "derf")
_IN_EXPONENTIALS = {"tanh": "1 - 2/(exp(2*x) + 1)", "sigmoid": "1 - 1/(exp(x) + 1)", "softplus": "log(exp(x) + 1)"}


@cache
def _read(text: str) -> Expression:
    return parse_expression(text, "a known function", dict.fromkeys(SLOPES, 1))


def slope_of(name: str) -> Expression:
    """y' in x and y for y = name(x).

    >>> from derive.language import unparse
    >>> unparse(slope_of("tanh"))
    '1 - y**2'
    """
    return _read(SLOPES[name])


class KnownFunctions(Powers):
    """Values of known functions over one ring."""

    def known(self, name: str, u: Sum) -> Sum:
        """The normal form of name(u), for a name of `SLOPES`.

        >>> from derive.algebra.coefficients import Ring; from derive.algebra.sums import Algebra
        >>> a = Algebra(Ring(["eps"])); g = a.node_sum("L", []); half = a.ring.constant(Fraction(-1, 2))
        >>> a.known("exp", a.add(a.scale(g, half), a.constant(a.ring.symbol("eps")))), a.known("sigmoid", a.scale(g, half))
        ({exp(eps)*exp(grad)**(-1/2): 1}, {sigmoid(1/2*grad): -1, 1: 1})
        """
        u = reduced(u)
        if not u and name in _AT_ZERO:
            return self.constant(self.ring.constant(Fraction(_AT_ZERO[name])))
        if name == "exp":
            return self._exponential(u)
        if name == "log":
            return self._logarithm(u)
        if name in _PARITY and _leads_with_minus(u):
            a, b, c = (self.ring.constant(Fraction(x)) for x in _PARITY[name])
            opposite = self.scale(u, -self.ring.one)
            shifted = self.add(self.scale(opposite, b), self.constant(c))
            return self.add(self.scale(self._value(name, opposite), a), shifted)
        return self._value(name, u)

    def slope(self, name: str, u: Sum) -> Sum:
        """Its derivative with respect to u."""
        return interpret(slope_of(name), _Sums(self, u, self.known(name, u)))

    def in_exponentials(self, name: str, u: Sum) -> Sum:
        """The same value by exp and log, where it has one."""
        text = _IN_EXPONENTIALS.get(name)
        return interpret(_read(text), _Sums(self, u, {})) if text else self.known(name, u)

    def _value(self, name: str, u: Sum) -> Sum:
        body = tuple(sorted(u.items(), key=lambda i: i[0].key)) or ((self.unit, self.ring.zero),)
        scalar = all(t.scalar for t, _ in body)
        return {self.interner.term({self.interner.factor("map", name, (), scalar, body, name in _POSITIVE): 1}): self.ring.one}

    def _exponential(self, u: Sum) -> Sum:
        result: Sum = {self.unit: self.ring.one}
        for term, c in u.items():
            for q, p in _parts(c):
                result = self.product(result, self._one_exponential(term, q, p))
        return result

    def _one_exponential(self, term: Term, q: Fraction, p: Ratio) -> Sum:
        """exp(q p term)."""
        inner = _single(term, "log")
        if inner is not None and p == 1:
            return self.power(dict(inner.body), q)
        (basis,) = self._value("exp", {term: p})
        return self.power({basis: self.ring.one}, q)

    def _logarithm(self, u: Sum) -> Sum:
        if not u:
            raise ReductionError("zero under a logarithm")
        if len(u) > 1:
            return self._value("log", u)
        ((term, c),) = u.items()
        if not all(f.positive for f, _ in term.factors):
            return self._value("log", u)
        result: Sum = {} if c == 1 else self._value("log", self.constant(c))
        for f, e in term.factors:
            own = self.interner.term({f: 1})
            inner = _single(own, "exp")
            value = dict(inner.body) if inner is not None else self._value("log", {own: self.ring.one})
            result = self.add(result, self.scale(value, self.ring.constant(Fraction(e))))
        return result


class _Sums(Arithmetic):
    """Expressions in x and y as sums of terms."""

    def __init__(self, algebra: KnownFunctions, x: Sum, y: Sum) -> None:
        self.algebra, self.names = algebra, {"x": x, "y": y}

    def number(self, value: Fraction) -> Sum:
        return self.algebra.constant(self.algebra.ring.constant(value))

    def name(self, node: Name) -> Sum:
        return self.names[node.id]

    def negate(self, a: Sum) -> Sum:
        return self.algebra.scale(a, -self.algebra.ring.one)

    def add(self, a: Sum, b: Sum, node: Operation) -> Sum:
        return self.algebra.add(a, b)

    def subtract(self, a: Sum, b: Sum, node: Operation) -> Sum:
        return self.algebra.add(a, self.negate(b))

    def multiply(self, a: Sum, b: Sum, node: Operation) -> Sum:
        return self.algebra.product(a, b)

    def divide(self, a: Sum, b: Sum, node: Operation) -> Sum:
        return self.algebra.product(a, self.algebra.power(b, Fraction(-1)))

    def power(self, base: Sum, exponent: Fraction, node: Operation) -> Sum:
        return self.algebra.power(base, exponent)

    def call(self, node: Call, args: Sequence[Sum]) -> Sum:
        return self.algebra.known(node.function, args[0])


def _parts(c: Ratio) -> list[tuple[Fraction, Ratio]]:
    """(q, p) with c = sum of q p, q rational: one for each monomial of the numerator."""
    ring, bottom = c.ring, c.reduced().den
    found = []
    for exponents, number in c.reduced().num.to_dict().items():
        p = Ratio(ring, ring.context.from_dict({exponents: 1}), bottom).reduced()
        found.append((Fraction(int(number.p), int(number.q)), p))
    return found


def _single(term: Term, name: str) -> Factor | None:
    """The value of the known function that the term is, if it is one."""
    if len(term.factors) == 1 and term.factors[0][1] == 1:
        f = term.factors[0][0]
        if f.kind == "map" and f.label == name:
            return f
    return None


def _leads_with_minus(u: Sum) -> bool:
    if not u:
        return False
    content, _ = factor(u[max(u, key=lambda t: t.key)].reduced().num)
    return bool(content < 0)
