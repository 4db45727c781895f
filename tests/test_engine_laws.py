"""Laws of the engine: update texts as series in gamma against the texts' own values, couplings against exact linear algebra, runs against
closed forms; and that the residual check sees what a broken engine leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from math import factorial
from typing import Any

import mpmath
import pytest
import sympy as sp
from flint import arb, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpc, mpf
from oracle import defect
from tensors import Jet, OnLoss, many_digits, parse, read

from derive import configure, inline_scheme, load_scheme, modified_equation
from derive.algebra.calculus import same
from derive.algebra.coefficients import Ratio, Ring
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import combination_text
from derive.engine import coupling, run
from derive.engine.composition import Given, Workspace, composed
from derive.engine.coupling import Coupling
from derive.engine.run import Derivation
from derive.engine.series import Power, Series, Times
from derive.engine.translation import Translation
from derive.errors import ReductionError, ResidualError
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
        if "theta_prev" in names:
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
        assert [str(d) for d in engine._derivatives("r")] == expected, setting
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
    ("theta = theta - gamma*sqrt(gamma*theta)", "vanishes under a root"),
    ("theta = theta - gamma*grad(theta)*abs(gamma*theta)", "vanishes under a sign or an absolute value"),
    ("theta = theta - gamma*grad(2*theta)", "line 1, column 23: the gradient is taken at 2.theta as gamma -> 0"),
    ("theta = theta - gamma*grad(gamma*theta)", "the gradient is taken at 0 as gamma -> 0"),
    ("theta = theta - gamma*grad(theta)*(-1)**(1/2)", "even root of the negative number -1"),
    ("theta = theta_next - gamma*grad(theta)", "theta_next must come with a factor gamma"),
])  # fmt: skip
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words):
        modified_equation(inline_scheme(text), 1)


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
    return Given(context, [algebra.scale(algebra.power(x, Fraction(k)), algebra.ring.constant(c)) for k, c in enumerate(coefficients)])


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


COMPOSED = ["grad", "hess(u)*grad", "d3(u, grad)", "u*theta**2", "dot(grad, theta)*u", "abs(grad)*u", "(grad**2 + a)**(-1/2)*grad",
            "hess(theta*grad)", "s*w", "sqrt(a)*grad", "dot(u, hess(u))", "1", "abs(u)**(-1)"]  # fmt: skip


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
    with pytest.raises(ReductionError, match="a point that does not tend to theta"):
        composed(context, read(algebra, parse("grad")), {"theta": Given(context, [u])}).at(0)


# ---------------------------------------------------------------------------------------------- coupling


def coupled(text: str, settings: Mapping[str, str] | None = None) -> Coupling:
    return Coupling(configure(inline_scheme(text), None, settings), 1)


COUPLINGS = [  # text; components in order; the slow variable of each
    ("theta = theta - gamma*grad(theta)", [(("theta",), "theta")]),
    ("v = beta*v - gamma*grad(theta); theta = theta + v", [(("v",), None), (("theta",), "theta")]),
    ("v = beta*v + grad(theta); w = w/2 + v; theta = theta - gamma*w", [(("theta",), "theta"), (("v",), None), (("w",), None)]),
    ("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)", [(("theta", "theta_prev"), "theta")]),
    ("v = v/2 + w/3 + grad(theta); w = v/5 - w/7; theta = theta - gamma*w", [(("theta",), "theta"), (("v", "w"), None)]),
    ("w = w/3 + grad(theta); theta = theta - gamma*w*s; s = s + gamma*dot(w, w)", [(("theta",), "theta"), (("w",), None), (("s",), "s")]),
    ("v = v - gamma*grad(theta); theta = theta + gamma*v", [(("v",), "v"), (("theta",), "theta")]),
    ("a1 = a1/2 + b1; b1 = a1/3 - b1; c1 = c1/2 + a1*b1; theta = theta - gamma*(a1 + c1)*grad(theta)",
     [(("theta",), "theta"), (("a1", "b1"), None), (("c1",), None)]),
]  # fmt: skip


@pytest.mark.parametrize("text, expected", COUPLINGS)
def test_components(text: str, expected: list[tuple[tuple[str, ...], str | None]]) -> None:
    """The components, which of them carry eigenvalue 1, and that each comes after those it needs."""
    found = coupled(text)
    assert sorted((c.names, c.slow) for c in found.components) == sorted(expected)
    place = {x: i for i, c in enumerate(found.components) for x in c.names}
    for x, needed in found._needs.items():
        assert all(place[y] <= place[x] for y in needed), (x, needed)


@pytest.mark.parametrize("text", [c[0] for c in COUPLINGS])
def test_eigenvectors_and_relaxations(text: str) -> None:
    """l A = l, A r = r, l r = 1, r[slow] = 1; and (z - 1)^[slow] times the relaxation polynomial is det(z E - A) at z = 2, 3, 5."""
    found = coupled(text)
    ring = found.ring
    polynomials = dict(found.relaxations())
    for c in found.components:
        size = range(len(c.names))
        if c.slow:
            assert [sum((c.left[i] * c.matrix[i][j] for i in size), ring.zero) for j in size] == c.left
            assert [sum((c.matrix[i][j] * c.right[j] for j in size), ring.zero) for i in size] == c.right
            assert sum((a * b for a, b in zip(c.left, c.right, strict=True)), ring.zero) == ring.one
            assert c.right[c.names.index(c.slow)] == ring.one
        else:
            assert (c.left, c.right) == ([], [])
        assert (c.names in polynomials) == (len(c.names) > bool(c.slow))
        for z in map(ring.constant, (2, 3, 5)):
            shifted = [[(z if i == j else ring.zero) - c.matrix[i][j] for j in size] for i in size]
            value = sum((p * z**k for k, p in enumerate(polynomials.get(c.names, [ring.one]))), ring.zero)
            assert (value * (z - ring.one) if c.slow else value) == determinant(shifted)


def determinant(m: list[list[Ratio]]) -> Ratio:
    if len(m) == 1:
        return m[0][0]
    assert len(m) == 2
    return m[0][0] * m[1][1] - m[0][1] * m[1][0]


def test_matrices() -> None:
    """Row by row, by hand: the new v enters the row of w, the old w that of v."""
    found = coupled("v = v/2 + w/3 + grad(theta); w = v/5 - w/7; theta = theta - gamma*w")
    (component,) = [c for c in found.components if len(c.names) == 2]
    assert component.names == ("v", "w")
    assert [[str(a) for a in row] for row in component.matrix] == [["1/2", "1/3"], ["1/10", "-8/105"]]
    two_step = coupled("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)")
    assert [[str(a) for a in row] for row in two_step.components[0].matrix] == [["(1 + beta)", "-beta"], ["1", "0"]]
    assert [str(a) for a in two_step.components[0].left] == ["1/(1 - beta)", "-beta/(1 - beta)"]


@pytest.mark.parametrize("text, words", [
    ("v = v - gamma*grad(theta); theta = theta + v", "relaxation factor of v is 1 at gamma = 0 and it drives theta, a Jordan block"),
    ("v = v + grad(theta); theta = theta - gamma*v", "v is driven by a term without gamma and does not relax"),
    ("theta = theta + (theta - theta_prev) - gamma*grad(theta)", "Jordan block"),
    ("theta = 2*theta - gamma*grad(theta)", "theta is multiplied by another factor than 1"),
    ("theta = theta - grad(theta)", "theta changes by a term without gamma; write the step size as gamma"),
    ("theta = theta - alpha*grad(theta)", "theta changes by a term without gamma; say how it scales, for example --set alpha=gamma"),
    ("v = v*v/2 + grad(theta); theta = theta - gamma*v", "the relaxation of v depends on theta or is not linear"),
    ("v = v*theta + grad(theta); theta = theta - gamma*v", "the relaxation of v depends on theta or is not linear"),
    ("v = v/2 + grad(theta + v); theta = theta - gamma*v", "the gradient is taken at a point that moves with v"),
    ("v = v/2 + grad(theta)/gamma; theta = theta - gamma**2*v", r"after the step v is of order gamma\^-1"),
    ("v = abs(v)/2 + grad(theta)*gamma; theta = theta - gamma*v", "v"),
])  # fmt: skip
def test_couplings_that_are_refused(text: str, words: str) -> None:
    with pytest.raises(ReductionError, match=words):
        modified_equation(inline_scheme(text), 1)


def test_exploring_leaves_nothing_behind() -> None:
    """The symbols put in the place of the states while the coupling is explored are gone from every series afterwards."""
    found = coupled("v = v/2 + grad(theta)**2; theta = theta - gamma*grad(theta)/(sqrt(v) + 1)")
    assert not found.exploring
    assert all(not values for values in found.solution.values())
    assert all(not s.known for s in found.all_series)
    assert all(s._inverse is None for s in found.all_series if isinstance(s, Power))


def test_memory_is_not_wanted_at_the_last_power() -> None:
    """v moves theta without gamma and is needed at gamma^(order+1); w comes with gamma and what nothing reads is not."""
    found = coupled("v = beta*v - gamma*grad(theta) + gamma*w; w = w/2 + grad(theta); p = p/3 + grad(theta); theta = theta + v")
    assert [c.names for c in found._needed_last()] == [("v",), ("theta",)] or {c.names for c in found._needed_last()} == {("v",), ("theta",)}
    engine = Derivation(configure(inline_scheme("p = p/3 + grad(theta); theta = theta - gamma*grad(theta)")), 2)
    assert set(engine.solution["p"]) == {0, 1, 2}
    assert set(engine.solution["theta"]) == {0, 1, 2, 3}


# ---------------------------------------------------------------------------------------------- runs


Powers = list[Fraction]  # a power series in x = gamma h


def times(p: Powers, q: Powers) -> Powers:
    return [sum((p[i] * q[k - i] for i in range(k + 1)), Fraction(0)) for k in range(len(p))]


@settings(max_examples=8)
@given(st.lists(rationals, min_size=9, max_size=9), st.booleans())
def test_linear_schemes_have_the_principal_eigenvalue(c: list[Fraction], both: bool) -> None:
    """Two coupled memories on L = h theta^2/2: X+ = M(x) X with x = gamma h, (1, p, q)(x) its slow eigenvector, z(x) the eigenvalue:
    the flow is log z / gamma, the map (z - 1)/gamma, and the memory p(x) theta, q(x) theta.  By undetermined coefficients."""
    a, b, d, e, f, g, k, m, _ = c
    determinant = (1 - a) * (1 - e) - b * d
    assume(determinant)
    extra = f" + ({m})*w" if both else ""
    text = (f"p = v; v = ({a})*v + ({b})*w + ({f})*grad(theta); w = ({d})*p + ({e})*w + ({g})*grad(theta + gamma*({k})*v); "
            f"theta = theta - gamma*(v{extra} + grad(theta))")  # fmt: skip
    order, h = 3, Fraction(1)
    # series in gamma for h = 1: v' = a v + b w + f, w' = d v + e w + g (1 + k gamma v'), z = 1 - gamma (v' + m w' + 1), all over theta
    n = order + 3
    v, w = [Fraction(0)] * n, [Fraction(0)] * n
    z = [h] + [Fraction(0)] * (n - 1)
    for j in range(n):
        for _ in range(2):  # v_j z_0 enters z_(j+1) only, so two rounds settle power j
            left, right = times(z, v), times(z, w)
            new_v = [a * x + b * y + (f if i == 0 else 0) for i, (x, y) in enumerate(zip(v, w, strict=True))]
            inner = [Fraction(0), *new_v[:-1]]
            new_w = [d * x + e * y + g * ((1 if i == 0 else 0) + k * u) for i, (x, y, u) in enumerate(zip(v, w, inner, strict=True))]
            # (A - z) (v, w) = 0 at power j: solve the 2 x 2 system for the correction
            r, s = new_v[j] - left[j], new_w[j] - right[j]
            v[j] += ((1 - e) * r + b * s) / determinant
            w[j] += ((1 - a) * s + d * r) / determinant
            push = [x + (m if both else 0) * y + (1 if i == 0 else 0) for i, (x, y) in enumerate(zip(times(z, v), times(z, w), strict=True))]
            z = [Fraction(1), *(-x for x in push[:-1])]
    logarithm, power = [Fraction(0)] * n, [Fraction(1)] + [Fraction(0)] * (n - 1)
    for j in range(1, n):
        power = times(power, [Fraction(0), *z[1:]])
        logarithm = [x + Fraction((-1) ** (j + 1), j) * y for x, y in zip(logarithm, power, strict=True)]
    scheme = inline_scheme(text)
    flow, step = modified_equation(scheme, order), modified_equation(scheme, order, form="map")
    for i in range(order + 1):
        assert on_quadratic(flow["theta"][i].sum) == logarithm[i + 1], ("flow", i)
        assert on_quadratic(step["theta"][i].sum) == z[i + 1], ("map", i)
        assert on_quadratic(flow["v"][i].sum) == v[i], ("v", i)
        assert on_quadratic(flow["w"][i].sum) == w[i], ("w", i)


def on_quadratic(total: Sum) -> Fraction:
    """The value at theta = 1 on L = theta^2/2: chains of hess are 1, everything else 0."""
    result = Fraction(0)
    for term, c in total.items():
        text = str(term)
        if text.replace("hess(", "").replace(")", "") == "grad":
            result += c.number()
    return result


RUNS = [
    "v = v/2 + w/3 + grad(theta); w = v/5 - w/3 + grad(theta)*grad(theta); theta = theta - gamma*(v + w)",
    "w = w/3 + theta - theta_prev; theta = theta + (theta - theta_prev)/2 - gamma*grad(theta + w/2)",
    "theta = theta - gamma*grad(theta_next)/2 - gamma*grad(theta)/2 + gamma**2*theta_next",
    "v = v/2 + grad(theta)*theta; theta = theta - gamma*v + gamma*dot(v, grad(theta))*theta",
    "v = v - gamma*grad(theta); theta = theta + gamma*v - gamma*gamma*v*v",
    "w = -w/2 + gamma*v; v = v/3 + gamma*w + grad(theta); theta = theta - gamma*v + w",
]  # fmt: skip


@pytest.mark.parametrize("text", RUNS)
def test_one_step_is_the_flow(text: str) -> None:
    """On a cubic in two variables in exact arithmetic, through gamma^3 (oracle.py); slow variables start anywhere."""
    scheme = inline_scheme(text)
    data = modified_equation(scheme, 3).to_json()
    data["equations"] = {x: blocks[:3] for x, blocks in data["equations"].items()}
    loss = {(1, 0): Fraction(3, 4), (0, 1): Fraction(-4, 3), (2, 0): Fraction(1, 2), (1, 1): Fraction(2, 3), (2, 1): Fraction(-1, 2),
            (0, 3): Fraction(1, 5)}  # fmt: skip
    point = {x: [Fraction(1, 3), Fraction(-1, 2)] for x in data["equations"]}
    assert defect(configure(scheme), data, loss, point, {}, 2) == {}


def test_what_a_run_returns() -> None:
    """Memory through gamma^order, fields and maps of slow variables only, in lowest terms; progress is told each power."""
    seen: list[int] = []
    engine = Derivation(configure(inline_scheme("v = beta*v - gamma*grad(theta); theta = theta + v")), 2, seen.append)
    assert seen == [0, 1, 2, 3]
    assert engine.slow == ("theta",)
    assert set(engine.fields) == set(engine.maps) == {"theta"}
    assert [combination_text(engine.algebra.sorted(m)) if m else "0" for m in engine.memory["v"]] == [
        "0", "-1/(1 - beta)*grad", "-1/(1 - beta)**3*hess(grad)"]  # fmt: skip
    assert [len(f) for f in engine.fields["theta"]] == [1, 1, 2]
    assert engine.residual_power == 3
    for total in (*engine.fields["theta"], *engine.memory["v"]):
        for c in total.values():
            assert c.den == c.reduced().den
    nesterov = load_scheme("momentum")
    assert Derivation(configure(nesterov, "inertial"), 0).slow == ("theta", "eta")


# ---------------------------------------------------------------------------------------------- the residual check can fail


def test_the_residual_check_sees_negative_powers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guard of the coupling v = v/2 + grad/gamma would lose its gamma^-1; the residual check sees it."""
    monkeypatch.setattr(Coupling, "_check_divisible", lambda *_: None)
    for text in ("v = v/2 + grad(theta)/gamma; theta = theta - gamma**2*v", "theta = theta - gamma*grad(theta); v = v/3 + theta/gamma**2"):
        with pytest.raises(ResidualError, match=r"residual of v at gamma\^-"):
            modified_equation(inline_scheme(text), 1)
    cancelling = "v = v/2 + gamma*grad(theta)/gamma - grad(theta)/gamma + grad(theta)/gamma; theta = theta - gamma*v"
    assert str(modified_equation(inline_scheme(cancelling), 0)["theta"][0]) == "-2*grad"


