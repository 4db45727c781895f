"""The search for a change of variables between two equations, and why there is none where it ends.

    theta_B = theta_A + gamma c_1 + gamma^2 c_2 + ...:      D theta_B [f] = g(theta_B)       (or of second order)

c_k enters at gamma^k linearly, A c_k = r_k with A m = D m [f_0] - D f_0 [m] for the limit f_0 alone.  Where A's kernel among the
candidates holds shifts of time (multiples of f_0, or of theta') and nothing else, the choice of c_1, ..., c_(k-1) does not
matter: another choice is this one after a shift along A's own flow.  So if A c_k = r_k has no solution there, none exists
among the candidates, whose terms are linearly independent functions of the derivatives of L.

For f_0 = -a grad L the kernel is that among rooted trees of every size, and sizes other than k are of no use at gamma^k: let r
be the most branches that a root has in m.  D m [grad L] grafts a leaf onto every node; D grad L [m] has one branch at its root.
Trees with r + 1 branches at the root come from grafting onto roots with r alone, which is injective, so that they cannot cancel
unless r = 0: m is a multiple of grad L.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.algebra.ansatz import examine_ansatz
from derive.algebra.calculus import Derivative, Transfer, mentions
from derive.algebra.coefficients import Ratio
from derive.algebra.rooted import rooted_trees
from derive.algebra.sums import Algebra, Sum, accumulate
from derive.algebra.terms import Term
from derive.engine.composition import Given, Workspace, composed
from derive.equation import ModifiedEquation
from derive.readings.conclusion import EXISTS, NONE_EXISTS, NONE_FOUND, Conclusion, is_polynomial, unless
from derive.readings.rates import rate_difference
from derive.readings.second_order import time_rate
from derive.readings.weights import vectors_of_weight

SMOOTH = "smooth changes theta_B = theta_A + gamma c_1 + ..., of whatever form"
TREES = "sums of derivatives of L applied to each other (rooted trees of every size)"
THETA = frozenset(("theta",))


@dataclass(frozen=True)
class Change:
    """c_1, ..., c_reached, and what the search ended with."""

    terms: tuple[Sum, ...]
    reached: int
    conclusion: Conclusion


def find_change(
    algebra: Algebra, f: list[Sum], g: list[Sum], equations: Sequence[ModifiedEquation], velocity: str | None, about: str
) -> Change:
    """The change of variables from theta' = f to theta' = g with equal limits (of second order with a velocity)."""
    if any(time_rate(e) for e in equations):
        nothing = Conclusion(NONE_FOUND, about, searched="no terms: the equations depend on the time, so none is looked for")
        return Change((), 0, nothing)
    search = _Search(algebra, f, g, equations, velocity)
    for k in range(1, len(f)):
        if not search.step(k):
            break
    else:
        return Change(tuple(search.change), len(f) - 1, Conclusion(EXISTS, about, because="put into both equations it holds"))
    difference = rate_difference(algebra, f, g, velocity, equations)
    if difference is not None:
        reason = f"the eigenvalues at a minimum differ at gamma^{difference.power}, and no smooth change alters them"
        found = Conclusion(NONE_EXISTS, about, SMOOTH, because=reason, witness=difference.witness,
                           for_parameters=difference.for_parameters, quantity=difference.quantity)  # fmt: skip
    else:
        found = search.conclusion(about)
    return Change(tuple(search.change), len(search.change), found)


class _Search:
    """c_1, c_2, ..., one after the other."""

    def __init__(
        self, algebra: Algebra, f: list[Sum], g: list[Sum], equations: Sequence[ModifiedEquation], velocity: str | None
    ) -> None:
        self.algebra, self.f, self.g, self.equations, self.velocity = algebra, f, g, equations, velocity
        self.along = derivatives_along(algebra, f, velocity)
        self.change: list[Sum] = []
        self.only_shifts = True  # so far the candidates that the limit does not see are shifts of time
        self.obstacle: tuple[Ratio, ...] = ()  # all of these vanish where there is a c_k
        self.candidates: list[Term] = []
        terms = {t for s in (*f, *g) for t in s}
        self.independent = all(map(is_polynomial, terms))
        self.trees = not velocity and all(t.is_tree and not mentions(t, THETA) for t in terms)
        self.decay = not velocity and self.independent and any(mentions(t, THETA) for t in terms)

    def step(self, k: int) -> bool:
        """Whether there is a c_k."""
        algebra = self.algebra
        target = _minus(residual(algebra, self.g, self.change, k, self.along, self.velocity))
        self.candidates = self.candidates_at(k)
        images = [self.image({t: algebra.ring.one}) for t in self.candidates]
        found = examine_ansatz(algebra, [(images, target)])
        if found.values is None:
            pivots = algebra.ring.one
            for p in found.pivots:
                pivots = pivots * p
            self.obstacle = tuple(c * pivots for c in found.conditions)
            return False
        self.only_shifts = self.only_shifts and found.free == self._shifts()
        self.change.append({t: x for t, x in zip(self.candidates, found.values, strict=True) if x})
        return True

    def conclusion(self, about: str) -> Conclusion:
        """Why there is no next coefficient."""
        k = len(self.change) + 1
        if self.independent and self.only_shifts:
            reason = f"the linear equations for the coefficients at gamma^{k} have no solution"
            return Conclusion(NONE_EXISTS, about, self._span(k), because=reason,
                              for_parameters=unless(self.obstacle, *self.equations))  # fmt: skip
        return Conclusion(NONE_FOUND, about, searched=self._span(k))

    def _span(self, k: int) -> str:
        if self.trees:
            return TREES
        if self.velocity or self.decay:
            leaf = "theta'" if self.velocity else "theta"
            node = 2 if self.velocity else 1
            return (f"sums of rooted trees of derivatives of L with leaves {leaf}, of weight at most j at gamma^j "
                    f"({leaf} weighs 1, a derivative of L {node}): {len(self.candidates)} at gamma^{k}")  # fmt: skip
        return f"{len(self.candidates)} terms, those of both fields at gamma^{k - 1} and of their memory at gamma^{k}"

    def _shifts(self) -> int:
        """The dimension of shifts of time among the candidates: multiples of theta'."""
        rate = self.algebra.state(self.velocity) if self.velocity else self.f[0]
        return int(set(rate) <= set(self.candidates))

    def image(self, m: Sum) -> Sum:
        """What c_k = m contributes at gamma^k: L m - D g_0 [m], or L^2 m - D_theta g_0 [m] - D_p g_0 [L m]."""
        algebra, limit, along = self.algebra, self.f[0], self.along[0]
        first = along(m)
        if not self.velocity:
            return algebra.add(first, _minus(Derivative(algebra, {"theta": m})(limit)))
        return algebra.add(along(first), _minus(Derivative(algebra, {"theta": m, self.velocity: first})(limit)))

    def candidates_at(self, k: int) -> list[Term]:
        """Vector terms of the weight of c_k: all trees; else those of the fields at gamma^(k-1) and of the memory at gamma^k."""
        algebra = self.algebra
        if self.velocity:
            return [t for w in range(1, k + 1) for t in vectors_of_weight(algebra, self.velocity, w)]
        if self.decay:
            return [t for w in range(1, k + 1) for t in vectors_of_weight(algebra, "theta", w, 1)]
        found: dict[Term, None] = dict.fromkeys((*self.f[k - 1], *self.g[k - 1]))
        for equation in self.equations:
            move = Transfer(equation.algebra, algebra)
            for variable, sums in equation.memory.items():
                if equation.scheme_kind(variable) == "vector" and k < len(sums):
                    found |= dict.fromkeys(move(sums[k].sum))
        if self.trees:
            return list(found | dict.fromkeys(rooted_trees(algebra, k, self.equations[0].scheme.label)))
        return [t for t in found if not t.scalar]


