"""Equations with derivatives at points away from theta are proved, refuted where a coefficient is changed, and run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from flint import fmpq

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.errors import DeriveError
from derive.scheme import Scheme, scheme_from_toml
from verify.commands.main import main
from verify.counterexample.normal_form import NormalForms
from verify.numbers.kinds import EXACT
from verify.numbers.power_series import Series as PowerSeries
from verify.problems.formula import FormulaValues, parsed
from verify.problems.problem import Problem, problem_of
from verify.proof import prove
from verify.proof.deciding import Proof
from verify.proof.degrees import VARIABLE, WeightProblem, WeightRing
from verify.proof.field import PrimeField
from verify.proof.loss import random_jets
from verify.verification import Options, verify_scheme

RADIUS = "theta = theta - gamma*grad(theta + rho*grad(theta)/norm(grad(theta)))"
PHI = "theta + rho*grad/norm(grad)"
GAME = """update = '''
u = grad(f(x + rho*grad(f, x), y), x)
y = y - gamma*mu*grad(g(x, y + rho*grad(g, y)), y)
x = x - gamma*u'''
[unknowns]
x = "first"
y = "second"
[functions]
f = "loss(x, y)"
g = "loss(x, y)"
[parameters]
rho = "radius"
mu = "ratio of the steps"
"""
TEXTS = {
    "radius": RADIUS,
    "plain": "theta = theta - gamma*grad(theta + rho*grad(theta))",
    "memory": "v = beta*v + grad(theta); theta = theta - gamma*grad(theta + rho*v)",
    "two stages": "v = beta*v + grad(theta); m = beta*m + grad(theta + rho*v); theta = theta - gamma*m",
    "average": "w = w + gamma*(theta - w); theta = theta - gamma*grad(w)",
    "componentwise": "q = beta*q + (1 - beta)*grad(theta + rho*grad(theta))**2; theta = theta - gamma*grad(theta)/sqrt(q + eps)",
    "hessian": "theta = theta - gamma*hess(theta + rho*grad(theta), grad(theta))",
    "field": "theta = theta + gamma*field(theta + rho*field(theta))",
    "at the image": "theta = theta - gamma*grad(theta + rho*grad(theta + rho*grad(theta)))",
}


def scheme_of(name: str) -> Scheme:
    return scheme_from_toml(GAME) if name == "game" else inline_scheme(TEXTS[name])


def answer(scheme: Scheme, equations: Any, memory: Any = None, **options: Any) -> Proof:
    return prove(configure(scheme), equations, memory, seed=3, **options)


def says(field: str, *powers: str, text: str = RADIUS) -> str:
    return answer(inline_scheme(text, ["k"] if "repeat" in text else []), {field: list(powers)}).verdict


@pytest.mark.parametrize("name", [*TEXTS, "game"])
def test_equations_are_proved_and_no_changed_coefficient_is(name: str) -> None:
    scheme = scheme_of(name)
    data = modified_equation(scheme, 1).to_json()
    found = answer(scheme, data["equations"], data["memory"])
    assert found.verdict == "proved", found.reason
    assert found.elsewhere
    assert found.bound is not None
    assert found.bound < -100
    for changed in perturbed(data["equations"]):
        assert answer(scheme, changed, data["memory"]).verdict == "refuted", changed


def perturbed(equations: Any) -> Iterator[Any]:
    """Every coefficient of gamma^0 and the first and last of gamma^1 in turn, times 1 + 10^-6."""
    for x, powers in equations.items():
        for k, power in enumerate(powers):
            terms = power["terms"]
            for i in range(len(terms)) if k == 0 else {0, len(terms) - 1} if terms else ():
                other = {**terms[i], "coefficient": f"({terms[i]['coefficient']})*1000001/1000000"}
                wrong = [*terms[:i], other, *terms[i + 1 :]]
                yield {**equations, x: [{**p, "terms": wrong} if n == k else p for n, p in enumerate(powers)]}


def test_the_map_of_a_moved_gradient_is_itself() -> None:
    data = modified_equation(inline_scheme(RADIUS), 1, form="map").to_json()["equations"]
    assert answer(inline_scheme(RADIUS), data, form="map").proved
    assert answer(inline_scheme(RADIUS), {"theta": [f"-grad({PHI})"]}, form="flow").proved


def test_points_are_told_apart_and_recognised() -> None:
    """The gradient at phi is neither that at theta nor at another point; equal points, however written, have one gradient."""
    twice = "a = grad(theta + rho*grad(theta)); b = grad(theta + grad(theta)*rho/1); theta = theta - gamma*(2*a - b)"
    assert says("theta", "-grad(grad*rho + theta)", text=twice) == "proved"
    across = "theta = theta - gamma*(grad(theta + rho*grad(theta)) + grad(theta - rho*grad(theta)))/2"
    assert says("theta", "-grad", text=across) == "refuted"
    assert says("theta", "-grad(theta + rho*grad)", text=across) == "refuted"
    assert says("theta", "-(grad(theta + rho*grad) + grad(theta - rho*grad))/2", text=across) == "proved"
    for wrong in ("-grad", "-grad - rho*hess(grad)/norm(grad)", f"-grad({PHI.replace('+', '-')})", "-grad(theta + rho*grad)"):
        assert says("theta", wrong) == "refuted"


def test_one_dimension_would_not_do() -> None:
    """With one component Hessians at two points commute: H_phi H G = H H_phi G there, and in no other dimension."""
    plain, p = TEXTS["plain"], "theta + rho*grad"
    first, right, wrong = f"-grad({p})", f"hess({p}, hess(grad({p})))", f"hess(hess({p}, grad({p})))"
    head = f"-1/2*hess({p}, grad({p})) - rho/2*"
    assert says("theta", first, head + right, text=plain) == "proved"
    assert says("theta", first, head + wrong, text=plain) == "refuted"


def test_hypotheses_that_fail_are_undecided() -> None:
    """A Hessian in a denominator; a step that is no small one; a repeat of any number of steps."""
    for text, claim in (
        ("theta = theta - gamma*grad(theta)/(1 + hess(theta + grad(theta), grad(theta)))",
         "-grad/(1 + hess(theta + grad, grad))"),
        ("theta = theta - grad(theta + grad(theta))", "-grad"),
        ("repeat k: theta = theta - gamma*grad(theta + rho*grad(theta))/k", "-grad(theta + rho*grad)"),
    ):  # fmt: skip
        assert says("theta", claim, text=text) == "undecided", text


@pytest.mark.parametrize("name", ["sam-fixed", "asam-fixed", "schedule-free-averaged", "svrg-snapshot"])
def test_the_catalogue_is_verified_by_every_route(name: str) -> None:
    report = verify_scheme(modified_equation(load_scheme(name), 1), Options())
    assert report.verdict == "verified"
    assert report.proof is not None
    assert report.proof.proved


# ---------------------------------------------------------------------------------------------- parts


def test_a_random_loss_has_derivatives_of_its_own_at_every_point() -> None:
    ring, source = PrimeField(1000003), Random(5)
    f = random_jets("L", 3, [5, 6], ring, lambda: source.randrange(ring.p), True)
    there = f.at([7, 8])
    assert f.at([5, 6]) is f
    assert f.at([7, 8]) is there is not f.at([7, 9])
    assert f.elsewhere == 2
    u = f.raising
    assert u is there.raising
    a, b = there.tensor([[1, 0]]), there.tensor([[0, 1]])
    assert u is not None
    assert ring.inner([a[1]], [u[0]]) == ring.inner([b[0]], [u[1]])  # the raised matrix is symmetric in its lower indices
    again = f.reshuffled(lambda: source.randrange(ring.p))
    assert again.at([7, 8]).leaf == there.leaf
    assert again.at([7, 8]).tensor([[1, 0]]) != a


def test_distances_of_points_are_counted() -> None:
    """n points and theta have n (n + 1)/2 differences; what stands in a point counts among the indices."""
    ring = WeightRing(4)
    problem = WeightProblem(ring, False)
    assert problem.distances(2).degree == 0
    problem.places += [VARIABLE, ring.times(VARIABLE, problem.jet(1))]
    assert problem.distances(1).degree == 2
    assert problem.distances(2).degree == 6
    assert problem.distances(2).indices == 1


def test_a_polynomial_is_the_same_at_every_point() -> None:
    """About (1, 2): the gradient elsewhere, of numbers and of power series, is the polynomial's; a Taylor polynomial refuses."""
    text = "x**3*y + y**2*x - x"
    here = problem_of(text, [fmpq(1), fmpq(2)], 4)
    there = problem_of(text, [fmpq(-2), fmpq(5)], 4)
    assert here.gradient([fmpq(-2), fmpq(5)]) == there.gradient(there.point)
    series = [PowerSeries([fmpq(-2), fmpq(3), fmpq(0)]), PowerSeries([fmpq(5), fmpq(0), fmpq(1)])]
    assert [list(g.coefficients()) for g in here.gradient(series)] == [list(g.coefficients()) for g in there.gradient(series)]
    local = problem_of("cos(x)*y", [fmpq(1), fmpq(2)], 4)
    with pytest.raises(DeriveError, match="away from the point"):
        local.gradient([fmpq(3), fmpq(2)])


