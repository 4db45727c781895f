"""Two schemes side by side: the same modified equation through which power, or the same up to a change of variables.

    theta' = f(theta) for A, theta' = g(theta) for B (or theta'' = f(theta, theta'), g likewise, where there is a velocity)
    theta_B = theta_A + gamma c_1 + gamma^2 c_2 + ...:
        first order    D theta_B [f] = g(theta_B)
        second order   theta_B'' = g(theta_B, theta_B'),  derivatives along A's flow

c_k enters at gamma^k linearly and with the limit flow only; it is sought among all terms of its weight (rooted trees, with
theta' as a leaf for second order), and unknowns that stay free (shifts of time) are zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.algebra.ansatz import solve_ansatz
from derive.algebra.calculus import Derivative, Transfer, same
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.rooted import rooted_trees
from derive.algebra.sums import Algebra, Sum, accumulate, reduced
from derive.algebra.terms import Term
from derive.engine.composition import Given, Workspace, composed
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import UsageError
from derive.language import fresh_name
from derive.readings.energy import vectors_of_weight
from derive.readings.second_order import P, said, second_order_form, time_rate
from derive.readings.witness import is_nonzero
from derive.result import Described, blocks
from derive.scheme import Scheme, configure, load_scheme


@dataclass(frozen=True, repr=False)
class Comparison(Described):
    """How two schemes' modified equations agree.

    same_through   the fields are equal through this power of gamma (-1: not even the limits are)
    change         c_1, c_2, ...: theta_B = theta_A + gamma c_1 + ... maps A's equation to B's through gamma^order; None where
                   there is no such change among the terms tried, which is everything for fields of trees
    change_through the power through which a change exists (equals the order where `change` is not None)
    step_ratio     s with g_0 = f_0 / s: B with the step s gamma has A's limit; None where the limits are not proportional
    same_rescaled  like same_through, for B with the step s gamma
    derivative     the symbol that stands for theta' in second-order forms
    """

    first: ModifiedEquation
    second: ModifiedEquation
    second_order: bool
    order: int
    same_through: int
    change: tuple[TermSum, ...] | None
    change_through: int
    step_ratio: Ratio | None
    same_rescaled: int
    difference: TermSum
    derivative: str

    @property
    def equation(self) -> ModifiedEquation:
        """The first scheme's equation."""
        return self.first

    def describe(self) -> str:
        return f"{self.first.name} against {self.second.name}: the same through gamma^{self.same_through} of {self.order}"

    def to_json(self) -> dict[str, Any]:
        """`same_through`, `change_of_variables` (list by power from 1, or null), and the rest by name."""
        return {
            "same_through": self.same_through,
            "order": self.order,
            "second_order": self.second_order,
            "difference": {"power": self.same_through + 1, "terms": self.difference.to_json()} if self.difference else None,
            "change_of_variables": None if self.change is None else blocks(dict(enumerate(self.change, 1))),
            "change_through": self.change_through,
            "step_ratio": None if self.step_ratio is None else str(self.step_ratio),
            "same_through_rescaled": self.same_rescaled,
            **said(self.derivative),
        }


