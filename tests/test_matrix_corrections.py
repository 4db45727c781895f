"""First corrections of GaLore and averaged Shampoo by hand, as numbers.

The formulas below hold F, the limit field, and what memory averages, r; their derivatives are differences in mpmath, and their
eigenvectors and roots are those of mpmath.  Beside them the equation as it was derived, in ball arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from flint import ctx
from mpmath import matrix, mpf

from derive import modified_equation
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape
from verify.numeric.system import build_system, chosen_parameters
from verify.problems.landscape import Loss

LOSS = "w**4/4 + w*x**2 + y*z + y**2 + x*z + 3*x/2"
THETA = [Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(2)]
Parameters = dict[str, Fraction]


def gradient(theta: matrix) -> matrix:
    w, x, y, z = theta
    return matrix([[w**3 + x**2, 2 * w * x + z + mpf(3) / 2], [z + 2 * y, y + x]])


def times(*factors: matrix) -> matrix:
    """The product of components."""
    found = factors[0].copy()
    for f in factors[1:]:
        found = matrix([[found[i, j] * f[i, j] for j in range(2)] for i in range(2)])
    return found


def each(f: Callable[[Any], Any], a: matrix) -> matrix:
    return matrix([[f(a[i, j]) for j in range(2)] for i in range(2)])


def along(f: Callable[[matrix], matrix], x: matrix, v: matrix) -> matrix:
    """df(x)[v]."""
    h = mpf(10) ** -15
    return (f(x + h * v) - f(x - h * v)) / (2 * h)


def eigenvectors(s: matrix) -> matrix:
    """Of descending eigenvalues; the signs are those of mpmath, which do not jump between neighbours here."""
    values, u = mpmath.eigsy(s)
    assert values[0] < values[1]
    return matrix([[u[i, 1 - j] for j in range(2)] for i in range(2)])


def derived(name: str, parameters: Parameters) -> tuple[list[list[float]], list[Fraction]]:
    """(f_0 and f_1 of all slow variables, where)."""
    equation = modified_equation(name, 1)
    system = build_system(equation.configuration, equation.to_json(), Loss(LOSS), parameters, THETA)
    tape = Tape(len(system.start))
    rows = [[tape.lift(x) for x in row] for row in system.fields(tape.inputs)]
    with ctx.workprec(200):
        return [[float(x) for x in Program(tape, row)([number(x) for x in system.start])] for row in rows], list(system.start)


def shaped(values: Sequence[Any]) -> matrix:
    return matrix([[mpf(x.numerator) / x.denominator for x in values[i : i + 2]] for i in (0, 2)])


def flat(a: matrix) -> list[float]:
    return [float(x) for x in a]


# ------------------------------------------------------------------------------------------ GaLore


@pytest.mark.parametrize("name, window", [("galore", 1), ("galore-gap", 3)])
@pytest.mark.parametrize("betas", [(0, 0), (Fraction(1, 2), Fraction(1, 3)), (Fraction(2, 3), Fraction(3, 4))])
def test_galore_by_hand(name: str, window: int, betas: tuple[Fraction, Fraction]) -> None:
    """F = kappa U (r s(r^2)), r = U.T g.  k steps before the j-th of a window of T the point is theta + (k - j) gamma F and the
    projector that of theta + T ceil((k - j)/T) gamma F, so with a = U.T H F and b = dU[F].T g the first moment is

        m_j = r + gamma ((b1/(1 - b1) - j) a + T b1^(j+1)/(1 - b1^T) b),

    v_j is r^2 + 2 r gamma (the same with b2), and f_1 = -T^2/2 dF[F] - kappa U sum_j (s dm_j + r s'(r^2) dv_j)."""
    parameters = {"beta1": betas[0], "beta2": betas[1], "kappa": Fraction(1, 4), "eps": Fraction(2, 3)}
    (f_0, f_1), _ = derived(name, {n: Fraction(v) for n, v in parameters.items()})
    with mpmath.workdps(50):
        b1, b2, kappa, eps = (mpf(Fraction(v).numerator) / Fraction(v).denominator for v in parameters.values())
        theta = shaped(THETA)
        s, slope = lambda v: 1 / (mpmath.sqrt(v) + eps), lambda v: -1 / (2 * mpmath.sqrt(v) * (mpmath.sqrt(v) + eps) ** 2)

        def basis(x: matrix) -> matrix:
            g = gradient(x)
            return eigenvectors(g * g.T)

        def field(x: matrix) -> matrix:
            u = basis(x)
            r = u.T * gradient(x)
            return kappa * u * times(r, each(s, times(r, r)))

        force, u, g = field(theta), basis(theta), gradient(theta)
        r = u.T * g
        a, b = u.T * along(gradient, theta, force), along(basis, theta, force).T * g
        total = -(mpf(window) ** 2) / 2 * along(field, theta, force)
        for j in range(window):
            first, second = ((c / (1 - c) - j) * a + window * c ** (j + 1) / (1 - c**window) * b for c in (b1, b2))
            part = times(first, each(s, times(r, r))) + times(2 * r, r, each(slope, times(r, r)), second)
            total -= kappa * u * part
        assert f_0 == pytest.approx(flat(-window * force), rel=1e-14)
        assert f_1 == pytest.approx(flat(total), rel=1e-14)
        assert f_1 != pytest.approx(flat(total + mpf(10) ** -9 * force), rel=1e-14)


# ------------------------------------------------------------------------------------------ Shampoo


def root(s: matrix) -> matrix:
    """The inverse fourth root."""
    values, u = mpmath.eigsy(s)
    return u * mpmath.diag([x ** (-mpf(1) / 4) for x in values]) * u.T


def test_averaged_shampoo_by_hand() -> None:
    """u = R(A) g R(B), F = u/(1 - b), b = beta1.  j steps before, u was u + gamma (j d_theta u[F] + (1 - j) u'), u' its change
    with A' = lam (g g.T - A) and B' = lam (g.T g - B); the step is u + b (u + b u_1 + b^2 u_2 + ...), so with w = d_theta u[F]

        f_1 = -(c + 1/(2 (1 - b))) w + (c - 1/(2 (1 - b))) u',     c = b^2/(1 - b)^2,

    and of A, whose step is gamma A', half of the change of A' is taken away:  lam/2 (dg[F] g.T + g dg[F].T) + lam/2 A'."""
    parameters = {**chosen_parameters(modified_equation("shampoo-average", 0).configuration), "lam": Fraction(1, 4)}
    (f_0, f_1), start = derived("shampoo-average", parameters)
    with mpmath.workdps(50):
        b, lam = (mpf(parameters[n].numerator) / parameters[n].denominator for n in ("beta1", "lam"))
        theta, a_, b_ = (shaped(start[i : i + 4]) for i in (0, 4, 8))
        g = gradient(theta)
        force = root(a_) * g * root(b_) / (1 - b)
        left, right = lam * (g * g.T - a_), lam * (g.T * g - b_)
        w = root(a_) * along(gradient, theta, force) * root(b_)
        change = along(root, a_, left) * g * root(b_) + root(a_) * g * along(root, b_, right)
        c, half = b**2 / (1 - b) ** 2, 1 / (2 * (1 - b))
        moved = along(gradient, theta, force)
        expected = [-(c + half) * w + (c - half) * change]
        expected += [lam / 2 * (moved * g.T + g * moved.T + left), lam / 2 * (moved.T * g + g.T * moved + right)]
        assert f_0 == pytest.approx([*flat(-force), *flat(left), *flat(right)], rel=1e-12)
        assert f_1 == pytest.approx([x for m in expected for x in flat(m)], rel=1e-12)
        assert f_1[:4] != pytest.approx(flat(expected[0] + mpf(10) ** -9 * force), rel=1e-12)
