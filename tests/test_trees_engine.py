"""The tables and the general engine are the same mathematics: equal on every pure-tree scheme through eight nodes."""

from __future__ import annotations

from fractions import Fraction

import pytest

pytest.importorskip("numpy")

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from derive import catalogue, load_scheme, modified_equation
from derive.algebra.terms import Term
from derive.errors import ReductionError
from derive.trees import Tree, load_tableau, method_of_scheme, tree_series

NODES = 8
#: two symbols cost the general engine much more; the numbers are exact and generic
SETTINGS = {"nu": "2/7", "tau": "3/11", "beta1": "1/5", "beta2": "3/7"}


def pure_tree_schemes() -> list[tuple[str, str | None]]:
    found = []
    for name in catalogue():
        for regime in [*load_scheme(name).regimes] or [None]:
            try:
                method_of_scheme(name, regime)
            except ReductionError:
                continue
            found.append((name, regime))
    return found


def shape(term: Term) -> Tree:
    assert term.is_tree
    return Tree.of(shape(child) for child in term.factors[0][0].children)


def settings_of(name: str, regime: str | None) -> dict[str, str]:
    symbols = method_of_scheme(name, regime).symbols
    return {s: SETTINGS[s] for s in symbols if s in SETTINGS} if len(symbols) > 1 else {}


SCHEMES = pure_tree_schemes()


def test_the_pure_tree_schemes_are_found() -> None:
    assert {"gd", "momentum", "nesterov", "rk4", "bdf2", "implicit-midpoint", "qhm"} <= {name for name, _ in SCHEMES}
    assert not {"adam", "rmsprop", "weight-decay"} & {name for name, _ in SCHEMES}


@pytest.mark.parametrize("name, regime", SCHEMES, ids=[f"{n}-{r}" if r else n for n, r in SCHEMES])
@pytest.mark.parametrize("form", ["flow", "map"])
def test_agreement(name: str, regime: str | None, form: str) -> None:
    settings = settings_of(name, regime)
    nodes = NODES if form == "flow" else 5
    series = tree_series(method_of_scheme(name, regime, settings), nodes, form)
    equation = modified_equation(name, order=nodes - 1, regime=regime, settings=settings, form=form)
    sign = -1 if load_scheme(name).label == "L" else 1
    for power in range(nodes):
        terms = {shape(term): c for c, term in equation["theta"][power]}
        for tree, value in series.items(power + 1):
            own = series.method.ring.constant(value) if not series.method.symbols else value  # type: ignore[arg-type]
            own = own.scaled(sign**tree.nodes) / series.method.ring.constant(tree.symmetry)  # type: ignore[union-attr]
            other = terms.pop(tree, None)
            assert (other.substitute({}, series.method.ring) if other is not None else own.ring.zero) == own, tree
        assert not terms


def differential(tree: Tree, fields: list[list[fmpq_mpoly]], point: list[fmpq]) -> list[fmpq]:
    """F(tree) at a point, all components, zero outside of the root's colour: f^(k) applied to the children's values."""
    children = [differential(child, fields, point) for child in tree.children]
    result = []
    for component in fields[tree.colour]:
        for child in children:
            component = sum((component.derivative(j) * v for j, v in enumerate(child)), component * 0)
        result.append(component(*point))
    return result


def test_inertial_momentum_on_two_coloured_trees() -> None:
    """p = eta, q = theta; L = x^4/4 + x y^2 + x^2 y; both routes at one point, through four nodes."""
    names = ("a", "b", "x", "y")
    a, b, x, y = fmpq_mpoly_ctx.get(names, Ordering.lex).gens()
    zero, lam = a * 0, fmpq(3, 7)
    fields = [[-lam * a - x**3 - y**2 - 2 * x * y, -lam * b - 2 * x * y - x**2, zero, zero], [zero, zero, a, b]]
    point = [fmpq(2, 5), fmpq(-1, 3), fmpq(1, 2), fmpq(-3, 4)]
    series = tree_series(load_tableau("momentum-inertial"), 4)
    equation = modified_equation("momentum", order=3, regime="inertial", settings={"lam": "3/7"})
    at = dict(zip(("eta_x", "eta_y", "x", "y"), map(str, point), strict=True))
    values = equation.evaluate("x**4/4 + x*y**2 + x**2*y", at).values
    for power in range(4):
        total = [fmpq(0)] * 4
        for tree, coefficient in series.items(power + 1):
            assert isinstance(coefficient, Fraction)
            weight = fmpq(*coefficient.as_integer_ratio()) / tree.symmetry
            total = [t + weight * v for t, v in zip(total, differential(tree, fields, point), strict=True)]
        assert [str(v) for v in total] == [*values["eta"][power], *values["theta"][power]], power
