"""Games on the numerical routes and in claimed formulas: what is right is confirmed, and each route sees what is wrong."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from derive import configure, load_scheme, modified_equation
from derive.commands.main import main as derive_command
from derive.errors import DeriveError, UsageError
from derive.language.calls import Partial
from derive.scheme import Scheme, scheme_from_toml
from verify.commands.main import main
from verify.counterexample.claimed import claimed_field
from verify.counterexample.comparison import compare
from verify.formula_verdict import check_formula
from verify.numbers.tape import Tape
from verify.numeric.quadratic import check_quadratic
from verify.numeric.routes import check_from_rest, check_slopes, random_point, recover_coefficients, rich_problem
from verify.numeric.system import chosen_parameters
from verify.orbits.run import Runner
from verify.problems.game import game_of_texts
from verify.stated_formula import read_formula
from verify.verification import Options, verify_scheme

CATALOGUE = [
    ("game-alternating", "rates", 2), ("game-alternating", "two-time-scale", 1), ("game-simultaneous", "rates", 1),
    ("game-simultaneous", "two-time-scale", 1), ("game-extragradient", "", 1), ("game-extragradient-past", "", 1),
    ("game-optimistic", "", 1), ("game-negative-momentum", "", 1), ("game-consensus", "", 0),
    ("game-symplectic-adjustment", "", 1), ("two-batches", "", 2),
]  # fmt: skip
TABLES = '[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\ng = "loss(y)"\n'
#: an implicit game, one that reads the previous point, one with a slow velocity beside a fast one
TYPED = {
    "implicit": ("x = x - gamma*grad(f(x_next, y_next), x)\ny = y - gamma*grad(f(x_next, y_next), y)", TABLES),
    "previous": ("x = x - gamma*grad(f(2*x - x_prev, y), x)\ny = y - gamma*(grad(g, y) + grad(f, y))", TABLES),
    "velocities": (
        "v = b*v - gamma*grad(f, x)\nx = x + v\nw = (1 - gamma)*w - gamma**2*grad(f, y)\ny = y + w",
        TABLES + '[parameters]\nb = "momentum, 0 <= b < 1"\n[regimes.slow]\nw = "gamma*eta"\n',
    ),
}  # fmt: skip
SIZES = {"x": 2, "y": 1}
ROUTES = ("proof", "table", "recovery", "quadratic")


def typed(name: str) -> Scheme:
    update, tables = TYPED[name]
    return scheme_from_toml(f'update = """{update}"""\n{tables}', name)


def confirmed(scheme: str | Scheme, regime: str, order: int) -> None:
    found = verify_scheme(modified_equation(scheme, order, regime=regime or None), Options())
    assert found.verdict == "verified"
    assert not found.skipped
    assert all(getattr(found, route) is not None for route in ROUTES)
    assert [round(s) for s in found.table.slopes if s is not None] == list(found.table.expected)


@pytest.mark.parametrize("name, regime, order", CATALOGUE)
def test_every_route_confirms_the_games_of_the_catalogue(name: str, regime: str, order: int) -> None:
    confirmed(name, regime, order)


@pytest.mark.parametrize("name", TYPED)
def test_every_route_confirms_games_of_other_kinds(name: str) -> None:
    confirmed(typed(name), "", 1)


Check = Callable[[dict[str, Any]], bool]


def checks() -> dict[str, Check]:
    """One alternating game on each route."""
    configuration = configure(load_scheme("game-alternating"), "rates")
    parameters = chosen_parameters(configuration)
    problem, point = rich_problem(configuration, 4), random_point(3, 0)
    return {
        "slopes": lambda e: check_slopes(configuration, e, parameters, problem, point, levels=4).confirmed,
        "recovered": lambda e: recover_coefficients(configuration, e, parameters).confirmed,
        "quadratic": lambda e: check_quadratic(configuration, e, parameters).confirmed,
        "exact": lambda e: not compare(claimed_field(configuration, e["equations"], e["memory"])).refuted,
    }


@pytest.mark.parametrize("route", ["slopes", "recovered", "quadratic", "exact"])
def test_each_route_sees_every_wrong_coefficient(route: str) -> None:
    check, right = checks()[route], modified_equation("game-alternating", 1, regime="rates").to_json()
    assert check(right)
    for x in ("x", "y"):
        for k in (0, 1):
            for i in range(len(right["equations"][x][k]["terms"])):
                wrong = copy.deepcopy(right)
                item = wrong["equations"][x][k]["terms"][i]
                item["coefficient"] = f"{item['coefficient']} + 1/100"
                assert not check(wrong), (x, k, i)


@pytest.mark.parametrize("route", ["slopes", "recovered", "quadratic", "exact"])
def test_each_route_sees_a_wrong_player(route: str) -> None:
    """A direction or a loss of the other player."""
    check, right = checks()[route], modified_equation("game-alternating", 1, regime="rates").to_json()
    changes = [("x", 1, "grad(g, y)", "grad(f, y)"), ("y", 0, "grad(g, y)", "grad(f, y)"), ("y", 1, "hess(g", "hess(f")]
    for x, k, old, new in changes:
        wrong = copy.deepcopy(right)
        for item in wrong["equations"][x][k]["terms"]:
            item["term"] = item["term"].replace(old, new)
        assert not check(wrong), (x, old)


def test_one_step_by_hand() -> None:
    """f = x1**2*y1 + x2, g = x1*y1**2, rates 1/10 and 1/5, from x = (1, 2), y = 3: the second player sees the new x1 = 2/5.

    x1 - 2 x1 y1/10 = 1 - 6/10,  x2 - 1/10,  y1 - 2 x1 y1/5 = 3 - 12/25.
    """
    game = game_of_texts({"f": ("x", "y"), "g": ("x", "y")}, SIZES, {"f": "x1**2*y1 + x2", "g": "x1*y1**2"})
    tape = Tape(0)
    lift = tape.lift
    runner = Runner(configure(load_scheme("game-alternating"), "rates"), game.gradient, {"mu": lift(2)}, tape.numbers)
    after = runner.step({"x": [lift(1), lift(2)], "y": [lift(3)]}, lift(Fraction(1, 10)))
    exact = {x: [tape.exact(v) for v in vector] for x, vector in after.items()}
    assert exact == {"x": [Fraction(2, 5), Fraction(19, 10)], "y": [Fraction(63, 25)]}


def test_mixed_derivatives_of_players_of_different_dimensions() -> None:
    """f = x1*y1*y2 + x2**2*y1:  D_y grad_x f [u] = (u1 y2 + y1 u2, 2 x2 u1),  D_x grad_y f [w] = (w1 y2 + 2 x2 w2, w1 y1)."""
    game = game_of_texts({"f": ("x", "y")}, {"x": 2, "y": 2}, {"f": "x1*y1*y2 + x2**2*y1"})
    tape = Tape(0)
    x, y, u = ([tape.lift(v) for v in vector] for vector in ((2, 3), (5, 7), (11, 13)))
    at = lambda partial: [tape.exact(v) for v in game.gradient(partial, [x, y], [u])]
    assert at(Partial("f", ("x", "y"))) == [11 * 7 + 5 * 13, 2 * 3 * 11]
    assert at(Partial("f", ("y", "x"))) == [11 * 7 + 2 * 3 * 13, 11 * 5]


def test_from_rest() -> None:
    """Each player's momentum starts at zero: c_1 = beta/(1 - beta)^2 grad = -beta/(1 - beta) f_0, as with one loss."""
    equation = modified_equation("game-negative-momentum", 1)
    beta = {"beta": Fraction(-1, 2)}
    problem = rich_problem(equation.configuration, 3)
    found = check_from_rest(equation.configuration, equation.to_json(), beta, problem, random_point(3, 0))
    assert found.ratio == Fraction(1, 3)
    assert found.names == ("x1", "x2", "y1")
    assert [round(s, 2) for s in found.with_shift.slopes if s is not None] == [1, 2]
    assert [round(s, 2) for s in found.without.slopes if s is not None] == [1, 1]


