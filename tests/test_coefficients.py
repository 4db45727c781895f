"""Laws of the rational functions and of the matrices over them, against Fractions and sympy."""

from __future__ import annotations

import operator
from fractions import Fraction
from itertools import permutations

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import ratios

from derive.algebra.coefficients import Ratio, Ring, factor
from derive.algebra.linear import characteristic_polynomial, null_vector, solve_linear
from derive.language import Expression, Name, Number, Operation, parse_expression

OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
SYMBOLS = ("a", "b")
POINTS = [{"n": 5, "a": Fraction(2, 7), "b": Fraction(11, 13)}, {"n": -3, "a": Fraction(-5, 3), "b": Fraction(17, 19)}]


def interpret(e: Expression, name, number):  # type: ignore[no-untyped-def]
    """The value of an expression over any numbers; ZeroDivisionError where it has none."""
    match e:
        case Number(value):
            return number(value)
        case Name(id):
            return name(id)
        case Operation("neg", (a,)):
            return -interpret(a, name, number)
        case Operation("**", (a, b)):
            assert isinstance(b, Number)
            return interpret(a, name, number) ** int(b.value)
        case Operation(op, (a, b)):
            return OPERATIONS[op](interpret(a, name, number), interpret(b, name, number))
    raise AssertionError(e)


def element(ring: Ring, text: str) -> Ratio:
    return interpret(parse_expression(text, "c"), lambda s: ring.n if s == "n" else ring.symbol(s), ring.constant)


def values(text: str) -> list[Fraction]:
    return [interpret(parse_expression(text, "c"), p.__getitem__, Fraction) for p in POINTS]


def ratio_values(r: Ratio) -> list[Fraction]:
    return [Fraction(r.at(p, Fraction)) for p in POINTS]


def drawn(data: st.DataObject, ring: Ring, count: int) -> list[Ratio]:
    """Random elements; polynomials in n over them where they stand in no denominator."""
    found = []
    for _ in range(count):
        try:
            found.append(element(ring, data.draw(ratios(SYMBOLS))))
        except ZeroDivisionError:
            assume(False)
    return found


@given(st.data())
def test_ring_laws(data: st.DataObject) -> None:
    ring = Ring(SYMBOLS)
    x, y, z = drawn(data, ring, 3)
    z = z * ring.n + x
    assert x + y == y + x
    assert (x + y) + z == x + (y + z)
    assert x * y == y * x
    assert (x * y) * z == x * (y * z)
    assert x * (y + z) == x * y + x * z
    assert x + ring.zero == x == x * ring.one
    assert x - y == -(y - x)
    assert not x - x
    assert x * ring.zero == ring.zero
    if y:
        assert x / y * y == x
        assert y.inverse().inverse() == y
        assert y**-2 * y**3 == y
        assert y**0 == ring.one
    assert x**3 == x * x * x
    assert x.scaled(3) == x + x + x
    assert (x == y) == (not x - y)
    assert (x != y) == bool(x - y)


@given(st.data())
def test_arithmetic_is_that_of_numbers(data: st.DataObject) -> None:
    text = data.draw(ratios(("a", "b"), 4))
    try:
        expected = values(text)
        found = element(Ring(SYMBOLS), text)
    except ZeroDivisionError:
        assume(False)
    assert ratio_values(found) == expected


@given(st.data())
def test_equal_elements_have_equal_keys_and_reduced_forms(data: st.DataObject) -> None:
    """x = (x y)/y by another way: the key, the hash, the reduced denominator and the text do not know."""
    ring = Ring(SYMBOLS)
    x, y = drawn(data, ring, 2)
    assume(y)
    other = (x * y + y) / y - ring.one
    assert other == x
    assert other.key == x.key
    assert hash(other) == hash(x)
    assert str(other) == str(x)
    least, again = other.reduced(), other.reduced().reduced()
    assert (least.num, least.den) == (again.num, again.den) == (x.reduced().num, x.reduced().den)
    for index, e in least.den:
        assert e > 0
        assert divmod(least.num, ring.factors[index])[1], "a common factor is left"
    if x != y:
        assert x.key != y.key


