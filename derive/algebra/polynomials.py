"""Polynomials of flint: their factors in a fixed order and sign, and the same polynomials as tuples of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import comb, gcd, lcm, prod
from typing import Any

from flint import fmpq

from derive.errors import LimitError

MAX_MONOMIALS, MAX_DEGREE, MAX_BITS = 100_000, 20_000, 1_000_000
Items = tuple[tuple[tuple[int, ...], int, int], ...]  # exponents, numerator, denominator of the coefficient


def items(polynomial: Any) -> Items:
    """A polynomial as data.

    >>> from flint import Ordering, fmpq_mpoly_ctx
    >>> x, y = fmpq_mpoly_ctx.get(("x", "y"), Ordering.lex).gens()
    >>> items(2 * x * y**2 / 3)
    (((1, 2), 2, 3),)
    """
    return tuple((tuple(map(int, powers)), int(c.p), int(c.q)) for powers, c in polynomial.to_dict().items())


def polynomial(context: Any, data: Items) -> Any:
    """The polynomial that `items` wrote down, in a context with as many symbols."""
    return context.from_dict({powers: fmpq(p, q) for powers, p, q in data})


def product(a: Any, b: Any) -> Any:
    """a b.  Raises LimitError, before the work, where it may have more than MAX_MONOMIALS monomials."""
    if len(a) * len(b) > MAX_MONOMIALS:
        _require(min(len(a) * len(b), _monomials([int(x) + int(y) for x, y in zip(a.degrees(), b.degrees(), strict=True)])))
    return a * b


def power(a: Any, exponent: int) -> Any:
    """a^exponent, exponent >= 0.  Raises LimitError, before the work, where it may have more than MAX_MONOMIALS monomials, a
    degree beyond MAX_DEGREE or numbers of more than MAX_BITS bits.

    >>> from flint import Ordering, fmpq_mpoly_ctx
    >>> x, y, z = fmpq_mpoly_ctx.get(("x", "y", "z"), Ordering.lex).gens()
    >>> len(power(x + y, 300)), power(x + 2 * y + z, 900)
    Traceback (most recent call last):
    derive.errors.LimitError: a coefficient of up to 406,351 terms; the limit is 100,000: give some parameters values (--set)
    """
    if exponent > 1 and a:
        degrees = [int(d) * exponent for d in a.degrees()]
        bits = exponent * max(max(abs(int(c.p)), int(c.q)).bit_length() for c in a.coeffs())
        if max(degrees) > MAX_DEGREE or bits > MAX_BITS:
            raise LimitError(f"a coefficient to the power {exponent} has degree {max(degrees)} and {bits * 3 // 10} digits")
        _require(min(comb(len(a) + exponent - 1, exponent), _monomials(degrees)))
    return a**exponent


def _monomials(degrees: Sequence[int]) -> int:
    """How many monomials there are of these degrees in each variable, and of their sum in all.

    >>> _monomials([0, 2, 1])
    6
    """
    return min(prod(d + 1 for d in degrees), comb(sum(degrees) + sum(d > 0 for d in degrees), sum(degrees)))


def _require(monomials: int) -> None:
    if monomials > MAX_MONOMIALS:
        limit = f"the limit is {MAX_MONOMIALS:,}"
        raise LimitError(f"a coefficient of up to {monomials:,} terms; {limit}: give some parameters values (--set)")


def factor(polynomial: Any) -> tuple[fmpq, list[tuple[Any, int]]]:
    """(c, [(f, e), ...]) with polynomial = c prod f^e; f irreducible with integer coefficients.

    The sign of f makes its lowest term positive, so that 1 - beta is preferred to beta - 1.

    >>> from flint import Ordering, fmpq_mpoly_ctx
    >>> beta, = fmpq_mpoly_ctx.get(("beta",), Ordering.lex).gens()
    >>> factor(beta**2 - 1)
    (-1, [(-beta + 1, 1), (beta + 1, 1)])
    """
    content, factors = polynomial.factor()
    content = fmpq(content)
    result = []
    for f, e in factors:
        # flint's factors have integer coprime coefficients up to a rational content
        coefficients = f.coeffs()
        scale = fmpq(1) / _content(coefficients)
        if _lowest(f) < 0:
            scale = -scale
        result.append((f * scale, int(e)))
        content /= scale ** int(e)
    return content, sorted(result, key=lambda item: str(item[0]))


def _content(coefficients: Iterable[Any]) -> fmpq:
    numerators, denominators = 0, 1
    for c in coefficients:
        numerators, denominators = gcd(numerators, int(fmpq(c).p)), lcm(denominators, int(fmpq(c).q))
    return fmpq(numerators, denominators)


def _lowest(polynomial: Any) -> Any:
    """Coefficient of the term of least degree (ties: the last in lexicographic order)."""
    return min(polynomial.to_dict().items(), key=lambda item: (sum(item[0]), item[0]))[1]
