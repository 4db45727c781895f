"""Known functions: their normal forms, their series, and proofs of random schemes that are made of them."""

from __future__ import annotations

import copy
from fractions import Fraction
from random import Random

import pytest
import sympy as sp
from flint import arb, fmpq
from proof_controls import check_proof

from derive import configure, inline_scheme, modified_equation
from derive.algebra.calculus import Derivative, same
from derive.algebra.coefficients import Ring
from derive.algebra.known import SLOPES
from derive.algebra.sums import Algebra, Sum
from derive.engine.composition import Workspace
from derive.engine.formula import FormulaReader
from derive.errors import ReductionError
from derive.language import parse_expression
from derive.language.calls import KNOWN_FUNCTIONS
from verify.certificate import checker
from verify.certificate.writing import certificate, certificate_text
from verify.numbers.known import known_function
from verify.numbers.power_series import IrrationalRoot, Series
from verify.numbers.tape import Program, Tape
from verify.proof import prove
from verify.proof.balls import BallRing
from verify.proof.field import PrimeField
from verify.proof.known import KnownValues
from verify.proof.taylor import taylor
from verify.verification import Options, verify_scheme

SYMPY = {
    "sigmoid": lambda x: 1 / (1 + sp.exp(-x)),
    "softplus": lambda x: sp.log(1 + sp.exp(x)),
    "derf": lambda x: 2 * sp.exp(-(x**2)) / sp.sqrt(sp.pi),
}


def in_sympy(name: str, x: sp.Expr) -> sp.Expr:
    return SYMPY[name](x) if name in SYMPY else getattr(sp, name)(x)


def read(algebra: Algebra, text: str) -> Sum:
    """A formula as a sum of terms."""
    expression = parse_expression(text, "test", {**dict.fromkeys(KNOWN_FUNCTIONS, 1), "hess": 1, "abs": 1})
    return FormulaReader(Workspace(algebra), {}).read(expression).at(0)


def test_the_table_is_one() -> None:
    assert tuple(SLOPES) == KNOWN_FUNCTIONS


# ------------------------------------------------------------------------------------------ normal forms