def test_the_command_prints_what_it_prints_of_other_schemes() -> None:
    def keys(name: str) -> dict[str, Any]:
        return json.loads(CliRunner().invoke(main, ["scheme", name, "--order", "0", "--format", "json"]).stdout)

    game, plain = keys("game-optimistic"), keys("gd")
    assert game.keys() == plain.keys()
    assert game["slopes_table"].keys() == plain["slopes_table"].keys()
    assert game["verdict"] == "verified"
    assert game["loss"].startswith("f = ")
    assert "; g = " in game["loss"]
    with pytest.raises(UsageError, match="one loss L"):
        verify_scheme(modified_equation("game-optimistic", 0), Options(loss="x*y"))


# ------------------------------------------------------------------------------------------ claimed formulas

TRUE = {
    "game-alternating": ("rates", [
        "x: -grad(f, x) - gamma/2*hess(f, x, grad(f, x)) - gamma*mu/2*hess(f, x, grad(g, y))",
        "y: -mu*grad(g, y) + gamma*mu/2*hess(g, y, grad(f, x)) - gamma*mu**2/2*hess(g, y, grad(g, y))",
    ]),
    "game-negative-momentum": ("", [
        "x: -grad(f, x)/(1 - beta) - gamma*(1 + beta)/(2*(1 - beta)**3)*(hess(f, x, grad(f, x)) + hess(f, x, grad(g, y)))",
        "y: -grad(g, y)/(1 - beta) + gamma/(2*(1 - beta)**3)"
        "*((1 - 3*beta)*hess(g, y, grad(f, x)) - (1 + beta)*hess(g, y, grad(g, y)))",
    ]),
}  # fmt: skip