def residual(
    algebra: Algebra, g: list[Sum], change: list[Sum], k: int, along: list[Derivative], velocity: str | None
) -> Sum:
    """D theta_B [f] - g(theta_B) at gamma^k (second order: theta_B'' - g(theta_B, theta_B')), with c_k = 0."""
    theta = [algebra.state("theta"), *change] + [{} for _ in range(k - len(change))]
    left = lie(along, theta)
    workspace = Workspace(algebra)
    states = {"theta": Given(workspace, theta)}
    if velocity:
        states[velocity] = Given(workspace, left)
        left = lie(along, left)
    total = dict(left[k])
    for j in range(k + 1):
        accumulate(total, _minus(composed(workspace, g[j], states).at(k - j)))
    return total


def _minus(a: Sum) -> Sum:
    return {t: -c for t, c in a.items()}


def derivatives_along(algebra: Algebra, f: list[Sum], velocity: str | None) -> list[Derivative]:
    """L_j: the derivative along A's field at gamma^j."""
    if not velocity:
        return [Derivative(algebra, {"theta": x}) for x in f]
    p = algebra.state(velocity)
    return [Derivative(algebra, {"theta": p if j == 0 else {}, velocity: x}) for j, x in enumerate(f)]


def lie(along: list[Derivative], series: list[Sum]) -> list[Sum]:
    """sum_(i+j=k) L_j m_i."""
    result: list[Sum] = [{} for _ in series]
    for i, m in enumerate(series):
        for j in range(len(series) - i):
            accumulate(result[i + j], along[j](m))
    return result
