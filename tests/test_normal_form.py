"""Formulas in normal form: laws, values, texts; and the corrections that they give."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import configure, inline_scheme, load_scheme, modified_equation
from verify.counterexample.claimed import ClaimedField, claimed_field, claimed_values
from verify.counterexample.comparison import compare
from verify.counterexample.corrections import Correction, corrections
from verify.counterexample.normal_form import NoNormalForm, NormalForms, collected, difference
from verify.counterexample.smaller import smaller
from verify.numbers.kinds import BALLS
from verify.numbers.power_series import to_fmpq
from verify.numbers.precision import precision
from verify.orbits.slow_series import Sample
from verify.problems.formula import FormulaValues, parsed
from verify.problems.random_problem import random_problem

NUMBERS = {"beta": fmpq(1, 2), "eps": fmpq(4, 9)}


def forms(*scalars: str) -> NormalForms:
    return NormalForms(NUMBERS, frozenset({"t", "S", *scalars}))


def normal(text: str) -> dict[str, Any]:
    f = forms()
    return {f.text(t): c for t, c in f.of(parsed(text)).items()}


EQUAL = [
    ("2*grad - grad/2", "3/2*grad"), ("-(grad - theta)", "theta - grad"), ("grad*theta", "theta*grad"),
    ("(grad + theta)**2", "grad**2 + 2*grad*theta + theta**2"), ("grad/beta", "2*grad"), ("grad**0", "1"),
    ("sqrt(4*grad**2)", "2*abs(grad)"), ("abs(-3*grad)", "3*abs(grad)"), ("grad/abs(grad)", "sign(grad)"),
    ("sign(grad)*abs(grad)", "grad"), ("abs(grad)**2", "grad**2"), ("grad**3/abs(grad)", "grad*abs(grad)"),
    ("abs(grad*theta)", "abs(grad)*abs(theta)"), ("sign(grad)**2", "1"), ("abs(abs(grad))", "abs(grad)"),
    ("norm(grad)**2", "dot(grad, grad)"), ("1/norm(grad)", "dot(grad, grad)**(-1/2)"), ("dot(grad, theta)", "dot(theta, grad)"),
    ("norm(2*grad)", "2*norm(grad)"), ("dot(grad, grad + theta)", "dot(grad, grad) + dot(grad, theta)"),
    ("hess(2*grad - theta)", "2*hess(grad) - hess(theta)"), ("d3(theta, grad)", "d3(grad, theta)"),
    ("d3(grad + theta, grad)", "d3(grad, grad) + d3(theta, grad)"), ("hess(t*grad)", "t*hess(grad)"),
    ("hess(grad/norm(grad))", "hess(grad)/norm(grad)"), ("dot(t*grad, theta)", "t*dot(grad, theta)"),
    ("hess(grad/sqrt(S))", "hess(grad)/sqrt(S)"), ("sqrt(S)*sqrt(S)", "S"), ("S**2/sqrt(S)", "S**(3/2)"),
    ("S/S**(3/2)", "S**(-1/2)"),
    ("sqrt(9*grad**2 + 4)", "3*sqrt(grad**2 + eps)"), ("sqrt(grad**2 + eps)**2", "grad**2 + eps"),
    ("grad**2/(grad**2 + eps)", "1 - eps/(grad**2 + eps)"), ("abs(grad)/(abs(grad) + eps)", "1 - eps/(abs(grad) + eps)"),
    ("grad**2*(grad**2 + eps)**(-3/2)", "(grad**2 + eps)**(-1/2) - eps*(grad**2 + eps)**(-3/2)"),
    ("grad**4/(grad**2 + eps)", "grad**2 - eps + eps**2/(grad**2 + eps)"),
    ("abs(grad)*(abs(grad)/(abs(grad) + eps))", "grad**2/(abs(grad) + eps)"),
    ("1/(grad**2 + eps)/(grad**2 + eps)", "(grad**2 + eps)**(-2)"), ("(2*grad**2 + 2*eps)**(-1)", "(grad**2 + eps)**(-1)/2"),
    ("hess(grad)**2/abs(hess(grad))", "abs(hess(grad))"), ("sqrt((grad**2 + eps)**(1/2))", "(grad**2 + eps)**(1/4)"),
    ("(8*grad**3)**(1/3)", "2*(grad**3)**(1/3)"), ("grad - grad", "0"), ("0*grad", "0"), ("sqrt(9/4)*grad", "3/2*grad"),
    ("eps**(-1/2)*grad", "3/2*grad"), ("dot(grad, hess(theta))", "dot(hess(theta), grad)"),
    ("sqrt(2*grad**2 + 1)*sqrt(2*grad**2 + 1)", "2*grad**2 + 1"), ("sqrt(2*grad**2)**2", "2*grad**2"),
    ("grad*(1/(grad*theta + eps))", "grad/(eps + theta*grad)"), ("grad*theta/(grad*theta + eps)", "1 - eps/(grad*theta + eps)"),
]  # fmt: skip


@pytest.mark.parametrize("one, other", EQUAL)
def test_equal_formulas_have_one_normal_form(one: str, other: str) -> None:
    f = forms()
    assert difference(f.of(parsed(one)), f.of(parsed(other))) == {}


DIFFERENT = [
    ("abs(grad)", "grad"), ("grad**2", "grad*abs(grad)"), ("sqrt(grad**2 + eps)", "abs(grad) + 2/3"),
    ("hess(grad)", "hess(theta)"),
    ("hess(grad*theta)", "grad*hess(theta)"), ("dot(grad, theta)", "grad*theta"), ("norm(grad)", "abs(grad)"),
    ("d3(grad, theta)", "d3(grad, grad)"), ("sqrt(grad*theta)", "sqrt(grad)*sqrt(theta)"), ("grad + 1", "grad"),
    ("dot(grad, hess(grad))", "dot(grad, grad)"), ("hess(S*grad)", "hess(grad)"), ("1/(grad + theta)", "1/grad + 1/theta"),
    ("((grad + theta)**2)**(1/2)", "grad + theta"), ("sqrt(1/(theta + grad)**2)", "1/(theta + grad)"),
    ("sqrt((theta + grad)**(-2))", "1/(theta + grad)"),
]  # fmt: skip


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_different_formulas_have_different_normal_forms(one: str, other: str) -> None:
    f = forms()
    assert difference(f.of(parsed(one)), f.of(parsed(other)))


TEXTS = sorted({t for pair in (*EQUAL, *DIFFERENT) for t in pair})


def value(text: str) -> list[Any]:
    """The value of a formula at a point of a random loss, where everything is positive."""
    problem = random_problem(random.Random(11), 2, 3)
    point = [arb(3) / 2, arb(1) / 3]
    potential = {**(problem.potential or {}), (1, 0): fmpq(5, 3), (0, 1): fmpq(2, 7)}
    problem = type(problem)(tuple(point), {e: arb(1) * c for e, c in potential.items()})
    values = FormulaValues(problem, point, {n: arb(1) * v for n, v in {**NUMBERS, "t": 1, "S": 7}.items()}, BALLS)
    return values.vector(text)


def agree(one: str, other: str) -> bool:
    return all((a - b).contains(0) for a, b in zip(value(one), value(other), strict=True))


@pytest.mark.parametrize("text", TEXTS)
def test_a_normal_form_has_the_value_of_its_formula(text: str) -> None:
    with precision(200):
        written = " + ".join(f"({c})*{t}" for t, c in normal(text).items()) or "0*grad"
        assert agree(text, written)
        assert not agree(text, f"{written} + 1/10**20")


@given(st.data())
@settings(max_examples=40)
def test_products_and_sums_of_formulas_keep_their_values(data: st.DataObject) -> None:
    a, b, c = (data.draw(st.sampled_from(TEXTS)) for _ in range(3))
    with precision(200):
        text = f"({a})*({b}) - ({c})"
        written = " + ".join(f"({x})*{t}" for t, x in normal(text).items()) or "0*grad"
        assert agree(text, written)


@given(st.data())
@settings(max_examples=40)
def test_normal_forms_are_a_commutative_ring(data: st.DataObject) -> None:
    f = forms()
    a, b, c = (f.of(parsed(data.draw(st.sampled_from([t for t, _ in EQUAL])))) for _ in range(3))
    add = lambda x, y: difference(x, difference({}, y))
    assert difference(f.multiply(a, b), f.multiply(b, a)) == {}
    assert difference(f.multiply(a, add(b, c)), add(f.multiply(a, b), f.multiply(a, c))) == {}


@pytest.mark.parametrize("text, written", [
    ("grad*abs(grad)/2", {"grad*abs(grad)": fmpq(1, 2)}), ("grad**2", {"grad**2": 1}), ("abs(grad)**3", {"abs(grad)**3": 1}),
    ("hess(grad)*t**2*grad", {"grad*t**2*hess(grad)": 1}), ("1/grad", {"grad**(-1)": 1}), ("3", {"1": 3}),
    ("hess(grad)/(eps + abs(grad))", {"(4/9 + abs(grad))**(-1)*hess(grad)": 1}), ("dot(grad, grad)", {"dot(grad, grad)": 1}),
    ("norm(grad)", {"dot(grad, grad)**(1/2)": 1}), ("dot(theta, hess(grad))", {"dot(theta, hess(grad))": 1}),
    ("dot(1, 1)", {"dot(1, 1)": 1}), ("d3(grad, theta)", {"d3(grad, theta)": 1}), ("grad**3", {"grad**3": 1}),
    ("(theta + 2*grad)**(-1)", {"(2*grad + theta)**(-1)": 1}), ("grad**2*abs(grad)", {"abs(grad)**3": 1}),
    ("dot(grad*theta, grad)", {"dot(theta, grad**2)": 1}), ("abs(dot(grad, theta))", {"abs(dot(grad, theta))": 1}),
])  # fmt: skip
def test_terms_are_written_in_the_formula_language(text: str, written: dict[str, Any]) -> None:
    assert normal(text) == written
    assert normal(next(iter(written))) == {next(iter(written)): 1}


def test_what_has_no_normal_form() -> None:
    for text in ("sqrt(2)*grad", "sqrt(beta)", "2**(1/3)", "beta**grad"):
        with pytest.raises(NoNormalForm):
            normal(text)
    with pytest.raises(ZeroDivisionError):
        normal("grad/(beta - 1/2)")
    assert normal("(grad - grad)**2") == {}


def test_nothing_is_collected_from_what_cancels() -> None:
    assert collected([((), fmpq(1)), ((), fmpq(-1))]) == {}
    assert collected([((), fmpq(1)), ((), fmpq(2))]) == {(): 3}


# ------------------------------------------------------------------------------------------ corrections


def claims(name: str, order: int, *powers: str, **options: Any) -> tuple[ClaimedField, ClaimedField]:
    """What is said of theta, and what is derived."""
    equation = modified_equation(name, order, **options)
    data = equation.to_json()
    blocks = [{"power": k, "terms": [{"coefficient": "1", "term": p}]} for k, p in enumerate(powers)]
    right = claimed_field(equation.configuration, data["equations"], data["memory"])
    return claimed_field(equation.configuration, {**data["equations"], "theta": blocks}, data["memory"]), right


def test_corrections_are_the_difference() -> None:
    said, right = claims("gd", 2, "-grad", "-hess(grad)/2", "-hess(hess(grad))/4 - d3(grad, grad)/12 + theta")
    sample = Sample(random_problem(random.Random(1), 1, 3), {})
    found = corrections(said, right, "theta", 2, sample)
    assert {(c.term, c.claimed, c.correct) for c in found} == {
        ("hess(hess(grad))", Fraction(-1, 4), Fraction(-1, 3)), ("theta", Fraction(1), Fraction(0))
    }  # fmt: skip
    assert {c.settings for c in found} == {"no free parameters"}
    assert corrections(said, right, "theta", 1, sample) == []


@pytest.mark.parametrize("name, power, text", [
    ("momentum", 1, "-hess(grad)*(1 + beta)/(1 - beta)**3"), ("adam", 1, "hess(grad)/(abs(grad) + eps)**2"),
    ("rmsprop-scalar", 1, "-hess(grad)/dot(grad, grad)"), ("normalised-gd", 1, "-hess(grad)/dot(grad, grad)"),
    ("gd-schedule", 1, "-r*hess(grad)/2 + dr*grad"), ("adagrad", 1, "-grad**3/S"),
])  # fmt: skip
def test_corrections_mend_the_formula(name: str, power: int, text: str) -> None:
    """At the counterexample: claimed value + sum of (correct - claimed) x term = true value."""
    limit = modified_equation(name, 0).to_json()["equations"]["theta"][0]["terms"]
    first = " + ".join(f"({i['coefficient']})*{i['term']}" for i in limit)
    said, right = claims(name, power, first, text)
    mismatch = smaller(said, compare(said).mismatches[0])
    assert mismatch.power == power
    found = corrections(said, right, "theta", power, mismatch.sample)
    assert found
    mended = " + ".join(f"({c.correct - c.claimed})*{c.term}" for c in found)
    names = {**mismatch.sample.names()}
    values = FormulaValues(mismatch.sample.problem, mismatch.sample.problem.point, names, mismatch.sample.numbers)
    change = values.vector(mended)
    for i, said_there in enumerate(claimed_values(said, mismatch.sample)["theta"][power]):
        assert said_there + change[i] == claimed_values(right, mismatch.sample)["theta"][power][i]


def test_functions_of_time_come_out_of_derivatives() -> None:
    said, right = claims("gd-schedule", 1, "-r*grad", "-r*hess(r*grad)/2 + dr*grad/3")
    mismatch = compare(said).mismatches[0]
    assert [(c.term, c.claimed, c.correct) for c in corrections(said, right, "theta", 1, mismatch.sample)] == [
        ("dr*grad", Fraction(1, 3), Fraction(1, 2))
    ]


def test_no_corrections_where_numbers_are_irrational() -> None:
    configuration = configure(inline_scheme("theta = theta - gamma*grad(theta)"))
    blocks = lambda text: {"theta": [{"power": 0, "terms": [{"coefficient": text, "term": "grad"}]}]}
    said, right = (claimed_field(configuration, blocks(text)) for text in ("-sqrt(2)", "-1"))
    assert corrections(said, right, "theta", 0, Sample(random_problem(random.Random(1), 1, 3), {})) == []


def test_parameters_are_numbers_in_corrections() -> None:
    configuration = configure(load_scheme("momentum"))
    data = modified_equation("momentum", 0).to_json()
    blocks = lambda text: {"theta": [{"power": 0, "terms": [{"coefficient": text, "term": "grad"}]}]}
    said, right = (claimed_field(configuration, blocks(t), data["memory"]) for t in ("-1/(1 + beta)", "-1/(1 - beta)"))
    sample = Sample(random_problem(random.Random(1), 1, 3), {"beta": to_fmpq(Fraction(1, 2))})
    (found,) = corrections(said, right, "theta", 0, sample)
    assert (found.claimed, found.correct, found.settings) == (Fraction(-2, 3), -2, "beta = 1/2")


def test_pairs_of_terms_commute() -> None:
    f = forms()
    for a, b in product(("grad", "abs(theta)", "hess(grad)", "dot(grad, theta)", "(grad**2 + eps)**(-1/2)"), repeat=2):
        assert f.of(parsed(f"({a})*({b})")) == f.of(parsed(f"({b})*({a})"))


def test_corrections_do_not_change() -> None:
    found = Correction("grad", Fraction(1), Fraction(2), "beta = 1/2")
    with pytest.raises(FrozenInstanceError):
        found.term = "theta"  # type: ignore[misc]
