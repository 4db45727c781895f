"""Derivatives at points phi(theta) that do not tend to theta as gamma -> 0: their algebra, their equations, on losses."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import inline_scheme, load_scheme, modified_equation
from derive.algebra.calculus import Adjoint, Derivative, Transfer, same
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.frozen import freeze, thaw
from derive.algebra.functions import FUNCTIONS
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import Exponent, Factor
from derive.concrete.jets import exact
from derive.concrete.point import Point
from derive.concrete.problem import parse_loss
from derive.concrete.symbols import Formula
from derive.concrete.values import ExactNumbers
from derive.engine.composition import Given, Workspace
from derive.engine.formula import TERM_CALLS, FormulaReader, read_term
from derive.equation import ModifiedEquation
from derive.errors import ReductionError
from derive.language import parse_expression
from derive.readings.second_order import second_order

RADIUS = "theta = theta - gamma*grad(theta + rho*grad(theta)/norm(grad(theta)))"
PLAIN = "theta = theta - gamma*grad(theta + rho*grad(theta))"
POINTS = ("theta + grad", "2*theta", "theta - hess(grad)", "theta + theta*grad", "theta + dot(grad, grad)*grad",
          "grad(2*theta) + theta")  # fmt: skip


def equation(text: str, order: int, **options: Any) -> ModifiedEquation:
    return modified_equation(inline_scheme(text), order, **options)


def of(algebra: Algebra, text: str) -> Sum:
    workspace = Workspace(algebra)
    values = {n: Given(workspace, [algebra.state(n)]) for n in "uvw"}
    return FormulaReader(workspace, values).read(parse_expression(text, "term", TERM_CALLS)).at(0)


@st.composite
def vectors(draw: st.DrawFn, depth: int = 2) -> str:
    """A vector of the formula language with derivatives here and at other points."""
    if depth == 0:
        return draw(st.sampled_from(["grad", "theta", "u", *(f"grad({p})" for p in POINTS)]))
    a, b = draw(vectors(depth - 1)), draw(vectors(depth - 1))
    p = draw(st.sampled_from(POINTS))
    return draw(st.sampled_from([f"hess({p}, {a})", f"hess({a})", f"d3({p}, {a}, {b})", f"({a})*({b})", f"({a}) - 3*({b})", a]))


# ---------------------------------------------------------------------------------------------- laws of the algebra


class Along(ExactNumbers):
    """Values at theta = (1 + 2 s, 3 - s) on a loss, as rational functions of s."""

    def __init__(self, algebra: Algebra, loss: str, direction: Mapping[str, int]) -> None:
        super().__init__(algebra, parse_loss(loss))
        ring = Ring(["s"])
        s = ring.symbol("s")
        start = {"x": 1, "y": 3, "u_x": 2, "u_y": -1}
        self.values = {n: Formula(ring.constant(v) + s * ring.constant(direction.get(n, 0))) for n, v in start.items()}
        self.jets = self.problem.jets([self.values["x"], self.values["y"]], 6)

    def named(self, name: str) -> Any:
        return self.values[name]

    def power(self, x: Any, exponent: Exponent, f: Factor) -> Any:
        return x ** int(exponent)

    def coefficient(self, c: Ratio) -> Any:
        return c.at({}, exact)


def at_start(x: Any, derivatives: int) -> fmpq:
    """The value, or a derivative, at s = 0."""
    if not isinstance(x, Formula):
        return fmpq(0) if derivatives else x
    ratio = x.ratio
    for _ in range(derivatives):
        ratio = ratio.derivative("s")
    return ratio.at({"s": fmpq(0)}, exact)


@settings(max_examples=25, deadline=None)
@given(vectors(1))
def test_the_derivative_of_a_term_is_that_of_its_values(text: str) -> None:
    """d/ds m(theta + s u) = D m[u], in exact numbers; the chain rule through every point."""
    algebra = Algebra(Ring())
    total = of(algebra, text)
    moved = Derivative(algebra, {"theta": algebra.state("u")})(total)
    numbers = Along(algebra, "x**2*y + y**3/3 + x - y**2", {"x": 2, "y": -1})
    rates = [at_start(x, 1) for x in Point(numbers).total(total.items())]
    assert rates == [at_start(x, 0) for x in Point(numbers).total(moved.items())], text


@settings(max_examples=40, deadline=None)
@given(vectors(1), vectors(1), st.sampled_from(POINTS))
def test_derivatives_elsewhere_are_symmetric(a: str, b: str, p: str) -> None:
    """dot(a, hess_p(b)) = dot(b, hess_p(a)) as normal forms, and so in the slots of d3."""
    algebra = Algebra(Ring())
    assert of(algebra, f"dot({a}, hess({p}, {b}))") == of(algebra, f"dot({b}, hess({p}, {a}))")
    assert of(algebra, f"dot({a}, d3({p}, {b}, grad))") == of(algebra, f"dot(grad, d3({p}, {b}, {a}))")


def test_points_are_told_apart_and_recognised() -> None:
    """One factor for one point, however it is written; the present point is today's node; fields are not symmetric."""
    algebra = Algebra(Ring(), FUNCTIONS)
    assert of(algebra, "hess(theta + grad - grad, u)") == of(algebra, "hess(u)")
    assert of(algebra, "grad(grad + theta)") == of(algebra, "grad(2*theta + grad - theta)") != of(algebra, "grad(theta - grad)")
    assert of(algebra, "dot(u, hess(2*theta, v))") != of(algebra, "dot(u, hess(3*theta, v))")
    assert of(algebra, "dot(u, dfield(2*theta, v))") != of(algebra, "dot(v, dfield(2*theta, u))")
    assert of(algebra, "hess(2*theta, dot(u, u)*v - 2*w)") == of(algebra, "dot(u, u)*hess(2*theta, v) - 2*hess(2*theta, w)")


