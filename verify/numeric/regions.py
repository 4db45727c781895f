"""Whether a text with branches takes, inside the region that is claimed, the branch that is claimed, and outside another one.

At random points, among them those nearest to where a condition changes, the memory is put on the slow manifold of the branch at a
small gamma, and two things are looked at on balls:

    every line larger - smaller of the branch is positive at every component   <=>   every condition stated holds there
    inside, the whole text with its real comparisons steps as the branch does

so that a condition that is too weak is refuted by a point between, and so is one that is too strong.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, product
from typing import Any

from flint import arb

from derive.scheme import Configuration
from derive.scheme.ranges import is_bounded
from verify.numbers.precision import precision
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape
from verify.numeric.formulas import margin_nodes, on_parameters_alone, values_at
from verify.numeric.system import Layout, build_system, layout_of, starting_point
from verify.orbits.branches import asking, real_text
from verify.orbits.run import sizes_of
from verify.orbits.slow_balls import NumericError, System, slow_memory
from verify.problems.game import Game
from verify.problems.landscape import Loss

Data = Mapping[str, Any]
Parameters = Mapping[str, Fraction]
Start = tuple[tuple[Fraction, ...], dict[str, list[Fraction]]]
TRIES, WANTED, STEPS = 300, 8, 3
GAMMA, BITS = Fraction(1, 2**40), 400
_SCALES = [Fraction(1), Fraction(1, 4), Fraction(4), Fraction(1, 16), Fraction(16), Fraction(1, 64)]


@dataclass(frozen=True)
class Choice:
    """How many points of either kind were looked at, and what was found wrong at one."""

    inside: int
    outside: int
    witness: str = ""

    @property
    def confirmed(self) -> bool:
        return not self.witness

    def to_json(self) -> dict[str, Any]:
        return {"inside": self.inside, "outside": self.outside, "witness": self.witness or None}


class Margins:
    """The differences of the two sides of every condition stated, recorded once on one problem, on balls at any point."""

    def __init__(self, configuration: Configuration, data: Data, loss: Loss | Game, parameters: Parameters) -> None:
        self.layout: Layout = layout_of(configuration, data, loss)
        tape = Tape(sum(self.layout.sizes[n] for n in self.layout.slow) + self.layout.timed)
        vectors = {x for x, size in sizes_of(configuration, loss.sizes).items() if size is not None}
        nodes = margin_nodes(data, values_at(configuration, data, self.layout, vectors, loss, parameters, tape.inputs))
        self.program = Program(tape, [tape.lift(x) for x in nodes])

    def at(self, start: Sequence[Fraction]) -> list[float]:
        with precision(BITS):
            return [float(x.mid()) for x in self.program([number(x) for x in start])]


def random_start(data: Data, loss: Loss | Game, seed: int, k: int) -> Start:
    """The k-th random point, farther out later, and other slow coordinates, of sizes that differ from try to try."""
    source = random.Random(f"region {seed} {k}")
    scale, far = source.choice(_SCALES), 1 + 4 * k // TRIES

    def fraction() -> Fraction:
        return Fraction(source.randint(2, 6), source.randint(7, 11))

    theta = tuple(far * source.choice((-1, 1)) * fraction() for _ in range(loss.dimension))
    return theta, {n: [scale * fraction() for _ in loss.variables] for n in (*data["equations"], "t")}


def starts_inside(
    configuration: Configuration,
    data: Data,
    loss: Loss | Game,
    parameters: Parameters,
    seed: int = 0,
    time: Fraction | None = None,
) -> Iterator[Start]:
    """Random starts, all at one time if it is given, at which every condition holds, with some margin."""
    margins = Margins(configuration, data, loss, parameters)
    for k in range(TRIES):
        theta, others = random_start(data, loss, seed, k)
        start = theta, others if time is None else {**others, "t": [time]}
        if all(m > 1e-3 for m in margins.at(starting_point(margins.layout, *start))):
            yield start


def scaled_parameters(configuration: Configuration, parameters: Parameters) -> Iterator[dict[str, Fraction]]:
    """The parameters, with those of other sizes that have no upper bound, and of other signs that have no range."""
    stated = {n: configuration.scheme.parameters.get(n) for n in parameters}
    free = [n for n, p in stated.items() if p is None or not p.range]
    unbounded = [n for n, p in stated.items() if not is_bounded(p)]
    for sign in (1, -1) if free else (1,):
        for scale in _SCALES if free or unbounded else _SCALES[:1]:
            yield {n: v * (sign * scale if n in free else scale if n in unbounded else 1) for n, v in parameters.items()}


def start_inside(
    configuration: Configuration, data: Data, losses: Sequence[Loss | Game], parameters: Parameters, seed: int = 0
) -> tuple[Loss | Game, Start, dict[str, Fraction]]:
    """A problem, a random start inside the region on it, and the parameters of it.  Raises NumericError where none is found."""
    for loss, scaled in product(losses, scaled_parameters(configuration, parameters)):
        if (found := next(starts_inside(configuration, data, loss, scaled, seed), None)) is not None:
            return loss, found, scaled
    raise NumericError(f"no random point was found where {' and '.join(data['condition'])}")


def check_choice(
    configuration: Configuration, data: Data, loss: Loss | Game, parameters: Parameters, seed: int = 0
) -> Choice:
    """The conditions and the branch against the whole text at random points; `data` is the JSON form of the region's equation.

    Raises NumericError where no point of the region was found.
    """
    checkers = [c for p in scaled_parameters(real_text(configuration), parameters)
                if (c := _Checker(configuration, data, loss, p)).meant(seed)]  # fmt: skip
    counts = {True: 0, False: 0}
    for inside in counts:
        found = [(m, k, start) for k, c in enumerate(checkers) for m, start in c.starts(inside, seed)]
        nearest = sorted(found, key=lambda f: f[0])
        for _, k, start in chain.from_iterable(zip(nearest, found, strict=True)):
            try:
                witness = checkers[k].wrong_at(start, inside)
            except (NumericError, ZeroDivisionError, ValueError):  # the branch cannot be run from there
                continue
            if witness is None:
                continue
            counts[inside] += 1
            if witness:
                place = _point(checkers[k].margins.layout, start, checkers[k].parameters)
                return Choice(counts[True], counts[False], f"{witness} at {place}")
            if counts[inside] >= WANTED:
                break
    if not counts[True]:
        raise NumericError("no random point was found inside the region")
    return Choice(counts[True], counts[False])


class _Checker:
    """The branch that asks, and the whole text, on one problem."""

    def __init__(self, configuration: Configuration, data: Data, loss: Loss | Game, parameters: Parameters) -> None:
        self.configuration, self.data, self.loss, self.parameters = configuration, data, loss, parameters
        self.asking = asking(configuration)
        self.margins = Margins(real_text(configuration), data, loss, parameters)
        region = configuration.scheme.region
        self.names = [c.name for c in region.conditions] if region else []

    def meant(self, seed: int) -> bool:
        """Whether the claim is about these parameters: what it says of parameters alone is true of them."""
        data = {**self.data, "condition": on_parameters_alone(self.data, self.parameters)}
        margins = Margins(real_text(self.configuration), data, self.loss, self.parameters)
        return all(m > 0 for m in margins.at(starting_point(margins.layout, *random_start(data, self.loss, seed, 0))))

    def starts(self, inside: bool, seed: int) -> Iterator[tuple[float, Start]]:
        """Random starts inside or outside, each with how near it is to where a condition changes."""
        for k in range(TRIES if self.data["condition"] else WANTED):
            start = random_start(self.data, self.loss, seed, k)
            margins = self.margins.at(starting_point(self.margins.layout, *start))
            near = min(map(abs, margins), default=1.0)
            if all(m > 0 for m in margins) == inside and near > 1e-6:
                yield near, start

    def wrong_at(self, start: Start, inside: bool) -> str | None:
        """What is wrong at a point: nothing, or a line; None where it is nearer to a tie than the balls are wide."""
        with precision(BITS):
            gamma, plain = number(GAMMA), self._system(self.configuration, start)
            slow = [number(x) for x in plain.start]
            memory = slow_memory(plain, slow, gamma, plain.order + 6, arb(10) ** -70)
            asked = self._asked(start, [*slow, *memory], gamma)
            chosen = all(bool(x > 0) for x in asked)
            if not chosen and not any(bool(x < 0) for x in asked):
                return None
            if chosen != inside:
                stated, found = ("hold", "another branch is chosen") if inside else ("do not hold", "this branch is chosen")
                return f"the conditions {stated} and {found}"
            if inside and not self._followed(plain, [*slow, *memory], gamma):
                return "the text with its comparisons does not step as the branch does"
        return ""

    def _system(self, configuration: Configuration, start: Start) -> System:
        return build_system(configuration, self.data, self.loss, self.parameters, *start)

    def _asked(self, start: Start, state: list[Any], gamma: Any) -> list[Any]:
        """The differences that decide, over a few steps."""
        layout = layout_of(self.asking, self.data, self.loss)
        places = [range(*layout.slots[n]) for n in self.names]
        system = self._system(self.asking, start)
        flat = [*state, *([arb(0)] * (len(system.start) + len(system.rest) - len(state)))]
        return [s[i] for s in system.orbit(flat, gamma, STEPS)[1:] for p in places for i in p]

    def _followed(self, system: System, state: list[Any], gamma: Any) -> bool:
        real, branch = system.run(state, gamma, STEPS), system.orbit(state, gamma, STEPS)
        return all(bool((x - y).overlaps(arb(0))) for a, b in zip(real, branch, strict=True) for x, y in zip(a, b, strict=True))


def _point(layout: Layout, start: Start, parameters: Parameters) -> str:
    shown = [f"theta = ({', '.join(map(str, start[0]))})"]
    shown += [f"{n} = ({', '.join(map(str, start[1][n]))})" for n in layout.slow if n not in layout.unknowns]
    return ", ".join([*shown, *(f"{n} = {v}" for n, v in parameters.items())])


__all__ = ["Choice", "check_choice", "start_inside", "starts_inside"]
