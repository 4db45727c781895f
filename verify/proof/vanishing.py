"""Roots, signs and denominators of what vanishes at gamma = 0, such as sqrt(v - m^2) of a centred second moment.

With X = gamma^v (X_v + ...) the root at gamma^(k - 1) may need X, and so the memory, at gamma^k, where the equation for the
memory is no longer linear; but with the roots *held* at given values it is, as ever.  So at each power the roots are guessed, the
memory is solved for with them, the text is run and its roots are taken, and so on until nothing changes.  Two guesses must end
the same.

That one check, Delta^(k+1) X_0^(k) = 0 on a run of the text as it stands, still speaks for every step: for k > v the root at
gamma^(k - v/2) is linear in X at gamma^k, with a constant factor, which only changes J; for k = v the leading part is seen to be
the same at k + 2 steps, and with the root held there the orbit is polynomial, so that X_v is, and constant.

What stands there is a function of z_i and of u = hess(f_0), f_0 the leading field (X_v is made of rates along the flow), which is
checked by drawing all other derivatives anew.  For docs/proof.md, "Why one dimension stands for all": u_i are as free as z_i.
Take one component e more and, in place of T_ie, the number u_i = sum_j w_j T_ij f_j as the variable, so that
T_ie = (u_i - sum_(j != e) w_j T_ij f_j)/(w_e f_e); let w_e grow with u fixed, and the other T at e be zero.  A sum over an index
that falls on e has the factor w_e once and 1/w_e for each T there: only a T[c] with one T at the index and nothing else is left.
Write its c(z_j) = f_j c(z*)/f(z*) + r(z_j): the first part is u_i, and r vanishes for z_e = z*.  What remains as w_e grows has no
index at e, and is the sum treated there with (z_i, u_i) for z_i.  Scalar products of u are at most as many as there are without.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verify.proof.errors import Undecided
from verify.proof.series import Series

if TYPE_CHECKING:
    from verify.proof.orbit import Orbit

Roots = Mapping[Any, Series]
MOST_PASSES = 6  # in which the memory at one power is solved for


def vanishing(orbit: Orbit) -> bool:
    """Whether something vanishes at gamma = 0 under a root or sign, or in a denominator."""
    return bool(taken(orbit, 1, 1, 0))


def taken(orbit: Orbit, known: int, length: int, guess: int) -> Roots:
    """The roots of a run with the memory known below gamma^known, and a guess for what is unknown of them below gamma^length."""
    algebra = orbit.algebra(known)
    orbit.run(algebra, orbit.start(algebra, known), length)
    pad = orbit.ring.constant(Fraction(guess)) if guess else orbit.ring.zero
    return {place: _padded(x, length, pad) for place, x in algebra.roots.items()}


def _padded(x: Series, length: int, pad: Any) -> Series:
    return x if x.exact else Series(x.a, x.v, [*x.c, *[pad] * (length - x.precision)])


def solved(orbit: Orbit, k: int, guess: int) -> Any:
    """The memory at gamma^k, by passes from a guess."""
    solution = orbit.solution(k, taken(orbit, k, k + 1, guess))
    for passes in range(2, orbit.most + 1):
        orbit.keep(k, solution)
        before, solution = solution, orbit.solution(k, taken(orbit, k + 1, k + 1, guess))
        orbit.passes = max(orbit.passes, passes)
        if solution == before:
            return solution
    if _free(orbit):
        raise Undecided(f"the memory at gamma^{k} and the roots that read it do not settle each other")
    return solution


def settled(orbit: Orbit, k: int) -> Any:
    """The memory at gamma^k, the same from two guesses where it is not known in how many passes it is found."""
    solution = solved(orbit, k, 1)
    if _free(orbit) and solved(orbit, k, 0) != solution:
        raise Undecided(f"there is more than one slow orbit at gamma^{k}")
    return solution


def _free(orbit: Orbit) -> bool:
    return orbit.leading is None and orbit.most == MOST_PASSES
