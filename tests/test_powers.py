"""Laws of powers, absolute values and partial fractions: equal functions meet in equal normal forms."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import sums
from tensors import Jet, Undefined, agree, many_digits, parse, read

from derive.algebra.calculus import same
from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import combination_text
from derive.errors import ReductionError

HALF = Fraction(1, 2)
EXPONENTS = [Fraction(*e) for e in ((1, 2), (-1, 2), (3, 2), (-3, 2), (1, 3), (-2, 3), (-1, 1), (-2, 1), (2, 1), (0, 1))]


def new() -> Algebra:
    return Algebra(Ring(("a", "b")))


def of(algebra: Algebra, text: str) -> Sum:
    return read(algebra, parse(text))


def sign(algebra: Algebra, x: Sum) -> Sum:
    return algebra.product(x, algebra.power(algebra.absolute(x), Fraction(-1)))


def text(algebra: Algebra, x: Sum) -> str:
    return combination_text(algebra.sorted(x)) if x else "0"


# what may stand under a sign: single factors, products, sums, sums with a common factor, squares, scalars, roots, quotients
SIGNED = ["grad", "theta*grad", "grad**3", "grad**2", "s*grad", "grad + a", "grad - a", "-grad", "a - grad", "2*grad + 2*a",
          "grad**2 - a", "grad*theta + grad*u", "grad**2*theta + grad**2", "hess(grad) + grad", "(grad + a)**2",
          "s", "s + 1", "dot(grad, grad)", "dot(grad, u)", "a*grad", "(1 - b)*grad", "grad*abs(theta)",
          "grad*abs(grad)", "theta*grad*abs(grad)**(1/2)", "grad/abs(grad)", "grad/(theta + a)",
          "(grad + a)/abs(grad + a)", "-1/2", "a", "1 - a", "2*grad/3 - 4*a/3", "s*(grad + a)"]  # fmt: skip
# products of several sums, and sums of quotients: right, but not every law is seen on their normal forms
MIXED = ["(1 - a)*(grad + 1)", "grad*(grad**2 + a)**(-1/2)", "(1 + grad)/(abs(grad) + 1)", "abs(grad)**(-1) + 1",
         "grad**3 - grad", "(grad + a)*(grad - a)", "grad**(-1) + theta**(-1)", "-3*(grad + a)*(theta - 1)",
         "abs(grad)**(-1/2)*theta - grad", "theta*abs(grad) + grad*abs(grad)", "(-3*grad + a)**3",
         "abs(grad)**(1/2)*theta + u"]  # fmt: skip
# what is positive as it stands
POSITIVE = ["grad**2 + a", "abs(grad)", "abs(grad) + a", "dot(grad, grad)", "a", "a/(1 + b)", "(grad + u)**2", "grad**2*theta**4",
            "2/3", "s**2*(grad**2 + a)", "abs(theta*grad)", "(grad**2 + a)**(1/2)", "(abs(grad) + 1)**2", "4*(grad**2 + a)/9",
            "dot(u, u) + theta**2", "abs(grad)**(3/2)*abs(theta)", "abs(grad + a)", "8", "(1 - a)**2",
            "(u**2 + 1)*(grad**2 + a)"]  # fmt: skip


def compared(algebra: Algebra, x: Sum, y: Sum, forms: bool) -> bool:
    """As normal forms; or by their values at three random jets of both signs."""
    if forms:
        return same(algebra, x, y)
    with many_digits():
        return all(agree(Jet(seed, 3).of(x), Jet(seed, 3).of(y)) for seed in range(2))


@pytest.mark.parametrize("x", [*SIGNED, *MIXED])
def test_sign_and_size(x: str) -> None:
    """Ten laws of one x; for products of several sums by values only."""
    algebra = new()
    value = of(algebra, x)
    size, s, one = algebra.absolute(value), sign(algebra, value), algebra.constant(algebra.ring.one)
    square, three = algebra.product(value, value), algebra.ring.constant(3)
    for law, left, right in [
        ("sign(x)|x| = x", algebra.product(s, size), value),
        ("|x|^2 = x^2", algebra.product(size, size), square),
        ("||x|| = |x|", algebra.absolute(size), size),
        ("|-x| = |x|", algebra.absolute(algebra.scale(value, -algebra.ring.one)), size),
        ("|-3x| = 3|x|", algebra.absolute(algebra.scale(value, -three)), algebra.scale(size, three)),
        ("sign(sign(x)) = sign(x)", sign(algebra, s), s),
        ("|sign(x)| = 1", algebra.absolute(s), one),
        ("sign(x)^2 = 1", algebra.product(s, s), one),
        ("|x|x|| = x^2", algebra.absolute(algebra.product(value, size)), square),
        ("sqrt(x^2) = |x|", algebra.power(square, HALF), size),
    ]:
        assert compared(algebra, left, right, x in SIGNED), law


@pytest.mark.parametrize("x", ["grad", "grad + a", "theta*grad", "grad**3", "s + 1", "grad/(theta + a)", "grad*abs(theta)"])
def test_size_of_halves(x: str) -> None:
    """|x sqrt|x|| = |x|^(3/2), |x|^(1/2) squared is |x|, and sqrt(x^4) = x^2."""
    algebra = new()
    value = of(algebra, x)
    size = algebra.absolute(value)
    root = algebra.power(size, HALF)
    assert same(algebra, algebra.absolute(algebra.product(value, root)), algebra.power(size, Fraction(3, 2)))
    assert same(algebra, algebra.product(root, root), size)
    assert same(algebra, algebra.power(algebra.power(value, Fraction(4)), HALF), algebra.power(value, Fraction(2)))


@pytest.mark.parametrize("x", [*SIGNED, *MIXED])
def test_the_size_of_a_product(x: str) -> None:
    """|x y| = |x||y|."""
    algebra = new()
    first = of(algebra, x)
    for y in ["grad", "theta + a", "s*theta", "-2*grad*theta", "(grad + a)*u", "theta**2 - 1", "sqrt(a)"]:
        second = of(algebra, y)
        product = algebra.absolute(algebra.product(first, second))
        sizes = algebra.product(algebra.absolute(first), algebra.absolute(second))
        assert compared(algebra, product, sizes, x in SIGNED[:10] and y in ("grad", "s*theta", "-2*grad*theta")), y


@pytest.mark.parametrize("x", POSITIVE)
def test_powers_of_products_of_positive_sums(x: str) -> None:
    """(x y)^e = x^e y^e; on normal forms where one of them is a monomial of what is known to be positive."""
    algebra = new()
    first = of(algebra, x)
    for y in ["grad**2 + a", "abs(theta)", "3/4", "1 + b", "abs(grad) + a"]:
        second = of(algebra, y)
        known = y in ("3/4", "1 + b") or (y == "abs(theta)" and len(first) == 1)
        for e in EXPONENTS[::2]:
            product = algebra.power(algebra.product(first, second), e)
            assert compared(algebra, product, algebra.product(algebra.power(first, e), algebra.power(second, e)), known), (y, e)


@pytest.mark.parametrize("x", POSITIVE)
def test_exponents_add_and_multiply(x: str) -> None:
    """x^e x^f = x^(e+f), (x^e)^f = x^(e f), x^0 = 1, x^1 = x, x^e x^-e = 1."""
    algebra = new()
    value = of(algebra, x)
    one = algebra.constant(algebra.ring.one)
    single = len(value) == 1 and algebra.unit not in value  # in sums sqrt(x^2) is |x|: their sign is not looked at
    forms = single or x in ("grad**2 + a", "abs(grad) + a", "a", "2/3", "8")
    assert same(algebra, algebra.power(value, Fraction(1)), value)
    assert same(algebra, algebra.power(value, Fraction(3)), algebra.product(value, algebra.product(value, value)))
    for e in EXPONENTS:
        first = algebra.power(value, e)
        assert compared(algebra, algebra.product(first, algebra.power(value, -e)), one, forms), e
        for f in EXPONENTS[:4]:
            both = algebra.product(first, algebra.power(value, f))
            assert compared(algebra, both, algebra.power(value, e + f), forms), (e, f)
            even = e.numerator % 2 == 0 and f.denominator == 2
            assert compared(algebra, algebra.power(first, f), algebra.power(value, e * f), single and not even), (e, f)


@pytest.mark.parametrize("x", [x for x in (*SIGNED, *MIXED, *POSITIVE) if "+" in x or " - " in x])
def test_powers_do_not_depend_on_the_order_of_the_terms(x: str) -> None:
    """A sum is a function, not a list."""
    algebra = new()
    value = of(algebra, x)
    for items in list(permutations(value.items()))[:6]:
        other = dict(items)
        assert algebra.absolute(other) == algebra.absolute(value)
        for e in (Fraction(-1), Fraction(-2)):
            assert algebra.power(other, e) == algebra.power(value, e)


@pytest.mark.parametrize("x", [*SIGNED, *MIXED, *POSITIVE])
def test_values(x: str) -> None:
    """|x|, 1/x, 1/x^2 and, where x > 0, the roots of x at random tensors."""
    algebra = new()
    value = of(algebra, x)
    for seed in range(2):
        with many_digits():
            jet = Jet(seed, 3)
            assert agree(jet.of(value), jet.value(parse(x)))
            assert agree(jet.of(algebra.absolute(value)), jet.value(parse(f"abs({x})")))
            for e in EXPONENTS:
                try:
                    expected = jet.value(parse(f"({x})**({e})"))
                except Undefined:
                    continue
                assert agree(jet.of(algebra.power(value, e)), expected), e


# equal functions, written in two ways
EQUAL = [
    ("sqrt(a)*(sqrt(a) + a)**(-1)", "1 - a*(sqrt(a) + a)**(-1)"),
    ("grad**2*(grad**2 + a)**(-3/2)", "(grad**2 + a)**(-1/2) - a*(grad**2 + a)**(-3/2)"),
    ("abs(grad)**(-1)*(abs(grad) + a)**(-1)", "(abs(grad)**(-1) - (abs(grad) + a)**(-1))/a"),
    ("abs(grad)**(-1)*(abs(grad) + a)**(-2)", "(abs(grad)**(-1) - (abs(grad) + a)**(-1))/a**2 - (abs(grad) + a)**(-2)/a"),
    ("grad**(-1)*(2*grad + 3*a)**(-1)", "(grad**(-1) - 2*(2*grad + 3*a)**(-1))/(3*a)"),
    ("grad**(-2)*(grad + a)**(-1)", "grad**(-2)/a - grad**(-1)/a**2 + (grad + a)**(-1)/a**2"),
    ("grad**(-1)*(grad**2 + a)**(-1)", "(grad**(-1) - grad*(grad**2 + a)**(-1))/a"),
    ("hess(abs(u)**(-1)*(abs(u) + a)**(-1))", "(hess(abs(u)**(-1)) - hess((abs(u) + a)**(-1)))/a"),
    ("dot(theta, abs(u)**(-1)*(abs(u) + a)**(-1))", "(dot(theta, abs(u)**(-1)) - dot(theta, (abs(u) + a)**(-1)))/a"),
    ("grad**2/(abs(grad) + a)", "abs(grad) - a + a**2/(abs(grad) + a)"),
    ("grad**4/(abs(grad) + a)", "(abs(grad) - a)*(grad**2 + a**2) + a**4/(abs(grad) + a)"),
    ("grad**2*theta/(grad*theta + a)", "grad - a*grad/(grad*theta + a)"),
    ("grad**2/abs(grad)", "abs(grad)"),
    ("grad**3*abs(grad)**(-1/2)", "grad*abs(grad)**(3/2)"),
    ("(grad + a)*abs(grad + a)**(-1)*abs(grad + a)", "grad + a"),
    ("grad**2/abs(grad + a)", "abs(grad + a) - (2*a*grad + a**2)/abs(grad + a)"),
    ("grad**3/abs(2*grad + a)", "grad*abs(2*grad + a)/4 - (4*a*grad**2 + a**2*grad)/abs(2*grad + a)/4"),
    ("grad**2/abs(a*grad + 1)", "(abs(a*grad + 1) - (2*a*grad + 1)/abs(a*grad + 1))/a**2"),
    ("sqrt(grad**2 + 2*a*grad + a**2)", "abs(grad + a)"),
    ("sqrt(a**2*grad**2/4)", "sqrt(a**2)*abs(grad)/2"),
    ("sqrt(8)", "2*sqrt(2)"),
    ("sqrt(2/3)", "sqrt(6)/3"),
    ("(2*grad**2 + 2*a)**(-1/2)", "sqrt(2)*(grad**2 + a)**(-1/2)/2"),
    ("(4*grad**2 + 4*a)**(-1/2)", "(grad**2 + a)**(-1/2)/2"),
    ("(a - grad)**(-1)", "-(grad - a)**(-1)"),
    ("(a - grad)**(-2)", "(grad - a)**(-2)"),
    ("(grad/3 - a/2)**(-1)", "6*(2*grad - 3*a)**(-1)"),
    ("(grad*theta + grad*u)**(-1)", "grad**(-1)*(theta + u)**(-1)"),
    ("(s*grad**2 + s*a)**(-1)", "s**(-1)*(grad**2 + a)**(-1)"),
    ("sqrt((1 - a)**2*grad**2)", "sqrt((1 - a)**2)*abs(grad)"),
    ("sqrt(a)*sqrt(a)*sqrt(a)", "a*sqrt(a)"),
    ("a**(-1/2)", "sqrt(a)/a"),
    ("(a*b)**(1/2)", "sqrt(a)*sqrt(b)"),
    ("(a/(1 + b))**(3/2)", "a*sqrt(a)/(1 + b)/sqrt(1 + b)"),
    ("a**(7/3)", "a**2*a**(1/3)"),
    ("((1 - a)**2)**(1/3)", "(1 - a)**(2/3)"),
    ("((1 - a)**2)**(3/2)", "(1 - a)**2*sqrt((1 - a)**2)"),
    ("sqrt(4*(1 - a)**2)", "2*sqrt((1 - a)**2)"),
    ("sqrt(s)*sqrt(s)*s", "s**2"),
    ("s*s**(1/2)", "s**(3/2)"),
    ("s**(-1)*s**(1/2)", "s**(-1/2)"),
    ("sqrt(theta*u)*sqrt(theta*u)", "theta*u"),
    ("(theta*u)**(3/2)", "theta*u*sqrt(theta*u)"),
    ("((grad + a)**2*(theta - a)**4*u)**(1/2)", "abs(grad + a)*(theta - a)**2*sqrt(u)"),
    ("(-8)**(1/3)", "-2"),
    ("(-8)**(2/3)", "4"),
    ("(-1/8)**(-1/3)", "-2"),
    ("sqrt(a*theta**2 + a*u**2)", "sqrt(a)*sqrt(theta**2 + u**2)"),
    ("sqrt(a*theta**2/(1 + b) + a*u**2/(1 + b))", "sqrt(a)*sqrt(theta**2 + u**2)*(1 + b)**(-1/2)"),
    ("abs(-2*theta - 2*u)", "2*abs(theta + u)"),
    ("abs(theta*u**2 + u**3)", "u**2*abs(theta + u)"),
    ("abs((theta + u)**2)", "(theta + u)**2"),
    ("abs((theta + u)**3)", "(theta + u)**2*abs(theta + u)"),
]  # fmt: skip


@pytest.mark.parametrize("x, y", EQUAL)
def test_equal_functions(x: str, y: str) -> None:
    algebra = new()
    first, second = of(algebra, x), of(algebra, y)
    assert same(algebra, first, second), (text(algebra, first), text(algebra, second))
    other = algebra.add(second, of(algebra, "grad/1000"))
    assert not same(algebra, first, other), "a negative control"
    with many_digits():
        for seed in range(4):
            jet = Jet(seed, 3)
            try:
                assert agree(jet.of(first), jet.value(parse(x))), x
                assert agree(jet.of(second), jet.value(parse(y))), y
            except Undefined:
                continue


@pytest.mark.parametrize("x", [
    "theta**(-1)*(theta + u)**(-1)", "u**(-1)*(theta + u)**(-2)", "theta**(-1)*(theta + u + a)**(-1)",
    "theta**(-2)*(theta + a)**(-1)", "u**(-1)*(theta + u + a)**(-1)", "abs(u)**(-2)*(abs(u) + abs(theta) + 1)**(-1)",
    "theta**(-1)*(a*theta*u + 1)**(-1)", "abs(u)**(-3)*u*(2*abs(u) + a)**(-1/2)", "theta**(-1)*(theta**2 + a)**(-1/2)",
    "hess(theta**(-1)*(theta + u)**(-1))",
])  # fmt: skip
def test_partial_fractions_keep_values(x: str) -> None:
    """Whether or not the rest of the base is a constant, so that the pole can be split off."""
    algebra = new()
    total = of(algebra, x)
    with many_digits():
        for seed in range(3):
            try:
                expected = Jet(seed, 3).value(parse(x))
            except Undefined:
                continue
            assert agree(Jet(seed, 3).of(algebra.partial_fractions(total)), expected)


@pytest.mark.parametrize("x, y", [
    ("abs(grad + theta)", "abs(grad) + abs(theta)"), ("sqrt(grad**2 + a)", "abs(grad) + sqrt(a)"), ("abs(grad)", "grad"),
    ("(grad + a)**(-1)", "grad**(-1) + 1/a"), ("abs(grad - a)", "abs(grad + a)"), ("sqrt((1 - a)**2)", "1 - a"),
    ("(grad**2 + a)**(-1/2)", "(grad**2 + a)**(-1)"), ("grad**2*theta", "abs(grad)*abs(grad)*u"), ("s*abs(s)", "s**2"),
])  # fmt: skip
def test_different_functions(x: str, y: str) -> None:
    algebra = new()
    assert not same(algebra, of(algebra, x), of(algebra, y))


@given(st.data())
def test_equality_of_normal_forms_is_equality_of_values(data: st.DataObject) -> None:
    """Two random sums are the same if and only if their values agree at random tensors of both signs."""
    x, y = (data.draw(sums(1)) for _ in range(2))
    algebra = new()
    try:
        first, second = of(algebra, x), of(algebra, y)
    except ReductionError:
        assume(False)
    seen = []
    with many_digits():
        for seed in range(6):
            jet = Jet(seed, 3)
            try:
                seen.append(agree(jet.value(parse(x)), jet.value(parse(y))))
            except Undefined:
                continue
    assume(seen)
    assert same(algebra, first, second) == all(seen)


@given(sums(1), st.integers(0, 5))
def test_values_of_random_sums(x: str, seed: int) -> None:
    """Reading an expression into normal form, its partial fractions, and the form rebuilt: the value at a random jet stays."""
    algebra = new()
    try:
        total = of(algebra, x)
        with many_digits():
            jet = Jet(seed)
            expected = jet.value(parse(x))
            assert agree(jet.of(total), expected)
            assert agree(jet.of(algebra.partial_fractions(total)), expected)
    except (ReductionError, Undefined):
        assume(False)
    for t in total:
        assert algebra.normal(dict(t.factors)) == {t: algebra.ring.one}, f"{t} is not in normal form"
    with many_digits():
        assert agree(jet.of(of(algebra, text(algebra, total))), expected), "the text is read back"
    partial = algebra.partial_fractions(total)
    assert algebra.partial_fractions(partial) == partial


@pytest.mark.parametrize("x", [
    "grad**2/(grad + 2**(1/3)*grad + 1)", "grad/(grad*sqrt(a) + grad + b)**2", "abs(grad)**3*abs(grad - sqrt(a)*grad + 1)**(-1)",
    "grad**2*abs(grad + 3**(1/2)*grad + 1)", "theta*grad/(dot(1, 1)*grad + grad + 1)",
    "grad**2*(grad**2*sqrt(a) + grad**2 + 1)**(-3/2)",
])  # fmt: skip
def test_a_leading_monomial_that_comes_again_times_a_constant(x: str) -> None:
    """Rewriting by it, g -> B - 2^(1/3) g - 1, would bring g back for ever: what is left as it stands has the value it had."""
    algebra = new()
    total = of(algebra, x)
    for seed in range(2):
        with many_digits():
            assert agree(Jet(seed, 3).of(total), Jet(seed, 3).value(parse(x)))
            assert agree(Jet(seed, 3).of(algebra.partial_fractions(total)), Jet(seed, 3).value(parse(x)))
    for t in total:
        assert algebra.normal(dict(t.factors)) == {t: algebra.ring.one}, f"{t} is not in normal form"


@pytest.mark.parametrize("x, words", [
    ("0**(-1)", "zero"), ("(grad - grad)**(1/2)", "zero"), ("(-4)**(1/2)", "even root of the negative number -4"),
    ("(-4*grad**2)**(1/2)", "even root"), ("(-a)**(1/2)", "even root"), ("(-4)**(3/4)", "even root"),
])  # fmt: skip
def test_what_has_no_power(x: str, words: str) -> None:
    algebra = new()
    with pytest.raises(ReductionError, match=words):
        of(algebra, x)


def test_products_with_a_base_that_has_a_term_twice_up_to_a_root_end() -> None:
    """With m = g of B = 2^(2/3) g + g + a, g/B would be rewritten as g/B again and again."""
    algebra = new()
    base = of(algebra, "2**(2/3)*grad + grad + a")
    found = algebra.product(of(algebra, "grad**2"), algebra.power(base, Fraction(-1)))
    back = algebra.product(found, base)
    assert same(algebra, back, of(algebra, "grad**2"))
    assert len(found) < 8


def test_powers_of_zero_and_one() -> None:
    algebra = new()
    one = algebra.constant(algebra.ring.one)
    assert algebra.power({}, Fraction(2)) == {} == algebra.absolute({})
    assert algebra.power({}, Fraction(0)) == one
    for e in EXPONENTS:
        assert algebra.power(one, e) == one == algebra.absolute(one)


@pytest.mark.parametrize("x, written", [
    ("(1 - grad)**(-1)", "(-grad + 1)**(-1)"),
    ("(-2*a - 2*grad)**(-1)", "-1/2*(grad + a)**(-1)"), ("abs(-a - grad)", "abs(grad + a)"),
    ("sqrt(a - grad)", "(-grad + a)**(1/2)"), ("(4*a*grad**2 + 8*b)**(-1/2)", "1/2*(a*grad**2 + 2*b)**(-1/2)"),
    ("(theta/a + u/b)**(-1)", "(1/b*u + 1/a*theta)**(-1)"),
    ("sqrt(a*theta**2/3 + 1/b)", "1/3*(3)**(1/2)*(a*theta**2 + 3/b)**(1/2)"),
    ("(a - grad)**(1/3)", "(-grad + a)**(1/3)"), ("(a*grad**2 - 4*a)**(-1)", "-1/a*(-grad + 2)**(-1)*(grad + 2)**(-1)"),
])  # fmt: skip
def test_how_bases_are_written(x: str, written: str) -> None:
    """Leading monomial first, numbers outside; the sign of a base is moved out of whole powers."""
    algebra = new()
    assert text(algebra, of(algebra, x)) == written
