"""The numerical routes of one scheme: slopes, coefficients recovered, the start from rest.

    configuration + equation (JSON form) + parameters + loss  ->  System  ->  SlopeTable, Recovery, RestStart
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

import mpmath

from derive.language import Call, walk
from derive.language.calls import partial_of
from derive.scheme import Configuration, Scheme
from verify.numbers.evaluation import elementary, evaluate
from verify.numbers.precision import bits_of, precision, to_mpf
from verify.numbers.recurrences import number
from verify.numbers.tape import Program, Tape
from verify.numeric.formulas import order_of, scalar_names, values_at
from verify.numeric.recover import Recovery, Sample, Unknown, recover
from verify.numeric.regions import starts_inside
from verify.numeric.rest import RestStart, start_from_rest
from verify.numeric.slopes import SlopeTable, slope_table
from verify.numeric.system import Layout, build_system, build_systems, layout_of
from verify.orbits.branches import on_the_same_state, real_text
from verify.orbits.run import sizes_of
from verify.orbits.slow_balls import NumericError
from verify.problems.formula import parsed
from verify.problems.game import Game
from verify.problems.landscape import Loss
from verify.problems.layers import SIZES, layers_of
from verify.problems.matrices import COMPONENTS
from verify.problems.rich import rich_game, rich_loss

SAMPLE_TIME = Fraction(3, 2)
Equation = Mapping[str, Any]
Parameters = Mapping[str, Fraction]


def rich_problem(configuration: Configuration, degree: int, seed: int = 0) -> Loss | Game:
    """The problem that the routes run on: a loss or field in two variables, in the four of a matrix where the text has products
    of some, in layers of two and one where it sums over layers, or a game of players with two components and one.

    Its losses have derivatives enough for those that the update takes itself.
    """
    scheme = configuration.scheme
    if not scheme.losses:
        layers = layers_of(SIZES) if scheme.layered else ()
        size = sum(SIZES) if layers else COMPONENTS if scheme.runs_matrices else 2
        return rich_loss(size, degree, seed, scheme.label == "f", layers)
    sizes = {x: 1 + (i + 1) % 2 for i, x in enumerate(scheme.unknowns)}
    return rich_game(scheme.losses, sizes, degree + text_rank(scheme), seed)


def text_rank(scheme: Scheme) -> int:
    """The largest number of directions in which the update differentiates a declared loss's gradient."""
    partials = (partial_of(n.function) for a in scheme.program for n in walk(a.value) if isinstance(n, Call))
    return max((len(p.variables) - 1 for p in partials if p and p.variables), default=0)


def random_point(dimension: int, seed: int) -> tuple[Fraction, ...]:
    """A point with components of size about a half."""
    source = random.Random(f"point {dimension} {seed}")
    return tuple(Fraction(source.choice((-1, 1)) * source.randint(2, 6), source.randint(7, 11)) for _ in range(dimension))


def check_slopes(
    configuration: Configuration,
    equation: Equation,
    parameters: Parameters,
    loss: Loss | Game,
    theta: Sequence[Fraction],
    digits: int = 30,
    others: Mapping[str, Sequence[Fraction]] | None = None,
    **options: Any,
) -> SlopeTable:
    """The error of every truncation against gamma (see `verify.numeric.slopes`)."""
    return slope_table(build_system(configuration, equation, loss, parameters, theta, others), digits, **options)