@given(st.data())
def test_the_text_is_read_back(data: st.DataObject) -> None:
    ring = Ring(SYMBOLS)
    (x,) = drawn(data, ring, 1)
    assert element(ring, str(x)) == x
    f = x.factored()
    assert str(x) == str(f)
    product = ring.constant(f.content)
    for monomials, e in f.numerator:
        product = product * polynomial(ring, monomials) ** e
    for monomials, e in f.denominator:
        product = product / polynomial(ring, monomials) ** e
        assert monomials[0][0] > 0, "the lowest coefficient of a factor is positive"
    assert product == x


def polynomial(ring: Ring, monomials) -> Ratio:  # type: ignore[no-untyped-def]
    total = ring.zero
    for c, powers in monomials:
        piece = ring.constant(c)
        for name, e in powers:
            piece = piece * (ring.n if name == "n" else ring.symbol(name)) ** e
        total = total + piece
    return total


@given(st.data())
def test_substitution_is_a_homomorphism(data: st.DataObject) -> None:
    """Into another ring with symbols in another order: polynomials (composed) and quotients (evaluated)."""
    ring, other = Ring(("a", "b")), Ring(("b", "c", "a"))
    x, y = drawn(data, ring, 2)
    try:
        images = {"a": element(other, data.draw(ratios(("b", "c"), 2))), "b": element(other, data.draw(ratios(("a", "c"), 2)))}
        carried = [r.substitute(images, other) for r in (x, y)]
    except ZeroDivisionError:
        assume(False)
    assert (x + y).substitute(images, other) == carried[0] + carried[1]
    assert (x * y + ring.n).substitute(images, other) == carried[0] * carried[1] + other.n
    only = {"a": images["a"]}
    try:
        assert ring.symbol("b").substitute(only, other) == other.symbol("b")
        assert (x * y).substitute(only, other) == x.substitute(only, other) * y.substitute(only, other)
    except ZeroDivisionError:
        assume(False)


def test_substitution_by_hand() -> None:
    ring, other = Ring(("a", "b")), Ring(("c",))
    x = element(ring, "(a + n*b)/(1 - b)**2")
    c = other.symbol("c")
    values = {"a": c * c, "b": c + other.one}
    assert str(x.substitute(values, other)) == str(element(other, "(c**2 + n*(1 + c))/c**2"))
    quotients = {"a": other.one / c, "b": c / (other.one + c)}  # 1/(1-b)^2 = (1+c)^2
    assert x.substitute(quotients, other) == element(other, "(1/c + n*c/(1 + c))*(1 + c)*(1 + c)")
    assert element(ring, "n**2 + 1").substitute({"n": ring.symbol("b")}, ring) == element(ring, "b**2 + 1")
    with pytest.raises(ZeroDivisionError):
        x.substitute({"a": c, "b": other.one}, other)
    only_a = Ring(("a",))  # b does not occur, so that it needs no image
    assert element(ring, "1/(1 - a) + n").substitute({}, only_a) == element(only_a, "1/(1 - a) + n")


@given(st.data())
def test_derivatives_against_sympy(data: st.DataObject) -> None:
    ring = Ring(SYMBOLS)
    text = data.draw(ratios(SYMBOLS))
    try:
        x = element(ring, text) * ring.n
    except ZeroDivisionError:
        assume(False)
    formula = sp.Symbol("n") * interpret(parse_expression(str(x / ring.n if x else x), "c"), sp.Symbol, sp.Rational)
    for name in ("n", "a", "b"):
        slope = sp.diff(formula, sp.Symbol(name))
        for p in POINTS:
            expected = slope.subs({sp.Symbol(s): sp.Rational(v) for s, v in p.items()})
            assert x.derivative(name).at(p, sp.Rational) == expected


@given(st.data())
def test_numbers_and_symbols(data: st.DataObject) -> None:
    ring = Ring(SYMBOLS)
    (x,) = drawn(data, ring, 1)
    symbols = {s for s in SYMBOLS if x.derivative(s)}
    assert x.symbols() == symbols
    assert (x * ring.n).symbols() == (symbols | {"n"} if x else set())
    assert x.is_number == (not symbols)
    if symbols:
        with pytest.raises(ValueError, match="is not a number"):
            x.number()
    else:
        assert [x.number()] * 2 == ratio_values(x)


