"""Exact arithmetic on arrays: residues modulo primes below 2**31, or modulo 2**64 where the result provably fits.

Modulo a prime p < 2**31 the product of two residues is below 2**62, so one product and the sum of two such products fit 64
unsigned bits.  Matrix products go through float64, which holds every integer up to 2**53: the constant factor is cut
into pieces so short that a whole row of products stays below that.  Modulo 2**64 the machine's own wrap-around is the
ring's arithmetic; it is used only when a bound shows that the final numerators lie between -2**63 and 2**63.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from derive.algebra.coefficients import Ratio

Residues = NDArray[np.uint64]

WRAP = 2**64


@cache
def prime(index: int) -> int:
    """The primes below 2**31, greatest first.

    >>> prime(0)
    2147483647
    """
    candidate = 2**31 - 1 if index == 0 else prime(index - 1) - 2
    while not fmpz(candidate).is_prime():
        candidate -= 2
    return candidate


def primes() -> Iterator[int]:
    index = 0
    while True:
        yield prime(index)
        index += 1


def residue(value: Ratio, point: Sequence[int], p: int) -> int:
    """The value of a rational function at a point, modulo p; ZeroDivisionError where its denominator vanishes."""
    ring = value.ring
    top = _evaluate(value.num, point, p)
    for index, exponent in value.den:
        top = top * pow(_inverse(_evaluate(ring.factors[index], point, p), p), exponent, p) % p
    return top


def _inverse(x: int, p: int) -> int:
    if x % p == 0:
        raise ZeroDivisionError("a denominator vanishes modulo the prime")
    return pow(x, -1, p)


def _evaluate(polynomial: Any, point: Sequence[int], p: int) -> int:
    total = 0
    for exponents, coefficient in polynomial.to_dict().items():
        term = int(coefficient.p) * _inverse(int(coefficient.q), p)
        for x, e in zip(point, exponents[1:], strict=True):
            term = term * pow(x, int(e), p) % p
        total += term
    return total % p


def matmul_mod(left: Residues, right: Residues, p: int) -> Residues:
    """left @ right modulo p, for residues modulo a prime p < 2**31; left (rows, k), right (k, columns).

    Exact: with pieces of w bits every partial sum is below k 2**31 2**w <= 2**53.

    >>> big = np.array([[2**31 - 2] * 3], np.uint64)
    >>> int(matmul_mod(big, big.T, 2**31 - 1)[0, 0])
    3
    """
    inner = right.shape[0]
    width = 53 - 31 - max(inner - 1, 1).bit_length()
    if width < 1:
        raise OverflowError(f"a row of {inner} products does not fit 53 bits")
    floats = left.astype(np.float64)
    total = np.zeros((left.shape[0], right.shape[1]), np.uint64)
    mask = np.uint64(2**width - 1)
    for shift in range(0, 31, width):
        piece = ((right >> np.uint64(shift)) & mask).astype(np.float64)
        part = (floats @ piece).astype(np.uint64)
        part %= np.uint64(p)
        part *= np.uint64(2**shift % p)
        part %= np.uint64(p)
        total += part
    return total % np.uint64(p)


def primes_needed(bits: float) -> int:
    """How many primes determine a signed integer of at most that many bits: each has more than 30.9 bits.

    >>> primes_needed(0), primes_needed(29.9), primes_needed(30.1)
    (1, 1, 2)
    """
    count = 1
    while 30.9 * count < bits + 1:
        count += 1
    return count


def reconstruct(residues: Sequence[Residues], moduli: Sequence[int]) -> NDArray[Any]:
    """The integers x with |x| < prod(moduli)/2 and the given residues: int64 when two primes suffice, else Python integers.

    Mixed radix: x = v_0 + p_0 (v_1 + p_1 (v_2 + ...)) with digits 0 <= v_i < p_i.

    >>> reconstruct([np.array([5], np.uint64), np.array([4], np.uint64)], [7, 11]).tolist()
    [26]
    """
    if list(moduli) == [WRAP]:
        return residues[0].view(np.int64)
    digits: list[Residues] = []
    for i, p in enumerate(moduli):
        digit = residues[i] % np.uint64(p)
        for j in range(i):
            below = digits[j] % np.uint64(p)
            digit = (digit + np.uint64(p) - below) % np.uint64(p)
            digit = digit * np.uint64(pow(moduli[j], -1, p)) % np.uint64(p)
        digits.append(digit)
    total = prod(moduli)
    if total < 2**63:
        small = np.zeros(digits[0].shape, np.int64)
        for digit, p in zip(reversed(digits), reversed(moduli), strict=True):
            small = small * p + digit.astype(np.int64)
        return np.where(small > total // 2, small - total, small)
    value = np.zeros(digits[0].shape, object)
    # two digits at a time are still machine integers
    for i in reversed(range(0, len(digits), 2)):
        pair, radix = digits[i].astype(np.int64), moduli[i]
        if i + 1 < len(digits):
            pair, radix = pair + radix * digits[i + 1].astype(np.int64), radix * moduli[i + 1]
        value = value * radix + pair.astype(object)
    return np.where(value > total // 2, value - total, value)
