"""Claims about noise: stationary laws by a second route, witnesses by another evaluator, what is judged in words."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

from derive import configure, load_scheme, modified_sde
from derive.scheme.linear_map import linear_map
from verify.claims.judge import judge
from verify.claims.judgment import LEADING, PROVED, REFUTED, UNDECIDED, Judgment
from verify.claims.kinds import stationary_variance
from verify.claims.kinds.stationary_law import StationaryLaw, stationary_covariance
from verify.claims.reader import claim_of
from verify.claims.symbolic import is_zero, symbolic

SGD = "theta = theta - gamma*sgrad(theta)"


def judged(kind: str, **data: Any) -> Judgment:
    return judge(claim_of({"id": "a", "statement": "s", "source": "p", "kind": kind, **data}, "test"))


# ------------------------------------------------------------------------------------------ stationary laws


@pytest.mark.parametrize("name", ["gd", "momentum", "ema-momentum", "qhm"])
def test_variances_are_those_of_the_linear_map(name: str) -> None:
    """The text run on symbols with its noise, against the Lyapunov equation of derive's linear map."""
    other = stationary_variance.stationary_variance(linear_map(configure(load_scheme(name))))
    assert is_zero(stationary_covariance(StationaryLaw(scheme=name, variance="1")) - other)


@pytest.mark.parametrize(("data", "formula"), [
    ({"scheme": "momentum"}, "gamma*sigma**2*(1 + beta)/(h*(1 - beta)*(2 + 2*beta - gamma*h))"),
    ({"scheme": "langevin"}, "2/(h*(2 - gamma*h))"),
    ({"scheme": "sgld"}, "(2 + gamma*sigma**2)/(h*(2 - gamma*h))"),
    ({"scheme": "sgld", "batch": "B"}, "(2 + gamma*sigma**2/B)/(h*(2 - gamma*h))"),
    # two gradients of one sample add up, two samples do not
    ({"update": "theta = theta - gamma*(sgrad(theta) + sgrad(theta))/2"}, "gamma*sigma**2/(h*(2 - gamma*h))"),
    ({"update": "theta = theta - gamma*(sgrad(theta) + sgrad(theta, 2))/2"}, "gamma*sigma**2/(2*h*(2 - gamma*h))"),
    # with noise drawn, grad is the full gradient
    ({"update": "theta = theta - gamma*grad(theta) + gamma*a*normal()", "parameters": ["a"]}, "gamma*a**2/(h*(2 - gamma*h))"),
])  # fmt: skip
def test_variances_by_hand(data: dict[str, Any], formula: str) -> None:
    assert judged("stationary-law", **data, variance=formula).verdict == PROVED
    assert judged("stationary-law", **data, variance=f"({formula})*1001/1000").verdict in (REFUTED, LEADING)


def test_a_covariance_solves_the_equation_of_two_directions() -> None:
    """S = (1 - gamma h1) S (1 - gamma h2) + gamma^2 c, at numbers."""
    g, h1, h2, c = Fraction(1, 5), Fraction(1), Fraction(3), Fraction(2, 7)
    found = stationary_covariance(StationaryLaw(scheme="gd", covariance="1"))
    values = {"gamma": g, "h1": h1, "h2": h2, "c": c}
    s = Fraction(str(found.subs({x: symbolic(str(values[x.name]), "value") for x in found.free_symbols})))
    assert s == (1 - g * h1) * s * (1 - g * h2) + g**2 * c


def test_what_never_settles_is_no_law() -> None:
    for update in ("theta = theta + gamma*sgrad(theta)", "theta = theta - 300*sgrad(theta)"):
        assert judged("stationary-law", update=update, variance="1").verdict == UNDECIDED


# ------------------------------------------------------------------------------------------ witnesses


@pytest.mark.parametrize(("data", "options"), [
    ({"update": SGD, "drift": [{"g": "-1"}]}, {}),
    ({"update": SGD, "diffusion": [{}, {"g1 g1": "2"}]}, {}),
    ({"update": SGD, "diffusion": [{}, {"g1 g1": "2"}], "batch": "3"}, {"batch": "3"}),
    ({"scheme": "momentum", "diffusion": [{}, {"g1 g1": "2"}]}, {}),
    ({"scheme": "momentum", "sampling": "reshuffled", "batches": "4", "drift": [{"g": "-1/(1 - beta)"}]},
     {"sampling": "reshuffled", "settings": {"m": "4"}}),
])  # fmt: skip
def test_the_true_number_of_a_witness_is_that_of_derive(data: dict[str, Any], options: dict[str, Any]) -> None:
    found = judged("generator", **data, through=1)
    assert found.verdict == REFUTED
    losses, weights, beta, derivative, power, claimed, true = _numbers(found.evidence[-1])
    assert claimed != true
    settings = options.pop("settings", {}) | ({"beta": beta} if beta else {})
    equation = modified_sde(data.get("scheme", "gd"), int(power), settings=settings, **options)
    on = equation.on_losses(losses, weights=weights)
    assert Fraction(on.evaluate("x=0").values[int(power)].get(derivative, "0")) == Fraction(true)


def _numbers(text: str) -> tuple[list[str], list[str] | None, str, str, str, str, str]:
    """Losses, weights, beta, the derivative, the power of gamma, and both numbers of a printed witness."""
    losses = re.findall(r"L\d = (.*?)(?=, L\d|  ?with| at )", text)
    weights = re.search(r"probabilities (\S+), (\S+) at", text)
    beta = re.search(r"beta = ([\d/]+)", text)
    last = re.search(r"phi_(\w+) at gamma\*\*(\d) is claimed (\S+), true (\S+)$", text)
    assert last is not None
    return losses, list(weights.groups()) if weights else None, beta[1] if beta else "", last[1], last[2], last[3], last[4]


# ------------------------------------------------------------------------------------------ what is judged


def test_a_part_is_judged_whatever_the_rest() -> None:
    drift = [{"g": "-1"}, {"g[g]": "-1/2"}]
    assert judged("generator", update=SGD, through=1, drift=drift).verdict == PROVED
    assert judged("generator", update=SGD, through=1, generator=drift).verdict == REFUTED
    assert judged("generator", update=SGD, through=2, drift=drift).verdict == REFUTED


def test_a_claim_about_m_batches_names_the_numbers_it_is_judged_for() -> None:
    drift = [{"g": "-1"}, {"g[g]": "-1/2", "g1[g1]": "-1/2"}]
    stated = judged("generator", update=SGD, through=1, drift=drift, sampling="reshuffled").stated
    assert stated.hypotheses[-1] == "epochs of m = 2, 3, 4 batches in a random order"
    four = judged("generator", update=SGD, through=1, drift=drift, sampling="reshuffled", batches="4")
    assert (four.verdict, four.stated.hypotheses[-1]) == (PROVED, "epochs of 4 batches in a random order")


def test_a_text_that_is_not_linear_is_judged_in_a_dimension_that_is_named() -> None:
    data = {"scheme": "sam-normalised", "regime": "proportional", "through": 0, "generator": [{"g": "-1"}]}
    assert "in dimension 2, for any law of 2 samples" in judged("generator", **data).stated.hypotheses


def test_laws_in_different_variables_are_not_compared() -> None:
    first, second = {"scheme": "momentum", "regime": "inertial"}, {"scheme": "gd"}
    assert judged("equal-law", first=first, second=second, through=0).verdict == UNDECIDED
