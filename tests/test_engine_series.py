"""Update texts as series in gamma against the texts' own values, and series by themselves against sympy and Taylor's formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import factorial
from typing import Any

import mpmath
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpc, mpf
from tensors import Jet, OnLoss, many_digits, parse, read

from derive import configure, inline_scheme, modified_equation
from derive.algebra.calculus import same
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sums import Algebra, Sum
from derive.engine.composition import Given, Workspace, composed
from derive.engine.roots import Power
from derive.engine.series import Series, Times
from derive.engine.translation import Translation
from derive.errors import ReductionError
from derive.language import Call, Expression, Name, Number, Operation, constant
from derive.scheme import scheme_from_toml

X, Y = sp.symbols("x y")
LOSS = sp.Poly(X**3 / 3 + X * Y**2 / 2 - Y**4 / 4 + X**2 * Y**2 / 5 + X / 2 - 2 * Y / 3 + X * Y, X, Y)
POINT = [sp.Rational(1, 3), sp.Rational(-1, 2)]
T0 = 0.75  # exactly
STEP = 5  # the step number n at which sequences in n are looked at

# ---------------------------------------------------------------------------------------------- texts as series

SOLUTION = {  # of every state variable: (a sequence in n, a term) by power of gamma
    "theta": [("1", "theta"), ("n", "u"), ("n*(n - 1)", "hess(u)")],
    "v": [("1", "v"), ("1 + 2*n", "grad"), ("n*n", "u*grad")],
    "s": [("1", "q**2 + 1"), ("n", "dot(u, grad)"), ("3", "s")],
}


def number(e: Expression, n: int) -> Fraction:
    match e:
        case Number(value):
            return value
        case Name("n"):
            return Fraction(n)
        case Operation(op, (a, b)):
            x, y = number(a, n), number(b, n)
            return x + y if op == "+" else x - y if op == "-" else x * y
    raise AssertionError(e)


class Sides:
    """One update text on both sides: the engine's series, and the text itself at a complex number gamma."""

    def __init__(self, text: str, order: int = 3) -> None:
        functions = '[functions]\nr = "schedule"' if "r(" in text else ""
        names = [n for n in ("beta", "eps", "mu") if n in text]
        parameters = "[parameters]\n" + "\n".join(f'{n} = "a number"' for n in names)
        scheme = scheme_from_toml(f'name = "x"\ntitle = "x"\nupdate = """\n{text}\n"""\n{parameters}\n{functions}\n')
        self.engine = Translation(configure(scheme), order)
        self.jet = OnLoss(LOSS, POINT, 1)
        self.jet.given["theta"] = [fmpq(int(p.p), int(p.q)) for p in POINT]
        ring, algebra = self.engine.ring, self.engine.algebra
        self.states: dict[str, list[Any]] = {}
        for x in self.engine.states:
            for k, (sequence, term) in enumerate(SOLUTION.get(x, SOLUTION["v"])):
                value = read(algebra, parse(term))
                polynomial = read_sequence(ring, parse(sequence))
                self.engine.solution[x][k] = algebra.scale(value, polynomial)
            for k in range(3, order + 2):
                self.engine.solution[x][k] = {}
        self.engine.solution["theta_next"] = self.engine.solution["theta"]

    def after(self, gamma: Any) -> dict[str, list[Any]]:
        """Every name after the step, at a number gamma."""
        self.gamma = gamma
        names = {x: self.state(x, STEP) for x in self.engine.scheme.states}
        before = dict(names)
        for a in self.engine.scheme.program:
            names[a.target] = self.value(a.value, names)
        if "theta_prev" in names and "theta_prev" not in self.engine.scheme.assigned:
            names["theta_prev"] = before["theta"]
        return names

    def state(self, name: str, n: int) -> list[Any]:
        total = [mpc(0)] * 2
        for k, (sequence, term) in enumerate(SOLUTION.get(name, SOLUTION["v"])):
            scale = self.gamma**k * real(number(parse(sequence), n))
            total = [a + scale * real(b) for a, b in zip(total, self.jet.value(parse(term)), strict=True)]
        return total

    def value(self, e: Expression, names: Mapping[str, list[Any]]) -> list[Any]:
        match e:
            case Number(v):
                return [real(v)] * 2
            case Name("gamma"):
                return [self.gamma] * 2
            case Name("t"):
                return [T0 + STEP * self.gamma] * 2
            case Name("theta_next"):
                return self.state("theta", STEP + 1)
            case Name(id):
                return names[id] if id in names else [real(self.jet.parameter(id))] * 2
            case Operation("neg", (a,)):
                return [-x for x in self.value(a, names)]
            case Operation("**", (a, b)):
                return [self.power(x, constant(b)) for x in self.value(a, names)]
            case Operation(op, (a, b)):
                x, y = self.value(a, names), self.value(b, names)
                combine = {"+": lambda u, w: u + w, "-": lambda u, w: u - w, "*": lambda u, w: u * w, "/": lambda u, w: u / w}[op]
                return [combine(u, w) for u, w in zip(x, y, strict=True)]
            case Call(function, args):
                return self.call(function, [self.value(a, names) for a in args])
        raise AssertionError(e)

    def power(self, x: Any, e: Fraction) -> Any:
        """x^e on the branch that is positive for positive gamma: x = gamma^m x' with x' near a positive number."""
        m = round(float(mpmath.log(abs(x)) / mpmath.log(abs(self.gamma))))
        return (x / self.gamma**m) ** real(e) * self.gamma ** int(m * e)

    def call(self, function: str, args: list[list[Any]]) -> list[Any]:
        x = args[0]
        match function:
            case "grad":
                a, b = x
                return [a**2 + b**2 / 2 + 2 * a * b**2 / 5 + mpf(1) / 2 + b, a * b - b**3 + 2 * a**2 * b / 5 - mpf(2) / 3 + a]
            case "sqrt":
                return [self.power(v, Fraction(1, 2)) for v in x]
            case "abs" | "sign":  # gamma is small: the sign is that of the leading part
                signs = [mpmath.sign(v.real) for v in x]
                return signs if function == "sign" else [s * v for s, v in zip(signs, x, strict=True)]
            case "dot":
                return [sum(a * b for a, b in zip(*args, strict=True))] * 2
            case "norm":
                return [self.power(sum(a * a for a in x), Fraction(1, 2))] * 2
            case "r":  # a function with the derivatives r, dr, d2r, ... at t_0
                slopes = [real(self.jet.parameter(name)) for name in ("r", "dr", "d2r", "d3r", "d4r")]
                return [sum(c * (v - T0) ** k / factorial(k) for k, c in enumerate(slopes)) for v in x]
        raise AssertionError(function)


