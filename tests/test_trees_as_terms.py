"""Laws of grafting, trees, contractions and linear problems over terms: over all trees up to an order, and against sympy."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import factorial, prod

import pytest
import sympy as sp
from algebra_texts import drawn, new, of, text
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from tensors import Jet, OnLoss, Undefined, agree, exact, is_zero, many_digits, parse

from derive.algebra.ansatz import solve_ansatz
from derive.algebra.calculus import gradient, same
from derive.algebra.rooted import free_tree, rooted_trees, symmetry
from derive.algebra.sums import Sum
from derive.algebra.terms import Term

ROOTED = [1, 1, 2, 4, 9, 20, 48]  # rooted trees with 1, 2, ... nodes (OEIS A000081)
FREE = [1, 1, 1, 2, 3, 6, 11]  # free trees (OEIS A000055)


# ---------------------------------------------------------------------------------------------- grafting


X, Y, GAMMA = sp.symbols("x y gamma")
rationals = st.fractions(min_value=-2, max_value=2, max_denominator=3)


@settings(max_examples=4)
@given(st.lists(rationals.filter(bool), min_size=21, max_size=21), st.lists(rationals, min_size=2, max_size=2), st.data())
def test_grafting_is_the_taylor_series(coefficients: list[Fraction], at: list[Fraction], data: st.DataObject) -> None:
    """grad L(theta + gamma d_1 + gamma^2 d_2 + ...) by sympy, for polynomials of degree 5 and all weights through 4."""
    exponents = [(i, j) for i, j in product(range(6), repeat=2) if i + j <= 5]
    loss = sp.Poly(dict(zip(exponents, map(sp.Rational, coefficients), strict=True)), X, Y)
    jet = OnLoss(loss, [sp.Rational(v) for v in at], 0)
    algebra = new()
    choices = ["u", "2*v - a*u", "grad", "hess(u)/2", "u*v", "s*w", "0", "u - grad/3"]
    delta = [of(algebra, "theta"), *(of(algebra, data.draw(st.sampled_from(choices))) for _ in range(4))]
    numbers = [[sp.Rational(str(v)) for v in jet.of(d)] for d in delta[1:]]
    moved = [sp.Rational(p) + sum(GAMMA ** (k + 1) * d[i] for k, d in enumerate(numbers)) for i, p in enumerate(at)]
    for i, variable in enumerate((X, Y)):
        series = sp.Poly(loss.diff(variable).as_expr().subs({X: moved[0], Y: moved[1]}), GAMMA)
        for weight in range(5):
            expected = exact(Fraction(str(series.coeff_monomial(GAMMA**weight))))
            assert jet.of(algebra.graft("L", delta, weight))[i] == expected, weight


@pytest.mark.parametrize("weight", range(6))
def test_grafting_one_direction_is_the_exponential(weight: int) -> None:
    """grad(theta + gamma u) = sum gamma^k d^(k+1)L[u, ..., u]/k!, and no later delta is read; short lists end in zero."""
    algebra = new()
    u = of(algebra, "u")
    ((t, _),) = u.items()
    expected = algebra.scale(algebra.node_sum("f", [t] * weight), algebra.ring.constant(Fraction(1, factorial(weight))))
    assert algebra.graft("f", [{}, u], weight) == expected
    assert algebra.graft("f", [{}, u, *[{}] * weight], weight) == expected
    if weight < 5:
        assert algebra.graft("f", [{}, *[{}] * weight, u], weight) == (of(algebra, "field") if weight == 0 else {})


def test_grafting_pulls_scalars_out() -> None:
    """theta + gamma sqrt(a) s u: the second derivative has a s^2, since sqrt(a)^2 belongs to the coefficient."""
    algebra = new()
    delta = [{}, of(algebra, "sqrt(a)*s*u + v")]
    assert algebra.graft("f", delta, 2) == of(algebra, "a*s**2*d2field(u, u)/2 + sqrt(a)*s*d2field(u, v) + d2field(v, v)/2")


# ---------------------------------------------------------------------------------------------- trees and contraction


def test_numbers_of_rooted_trees() -> None:
    """And: sum over trees with n nodes of n!/(sigma tau!) = (n-1)!, tau! the tree factorial."""
    algebra = new()
    for n, count in enumerate(ROOTED, 1):
        trees = rooted_trees(algebra, n)
        assert len(trees) == len(set(trees)) == count
        assert all(t.is_tree and t.size == n for t in trees)
        assert sum(Fraction(factorial(n), symmetry(t) * tree_factorial(t)) for t in trees) == factorial(n - 1)


def tree_factorial(tree: Term) -> int:
    return tree.size * prod(tree_factorial(c) for c in tree.factors[0][0].children)


def test_what_is_no_tree() -> None:
    algebra = new()
    for x in ("1", "u", "grad**2", "grad*hess(grad)", "hess(u)", "hess(grad**2)", "hess(abs(grad))", "dot(grad, grad)", "grad*u"):
        assert not next(iter(of(algebra, x))).is_tree, x


def test_sizes_count_nodes_and_states() -> None:
    algebra = new()
    for x, size in [("1", 0), ("grad", 1), ("u", 1), ("grad**3", 3), ("d3(u, hess(grad))*theta", 5), ("abs(grad)", 1),
                    ("abs(grad)**(5/2)", 2), ("abs(grad)**(1/2)", 1), ("(grad**2 + a)**(-1/2)", 2), ("(grad**2 + a)**(-2)", 4),
                    ("dot(u, grad)", 2), ("sqrt(a)", 0), ("grad**(-3)", 3)]:  # fmt: skip
        (term,) = of(algebra, x)
        assert term.size == size, x


@pytest.mark.parametrize("n", range(2, 8))
def test_contractions_of_two_trees_are_free_trees(n: int) -> None:
    """<tau_1, tau_2> joins two roots by an edge: over all pairs with n nodes there are as many scalars as free trees (rule 4)."""
    algebra = new()
    trees = {k: rooted_trees(algebra, k) for k in range(1, n)}
    found: dict[Term, Term] = {}
    for k in range(1, n):
        for first, second in product(trees[k], trees[n - k]):
            one = algebra.ring.one
            ((term, c),) = algebra.contract(algebra.product({first: one}, {second: one})).items()
            assert c == one
            found[term] = first
    assert len(found) == FREE[n - 1]
    rooted = {t for tree in rooted_trees(algebra, n) for t in free_tree(algebra, tree)}
    assert rooted == set(found), "and every rooted tree is a rooting of one of them"


@pytest.mark.parametrize("n", range(1, 6))
def test_gradients_of_free_trees_are_sums_of_their_rootings(n: int) -> None:
    """grad of the scalar = sum over the nodes of the free tree of the tree rooted there: n rootings of one free tree."""
    algebra = new()
    for tree in rooted_trees(algebra, n):
        scalar = free_tree(algebra, tree)
        slopes = gradient(algebra, scalar)
        assert sum(c.number() for c in slopes.values()) == n, tree
        for t in slopes:
            assert t.is_tree
            assert free_tree(algebra, t) == scalar, (tree, t)


@given(st.data())
def test_contractions_are_linear_and_symmetric(data: st.DataObject) -> None:
    """<x, H y> = <y, H x>, d3: any of its slots may be the open one, scalars stand outside; the sign of sums of squares."""
    algebra = new()
    x, y, z = drawn(data, algebra, 3)
    c, s = algebra.ring.symbol("a"), algebra.state("s", True)

    def dot(a: Sum, b: Sum) -> Sum:
        return algebra.contract(algebra.product(a, b))

    assert dot(x, algebra.node_of_sums("L", [y])) == dot(y, algebra.node_of_sums("L", [x]))
    assert dot(x, algebra.node_of_sums("L", [y, z])) == dot(z, algebra.node_of_sums("L", [x, y]))
    assert dot(algebra.add(x, z), y) == algebra.add(dot(x, y), dot(z, y))
    assert algebra.contract(algebra.scale(x, c)) == algebra.scale(algebra.contract(x), c)
    assert algebra.contract(algebra.product(s, x)) == algebra.product(s, algebra.contract(x))
    assert dot(x, x) == of(algebra, "0") or all(t.scalar for t in dot(x, x))


def test_which_contractions_are_positive() -> None:
    algebra = new()
    for x, positive in [
        ("dot(grad, grad)", True), ("dot(grad, u)", False), ("dot(abs(grad), u**2)", True), ("dot(u, abs(u))", False),
        ("dot(u**2, grad**2)", True), ("dot(u, u*grad)", False),
    ]:  # fmt: skip
        (term,) = of(algebra, x)
        ((f, _),) = term.factors
        assert f.positive == positive, x
        assert (of(algebra, f"abs({x})") == of(algebra, x)) == positive


def test_texts_of_contractions() -> None:
    algebra = new()
    for x in ("dot(1, 1)", "dot(u, 1)", "dot(grad, u*theta)", "dot(u**2, u)", "dot(u**2, u**2)", "dot(abs(u)**(1/2), 1)",
              "dot(theta*u**2, u)", "dot(u**(-1), 1)"):  # fmt: skip
        total = of(algebra, x)
        assert of(algebra, text(algebra, total)) == total, text(algebra, total)
        with many_digits():
            try:
                assert agree(Jet(2, 3).of(total), Jet(2, 3).value(parse(x)))
            except Undefined:
                assert "1/2" in x


# ---------------------------------------------------------------------------------------------- linear problems over terms


@given(st.lists(rationals, min_size=3, max_size=3), st.data())
def test_an_ansatz_is_solved(x: list[Fraction], data: st.DataObject) -> None:
    """sum x_j m_j = m with m built from known x: what is found solves it; without a solution there is None."""
    algebra = new()
    images = drawn(data, algebra, 3, powers=True)
    ring = algebra.ring
    target: Sum = {}
    for c, m in zip(x, images, strict=True):
        target = algebra.add(target, algebra.scale(m, ring.constant(c) + ring.symbol("b")))
    found = solve_ansatz(algebra, images, target)
    assert found is not None
    again: Sum = {}
    for c, m in zip(found, images, strict=True):
        again = algebra.add(again, algebra.scale(m, c))
    assert same(algebra, again, target)
    assert solve_ansatz(algebra, images, algebra.add(target, of(algebra, "d4(w, w, w)"))) is None
    assert solve_ansatz(algebra, [], {}) == []


def test_free_unknowns_are_zero() -> None:
    algebra = new()
    g, u = of(algebra, "grad"), of(algebra, "u")
    assert solve_ansatz(algebra, [g, g, u], algebra.add(g, u)) == [algebra.ring.one, algebra.ring.zero, algebra.ring.one]


def test_balls_are_small() -> None:
    """The second route itself: what is not zero is not called zero."""
    with many_digits():
        jet = Jet(0)
        (x, _) = jet.value(parse("sqrt(2 + a)"))
        assert is_zero(x * x - (2 + jet.parameter("a")))
        assert not is_zero(x * x - (2 + jet.parameter("a")) + fmpq(1, 10**50))
