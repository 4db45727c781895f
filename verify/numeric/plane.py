"""Orbits in the plane of a two-dimensional loss: iterates on the slow manifold, limit flow, modified flow, and a step size for
which the eye tells them apart.

The default loss is bounded below and tends to infinity in all directions (L >= x^2/8 + (y^2 - |y|)/2), and every solution of the
default field stays bounded ((x^2 + y^2)'/2 = -x^2/4 - y^4/4), so that an orbit that runs away shows the step to be too large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import dist, hypot, isfinite
from typing import Any

from flint import arb

from derive.scheme import Configuration
from verify.numbers.precision import precision
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape
from verify.numeric.plot import Orbits
from verify.numeric.routes import Equation, Parameters
from verify.numeric.slopes import choose_steps
from verify.numeric.system import build_system
from verify.orbits.integrate import BlowUpError, Flow, IntegrationError, SingularFieldError
from verify.orbits.slow_balls import NumericError, slow_orbit
from verify.problems.plane_game import Planar

LOSS = "x**2/8 + y**2/2 + sin(x)*y/2"
FIELD = "y - x/4; -x - y**3/4"
START = (Fraction(-2), Fraction(-2))
#: beyond this the iterates count as having left every bound
FAR = 1e6
#: the pictured step over the coarsest one of the measured slopes
FACTORS = (48, 32, 24, 16, 12, 8, 6, 4, 3, 2)
Plane = tuple[float, float]


def orbits_for_plot(
    configuration: Configuration,
    equation: Equation,
    parameters: Parameters,
    loss: Planar,
    theta: Sequence[Fraction],
    gamma: Fraction | None = None,
    steps: int = 24,
    parts: int = 1,
) -> Orbits:
    """Iterates, limit flow and modified flow in the plane of a two-dimensional loss, `parts` points of the flows a step.

    gamma is by default the largest for which the eye tells the flows apart and the modified one stays with the iterates.

    Raises NumericError for another dimension, when the iterates leave every bound, and when a step of theirs does not exist.
    """
    if loss.dimension != 2:
        raise NumericError(f"orbits are drawn for two-dimensional losses; this one has {loss.dimension} variables")
    gamma = gamma or instructive_step(configuration, equation, parameters, loss, theta)
    system = build_system(configuration, equation, loss, parameters, theta)
    flow = Flow(system.fields, system.slow_size)
    weights = [gamma**k for k in range(system.order + 1)]
    with precision(200):
        states = slow_orbit(system, [number(x) for x in system.start], number(gamma), system.order + 3, arb(10) ** -12, steps)
        iterates = [_plane(s) for s in states]
        _check(iterates, gamma)
        limit, limit_end = _path(flow, system.start, gamma / parts, weights[:1], steps * parts)
        modified, modified_end = _path(flow, system.start, gamma / parts, weights, steps * parts)
    shown = None if loss.is_field else _height(loss)
    names = (loss.variables[0], loss.variables[1])
    written = f"{float(gamma):g}" if Fraction(f"{float(gamma):g}") == gamma else str(gamma)
    return Orbits(iterates, limit, modified, shown, names, written, system.order, (limit_end, modified_end))


def _check(iterates: Sequence[Plane], gamma: Fraction) -> None:
    for n, point in enumerate(iterates):
        if hypot(*point) > FAR * (1 + hypot(*iterates[0])):
            raise NumericError(f"the iterates leave every bound by step {n} at gamma = {gamma}; take a smaller step")
        if not all(map(isfinite, point)):
            raise NumericError(f"step {n} does not exist at gamma = {gamma}: the update is singular there; take another point")


def _height(loss: Planar) -> Callable[[float, float], float]:
    tape = Tape(loss.dimension)
    program = Program(tape, [tape.lift(loss.value(tape.inputs))])
    return lambda x, y: float(program([arb(x), arb(y)])[0])


def _path(
    flow: Flow, start: Sequence[Any], time: Fraction, weights: Sequence[Fraction], count: int
) -> tuple[list[Plane], str]:
    """`count` points of a flow, one each `time`, as far as the solution reaches, and why it reaches no further."""
    point, path = start, [_plane(start)]
    try:
        for _ in range(count):
            point = flow.integrate(point, time, 12, weights)
            path.append(_plane(point))
    except BlowUpError:
        return path, "leaves every bound"
    except (SingularFieldError, ZeroDivisionError):
        return path, "ends where the field is singular"
    except IntegrationError:
        return path, "is not followed further"
    return path, ""


def _plane(point: Sequence[Any]) -> Plane:
    x, y = (float(number(c).mid()) for c in point[:2])
    return x, y


def instructive_step(
    configuration: Configuration, equation: Equation, parameters: Parameters, loss: Planar, theta: Sequence[Fraction]
) -> Fraction:
    """The largest of a few steps at which the modified flow stays near the iterates, close against the path's length and well
    closer than the limit flow; else the cautious one of the measured slopes."""
    system = build_system(configuration, equation, loss, parameters, theta)
    try:
        base = choose_steps(system, Flow(system.fields, system.slow_size), None, None)[1]
    except (NumericError, IntegrationError, ArithmeticError):
        return Fraction(1, 20)
    for gamma in (_rounded(base * factor) for factor in FACTORS):
        try:
            orbits = orbits_for_plot(configuration, equation, parameters, loss, theta, gamma)
        except (NumericError, IntegrationError, ArithmeticError):
            continue
        if is_instructive(orbits):
            return gamma
    return _rounded(base)


def _rounded(x: Fraction) -> Fraction:
    """Two significant decimal digits."""
    return Fraction(f"{float(x):.1e}")


def is_instructive(orbits: Orbits) -> bool:
    """Whether both flows go all the way and the modified one is nearer the iterates than the limit flow, if they differ."""
    if min(len(orbits.modified), len(orbits.limit)) < len(orbits.iterates):
        return False
    limit, modified = (max(map(dist, path, orbits.iterates)) for path in (orbits.limit, orbits.modified))
    length = sum(map(dist, orbits.iterates, orbits.iterates[1:]))
    return modified < min(limit / 2.5, length / 25) or limit == modified < length / 25


__all__ = ["FIELD", "LOSS", "START", "instructive_step", "is_instructive", "orbits_for_plot"]
