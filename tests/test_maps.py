"""Declared maps: the laws of their algebra, values against the ordinary algebra, words, and refusals."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from click.testing import CliRunner

from derive import modified_equation
from derive.algebra.calculus import Adjoint, Derivative, Transfer
from derive.algebra.coefficients import Ring
from derive.algebra.frozen import freeze, thaw
from derive.algebra.functions import FUNCTIONS, mapping
from derive.algebra.sums import Algebra, Sum
from derive.commands.main import main
from derive.errors import DeriveError, ParseError, ReductionError, SchemeError, UsageError
from derive.language.maps import MAP_KINDS
from derive.scheme.catalogue import scheme_from_toml

MAPS = {"P": "map", "A": "linear", "p": "componentwise"}
MOMENTUM = "m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*{}"


def algebra() -> Algebra:
    return Algebra(Ring(["a"]), {**FUNCTIONS, **{n: mapping(n, kind) for n, kind in MAPS.items()}})  # type: ignore[arg-type]


def scheme_of(update: str, kind: str, words: str = "") -> Any:
    return scheme_from_toml(
        f'name = "s"\nupdate = "{update}"\n[parameters]\nbeta = "0 <= beta < 1"\n[functions]\nP = "{kind}{words}"\n'
    )


def arguments(a: Algebra) -> list[Sum]:
    """theta, grad, a grad + theta, hess(grad) and grad^2."""
    g, theta = a.node_sum("L", []), a.state("theta")
    (node,) = g
    return [theta, g, a.add(a.scale(g, a.ring.symbol("a")), theta), a.node_sum("L", [node]), a.product(g, g)]


# ------------------------------------------------------------------------------------------ laws


@pytest.mark.parametrize("name", MAPS)
def test_the_derivative_of_a_value_is_the_derivative_in_that_direction(name: str) -> None:
    """d/ds P(u + s m) = dP(u)[m], with m = Du[w], for every u and its derivative; and once more."""
    a = algebra()
    w = a.state("w")
    derivative = Derivative(a, {"theta": w})
    for u in arguments(a):
        du = derivative(u)
        assert derivative(a.mapped(name, u)) == a.mapped(name, u, [du]), u
        second = a.add(a.mapped(name, u, [du, du]), a.mapped(name, u, [derivative(du)]))
        assert derivative(a.mapped(name, u, [du])) == second, u


@pytest.mark.parametrize("name", MAPS)
def test_derivatives_are_symmetric_and_linear(name: str) -> None:
    a = algebra()
    for u, v, w in itertools.product(arguments(a), repeat=3):
        assert a.mapped(name, u, [v, w]) == a.mapped(name, u, [w, v])
        both = a.add(a.mapped(name, u, [v]), a.mapped(name, u, [w]))
        assert a.mapped(name, u, [a.add(v, w)]) == both


def test_linear_maps_are_linear_and_others_are_not() -> None:
    a = algebra()
    g, theta = a.node_sum("L", []), a.state("theta")
    for name in MAPS:
        together = a.mapped(name, a.add(g, theta))
        assert (together == a.add(a.mapped(name, g), a.mapped(name, theta))) == (name == "A")
        assert (a.mapped(name, {}) == {}) == (name == "A")
    assert a.mapped("A", g, [theta, theta]) == {}
    assert a.mapped("P", g, [theta, theta]) != a.mapped("P", theta, [g, theta])


@pytest.mark.parametrize("name", MAPS)
def test_there_and_back(name: str) -> None:
    """Through another algebra, and through a frozen form."""
    a, b = algebra(), algebra()
    for u, v in itertools.product(arguments(a), repeat=2):
        value = a.mapped(name, u, [v])
        assert Transfer(b, a)(Transfer(a, b)(value)) == value
        assert thaw(a, freeze(value)) == value


def test_partial_fractions_inside_of_arguments() -> None:
    """P(1/(g^2 + a) - 1/(g^2 + a)) is P(0), also where the two are written apart."""
    a = algebra()
    g = a.node_sum("L", [])
    base = a.add(a.product(g, g), a.constant(a.ring.symbol("a")))
    inverse = a.power(base, -1)
    split = a.add(a.product(a.product(g, g), inverse), a.scale(inverse, a.ring.symbol("a")))  # is one
    for name in ("P", "p"):
        assert a.partial_fractions(a.mapped(name, split)) == a.partial_fractions(a.mapped(name, a.constant(a.ring.one)))


def test_transposes_are_refused_where_they_are_no_terms() -> None:
    a = algebra()
    g, theta = a.node_sum("L", []), a.state("theta")
    assert Adjoint(a)(a.mapped("p", theta), g) == a.product(a.mapped("p", theta, [a.constant(a.ring.one)]), g)
    for name in ("P", "A"):
        with pytest.raises(ReductionError, match=f"the map {name} is no term"):
            Adjoint(a)(a.mapped(name, g), theta)


# ------------------------------------------------------------------------------------------ inverses


def pairs() -> tuple[Algebra, list[tuple[str, str]]]:
    a = algebra()
    kinds = {"R": "map", "B": "linear", "q": "componentwise"}
    inverse = dict(zip(MAPS, kinds, strict=True))
    functions = {n: mapping(n, MAPS[n], inverse[n]) for n in MAPS} | {  # type: ignore[arg-type]
        m: mapping(m, kinds[m], n) for n, m in inverse.items()  # type: ignore[arg-type]
    }
    return Algebra(a.ring, {**FUNCTIONS, **functions}), [*inverse.items(), *((m, n) for n, m in inverse.items())]


def test_inverses_undo_each_other() -> None:
    """Q(P(u)) = u, dQ(P(u))[dP(u)[v]] = v, and so back; not Q(2 P(u)), nor dQ(P(u))[dP(v)[v]]."""
    a, both = pairs()
    two = a.ring.constant(2)
    for p, q in both:
        for u in arguments(a):
            image = a.mapped(p, u)
            assert a.mapped(q, image) == u, (p, u)
            assert (a.mapped(q, a.scale(image, two)) == a.scale(u, two)) == (p in "AB")
            for v in arguments(a):
                assert a.mapped(q, image, [a.mapped(p, u, [v])]) == v, (p, u, v)
                other = a.mapped(p, a.add(u, a.state("w")), [v])
                assert (a.mapped(q, image, [other]) == v) == (p in "AB")


def test_derivatives_of_inverses_obey_the_chain_rule() -> None:
    """d/ds d^kQ(P(u))[v, ..] = d^(k+1)Q(P(u))[dP(u)[du], v, ..] + ..., though higher derivatives are written by those of P."""
    a, both = pairs()
    derivative = Derivative(a, {"theta": a.state("w")})
    for p, q in both:
        for u in arguments(a)[:3]:
            image, v = a.mapped(p, u), a.state("v")
            for k in range(1, 4):
                found = derivative(a.mapped(q, image, [v] * k))
                assert found == a.mapped(q, image, [derivative(image), *[v] * k]), (p, q, u, k)


def test_mirror_descent() -> None:
    """Nemirovski & Yudin 1983; Beck & Teboulle 2003: gradient descent on P(theta).  By hand, with h = 1/p'(theta):
    theta' = -h g - gamma/2 h H[h g] + ..., and P(theta)' = -g - gamma/2 H[h g] + ...
    """
    text = MIRROR
    for kind, first in (
        ("map", "-1/2*dQ(P(theta), hess(dQ(P(theta), grad)))"),
        ("linear", "-1/2*Q(hess(Q(grad)))"),
        ("componentwise", "-1/2*dP(theta)**(-1)*hess(grad*dP(theta)**(-1))"),
    ):
        (term,) = modified_equation(scheme_from_toml(text.format(kind)), 1).to_json()["equations"]["theta"][1]["terms"]
        assert f"{term['coefficient']}*{term['term']}" == first
    plain = scheme_of("z = theta/(1 - theta) - gamma*grad(theta); theta = z/(1 + z)", "map")
    settings = {"P(u)": "u/(1 - u)", "Q(u)": "u/(1 + u)"}
    ours = modified_equation(scheme_from_toml(text.format("componentwise")), 3, settings=settings)
    at = {"x": "1/3", "y": "2"}
    assert ours.evaluate("x**2*y + y**3", at).values == modified_equation(plain, 3).evaluate("x**2*y + y**3", at).values


MIRROR = 'name = "s"\nupdate = "theta = Q(P(theta) - gamma*grad(theta))"\n[functions]\nP = "{}, words"\nQ = "inverse of P"\n'


@pytest.mark.parametrize(
    "name, settings, update",
    [
        (
            "mirror-descent",
            {"P(x, y)": "1 + log(x); 1 + log(y)", "Q(x, y)": "exp(x - 1); exp(y - 1)"},
            "theta = theta*exp(-gamma*grad(theta))",
        ),
        ("muon", {"P(x, y)": "x/sqrt(1 + x**2 + y**2); y/sqrt(1 + x**2 + y**2)"},
         "m = mu*m + grad(theta); theta = theta - gamma*m/sqrt(1 + dot(m, m))"),
    ],
)  # fmt: skip
def test_the_maps_of_the_catalogue(name: str, settings: dict[str, str], update: str) -> None:
    """With formulas they are the schemes with these formulas in the text, through gamma^2: exponentiated gradient, and a step of
    length below one."""
    plain = scheme_from_toml(f'name = "s"\nupdate = "{update}"\n[parameters]\nmu = ""\n')
    loss, at = "x**2*y + y**3/3 - x", {"x": "1/3", "y": "2"}
    ours, theirs = (
        modified_equation(scheme, 2, settings={"mu": "1/2"} | given if name == "muon" else given).evaluate(loss, at)
        for scheme, given in ((name, settings), (plain, {}))
    )
    for mine, other in zip(ours["theta"], theirs["theta"], strict=True):
        assert [float(x) for x in mine] == pytest.approx([float(x) for x in other], rel=1e-14)


@pytest.mark.parametrize(
    "kind, p, q, wrong",
    [
        ("componentwise", ("P(u)", "u/(1 - u)"), ("Q(u)", "u/(1 + u)"), "u/(1 - u)"),
        ("componentwise", ("P(u)", "log(u)"), ("Q(u)", "exp(u)"), "exp(u) + u/10**9"),
        ("componentwise", ("P(u)", "u**3"), ("Q(v)", "v**(1/3)"), "v**(1/5)"),
        ("componentwise", ("P(u)", "tanh(u)"), ("Q(u)", "log((1 + u)/(1 - u))/2"), "log(1 + u)"),
        ("linear", ("P(x, y)", "2*x + y; y"), ("Q(x, y)", "x/2 - y/2; y"), "x/2 - y/3; y"),
        ("map", ("P(x, y)", "x; y + x**2"), ("Q(x, y)", "x; y - x**2"), "x; y + x**2"),
        ("map", ("P(u)", "u**2"), ("Q(u)", "sqrt(u)"), "sqrt(u)"),  # not where u is negative
    ],
)
def test_maps_that_are_set_undo_each_other(kind: str, p: tuple[str, str], q: tuple[str, str], wrong: str) -> None:
    """Set in either order; the refusal names a point."""
    scheme = scheme_from_toml(MIRROR.format(kind))
    if q[1] != wrong:
        assert modified_equation(scheme, 0, settings=dict([p, q])).configuration.maps.keys() == {"P", "Q"}
    for settings in ([p, (q[0], wrong)], [(q[0], wrong), p]):
        with pytest.raises(UsageError, match=r"does not undo .*\) = .* at [uvx] = "):
            modified_equation(scheme, 0, settings=dict(settings))


def test_maps_that_are_set_meet_somewhere() -> None:
    scheme = scheme_from_toml(MIRROR.format("map"))
    with pytest.raises(UsageError, match="exists at none of the 24 points tried"):
        modified_equation(scheme, 0, settings={"P(u)": "log(-u**2)", "Q(u)": "u"})
    with pytest.raises(UsageError, match="Q has 1 components and its inverse P has 2"):
        modified_equation(scheme, 0, settings={"P(x, y)": "x; y", "Q(u)": "u"})


@pytest.mark.parametrize("words", ["inverse of R", "inverse of P, again", "inverse of r"])
def test_inverses_of_nothing_are_refused(words: str) -> None:
    text = 'name = "s"\nupdate = "theta = theta - gamma*grad(theta)"\n[functions]\n'
    declared = 'P = "map"\nQ = "inverse of P"\nr = "a schedule"\n'
    with pytest.raises(SchemeError, match="is no map that needs an inverse"):
        scheme_from_toml(text + declared + f'S = "{words}"\n')


# ------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    "kind, setting, written",
    [
        ("componentwise", ("P(u)", "u**3 - u/2"), "(m**3 - m/2)"),
        ("componentwise", ("P(u)", "u/sqrt(1 + u**2)"), "m/sqrt(1 + m**2)"),
        ("linear", ("P(x, y)", "2*x; 2*y"), "(2*m)"),
        ("map", ("P(x, y)", "x*(x**2 + y**2); y*(x**2 + y**2)"), "m*dot(m, m)"),
        ("map", ("P(x, y)", "x**2; y**2"), "m**2"),
    ],
)
def test_a_map_that_is_set_gives_what_its_formula_gives(kind: str, setting: tuple[str, str], written: str) -> None:
    """Numbers at a point through gamma^2, and the explicit field, against the update with the formula in it."""
    settings = {"beta": "1/3"}
    mapped = modified_equation(scheme_of(MOMENTUM.format("P(m)"), kind), 2, settings=settings | dict([setting]))
    plain = modified_equation(scheme_of(MOMENTUM.format(written), kind), 2, settings=settings)
    loss, at = "x**3*y/3 + x*y**2 + x", {"x": "1/2", "y": "2"}
    assert mapped.evaluate(loss, at).values == plain.evaluate(loss, at).values
    for ours, theirs in zip(mapped.on_loss(loss)["theta"], plain.on_loss(loss)["theta"], strict=True):
        for u, v in zip(ours, theirs, strict=True):
            here = {s: 2 if s.name == "y" else Fraction(1, 2) for s in (u - v).free_symbols}
            assert abs((u - v).subs(here).evalf()) < 1e-9


@pytest.mark.parametrize(
    "kind, key, text, words",
    [
        ("map", "P", "u", "write the map with its arguments"),
        ("map", "P(x, y)", "x", "one expression for each letter"),
        ("componentwise", "P(x, y)", "x; y", "one expression in one letter"),
        ("map", "P(x)", "x*z", "'z' is unknown"),
        ("linear", "P(x, y)", "x + 1; y", "is linear"),
        ("linear", "P(x, y)", "x*y; y", "is linear"),
    ],
)
def test_what_is_no_map_of_this_kind_is_refused(kind: str, key: str, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        modified_equation(scheme_of("theta = theta - gamma*P(grad(theta))", kind), 1, settings={key: text})


def test_numbers_need_a_formula_of_the_right_size() -> None:
    scheme = scheme_of("theta = theta - gamma*P(grad(theta))", "map")
    with pytest.raises(UsageError, match="P is a map without a formula here"):
        modified_equation(scheme, 1).evaluate("x**2", {"x": "1"})
    with pytest.raises(UsageError, match="P has 1 components, vectors here have 2"):
        modified_equation(scheme, 1, settings={"P(u)": "u**2"}).evaluate("x**2*y", {"x": "1", "y": "1"})


# ------------------------------------------------------------------------------------------ schemes


def test_an_implicit_step_with_a_map() -> None:
    """A proximal step, theta+ = theta - gamma (grad + p(theta+)), against the same with p written out."""
    update = "theta = theta - gamma*(grad(theta) + {})"
    plain = modified_equation(scheme_of(update.format("theta_next**3"), "componentwise"), 2)
    ours = modified_equation(scheme_of(update.format("P(theta_next)"), "componentwise"), 2, settings={"P(u)": "u**3"})
    at = {"x": "1/3", "y": "2"}
    assert ours.evaluate("x**2*y", at).values == plain.evaluate("x**2*y", at).values


def test_maps_of_vectors_take_no_numbers_and_functions_of_components_do() -> None:
    update = "g = grad(theta); theta = theta - gamma*P(norm(g))*g"
    (term,) = modified_equation(scheme_of(update, "componentwise"), 0)["theta"][0].sum
    assert str(term) == "grad*P(dot(grad, grad)**(1/2))"
    for kind in ("map", "linear"):
        with pytest.raises(ParseError, match="P takes vectors"):
            modified_equation(scheme_of(update, kind), 0)


@pytest.mark.parametrize("kind", MAP_KINDS)
def test_words_and_data(kind: str, tmp_path: Any) -> None:
    """What the file says of a map stands in texts, articles and JSON; proofs say that it is any."""
    file = tmp_path / "s.toml"
    file.write_text(f'name = "s"\nupdate = "theta = theta - gamma*P(grad(theta))"\n[functions]\nP = "{kind}, the polar factor"\n')

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    for words in (["modified-eq", str(file)], ["explain", str(file)], ["schemes", str(file)], ["paper", str(file)]):
        assert "the polar factor" in run(*words, *(["--order", "1"] if words[0] != "schemes" else [])), words
    assert "every map of its kind" in run("paper", str(file), "--order", "1")
    data = modified_equation(scheme_from_toml(file.read_text()), 1).to_json()
    assert data["maps"] == {"P": f"{kind}, the polar factor"}
    assert data["functions"] == {"P": None}


@pytest.mark.parametrize("kind", MAP_KINDS)
@pytest.mark.parametrize(
    "command", ["modified-loss", "second-order", "stability", "energy", "modifying", "initial-layer", "explain", "paper", "trees"]
)
def test_readings_answer_or_refuse_in_a_line(command: str, kind: str, tmp_path: Any) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'name = "s"\nupdate = "m = b*m + (1 - b)*grad(theta); theta = theta - gamma*P(m)"\n'
        f'[parameters]\nb = "0 <= b < 1"\n[functions]\nP = "{kind}"\n'
    )
    result = CliRunner().invoke(main, [command, str(file)])
    assert result.exception is None or isinstance(result.exception, DeriveError | SystemExit), (command, result.exception)
