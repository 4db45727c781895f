"""Laws of sums, products and derivatives over random sums; `tensors` gives every law a second route."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

from algebra_texts import POLYNOMIAL, drawn, minus, new, of, text
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import sums
from tensors import Dual, Jet, Moving, Undefined, agree, many_digits, parse

from derive.algebra.calculus import Adjoint, Derivative, Transfer, contains, gradient, loss_term, mentions, same
from derive.algebra.coefficients import Ring
from derive.algebra.fold import within
from derive.algebra.functions import FIELD, LOSS, Function
from derive.algebra.normal import accumulate, nonzero, reduced
from derive.algebra.sums import Algebra
from derive.algebra.terms import Term, split_scalars
from derive.errors import ReductionError

# ---------------------------------------------------------------------------------------------- sums and products


@given(st.data())
def test_module_laws(data: st.DataObject) -> None:
    """Equality here is that of dictionaries: polynomial sums in normal form are equal only if they are written equally."""
    algebra = new()
    x, y, z = drawn(data, algebra, 3)
    ring = algebra.ring
    a, c = ring.symbol("a"), ring.one / (ring.one - ring.symbol("b"))
    before = dict(x), dict(y)
    assert algebra.add(x, y) == algebra.add(y, x)
    assert algebra.add(algebra.add(x, y), z) == algebra.add(x, algebra.add(y, z))
    assert algebra.add(x, {}) == x == algebra.scale(x, ring.one)
    assert minus(algebra, x, x) == {} == algebra.scale(x, ring.zero)
    assert algebra.scale(algebra.add(x, y), c) == algebra.add(algebra.scale(x, c), algebra.scale(y, c))
    assert algebra.scale(x, a + c) == algebra.add(algebra.scale(x, a), algebra.scale(x, c))
    assert algebra.scale(algebra.scale(x, a), c) == algebra.scale(x, a * c)
    assert (x, y) == before, "no operation changes its arguments"
    assert all(x.values()), "no coefficient is zero"


@given(st.data())
def test_product_laws(data: st.DataObject) -> None:
    algebra = new()
    x, y, z = drawn(data, algebra, 3)
    c = algebra.ring.symbol("a")
    before = dict(x), dict(y)
    xy = algebra.product(x, y)
    assert xy == algebra.product(y, x)
    assert algebra.product(xy, z) == algebra.product(x, algebra.product(y, z))
    assert algebra.product(x, algebra.add(y, z)) == algebra.add(xy, algebra.product(x, z))
    assert algebra.product(x, algebra.constant(algebra.ring.one)) == x
    assert algebra.product(x, algebra.constant(c)) == algebra.scale(x, c)
    assert algebra.product(x, {}) == {}
    assert algebra.product(algebra.scale(x, c), y) == algebra.scale(xy, c)
    assert (x, y) == before, "no operation changes its arguments"
    assert all(xy.values())
    square = minus(algebra, algebra.product(x, x), algebra.product(y, y))
    assert square == algebra.product(algebra.add(x, y), minus(algebra, x, y)), "cancelling terms vanish"


@given(st.data())
def test_product_laws_with_powers(data: st.DataObject) -> None:
    algebra = new()
    x, y, z = drawn(data, algebra, 3, powers=True)
    xy = algebra.product(x, y)
    assert same(algebra, xy, algebra.product(y, x))
    assert same(algebra, algebra.product(xy, z), algebra.product(x, algebra.product(y, z)))
    assert same(algebra, algebra.product(x, algebra.add(y, z)), algebra.add(xy, algebra.product(x, z)))


@given(sums(2, POLYNOMIAL, False), st.integers(0, 9))
def test_polynomial_sums_have_the_values_of_their_expressions(x: str, seed: int) -> None:
    """Rational arithmetic throughout; and the text of the normal form reads back as the same sum."""
    algebra, jet = new(), Jet(seed)
    total = of(algebra, x)
    assert jet.of(total) == jet.value(parse(x))
    assert of(algebra, text(algebra, total)) == total
    assert algebra.partial_fractions(total) == total
    for term in total:
        assert algebra.normal(dict(term.factors)) == {term: algebra.ring.one}
        scalars, rest = split_scalars(term)
        assert sorted([*scalars, *rest], key=str) == sorted(term.factors, key=str)
        assert all(f.scalar for f, _ in scalars)
        assert not any(f.scalar for f, _ in rest)
        assert term.scalar == (not rest)


def test_fields_are_not_symmetric_in_their_index() -> None:
    """For a general vector field: texts, values, and a contraction that is not written from another index."""
    algebra = new()
    for x in ("dfield(field)", "d2field(field, u) - d2field(u, field)", "dfield(dfield(u))*field", "dot(u, dfield(theta))"):
        total = of(algebra, x)
        assert Jet(3, 3).of(total) == Jet(3, 3).value(parse(x))
        assert of(algebra, text(algebra, total)) == total
    assert of(algebra, "dot(u, dfield(theta))") != of(algebra, "dot(theta, dfield(u))")
    assert [f.derivative(k) for f in (LOSS, FIELD) for k in range(4)] == [
        "grad", "hess", "d3", "d4", "field", "dfield", "d2field", "d3field"]  # fmt: skip


def test_helpers_of_sums() -> None:
    algebra = new()
    ring = algebra.ring
    g, u = of(algebra, "grad"), of(algebra, "u")
    (term,) = g
    target = dict(g)
    accumulate(target, u)
    accumulate(target, algebra.scale(g, -ring.one))
    assert target == u
    assert nonzero({term: ring.zero}) == {}
    assert nonzero(g) is g
    a = ring.symbol("a")
    c = (a * a - ring.one) / (ring.one - a)
    (value,) = reduced({term: c}).values()
    assert value.den == ()
    assert value == -(a + ring.one)
    assert reduced({term: c - c}) == {}
    assert algebra.constant(ring.zero) == {}
    assert algebra.is_zero({})
    assert not algebra.is_zero(g)
    ordered = algebra.sorted(of(algebra, "hess(grad) + grad*u + 2 + grad"))
    assert [str(t) for t, _ in ordered] == ["1", "grad", "u*grad", "hess(grad)"]


# ---------------------------------------------------------------------------------------------- nodes


@given(st.data())
def test_nodes_are_symmetric_and_multilinear(data: st.DataObject) -> None:
    algebra = new()
    x, y, z, w = drawn(data, algebra, 4)
    c = algebra.ring.symbol("a")
    s = algebra.state("s", True)
    for label in "Lf":
        node = algebra.node_of_sums(label, [x, y, z])
        for order in permutations([x, y, z]):
            assert algebra.node_of_sums(label, order) == node
        more = algebra.node_of_sums(label, [algebra.add(x, w), y, z])
        assert more == algebra.add(node, algebra.node_of_sums(label, [w, y, z]))
        assert algebra.node_of_sums(label, [algebra.scale(x, c), y, z]) == algebra.scale(node, c)
        assert algebra.node_of_sums(label, [x, algebra.product(s, y), z]) == algebra.product(s, node), "scalars are pulled out"
        both = algebra.node_of_sums(label, [algebra.product(s, x), algebra.product(s, y), z])
        assert both == algebra.product(algebra.product(s, s), node)
    assert algebra.node_of_sums("L", [x, {}]) == {}
    assert algebra.node_of_sums("L", []) == algebra.node_sum("L", []) == of(algebra, "grad")


def test_equal_terms_are_one_object() -> None:
    algebra = new()
    for x, y in [("d3(u, grad)", "d3(grad, u)"), ("grad*u*theta", "theta*(u*grad)"), ("hess(u)*hess(u)", "hess(u)**2"),
                 ("dot(u, grad)", "dot(grad, u)"), ("s*u", "u*s")]:  # fmt: skip
        ((first, _),), ((second, _),) = of(algebra, x).items(), of(algebra, y).items()
        assert first is second
    node = algebra.node_sum("L", [])
    node[next(iter(node))] = algebra.ring.zero
    assert algebra.node_sum("L", []) == of(algebra, "grad"), "a sum that was handed out may be changed"


# ---------------------------------------------------------------------------------------------- derivatives


@given(sums(2, POLYNOMIAL), st.integers(0, 5))
def test_derivatives_are_those_of_values(x: str, seed: int) -> None:
    """Against dual numbers: theta moves along u (and with it every derivative of L), eta along w, s along q, t by 1."""
    algebra = new()
    ring = algebra.ring
    try:
        m = of(algebra, x)
    except ReductionError:
        assume(False)
    m = algebra.add(algebra.scale(m, ring.symbol("t") / (ring.one + ring.symbol("t"))), m)
    jet = Jet(seed)
    directions = {"theta": "u", "eta": "w", "s": "q"}
    for moving, rate in ((("theta",), None), (("eta", "s"), None), (("theta", "eta", "s"), lambda c: c.derivative("t"))):
        derivative = Derivative(algebra, {v: of(algebra, directions[v]) for v in moving}, rate)
        values = {v: jet.value(parse(directions[v])) for v in moving}
        try:
            with many_digits():
                expected = [v.b if isinstance(v, Dual) else fmpq(0) for v in Moving(jet, values, {"t": 1} if rate else {}).of(m)]
                assert agree(jet.of(derivative(m)), expected), moving
        except Undefined:
            assume(False)


@given(st.data())
def test_product_rule(data: st.DataObject) -> None:
    """D(x y) = D x y + x D y, D(x^e) = e x^(e-1) D x, D<x, y> = <D x, y> + <x, D y>, D|x| = sign(x) D x."""
    algebra = new()
    x, y, u = drawn(data, algebra, 3)
    d = Derivative(algebra, {"theta": u, "eta": y})
    assert same(algebra, d(algebra.product(x, y)), algebra.add(algebra.product(d(x), y), algebra.product(x, d(y))))
    both = algebra.add(algebra.product(d(x), y), algebra.product(x, d(y)))
    assert same(algebra, d(algebra.contract(algebra.product(x, y))), algebra.contract(both))
    assert same(algebra, d(algebra.add(x, y)), algebra.add(d(x), d(y)))
    positive = algebra.add(algebra.product(x, x), algebra.constant(algebra.ring.symbol("a")))
    for e in (Fraction(1, 2), Fraction(-3, 2), Fraction(-1), Fraction(3)):
        slope = algebra.scale(algebra.power(positive, e - 1), algebra.ring.constant(e))
        assert same(algebra, d(algebra.power(positive, e)), algebra.product(slope, d(positive))), e
    assume(x)
    sign = algebra.product(x, algebra.power(algebra.absolute(x), Fraction(-1)))
    jet = Jet(1)
    try:
        with many_digits():
            assert agree(jet.of(d(algebra.absolute(x))), jet.of(algebra.product(sign, d(x))))
    except Undefined:
        assume(False)


@given(st.data())
def test_the_derivative_of_a_gradient_is_symmetric(data: st.DataObject) -> None:
    """<v, D g[u]> = <u, D g[v]> for g = grad s, s any scalar."""
    algebra = new()
    (x,) = drawn(data, algebra, 1, powers=True)
    scalar = algebra.contract(x)
    g = gradient(algebra, scalar)
    u, v = of(algebra, "u"), of(algebra, "v")
    first = algebra.contract(algebra.product(v, Derivative(algebra, {"theta": u})(g)))
    second = algebra.contract(algebra.product(u, Derivative(algebra, {"theta": v})(g)))
    assert same(algebra, first, second)


@given(st.data())
def test_the_adjoint_is_the_transpose(data: st.DataObject) -> None:
    """<w, D m[u]> = <(D m)^T w, u>, for theta and for another variable; grad s is the adjoint at 1."""
    algebra = new()
    x, w = drawn(data, algebra, 2, powers=True)
    u = of(algebra, "u")
    for variable in ("theta", "eta"):
        forward = algebra.contract(algebra.product(w, Derivative(algebra, {variable: u})(x)))
        backward = algebra.contract(algebra.product(Adjoint(algebra, variable)(x, w), u))
        assert same(algebra, forward, backward), variable
        scalar = algebra.contract(x)
        slope = Derivative(algebra, {variable: u})(scalar)
        assert same(algebra, slope, algebra.contract(algebra.product(gradient(algebra, scalar, variable), u))), variable


def test_the_loss_is_a_scalar_whose_gradient_is_grad() -> None:
    algebra = new()
    loss, g = loss_term(algebra), of(algebra, "grad")
    u = of(algebra, "u")
    assert gradient(algebra, loss) == g
    assert gradient(algebra, loss, "eta") == {}
    assert Derivative(algebra, {"theta": u})(loss) == of(algebra, "dot(grad, u)")
    assert Derivative(algebra, {"eta": u})(loss) == {}
    square = algebra.product(loss, loss)
    assert gradient(algebra, square) == algebra.scale(algebra.product(loss, g), algebra.ring.constant(2))
    assert Derivative(algebra, {"theta": u})(algebra.state("L")) == {}, "a vector that is called L is no loss"
    assert Adjoint(algebra)(algebra.state("L"), u) == {}
    root = of(algebra, "sqrt(t)*grad")
    rate = Derivative(algebra, {}, lambda c: c.derivative("t"))
    assert same(algebra, rate(root), of(algebra, "grad*t**(-1/2)/2"))
    assert Adjoint(algebra)(of(algebra, "sqrt(a)*theta"), u) == of(algebra, "sqrt(a)*u")
    assert gradient(algebra, of(algebra, "sqrt(1 + (1 - a)**2)*dot(theta, u)")) == of(algebra, "sqrt(1 + (1 - a)**2)*u")


def test_what_stands_in_a_term() -> None:
    algebra = new()

    def single(x: str) -> Term:
        return next(iter(of(algebra, x)))

    eta = next(iter(of(algebra, "eta"))).factors[0][0]
    for x, count in [("grad", 0), ("eta", 1), ("eta**2", 1), ("d3(eta, grad*eta)", 2), ("(grad**2 + eta**2)**(-1/2)", 1),
                     ("dot(eta, hess(eta))*eta", 3), ("abs(hess(eta))", 1)]:  # fmt: skip
        assert contains(single(x), eta) == count, x
        assert mentions(single(x), frozenset({"eta"})) == bool(count), x
        assert sum(f is eta for f in within(single(x))) == count, x
        assert not mentions(single(x), frozenset({"v"}))
    assert not mentions(single("hess(theta)"), frozenset({"L"})), "a label of a derivative is no state"


@given(st.data())
def test_transfer_there_and_back(data: st.DataObject) -> None:
    """Another algebra with the symbols in another order; and with a symbol replaced, which commutes with products."""
    source, target = new(), Algebra(Ring(("t", "c", "b", "a")))
    x, y = drawn(data, source, 2, powers=True)
    there, back = Transfer(source, target), Transfer(target, source)
    assert same(source, back(there(x)), x)
    assert text(target, there(x)).count("grad") == text(source, x).count("grad")
    assert Transfer(source, source)(x) is x
    ring = target.ring
    replaced = Transfer(source, target, {"a": ring.symbol("c") * ring.symbol("c") + ring.one})
    product = target.product(replaced(x), replaced(y))
    assert same(target, replaced(source.product(x, y)), product)
    inside = Transfer(source, source, {"a": source.ring.symbol("b")})
    for m in ("(grad**2 + a)**(-1/2)*sqrt(a)*abs(u)*s", "sqrt((1 - a)**2)"):
        assert same(source, inside(of(source, m)), of(source, m.replace("a)", "b)"))), m


# ---------------------------------------------------------------------------------------------- functions with slots


def test_a_function_of_two_variables_moves_with_both_and_its_partial_derivatives_commute() -> None:
    """f = loss(x, y):  D (grad f) [u in x, w in y] = d^2 f[u] + d^2 f[w], and D_x D_y = D_y D_x on every node."""
    two = Function("L", ("x", "y"), is_loss=True)
    a = Algebra(Ring(), {"L": two})
    u, w = a.state("u"), a.state("w")
    g = a.node_sum("L", [])
    both = Derivative(a, {"x": u, "y": w})(g)
    assert both == a.add(Derivative(a, {"x": u})(g), Derivative(a, {"y": w})(g))
    assert both == a.add(a.node_of_sums("L", [u]), a.node_of_sums("L", [w]))
    d_x, d_y = Derivative(a, {"x": u}), Derivative(a, {"y": w})
    assert d_x(d_y(a.product(g, g))) == d_y(d_x(a.product(g, g)))
    assert not Derivative(a, {"z": u})(g)
