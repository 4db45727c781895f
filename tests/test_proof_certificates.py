"""Certificates of the proof: the stand-alone checker proves what `prove` proves, and accepts no forgery."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from proof_forgeries import FORGERIES, GAME_FORGERIES, renamed

from derive import configure, load_scheme, modified_equation
from derive.errors import ReductionError
from verify.certificate import checker, sde_checker
from verify.certificate.writing import CertificateRefused, certificate, certificate_text, decided
from verify.commands.main import main as verify

BASES = [("momentum", "memory"), ("momentum", "inertial"), ("rmsprop-outside", ""), ("gd-schedule", ""), ("gd", "")]
GAMES = [("game-alternating", "rates"), ("game-negative-momentum", ""), ("game-optimistic", "")]
CHECKER = Path(checker.__file__)


@lru_cache(maxsize=50)
def base(name: str, regime: str, order: int = 2, form: str = "flow") -> dict[str, Any]:
    equation = modified_equation(name, order=order, regime=regime or None, form=form).to_json()
    return certificate(configure(load_scheme(name), regime or None), equation["equations"], equation["memory"], form=form)


def outcome(text: str) -> str:
    """proved, different or refused."""
    try:
        checker.check(text)
    except checker.Different:
        return "different"
    except (checker.Bad, ValueError, RecursionError, OverflowError):
        return "refused"
    return "proved"


SCHEMES = [*BASES, ("adam", "memory"), ("adagrad-norm", ""), ("implicit-midpoint", ""), ("bdf2", ""),
           ("nesterov-convex", "inertial"), ("adam-bias-corrected", "memory"), ("sam-normalised", "proportional"),
           ("sign-descent", "")]  # fmt: skip


@pytest.mark.parametrize("name, regime", SCHEMES)
def test_true_certificates_are_proved(name: str, regime: str) -> None:
    _, bound, samples, dimension, classes = checker.check(certificate_text(base(name, regime)))
    assert bound < -100
    assert samples == classes
    assert classes in (1, dimension + 1)


@pytest.mark.parametrize("name, order, reason", [
    ("svrg-snapshot", "0", "the space of w is not that of its kind"),
    ("rmsprop-centred-outside", "1", "the text loses too many powers of gamma"),
])  # fmt: skip
def test_no_certificate_is_written_that_the_checker_cannot_decide(name: str, order: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ReductionError, match=f"scheme {name}: the checker of certificates cannot decide this one .{reason}"):
        verify(["scheme", name, "--order", order, "-o", str(tmp_path / "c.json")], standalone_mode=False)
    assert not [*tmp_path.iterdir()]


def test_what_is_decided_is_the_certificate_and_a_false_one_is_refused() -> None:
    right = base("gd", "", 1)
    assert decided(right) == right
    wrong = copy.deepcopy(right)
    wrong["fields"]["theta"][1][0][0] = "-1/3"
    with pytest.raises(CertificateRefused):
        decided(wrong)


@pytest.mark.parametrize("name, regime", [("momentum", "memory"), ("gd", "")])
def test_maps_have_certificates_too(name: str, regime: str) -> None:
    assert outcome(certificate_text(base(name, regime, 2, "map"))) == "proved"


@pytest.mark.parametrize("how", FORGERIES)
def test_no_forgery_is_accepted(how: str) -> None:
    applied = 0
    for name, regime in BASES:
        forged = FORGERIES[how](copy.deepcopy(base(name, regime)))
        if forged is None:
            continue
        applied += 1
        text = forged if isinstance(forged, str) else json.dumps(forged)
        assert outcome(text) != "proved", f"{how} on {name}, {regime}"
    assert applied


GAME_SCHEMES = [("game-alternating", "two-time-scale", 2), ("game-consensus", "", 1), ("game-extragradient", "", 2),
                ("game-extragradient-past", "", 2), ("game-negative-momentum", "", 2), ("game-optimistic", "", 2),
                ("game-simultaneous", "rates", 3), ("game-symplectic-adjustment", "", 1), ("two-batches", "", 3)]  # fmt: skip


@pytest.mark.parametrize("name, regime, order", GAME_SCHEMES)
def test_games_have_certificates_too(name: str, regime: str, order: int) -> None:
    statement, bound, samples, *_ = checker.check(certificate_text(base(name, regime, order)))
    assert bound < -100
    assert samples == 1
    for line in ("unknowns and losses", *load_scheme(name).unknowns):
        assert line in statement


@pytest.mark.parametrize("name, regime", GAMES)
def test_the_map_of_a_game_has_a_certificate(name: str, regime: str) -> None:
    assert outcome(certificate_text(base(name, regime, 1, "map"))) == "proved"


@pytest.mark.parametrize("how", GAME_FORGERIES)
def test_no_forgery_of_a_game_is_accepted(how: str) -> None:
    applied = 0
    for name, regime in GAMES:
        forged = GAME_FORGERIES[how](copy.deepcopy(base(name, regime, 1)))
        if forged is None:
            continue
        applied += 1
        assert outcome(json.dumps(forged)) != "proved", f"{how} on {name}, {regime}"
    assert applied


def test_other_letters_and_another_order_are_no_forgery() -> None:
    """What a forgery test must not refuse: players renamed everywhere, the unknowns listed the other way round."""
    data = base("game-alternating", "rates", 1)
    assert outcome(json.dumps(renamed(data, {"x": "a", "y": "b", "f": "u", "g": "v"}))) == "proved"
    assert outcome(json.dumps({**data, "unknowns": ["y", "x"]})) == "proved"


def test_the_checker_stands_alone(tmp_path: Path) -> None:
    """One file, the standard library, isolated from this package; exit 0, 1 or 2."""
    data = base("momentum", "memory", 1)
    wrong = copy.deepcopy(data)
    wrong["fields"]["theta"][1][0][0] = "1"
    for number, (text, status) in enumerate(((certificate_text(data), 0), (certificate_text(wrong), 1), ("{}", 2))):
        path = tmp_path / f"{number}.json"
        path.write_text(text)
        ran = subprocess.run([sys.executable, "-I", str(CHECKER), str(path)], capture_output=True, text=True, check=False)
        assert ran.returncode == status, ran.stderr
        assert ("error probability below 2^-2" in ran.stdout) == (status == 0)


def test_reproducible_runs_follow_from_the_file() -> None:
    text = certificate_text(base("momentum", "memory", 1))
    assert checker.check(text, True) == checker.check(text, True)


def test_what_is_printed_is_what_was_checked() -> None:
    data = base("momentum", "inertial")
    printed = checker.check(certificate_text(data))[0]
    for text in (data["update"].split("\n")[0], "alpha = gamma**2", ")*eta\n", "lam: lam >= 0", "(-lam/2)*eta"):
        assert text in printed


@pytest.mark.parametrize("module", [checker, sde_checker])
def test_the_checker_needs_the_standard_library_only(module: ModuleType) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert imported <= sys.stdlib_module_names
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"}
