"""Modified losses of players: published values, the same by sympy on concrete games, perturbed fields refused."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
import sympy as sp
from game_maps import random_loss, text
from test_games import concrete, perturbed

from derive import load_scheme, modified_equation
from derive.algebra.calculus import Transfer, gradient, same
from derive.equation import ModifiedEquation, TermSum
from derive.errors import ReductionError, UsageError
from derive.readings.change import derivatives_along, residual
from derive.readings.compare import compare
from derive.readings.explain import explain
from derive.readings.loss import losses_of, modified_loss, modified_losses
from derive.readings.potential import ModifiedLoss
from derive.scheme import Scheme, scheme_from_toml
from derive.writing.explanation import explanation_lines
from derive.writing.notation import ASCII

ONE = {"mu": "1"}
NAMES = ["x1", "x2", "y1", "y2"]
BLOCKS = {"x": NAMES[:2], "y": NAMES[2:]}


def texts(v: ModifiedLoss) -> list[str]:
    return [str(s) for s in v.potential]


# ------------------------------------------------------------------------------------------ published values


def test_zero_sum_and_common_payoff_of_simultaneous_steps() -> None:
    """Rosca et al. 2021, Corollaries on two-player games: with equal rates, zero sum E = f,
    f + gamma/4 |grad_x f|^2 - gamma/4 |grad_y f|^2 for x, -f + gamma/4 |grad_y f|^2 - gamma/4 |grad_x f|^2 for y."""
    v = modified_losses("game-simultaneous", settings=ONE)
    zero, common = v.special["g = -f"], v.special["g = f"]
    x, y = "dot(grad(f, x), grad(f, x))", "dot(grad(f, y), grad(f, y))"
    assert texts(zero["x"]) == ["f", f"1/4*{x} - 1/4*{y}"]
    assert texts(zero["y"]) == ["-f", f"-1/4*{x} + 1/4*{y}"]
    assert texts(common["x"]) == texts(common["y"]) == ["f", f"1/4*{x} + 1/4*{y}"]
    assert all(zero[p].obstruction is None and zero[p].conclusion.verdict == "exists" for p in "xy")


def test_general_games_keep_the_own_part() -> None:
    """The interaction -gamma/2 D_y grad_x f [grad_y g] is no gradient in x for all f, g; the norm of the own gradient is."""
    v = modified_losses("game-simultaneous", settings=ONE)
    for player, own, other, f, g in (("x", "x", "y", "f", "g"), ("y", "y", "x", "g", "f")):
        o = v[player].obstruction
        assert o is not None
        assert (v[player].exists_through, texts(v[player])) == (0, [f])
        assert str(o.gradient_part) == f"1/4*dot(grad({f}, {own}), grad({f}, {own}))"
        assert str(o.remainder) == f"-1/2*hess({f}, {own}, grad({g}, {other}))"
        assert v[player].conclusion.verdict == "none exists"
        assert f"functions V_{player} of x, y" in v[player].conclusion.complete_over


def test_alternating_steps_turn_the_second_players_sign() -> None:
    """Rosca et al. 2021: y sees the new x; its interaction term has the opposite sign, as |grad_x f|^2 in zero-sum V_y has."""
    together, turns = (modified_losses(f"game-{n}", settings=ONE) for n in ("simultaneous", "alternating"))
    x, y = "dot(grad(f, x), grad(f, x))", "dot(grad(f, y), grad(f, y))"
    assert texts(turns.special["g = -f"]["y"]) == ["-f", f"1/4*{x} + 1/4*{y}"]
    assert texts(turns.special["g = -f"]["x"]) == texts(together.special["g = -f"]["x"])
    ours, theirs = (v["y"].obstruction for v in (turns, together))
    assert ours is not None
    assert theirs is not None
    assert str(ours.remainder) == "1/2*hess(g, y, grad(f, x))" == str(theirs.remainder).removeprefix("-")


def test_consensus_is_a_gradient_for_each_player_in_the_limit() -> None:
    """Mescheder et al. 2017: both descend f + lam/2 (|grad_x f|^2 + |grad_y g|^2), by construction."""
    v = modified_losses("game-consensus", 0)
    part = "lam/2*dot(grad(f, x), grad(f, x)) + lam/2*dot(grad(g, y), grad(g, y))"
    assert texts(v["x"]) == [f"f + {part}"]
    assert texts(v["y"]) == [f"g + {part}"]
    assert modified_losses("game-symplectic-adjustment", 0)["x"].exists_through == -1


def test_two_batches() -> None:
    """Smith et al. 2021: L1 then L2 follows no loss at gamma^1; the part that is one is their mean over both orders."""
    v = modified_losses("two-batches")["theta"]
    assert texts(v) == ["L1 + L2"]
    o = v.obstruction
    assert o is not None
    values = {str(t): str(b) for t, b in o.rootings[0][1]}
    assert values == {"hess(L1, theta, grad(L2, theta))": "-1/2", "hess(L2, theta, grad(L1, theta))": "1/2"}
    assert v.conclusion.complete_over == "functions V of theta with theta' = -grad V for all losses L1, L2"


# ------------------------------------------------------------------------------------------ second routes

ONE_LOSS = """update = '''
q = grad(f, y)
x = x - gamma*grad(f, x)
y = y {sign} gamma*q
'''
[unknowns]
x = ""
y = ""
[functions]
f = "loss(x, y)"
"""


def one_loss(sign: str) -> Scheme:
    return scheme_from_toml(ONE_LOSS.format(sign=sign), "one loss")


@pytest.mark.parametrize("sign, name", [("-", "g = f"), ("+", "g = -f")])
def test_declaring_one_loss_says_the_same_and_sympy_agrees(sign: str, name: str) -> None:
    """x' = -grad_x V_x on a concrete game, V_x differentiated by sympy."""
    equation = modified_equation(one_loss(sign), 1)
    v = losses_of(equation)
    special = modified_losses("game-simultaneous", settings=ONE).special[name]
    assert {p: texts(w) for p, w in v.players.items()} == {p: texts(w) for p, w in special.players.items()}
    loss = text(random_loss(Random(5), 4), NAMES)
    f = sp.sympify(loss)
    squares = {p: sum(sp.diff(f, n) ** 2 for n in block) for p, block in BLOCKS.items()}
    explicit = equation.on_loss(f"f = {loss}", variables="x = x1, x2; y = y1, y2")
    for player, block in BLOCKS.items():
        own, other = squares[player], squares["y" if player == "x" else "x"]
        potential = (own + (other if sign == "-" else -other)) / 4
        assert texts(v[player])[1] == texts(special[player])[1]
        for component, n in zip(explicit[player][1], block, strict=True):
            assert sp.expand(component + sp.diff(potential, n)) == 0
            assert sp.expand(component + sp.diff(potential + own / 1000, n)) != 0


