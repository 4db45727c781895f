"""Sums over layers: laws of B at points with layers, one layer, every component a layer, values, and the proof."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
import sympy as sp
from algebra_texts import drawn, minus, new, of, text
from click.testing import CliRunner
from hypothesis import assume, given
from hypothesis import strategies as st
from proof_controls import check_proof
from tensors import CALLS, Jet, Moving, Undefined, agree, many_digits

from derive import ModifiedEquation, configure, inline_scheme, modified_equation
from derive.algebra.calculus import Adjoint, Derivative, Transfer, same
from derive.algebra.sums import Algebra, Sum, accumulate
from derive.commands.main import main as derive_main
from derive.engine.formula import read_term
from derive.errors import SchemeError
from derive.language import SCHEME_CALLS, Call, Expression, Operation, parse_expression, unparse
from derive.language.layers import LAYER
from derive.scheme import scheme_from_toml
from verify.commands.main import main as verify_main
from verify.proof import prove
from verify.proof.layers import layouts, partitions

#: five components in three layers that are no intervals
LAYERS = ((0, 3), (1, 4), (2,))
NORMALISED = "g = grad(theta); theta = theta - gamma*g/norm(g, layer)"
NESTED = "h = hess(theta, grad(theta)/norm(hess(theta, theta), layer)); theta = theta - gamma*norm(h, layer)*theta"
TRUSTING = "g = grad(theta); theta = theta - gamma*norm(theta, layer)/norm(g, layer)*g"


def layered(algebra: Algebra, x: Sum) -> Sum:
    return algebra.contract(x, LAYER)


# ---------------------------------------------------------------------------------------------- laws of B


@given(st.data())
def test_what_is_constant_on_layers_is_pulled_out(data: st.DataObject) -> None:
    """B(c x) = c B(x) for c made of B's and scalars, roots of them too; B(B x) = B(1) B(x)."""
    algebra = new()
    x, y, z = drawn(data, algebra, 3)
    one = algebra.constant(algebra.ring.one)
    positive = algebra.add(layered(algebra, algebra.product(z, z)), algebra.constant(algebra.ring.symbol("a")))
    known = algebra.known("exp", layered(algebra, y))
    for c in (layered(algebra, y), algebra.contract(y), algebra.power(positive, Fraction(-1, 2)), known):
        assert layered(algebra, algebra.product(c, x)) == algebra.product(c, layered(algebra, x))
    assert layered(algebra, layered(algebra, x)) == algebra.product(layered(algebra, one), layered(algebra, x))
    assert layered(algebra, algebra.add(x, y)) == algebra.add(layered(algebra, x), layered(algebra, y))


@given(st.data())
def test_a_layer_sum_is_self_adjoint_in_normal_form(data: st.DataObject) -> None:
    """<x, B y> = <B x, y>, and with B(z) beside them, and <B x, B y> = <B(1) x, B y>: equal as dictionaries."""
    algebra = new()
    x, y, z = drawn(data, algebra, 3)
    b = lambda m: layered(algebra, m)
    assert algebra.contract(algebra.product(x, b(y))) == algebra.contract(algebra.product(b(x), y))
    three = [(x, y, z), (y, z, x), (z, x, y)]
    first, *others = (algebra.contract(algebra.product(p, algebra.product(b(q), b(r)))) for p, q, r in three)
    assert all(minus(algebra, first, other) == {} for other in others)
    sizes = b(algebra.constant(algebra.ring.one))
    both = algebra.contract(algebra.product(b(x), b(y)))
    assert both == algebra.contract(algebra.product(sizes, algebra.product(x, b(y))))
    mean = algebra.product(b(x), algebra.power(sizes, Fraction(-1)))
    assert algebra.contract(mean) == algebra.contract(x), "the sum over all components of the mean over the layer"


