"""The scheme language: what it reads, what it refuses and where; nothing is ever executed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from derive.engine.calls import CALL_SERIES
from derive.engine.series import Times
from derive.equation import modified_equation
from derive.errors import DeriveError, LimitError, ParseError
from derive.language import (
    Arithmetic,
    Call,
    Expression,
    Meaning,
    Name,
    Number,
    Operation,
    check_size,
    constant,
    interpret,
    parse_expression,
    parse_update,
    unparse,
    unrolled,
    walk,
)
from derive.language.calls import CALLS, PIECES, SchemeCall, line_arities
from derive.language.samples import NORMAL, SAMPLES
from derive.paper.preamble import PAPER
from derive.scheme import inline_scheme
from derive.writing.expression import ExpressionWriter
from derive.writing.notation import ASCII, UNICODE
from derive.writing.text import pretty


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.9", Fraction(9, 10)), ("1e-8", Fraction(1, 10**8)), ("-3/4", Fraction(-3, 4)), ("2**-2", Fraction(1, 4)),
     ("-2**2", Fraction(-4)), ("1_000", Fraction(1000)), (".5", Fraction(1, 2)), ("1/0", None), ("x", None)],
)  # fmt: skip
def test_numbers_are_exact(text: str, value: Fraction | None) -> None:
    assert constant(parse_expression(text, "x")) == value


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("theta = theta ! theta", 1, 15, "cannot stand here"),
        ("theta = theta.real", 1, 14, "attribute"),
        ("theta.x = 1", 1, 1, "left side"),
        ("v = grad(theta)\ntheta = __import__('os')", 2, 9, "unknown function"),
        ("import os", 1, 1, "imports"),
        ("from os import path", 1, 1, "imports"),
        ("theta = (lambda x: x)(theta)", 1, 10, "functions cannot be defined"),
        ("theta = [theta]", 1, 9, "brackets hold"),
        ("theta = theta[0]", 1, 14, "indexing"),
        ("theta = theta if theta else theta", 1, 15, "'if' is not part"),
        ("theta = 'text'", 1, 9, "only numbers"),
        ("theta = True", 1, 9, "only numbers"),
        ("theta = 1j", 1, 9, "only numbers"),
        ("theta = theta @", 1, 16, "syntax error"),
        ("theta = theta < 1", 1, 15, "comparisons"),
        ("theta = grad(theta, theta)", 1, 9, "1 argument"),
        ("theta = grad(x=theta)", 1, 15, "plain arguments"),
        ("theta = grad(*theta)", 1, 14, "plain arguments"),
        ("theta = graf(theta)", 1, 9, "did you mean 'grad'"),
        ("print(theta)", 1, 1, "nothing is ever executed"),
        ("theta, v = theta, v", 1, 1, "left side"),
        ("theta = theta +", 1, 16, "syntax error"),
        ("while 1: theta = 1", 1, 1, "'while' is not part"),
        ("theta = 1e99999999", 1, 9, "digits"),
        ("β = 1; θ = θ.x", 1, 13, "attribute"),
        ("theta = lambda*grad(theta)", 1, 9, "write 'lam'"),
    ],
)  # fmt: skip
def test_refusals_name_the_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_update(text)
    assert words in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "\n" not in str(caught.value)


HOSTILE = ["", "# nothing", "x = " + "(" * 500 + "1" + ")" * 500, "x = 1" + "+1" * 5000, "x = " + "9" * 500, "x = \0",
           "x" * 30000, "x = " + "-" * 5000 + "1", "x = " + "sqrt(" * 300 + "1" + ")" * 300,
           "x = " + "∇L(" * 300 + "1" + ")" * 300, "x = " + "√" * 5000 + "1", "x = " + "|" * 3000, "x = " + "<" * 3000,
           "x = 1" + "²" * 5000, "x = " + "9" * 5000, "x = 1" + "^2" * 3000, "x = (\r\n1"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused_quietly(text: str) -> None:
    with pytest.raises(ParseError):
        parse_update(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_update(text)
    except DeriveError as error:
        assert "\n" not in str(error)


expressions = st.recursive(
    st.one_of(
        st.fractions(min_value=0, max_denominator=9).map(Number),
        st.sampled_from(["a", "beta", "gamma"]).map(Name),
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/", "**"]), inner, inner).map(lambda t: Operation(t[0], (t[1], t[2]))),
        inner.map(lambda e: Operation("neg", (e,))),
        inner.map(lambda e: Call("sqrt", (e,))),
    ),
    max_leaves=12,
)


@given(expressions)
def test_unparsed_text_reads_back_with_the_same_meaning(expression: object) -> None:
    """unparse o parse is the identity on texts that unparse wrote (fractions come back as divisions)."""
    text = unparse(expression)  # type: ignore[arg-type]
    again = parse_expression(text, "x", {"sqrt": 1})
    assert unparse(again) == text


def test_augmented_assignment_and_semicolons() -> None:
    a, b = parse_update("v *= beta; theta -= gamma*grad(theta)")
    assert unparse(a.value) == "v*beta"
    assert unparse(b.value) == "theta - gamma*grad(theta)"


# ---------------------------------------------------------------------------------------------- one interpreter


class _Text(Meaning[str]):
    """Texts with every operation in parentheses."""

    def number(self, value: Fraction) -> str:
        return f"({value})"

    def name(self, node: Name) -> str:
        return node.id

    def negate(self, a: str) -> str:
        return f"(-{a})"

    def add(self, a: str, b: str, node: Operation) -> str:
        return f"({a} {node.op} {b})"

    subtract = multiply = divide = add

    def exponent(self, node: Expression) -> str:
        return interpret(node, self)

    def power(self, base: str, exponent: str, node: Operation) -> str:
        return f"({base} ** {exponent})"

    def call(self, node: Call, args: list[str]) -> str:
        return f"{node.function}({', '.join(args)})"


@given(expressions)
def test_a_meaning_that_builds_text_says_what_unparse_says(expression: Expression) -> None:
    """Both texts read back as the same tree, so no operand is lost, doubled or swapped; what is too large is not read."""
    try:
        check_size(expression, "x")
    except LimitError:
        assume(False)
    whole, spare = (parse_expression(t, "x", {"sqrt": 1}) for t in (interpret(expression, _Text()), unparse(expression)))
    assert unparse(whole) == unparse(spare) == unparse(expression)


class _Fractions(Arithmetic):
    """Plain Python arithmetic on Fractions: whatever fails there has no value."""

    def number(self, value: Fraction) -> Fraction:
        return value

    def name(self, node: Name) -> Fraction:
        raise ValueError(node.id)

    def exponent(self, node: Expression) -> Fraction:
        value: Fraction = interpret(node, self)
        return value

    def power(self, base: Fraction, exponent: Fraction, node: Operation) -> Fraction:
        return base ** int(exponent) if exponent.denominator == 1 else _irrational()

    def call(self, node: Call, args: list[Fraction]) -> Fraction:
        return _irrational()


def _irrational() -> Fraction:
    raise ValueError("no rational number")


numbers = st.recursive(
    st.fractions(min_value=0, max_value=5, max_denominator=4).map(Number),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "-", "*", "/"]), inner, inner).map(lambda t: Operation(t[0], (t[1], t[2]))),
        st.tuples(inner, st.sampled_from(["2", "-1", "0", "1/2", "1 - 1", "1/(3 - 3)"])).map(
            lambda t: Operation("**", (t[0], parse_expression(t[1], "x")))
        ),
        inner.map(lambda e: Operation("neg", (e,))),
    ),
    max_leaves=8,
)


@given(numbers)
def test_constants_are_what_fractions_make_of_them(expression: Expression) -> None:
    try:
        expected = interpret(expression, _Fractions())
    except (ValueError, ZeroDivisionError):
        expected = None
    assert constant(expression) == expected


def test_operands_are_read_from_left_to_right_and_names_of_functions_before_arguments() -> None:
    read = []

    class Order(_Text):
        def number(self, value: Fraction) -> str:
            read.append(str(value))
            return super().number(value)

        def name(self, node: Name) -> str:
            read.append(node.id)
            return super().name(node)

        def admit(self, node: Call) -> None:
            read.append(node.function)

        def exponent(self, node: Expression) -> str:
            read.append("**")
            return unparse(node)

    interpret(parse_expression("a - f(b, 2/c)*d**e", "x", {"f": 2}), Order())
    assert read == ["a", "f", "b", "2", "c", "**", "d"]


# ---------------------------------------------------------------------------------------------- one table of calls


def test_every_call_has_a_series_and_every_series_a_call() -> None:
    one_branch = CALLS.keys() - PIECES - line_arities().keys()
    assert one_branch - {*SAMPLES, NORMAL} == CALL_SERIES.keys()  # what is random has a law, not a series


def test_a_sample_is_read_and_written() -> None:
    text = "sgrad(theta) + sgrad(theta - gamma*sgrad(theta), 2) + normal()"
    (line,) = parse_update(f"theta = {text}")
    assert unparse(line.value) == text
    assert sorted(c.function for c in walk(line.value) if isinstance(c, Call)) == ["grad#1", "grad#1", "grad#2", "normal"]
    for wrong in ("sgrad(theta, 0)", "sgrad(theta, 1/2)", "sgrad()", "sgrad(theta, theta)", "normal(theta)"):
        with pytest.raises(ParseError, match="takes"):
            parse_update(f"theta = {wrong}")


def test_every_pass_of_a_repeat_draws_its_own_sample() -> None:
    program = unrolled(parse_update("repeat 2: {repeat 2: theta = theta - sgrad(theta, 3)}"))
    assert [c.function for a in program for c in walk(a.value) if isinstance(c, Call)] == [
        "grad#3:1:1", "grad#3:2:1", "grad#3:1:2", "grad#3:2:2"
    ]  # fmt: skip


def test_a_call_is_one_entry_and_its_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry alone is read, checked and written; with its series the engine runs it.  Nothing else is touched."""
    text = "theta = theta - gamma*had2(theta, grad(theta))"
    with pytest.raises(ParseError, match="unknown function 'had2'"):
        parse_update(text)
    entry = SchemeCall("had2", 2, "vector", of_vectors=True, unicode="⟦{0}; {1}⟧", latex=r"\hadtwo{{{0}}}{{{1}}}")
    monkeypatch.setitem(CALLS, "had2", entry)
    monkeypatch.setitem(CALL_SERIES, "had2", lambda x, place: Times(*x))
    with pytest.raises(ParseError, match="had2 takes 2 arguments, not 1"):
        parse_update("theta = had2(theta)")
    with pytest.raises(ParseError, match=r"line 1, column 17: had2 takes vectors"):
        inline_scheme("theta = theta - had2(theta, gamma)*grad(theta)")
    scheme = inline_scheme(f"w = had2(theta, theta); {text}")
    assert scheme.kinds["w"] == "vector"
    shown = scheme.program[1].value
    assert pretty(shown, UNICODE, "L") == "θ - γ ⟦θ; ∇L(θ)⟧"
    assert pretty(shown, ASCII, "L") == "theta - gamma had2(theta, grad L(theta))"
    assert r"\hadtwo{\theta}{\gradL(\theta)}" in ExpressionWriter(PAPER, scheme.kinds)(shown)
    written_out = modified_equation(inline_scheme("theta = theta - gamma*theta*grad(theta)"), order=2)
    assert str(modified_equation(inline_scheme(text), order=2).equations) == str(written_out.equations)
    plain = modified_equation(inline_scheme("theta = theta - gamma*grad(theta)"), order=2)
    assert str(plain.equations) != str(written_out.equations)