GAMES = [
    ("game-simultaneous", {}), ("game-alternating", {}), ("game-extragradient", {}), ("game-negative-momentum", {}),
    ("game-consensus", {}), ("game-symplectic-adjustment", {}), ("two-batches", {}),
]  # fmt: skip


@pytest.mark.parametrize("form", ["flow", "map"])
@pytest.mark.parametrize("name, settings", GAMES)
def test_witnesses_are_asymmetric_jacobians(name: str, settings: Mapping[str, str], form: str) -> None:
    """The witness's number by sympy: the player's block of the Jacobian, minus its transpose, applied to u."""
    equation = modified_equation(name, 1, form=form, settings=settings)
    found = losses_of(equation)
    for player, v in found.players.items():
        if v.obstruction is None:
            continue
        w = v.obstruction.witness
        assert w is not None, player
        players = {"x": "x = x1, x2; y = y1, y2"}.get(next(iter(found.players)))
        field = equation.on_loss(w.loss, variables=players)[player][v.obstruction.power]
        block = BLOCKS[player] if players else ["x", "y"]
        point = {sp.Symbol(n): sp.Rational(x) for n, x in {**w.at, **w.parameters}.items()}
        jacobian = sp.Matrix(field).jacobian([sp.Symbol(n) for n in block]).subs(point)
        u = sp.Matrix([sp.Rational(w.at[f"{v.obstruction.direction}_{n}"]) for n in block])
        value = ((jacobian - jacobian.T) * u)[block.index(w.component)]
        assert value == sp.Rational(w.value) != 0


@pytest.mark.parametrize("word", ["(xy)", "x x y", "x y z"])
def test_gradient_part_and_remainder_are_the_field(word: str) -> None:
    """F = -grad_x W + remainder at the power of the obstruction, in any word of moves."""
    equation = modified_equation(concrete(word, 1)[0], 1)
    for player, v in losses_of(equation).players.items():
        o = v.obstruction
        assert o is not None
        assert o.power == 1
        a = o.remainder.algebra
        field = Transfer(equation.algebra, a)(equation[player][1].sum)
        assert same(a, a.add(gradient(a, o.gradient_part.sum, player), field), o.remainder.sum)


