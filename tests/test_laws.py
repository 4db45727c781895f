"""Laws of the derived field over all terms up to an order, by routes that share nothing with the engine's loop."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from math import factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derive import catalogue, inline_scheme, load_scheme, modified_equation
from derive.algebra.terms import Term
from derive.equation import TermSum

Tree = tuple  # a rooted tree: the sorted tuple of its root's subtrees


def tree_of(term: Term) -> Tree:
    (node, _) = term.factors[0]
    return tuple(sorted(tree_of(c) for c in node.children))


def nodes(tree: Tree) -> int:
    return 1 + sum(map(nodes, tree))


def symmetry(tree: Tree) -> int:
    """sigma: the order of the automorphism group."""
    result = 1
    for child, count in Counter(tree).items():
        result *= symmetry(child) ** count * factorial(count)
    return result


def all_trees(n: int) -> set[Tree]:
    """Every rooted tree with n nodes, by grafting a leaf everywhere."""
    if n == 1:
        return {()}

    def grafts(tree: Tree) -> set[Tree]:
        found = {tuple(sorted((*tree, ())))}
        for i, child in enumerate(tree):
            found |= {tuple(sorted((*tree[:i], new, *tree[i + 1 :]))) for new in grafts(child)}
        return found

    return set().union(*(grafts(t) for t in all_trees(n - 1)))


def b_coefficients(total: TermSum) -> dict[Tree, Fraction]:
    """b(tau) for f = -grad L: coefficient * sigma, with the sign (-1)^|tau| of F(tau)."""
    return {tree_of(t): c.number() * symmetry(tree_of(t)) * (-1) ** nodes(tree_of(t)) for c, t in total}


# ---------------------------------------------------------------------------------- law 1: strict order polynomials


def strict_order_polynomial_values(tree: Tree, points: int) -> list[Fraction]:
    """Omega(tau; N), N = 0..points-1: the number of strictly increasing labellings of tau by 1..N (root smallest label
    last): Omega(tau; N) = sum_{m<N} prod_children Omega(child; m)."""
    below = [strict_order_polynomial_values(c, points) for c in tree]
    values, total = [], Fraction(0)
    for m in range(points):
        values.append(total)
        piece = Fraction(1)
        for child in below:
            piece *= child[m]
        total += piece
    return values


def linear_coefficient(values: list[Fraction]) -> Fraction:
    """Of the polynomial through P(0), P(1), ...: sum_j (-1)^(j-1)/j Delta^j P(0)."""
    result, differences = Fraction(0), list(values)
    for j in range(1, len(values)):
        differences = [b - a for a, b in pairwise(differences)]
        result += Fraction((-1) ** (j - 1), j) * differences[0]
    return result


@pytest.mark.parametrize("order", range(8))
def test_gradient_descent_is_the_linear_part_of_strict_order_polynomials(order: int) -> None:
    """Design section 2; references.md section 1 (Chartier, Hairer & Vilmart 2010; Zhao 2004). All trees, none missing."""
    found = b_coefficients(modified_equation("gd", order)["theta"][order])
    for tree in all_trees(order + 1):
        expected = linear_coefficient(strict_order_polynomial_values(tree, order + 2))
        assert found.pop(tree, Fraction(0)) == expected, tree
    assert not found


# references.md section 1: trees with at most 4 nodes, f = -grad L
EULER = {(): 1, ((),): Fraction(-1, 2), ((), ()): Fraction(1, 6), (((),),): Fraction(1, 3), ((), (), ()): 0,
         ((), ((),)): Fraction(-1, 12), (((), ()),): Fraction(-1, 6), ((((),),),): Fraction(-1, 4)}  # fmt: skip


def test_gradient_descent_through_four_nodes() -> None:
    eq = modified_equation("gd", 3)
    found: dict[Tree, Fraction] = {}
    for total in eq["theta"]:
        found |= b_coefficients(total)
    assert {t: b for t, b in EULER.items() if b} == found


@pytest.mark.parametrize("order", range(7))
def test_implicit_euler_changes_sign_with_the_order(order: int) -> None:
    """The adjoint method: b(tau) -> (-1)^(|tau|-1) b(tau)."""
    plain = b_coefficients(modified_equation("gd", order)["theta"][order])
    adjoint = b_coefficients(modified_equation("implicit-euler", order)["theta"][order])
    assert adjoint == {t: b * (-1) ** (nodes(t) - 1) for t, b in plain.items()}


@pytest.mark.parametrize("name", ["implicit-midpoint", "leapfrog-two-step"])
def test_symmetric_methods_have_even_powers_only(name: str) -> None:
    eq = modified_equation(name, 7)
    assert [bool(f) for f in eq["theta"]] == [True, False] * 4


@pytest.mark.parametrize(("name", "order"), [("heun", 2), ("midpoint", 2), ("rk4", 4), ("implicit-midpoint", 2),
                                             ("adams-bashforth-2", 2), ("bdf2", 2), ("gd", 1)])  # fmt: skip
def test_order_of_accuracy(name: str, order: int) -> None:
    """f_1 .. f_(p-1) vanish and f_p does not."""
    eq = modified_equation(name, order)
    assert str(eq["theta"][0]) == "-grad"
    assert [bool(f) for f in eq["theta"][1:]] == [False] * (order - 1) + [True]


# ---------------------------------------------------------------------------------- law 2: quadratics, all orders


def principal_root_logarithm(a0: list[Fraction], a1: list[Fraction], order: int) -> list[Fraction]:
    """log z(x) for z^2 + a1(x) z + a0(x) = 0 with z(0) = 1, as a power series in x through x^order."""
    n = order + 1

    def times(p: list[Fraction], q: list[Fraction]) -> list[Fraction]:
        return [sum((p[i] * q[k - i] for i in range(k + 1)), Fraction(0)) for k in range(n)]

    pad = lambda p: (list(p) + [Fraction(0)] * n)[:n]
    a0, a1 = pad(a0), pad(a1)
    z = pad([Fraction(1)])
    for _ in range(n):  # each Newton-like step with the constant slope 2 + a1(0) gains an order
        value = [x + y + w for x, y, w in zip(times(z, z), times(a1, z), a0, strict=True)]
        z = [x - y / (2 + a1[0]) for x, y in zip(z, value, strict=True)]
    w = [Fraction(0), *z[1:]]
    result, power = pad([]), pad([Fraction(1)])
    for k in range(1, n):
        power = times(power, w)
        result = [x + Fraction((-1) ** (k + 1), k) * y for x, y in zip(result, power, strict=True)]
    return result


def chain(order: int) -> str:
    text = "grad"
    for _ in range(order):
        text = f"hess({text})"
    return text


def on_quadratic(update: str, order: int, **settings: str) -> list[Fraction]:
    """Coefficients c_k of gamma^k h^(k+1) theta in the field on L = h theta^2/2."""
    eq = modified_equation(inline_scheme(update), order, settings=settings)
    return [f.coefficient(chain(k)).number() for k, f in enumerate(eq["theta"])]


small = st.fractions(min_value=-1, max_value=1, max_denominator=5)


@settings(max_examples=10)
@given(beta=small.filter(lambda b: b != 1), a=small, order=st.integers(0, 9))
def test_two_step_schemes_on_quadratics(beta: Fraction, a: Fraction, order: int) -> None:
    """theta+ = theta + beta (theta - theta_prev) - gamma grad(theta + a (theta - theta_prev)), x = gamma h:
    z^2 - (1 + beta - x(1 + a)) z + (beta - x a) = 0, and the field is log z(gamma h)/gamma (design section 2)."""
    text = f"theta = theta + ({beta})*(theta - theta_prev) - gamma*grad(theta + ({a})*(theta - theta_prev))"
    expected = principal_root_logarithm([beta, -a], [-(1 + beta), 1 + a], order + 1)
    assert on_quadratic(text, order) == expected[1:]


@given(st.lists(small, min_size=1, max_size=4), st.integers(0, 8))
def test_stage_chains_on_quadratics(stages: list[Fraction], order: int) -> None:
    """k_j = grad(theta - gamma c_j k_(j-1)): the stability function is a polynomial R, and the field is log R/gamma."""
    text, r = "k = grad(theta)", [Fraction(1)]
    for c in stages:
        text += f"; k = grad(theta - gamma*({c})*k)"
        r = [Fraction(1), *(-c * x for x in r)]
    text += "; theta = theta - gamma*k"
    stability = [Fraction(1), *(-x for x in r)]
    expected = principal_root_logarithm([Fraction(0)], [-x for x in stability], order + 1)
    assert on_quadratic(text, order) == expected[1:]


def test_gradient_descent_on_quadratics_through_order_10() -> None:
    """log(1 - gamma h)/gamma."""
    eq = modified_equation("gd", 10)
    assert [f.coefficient(chain(k)).number() for k, f in enumerate(eq["theta"])] == [Fraction(-1, k + 1) for k in range(11)]


# ---------------------------------------------------------------------------------- law 3: the operator series


@pytest.mark.parametrize("name", ["gd", "implicit-euler", "adams-bashforth-2", "bdf2", "leapfrog-two-step"])
def test_linear_multistep_methods_follow_the_operator_series(name: str) -> None:
    """theta' = mu(gamma D) f with mu(z) = z sigma(e^z)/rho(e^z), D along the modified field itself (design section 2).

    rho and sigma are read off the scheme by hand; D acts on trees by grafting."""
    rho, sigma = {
        "gd": ([-1, 1], [1]), "implicit-euler": ([-1, 1], [0, 1]), "leapfrog-two-step": ([-1, 0, 1], [0, 2]),
        "adams-bashforth-2": ([0, -1, 1], [Fraction(-1, 2), Fraction(3, 2)]),
        "bdf2": ([Fraction(1, 3), Fraction(-4, 3), 1], [0, 0, Fraction(2, 3)]),
    }[name]  # fmt: skip
    order = 6
    mu = operator_series(rho, sigma, order)
    eq = modified_equation(name, order)
    field: dict[Tree, Fraction] = {}  # coefficient of gamma^(nodes-1) F(tau)
    for total in eq["theta"]:
        field |= {t: b / symmetry(t) for t, b in b_coefficients(total).items()}
    total, derivative = Counter[Tree](), {(): Fraction(1)}
    for k in range(order + 1):
        for t, c in derivative.items():
            total[t] += mu[k] * c
        derivative = differentiate(derivative, field, order + 1)
    assert {t: c for t, c in total.items() if c} == {t: c for t, c in field.items() if c}


def operator_series(rho: list, sigma: list, order: int) -> list[Fraction]:
    """Coefficients of z sigma(e^z)/rho(e^z)."""
    n = order + 2
    exp = lambda j: [Fraction(j**k, factorial(k)) for k in range(n + 1)]
    top = [sum(Fraction(s) * exp(j)[k] for j, s in enumerate(sigma)) for k in range(n)]
    bottom = [sum(Fraction(r) * exp(j)[k + 1] for j, r in enumerate(rho)) for k in range(n)]
    result: list[Fraction] = []
    for k in range(order + 1):
        result.append((top[k] - sum(result[i] * bottom[k - i] for i in range(k))) / bottom[0])
    return result


def differentiate(total: dict[Tree, Fraction], field: dict[Tree, Fraction], size: int) -> dict[Tree, Fraction]:
    """d/dt of sum c F(tau) along x' = sum a F(tau'): graft every tau' onto every node."""
    result: dict[Tree, Fraction] = {}

    def graft(tree: Tree, extra: Tree) -> list[Tree]:
        found = [tuple(sorted((*tree, extra)))]
        for i, child in enumerate(tree):
            found += [tuple(sorted((*tree[:i], new, *tree[i + 1 :]))) for new in graft(child, extra)]
        return found

    for t, c in total.items():
        for s, a in field.items():
            if nodes(t) + nodes(s) <= size:
                for new in graft(t, s):
                    result[new] = result.get(new, Fraction(0)) + c * a
    return result


