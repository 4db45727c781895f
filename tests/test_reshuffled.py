"""Random reshuffling: generators of epochs against the mean over every order of the batches, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from epoch_orders import Function, Problem, some_problem
from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.errors import ReductionError, UsageError
from derive.noise.forests import Forest, parse, size, text
from derive.noise.generator import Generator
from derive.noise.reshuffled import EpochGenerator, reshuffled_generator
from derive.scheme import configure, inline_scheme

SGD = "theta = theta - gamma*sgrad(theta)"
DECAY = "theta = theta - gamma*r(t)*(sgrad(theta) + lam*theta)"
HEAVY = "v = beta*v - gamma*sgrad(theta); theta = theta + v"
HALF = fmpq(1, 2)
Powers = list[dict[Forest, Any]]


def epochs(update: str, order: int, batches: int | None = None, **settings: str) -> EpochGenerator:
    functions = {"r": "rate"} if "r(t)" in update else {}
    scheme = inline_scheme(update, functions=functions)
    return reshuffled_generator(
        configure(scheme, settings={f"{k}(t)" if k == "r" else k: v for k, v in settings.items()}, noise=True), order, batches
    )


def numbers(g: Generator, problem: Problem, **values: Any) -> Powers:
    """The coefficients at the problem's numbers; polynomials in t where they depend on it."""
    if problem.beta is not None:
        values |= {"beta": problem.beta, "B": problem.beta**problem.batches}
    if problem.rate is not None:
        values["t"] = problem.context.gens()[-1]
    values = {"m": problem.batches, "lam": problem.decay, **values}
    known = {name: value + problem.context.constant(0) for name, value in values.items()}
    constant = lambda q: problem.context.constant(fmpq(q.numerator, q.denominator))  # noqa: E731
    return [{f: c.at(known, constant) for f, c in power.items()} for power in g.powers]


def agree(problem: Problem, powers: Sequence[Mapping[Forest, Any]], f: Function) -> bool:
    return problem.settled(problem.epoch(f)) == problem.settled(problem.flow(powers, f))


def moved(powers: Powers, k: int, forest: Forest, by: fmpq = fmpq(1, 1000)) -> Powers:
    """With one coefficient a thousandth larger."""
    return [{f: c + by * (i == k and f == forest) for f, c in power.items()} for i, power in enumerate(powers)]


@pytest.mark.parametrize("batches", [2, 3, 4])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_one_formula_for_every_number_of_batches(order: int, batches: int) -> None:
    """exp(m gamma G) is the mean over all m! orders, with m a symbol in G, on quartic losses in two variables."""
    problem, f = some_problem(batches, order)
    assert agree(problem, numbers(epochs(SGD, order), problem), f)


def test_every_coefficient_is_seen() -> None:
    problem, f = some_problem(3, 3)
    powers = numbers(epochs(SGD, 3), problem)
    for k, power in enumerate(powers):
        for forest in power:
            assert not agree(problem, moved(powers, k, forest), f), text(forest)


def test_decay_and_schedules() -> None:
    """With r(t) = 1 + 2 t - t^2 at every step, and weight decay."""
    problem, f = some_problem(3, 2, degree=3, decay=fmpq(2, 3), rate=(1, 2, -1))
    powers = numbers(epochs(DECAY, 2, r="1 + 2*t - t**2"), problem)
    assert agree(problem, powers, f)
    assert not agree(problem, moved(powers, 2, parse("g1[g1]")), f)


@pytest.mark.parametrize(("batches", "order", "dimension"), [(2, 1, 2), (3, 1, 2), (3, 2, 1), (4, 2, 1)])
def test_memory_goes_on_from_epoch_to_epoch(batches: int, order: int, dimension: int) -> None:
    problem, f = some_problem(batches, order, dimension, degree=order + 2, beta=HALF)
    powers = numbers(epochs(HEAVY, order), problem)
    assert agree(problem, powers, f)
    assert not agree(problem, moved(powers, order, parse("g1[g1[g]]" if order == 2 else "g1[g1]")), f)
