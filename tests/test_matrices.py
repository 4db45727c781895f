"""Products of matrices: laws of the algebra against matrices of rational numbers, shapes, texts, first corrections by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matrix_values import Matrices, parse, plus, read, times

from derive import inline_scheme, modified_equation
from derive.algebra.calculus import Derivative, Transfer, gradient
from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra
from derive.algebra.terms import combination_text
from derive.engine.formula import read_term
from derive.errors import DeriveError, ParseError, ReductionError
from derive.language import parse_update, unparse
from derive.writing.formulas import write_term
from derive.writing.notation import ASCII, LATEX, UNICODE

SHAPES = [(1, 2), (2, 1), (2, 3), (3, 2), (2, 2)]


def new() -> Algebra:
    return Algebra(Ring(("a",)))


def text(algebra: Algebra, x: Any) -> str:
    return combination_text(algebra.sorted(x)) if x else "0"


LETTERS = st.sampled_from(("grad", "theta", "u", "v"))


def _products(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner, inner).map(lambda x: "(({}) @ ({}).T @ ({}))".format(*x)),
        st.tuples(inner, inner).map(lambda x: "({} + {})".format(*x)),
        st.tuples(inner, inner).map(lambda x: "(({}) * ({}))".format(*x)),
        st.tuples(inner, inner).map(lambda x: "(dot({}, {})*theta)".format(*x)),
        st.tuples(inner, inner).map(lambda x: "(S @ ({}) - 2*({}).T.T)".format(*x)),
        st.tuples(inner, inner).map(lambda x: "(trace(({}).T @ S @ ({}))*u)".format(*x)),
    )


def _sums(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(_products(inner), inner.map("hess({})".format))


SUMS = st.recursive(LETTERS, _sums, max_leaves=4)
POLYNOMIALS = st.recursive(st.sampled_from(("u", "theta")), _products, max_leaves=4)


@given(SUMS, st.integers(0, 5), st.sampled_from(SHAPES[:3]))
def test_sums_have_the_values_of_their_texts(x: str, seed: int, shape: tuple[int, int]) -> None:
    """And the text of the normal form reads back as the same sum, in another algebra too."""
    algebra, values = new(), Matrices(seed, *shape)
    total = read(algebra, x)
    assert values.of(total) == values.value(parse(x)) or not total
    assert read(algebra, text(algebra, total)) == total
    assert algebra.partial_fractions(total) == total
    other = new()
    assert Transfer(other, algebra)(Transfer(algebra, other)(total)) == total


@given(SUMS, SUMS, SUMS)
def test_associativity_transposition_bilinearity(x: str, y: str, z: str) -> None:
    """As equalities of normal forms."""
    a = new()
    p, q, r = (read(a, w) for w in (x, y, z))
    t = a.transposed(q)
    assert a.matmul(a.matmul(p, t), r) == a.matmul(p, a.matmul(t, r))
    assert a.transposed(a.matmul(p, t)) == a.matmul(q, a.transposed(p))
    assert a.transposed(a.transposed(p)) == p
    assert a.transposed(a.product(p, q)) == a.product(a.transposed(p), t)
    assert a.matmul(a.add(p, r), t) == a.add(a.matmul(p, t), a.matmul(r, t))
    assert a.matmul(a.scale(p, a.ring.symbol("a")), t) == a.scale(a.matmul(p, t), a.ring.symbol("a"))


@given(SUMS, SUMS, SUMS, SUMS)
def test_traces_are_cyclic(x: str, y: str, z: str, w: str) -> None:
    a = new()
    p, q, r, s = (read(a, e) for e in (x, y, z, w))
    q, s = a.transposed(q), a.transposed(s)
    word = a.matmul(a.matmul(p, q), a.matmul(r, s))
    assert a.trace(word) == a.trace(a.matmul(a.matmul(s, a.matmul(p, q)), r)) == a.trace(a.transposed(word))
    assert a.trace(a.matmul(p, q)) == a.contract(a.product(p, a.transposed(q)))
    assert a.contract(p) == a.contract(a.transposed(p))


@given(POLYNOMIALS, st.integers(0, 5), st.sampled_from(SHAPES[:3]))
def test_derivatives_along_a_line(x: str, seed: int, shape: tuple[int, int]) -> None:
    """D x [v] at u is the value of x at u + s v, to first order in s: the coefficient of s of a polynomial, from differences."""
    algebra = new()
    total = read(algebra, x)
    values = Matrices(seed, *shape)
    u, v = values.state("u"), values.state("v")
    derivative = Derivative(algebra, {"u": algebra.state("v")})(total)
    points = [Fraction(k) for k in range(9)]
    along = [Matrices(seed, *shape, {"u": plus(u, times(s, v))}).of(total) for s in points]
    assume(isinstance(along[0], list))
    slope = values.of(derivative)
    for i in range(shape[0]):
        for j in range(shape[1]):
            found = _linear_coefficient(points, [m[i][j] for m in along])
            assert found == (slope[i][j] if isinstance(slope, list) else slope)


def _linear_coefficient(xs: list[Fraction], ys: list[Fraction]) -> Fraction:
    """Of the polynomial through these points (Lagrange)."""
    total = Fraction(0)
    for i, y in enumerate(ys):
        polynomial = [Fraction(1)]
        for j, x in enumerate(xs):
            if j != i:
                shifted = [Fraction(0), *polynomial]
                polynomial = [a - x * b for a, b in zip(shifted, [*polynomial, Fraction(0)], strict=True)]
                polynomial = [c / (xs[i] - x) for c in polynomial]
        total += y * polynomial[1]
    return total


@given(SUMS, SUMS, st.integers(0, 5))
def test_gradients_of_scalars(x: str, y: str, seed: int) -> None:
    """d<x, y>[v] = <gradient, v>, in normal form."""
    a = new()
    scalar = a.contract(a.product(read(a, x), read(a, y)))
    direction = a.state("w")
    assert Derivative(a, {"theta": direction})(scalar) == a.contract(a.product(gradient(a, scalar), direction))


@pytest.mark.parametrize("x", ["grad @ theta.T @ u", "u*(grad @ theta.T @ u)", "abs(grad) @ theta.T @ u", "hess(grad @ u.T @ u)",
                               "(u*v) @ theta.T @ (grad @ u.T @ v)", "S @ u", "1/(u @ u.T + 1)*S"])  # fmt: skip
def test_terms_as_text(x: str) -> None:
    a = new()
    (term,) = read(a, x)
    assert read_term(a, str(term)) is term
    assert read(a, write_term(term, ASCII).replace("hess L", "hess").replace("grad L", "grad").replace("[", "(").replace("]", ")")
                ) == {term: a.ring.one}  # fmt: skip


def test_notations() -> None:
    a = new()
    (term,) = read(a, "u*(grad @ theta.T @ hess(u))")
    assert str(term) == "u*(grad @ theta.T @ hess(u))"
    assert write_term(term, UNICODE) == "u ⊙ (∇L @ θ.T @ ∇²L[u])"
    assert write_term(term, LATEX) == r"u \odot \left(\nabla L\, \theta^{\top}\, \nabla^{2} L\left[u\right]\right)"


def test_a_number_is_no_matrix_of_a_product() -> None:
    a = new()
    one = a.constant(a.ring.one)
    with pytest.raises(ReductionError, match="a number stands where a matrix is meant"):
        a.matmul(a.add(a.state("u"), one), a.state("v"))
    with pytest.raises(ReductionError, match="no product of matrices"):
        a.trace(a.state("S"))


# ---------------------------------------------------------------------------------------------- the language


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a @ b.T @ c", "(a @ b.T) @ c"),
        ("2*a @ b", "(2*a) @ b"),
        ("a*b @ c", "(a*b) @ c"),
        ("2 a @ b", "(2*a) @ b"),
        ("-a @ b", "(-a) @ b"),
        ("a.T**2", "(a.T)**2"),
        ("a.T.T", "(a.T).T"),
        ("a @ b + c", "(a @ b) + c"),
    ],
)
def test_operators_bind_as_in_python(written: str, meant: str) -> None:
    (first,), (second,) = (parse_update(f"theta = {x}", names=("a", "b", "c")) for x in (written, meant))
    assert first == second
    (again,) = parse_update(f"theta = {unparse(first.value)}", names=("a", "b", "c"))
    assert again == first


@pytest.mark.parametrize(
    ("update", "column", "words"),
    [
        ("theta = theta - gamma*grad(theta) @ grad(theta)", 17, "transpose one of them"),
        ("m = mu*m + grad(theta) @ grad(theta).T; theta = theta - gamma*m", 49, "an m x n matrix meets an m x m one"),
        ("A = theta @ theta.T; A = theta; theta = theta - gamma*A", 22, "use two names"),
        ("theta = theta - gamma*mu @ grad(theta)", 17, "@ takes matrices"),
        ("theta = theta - gamma*mu.T*grad(theta)", 23, ".T takes matrices"),
        ("theta = theta - gamma*trace(theta)*theta", 23, "trace takes a square matrix, not an m x n one"),
        ("theta = theta - gamma*mean(theta @ theta.T)*theta", 23, "mean takes a matrix of theta's shape"),
        ("theta = theta - gamma*grad(theta.T).T", 23, "grad takes a matrix of theta's shape"),
        ("theta = theta - gamma*dot(theta, theta.T)*theta", 23, "an m x n matrix meets an n x m one"),
    ],
)
def test_shapes_that_do_not_fit(update: str, column: int, words: str) -> None:
    with pytest.raises(ParseError, match=words) as caught:
        inline_scheme(update, parameters=("mu",))
    assert caught.value.column == column


def test_matrices_and_layers_do_not_meet() -> None:
    with pytest.raises(DeriveError, match="do not stand in one text"):
        inline_scheme("theta = theta - gamma*grad(theta) @ grad(theta).T @ grad(theta)/norm(grad(theta), layer)")


# ---------------------------------------------------------------------------------------------- equations


F = "grad @ grad.T @ grad"


def expected(algebra: Algebra, coefficient: Any) -> Any:
    """F'[F] for F = G @ G.T @ G, times a coefficient."""
    h = f"hess({F})"
    parts = (f"{h} @ grad.T @ grad", f"grad @ {h}.T @ grad", f"grad @ grad.T @ {h}")
    return {t: coefficient for part in parts for t in read(algebra, part)}


