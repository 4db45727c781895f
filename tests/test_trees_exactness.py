"""Enumeration, arithmetic and bounds: where machine integers stand for exact numbers, and against a slow recursion."""

from __future__ import annotations

from fractions import Fraction
from math import comb, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.errors import UsageError
from derive.trees import Tree, enumerate_trees, load_tableau, method_of_scheme, parse_tree, runge_kutta, tree_series
from derive.trees.arithmetic import matmul_mod, prime, primes_needed, reconstruct
from derive.trees.bounds import bernoulli_polynomial, bounds_of
from derive.trees.enumeration import tree_counts
from derive.trees.method import TreeMethod
from derive.trees.operators import summation_weights
from derive.trees.series import _Plan

TABLEAUX = ("explicit-euler", "implicit-euler", "heun", "rk4", "radau-iia", "symplectic-euler")
SCHEMES = ("momentum", "bdf2", "adams-bashforth-2", "leapfrog-two-step", "ogda")


# OEIS A000081 (rooted trees) and its transform for two colours, A000151
@pytest.mark.parametrize("colours, counts", [(1, [1, 1, 2, 4, 9, 20, 48, 115, 286]), (2, [2, 4, 14, 52, 214, 916])])
def test_numbers_of_trees(colours: int, counts: list[int]) -> None:
    order = len(counts)
    assert [colours * n for n in tree_counts(order, colours)[1:]] == counts
    table = enumerate_trees(order, colours)
    for m, count in enumerate(counts, 1):
        levels, paint = table.level_sequences(m).tolist(), table.colour_sequences(m).tolist()
        trees = [Tree.from_levels(x, c) for x, row in zip(levels, paint, strict=True) for c in row]
        assert len(set(trees)) == len(trees) == count
        assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize("colours, order", [(1, 9), (2, 5), (3, 4)])
def test_tables_agree_with_single_trees(colours: int, order: int) -> None:
    table = enumerate_trees(order, colours)
    sigma, gamma = table.symmetries(), table.densities()
    for m in range(1, order + 1):
        for levels, paint in zip(table.level_sequences(m).tolist(), table.colour_sequences(m).tolist(), strict=True):
            for colour in paint:
                tree = Tree.from_levels(levels, colour)
                row = table.row_of(tree)
                assert list(tree.levels) == levels
                assert list(tree.colours) == colour
                assert (sigma[row], gamma[row]) == (tree.symmetry, tree.density)
                assert parse_tree(str(tree)) == tree


def test_monotone_labellings_count_the_ways_to_grow_a_tree() -> None:
    # sum over trees of n!/(gamma sigma) = (n-1)!: Butcher 2016, Theorem 304A
    from math import factorial

    table = enumerate_trees(10)
    for m in range(1, 11):
        block = table.block(m)
        grown = sum(Fraction(factorial(m), int(g) * int(s)) for g, s in zip(table.densities()[block], table.symmetries()[block]))
        assert grown == factorial(m - 1)