# ---------------------------------------------------------------------------------- law 4: forms agree


@pytest.mark.parametrize("name", ["momentum", "nesterov", "qhm"])
def test_map_and_flow_agree_to_first_order(name: str) -> None:
    """theta_1 = theta + gamma f_0 + gamma^2 (f_1 + f_0' f_0 / 2): map - flow = f_0'f_0/2 = 1/2 c_0^2 Hg."""
    flow, step = modified_equation(name, 1), modified_equation(name, 1, form="map")
    c0 = flow["theta"][0].coefficient("grad")
    half = (c0 * c0) / flow.algebra.ring.constant(2)
    difference = str(flow["theta"][1].coefficient("hess(grad)") + half)
    assert difference == str(step["theta"][1].coefficient("hess(grad)"))


def test_gradient_descent_map_is_gradient_descent() -> None:
    eq = modified_equation("gd", 6, form="map")
    assert str(eq["theta"][0]) == "-grad"
    assert not any(eq["theta"][1:])


# ---------------------------------------------------------------------------------- law 5: normal forms


def test_numbers_of_terms_of_adam_in_one_normal_form() -> None:
    """Eps inside the root: 1, 2, 8, 31, 136 terms at gamma^0 .. gamma^4 (two engines agree on these counts)."""
    assert [len(f) for f in modified_equation("adam-inside", 4)["theta"]] == [1, 2, 8, 31, 136]


