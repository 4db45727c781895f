"""What is printed is read: every formula of a text output means, typed in again, what it was printed for.

The printed text alone is read, as a person would copy it; what it is compared with never went through a printer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import sums, tree_schemes
from variants import REPRESENTATIVES

from derive import load_scheme, modified_equation
from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra
from derive.equation import ModifiedEquation, TermSum
from derive.errors import DeriveError, ParseError
from derive.language import (
    Assignment,
    Call,
    Expression,
    Name,
    Number,
    Operation,
    Statement,
    assignments,
    constant,
    parse_expression,
    parse_update,
    plain_name,
    plain_primes,
    rebuilt,
    substitute,
    unparse,
)
from derive.language.calls import SCHEME_CALLS
from derive.language.maps import MAP_KINDS, map_arities
from derive.readings.accuracy import accuracy
from derive.readings.energy import modified_energy
from derive.readings.formula import CALLS, Formulas, formulas_of
from derive.readings.loss import modified_loss
from derive.readings.second_order import second_order
from derive.readings.target import parse_primed
from derive.reals.reading import ratio_of
from derive.scheme import Scheme, catalogue, inline_scheme
from derive.scheme.catalogue import scheme_from_toml
from derive.scheme.kinds import sized
from derive.scheme.losses import loss_calls, resolved
from derive.writing import readings as report
from derive.writing.formulas import coefficient_text, write_sum
from derive.writing.losses import loss_lines
from derive.writing.notation import ASCII, UNICODE, Notation
from derive.writing.series import notation
from derive.writing.text import equation_text, pretty
from verify.formula_verdict import check_formula, read_formula

ORDER = 2
REGIMES = [(name, regime) for name in catalogue(noise=False, branches=False) for regime in (load_scheme(name).regimes or [None])]
STYLES = {"unicode": UNICODE, "ascii": ASCII}
media = pytest.mark.parametrize("medium", STYLES)
everything = pytest.mark.parametrize(("name", "regime"), REGIMES)


#: too long a text through gamma^2, or too many products of terms
LONG_TEXTS = (
    "adamuon", "conda", "dual-adam", "fadam", "galore", "game-consensus", "game-symplectic-adjustment", "lamb", "lars", "madgrad",
    "normuon", "racs", "soap",
)  # fmt: skip


@cache
def equation(name: str, regime: str | None, form: str = "flow") -> ModifiedEquation:
    order = 1 if name.startswith(LONG_TEXTS) else ORDER
    return modified_equation(name, order, regime=regime, form=form)


def printed(eq: ModifiedEquation, medium: str) -> tuple[list[str], dict[str, str]]:
    """The update lines of a printed equation, and the right side of each of its equations by the left side."""
    lines = equation_text(eq, medium == "ascii", show_memory=True).splitlines()[1:]
    update = list(takewhile(lambda line: line.startswith("    "), lines))
    sides: dict[str, str] = {}
    left = ""
    for line in lines[len(update) :]:
        found = re.match(r"(?:  )?([^\s=]+) =( .*)?$", line)
        if found:
            left = found[1]
            sides[left] = found[2]
        elif left and line.startswith("  "):
            sides[left] += f"\n{line}"
        else:
            left = ""
    return list(takewhile(lambda line: not line.startswith("    with "), update)), sides


def variable_of(left: str) -> str:
    """θ' -> theta, θ⁺ -> theta, theta+ -> theta; memory as it is."""
    return plain_name(left.rstrip("'⁺+"))


# ---------------------------------------------------------------------------------------------- update lines


def folded(e: Expression) -> Expression:
    """Rational parts as one number, and no product with one."""
    value = constant(e)
    if value is not None:
        return Number(value)
    match e:
        case Operation("*", (a, b)) if constant(b) == 1:
            return folded(a)
        case Operation(op, args):
            return Operation(op, tuple(folded(a) for a in args))
        case Call(function, args):
            return Call(function, tuple(folded(a) for a in args))
    return e


def program_of(eq: ModifiedEquation) -> tuple[Statement, ...]:
    bindings = {n: e for n, e in eq.configuration.bindings.items() if e != Name(n)}
    lines = (Assignment(a.target, folded(substitute(a.value, bindings))) for a in assignments(eq.scheme.written))
    return rebuilt(eq.scheme.written, lines)


