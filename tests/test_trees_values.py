"""Published values and sums over all trees; every expected number carries its source."""

from __future__ import annotations

from fractions import Fraction

import pytest

pytest.importorskip("numpy")

from derive.trees import Tree, load_tableau, method_of_scheme, tree_series

# Sums of b over all trees with at most N nodes: two independent programs agree (BSeries.jl and a recursion over
# polynomials in n).
SUMS = [
    ("explicit-euler", 9, "143/140"),
    ("explicit-euler", 12, "20609/27720"),
    ("explicit-euler", 13, "13775/36036"),
    ("rk4", 9, "123587/120960"),
    ("rk4", 13, "1160186809/996323328"),
    ("explicit-midpoint", 9, "19063/26880"),
]


@pytest.mark.parametrize("name, order, total", SUMS)
def test_sum_over_all_trees(name: str, order: int, total: str) -> None:
    assert tree_series(load_tableau(name), order).total() == Fraction(total)


# Explicit Euler and implicit midpoint through four nodes: Chartier, Hairer & Vilmart, FoCM 2010 (backward error
# character of explicit Euler); Hairer, Lubich & Wanner, Geometric Numerical Integration, IX.9.
# Explicit midpoint through five nodes: test-suite of BSeries.jl.
TABLES = {
    "explicit-euler": {
        (1,): "1", (1, 2): "-1/2", (1, 2, 2): "1/6", (1, 2, 3): "1/3",
        (1, 2, 2, 2): "0", (1, 2, 2, 3): "-1/12", (1, 2, 3, 3): "-1/6", (1, 2, 3, 4): "-1/4",
    },
    "implicit-midpoint": {
        (1,): "1", (1, 2): "0", (1, 2, 2): "-1/12", (1, 2, 3): "1/12",
        (1, 2, 2, 2): "0", (1, 2, 2, 3): "0", (1, 2, 3, 3): "0", (1, 2, 3, 4): "0",
    },
    "explicit-midpoint": {
        (1,): "1", (1, 2): "0", (1, 2, 2): "-1/12", (1, 2, 3): "-1/6",
        (1, 2, 2, 2): "0", (1, 2, 2, 3): "0", (1, 2, 3, 3): "1/8", (1, 2, 3, 4): "1/8",
        (1, 2, 2, 2, 2): "7/240", (1, 2, 2, 2, 3): "1/40", (1, 2, 2, 3, 3): "3/80", (1, 2, 2, 3, 4): "7/240",
        (1, 2, 3, 2, 3): "1/30", (1, 2, 3, 3, 3): "-7/240", (1, 2, 3, 3, 4): "-1/40", (1, 2, 3, 4, 4): "-19/240",
        (1, 2, 3, 4, 5): "-1/20",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_published_table(name: str) -> None:
    series = tree_series(load_tableau(name), 5)
    found = {levels: str(series[levels]) for levels in TABLES[name]}
    assert found == TABLES[name]


# Symplectic Euler p+ = p - h H_q(p+, q), q+ = q + h H_p(p+, q): Hairer, Lubich & Wanner, Geometric Numerical
# Integration, Table IX.10.1; colour 0 is p.
def test_symplectic_euler_with_two_nodes() -> None:
    series = tree_series(load_tableau("symplectic-euler"), 2)
    found = {tree.differential(("p", "q")): str(b) for tree, b in series.items(2)}
    assert found == {"p'p": "1/2", "q'p": "1/2", "p'q": "-1/2", "q'q": "-1/2"}


# Stoermer-Verlet with T = p^2/2, kick-drift-kick: modified Hamiltonian H + h^2 (p^2 U''/12 - U'^2/24); Hairer, Lubich &
# Wanner, Example IX.3.4 and Table IX.10.2.  With q' = p, p' = -U' this is p' = -dH/dq, q' = dH/dp:
#   q: h^2 p U''/6;   p: -h^2 (p^2 U'''/12 - U' U''/12).
def test_stoermer_verlet_kinetic_energy() -> None:
    series = tree_series(load_tableau("stoermer-verlet"), 3)
    p, q = 0, 1

    def coefficient(levels: list[int], colours: list[int]) -> Fraction:
        tree = Tree.from_levels(levels, colours)
        return Fraction(series[tree]) / tree.symmetry  # type: ignore[arg-type]

    # q'(p'(q)): q_p p_q q = -U'' p;   p''(q, q)/2: -U''' p^2;   p'(q'(p)): p_q q_p p = U'' U'
    assert coefficient([1, 2, 3], [q, p, q]) == Fraction(-1, 6)
    assert coefficient([1, 2, 2], [p, q, q]) == Fraction(1, 12)
    assert coefficient([1, 2, 3], [p, q, p]) == Fraction(1, 12)
    assert all(not b for _, b in series.items(2))


# Alternating play with rates alpha and lam, on the common clock: theta' = lam (g - h/2 (-alpha g_phi f + lam g_theta g)),
# phi' = alpha (f - h/2 (alpha f_phi f + lam f_theta g)); simultaneous play has + alpha g_phi f inside.
def test_two_player_games() -> None:
    for name, sign in (("game-alternating", "alpha*lam/2"), ("game-simultaneous", "-alpha*lam/2")):
        series = tree_series(load_tableau(name), 2)
        found = {tree.differential(("p", "q")): str(b) for tree, b in series.items()}
        assert found == {
            "p": "alpha", "q": "lam", "p'p": "-alpha**2/2", "q'q": "-lam**2/2", "p'q": "-alpha*lam/2", "q'p": sign,
        }  # fmt: skip


# Heavy ball with fixed beta: Ghosh, Lyu, Zhang & Wang, ICLR 2023, arXiv:2302.00849; memoryless map: Cattaneo & Shigida
# 2025, arXiv:2509.08483.
def test_momentum() -> None:
    flow = tree_series(method_of_scheme("momentum"), 2)
    step = tree_series(method_of_scheme("momentum"), 2, "map")
    assert str(flow[(1,)]) == str(step[(1,)]) == "1/(1 - beta)"
    assert str(flow[1, 2]) == "-(1 + beta)/(2*(1 - beta)**3)"
    assert str(step[1, 2]) == "-beta/(1 - beta)**3"


# Principal root of the heavy ball on a quadratic, beta = 1/2: log r = -2z - 6z^2 - (104/3)z^3 - 252z^4, z = h lambda,
# f = -lambda x; Nesterov: -2z - 4z^2 - (50/3)z^3 - 92z^4.
@pytest.mark.parametrize("name, values", [("momentum", ["2", "-6", "104/3", "-252"]), ("nesterov", ["2", "-4", "50/3", "-92"])])
def test_chains_are_the_principal_root(name: str, values: list[str]) -> None:
    series = tree_series(method_of_scheme(name, settings={"beta": "1/2"}), 4)
    assert [str(series[tuple(range(1, m + 1))]) for m in range(1, 5)] == values


# Implicit midpoint, modifying integrator: f + h^2 (-f'f'f/12 + f''(f, f)/24) + ...; Chartier, Hairer & Vilmart, Math. Comp.
# 2007, "Numerical integrators based on modified differential equations".
def test_modifying_implicit_midpoint() -> None:
    from derive.trees import modifying_integrator

    series = modifying_integrator(load_tableau("implicit-midpoint"), 5)
    assert [str(series[t]) for t in ((1,), (1, 2), (1, 2, 3), (1, 2, 2))] == ["1", "0", "-1/12", "1/12"]
    assert str(series[1, 2, 3, 4, 5]) == "1/120"  # of 2 tanh(z/2)/z
