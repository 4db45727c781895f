"""Random reshuffling: epochs against every order of the batches, for each number of batches."""

from __future__ import annotations

import pytest
from epoch_orders import Problem, some_problem
from flint import fmpq

from derive.errors import ReductionError, UsageError
from derive.noise.forests import parse, text
from derive.noise.reshuffled import EpochGenerator, reshuffled_generator
from derive.scheme import configure, inline_scheme

SGD = "theta = theta - gamma*sgrad(theta)"
HEAVY = "v = beta*v - gamma*sgrad(theta); theta = theta + v"


def epochs(update: str, order: int, batches: int | None = None, **settings: str) -> EpochGenerator:
    return reshuffled_generator(configure(inline_scheme(update), settings=settings, noise=True), order, batches)


def numbers(g: EpochGenerator, problem: Problem) -> list[dict]:
    values = {"m": fmpq(problem.batches)}
    if problem.beta is not None:
        values |= {"beta": problem.beta, "B": problem.beta**problem.batches}
    return [{f: c.at(values, lambda q: fmpq(q.numerator, q.denominator)) for f, c in p.items()} for p in g.powers]


def same(problem: Problem, powers, f) -> bool:
    return problem.settled(problem.epoch(f)) == problem.settled(problem.flow(powers, f))


@pytest.mark.parametrize("batches", [2, 3, 4])
@pytest.mark.parametrize("order", [2, 3])
def test_epochs_of_every_number_of_batches(batches: int, order: int) -> None:
    """exp(m gamma G) is the mean over all m! orders, exactly, on quartic losses in two variables; m is a symbol in G."""
    problem, f = some_problem(batches, batches, order)
    powers = numbers(epochs(SGD, order), problem)
    assert same(problem, powers, f)
