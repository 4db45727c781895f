"""Mechanical systems by their structure: theta' = a eta, eta' = -f eta - c grad L at gamma^0, and the flow without friction.

Friction f is taken away with the parameter that it vanishes with, its damping lam.  Where the force vanishes with it too,
c = lam^q c_1, as for an average m = beta*m + (1-beta)*grad with beta = 1 - lam*gamma, lam^q L is held fixed while lam -> 0: every
derivative of L counts q powers of lam,

    coefficient of a term with n derivatives of L:   lam^(q n) [coefficient / lam^(q n)] at lam = 0.

A number in the place of lam changes nothing: the equation is derived with the letter, and the number put in at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.algebra.calculus import Transfer, is_loss, loss_term
from derive.algebra.coefficients import Ratio
from derive.algebra.fold import within
from derive.algebra.sums import Algebra, Sum, accumulate
from derive.algebra.terms import Term
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError, ReductionError
from derive.language import parse_expression
from derive.readings.second_order import velocity_variable
from derive.reals import ratio_of


@dataclass(frozen=True, eq=False)
class Mechanical:
    """A system (F_k, G_k) with mechanical limit; `undamped` is that without friction, None where there is no such flow."""

    equation: ModifiedEquation
    variable: str
    speed: Ratio  # a
    friction: Ratio  # f
    force: Ratio  # c
    damping: str | None
    fields: list[tuple[Sum, Sum]]
    undamped: list[tuple[Sum, Sum]] | None

    @property
    def held(self) -> bool:
        """Whether the force would vanish with the damping, and is held fixed."""
        return self.damping is not None and self.force.vanishes_with(self.damping)

    @property
    def algebra(self) -> Algebra:
        return self.equation.algebra

    @property
    def energy(self) -> Sum:
        """E_0 = (c/a) L + |eta|^2/2."""
        algebra = self.algebra
        eta = algebra.state(self.variable)
        result = algebra.scale(algebra.contract(algebra.product(eta, eta)), algebra.ring.one / algebra.ring.constant(2))
        accumulate(result, algebra.scale(loss_term(algebra), (self.force / self.speed).reduced()))
        return result


def mechanical(equation: ModifiedEquation, damping: str | None = None) -> Mechanical:
    """The structure of a derived system; ReductionError where its limit is not mechanical.

    >>> m = mechanical(modified_equation("ema-momentum", 0, regime="inertial"))
    >>> m.speed, m.friction, m.force, m.damping, str(TermSum(m.algebra, m.energy))
    (-1, lam, -lam, 'lam', 'lam*L + 1/2*dot(m, m)')
    """
    where, algebra = equation.scheme.where, equation.algebra
    if equation.scheme.label != "L":
        raise ReductionError(f"{where}: an energy needs a loss; this scheme is written for a vector field")
    variable = velocity_variable(equation)
    fields = [(f.sum, g.sum) for f, g in zip(equation.equations["theta"], equation.equations[variable], strict=True)]
    eta, grad = (next(iter(s)) for s in (algebra.state(variable), algebra.node_sum("L", [])))
    (f, g), zero = fields[0], algebra.ring.zero
    if set(f) != {eta} or not set(g) <= {eta, grad}:
        raise ReductionError(
            f"{where}: the limit equation theta' = {TermSum(algebra, f)}, {variable}' = {TermSum(algebra, g)} is not mechanical "
            f"(theta' = a {variable}, {variable}' = -f {variable} - c grad L with numbers a, f, c), and no "
            "energy of another form is looked for"
        )
    friction, force = (-g.get(t, zero) for t in (eta, grad))
    damping = damping or next((n for n in equation.configuration.free if friction and friction.vanishes_with(n)), None)
    system = Mechanical(equation, variable, f[eta], friction, force, damping, fields, fields)
    return replace(system, undamped=_undamped(system) if damping else None) if friction else system


def _undamped(system: Mechanical) -> list[tuple[Sum, Sum]] | None:
    """The fields as damping -> 0 with the force held fixed; None where they have no limit or keep friction."""
    algebra, name = system.algebra, system.damping or ""
    terms = (t for pair in system.fields for total in pair for t in total)
    if name not in algebra.ring.symbols or any(f.kind == "moved" for t in terms for f in within(t)):
        return None
    scale, lam = algebra.ring.one, algebra.ring.symbol(name)
    while system.force and (system.force / scale).reduced().vanishes_with(name):
        scale = scale * lam
    zero = {name: algebra.ring.zero}

    def still(total: Sum) -> Sum:
        result: Sum = {}
        for t, c in total.items():
            power = scale ** _losses(t, algebra)
            if x := (c / power).reduced().substitute(zero, algebra.ring):
                result[t] = (x * power).reduced()
        return result

    try:
        found = [(still(f), still(g)) for f, g in system.fields]
    except ZeroDivisionError:
        return None
    return None if next(iter(algebra.state(system.variable))) in found[0][1] else found


def _losses(term: Term, algebra: Algebra) -> int:
    """How many derivatives of L (or L itself) a term is made of."""
    return sum(
        (int(f.kind == "node" or is_loss(f, algebra)) + sum(_losses(c, algebra) for c in f.children)) * int(e)
        for f, e in term.factors
    )


def lifted(system: Mechanical, damping: str | None = None) -> Mechanical | None:
    """The system with its damping as a letter, where a setting made it a number that is not zero; None where none did.

    >>> half = mechanical(modified_equation("momentum", 0, regime="inertial", settings={"lam": "1/2"}))
    >>> half.friction, lifted(half).friction
    (1/2, lam)
    """
    c = system.equation.configuration
    if not system.friction:
        return None
    for name in c.settings if damping is None else [damping]:
        rest = {n: v for n, v in c.settings.items() if n != name}
        try:
            equation = modified_equation(c.scheme, system.equation.order, regime=c.regime or None, settings=rest)
            general = mechanical(equation, damping)
        except DeriveError:
            continue
        if general.damping == name and _value(system.equation, name) is not None:
            return general
    return None


def _value(equation: ModifiedEquation, name: str) -> Ratio | None:
    """What a setting says a parameter is; None where gamma is in it, which mixes the powers."""
    ring = equation.algebra.ring
    try:
        value = ratio_of(parse_expression(equation.configuration.settings[name], f"--set {name}"), ring)
    except (DeriveError, ValueError, KeyError, ZeroDivisionError):
        return None
    return value


def substituted(total: TermSum, equation: ModifiedEquation, name: str) -> TermSum:
    """The sum in the equation's algebra, with its setting in the place of the parameter."""
    value = _value(equation, name)
    assert value is not None
    move = Transfer(total.algebra, equation.algebra, {name: value})
    return TermSum(equation.algebra, {t: c.reduced() for t, c in move(total.sum).items() if c})