def read_back(lines: list[str], scheme: Scheme) -> tuple[Statement, ...]:
    calls = {**dict.fromkeys(scheme.functions, 1), **loss_calls(scheme.losses), **map_arities(scheme.maps)}
    read = resolved(parse_update("\n".join(lines), "printed", calls), scheme.losses, tuple(scheme.unknowns), "printed")
    return rebuilt(read, (Assignment(a.target, folded(sized(a.value, scheme.kinds))) for a in assignments(read)))


@media
@everything
def test_printed_update_lines_are_the_program(name: str, regime: str | None, medium: str) -> None:
    eq = equation(name, regime)
    lines, _ = printed(eq, medium)
    assert read_back(lines, eq.scheme) == program_of(eq)


@media
@pytest.mark.parametrize(
    ("right", "wrong"), [("β v", "β + v"), ("γ ∇L", "γ^2 ∇L"), ("- γ", "γ"), ("θ + v", "θ - v"), ("(θ)", "(v)")]
)
def test_another_update_line_is_another_program(right: str, wrong: str, medium: str) -> None:
    eq = equation("momentum", "memory")
    words = {"β": "beta", "γ": "gamma", "θ": "theta", "∇L": "grad L"} if medium == "ascii" else {}
    for letter, word in words.items():
        right, wrong = right.replace(letter, word), wrong.replace(letter, word)
    lines, _ = printed(eq, medium)
    assert any(right in line for line in lines)
    assert read_back([line.replace(right, wrong) for line in lines], eq.scheme) != program_of(eq)


@media
@settings(max_examples=60)
@given(text=tree_schemes())
def test_printed_updates_of_random_texts(text: str, medium: str) -> None:
    scheme = inline_scheme(text)
    lines = [f"{STYLES[medium].symbol(a.target)} = {pretty(a.value, STYLES[medium], 'L')}" for a in scheme.program]
    assert read_back(lines, scheme) == tuple(Assignment(a.target, folded(a.value)) for a in scheme.program)


LETTERS = ("g", "beta1", "eps", "theta", "theta_prev", "theta_next", "g_prev", "lam_2", "epsilon", "k1", "L", "f")
FUNCTIONS = ("sqrt", "abs", "sign", "norm", "grad", "r")


def expressions(letters: tuple[str, ...], functions: tuple[str, ...]) -> st.SearchStrategy[Expression]:
    numbers = st.fractions(min_value=0, max_value=9, max_denominator=4).map(Number)
    return st.recursive(
        st.one_of(numbers, st.sampled_from(letters).map(Name)),
        lambda inner: st.one_of(
            st.tuples(st.sampled_from("+-*/"), inner, inner).map(lambda t: Operation(t[0], (t[1], t[2]))),
            st.tuples(inner, st.fractions(min_value=-3, max_value=3, max_denominator=3)).map(
                lambda t: Operation("**", (t[0], Number(abs(t[1])) if t[1] >= 0 else Operation("neg", (Number(-t[1]),))))
            ),
            inner.map(lambda e: Operation("neg", (e,))),
            st.tuples(st.sampled_from(functions), inner).map(lambda t: Call(t[0], (t[1],))),
            st.tuples(inner, inner).map(lambda t: Call("dot", t)),
            st.tuples(inner, inner).map(lambda t: Call("L..", t)),
            st.tuples(inner, inner, inner).map(lambda t: Call("L...", t)),
        ),
        max_leaves=10,
    )


#: L is a letter, or the loss
texts = st.one_of(expressions(LETTERS, FUNCTIONS), expressions(tuple(x for x in LETTERS if x != "L"), (*FUNCTIONS, "loss")))


@media
@settings(max_examples=400)
@given(expression=texts)
def test_any_printed_expression_is_read_back(expression: Expression, medium: str) -> None:
    text = pretty(expression, STYLES[medium], "L")
    assert folded(parse_expression(text, "printed", {**SCHEME_CALLS, "r": 1})) == folded(expression), text


# ---------------------------------------------------------------------------------------------- equations


def series_of(eq: ModifiedEquation, text: str, order: int) -> list[TermSum]:
    return formulas_of(eq).series(text, order, "printed")


def same_series(eq: ModifiedEquation, found: list[TermSum], expected: list[TermSum]) -> bool:
    """Equal as functions, power by power."""
    return len(found) == len(expected) and not any(formulas_of(eq).minus(a, b) for a, b in zip(found, expected, strict=True))