@given(st.data())
def test_layer_sums_have_the_values_of_layer_sums(data: st.DataObject) -> None:
    """Normal forms at points with layers, beside plain sums over indices; texts are read back."""
    algebra, jet = new(), Jet(3, 5, layers=LAYERS)
    x, y = drawn(data, algebra, 2, powers=True)
    try:
        with many_digits():
            values, others = jet.of(x), jet.of(y)
            summed = jet.summed(values, LAYER)
            assert agree(jet.of(layered(algebra, x)), summed)
            product = [a * b for a, b in zip(summed, others, strict=True)]
            assert agree(jet.of(algebra.product(layered(algebra, x), y)), product)
            total = algebra.contract(algebra.product(layered(algebra, x), y))
            assert agree(jet.of(total), jet.summed(product))
    except Undefined:
        assume(False)
    assert minus(algebra, of(algebra, text(algebra, layered(algebra, x))), layered(algebra, x)) == {}


@given(st.data())
def test_a_layer_sum_commutes_with_derivatives(data: st.DataObject) -> None:
    """D(B m)[u] = B(D m[u]); <w, D(B m)[u]> = <(D B m)^T w, u>; the value of D(B m) is the derivative of the value."""
    algebra, jet = new(), Jet(4, 5, layers=LAYERS)
    x, w = drawn(data, algebra, 2)
    u = of(algebra, "u")
    for variable in ("theta", "eta"):
        d = Derivative(algebra, {variable: u})
        inner = layered(algebra, x)
        assert minus(algebra, d(inner), layered(algebra, d(x))) == {}
        forward = algebra.contract(algebra.product(w, d(inner)))
        backward = algebra.contract(algebra.product(Adjoint(algebra, variable)(inner, w), u))
        assert same(algebra, forward, backward), variable
        moving = Moving(jet, {variable: jet.state("u")})
        dual = [getattr(v, "b", 0) for v in moving.of(inner)]
        assert agree(jet.of(d(inner)), dual)


@given(st.data())
def test_a_layer_sum_goes_to_another_algebra_and_back(data: st.DataObject) -> None:
    first, second = new(), new()
    (x,) = drawn(data, first, 1, powers=True)
    there = Transfer(first, second)(layered(first, x))
    assert text(second, there) == text(first, layered(first, x))


# ---------------------------------------------------------------------------------------------- special partitions


def replaced(equation: ModifiedEquation, algebra: Algebra, change: Callable[[str], str]) -> list[Sum]:
    """The theta equation with every term's text changed and read again."""
    carried = Transfer(equation.algebra, algebra).coefficient
    found = []
    for total in equation["theta"]:
        result: Sum = {}
        for c, t in total:
            accumulate(result, algebra.scale(of(algebra, change(str(t))), carried(c)))
        found.append(result)
    return found


def as_products(formula: str) -> str:
    """dot(a, b, layer) as a*b."""
    expression = parse_expression(formula, "term", CALLS)

    def changed(e: Expression) -> Expression:
        match e:
            case Call("dot.layer", (a, b)):
                return Operation("*", (changed(a), changed(b)))
            case Call(function, args):
                return Call(function, tuple(map(changed, args)))
            case Operation(op, args):
                return Operation(op, tuple(map(changed, args)))
        return e

    return unparse(changed(expression))


INNER = "v = b*v + dot(grad(theta), theta, layer); theta = theta - gamma*v*grad(theta)"


@pytest.mark.parametrize("update", [NORMALISED, TRUSTING, INNER])
def test_one_layer_is_all_of_theta(update: str) -> None:
    """With one layer norm(x, layer) is norm(x): terms with `layer` left out are those of the plain scheme, exactly."""
    many = modified_equation(inline_scheme(update, ["b"]), 2)
    one = modified_equation(inline_scheme(update.replace(", layer", ""), ["b"]), 2)
    algebra = Algebra(one.algebra.ring)
    found = replaced(many, algebra, lambda t: t.replace(", layer", ""))
    for mine, theirs in zip(found, one["theta"], strict=True):
        assert same(algebra, mine, Transfer(one.algebra, algebra)(theirs.sum))