class AtStep(Jet):
    """The same jet with the step number and the time of the test."""

    def __init__(self, jet: OnLoss) -> None:
        super().__init__(jet.seed, jet.size)
        self.jet, self.given = jet, jet.given

    def entry(self, label: str, index: tuple[int, ...]) -> Any:
        return self.jet.entry(label, index)

    def parameter(self, name: str) -> Any:
        return {"n": fmpq(STEP), "t": fmpq(3, 4)}.get(name) or self.jet.parameter(name)


def real(x: Any) -> Any:
    """A rational number in mpmath's precision of the moment."""
    return mpf(int(getattr(x, "p", None) or x.numerator)) / int(getattr(x, "q", None) or x.denominator) if x else mpf(0)


def read_sequence(ring: Ring, e: Expression) -> Ratio:
    match e:
        case Number(value):
            return ring.constant(value)
        case Name("n"):
            return ring.n
        case Operation(op, (a, b)):
            x, y = read_sequence(ring, a), read_sequence(ring, b)
            return x + y if op == "+" else x - y if op == "-" else x * y
    raise AssertionError(e)


def check(text: str, order: int = 3) -> None:
    """Every state variable after the step, through gamma^order, both components; Taylor coefficients as contour integrals:
    c_k = sum_j f(r w^j) (r w^j)^(-k)/N with w^N = 1, right up to c_(k+N) r^N."""
    sides, count = Sides(text, order), 24
    with mp.workdps(130), many_digits():
        points = [mpf(10) ** -4 * mpmath.expjpi(2 * mpf(j) / count) for j in range(count)]
        values = [sides.after(z) for z in points]
        jet = AtStep(sides.jet)
        for x, update in sides.engine.updates.items():
            assert all(not update.at(k) for k in range(update.low, 0))
            for i, k in product(range(2), range(order + 1)):
                expected = sum(v[x][i] * z**-k for v, z in zip(values, points, strict=True)) / count
                found = jet.of(update.at(k))[i]
                assert abs(arb(found) - arb(mpmath.nstr(expected.real, 70))) < arb("1e-50"), (x, i, k)


