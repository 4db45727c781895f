"""Laws over all trees up to an order; a failure names the tree."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

pytest.importorskip("numpy")

from derive.algebra.coefficients import Ring
from derive.trees import Tree, load_tableau, method_of_scheme, modifying_integrator, runge_kutta, tree_series
from derive.trees.conditions import bracket, effective_order, grafted, order_conditions, order_of_accuracy
from derive.trees.method import TreeMethod
from derive.trees.series import TreeSeries


def tables(name: str) -> tuple[list[list[Fraction]], list[Fraction]]:
    colour = load_tableau(name).colours[0]
    return [[x.number() for x in row] for row in colour.stages], [x.number() for x in colour.weights]


def bernoulli(n: int) -> Fraction:
    values: list[Fraction] = []
    for m in range(n + 1):
        values.append(Fraction(int(m == 0)) - sum(comb(m, k) * values[k] / (m - k + 1) for k in range(m)))
    return values[n]


def cuts(tree: Tree) -> list[tuple[list[Tree], Tree]]:
    """All ways to cut edges: (the pieces, the tree of pieces in which every piece is one node of its root's colour)."""

    def walk(node: Tree) -> list[tuple[list[Tree], Tree, list[Tree]]]:
        # finished pieces, the piece that contains the node, branches below that piece in the tree of pieces
        ways: list[tuple[list[Tree], list[Tree], list[Tree]]] = [([], [], [])]
        for child in node.children:
            grown = []
            for pieces, kept, branches in ways:
                for done, own, below in walk(child):
                    grown.append((pieces + done, [*kept, own], branches + below))
                    grown.append(([*pieces, *done, own], kept, [*branches, Tree.of(below, child.colour)]))
            ways = grown
        return [(pieces, Tree.of(kept, node.colour), branches) for pieces, kept, branches in ways]

    return [([*pieces, own], Tree.of(branches, tree.colour)) for pieces, own, branches in walk(tree)]


def substituted(inner: TreeSeries, outer: TreeSeries | None, tree: Tree) -> Fraction:
    """The substitution law; `outer` None is the exact flow.  Chartier, Hairer & Vilmart 2010, Theorem 3.2."""
    total = Fraction(0)
    for pieces, quotient in cuts(tree):
        term = Fraction(1, quotient.density) if outer is None else outer[quotient]
        for piece in pieces:
            term = term * inner[piece]  # type: ignore[operator, assignment]
        total += term  # type: ignore[operator]
    return total


METHODS = ["explicit-euler", "implicit-midpoint", "heun", "kutta3", "rk4", "radau-iia"]


@pytest.mark.parametrize("name, order", [(n, 7) for n in METHODS] + [("symplectic-euler", 4), ("stoermer-verlet", 4)])
def test_1_exact_flow_of_the_modified_field_is_the_method(name: str, order: int) -> None:
    method = load_tableau(name)
    field, step = tree_series(method, order), tree_series(method, order, "map")
    for tree, value in step.items():
        assert substituted(field, None, tree) == value, tree


@pytest.mark.parametrize("name, order", [("implicit-midpoint", 6), ("rk4", 6), ("radau-iia", 5), ("stoermer-verlet", 4)])
def test_2_the_method_on_its_modifying_integrator_is_the_exact_flow(name: str, order: int) -> None:
    method = load_tableau(name)
    field, step = modifying_integrator(method, order), tree_series(method, order, "map")
    for tree, _ in field.items():
        assert substituted(field, step, tree) == Fraction(1, tree.density), tree


def test_3_modifying_integrator_of_a_method_with_memory() -> None:
    method = method_of_scheme("momentum", settings={"beta": "1/3"})
    field, flow = modifying_integrator(method, 6), tree_series(method, 6)
    for tree, _ in field.items():
        total = Fraction(0)
        for pieces, quotient in cuts(tree):
            term = flow[quotient]
            for piece in pieces:
                term = term * field[piece]  # type: ignore[operator, assignment]
            total += term  # type: ignore[operator]
        assert total == int(tree.nodes == 1), tree


@pytest.mark.parametrize("scheme, symbol, value", [("momentum", "beta", "2/5"), ("rk2", "alpha", "3/4")])
def test_3b_symbolic_modifying_integrators(scheme: str, symbol: str, value: str) -> None:
    def method(settings: dict[str, str]) -> TreeMethod:
        return load_tableau("rk2", settings) if scheme == "rk2" else method_of_scheme(scheme, settings=settings)

    symbolic, numeric = modifying_integrator(method({}), 5), modifying_integrator(method({symbol: value}), 5)
    ring = Ring()
    for tree, c in symbolic.items():
        assert c.substitute({symbol: ring.constant(Fraction(value))}, ring).number() == numeric[tree], tree  # type: ignore[union-attr]


def test_4_chains_are_logarithms_and_corollas_bernoulli_numbers() -> None:
    series = tree_series(load_tableau("explicit-euler"), 12)
    for m in range(1, 13):
        assert series[tuple(range(1, m + 1))] == Fraction((-1) ** (m - 1), m)
    for k in range(1, 12):
        assert series[(1, *[2] * k)] == bernoulli(k), k


def test_5_implicit_euler_has_the_opposite_sign_on_even_orders() -> None:
    explicit, implicit = (tree_series(load_tableau(n), 10) for n in ("explicit-euler", "implicit-euler"))
    for tree, value in explicit.items():
        assert implicit[tree] == value * (-1) ** (tree.nodes - 1), tree  # type: ignore[operator]


@pytest.mark.parametrize("name", ["heun", "rk4", "ssprk33", "radau-iia"])
def test_6_the_adjoint_method_has_the_sign_of_minus_gamma(name: str) -> None:
    a, b = tables(name)
    adjoint = runge_kutta([[w - x for x, w in zip(row, b, strict=True)] for row in a], b)
    series, mirrored = tree_series(load_tableau(name), 8), tree_series(adjoint, 8)
    for tree, value in series.items():
        assert mirrored[tree] == value * (-1) ** (tree.nodes - 1), tree  # type: ignore[operator]


def test_7_symplectic_methods_change_sign_when_the_root_moves_along_an_edge() -> None:
    # b(u o v) + b(v o u) = 0: Hairer, Lubich & Wanner, Theorem IX.9.3
    series = tree_series(load_tableau("implicit-midpoint"), 9)
    for tree, value in series.items():
        for i, child in enumerate(tree.children):
            rest = Tree.of(tree.children[:i] + tree.children[i + 1 :])
            assert series[Tree.of((*child.children, rest))] == -value, tree  # type: ignore[operator]
    broken = tree_series(load_tableau("explicit-midpoint"), 3)
    assert broken[1, 2, 2] != -broken[1, 2, 3]  # type: ignore[operator]


def rootings_agree(series: TreeSeries, nodes: int) -> bool:
    values: dict[tuple[int, ...], set[object]] = {}
    for tree, value in series.items(nodes):
        values.setdefault(tree.free_form, set()).add(str(value))
    return all(len(v) == 1 for v in values.values())


def test_8_which_fields_are_gradients() -> None:
    """A combination of trees is a gradient for every loss when b agrees on all rootings of a free tree."""
    descent = tree_series(load_tableau("explicit-euler"), 4)
    assert rootings_agree(descent, 2)
    assert not rootings_agree(descent, 3)
    # the memoryless map of the heavy ball is a gradient, its flow and Nesterov's map are not: Cattaneo & Shigida 2025
    ball = tree_series(method_of_scheme("momentum"), 8, "map")
    assert all(rootings_agree(ball, m) for m in range(1, 9))
    assert not rootings_agree(tree_series(method_of_scheme("momentum"), 3), 3)
    assert not rootings_agree(tree_series(method_of_scheme("nesterov"), 3, "map"), 3)


def test_9_special_values_of_hyperparameters() -> None:
    symbolic, descent = tree_series(method_of_scheme("momentum"), 8), tree_series(load_tableau("explicit-euler"), 8)
    numeric = tree_series(method_of_scheme("momentum", settings={"beta": "9/10"}), 8)
    ring = Ring()
    for tree, value in symbolic.items():
        assert value.substitute({"beta": ring.zero}, ring).number() == descent[tree], tree  # type: ignore[union-attr]
        nine_tenths = value.substitute({"beta": ring.constant(Fraction(9, 10))}, ring).number()  # type: ignore[union-attr]
        assert nine_tenths == numeric[tree], tree


@pytest.mark.parametrize("alpha, name", [("1/2", "explicit-midpoint"), ("1", "heun")])
def test_10_the_family_of_second_order_methods(alpha: str, name: str) -> None:
    family, member = tree_series(load_tableau("rk2"), 7), tree_series(load_tableau(name), 7)
    ring = Ring()
    for tree, value in family.items():
        number = value.substitute({"alpha": ring.constant(Fraction(alpha))}, ring).number()  # type: ignore[union-attr]
        assert number == member[tree], tree


@pytest.mark.parametrize("name, order", [("explicit-euler", 1), ("heun", 2), ("kutta3", 3), ("ssprk33", 3), ("radau-iia", 3),
                                         ("rk4", 4), ("stoermer-verlet", 2), ("symplectic-euler", 1)])  # fmt: skip
def test_11_order_conditions_hold_to_the_order_and_fail_after_it(name: str, order: int) -> None:
    conditions = order_conditions(load_tableau(name), order + 1)
    assert all(c.holds for c in conditions if c.tree.nodes <= order)
    assert not all(c.holds for c in conditions)
    assert order_of_accuracy(load_tableau(name), order + 2) == order


@pytest.mark.parametrize("stage, column", [(1, 0), (2, 1), (3, 2)])
def test_12_a_perturbed_tableau_loses_its_order(stage: int, column: int) -> None:
    a, b = tables("rk4")
    a[stage][column] += Fraction(1, 1000)
    broken = runge_kutta(a, b)
    assert order_of_accuracy(broken, 4) == 1
    first = next(c for c in order_conditions(broken, 3) if not c.holds)
    assert str(first.tree) == "[*]"


def test_13_conjugate_methods_have_an_effective_order() -> None:
    # Euler backwards, then rk4, then Euler: conjugate to rk4, of order 2 itself
    a, b = tables("rk4")
    stages = [[Fraction(-1)] + [Fraction(0)] * 5]  # y1 = y0 - h f(y1) inverts an explicit Euler step
    stages += [[Fraction(-1), *row, Fraction(0)] for row in a]
    stages += [[Fraction(-1), *b, Fraction(0)]]
    method = runge_kutta(stages, [Fraction(-1), *b, Fraction(1)])
    assert order_of_accuracy(method, 5) == 2
    assert effective_order(method, 5) == 4
    assert effective_order(load_tableau("rk4"), 6) == 4
    assert effective_order(load_tableau("explicit-euler"), 4) == 1


def test_14_grafting_is_pre_lie_and_the_bracket_obeys_jacobi() -> None:
    from flint import fmpq

    trees = [t for t, _ in tree_series(load_tableau("explicit-euler"), 3).items()]
    assert sum(count for _, count in grafted(trees[2], trees[1])) == trees[2].nodes
    x, y, z = ({t: fmpq(1)} for t in (trees[0], trees[1], trees[3]))
    parts = [bracket(x, bracket(y, z, 9), 9), bracket(y, bracket(z, x, 9), 9), bracket(z, bracket(x, y, 9), 9)]
    total: dict[Tree, fmpq] = {}
    for part in parts:
        for tree, c in part.items():
            total[tree] = total.get(tree, fmpq(0)) + c
    assert not any(total.values())
