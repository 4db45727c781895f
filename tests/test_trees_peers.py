"""The same tables from kauri and pybs, where they are installed."""

from __future__ import annotations

import collections
import collections.abc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("numpy")

from derive.trees import Tree, load_tableau, parse_tree, tree_series

METHODS = {"explicit-euler": "RKeuler", "implicit-midpoint": "RKimplicitMidpoint", "rk4": "RK4"}


def tree_of(text: Any) -> Tree:
    """Both print the single node as [] and separate children by commas."""
    return parse_tree(str(text).replace(",", "").replace(" ", ""))


@pytest.fixture
def pybs() -> Callable[[str], tuple[Any, Any]]:
    """(modified equation, trees of an order) of a method; pybs wants the abstract classes back in `collections`."""
    added = [n for n in collections.abc.__all__ if not hasattr(collections, n)]
    for name in added:
        setattr(collections, name, getattr(collections.abc, name))
    try:
        from pybs.rungekutta import methods
        from pybs.series import modified_equation
        from pybs.unordered_tree import trees_of_order
    except ImportError as error:
        pytest.skip(f"pybs cannot be used here ({error}); the archive of version 0.1 on PyPI lacks its subpackages")
    finally:
        for name in added:
            delattr(collections, name)
    return lambda name: (modified_equation(getattr(methods, name).phi()), trees_of_order)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", METHODS)
def test_pybs_gives_the_same_fractions(name: str, pybs: Callable[[str], tuple[Any, Any]]) -> None:
    series, count = tree_series(load_tableau(name), 6), 0
    rule, trees_of_order = pybs(METHODS[name])
    for m in range(1, 7):
        for tree in trees_of_order(m):
            assert series[tree_of(tree)] == Fraction(rule(tree)), tree
            count += 1
    assert count == series.trees.count


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["explicit-euler", "heun", "rk4"])
def test_kauri_gives_the_same_numbers(name: str) -> None:
    gentrees = pytest.importorskip("kauri.gentrees", reason="kauri is not installed")
    from kauri.rk import RK

    colour = load_tableau(name).colours[0]
    a = [[float(x.number()) for x in row] for row in colour.stages]
    modified = RK(a, [float(x.number()) for x in colour.weights]).modified_equation_map()
    series = tree_series(load_tableau(name), 6)
    for m in range(1, 7):
        for tree in gentrees.trees_of_order(m):
            # binary floating point there
            assert modified(tree) == pytest.approx(float(series[tree_of(tree)]), abs=1e-12), tree  # type: ignore[arg-type]