def stated(eq: ModifiedEquation, left: str) -> list[TermSum]:
    """What was derived, for the equation of this left side."""
    variable = variable_of(left)
    if variable in eq.equations and eq.form == "map":
        algebra = eq.algebra
        return [TermSum(algebra, algebra.state(variable, eq.scheme_kind(variable) == "scalar")), *eq.equations[variable]]
    return list(eq.equations.get(variable) or eq.memory[variable])


def equations_read(eq: ModifiedEquation, medium: str) -> Iterator[tuple[str, str, list[TermSum]]]:
    _, sides = printed(eq, medium)
    assert {variable_of(left) for left in sides} == {*eq.equations, *eq.memory}
    for left, text in sides.items():
        yield left, text, stated(eq, left)


@media
@pytest.mark.parametrize("form", ["flow", "map"])
@everything
def test_printed_equations_are_what_was_derived(name: str, regime: str | None, form: str, medium: str) -> None:
    eq = equation(name, regime, form)
    for left, text, expected in equations_read(eq, medium):
        assert same_series(eq, series_of(eq, text, len(expected) - 1), expected), (left, text)


@pytest.mark.parametrize("medium", ["unicode", pytest.param("ascii", marks=pytest.mark.slow)])
def test_a_changed_digit_letter_sign_or_bracket_is_seen(medium: str) -> None:
    """Each place of the printed equation carries weight: changed, it reads as something else or not at all."""
    eq = equation("adam", "inertial")
    seen = 0
    for _, text, expected in equations_read(eq, medium):
        for found in re.finditer(r"[2-9₂]|[+-] |β|λ|ε|eps|lam", text):
            replacement = {"-": "+", "+": "-", "₂": "₁", "β": "λ", "λ": "β", "ε": "γ", "eps": "gamma", "lam": "gamma"}
            other = replacement.get(found[0].strip(), str(int(found[0]) + 1) if found[0].isdecimal() else "")
            changed = text[: found.start()] + found[0].replace(found[0].strip(), other) + text[found.end() :]
            try:
                again = series_of(eq, changed, len(expected) - 1)
            except DeriveError:
                continue
            seen += 1
            assert not same_series(eq, again, expected), changed
    assert seen > 100


@media
@everything
def test_coefficients_and_relaxation_factors(name: str, regime: str | None, medium: str) -> None:
    eq, style = equation(name, regime), STYLES[medium]
    style = notation(medium, eq)
    ring, functions = eq.algebra.ring, eq.scheme.functions
    shown = [c for sums_ in (*eq.equations.values(), *eq.memory.values()) for s in sums_ for c, _ in s]
    shown += [r.factor for r in eq.relaxations if r.factor is not None]
    for c in shown:
        text = coefficient_text(c, style)
        again = ratio_of(plain_primes(parse_expression(text, "printed"), functions), ring)
        assert not (again - c), text
        assert again - c - ring.one, text


# ---------------------------------------------------------------------------------------------- readings


def right_side(lines: list[str], left: str) -> str:
    """What stands right of 'left =' with its continuation lines."""
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{left} ="))
    rest = takewhile(lambda line: re.match(r" +[+-] ", line), lines[start + 1 :])
    return "\n".join([lines[start].partition("=")[2], *rest])


def with_velocity(eq: ModifiedEquation, derivative: str) -> Formulas:
    plain = formulas_of(eq)
    return Formulas(eq.algebra, {**plain.states, derivative: False}, plain.values)


def read_with_velocity(eq: ModifiedEquation, text: str, derivative: str, order: int) -> list[TermSum]:
    """θ' is the symbol `derivative` of the reading."""
    named = substitute(parse_primed(text, "printed", CALLS), {"theta'": Name(derivative)})
    return with_velocity(eq, derivative).series(unparse(named), order, "printed")


#: the names whose readings are printed, and how many second-order forms, losses and energies these have at least
over = pytest.mark.parametrize(
    ("names", "least"),
    [pytest.param(REPRESENTATIVES, (5, 6, 1), id="representatives"),
     pytest.param(frozenset(catalogue()) - REPRESENTATIVES, (6, 15, 3), id="others", marks=pytest.mark.slow)],
)  # fmt: skip


def readings(read: Any, names: frozenset[str]) -> Iterator[Any]:
    for name, regime in ((n, r) for n, r in REGIMES if n in names):
        try:
            yield read(name, regime)
        except DeriveError:
            continue