@settings(max_examples=25, deadline=None)
@given(vectors(1))
def test_the_adjoint_is_the_transpose(text: str) -> None:
    """<w, D m[u]> = <(D m)^T w, u>, the two as values on a loss."""
    algebra = Algebra(Ring())
    total, u, w = of(algebra, text), algebra.state("u"), of(algebra, "theta*u")
    left = algebra.contract(algebra.product(w, Derivative(algebra, {"theta": u})(total)))
    right = algebra.contract(algebra.product(Adjoint(algebra)(total, w), u))
    numbers = Along(algebra, "x**2*y + y**3/3 + x - y**2", {})
    a, b = (at_start(Point(numbers).total(s.items())[0], 0) for s in (left, right))
    assert a == b, text


@settings(max_examples=25, deadline=None)
@given(vectors())
def test_terms_go_to_text_to_tuples_and_to_another_algebra_and_come_back(text: str) -> None:
    algebra, other = Algebra(Ring()), Algebra(Ring())
    total = of(algebra, text)
    assert Transfer(other, algebra)(Transfer(algebra, other)(total)) == total
    assert thaw(algebra, freeze(total)) == total
    assert same(algebra, of(algebra, " + ".join(f"({c})*{t}" for t, c in total.items()) or "0"), total)


def test_what_is_printed_is_read() -> None:
    algebra = Algebra(Ring(["rho"]))
    for printed, typed in (
        ("∇²L(θ + ρ |∇L|^(-1) ∇L)[∇L]", "hess(theta + rho*grad/norm(grad), grad)"),
        ("∇L(θ - 2 ∇L)", "grad(theta - 2*grad)"), ("∇²L(θ)[∇L]", "hess(grad)"),
        ("f′(θ + field)[field]", "dfield(theta + field, field)"),
    ):  # fmt: skip
        assert read_term(algebra, printed) is read_term(algebra, typed)
    found = equation(RADIUS, 2)
    terms = [t for s in found["theta"] for t in s.sum]
    assert len(terms) > 10
    assert all(read_term(found.algebra, str(t)) is t for t in terms)
    assert str(pickle.loads(pickle.dumps(found))["theta"][1]) == str(found["theta"][1])


# ---------------------------------------------------------------------------------------------- equations


def test_the_first_correction_of_sam_with_a_fixed_radius() -> None:
    """theta' = f_0 + gamma f_1 with f_0 = -G, G(theta) = grad L(phi(theta)), phi = theta + rho n, n = g/|g|.  One step is
    theta + gamma f_0, and the flow is theta + gamma (f_0 + gamma f_1) + gamma^2/2 Df_0 f_0, so f_1 = -1/2 Df_0 f_0 = -1/2 DG G,

        DG[u] = hess_phi[Dphi u],  Dphi u = u + rho Dn u,  Dn u = (Hu - n <n, Hu>)/|g|:

        f_1 = -1/2 hess_phi[G] - rho/(2 |g|) hess_phi[H G] + rho <g, H G>/(2 |g|^3) hess_phi[g].
    """
    phi = "theta + rho*grad/norm(grad)"
    first, second = equation(RADIUS, 1)["theta"]
    assert [str(c) for c in first.sum.values()] == ["-1"]
    assert first.coefficient(f"grad({phi})") == -first.algebra.ring.one
    assert len(second.sum) == 3
    rho = second.algebra.ring.symbol("rho")
    assert second.coefficient(f"hess({phi}, grad({phi}))") == -second.algebra.ring.one.scaled(fmpq(1, 2))
    assert second.coefficient(f"hess({phi}, hess(grad({phi})))/norm(grad)") == -rho.scaled(fmpq(1, 2))
    assert second.coefficient(f"dot(grad, hess(grad({phi})))*hess({phi}, grad)/norm(grad)**3") == rho.scaled(fmpq(1, 2))
    assert [str(s) for s in load_and_derive("sam-fixed")] == [str(first), str(second)]


def load_and_derive(name: str) -> Any:
    return modified_equation(load_scheme(name), 1)["theta"]