TEXTS = [
    "theta = theta - gamma*grad(theta)",
    "v = beta*v - gamma*grad(theta)\ntheta = theta + v",
    "theta = theta - gamma*grad(theta + gamma*mu*grad(theta - gamma*v))\nv = grad(theta)*v",
    "v = v/2 + grad(theta)**2/2\ntheta = theta - gamma*grad(theta)/sqrt(v*v + eps)",
    "theta = theta - gamma*grad(theta)*(1 + v**2)**(-3/2) + 3*v\nv = -v",
    "theta = theta - (grad(theta)*grad(theta) + eps)**(1/3)*v**3 - v**0\nv = 2 - v*beta",
    "v = sign(v)*v - abs(grad(theta))\ntheta = theta - abs(v) + gamma*sign(grad(theta))*grad(theta)",
    "s = s*dot(grad(theta), v)\nv = dot(v, v)*grad(theta)\ntheta = theta - norm(v)*v",
    "v = v*t - gamma*t*t\ntheta = theta*t + v/t",
    "theta = theta - gamma*grad(theta_next) + theta_next/2",
    "theta = theta + (theta - theta_prev) - gamma*gamma*grad(theta - theta_prev*gamma)",
    "theta = theta - gamma*theta_prev/(2*v)\ntheta_prev = theta + theta_prev\nv = v - theta_prev",
    "v = v*(1 - beta*gamma)/(1 + beta*gamma + gamma**2)\ntheta = theta + v/(1 - gamma)",
    "v = v*gamma**2/(gamma + beta*gamma**2)/gamma\ntheta = theta + (gamma**2 + gamma**3)**(1/2)*v",
    "v = v*(4*gamma**2 + gamma**3)**(-1/2)*gamma\ntheta = theta + v*(gamma/gamma**3)*gamma**2",
    "v = r(t)*v\ntheta = theta - gamma*r(t + gamma/2)*grad(theta)*v + r(t - gamma*t)",
    "theta = theta - gamma*sqrt(eps + gamma)*v - -v\nv = v - 2*(v - theta) - v",
    "theta = theta - v/s\ns = s**(-2) + beta\nv = v*s",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_their_taylor_series(text: str) -> None:
    check(text)


def test_functions_of_time() -> None:
    """r(t) = 1/(1+t): its derivatives at t are rational functions; a schedule's second derivative is zero; else symbols."""
    text = "theta = theta - gamma*r(t)*grad(theta)"
    scheme = scheme_from_toml(f'name = "x"\ntitle = "x"\nupdate = "{text}"\n[functions]\nr = "schedule"\n')
    for setting, expected in [
        ("1/(1+t)", ["1/(1 + t)", "-1/(1 + t)**2", "2/(1 + t)**3", "-6/(1 + t)**4"]),
        ("3", ["3", "0", "0", "0"]), ("2*t**2 + t/2", ["t*(1 + 4*t)/2", "(1 + 8*t)/2", "4", "0"]),
        ("decay(10, 1/10)", ["r", "dr", "0", "0"]), ("sqrt(t)", ["r", "dr", "d2r", "d3r"]), (None, ["r", "dr", "d2r", "d3r"]),
    ]:  # fmt: skip
        engine = Translation(configure(scheme, None, {"r(t)": setting} if setting else {}), 2)
        assert [str(d) for d in engine.time_derivatives("r")] == expected, setting
    with pytest.raises(ReductionError, match="must be taken at a time that tends to t"):
        modified_equation(scheme_from_toml('name = "x"\ntitle = "x"\nupdate = "theta = theta - gamma*r(2*t)*grad(theta)"\n'
                                           '[functions]\nr = "schedule"\n'), 1)  # fmt: skip


def test_symbols_of_a_text() -> None:
    """t where it is read or a function of it is there; order + 2 derivatives of every function."""
    assert Translation(configure(inline_scheme("theta = theta - gamma*beta*grad(theta)")), 1).ring.symbols == ("beta",)
    assert Translation(configure(inline_scheme("theta = theta - gamma*beta*t*grad(theta)")), 1).ring.symbols == ("beta", "t")
    assert Sides("theta = theta - gamma*r(t)*grad(theta)", order=1).engine.ring.symbols == ("t", "r", "dr", "d2r")
    decaying = configure(inline_scheme("theta = theta - gamma*beta*grad(theta)"), None, {"beta": "1/(1 + t)"})
    assert Translation(decaying, 1).ring.symbols == ("t",)


@pytest.mark.parametrize("text, words", [
    ("theta = theta - gamma*v**beta*grad(theta); v = v/2", "line 1, column 26: an exponent must be a rational number"),
    ("theta = theta - gamma*v**65; v = v/2", "exponent 65 is beyond 64"),
    ("theta = theta - gamma*(v*v + 1)**(1/65); v = v/2", "exponent 1/65 is beyond 64"),
    ("theta = theta - gamma*(v*v + 1)**(-65); v = v/2", "exponent -65 is beyond 64"),
    ("theta = theta - gamma**(1/2)*grad(theta)", r"gamma\^\(1/2\): only whole powers"),
    ("theta = theta - grad(theta)/(theta - theta)", "vanishes in a denominator"),
    ("theta = theta - gamma*sqrt(beta - beta)*theta", "vanishes under a root"),
    ("theta = theta - gamma*sqrt(gamma*theta)", r"gamma\^\(3/2\): only whole powers"),
    ("theta = theta - gamma*sign(theta - theta)", "vanishes under a sign or an absolute value through gamma"),
    ("theta = theta - gamma*grad(theta/gamma)", "line 1, column 23: the gradient is taken at what grows as gamma -> 0"),
    ("theta = theta - gamma*loss(2*theta)*theta", "line 1, column 23: the loss is taken at 2.theta as gamma -> 0"),
    ("v = v/2 + 1; theta = theta - gamma*loss(theta + v)*theta", "the loss is taken at 2 . theta as gamma -> 0"),
    ("v = v/2 + grad(theta + v); theta = theta - gamma*v", "taken at a point that moves with v, not small"),
    ("theta = theta - gamma*grad(theta)*(-1)**(1/2)", "even root of the negative number -1"),
    ("theta = theta_next - gamma*grad(theta)", "theta_next must come with a factor gamma"),
])  # fmt: skip
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words):
        modified_equation(inline_scheme(text), 1)


