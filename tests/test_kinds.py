"""Which memory is a vector where its own lines do not say, and the letter by which the dimension is written."""

from __future__ import annotations

import pytest

from derive import modified_equation
from derive.errors import SchemeError
from derive.readings.formula import formulas_of
from derive.scheme import inline_scheme, scheme_from_toml
from verify.formula_verdict import check_formula, read_formula
from verify.proof import prove


@pytest.mark.parametrize(
    ("update", "kinds"),
    [
        # the initial point, kept: a vector by the difference in which it stands
        ("x0 = x0; D = norm(theta - x0); theta = theta - gamma*D*grad(theta)", {"x0": "vector", "D": "scalar"}),
        ("x0 = x0; D = norm(theta - beta*x0/2); theta = theta - gamma*D*grad(theta)", {"x0": "vector"}),
        ("a = a; b = b; c = a - b; theta = theta - gamma*(theta - c)", {"a": "vector", "b": "vector", "c": "vector"}),
        ("a = a; theta = theta - gamma*dot(a, theta)*grad(theta)", {"a": "vector"}),
        ("a = a; theta = theta - gamma*norm(a)*grad(theta)", {"a": "vector"}),
        # a power of beta that is counted in memory, and a time: numbers, by the numbers that they meet
        ("p = beta*p; theta = theta - gamma*grad(theta)/(1 - p)", {"p": "scalar"}),
        ("s = s + gamma; theta = theta - gamma*(grad(theta) + s)", {"s": "scalar"}),
        ("S = S + gamma*dot(grad(theta), grad(theta)); theta = theta - gamma*(grad(theta) + S)", {"S": "scalar"}),
    ],
)
def test_kinds_of_memory(update: str, kinds: dict[str, str]) -> None:
    scheme = inline_scheme(update)
    assert {name: scheme.kinds[name] for name in kinds} == kinds


def test_a_kept_vector_is_one_in_the_equation() -> None:
    """theta' = -|theta - x0|^2 g has <x0, x0> in it, which for one number x0 would be d x0^2."""
    scheme = inline_scheme("x0 = x0; D = dot(theta - x0, theta - x0); theta = theta - gamma*D*grad(theta)")
    equation = modified_equation(scheme, 1)
    assert "dot(x0, x0)" in str(equation["theta"][0])
    assert not equation["x0"][0]
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"], data["memory"]).proved


def test_an_initial_value_is_a_number() -> None:
    text = 'update = "e = beta*e; theta = theta - gamma*grad(theta)/(abs(grad(theta)) + e)"\n[parameters]\nbeta = "decay"\n'
    assert scheme_from_toml(text).kinds["e"] == "vector"
    assert scheme_from_toml(text + '[initial]\ne = "1"\n').kinds["e"] == "scalar"


def test_a_vector_of_no_space_is_refused() -> None:
    text = """
update = "a = a; x = x - gamma*(grad(f, x) + x - a); y = y - gamma*grad(f, y)"
[unknowns]
x = "first"
y = "second"
[functions]
f = "loss(x, y)"
"""
    with pytest.raises(SchemeError, match=r"nothing says in whose space the vector 'a' lies; write a = a \+ 0\*x"):
        scheme_from_toml(text)
    assert scheme_from_toml(text.replace("a = a;", "a = a + 0*x;")).spaces["a"] == "x"


SIGNS = "theta = theta - gamma*{}grad(theta)*dot(sign(grad(theta)), sign(grad(theta)))"


@pytest.mark.parametrize(("factor", "letter", "says"), [("", "d", "- d ∇L"), ("d*", "dd", "- d dd ∇L")])
def test_the_dimension_has_a_letter_of_its_own(factor: str, letter: str, says: str) -> None:
    update = SIGNS.format(factor)
    equation = modified_equation(inline_scheme(update, ["d"] if factor else []), 0)
    assert f"    with {letter} = ⟨1, 1⟩, the number of components\nθ' = {says}\n" in str(equation)
    assert not formulas_of(equation).minus(formulas_of(equation).series(says, 0, "printed")[0], equation["theta"][0])
    for text, verdict in ((says, "confirmed"), (says.replace("- ", "- 2 "), "refuted")):
        claim = read_formula(None, None, update, 0, None, {}, [f"θ' = {text}"], ["d"] if factor else [])
        assert check_formula(claim).verdict == verdict


def test_a_parameter_that_is_set_keeps_its_letter() -> None:
    equation = modified_equation(inline_scheme(SIGNS.format("d*"), ["d"]), 0, settings={"d": "3"})
    assert "θ' = - 3 dd ∇L" in str(equation)
    assert r"3\, \mathrm{dd}\, \nabla L" in equation.latex()


def test_no_line_on_a_dimension_that_does_not_occur() -> None:
    assert "components" not in str(modified_equation("gd", 2))