@pytest.mark.parametrize("kind", ["vector", "scalar", "argument"])
def test_the_kind_of_a_call_is_what_its_entry_says(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setitem(CALLS, "probe", SchemeCall("probe", kind=kind))  # type: ignore[arg-type]
    found = inline_scheme("a = probe(gamma); b = probe(theta); theta = theta - gamma*grad(theta)").kinds
    assert (found["a"], found["b"]) == {"argument": ("scalar", "vector")}.get(kind, (kind, kind))


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("maximum(u, 0)", "write max(x, y)"), ("minimum(u, 1)", "write min(x, y)"), ("clamp(u, 1)", "write clip(x, low, high)"),
        ("sum(u*u)", "sums over components are dot(x, y), norm(x) and mean(x)"),
        ("cosine(u, v)", "write dot(x, y)/(norm(x)*norm(y))"), ("where(u, 1, 2)", "as in where(a < b, x, y)"),
    ],
)  # fmt: skip
def test_what_people_look_for_in_vain_is_told_with_what_to_write(text: str, instead: str) -> None:
    with pytest.raises(ParseError) as error:
        parse_update(f"a = 2*{text}")
    assert instead in str(error.value)
    assert "did you mean" not in str(error.value)


@pytest.mark.parametrize(
    ("branch", "written"),
    [("g", "(g + h + abs(g - h))/2"), ("h", "(g + h - abs(g - h))/2"), ("h", "(abs(g + h) - abs(g - h))/2")],
)
def test_what_is_told_is_that_function(branch: str, written: str) -> None:
    """At a point with g > h > 0 in every component the larger is g, the smaller h, and h is g clipped to [-h, h]."""

    def at(change: str) -> object:
        update = f"g = grad(theta); h = g/2; theta = theta - gamma*({change})"
        return modified_equation(inline_scheme(update), 0).evaluate("x**2/2 + y", {"x": 3, "y": 1}).values

    assert at(written) == at(branch)