@pytest.mark.parametrize("update", [NORMALISED, TRUSTING])
def test_every_component_a_layer_is_the_absolute_value(update: str) -> None:
    many = modified_equation(inline_scheme(update), 2)
    each = modified_equation(inline_scheme(re.sub(r"norm\((\w+), layer\)", r"abs(\1)", update)), 2)
    algebra = Algebra(each.algebra.ring)
    for mine, theirs in zip(replaced(many, algebra, as_products), each["theta"], strict=True):
        assert same(algebra, mine, Transfer(each.algebra, algebra)(theirs.sum))


# ---------------------------------------------------------------------------------------------- the language


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("|theta|_layer/|g|_layer*g", "norm(theta, layer)/norm(g, layer)*g"),
        ("‖g‖_layer^2", "norm(g, layer)**2"),
        ("<theta, g>_layer", "dot(theta, g, layer)"),
        ("mean(g*g, layer) - mean(g)", "mean(g*g, layer) - mean(g)"),
        ("dot(theta, layer)", "dot(theta, layer)"),
    ],
)
def test_texts_of_layers(written: str, plain: str) -> None:
    """What is printed is read back; `layer` is a word only where an argument is to spare."""
    found = parse_expression(written, "example", SCHEME_CALLS, ["g", "layer"])
    assert unparse(found) == plain
    assert parse_expression(plain, "example", SCHEME_CALLS, ["g", "layer"]) == found


def test_notations() -> None:
    equation = modified_equation(inline_scheme(TRUSTING), 0)
    assert "|θ|_layer |∇L|_layer^(-1) ∇L" in str(equation)
    assert r"\left\| \theta\right\|_{\ell}\, \left\| \nabla L\right\|_{\ell}^{-1}\, \nabla L" in equation.latex()
    for _, term in equation["theta"][0]:
        assert read_term(equation.algebra, str(term)) is term


def test_sums_of_what_has_bars_are_written_by_their_names() -> None:
    update = "s = mean(abs(theta)); theta = theta - gamma*s*hess(theta, grad(theta)/norm(hess(theta, theta), layer))"
    equation = modified_equation(inline_scheme(update), 1)
    assert "s = mean(abs(θ))" in str(equation)
    assert "norm(∇²L[|∇²L[θ]|_layer^(-1) ∇L], layer)" in str(modified_equation(inline_scheme(NESTED), 0))


# ---------------------------------------------------------------------------------------------- values


def test_values_on_a_loss_with_layers() -> None:
    """By hand: g = (3, 4, 5), layers (x, y) and z: norms 5 and 5; |theta| = 13 and 2."""
    loss, at = "3*x + 4*y + 5*z", "x=5, y=12, z=2"
    found = modified_equation(inline_scheme(TRUSTING), 0).evaluate(loss, at, variables="w = x, y; b = z")
    assert found["theta"][0] == (Fraction(-39, 5), Fraction(-52, 5), -2)
    whole = modified_equation(inline_scheme(NORMALISED), 0).evaluate("2*x + 3*y + 6*z", at, variables={"all": "z, x, y"})
    assert whole["theta"][0] == (Fraction(-2, 7), Fraction(-3, 7), Fraction(-6, 7))


