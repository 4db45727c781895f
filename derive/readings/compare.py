"""Two schemes side by side: the same modified equation through which power, or the same up to a change of variables.

    theta' = f(theta) for A, theta' = g(theta) for B (or theta'' = f(theta, theta'), g likewise, where there is a velocity)
    theta_B = theta_A + gamma c_1 + gamma^2 c_2 + ...:
        first order    D theta_B [f] = g(theta_B)
        second order   theta_B'' = g(theta_B, theta_B'),  derivatives along A's flow

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
from derive.errors import UsageError
from derive.language import fresh_name
from derive.readings.change import Change, find_change
from derive.readings.conclusion import EXISTS, NONE_EXISTS, UNDECIDED, Conclusion, is_polynomial, where_nonzero, witness_of
from derive.readings.identity import vanishes
from derive.readings.second_order import P, said, second_order_form, time_rate
from derive.result import Described, blocks
from derive.scheme import Scheme, configure, load_scheme


@dataclass(frozen=True, repr=False)
class Comparison(Described):
    """How two schemes' modified equations agree.

    same_through    the fields are equal through this power of gamma (-1: not even the limits are)
    change          c_1, c_2, ...: theta_B = theta_A + gamma c_1 + ... maps A's equation to B's through gamma^order; None where
                    none was found, which is all that this says: whether none exists is said by `conclusion`
    change_through  the power through which a change was found (equals the order where `change` is not None)
    step_ratio      s with g_0 = f_0 / s: B with the step s gamma has A's limit; None where the limits are not proportional,
                    or the equations depend on the time, whose clock the step is
    same_rescaled, rescaled_change, rescaled_through    the same for B with the step s gamma
    conclusion      about the change of variables, for B with the step s gamma where the limits are proportional
    derivative      the symbol that stands for theta' in second-order forms
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
    conclusion: Conclusion
    rescaled_change: tuple[TermSum, ...] | None = None
    rescaled_through: int = -1

    @property
    def equation(self) -> ModifiedEquation:
        """The first scheme's equation."""
        return self.first

    def describe(self) -> str:
        return f"{self.first.name} against {self.second.name}: the same through gamma^{self.same_through} of {self.order}"

    def to_json(self) -> dict[str, Any]:
        """`same_through`, `change_of_variables` (list by power from 1, or null), the conclusion's keys, and the rest by name."""
        return {
            "same_through": self.same_through,
            "order": self.order,
            "second_order": self.second_order,
            "difference": {"power": self.same_through + 1, "terms": self.difference.to_json()} if self.difference else None,
            "change_of_variables": _changed(self.change),
            "change_through": self.change_through,
            "step_ratio": None if self.step_ratio is None else str(self.step_ratio),
            "same_through_rescaled": self.same_rescaled,
            "change_of_variables_rescaled": _changed(self.rescaled_change),
            **self.conclusion.to_json(),
            **said(self.derivative),
        }


def _changed(change: tuple[TermSum, ...] | None) -> list[dict[str, Any]] | None:
    return None if change is None else blocks(dict(enumerate(change, 1)))


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
    for equation in (first, second):
        equation.scheme.require_plain("compare")
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
    algebra = first.algebra.beside(second.algebra)
    f, g = (_field(e, algebra, velocity) for e in (first, second))
    order = min(len(f), len(g)) - 1
    f, g = f[: order + 1], g[: order + 1]
    through = _equal_through(algebra, f, g)
    difference = {} if through == order else _difference(algebra, f[through + 1], g[through + 1])
    ratio = None if velocity or any(time_rate(e) for e in (first, second)) else _ratio(algebra, f[0], g[0])
    other = ratio is not None and ratio != algebra.ring.one
    scaled = _rescaled(algebra, g, ratio) if ratio is not None and other else g
    change = _changed_variables(algebra, f, scaled, (first, second), velocity, ratio if other else None)
    terms = tuple(TermSum(algebra, c) for c in change.terms) if change.reached == order else None
    return Comparison(
        first, second, velocities[0], order, through,
        None if other else terms, -1 if other else change.reached, ratio, _equal_through(algebra, f, scaled),
        TermSum(algebra, reduced(difference)), velocity or P, change.conclusion,
        terms if other else None, change.reached if other else -1,
    )  # fmt: skip


def _changed_variables(
    algebra: Algebra, f: list[Sum], g: list[Sum], equations: tuple[ModifiedEquation, ModifiedEquation], velocity: str | None,
    ratio: Ratio | None,
) -> Change:  # fmt: skip
    """The change of variables; none, with the reason, where already the fields show it."""
    order = len(f) - 1
    about = f"a change of variables through gamma^{order}" + (f", with the step {ratio}*gamma in B" if ratio is not None else "")
    through = _equal_through(algebra, f, g)
    if through == order:
        return Change(({},) * order, order, Conclusion(EXISTS, about, because="the equations are the same"))
    difference = TermSum(algebra, _difference(algebra, f[through + 1], g[through + 1]))
    witness = witness_of(difference, *equations)
    if witness is None and not all(map(is_polynomial, difference.sum)):
        found = Conclusion(UNDECIDED, about, because=f"whether the equations are the same at gamma^{through + 1} is not decided")
        return Change(({},) * max(through, 0), through, found)
    if through < 0:
        found = Conclusion(
            NONE_EXISTS, about, "changes theta_B = theta_A + gamma c_1 + ..., of whatever form",
            because="at gamma^0 such a change leaves the limits as they are, and they differ", witness=witness,
            for_parameters=where_nonzero(difference, *equations), quantity="the second limit minus the first",
        )  # fmt: skip
        return Change((), -1, found)
    return find_change(algebra, f, g, equations, velocity, about)


def _field(equation: ModifiedEquation, algebra: Algebra, velocity: str | None) -> list[Sum]:
    sums = second_order_form(equation, velocity).terms if velocity else equation.equations["theta"]
    move = Transfer(equation.algebra, algebra)
    return [move(s.sum) for s in sums]


def _difference(algebra: Algebra, x: Sum, y: Sum) -> Sum:
    """The second minus the first."""
    return algebra.add(y, {t: -c for t, c in x.items()})


def _equal_through(algebra: Algebra, f: list[Sum], g: list[Sum]) -> int:
    """The power through which they are proved to be the same."""
    pairs = enumerate(zip(f, g, strict=True))
    return next((k - 1 for k, (x, y) in pairs if not vanishes(algebra, _difference(algebra, x, y))), len(f) - 1)


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
