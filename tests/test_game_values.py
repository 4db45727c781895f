"""The value of a declared loss in update texts, f(x, y): against exact period maps, laws, the proof and its refutations."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sympy as sp
from game_maps import Polynomial, Series, derivative, flow, on_series, random_loss, text
from proof_controls import one_larger

from derive import modified_equation
from derive.equation import ModifiedEquation
from derive.errors import DeriveError, ParseError, ReductionError, SchemeError, UsageError
from derive.language import unparse
from derive.readings.stability import stability
from derive.scheme import Scheme, inline_scheme, scheme_from_toml
from verify.certificate import checker
from verify.certificate.writing import certificate, certificate_text
from verify.formula_verdict import FormulaVerdict, check_formula
from verify.proof import prove
from verify.stated_formula import read_formula
from verify.verification import Options, verify_scheme

TABLES = """
[unknowns]
x = "the first player"
y = "the second player"
[functions]
f = "loss(x, y)"
g = "loss(x, y)"
[parameters]
mu = "the second player's rate"
beta = "momentum, 0 <= beta < 1"
"""
NAMES = ["x1", "x2", "y1"]
VARIABLES = "x = x1, x2; y = y1"
POINT = {"x1": "2/3", "x2": "-3/5", "y1": "1/2"}


def game(update: str) -> Scheme:
    return scheme_from_toml('update = """' + update.replace("; ", "\n") + f'"""\n{TABLES}', "game")


def values(update: str, losses: str, order: int = 2) -> Any:
    return modified_equation(game(update), order).evaluate(losses, POINT, variables=VARIABLES).values


# ---------------------------------------------------------------------------------------------- exact period maps


def product(a: Series, b: Series) -> Series:
    return [sum((a[i] * b[k - i] for i in range(k + 1)), Fraction(0)) for k in range(len(a))]


def period(f: Polynomial, g: Polynomial, point: list[Fraction], order: int) -> list[Series]:
    """x = x - gamma*f(x, y)*grad(f, x), then y = y - 2*gamma*g(x - gamma*x, y)*grad(f, y), as series in gamma."""
    z = [[c] + [Fraction(0)] * order for c in point]
    later = lambda s: [Fraction(0), *s[:-1]]
    value = on_series(f, z)
    z[:2] = [[a - b for a, b in zip(z[i], later(product(value, on_series(derivative(f, i), z))), strict=True)] for i in (0, 1)]
    moved = [[a - b for a, b in zip(s, later(s), strict=True)] for s in z[:2]]
    value = on_series(g, [*moved, z[2]])
    change = later(product(value, on_series(derivative(f, 2), z)))
    z[2] = [a - 2 * b for a, b in zip(z[2], change, strict=True)]
    return z


@pytest.mark.parametrize("factor", ["1", "1001/1000"])
def test_flow_over_a_period_is_the_exact_map(factor: str) -> None:
    """Through gamma^3, with values at the present and at a moved point; a loss a thousandth larger has another map."""
    random = Random(2)
    f, g = random_loss(random, 3, 2), random_loss(random, 3, 2)
    update = f"x = x - gamma*{factor}*f(x, y)*grad(f, x); y = y - 2*gamma*g(x - gamma*x, y)*grad(f, y)"
    explicit = modified_equation(game(update), 2).on_loss(f"f = {text(f, NAMES)}; g = {text(g, NAMES)}", variables=VARIABLES)
    symbols = sp.symbols(NAMES)
    field = [
        [{m: Fraction(int(c.p), int(c.q)) for m, c in sp.Poly(e, *symbols).terms()} for x in explicit.values() for e in x[k]]
        for k in range(3)
    ]
    point = [Fraction(POINT[n]) for n in NAMES]
    assert (flow(field, point, 3) == period(f, g, point, 3)) is (factor == "1")


# ---------------------------------------------------------------------------------------------- laws

F, G = "x1**3/3 + x1*y1**2 + x2 + 2", "x1*y1 - x2**2 + 3"


@pytest.mark.parametrize(("update", "losses"), [
    ("u = f(x, y)*grad(f, x); y = y - gamma*g(x, y)*grad(g, y); x = x - gamma*u", f"f = ({F})**2/2; g = ({G})**2/2"),
    ("u = gradient(f**2/2, x); y = y - gamma*gradient(g(x, y)**2/2, y); x = x - gamma*u", f"f = ({F})**2/2; g = ({G})**2/2"),
    ("u = grad(f, x)/f; y = y - gamma*grad(g, y)/g(x, y); x = x - gamma*u", f"f = log({F}); g = log({G})"),
])  # fmt: skip
def test_a_text_that_plays_another_game(update: str, losses: str) -> None:
    """What is written with values and gradients of f and g is the plain game of losses made of them."""
    plain = values("u = grad(f, x); y = y - gamma*grad(g, y); x = x - gamma*u", losses)
    assert values(update, f"f = {F}; g = {G}") == plain
    assert values(update.replace("gamma*u", "gamma*1001/1000*u"), f"f = {F}; g = {G}")["x"] != plain["x"]


@pytest.mark.parametrize(("moved", "expanded"), [
    (
        "f(x - gamma*grad(f, x), y)",
        "(f - gamma*dot(grad(f, x), grad(f, x)) + gamma**2/2*dot(grad(f, x), hess(f, x, grad(f, x))))",
    ),
    ("f(x + gamma*x, y - gamma*y)", "(f + gamma*dot(grad(f, x), x) - gamma*dot(grad(f, y), y)"
     " + gamma**2/2*(dot(x, hess(f, x, x)) - 2*dot(x, hess(f, x, y)) + dot(y, hess(f, y, y))))"),
])  # fmt: skip
def test_a_moved_point_is_its_taylor_series(moved: str, expanded: str) -> None:
    """Through gamma^2 of what is in brackets; the next term of the series tells them apart."""
    a, b = (modified_equation(game(f"x = x - gamma*{e}*x; y = y"), 3) for e in (moved, expanded))
    assert list(map(str, a["x"]))[:3] == list(map(str, b["x"]))[:3]
    assert str(a["x"][3]) != str(b["x"][3])


def test_memory_of_a_value_waits_for_the_players() -> None:
    """The average before the step is f - gamma f'/(1 - beta) + ..., f' = <grad_x f, x'> + <grad_y f, y'> along the flow."""
    eq = modified_equation(game("m = beta*m + (1 - beta)*f; x = x - gamma*m*grad(f, x); y = y - gamma*grad(g, y)"), 1)
    assert [str(s) for s in eq.memory["m"]] == [
        "f", "1/(1 - beta)*dot(grad(f, y), grad(g, y)) + 1/(1 - beta)*f*dot(grad(f, x), grad(f, x))",
    ]  # fmt: skip


def test_one_unknown_with_declared_losses() -> None:
    """Two tasks: the value of one weighs the gradient of the other."""
    tables = '[functions]\nL1 = "loss(theta)"\nL2 = "loss(theta)"\n'
    eq = modified_equation(scheme_from_toml(f'update = "theta = theta - gamma*L1(theta)*grad(L2, theta)"\n{tables}'), 1)
    assert "θ = θ - γ L1(θ) ∇L2(θ)" in str(eq)
    data = eq.to_json()
    assert prove(eq.configuration, data["equations"]).proved


# ---------------------------------------------------------------------------------------------- texts


def test_written_once_and_read_back() -> None:
    scheme = game("x = x - gamma*f*grad(f, x); y = y - gamma*g(x, y)*grad(g, y)")
    assert [unparse(a.value) for a in scheme.program] == [
        "x - gamma*f(x, y)*grad(f(x, y), x)", "y - gamma*g(x, y)*grad(g(x, y), y)",
    ]  # fmt: skip
    eq = modified_equation(scheme, 1)
    assert "x = x - γ f(x, y) ∇_x f(x, y)" in str(eq)
    assert str(eq["y"][1].coefficient("f*g*hess(g, y, grad(f, x))")) == "1/2"
    assert str(eq["y"][1].coefficient("g(x, y)*f(x, y)*hess(g, y, grad(f, x))")) == "1/2"


@pytest.mark.parametrize(("update", "message"), [
    ("x = x - gamma*f(y, y)*x; y = y", "f takes x where a vector of y's space stands"),
    ("x = x - gamma*f(x, 1)*x; y = y", "f takes y where a number stands"),
    ("x = x - gamma*f(x)*x; y = y", "f takes 2 arguments, not 1"),
    ("x = x - gamma*f(2*x, y)*x; y = y", "the loss is taken at 2[*]x as gamma -> 0; it must be taken at a point that tends to x"),
    ("x = x - gamma*f; y = y - gamma*grad(f, y)", "a number stands where a vector is meant"),
])  # fmt: skip
def test_refused(update: str, message: str) -> None:
    with pytest.raises((ParseError, SchemeError, ReductionError), match=message):
        modified_equation(game(update), 1)


def test_stability_sees_that_a_value_is_not_affine() -> None:
    with pytest.raises(DeriveError, match="on a quadratic game the update is not a linear map"):
        stability(game("m = beta*m + f; x = x - gamma*grad(f, x); y = y + gamma*grad(f, y)"), game="bilinear")
    with pytest.raises(DeriveError, match="on a quadratic loss the update is not a linear map"):
        stability(inline_scheme("theta = theta - gamma*(grad(theta) + loss(theta))"))


# ---------------------------------------------------------------------------------------------- proofs

POLYAK = "x = x - gamma*f(x, y)/dot(grad(f, x), grad(f, x))*grad(f, x); y = y - {}*gamma*mu*g(x, y)*grad(g, y)"


def random_update(random: Random, memory: bool) -> str:
    """Players with values at moved points."""
    number = lambda: random.choice(("1/2", "-1/3", "2", "mu"))
    point = lambda: f"{random.choice(('x', 'x - gamma*u', 'x + gamma*x'))}, {random.choice(('y', 'y - gamma*grad(g, y)'))}"
    value = lambda: f"{random.choice('fg')}({point()})"
    lines = ["u = grad(f, x)"]
    if memory:
        lines.append(f"m = beta*m + (1 - beta)*{value()}")
    weight = "m" if memory else value()
    lines.append(f"x = x - gamma*({number()}*{weight}*u + {number()}*hess(f, x, u)*{value()})")
    lines.append(f"y = y - gamma*{value()}*{random.choice(('y', 'grad(g, y)', 'grad(f, y)/dot(u, u)'))}")
    return "; ".join(lines)


def stated(equation: ModifiedEquation, fields: Any) -> str:
    return certificate_text(certificate(equation.configuration, fields, equation.to_json()["memory"]))


def check(seed: int, order: int, memory: bool = False, certified: bool = False) -> None:
    random = Random(seed)
    equation = modified_equation(game(random_update(random, memory)), order)
    data = equation.to_json()
    wrong = one_larger(data["equations"], random, random.choice("xy"))
    assert prove(equation.configuration, data["equations"], data["memory"], seed=seed).proved
    assert prove(equation.configuration, wrong, data["memory"], seed=seed).verdict == "refuted"
    if not certified:
        return
    assert checker.check(stated(equation, data["equations"]), True)[1] < -101
    with pytest.raises(checker.Different):
        checker.check(stated(equation, wrong), True)


@pytest.mark.parametrize("seed", range(4))
def test_random_games_are_proved_and_changed_ones_refuted(seed: int) -> None:
    check(seed, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4, 24))
def test_more_random_games(seed: int) -> None:
    """Through gamma^1 with an average of values, or through gamma^2."""
    check(seed, 1 + seed % 2, memory=seed % 2 == 0, certified=seed % 4 == 1)


def test_every_route_confirms_it_and_refutes_a_wrong_value() -> None:
    """The game in which each player moves by Polyak's step or in proportion to a loss; and the equation of another one."""
    right, wrong = (modified_equation(game(POLYAK.format(c)), 1) for c in ("1", "1001/1000"))
    found = verify_scheme(right, Options())
    assert found.verdict == "verified"
    assert found.table.slopes == pytest.approx([1, 2], abs=1e-3)
    assert found.recovery.confirmed
    wrong = ModifiedEquation(**{**vars(wrong), "configuration": right.configuration})
    assert set(verify_scheme(wrong, Options()).refuted_by) >= {"proof", "exact", "slopes", "recovered"}


