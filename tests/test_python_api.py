"""What a Python user meets: public names, numbers that are numbers, symbols that substitute."""

from __future__ import annotations

import inspect
import pickle
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
import sympy

import derive
from derive import DeriveError, TermSum, catalogue, load_scheme, modified_equation
from derive.algebra.coefficients import Ring

ROOT = Path(__file__).parents[1]
READINGS = (
    "accuracy", "compare", "explain", "finite_step", "initial_layer", "modified_energy", "modified_loss", "modified_losses",
    "modifying_field", "second_order", "stability",
)  # fmt: skip


def test_dir_shows_the_public_names_and_every_one_is_there_and_documented() -> None:
    assert set(derive.__all__) == {n for n in dir(derive) if not n.startswith("_")}
    for name in derive.__all__:
        assert inspect.getdoc(getattr(derive, name)), name
    with pytest.raises(AttributeError, match="banana"):
        _ = derive.banana


@pytest.mark.parametrize("package", ["derive", "verify"])
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("name", READINGS)
def test_readings_are_functions_of_the_package(name: str) -> None:
    function = getattr(derive, name)
    assert function.__module__.startswith("derive.readings")
    assert ">>>" in (inspect.getdoc(function) or "")
    assert "Raises" in (inspect.getdoc(function) or "")


# ------------------------------------------------------------------------------------------------- coefficients


def test_a_coefficient_in_sympy_is_the_same_function() -> None:
    beta = sympy.Symbol("beta")
    for k, term, expected in (
        (1, "hess(grad)", -(1 + beta) / (2 * (1 - beta) ** 3)),
        (2, "d3(grad, grad)", -(1 + 10 * beta + beta**2) / (12 * (1 - beta) ** 5)),
    ):
        found = modified_equation("momentum", 2)["theta"][k].coefficient(term)
        assert sympy.simplify(found.sympy() - expected) == 0
        assert sympy.sympify(found) == found.sympy()
        assert sympy.simplify(found.sympy() + expected) != 0


@pytest.mark.parametrize("name", catalogue(noise=False, branches=False))
def test_coefficients_of_the_catalogue_survive_sympy(name: str) -> None:
    """At a rational point of all parameters, the sympy expression and the coefficient agree."""
    for sums in modified_equation(load_scheme(name), 1).equations.values():
        for total in sums:
            for c, _ in total:
                values = {s: Fraction(3 + 2 * i, 101) for i, s in enumerate(c.ring.symbols)}
                found = c.sympy().subs({s: sympy.Rational(v.numerator, v.denominator) for s, v in values.items()})
                assert Fraction(int(found.p), int(found.q)) == c.at(values, Fraction)


def test_numbers_among_coefficients() -> None:
    half = modified_equation("gd", 1)["theta"][1].coefficient("hess(grad)")
    assert half.number() == Fraction(-1, 2)
    assert half == Fraction(-1, 2)
    assert half != Fraction(1, 2)
    assert half != 0
    assert hash(half) == hash(Fraction(-1, 2))
    assert float(half) == -0.5
    symbolic = modified_equation("momentum", 1)["theta"][1].coefficient("hess(grad)")
    assert symbolic != Fraction(-1, 2)
    with pytest.raises(ValueError, match="beta"):
        float(symbolic)
    assert Ring(["a"]).zero == 0
    assert Ring(["a"]).symbol("a") != 0


# ------------------------------------------------------------------------------------------------- values on a loss