@pytest.mark.parametrize("x", ["sign(v)", "abs(v)", "sqrt(v**2 + 1)", "1/(v**2 + 1)", "grad(theta + gamma*v)",
                               "theta_next*sign(theta_next)"])  # fmt: skip
def test_what_is_not_known_yet_and_cancels(x: str) -> None:
    """v - v under a function is asked for before v is solved: a missing value is no zero, and the field is as without it."""
    plain = "theta = theta - gamma*grad(theta)*v; v = v/2 + grad(theta)**2 + 1"
    gamma = "gamma*" if "next" in x else ""
    fields = [modified_equation(inline_scheme(t), 2)["theta"] for t in (plain, plain.replace("*v;", f"*v + {gamma}({x} - {x});"))]
    assert [str(f) for f in fields[0]] == [str(f) for f in fields[1]]


def test_the_power_zero_is_one() -> None:
    """Even of what vanishes at gamma = 0."""
    (field,) = modified_equation(inline_scheme("theta = theta - gamma*(gamma*theta)**0*grad(theta)"), 0)["theta"]
    assert str(field) == "-grad"


def test_a_text_by_itself_has_no_loss_elsewhere() -> None:
    """Only while its coupling is explored may a translation take the loss at other points."""
    with pytest.raises(ReductionError, match="must be taken at a point that tends to theta"):
        Sides("theta = theta - gamma*loss(2*theta)*theta").engine._compile()["theta"].at(1)


def test_the_largest_exponents_are_allowed() -> None:
    for exponent in ("64", "(-64)", "(1/64)"):
        assert modified_equation(inline_scheme(f"theta = theta - gamma*(grad(theta)**2 + 1)**{exponent}*grad(theta)"), 0)


# ---------------------------------------------------------------------------------------------- series by themselves

SYMBOLS = ("a", "b", "t")


def space() -> Workspace:
    return Workspace(Algebra(Ring(SYMBOLS)))


def given_series(context: Workspace, coefficients: Sequence[Fraction], start: str = "grad") -> Series:
    """c_0 + c_1 gamma g + c_2 gamma^2 g^2 + ..., as functions of one component g."""
    algebra = context.algebra
    x = read(algebra, parse(start))
    powers = [algebra.power(x, Fraction(k)) for k in range(len(coefficients))]
    return Given(context, [algebra.scale(y, algebra.ring.constant(c)) for y, c in zip(powers, coefficients, strict=True)])