def test_a_certificate_has_the_value_by_the_name_of_the_loss() -> None:
    """In the text at all its unknowns, in a claim at the point alone: anything else is no certificate."""
    equation = modified_equation(game(POLYAK.format("1")), 1)
    source = stated(equation, equation.to_json()["equations"])
    assert checker.check(source, True)[1] < -101
    for old, new in (("g*grad(g, y)", "g(x, y)*grad(g, y)"), ("mu*g(x, y)", "mu*g(x)"), ("mu*g(x, y)", "mu*g(y, x)")):
        assert old in source
        with pytest.raises(checker.Bad):
            checker.check(source.replace(old, new), True)


def verdict(says: str, folder: Path) -> FormulaVerdict:
    path = folder / "game.toml"
    path.write_text('name = "game"\nupdate = """' + POLYAK.format("1").replace("; ", "\n") + f'"""\n{TABLES}', "utf-8")
    return check_formula(read_formula(None, str(path), None, 0, None, {}, ["x: -f/dot(grad(f, x), grad(f, x))*grad(f, x)", says]))


@pytest.mark.parametrize(("says", "status"), [
    ("y: -mu*g*grad(g, y)", "confirmed"), ("y: -mu*g(x, y)*∇_y g", "confirmed"), ("y: -mu*gradient(g**2, y)/2", "confirmed"),
    ("y: -mu*f*grad(g, y)", "refuted"), ("y: -mu*gradient(g**2, y)/3", "refuted"),
])  # fmt: skip
def test_formulas_with_values(says: str, status: str, tmp_path: Path) -> None:
    found = verdict(says, tmp_path)
    assert found.verdict == status
    assert (found.counterexample is None) is (status == "confirmed")


def test_a_formula_has_the_present_values_of_losses(tmp_path: Path) -> None:
    """What is claimed elsewhere is no claim about the point: it was once read as if it were."""
    with pytest.raises(ParseError, match=r"a formula has g at the present values alone, g\(x, y\)"):
        verdict("y: -mu*g(2*x, y)*grad(g, y)", tmp_path)


@pytest.mark.parametrize("says", ["y: -mu*g*grad(g(2*x, y), y)", "y: -mu*g*∇_y g(x, y + y)"])
def test_a_gradient_elsewhere_is_another(says: str, tmp_path: Path) -> None:
    assert verdict(says, tmp_path).verdict == "refuted"


def test_a_name_that_is_no_loss(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'h' has no meaning here.*known: f, g, mu"):
        verdict("y: -h*grad(g, y)", tmp_path)