def test_values_are_numbers_of_the_right_kind() -> None:
    rational = modified_equation("gd", 1).evaluate("x**4/4 + x*y**2", {"x": "1/2", "y": "1/3"})
    assert rational["theta"] == ((Fraction(-17, 72), Fraction(-1, 3)), (Fraction(-115, 576), Fraction(-53, 216)))
    symbolic = modified_equation("momentum", 0).evaluate("x**2/2", "x=3")
    beta = sympy.Symbol("beta")
    assert sympy.simplify(symbolic["theta"][0][0].sympy() + 3 / (1 - beta)) == 0
    settings = {"rho": "9/10", "eps": "1/100"}
    irrational = modified_equation("rmsprop", 0, settings=settings).evaluate("x**2/2", "x=1/2", 40)
    found = irrational["theta"][0][0]
    with mpmath.workdps(50):
        assert isinstance(found, mpmath.mpf)
        expected = -mpmath.mpf(1) / 2 / mpmath.sqrt(mpmath.mpf(1) / 4 + mpmath.mpf(1) / 100)
        assert abs(found - expected) < mpmath.mpf(10) ** -40
        assert abs(found - expected) < abs(found) * mpmath.mpf(10) ** -39
    assert pickle.loads(pickle.dumps(irrational)) == irrational
    assert pickle.loads(pickle.dumps(irrational))["theta"] == irrational["theta"]
    with pytest.raises(DeriveError, match="theta"):
        _ = rational["banana"]


@pytest.mark.parametrize("name", ["gd", "momentum", "rmsprop", "normalised-gd"])
def test_values_as_numbers_and_as_text_are_the_same(name: str) -> None:
    settings = {"rho": "9/10", "eps": "1/100"} if name == "rmsprop" else {}
    values = modified_equation(name, 2, settings=settings).evaluate("x**4/4 + x*y**2", "x=1/2, y=1/3", 30)
    for variable, powers in values.values.items():
        for texts, numbers in zip(powers, values[variable], strict=True):
            for text, number in zip(texts, numbers, strict=True):
                shown = mpmath.nstr(number, 30) if isinstance(number, mpmath.mpf) else str(number)
                assert text.rstrip("0") == shown.rstrip("0")


def test_symbols_of_explicit_fields_substitute() -> None:
    x, y, beta = sympy.symbols("x y beta")
    field = modified_equation("momentum", 1).on_loss("x**4/4 + x*y**2")["theta"]
    assert field[0][0].free_symbols == {x, y, beta}
    there = {x: sympy.Rational(1, 2), y: sympy.Rational(1, 3)}
    assert sympy.simplify(field[1][0].subs(there) + 115 * (1 + beta) / (576 * (1 - beta) ** 3)) == 0
    assert field[0][0].subs("beta", 0).subs(there) == sympy.Rational(-17, 72)
    assert modified_equation("normalised-gd", 0).on_loss("x**2")["theta"][0][0].subs(x, -3) == 1


def test_a_sum_of_terms_is_public() -> None:
    assert isinstance(modified_equation("gd", 1)["theta"][0], TermSum)


# ------------------------------------------------------------------------------------------------- terms by their text


@pytest.mark.parametrize("name", catalogue(noise=False, branches=False))
def test_every_term_is_found_by_its_text_in_any_spelling(name: str) -> None:
    for sums in modified_equation(load_scheme(name), 1).equations.values():
        for total in sums:
            for c, t in total:
                assert total.coefficient(str(t)) == c
                assert total.coefficient(f" ( {t} ) ") == c


def test_the_order_of_arguments_and_the_notation_do_not_matter() -> None:
    f3 = modified_equation("gd", 3)["theta"][3]
    spellings = ("d3(grad, hess(grad))", "d3(hess(grad),grad)", "∇³L[∇²L[∇L], ∇L]", "d3L[grad L, hess L[grad L]]")
    assert {str(f3.coefficient(s)) for s in spellings} == {"-1/12"}
    assert f3.coefficient("d3(grad, grad)") == 0
    field = modified_equation("adams-bashforth-2", 2)["theta"][2]
    assert field.coefficient("field") == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("banana", "unknown name 'banana'"),
        ("hess(banana)", "unknown name 'banana'"),
        ("2*grad", "without a coefficient"),
        ("beta*grad", "without a coefficient"),
        ("grad + hess(grad)", "one term"),
        ("grad - grad", "is 0"),
        ("gamma*grad", "gamma is in no term"),
        ("hess(", "never closed"),
        ("", "missing"),
    ],
)
def test_what_is_no_term_is_refused(text: str, words: str) -> None:
    with pytest.raises(DeriveError, match=words):
        modified_equation("momentum", 1)["theta"][1].coefficient(text)