@over
@media
def test_second_order_forms(medium: str, names: frozenset[str], least: tuple[int, int, int]) -> None:
    count = 0
    for s in readings(lambda name, regime: second_order(name, 1, regime=regime), names):
        style = notation(medium, s.equation, s.derivative)
        lines = report.second_order_lines(s, style)
        theta = STYLES[medium].symbol("theta")
        text = right_side(lines, f"{theta}''")
        assert same_series(s.equation, read_with_velocity(s.equation, text, s.derivative, 1), list(s.terms)), text
        count += 1
    assert count >= least[0]


@media
def test_a_printed_second_order_form_is_a_target_that_the_scheme_reaches(medium: str) -> None:
    """The target reader on the printed text: order 2 with both terms, order 1 with one of them doubled."""
    s = second_order("momentum", 1, regime="inertial")
    theta = STYLES[medium].symbol("theta")
    text = right_side(report.second_order_lines(s, notation(medium, s.equation, s.derivative)), f"{theta}''")
    left = f"{theta}'' ="
    assert accuracy("momentum", left + text, 2, regime="inertial").order == 2
    gamma = STYLES[medium].symbol("gamma")
    assert f"{gamma} " in text
    assert accuracy("momentum", left + text.replace(f"{gamma} ", f"2 {gamma} ", 1), 2, regime="inertial").order == 1


@over
@media
@pytest.mark.parametrize("form", ["flow", "map"])
def test_modified_losses(form: str, medium: str, names: frozenset[str], least: tuple[int, int, int]) -> None:
    count = 0
    for v in readings(lambda name, regime: modified_loss(name, 1, form=form, regime=regime), names):
        if any(v.potential):
            lines = loss_lines(v, notation(medium, v.equation))
            text = right_side(lines, "V")
            assert same_series(v.equation, series_of(v.equation, text, len(v.potential) - 1), list(v.potential)), text
            count += 1
    assert count >= least[1]


@over
@media
def test_modified_energies(medium: str, names: frozenset[str], least: tuple[int, int, int]) -> None:
    count = 0
    for e in readings(lambda name, regime: modified_energy(name, 2, regime=regime), names):
        text = right_side(report.energy_lines(e, notation(medium, e.equation)), "E")
        assert same_series(e.equation, series_of(e.equation, text, len(e.energy) - 1), list(e.energy)), text
        count += 1
    assert count >= least[2]


# ---------------------------------------------------------------------------------------------- random formulas

NAMES = ("a", "b", "beta1", "eps", "lam")


def space() -> Formulas:
    return Formulas(Algebra(Ring(NAMES)), {"u": False, "eta": False, "s": True}, {})


@media
@settings(max_examples=150, deadline=None)
@given(text=sums())
def test_random_sums_of_terms_are_read_back(text: str, medium: str) -> None:
    style: Notation = STYLES[medium]
    place = space()
    try:
        total = place.value(text, "example")
    except DeriveError:
        return
    again = place.value(write_sum(total, style), "printed")
    assert not place.minus(again, total), write_sum(total, style)


# ---------------------------------------------------------------------------------------------- claims


@media
@pytest.mark.parametrize(
    ("name", "regime"), [("momentum", "inertial"), ("rmsprop-scalar", None), ("gd-schedule", None), ("lion", None)]
)
def test_a_printed_equation_is_confirmed_as_a_claim(name: str, regime: str | None, medium: str) -> None:
    _, sides = printed(modified_equation(name, 1, regime=regime), medium)
    slow = [f"{left} ={text}" for left, text in sides.items() if left.endswith("'")]
    claim = read_formula(None, name, None, 1, regime, {}, slow)
    assert check_formula(claim).verdict == "confirmed"
    wrong = [re.sub(r"γ|gamma", lambda m: "3 " + m[0], s, count=1) for s in slow]
    assert wrong != slow
    assert check_formula(read_formula(None, name, None, 1, regime, {}, wrong)).verdict == "refuted"


def with_maps(update: str, kind: str) -> Scheme:
    """A scheme with a map and its inverse."""
    declared = f'P = "{kind}"\nQ = "inverse of P"\n'
    return scheme_from_toml(f'name = "maps"\nupdate = "{update}"\n[parameters]\nb = "0 <= b < 1"\n[functions]\n{declared}')