rationals = st.fractions(min_value=-2, max_value=2, max_denominator=3)
squares = st.sampled_from([Fraction(1), Fraction(4, 9), Fraction(9)])


@settings(max_examples=3)
@given(squares, st.lists(rationals, min_size=4, max_size=4), st.sampled_from(["1/2", "-1/2", "-1", "3/2", "-3", "2/1"]))
def test_powers_of_series(first: Fraction, rest: list[Fraction], exponent: str) -> None:
    """Y = X^e with X_0 a square: coefficients against sympy's series of (c_0 + c_1 z + ...)^e."""
    context, z = space(), sp.Symbol("z")
    e = Fraction(exponent)
    series = Power(given_series(context, [first, *rest]), e, None)
    formula = (sp.Rational(first) + sum(sp.Rational(c) * z ** (k + 1) for k, c in enumerate(rest))) ** sp.Rational(e)
    expansion = sp.Poly(sp.series(formula, z, 0, 5).removeO(), z)
    algebra = context.algebra
    for k in range(5):
        c = Fraction(str(expansion.coeff_monomial(z**k)))
        expected = algebra.scale(read(algebra, parse(f"grad**{k}")), algebra.ring.constant(c))
        assert series.at(k) == expected, k


@given(st.lists(rationals, min_size=1, max_size=4), st.lists(rationals, min_size=1, max_size=4))
def test_cauchy_products(x: list[Fraction], y: list[Fraction]) -> None:
    context = space()
    series = Times(given_series(context, x), given_series(context, y))
    for k in range(7):
        c = sum((x[j] * y[k - j] for j in range(k + 1) if j < len(x) and k - j < len(y)), Fraction(0))
        assert same(context.algebra, series.at(k), given_series(context, [Fraction(0)] * k + [c]).at(k)), k


COMPOSED = ["grad", "hess(u)*grad", "d3(u, grad)", "u*theta**2", "dot(grad, theta)*u", "abs(grad)*u",
            "(grad**2 + a)**(-1/2)*grad", "hess(theta*grad)", "s*w", "sqrt(a)*grad", "dot(u, hess(u))",
            "1", "abs(u)**(-1)"]  # fmt: skip


@pytest.mark.parametrize("x", COMPOSED)
def test_compositions_are_taylor_series(x: str) -> None:
    """m(theta + gamma u + gamma^2 v) = exp of the derivation: the coefficients by iterated derivatives, through gamma^3."""
    from derive.algebra.calculus import Derivative

    context = space()
    algebra, ring = context.algebra, context.algebra.ring
    m = read(algebra, parse(x))
    theta, p, q = (read(algebra, parse(name)) for name in ("theta", "v", "q*eta"))
    moved = composed(context, m, {"theta": Given(context, [theta, p, q])})

    def d(total: Sum, direction: Sum) -> Sum:
        return Derivative(algebra, {"theta": direction})(total)

    half, sixth = ring.constant(Fraction(1, 2)), ring.constant(Fraction(1, 6))
    assert same(algebra, moved.at(0), m)
    assert same(algebra, moved.at(1), d(m, p))
    assert same(algebra, moved.at(2), algebra.add(algebra.scale(d(d(m, p), p), half), d(m, q)))
    third = algebra.add(algebra.scale(d(d(d(m, p), p), p), sixth), d(d(m, p), q))
    assert same(algebra, moved.at(3), third)


def test_compositions_replace_other_variables() -> None:
    """Without theta among the states every derivative of L stays, and its arguments move; u -> u + gamma v."""
    context = space()
    algebra = context.algebra
    u, v = (read(algebra, parse(name)) for name in "uv")
    moved = composed(context, read(algebra, parse("d3(u, u) + grad + u*w")), {"u": Given(context, [u, v])})
    for k, expected in enumerate(["d3(u, u) + grad + u*w", "2*d3(u, v) + v*w", "d3(v, v)", "0"]):
        assert same(algebra, moved.at(k), read(algebra, parse(expected))), k
    negative = Given(context, {-1: u, 1: v})
    assert (negative.low, negative.at(-1), negative.at(0), negative.at(-2)) == (-1, u, {}, {})
    elsewhere = composed(context, read(algebra, parse("grad")), {"theta": Given(context, [u, v])})
    assert [list(map(str, elsewhere.at(k))) for k in range(2)] == [["grad(u)"], ["hess(u, v)"]]
