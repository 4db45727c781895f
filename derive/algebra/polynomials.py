"""Polynomials of flint: their factors in a fixed order and sign, and the same polynomials as tuples of whole numbers."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd, lcm
from typing import Any

from flint import fmpq

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
