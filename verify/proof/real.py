"""Real points: a difference seen modulo a prime is a refutation once balls show it at a real point in the ranges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random
from typing import Any

from flint import ctx

from derive.language import names_of
from verify.proof.balls import PRECISION, BallRing
from verify.proof.claim import ClaimValues
from verify.proof.errors import Rejected, ShortPrecision, Undecided
from verify.proof.layers import random_layers
from verify.proof.loss import Jets, monomials
from verify.proof.maps import Maps
from verify.proof.matrices import plain_matrices
from verify.proof.orbit import Orbit, newton
from verify.proof.program import Evaluator, Point
from verify.proof.sample import Plan, random_problem
from verify.proof.series import Algebra

POINTS, DRAWS = 80, 4000
MOST_LAYERED = 4  # components, of random layers
SIDES = ((2, 3), (3, 2))  # of matrices, beside those of the proof


def real_difference(plan: Plan, leading: dict[Any, int], source: Random) -> tuple[str, int, str] | None:
    """(variable, power, witness) at a real point where claim and truth differ for certain; None if none was found."""
    with ctx.workprec(PRECISION):
        for attempt in range(POINTS):
            size = min(plan.dimension, MOST_LAYERED) if plan.layers else plan.dimension
            sides = [*SIDES, plan.sides][attempt % 3] if plan.sides else None
            point, text = _point(plan, source, sides[0] * sides[1] if sides else size + attempt % 2, sides)
            try:
                found = next(_differences(plan, point, leading, source), None)
            except (Rejected, ZeroDivisionError, ShortPrecision, Undecided):
                continue  # no orbit at these values, such as a memory whose factor is 1 there
            if found:
                variable, power, values = found
                return variable, power, f"{text}: {values}"
    return None


def _differences(plan: Plan, point: Point, leading: dict[Any, int], source: Random) -> Iterator[tuple[str, int, str]]:
    claim, ring = plan.claim, point.problem.ring
    claims = ClaimValues(claim, point, ring, leading)
    if all(m in claim.memory for m in claim.fast):
        leads = {m: claims.memory(m, 0) for m in claim.fast}
    else:
        draw = lambda: ring.constant(Fraction(source.randint(1, 40), 8))
        leads = newton(claim, point, ring, draw, lambda: source.random() < 0.5, plan.slack, leading)
    orbit = Orbit(claim, point, ring, leads, plan.slack, leading, {m: [v] for m, v in leads.items()})
    for m, moved in orbit.moved().items():
        for i, (a, change) in enumerate(zip(leads[m], moved)):
            if not change.contains(0):
                after = a if claim.paces.get(m) else a + change
                yield m, 0, f"component {i + 1} becomes {after.str(12)} after a step, claimed {a.str(12)}"
    orbit.find()
    for k in range(claim.order + 2):
        rows = [(x, k, claims.field(x, k), orbit.fields[x][k]) for x in claim.slow if k <= claim.order]
        rows += [(m, k, claims.memory(m, k), orbit.memory[m][k]) for m in claim.memory if k < len(claim.memory[m])]
        for x, power, claimed, true in rows:
            for i, (a, b) in enumerate(zip(claimed, true)):
                if not (a - b).contains(0):
                    yield x, power, f"component {i + 1} is {b.str(12)}, claimed {a.str(12)}"


def _point(plan: Plan, source: Random, d: int, sides: tuple[int, int] | None) -> tuple[Point, str]:
    claim, ring = plan.claim, BallRing()

    def draw() -> Fraction:
        return Fraction(source.choice([-1, 1]) * source.randint(1, 24), 8)

    parameters = _parameters(plan, source)
    problem, place = _problem(plan, d, ring, draw)
    slow: dict[str, Any] = {}
    matrices = plain_matrices(claim.shapes, sides, ring.constant(Fraction(1))) if sides else None
    for x in (x for x in claim.slow if x not in claim.unknowns):
        sign = abs if source.random() < 0.5 else Fraction
        size = matrices.size_of(x) if matrices else d
        slow[x] = ring.constant(sign(draw())) if x in claim.scalars else [ring.constant(sign(draw())) for _ in range(size)]
    time = {f: [ring.constant(draw()) for _ in range(plan.degree + 4)] for f in claim.functions}
    text = ", ".join(f"{n} = {v}" for n, v in parameters.items()) or "no parameters"
    layers = random_layers(d, source) if plan.layers else ()
    numbers = {n: ring.constant(v) for n, v in parameters.items()}
    maps = Maps(claim.maps, plan.degree, ring, lambda: ring.constant(draw()), claim.inverses)
    point = Point(problem, numbers, slow, ring.constant(abs(draw())), time, maps, layers, matrices)
    place += f", matrices of {sides[0]} x {sides[1]}" if sides else ""
    return point, f"{text}; {place}" + (f", layers of {', '.join(str(len(x)) for x in layers)} components" if layers else "")


def _problem(plan: Plan, d: int, ring: BallRing, draw: Callable[[], Fraction]) -> tuple[Any, str]:
    """A loss or field at a point, or declared losses, with words about it."""
    claim = plan.claim
    if claim.losses:
        game = random_problem(plan, d, ring, lambda: ring.constant(draw()))
        return game, ", ".join(f"{x} = ({', '.join(v.str(6, radius=False) for v in p)})" for x, p in game.points.items())
    size = len(monomials(d, plan.degree + 1 if claim.label == "L" else plan.degree).exponents)
    jets = [[ring.constant(draw()) for _ in range(size)] for _ in range(1 if claim.label == "L" else d)]
    theta = [draw() for _ in range(d)]
    problem = Jets(claim.label, plan.degree, [ring.constant(x) for x in theta], jets, ring, None, lambda: ring.constant(draw()))
    gradient = ", ".join(g.str(6, radius=False) for g in problem.leaf)
    return problem, f"theta = ({', '.join(map(str, theta))}), gradient ({gradient})"


def _parameters(plan: Plan, source: Random) -> dict[str, Fraction]:
    claim, algebra = plan.claim, Algebra(BallRing(), 1)
    point = Point(_Nowhere(), {}, {}, None, {})
    def draw() -> Fraction:
        return Fraction(source.choice([-1, 1]) * source.randint(1, 31), source.choice([16, 8]))

    values = {n: draw() for n in claim.parameters}
    for _ in range(DRAWS):
        names = {n: algebra.element(algebra.ring.constant(v)) for n, v in values.items()}
        failed = [c for c in claim.conditions() if not Evaluator(point, algebra, {}).value(c, names).at(0) > 0]
        if not failed:
            return values
        values |= {n: draw() for c in failed for n in names_of(c) if n in values}
    raise Undecided("the ranges of the parameters cannot be met")


class _Nowhere:
    dimension = 1