@given(st.lists(st.integers(0, 4), min_size=0, max_size=8), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_children_does_not_matter(choices: list[int], random: object) -> None:
    trees = [Tree()]
    for c in choices:
        pool = trees[-(c + 1) :]
        trees.append(Tree.of(pool[: c + 1]) if sum(t.nodes for t in pool) < 19 else Tree())
    tree = trees[-1]
    shuffled = list(tree.children)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert Tree.of(shuffled) == tree
    assert Tree.from_levels(tree.levels) == tree


@pytest.mark.parametrize("text", ["[", "[*", "[*]]", "x", "1,3", "2,2", "", "[*]*", "1,,2"])
def test_bad_trees_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_tree(text)


def slow_recursion(method: TreeMethod, order: int) -> dict[Tree, Fraction]:
    """b by polynomials in n over the rationals, tree by tree: P = S(sum_i b_i prod U_i), U_i = P + sum_j a_ij prod U_j."""
    from flint import fmpq, fmpq_poly

    colour = method.colours[0]
    a = [[fmpq(*x.number().as_integer_ratio()) for x in row] for row in colour.stages]
    b = [fmpq(*x.number().as_integer_ratio()) for x in colour.weights]
    stages: dict[Tree, list[fmpq_poly]] = {}
    found: dict[Tree, Fraction] = {}

    def summation(p: fmpq_poly) -> fmpq_poly:
        total = fmpq_poly([0])
        for k in range(len(p.coeffs())):
            bern = bernoulli_polynomial(k + 1)
            total += p[k] * (bern - bern[0]) / (k + 1)
        return total

    for m in range(1, order + 1):
        for levels in enumerate_trees(order).level_sequences(m).tolist():
            tree = Tree.from_levels(levels)
            q = [fmpq_poly([1]) for _ in b]
            for child in tree.children:
                q = [x * y for x, y in zip(q, stages[child], strict=True)]
            p = summation(sum((w * x for w, x in zip(b, q, strict=True)), fmpq_poly([0])))
            stages[tree] = [p + sum((w * x for w, x in zip(row, q, strict=True)), fmpq_poly([0])) for row in a]
            found[tree] = Fraction(int(p[1].p), int(p[1].q))
    return found


@pytest.mark.parametrize("name", ["explicit-euler", "implicit-midpoint", "kutta3", "rk4", "radau-iia"])
def test_arrays_agree_with_polynomials_over_the_rationals(name: str) -> None:
    series = tree_series(load_tableau(name), 9)
    for tree, value in slow_recursion(load_tableau(name), 9).items():
        assert series[tree] == value, tree


rationals = st.fractions(-3, 3, max_denominator=7)


@given(st.lists(rationals, min_size=6, max_size=6))
@settings(max_examples=25, deadline=None)
def test_any_two_stage_method_agrees_with_polynomials_over_the_rationals(entries: list[Fraction]) -> None:
    method = runge_kutta([entries[:2], entries[2:4]], entries[4:])
    series = tree_series(method, 6)
    bounds = bounds_of(method, 6)
    for tree, value in slow_recursion(method, 6).items():
        assert series[tree] == value, tree
        assert abs(value) * bounds.integer_denominator(tree.nodes) <= 2 ** bounds.bits[tree.nodes], tree


def test_wrapping_and_primes_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    method = load_tableau("explicit-euler")
    wrapped = tree_series(method, 14)
    original = _Plan.__init__

    def without_wrapping(self: _Plan, *args: object) -> None:
        original(self, *args)  # type: ignore[arg-type]
        self.wraps, self.count = False, primes_needed(max(self.bounds.bits)) + 1

    monkeypatch.setattr(_Plan, "__init__", without_wrapping)
    modular = tree_series(method, 14)
    for x, y in zip(wrapped.numerators, modular.numerators, strict=True):
        assert (x == y).all()


@pytest.mark.parametrize("name", [*TABLEAUX, *SCHEMES])
@pytest.mark.parametrize("kind", ["flow", "map"])
def test_numerators_respect_their_bound(name: str, kind: str) -> None:
    method = method_of_scheme(name) if name in SCHEMES else load_tableau(name)
    order = 6 if name == "symplectic-euler" else 9
    bounds, series = bounds_of(method, order, kind == "flow"), tree_series(method, order, kind)
    for m in range(1, order + 1):
        largest = max(abs(int(x)) for x in series.numerators[m].ravel())
        assert largest == 0 or log2(largest) <= bounds.bits[m], m


def test_one_prime_more_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few primes would be seen here; the denominators are common ones by the same test."""
    import derive.trees.series as module

    methods = [method_of_scheme("momentum"), method_of_scheme("bdf2"), load_tableau("rk4"), load_tableau("rk2")]
    before = [tree_series(m, 7) for m in methods]
    monkeypatch.setattr(module, "primes_needed", lambda bits: primes_needed(bits) + 1)
    for method, old in zip(methods, before, strict=True):
        for x, y in zip(old.numerators, tree_series(method, 7).numerators, strict=True):
            assert (x.astype(object) == y.astype(object)).all()


def test_euler_fits_the_machine_through_twenty_nodes() -> None:
    bounds = bounds_of(load_tableau("explicit-euler"), 20)
    assert max(bounds.bits) < 62
    assert not bounds_of(load_tableau("rk4"), 15).bits[15] < 62


@given(st.lists(st.integers(-(2**100), 2**100), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_reconstruction_inverts_residues(numbers: list[int]) -> None:
    for count in (4, 5):
        moduli = [prime(i) for i in range(count)]
        residues = [np.array([x % p for x in numbers], np.uint64) for p in moduli]
        assert reconstruct(residues, moduli).tolist() == numbers
    small = [x % 2**60 - 2**59 for x in numbers]
    moduli = [prime(0), prime(1)]
    result = reconstruct([np.array([x % p for x in small], np.uint64) for p in moduli], moduli)
    assert result.dtype == np.int64
    assert result.tolist() == small


def test_matrix_products_modulo_a_prime_are_exact_at_the_extremes() -> None:
    for inner in (1, 2, 15, 64, 300):
        p = prime(0)
        left, right = np.full((2, inner), p - 1, np.uint64), np.full((inner, 3), p - 1, np.uint64)
        assert (matmul_mod(left, right, p) == inner % p).all()


def test_summation_weights_reproduce_linear_coefficients() -> None:
    for degree in range(8):
        weights = summation_weights(degree + 1)
        # the linear coefficient of sum_{i<n} C(i, degree) = C(n, degree + 1) is (-1)^degree/(degree + 1)
        assert sum(w * comb(n, degree) for n, w in enumerate(weights)) == Fraction((-1) ** degree, degree + 1)
