"""How many bits the balls have, and balls as mpmath numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil, log2
from typing import Any

import mpmath
from flint import ctx


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic at this many bits inside the block; what was set before is restored, whatever happens.

    >>> from flint import arb
    >>> with precision(200):
    ...     third = arb(1) / 3
    >>> third.rad() < arb(2) ** -198
    True
    """
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def bits_of(digits: int) -> int:
    """Bits that hold this many decimal digits."""
    return ceil(digits * log2(10))


def to_mpf(ball: Any) -> mpmath.mpf:
    """The midpoint of a ball as an mpmath number, exactly (whatever mpmath's own precision is).

    Raises ArithmeticError where the ball has none.
    """
    if not ball.mid().is_finite():
        raise ArithmeticError("a value is not finite")
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    value: mpmath.mpf = mpmath.make_mpf(mpmath.libmp.from_man_exp(mantissa, exponent))
    return value