@pytest.mark.parametrize("text, field", [
    (PLAIN, lambda g: lambda x, y: g(*(p + sp.Symbol("rho") * q for p, q in zip((x, y), g(x, y), strict=True)))),
    ("theta = theta - gamma*grad(2*theta)", lambda g: lambda x, y: g(2 * x, 2 * y)),
    ("theta = theta - gamma*hess(rho*theta, theta)",
     lambda g: lambda x, y: [sum(sp.diff(c, v).subs({s: sp.Symbol("rho") * s for s in sp.symbols("x y", real=True)},
                                                    simultaneous=True) * w
                                 for v, w in zip(sp.symbols("x y", real=True), (x, y), strict=True))
                             for c in g(*sp.symbols("x y", real=True))]),
])  # fmt: skip
def test_a_step_along_a_field(text: str, field: Any) -> None:
    """For theta + gamma f(theta), f = -G: f_1 = -1/2 Df f and f_2 = 1/3 Df Df f + 1/12 D^2f[f, f], differentiated by sympy."""
    x, y = real = sp.symbols("x y", real=True)
    loss = x**3 / 3 + x * y**2 - y
    f = [-c for c in field(lambda a, b: [sp.diff(loss, v).subs({x: a, y: b}, simultaneous=True) for v in (x, y)])(x, y)]
    along = lambda vector: [sum(sp.diff(c, v) * w for v, w in zip(real, f, strict=True)) for c in vector]
    df = lambda vector: [sum(sp.diff(c, v) * w for v, w in zip(real, vector, strict=True)) for c in f]
    dff = along(f)
    second = [sp.Rational(1, 12) * b + sp.Rational(1, 4) * c for b, c in zip(along(dff), df(dff), strict=True)]
    expected = [f, [-c / 2 for c in dff], second]
    found = equation(text, 2).on_loss("x**3/3 + x*y**2 - y")["theta"]
    rho = {sp.Symbol("rho"): sp.Symbol("rho")}
    plain = {v: sp.Symbol(v.name) for v in real} | rho
    for ours, theirs in zip(found, expected, strict=True):
        assert all(sp.expand(a - b.xreplace(plain)) == 0 for a, b in zip(ours, theirs, strict=True))


def test_values_at_a_point() -> None:
    """On L = x^2/2 with the radius rho, phi = x + rho sign(x): f_0 = -(x + rho), f_1 = -(x + rho)/2, exactly."""
    found = equation(RADIUS, 1, settings={"rho": "1/3"}).evaluate("x**2/2", {"x": "1/2"})
    assert found["theta"] == ((Fraction(-5, 6),), (Fraction(-5, 12),))


def test_a_vanishing_radius_is_gradient_descent() -> None:
    assert [str(s) for s in equation(RADIUS, 2).subs(rho=0)["theta"]] == [str(s) for s in modified_equation("gd", 2)["theta"]]


def test_a_radius_in_proportion_to_the_step_is_the_scheme_of_that_name() -> None:
    assert str(equation(PLAIN, 2, settings={"rho": "kappa*gamma"})["theta"][2]) == str(modified_equation("sam", 2)["theta"][2])


def test_memory_moves_the_point() -> None:
    """v tends to g/(1 - beta), where the gradient is then taken; a slow w to itself."""
    first = equation("v = beta*v + grad(theta); theta = theta - gamma*grad(theta + rho*v)", 0)["theta"][0]
    assert first.coefficient("grad(theta + rho/(1 - beta)*grad)") == -first.algebra.ring.one
    slow = equation("w = w + gamma*(theta - w); theta = theta - gamma*grad(w)", 1)
    assert str(slow["theta"][1]) == "-1/2*hess(w, theta) + 1/2*hess(w, w)"
    assert [str(s) for s in equation("w = w; theta = theta - gamma*grad(w)", 1)["theta"]] == ["-grad(w)", "0"]


def test_schedule_free_descent_looks_ahead() -> None:
    """theta' = (z - theta)/t, z' = -grad L(y), y = beta theta + (1 - beta) z = theta + (1 - beta) t theta':
    theta'' = -2/t theta' - 1/t grad L(y)."""
    found = modified_equation("schedule-free-averaged", 0)
    assert str(found["z"][0]) == "-grad(beta*theta + (1 - beta)*z)"
    terms = second_order("schedule-free-averaged", 0).to_json()["equation"][0]["terms"]
    assert [(t["coefficient"], t["term"]) for t in terms] == [("-2/t", "p"), ("-1/t", "grad(t*(1 - beta)*p + theta)")]


@pytest.mark.parametrize("text, words", [
    ("v = beta*v + grad(theta + v); theta = theta - gamma*v", "at a point that moves with v, not small"),
    ("theta = theta - gamma*grad(theta + v/gamma); v = v/2 + grad(theta)", "at what grows as gamma -> 0"),
    ("theta = theta - gamma*loss(theta + rho*grad(theta))*theta", "the loss is taken at"),
    ("theta = theta - gamma*grad(theta + sqrt(gamma)*grad(theta))", "only whole powers"),
])  # fmt: skip
def test_what_has_no_equation(text: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words):
        equation(text, 1)