EQUAL = [
    ("exp(2*grad)", "exp(grad)**2"),
    ("exp(grad)*exp(-grad)", "1"),
    ("exp(grad + 3*theta)", "exp(theta)**3*exp(grad)"),
    ("exp(eps*grad)*exp((1 - eps)*grad)", "exp(grad)"),
    ("exp(grad/2)**4", "exp(2*grad)"),
    ("exp(log(theta))", "theta"),
    ("exp(3*log(theta)/2)", "theta**(3/2)"),
    ("log(exp(grad))", "grad"),
    ("log(exp(grad)*exp(theta)**2)", "grad + 2*theta"),
    ("log(abs(grad)**3)", "3*log(abs(grad))"),
    ("log(1)", "0"),
    ("sin(grad)**2 + cos(grad)**2", "1"),
    ("sin(grad)**3", "sin(grad) - sin(grad)*cos(grad)**2"),
    ("sin(-grad)", "-sin(grad)"),
    ("cos(theta - grad)", "cos(grad - theta)"),
    ("tanh(-grad)", "-tanh(grad)"),
    ("atan(theta - grad)", "-atan(grad - theta)"),
    ("erf(-grad) + derf(-grad)", "derf(grad) - erf(grad)"),
    ("sigmoid(-grad)", "1 - sigmoid(grad)"),
    ("softplus(-grad)", "softplus(grad) - grad"),
    ("tanh(0) + exp(0) + sigmoid(0)", "3/2"),
    ("tanh(grad)", "2*sigmoid(2*grad) - 1"),
    ("sigmoid(grad)", "1/(1 + exp(-grad))"),
    ("tanh(grad)", "(exp(grad) - exp(-grad))/(exp(grad) + exp(-grad))"),
    ("softplus(grad)", "log(1 + exp(grad))"),
    ("hess(tanh(grad))", "hess(2*sigmoid(2*grad)) - hess(1)"),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_fields_have_equal_forms(a: str, b: str) -> None:
    algebra = Algebra(Ring(["eps"]))
    assert same(algebra, read(algebra, a), read(algebra, b))


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_other_fields_have_other_forms(a: str, b: str) -> None:
    algebra = Algebra(Ring(["eps"]))
    assert not same(algebra, read(algebra, a), read(algebra, f"{b} + grad/1000"))


@pytest.mark.parametrize("name", KNOWN_FUNCTIONS)
def test_the_slope_is_the_derivative(name: str) -> None:
    """d/ds f(u + s w) by the algebra and by sympy, at numbers."""
    algebra = Algebra(Ring())
    u = algebra.state("u")
    slope = Derivative(algebra, {"theta": u})(read(algebra, f"{name}(2*theta + theta**2)"))
    x = sp.Symbol("x")
    expected = sp.diff(in_sympy(name, 2 * x + x**2), x).subs(x, sp.Rational(1, 3)).evalf(30)
    at = {"theta": sp.Rational(1, 3), "u": sp.Integer(1)}
    found = sum(c.factored().sympy({}) * _term_at(t, at) for t, c in slope.items())
    assert abs(sp.N(found, 30) - expected) < sp.Float("1e-25")


def _term_at(term: object, at: dict[str, sp.Expr]) -> sp.Expr:
    """A term of theta and u alone, by its text."""
    names = {name: (lambda y, name=name: in_sympy(name, y)) for name in KNOWN_FUNCTIONS}
    return sp.parse_expr(str(term), local_dict={**names, **at})


# ------------------------------------------------------------------------------------------ series


@pytest.mark.parametrize("name", KNOWN_FUNCTIONS)
def test_taylor_coefficients(name: str) -> None:
    x, a = sp.Symbol("x"), fmpq(2, 3)
    found = taylor(name, arb(a), 6, lambda f: BallRing().known(f, arb(a)), BallRing())
    for m, c in enumerate(found):
        expected = sp.N(sp.diff(in_sympy(name, x), x, m).subs(x, sp.Rational(2, 3)) / sp.factorial(m), 20)
        assert abs(float(c.mid()) - float(expected)) < 1e-13, (m, c, expected)


@pytest.mark.parametrize("name", KNOWN_FUNCTIONS)
def test_every_kind_of_number_agrees(name: str) -> None:
    tape = Tape(1)
    (x,) = tape.inputs
    (on_tape,) = Program(tape, [known_function(name, x)])([arb("0.3")])
    ball = known_function(name, arb("0.3"))
    series = known_function(name, Series([arb("0.3"), arb(1), arb(0)]))
    assert (on_tape - ball).contains(0)
    assert (series[0] - ball).contains(0)
    rational = known_function("tanh", Series([fmpq(0), fmpq(2), fmpq(0), fmpq(0)]))
    assert rational.coefficients() == [0, 2, 0, fmpq(-8, 3)]
    slope = float(sp.N(sp.diff(in_sympy(name, sp.Symbol("x"))).subs(sp.Symbol("x"), sp.Float("0.3"))))
    assert abs(float(series[1].mid()) - slope) < 1e-12


def test_irrational_values_are_no_rational_numbers() -> None:
    with pytest.raises(IrrationalRoot):
        known_function("exp", fmpq(1))
    with pytest.raises(IrrationalRoot):
        known_function("softplus", fmpq(0))


@pytest.mark.parametrize("name", [n for n in KNOWN_FUNCTIONS if n != "log"])
def test_flow_in_one_dimension(name: str) -> None:
    """f_1 = -f_0' f_0/2 and f_2 = f_0'' f_0^2/12 + f_0'^2 f_0/3 for theta + gamma f_0, on L = x^2/2, where f_0 = -f(x)."""
    equation = modified_equation(inline_scheme(f"theta = theta - gamma*{name}(grad(theta))"), 2)
    values = equation.evaluate("x**2/2", "x=2/3")
    x = sp.Symbol("x")
    f = -in_sympy(name, x)
    expected = [f, -f.diff() * f / 2, f.diff(x, 2) * f**2 / 12 + f.diff() ** 2 * f / 3]
    for k, e in enumerate(expected):
        assert abs(float(values["theta"][k][0]) - float(e.subs(x, sp.Rational(2, 3)))) < 1e-12


def test_exponentiated_gradient() -> None:
    """Kivinen & Warmuth 1997, theta exp(-gamma g): at gamma, minus half the derivative of the field along itself."""
    equation = modified_equation(inline_scheme("theta = theta*exp(-gamma*grad(theta))"), 1)
    assert equation["theta"][0].coefficient("theta*grad") == -1
    assert equation["theta"][1].coefficient("theta*hess(theta*grad)") == Fraction(-1, 2)


# ------------------------------------------------------------------------------------------ proofs

INNER = ("g", "2*g", "-g", "g/2", "a*g", "g + theta", "norm(g)", "theta", "g*g/3", "a*g - theta")
SHAPES = (
    "{f}({u})", "g*{f}({u})", "{f}({u})*{h}({w})", "{f}({u}) + g", "g/(1 + {f}({u})**2)", "{f}({h}({u}))", "g*exp({u})",
    "g*log(2 + g**2)*{f}({u})",
)  # fmt: skip
SMOOTH = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "atan", "erf")
MEMORIES = ("", "", "m = b*m + (1 - b)*g; g = m", "v = b*v + (1 - b)*tanh(g)**2; g = g/sqrt(v + 1)")