def test_a_step_follows_the_flow_with_layers() -> None:
    """One step from the same point is the flow for the time gamma, but for gamma^3: the error falls by eight."""
    loss, layers = "x**2/2 + x*y + y**4/4 + y*z**2 + cos(z)", "w = x, z; b = y"
    x, y, z = sp.symbols("x y z")
    equation = modified_equation(inline_scheme(TRUSTING), 1)
    field = equation.on_loss(loss, variables=layers)["theta"]
    f = [sp.lambdify((x, y, z), [power[i] for power in field], "math") for i in range(3)]
    slope = sp.lambdify((x, y, z), [x + y, x + y**3 + z**2, 2 * y * z - sp.sin(z)], "math")
    start = (1.5, 0.7, -1.2)

    def error(gamma: float) -> float:
        g = slope(*start)
        size = lambda v, places: sum(v[i] ** 2 for i in places) ** 0.5
        trust = [size(start, p) / size(g, p) for p in ((0, 2), (1,), (0, 2))]
        step = [s - gamma * t * d for s, t, d in zip(start, trust, g, strict=True)]
        point, parts = list(start), 8
        rate = lambda p: [sum(c * gamma**k for k, c in enumerate(component(*p))) for component in f]
        h = gamma / parts
        for _ in range(parts):
            k1 = rate(point)
            k2 = rate([a + h / 2 * b for a, b in zip(point, k1, strict=True)])
            k3 = rate([a + h / 2 * b for a, b in zip(point, k2, strict=True)])
            k4 = rate([a + h * b for a, b in zip(point, k3, strict=True)])
            point = [a + h / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(point, k1, k2, k3, k4, strict=True)]
        return float(max(abs(a - b) for a, b in zip(step, point, strict=True)))

    assert 7 < error(0.02) / error(0.01) < 9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "say which variables are in which, for example --variables 'w = x, y; b = z'"),
        (["--variables", "w = x, y"], "layers: 'z' is in none"),
        (["--variables", "w = x, y, q; b = z"], "layers: 'q' is no variable"),
        (["--variables", "w = x, y; b = y, z"], "layers: 'y' is in two layers"),
    ],
)
def test_layers_of_a_loss_are_asked_for(options: list[str], said: str) -> None:
    result = CliRunner().invoke(derive_main, ["modified-eq", "--update", NORMALISED, "--loss", "x**2 + y*z", *options])
    assert said in str(result.exception), result.output


