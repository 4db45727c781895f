"""Input that once ended in an internal error, a hang or an abort: one line each, of the right kind, before any long work."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from flint import arb

from derive import inline_scheme, load_scheme, modified_equation
from derive.algebra.coefficients import Ring
from derive.commands.main import main as derive
from derive.concrete.explicit import explicit_field
from derive.concrete.names import parse_point
from derive.concrete.problem import parse_loss
from derive.equation import check_order
from derive.errors import (
    DeriveError,
    LimitError,
    ParseError,
    ReductionError,
    SchemeError,
    SingularPointError,
    UsageError,
)
from derive.language import parse_expression, parse_update
from derive.language.sources import MAX_BYTES, json_data, read_text, toml_data
from derive.paper.document import article_of
from derive.readings.accuracy import accuracy
from derive.scheme import configure, scheme_from_toml
from derive.sizes import parse_size
from derive.trees.tableau import load_tableau
from verify.certificate.writing import check_certificate
from verify.claims.reader import read_claims
from verify.formula_verdict import read_formula
from verify.numbers.precision import to_mpf
from verify.proof import prove
from verify.verification import Options, verify_scheme

TOWER = "((9**64)**64)**64"
NESTED = "[" * 5000
HEAVY = "v = beta*v - gamma*grad(theta)\ntheta = theta + v"

VANISHING = "v = -v/3 + 2*grad(theta) + grad(theta)/theta; theta = theta - gamma*(eps*v)/(v*eps)"
TARGET = "theta' + grad/theta''"
CYCLE = "; ".join(f"v{i} = beta{i}*v{(i + 1) % 40} + grad(theta)" for i in range(40)) + "; theta = theta - gamma*v0"


def regime(scale: str, more: str = "") -> str:
    return f'name = "a"\nupdate = """{HEAVY}"""\n[parameters]\nbeta = "m"\n[regimes.a]\nv = "{scale}"\n{more}'


def on_loss(text: str) -> object:
    return explicit_field(modified_equation("gd", 1), text)


def scheduled(setting: str, t: str) -> object:
    equation = modified_equation("gd-schedule", 1, settings={"r(t)": setting})
    return equation.evaluate("x**2", {"x": "1", "t": t})


#: what is repeated, the kind of its refusal, and words of it
REPEATS = {
    "nothing repeated": ("repeat 0: theta = 2*theta", ParseError, "positive whole number or a parameter, not 0;"),
    "less than nothing": ("repeat -1: theta = 2*theta", ParseError, "or a parameter, not -1; write 'repeat 5"),
    "a step and a half": ("repeat 1.5: theta = 2*theta", ParseError, "or a parameter, not 1.5;"),
    "a power of steps": ("repeat 10**9: theta = 2*theta", ParseError, "or a parameter, not 10[*][*]9;"),
    "steps in raised digits": ("repeat ²: theta = 2*theta", ParseError, "or a parameter, not ²;"),
    "no number of steps": ("repeat: theta = 2*theta", ParseError, "or a parameter, not nothing;"),
    "a milliard of steps": ("repeat 1000000000: x = 2*x", LimitError, "1,000,000,000 assignments; the limit is 256"),
    "a product of steps": ("repeat 99: {x = 2; repeat 99: x = 3}", LimitError, "9,900 assignments; the limit is"),
    "steps of 300 digits": (f"repeat 1{300 * '0'}: x = 2*x", LimitError, "column 1: written out, about 10.300"),
    "a repeat without a colon": ("repeat 3 theta = 2*theta", ParseError, "column 1: ':' is missing after the number"),
    "a repeat alone": ("theta = theta; repeat 3", ParseError, "line 1, column 16: ':' is missing"),
    "a repeat of nothing": ("repeat 3: {}", ParseError, "nothing is repeated; write 'repeat 5: {y = y"),
    "a body in parentheses": ("repeat 3: (x = 2; y = 3)", ParseError, "or several in braces: 'repeat 5: {"),
    "a body below": ("repeat 3:\n  x = 2*x", ParseError, "after the colon stands one assignment"),
    "an open brace": ("repeat 3: {x = 2", ParseError, "line 1, column 11: '{' is never closed"),
    "a brace too many": ("repeat 3: x = 2}", ParseError, "column 16: '}' cannot stand here"),
    "words after a brace": ("repeat 3: {x = 2} y = 3", ParseError, "column 19: 'y' cannot stand here"),
    "a repeat in an expression": ("theta = theta + repeat 3: x", ParseError, "column 17: repeat begins a statement"),
}

#: what is done, the kind of its refusal, and words of it
REFUSED = {
    # sizes, before anything is computed
    "a tower in a point": (lambda: parse_point(f"x={TOWER}"), LimitError, "point, x, line 1, column 1: .* digits"),
    "a tower in a setting": (lambda: modified_equation("momentum", settings={"beta": TOWER}), LimitError, "--set beta, line 1"),
    "a tower in a loss": (lambda: parse_loss(f"x*{TOWER}"), LimitError, "loss, line 1, column 3"),
    "a tower by names": (lambda: parse_update("a = 9**64; b = a**64; theta = b**64"), LimitError, "update, line 1.*: .* digits"),
    "a tower through a setting": (
        lambda: configure(inline_scheme("theta = theta - gamma*beta**64*grad(theta)"), None, {"beta": "mu**64"}),
        LimitError, "degree 4,?096",
    ),
    # what is repeated
    **{name: (partial(parse_update, text), kind, words) for name, (text, kind, words) in REPEATS.items()},
    "steps by an unknown name": (
        lambda: inline_scheme("repeat q: theta = 2*theta"), ParseError, "column 8: repeat q: 'q' is no parameter"
    ),
    "steps by a variable": (
        lambda: inline_scheme("q = 3; repeat q: theta = 2*theta"), ParseError, "'q' is no parameter .write a number"
    ),
    "steps as many as gamma": (
        lambda: configure(load_scheme("lookahead"), None, {"k": "gamma"}), UsageError, "positive whole number, and k = gamma"
    ),
    "repeats deep in each other": (lambda: parse_update("repeat 1: " * 300 + "x = 2"), ParseError, "nested deeper than 200"),
    "a power of a sum of terms": (
        lambda: modified_equation(inline_scheme("theta = theta - gamma*(theta + grad(theta))**64"), 2), LimitError, "products of"
    ),
    "a power of a variable": (lambda: parse_loss("x**999999999"), LimitError, "degree 999999999"),
    "a power of a power": (lambda: parse_loss("((x+y)**5000)**5000"), LimitError, "degree 5000"),
    "a long coefficient": (
        lambda: inline_scheme("theta = theta - gamma*grad(theta)*(1+alpha+beta+mu+nu)**64"), LimitError, r"about 10\^5 terms",
    ),
    "a coefficient that grows": (
        lambda: modified_equation(inline_scheme("theta = theta - gamma*grad(theta)*(1+alpha+beta+mu)**40"), 3),
        LimitError, "a coefficient of up to .* terms; the limit",
    ),
    "an order of 401 digits": (lambda: check_order(configure(load_scheme("gd")), 10**400), UsageError, "401 digits"),
    "a memory limit of 40 digits": (lambda: parse_size("9" * 40), UsageError, "memory size"),
    "an article of order 12": (lambda: article_of(load_scheme("gd"), 12), UsageError, "would take about .* terms"),
    "a proof of too many terms": (
        lambda: prove(configure(load_scheme("gd")), {"theta": [{"terms": [{}] * 3000}]}), LimitError, "3,000 terms; the limit",
    ),
    "40 variables that depend on each other": (
        lambda: modified_equation(inline_scheme(CYCLE), 1), LimitError, "variables depend on each other",
    ),
    "the root of a large number": (
        lambda: modified_equation(inline_scheme(f"theta = theta - gamma*grad(theta)*sqrt({'9' * 300})"), 0),
        LimitError, "300 digits, too large to be factorised",
    ),
    # losses, numbers, schedules, regimes
    "a division by zero": (lambda: on_loss("x/0"), SingularPointError, "no real value anywhere"),
    "a hidden division by zero": (lambda: on_loss("x*y/(x-x)"), SingularPointError, "no real value anywhere"),
    "0**-1": (lambda: on_loss("x**2 + 0**-1"), SingularPointError, "no real value anywhere"),
    "a root of -1": (lambda: on_loss("x*sqrt(-1)"), SingularPointError, "no real value anywhere"),
    "a hexadecimal number": (lambda: parse_expression("0xea", "loss"), ParseError, "loss, line 1, column"),
    "a carriage return": (lambda: parse_update("theta = theta -\r gamma*grad(theta)"), ParseError, "update, line"),
    "a period of zero": (lambda: scheduled("periodic(5, 10, 0, 1/10)", "1"), UsageError, "period is 0"),
    "a factor of time": (lambda: scheme_from_toml(regime("t*eta")), SchemeError, "must not depend on t"),
    "a factor of theta": (lambda: scheme_from_toml(regime("theta*eta")), SchemeError, "must not depend on theta"),
    "a parameter that depends on theta": (
        lambda: scheme_from_toml(regime("gamma*eta", 'beta = "2*theta"')), SchemeError, "a parameter cannot depend on 'theta'",
    ),
    "a parameter called grad": (
        lambda: scheme_from_toml(regime("gamma*eta", 'beta = "grad"')), SchemeError, "'grad' is how the derivative",
    ),
    "an initial value with a name that is not declared": (
        lambda: scheme_from_toml(regime("gamma*eta", '[initial]\nv = "gamma*eps"')), SchemeError, r"v: 'eps' is no parameter",
    ),
    "a denominator that vanishes unseen": (
        lambda: accuracy(inline_scheme(VANISHING), TARGET, 1), ReductionError, "zero under a root or in a denominator",
    ),
    "0**-1 in a setting": (lambda: modified_equation("momentum", settings={"beta": "0**-1"}), ReductionError, "denominator"),
    "a root of 1/gamma": (
        lambda: modified_equation(inline_scheme("m = beta*m + grad(theta); v = sqrt(m/gamma + eps); theta = theta - gamma*v")),
        ReductionError, "only whole powers of gamma",
    ),
    # data
    "nested TOML": (lambda: toml_data(f"x = {NESTED}", "file"), UsageError, "file: not valid TOML"),
    "nested JSON": (lambda: json_data(NESTED, "file"), UsageError, "file: not valid JSON"),
    "a whole number of 5,000 digits": (lambda: toml_data(f"x = {'9' * 5000}", "file"), UsageError, "file: not valid TOML"),
    "a large decimal": (lambda: json_data("[1e999999999]", "file"), UsageError, "more than 400 digits"),
    "no number": (lambda: json_data("[1.5, NaN]", "file") and toml_data("x = inf", "file"), UsageError, "not valid TOML"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_line(name: str) -> None:
    run, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words) as refusal:
        run()
    text = str(refusal.value)
    assert isinstance(refusal.value, DeriveError)
    assert "\n" not in text
    assert len(text) < 400


#: reads a file: the name it is given, and what it does with the path
READERS = {
    "a.toml": lambda p: load_scheme(p),
    "b.toml": lambda p: load_tableau(p),
    "c.json": lambda p: load_tableau(p),
    "d.toml": lambda p: read_claims([p]),
    "e.toml": lambda p: read_formula(str(p), None, None, None, None, {}, ()),
    "f.json": check_certificate,
}
CONTENTS = {
    "nested": f"A = {NESTED}".encode(),
    "nested JSON": NESTED.encode(),
    "not UTF-8": b'name = "\xff"',
    "a number of 5,000 digits": b"A = " + b"9" * 5000,
    "too long": b" " * (MAX_BYTES + 1),
    "nothing": b"",
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", READERS)
def test_every_file_is_read_or_refused(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENTS[content])
    with pytest.raises(DeriveError) as refusal:
        READERS[name](path)
    assert "\n" not in str(refusal.value)
    if content == "not UTF-8":
        assert "not UTF-8 text" in str(refusal.value)


def test_a_file_that_never_ends_is_read_as_far_as_it_is_wanted() -> None:
    with pytest.raises(UsageError, match="longer than 1,000,000 bytes"):
        read_text("/dev/zero")


#: texts within bounds, near to those refused: a limit that is too low refuses them
ROOTS = {"10**60*10**60": "10**60", "1e300": "1e150", "(2**64)**3": "(2**32)**3", "1/4": "1/2"}
ACCEPTED = ("1**999999999*x", "x**1000", "(x + y)**300", "10**300*x", "1/(x + y + z)**100", "(2**64)**64*x", "x/3/5/7/11/13")


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_is_within_bounds_is_read(text: str) -> None:
    assert parse_loss(text).text == text


@pytest.mark.parametrize("square", ROOTS)
def test_roots_of_large_numbers_with_small_factors_are_taken(square: str) -> None:
    roots = [modified_equation(inline_scheme(f"theta = theta - gamma*grad(theta)*{x}"), 0)["theta"][0]
             for x in (f"sqrt({square})", ROOTS[square])]  # fmt: skip
    assert str(roots[0]) == str(roots[1])


def test_a_large_power_of_one_is_taken_at_once_in_a_function_of_time() -> None:
    scheme = inline_scheme("theta = theta - gamma*r(t)*grad(theta)", functions={"r": "rate"})
    equation = modified_equation(scheme, 1, settings={"r(t)": "sqrt(1**999999999)"})
    assert [[str(x) for x in power] for power in equation.evaluate("x**2", "x=1,t=-3")["theta"]] == [["-2"], ["-2"]]


def test_a_loss_beyond_all_floats_is_skipped_by_the_numerical_routes() -> None:
    """sinh(10^19) has no float: the slopes are not measured, and the proof stands."""
    found = verify_scheme(modified_equation("gd", 0), Options(loss="sinh(9999999999999999999)/(x*y)*(y + 6*x)", digits=15))
    assert found.verdict == "verified"
    assert "no step is small enough" in found.skipped["slopes"]
    with pytest.raises(ArithmeticError, match="not finite"):
        to_mpf(arb("nan"))


def test_products_within_bounds_are_carried_out() -> None:
    """(1 + a + b)^64 and its square: 2,145 and 8,385 monomials, though their product could be taken to have 18 million."""
    ring = Ring(["a", "b"])
    power = (ring.one + ring.symbol("a") + ring.symbol("b")) ** 64
    assert len((power * power * power).num) == 194 * 193 // 2


# ---------------------------------------------------------------------------------------------- ordinary input that once hung

CLIPPED = "g0 = grad(theta); n = norm(g0); g = g0/((n + 1 + abs(n - 1))/2)"
ADAM = f"{CLIPPED}; m = beta1*m + (1 - beta1)*g; v = beta2*v + (1 - beta2)*g*g; theta = theta - gamma*m/(sqrt(v) + eps)"


def test_clipping_by_absolute_values_ends() -> None:
    """A sum of positive terms is its own absolute value: |n + 1 + |n - 1|| is no new quantity, and |n| |u| / |n u| is 1."""
    limit = modified_equation(inline_scheme(ADAM), 1)["theta"][0]
    assert str(limit) == "-2*grad*(eps*(abs(-dot(grad, grad)**(1/2) + 1) + dot(grad, grad)**(1/2) + 1) + 2*abs(grad))**(-1)"


def test_absolute_values_inside_of_each_other_end() -> None:
    """The rule for |B|, m^2 -> (|B|^2 - ...)/c^2, is not applied where it brings m^2 back, as with |B'| inside of B."""
    nested = "n = norm(grad(theta)); h = abs(abs(n - 1) - n + 2); theta = theta - gamma*grad(theta)**3/h"
    assert len(modified_equation(inline_scheme(nested), 0)["theta"][0]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["modified-loss", "--order", "0", "--update", "g = grad(theta); theta = theta - gamma*g - gamma*g/norm(g)"],
            "V = L",
        ),
        (["modified-eq", "--scheme", "gd", "--loss", "(x + y)**1000"], "gamma*(-999000000*(x + y)**1997)"),
    ],
)
def test_it_ends(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    derive.main(arguments, standalone_mode=False)
    assert words in capsys.readouterr().out
