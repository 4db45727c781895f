"""Modified losses: the calculus they rest on, published values, laws on random fields and schemes, refusals."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from strategies import tree_schemes

from derive import modified_equation
from derive.algebra.calculus import Adjoint, Derivative, Transfer, gradient, loss_term, same
from derive.algebra.coefficients import Ring
from derive.algebra.rooted import free_tree, rooted_trees, symmetry
from derive.algebra.sums import Algebra, Sum, accumulate
from derive.engine.composition import Given, Workspace, composed
from derive.equation import TermSum
from derive.errors import ReductionError
from derive.readings.loss import modified_loss
from derive.readings.potential import jacobian_asymmetry, potential_of
from derive.readings.witness import is_nonzero
from derive.scheme import inline_scheme

small = st.fractions(min_value=-3, max_value=3, max_denominator=6).filter(bool)


def symbolic(text: str) -> sympy.Expr:
    names = ("beta", "nu", "lam", "rho", "eps", "beta1", "beta2", "kappa")
    return sympy.sympify(text, locals={n: sympy.Symbol(n) for n in names})


def equal(a: object, b: str) -> bool:
    return sympy.simplify(symbolic(str(a)) - symbolic(b)) == 0


def combination(algebra: Algebra, terms: list, coefficients: list[Fraction]) -> Sum:
    total: Sum = {}
    for t, c in zip(terms, coefficients, strict=True):
        accumulate(total, {t: algebra.ring.constant(c)})
    return total


# ---------------------------------------------------------------------------------------------- calculus, by laws


@given(tree_schemes())
def test_adjoint_is_the_transposed_derivative(update: str) -> None:
    """<w, D F [u]> = <(D F)^T w, u>."""
    equation = modified_equation(inline_scheme(update), 1)
    a = equation.algebra
    u, w = a.state("u"), a.state("w")
    for total in equation["theta"]:
        left = a.contract(a.product(w, Derivative(a, {"theta": u})(total.sum)))
        right = a.contract(a.product(u, Adjoint(a)(total.sum, w)))
        assert same(a, left, right), update


@given(tree_schemes())
def test_composition_is_the_taylor_series(update: str) -> None:
    """F(theta + gamma u) = sum_k gamma^k D^k F [u, ..., u] / k! for a constant u."""
    equation = modified_equation(inline_scheme(update), 1)
    a = equation.algebra
    workspace = Workspace(a)
    u = a.state("u")
    for total in equation["theta"]:
        series = composed(workspace, total.sum, {"theta": Given(workspace, [a.state("theta"), u])})
        derivative, current = Derivative(a, {"theta": u}), total.sum
        for k in range(4):
            assert same(a, series.at(k), current), (update, k)
            current = {t: c.scaled(1) / a.ring.constant(k + 1) for t, c in derivative(current).items()}


@pytest.mark.parametrize(
    "scheme", ["adam", "rmsprop-outside", "lion", "sam-normalised", "adabelief", "qhadam", "momentum-weight-decay"]
)
def test_adjoint_and_composition_on_componentwise_fields(scheme: str) -> None:
    equation = modified_equation(scheme, 1)
    a = equation.algebra
    u, w = a.state("u"), a.state("w")
    workspace = Workspace(a)
    for total in equation["theta"]:
        forward = Derivative(a, {"theta": u})(total.sum)
        left, right = a.product(w, forward), a.product(u, Adjoint(a)(total.sum, w))
        assert same(a, a.contract(left), a.contract(right))
        series = composed(workspace, total.sum, {"theta": Given(workspace, [a.state("theta"), u])})
        assert same(a, series.at(0), total.sum)
        assert same(a, series.at(1), forward)


@pytest.mark.parametrize("scheme", ["momentum", "adam", "lion", "sam-normalised", "rmsprop-centred"])
def test_transfer_and_back_is_the_identity(scheme: str) -> None:
    equation = modified_equation(scheme, 1)
    there = Algebra(Ring(["other", *equation.algebra.ring.symbols]))
    for total in equation["theta"]:
        back = Transfer(there, equation.algebra)(Transfer(equation.algebra, there)(total.sum))
        assert same(equation.algebra, back, total.sum)


# ---------------------------------------------------------------------------------------------- trees


# number of rooted and of free trees with n nodes: OEIS A000081, A000055
@pytest.mark.parametrize(
    ("size", "rooted", "free"), [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 4, 2), (5, 9, 3), (6, 20, 6), (7, 48, 11)]
)
def test_every_tree_is_a_rooting_of_one_free_tree(size: int, rooted: int, free: int) -> None:
    """grad <free> = sum over rootings (sigma_free / sigma(tau)) tau, whose coefficients add up to the number of nodes."""
    algebra = Algebra(Ring())
    trees = rooted_trees(algebra, size)
    assert len(set(trees)) == rooted
    scalars = {next(iter(free_tree(algebra, t))) for t in trees}
    assert len(scalars) == free
    covered = []
    for scalar in scalars:
        image = gradient(algebra, {scalar: algebra.ring.one})
        assert sum(c.number() for c in image.values()) == size
        values = {c.number() * symmetry(t) for t, c in image.items()}
        assert len(values) == 1
        covered += list(image)
    assert sorted(map(str, covered)) == sorted(map(str, trees))


@given(st.integers(2, 5), st.data())
def test_a_random_potential_is_recovered_and_a_perturbed_field_refused(size: int, data: st.DataObject) -> None:
    algebra = Algebra(Ring())
    trees = rooted_trees(algebra, size)
    scalars = list({next(iter(free_tree(algebra, t))): None for t in trees})
    potential = combination(algebra, scalars, data.draw(st.lists(small, min_size=len(scalars), max_size=len(scalars))))
    field = {t: -c for t, c in gradient(algebra, potential).items()}
    found, obstruction = potential_of(algebra, field)
    assert obstruction is None
    assert found is not None
    assert same(algebra, found, potential)
    if size >= 3:  # a single tree that is not alone in its class, added to the field
        tree = data.draw(st.sampled_from(trees))
        wrong = algebra.add(field, {tree: algebra.ring.constant(data.draw(small))})
        found, obstruction = potential_of(algebra, wrong)
        assert found is None
        assert obstruction is not None
        assert obstruction.rootings
        assert jacobian_asymmetry(algebra, wrong), "the general test must refuse it too"


@given(tree_schemes())
def test_potentials_of_random_schemes_differentiate_back(update: str) -> None:
    v = modified_loss(inline_scheme(update), 2)
    a = v.equation.algebra
    for k, potential in enumerate(v.potential):
        minus = {t: -c for t, c in gradient(a, potential.sum).items()}
        assert same(a, minus, v.equation["theta"][k].sum), update
    if v.obstruction is not None:
        field = v.equation["theta"][v.obstruction.power].sum
        assert jacobian_asymmetry(a, field), update
        part = gradient(a, v.obstruction.gradient_part.sum)
        assert same(a, a.add(field, part), v.obstruction.remainder.sum), update


# ---------------------------------------------------------------------------------------------- published values

PUBLISHED = [
    # Barrett & Dherin, arXiv:2009.11162: L + h/4 |grad L|^2
    ("gd", "flow", {0: {"L": "1"}, 1: {"dot(grad, grad)": "1/4"}}),
    # Ghosh, Lyu, Zhang & Wang, arXiv:2302.00849: h (1+beta)/(4 (1-beta)^3)
    ("momentum", "flow", {0: {"L": "1/(1-beta)"}, 1: {"dot(grad, grad)": "(1+beta)/(4*(1-beta)**3)"}}),
    # Cattaneo & Shigida, arXiv:2509.08483: L + h beta/(2 (1-beta)^2) |grad L|^2, step h/(1-beta)
    ("momentum", "map", {0: {"L": "1/(1-beta)"}, 1: {"dot(grad, grad)": "beta/(2*(1-beta)**3)"}}),
    # Kovachki & Stuart, arXiv:1906.04285, and the reduction of their equation: (1 - beta + 2 beta^2)/(4 (1-beta)^3)
    ("nesterov", "flow", {1: {"dot(grad, grad)": "(1-beta+2*beta**2)/(4*(1-beta)**3)"}}),
    # Cattaneo & Shigida, arXiv:2502.02132: h beta^2/(2 (1-beta)^2)
    ("nesterov", "map", {1: {"dot(grad, grad)": "beta**2/(2*(1-beta)**3)"}}),
    # Ma & Yarats' scheme: (1 - beta + 2 beta nu)/(4 (1-beta))
    ("qhm", "flow", {0: {"L": "1"}, 1: {"dot(grad, grad)": "(1-beta+2*beta*nu)/(4*(1-beta))"}}),
    # normalised SAM with radius kappa gamma: L + gamma (kappa |g| + 1/4 |g|^2)
    ("sam-normalised", "flow", {1: {"dot(grad, grad)**(1/2)": "kappa", "dot(grad, grad)": "1/4"}}),
    # USAM with radius kappa gamma: (kappa/2 + 1/4) |g|^2
    ("sam", "flow", {1: {"dot(grad, grad)": "kappa/2+1/4"}}),
]


@pytest.mark.parametrize(("scheme", "form", "expected"), PUBLISHED)
def test_published_losses(scheme: str, form: str, expected: dict[int, dict[str, str]]) -> None:
    v = modified_loss(scheme, 1, form=form)
    for k, table in expected.items():
        found = {str(t): c for c, t in v.potential[k]}
        assert found.keys() == table.keys()
        assert all(equal(found[t], table[t]) for t in table)


@pytest.mark.parametrize(
    ("scheme", "form", "order", "through"),
    [("gd", "flow", 3, 1), ("momentum", "flow", 3, 1), ("momentum", "map", 7, 7), ("nesterov", "flow", 3, 1),
     ("nesterov", "map", 3, 1), ("nesterov-keras", "map", 3, 1), ("qhm", "flow", 3, 1), ("qhm", "map", 3, 1),
     ("ema-momentum", "map", 5, 5), ("gd", "map", 4, 4)],
)  # fmt: skip
def test_how_far_the_potential_goes(scheme: str, form: str, order: int, through: int) -> None:
    """Heavy ball's map is a gradient at every order computed (Cattaneo & Shigida 2025), its flow and Nesterov's are not."""
    v = modified_loss(scheme, order, form=form)
    assert v.exists_through == through
    assert (v.obstruction is None) == (through == order)


def test_obstruction_of_gradient_descent() -> None:
    """b = 1/6 and 1/3 on the two rootings of the tree with three nodes (f = -grad L; in derivatives of L, minus these), and
    f_2 = -1/12 grad(g^T H g) - 1/6 H^2 g."""
    o = modified_loss("gd", 2).obstruction
    assert o is not None
    assert {str(t): str(b) for t, b in o.rootings[0][1]} == {"d3(grad, grad)": "-1/6", "hess(hess(grad))": "-1/3"}
    assert str(o.gradient_part) == "1/12*dot(grad, hess(grad))"
    assert str(o.remainder) == "-1/6*hess(hess(grad))"


def test_narayana_and_eulerian_coefficients_of_the_heavy_ball_map() -> None:
    """Cattaneo & Shigida, arXiv:2509.08483: paths carry Narayana polynomials, stars Eulerian ones (1, 1+b, 1+4b+b^2, ...)."""
    v = modified_loss("momentum", 4, form="map")
    eulerian = {2: "1+beta", 3: "1+4*beta+beta**2", 4: "(1+beta)*(1+10*beta+beta**2)"}
    for k, polynomial in eulerian.items():
        star = f"dot(grad, {'hess' if k == 2 else f'd{k}'}({', '.join(['grad'] * (k - 1))}))"
        ratio = symbolic(str(v.potential[k].coefficient(star))) / symbolic(f"beta*({polynomial})/(1-beta)**{2 * k + 1}")
        assert sympy.simplify(ratio).is_number
    narayana = {2: "1+beta", 3: "1+3*beta+beta**2", 4: "1+6*beta+6*beta**2+beta**3"}
    for k, polynomial in narayana.items():
        path = "dot(grad, " + "hess(" * (k - 1) + "grad" + ")" * k
        ratio = symbolic(str(v.potential[k].coefficient(path))) / symbolic(f"beta*({polynomial})/(1-beta)**{2 * k + 1}")
        assert sympy.simplify(ratio).is_number


# ---------------------------------------------------------------------------------------------- componentwise schemes


@pytest.mark.parametrize(
    ("scheme", "norm"), [("rmsprop", "-rho/(1-rho)"), ("adam", "-(beta2-beta1)/((1-beta1)*(1-beta2))"),
                         ("adam-inside", "-(beta2-beta1)/((1-beta1)*(1-beta2))")])  # fmt: skip
def test_adaptive_methods_have_a_loss_only_in_the_limits_of_eps(scheme: str, norm: str) -> None:
    """Cattaneo, Klusowski & Shigida, arXiv:2309.00079: for eps -> 0 the correction is {(1+b)/(1-b) - (1+r)/(1-r)}/2 times the
    one-norm of the gradient (b = 0 for RMSprop), for eps -> infinity (1+b)/(1-b)/4 |g|^2; in between no gradient."""
    v = modified_loss(scheme, 1)
    assert v.exists_through == -1
    assert v.preconditioned is not None
    assert v.preconditioned.exists_through == 0
    assert v.preconditioned.obstruction is not None
    limits = dict(v.limits)
    assert limits["eps -> 0"].exists_through == 1
    ((c, t),) = limits["eps -> 0"].potential[1]
    assert str(t) == "dot(abs(grad), 1)"
    assert equal(c, norm)
    assert limits["eps -> infinity"].exists_through == 1
    assert {str(t).rpartition("*")[2] for _, t in limits["eps -> infinity"].potential[1]} == {"dot(grad, grad)"}


def test_the_perturbed_one_norm_is_the_gradient_part_of_rmsprop() -> None:
    inner = modified_loss("rmsprop", 1).preconditioned
    assert inner is not None
    assert inner.obstruction is not None
    assert str(inner.obstruction.gradient_part) == "-rho/(1 - rho)*dot((grad**2 + eps)**(1/2), 1)"


def test_weight_decay_has_a_loss_with_theta() -> None:
    v = modified_loss("momentum-weight-decay", 1)
    assert v.exists_through == 1
    assert equal(v.potential[0].coefficient("dot(theta, theta)"), "lam/(2*(1-beta))")


def test_a_gradient_without_closed_potential_counts() -> None:
    """grad L(theta + gamma g/(g^2+eps)): at gamma^1 the gradient of sum log(g^2 + eps)/2, which is no sum of terms."""
    v = modified_loss(inline_scheme("g = grad(theta); theta = theta - gamma*grad(theta + gamma*g/(g**2 + eps))"), 2)
    assert v.exists_through == 1
    assert v.unwritten == (1,)
    assert v.to_json()["potential"][1]["terms"] is None


@given(tree_schemes())
def test_witness_agrees_with_the_normal_form(update: str) -> None:
    """A sum that is no zero in normal form shows a value that is not zero; a zero does not."""
    equation = modified_equation(inline_scheme(update), 1)
    a = equation.algebra
    for total in equation["theta"]:
        assert is_nonzero(total) == bool(total.sum)
        antisymmetric = jacobian_asymmetry(a, total.sum)
        assert is_nonzero(TermSum(equation.algebra, antisymmetric)) == bool(antisymmetric), update


@pytest.mark.parametrize("scheme", ["adam", "adam-inside", "rmsprop-centred", "lion", "normalised-gd", "adabelief"])
def test_witness_on_componentwise_fields(scheme: str) -> None:
    equation = modified_equation(scheme, 1)
    for total in equation["theta"]:
        assert is_nonzero(total)
        antisymmetric = jacobian_asymmetry(equation.algebra, total.sum)
        assert is_nonzero(TermSum(equation.algebra, antisymmetric)) == bool(antisymmetric)


def test_loss_term_has_the_gradient_as_gradient() -> None:
    algebra = Algebra(Ring())
    assert same(algebra, gradient(algebra, loss_term(algebra)), algebra.node_sum("L", []))


def test_refusals() -> None:
    with pytest.raises(ReductionError, match="theta, eta"):
        modified_loss("momentum", 1, regime="inertial")
    with pytest.raises(ReductionError, match="vector field"):
        modified_loss(inline_scheme("theta = theta + gamma*field(theta)"), 1)
