"""One power of gamma where a root of what vanishes with gamma reads the values that are being solved for.

With X = v - m^2 = gamma^2 (X_2 + gamma X_3 + ...), theta at gamma^k reads sqrt(X) at gamma^(k-1), that is X_k, in which the
averages v_k and m_k have what they take from theta_k; that it cancels (2 g H theta_k against itself) is seen only once they are
solved for.  So theta_k = F(theta_k), where F solves the averages for a path and puts them into the update; F^2 is constant here.

The first guess is a polynomial in n whose coefficients are symbols T.  If F^p(T) has no symbol left, it is the one solution:
every solution is some T, and T = F^p(T).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.algebra.fold import within
from derive.algebra.sums import Sum
from derive.engine.coupling import Component
from derive.engine.translation import later

if TYPE_CHECKING:
    from derive.engine.run import Derivation

PASSES = 4


def settle(run: Derivation, queue: list[Component], k: int) -> bool:
    """Solve the components, which wait for each other at gamma^k; False where they are not found so."""
    guessed = [c for c in queue if c.slow] or queue[:1]
    others = [c for c in queue if c not in guessed]
    run.tentative = k
    for component in guessed:
        for name in component.names:
            run.solution[name][k] = _guess(run, name, k, from_point=name == component.slow)
    for _ in range(PASSES):
        found = _in_turn(run, others, k) and all(run.solve(c, k) for c in guessed)
        if not found:
            break
        if not any(_is_guess(run.solution[name][k]) for c in guessed for name in c.names):
            found = _in_turn(run, others, k)
            run.tentative = -1
            return found
    run.tentative = -1
    return False


def _in_turn(run: Derivation, components: list[Component], k: int) -> bool:
    """Each component once those that it needs are solved."""
    for component in components:
        for name in component.names:
            run.solution[name].pop(k, None)
    waiting = components
    while waiting:
        before, waiting = waiting, [c for c in waiting if not run.solve(c, k)]
        if len(waiting) == len(before):
            return False
    return True


def _guess(run: Derivation, name: str, k: int, from_point: bool) -> Sum:
    """A polynomial in n of degree k with a symbol for each coefficient, zero at n = 0 where the point is given."""
    (own,) = run.symbols[name]
    result: Sum = {}
    for i in range(int(from_point), k + 1):
        (term,) = run.algebra.state(later(name, i), own.scalar)
        result[term] = run.ring.n**i
    return result


def _is_guess(value: Sum) -> bool:
    return any(f.kind == "state" and " later " in f.label for t in value for f in within(t))
