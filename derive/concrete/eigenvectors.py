"""The orthogonal matrix of the eigenvectors of a symmetric matrix of truncated series.

    S U = U diag(l_1, ..., l_n),   U.T U = 1,   l_1 > ... > l_n,   of each column u_1 + u_2/2 + ... + u_n/n is positive

S is the symmetric part of what is given.  With U = U_0 Z, Z_0 = 1 and R = U_0.T S U_0 the coefficient of each power in turn says

    (l_i - l_j) Z_ij = -rest_ij  off the diagonal,       2 Z_jj = -(what earlier powers give to column j of Z.T Z),

so that the differences of eigenvalues are what is divided by.  U_0 is made of balls that contain it at the working precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from math import isqrt
from typing import Any

from flint import acb_mat, arb, arb_mat, fmpq

from derive.concrete.jets import Jet, Value
from derive.errors import SingularPointError

Index = tuple[int, ...]
Matrix = Any  # arb_mat


def eigenvectors(components: Sequence[Jet], degree: int, singular: str = "not smooth at this point") -> list[Jet]:
    """Those of a square matrix, given row by row as series through a total degree.

    Raises SingularPointError, which begins with `singular`, where eigenvalues are not told apart, or signs.

    >>> shear = [{(0,): fmpq(2)}, {(1,): fmpq(1)}, {(1,): fmpq(1)}, {(0,): fmpq(1)}]  # [[2, s], [s, 1]]
    >>> [x.get((1,), fmpq(0)).str(5) for x in eigenvectors(shear, 1)]
    ['0', '-1.0000', '1.0000', '0']
    """
    n = isqrt(len(components))
    symmetric = _symmetric(components, n)
    zero = (0,) * len(next(iter(symmetric)))
    values, start = _at_the_point(symmetric[zero], singular)
    turned = {k: start.transpose() * s * start for k, s in symmetric.items()}
    z = _series(turned, values, [k for k in _indices(zero, degree) if k != zero], zero)
    found = {k: start * x for k, x in z.items()}
    return [{k: x[i, j] for k, x in found.items()} for i in range(n) for j in range(n)]


def _symmetric(components: Sequence[Jet], n: int) -> dict[Index, Matrix]:
    """(S + S.T)/2, a matrix for every power."""
    powers = {k for jet in components for k in jet}

    def entry(k: Index, i: int, j: int) -> Value:
        a, b = (components[p].get(k, fmpq(0)) for p in (n * i + j, n * j + i))
        return arb((a + b) / 2)

    return {k: arb_mat(n, n, [entry(k, i, j) for i, j in product(range(n), repeat=2)]) for k in powers}


def _at_the_point(s: Matrix, singular: str) -> tuple[list[Value], Matrix]:
    """(l, U_0)."""
    try:
        values, columns = acb_mat(s).eig(right=True)
    except ValueError:
        text = "eigenvectors are those of different eigenvalues, and two of them are not told apart here"
        raise SingularPointError(f"{singular}: {text}") from None
    places = sorted(range(len(values)), key=lambda j: -float(values[j].real.mid()))
    vectors = [_normal([columns[i, j] for i in range(len(values))], singular) for j in places]
    n = len(values)
    return [values[j].real for j in places], arb_mat(n, n, [vectors[j][i] for i in range(n) for j in range(n)])


def _normal(vector: Sequence[Any], singular: str) -> list[Value]:
    """The multiple of an eigenvector that is real, of length one, and has a positive sum of u_i/i.

    The eigenvalue is real, so that v/v_p is: its real part contains it.
    """
    largest = max(vector, key=lambda x: float(abs(x).mid()))
    real = [(x / largest).real for x in vector]
    total = sum((x / i for i, x in enumerate(real, 1)), arb(0))
    if not (total > 0 or total < 0):
        text = "u_1 + u_2/2 + u_3/3 + ..., which is made positive, is not told from zero for an eigenvector u"
        raise SingularPointError(f"{singular}: {text}")
    length = sum((x * x for x in real), arb(0)).sqrt()
    return [x / (length if total > 0 else -length) for x in real]


def _indices(zero: Index, degree: int) -> list[Index]:
    """All powers through a total degree, lower ones first."""
    found = [k for k in product(range(degree + 1), repeat=len(zero)) if sum(k) <= degree]
    return sorted(found, key=lambda k: (sum(k), k))


def _series(s: dict[Index, Matrix], values: Sequence[Value], powers: Iterable[Index], zero: Index) -> dict[Index, Matrix]:
    """Z with R Z = Z L and columns of length one, where R_0 = diag(values)."""
    n = len(values)
    z: dict[Index, Matrix] = {zero: arb_mat(n, n, [arb(int(i == j)) for i in range(n) for j in range(n)])}
    slopes: dict[Index, list[Value]] = {}
    for k in powers:
        rest, square = arb_mat(n, n), [arb(0)] * n
        for m, x in z.items():
            left = tuple(a - b for a, b in zip(k, m, strict=True))
            if min(left) < 0:
                continue
            if left in s:
                rest += s[left] * x
            if left in slopes:
                rest -= x * _diagonal(slopes[left])
            if left in z and m != zero:
                square = [a + sum((x[i, j] * z[left][i, j] for i in range(n)), arb(0)) for j, a in enumerate(square)]
        slopes[k] = [rest[j, j] for j in range(n)]
        z[k] = arb_mat(n, n, [
            -square[j] / 2 if i == j else -rest[i, j] / (values[i] - values[j]) for i in range(n) for j in range(n)
        ])  # fmt: skip
    return z


def _diagonal(values: Sequence[Value]) -> Matrix:
    n = len(values)
    return arb_mat(n, n, [x if i == j else arb(0) for i, x in enumerate(values) for j in range(n)])


__all__ = ["eigenvectors"]
