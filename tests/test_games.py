"""Several losses and unknowns: against exact period maps, published drifts, and laws."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sympy as sp
from game_maps import Game, Polynomial, derivative, flow, plus, random_loss, text, times

from derive import load_scheme, modified_equation
from derive.algebra.calculus import gradient, same
from derive.algebra.coefficients import Ring
from derive.algebra.functions import gradients
from derive.algebra.sums import Algebra
from derive.equation import ModifiedEquation, TermSum
from derive.errors import DeriveError, ParseError, ReductionError, SchemeError, UsageError
from derive.language import unparse
from derive.readings.accuracy import accuracy
from derive.readings.energy import modified_energy
from derive.readings.formula import formulas_of
from derive.readings.loss import modified_loss
from derive.readings.modifying import modifying_field
from derive.readings.second_order import second_order
from derive.scheme import Scheme, scheme_from_toml
from derive.trees.tableau import method_of_scheme
from verify.claims.reader import read_claims
from verify.proof import prove

LITERATURE = Path(__file__).parents[1] / "verify/claims/literature/games.toml"
PLAYERS = ("x", "y", "z")
LOSSES = ("f", "g", "h")
#: the word of one period, and the numbers of components
WORDS = {
    "(xy)": (("xy",), (2, 1)),
    "x y": (("x", "y"), (1, 2)),
    "x x y": (("x", "x", "y"), (2, 1)),
    "x y x": (("x", "y", "x"), (1, 1)),
    "x y z": (("x", "y", "z"), (1, 1, 1)),
    "(xy) z y": (("xy", "z", "y"), (1, 1, 1)),
}


def game_scheme(word: Sequence[str], rates: Mapping[str, Fraction]) -> Scheme:
    """The text that a user writes for a word of moves."""
    players = sorted({p for group in word for p in group})
    loss = dict(zip(PLAYERS, LOSSES, strict=True))
    lines = []
    for group in word:
        lines += [f"d{p} = grad({loss[p]}, {p})" for p in group if len(group) > 1]
        lines += [f"{p} = {p} - {rates[p]}*gamma*" + (f"d{p}" if len(group) > 1 else f"grad({loss[p]}, {p})") for p in group]
    every = ", ".join(players)
    tables = ["[unknowns]", *(f'{p} = "a player"' for p in players), "[functions]"]
    tables += [f'{loss[p]} = "loss({every})"' for p in players]
    return scheme_from_toml("\n".join(['update = """', *lines, '"""', *tables]), "game")


def concrete(name: str, seed: int) -> tuple[Scheme, Game, list[str], str, str]:
    """A scheme with a game for it, its variables, and both as texts for the command."""
    return concrete_word(*WORDS[name], Random(seed))


def concrete_word(
    word: Sequence[str], sizes: Sequence[int], random: Random
) -> tuple[Scheme, Game, list[str], str, str]:
    players = sorted({p for group in word for p in group})
    rates = {p: Fraction(random.randint(1, 7), random.randint(1, 5)) for p in players}
    blocks, start = {}, 0
    for p, size in zip(players, sizes, strict=True):
        blocks[p] = range(start, start + size)
        start += size
    losses = {p: random_loss(random, start) for p in players}
    names = [f"{p}{i + 1}" for p in players for i in range(len(blocks[p]))]
    loss = "; ".join(f"{f} = {text(losses[p], names)}" for f, p in zip(LOSSES, players, strict=False))
    variables = "; ".join(f"{p} = {', '.join(names[i] for i in blocks[p])}" for p in players)
    return game_scheme(word, rates), Game(blocks, losses, rates, word), names, loss, variables


def polynomial(expression: Any, names: Sequence[str]) -> Polynomial:
    poly = sp.Poly(expression, *(sp.Symbol(n) for n in names))
    return {m: Fraction(int(c.p), int(c.q)) for m, c in poly.terms() if c}


def fields(equation: ModifiedEquation, loss: str, variables: str, names: Sequence[str]) -> list[list[Polynomial]]:
    """By power of gamma, one polynomial a component, the players one after the other."""
    explicit = equation.on_loss(loss, variables=variables)
    return [[polynomial(c, names) for powers in explicit.values() for c in powers[k]] for k in range(equation.order + 1)]


def perturbed(equation: ModifiedEquation, player: str, power: int, index: int) -> ModifiedEquation:
    """The equation with one coefficient changed by a thousandth."""
    sums = list(equation.equations[player])
    algebra, changed = sums[power].algebra, dict(sums[power].sum)
    term = list(changed)[index]
    changed[term] = changed[term] + algebra.ring.constant(Fraction(1, 1000))
    sums[power] = TermSum(algebra, changed)
    return replace(equation, equations={**equation.equations, player: tuple(sums)})


POINT = [Fraction(2, 3), Fraction(-3, 5), Fraction(1, 2)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", WORDS)
def test_flow_over_a_period_is_the_exact_map(name: str, seed: int) -> None:
    """Through gamma^3: three players, players of two dimensions, unequal rates, several moves of one player."""
    scheme, game, names, loss, variables = concrete(name, seed)
    equation = modified_equation(scheme, 2)
    point = POINT[: len(names)]
    found = flow(fields(equation, loss, variables, names), point, 4)
    exact = game.period(point, 4)
    assert [s[:4] for s in found] == [s[:4] for s in exact]
    assert [s[4] for s in found] != [s[4] for s in exact]  # gamma^3 of the field is missing


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_random_words(seed: int) -> None:
    """Random words of two or three players, at most three components: exact maps, and the proof."""
    random = Random(seed)
    players = "xyz"[: random.choice((2, 3))]
    word = list(players) + ["".join(sorted(random.sample(players, random.randint(1, len(players))))) for _ in range(2)]
    random.shuffle(word)
    sizes = (1, 1, 1) if len(players) == 3 else random.choice(((1, 1), (2, 1), (1, 2)))
    scheme, game, names, loss, variables = concrete_word(word, sizes, random)
    equation = modified_equation(scheme, 2)
    point = POINT[: len(names)]
    assert [s[:4] for s in flow(fields(equation, loss, variables, names), point, 3)] == game.period(point, 3)
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"]).proved


@pytest.mark.parametrize("name", ["x y x"])
def test_flow_through_the_fourth_power(name: str) -> None:
    scheme, game, names, loss, variables = concrete(name, 7)
    point = POINT[: len(names)]
    assert flow(fields(modified_equation(scheme, 3), loss, variables, names), point, 4) == game.period(point, 4)


@pytest.mark.parametrize("name", ["(xy)", "x x y"])
def test_every_coefficient_matters(name: str) -> None:
    """A coefficient changed by a thousandth is no flow of the period map, and no proof goes through."""
    scheme, game, names, loss, variables = concrete(name, 1)
    point = POINT[: len(names)]
    for order, check in ((1, False), (2, True)):
        equation = modified_equation(scheme, order)
        exact = game.period(point, order + 1)
        for player, sums in equation.equations.items():
            for k, total in enumerate(sums):
                for index in range(len(total)):
                    wrong = perturbed(equation, player, k, index)
                    if check:
                        data = wrong.to_json()
                        assert prove(wrong.configuration, data["equations"], seed=index).verdict == "refuted"
                    else:
                        assert flow(fields(wrong, loss, variables, names), point, order + 1) != exact, (player, k, index)


@pytest.mark.parametrize("name", WORDS)
def test_values_at_a_point_are_those_of_the_polynomials(name: str) -> None:
    """--at, in fractions, one string a component for players of different dimensions, against the explicit fields."""
    scheme, _, names, loss, variables = concrete(name, 5)
    equation = modified_equation(scheme, 2)
    at = dict(zip(names, POINT, strict=False))
    values = equation.evaluate(loss, at, variables=variables)
    explicit = equation.on_loss(loss, variables=variables)
    for player, powers in values.values.items():
        for block, formulas in zip(powers, explicit[player], strict=True):
            exact = [e.subs({n: sp.Rational(x.numerator, x.denominator) for n, x in at.items()}) for e in formulas]
            assert block == [str(e) for e in exact]


@pytest.mark.parametrize("name", WORDS)
def test_every_word_is_proved(name: str) -> None:
    equation = modified_equation(concrete(name, 3)[0], 2)
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"], data["memory"]).proved


# ------------------------------------------------------------------------------------------ published


def drift(name: str, **settings: str) -> dict[str, str]:
    equation = modified_equation(name, 1, settings=settings)
    return {x: str(sums[1]) for x, sums in equation.equations.items()}


def test_alternating_rule() -> None:
    """-1/2 x[x] - 1/2 x[y] + 1/2 y[x] - 1/2 y[y] for the fields x = -grad_x f, y = -grad_y g; + becomes - for both at a time."""
    assert drift("game-alternating", mu="1") == {
        "x": "-1/2*hess(f, x, grad(f, x)) - 1/2*hess(f, x, grad(g, y))",
        "y": "1/2*hess(g, y, grad(f, x)) - 1/2*hess(g, y, grad(g, y))",
    }
    assert drift("game-simultaneous", mu="1")["y"] == "-1/2*hess(g, y, grad(f, x)) - 1/2*hess(g, y, grad(g, y))"


def rosca(x_rate: str, y_rate: str, alternating: bool) -> dict[str, dict[str, Fraction]]:
    """Rosca et al. 2021 (2105.13922), Theorems 3.1 and 3.2, with each player's time turned into steps of gamma:

    phi' = f - a h/2 (f_phi f + f_theta g),  theta' = g - l h/2 ((1 - 2 a/l) g_phi f + g_theta g)   (simultaneous: 1).
    """
    a, b = Fraction(x_rate), Fraction(y_rate)
    other = (1 - 2 * a / b) if alternating else Fraction(1)
    terms = {
        "x": [("hess(f, x, grad(f, x))", -a * a / 2), ("hess(f, x, grad(g, y))", -a * a / 2)],
        "y": [("hess(g, y, grad(f, x))", -b * b / 2 * other), ("hess(g, y, grad(g, y))", -b * b / 2)],
    }
    return {x: dict(pairs) for x, pairs in terms.items()}


@pytest.mark.parametrize("name", ["game-simultaneous", "game-alternating"])
def test_rosca_agrees_for_equal_rates_only(name: str) -> None:
    for rate in ("1", "3/2"):
        equation = modified_equation(name, 1, settings={"mu": rate})
        found = {x: {str(t): Fraction(str(c)) for c, t in sums[1]} for x, sums in equation.equations.items()}
        assert (found == rosca("1", rate, name == "game-alternating")) is (rate == "1")


def resolved(fast: Sequence[Polynomial], correction: Sequence[Polynomial], own: Fraction) -> list[list[Polynomial]]:
    """The slow solution z' = f_0 + gamma f_1 + gamma^2 f_2 of  gamma/2 z'' + z' = -V + gamma (own J z' + correction).

    f_0 = -V = `fast`;  z'' = (Df) f.
    """
    dimension = len(fast)

    def along(f: Sequence[Polynomial], g: Sequence[Polynomial]) -> list[Polynomial]:
        """(Df) g."""
        result: list[Polynomial] = []
        for component in f:
            total: Polynomial = {}
            for j in range(dimension):
                total = plus(total, times(derivative(component, j), g[j]))
            result.append(total)
        return result

    minus, half = [plus({}, v, Fraction(-1)) for v in fast], Fraction(-1, 2)
    one = [plus(plus(c, a, half), b, own) for c, a, b in zip(correction, along(fast, fast), along(minus, fast), strict=True)]
    second = zip(along(fast, one), along(one, fast), along(minus, one), strict=True)
    two = [plus(plus(plus({}, a, half), b, half), c, own) for a, b, c in second]
    return [list(fast), one, two]


@pytest.mark.parametrize("name, ahead, own", [
    ("game-simultaneous", 0, 0), ("game-extragradient", 1, 0), ("game-optimistic", 0, -1),
])  # fmt: skip
def test_high_resolution_equations_agree_at_gamma_and_fail_at_the_next_power(name: str, ahead: int, own: int) -> None:
    """Chavdarova, Jordan & Zampetakis 2021 (2112.13826), with beta = 2/gamma:  z'' = -beta z' - beta V and, for extragradient,
    + 2 J V, for optimistic gradient descent, - 2 J z'."""
    equation, names, loss, expected = high_resolution(name, ahead, own)
    found = fields(equation, loss, "x = x1, x2; y = y1", names)
    assert found[0] == expected[0]
    assert found[1] == expected[1]
    assert found[2] != expected[2]


def high_resolution(name: str, ahead: int, own: int) -> tuple[ModifiedEquation, list[str], str, list[list[Polynomial]]]:
    """The derived equation, a random game, and the slow solution of the second-order equation on it."""
    random = Random(4)
    names = ["x1", "x2", "y1"]
    losses = {"f": random_loss(random, 3), "g": random_loss(random, 3)}
    velocity = [derivative(losses["f"], 0), derivative(losses["f"], 1), derivative(losses["g"], 2)]
    jacobian = [[derivative(v, j) for j in range(3)] for v in velocity]
    product: list[Polynomial] = []
    for row in jacobian:
        total: Polynomial = {}
        for entry, v in zip(row, velocity, strict=True):
            total = plus(total, times(entry, v), Fraction(ahead))
        product.append(total)
    expected = resolved([plus({}, v, Fraction(-1)) for v in velocity], product, Fraction(own))
    settings = {"mu": "1"} if name == "game-simultaneous" else {}
    equation = modified_equation(name, 2, settings=settings)
    return equation, names, "; ".join(f"{f} = {text(p, names)}" for f, p in losses.items()), expected


@pytest.mark.parametrize("name, ahead, own, key", [
    ("game-simultaneous", 0, 0, "gda"), ("game-extragradient", 1, 0, "extragradient"), ("game-optimistic", 0, -1, "optimistic"),
])  # fmt: skip
def test_the_claims_about_them_are_their_slow_solutions(name: str, ahead: int, own: int, key: str) -> None:
    """What the literature's claims say at gamma^2, solved by hand, is the slow solution of the second-order equation."""
    table = next(c for c in read_claims([LITERATURE]) if c.id == f"chavdarova-{key}-2").data
    equation, names, loss, expected = high_resolution(name, ahead, own)
    formulas = formulas_of(equation)
    claimed = {x: tuple(formulas.series(text, 2, x)) for x, text in table.says.items()}
    assert fields(replace(equation, equations=claimed), loss, "x = x1, x2; y = y1", names) == expected


# ------------------------------------------------------------------------------------------ special games


def test_common_payoff_at_the_same_time_is_gradient_descent() -> None:
    """g = f: both players together descend one loss of (x, y), whose equation gradient descent's is."""
    loss = text(random_loss(Random(11), 2), ["x1", "y1"])
    game = modified_equation("game-simultaneous", 2, settings={"mu": "1"}).on_loss(f"f = {loss}; g = {loss}")
    plain = modified_equation("gd", 2).on_loss(loss)["theta"]
    assert [[*a, *b] for a, b in zip(game["x"], game["y"], strict=True)] == [list(c) for c in plain]


def test_bilinear_zero_sum_game() -> None:
    """f = x y: simultaneous steps spiral outwards, r' = gamma r/2, alternating ones keep an ellipse through gamma^1."""
    def growth(name: str) -> Any:
        explicit = modified_equation(name, 1, settings={"mu": "1"}).on_loss("f = x*y; g = -x*y")
        x, y = sp.symbols("x y")
        return sp.factor(x * explicit["x"][1][0] + y * explicit["y"][1][0])

    x, y = sp.symbols("x y")
    assert growth("game-simultaneous") == sp.factor((x**2 + y**2) / 2)
    explicit = modified_equation("game-alternating", 1, settings={"mu": "1"}).on_loss("f = x*y; g = -x*y")
    energy, step = (x**2 + y**2) / 2, sp.Symbol("gamma")
    for sign, conserved in ((1, False), (-1, True)):
        modified = energy + sign * step * x * y / 2
        rate = sum(
            sp.diff(modified, v) * (explicit[n][0][0] + step * explicit[n][1][0]) for n, v in (("x", x), ("y", y))
        )
        assert (sp.expand(rate).coeff(step, 1) == 0) is conserved


def test_two_batches_mean_over_both_orders_is_the_implicit_regulariser() -> None:
    """Smith et al. 2021: the mean over both orders is -grad of L + gamma/4 (|grad L1|^2 + |grad L2|^2), L = L1 + L2."""
    first = modified_equation("two-batches", 1)["theta"][1]
    text_ = load_scheme("two-batches").update
    swapped = text_.replace("L1", "L3").replace("L2", "L1").replace("L3", "L2")
    tables = '[functions]\nL1 = "loss(theta)"\nL2 = "loss(theta)"\n'
    second = modified_equation(scheme_from_toml(f'update = """{swapped}"""\n{tables}'), 1)["theta"][1]
    total = {t: str((first.coefficient(t) + second.coefficient(t)).reduced()) for t in first.by_text}
    assert total == {
        "hess(L1, theta, grad(L1, theta))": "-1", "hess(L1, theta, grad(L2, theta))": "0",
        "hess(L2, theta, grad(L1, theta))": "0", "hess(L2, theta, grad(L2, theta))": "-1",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------ laws


def game_algebra() -> Algebra:
    losses = {"f": ("x", "y"), "g": ("y",)}
    return Algebra(Ring(["a"]), gradients(losses), {s: s[0] for s in ("x", "y", "xu", "xv", "yu", "yv")})


def test_mixed_derivatives_commute() -> None:
    """<w, D_y grad_x f [u]> is one number from whichever index it is read, for every rank and space."""
    a = game_algebra()
    for label, w, directions in [
        ("f.x", "xu", ["yu"]), ("f.y", "yu", ["xv"]), ("f.x", "xv", ["xu", "yu"]), ("f.y", "yv", ["xu", "yu", "xv"]),
        ("g.y", "yu", ["yv"]),
    ]:  # fmt: skip
        def pairing(label: str, first: str, others: Sequence[str]) -> Any:
            node = a.node_of_sums(label, [a.state(s) for s in others])
            return a.contract(a.product(a.state(first), node))

        expected = pairing(label, w, directions)
        everything = [w, *directions]
        for i, first in enumerate(everything):
            others = everything[:i] + everything[i + 1 :]
            assert pairing(f"{label[0]}.{first[0]}", first, others) == expected


def test_gradient_of_a_number() -> None:
    """grad_y |grad_x f|^2 = 2 D grad_y f [grad_x f], and the gradient's text is the algebra's own."""
    a = game_algebra()
    g = a.node_sum("f.x", [])
    found = gradient(a, a.contract(a.product(g, g)), "y")
    assert same(a, found, a.scale(a.node_of_sums("f.y", [g]), a.ring.constant(2)))
    tables = '[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\n[parameters]\na = ""\n'
    for number, expected in [
        ("dot(grad(f, x), grad(f, x))/2", "hess(f, y, grad(f, x))"),
        ("dot(grad(f, x), hess(f, x, y))", "hess(f, y, hess(f, x, y)) + d3(f, y, y, grad(f, x)) + hess(f, y, grad(f, x))"),
        ("norm(grad(f, y))", "dot(grad(f, y), grad(f, y))**(-1/2)*hess(f, y, grad(f, y))"),
        ("a*dot(grad(f(x, 2*y), x), x)**2", "4*a*dot(grad(f(x, 2*y), x), x)*hess(f(x, 2*y), y, x)"),
    ]:  # fmt: skip
        both = [
            modified_equation(scheme_from_toml(f'update = "x = x; y = y - gamma*({e})"\n{tables}'.replace("; ", "\\n")), 0)
            for e in (f"gradient({number}, y)", expected)
        ]
        assert str(both[0]["y"][0]) == str(both[1]["y"][0]), number


@pytest.mark.parametrize("name", ["game-alternating", "game-consensus", "game-negative-momentum", "game-optimistic"])
def test_other_letters_change_the_letters(name: str) -> None:
    """Names that sort alike: the equation is the same with other letters."""
    scheme = load_scheme(name)
    names = {"x": "xk", "y": "yk", "f": "fk", "g": "gk", "p": "pk", "q": "qk", "u": "uk", "v": "vk"}

    source = (resources.files("derive") / "schemes" / f"{name}.toml").read_text("utf-8")
    _, _, rest = source.partition("update = ")
    rest = re.sub(r"\b[a-z]\b", lambda m: names.get(m.group(), m.group()), rest)
    other = modified_equation(scheme_from_toml("update = " + rest, name), 1)
    plain = modified_equation(scheme, 1)
    for x, sums in plain.equations.items():
        back = [re.sub(r"\b(\w)k\b", r"\1", str(s)) for s in other.equations[names[x]]]
        assert back == [str(s) for s in sums]


def test_results_compare_and_copy() -> None:

    a, b = modified_equation("game-alternating", 2), modified_equation("game-alternating", 2)
    assert a["x"][2] == b["x"][2]
    assert a["x"][1] != modified_equation("game-simultaneous", 1)["y"][1]
    assert pickle.loads(pickle.dumps(a["y"][2])) == a["y"][2] == copy.deepcopy(a["y"][2])
    game = modified_equation("game-negative-momentum", 1)
    assert copy.deepcopy(game["u"][1]) == game["u"][1]


# ------------------------------------------------------------------------------------------ language

TABLES = '[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\ng = "loss(y)"\nr = "rate"\n[parameters]\na = ""\n'


def game(update: str, tables: str = TABLES) -> Scheme:
    return scheme_from_toml(f'update = """{update}"""\n{tables}', "game")


def test_sugar_is_written_once_and_read_back() -> None:
    scheme = game("u = x - gamma*grad(f, x)\nx = x - gamma*r(t)*grad(f(u, y), x)\ny = y - gamma*hess(f, y, u)")
    written = [unparse(a.value) for a in scheme.program]
    assert written[1] == "x - gamma*r(t)*grad(f(u, y), x)"
    assert written[2] == "y - gamma*hess(f(x, y), y, u)"
    again = game("\n".join(f"{a.target} = {unparse(a.value)}" for a in scheme.program))
    assert again.program == scheme.program
    assert scheme.spaces["u"] == "x"


@pytest.mark.parametrize("update, message", [
    ("x = x - gamma*grad(f, y); y = y", "meets one of"),
    ("x = x + y; y = y", "a vector of x's space meets one of y's"),
    ("x = x*dot(x, y); y = y", "meets one of"),
    ("x = x - gamma*grad(g, x); y = y", "g does not depend on 'x'"),
    ("x = x - gamma*grad(f(y, y), x); y = y", "f takes x where a vector of y's space stands"),
    ("x = x - gamma*grad(f(x), x); y = y", "f takes 2 arguments"),
    ("x = x - gamma*grad(x); y = y", r"write grad\(f, x\)"),
    ("x = x - gamma*hess(f, x, a); y = y", "a direction of a derivative of f"),
    ("y = y - gamma*hess(g, y, x); x = x", "a direction of a derivative of g"),
    ("u = x; u = y; x = x; y = y", "'u' is a vector of x's space and here one of y's"),
    ("x = x - gamma*f(y, y)*x; y = y", "f takes x where a vector of y's space stands"),
    ("x = x - gamma*gradient(x, x); y = y", "gradient takes a number"),
    ("u = x; x = x - gamma*gradient(dot(u, u), x); y = y", "write u out"),
    ("x = x", "y is never assigned"),
    ("x = x - gamma*field(x); y = y", r"write grad\(f, x\), and f = "),
])  # fmt: skip
def test_refusals(update: str, message: str) -> None:
    with pytest.raises((ParseError, SchemeError), match=message):
        game(update.replace("; ", "\n"))


@pytest.mark.parametrize("tables, message", [
    ('[unknowns]\nx = ""\n[functions]\nf = "loss(x, y)"\n', "'y' is no unknown"),
    ('[unknowns]\nx = ""\ny = ""\n[functions]\nx = "loss(x, y)"\n', "'x' has a meaning already"),
    ('[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\n[parameters]\nf = ""\n', "'f' is how"),
    ('[unknowns]\ngamma = ""\n', "'gamma' cannot be used as a name"),
])  # fmt: skip
def test_declarations_refused(tables: str, message: str) -> None:
    with pytest.raises(SchemeError, match=message):
        game("x = x\ny = y", tables)


def test_a_number_is_no_vector_of_several_spaces() -> None:
    with pytest.raises(ReductionError, match="a number stands where a vector is meant"):
        modified_equation(game("x = x - gamma*dot(x, x)\ny = y - gamma*grad(f, y)"), 1)


@pytest.mark.parametrize("loss, variables, message", [
    ("f = x1*y1", None, "g is missing"),
    ("f = x1*y1; h = y1", None, "'h' is no loss of the scheme"),
    ("f = x1*y1; g = x1", None, "'x1' is a variable of x, on which g does not depend"),
    ("f = x1*s; g = y1", None, "to which unknown does 's' belong"),
    ("f = x1*y1; g = y1", "x = x1", "y has none"),
    ("f = x1*y1; g = y1", "x = x1; y = y1, x1", "'x1' is given twice"),
    ("f = x1*y1; g = y1", "x = x1; w = y1", "'w' is no unknown"),
])  # fmt: skip
def test_games_refused(loss: str, variables: str | None, message: str) -> None:
    equation = modified_equation(game("x = x - gamma*grad(f, x)\ny = y - gamma*grad(g, y)"), 0)
    with pytest.raises(UsageError, match=message):
        equation.on_loss(loss, variables=variables)


def test_readings_of_one_loss_refuse_games() -> None:

    for reading in (
        lambda s: accuracy(s, "theta' + grad"), modified_energy, modified_loss, modifying_field, second_order,
        method_of_scheme,
    ):  # fmt: skip
        for name in ("game-alternating", "two-batches"):
            with pytest.raises(DeriveError, match=r"reads one loss L\(theta\)"):
                reading(name)  # type: ignore[operator]


def test_a_gradient_elsewhere_has_all_its_arguments() -> None:
    found = modified_equation(game("x = x - gamma*grad(f(x, 2*y), x)\ny = y - gamma*grad(g, y)"), 1)
    assert str(found["x"][0]) == "-grad(f(x, 2*y), x)"
    assert str(found["x"][1]) == "-hess(f(x, 2*y), x, grad(g, y)) - 1/2*hess(f(x, 2*y), x, grad(f(x, 2*y), x))"


def test_momentum_of_two_kinds() -> None:
    """x with fixed beta, y with a velocity that is slow: an equation for x, y and eta, in eta's space."""
    tables = TABLES.replace('a = ""', 'b = "momentum, 0 <= b < 1"\nlam = "friction, lam > 0"\n[regimes.slow]\nw = "gamma*eta"')
    text_ = "v = b*v - gamma*grad(f, x)\nx = x + v\nw = (1 - lam*gamma)*w - gamma**2*grad(f, y)\ny = y + w"
    equation = modified_equation(game(text_, tables), 1)
    assert {x: str(sums[0]) for x, sums in equation.equations.items()} == {
        "x": "-1/(1 - b)*grad(f, x)", "y": "eta", "eta": "-lam*eta - grad(f, y)",
    }  # fmt: skip
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"], data["memory"]).proved
    values = equation.subs(b="1/2", lam="1").evaluate(
        "f = x1*x2*y1**2; g = y1", {"x1": 1, "x2": 2, "y1": "1/2", "eta_y1": 3}
    ).values
    assert {x: [len(block) for block in powers] for x, powers in values.items()} == {"x": [2, 2], "y": [1, 1], "eta": [1, 1]}
    assert values["eta"][0] == ["-5"]
    with pytest.raises(ReductionError, match="drives x, a Jordan block"):
        modified_equation(game("v = v - gamma*grad(f, x)\nx = x + v\ny = y"), 0)


def test_implicit_players() -> None:
    """x_next and y_next: the proximal point method, whose drift is minus that of simultaneous steps."""
    scheme = game("x = x - gamma*grad(f(x_next, y_next), x)\ny = y - gamma*grad(f(x_next, y_next), y)")
    equation = modified_equation(scheme, 1)
    assert str(equation["x"][1]) == "1/2*hess(f, x, grad(f, x)) + 1/2*hess(f, x, grad(f, y))"
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"]).proved
    past = modified_equation(game("x = x - gamma*grad(f(2*x - x_prev, y), x)\ny = y - gamma*grad(g, y)"), 1)
    data = past.to_json()
    assert prove(past.configuration, data["equations"], data["memory"]).proved