def test_numbers_of_quotients() -> None:
    """A symbol only in the denominator, or only n, is no number; a zero over something is."""
    ring = Ring(SYMBOLS)
    inverse = ring.one / (ring.one - ring.symbol("b"))
    assert inverse.symbols() == {"b"}
    for x in (inverse, ring.n):
        assert not x.is_number
        with pytest.raises(ValueError, match="not a number"):
            x.number()
    nothing = inverse - inverse
    assert nothing.number() == 0
    assert nothing.is_number
    assert nothing.reduced().den == ()
    assert ring.constant(Fraction(-7, 3)).number() == Fraction(-7, 3)
    assert Ring().constant(2).number() == 2
    with pytest.raises(ZeroDivisionError):
        ring.zero.inverse()
    with pytest.raises(ZeroDivisionError):
        nothing.inverse()


def test_denominators_are_products_of_known_factors() -> None:
    """1/(1-b)^2 + 1/((1-b)(1+b)) has the denominator (1-b)^2 (1+b): the least common multiple, not the product."""
    ring = Ring(SYMBOLS)
    x, y = element(ring, "1/(1 - b)/(1 - b)"), element(ring, "1/((1 - b)*(1 + b))")
    total = x + y
    assert ring.expand(total.den) == element(ring, "(1 - b)*(1 - b)*(1 + b)").num
    assert total.num == element(ring, "2").num
    assert str(total) == "2/((1 + b)*(1 - b)**2)" or str(total) == "2/((1 - b)**2*(1 + b))"
    den, first, second = ring.lcm(x.den, y.den)
    assert ring.expand(x.den) * first == ring.expand(y.den) * second == ring.expand(den)
    assert ring.expand(ring.merge(x.den, y.den)) == ring.expand(x.den) * ring.expand(y.den)
    assert ring.expand((x * y).den) == ring.expand(x.den) * ring.expand(y.den)
    assert len(ring.factors) == 2
    assert (x**2).den == tuple((i, 2 * e) for i, e in x.den)
    assert (x**0).den == ()


@given(st.data())
def test_factorisation(data: st.DataObject) -> None:
    """polynomial = c prod f^e: integer coprime coefficients, the lowest term positive, irreducible, in a fixed order."""
    ring = Ring(SYMBOLS)
    x = ring.one
    for _ in range(3):
        try:
            x = x * element(ring, data.draw(ratios(SYMBOLS, 2, inverses=False)))
        except ZeroDivisionError:
            assume(False)
    x = x * x * (ring.n - ring.symbol("b") * ring.constant(Fraction(2, 3)))
    assume(x)
    content, factors = factor(x.num)
    product = ring.context.constant(content)
    for f, e in factors:
        product *= f**e
        coefficients = list(f.coeffs())
        assert all(c.q == 1 for c in coefficients)
        lowest = min(f.to_dict().items(), key=lambda item: (sum(item[0]), item[0]))[1]
        assert lowest > 0
        assert [int(k) for _, k in f.factor()[1]] == [1]
        assert sp.gcd_list([sp.Integer(int(c)) for c in coefficients]) == 1
    assert product == x.num
    assert [str(f) for f, _ in factors] == sorted(str(f) for f, _ in factors)


def test_signs_of_factors() -> None:
    """1 - b rather than b - 1, and a - b rather than b - a (the tie of equal degrees goes to the last symbol)."""
    ring = Ring(SYMBOLS)
    assert str(element(ring, "b - 1")) == "-(1 - b)"
    assert str(element(ring, "(b - 1)*(b - 1)/(2*(1 - a))")) == "(1 - b)**2/(2*(1 - a))"
    assert str(element(ring, "2*a/3 - 4*b/3")) == "-2*(2*b - a)/3"
    assert str(element(ring, "b*b - a")) == "-(a - b**2)"
    assert str(element(ring, "1/(3 - 6*a)")) == "1/(3*(1 - 2*a))"
    assert str(element(ring, "-3/4")) == "-3/4"
    assert str(ring.zero) == "0"


@given(st.data())
def test_powers_of_n(data: st.DataObject) -> None:
    """{d: coefficient of n^d}; with and without other symbols."""
    for ring, symbols in ((Ring(SYMBOLS), SYMBOLS), (Ring(), ())):
        coefficients = [element(ring, data.draw(ratios(symbols, 2, inverses=False))) for _ in range(4)]
        total = ring.zero
        for d, c in enumerate(coefficients):
            total = total + c * ring.n ** (2 * d)
        found = ring.by_powers_of_n(total.num)
        assert {d: Ratio(ring, p, ()) for d, p in found.items()} == {2 * d: c for d, c in enumerate(coefficients) if c}


