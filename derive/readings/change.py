"""The search for a change of variables between two equations, and why there is none where it ends.

    theta_B = theta_A + gamma c_1 + gamma^2 c_2 + ...:      D theta_B [f] = g(theta_B)       (or of second order)

theta stands for all unknowns: of several, each has its own c_k, and D is along all of them.

c_k enters at gamma^k linearly, A c_k = r_k with A m = D m [f_0] - D f_0 [m] for the limit f_0 alone.  Where A's kernel among the
candidates holds shifts of time (multiples of f_0, or of theta') and nothing else, the choice of c_1, ..., c_(k-1) does not
matter: another choice is this one after a shift along A's own flow.  So if A c_k = r_k has no solution there, none exists
among the candidates, whose terms are linearly independent functions of the derivatives of L.

For f_0 = -a grad L the kernel is that among rooted trees of every size, and sizes other than k are of no use at gamma^k: let r
be the most branches that a root has in m.  D m [grad L] grafts a leaf onto every node; D grad L [m] has one branch at its root.
Trees with r + 1 branches at the root come from grafting onto roots with r alone, which is injective, so that they cannot cancel
unless r = 0: m is a multiple of grad L.  Of several losses: a leaf of f_0 is grafted onto every node of a loss f in each unknown
that f depends on; onto roots of f alone this multiplies by the sum of these leaves, injective where it is not zero.  Single
nodes, r = 0, are looked at one by one: at gamma^1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.algebra.ansatz import examine_ansatz
from derive.algebra.calculus import Derivative, Transfer, mentions
from derive.algebra.coefficients import Ratio
from derive.algebra.functions import declared_losses
from derive.algebra.rooted import rooted_trees
from derive.algebra.sums import Algebra, Sum, accumulate
from derive.algebra.terms import Term, space_of
from derive.engine.composition import Given, Workspace, composed
from derive.equation import ModifiedEquation
from derive.readings.conclusion import EXISTS, NONE_EXISTS, NONE_FOUND, Conclusion, is_polynomial, unless
from derive.readings.rates import rate_difference
from derive.readings.second_order import time_rate
from derive.readings.weights import vectors_of_weight

SMOOTH = "smooth changes theta_B = theta_A + gamma c_1 + ..., of whatever form"
Fields = Mapping[str, Sequence[Sum]]  # unknown -> its field by power of gamma; theta alone for one loss, or of second order


@dataclass(frozen=True)
class Change:
    """For every unknown c_1, ..., c_reached, and what the search ended with."""

    terms: Mapping[str, tuple[Sum, ...]]
    reached: int
    conclusion: Conclusion


def find_change(
    algebra: Algebra, f: Fields, g: Fields, equations: Sequence[ModifiedEquation], velocity: str | None, about: str
) -> Change:
    """The change of variables from theta' = f to theta' = g with equal limits (of second order with a velocity)."""
    nothing_yet: dict[str, tuple[Sum, ...]] = dict.fromkeys(f, ())
    if any(time_rate(e) for e in equations):
        nothing = Conclusion(NONE_FOUND, about, searched="no terms: the equations depend on the time, so none is looked for")
        return Change(nothing_yet, 0, nothing)
    search = _Search(algebra, f, g, equations, velocity)
    order = powers(f) - 1
    while search.reached < order and search.step():
        pass
    if search.reached == order:
        return Change(search.terms(), order, Conclusion(EXISTS, about, because="put into both equations it holds"))
    of_one = not any(e.scheme.losses for e in equations)
    difference = rate_difference(algebra, list(f["theta"]), list(g["theta"]), velocity, equations) if of_one else None
    if difference is not None:
        reason = f"the eigenvalues at a minimum differ at gamma^{difference.power}, and no smooth change alters them"
        found = Conclusion(NONE_EXISTS, about, SMOOTH, because=reason, witness=difference.witness,
                           for_parameters=difference.for_parameters, quantity=difference.quantity)  # fmt: skip
    else:
        found = search.conclusion(about)
    return Change(search.terms(), search.reached, found)


def powers(f: Fields) -> int:
    """How many powers of gamma there are."""
    return min(map(len, f.values()))


class _Search:
    """c_1, c_2, ..., one after the other."""

    def __init__(
        self, algebra: Algebra, f: Fields, g: Fields, equations: Sequence[ModifiedEquation], velocity: str | None
    ) -> None:
        self.algebra, self.f, self.g, self.equations, self.velocity = algebra, f, g, equations, velocity
        self.along = derivatives_along(algebra, f, velocity)
        self.change: dict[str, list[Sum]] = {x: [] for x in f}
        self.reached = 0
        self.only_shifts = True  # so far the candidates that the limit does not see are shifts of time
        self.obstacle: tuple[Ratio, ...] = ()  # all of these vanish where there is a c_k
        self.candidates: list[tuple[str, Term]] = []
        terms = {t for sums in (*f.values(), *g.values()) for s in sums for t in s}
        unknowns = frozenset(f)
        self.labels = [label for label, function in algebra.functions.items() if "." in label or label == self.label]
        self.independent = all(map(is_polynomial, terms))
        self.trees = not velocity and self._from_leaves() and all(t.is_tree and not mentions(t, unknowns) for t in terms)
        plain = not velocity and len(f) == 1
        self.decay = plain and self.independent and any(mentions(t, unknowns) for t in terms)

    @property
    def label(self) -> str:
        return self.equations[0].scheme.label

    def _from_leaves(self) -> bool:
        """Whether the limit grafts leaves onto every node: it consists of single nodes, in some unknown of every loss."""
        leaves = all(t.size == 1 for sums in self.f.values() for t in sums[0])
        moved = {x for x, sums in self.f.items() if sums[0]}
        return leaves and all(moved & set(self.algebra.functions[label].slots) for label in self.labels)

    def terms(self) -> dict[str, tuple[Sum, ...]]:
        return {x: tuple(c) for x, c in self.change.items()}

    def step(self) -> bool:
        """Whether there is a next c_k."""
        algebra, k = self.algebra, self.reached + 1
        left = residual(algebra, self.g, self.change, k, self.along, self.velocity)
        self.candidates = self.candidates_at(k)
        images = [self.image({x: {t: algebra.ring.one}}) for x, t in self.candidates]
        found = examine_ansatz(algebra, [([m.get(x, {}) for m in images], _minus(left[x])) for x in self.f])
        if found.values is None:
            pivots = algebra.ring.one
            for p in found.pivots:
                pivots = pivots * p
            self.obstacle = tuple(c * pivots for c in found.conditions)
            return False
        self.only_shifts = self.only_shifts and found.free == self._shifts()
        for x, own in self.change.items():
            own.append({t: c for (y, t), c in zip(self.candidates, found.values, strict=True) if c and x == y})
        self.reached = k
        return True

    def conclusion(self, about: str) -> Conclusion:
        """Why there is no next coefficient."""
        k = self.reached + 1
        if self.independent and self.only_shifts:
            reason = f"the linear equations for the coefficients at gamma^{k} have no solution"
            return Conclusion(NONE_EXISTS, about, self._span(k), because=reason,
                              for_parameters=unless(self.obstacle, *self.equations))  # fmt: skip
        return Conclusion(NONE_FOUND, about, searched=self._span(k))

    def _span(self, k: int) -> str:
        if self.trees:
            losses = " and ".join(declared_losses(self.algebra.functions)) or "L"
            return f"sums of derivatives of {losses} applied to each other (rooted trees of every size)"
        if self.velocity or self.decay:
            leaf = "theta'" if self.velocity else "theta"
            node = 2 if self.velocity else 1
            return (f"sums of rooted trees of derivatives of L with leaves {leaf}, of weight at most j at gamma^j "
                    f"({leaf} weighs 1, a derivative of L {node}): {len(self.candidates)} at gamma^{k}")  # fmt: skip
        return f"{len(self.candidates)} terms, those of both fields at gamma^{k - 1} and of their memory at gamma^{k}"

    def _shifts(self) -> int:
        """The dimension of shifts of time among the candidates: multiples of theta'."""
        rates = {"theta": self.algebra.state(self.velocity)} if self.velocity else {x: sums[0] for x, sums in self.f.items()}
        return int({(x, t) for x, rate in rates.items() for t in rate} <= set(self.candidates))

    def image(self, m: Mapping[str, Sum]) -> dict[str, Sum]:
        """What c_k = m contributes at gamma^k: L m - D g_0 [m], or L^2 m - D_theta g_0 [m] - D_p g_0 [L m]."""
        algebra, along = self.algebra, self.along[0]
        first = {x: along(s) for x, s in m.items()}
        if self.velocity:
            limit, moved = self.f["theta"][0], {"theta": m["theta"], self.velocity: first["theta"]}
            return {"theta": algebra.add(along(first["theta"]), _minus(Derivative(algebra, moved)(limit)))}
        at = Derivative(algebra, m)
        return {x: algebra.add(first.get(x, {}), _minus(at(sums[0]))) for x, sums in self.f.items()}

    def candidates_at(self, k: int) -> list[tuple[str, Term]]:
        """(unknown, vector term of the weight of its c_k): all trees; else those of the fields at gamma^(k-1) and of the memory
        at gamma^k."""
        algebra = self.algebra
        if self.velocity:
            return [("theta", t) for w in range(1, k + 1) for t in vectors_of_weight(algebra, self.velocity, w)]
        if self.decay:
            (x,) = self.f
            return [(x, t) for w in range(1, k + 1) for t in vectors_of_weight(algebra, x, w, 1)]
        found: dict[tuple[str, Term], None] = {(x, t): None for s in (self.f, self.g) for x in s for t in s[x][k - 1]}
        for equation in self.equations:
            move = Transfer(equation.algebra, algebra)
            for variable, sums in equation.memory.items():
                if equation.scheme_kind(variable) == "vector" and k < len(sums):
                    found |= {(self.place(t), t): None for t in move(sums[k].sum)}
        if self.trees:
            return list(found | {(self.place(t), t): None for t in rooted_trees(algebra, k, *self.labels)})
        return [(x, t) for x, t in found if not t.scalar]

    def place(self, t: Term) -> str:
        """The unknown in whose space a term lies."""
        return space_of(t) if len(self.f) > 1 else next(iter(self.f))