def test_formulas_have_values_elsewhere() -> None:
    problem = Problem((fmpq(1),), {(1,): fmpq(2), (2,): fmpq(3), (3,): fmpq(1)})  # 2 s + 3 s^2 + s^3, s = theta - 1
    values = FormulaValues(problem, [fmpq(1)], {}, EXACT)
    assert values["grad(theta + grad)"] == [2 + 6 * 2 + 3 * 4]
    assert values["hess(theta + grad, theta + grad)"] == [(6 + 6 * 2) * 3]
    assert values["grad(theta)"] == values["grad"] == [2]


def test_normal_forms_know_the_point() -> None:
    forms = NormalForms({"rho": fmpq(2)}, frozenset())
    of = lambda text: forms.of(parsed(text))
    assert of("hess(theta + rho*grad, 3*grad)") == of("3*hess(2*grad + theta, grad)") != of("3*hess(grad)")
    assert of("grad(theta)") == of("grad") != of("grad(2*theta)")
    assert [forms.text(t) for t in of("hess(2*theta, grad) + dfield(theta + field, field)")] == [
        "hess(2*theta, grad)", "dfield(field + theta, field)",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------- commands


def command(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, standalone_mode=False)
    if result.exception is not None:
        assert isinstance(result.exception, DeriveError), result.exception
        return 2, str(result.exception)
    return result.return_value, result.output


def test_a_stated_formula_has_points() -> None:
    about = ("formula", "--update", RADIUS)
    for formula in ("-grad(theta + rho*grad/norm(grad))", "-∇L(θ + ρ ∇L/|∇L|)"):
        assert command(*about, "--says", f"theta: {formula}")[0] == 0
    status, text = command(*about, "--says", "theta: -grad(theta + 2*rho*grad/norm(grad))")
    assert status == 1
    assert "counterexample" in text
    status, text = command(*about, "--says", "theta: -grad(dot(grad, grad))/2")  # the gradient of a number is still one
    assert status == 1
    assert "coefficient of hess(grad)" in text


def test_a_certificate_is_refused_in_one_line(tmp_path: Path) -> None:
    status, text = command("scheme", "sam-fixed", "--order", "0", "-o", str(tmp_path / "c.json"))
    assert status == 2
    assert "a certificate has derivatives at the present point alone" in text
    assert "\n" not in text
    assert not list(tmp_path.iterdir())