@pytest.mark.parametrize("method", ["sum", "relax"])
def test_the_residual_check_sees_a_wrong_solution(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """A solver that is off by n in one equation."""
    original = getattr(run.SequenceSolver, method)
    monkeypatch.setattr(run.SequenceSolver, method, lambda self, *args: original(self, *args) + self.ring.n)
    with pytest.raises(ResidualError, match="residual of"):
        modified_equation(inline_scheme("v = v/2 - gamma*grad(theta); theta = theta + v"), 1)


def test_the_residual_check_sees_a_wrong_coupled_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    original = run.solve_linear
    monkeypatch.setattr(run, "solve_linear", lambda m, r: [x.scaled(2) for x in original(m, r)])
    with pytest.raises(ResidualError, match="residual of"):
        modified_equation(inline_scheme("v = v/2 + w/3 + gamma*grad(theta); w = v/5 - w/7; theta = theta - w"), 1)


def test_strong_components() -> None:
    """x -> what it needs; by hand: a <-> b, both need c; d needs a; e alone."""
    needs = {"d": {"a"}, "a": {"b", "c"}, "b": {"a"}, "c": set(), "e": {"e"}}
    found = coupling._strong_components(needs)
    assert sorted(found) == [("a", "b"), ("c",), ("d",), ("e",)]
    place = {x: i for i, names in enumerate(found) for x in names}
    assert place["c"] < place["a"] == place["b"] < place["d"]
    chain = {f"x{i}": {f"x{i + 1}"} if i < 5 else set() for i in range(6)}
    assert all(a > b for (a,), (b,) in pairwise(coupling._strong_components(chain)))
