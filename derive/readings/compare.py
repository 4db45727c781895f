"""Two schemes side by side: the same modified equation through which power, or the same up to a change of variables.

    theta' = f(theta) for A, theta' = g(theta) for B (or theta'' = f(theta, theta'), g likewise, where there is a velocity)
    theta_B = theta_A + gamma c_1 + gamma^2 c_2 + ...:
        first order    D theta_B [f] = g(theta_B)
        second order   theta_B'' = g(theta_B, theta_B'),  derivatives along A's flow

Of several unknowns theta stands for all, and each has a field and a change of its own.
That they are the same is proved by normal forms, that they differ by a witness; whether a change of variables exists is told
with what was searched (see `change`).  Where the limits are proportional, B is looked at with the step that makes them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derive.algebra.calculus import Transfer, same
from derive.algebra.coefficients import Ratio
from derive.algebra.sums import Algebra, Sum, reduced
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import ReductionError, UsageError
from derive.language import fresh_name
from derive.readings.change import Change, Fields, find_change, powers
from derive.readings.conclusion import EXISTS, NONE_EXISTS, UNDECIDED, Conclusion, is_polynomial, where_nonzero, witness_of
from derive.readings.identity import vanishes
from derive.readings.second_order import P, said, second_order_form, time_rate
from derive.result import Described, blocks
from derive.scheme import Scheme, configure, load_scheme


@dataclass(frozen=True, repr=False)
class Comparison(Described):
    """How two schemes' modified equations agree.

    same_through    the fields are equal through this power of gamma (-1: not even the limits are)
    differences     for every unknown, the second field minus the first at the power after that
    changes         for every unknown c_1, c_2, ...: theta_B = theta_A + gamma c_1 + ... maps A's equation to B's through
                    gamma^order; None where none was found, which is all that this says: `conclusion` says whether none exists
    change_through  the power through which a change was found (equals the order where `changes` is not None)
    difference, change, rescaled_change    the same of theta; of several unknowns, of the first that differs, or changes
    step_ratio      s with g_0 = f_0 / s: B with the step s gamma has A's limit; None where the limits are not proportional,
                    or the equations depend on the time, whose clock the step is
    same_rescaled, rescaled_changes, rescaled_through    the same for B with the step s gamma
    conclusion      about the change of variables, for B with the step s gamma where the limits are proportional
    derivative      the symbol that stands for theta' in second-order forms
    """

    first: ModifiedEquation
    second: ModifiedEquation
    second_order: bool
    order: int
    same_through: int
    changes: Mapping[str, tuple[TermSum, ...]] | None
    change_through: int
    step_ratio: Ratio | None
    same_rescaled: int
    differences: Mapping[str, TermSum]
    derivative: str
    conclusion: Conclusion
    rescaled_changes: Mapping[str, tuple[TermSum, ...]] | None = None
    rescaled_through: int = -1

    @property
    def difference(self) -> TermSum:
        return next((d for d in self.differences.values() if d), next(iter(self.differences.values())))

    @property
    def change(self) -> tuple[TermSum, ...] | None:
        return _first(self.changes)

    @property
    def rescaled_change(self) -> tuple[TermSum, ...] | None:
        return _first(self.rescaled_changes)

    @property
    def equation(self) -> ModifiedEquation:
        """The first scheme's equation."""
        return self.first

    def describe(self) -> str:
        return f"{self.first.name} against {self.second.name}: the same through gamma^{self.same_through} of {self.order}"

    def to_json(self) -> dict[str, Any]:
        """`same_through`, `change_of_variables` (list by power from 1, or null), the conclusion's keys, and the rest by name.

        Where losses are declared, terms and lists by power are by unknown.
        """
        players = bool(self.first.scheme.losses)
        terms = {x: d.to_json() for x, d in self.differences.items()} if players else self.difference.to_json()
        return {
            "same_through": self.same_through,
            "order": self.order,
            "second_order": self.second_order,
            "difference": {"power": self.same_through + 1, "terms": terms} if self.difference else None,
            "change_of_variables": _changed(self.changes, players),
            "change_through": self.change_through,
            "step_ratio": None if self.step_ratio is None else str(self.step_ratio),
            "same_through_rescaled": self.same_rescaled,
            "change_of_variables_rescaled": _changed(self.rescaled_changes, players),
            **self.conclusion.to_json(),
            **said(self.derivative),
        }