def compare(
    a: str | Path | Scheme,
    b: str | Path | Scheme,
    order: int = 2,
    *,
    regimes: tuple[str | None, str | None] = (None, None),
    settings: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare two schemes through gamma^order; parameters of the same name are the same parameter.

    `settings` apply to each scheme that has the parameter.
    Raises UsageError where one has a velocity and the other not, and what `modified_equation` raises.

    >>> c = compare("nesterov", "nesterov-keras", 2)
    >>> c.same_through, [str(s) for s in c.change]
    (1, ['0', '-beta*(1 + beta)/(2*(1 - beta)**2)*hess(grad)'])
    """
    schemes = [load_scheme(a), load_scheme(b)]
    equations = []
    for scheme, regime in zip(schemes, regimes, strict=True):
        free = configure(scheme, regime).free
        own = {n: v for n, v in (settings or {}).items() if n in free or n.partition("(")[0] in scheme.functions}
        equations.append(modified_equation(scheme, order, regime=regime, settings=own))
    for name in settings or {}:
        if not any(name in e.configuration.settings for e in equations):
            raise UsageError(f"--set {name}: neither scheme has this parameter free")
    return compare_equations(equations[0], equations[1])


def compare_equations(first: ModifiedEquation, second: ModifiedEquation) -> Comparison:
    """Compare two derived equations of the same order."""
    if first.scheme.label != second.scheme.label:
        raise UsageError("one scheme is written for a loss (grad), the other for a vector field (field)")
    velocities = [len(e.equations) > 1 for e in (first, second)]
    if velocities[0] != velocities[1]:
        with_velocity, without = (first, second) if velocities[0] else (second, first)
        raise UsageError(
            f"{with_velocity.scheme.name} is an equation with a velocity here and {without.scheme.name} is not; choose regimes "
            "of the same kind (--regime-a, --regime-b)"
        )
    taken = {n for e in (first, second) for n in (*e.scheme.names, *e.configuration.free)}
    velocity = fresh_name(P, taken) if velocities[0] else None
    algebra = Algebra(Ring(list(dict.fromkeys((*first.algebra.ring.symbols, *second.algebra.ring.symbols)))))
    f, g = (_field(e, algebra, velocity) for e in (first, second))
    order = min(len(f), len(g)) - 1
    through = _equal_through(algebra, f, g)
    difference = {} if through == order else algebra.add(g[through + 1], _minus(f[through + 1]))
    ratio = None if velocity else _ratio(algebra, f[0], g[0])
    rescaled = through if ratio is None else _equal_through(algebra, f, _rescaled(algebra, g, ratio))
    change, reached = _change(algebra, f, g, (first, second), velocity)
    return Comparison(
        first, second, velocities[0], order, through,
        tuple(TermSum(algebra, c) for c in change) if reached == order else None,
        reached, ratio, rescaled, TermSum(algebra, reduced(difference)), velocity or P,
    )  # fmt: skip


def _field(equation: ModifiedEquation, algebra: Algebra, velocity: str | None) -> list[Sum]:
    sums = second_order_form(equation, velocity).terms if velocity else equation.equations["theta"]
    move = Transfer(equation.algebra, algebra)
    return [move(s.sum) for s in sums]


def _minus(a: Sum) -> Sum:
    return {t: -c for t, c in a.items()}


def _equal_through(algebra: Algebra, f: list[Sum], g: list[Sum]) -> int:
    for k, (x, y) in enumerate(zip(f, g, strict=False)):
        if not same(algebra, x, y) and is_nonzero(algebra.add(x, _minus(y))):
            return k - 1
    return min(len(f), len(g)) - 1


def _ratio(algebra: Algebra, f: Sum, g: Sum) -> Ratio | None:
    """s with f = s g."""
    if not f or not g:
        return None
    t, c = next(iter(g.items()))
    s = (f[t] / c).reduced() if t in f else None
    return s if s is not None and same(algebra, f, algebra.scale(g, s)) else None


def _rescaled(algebra: Algebra, g: list[Sum], s: Ratio) -> list[Sum]:
    """B with the step s gamma, in A's clock: s g(theta; s gamma)."""
    return [algebra.scale(x, s ** (k + 1)) for k, x in enumerate(g)]


# ---------------------------------------------------------------------------------------------- change of variables


def _change(
    algebra: Algebra, f: list[Sum], g: list[Sum], equations: tuple[ModifiedEquation, ModifiedEquation], velocity: str | None
) -> tuple[list[Sum], int]:
    """(c_1, ..., c_m, the power m through which it exists); -1 where the limits differ."""
    if not same(algebra, f[0], g[0]):
        return [], -1
    change: list[Sum] = []
    along = _flow(algebra, f, velocity)
    if any(time_rate(e) for e in equations):
        return change, _equal_through(algebra, f, g)
    for k in range(1, len(f)):
        target = _minus(_residual(algebra, f, g, change, k, along, velocity))
        if algebra.is_zero(target):
            change.append({})
            continue
        candidates = _candidates(algebra, f, g, equations, k, velocity)
        images = [_image(algebra, f[0], {t: algebra.ring.one}, along[0], velocity) for t in candidates]
        solution = solve_ansatz(algebra, images, target)
        if solution is None:
            return change, k - 1
        change.append({t: x for t, x in zip(candidates, solution, strict=True) if x})
    return change, len(f) - 1


def _flow(algebra: Algebra, f: list[Sum], velocity: str | None) -> list[Derivative]:
    """L_j: the derivative along A's field at gamma^j."""
    if not velocity:
        return [Derivative(algebra, {"theta": x}) for x in f]
    p = algebra.state(velocity)
    return [Derivative(algebra, {"theta": p if j == 0 else {}, velocity: x}) for j, x in enumerate(f)]


def _lie(along: list[Derivative], series: list[Sum]) -> list[Sum]:
    """sum_(i+j=k) L_j m_i."""
    result: list[Sum] = [{} for _ in series]
    for i, m in enumerate(series):
        for j in range(len(series) - i):
            accumulate(result[i + j], along[j](m))
    return result


def _residual(
    algebra: Algebra, f: list[Sum], g: list[Sum], change: list[Sum], k: int, along: list[Derivative], velocity: str | None
) -> Sum:
    """D theta_B [f] - g(theta_B) at gamma^k (second order: theta_B'' - g(theta_B, theta_B')), with c_k = 0."""
    theta = [algebra.state("theta"), *change] + [{} for _ in range(k - len(change))]
    left = _lie(along, theta)
    workspace = Workspace(algebra)
    states = {"theta": Given(workspace, theta)}
    if velocity:
        states[velocity] = Given(workspace, left)
        left = _lie(along, left)
    total = dict(left[k])
    for j in range(k + 1):
        accumulate(total, _minus(composed(workspace, g[j], states).at(k - j)))
    return total


def _image(algebra: Algebra, limit: Sum, m: Sum, along: Derivative, velocity: str | None) -> Sum:
    """What c_k = m contributes at gamma^k: L m - D g_0 [m], or L^2 m - D_theta g_0 [m] - D_p g_0 [L m]."""
    first = along(m)
    if not velocity:
        return algebra.add(first, _minus(Derivative(algebra, {"theta": m})(limit)))
    return algebra.add(along(first), _minus(Derivative(algebra, {"theta": m, velocity: first})(limit)))


def _candidates(
    algebra: Algebra, f: list[Sum], g: list[Sum], equations: tuple[ModifiedEquation, ModifiedEquation], k: int,
    velocity: str | None,
) -> list[Term]:  # fmt: skip
    """Vector terms of the weight of c_k: those of the fields at gamma^(k-1) and of the memory at gamma^k, and all trees."""
    found: dict[Term, None] = {}
    if velocity:
        for w in range(1, k + 1):
            found |= dict.fromkeys(vectors_of_weight(algebra, velocity, w))
        return list(found)
    found |= dict.fromkeys((*f[k - 1], *g[k - 1]))
    for equation in equations:
        move = Transfer(equation.algebra, algebra)
        for variable, sums in equation.memory.items():
            if equation.scheme_kind(variable) == "vector" and k < len(sums):
                found |= dict.fromkeys(move(sums[k].sum))
    if all(t.is_tree for x in (*f, *g) for t in x):
        found |= dict.fromkeys(rooted_trees(algebra, k, equations[0].scheme.label))
    return [t for t in found if not t.scalar]