def recover_coefficients(
    configuration: Configuration,
    equation: Equation,
    parameters: Parameters,
    losses: Sequence[Loss | Game] = (),
    seed: int = 0,
    extra_terms: Mapping[tuple[str, int], Sequence[str]] | None = None,
) -> Recovery:
    """Every coefficient of f_1..f_N from runs alone, beside the predicted one (see `verify.numeric.recover`).

    `losses` default to a rich polynomial in two dimensions of degree N + 2 (f_N reads derivatives through N + 1);
    `extra_terms[variable, power]` are further terms whose coefficient should come out as zero.
    """
    order = order_of(equation)
    losses = losses or [rich_problem(configuration, order + 2, seed)]
    unknowns = {v: _unknowns(configuration, equation, parameters, v, extra_terms or {}) for v in equation["equations"]}
    wanted = max(len(terms) for by_power in unknowns.values() for terms in by_power)
    layout = layout_of(on_the_same_state(configuration), equation, losses[0])
    count = max(3, (wanted + 4) // min(layout.sizes[v] for v in layout.slow) + 1)
    shared = (configuration, equation, layout, parameters, unknowns)
    samples: list[Sample] = []
    for place, loss in enumerate(losses):
        numbers = range(place, count, len(losses))
        points = list(_starts(configuration, equation, loss, parameters, numbers, seed))
        systems = build_systems(configuration, equation, loss, parameters, points) if points else []
        terms = _Terms(*shared, loss)
        samples += [Sample(system, terms.at(system.start)) for system in systems]
    return recover(samples, unknowns, layout.slots, range(order + 1))


def _starts(
    configuration: Configuration, equation: Equation, loss: Loss | Game, parameters: Parameters, numbers: range, seed: int
) -> Iterator[tuple[Sequence[Fraction], dict[str, list[Fraction]]]]:
    """Random starts, inside the region that an equation is about.  Raises NumericError where too few are found there."""
    if not equation.get("condition"):
        yield from (_random_start(equation, loss, i, seed) for i in numbers)
        return
    inside = starts_inside(real_text(configuration), equation, loss, parameters, seed + 1, SAMPLE_TIME)
    found = list(islice(inside, len(numbers)))
    if len(found) < len(numbers):
        raise NumericError("too few random points were found inside the region")
    yield from found


def _random_start(
    equation: Equation, loss: Loss | Game, i: int, seed: int
) -> tuple[Sequence[Fraction], dict[str, list[Fraction]]]:
    """A random point, the other slow coordinates random and positive."""
    source = random.Random(f"state {seed} {i}")
    others = {n: [Fraction(source.randint(2, 5), source.randint(6, 9)) for _ in loss.variables] for n in equation["equations"]}
    others["t"] = [SAMPLE_TIME]  # coefficients may depend on t: they are recovered at one time
    return random_point(loss.dimension, 100 * seed + i), others


def _unknowns(
    configuration: Configuration,
    equation: Equation,
    parameters: Parameters,
    variable: str,
    extra: Mapping[tuple[str, int], Sequence[str]],
) -> list[list[Unknown]]:
    found = []
    for block in equation["equations"][variable]:
        items = [(item["term"], item["coefficient"]) for item in block["terms"]]
        terms = [Unknown(term, _predicted(c, configuration, equation, parameters)) for term, c in items]
        known = {u.term for u in terms}
        terms += [Unknown(t, Fraction(0)) for t in extra.get((variable, block["power"]), ()) if t not in known]
        found.append(terms)
    return found


def _predicted(text: str, configuration: Configuration, equation: Equation, parameters: Parameters) -> Fraction | mpmath.mpf:
    """The value of a coefficient (at the time of the samples): a fraction where it is one."""
    tape = Tape(0)
    names = scalar_names(configuration, parameters, tape.lift(SAMPLE_TIME), tape, equation)
    node = tape.lift(evaluate(parsed(text), names, tape.numbers, lambda f, a: elementary(f, a, tape.numbers)))
    exact = tape.exact(node)
    if exact is not None:
        return exact
    with precision(bits_of(60)):
        return to_mpf(Program(tape, [node])([])[0])


class _Terms:
    """Every term on one loss, recorded once, as balls at any point."""

    def __init__(
        self,
        configuration: Configuration,
        equation: Equation,
        layout: Layout,
        parameters: Parameters,
        unknowns: Mapping[str, Sequence[Sequence[Unknown]]],
        loss: Loss | Game,
    ) -> None:
        tape = Tape(sum(layout.sizes[n] for n in layout.slow) + layout.timed)
        vectors = {n for n, size in sizes_of(configuration, loss.sizes).items() if size is not None}
        terms = values_at(configuration, equation, layout, vectors, loss, parameters, tape.inputs)
        nodes: dict[str, list[Any]] = {}
        for variable, by_power in unknowns.items():
            low, high = layout.slots[variable]
            for term in (u.term for block in by_power for u in block):
                value = terms[term]
                nodes[term] = [tape.lift(x) for x in value] if isinstance(value, list) else [tape.lift(value)] * (high - low)
        self.sizes = {term: len(vector) for term, vector in nodes.items()}
        self.program = Program(tape, [x for vector in nodes.values() for x in vector])

    def at(self, start: Sequence[Fraction]) -> dict[str, list[Any]]:
        with precision(bits_of(110)):
            values = iter(self.program([number(x) for x in start]))
        return {term: [next(values) for _ in range(size)] for term, size in self.sizes.items()}


def check_from_rest(
    configuration: Configuration,
    equation: Equation,
    parameters: Parameters,
    loss: Loss | Game,
    theta: Sequence[Fraction],
    digits: int = 30,
) -> RestStart:
    """What the transient does to the initial point when the memory starts as users start it (see `verify.numeric.rest`)."""
    return start_from_rest(build_system(configuration, equation, loss, parameters, theta), digits)


__all__ = ["check_from_rest", "check_slopes", "random_point", "recover_coefficients", "rich_loss", "rich_problem"]
