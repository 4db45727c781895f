"""Losses with parameters, pi and e; names in settings: what is taken as what, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from test_cli import derive

from derive import (
    configure,
    initial_layer,
    load_scheme,
    modified_energy,
    modified_equation,
    modifying_field,
    second_order,
)
from derive.algebra.coefficients import Ring
from derive.concrete.problem import parse_field, parse_loss
from derive.errors import DeriveError, UsageError
from derive.language import parse_expression
from derive.reals.reading import ratio_of
from derive.scheme import declaring, inline_scheme, scheme_from_toml
from verify.counterexample.claimed import claimed_field
from verify.counterexample.given import check_given_loss
from verify.problems.problem import parse_loss as parse_for_runs
from verify.report.material import Request, two_dimensional
from verify.verification import Options, verify_scheme

H, X = sp.Symbol("h"), sp.Symbol("x")


def test_a_declared_parameter_is_no_coordinate() -> None:
    """By hand, L = h x^2/2: f_0 = -h x, f_1 = -h (h x)/2.  Undeclared, h is a second coordinate with an equation of its own."""
    eq = modified_equation(declaring(load_scheme("gd"), ["h"]), 1)
    assert eq.on_loss("h*x**2/2")["theta"] == ((-H * X,), (-(H**2) * X / 2,))
    assert modified_equation("gd", 1).on_loss("h*x**2/2", parameters=["h"])["theta"] == eq.on_loss("h*x**2/2")["theta"]
    assert len(modified_equation("gd", 1).on_loss("h*x**2/2")["theta"][0]) == 2


def test_at_a_point_a_parameter_has_a_value_or_stays() -> None:
    eq = modified_equation(declaring(load_scheme("gd"), ["h"]), 1)
    assert eq.evaluate("h*x**2/2", {"x": 3}).values["theta"] == [["-3*h"], ["-3*h**2/2"]]
    assert eq.evaluate("h*x**2/2", {"x": 3})["theta"] == ((-3 * H,), (-3 * H**2 / 2,))
    assert eq.evaluate("h*x**2/2", {"x": 3, "h": "1/2"}).values["theta"] == [["-3/2"], ["-3/8"]]
    with pytest.raises(UsageError, match="unknown name 'k'"):
        eq.evaluate("h*x**2/2", {"x": 3, "k": 1})
    with pytest.raises(UsageError, match="'x' has no value"):
        eq.evaluate("h*x**2/2", {"h": 3})


READINGS: dict[str, tuple[Any, dict[str, int]]] = {
    "energy": (lambda s, **given: modified_energy(s, 1, regime="leapfrog", settings=given), {"eta_x": 3, "eta_y": 1}),
    "second order": (lambda s, **given: second_order(s, 1, regime="inertial", settings=given), {"eta_x": 3, "eta_y": 1}),
    "initial layer": (lambda s, **given: initial_layer(s, 1, settings=given), {}),
    "modifying": (lambda s, **given: modifying_field(s, 1, settings={"beta": "1/3", **given}), {}),
}


@pytest.mark.parametrize("name", READINGS)
def test_readings_leave_parameters_open(name: str) -> None:
    """L = h x^4/4 + h^2 x y at (2, -1): the value with h left open is, at any h, the value with that h; at no other."""
    read, velocity = READINGS[name]
    reading = read(declaring(load_scheme("momentum"), ["h"]))
    values = [
        reading.evaluate("h*x**4/4 + h^2*x*y", {"x": 2, "y": -1, **velocity, **given}) for given in ({}, {"h": 3}, {"h": "-1/2"})
    ]
    found = [[ratio_of(parse_expression(x, "value"), Ring(["beta", "h", "lam"])) for x in flat(v)] for v in values]
    for value, numbers in ((3, found[1]), (Fraction(-1, 2), found[2])):
        ring = numbers[0].ring
        assert [c.substitute({"h": ring.constant(value)}, ring) for c in found[0]] == numbers
    assert found[1] != found[2]


@pytest.mark.parametrize("name", READINGS)
def test_a_setting_gives_a_parameter_of_a_loss_its_value(name: str) -> None:
    """As the point does; what is declared nowhere, or speaks in another regime of the scheme, is no such parameter."""
    read, velocity = READINGS[name]
    scheme, point, loss = declaring(load_scheme("momentum"), ["h"]), {"x": 2, "y": -1, **velocity}, "h*x**4/4 + h^2*x*y"
    left, given = read(scheme), read(scheme, h="3").evaluate(loss, point)
    assert given == left.evaluate(loss, point | {"h": 3}) != left.evaluate(loss, point | {"h": 2})


def test_settings_of_no_parameter() -> None:
    for scheme, name, words in (
        (load_scheme("momentum"), "h", "unknown parameter"),
        (declaring(load_scheme("momentum"), ["h"]), "lam", "regime memory has no lam"),
    ):
        with pytest.raises(UsageError, match=f"--set {name}: {words}"):
            configure(scheme, "memory", {name: "2"})


def flat(values: Sequence[Any]) -> list[str]:
    return [x for v in values for x in ([v] if isinstance(v, str) else v)]


def test_free_parameters_of_the_scheme_are_parameters_of_the_loss_and_set_ones_are_their_values() -> None:
    """Heavy ball, L = beta x^2/2: f_0 = -beta x/(1 - beta)."""
    free = modified_equation("momentum", 0).evaluate("beta*x**2/2", {"x": 1}).values["theta"]
    assert free == [["-beta/(1 - beta)"]]
    assert modified_equation("momentum", 0, settings={"beta": "1/3"}).evaluate("β x²/2", {"x": 1}).values["theta"] == [["-1/2"]]
    with pytest.raises(UsageError, match="'alpha' is a parameter of the scheme, gamma here"):
        modified_equation("momentum", 0).on_loss("alpha*x**2")


def test_pi_and_e_are_numbers() -> None:
    eq = modified_equation("gd", 0)
    assert eq.on_loss("π x²/2 + e*x + e^x")["theta"][0][0].equals(-(sp.pi * X + sp.E + sp.exp(X)))
    shown = eq.evaluate("pi*x^2/2 + e*x", {"x": 1}, digits=30).values["theta"][0][0]
    assert shown == "-5.85987448204883847382293085463"  # -(pi + e)
    field = modified_equation(inline_scheme("theta = theta + gamma*field(theta)"), 0)
    assert field.on_loss("y; -pi^2*x")["theta"][0] == (sp.Symbol("y"), -(sp.pi**2) * X)


@pytest.mark.parametrize("read", [parse_loss, parse_field, parse_for_runs])
def test_gamma_is_no_coordinate(read: object) -> None:
    with pytest.raises(UsageError, match="gamma is the step size"):
        read("γ x²; x" if read is parse_field else "γ x²")  # type: ignore[operator]


@pytest.mark.parametrize("name", ["pi", "e"])
def test_runs_take_rational_numbers(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is a number; runs are exact"):
        parse_for_runs(f"{name}*x**2")


def test_the_names_taken_are_said() -> None:
    result = derive("modified-eq", "--scheme", "momentum", "--parameter", "κ", "--loss", "κ x²/2 + λ y²")
    assert (result.returncode, result.stderr) == (0, "derive: note: read in the loss: coordinates x, y; parameters kappa, lam\n")
    data = json.loads(derive("modified-eq", "--scheme", "gd", "--parameter", "h", "--loss", "h x^2", "--format", "json").stdout)
    assert (data["variables"], data["loss_parameters"]) == (["x"], ["h"])


@pytest.mark.parametrize("name", ["gamma", "theta", "v", "x y", "1"])
def test_names_that_cannot_be_declared(name: str) -> None:
    with pytest.raises(DeriveError, match="not a name for a parameter"):
        declaring(load_scheme("momentum"), [name])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"beta": "gama"}, "unknown name 'gama'; did you mean 'gamma'"),
        ({"beta": "1 - c*gamma"}, r"unknown name 'c' \(a new symbol is a Greek letter, or declared with --parameter c\)"),
        ({"gamma": "0.1"}, "verify report --gamma"),
        ({"γ": "0.1"}, "verify report --gamma"),
        ({"beta": "v"}, "state variable"),
        ({"beta": "theta'"}, "no name"),
    ],
)
def test_settings_that_are_typing_errors(setting: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        configure(load_scheme("momentum"), settings=setting)


def test_new_symbols_in_settings() -> None:
    assert configure(load_scheme("momentum"), settings={"β": "κ/2"}).free == ("kappa",)
    assert configure(declaring(load_scheme("momentum"), ["c"]), settings={"beta": "1 - c/2"}).free == ("c",)


def test_printed_names_are_names_of_points() -> None:
    eq = modified_equation("momentum", 0, regime="inertial", settings={"λ": "0.5"})
    plain = eq.evaluate("x**2/2", {"x": 1, "eta_x": "1/3"})
    assert eq.evaluate("x**2/2", "x=1, η_x=1/3") == plain
    assert re.fullmatch(r"-?7/6", plain.values["eta"][0][0])  # -(eta/2 + x)


@pytest.mark.parametrize("settings", [{}, {"beta": "1/2"}])
def test_a_parameter_of_the_scheme_is_no_coordinate_of_a_run(settings: dict[str, str]) -> None:
    """Set or not: beside the scheme's beta, a coordinate beta would be another thing with the same name."""
    equation = modified_equation("momentum", 0, settings=settings)
    data = equation.to_json()
    claim = claimed_field(equation.configuration, data["equations"], data["memory"])
    with pytest.raises(UsageError, match="'beta' is a parameter of the scheme"):
        check_given_loss(claim, "β x²", 0, 15)
    with pytest.raises(UsageError, match="'beta' is a parameter of the scheme"):
        verify_scheme(equation, Options(loss="β x²"))
    assert check_given_loss(claim, "b x²", 0, 15).variables == ("b", "x")


