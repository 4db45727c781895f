"""The eigenvectors of a symmetric matrix by Jacobi's rotations, on any kind of number.

    S U = U diag(l_1, ..., l_n),   U.T U = 1,   l_1 > ... > l_n,   of each column u_1 + u_2/2 + ... + u_n/n is positive

A rotation of rows and columns p and q makes S_pq vanish: with d = S_pp - S_qq, h = 2 S_pq and r = sqrt(d^2 + h^2)

    cos = sqrt((1 + a d/r)/2),     sin = a h/(2 r cos),     a = sign(d + h/997).

a is sign(d) but where |d| is much smaller than |h|, so that equal numbers on the diagonal do not stand at a jump.  Of two rows
and columns one rotation is exact, in series and with infinitesimals too; of more, sweeps over all planes converge quadratically.
No operation depends on a number but by `sign`, so that a tape records it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import isqrt
from typing import Any

from verify.numbers.kinds import Numbers
from verify.numbers.power_series import sum_of

#: of a matrix of more than two rows: the off-diagonal part falls below 1e-100 of matrices whose eigenvalues are well apart
SWEEPS = 9
ASIDE = Fraction(1, 997)
HALF = Fraction(1, 2)
Rows = list[list[Any]]


def eigenvectors(components: list[Any], numbers: Numbers) -> list[Any]:
    """Those of (S + S.T)/2 as the columns of a matrix, both row by row.

    >>> from verify.numbers.kinds import FRACTIONS
    >>> [str(x) for x in eigenvectors([Fraction(x) for x in (2, 72, 72, -40)], FRACTIONS)]
    ['4/5', '3/5', '3/5', '-4/5']
    """
    n, one = isqrt(len(components)), numbers.lift(Fraction(1))
    half = numbers.lift(HALF)
    s = [[(components[n * i + j] + components[n * j + i]) * half for j in range(n)] for i in range(n)]
    columns = [[one if i == j else one - one for j in range(n)] for i in range(n)]
    for p, q in list(combinations(range(n), 2)) * (SWEEPS if n > 2 else 1):
        _rotate(s, columns, p, q, numbers)
    _sort([s[j][j] for j in range(n)], columns, numbers)
    signs = [_sign(u, numbers) for u in columns]
    return [columns[j][i] * signs[j] for i in range(n) for j in range(n)]


def _rotate(s: Rows, columns: Rows, p: int, q: int, numbers: Numbers) -> None:
    """S <- J.T S J and U <- U J for the rotation J after which S_pq is zero."""
    half, one = numbers.lift(HALF), numbers.lift(Fraction(1))
    d, h = s[p][p] - s[q][q], s[p][q] + s[p][q]
    a, r = _side(d + h * numbers.lift(ASIDE), numbers), numbers.power(d * d + h * h, HALF)
    cos = numbers.power((one + a * d / r) * half, HALF)
    sin = a * h * half / (r * cos)
    for rows in (s, columns):
        rows[p], rows[q] = _turned(rows[p], rows[q], cos, sin)
    for row in s:
        (row[p],), (row[q],) = _turned([row[p]], [row[q]], cos, sin)


def _turned(a: list[Any], b: list[Any], cos: Any, sin: Any) -> tuple[list[Any], list[Any]]:
    pairs = list(zip(a, b, strict=True))
    return [cos * x + sin * y for x, y in pairs], [cos * y - sin * x for x, y in pairs]


def _side(x: Any, numbers: Numbers) -> Any:
    """The sign, and 1 where numbers have the sign zero."""
    return numbers.sign(numbers.sign(x) + numbers.lift(HALF))


def _sort(values: list[Any], columns: Rows, numbers: Numbers) -> None:
    """By descending values: neighbours are exchanged where they stand in the other order."""
    half, one = numbers.lift(HALF), numbers.lift(Fraction(1))
    for last in range(len(values) - 1, 0, -1):
        for j in range(last):
            keep = (one + numbers.sign(values[j] - values[j + 1])) * half
            values[j], values[j + 1] = _kept(values[j], values[j + 1], keep, one)
            pairs = [_kept(x, y, keep, one) for x, y in zip(columns[j], columns[j + 1], strict=True)]
            columns[j], columns[j + 1] = [x for x, _ in pairs], [y for _, y in pairs]


def _kept(x: Any, y: Any, keep: Any, one: Any) -> tuple[Any, Any]:
    """(x, y) where `keep` is one, (y, x) where it is zero."""
    return keep * x + (one - keep) * y, keep * y + (one - keep) * x


def _sign(u: list[Any], numbers: Numbers) -> Any:
    """That of u_1 + u_2/2 + u_3/3 + ..."""
    return numbers.sign(sum_of([x * numbers.lift(Fraction(1, i)) for i, x in enumerate(u, 1)]))


__all__ = ["eigenvectors"]