def residual(
    algebra: Algebra, g: Fields, change: Mapping[str, Sequence[Sum]], k: int, along: list[Derivative], velocity: str | None
) -> dict[str, Sum]:
    """D theta_B [f] - g(theta_B) at gamma^k (second order: theta_B'' - g(theta_B, theta_B')), with c_k = 0, for every unknown."""
    moved = {x: [algebra.state(x), *own] + [{} for _ in range(k - len(own))] for x, own in change.items()}
    left = {x: lie(along, series) for x, series in moved.items()}
    workspace = Workspace(algebra)
    states = {x: Given(workspace, series) for x, series in moved.items()}
    if velocity:
        states[velocity] = Given(workspace, left["theta"])
        left = {x: lie(along, series) for x, series in left.items()}
    result = {}
    for x, sums in g.items():
        result[x] = dict(left[x][k])
        for j in range(k + 1):
            accumulate(result[x], _minus(composed(workspace, sums[j], states).at(k - j)))
    return result


def _minus(a: Sum) -> Sum:
    return {t: -c for t, c in a.items()}


def derivatives_along(algebra: Algebra, f: Fields, velocity: str | None) -> list[Derivative]:
    """L_j: the derivative along A's field at gamma^j."""
    if not velocity:
        return [Derivative(algebra, {x: sums[j] for x, sums in f.items()}) for j in range(powers(f))]
    p = algebra.state(velocity)
    return [Derivative(algebra, {"theta": p if j == 0 else {}, velocity: s}) for j, s in enumerate(f["theta"])]


def lie(along: list[Derivative], series: list[Sum]) -> list[Sum]:
    """sum_(i+j=k) L_j m_i."""
    result: list[Sum] = [{} for _ in series]
    for i, m in enumerate(series):
        for j in range(len(series) - i):
            accumulate(result[i + j], along[j](m))
    return result
