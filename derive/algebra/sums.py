"""Linear combinations of terms: sum, product, rational powers, contraction and grafting, all in normal form.

A sum is a dict {term: ratio} without zero coefficients; the functions below never change their arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor

from flint import fmpq

from derive.algebra.coefficients import Ratio, Ring, factor
from derive.algebra.terms import Exponent, Factor, Interner, Term, as_exponent, split_scalars
from derive.errors import ReductionError

Sum = dict[Term, Ratio]
_RULED = frozenset(("base", "abs", "root"))  # the kinds of factor that the rewriting rules are about


class Algebra:
    """The terms over one ring.

    >>> a = Algebra(Ring(["eps"])); g = a.node_sum("L", [])
    >>> v = a.add(a.product(g, g), a.constant(a.ring.symbol("eps")))
    >>> a.product(a.product(g, g), a.power(v, Fraction(-3, 2))) == a.add(
    ...     a.power(v, Fraction(-1, 2)), a.scale(a.power(v, Fraction(-3, 2)), -a.ring.symbol("eps")))
    True
    """

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.interner = Interner()
        self.unit = self.interner.unit
        self._products: dict[tuple[Term, Term], Sum] = {}
        self._nodes: dict[tuple[str, tuple[Term, ...]], Sum] = {}
        self._contractions: dict[Term, Sum] = {}

    # ------------------------------------------------------------------ linear structure

    def constant(self, value: Ratio) -> Sum:
        return {self.unit: value} if value else {}

    def state(self, name: str, scalar: bool = False) -> Sum:
        """The component of a state variable at the index."""
        return {self.interner.term({self.interner.factor("state", name, scalar=scalar): 1}): self.ring.one}

    @staticmethod
    def add(a: Sum, b: Sum) -> Sum:
        result = dict(a)
        accumulate(result, b)
        return result

    @staticmethod
    def scale(a: Sum, ratio: Ratio) -> Sum:
        return {t: c * ratio for t, c in a.items()} if ratio else {}

    def product(self, a: Sum, b: Sum) -> Sum:
        """Commutative product at an index."""
        if len(a) > len(b):
            a, b = b, a
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
        while pending:  # every rule lowers a leading monomial, a positive power of a base or a pole, so this ends
            coefficient, exponents = pending.pop()
            coefficient = self._settle_roots(coefficient, exponents)
            _settle_absolutes(exponents)
            rewritten = self._apply_base_rule(exponents, resolve_poles) or self._apply_absolute_rule(exponents)
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
            if _divides(leading, exponents):  # m -> (B - r)/c
                inverse = c.inverse()
                without = {f: -p for f, p in leading.factors}
                result = [(inverse, _plus(exponents, {**without, base: 1}))]
                for t, r in base.body:
                    if t is not leading:
                        result.append((-(r * inverse), _times(exponents, t, without)))
                return result
            if resolve_poles and len(leading.factors) == 1 and not 0 <= e < 1:
                constant = self._constant_remainder(base)
                x, p = leading.factors[0]
                if constant is not None and _available(exponents, x) < 0:  # 1 -> (B - m)/r
                    _move_to_absolute(exponents, x)
                    inverse = constant.inverse()
                    return [
                        (inverse, _plus(exponents, {base: 1})),
                        (-(c * inverse), _plus(exponents, {x: p})),
                    ]
        return None

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
            result = [(inverse, _plus(exponents, {**without, size: 2}))]
            return result + [(-(x * inverse), _times(exponents, t, without)) for t, x in lower.items()]
        return None

    def _constant_remainder(self, base: Factor) -> Ratio | None:
        leading, _ = _leading(base)
        rest = [(t, c) for t, c in base.body if t is not leading]
        return rest[0][1] if len(rest) == 1 and rest[0][0] is self.unit else None

    def partial_fractions(self, a: Sum) -> Sum:
        """The sum with mixed poles resolved everywhere: equal functions have equal results (see `terms`)."""
        result: Sum = {}
        for term, c in a.items():
            exponents: dict[Factor, Exponent] = {}
            parts: Sum = {self.unit: self.ring.one}
            for f, e in term.factors:
                if f.kind in ("node", "sum") and f.children and isinstance(e, int) and e > 0:
                    inner = [self.partial_fractions({child: self.ring.one}) for child in f.children]
                    image = self.contract(inner[0]) if f.kind == "sum" else self.node_of_sums(f.label, inner)
                    for _ in range(e):
                        parts = self.product(parts, image)
                else:
                    exponents[f] = e
            for t, x in self.product(parts, self.normal(exponents)).items():
                accumulate(result, self.scale(self.normal(dict(t.factors), resolve_poles=True), x * c))
        return nonzero(result)

    def is_zero(self, a: Sum) -> bool:
        """Whether the sum vanishes identically."""
        return not a or not self.partial_fractions(a)

    # ------------------------------------------------------------------ derivatives

    def node(self, label: str, children: Iterable[Term]) -> Sum:
        """d^(k+1)L[children] (label 'L') or d^k f[children], scalars pulled out."""
        key = (label, tuple(children))
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = self._node(*key)
        return found

    def _node(self, label: str, children: tuple[Term, ...]) -> Sum:
        inner, outer = [], self.unit
        result: Sum = {self.unit: self.ring.one}
        for child in children:
            if any(f.scalar for f, _ in child.factors):
                scalars, vector = split_scalars(child)
                outer = self.interner.term(dict(scalars))
                result = self.product(result, {outer: self.ring.one})
                child = self.interner.term(dict(vector))
            inner.append(child)
        node = self.interner.term({self.interner.factor("node", label, inner): 1})
        return self.product(result, {node: self.ring.one})

    def node_sum(self, label: str, children: Sequence[Term]) -> Sum:
        return dict(self.node(label, children))

    def node_of_sums(self, label: str, children: Sequence[Sum]) -> Sum:
        """The node as a multilinear function of sums."""
        result: Sum = {}
        chosen: list[Term] = []

        def choose(position: int, coefficient: Ratio) -> None:
            if position == len(children):
                accumulate(result, self.scale(self.node(label, tuple(chosen)), coefficient))
                return
            for t, c in children[position].items():
                chosen.append(t)
                choose(position + 1, coefficient * c)
                chosen.pop()

        choose(0, self.ring.one)
        return nonzero(result)

    def graft(self, label: str, delta: Sequence[Sum], weight: int) -> Sum:
        """The coefficient of gamma^weight in grad(theta_0 + sum_j gamma^j delta[j]); delta[0] is not read.

        grad(theta_0 + d) = sum over multisets M of d's terms of d^(|M|+1)L[M] prod_m P_m^mult / mult!.
        """
        items = [(w, t, c) for w in range(1, min(weight, len(delta) - 1) + 1) for t, c in delta[w].items()]
        result: Sum = {}
        chosen: list[Term] = []
        one = self.ring.one

        def extend(start: int, left: int, coefficient: Ratio, repeats: int) -> None:
            # invariant: `chosen` is a non-decreasing run of items of total weight weight - left
            if not left:
                for term, z in self.node(label, tuple(chosen)).items():
                    value = coefficient if z is one else coefficient * z
                    old = result.get(term)
                    result[term] = value if old is None else old + value
                return
            for position in range(start, len(items)):
                w, term, c = items[position]
                if w > left:
                    break
                count = repeats + 1 if position == start and chosen else 1
                value = c if coefficient is one else coefficient * c
                chosen.append(term)
                extend(position, left - w, value if count == 1 else value.scaled(fmpq(1, count)), count)
                chosen.pop()

        extend(0, weight, one, 0)
        return nonzero(result)

    # ------------------------------------------------------------------ contraction

    def contract(self, a: Sum) -> Sum:
        """sum_i a_i: a scalar."""
        result: Sum = {}
        for term, c in a.items():
            found = self._contractions.get(term)
            if found is None:
                found = self._contractions[term] = self._contract(term)
            accumulate(result, self.scale(found, c))
        return nonzero(result)

    def _contract(self, term: Term) -> Sum:
        scalars, vector = split_scalars(term)
        inner = min(self._rerootings(self.interner.term(dict(vector))), key=lambda t: t.key)
        positive = all(f.positive or (isinstance(e, int) and e % 2 == 0) for f, e in inner.factors)
        total = self.interner.factor("sum", "", [inner], scalar=True, positive=positive)
        return self.multiply(self.interner.term(dict(scalars)), self.interner.term({total: 1}))

    def _rerootings(self, term: Term) -> set[Term]:
        """The same full contraction of symmetric tensors written from each of its indices (rule 4)."""
        seen, pending = {term}, [term]
        while pending:
            current = pending.pop()
            for f, e in current.factors:
                if f.kind != "node" or f.label != "L" or not f.children or not isinstance(e, int) or e < 1:
                    continue
                rest = self.interner.term(_plus(dict(current.factors), {f: -1}))
                for child in set(f.children):
                    others = list(f.children)
                    others.remove(child)
                    moved = self.node(f.label, (*others, rest))
                    image = self.product({child: self.ring.one}, moved)
                    if len(image) == 1 and (t := next(iter(image))) not in seen and image[t] == self.ring.one:
                        seen.add(t)
                        pending.append(t)
        return seen

    # ------------------------------------------------------------------ powers

    def power(self, a: Sum, exponent: Fraction) -> Sum:
        """a^exponent for a rational exponent; a sum under a negative or fractional power becomes a base.

        Raises ReductionError where a vanishes under a root or in a denominator, and for roots of negative numbers.
        """
        exponent = Fraction(exponent)
        if exponent.denominator == 1 and exponent >= 0:
            result: Sum = {self.unit: self.ring.one}
            for _ in range(int(exponent)):
                result = self.product(result, a)
            return result
        if not a:
            raise ReductionError("zero under a root or in a denominator")
        constant, parts = self._factorised(a)
        if exponent.denominator == 1:
            result = self.constant(constant ** int(exponent))
            for part, k in parts:
                result = self.product(result, self._base_power(part, k * exponent))
            return result
        if constant.is_number and constant.number() < 0:
            parts, constant = [*parts, ({self.unit: -self.ring.one}, 1)], -constant
        result, odd = self._coefficient_power(constant, exponent), {self.unit: self.ring.one}
        for part, k in parts:  # x^k = |x|^(k - k mod 2) x^(k mod 2): only what may be negative stays under the root
            if k > 1:
                result = self.product(result, self._base_power(self.absolute(part), (k - k % 2) * exponent))
            if k % 2:
                odd = self.product(odd, part)
        return self.product(result, self._base_power(odd, exponent))

    def _base_power(self, a: Sum, exponent: Fraction) -> Sum:
        """a^e without looking for factors: a single term, or a base."""
        if len(a) == 1:
            ((term, coefficient),) = a.items()
            return self.product(self._coefficient_power(coefficient, exponent), self._term_power(term, exponent))
        base, scale = self._base(a, exponent.denominator == 1)
        return self.product(self._coefficient_power(scale, exponent), self.normal({base: as_exponent(exponent)}))

    def _factorised(self, a: Sum) -> tuple[Ratio, list[tuple[Sum, int]]]:
        """(c, [(P, k), ...]) with a = c prod P^k: the factorisation as a polynomial in factors of terms, where it is one."""
        symbols = sorted({f for t in a for f, _ in t.factors}, key=lambda f: f.key)
        if len(a) == 1:
            return self.ring.one, [(a, 1)]
        if any(not isinstance(e, int) or e < 0 for t in a for _, e in t.factors):
            return self.ring.one, self._without_common_monomial(a)
        names = [f"x{i}" for i in range(len(symbols))]
        ring = Ring([*self.ring.symbols, *names])
        index = {f: ring.symbol(x) for f, x in zip(symbols, names, strict=True)}
        total = ring.zero
        for t, c in a.items():
            image = c.substitute({}, ring)
            for f, e in t.factors:
                image = image * index[f] ** int(e)
            total = total + image
        content, factors = factor(total.reduced().num)
        parts = [(self._read_back(f, symbols), e) for f, e in factors]
        if len([p for p, _ in parts if len(p) > 1 or self.unit not in p]) == 1 and parts[-1][1] == 1 and len(parts) == 1:
            return self.ring.one, [(a, 1)]
        constant = self.ring.constant(content)
        for i, e in total.reduced().den:
            constant = constant / self._read_back(ring.factors[i], symbols)[self.unit] ** e
        scalars = [(p, e) for p, e in parts if list(p) == [self.unit]]
        for p, e in scalars:
            constant = constant * p[self.unit] ** e
        return constant, [(p, e) for p, e in parts if list(p) != [self.unit]]

    def _without_common_monomial(self, a: Sum) -> list[tuple[Sum, int]]:
        """The greatest monomial that divides every term, and the rest."""
        common = dict(next(iter(a)).factors)
        for t in a:
            powers = dict(t.factors)
            common = {f: min(e, powers.get(f, 0)) for f, e in common.items()}
        if not any(common.values()):
            return [(a, 1)]
        inverse = {f: -e for f, e in common.items()}
        rest = {self.interner.term(_plus(dict(t.factors), inverse)): c for t, c in a.items()}
        return [({self.interner.term(common): self.ring.one}, 1), (rest, 1)]

    def _read_back(self, polynomial: object, symbols: list[Factor]) -> Sum:
        count = 1 + len(self.ring.symbols)
        groups: dict[tuple[int, ...], dict[tuple[int, ...], fmpq]] = {}
        for exponents, c in polynomial.to_dict().items():  # type: ignore[attr-defined]
            groups.setdefault(exponents[count:], {})[exponents[:count]] = c
        result: Sum = {}
        for powers, block in groups.items():
            term = self.interner.term({f: int(e) for f, e in zip(symbols, powers, strict=True) if e})
            result[term] = Ratio(self.ring, self.ring.context.from_dict(block), ())
        return result

    def _base(self, a: Sum, sign_free: bool) -> tuple[Factor, Ratio]:
        """(B, c) with a = c B; c is a positive number, or any number where the sign may be moved out."""
        leading = max(a, key=lambda t: t.key)
        content, _ = factor(a[leading].reduced().num)
        sign, _ = factor(a[self.unit].reduced().num) if self.unit in a else (content, [])
        scale = -abs(content) if sign_free and sign < 0 else abs(content)
        size = self.ring.constant(scale)
        inverse = size.inverse()
        body = tuple((t, (a[t] * inverse).reduced()) for t in sorted(a, key=lambda t: t.key, reverse=True))
        base = self.interner.factor("base", "", body=body, scalar=all(t.scalar for t in a))
        base.leading = (leading, next(x for t, x in body if t is leading))
        return base, size

    def _term_power(self, term: Term, exponent: Fraction) -> Sum:
        exponents: dict[Factor, Exponent] = {}
        odd: dict[Factor, Exponent] = {}
        for f, e in term.factors:
            if (
                exponent.denominator == 1
                or f.positive
                or f.kind in ("abs", "root")
                or (f.kind == "base" and isinstance(e, Fraction))
            ):
                exponents[f] = as_exponent(e * exponent)
            elif isinstance(e, int) and e % 2 == 0:
                exponents[self._absolute(f)] = as_exponent(e * exponent)
            else:
                odd[f] = e
        if odd:  # real only where the product is positive
            inner = self.interner.term(odd)
            base = self.interner.factor("base", "", body=((inner, self.ring.one),), scalar=inner.scalar, positive=True)
            base.leading = (inner, self.ring.one)
            exponents[base] = as_exponent(exponent)
        return self.normal(exponents)

    def _absolute(self, f: Factor) -> Factor:
        if f.absolute is None:
            child = self.interner.term({f: 1})
            f.absolute = self.interner.factor("abs", "", [child], scalar=f.scalar, positive=True)
        return f.absolute

    def _coefficient_power(self, value: Ratio, exponent: Fraction) -> Sum:
        """c^e: rational powers of primes and of polynomials in the parameters become root factors."""
        if exponent.denominator == 1:
            return self.constant(value ** int(exponent))
        value = value.reduced()
        content, top = factor(value.num)
        if content < 0:
            if exponent.denominator % 2 == 0:
                raise ReductionError(f"an even root of the negative number {value}")
            return self.scale(self._coefficient_power(-value, exponent), self.ring.constant((-1) ** exponent.numerator))
        result = self.constant(self.ring.one)
        for prime, e in _prime_factors(content):
            result = self.product(result, self._root(self.ring.constant(prime), e, exponent))
        powers = [(Ratio(self.ring, f, ()), e) for f, e in top]
        powers += [(Ratio(self.ring, self.ring.factors[i], ()), -e) for i, e in value.den]
        for polynomial, e in powers:
            result = self.product(result, self._root(polynomial, e, exponent))
        return result

    def _root(self, value: Ratio, e: int, exponent: Fraction) -> Sum:
        total = as_exponent(e * exponent)
        number = value.is_number
        even = exponent.denominator % 2 == 0 and e % 2 == 0 and not number
        root = self.interner.factor("root", "abs" if even else "", body=((self.unit, value),), scalar=True, positive=True)
        return self.normal({root: total})

    def absolute(self, a: Sum) -> Sum:
        """|a|, componentwise."""
        if not a:
            return {}
        if len(a) > 1:
            constant, parts = self._factorised(a)
            result = self.absolute(self.constant(constant))
            for part, k in parts:
                single = len(part) == 1
                size = self.absolute(part) if single else self.normal({self._absolute(self._base(part, True)[0]): 1})
                scale = self.ring.one if single else self._base(part, True)[1]
                size = self.scale(size, scale if scale.number() > 0 else -scale)
                for _ in range(k):
                    result = self.product(result, size)
            return result
        ((term, coefficient),) = a.items()
        if coefficient.is_number:
            size = self.constant(coefficient if coefficient.number() > 0 else -coefficient)
        else:
            size = self._coefficient_power(coefficient * coefficient, Fraction(1, 2))
        exponents = {f if f.positive or e % 2 == 0 else self._absolute(f): e for f, e in term.factors}
        return self.product(size, self.normal(exponents))

    # ------------------------------------------------------------------ order

    def sorted(self, a: Sum) -> list[tuple[Term, Ratio]]:
        return sorted(a.items(), key=lambda item: item[0].key)


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


def _available(exponents: Mapping[Factor, Exponent], x: Factor) -> Exponent:
    """The exponent of x, counting whole squares of y where x = |y|."""
    e = exponents.get(x, 0)
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


def _divides(leading: Term, exponents: dict[Factor, Exponent]) -> bool:
    """Whether the leading monomial divides the product; moves squares y^2 to |y|^2 where that makes it so."""
    if not all(_available(exponents, x) >= p > 0 for x, p in leading.factors):
        return False
    for x, _ in leading.factors:
        _move_to_absolute(exponents, x)
    return True


def _set(exponents: dict[Factor, Exponent], f: Factor, e: Exponent) -> None:
    if e:
        exponents[f] = as_exponent(e)
    else:
        exponents.pop(f, None)


def _plus(exponents: Mapping[Factor, Exponent], change: Mapping[Factor, Exponent]) -> dict[Factor, Exponent]:
    result = dict(exponents)
    for f, e in change.items():
        _set(result, f, result.get(f, 0) + e)
    return result


def _times(exponents: Mapping[Factor, Exponent], term: Term, change: Mapping[Factor, Exponent]) -> dict[Factor, Exponent]:
    return _plus(_plus(exponents, change), dict(term.factors))


def _prime_factors(content: fmpq) -> Iterator[tuple[int, int]]:
    from flint import fmpz

    for sign, whole in ((1, content.p), (-1, content.q)):
        for prime, e in fmpz(whole).factor():
            yield int(prime), sign * int(e)
