"""Random reshuffling: generators of epochs against the mean over every order of the batches, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import comb
from typing import Any

import pytest
from epoch_orders import Function, Problem, scaled, some_problem, total
from flint import fmpq

from derive.algebra.coefficients import Ratio
from derive.errors import ReductionError, UsageError
from derive.noise.forests import Forest, parse, text
from derive.noise.generator import Generator, generator
from derive.noise.reshuffled import EpochGenerator, batches_setting, reshuffled_generator
from derive.scheme import configure, inline_scheme

SGD = "theta = theta - gamma*sgrad(theta)"
DECAY = "theta = theta - gamma*r(t)*(sgrad(theta) + lam*theta)"
HEAVY = "v = beta*v - gamma*sgrad(theta); theta = theta + v"
EXTRA = "y = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(y)"
HALF, THOUSANDTH = fmpq(1, 2), fmpq(1, 1000)
Powers = list[dict[Forest, Any]]


def epochs(update: str, order: int, batches: int | None = None, settings: Mapping[str, str] | None = None) -> EpochGenerator:
    scheme = inline_scheme(update, functions={"r": "rate"} if "r(t)" in update else {})
    return reshuffled_generator(configure(scheme, settings=settings, noise=True), order, batches)


def numbers(g: Generator, problem: Problem, **values: Any) -> Powers:
    """The coefficients at the problem's numbers; polynomials in t where they depend on it."""
    if problem.beta is not None:
        values |= {"beta": problem.beta, "B": problem.beta**problem.batches}
    if problem.rate is not None:
        values["t"] = problem.context.gens()[-1]
    values = {"m": problem.batches, "lam": problem.decay, **values}
    known = {name: value + problem.context.constant(0) for name, value in values.items()}
    constant = lambda q: problem.context.constant(fmpq(q.numerator, q.denominator))
    return [{f: c.at(known, constant) for f, c in power.items()} for power in g.powers]


def agree(problem: Problem, powers: Sequence[Mapping[Forest, Any]], f: Function) -> bool:
    """Whether T f and exp(m gamma G) f differ by transients only."""
    return not any(problem.settled(total(problem.epoch(f), scaled(problem.flow(powers, f), fmpq(-1)))))


def moved(powers: Powers, k: int, forest: Forest) -> Powers:
    """With one coefficient a thousandth larger."""
    return [{f: c + THOUSANDTH * (i == k and f == forest) for f, c in power.items()} for i, power in enumerate(powers)]


@pytest.mark.parametrize("batches", [2, 3, 4])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_one_formula_for_every_number_of_batches(order: int, batches: int) -> None:
    """exp(m gamma G) is the mean over all m! orders, with m a symbol in G, on quartic losses in two variables."""
    problem, f = some_problem(batches, order)
    assert agree(problem, numbers(epochs(SGD, order), problem), f)


def test_every_coefficient_is_seen() -> None:
    """One thousandth more in any of them is refuted; at gamma^3 in any of the diffusion's."""
    problem, f = some_problem(3, 3)
    powers = numbers(epochs(SGD, 3), problem)
    for k, power in enumerate(powers):
        for forest in power:
            if k < 3 or len(forest) > 1:
                at = replace(problem, order=k + 1)
                assert not agree(at, moved(powers[: k + 1], k, forest), f[: k + 2]), text(forest)


def test_decay_and_schedules() -> None:
    """With r(t) = 1 + 2 t - t^2 at every step, and weight decay."""
    problem, f = some_problem(3, 2, degree=3, decay=fmpq(2, 3), rate=(1, 2, -1))
    powers = numbers(epochs(DECAY, 2, settings={"r(t)": "1 + 2*t - t**2"}), problem)
    assert agree(problem, powers, f)
    assert not agree(problem, moved(powers, 2, parse("g1[g1]")), f)


def test_two_gradients_of_one_batch() -> None:
    """The extragradient: parent and child of a tie stand at one place of the order."""
    problem, f = some_problem(3, 2, degree=3, ahead=1)
    powers = numbers(epochs(EXTRA, 2), problem)
    assert agree(problem, powers, f)
    assert not agree(problem, moved(powers, 2, parse("g1[g1[g1]]")), f)


@pytest.mark.parametrize(("batches", "order", "dimension"), [(2, 1, 2), (3, 1, 2), (3, 2, 1), (4, 2, 1)])
def test_memory_goes_on_from_epoch_to_epoch(batches: int, order: int, dimension: int) -> None:
    problem, f = some_problem(batches, order, dimension, degree=order + 2, beta=HALF)
    powers = numbers(epochs(HEAVY, order), problem)
    assert agree(problem, powers, f)
    assert not agree(problem, moved(powers, order, parse("g1[g1[g]]" if order == 2 else "g1[g1]")), f)


def heavy_drift(m: Ratio, beta: Ratio, end: Ratio) -> Ratio:
    """The coefficient of cov(H, g) at gamma^1, with end = beta^m."""
    one = m.ring.one
    top = m**2 * (one - beta) ** 2 - m * (one - beta**2) + (beta * (one - end)).scaled(2)
    return -top / (m * (m - one) * (one - beta) ** 4).scaled(2)


