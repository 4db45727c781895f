"""The gradient of a number, differentiated backwards in three places: update texts, claims about one loss, the algebra.

`derive.scheme.gradient` writes gradient(s, x) in a text out, `verify.problems.gradients` a claim's grad(s), and
`derive.algebra.calculus.gradient` differentiates terms.  They share nothing, so that none certifies itself.
"""

from __future__ import annotations

import re

import pytest

from derive import modified_equation
from derive.errors import ParseError
from derive.language import unparse
from derive.readings.formula import formulas_of
from derive.scheme import Scheme, scheme_from_toml
from verify.problems.formula import parsed
from verify.problems.gradients import gradient_formula

NUMBERS = (
    "dot(grad, grad)/2", "dot(grad, hess(grad))", "norm(grad)**3", "L*dot(grad, grad)", "sqrt(dot(grad, hess(grad)))*L**2",
    "dot(grad*grad, hess(grad))", "dot(hess(grad), d3(grad, grad))", "dot(abs(grad), grad)", "dot(theta, grad)/norm(theta)",
    "1/(1 + dot(grad, grad))", "dot(grad**2, grad)**(1/3)", "-(L - dot(theta, theta))**2/dot(grad, theta)",
)  # fmt: skip


def one_loss(update: str) -> Scheme:
    return scheme_from_toml(f'update = "{update}"\n[functions]\nf = "loss(theta)"\n')


def of_declared(number: str) -> str:
    """The same of a declared loss f(theta)."""
    text = re.sub(r"\bgrad\b", "grad(f, theta)", re.sub(r"\b(hess|d[34])\(", r"\1(f, theta, ", number))
    return re.sub(r"\bL\b", "f", text)


def in_text(number: str) -> str:
    """By the differentiator of update texts, as the leading term of an equation."""
    return str(modified_equation(one_loss(f"theta = theta + gamma*gradient({of_declared(number)}, theta)"), 0)["theta"][0])


@pytest.mark.parametrize("number", NUMBERS)
def test_three_differentiators_agree(number: str) -> None:
    """As sums of terms in normal form; a factor of the number is seen."""
    schemes = (one_loss("theta = theta - gamma*grad(f, theta)"), "gd")
    declared, plain = (formulas_of(modified_equation(s, 0)) for s in schemes)
    claim = unparse(gradient_formula(parsed(number)))
    claimed, algebra = (str(plain.series(text, 0, "example")[0]) for text in (claim, f"gradient({number})"))
    written = str(declared.series(of_declared(claim), 0, "example")[0])
    assert claimed == algebra
    assert in_text(number) == written
    assert in_text(f"3*{number}") != written


GAME = '[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\nP = "map"\np = "componentwise"\nA = "linear"\nr = "rate"\n'


def game(change: str) -> Scheme:
    return scheme_from_toml(f'update = """\nx = x - gamma*{change}\ny = y\n"""\n{GAME}', "game")


@pytest.mark.parametrize(("number", "loss"), [
    ("exp(dot(x, x)/2)", "exp((x1**2 + x2**2)/2)"), ("log(1 + dot(x, x))", "log(1 + x1**2 + x2**2)"),
    ("dot(x, tanh(x))", "x1*tanh(x1) + x2*tanh(x2)"), ("dot(exp(-x), x*x)", "exp(-x1)*x1**2 + exp(-x2)*x2**2"),
    ("sigmoid(dot(x, x))**2", "1/(1 + exp(-x1**2 - x2**2))**2"), ("atan(dot(x, x))", "atan(x1**2 + x2**2)"),
    ("r(t)*dot(x, x)", "3*(x1**2 + x2**2)"),
])  # fmt: skip
def test_of_known_functions(number: str, loss: str) -> None:
    """What descends the number written out is gradient descent on it: once its gradient was zero without a word."""
    settings = {"r(t)": "3"} if "r(t)" in number else {}
    point = {"x1": "1/2", "x2": "1/3", "y1": "1"}
    written = modified_equation(game(f"gradient({number}, x)"), 1, settings=settings).evaluate("f = x1*x2*y1", point)
    plain = modified_equation(game("grad(f, x)"), 1).evaluate(f"f = {loss} + 0*y1", point)
    assert written.values["x"] == plain.values["x"]
    assert all(c != "0" for c in plain.values["x"][0])


@pytest.mark.parametrize(("number", "name"), [
    ("mean(x)", "mean"), ("dot(x, P(x))", "P"), ("dot(x, p(x))", "p"), ("dot(A(x), x)", "A"),
])  # fmt: skip
def test_what_is_not_seen_through_is_refused(number: str, name: str) -> None:
    with pytest.raises(ParseError, match=rf"gradient\(s, x\) sees through losses .*, not through {name}\(\.\.\.\)"):
        game(f"gradient({number}, x)")
