"""Certificates of generators: the stand-alone checker proves what derive finds, and accepts no forgery."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from proof_forgeries import renamed
from sde_forgeries import FORGERIES, text_of, thousandth, without_and_twice

import derive
from derive import configure, inline_scheme, load_scheme, modified_sde
from derive.errors import UsageError
from verify.certificate import sde_checker
from verify.certificate.writing import certificate_text
from verify.sde.certificate import sde_certificate

BASES = [("gd", "", 2), ("momentum", "memory", 1), ("momentum", "inertial", 1), ("langevin", "", 1), ("adam", "inertial", 1),
         ("game-extragradient", "", 1)]  # fmt: skip
CHECKER = Path(sde_checker.__file__)


def base(name: str, regime: str, order: int, batch: str = "1") -> dict[str, Any]:
    """A true certificate, to be changed as one likes."""
    return copy.deepcopy(_base(name, regime, order, batch))


@lru_cache(maxsize=50)
def _base(name: str, regime: str, order: int, batch: str) -> dict[str, Any]:
    equation = modified_sde(name, order, regime=regime or None, batch=batch).to_json()
    return sde_certificate(configure(load_scheme(name), regime or None, noise=True), equation)


def written(update: str, *parameters: str, order: int = 1) -> dict[str, Any]:
    scheme = inline_scheme(update, parameters)
    return sde_certificate(configure(scheme, noise=True), modified_sde(scheme, order).to_json())


def outcome(text: str) -> str:
    """proved, different or refused."""
    try:
        sde_checker.check(text)
    except sde_checker.Different:
        return "different"
    except (sde_checker.Bad, ValueError, RecursionError, OverflowError) as error:
        assert "\n" not in str(error)
        return "refused"
    return "proved"


# ------------------------------------------------------------------------------------------ true statements

# those of the catalogue that have a weak equation through gamma which a certificate can state, by regime
COVERED = [
    ("adam-inside", "inertial"), ("adam", "inertial"), ("adams-bashforth-2", ""), ("aggmo", ""), ("ema-momentum", "memory"),
    ("ema-momentum", "inertial"), ("extragradient", ""), ("game-alternating", "two-time-scale"), ("game-extragradient-past", ""),
    ("game-extragradient", ""), ("game-negative-momentum", ""), ("game-optimistic", ""), ("game-simultaneous", "rates"),
    ("gd-decoupled-decay", ""), ("gd", ""), ("heun", ""), ("implicit-euler", ""), ("implicit-midpoint", ""),
    ("langevin-baoab", ""), ("langevin", ""), ("midpoint", ""), ("momentum-weight-decay", ""), ("momentum", "memory"),
    ("momentum", "inertial"), ("momentum", "leapfrog"), ("momentum", "strongly-convex"), ("nesterov-half", "memory"),
    ("nesterov-implicit", "memory"), ("nesterov-implicit", "inertial"), ("nesterov-keras", "memory"), ("nesterov", "memory"),
    ("nesterov", "strongly-convex"), ("normalised-gd", ""), ("ogda", ""), ("qhm", ""), ("rk4", ""), ("rmsprop", "inertial"),
    ("sam-normalised", "proportional"), ("sam", "proportional"), ("sgd-dampening", ""), ("sgdw", ""), ("sgld", ""),
    ("triple-momentum", "tuned"), ("two-batches", ""), ("weight-decay", ""),
]  # fmt: skip


@pytest.mark.parametrize("name, regime", COVERED)
def test_generators_of_the_catalogue_are_proved(name: str, regime: str) -> None:
    data = base(name, regime, 1)
    _, proved, bound, worlds, dimension, samples = sde_checker.check(certificate_text(data))
    assert bound < -200
    assert (worlds, dimension, samples) == (1, 2, 2)
    assert ("every dimension" in proved) == ("dimension" not in data)


@pytest.mark.parametrize("name", ["gd", "momentum", "langevin", "nesterov", "normalised-gd"])
def test_second_order_is_proved_and_refused_when_a_coefficient_is_a_thousandth_off(name: str) -> None:
    regime = next(iter(load_scheme(name).regimes), "")
    data = base(name, regime, 2)
    assert outcome(certificate_text(data)) == "proved"
    for wrong in [*thousandth(data)][-3:]:
        assert outcome(json.dumps(wrong)) == "different"


def test_batches_of_any_size() -> None:
    """A coefficient of degree two in 1/B is looked at for five numbers B; one that is right for the first four is refused."""
    data = base("gd", "", 2, "B")
    assert sde_checker.check(certificate_text(data))[3] == 5
    data["generator"][1].append(["(B - 1)*(B - 2)*(B - 3)*(B - 4)*(B - 5)", "g"])
    assert outcome(json.dumps(data)) == "different"
    assert outcome(certificate_text(base("momentum", "memory", 1, "3"))) == "proved"


SAME, FRESH = ("half = theta - gamma*sgrad(theta); theta = theta - gamma*sgrad(half" + sample for sample in (")", ", 2)"))


def test_one_sample_or_two_make_the_difference_of_a_term() -> None:
    """By hand, at gamma: with one sample the covariance of Hessian and gradient, g1[g1], comes in."""
    one, two = written(SAME), written(FRESH)
    assert [outcome(json.dumps(d)) for d in (one, two)] == ["proved", "proved"]
    assert ["1", "g1[g1]"] in one["generator"][1]
    for text, claim in ((one, two), (two, one)):
        assert outcome(json.dumps({**text, "generator": claim["generator"]})) == "different"


BY_HAND: list[tuple[str, list[list[list[str]]]]] = [
    ("theta = theta - gamma*sgrad(theta)", [[["-1", "g"]], [["1/2", "g1 g1"], ["-1/2", "g[g]"]]]),
    ("theta = theta - gamma*grad(theta)", [[["-1", "g"]], [["-1/2", "g[g]"]]]),
    ("theta = theta - gamma*sgrad(theta - gamma*grad(theta))", [[["-1", "g"]], [["1/2", "g1 g1"], ["1/2", "g[g]"]]]),
    ("theta = theta + sqrt(gamma)*normal()", [[["1/2", "n1 n1"]]]),
    (
        "theta = theta - gamma*theta + sqrt(2*gamma)*normal()",
        [[["-1", "theta"], ["1", "n1 n1"]], [["-1/2", "theta"], ["1", "n1 n1"]]],
    ),
]


@pytest.mark.parametrize("update, generator", BY_HAND)
def test_generators_by_hand_are_proved(update: str, generator: list[list[list[str]]]) -> None:
    """The last one is exact: x = (1 - gamma) x + sqrt(2 gamma) z has the variance 2/(2 - gamma) after a long time, and
    -log(1 - gamma) = gamma + gamma^2/2 is its rate, so that half the diffusion is gamma + gamma^2."""
    data = {**base("gd", "", 1), "update": update, "generator": generator, "order": len(generator) - 1}
    assert outcome(json.dumps(data)) == "proved"
    assert {outcome(json.dumps(wrong)) for wrong in thousandth(data)} == {"different"}


# ------------------------------------------------------------------------------------------ false ones


@pytest.mark.parametrize("name, regime, order", BASES)
def test_every_coefficient_counts(name: str, regime: str, order: int) -> None:
    """A thousandth off, left out, twice: the checker says that claim and scheme differ."""
    data = base(name, regime, order)

    def forged() -> Iterator[dict[str, Any]]:
        yield from thousandth(data)
        yield from without_and_twice(data)

    assert {outcome(json.dumps(wrong)) for wrong in forged()} == {"different"}


@pytest.mark.parametrize("how", FORGERIES)
def test_no_forgery_is_accepted(how: str) -> None:
    applied = 0
    for name, regime, order in BASES:
        forged = FORGERIES[how](base(name, regime, order))
        if forged is None:
            continue
        applied += 1
        assert outcome(text_of(forged)) != "proved", f"{how} on {name}, {regime}"
    assert applied


def test_what_is_true_of_the_edited_text_is_no_forgery() -> None:
    """Other letters, a lower order, a range that nothing rests on, decimals."""
    data = base("momentum", "memory", 1)
    assert outcome(json.dumps(renamed(data, {"beta": "mu", "v": "w", "theta": "x"}))) == "proved"
    assert outcome(json.dumps({**data, "order": 0, "generator": data["generator"][:1]})) == "proved"
    assert outcome(json.dumps({**data, "parameters": {"beta": "0 <= beta <= 9/10"}})) == "proved"
    assert outcome(json.dumps(data).replace("1/(2*", "0.5/(")) == "proved"


def test_two_equally_likely_samples_would_not_see_a_third_cumulant() -> None:
    """The number of samples follows from the claim, and their probabilities differ."""
    data = base("gd", "", 2)
    assert sde_checker.check(json.dumps(data))[5] == 3
    data["generator"][2] = [[c, "g1 g1 g1"] if f == "g1 g1 g1" else [c, f] for c, f in data["generator"][2] if f != "g1 g1 g1"]
    assert outcome(json.dumps(data)) == "different"


def test_a_root_of_a_square_is_refused_and_not_guessed() -> None:
    for true in ("sqrt(beta**2)", "sqrt(beta)*sqrt(4*beta)/2"):
        data = base("momentum", "memory", 1)
        data["generator"][0][0][0] = f"-({true})/(beta - beta**2)"
        assert outcome(json.dumps(data)) == "refused"


REFUSED = [
    ("sign(sgrad(theta))", "sign"), ("abs(sgrad(theta))", "abs"), ("r(t)*sgrad(theta)", "t"), ("exp(theta)*sgrad(theta)", "exp"),
    ("hess(theta, sgrad(theta))", "hess"), ("sgrad(theta + sgrad(theta))", "iterate"), ("theta/gamma", "gamma"),
    ("sqrt(gamma)*sgrad(theta)", "power of gamma"), ("sgrad(2*theta)", "iterate"),
]  # fmt: skip


@pytest.mark.parametrize("step, word", REFUSED)
def test_what_is_not_covered_is_refused_in_one_line(step: str, word: str) -> None:
    data = {**base("gd", "", 1), "update": f"theta = theta - gamma*{step}"}
    reasons = []
    for stated in ({}, {"dimension": 2, "samples": 2}):
        with pytest.raises(sde_checker.Bad) as caught:
            sde_checker.check(json.dumps({**data, **stated}))
        reasons.append(str(caught.value))
    assert word in " ".join(reasons)


@pytest.mark.parametrize("options", [{"sampling": "reshuffled"}, {"batch_order": 1}])
def test_what_has_no_certificate_is_refused_when_one_is_wanted(options: dict[str, Any]) -> None:
    data = modified_sde("gd", 1, **options).to_json()
    with pytest.raises(UsageError):
        sde_certificate(configure(load_scheme("gd"), noise=True), data)


# ------------------------------------------------------------------------------------------ the file, and commands


def test_the_checker_stands_alone(tmp_path: Path) -> None:
    """One file, the standard library, isolated from this package; exit 0, 1 or 2."""
    data = base("momentum", "memory", 1)
    wrong = next(thousandth(data))
    for number, (text, status) in enumerate(((certificate_text(data), 0), (json.dumps(wrong), 1), ("{}", 2), ("garbage", 2))):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        ran = subprocess.run([sys.executable, "-I", str(CHECKER), str(path)], capture_output=True, text=True, check=False)
        assert ran.returncode == status, ran.stderr
        assert ("error probability below 2^-2" in ran.stdout) == (status == 0)
        assert len((ran.stdout if status == 1 else ran.stderr).splitlines()) == min(status, 1)


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program, here = [sys.executable, "-m", "verify.commands.main", *words], Path(derive.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": str(here)}
    return subprocess.run(program, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def test_a_certificate_is_written_and_checked_by_the_commands(tmp_path: Path) -> None:
    made = run("sde", "momentum", "--regime", "inertial", "--certificate", "law.json", cwd=tmp_path)
    assert (made.returncode, made.stderr.splitlines()[-1]) == (0, "wrote law.json")
    data = json.loads((tmp_path / "law.json").read_text())
    assert data == base("momentum", "inertial", 1)
    checked = run("certificate", "law.json", cwd=tmp_path)
    assert checked.returncode == 0
    for text in ("v = (gamma*1)*eta", "alpha = gamma**2", "lam: lam >= 0", "(1/2) eta:g1 eta:g1", "every law of samples"):
        assert text in checked.stdout
    (tmp_path / "law.json").write_text(json.dumps(next(thousandth(data))))
    refused = run("certificate", "law.json", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "refused: at gamma^0 the drift is not the scheme's\n")


def test_a_false_claim_gets_no_certificate(tmp_path: Path) -> None:
    data = modified_sde("gd", 1).to_json()
    data["generator"][1]["terms"][0]["coefficient"] = "1"
    (tmp_path / "mine.json").write_text(json.dumps(data))
    result = run("sde", "gd", "--claim", "mine.json", "--certificate", "law.json", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "verify: no certificate written: the verdict is 'refuted'"
    assert not (tmp_path / "law.json").exists()