@pytest.mark.parametrize("player", ["x", "y"])
@pytest.mark.parametrize("index", [0, 1])
def test_a_perturbed_field_has_no_modified_loss(player: str, index: int) -> None:
    """One coefficient of a zero-sum game's field at gamma changed by a thousandth: -f_xx f_x/2 alone is still a gradient,
    and so is D_y grad_x f [grad_y f], as one loss's rootings are one each; at gamma^0 and gamma^2 the rest follows."""
    equation = modified_equation(one_loss("+"), 2)
    intact = losses_of(equation)[player]
    changed = losses_of(perturbed(equation, player, 1, index))[player]
    assert changed.exists_through == intact.exists_through == 1
    assert texts(changed) != texts(intact)


def test_a_perturbed_game_of_two_losses_is_refused() -> None:
    """-1/2 (D_y grad_x f [grad_y g] + D_y grad_x g [grad_y f]) is a gradient; one coefficient off, and it is none."""
    equation = modified_equation("game-simultaneous", 1, settings=ONE)
    a = equation.algebra
    terms = [
        a.node_sum("f.x", list(a.node_sum("g.y", []))),
        a.node_sum("g.x", list(a.node_sum("f.y", []))),
    ]  # fmt: skip

    def read(second: Fraction) -> ModifiedLoss:
        half = a.ring.constant(Fraction(-1, 2))
        field = a.add(a.scale(terms[0], half), a.scale(terms[1], half * a.ring.constant(second)))
        changed: ModifiedEquation = replace(equation, equations={**equation.equations, "x": (TermSum(a, {}), TermSum(a, field))})
        return losses_of(changed)["x"]

    assert texts(read(Fraction(1))) == ["0", "1/2*dot(grad(f, y), grad(g, y))"]
    assert read(Fraction(1001, 1000)).exists_through == 0


# ------------------------------------------------------------------------------------------ general terms, refusals


def test_a_normalised_player() -> None:
    """-grad_x f/|grad_x f| is no gradient for every f; -grad_x f |grad_x f|^2 neither; dot(x, x) x is one, of |x|^4/4."""
    def scheme(move: str) -> Scheme:
        return scheme_from_toml(ONE_LOSS.format(sign="+").replace("gamma*grad(f, x)", f"gamma*{move}"), "one")

    for move in ("grad(f, x)/norm(grad(f, x))", "dot(grad(f, x), grad(f, x))*grad(f, x)"):
        v = modified_losses(scheme(move), 0)["x"]
        assert v.exists_through == -1
        assert v.obstruction is not None
        assert not v.obstruction.trees
        assert v.conclusion.verdict == "none exists"
    assert texts(modified_losses(scheme("dot(x, x)*x"), 0)["x"]) == ["1/4*dot(x, x)**2"]


def test_names_of_the_direction_are_free() -> None:
    """An unknown called u: the symbolic direction has another name, and the result is the same."""
    renamed = ONE_LOSS.format(sign="-").replace("x", "u")
    v = modified_losses(scheme_from_toml(renamed, "one"), 2)["u"]
    w = modified_losses(one_loss("-"), 2)["x"]
    assert v.obstruction is not None
    assert w.obstruction is not None
    assert (v.obstruction.direction, w.obstruction.direction) == ("uu", "u")
    assert str(v.obstruction.remainder).replace("u", "x") == str(w.obstruction.remainder)


def test_results_pickle() -> None:
    v = modified_losses("game-simultaneous")
    again = pickle.loads(pickle.dumps(v))
    assert again.to_json() == v.to_json()
    assert repr(v) == "<ModifiedLosses game-simultaneous, regime rates, flow: x through gamma^0, y through gamma^0>"


def refused(read: object, message: str, kind: type[Exception] = ReductionError) -> None:
    with pytest.raises(kind, match=message):
        read()  # type: ignore[operator]


def test_refusals() -> None:
    velocity = ONE_LOSS.format(sign="-").replace("y = y - gamma*q", "w = w - gamma**2*q\ny = y + w")
    slow = scheme_from_toml(velocity + '[regimes.slow]\nw = "gamma*eta"\n', "velocity")
    refused(lambda: modified_losses(slow, 1), "the slow variables are x, y, eta, so the equation is no gradient flow in x and y")
    refused(lambda: modified_losses("gd"), "it declares no losses of its own")
    refused(lambda: modified_loss("game-simultaneous"), "modified_losses has one for each unknown")
    refused(lambda: modified_losses("game-simultaneous")["z"], "no unknown 'z'", UsageError)