def test_monomials_ascend() -> None:
    """1 + a + b + n a^2: by degree, and within a degree n before a before b."""
    ring = Ring(SYMBOLS)
    found = ring.monomials(element(ring, "b - a + 3/2 + n*a*a + n").num)
    assert found == ((Fraction(3, 2), ()), (1, (("n", 1),)), (-1, (("a", 1),)), (1, (("b", 1),)), (1, (("n", 1), ("a", 2))))


# ---------------------------------------------------------------------------------------------- matrices


entries = st.lists(ratios(("a",), 1), min_size=9, max_size=9)


def square(ring: Ring, texts: list[str], size: int) -> list[list[Ratio]]:
    try:
        return [[element(ring, texts[3 * i + j]) for j in range(size)] for i in range(size)]
    except ZeroDivisionError:
        assume(False)
        raise


def determinant(matrix: list[list[Ratio]], ring: Ring) -> Ratio:
    """The Leibniz sum over permutations."""
    total = ring.zero
    for p in permutations(range(len(matrix))):
        piece = ring.one
        for i, j in enumerate(p):
            piece = piece * matrix[i][j]
        inversions = sum(p[i] > p[j] for j in range(len(p)) for i in range(j))
        total = total + (piece if inversions % 2 == 0 else -piece)
    return total


def times(matrix: list[list[Ratio]], x: list[Ratio]) -> list[Ratio]:
    return [sum((a * b for a, b in zip(row, x, strict=True)), x[0].ring.zero) for row in matrix]


@given(entries, st.lists(ratios(("a",), 1), min_size=3, max_size=3), st.integers(1, 3))
def test_linear_systems(texts: list[str], right: list[str], size: int) -> None:
    ring = Ring(("a",))
    matrix = square(ring, texts, size)
    try:
        b = [element(ring, t) + ring.n for t in right[:size]]
    except ZeroDivisionError:
        assume(False)
    if determinant(matrix, ring):
        x = solve_linear(matrix, b)
        assert times(matrix, x) == b
        assert all((r.num, r.den) == (r.reduced().num, r.reduced().den) for r in x)
        assert null_vector(matrix, ring) is None
    else:
        with pytest.raises(ZeroDivisionError):
            solve_linear(matrix, b)
        x = null_vector(matrix, ring)
        assert x is not None
        assert any(x)
        assert not any(times(matrix, x))


@given(entries, st.integers(1, 2))
def test_null_vectors_of_singular_matrices(texts: list[str], rank: int) -> None:
    """A 3 x 3 matrix whose rows are combinations of one or two: the null vector is one."""
    ring = Ring(("a",))
    rows = square(ring, texts, 3)[:rank]
    a = ring.symbol("a")
    mixed = [sum((row[j] * a**i for i, row in enumerate(rows)), ring.zero) for j in range(3)]
    for matrix in ([*rows, mixed, rows[0]][:3], [rows[0], rows[0], mixed], [mixed, *rows, rows[0]][:3]):
        x = null_vector(matrix, ring)
        assert x is not None
        assert any(x)
        assert not any(times(matrix, x))


def test_pivots_are_searched_below() -> None:
    """A zero in the corner, a zero column, and a singular matrix whose first columns are independent of its last."""
    ring = Ring(("a",))
    one, zero, a = ring.one, ring.zero, ring.symbol("a")
    assert solve_linear([[zero, one], [a, zero]], [one, a]) == [one, one]
    assert null_vector([[zero, one], [zero, one]], ring) == [one, zero]
    assert null_vector([[zero, one], [one, zero]], ring) is None
    with pytest.raises(ZeroDivisionError, match="singular"):
        solve_linear([[zero, one], [zero, a]], [one, a])


@given(entries, st.integers(1, 3))
def test_characteristic_polynomials(texts: list[str], size: int) -> None:
    """det(z E - A) at z = n, by the Leibniz sum."""
    ring = Ring(("a",))
    matrix = square(ring, texts, size)
    shifted = [[(ring.n if i == j else ring.zero) - x for j, x in enumerate(row)] for i, row in enumerate(matrix)]
    coefficients = characteristic_polynomial(matrix, ring)
    assert len(coefficients) == size + 1
    assert coefficients[-1] == ring.one
    total = ring.zero
    for k, c in enumerate(coefficients):
        total = total + c * ring.n**k
    assert total == determinant(shifted, ring)