def test_a_parameter_of_the_scheme_is_no_coordinate_of_a_picture() -> None:
    momentum = load_scheme("momentum")
    for loss in ("beta*x**2", "beta*x**2 + y**2"):
        with pytest.raises(UsageError, match="'beta' is a parameter of the scheme"):
            two_dimensional(Request(momentum, loss=loss))
    assert two_dimensional(Request(momentum, loss="b*x**2")).variables == ("b", "x")
    assert two_dimensional(Request(declaring(momentum, ["x"]))).variables == ("x", "y")  # the pictures' own


def test_a_parameter_that_stands_in_a_loss_alone_can_be_set() -> None:
    """Declared, in no line of the update and in no regime: --set gives it the value that --at would."""
    update = "x = x - gamma*grad(f, x)\ny = y - gamma*grad(f, y)"
    tables = '[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\n[parameters]\na = "coupling, a > 0"\n'
    scheme = scheme_from_toml(f'update = """{update}"""\n{tables}', "coupled")
    loss, at = "a*x*y + x**2", {"x": 3, "y": 5}
    set_ = modified_equation(scheme, 1, settings={"a": "2"}).evaluate(loss, at).values
    assert set_ == modified_equation(scheme, 1).evaluate(loss, {**at, "a": 2}).values
    assert set_["x"][0] == ["-16"]
    with pytest.raises(UsageError, match="unknown parameter"):
        modified_equation(scheme, 1, settings={"b": "2"})


def test_a_parameter_of_regimes_is_set_in_them() -> None:
    assert str(modified_equation("game-alternating", 0, regime="two-time-scale", settings={"mu": "3"})["y"][0]) == "-3*grad(g, y)"
    with pytest.raises(UsageError, match=r"regime memory has no lam; choose one that has it with --regime: inertial"):
        modified_equation("momentum", 0, settings={"lam": "2"})