def verdict(name: str, says: list[str], regime: str) -> Any:
    return check_formula(read_formula(None, name, None, 1, regime or None, {}, says))


@pytest.mark.parametrize("name", TRUE)
def test_true_formulas_are_confirmed(name: str) -> None:
    regime, says = TRUE[name]
    assert verdict(name, says, regime).verdict == "confirmed"
    assert verdict(name, ["; ".join(says)], regime).verdict == "confirmed"
    assert verdict(name, says[1:], regime).verdict == "confirmed"


@pytest.mark.parametrize("name", ["game-alternating", "game-consensus", "game-optimistic"])
def test_printed_equations_are_formulas(name: str) -> None:
    printed = CliRunner().invoke(derive_command, ["modified-eq", name, "--order", "1"]).stdout
    equations = printed[printed.index("x' =") :].partition("\nno memory")[0].partition("\nmemory")[0]
    regime = "rates" if name == "game-alternating" else ""
    assert verdict(name, [equations], regime).verdict == "confirmed"


def false_ones(says: list[str], source: Random) -> Iterator[list[str]]:
    """A number changed, a sign, a direction of the other player, a loss of the other player."""
    while True:
        i = source.randrange(len(says))
        changes = [
            (r"\b2\b", lambda m: "3"), (r"- gamma", lambda m: "+ gamma"), (r"\+ gamma", lambda m: "- gamma"),
            (r"grad\(f, x\)\)", lambda m: "grad(g, x))"), (r"grad\(g, y\)\)", lambda m: "grad(f, y))"),
            (r"hess\(f", lambda m: "hess(g"), (r"hess\(g", lambda m: "hess(f"), (r"mu", lambda m: "(mu + 1/50)"),
            (r"3\*beta", lambda m: "2*beta"), (r"gamma", lambda m: "gamma*(1 + 1/100000)"),
            (r"grad\(f, x\)\)", lambda m: "grad(f, x)/2)"),
        ]  # fmt: skip
        pattern, change = source.choice(changes)
        places = list(re.finditer(pattern, says[i]))
        if places:
            place = source.choice(places)
            yield [s if j != i else s[: place.start()] + change(place) + s[place.end() :] for j, s in enumerate(says)]


@pytest.mark.parametrize("name", TRUE)
def test_no_false_formula_is_accepted(name: str) -> None:
    """Fifteen random ones of each of two games; each refuted with a counterexample in numbers."""
    regime, says = TRUE[name]
    source = Random(f"false {name}")
    wrong = false_ones(says, source)
    for _ in range(15):
        claim = next(wrong)
        found = verdict(name, claim, regime)
        assert found.verdict == "refuted", claim
        assert found.counterexample is not None, claim
        assert found.counterexample.true != found.counterexample.claimed
        assert found.corrections, claim


REWRITINGS: list[Callable[[str], str]] = [
    lambda s: s.replace("gamma/2", "(1/3 + 1/6)*gamma"),
    lambda s: s.replace("grad(f, x))", "3*grad(f, x)/2 - grad(f, x)/2)"),
    lambda s: s.replace("hess(f, x, grad(g, y))", "hess(f, x, 2*grad(g, y))/2"),
    lambda s: s.replace("grad(g, y)", "∇_y g"),
    lambda s: s.replace("hess(g, y, grad(f, x))", "∇_y,x g[∇_x f]"),
    lambda s: s.replace("gamma", "γ"),
    lambda s: f"2*({s}) - ({s})",
    lambda s: f"({s})*(4 + 1)/5",
    lambda s: f"{s} + 0*gamma*dot(grad(f, x), grad(f, x))",
]


@pytest.mark.parametrize("name", TRUE)
def test_no_true_formula_is_refused(name: str) -> None:
    """Fifteen rewritten ones of each of two games."""
    regime, says = TRUE[name]
    source = Random(f"true {name}")
    for _ in range(15):
        claim = []
        for text in says:
            variable, _, formula = text.partition(": ")
            for rewrite in source.sample(REWRITINGS, 3):
                formula = rewrite(formula)
            claim.append(f"{variable}: {formula}")
        assert verdict(name, claim, regime).verdict == "confirmed", claim


@pytest.mark.parametrize("says, message", [
    ("x: -grad(g, y)", "a vector of y's space is claimed for x'"),
    ("x: -grad(f, x) - grad(g, y)", "a vector of x's space meets one of y's"),
    ("x: -grad(f, x) - gamma*hess(f, x, 1)", "a direction of a derivative of f is a vector"),
    ("x: -grad", "'grad' has no meaning here"),
    ("x: -grad(h, x)", "write grad\\(f, x\\)"),
    ("z: -grad(f, x)", "claim one formula for each of x, y"),
    ("loss: f", "claim one formula for each of x, y"),
])  # fmt: skip
def test_what_is_no_claim_about_a_game(says: str, message: str) -> None:
    with pytest.raises(DeriveError, match=message):
        verdict("game-alternating", [says], "rates")
