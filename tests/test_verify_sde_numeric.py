"""Moments on quadratic losses, the law after a long time, and the command `verify sde`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import click
import pytest
from click.testing import CliRunner
from flint import arb

from derive import configure, inline_scheme, load_scheme
from derive.errors import DeriveError, UndecidedError
from derive.noise.forests import text
from derive.noise.generator import generator
from derive.scheme import Configuration
from verify.commands.main import main
from verify.numbers.precision import precision
from verify.sde.moments import DIGITS, WEIGHTS, Moments, moment_slopes
from verify.sde.proof import draw_prime
from verify.sde.simulation import simulate
from verify.sde.statement import read_claim
from verify.sde.stationary import CURVATURE, stationary_variance, variances
from verify.sde.structure import Structure, find_structure

GD = "theta = theta - gamma*sgrad(theta)"
HEAVY = "v = beta*v + sgrad(theta); theta = theta - gamma*v"
SAME = "half = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(half)"
OU = "theta = theta - gamma*grad(theta) + sqrt(2*gamma)*normal()"
SGD = [
    {"g": "-1"},
    {"g1 g1": "1/2", "g[g]": "-1/2"},
    {"g1 g1 g1": "-1/6", "g1 g1[g]": "1/2", "g1 g[g1]": "1/2", "g[g,g]": "-1/12", "g[g1,g1]": "1/4", "g[g[g]]": "-1/3"},
]


def claimed(powers: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    blocks = [{"power": k, "terms": [{"coefficient": c, "forest": f} for f, c in p.items()]} for k, p in enumerate(powers)]
    return {"generator": blocks}


def configured(update: str, *parameters: str) -> Configuration:
    return configure(inline_scheme(update, parameters), noise=True)


def derived(c: Configuration, order: int) -> list[dict[str, str]]:
    return [{text(f): str(x) for f, x in power.items()} for power in generator(c, order).powers]


def structure_of(c: Configuration, half: int = 1) -> Structure:
    source = Random(1)
    p = draw_prime(source)
    return find_structure(source, c, half, p, {n: source.randrange(1, p) for n in c.free})


@pytest.mark.parametrize("update, parameters, half", [(GD, (), 1), (HEAVY, ("beta",), 1), (SAME, (), 1), (OU, (), 2)])
def test_slopes_of_moments_are_one_more_than_the_truncation(update: str, parameters: tuple[str, ...], half: int) -> None:
    c = configured(update, *parameters)
    found = moment_slopes(c, read_claim(claimed(derived(c, 1))), structure_of(c, half))
    assert found.slopes == pytest.approx([1, 2], abs=1e-4)
    assert found.confirmed


#: third derivatives vanish on quadratic losses
UNSEEN = {"g[g,g]", "g[g1,g1]"}


@pytest.mark.parametrize("power, forest", [(k, f) for k, p in enumerate(SGD) for f in p])
def test_slopes_refuse_a_coefficient_that_is_a_thousandth_off(power: int, forest: str) -> None:
    c, wrong = configured(GD), [dict(p) for p in SGD]
    wrong[power][forest] += "*1001/1000"
    found = moment_slopes(c, read_claim(claimed(wrong)), structure_of(c))
    assert found.confirmed is (forest in UNSEEN)
    if forest not in UNSEEN:
        assert found.slopes[2] is not None
        assert found.slopes[2] < 2.5


def spread() -> tuple[Moments, Any]:
    """(moments of gradient descent with additive noise, the variance of the samples' gradients)."""
    c = configured(GD)
    moments = Moments(c, read_claim(claimed(SGD)), structure_of(c), 1, 2, curvature=CURVATURE)
    own = [x[0][0] for x in moments.world.jets["g"]]
    mean = sum(arb(w.numerator) / w.denominator * x for w, x in zip(WEIGHTS, own))
    return moments, sum(arb(w.numerator) / w.denominator * (x - mean) ** 2 for w, x in zip(WEIGHTS, own))


def test_the_variance_after_a_long_time_is_the_known_one() -> None:
    """gamma sigma^2/(h (2 - gamma h)) for gradient descent with additive noise, h the curvature."""
    with precision(2000):
        moments, sigma = spread()
        gamma, h = Fraction(1, 8), CURVATURE
        exact, _ = variances(moments, gamma, 2)
        factor = gamma / (h * (2 - gamma * h))
        assert abs(exact - sigma * factor.numerator / factor.denominator) < arb(10) ** -DIGITS


def test_the_variance_of_the_heavy_ball_is_the_known_one() -> None:
    """gamma sigma^2 (1 + beta)/(h (1 - beta) (2 (1 + beta) - gamma h)), the stationary AR(2) process."""
    c = configured(HEAVY, "beta")
    with precision(2000):
        _, sigma = spread()
        moments = Moments(c, read_claim(claimed(derived(c, 1))), structure_of(c), 1, 2, curvature=CURVATURE)
        gamma, h, beta = Fraction(1, 64), CURVATURE, moments.parameters["beta"]
        exact, _ = variances(moments, gamma, 1)
        factor = gamma * (1 + beta) / (h * (1 - beta) * (2 * (1 + beta) - gamma * h))
        assert abs(exact - sigma * factor.numerator / factor.denominator) < arb(10) ** -DIGITS


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_variance_of_the_generator_is_off_by_one_power_more(order: int) -> None:
    c = configured(GD)
    found = stationary_variance(c, read_claim(claimed(SGD[: order + 1])), structure_of(c))
    assert found.slope == pytest.approx(order + 1, abs=1e-4)
    assert found.confirmed
    wrong = [dict(p) for p in SGD[: order + 1]]
    wrong[order]["g1 g1"] = wrong[order].get("g1 g1", "0") + " + 1/1000"
    assert not stationary_variance(c, read_claim(claimed(wrong)), structure_of(c)).confirmed


# ------------------------------------------------------------------------------------------ random paths


QUIET = "theta = theta - gamma*grad(theta) + sqrt(gamma/20)*normal()"


@pytest.mark.parametrize("update, parameters, half, times", [(GD, (), 1, 3), (HEAVY, ("beta",), 1, 3), (QUIET, (), 2, 10)])
def test_random_paths_confirm_the_generator(update: str, parameters: tuple[str, ...], half: int, times: int) -> None:
    """Every further power of gamma leaves less; a last part that is so many times too large is seen through the noise."""
    c = configured(update, *parameters)
    powers, structure = derived(c, 1), structure_of(c, half)
    found = simulate(c, read_claim(claimed(powers)), structure, 100_000)
    assert found.confirmed
    assert all(r.deviation < 2e-3 for r in found.rows)
    if update != QUIET:  # whose noise is there at gamma^0
        second = found.rows[1].differences
        assert abs(second[2]) < abs(second[1]) / 2
    wrong = [powers[0], {f: f"{times}*({x})" for f, x in powers[1].items()}]
    assert not simulate(c, read_claim(claimed(wrong)), structure, 100_000).confirmed


def test_paths_of_players_are_not_simulated() -> None:
    c = configure(load_scheme("game-simultaneous"))
    with pytest.raises(UndecidedError, match="one loss"):
        simulate(c, read_claim(claimed([{}])), structure_of(c), 10)


# ------------------------------------------------------------------------------------------ the command


def run(*arguments: str) -> Any:
    """The result, with the exit status that the console script gives."""
    result = CliRunner().invoke(main, ["sde", *arguments], standalone_mode=False)
    return result, result.return_value


def written(folder: Path, powers: Sequence[Mapping[str, str]]) -> str:
    path = folder / "claim.json"
    path.write_text(json.dumps(claimed(powers)), "utf-8")
    return str(path)


def test_the_command_verifies_a_claim(tmp_path: Path) -> None:
    result, status = run("gd", "--claim", written(tmp_path, SGD))
    assert status == 0, result.output
    for words in ("every law of the samples and every dimension", "slope of the error 3.000", "verdict: verified"):
        assert words in result.output


def test_the_command_derives_what_it_verifies() -> None:
    """Exit status 0, and what could not run is said."""
    result, status = run("gd", "--sampling", "reshuffled", "--set", "m=4")
    assert status == 0, result.output
    assert "m = 4 batches in every dimension" in result.output
    assert "slopes: not run: moments are compared for independent samples" in result.output
    result, status = run("momentum", "--batch", "B", "--set", "beta=1/2", "--format", "json")
    assert status == 0
    data = json.loads(result.output)
    assert data["slopes"]["parameters"] == {"B": "2"}
    assert data["slopes"]["slopes"] == pytest.approx([1, 2], abs=1e-3)


def test_the_command_refutes_a_claim_and_says_where(tmp_path: Path) -> None:
    wrong = [SGD[0], {"g1 g1": "1/2", "g[g]": "-501/1000"}]
    result, status = run("gd", "--claim", written(tmp_path, wrong), "--format", "json")
    assert status == 1
    data = json.loads(result.output)
    assert data["verdict"] == "refuted"
    assert data["refuted_by"] == ["proof", "slopes"]
    assert (data["proof"]["power"], data["proof"]["roots"]) == (1, 1)
    assert "the drift is not the scheme's" in data["proof"]["argument"]


def test_what_cannot_be_checked_has_exit_status_two(tmp_path: Path) -> None:
    claim = written(tmp_path, SGD[:1])
    result, status = run("--update", "theta = theta - sgrad(theta)", "--claim", claim)
    assert status == 2
    assert "verdict: not proved" in result.output


@pytest.mark.parametrize("content, words", [
    ("{}", "no 'generator' in"), ("[", "not valid JSON"), ('{"generator": [{}]}', "power"),
    ('{"generator": [{"power": 0, "terms": [{"coefficient": "-1", "forest": "g["}]}]}', "no forest of trees"),
])  # fmt: skip
def test_what_is_no_claim_is_refused_in_one_line(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "claim.json"
    path.write_text(content, "utf-8")
    result, _ = run("gd", "--claim", str(path))
    assert isinstance(result.exception, DeriveError | click.UsageError)
    assert words in str(result.exception)
