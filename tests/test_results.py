"""Results are values: equal when they say the same, copied and pickled whole, and one line at the prompt."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from derive import TermSum, catalogue, configure, load_scheme, modified_equation
from derive.algebra.coefficients import Ring
from derive.algebra.frozen import freeze, thaw
from derive.algebra.sums import Algebra
from derive.errors import DeriveError
from derive.readings.accuracy import accuracy
from derive.readings.compare import compare
from derive.readings.energy import modified_energy
from derive.readings.explain import explain
from derive.readings.initial_layer import initial_layer
from derive.readings.loss import modified_loss
from derive.readings.modifying import modifying_field
from derive.readings.second_order import second_order
from derive.readings.stability import stability

READINGS: dict[str, Callable[[int], Any]] = {
    "equation": lambda n: modified_equation("adam", n),
    "map": lambda n: modified_equation("momentum", n, form="map"),
    "inertial": lambda n: modified_equation("nesterov-convex", n),
    "schedule": lambda n: modified_equation("gd-schedule", n, settings={"r(t)": "decay(10, 1/10)"}),
    "relaxation": lambda n: modified_equation("aggmo", n).relaxations,
    "values": lambda n: modified_equation("gd", n).evaluate("x**4/4 + x*y**2", {"x": "1/2", "y": "1/3"}),
    "loss": lambda n: modified_loss("momentum", n + 1),
    "preconditioned": lambda n: modified_loss("adam-inside", n),
    "obstruction": lambda n: modified_loss("gd", n + 2).obstruction,
    "asymmetry": lambda n: modified_loss("adam-inside", n).obstruction,
    "accuracy": lambda n: accuracy("momentum", "theta'' + lam*theta' + grad", n, regime="leapfrog"),
    "second-order": lambda n: second_order("momentum", n, regime="inertial"),
    "stability": lambda n: stability("nesterov" if n == 1 else "momentum"),
    "energy": lambda n: modified_energy("momentum", n),
    "modifying": lambda n: modifying_field("gd", n),
    "initial-layer": lambda n: initial_layer("momentum", n),
    "comparison": lambda n: compare("nesterov", "nesterov-keras", n + 1),
    "explanation": lambda n: explain("momentum" if n == 1 else "gd"),
}
CONSTANT = {"obstruction", "asymmetry", "relaxation"}  # the order changes nothing in them


def equations(name: str) -> list[Any]:
    scheme = load_scheme(name)
    found = []
    for regime in scheme.regimes or [None]:
        try:
            found.append(modified_equation(scheme, 1 if scheme.layered else 2, regime=regime))  # order two of lamb has 628 terms
        except DeriveError:
            continue
    return found


@pytest.mark.parametrize("name", catalogue(noise=False, branches=False))
def test_equations_of_the_catalogue_pickle_and_copy(name: str) -> None:
    scheme = load_scheme(name)
    assert pickle.loads(pickle.dumps(scheme)) == scheme == copy.deepcopy(scheme)
    for equation in equations(name):
        again = pickle.loads(pickle.dumps(equation))
        assert again == equation
        assert again.algebra is not equation.algebra
        assert again.to_json() == equation.to_json()
        assert str(again) == str(equation)
        assert again.latex() == equation.latex()
        assert copy.deepcopy(equation) == equation
        assert pickle.loads(pickle.dumps(equation.configuration)) == equation.configuration


@pytest.mark.parametrize("name", READINGS)
def test_readings_are_values(name: str) -> None:
    read = READINGS[name]
    result = read(1)
    assert result == read(1)
    assert result != read(2) or name in CONSTANT
    for again in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert again == result
        assert repr(again) == repr(result)
        assert not hasattr(result, "to_json") or again.to_json() == result.to_json()
    for shown in result if isinstance(result, tuple) else [result]:
        assert repr(shown).startswith(f"<{type(shown).__name__} ")
        assert "\n" not in repr(shown)
        assert len(repr(shown)) < 200


def test_a_copy_can_be_worked_with() -> None:
    """Its terms are terms of its own algebra: g/(|g| + eps) times |g| + eps is g."""
    adam = modified_equation("adam", 1)
    equation = pickle.loads(pickle.dumps(adam))
    for e in (adam, equation):
        a, field = e.algebra, e["theta"][0].sum
        below = a.add(a.absolute(a.node_sum("L", [])), a.constant(a.ring.symbol("eps")))
        assert str(TermSum(a, a.product(field, below))) == "-grad"
    with pytest.raises(DeriveError, match="no variable"):
        equation["phi"]
    assert equation.subs(beta1="9/10") == modified_equation("adam", 1, settings={"beta1": "9/10"})


def test_every_kind_of_factor_survives() -> None:
    """Bases with their leading monomials, absolute values, roots, contractions: what is frozen is found again, not rebuilt."""
    a = Algebra(Ring(["eps", "beta"]))
    g, eps, beta = a.node_sum("L", []), a.constant(a.ring.symbol("eps")), a.ring.symbol("beta")
    size = a.absolute(g)
    samples = [
        a.power(a.add(a.product(g, g), eps), Fraction(-1, 2)),
        a.power(a.add(size, eps), Fraction(-1)),
        a.product(size, g),
        a.power(a.contract(a.product(g, g)), Fraction(1, 2)),
        a.power(eps, Fraction(1, 2)),
        a.power(a.state("S", scalar=True), Fraction(1, 2)),
        a.scale(g, (beta + a.ring.one).inverse()),
    ]
    for total in samples:
        assert {id(t) for t in thaw(a, freeze(total))} == {id(t) for t in total}
        b = Algebra(Ring(["eps", "beta"]))
        moved = thaw(b, freeze(total))
        assert TermSum(b, moved) == TermSum(a, total)
        assert freeze(moved) == freeze(total)
        assert freeze(b.product(moved, moved)) == freeze(a.product(total, total))
        assert TermSum(b, moved) != TermSum(a, a.product(total, total))


def test_equality_reads_symbols_by_name() -> None:
    first, second = Ring(["a", "b"]), Ring(["b", "a"])
    a, b = first.symbol("a"), first.symbol("b")
    x, y = second.symbol("a"), second.symbol("b")
    assert (a - b).inverse() == (x - y).inverse() != (y - x).inverse()
    assert hash((a - b).inverse()) == hash((x - y).inverse())
    assert a != y
    assert first.constant(2) == Ring().constant(2)
    assert hash(first.constant(2)) == hash(Ring().constant(2))
    assert a.inverse() != 1


def test_what_differs_is_not_equal() -> None:
    momentum, gd = modified_equation("momentum", 1), modified_equation("gd", 1)
    assert momentum != gd
    assert momentum != modified_equation("momentum", 1, form="map")
    assert momentum != modified_equation("momentum", 1, regime="inertial")
    assert momentum["theta"][1] != gd["theta"][1]
    assert momentum["theta"][0] != momentum["theta"][1]
    assert gd["theta"][1] == modified_equation("gd-schedule", 1, settings={"r(t)": "1"})["theta"][1]
    assert configure(load_scheme("momentum")) != configure(load_scheme("momentum"), settings={"beta": "9/10"})


def test_one_line_at_the_prompt() -> None:
    assert repr(modified_equation("momentum", 2)) == "<ModifiedEquation momentum, regime memory, flow, through gamma^2>"
    assert repr(modified_equation("gd", 1, form="map")) == "<ModifiedEquation gd, map, through gamma^2>"
    assert repr(modified_equation("gd", 1)["theta"][1]) == "-1/2*hess(grad)"
    long = repr(modified_equation("gd", 6)["theta"][6])
    assert long.endswith("... (48 terms)")
    assert len(long) < 130
