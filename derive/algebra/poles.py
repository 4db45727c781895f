"""Sums over one pole: with B = c m + r, m = x**p a root of a state variable and r a constant,

    sum_i a_i m**e_i B**k_i = m**e sum_j n_j B**j,      e the lowest of the e_i,   m = (B - r)/c

and where the polynomial sum_j n_j B**j vanishes at B = r it has a factor m.  The normal form of a product does not see this:
1/(m B) - 1/B**2 - r/(m B**2) is zero for c = 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import comb

from derive.algebra.coefficients import Ratio
from derive.algebra.normal import accumulate, bare_factor, combined
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Exponent, Factor, Term

Group = list[tuple[Exponent, int, Ratio]]  # exponents of x and of B, coefficient


def gathered(algebra: Algebra, total: Sum) -> Sum:
    """The same function over single poles, outside and inside of derivatives, wherever that takes fewer terms.

    >>> from fractions import Fraction
    >>> from derive.algebra.coefficients import Ring
    >>> a = Algebra(Ring(["r"])); m = a.power(a.state("S"), Fraction(1, 2)); r = a.constant(a.ring.symbol("r"))
    >>> once = a.power(a.add(m, r), Fraction(-1)); twice = a.product(once, once); over = a.power(a.state("S"), Fraction(-1, 2))
    >>> s = a.add(a.product(over, once), a.scale(a.add(twice, a.product(r, a.product(over, twice))), -a.ring.one))
    >>> len(s), gathered(a, s)
    (3, {})
    """
    if not any(map(_of_root, algebra.interner.factors("base"))):
        return total
    for base in sorted({f for t in total for f, e in t.factors if _of_root(f) and e < 0}, key=lambda f: f.key):
        total = min(total, _over_one_pole(algebra, total, base), key=len)
    return _inside(algebra, total)


def _of_root(f: Factor) -> bool:
    """Whether the factor is c m + r."""
    if f.kind != "base" or f.leading is None:
        return False
    factors, rest = f.leading[0].factors, tuple(t for t, _ in f.body if t is not f.leading[0])
    return len(factors) == 1 and bare_factor(factors[0][0]) is not None and len(rest) == 1 and not rest[0].factors


def _over_one_pole(algebra: Algebra, total: Sum, base: Factor) -> Sum:
    assert base.leading is not None
    (x, p), c = base.leading[0].factors[0], base.leading[1]
    (r,) = (value for t, value in base.body if t is not base.leading[0])
    plain = bare_factor(x)
    assert plain is not None
    result: Sum = {}
    groups: dict[tuple[Term, Exponent], Group] = {}
    for t, a in total.items():
        powers = dict(t.factors)
        k, e = powers.pop(base, 0), powers.pop(x, 0) + powers.pop(plain, 0)
        if isinstance(k, int) and (k or e):
            groups.setdefault((algebra.interner.term(powers), Fraction(e) % p), []).append((e, k, a))
        else:
            accumulate(result, {t: a})
    for (rest, _), group in groups.items():
        lowest, numbers = _divided(*_polynomial(algebra, group, p, c, r), p, r, c)
        for k, a in numbers.items():
            powers = combined(dict(rest.factors), {x: lowest, base: k})
            accumulate(result, algebra.scale(algebra.normal(powers), a))
    return result


def _polynomial(algebra: Algebra, group: Group, p: Exponent, c: Ratio, r: Ratio) -> tuple[Exponent, dict[int, Ratio]]:
    """e and the n_j of m**e sum_j n_j B**j."""
    lowest = min(e for e, _, _ in group)
    numbers: dict[int, Ratio] = {}
    for e, k, a in group:
        d = int((e - lowest) / Fraction(p))
        for j in range(d + 1):  # ((B - r)/c)**d
            value = a * (-r) ** (d - j) * c.inverse() ** d
            numbers[k + j] = numbers.get(k + j, algebra.ring.zero) + value.scaled(comb(d, j))
    return lowest, {k: n.reduced() for k, n in numbers.items() if n}


def _divided(
    lowest: Exponent, numbers: Mapping[int, Ratio], p: Exponent, r: Ratio, c: Ratio
) -> tuple[Exponent, Mapping[int, Ratio]]:
    """The same with every factor m = (B - r)/c of the polynomial in m**e: by synthetic division at B = r."""
    while numbers:
        low, high = min(numbers), max(numbers)
        quotient, carry = {}, r - r
        for k in range(high, low, -1):
            carry = (carry * r + numbers.get(k, r - r)).reduced()
            quotient[k - 1] = carry * c
        if (carry * r + numbers[low]).reduced():
            break
        lowest, numbers = lowest + p, {k: n.reduced() for k, n in quotient.items() if n}
    return lowest, numbers


def _inside(algebra: Algebra, total: Sum) -> Sum:
    """Terms that differ in one argument of a derivative alone, with the sum of these arguments gathered."""
    groups: dict[tuple[Term, str, tuple[Term, ...]], dict[Term, Term]] = {}
    for t in total:
        for f, e in t.factors:
            if f.kind == "node" and e == 1:
                rest = algebra.interner.term(combined(dict(t.factors), {f: -1}))
                for child in dict.fromkeys(f.children):
                    kept = list(f.children)
                    kept.remove(child)
                    groups.setdefault((rest, f.label, tuple(kept)), {})[child] = t
    for (rest, label, others), found in groups.items():
        inner = {child: total[t] for child, t in found.items() if t in total}
        shorter = gathered(algebra, inner) if len(inner) > 1 else inner
        if len(shorter) < len(inner):
            total = {t: a for t, a in total.items() if not any(t is found[child] for child in inner)}
            node = algebra.node_of_sums(label, [*({o: algebra.ring.one} for o in others), shorter])
            accumulate(total, algebra.product({rest: algebra.ring.one}, node))
    return total
