"""Sums over rows and columns: laws against matrices of rational numbers, texts, equations, proofs and runs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix_values import Matrices, parse, read

from derive import inline_scheme, modified_equation
from derive.algebra.calculus import Derivative, gradient
from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra
from derive.algebra.terms import combination_text
from derive.errors import SchemeError
from derive.writing.formulas import write_term
from derive.writing.notation import LATEX, UNICODE
from verify.numeric.routes import check_slopes, random_point, recover_coefficients, rich_problem
from verify.numeric.system import chosen_parameters
from verify.proof import prove

ADAFACTOR = """
g = grad(theta)
R = beta*R + (1 - beta)*mean(g*g + eps, row)
C = beta*C + (1 - beta)*mean(g*g + eps, column)
theta = theta - gamma*g/sqrt(R*C/mean(R))
"""
PLAIN = "g = grad(theta); theta = theta - gamma*g/(1 + mean(g*g, row) + 2*mean(g*g, column))"
SHAPES = st.sampled_from([(1, 2), (2, 1), (2, 3), (3, 2)])


def new() -> Algebra:
    return Algebra(Ring(("a",)))


def _products(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, inner, st.sampled_from(("row", "column"))).map(lambda x: "dot({}, {}, {})".format(*x)),
        st.tuples(inner, inner).map(lambda x: "({} + {})".format(*x)),
        st.tuples(inner, inner).map(lambda x: "({} * {})".format(*x)),
        st.tuples(inner, inner).map(lambda x: "(dot({}, {})*u)".format(*x)),
        inner.map("hess({})".format),
    )


SUMS = st.recursive(st.sampled_from(("grad", "u", "v", "1")), _products, max_leaves=5)


@given(SUMS, st.integers(0, 4), SHAPES)
def test_sums_have_the_values_of_their_texts(x: str, seed: int, shape: tuple[int, int]) -> None:
    """And the text of the normal form reads back as the same sum."""
    algebra, values = new(), Matrices(seed, *shape)
    total = read(algebra, x)
    found, meant = values.of(total), values.value(parse(x))
    table = [[meant] * shape[1] for _ in range(shape[0])]
    assert found in (meant, table) or all(x == meant for row in found for x in row)
    assert read(algebra, combination_text(algebra.sorted(total)) if total else "0") == total


@given(SUMS, SUMS)
def test_rows_cross_columns(x: str, y: str) -> None:
    """As equalities of normal forms."""
    a = new()
    p, q = read(a, x), read(a, y)
    r, c = a.contract(p, "row"), a.contract(q, "column")
    one, d = a.constant(a.ring.one), a.contract(a.constant(a.ring.one))
    n, m = a.contract(one, "row"), a.contract(one, "column")
    assert a.product(n, m) == d
    assert a.contract(r, "column") == a.contract(p) == a.contract(a.contract(p, "column"), "row")
    assert a.contract(a.product(r, q), "row") == a.product(r, a.contract(q, "row"))
    assert a.product(a.contract(a.product(r, c)), d) == a.product(a.contract(r), a.contract(c))
    assert a.contract(a.product(r, q)) == a.contract(a.product(p, a.contract(q, "row")))


@given(SUMS, SUMS)
def test_gradients_of_scalars(x: str, y: str) -> None:
    a = new()
    scalar = a.contract(a.product(read(a, x), a.contract(read(a, y), "row")))
    w = a.state("w")
    assert Derivative(a, {"theta": w})(scalar) == a.contract(a.product(gradient(a, scalar), w))


def test_notations() -> None:
    (term,) = read(new(), "u*dot(grad, v, row)")
    assert str(term) == "u*dot(v, grad, row)"
    assert write_term(term, UNICODE) == "u ⊙ ⟨v, ∇L⟩_row"
    assert r"_{\mathrm{row}}" in write_term(term, LATEX)


def test_products_of_matrices_and_sums_over_rows_do_not_stand_in_one_text() -> None:
    with pytest.raises(SchemeError, match="do not stand in one text"):
        inline_scheme("theta = theta - gamma*grad(theta) @ theta.T @ theta/norm(theta, row)")


def test_first_correction_of_normalised_rows() -> None:
    """With N = |G|_row, F = G/N: F'[F] = H[F]/N - G <G, H[F]>_row/N^3, and f_1 = -F'[F]/2."""
    eq = modified_equation(inline_scheme("theta = theta - gamma*grad(theta)/norm(grad(theta), row)"), order=1)
    h = "hess(grad*dot(grad, grad, row)**(-1/2))"
    half = eq.algebra.ring.one / eq.algebra.ring.constant(2)
    parts = [(f"{h}*dot(grad, grad, row)**(-1/2)", -half), (f"grad*dot(grad, {h}, row)*dot(grad, grad, row)**(-3/2)", half)]
    assert eq["theta"][1].sum == {t: c for part, c in parts for t in read(eq.algebra, part)}


def test_adafactor_at_order_zero() -> None:
    """Rows and columns of squares over their mean: the numbers of rows and columns cancel at eps = 0."""
    plain = ADAFACTOR.replace(" + eps", "")
    eq = modified_equation(inline_scheme(plain, parameters=("beta",)), order=0)
    meant = "-grad*(dot(grad, grad, row)*dot(grad, grad, column)/dot(grad, grad))**(-1/2)"
    assert eq.algebra.is_zero(eq.algebra.add(eq["theta"][0].sum, {t: -c for t, c in read(eq.algebra, meant).items()}))


def test_proof_and_controls() -> None:
    eq = modified_equation(inline_scheme(PLAIN), order=1)
    data = eq.to_json()["equations"]
    assert prove(eq.configuration, data, {}, seed=1).proved
    for n in range(3):
        wrong = copy.deepcopy(data)
        wrong["theta"][1]["terms"][n]["coefficient"] += " + 1/1000000"
        assert prove(eq.configuration, wrong, {}, seed=1).verdict == "refuted"
    swapped = [{**block, "terms": [{k: v.replace("row", "line").replace("column", "row").replace("line", "column")
                                    for k, v in t.items()} for t in block["terms"]]} for block in data["theta"]]  # fmt: skip
    assert prove(eq.configuration, {"theta": swapped}, {}, seed=1).verdict == "refuted"


ROWS = "theta = theta - gamma*grad(theta)/norm(grad(theta), row)"
COLUMNS = "theta = theta - gamma*grad(theta)/norm(grad(theta), column)"
COMPONENTS = "v = beta*v + (1 - beta)*theta**2; theta = theta - gamma*grad(theta)/sqrt(v + eps)/(1 + dot(theta, theta, row))"


@pytest.mark.parametrize(("update", "order"), [(ROWS, 1), (COLUMNS, 0), (COMPONENTS, 0), (ADAFACTOR, 0)])
def test_roots_beside_sums_over_rows_and_columns(update: str, order: int) -> None:
    eq = modified_equation(inline_scheme(update, parameters=("beta", "eps")), order=order)
    data = eq.to_json()
    assert (found := prove(eq.configuration, data["equations"], data["memory"], seed=1)).proved, str(found)
    assert found.classes == 1
    wrong = copy.deepcopy(data["equations"])
    wrong["theta"][order]["terms"][0]["coefficient"] += " + 1/1000000"
    assert prove(eq.configuration, wrong, data["memory"], seed=1).verdict == "refuted"


@pytest.mark.parametrize(
    ("update", "claimed"),
    [
        (ROWS, "-grad/norm(grad, column)"),
        ("theta = theta - gamma*sqrt(mean(grad(theta), row)**2)", "-mean(grad, row)"),
        ("theta = theta - gamma*sqrt(norm(theta, row)**2*mean(theta, column)**2)", "-norm(theta, row)*mean(theta, column)"),
    ],
)
def test_roots_of_squares_have_two_signs(update: str, claimed: str) -> None:
    """And are not taken for the number that is squared, whose sign is one in a row or column."""
    eq = modified_equation(inline_scheme(update), order=0)
    assert prove(eq.configuration, {"theta": [claimed]}, seed=1).verdict == "refuted"


def test_adafactor_by_runs() -> None:
    eq: Any = modified_equation(inline_scheme(ADAFACTOR, parameters=("beta", "eps")), order=1)
    data, values = eq.to_json(), chosen_parameters(eq.configuration)
    values["beta"] /= 2
    problem, point = rich_problem(eq.configuration, 3), random_point(4, 0)
    table = check_slopes(eq.configuration, data, values, problem, point, 20)
    assert [round(s) for s in table.slopes if s] == [1, 2]
    assert recover_coefficients(eq.configuration, data, values).confirmed
    wrong = copy.deepcopy(data)
    wrong["equations"]["theta"][1]["terms"][0]["coefficient"] += " + 1/100"
    assert not check_slopes(eq.configuration, wrong, values, problem, point, 20).confirmed