def random_update(source: Random) -> str:
    f, h = source.choice(SMOOTH), source.choice(("tanh", "sin", "erf", "sigmoid"))
    direction = source.choice(SHAPES).format(f=f, h=h, u=source.choice(INNER), w=source.choice(INNER))
    vector = "*g" if "norm" in direction else ""
    lines = ["g = grad(theta)", source.choice(MEMORIES), f"theta = theta - gamma*({direction}){vector}"]
    return "; ".join(filter(None, lines))


def check(seed: str) -> None:
    source = Random(seed)
    check_proof(modified_equation(inline_scheme(random_update(source), ["a", "b"]), 1), source)


@pytest.mark.parametrize("seed", [f"known {n}" for n in range(10)])
def test_random_schemes(seed: str) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [f"more known {n}" for n in range(60)])
def test_more_random_schemes(seed: str) -> None:
    check(seed)


#: formulas that are near to the field of theta - gamma*tanh(grad) and are not it
FALSE = [
    "-2*tanh(grad/2)", "-sin(grad)", "-erf(grad)", "-atan(grad)", "1 - 2*sigmoid(grad)", "-(exp(grad) - 1)/(exp(grad) + 1)",
    "-tanh(grad)*(sin(grad)**2 + cos(grad)**2) - gamma*0 - 1/1000", "-tanh(2*grad)/2", "-sin(grad)/cos(grad)",
]  # fmt: skip
TRUE = [
    "-tanh(grad)", "tanh(-grad)", "1 - 2*sigmoid(2*grad)", "-(exp(2*grad) - 1)/(exp(2*grad) + 1)", "2*sigmoid(-2*grad) - 1",
    "-tanh(grad)*(sin(grad)**2 + cos(grad)**2)", "-tanh(log(exp(grad)))", "-tanh(grad)*exp(3*grad)/exp(grad)**3",
    "-tanh(grad)*exp(grad + theta)*exp(-theta - grad)",
]  # fmt: skip


@pytest.mark.parametrize("formula", FALSE)
def test_false_identities_are_refuted(formula: str) -> None:
    configuration = configure(inline_scheme("theta = theta - gamma*tanh(grad(theta))"))
    assert prove(configuration, {"theta": [formula.replace("gamma*0", "0")]}, seed=2).verdict == "refuted"


@pytest.mark.parametrize("formula", TRUE)
def test_true_identities_are_proved(formula: str) -> None:
    configuration = configure(inline_scheme("theta = theta - gamma*tanh(grad(theta))"))
    assert prove(configuration, {"theta": [formula]}, seed=2).proved


# ------------------------------------------------------------------------------------------ certificates


def outcome(data: dict[str, object]) -> str:
    try:
        checker.check(certificate_text(data), reproducible=True)
    except (checker.Different, checker.Bad) as error:
        return type(error).__name__
    return "proved"


@pytest.mark.parametrize("seed", [f"certificate {n}" for n in range(6)])
def test_certificates(seed: str) -> None:
    """The checker has its own known functions; what differs is not accepted, and not called false."""
    source = Random(seed)
    equation = modified_equation(inline_scheme(random_update(source), ["a", "b"]), 1)
    stated = equation.to_json()
    data = certificate(equation.configuration, stated["equations"], stated["memory"])
    assert outcome(data) == "proved"
    wrong = copy.deepcopy(data)
    pair = source.choice([p for power in wrong["fields"]["theta"] for p in power])
    pair[0] = f"({pair[0]})*1001/1000"
    assert outcome(wrong) == "Bad"