def test_first_correction_without_memory() -> None:
    """theta+ = theta + gamma v has f_1 = -v'[v]/2, and v = -F."""
    eq = modified_equation(inline_scheme("theta = theta - gamma*grad(theta) @ grad(theta).T @ grad(theta)"), order=1)
    one = eq.algebra.ring.one
    assert eq["theta"][0].sum == dict.fromkeys(read(eq.algebra, F), -one)
    assert eq["theta"][1].sum == expected(eq.algebra, -one / eq.algebra.ring.constant(2))


def test_first_correction_with_momentum() -> None:
    """m = G/(1-mu) + gamma d with d = -mu/(1-mu)^2 H[f_0], f_0 = -F/(1-mu)^3, so d = mu/(1-mu)^5 H[F]; the step's change at
    gamma^2 is -mu/(1-mu)^7 F'[F], the flow's -F'[F]/(2 (1-mu)^6) less:  -(1+mu)/(2 (1-mu)^7) F'[F]."""
    eq = modified_equation(inline_scheme("m = mu*m + grad(theta); theta = theta - gamma*m @ m.T @ m", ("mu",)), order=1)
    mu, one = eq.algebra.ring.symbol("mu"), eq.algebra.ring.one
    assert eq["theta"][1].sum == expected(eq.algebra, -(one + mu) / ((one - mu) ** 7).scaled(2))
    assert eq["theta"][1].sum != expected(eq.algebra, -(one + mu) / ((one - mu) ** 6).scaled(2))


def test_square_memory() -> None:
    """S = b S + G @ G.T relaxes to G @ G.T/(1-b): Shampoo without its root."""
    text = "S = b*S + grad(theta) @ grad(theta).T; theta = theta - gamma*S @ grad(theta)"
    eq = modified_equation(inline_scheme(text, ("b",)), 0)
    one, b = eq.algebra.ring.one, eq.algebra.ring.symbol("b")
    assert eq["theta"][0].sum == dict.fromkeys(read(eq.algebra, F), -one / (one - b))
    assert str(next(iter(eq.memory["S"][0].sum))) == "grad @ grad.T"


def test_values_at_points_are_refused_in_one_line() -> None:
    eq = modified_equation(inline_scheme("theta = theta - gamma*grad(theta) @ grad(theta).T @ grad(theta)"), order=0)
    with pytest.raises(DeriveError, match="products of matrices have no values at points here"):
        eq.evaluate("x**2*y", {"x": 1, "y": 2})
