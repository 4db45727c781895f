"""The components of a vector field by their names: q' = p; p' = -q is -q; p in the order of the variables."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from derive import modified_equation
from derive.commands.main import main
from derive.concrete.problem import parse_field
from derive.errors import UsageError
from derive.language import unparse
from derive.scheme import inline_scheme
from verify.problems.problem import parse_loss
from verify.verification import Options, verify_scheme

EULER = "theta = theta + gamma*field(theta)"


@pytest.mark.parametrize(("named", "variables", "plain"), [
    ("q' = p; p' = -q", ("p", "q"), ["-q", "p"]), ("p' = -sin(q); q' = p", ("p", "q"), ["-sin(q)", "p"]),
    ("q′ = p*q;\n p’=1 ", ("p", "q"), ["1", "p*q"]), ("β' = θ; θ' = β**2", ("beta", "theta"), ["theta", "beta**2"]),
    ("-q; p", ("p", "q"), ["-q", "p"]),
])  # fmt: skip
def test_named_components_are_those_in_order(named: str, variables: tuple[str, ...], plain: list[str]) -> None:
    """Both readers; a variable that stands on the left alone is one too."""
    found = parse_field(named)
    assert (found.variables, list(map(unparse, found.expressions))) == (variables, plain)
    names, expressions = parse_loss(named, "f")
    assert (names, list(map(unparse, expressions))) == (variables, plain)


def test_the_equation_is_that_of_the_named_field() -> None:
    """Euler's steps on q' = p, p' = -q: f_1 = -f'f/2 = (q, p)/2; with the names exchanged it is another field."""
    eq = modified_equation(inline_scheme(EULER), 1)
    point = {"p": "1/2", "q": "1/3"}
    assert eq.evaluate("q' = p; p' = -2*q", point).values == eq.evaluate("-2*q; p", point).values
    assert eq.evaluate("p' = p; q' = -2*q", point).values == eq.evaluate("p; -2*q", point).values
    assert eq.evaluate("p; -2*q", point).values != eq.evaluate("-2*q; p", point).values


@pytest.mark.parametrize(("field", "message"), [
    ("q = p; p = -q", "'q = p' is no component; write q' = ..., or the right sides alone"),
    ("q' = p; -q", "'-q' says not which component it is"),
    ("q' = p; p = -q", "'p = -q' says not which component it is"),
    ("q' = p; q' = 2*p", "q' is given twice"),
    ("q' = p; p' = r", "3"),
    ("q' = p", "component"),
])  # fmt: skip
def test_refused_in_one_line(field: str, message: str) -> None:
    for read in (parse_field, lambda text: parse_loss(text, "f")):
        with pytest.raises(UsageError, match=message) as found:
            read(field)  # type: ignore[operator]
        assert "\n" not in str(found.value)


def test_the_command_says_which_is_which() -> None:
    options = ["modified-eq", "--update", EULER, "--order", "1", "--field", "q' = p; p' = -q", "--at", "p=1/2,q=1/3"]
    found = CliRunner().invoke(main, options)
    assert "gamma^0  p: -1/3, q: 1/2" in found.stdout
    assert found.stderr == "derive: note: read in the field: coordinates p, q; p' = -q; q' = p\n"


def test_runs_on_a_named_field() -> None:
    found = verify_scheme(modified_equation(inline_scheme(EULER), 1), Options(loss="q' = p; p' = -sin(q)"))
    assert found.verdict == "verified"
    assert found.table.slopes == pytest.approx([1, 2], abs=1e-2)
