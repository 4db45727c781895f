"""The scheme language: what it reads, what it refuses and where; nothing is ever executed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.errors import DeriveError, ParseError
from derive.language import Call, Name, Number, Operation, constant, parse_expression, parse_update, unparse


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
        ("theta = theta - gamma*grad(theta)^2", 1, 9, "'**'"),
        ("theta = theta.real", 1, 9, "attribute"),
        ("theta.x = 1", 1, 1, "left side"),
        ("v = grad(theta)\ntheta = __import__('os')", 2, 9, "unknown function"),
        ("import os", 1, 1, "imports"),
        ("from os import path", 1, 1, "imports"),
        ("theta = (lambda x: x)(theta)", 1, 10, "functions cannot be defined"),
        ("theta = [theta]", 1, 9, "List"),
        ("theta = theta[0]", 1, 9, "indexing"),
        ("theta = theta if theta else theta", 1, 9, "IfExp"),
        ("theta = 'text'", 1, 9, "only numbers"),
        ("theta = True", 1, 9, "only numbers"),
        ("theta = 1j", 1, 9, "only numbers"),
        ("theta = theta @ theta", 1, 9, "dot(x, y)"),
        ("theta = theta < 1", 1, 9, "comparisons"),
        ("theta = grad(theta, theta)", 1, 9, "1 argument"),
        ("theta = grad(x=theta)", 1, 9, "plain arguments"),
        ("theta = grad(*theta)", 1, 9, "plain arguments"),
        ("theta = graf(theta)", 1, 9, "did you mean 'grad'"),
        ("print(theta)", 1, 1, "nothing is ever executed"),
        ("theta, v = theta, v", 1, 1, "left side"),
        ("theta = theta +", 1, 16, "syntax error"),
        ("while 1: theta = 1", 1, 1, "While"),
        ("theta = 1e99999999", 1, 9, "digits"),
        ("β = 1; θ = θ.x", 1, 12, "attribute"),
        ("theta = lambda*grad(theta)", 1, 20, "write 'lam'"),
    ],
)  # fmt: skip
def test_refusals_name_the_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_update(text)
    assert words in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert "\n" not in str(caught.value)


HOSTILE = ["", "# nothing", "x = " + "(" * 500 + "1" + ")" * 500, "x = 1" + "+1" * 5000, "x = " + "9" * 500, "x = \0",
           "x" * 30000, "x = " + "-" * 5000 + "1", "\t x = 1\n  y = 2"]  # fmt: skip


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
