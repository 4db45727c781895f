"""B-series on all rooted trees: the coefficients of a scheme's modified field, tree by tree.

    theta' = sum over trees tau of  gamma^(|tau|-1) b(tau)/sigma(tau) F(tau)

F(tau) is the elementary differential, sigma the symmetry, and b(tau), which is *not* divided by sigma, the linear
coefficient of the polynomial P_tau(n) that tau has in the iterate theta_n.  For gradient descent and Euler's method

    P_tau(n) = sum_{i < n} P_tau1(i) ... P_tauk(i),        tau = [tau_1 ... tau_k],

one product and one summation a tree; every other method replaces the summation by its own linear operation on
polynomials in n, which is the difference equation that the general engine solves term by term.  Arrays of values at
n = 0 ... N-1 carry all trees of one size at once, in exact modular arithmetic.

    method = runge_kutta([[0, 0], ["1/2", 0]], [0, 1])           or method_of_scheme("momentum"), load_tableau(...)
    series = tree_series(method, 9)
    series[1, 2, 3], series.total()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from derive.trees.conditions import effective_order as effective_order
    from derive.trees.conditions import order_conditions as order_conditions
    from derive.trees.conditions import order_of_accuracy as order_of_accuracy
    from derive.trees.enumeration import TreeTable as TreeTable
    from derive.trees.enumeration import enumerate_trees as enumerate_trees
    from derive.trees.integrator import modifying_integrator as modifying_integrator
    from derive.trees.method import TreeMethod as TreeMethod
    from derive.trees.method import general_linear as general_linear
    from derive.trees.method import partitioned as partitioned
    from derive.trees.method import runge_kutta as runge_kutta
    from derive.trees.output import write_npz as write_npz
    from derive.trees.series import TreeSeries as TreeSeries
    from derive.trees.series import tree_series as tree_series
    from derive.trees.shape import Tree as Tree
    from derive.trees.shape import parse_tree as parse_tree
    from derive.trees.tableau import load_tableau as load_tableau
    from derive.trees.tableau import method_of_scheme as method_of_scheme
    from derive.trees.tableau import tableau_names as tableau_names

_HOME = {
    "TreeMethod": "method", "general_linear": "method", "partitioned": "method", "runge_kutta": "method",
    "TreeTable": "enumeration", "enumerate_trees": "enumeration", "Tree": "shape", "parse_tree": "shape",
    "TreeSeries": "series", "tree_series": "series", "write_npz": "output",
    "load_tableau": "tableau", "method_of_scheme": "tableau", "tableau_names": "tableau",
    "modifying_integrator": "integrator", "order_conditions": "conditions", "order_of_accuracy": "conditions",
    "effective_order": "conditions",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Names are loaded when they are first used: numpy and flint cost nothing to those who do not ask for trees."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"derive.trees.{_HOME[name]}"), name)