@media
@pytest.mark.parametrize("kind", MAP_KINDS)
@pytest.mark.parametrize(
    "update",
    ["m = b*m + (1 - b)*grad(theta); theta = theta - gamma*P(m)", "theta = Q(P(theta) - gamma*(grad(theta) + b*P(theta)))"],
)
def test_maps_as_printed(update: str, kind: str, medium: str) -> None:
    """Update lines and equations through gamma^2, read back by the names of maps; dP(u) at another point is another term."""
    eq = modified_equation(with_maps(update, kind), 2)
    lines, sides = printed(eq, medium)
    assert read_back(lines, eq.scheme) == program_of(eq)
    for left, text in sides.items():
        found, expected = series_of(eq, text, len(stated(eq, left)) - 1), stated(eq, left)
        assert same_series(eq, found, expected), (left, text)
    (text,) = (text for left, text in sides.items() if left.startswith(("θ", "theta")))
    other = re.sub(r"(?<![Q(\w])([PQ])\(", r"\1(2 ", text, count=1)
    assert other != text
    assert [s.sum for s in series_of(eq, other, 2)] != [s.sum for s in eq.equations["theta"]]


def test_a_field_as_printed() -> None:
    update = "x = θ + γ f(θ); θ = θ + γ f(x)"
    for plain in (True, False):
        text = equation_text(modified_equation(inline_scheme(update), 2), plain)
        says = re.search(r"(?s)(θ'|theta') =.*(?=\n\S)", text)
        assert says is not None
        assert check_formula(read_formula(None, None, update, 2, None, {}, [says[0]])).verdict == "confirmed"
        wrong = says[0].replace("/12", "/13")
        assert check_formula(read_formula(None, None, update, 2, None, {}, [wrong])).verdict == "refuted"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2 (1+β)", "2*(1 + beta)"), ("a/2 b", "a/2*b"), ("γ λ/2 η", "gamma*lam/2*eta"),
        ("(1+β)/(2 (1-β)^3)", "(1 + beta)/(2*(1 - beta)**3)"), ("β₁² + x⁻¹", "beta1**2 + x**(-1)"),
        ("−x·y × z ⊙ w", "-x*y*z*w"), ("∇L", "grad"), ("∇L(θ)", "grad"), ("grad(theta)", "grad"), ("grad L", "grad"),
        ("∇²L[u]", "hess(u)"), ("hess L[u]", "hess(u)"), ("∇³L[u, v]", "d3(u, v)"), ("d3L[u, v]", "d3(u, v)"),
        ("f′[u]", "dfield(u)"), ("f''[u, v]", "d2field(u, v)"), ("⟨a, b⟩ c", "dot(a, b)*c"), ("k <a, b> c", "k*dot(a, b)*c"),
        ("|x|", "norm(x)"), ("‖x‖²", "norm(x)**2"), ("||x||^2", "norm(x)**2"), ("|a| |b|", "norm(a)*norm(b)"),
        ("|a |b| c|", "norm(a*norm(b)*c)"), ("√x + 1", "sqrt(x) + 1"), ("√(x + 1)", "sqrt(x + 1)"), ("2^x^y", "2**x**y"),
        ("-x^2", "-x**2"), ("2^-x", "2**(-x)"), ("2β", "2*beta"), ("β(1-q)", "beta*(1 - q)"), ("z(1+y)", None),
        ("z + z(1+z)", "z + z*(1 + z)"), ("r' + r''", "r' + r''"), ("x 2", None), ("2 3", None), ("2x", None), ("0xea", None),
        ("√x^2", None), ("sqrt x", None), ("nrom (x)", None), ("hess", "hess"), ("(x\n+ y)", "x + y"), ("x\n + y", "x + y"),
        ("x\ny", None), ("(x\ny)", None), ("a < b", None), ("∇f", None), ("∇²L", None), ("u²³", "u**23"),
    ],
)  # fmt: skip
def test_notation_of_people(text: str, plain: str | None) -> None:
    if plain is None:
        with pytest.raises(ParseError):
            parse_expression(text, "typed", CALLS)
        return
    assert unparse(parse_expression(text, "typed", CALLS)) == plain


@given(st.text(alphabet="αβ₁γθ⁻⁺∇²³L[]()|‖⟨⟩<>,√⊙·×−'′\"^*/+-=;# \n\r\t\0\ufeff\u200b0123456789.e_xrf\\@", max_size=40))
@settings(max_examples=500)
def test_any_text_of_these_signs_is_read_or_refused_in_one_line(text: str) -> None:
    for read in (parse_update, lambda t: parse_expression(t, "typed", CALLS), lambda t: parse_primed(t, "typed", CALLS)):
        try:
            read(text)
        except DeriveError as error:
            assert "\n" not in str(error)


def test_numbers_of_one_meaning() -> None:
    assert constant(parse_expression("1_000 · 2^−3", "x")) == Fraction(125)