def test_sign_of_a_gradient_that_is_negative() -> None:
    """sqrt(g^2) is |g|, not g: adam, eps outside, at a point with a negative component."""
    settings = {"beta1": "9/10", "beta2": "99/100", "eps": "1/2"}
    values = modified_equation("adam", 0, settings=settings).evaluate("-3*x + 2*y + 0*x*y", {"x": "0", "y": "0"}).values
    assert values["theta"] == [["6/7", "-4/5"]]


def test_the_same_method_in_two_texts() -> None:
    """Heavy ball with a velocity and as a two-step scheme, at every order the same field."""
    one = modified_equation(inline_scheme("v = beta*v - gamma*grad(theta); theta = theta + v"), 4)
    two = modified_equation(inline_scheme("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)"), 4)
    three = modified_equation(inline_scheme("y = theta - gamma*grad(theta); x = y + beta*(theta - z); z = theta; theta = x"), 4)
    for k in range(5):
        assert one["theta"][k] == two["theta"][k] == three["theta"][k]
    other = modified_equation(inline_scheme("v = beta*v - gamma*grad(theta + v); theta = theta + v"), 4)
    assert one["theta"][2] != other["theta"][2]


def test_three_sequence_form_of_nesterov() -> None:
    """x+ = y - gamma grad(y), y+ = x+ + beta (x+ - x): theta = y relaxes together with x; compared with theta + beta v."""
    text = "x_new = theta - gamma*grad(theta); theta = x_new + beta*(x_new - x); x = x_new"
    assert [str(f) for f in modified_equation(inline_scheme(text), 3)["theta"]] == [
        str(f) for f in modified_equation("nesterov-keras", 3)["theta"]
    ]


def test_parasitic_roots() -> None:
    """BDF2: 1/3; two-step leapfrog: -1 (weakly stable); heavy ball written in two steps: beta."""
    assert str(modified_equation("bdf2", 0).relaxations[0].factor) == "1/3"
    assert str(modified_equation("leapfrog-two-step", 0).relaxations[0].factor) == "-1"
    two = inline_scheme("theta = theta + beta*(theta - theta_prev) - gamma*grad(theta)")
    assert str(modified_equation(two, 0).relaxations[0].factor) == "beta"


@pytest.mark.parametrize("name", catalogue(noise=False, branches=False))
def test_every_scheme_derives_in_every_regime(name: str) -> None:
    for regime in load_scheme(name).regimes or [None]:
        order = 1 if name == "madgrad" else 2  # more than 250,000 products of terms at gamma^2
        eq = modified_equation(name, order, regime=regime)
        assert eq.residual_power == order + 1
        assert any(eq[x][0] for x in load_scheme(name).unknowns)