def _first(changes: Mapping[str, tuple[TermSum, ...]] | None) -> tuple[TermSum, ...] | None:
    """The first that says something, if there is one."""
    return None if changes is None else next((c for c in changes.values() if any(c)), next(iter(changes.values())))


def _changed(changes: Mapping[str, tuple[TermSum, ...]] | None, players: bool) -> Any:
    """Block lists from gamma^1, by unknown where there are players."""
    if changes is None:
        return None
    found = {x: blocks(dict(enumerate(c, 1))) for x, c in changes.items()}
    return found if players else next(iter(found.values()))


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
    _require_comparable(first, second)
    velocities = [len(e.equations) > len(e.scheme.unknowns) for e in (first, second)]
    if velocities[0] != velocities[1]:
        with_velocity, without = (first, second) if velocities[0] else (second, first)
        raise UsageError(
            f"{with_velocity.scheme.name} is an equation with a velocity here and {without.scheme.name} is not; choose regimes "
            "of the same kind (--regime-a, --regime-b)"
        )
    taken = {n for e in (first, second) for n in (*e.scheme.names, *e.configuration.free)}
    velocity = fresh_name(P, taken) if velocities[0] else None
    algebra = first.algebra.beside(second.algebra)
    f, g = (_fields(e, algebra, velocity) for e in (first, second))
    order = min(powers(f), powers(g)) - 1
    f, g = ({x: sums[: order + 1] for x, sums in s.items()} for s in (f, g))
    through = _equal_through(algebra, f, g)
    differences = _differences(algebra, f, g, through + 1) if through < order else {x: {} for x in f}
    ratio = None if velocity or any(time_rate(e) for e in (first, second)) else _ratio(algebra, f, g)
    other = ratio is not None and ratio != algebra.ring.one
    scaled = _rescaled(algebra, g, ratio) if ratio is not None and other else g
    change = _changed_variables(algebra, f, scaled, (first, second), velocity, ratio if other else None)
    terms = _public(algebra, change) if change.reached == order else None
    return Comparison(
        first, second, velocities[0], order, through,
        None if other else terms, -1 if other else change.reached, ratio, _equal_through(algebra, f, scaled),
        {x: TermSum(algebra, reduced(d)) for x, d in differences.items()}, velocity or P, change.conclusion,
        terms if other else None, change.reached if other else -1,
    )  # fmt: skip


def _public(algebra: Algebra, change: Change) -> dict[str, tuple[TermSum, ...]]:
    return {x: tuple(TermSum(algebra, c) for c in own) for x, own in change.terms.items()}


def _require_comparable(first: ModifiedEquation, second: ModifiedEquation) -> None:
    """UsageError where they are not about the same losses of the same unknowns; ReductionError for players with velocities and
    for layers."""
    for e in (first, second):
        e.scheme.require_no_layers("compare")
    if first.scheme.label != second.scheme.label and not (first.scheme.losses or second.scheme.losses):
        raise UsageError("one scheme is written for a loss (grad), the other for a vector field (field)")
    said = [_declared(e.scheme) for e in (first, second)]
    if said[0] != said[1]:
        raise UsageError(f"schemes of different losses are not compared: {first.name} has {said[0]}, {second.name} {said[1]}")
    for e in (first, second):
        if e.scheme.losses and len(e.equations) > len(e.scheme.unknowns):
            slow = ", ".join(e.equations)
            text = f"the slow variables are {slow}, with a velocity among them; compare reads declared losses of unknowns alone"
            raise ReductionError(f"{e.scheme.where}: {text}")


