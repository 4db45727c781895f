"""Random losses, points, slow variables, times and time functions; the same sample in balls."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import factorial
from typing import Any

from flint import arb, fmpq

from derive.errors import UsageError
from derive.language import Expression
from derive.scheme.schedule import Schedule, without_pi
from verify.counterexample.claimed import ClaimedField
from verify.numbers.evaluation import elementary, evaluate, mapped
from verify.numbers.kinds import BALLS, EXACT, Numbers
from verify.orbits.run import sizes_of
from verify.orbits.slow_series import Sample
from verify.problems.differentiation import differentiate
from verify.problems.game import Game
from verify.problems.layers import random_layers
from verify.problems.maps import maps_of
from verify.problems.matrices import positive_definite, square_states
from verify.problems.problem import Problem
from verify.problems.random_problem import random_game, random_problem


class NoRationalPoint(ArithmeticError):
    """Exact arithmetic cannot be had with these parameter values, whatever the loss and the point."""


def random_sample(
    claim: ClaimedField, values: Mapping[str, Any], source: random.Random, dimension: int, degree: int, numbers: Numbers = EXACT
) -> Sample:
    """A random sample at these parameter values, every unknown of this dimension, in some layers where sums over them occur;
    `numbers` are those that time functions are evaluated in."""
    scheme = claim.configuration.scheme
    if scheme.losses:
        sizes = dict.fromkeys(scheme.unknowns, dimension)
        problem: Problem | Game = random_game(source, scheme.losses, sizes, degree, scheme.calls_loss)
    else:
        layers = random_layers(dimension, source) if claim.layered else ()
        problem = replace(random_problem(source, dimension, degree, scheme.label, scheme.calls_loss), layers=layers)
    return sample_of(claim, problem, values, source, degree, numbers)


def sample_of(
    claim: ClaimedField, problem: Problem | Game, values: Mapping[str, Any], source: random.Random, degree: int, numbers: Numbers
) -> Sample:
    """This problem with random slow variables, a random time, and time functions as far as a loss of this degree sees them."""
    slow = random_slow(claim, source, problem.sizes)
    t = random_number(source)
    functions = time_functions(claim, t, degree + 2, source, numbers)
    return Sample(problem, values, slow, t, functions, maps_of(claim.configuration, values))


def random_number(source: random.Random) -> fmpq:
    """A simple positive fraction, not one."""
    value = fmpq(source.randint(1, 9), source.choice((2, 3, 4, 5)))
    return value if value != 1 else fmpq(8, 7)


def random_slow(claim: ClaimedField, source: random.Random, unknowns: Mapping[str, int]) -> dict[str, Any]:
    """Values of the slow variables besides the unknowns, positive (definite): averages of squares are among them."""
    sizes = sizes_of(claim.configuration, unknowns)
    others = [(s, sizes[s]) for s in claim.slow if s not in unknowns]
    found: dict[str, Any] = {}
    for s, n in others:
        found[s] = random_number(source) if n is None else [random_number(source) for _ in range(n)]
    return found | {s: positive_definite(list(found[s])) for s in square_states(claim.configuration) & found.keys()}


def time_functions(claim: ClaimedField, t: fmpq, length: int, source: random.Random, numbers: Numbers) -> dict[str, list[Any]]:
    """Taylor coefficients at t of every time function: its own where it is set, else any."""
    settings = claim.configuration.functions
    found = {}
    for name in claim.configuration.scheme.functions:
        setting = settings.get(name)
        if isinstance(setting, Schedule):
            raise UsageError(f"{name}(t) is piecewise: choose the branch first")
        if setting is None:
            found[name] = [random_number(source) for _ in range(length)]
        else:
            found[name] = taylor(without_pi(setting), t, length, numbers)
    return found


def taylor(setting: Expression, t: Any, length: int, numbers: Numbers) -> list[Any]:
    """The coefficients c_k of r(t + s) = sum_k c_k s^k, k < length.

    Raises NoRationalPoint for functions such as cos in exact arithmetic.

    >>> from derive.language import parse_expression
    >>> taylor(parse_expression("1/(1 + t)", "r"), fmpq(1), 3, EXACT)
    [1/2, -1/4, 1/8]
    """

    def call(function: str, args: list[Any]) -> Any:
        if numbers is BALLS:
            return mapped(lambda x: getattr(x, function)(), args[0])
        if function not in ("sqrt", "abs", "sign"):
            raise NoRationalPoint(f"{function} is not rational")
        return elementary(function, args, numbers)

    coefficients = []
    for k in range(length):
        value = evaluate(setting, {"t": numbers.lift(Fraction(1)) * t}, numbers, call)
        coefficients.append(value / factorial(k))
        setting = differentiate(setting, "t")
    return coefficients


def as_balls(sample: Sample) -> Sample:
    """The same sample with every number a ball of radius zero (or what it was)."""

    def ball(value: Any) -> Any:
        return mapped(lambda x: arb(1) * x, value)

    return replace(
        sample,
        problem=sample.problem.each(lambda p: p.with_coefficients(ball)),
        values={n: ball(v) for n, v in sample.values.items()},
        slow={s: ball(v) for s, v in sample.slow.items()},
        functions={f: ball(list(c)) for f, c in sample.functions.items()},
    )