# ------------------------------------------------------------------------------------------ comparisons


def test_simultaneous_and_alternating_steps() -> None:
    """Rosca et al. 2021: they differ at gamma in y alone, by mu D_x grad_y g [grad_x f]; no change of variables removes it."""
    c = compare("game-simultaneous", "game-alternating", 1)
    assert (c.same_through, str(c.differences["x"]), str(c.differences["y"])) == (0, "0", "mu*hess(g, y, grad(f, x))")
    assert (c.conclusion.verdict, c.changes) == ("none exists", None)
    assert "sums of derivatives of f and g" in c.conclusion.complete_over
    data = c.to_json()
    assert data["difference"]["terms"] == {"x": [], "y": [{"coefficient": "mu", "term": "hess(g, y, grad(f, x))"}]}


@pytest.mark.parametrize("other, through", [("game-extragradient-past", 2), ("game-optimistic", 2)])
def test_optimistic_gradient_is_extragradient_from_the_past(other: str, through: int) -> None:
    """Its iterates are the midpoints (Gidel et al. 2019, Section 3.2): the same equation in u = x - gamma grad_x f + ..."""
    c = compare(other, "game-optimistic", 2)
    assert c.changes is not None
    if other == "game-optimistic":
        assert c.same_through == 2
        return
    assert c.same_through == 1
    algebra = c.differences["x"].algebra
    f, g = ({x: [Transfer(e.algebra, algebra)(s.sum) for s in e[x]] for x in "xy"} for e in (c.first, c.second))
    along = derivatives_along(algebra, f, None)
    change = {x: [s.sum for s in own] for x, own in c.changes.items()}

    def left(k: int) -> bool:
        return any(not algebra.is_zero(r) for r in residual(algebra, g, change, k, along, None).values())

    assert not any(left(k) for k in range(through + 1))
    term = next(iter(change["y"][1]))
    change["y"][1] = change["y"][1] | {term: algebra.ring.constant(Fraction(1001, 1000))}
    assert left(2)


def test_a_game_moved_by_a_change_is_recognised_and_a_perturbed_one_is_not() -> None:
    """Words that are one another's rotations, x y and y x, are conjugate by a half-step: y first is x first after y's move."""
    first = one_loss("+")
    text_ = ONE_LOSS.format(sign="+").replace("q = grad(f, y)\n", "").replace("*q", "*grad(f, y)")
    lines = text_.splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    x_first, y_first = scheme_from_toml(text_, "x first"), scheme_from_toml("\n".join(lines), "y first")
    c = compare(x_first, y_first, 2)
    assert c.same_through == 0
    assert c.conclusion.verdict == "exists"
    assert compare(first, x_first, 2).conclusion.verdict == "none exists"


def test_step_ratio_of_players() -> None:
    """Heavy ball of both players is a game with the step gamma/(1 - beta); one player's own rate is no step."""
    assert str(compare("game-simultaneous", "game-negative-momentum", 1, settings=ONE).step_ratio) == "(1 - beta)"
    unequal = scheme_from_toml(ONE_LOSS.format(sign="+").replace("+ gamma*q", "+ 2*gamma*q"), "unequal")
    c = compare(one_loss("+"), unequal, 1)
    assert c.step_ratio is None
    assert c.conclusion.verdict == "none exists"
    assert "x_B = x_A + gamma c_1,x" in c.conclusion.complete_over


@pytest.mark.parametrize("other", ["gd", "two-batches"])
def test_schemes_of_different_losses_are_not_compared(other: str) -> None:
    refused(lambda: compare("game-simultaneous", other), "schemes of different losses are not compared", UsageError)


# ------------------------------------------------------------------------------------------ the screen


def test_explanation_of_a_game() -> None:
    e = explain("game-alternating", settings=ONE)
    said = "\n".join(explanation_lines(e, ASCII.knowing(load_scheme("game-alternating"))))
    assert "modified loss, regime rates of x: f; no gradient at gamma^1" in said
    assert "stability on the bilinear game f = s x y, g = -f (bounded, undamped): 0 < gamma s < 2" in said
    assert "no transient, the flow starts at the initial point" in said
    data = e.to_json()
    assert set(data["modified_loss"]["players"]) == {"x", "y"}
    assert "unstable on the bilinear game" in "\n".join(explanation_lines(explain("game-simultaneous"), ASCII))
    assert "(bounded" not in "\n".join(explanation_lines(explain("game-simultaneous"), ASCII))
    assert str(explain("game-optimistic").layer).startswith("p relaxes with factor 0: its transient is over after a step")