@pytest.mark.parametrize(
    "reading",
    [
        "modified-loss", "second-order", "accuracy --target=theta'+grad", "stability", "energy", "modifying", "initial-layer",
        "trees", "paper -o paper.tex", "compare gd",
    ],
)  # fmt: skip
def test_readings_refuse_layers(reading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(derive_main, [*reading.split(), "novograd"])
    assert not list(tmp_path.iterdir())
    assert "knows no layers" in str(result.exception), result.output


def test_games_have_no_layers() -> None:
    scheme = """
update = "x = x - gamma*grad(f, x)/norm(grad(f, x), layer); y = y + gamma*grad(f, y)"
[unknowns]
x = ""
y = ""
[functions]
f = "loss(x, y)"
"""
    with pytest.raises(SchemeError, match="one unknown theta"):
        scheme_from_toml(scheme)


# ---------------------------------------------------------------------------------------------- the proof


def test_layouts_have_room_for_every_way_to_share_layers() -> None:
    """n index variables in layers q_1, ..., q_k, each with r more components, and r + s for scalar products."""
    assert [len(list(partitions(n))) for n in range(1, 8)] == [1, 2, 3, 5, 7, 11, 15]
    for n, r, s in ((3, 1, 0), (4, 2, 1), (2, 0, 3)):
        found = layouts(n, r, s)
        ways = [tuple(max(q + r, 2) for q in way) for way in partitions(n)]
        assert sorted(sizes[: len(sizes) - (s > 0)] for sizes in found) == sorted(ways)
        assert all(sizes[-1] == max(r + s, 2) for sizes in found if s)
        assert sum(found[0]) == max(map(sum, found))


def stated(update: str, claim: str) -> str:
    return prove(configure(inline_scheme(update)), {"theta": [claim]}, seed=5).verdict


@pytest.mark.parametrize(
    "claim",
    [
        "-grad/norm(grad)",  # for one layer only
        "-sign(grad)",  # for layers of one component only
        "-grad/dot(grad, grad, layer)**(1/2)*dot(1, 1, layer)/2",  # for layers of two only
        "-grad/norm(grad, layer)*1001/1000",
        "-grad/norm(grad, layer)*dot(1, 1)*dot(1/dot(1, 1, layer), 1/dot(1, 1, layer))",  # where all layers are one
    ],
)
def test_claims_for_some_partitions_are_refuted(claim: str) -> None:
    assert stated(NORMALISED, "-grad/norm(grad, layer)") == "proved"
    assert stated(NORMALISED, claim) == "refuted"


def test_maps_beside_layers_are_not_proved() -> None:
    scheme = scheme_from_toml('''
update = "theta = theta - gamma*P(grad(theta)/norm(grad(theta), layer))"
[functions]
P = "map"
''')
    proof = prove(configure(scheme), {"theta": ["-P(grad/norm(grad, layer))"]}, seed=5)
    assert "no declared maps beside sums over layers" in proof.reason


def test_sums_of_sums_are_proved_and_told_from_others() -> None:
    """The sum over components of the mean over their layer is the sum; B(1) in its place is not the same."""
    update = "g = grad(theta); theta = theta - gamma*dot(mean(g*g, layer), 1 + 0*g)*g"
    assert stated(update, "-dot(grad, grad)*grad") == "proved"
    assert stated(update, "-dot(dot(grad, grad, layer), 1)*grad") == "refuted"
    assert stated("theta = theta - gamma*mean(grad(theta))*theta", "-dot(grad, 1)/dot(1, 1)*theta") == "proved"


MIXED = (
    "tanh(norm(theta, layer))*g/norm(g, layer)", "norm(tanh(g), layer)*g", "log(1 + dot(g, g, layer))*g",
    "hess(theta, g/norm(g, layer))", "loss(theta - gamma*g/norm(g, layer))*theta",
)  # fmt: skip


@pytest.mark.parametrize("direction", MIXED)
def test_known_functions_and_calls_of_the_loss_meet_layers(direction: str) -> None:
    proved_and_refuted_once_perturbed(f"g = grad(theta); theta = theta - gamma*{direction}", Random(direction))


@pytest.mark.parametrize("name", ["lars", "novograd"])
def test_layered_optimizers_are_proved(name: str) -> None:
    result = CliRunner().invoke(verify_main, ["scheme", name, "--order", "1"])
    assert result.exit_code == 0, result.output
    assert "verdict: verified" in result.output


@pytest.mark.slow
def test_lamb_is_proved() -> None:
    result = CliRunner().invoke(verify_main, ["scheme", "lamb", "--order", "1"])
    assert result.exit_code == 0, result.output


DIRECTIONS = (
    "g/norm(g, layer)", "norm(theta, layer)*g", "g/sqrt(dot(g, g, layer) + eps)", "mean(g*g, layer)*g",
    "dot(g, theta, layer)*theta", "g/(norm(g, layer) + eps)", "g + c*dot(theta, theta, layer)*g", "norm(g, layer)**2*g",
    "mean(g, layer) + g",
)  # fmt: skip
SECOND = ("s = b*s + (1 - b)*norm(g, layer)**2", "s = b*s + (1 - b)*mean(g*g, layer)", "s = b*s + (1 - b)*dot(g, g)")
SCALED = ("({})/sqrt(s + eps)", "({})*s", "({})/(s + eps)")
LAST = ("theta = theta - gamma*({})", "theta = (1 - gamma*c)*theta - gamma*({})", "v = a*v + ({}); theta = theta - gamma*v")


def random_update(source: Random) -> str:
    lines, direction = ["g = grad(theta)"], source.choice(DIRECTIONS)
    if source.random() < 0.3:
        lines.append(source.choice(SECOND))
        direction = source.choice(SCALED).format(direction)
    return "; ".join([*lines, source.choice(LAST).format(direction)])


def check(seed: str) -> None:
    source = Random(seed)
    proved_and_refuted_once_perturbed(random_update(source), source)


def proved_and_refuted_once_perturbed(update: str, source: Random) -> None:
    letters = [x for x in ("a", "b", "c", "eps") if re.search(rf"\b{x}\b", update)]
    check_proof(modified_equation(inline_scheme(update, letters), 1), source)


@pytest.mark.parametrize("seed", range(10))
def test_random_texts_with_layers_are_proved_and_refuted_once_perturbed(seed: int) -> None:
    check(f"layers {seed}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_more_random_texts_with_layers(seed: int) -> None:
    check(f"more layers {seed}")
