"""The difference equations of sequences in n hold identically, for random right-hand sides with and without transients."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sequences import Sequences, coefficient_of_n, value_at

RING = Ring(("beta", "y", "z"))  # z = beta^n, y = (1/3)^n
BETA, Z, Y, N, ONE = RING.symbol("beta"), RING.symbol("z"), RING.symbol("y"), RING.n, RING.one
THIRD = RING.constant(Fraction(1, 3))


def polynomial_solver() -> Sequences:
    return Sequences(RING)


def transient_solver() -> Sequences:
    return Sequences(RING, {"z": BETA, "y": THIRD})


def shift(p: Ratio) -> Ratio:
    return polynomial_solver().shift(p)


coefficients = st.lists(st.fractions(min_value=-3, max_value=3, max_denominator=4), min_size=1, max_size=5)


def polynomial(c: list[Fraction]) -> Ratio:
    """sum c_d n^d with a parameter in every other coefficient, over the denominator 1 + beta."""
    total = RING.zero
    for d, x in enumerate(c):
        total = total + RING.constant(x) * (BETA if d % 2 else ONE) * N**d
    return total / (ONE + BETA)


def at(x: Ratio, n: int) -> Ratio:
    """The sequence at a whole number n >= 0, its decays too."""
    return x.substitute({"n": RING.constant(n), "z": BETA**n, "y": THIRD**n}, RING)


@given(coefficients)
def test_sums(c: list[Fraction]) -> None:
    """P(n+1) - P(n) = R(n) identically, P(0) = 0, and P(3) = R(0) + R(1) + R(2)."""
    right = polynomial(c)
    p = polynomial_solver().sum(right)
    assert shift(p) - p == right
    assert not value_at(p, 0)
    assert value_at(p, 3) == at(right, 0) + at(right, 1) + at(right, 2)
    assert (p.num, p.den) == (p.reduced().num, p.reduced().den)


@given(coefficients)
def test_relaxations(c: list[Fraction]) -> None:
    """P(n+1) - a P(n) = R(n) identically, for several factors a out of one solver."""
    right, solver = polynomial(c), polynomial_solver()
    for a in (BETA, THIRD, RING.zero, -BETA / (ONE + BETA), BETA):
        p = solver.relax(a, right)
        assert shift(p) - a * p == right
    assert solver.relax(BETA, right + N) == solver.relax(BETA, right) + solver.relax(BETA, N)


@given(coefficients)
def test_what_is_read_off(c: list[Fraction]) -> None:
    """Coefficients of powers of n rebuild the sequence; shift moves its values by one."""
    p = polynomial(c)
    total = RING.zero
    for d in range(6):
        total = total + coefficient_of_n(p, d) * N**d
    assert total == p
    assert not coefficient_of_n(p, len(c))
    for n in range(4):
        assert value_at(p, n) == at(p, n)
        assert value_at(shift(p), n) == value_at(p, n + 1)


def decaying(c: list[list[Fraction]]) -> Ratio:
    total = RING.zero
    for x, part in zip((ONE, Z, Y, Z * Y, Z * Z), c, strict=True):
        total = total + polynomial(part) * x
    return total


few = st.lists(st.fractions(min_value=-2, max_value=2, max_denominator=3), min_size=1, max_size=3)
several = st.lists(few, min_size=5, max_size=5)


@given(several, st.fractions(min_value=-2, max_value=2, max_denominator=3))
def test_decaying_sequences(c: list[list[Fraction]], start: Fraction) -> None:
    """The same equations with beta^n and 3^-n in them; a relaxation starts where it is told, with resonance or not."""
    solver, right, first = transient_solver(), decaying(c), RING.constant(start)
    p = solver.sum(right)
    assert solver.shift(p) - p == right
    assert not solver.at_zero(p)
    assert at(p, 2) == at(right, 0) + at(right, 1)
    for a in (BETA, THIRD):
        q = solver.relax(a, right, first)
        assert solver.shift(q) - a * q == right
        assert solver.at_zero(q) == first == at(q, 0)
        assert at(q, 1) == a * first + at(right, 0)
    assert at(solver.shift(right), 2) == at(right, 3)
    assert solver.settled(right) + solver.moving(right) == right
    assert solver.settled(right) == polynomial(c[0])
    assert solver.has_transient(right) == bool(solver.moving(right))
    assert not solver.has_transient(solver.settled(right))
