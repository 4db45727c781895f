"""Products of terms in normal form: the rewriting rules of `terms`, as a table of small steps.

A sum is a dict {term: ratio} without zero coefficients; no function changes its arguments unless it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.terms import Exponent, Factor, Interner, Term, as_exponent
from derive.errors import LimitError

Sum = dict[Term, Ratio]
MAX_REWRITINGS = 20_000
_SIMPLER = "write lower powers, or fewer absolute values inside of each other"
_RULED = frozenset(("base", "abs", "root", "map"))  # the kinds of factor that the rewriting rules are about


class NormalForms:
    """Sums over one ring with their linear structure and their product; terms are interned, products remembered.

    All products of sums together multiply at most `most_products` pairs of terms: it is a text, not an order, that is too
    large then (adam at order 5 takes 6,425).
    """

    most_products: float = 250_000

    def __init__(self, ring: Ring, spaces: Mapping[str, str] | None = None) -> None:
        self.ring = ring
        self.spaces = spaces or {}  # state variable -> the unknown in whose space it lies, where there are several
        self.interner = Interner()
        self.unit = self.interner.unit
        self._products: dict[tuple[Term, Term], Sum] = {}
        self._multiplied = 0

    def constant(self, value: Ratio) -> Sum:
        return {self.unit: value} if value else {}

    def state(self, name: str, scalar: bool = False) -> Sum:
        """The component of a state variable at the index."""
        factor = self.interner.factor("state", name, scalar=scalar)
        factor.space = self.spaces.get(name, "")
        return {self.interner.term({factor: 1}): self.ring.one}

    @staticmethod
    def add(a: Sum, b: Sum) -> Sum:
        result = dict(a)
        accumulate(result, b)
        return result

    @staticmethod
    def scale(a: Sum, ratio: Ratio) -> Sum:
        return {t: c * ratio for t, c in a.items()} if ratio else {}

    def product(self, a: Sum, b: Sum) -> Sum:
        """Commutative product at an index.  Raises LimitError beyond `most_products` products of terms.

        >>> algebra = NormalForms(Ring())
        >>> terms = {algebra.interner.term({algebra.interner.factor("state", f"x{k}"): 1}): algebra.ring.one for k in range(700)}
        >>> algebra.product(terms, terms)
        Traceback (most recent call last):
        ...
        derive.errors.LimitError: more than 250,000 products of terms, the last of 700 and 700: take a lower power or order
        """
        if len(a) > len(b):
            a, b = b, a
        self.count_products(a, b)
        result: Sum = {}
        unit, one = self.unit, self.ring.one
        for s, x in a.items():
            if s is unit:
                accumulate(result, b if x is one else self.scale(b, x))
                continue
            for t, y in b.items():
                xy = x * y
                for term, z in self.multiply(s, t).items():
                    value = xy if z is one else xy * z
                    old = result.get(term)
                    result[term] = value if old is None else old + value
        return nonzero(result)

    def count_products(self, a: Sum, b: Sum) -> None:
        self._multiplied += len(a) * len(b)
        if self._multiplied > self.most_products:
            many = f"more than {self.most_products:,} products of terms, the last of {len(a):,} and {len(b):,}"
            raise LimitError(f"{many}: take a lower power or order")

    # ------------------------------------------------------------------ products of terms, rewriting rules

    def multiply(self, a: Term, b: Term) -> Sum:
        """The normal form of the product of two terms."""
        if a is self.unit:
            return {b: self.ring.one}
        if b is self.unit:
            return {a: self.ring.one}
        key = (a, b)
        found = self._products.get(key)
        if found is None:
            exponents = dict(a.factors)
            for f, e in b.factors:
                exponents[f] = as_exponent(exponents.get(f, 0) + e)
            found = self._products[key] = self.normal(exponents)
        return found

    def normal(self, exponents: Mapping[Factor, Exponent], resolve_poles: bool = False) -> Sum:
        """Normal form of a product of factors (rules 2 and 3 of `terms`; with `resolve_poles` also partial fractions)."""
        exponents = {f: e for f, e in exponents.items() if e}
        if not any(f.kind in _RULED for f in exponents):
            return {self.interner.term(exponents): self.ring.one}
        result: Sum = {}
        pending: list[tuple[Ratio, dict[Factor, Exponent]]] = [(self.ring.one, exponents)]
        steps = 0
        while pending:  # every rule lowers a leading monomial, a positive power of a base or a pole; rules of nested |B| may not
            if (steps := steps + 1) > MAX_REWRITINGS:
                raise LimitError(f"a product of powers takes more than {MAX_REWRITINGS} rewritings; {_SIMPLER}")
            coefficient, exponents = pending.pop()
            coefficient = self._settle_roots(coefficient, exponents)
            _settle_absolutes(exponents)
            _settle_bare_bases(exponents)
            rewritten = (
                self._apply_base_rule(exponents, resolve_poles)
                or self._apply_absolute_rule(exponents)
                or self._apply_sine_rule(exponents)
                or (self._apply_pair_rule(exponents) if resolve_poles else None)
            )
            if rewritten is None:
                accumulate(result, {self.interner.term(exponents): coefficient})
            else:
                pending.extend((coefficient * c, e) for c, e in rewritten)
        return nonzero(result)

    def _settle_roots(self, coefficient: Ratio, exponents: dict[Factor, Exponent]) -> Ratio:
        """p^(k+e) -> p^k p^e with 0 <= e < 1 (period 2 for |p|): whole powers belong to the coefficient."""
        for f in [f for f in exponents if f.kind == "root"]:
            period = 2 if f.label == "abs" else 1
            whole = floor(exponents[f] / period) * period
            if whole:
                coefficient = coefficient * f.body[0][1] ** whole
                _set(exponents, f, exponents[f] - whole)
        return coefficient

    def _apply_base_rule(
        self, exponents: dict[Factor, Exponent], resolve_poles: bool
    ) -> list[tuple[Ratio, dict[Factor, Exponent]]] | None:
        for base in sorted((f for f in exponents if f.kind == "base"), key=lambda f: f.key, reverse=True):
            e = exponents[base]
            if isinstance(e, int) and e > 0:  # B^e -> B^(e-1) (m + r)
                return [(c, _times(exponents, t, {base: -1})) for t, c in base.body]
            leading, c = _leading(base)
            if _divides(leading, exponents, resolve_poles):  # m -> (B - r)/c
                inverse = c.inverse()
                without = {f: -p for f, p in leading.factors}
                result = [(inverse, combined(exponents, {**without, base: 1}))]
                for t, r in base.body:
                    if t is not leading:
                        result.append((-(r * inverse), _times(exponents, t, without)))
                return result
            if resolve_poles and len(leading.factors) == 1 and not 0 <= e < 1:
                remainder = _monomial_remainder(base)
                x, p = leading.factors[0]
                if remainder is not None and _available(exponents, x, True) < 0:  # 1 -> (B - m)/r
                    _move_to_absolute(exponents, x)
                    without = {f: -e for f, e in remainder[0].factors}
                    inverse = remainder[1].inverse()
                    return [
                        (inverse, combined(exponents, {**without, base: 1})),
                        (-(c * inverse), combined(exponents, {**without, x: p})),
                    ]
        return None

    def _apply_pair_rule(self, exponents: dict[Factor, Exponent]) -> list[tuple[Ratio, dict[Factor, Exponent]]] | None:
        """Two poles in one monomial m, of B = c m + r and of C = B Q + s, r and s terms without m:  1 -> (C - B Q)/s."""
        poles = [f for f, e in exponents.items() if f.kind == "base" and isinstance(e, int) and e < 0]
        for base in sorted(poles, key=lambda f: f.key):
            for other in poles:
                if other is not base and (found := self._divided(other, base)) is not None:
                    quotient, (term, s) = found
                    inverse, without = s.inverse(), {f: -e for f, e in term.factors}
                    result = [(inverse, combined(exponents, {**without, other: 1}))]
                    for t, x in quotient.items():
                        result.append((-(x * inverse), _times(exponents, t, combined(without, {base: 1}))))
                    return result
        return None

    def _divided(self, other: Factor, base: Factor) -> tuple[Sum, tuple[Term, Ratio]] | None:
        """Q and s with C = B Q + s, where C is a polynomial in the leading monomial of B and s is one term."""
        (m, c), remainder = _leading(base), _monomial_remainder(base)
        if len(m.factors) != 1 or remainder is None:
            return None
        ((x, p),) = m.factors
        ratio = {t: -(r * c.inverse()) for t, r in (remainder,)}  # m is this where B = 0
        quotient: Sum = {}
        s: Sum = {}
        for term, a in other.body:
            degree = dict(term.factors).get(x, 0)
            k = Fraction(degree, p)
            if k < 0 or k.denominator > 1:
                return None
            rest = self.interner.term(combined(dict(term.factors), {x: -degree}))
            power: Sum = {rest: a}
            for j in range(int(k)):  # c (m^k - b^k) = B (m^(k-1) + m^(k-2) b + ...), b = -r/c
                lower = {self.interner.term({x: p * (int(k) - 1 - j)}): c.inverse()}
                accumulate(quotient, self.product(power, lower))
                power = self.product(power, ratio)
            accumulate(s, power)
        return (quotient, next(iter(s.items()))) if len(s) == 1 else None

    def _apply_absolute_rule(self, exponents: dict[Factor, Exponent]) -> list[tuple[Ratio, dict[Factor, Exponent]]] | None:
        """With |B| in the term and B = c m + r:  m^2 -> (|B|^2 - 2 c m r - r^2)/c^2."""
        for size in sorted((f for f in exponents if f.kind == "abs"), key=lambda f: f.key, reverse=True):
            base = size.children[0].factors[0][0]
            if base.kind != "base":
                continue
            leading, c = _leading(base)
            squared = self.interner.term({f: 2 * e for f, e in leading.factors})
            if not _divides(squared, exponents):
                continue
            without = {f: -e for f, e in squared.factors}
            inverse = (c * c).inverse()
            rest = {t: x for t, x in base.body if t is not leading}
            lower = self.add(self.scale(self.product({leading: c}, rest), self.ring.constant(2)), self.product(rest, rest))
            if any(_divides(squared, dict(t.factors)) for t in lower):
                continue  # r^2 brings m^2 back where r contains another |B|
            result = [(inverse, combined(exponents, {**without, size: 2}))]
            return result + [(-(x * inverse), _times(exponents, t, without)) for t, x in lower.items()]
        return None

    def _apply_sine_rule(self, exponents: dict[Factor, Exponent]) -> list[tuple[Ratio, dict[Factor, Exponent]]] | None:
        """sin(u)^2 -> 1 - cos(u)^2."""
        for f, e in exponents.items():
            if f.kind == "map" and f.label == "sin" and isinstance(e, int) and e > 1:
                cosine = self.interner.factor("map", "cos", (), f.scalar, f.body)
                return [(self.ring.one, combined(exponents, {f: -2})), (-self.ring.one, combined(exponents, {f: -2, cosine: 2}))]
        return None


def accumulate(target: Sum, source: Sum) -> None:
    """target += source, in place; coefficients that cancel are dropped."""
    for term, value in source.items():
        old = target.get(term)
        if old is None:
            target[term] = value
        else:
            new = old + value
            if new:
                target[term] = new
            else:
                del target[term]


def nonzero(a: Sum) -> Sum:
    return a if all(c.num for c in a.values()) else {t: c for t, c in a.items() if c}


def reduced(a: Sum) -> Sum:
    """The sum with every coefficient in lowest terms."""
    return {t: c.reduced() for t, c in a.items() if c}


def _leading(base: Factor) -> tuple[Term, Ratio]:
    assert base.leading is not None
    return base.leading


def _monomial_remainder(base: Factor) -> tuple[Term, Ratio] | None:
    """r of B = m + r where it is one term that has no factor in common with m."""
    leading, _ = _leading(base)
    rest = [(t, c) for t, c in base.body if t is not leading]
    if len(rest) != 1 or {f for f, _ in rest[0][0].factors} & {f for f, _ in leading.factors}:
        return None
    return rest[0]


def _settle_absolutes(exponents: dict[Factor, Exponent]) -> None:
    """Rule 3: x^(2k) |x|^e -> |x|^(2k+e), and an even power of |x| is a power of x."""
    for f in [f for f in exponents if f.kind == "abs"]:
        x = f.children[0].factors[0][0]
        e, own = exponents[f], exponents.get(x, 0)
        if isinstance(own, Fraction):
            continue
        total = as_exponent(e + 2 * (own // 2))
        if isinstance(total, int) and total % 2 == 0:
            _set(exponents, f, 0)
            _set(exponents, x, own % 2 + total)
        else:
            _set(exponents, f, total)
            _set(exponents, x, own % 2)


def _settle_bare_bases(exponents: dict[Factor, Exponent]) -> None:
    """x^k (x)^e -> (x)^(k+e) for a base that is one factor x (the root of a state variable, say)."""
    for f, x in [(f, x) for f in exponents if (x := bare_factor(f)) is not None]:
        total = as_exponent(exponents[f] + exponents.get(x, 0))
        whole = isinstance(total, int)
        _set(exponents, x, total if whole else 0)
        _set(exponents, f, 0 if whole else total)


def bare_factor(f: Factor) -> Factor | None:
    """x where f is the base (x) of one factor x."""
    if f.kind != "base" or len(f.body) != 1:
        return None
    term, _ = f.body[0]
    return term.factors[0][0] if len(term.factors) == 1 and term.factors[0][1] == 1 else None


def _available(exponents: Mapping[Factor, Exponent], x: Factor, whole: bool = False) -> Exponent:
    """The exponent of x, counting whole squares of y where x = |y|; and whole powers of y where x = (y), if asked for."""
    e = exponents.get(x, 0)
    if whole and (y := bare_factor(x)) is not None:
        e += exponents.get(y, 0)
    if x.kind == "abs":
        own = exponents.get(x.children[0].factors[0][0], 0)
        if isinstance(own, int):
            e += 2 * (own // 2)
    return e


def _move_to_absolute(exponents: dict[Factor, Exponent], x: Factor) -> None:
    if x.kind == "abs":
        y = x.children[0].factors[0][0]
        own = exponents.get(y, 0)
        if isinstance(own, int) and own // 2:
            _set(exponents, x, exponents.get(x, 0) + 2 * (own // 2))
            _set(exponents, y, own % 2)


def _divides(leading: Term, exponents: dict[Factor, Exponent], whole: bool = False) -> bool:
    """Whether the leading monomial divides the product; moves squares y^2 to |y|^2 where that makes it so."""
    if not all(_available(exponents, x, whole) >= p > 0 for x, p in leading.factors):
        return False
    for x, _ in leading.factors:
        _move_to_absolute(exponents, x)
    return True


def _set(exponents: dict[Factor, Exponent], f: Factor, e: Exponent) -> None:
    if e:
        exponents[f] = as_exponent(e)
    else:
        exponents.pop(f, None)


def combined(exponents: Mapping[Factor, Exponent], change: Mapping[Factor, Exponent]) -> dict[Factor, Exponent]:
    result = dict(exponents)
    for f, e in change.items():
        _set(result, f, result.get(f, 0) + e)
    return result


def _times(exponents: Mapping[Factor, Exponent], term: Term, change: Mapping[Factor, Exponent]) -> dict[Factor, Exponent]:
    return combined(combined(exponents, change), dict(term.factors))
