"""Formulas as linear combinations of products, so that two of them can be compared coefficient by coefficient.

A term is a product of factors, each to a rational power:

    ("name", x)                  grad, theta, slow variables, t, r, dr, ...
    ("node", f, (u, v, ..), p)   the derivative f = hess, d3, ... contracted with the terms u, v, ...; of a declared loss f is
                                 "g.x" and each term stands with its space, as mixed derivatives commute;  p is the point, one
                                 combination an argument of the function (f is "L" or "g.x" then), nothing for the present one
    ("dot", u)                   the sum over the components of u
    ("size", x)                  |x|;  x^2 = |x|^2, so that the power of any other factor is 0 or 1
    ("power", b)                 the combination b, under a root or in a denominator

Equal factors are collected, whole powers multiplied out, and a b^e with p the leading part of b becomes m b^(e+1) - m (b - p) b^e
where a = m p.  The rules replace equals by equals, so a difference that is empty is zero; they do not find every identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any

from flint import fmpq

from derive.language import Call, Expression, Name, Number, Operation, constant, unparse
from derive.language.calls import CALLS as SCHEME_CALLS
from derive.language.calls import ELSEWHERE, Partial, partial_of
from derive.scheme.names import UNKNOWNS
from verify.numbers.power_series import IrrationalRoot, rational_power, to_fmpq
from verify.problems.formula import DERIVATIVES

Factor = tuple[Any, ...]
Term = tuple[tuple[Factor, Fraction], ...]
Combination = dict[Term, fmpq]

ONE: Term = ()
HALF = Fraction(1, 2)


class NoNormalForm(Exception):
    """The formula is no combination of terms with rational coefficients."""


def collected(items: Iterable[tuple[Term, fmpq]]) -> Combination:
    """Sum of (term, coefficient) pairs, zeros left out."""
    total: Combination = {}
    for t, c in items:
        total[t] = total[t] + c if t in total else c
    return {t: c for t, c in total.items() if c != 0}


def difference(a: Mapping[Term, fmpq], b: Mapping[Term, fmpq]) -> Combination:
    """a - b."""
    return collected([*a.items(), *((t, -c) for t, c in b.items())])


def _term(powers: Mapping[Factor, Fraction]) -> Term:
    """The product with x^e = x^(e mod 2) |x|^(e - e mod 2) for names, nodes and sums."""
    found: dict[Factor, Fraction] = {}
    for x, e in powers.items():
        if x[0] in ("size", "power"):
            found[x] = found.get(x, Fraction(0)) + e
            continue
        odd = Fraction(e % 2)
        size = ("size", x)
        found[x] = found.get(x, Fraction(0)) + odd
        found[size] = found.get(size, Fraction(0)) + e - odd
    return tuple(sorted((x, e) for x, e in found.items() if e))


def _times(a: Term, b: Term) -> Term:
    powers = dict(a)
    for x, e in b:
        powers[x] = powers.get(x, Fraction(0)) + e
    return _term(powers)


def _height(item: tuple[Term, fmpq]) -> tuple[Fraction, Term]:
    """The leading part of a base: of the highest degree, named in a fixed order."""
    return sum((e for _, e in item[0]), Fraction(0)), item[0]


def _distributes(term: Term) -> bool:
    """Whether the root of the product is the product of the roots: all factors but one are positive where they are real."""
    others = [x for x, e in term if not (x[0] == "size" or (x[0] == "power" and e.denominator % 2 == 0))]
    return len(others) <= 1 and all(x[0] != "power" for x in others)


@dataclass
class NormalForms:
    """Normal forms where the names in `values` are numbers and those in `scalars` have no components.

    >>> from verify.problems.formula import parsed
    >>> forms = NormalForms({"beta": fmpq(1, 2)}, frozenset())
    >>> text = "hess(grad/(1 - beta)) - grad**2/(grad**2 + beta)**(1/2)"
    >>> {forms.text(t): c for t, c in forms.of(parsed(text)).items()}
    {'hess(grad)': 2, '(1/2 + grad**2)**(1/2)': -1, '(1/2 + grad**2)**(-1/2)': 1/2}
    """

    values: Mapping[str, Any]
    scalars: frozenset[str]
    unknowns: Sequence[str] = UNKNOWNS
    _known: dict[Expression, Combination] = field(default_factory=dict)

    def of(self, expression: Expression) -> Combination:
        """The normal form.  Raises NoNormalForm, ZeroDivisionError."""
        found = self._known.get(expression)
        if found is None:
            found = self._known[expression] = self._read(expression)
        return found

    def _read(self, expression: Expression) -> Combination:
        match expression:
            case Number(value):
                return collected([(ONE, to_fmpq(value))])
            case Name(id):
                return collected([(ONE, self.values[id])]) if id in self.values else {((("name", id), Fraction(1)),): fmpq(1)}
            case Operation("neg", (a,)):
                return difference({}, self.of(a))
            case Operation("+", (a, b)):
                return difference(self.of(a), difference({}, self.of(b)))
            case Operation("-", (a, b)):
                return difference(self.of(a), self.of(b))
            case Operation("*", (a, b)):
                return self.multiply(self.of(a), self.of(b))
            case Operation("/", (a, b)):
                return self.multiply(self.of(a), self.power(self.of(b), Fraction(-1)))
            case Operation("**", (a, b)) if (exponent := constant(b)) is not None:
                return self.power(self.of(a), exponent)
            case Call(function, args):
                return self._call(function, [self.of(a) for a in args])
        raise NoNormalForm(unparse(expression))

    def _call(self, function: str, args: Sequence[Combination]) -> Combination:
        if function in DERIVATIVES:
            return self._node(function, args, [""] * len(args))
        if function in ELSEWHERE and self._is_present(args):
            return {((("name", function), Fraction(1)),): fmpq(1)}
        if function in ELSEWHERE:
            return self._node(SCHEME_CALLS[function].label, [], [], args)
        if partial := partial_of(function):
            point, directions = partial.divided(args)
            named = any(partial.variables)
            return self._node(
                partial.label, directions, partial.variables[1:], () if named and self._is_present(point) else point
            )
        match function:
            case "sqrt":
                return self.power(args[0], HALF)
            case "abs":
                return self.power(self.multiply(args[0], args[0]), HALF)
            case "sign":
                return self.multiply(args[0], self.power(self.multiply(args[0], args[0]), -HALF))
            case "dot":
                return self._summed(self.multiply(args[0], args[1]))
            case "norm":
                return self.power(self._summed(self.multiply(args[0], args[0])), HALF)
        raise NoNormalForm(function)

    # ------------------------------------------------------------------------------------------ products

    def multiply(self, a: Mapping[Term, fmpq], b: Mapping[Term, fmpq]) -> Combination:
        """Product of two combinations."""
        pairs = product(a.items(), b.items())
        return collected((u, x * y * c) for (s, x), (t, y) in pairs for u, c in self._reduced(_times(s, t)))

    def _reduced(self, term: Term) -> Iterable[tuple[Term, fmpq]]:
        """A term with whole powers of bases multiplied out and their leading parts eliminated."""
        for x, e in term:
            if x[0] != "power":
                continue
            content = dict(x[1])
            rest = {y: f for y, f in term if y != x}
            if e.denominator == 1 and e > 0:
                return self.multiply({tuple(rest.items()): fmpq(1)}, self.power(content, e)).items()
            lead, c = max(content.items(), key=_height)
            if c == 1 and lead != ONE and all(rest.get(y, 0) >= f > 0 for y, f in lead):
                return self._eliminated(x, e, rest, lead)
        return [(term, fmpq(1))]

    def _eliminated(self, x: Factor, e: Fraction, rest: dict[Factor, Fraction], lead: Term) -> Iterable[tuple[Term, fmpq]]:
        """m p b^e = m b^(e+1) - m (b - p) b^e, where the coefficient of p in b is one."""
        outer = _term({**rest, **{y: rest[y] - f for y, f in lead}})
        raised = self.multiply({outer: fmpq(1)}, {((x, e + 1),): fmpq(1)})
        others = {t: a for t, a in x[1] if t != lead}
        return difference(raised, self.multiply({_times(outer, ((x, e),)): fmpq(1)}, others)).items()

    def power(self, b: Mapping[Term, fmpq], r: Fraction) -> Combination:
        """b^r: a product of powers for one term, else a new factor with coefficient one at its leading part.

        Raises NoNormalForm for a root of a number that is not rational, ZeroDivisionError for a negative power of zero.
        """
        if r.denominator == 1 and r >= 0:
            result: Combination = {ONE: fmpq(1)}
            for _ in range(int(r)):
                result = self.multiply(result, b)
            return result
        if not b:
            raise ZeroDivisionError
        lead, c = max(b.items(), key=_height)
        try:
            scale = rational_power(c, r)
        except IrrationalRoot:
            if lead == ONE:
                raise NoNormalForm(f"{c}**({r})") from None
            c, scale = fmpq(1), fmpq(1)
        if len(b) == 1 and c == b[lead] and (r.denominator == 1 or _distributes(lead)):
            return {t: x * scale for t, x in self._reduced(_term({x: e * r for x, e in lead}))}
        base = ("power", tuple(sorted((t, x / c) for t, x in b.items())))
        return {t: x * scale for t, x in self._reduced(((base, r),))}

    # ------------------------------------------------------------------------------------------ scalars and derivatives

    def _is_scalar(self, x: Factor) -> bool:
        match x[0]:
            case "name":
                return x[1] in self.scalars
            case "size":
                return self._is_scalar(x[1])
            case "power":
                return all(self._is_scalar(y) for t, _ in x[1] for y, _ in t)
        return bool(x[0] == "dot")

    def _split(self, term: Term) -> tuple[Term, Term]:
        """term = scalar factors * the rest."""
        outer = tuple(p for p in term if self._is_scalar(p[0]))
        return outer, tuple(p for p in term if p not in outer)

    def _is_present(self, point: Sequence[Combination]) -> bool:
        """Whether the arguments of a function are unknowns; each is in a space of its own, so no two change places."""
        present = [{((("name", x), Fraction(1)),): fmpq(1)} for x in self.unknowns]
        return all(a in present for a in point)

    def _node(
        self, function: str, args: Sequence[Combination], spaces: Sequence[str], point: Sequence[Combination] = ()
    ) -> Combination:
        """Linear in every slot, symmetric, scalars come out."""
        place = tuple(tuple(sorted(a.items())) for a in point)
        total: Combination = {}
        for chosen in product(*(a.items() for a in args)):
            outer: Combination = {ONE: fmpq(1)}
            inner = []
            for term, c in chosen:
                scalar, vector = self._split(term)
                outer = self.multiply(outer, {scalar: c})
                inner.append(vector)
            node = ("node", function, tuple(sorted(zip(inner, spaces, strict=True))), place)
            total = difference(total, difference({}, self.multiply(outer, {((node, Fraction(1)),): fmpq(1)})))
        return total

    def _summed(self, a: Combination) -> Combination:
        total: Combination = {}
        for term, c in a.items():
            scalar, vector = self._split(term)
            part = self.multiply({scalar: c}, {((("dot", vector), Fraction(1)),): fmpq(1)})
            total = difference(total, difference({}, part))
        return total

    # ------------------------------------------------------------------------------------------ text

    def text(self, term: Term) -> str:
        """The term in the formula language."""
        powers, pieces = dict(term), []
        for x, e in sorted(term, key=_place):
            if x[0] == "size" and not _even(e):
                pieces.append(_power_text(f"abs({self._factor_text(x[1])})", e))
            elif x[0] == "size":
                if x[1] not in powers:
                    pieces.append(_power_text(self._factor_text(x[1]), e))
            else:
                size = powers.get(("size", x), Fraction(0))
                pieces.append(_power_text(self._factor_text(x), e + size if _even(size) else e))
        return "*".join(pieces) or "1"

    def _dot_text(self, inner: Term) -> str:
        if len(inner) == 1 and inner[0][1] == 2:  # |x|^2
            x = self._factor_text(inner[0][0][1])
            return f"dot({x}, {x})"
        return f"dot({self.text(inner[:1])}, {self.text(inner[1:])})"

    def _factor_text(self, x: Factor) -> str:
        match x:
            case ("name", name):
                return str(name)
            case ("node", function, arguments, point):
                terms, places = [self.text(t) for t, _ in arguments], list(map(self._sum_text, point))
                if partial := partial_of(function):
                    whole = Partial(partial.loss, (*partial.variables, *(x for _, x in arguments)))
                    loss = f"{partial.loss}({', '.join(places)})" if places else partial.loss
                    return f"{whole.written}({', '.join((loss, *partial.variables, *terms))})"
                if places:
                    function = Partial(function, ("",) * (1 + len(terms))).written
                return f"{function}({', '.join((*places, *terms))})"
            case ("dot", inner):
                return self._dot_text(inner)
        return f"({self._sum_text(x[1])})"

    def _sum_text(self, items: Sequence[tuple[Term, fmpq]]) -> str:
        return " + ".join(self.text(t) if c == 1 else str(c) if t == ONE else f"{c}*{self.text(t)}" for t, c in items) or "0"


def _even(e: Fraction) -> bool:
    return e % 2 == 0


def _place(item: tuple[Factor, Fraction]) -> int:
    """In a text: names, bases, scalar products, derivatives."""
    x = item[0][1] if item[0][0] == "size" else item[0]
    return ("name", "power", "dot", "node").index(x[0])


def _power_text(base: str, e: Fraction) -> str:
    return base if e == 1 else f"{base}**{e}" if e > 0 and e.denominator == 1 else f"{base}**({e})"