@pytest.mark.parametrize("formula", FALSE)
def test_no_certificate_of_a_false_identity(formula: str) -> None:
    configuration = configure(inline_scheme("theta = theta - gamma*tanh(grad(theta))"))
    assert outcome(certificate(configuration, {"theta": [formula.replace("gamma*0", "0")]})) == "Bad"


@pytest.mark.parametrize("formula", TRUE)
def test_certificates_of_true_identities(formula: str) -> None:
    configuration = configure(inline_scheme("theta = theta - gamma*tanh(grad(theta))"))
    assert outcome(certificate(configuration, {"theta": [formula]})) == "proved"


# ------------------------------------------------------------------------------------------ free values


MAKERS = [lambda p, r: KnownValues(PrimeField(p), r), lambda p, r: checker.Known(p, lambda: r.randrange(1, p))]


@pytest.mark.parametrize("make", MAKERS)
def test_values_modulo_a_prime(make: object) -> None:
    """Every equation that the values must obey, at arguments met in any order; and some that hold for no function here."""
    p, source = 2**89 - 1, Random(3)
    values = make(p, source)
    f = values.value
    for _ in range(20):
        a, b = source.randrange(1, p), source.randrange(1, p)
        exp_sum, exp_half = f("exp", (a + b) % p), f("exp", a * pow(2, -1, p) % p)
        assert exp_sum == f("exp", a) * f("exp", b) % p
        assert exp_half**2 % p == f("exp", a)
        assert f("log", f("exp", a) * f("exp", b) % p) == (a + b) % p
        assert (f("sin", a) ** 2 + f("cos", a) ** 2) % p == 1
        assert f("cos", (a - b) % p) == (f("cos", a) * f("cos", b) + f("sin", a) * f("sin", b)) % p
        assert f("sin", 2 * a % p) == 2 * f("sin", a) * f("cos", a) % p
        assert (f("sigmoid", p - a) + f("sigmoid", a)) % p == 1
        assert (f("softplus", p - a) - f("softplus", a) + a) % p == 0
        assert (f("tanh", a) - 2 * f("sigmoid", 2 * a % p) + 1) % p == 0
        assert (f("erf", p - a) + f("erf", a)) % p == 0 == (f("atan", p - a) + f("atan", a)) % p
        assert f("derf", p - a) == f("derf", a)
        assert f("exp", a) not in (f("exp", b), f("tanh", a), f("cos", a), (1 + a) % p)
        assert f("tanh", a) != 2 * f("tanh", a * pow(2, -1, p) % p) % p
        assert f("erf", a) not in (f("atan", a), f("tanh", a), f("sin", a))
        values = make(p, source)
        f = values.value


# ------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("update", "says"),
    [
        ("v = v/2; theta = theta - gamma*grad(theta)*log(v)", "logarithm"),
        ("theta = theta - gamma*grad(theta)*exp(1/gamma)", "grows as gamma"),
        ("theta = theta - gamma*grad(theta)*log(0*theta)", "logarithm"),
    ],
)
def test_refusals(update: str, says: str) -> None:
    with pytest.raises(ReductionError, match=says):
        modified_equation(inline_scheme(update), 1)


def test_values_are_numbers() -> None:
    equation = modified_equation(inline_scheme("theta = theta - gamma*sigmoid(grad(theta))"), 0)
    assert str(equation.evaluate("x**2/2", "x=0")["theta"][0][0]) == "-1/2"


@pytest.mark.parametrize("name", KNOWN_FUNCTIONS)
def test_every_function_is_verified_by_every_route(name: str) -> None:
    """Closed forms on quadratics are for linear updates: that route says so."""
    equation = modified_equation(inline_scheme(f"theta = theta - gamma*{name}(1 + grad(theta)**2)"), 1)
    found = verify_scheme(equation, Options(digits=20))
    assert found.verdict == "verified"
    assert list(found.skipped) == ["quadratic"]
