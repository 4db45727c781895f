"""Scheme files, regimes and settings; every refusal says what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.errors import DeriveError, ReductionError, UsageError
from derive.language import parse_update
from derive.scheme import Scheme, scheme_from_toml

GD = 'update = "theta = theta - gamma*grad(theta)"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'update' is missing"),
        ("update = 3", "line 1: 'update' must be text"),
        (GD + "[paramters]\na='b'", "line 2: unknown key 'paramters'; did you mean 'parameters'?"),
        (GD + "[parameters]\na = 3", "line 3: [parameters] a must be text"),
        (GD + "[parameters]\ngamma = 'step'", "'gamma' cannot be used as a name"),
        ('name = "x', "not valid TOML"),
        ('update = "theta = theta - gamma*bta*grad(theta)"\n[parameters]\nbeta = "b"', "did you mean 'beta'"),
        ('update = "v = grad(theta)"', "theta is never assigned"),
        ('update = "gamma = 1; theta = theta"', "'gamma' cannot be assigned"),
        ('update = "b = 1; theta = theta - gamma*grad(theta)"\n[parameters]\nb = "x"', "is a parameter and cannot be assigned"),
        ('update = "theta = theta - gamma*grad(theta) + gamma*field(theta)"', "both grad and field"),
        ('update = "theta = theta - gamma*grad(2)"', "grad takes vectors"),
        ('update = "theta = theta - gamma*dot(1, theta)*grad(theta)"', "dot takes vectors"),
        (GD + "[regimes.a]\nv = 'gamma*eta'", "'v' is neither a parameter nor a state variable"),
        (GD + "[regimes.a]\ntheta = 'gamma*eta'", "theta cannot be rescaled"),
        (GD + "[initial]\nv = '1'", "'v' is no state variable"),
        ('update = "v = v/2 + grad(theta); theta = theta - gamma*v"\n[regimes.a]\nv = "eta + 1"', "a factor times the new name"),
        ('update = "v = v/2 + grad(theta); theta = theta - gamma*v"\n[regimes.a]\nv = "gamma"', "a factor times one new name"),
        ('update = "theta = theta - gamma*r(theta)*grad(theta)"\n[functions]\nr = "s"', "write r(t)"),
        ('update = "theta = theta - gamma*r(t, t)*grad(theta)"\n[functions]\nr = "s"', "1 argument"),
    ],
)
def test_bad_files(text: str, words: str) -> None:
    with pytest.raises(DeriveError) as caught:
        scheme_from_toml(text, "file")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("update", "settings", "words"),
    [
        ("v = beta*v - gamma*grad(theta); theta = theta + v", {"beta": "1"}, 'v = "gamma*eta"'),
        ("theta = 2*theta - theta_prev - gamma*grad(theta)", {}, "Jordan block"),
        ("v = grad(theta)*v*v + grad(theta); theta = theta - gamma*v", {}, "depends on theta"),
        ("s = sqrt(s/2 + grad(theta)*grad(theta)); theta = theta - gamma*s", {}, "say what it is at gamma = 0"),
        ("theta = theta - alpha*grad(theta)", {}, "--set alpha=gamma"),
        ("theta = theta/2 - gamma*grad(theta)", {}, "another factor than 1"),
        ("v = v/2; theta = theta - gamma*grad(theta)/sqrt(v)", {}, "vanishes under a root"),
        ("v = v/2; theta = theta - gamma*grad(theta)/v", {}, "vanishes in a denominator"),
        ("v = v/2; theta = theta - gamma*sign(v)", {}, "vanishes under a sign"),
        ("theta = theta - gamma*grad(theta)**beta", {}, "rational number"),
        ("theta = theta - gamma**(1/2)*grad(theta)", {}, "whole powers of gamma"),
        ("theta = theta - theta_next + theta_prev - gamma*grad(theta)", {}, "theta_next"),
        ("m = m + grad(theta); theta = theta - gamma*m", {}, "rescale"),
        ("theta = theta - gamma*grad(theta)*sqrt(-2)", {}, "even root of the negative"),
        ("theta = theta - gamma*grad(theta)/beta", {"beta": "0"}, "vanishes in a denominator"),
    ],
)
def test_schemes_without_a_modified_equation(update: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(DeriveError) as caught:
        modified_equation(inline_scheme(update), 1, settings=settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_place_of_a_vanishing_root_is_named() -> None:
    with pytest.raises(ReductionError, match="line 2, column 35"):
        modified_equation(inline_scheme("v = v/2\ntheta = theta - gamma*grad(theta)/sqrt(v)"), 1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bta": "1"}, "did you mean 'beta'"),
        ({"alpha": "1"}, "regime memory fixes alpha"),
        ({"beta": "v"}, "state variable"),
        ({"beta": "1/0"}, "denominator"),
        ({"beta": "theta"}, "state variable"),
        ({"beta": "__import__('os')"}, "unknown function"),
    ],
)
def test_bad_settings(settings: dict[str, str], words: str) -> None:
    with pytest.raises(DeriveError, match=words.replace("(", r"\(")):
        modified_equation("momentum", 1, settings=settings)


@pytest.mark.parametrize(("order", "words"), [(-1, ">= 0"), (10**6, "terms"), (40, "terms"), (True, "whole number")])
def test_bad_orders(order: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        modified_equation("gd", order)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'momentum'"):
        load_scheme("momentun")
    with pytest.raises(UsageError, match="did you mean 'inertial'"):
        configure(load_scheme("momentum"), "inertal")
    with pytest.raises(UsageError, match="cannot read"):
        load_scheme("no/such.toml")


def test_a_scheme_file_of_ones_own(tmp_path: Path) -> None:
    """The file of design section 6, word for word, gives the catalogue's momentum."""
    path = tmp_path / "mine.toml"
    path.write_text('''
name = "mine"
title = "Heavy-ball momentum"
reference = "Polyak 1964"
update = """
v     = beta*v - alpha*grad(theta)
theta = theta + v
"""
[parameters]
alpha = "learning rate"
beta  = "momentum, 0 <= beta < 1"
[regimes.memory]
title = "fixed beta"
alpha = "gamma"
[regimes.inertial]
title = "beta -> 1: second-order dynamics"
alpha = "gamma**2"
beta  = "1 - lam*gamma"
v     = "gamma*eta"
''')
    for regime in ("memory", "inertial"):
        mine, theirs = (modified_equation(s, 2, regime=regime) for s in (path, "momentum"))
        assert [str(f) for f in mine["theta"]] == [str(f) for f in theirs["theta"]]