def test_drift_of_heavy_ball() -> None:
    """Also -1/(1-b) sum_(k<m-1) binomial(m-k, 2) b^k/(m (m-1)); independent samples have none (the gradient of step j, moved by a
    batch drawn at step i, is that of another batch)."""
    c = epochs(HEAVY, 1).powers[1][parse("g1[g1]")]
    assert c == heavy_drift(*map(c.ring.symbol, ("m", "beta", "B")))
    for m in (2, 3, 7):
        c = epochs(HEAVY, 1, m).powers[1][parse("g1[g1]")]
        one, beta = c.ring.one, c.ring.symbol("beta")
        total = sum((beta**k * one.scaled(comb(m - k, 2)) for k in range(m - 1)), c.ring.zero)
        assert c == -total / (one - beta).scaled(m * (m - 1))
    heavy = configure(inline_scheme(HEAVY), noise=True)
    assert parse("g1[g1]") not in generator(heavy, 1).powers[1]


def test_implicit_regularisation() -> None:
    """L + gamma/4 mean |grad L_i|^2 (Smith, Dherin, Barrett & De 2021, arXiv:2101.12176): g[g] + g1[g1] is the gradient of half
    that mean, for every m; independent samples have g[g] alone."""
    assert {text(f): str(c) for f, c in epochs(SGD, 1).powers[1].items()} == {"g[g]": "-1/2", "g1[g1]": "-1/2"}


def test_no_diffusion_before_gamma_3() -> None:
    """There 2 a_2 is the covariance of the brackets [H_i, g] and [H_i, g_j], a positive matrix."""
    g = epochs(SGD, 3)
    assert [len(power) for power in g.through(2)] == [0, 0, 0, 5]
    assert not any(len(f) > 2 for power in g.powers for f in power)
    found = {text(f): c for f, c in g.through(2)[3].items()}
    own, mixed = found["g1[g] g1[g]"], found["g1[g2] g1[g2]"]
    assert found["g[g1] g[g1]"] == own
    assert found["g[g1] g1[g]"] == own.scaled(-2)
    assert found["g1[g2] g2[g1]"] == -mixed
    assert (str(own), str(mixed)) == ("m*(1 + m)/24", "m/24")


def test_numbers_of_batches_are_values_of_the_symbol() -> None:
    symbol, five = epochs(HEAVY, 2), epochs(HEAVY, 2, 5)
    for known, found in zip(symbol.powers, five.powers, strict=True):
        assert known.keys() == found.keys()
        for forest, c in known.items():
            ring = found[forest].ring
            assert c.substitute({"m": ring.one.scaled(5), "B": ring.symbol("beta") ** 5}, ring) == found[forest]
    assert (symbol.batches, symbol.symbols, five.batches, five.symbols) == ("m", {"B": "beta**m"}, "5", {})


def test_without_memory_factors_it_is_sgd() -> None:
    """beta = 0 in the formulas for heavy ball."""
    heavy, sgd = epochs(HEAVY, 2), epochs(SGD, 2)
    for known, found in zip(sgd.powers, heavy.powers, strict=True):
        values = {f: c.substitute({"beta": c.ring.zero, "B": c.ring.zero}, c.ring) for f, c in found.items()}
        assert {f: c for f, c in values.items() if c} == known


def test_forests_in_several_pieces() -> None:
    """Places are no independent draws: with memory two ties that nothing joins depend on each other."""
    problem, f = some_problem(4, 3, 1, degree=3, beta=HALF)
    powers = numbers(epochs("v = 1/2*v - gamma*sgrad(theta); theta = theta + v", 3, 4), problem)
    assert agree(problem, powers, f)
    pieces = parse("g1[g1] g2[g2]")
    assert powers[3].pop(pieces)
    assert not agree(problem, powers, f)
    assert pieces not in epochs(SGD, 3).powers[3]


def test_a_scheme_with_an_m() -> None:
    g = epochs("m = beta*m + sgrad(theta); theta = theta - gamma*m", 1)
    assert g.batches == "mm"
    assert g.powers[1][parse("g1[g1]")].symbols() == {"mm", "beta", "B"}
    scheme = g.configuration.scheme
    assert batches_setting(scheme, {"mm": "2 + 2", "beta": "0"}) == ({"beta": "0"}, 4)
    assert batches_setting(scheme, {"m": "4"}) == ({"m": "4"}, None)


@pytest.mark.parametrize("text", ["1/2", "beta", "0.5"])
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        batches_setting(inline_scheme(HEAVY), {"m": text})


@pytest.mark.parametrize(
    ("update", "order", "batches", "words"),
    [
        (SGD, 1, 1, "one batch is the whole data set, without noise; take 2 or more"),
        (HEAVY, 2, 2, "take 3 or more, or a lower order"),
        ("theta = theta - gamma*sgrad(theta) - gamma*sgrad(theta, 2)", 1, None, "draws several samples"),
        ("theta = theta - gamma*sgrad(2*theta - theta_prev)", 1, None, "keeps nothing of the memory theta_prev"),
        ("v = r(t)*v - gamma*sgrad(theta); theta = theta + v", 1, None, "changes with t"),
        ("v = -v - gamma*sgrad(theta); theta = theta + v", 1, None, "have the product 1"),
    ],
)
def test_what_is_not_read(update: str, order: int, batches: int | None, words: str) -> None:
    with pytest.raises((UsageError, ReductionError), match=words):
        epochs(update, order, batches)