def _declared(scheme: Scheme) -> str:
    """What the equation is about."""
    return ", ".join(f"{f}({', '.join(slots)})" for f, slots in sorted(scheme.losses.items())) or "one loss L(theta)"


def _changed_variables(
    algebra: Algebra, f: Fields, g: Fields, equations: tuple[ModifiedEquation, ModifiedEquation], velocity: str | None,
    ratio: Ratio | None,
) -> Change:  # fmt: skip
    """The change of variables; none, with the reason, where already the fields show it."""
    order = powers(f) - 1
    about = f"a change of variables through gamma^{order}" + (f", with the step {ratio}*gamma in B" if ratio is not None else "")
    through = _equal_through(algebra, f, g)
    if through == order:
        return Change(dict.fromkeys(f, ({},) * order), order, Conclusion(EXISTS, about, because="the equations are the same"))
    differences = [TermSum(algebra, d) for d in _differences(algebra, f, g, through + 1).values() if d]
    shown = ((w, d) for d in differences if (w := witness_of(d, *equations)) is not None)
    witness, difference = next(shown, (None, next((d for d in differences if all(map(is_polynomial, d.sum))), differences[0])))
    if witness is None and not any(all(map(is_polynomial, d.sum)) for d in differences):
        found = Conclusion(UNDECIDED, about, because=f"whether the equations are the same at gamma^{through + 1} is not decided")
        return Change(dict.fromkeys(f, ({},) * max(through, 0)), through, found)
    if through < 0:
        found = Conclusion(
            NONE_EXISTS, about, f"changes {_written(f)}, of whatever form",
            because="at gamma^0 such a change leaves the limits as they are, and they differ", witness=witness,
            for_parameters=where_nonzero(difference, *equations), quantity="the second limit minus the first",
        )  # fmt: skip
        return Change(dict.fromkeys(f, ()), -1, found)
    return find_change(algebra, f, g, equations, velocity, about)


def _written(f: Fields) -> str:
    """The change as a formula: theta_B = theta_A + gamma c_1 + ..., for every unknown."""
    return ", ".join(f"{x}_B = {x}_A + gamma c_1 + ..." if len(f) == 1 else f"{x}_B = {x}_A + gamma c_1,{x} + ..." for x in f)


def _fields(equation: ModifiedEquation, algebra: Algebra, velocity: str | None) -> dict[str, list[Sum]]:
    move = Transfer(equation.algebra, algebra)
    if velocity:
        return {"theta": [move(s.sum) for s in second_order_form(equation, velocity).terms]}
    return {x: [move(s.sum) for s in equation.equations[x]] for x in equation.scheme.unknowns}


def _differences(algebra: Algebra, f: Fields, g: Fields, k: int) -> dict[str, Sum]:
    """The second minus the first at gamma^k."""
    return {x: algebra.add(g[x][k], {t: -c for t, c in sums[k].items()}) for x, sums in f.items()}


def _equal_through(algebra: Algebra, f: Fields, g: Fields) -> int:
    """The power through which they are proved to be the same."""
    order = powers(f) - 1
    for k in range(order + 1):
        if not all(vanishes(algebra, d) for d in _differences(algebra, f, g, k).values()):
            return k - 1
    return order


def _ratio(algebra: Algebra, f: Fields, g: Fields) -> Ratio | None:
    """s with f = s g for the limits of all unknowns."""
    pairs = [(f[x][0], g[x][0]) for x in f]
    x, y = next(((x, y) for x, y in pairs if x and y), ({}, {}))
    if not y:
        return None
    t, c = next(iter(y.items()))
    s = (x[t] / c).reduced() if t in x else None
    return s if s is not None and all(same(algebra, a, algebra.scale(b, s)) for a, b in pairs) else None


def _rescaled(algebra: Algebra, g: Fields, s: Ratio) -> dict[str, list[Sum]]:
    """B with the step s gamma, in A's clock: s g(theta; s gamma)."""
    return {x: [algebra.scale(a, s ** (k + 1)) for k, a in enumerate(sums)] for x, sums in g.items()}