def test_settings_may_introduce_parameters() -> None:
    """beta = 1 - lam*gamma in an inline text, with a rescaled velocity written by hand."""
    scheme = inline_scheme("w = beta*w - gamma*grad(theta); theta = theta + gamma*w")
    eq = modified_equation(scheme, 1, settings={"beta": "1 - lam*gamma"})
    assert [str(f) for f in eq["w"]] == ["-lam*w - grad", "-lam**2/2*w - lam/2*grad + 1/2*hess(w)"]


def test_states_and_locals() -> None:
    scheme = load_scheme("adam")
    assert scheme.states == ("theta", "m", "v")
    assert load_scheme("bdf2").states == ("theta", "theta_prev")
    assert load_scheme("rmsprop-scalar").kinds["G"] == "scalar"


def _game(update: str) -> Scheme:
    """A scheme of two unknowns, each with its own point before and after the step."""
    return Scheme("game", update, parse_update(update), unknowns={"x": "", "y": ""})


def test_unknowns_are_named_in_one_place() -> None:
    game = _game("v = x_prev; x = x - gamma*field(y_next); y = y + gamma*field(x) + m; m = v + t")
    assert game.states == ("x", "y", "x_prev", "m")
    assert game.kinds == dict.fromkeys(("x", "y", "x_prev", "y_prev", "x_next", "y_next", "v", "m"), "vector")
    with pytest.raises(DeriveError, match="y is never assigned; an update must end in 'y = "):
        _game("x = x - gamma*field(x)")
    with pytest.raises(DeriveError, match="'y_next' cannot be assigned"):
        _game("x = x; y = y; y_next = y")
    with pytest.raises(DeriveError, match="name 'theta_prev' is never assigned"):
        _game("x = x; y = y - theta_prev")
    assert tuple(load_scheme("gd").unknowns) == ("theta",)
