"""The parts of the proof one by one: rings, series, losses, orbits, samples, classes of signs, statements."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from math import log2
from random import Random
from typing import Any

import pytest
from flint import arb, ctx

from derive import configure, inline_scheme, load_scheme
from derive.errors import UsageError
from derive.language import Call, Name, Number, Operation, parse_expression, plain_arities, walk
from verify.proof import prove
from verify.proof.balls import BallRing
from verify.proof.bounds import Size, WeightOrbit, sample_error, scalar_root, size_of
from verify.proof.claim import highest_derivative
from verify.proof.classes import _Products, leads, per_sample, places, samples_needed, split
from verify.proof.deciding import Proof, _Trial, alike, difference, powers, products
from verify.proof.degrees import VARIABLE, Weight, WeightProblem, WeightRing
from verify.proof.errors import Rejected, ShortPrecision, Undecided
from verify.proof.field import PrimeField, draw_prime, is_prime, jacobi, modulus
from verify.proof.known import KnownValues
from verify.proof.loss import Jets, monomials, random_jets
from verify.proof.orbit import Jacobian, Orbit, first_value, linear_part, newton
from verify.proof.orbit import difference as delta
from verify.proof.program import Evaluator, Point, Stepper
from verify.proof.real import real_difference
from verify.proof.reflections import positive_places, reflected
from verify.proof.sample import Plan, Sample, Sampler, determinants, vertices_matter
from verify.proof.series import Algebra, Products, Series
from verify.proof.statement import JOINING, Statement, apart, interned, root_of, statement

F = Fraction
P = 2**61 - 1
GD = "theta = theta - gamma*grad(theta)"
MOMENTUM = "v = beta*v - gamma*grad(theta); theta = theta + v"
EMA = "m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*m"


def stated(update: str, *fields: str, memory: Any = None, **options: Any) -> Statement:
    return statement(configure(inline_scheme(update)), {"theta": list(fields)}, memory, **options)


def plan_of(claim: Statement, d: int = 2, **options: Any) -> Plan:
    return Plan(claim, d, max(claim.order + 1, highest_derivative(claim)), 8, **options)


def drawn(claim: Statement, d: int = 2, seed: int = 1, **options: Any) -> Sample:
    sample = Sampler(plan_of(claim, d, **options), Random(seed)).draw()
    sample.orbit.find()
    return sample


# ------------------------------------------------------------------------------------------ balls


def test_balls() -> None:
    ring, c = BallRing(), lambda x: BallRing().constant(F(x))
    near = lambda x, y: bool((x - c(y)).contains(0))
    with ctx.workprec(200):
        assert near(ring.power(c("1/4"), F(1, 2)), "1/2")
        assert near(ring.power(c(4), F(-3, 2)), "1/8")
        assert near(ring.power(c(-8), F(1, 3)), -2)
        assert near(ring.power(c(-8), F(-2, 3)), "1/4")
        assert near(ring.power(c(8), F(1, 3)), 2)
        assert near(ring.power(c(3), F(2)), 9)
        assert near(ring.power(c(3), F(0)), 1)
        assert near(ring.power(c(0), F(0)), 1)
        assert near(ring.power(c(3), F(-1)), "1/3")
        assert near(ring.sign(c("1/2")), 1)
        assert near(ring.sign(c("-1/2")), -1)
        assert near(ring.neg(c(2)), -2)
        assert near(ring.scale(c(3), F(2, 3)), 2)
        assert near(ring.inner([c(1), c(2)], [c(3), c(4)]), 11)
        assert near(ring.add(c(1), c(2)), 3)
        assert ring.is_zero(c(0))
        assert not ring.is_zero(c(1))
        assert [near(x, y) for x, y in zip(ring.solve([[c(0), c(2)], [c(4), c(1)]], [c(6), c(11)]), (2, 3))] == [True, True]
        with pytest.raises(Rejected):
            ring.power(c(-4), F(1, 2))
        for bad in (lambda: ring.sign(c(0)), lambda: ring.power(c(0), F(-1)), lambda: ring.power(arb(0, 1), F(1, 2))):
            with pytest.raises(ZeroDivisionError):
                bad()


# ------------------------------------------------------------------------------------------ prime fields


def test_primes() -> None:
    small = [n for n in range(2, 2000) if all(n % q for q in range(2, int(n**0.5) + 1))]
    assert [n for n in range(-3, 2000) if is_prime(n)] == small
    assert not any(map(is_prime, (3215031751, 3825123056546413051, 341550071728321, 2**63 + 1, 4294967297, 47197 * 94393)))
    assert is_prime(2**61 - 1)
    assert is_prime(18446744073709551557)
    source = Random(1)
    for step in (8, 24, 40, 8 * 3 * 5 * 7 * 11):
        for _ in range(5):
            p = draw_prime(source, step)
            assert 2**63 <= p < 2**64
            assert (p + 1) % step == 0


def test_the_modulus() -> None:
    assert modulus([], []) == 8
    assert modulus([2, 4, 6, 9], []) == 72
    assert modulus([], [F(3, 5), F(-14), F(0)]) == 8 * 3 * 5 * 7
    assert modulus([], [F(2), F(1, 4)]) == 8
    assert modulus([], [F(2**29 - 1)]) == 8 * (2**29 - 1)
    with pytest.raises(Undecided):
        modulus([], [F(2**30 - 1)])


def test_jacobi_is_legendre() -> None:
    for p in (3, 7, 11, 13, 17, 23, 31, 101):
        for x in range(3 * p):
            assert jacobi(x, p) == {0: 0, 1: 1, p - 1: -1}[pow(x, (p - 1) // 2, p)]


def test_prime_field() -> None:
    ring = PrimeField(P, frozenset({"here"}))
    assert ring.constant(F(2, 3)) * 3 % P == 2
    assert (ring.add(P - 1, 2), ring.neg(1), ring.scale(6, F(1, 3)), ring.inner([1, 2], [3, P - 1])) == (1, P - 1, 2, 1)
    assert ring.is_zero(0)
    assert not ring.is_zero(1)
    assert ring.power(5, F(0)) == 1
    assert ring.power(5, F(-2)) * 25 % P == 1
    assert ring.power(0, F(2)) == 0
    assert ring.power(0, F(0)) == 1
    size = 5 if ring.is_residue(5) else P - 5
    assert pow(ring.power(size, F(3, 2)), 2, P) == pow(size, 3, P)
    assert ring.power(P - size, F(2)) == size * size % P
    assert ring.sign(size, "here") == 1
    assert ring.sign(P - size, "there") == P - 1
    for bad in (lambda: ring.sign(P - size, "here"), lambda: ring.power(P - size, F(1, 2))):
        with pytest.raises(Rejected):
            bad()
    for bad in (
        lambda: ring.sign(0),
        lambda: ring.power(0, F(-1)),
        lambda: ring.power(0, F(-1, 2)),
        lambda: ring.solve([[1, 1], [2, 2]], [1, 1]),
    ):
        with pytest.raises(ZeroDivisionError):
            bad()
    p = draw_prime(Random(2), 8 * 15)
    other = PrimeField(p)
    for x in (2, 7, p - 7):
        assert pow(other.power(x, F(1, 3)), 3, p) == x
        assert pow(other.power(x, F(2, 15)), 15, p) == x * x % p
        assert other.is_residue(other.power(x, F(1, 3))) == other.is_residue(x)


def test_elimination() -> None:
    ring = PrimeField(P)
    assert ring.solve([[0, 2, 1], [1, 0, 3], [4, 1, 0]], [7, 10, 6]) == [1, 2, 3]
    assert ring.determinant([[0, 2, 1], [1, 0, 3], [4, 1, 0]]) == 25
    assert ring.determinant([[1, 2], [2, 4]]) == 0
    assert ring.determinant([[2, 1], [4, 5]]) == 6
    assert ring.determinant([[3]]) == 3
    assert ring.determinant([]) == 1
    assert ring.determinant([[0, 0, 2], [0, 3, 1], [5, 1, 1]]) == P - 30
    with pytest.raises(ValueError, match="zip"):
        ring.solve([[1]], [1, 2])


# ------------------------------------------------------------------------------------------ degrees


def test_weights() -> None:
    with pytest.raises(FrozenInstanceError):
        VARIABLE.degree = 2.0  # type: ignore[misc]
    ring = WeightRing(3, {"b": "a"})
    c = lambda x: ring.constant(F(x))
    assert c(0) is None
    assert c("5/3") == Weight(0.0, log2(5), 3)
    assert c(-4) == Weight(0.0, 2.0)
    assert ring.is_zero(None)
    assert not ring.is_zero(VARIABLE)
    assert ring.neg(VARIABLE) == VARIABLE
    assert ring.scale(VARIABLE, F(-3, 7)) == Weight(1.0, log2(3), 7)
    assert (
        ring.scale(None, F(2)) is ring.scale(VARIABLE, F(0)) is ring.times(None, VARIABLE) is ring.times(VARIABLE, None) is None
    )
    x, y = Weight(1.0, 2.0, 3, {"p": F(1)}, 1), Weight(4.0, 1.0, 2, {"p": F(2), "q": F(1)}, 2)
    ring.bases = {"p": (10.0, 5.0), "q": (1.0, 0.5)}
    assert ring.times(x, y) == Weight(5.0, 3.0, 6, {"p": F(3), "q": F(1)}, 3)
    total = ring.add(x, y)
    assert total is not None
    assert (total.degree, total.integer, total.poles, total.indices) == (12.0, 6, {"p": F(2), "q": F(1)}, 2)
    assert total.height == pytest.approx(log2(2 ** (2 + 1 + 5 + 0.5) + 2 ** (1 + log2(3))))
    assert ring.add(x, None) == ring.add(None, x) == x
    huge = ring.add(Weight(integer=10**400), Weight())
    assert huge is not None
    assert huge.height == pytest.approx(400 * log2(10))
    assert ring.total([None, None]) is None
    assert ring.inner([x, None], [y, y]) == ring.times(x, y)
    assert ring.sign(None, "s") == ring.sign(VARIABLE, "s") == Weight()
    with pytest.raises(Undecided):
        ring.sign(Weight(indices=1), "s")


def test_roots_and_inverses_of_weights() -> None:
    ring = WeightRing(2, {"b": "a"})
    x = Weight(4.0, 3.0, 2, {"p": F(2)})
    ring.bases = {"p": (10.0, 5.0)}
    root = ring.power(x, F(1, 2), "b")
    assert root == Weight(2.0, 2.0, 2, {"p": F(1)})
    assert ring.roots == {"a": 2}
    ring.power(x, F(1, 3), "a")
    assert ring.roots == {"a": 6}
    assert ring.power(x, F(3), "c") == Weight(12.0, 9.0, 8, {"p": F(6)})
    assert ring.power(x, F(0), "c") == Weight(0.0, 0.0, 1, {"p": F(0)})
    inverse = ring.power(x, F(-1), "b")
    assert inverse is not None
    [base] = inverse.poles
    assert inverse == Weight(20.0 + 4.0, 10.0 + 3.0 + 1.0, 1, {base: F(1)})
    assert ring.bases[base] == (8.0, 6.0)
    assert base[0][0] == "a"
    twice = ring.power(x, F(-2), "b")
    assert twice == Weight(48.0, 28.0, 1, {base: F(2)})
    low = ring.power(Weight(1.0, -2.0), F(-1), "n")
    assert low is not None
    assert (low.degree, low.height, [ring.bases[b] for b in low.poles]) == (1.0, 0.0, [(2.0, 0.0)])
    assert ring.power(None, F(2), "z") is None
    assert ring.power(None, F(1, 2), "z") is None
    for r in (F(-1), F(-1, 2)):
        with pytest.raises(ZeroDivisionError):
            ring.power(None, r, "z")
    for r in (F(-1), F(1, 2)):
        with pytest.raises(Undecided):
            ring.power(Weight(indices=1), r, "v")
    assert ring.power(Weight(1.0, indices=2), F(2), "v") == Weight(2.0, indices=4)


def test_losses_of_weights() -> None:
    """One component for d = 3: a derivative of order k + 1 has k indices, summed over d^k terms."""
    ring = WeightRing(3)
    algebra = Algebra(ring, 3, {"dot": 0})
    plain, raised = WeightProblem(ring, False), WeightProblem(ring, True)
    assert plain.leaf == [Weight(1.0)]
    assert raised.leaf == [Weight(2.0)]
    assert raised.jet(2) == Weight(2.0, indices=2)
    assert plain.tensor([[VARIABLE], [Weight(3.0)]]) == [Weight(5.0, log2(9), 1, {}, 2)]
    step = algebra.element(VARIABLE) + algebra.gamma
    [found] = plain.gradient([step])
    assert [(w.degree, w.indices) for w in found.c] == [(1.0, 0), (1.0, 1), (1.0, 2)]
    assert [w.height for w in found.c] == [0.0, pytest.approx(log2(3)), pytest.approx(log2(9))]
    assert found.c[2].integer == 2
    with pytest.raises(ShortPrecision):
        plain.gradient([Series(algebra, 0, [])])
    assert plain.gradient([Series(algebra, 0, [VARIABLE])])[0].c == [Weight(1.0)]
    xs = [Series(algebra, 0, [VARIABLE, VARIABLE, Weight(1.0, indices=2)])]
    product = raised.dot(xs, [algebra.element(VARIABLE)], "dot")
    assert [(w.degree, w.indices) for w in product.c] == [(4.0, 0), (4.0, 1), (4.0, 3)]
    assert [w.height for w in product.c] == [log2(3)] * 3
    assert product.c[0].poles == {"weights": F(1)}
    assert ring.bases["weights"] == (3.0, 0.0)
    assert ring.contractions == {"dot"}
    assert plain.dot(xs, [algebra.element(VARIABLE)], "dot").c[0] == Weight(2.0, log2(3))
    other = WeightRing(3)
    inner = WeightProblem(other, False).dot(
        [Series(Algebra(other, 3), 0, [Weight(1.0, indices=1)])], [Algebra(other, 3).element(VARIABLE)], "x"
    )
    assert inner.c[0].indices == 2
    assert other.contractions == set()


# ------------------------------------------------------------------------------------------ the error bound


def test_the_error_of_a_sample() -> None:
    """D Q 2^k / 2^63 + (Q H / 63) / #primes,  #primes = 2^63 / (90 M)."""
    size = Size(1, 0, 64.0, 630.0, 3.0, frozenset(), False)
    zero, unlucky = 6 + 3 + 4 - 63, 3 + log2(11) - (63 - log2(24) - log2(90))
    assert sample_error(size, 4, 24) == pytest.approx(log2(2.0**zero + 2.0**unlucky))
    assert sample_error(replace(size, degree=0.0), 4, 24) == pytest.approx(log2(2.0 ** (zero - 6) + 2.0**unlucky))
    assert sample_error(replace(size, degree=2.0**40), 4, 24) == pytest.approx(zero + 34, abs=1e-3)
    assert scalar_root(("scalar", 1), {})
    assert not any(scalar_root(k, {}) for k in (("vector", 1), 7, ("scalar", 1, 2), "scalar"))


def test_samples_for_classes() -> None:
    assert per_sample(0, -40.0) == -40.0
    assert per_sample(0, 2.0) == 0.0
    assert per_sample(2, -60.0) == pytest.approx(log2(0.75))
    assert per_sample(1, -1.0) == 0.0
    assert samples_needed(0, -200.0) == 3
    assert samples_needed(0, -20.0) == 6
    assert samples_needed(1, -60.0) == 101


def sized(claim: Statement, d: int = 4, **options: Any) -> Size:
    sample = drawn(claim, 3)
    return size_of(claim, d, 0, powers(sample), alike(sample), 12)


def test_the_memory_is_bounded_by_cramers_rule() -> None:
    """momentum in d = 3: every entry of J - 1 below 2^h; 3! products of three entries, each a sum over the six states."""
    claim = stated(MOMENTUM, "-grad/(1 - beta)", memory={"v": ["0"]})
    ring = WeightRing(3)
    point = Point(WeightProblem(ring, False), {"beta": VARIABLE}, {}, VARIABLE, {})
    orbit = WeightOrbit(claim, point, ring, {"v": [None]}, 0, {})
    orbit.find()
    entry, right = orbit.entry, Weight(5.0, 2.0, 1, {}, 2)
    assert orbit._solved({"v": None}, 1) == {"v": None}
    assert entry.degree >= 1.0
    assert entry.indices == 0
    for power in (1, 2):
        m = power * entry.height + (power - 1) * log2(6)
        found = orbit._solved({"v": right}, power)["v"]
        assert found is not None
        det = 3 * m + log2(6)
        assert found.height == pytest.approx(2.0 + (2 * m + log2(6)) + 2 * det)
        assert found.degree == pytest.approx(5.0 + 2 * power * entry.degree + 2 * 3 * power * entry.degree)
        assert found.indices == 2
    [w] = orbit.memory["v"][1]
    assert w is not None
    assert w.degree >= 1.0
    assert len(w.poles) == 1
    [w] = orbit.fields["theta"][0]
    assert w is not None
    assert len(w.poles) >= 1


def test_sizes() -> None:
    found = sized(stated(GD, "-grad", "hess(grad)"))
    assert (found.indices, found.degree, found.cover, found.coupled) == (1, 2.0, 0.0, False)
    assert sized(stated(GD, "-grad", f"1{'0' * 30}*hess(grad)")).height > 100 > found.height
    root = stated("theta = theta - gamma*sqrt(grad(theta)**2 + 1)", "-sqrt(1 + grad**2)")
    assert sized(root).cover == 4.0
    norm = stated("theta = theta - gamma*grad(theta)/norm(grad(theta))", "-grad/sqrt(dot(grad, grad))")
    assert sized(norm).cover == 1.0
    assert len(sized(norm).contractions) == 2
    assert sized(stated(EMA.replace("beta", "(1/2)"), "-grad", memory={"m": ["grad"]})).coupled
    assert not sized(stated(MOMENTUM.replace("beta", "(1/2)"), "-2*grad", memory={"v": ["0"]})).coupled


# ------------------------------------------------------------------------------------------ series


def algebra(length: int = 6, notes: bool = False) -> Algebra:
    return Algebra(PrimeField(P), length, notes=notes)


def test_precision_of_series() -> None:
    a = algebra()
    known = lambda s: (s.v, s.c, s.exact)
    x, y, zero = Series(a, -1, [1, 2, 3]), Series(a, 1, [5, 0, 0]), a.constant(0)
    assert known(Series(a, 0, [0, 0, 4, 5])) == (2, [4, 5], False)
    assert known(Series(a, 3, [0, 0])) == (5, [], False)
    assert known(zero) == (0, [], True)
    assert x.precision == 2
    assert zero.precision > 1000
    assert known(x + y) == (-1, [1, 2, 8], False)
    assert known(x - x) == (2, [], False)
    assert known(x * y) == (0, [5, 10, 15], False)
    assert known(x * zero) == known(zero * x) == (0, [], True)
    assert known(x + zero) == known(zero + x) == known(x)
    assert known(a.gamma * a.gamma) == (2, [1], True)
    assert known((a.gamma + a.constant(1)) * (a.gamma + a.constant(1))) == (0, [1, 2, 1], True)
    short = algebra(2)
    one = short.constant(1) + short.gamma
    assert known(one * one) == (0, [1, 2], False)
    assert [x.at(k) for k in (-3, -1, 0, 1)] == [0, 1, 2, 3]
    assert zero.at(100) == 0
    with pytest.raises(ShortPrecision):
        x.at(2)
    assert known(x.cut(1)) == (-1, [1, 2], False)
    assert x.cut(2) is x
    assert known(a.gamma.cut(3)) == (1, [1, 0], False)
    assert known(x.cut(-2)) == (-2, [], False)
    assert known(Series(a, -2, [1], True) + Series(a, 0, [5, 7])) == (-2, [1, 0, 5, 7], False)
    assert known((a.constant(3) + a.gamma).increment(3, "far")) == (1, [1], True)
    with pytest.raises(Undecided, match="far"):
        a.constant(4).increment(3, "far")


def test_powers_of_series() -> None:
    a, source = algebra(), Random(3)
    for v, q in ((0, 2), (2, 2), (-4, 2), (-7, 7)):
        ring = PrimeField(draw_prime(source, 56))
        b = Algebra(ring, 6)
        x = Series(b, v, [4, *(source.randrange(P) for _ in range(5))])
        root = x.power(F(1, q), "k")
        assert root.v == v // q
        assert root.precision == v // q + 6
        assert (root.power(F(q), "k") - x).c == []
        assert (x.power(F(-2), "k") * x * x - b.constant(1)).c == []
    assert a.constant(7).power(F(0), None).c == [1]
    assert Series(a, 4, [9], True).power(F(-1, 2), "k").exact
    assert (a.constant(1) + a.gamma).power(F(-1), "k").c == [1, P - 1] * 3
    with pytest.raises(Undecided, match="fractional"):
        a.gamma.power(F(1, 2), "k")
    with pytest.raises(ZeroDivisionError):
        a.constant(0).power(F(-1), "k")
    with pytest.raises(ShortPrecision):
        Series(a, 0, [0, 0]).power(F(-1), "k")
    negative = Series(a, 2, [P - 1 if a.ring.is_residue(1) else 1, 1])
    assert negative.sign("k").c == [P - 1]
    with pytest.raises(Rejected) as caught:
        negative.power(F(1, 2), "k", 5)
    assert (caught.value.component, caught.value.key) == (5, "k")
    positive = Algebra(PrimeField(P, frozenset({"k"})), 3)
    with pytest.raises(Rejected) as caught:
        Series(positive, 0, [P - 1]).sign("k", 4)
    assert (caught.value.component, caught.value.key) == (4, "k")


def test_leading_coefficients_are_noted() -> None:
    a = algebra(notes=True)
    Series(a, 1, [3, 1]).sign("k", 0)
    Series(a, 1, [3, 2]).sign("k", 0)
    Series(a, 0, [4]).sign("k", 1)
    assert a.noted == {("k", 0): (1, 3), ("k", 1): (0, 4)}
    for other in (Series(a, 2, [3]), Series(a, 1, [4])):
        with pytest.raises(Undecided, match="changes"):
            other.sign("k", 0)
    quiet = algebra()
    Series(quiet, 1, [3]).sign("k", 0)
    assert quiet.noted == {}
    ring = WeightRing(2)
    told = Algebra(ring, 4, {"k": 2}, notes=True)
    s = Series(told, 0, [VARIABLE, VARIABLE, Weight(7.0), VARIABLE])
    assert s.power(F(-1), "k").v == -2
    assert s.power(F(-1), "other").v == 0
    assert told.noted == {}
    assert (s.increment(VARIABLE, "far").v, s.increment(VARIABLE, "far").c) == (1, s.c[1:])
    lower = Series(told, -1, [VARIABLE, VARIABLE, Weight(7.0), Weight(8.0)])
    assert (lower.increment(VARIABLE, "far").v, lower.increment(VARIABLE, "far").c) == (1, lower.c[2:])


# ------------------------------------------------------------------------------------------ losses


def test_tables_of_exponents() -> None:
    table = monomials(3, 3)
    place = {a: n for n, a in enumerate(table.exponents)}
    assert len(place) == 20
    assert table.start == (0, 1, 4, 10, 20)
    for n, a in enumerate(table.exponents):
        lower, j = table.parent[n]
        up = lambda b, j: (*b[:j], b[j] + 1, *b[j + 1 :])
        assert n == 0 or up(table.exponents[lower], j) == a
        if sum(a) < 3:
            assert [table.exponents[column[n]] for column in table.up] == [up(a, i) for i in range(3)]
    assert table.weight[place[2, 1, 0]] == F(1, 2)
    assert table.weight[place[0, 0, 3]] == F(1, 6)
    assert table.weight[0] == 1


@pytest.mark.parametrize("label", ["L", "f"])
def test_taylor_of_a_random_loss(label: str) -> None:
    ring, source, a = PrimeField(P), Random(4), algebra(3)
    draw = lambda: source.randrange(P)
    f = random_jets(label, 3, [5, 6, 7], ring, draw, True)
    assert f.raising is not None
    assert f.dimension == 3
    assert (random_jets(label, 3, [5], ring, draw, False)).raising is None
    point = [Series(a, 0, [x, draw(), draw()]) for x in (5, 6, 7)]
    x1, x2 = ([s.at(k) for s in point] for k in (1, 2))
    value = f.gradient(point)
    assert [s.at(0) for s in value] == f.leaf == f.tensor([])
    assert [s.at(1) for s in value] == f.tensor([x1])
    assert [s.at(2) for s in value] == [(p + q * pow(2, -1, P)) % P for p, q in zip(f.tensor([x2]), f.tensor([x1, x1]))]
    assert [s.precision for s in value] == [3] * 3
    assert f.tensor([x1, x2]) == f.tensor([x2, x1])
    e = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    matrix = [f.tensor([x]) for x in e]
    u = f.raising
    symmetric = all(u[j] * matrix[j][i] % P == u[i] * matrix[i][j] % P for i in range(3) for j in range(3))
    assert symmetric == (label == "L")
    assert all(s.exact for s in f.gradient([a.constant(x) for x in (5, 6, 7)]))
    elsewhere, once = [a.constant(1)] * 3, f.elsewhere
    assert f.gradient(elsewhere)[0].at(0) == f.gradient(elsewhere)[0].at(0) != f.leaf[0]
    assert (once, f.elsewhere) == (0, 1)
    with pytest.raises(Undecided, match="no limit"):
        f.gradient([Series(a, -1, [1, 1, 1, 1])] * 3)
    with pytest.raises(ShortPrecision, match="derivative 5"):
        f.tensor([x1] * 4)
    for bad in (lambda: f.tensor([x1] * 4), lambda: f.gradient([Series(a, 0, [])] * 3)):
        with pytest.raises(ShortPrecision):
            bad()
    longer = algebra(9)
    with pytest.raises(ShortPrecision):
        f.gradient([Series(longer, 0, [x, 1, 1, 1, 1]) for x in (5, 6, 7)])
    assert f.gradient([Series(longer, 0, [x, 1, 1, 1]) for x in (5, 6, 7)])[0].precision == 4
    product = f.dot([a.constant(2)] * 3, [a.constant(3), a.gamma, a.constant(0)], "k")
    assert product.at(0) * u[0] % P == 6
    assert product.at(1) * u[1] % P == 2
    assert a.found == {"k": (0, product.at(0))}
    plain = Jets("f", 0, [1, 2], [[3], [4]], ring)
    assert plain.dot([a.constant(2)] * 2, [a.constant(3)] * 2, "j").c == [12]
    assert plain.dot([a.constant(0)] * 2, [a.constant(3)] * 2, "z").c == []
    assert set(a.found) == {"k", "j"}


# ------------------------------------------------------------------------------------------ orbits


def test_differences_and_slopes() -> None:
    ring = PrimeField(P)
    v = [7 + 5 * n + n**3 for n in range(7)]
    assert [delta(ring, v, k) for k in (0, 1, 3, 4)] == [7, 6, 6, 0]
    assert linear_part(ring, v, 3) == linear_part(ring, v, 5) == 5
    assert first_value(ring, v, 2) == 13


def test_jacobians() -> None:
    """v = beta v - gamma g, theta = theta + v:  J - 1 = (0 beta; 0 beta - 1) on every component."""
    claim = stated(MOMENTUM, "-grad/(1 - beta)", memory={"v": ["0"]})
    sample = drawn(claim)
    b, p = sample.point.parameters["beta"] - 1, sample.ring.p
    for k in (1, 2, 3):
        assert Jacobian(sample.orbit).block(k) == [[pow(b, k, p), 0], [0, pow(b, k, p)]]
    assert determinants(sample.orbit) == [pow(b, 4, p)]
    g = sample.point.problem.leaf
    assert sample.orbit.memory["v"][0] == [0, 0]
    assert [(x * b - y) % p for x, y in zip(sample.orbit.memory["v"][1], g)] == [0, 0]
    assert [len(v) for v in sample.orbit.memory.values()] == [2]
    assert [(x * b - y) % p for x, y in zip(sample.orbit.fields["theta"][0], g)] == [0, 0]
    assert sample.orbit.off == []
    assert not vertices_matter(Sampler(plan_of(claim), Random(4)), sample)


def test_wrong_memory_is_off_the_slow_orbit() -> None:
    claim = stated(EMA, "-grad", memory={"m": ["2*grad"]})
    sample = drawn(claim)
    assert ("m", 0) in sample.orbit.off
    assert difference(claim, sample)[:2] == ("m", 0)  # type: ignore[index]


def test_newton_finds_the_memory() -> None:
    claim = stated("m = m/2 + grad(theta); n = n/3 + m; theta = theta - gamma*n", "-3*grad")
    sample = drawn(claim)
    g, p = sample.point.problem.leaf, sample.ring.p
    assert sample.orbit.leads == {"m": [2 * x % p for x in g], "n": [3 * x % p for x in g]}
    source = Random(2)
    with pytest.raises(Undecided, match="affine"):
        newton(stated("m = m*m + grad(theta); theta = theta - gamma*m", "-grad"), sample.point, sample.ring,
               lambda: source.randrange(1, p), lambda: False, 0)  # fmt: skip


# ------------------------------------------------------------------------------------------ programs


def test_formulas_at_a_point() -> None:
    ring = PrimeField(P)
    point = Point(random_jets("L", 2, [1, 2], ring, lambda: 3, False), {}, {}, 5, {"r": [2, 3, 4, 5]})
    value = lambda text, names, functions=None, length=3: Evaluator(point, Algebra(ring, length), functions or {}).value(
        parse_expression(text, "w", {"r": 1, "sqrt": 1, "abs": 1, "sign": 1, "dot": 2, "norm": 1, "hess": 1, "zz": 1}), names
    )
    a = Algebra(ring, 3)
    x = [a.constant(4), a.constant(9)]
    assert [s.c for s in value("-2*x + 1/x", {"x": x})] == [[(pow(n, -1, P) - 2 * n) % P] for n in (4, 9)]
    assert [s.c for s in value("2 - x", {"x": x})] == [[P - 2], [P - 7]]
    assert value("dot(x, x + 1)", {"x": x}).c == [4 * 5 + 90]
    assert value("dot(2, x)", {"x": x}).c == [26]
    assert value("norm(x)", {"x": [a.constant(3), a.constant(4)]}).c in ([5], [P - 5])
    assert [s.c for s in value("sqrt(x)", {"x": x})] in ([[i], [j]] for i in (2, P - 2) for j in (3, P - 3))
    assert [s.c for s in value("abs(x)", {"x": [a.constant(-4)]})] == [[4]]
    assert [s.c for s in value("sign(x)*x**2", {"x": [a.constant(-4)]})] == [[P - 16]]
    t = a.constant(5) + a.gamma * a.constant(2)
    assert value("r(t)", {"t": t}, {"r": None}).c == [2, 6, 8]
    assert value("r(t)", {"t": a.constant(5)}, {"r": None}).exact
    assert value("r(t)", {"t": t}, {"r": parse_expression("1 + t**2", "w")}).c == [26, 20, 4]
    with pytest.raises(Undecided, match="does not tend to t"):
        value("r(t)", {"t": a.constant(6)}, {"r": None})
    for text in ("y", "zz(x)"):
        with pytest.raises(UsageError):
            value(text, {"x": x})
    for text in ("x**x", "x**41", "x**(1/41)", "x**(-41)"):
        with pytest.raises(Undecided, match="exponent"):
            value(text, {"x": x})
    assert [len(s.c) for s in value("x**40 + x**(1/38)*0 + x**(-40)", {"x": [a.constant(1)]})] == [1]


def test_steps() -> None:
    claim = stated("theta = theta - gamma*grad(theta_next)", "-grad", "1/2*hess(grad)")
    sample = drawn(claim)
    assert difference(claim, sample) is None
    stepper = Stepper(claim, sample.point, sample.orbit.algebra(3))
    with pytest.raises(Undecided, match="factor gamma"):
        drawn(stated("theta = theta_next - gamma*grad(theta)", "-grad"))
    assert [
        s.at(0) for s in stepper.after(sample.orbit.start(sample.orbit.algebra(3), 1), 0)["theta"]
    ] == sample.point.problem.theta
    remembered = stated("theta = theta - gamma*grad(theta) + (theta - theta_prev)/2", "-2*grad", memory={"theta_prev": ["theta"]})
    assert difference(remembered, drawn(remembered)) is None
    kept = stated(
        "v = theta - theta_prev; theta_prev = theta; theta = theta + v/2 - gamma*grad(theta)",
        "-2*grad",
        memory={"theta_prev": ["theta"]},
    )
    assert difference(kept, drawn(kept)) is None


# ------------------------------------------------------------------------------------------ what is not computed twice

MOVED = (
    "v = beta*v + (1 - beta)*grad(theta)*grad(theta); theta = theta - gamma*grad(theta)/(sqrt(v) + 1)",
    "v = beta*v + grad(theta)/(1 + norm(grad(theta), layer)); theta = theta - gamma*norm(theta, layer)/norm(v, layer)*v",
    "v = beta*v - gamma*grad(theta + v)*norm(v + grad(theta)); theta = theta + abs(v)*mean(theta) + v*exp(v/2)**2/3",
    "s = beta*s + dot(grad(theta), v); v = beta*v + sign(s)*grad(theta_next); theta = theta - gamma*s*v",
)


@pytest.mark.parametrize("update", MOVED)
def test_a_moved_component_is_followed_alone(update: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Jacobian is that of steps which are computed anew for every component."""
    claim = stated(update, "-grad")
    plan = replace(plan_of(claim, 5, slack=1), degree=4, layers=(2, 3) if claim.layered else ())
    sampler, ring = Sampler(plan, Random(3)), PrimeField(draw_prime(Random(5), 24))
    ring.functions = KnownValues(ring, Random(7))
    for _ in range(100):
        point, draw = sampler.fresh(ring), Random(11).randrange
        leads = {m: [draw(1, ring.p) for _ in range(1 if m in claim.scalars else 5)] for m in claim.fast}
        try:
            found = Jacobian(Orbit(claim, point, ring, leads, 1, memory={m: [v] for m, v in leads.items()}))
            break
        except Rejected:
            continue
    kept = []
    monkeypatch.setattr(Evaluator, "keeping", lambda self: kept.append(self) or self)
    anew = Jacobian(Orbit(claim, point, ring, leads, 1, memory={m: [v] for m, v in leads.items()}))
    assert kept
    assert found.matrix == anew.matrix
    assert any(x for row in found.matrix for x in row)


def test_operands_decide_what_is_kept() -> None:
    """A vector whose components moved is computed there again, and there alone."""
    algebra = Algebra(PrimeField(draw_prime(Random(5), 24)), 3)
    evaluator = Evaluator(Point(None, {}, {}, 0, {}), algebra, {}).keeping()
    tree = parse_expression("sqrt(x)*y + 2/x", "example", {"sqrt": 1})
    value = lambda x, y: evaluator.value(tree, {"x": [algebra.constant(k * k) for k in x], "y": algebra.constant(y)})
    numbers = lambda x, y: [s.at(0) for s in value(x, y)]
    expected = lambda x, y: [algebra.constant(k * y + F(2, k * k)).at(0) for k in x]
    for x, y in (((1, 2, 3), 5), ((1, 2, 3), 7), ((1, 4, 3), 5), ((2, 2, 3), 5)):
        assert numbers(x, y) == expected(x, y)
    first = {"x": [algebra.constant(k * k) for k in (1, 2, 3)], "y": algebra.constant(5)}
    evaluator.keeping()
    before = evaluator.value(tree, first)
    after = evaluator.value(tree, {**first, "x": [*first["x"][:2], algebra.constant(16)]})
    assert [a is b for a, b in zip(before, after, strict=True)] == [True, True, False]


def test_products_of_lists() -> None:
    """Those of the prime field are those of sums of products, of every length."""
    ring = PrimeField(10007)
    draw = Random(2).randrange
    for la, lb in ((1, 1), (1, 4), (4, 1), (3, 4), (4, 3), (2, 2)):
        a, b = ([draw(10007) for _ in range(k)] for k in (la, lb))
        for n in range(1, min(max(la, lb), la + lb - 1) + 1):
            assert ring.product(a, b, n) == Products.product(ring, a, b, n)
    rows, factors = [[1, 2, 3], [4, 5]], [F(1), F(1, 2), F(1, 6)]
    assert ring.scaled(rows, factors) == Products.scaled(ring, rows, factors)
    assert ring.scaled(rows, factors) != Products.scaled(ring, rows, factors[::-1])


# ------------------------------------------------------------------------------------------ statements


def test_roots_of_trees() -> None:
    read = lambda text: parse_expression(text, "w", {"sqrt": 1, "norm": 1, "abs": 1, "dot": 2})
    assert [root_of(read(t)) for t in ("sqrt(x)", "norm(x)", "x**(1/3)", "x**(3/4)", "x**2", "x", "abs(x)", "x + 1", "2*x")] == [
        2,
        2,
        3,
        4,
        *[None] * 5,
    ]
    known: dict[Any, Any] = {}
    tree = interned(read("(a + 1)*sqrt(a + 1) - abs(a + 1)"), known)
    assert isinstance(tree, Operation)
    product, absolute = tree.args
    assert isinstance(product, Operation)
    assert isinstance(absolute, Call)
    assert product.args[0] is absolute.args[0] is product.args[1].args[0]
    assert interned(read("sqrt(a)"), known) is not interned(read("abs(a)"), known)
    assert interned(read("a - 1"), known) is not interned(read("a + 1"), known)


def test_what_stands_apart() -> None:
    """What one pass finds is what a walk through every part finds; a sum, or a name that joins, is seen at any depth."""
    calls = {**plain_arities(), "hess": 1}
    texts = ("a*sqrt(u) + b", "norm(u)*u", "sqrt(u*dot(u, u)) - b*u", "hess(u)/(u + 1)", "norm(u, layer)*u", "-(b + u)")
    known: dict[Any, Any] = {}
    trees = [interned(parse_expression(t, "example", calls), known) for t in texts]
    joins = lambda n: (n.id == "b") if isinstance(n, Name) else isinstance(n, Call) and n.function in JOINING
    expected = {id(n) for tree in trees for n in walk(tree) if not any(map(joins, walk(n)))}
    assert apart(trees, ["b"]) == expected
    assert apart(trees, []) > expected
    assert [id(t) in apart(trees, []) for t in trees] == [True, False, False, False, True, True]
    assert [id(t) in expected for t in trees] == [False, False, False, False, True, False]


def test_every_part_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """((x*x + 1)*(x*x + 1) + 1)*... has 2^n parts written out, and 2 n + 3 different ones."""
    tree: Any = Name("x")
    for _ in range(60):
        tree = Operation("+", (Operation("*", (tree, tree)), Number(F(1))))
    tree, seen = interned_once(tree), []
    monkeypatch.setattr("verify.proof.statement._joins", lambda n, names: seen.append(n) or False)
    assert len(apart([tree, tree], ())) == len(seen) == len({id(n) for n in seen}) == 2 * 60 + 2


def interned_once(tree: Any) -> Any:
    """A chain of squares, each one object, with one object for the number 1."""
    one, chain = Number(F(1)), []
    while isinstance(tree, Operation):
        chain.append(tree)
        tree = tree.args[0].args[0]
    for _ in chain:
        tree = Operation("+", (Operation("*", (tree, tree)), one))
    return tree


def test_roots_of_claims_once() -> None:
    claim = stated(GD, "-sqrt(abs(theta))*grad + sqrt(abs(theta))", "sqrt(abs(theta)) + theta**(1/3)*sign(grad)")
    assert [n.op if isinstance(n, Operation) else n.function for n in claim.roots if isinstance(n, Operation | Call)] == [
        "abs",
        "sqrt",
        "**",
        "sign",
    ]


def test_what_a_statement_is() -> None:
    claim = statement(
        configure(load_scheme("rmsprop"), "memory"),
        {"theta": ["-grad", "0", "0"]},
        {"G": ["grad**2", "0", "0", "0", "0"]},
        order=1,
    )
    assert (claim.order, claim.slow, claim.fast) == (1, ("theta",), ("G",))
    assert [len(p) for p in claim.fields.values()] == [2]
    assert [len(p) for p in claim.memory.values()] == [3]
    assert len(list(claim.claims())) == 5
    assert not claim.contracted
    assert not claim.implicit
    assert stated("theta = theta - gamma*norm(grad(theta))*grad(theta_next)", "-grad").contracted
    assert stated("theta = theta - gamma*grad(theta_next)", "-grad").implicit
    assert stated(GD, "hess(d3(grad, grad))").contracted is False
    assert highest_derivative(stated(GD, "hess(d3(grad, grad))")) == 2
    assert highest_derivative(stated(GD, "-grad")) == 0
    assert len(claim.nodes) == len({id(n) for n in claim.nodes})
    seen: set[int] = set()
    for node in claim.nodes:
        assert not isinstance(node, Operation | Call) or {id(a) for a in node.args} <= seen
        seen.add(id(node))
    for equations in ({"theta": "-grad"}, {"theta": [{"power": 1, "terms": []}]}, {"theta": [7]}, {"theta": [{"terms": "x"}]}):
        with pytest.raises(UsageError):
            statement(configure(load_scheme("gd")), equations)
    assert [stated(GD, "-grad", form=form).form for form in ("flow", "map")] == ["flow", "map"]
    with pytest.raises(UsageError, match="form"):
        stated(GD, "-grad", form="flows")
    with pytest.raises(UsageError, match="both"):
        statement(configure(load_scheme("gd")), {"theta": ["-grad"]}, {"theta": ["0"]})
    with pytest.raises(UsageError, match="every power"):
        stated(GD, "-grad", order=-1)


def test_sides_of_ranges() -> None:
    scheme = configure(load_scheme("momentum"), "memory")
    claim = replace(statement(scheme, {"theta": ["-grad"]}), parameters={"a": "0 <= a < 1", "b": "2 > b >= c", "c": ""})
    one, two = Number(F(1)), Number(F(2))
    assert claim.conditions() == [
        Name("a"),
        Operation("-", (one, Name("a"))),
        Operation("-", (two, Name("b"))),
        Operation("-", (Name("b"), Name("c"))),
    ]


# ------------------------------------------------------------------------------------------ samples and classes


def test_samples_keep_the_ranges() -> None:
    claim = statement(configure(load_scheme("rmsprop"), "memory"), {"theta": ["-grad/(abs(grad) + eps)"]}, {"G": ["grad**2"]})
    for seed in range(3):
        sample = Sampler(plan_of(claim), Random(seed)).draw()
        p = sample.point.parameters
        residue = sample.ring.is_residue
        assert residue(p["eps"])
        assert all(residue(x) for n, b in p.items() if n.startswith("beta") for x in (b, 1 - b))
    loose = [Sampler(plan_of(claim, ranges=False), Random(n)).draw() for n in range(8)]
    assert not all(s.ring.is_residue(s.point.parameters["eps"]) for s in loose)
    with pytest.raises(Undecided, match="ranges"):
        Sampler(plan_of(replace(claim, parameters={**claim.parameters, "eps": "eps < 0 < eps"})), Random(1)).draw()


def test_points_drawn_again() -> None:
    """A component again: its theta, gradient and slow variables, nothing else; other vertices: second derivatives alone."""
    for update in (GD, "theta = theta + gamma*field(theta)"):
        claim = stated(update, "0")
        sampler = Sampler(plan_of(claim, 3), Random(3))
        ring = PrimeField(draw_prime(Random(4), 8))
        point = sampler.fresh(ring)
        other = sampler.redrawn(replace(point, slow={"x": [1, 2, 3], "y": 4}), ring, 1)
        same = lambda a, b: [x == y for x, y in zip(a, b)]
        assert same(point.problem.theta, other.problem.theta) == [True, False, True]
        assert same(point.problem.leaf, other.problem.leaf) == [True, False, True]
        assert same([1, 2, 3], other.slow["x"]) == [True, False, True]
        assert other.slow["y"] == 4
        assert [row[1:] for row in point.problem.rows] == [row[1:] for row in other.problem.rows]
        sample = drawn(claim, 3)
        changed = sampler.other_vertices(sample).problem
        assert changed.leaf == sample.point.problem.leaf
        assert changed.theta == sample.point.problem.theta
        assert not any(x == y for a, b in zip(changed.rows, sample.point.problem.rows) for x, y in zip(a[1:], b[1:]))


def test_vertices_that_matter() -> None:
    update = "m = m/2 + (grad(theta + gamma*m) - grad(theta))/gamma; theta = theta - gamma*grad(theta) + 0*m"
    claim = stated(update, "-grad", memory={"m": ["0"]})
    sampler = Sampler(replace(plan_of(claim), slack=1, degree=3), Random(2))
    sample = sampler.draw()
    sample.orbit.find()
    assert vertices_matter(sampler, sample)


def classes_of(update: str, claimed: str, ranges: str = "") -> int:
    claim = stated(update, claimed)
    claim = replace(claim, parameters=dict.fromkeys(claim.parameters, ranges))
    return split(claim, drawn(claim, 3), set(), positive_places(claim)).signs


@pytest.mark.parametrize(
    "update, claimed, signs",
    [
        (GD, "-grad", 0),
        ("theta = theta - gamma*sign(grad(theta))", "-sign(grad)", 0),
        ("theta = theta - gamma*(grad(theta) + abs(grad(theta)))", "-grad - abs(grad)", 3),
        ("theta = theta - gamma*(1 + abs(grad(theta)) + sign(theta)*grad(theta))", "-1 - abs(grad) - sign(theta)*grad", 6),
        ("theta = theta - gamma*(1 + abs(grad(theta)*theta) + abs(theta) + abs(grad(theta)))", "-1", 6),
        ("theta = theta - gamma*(1 + abs(grad(theta)/theta) + abs(theta) + abs(grad(theta)))", "-1", 6),
        ("theta = theta - gamma*(1 + abs(1/(grad(theta)*theta)) + abs(theta) + abs(grad(theta)))", "-1", 6),
        ("v = v/2 + grad(theta)**2/2; theta = theta - gamma*grad(theta)/sqrt(v)", "-grad/abs(grad)", 0),
        ("g = grad(theta); m = g*theta*theta; theta = theta - gamma*m*sign(m)*sqrt(m**2)*g", "-grad**3*theta**4", 0),
        ("theta = theta - gamma*(1 + abs(mu)*grad(theta))", "-1 - abs(mu)*grad", 1),
        ("theta = theta - gamma*(1 + abs(grad(theta)) + abs(mu*grad(theta)))", "-1", 4),
        ("theta = theta - gamma*(1 + abs(grad(theta)) + sqrt(grad(theta)**2))", "-1 - 2*abs(grad)", 3),
        ("theta = theta - gamma*(1 + abs(2)*grad(theta))", "-1 - 2*grad", 0),
    ],
)
def test_independent_signs(update: str, claimed: str, signs: int) -> None:
    assert classes_of(update, claimed) == signs


def test_relations_of_sizes() -> None:
    assert _Products(P, ((2, 4),)).scalar((3, 6)) is not None
    assert _Products(P, ((2, 4),)).scalar((3, 7)) is None
    half = pow(2, -1, P)
    inverse = (pow(3, -1, P), pow(5, -1, P))
    assert all(_Products(P, xs).has((6, 10)) for xs in (((2, 5), (3, 2)), ((12, 20), (2, 2)), ((half, half), inverse)))
    assert not _Products(P, ((2, 5), (3, 3))).has((6, 10))
    three = ((7, 11), (2, 5), (3, 2))
    assert _Products(P, three).has((42, 110))
    assert not _Products(P, three).has((42, 111))


def test_roots_of_no_square_have_no_sign() -> None:
    claim = stated("theta = theta - gamma*(1 + sqrt(grad(theta) + 1))", "-1 - sqrt(1 + grad)")
    sample = drawn(claim, 3)
    found = split(claim, sample, set(), frozenset())
    assert found.signs == 3
    assert found.squares == frozenset(places(claim)) == {k for k, n in places(claim).items() if root_of(n)}
    last = {(k, 2) for k in found.squares}
    assert split(claim, sample, last, frozenset()).signs == 0
    assert split(claim, sample, last, frozenset()).squares == frozenset()
    assert split(claim, sample, {(k, i) for k in found.squares for i in (0, 1)}, frozenset()).signs == 3
    assert split(claim, sample, set(), frozenset(found.squares)).signs == 0
    assert {len(v) for v in leads(sample).values()} == {3}
    assert {
        n.function for n in places(stated("theta = theta - gamma*sqrt(2)*abs(grad(theta))", "abs(grad) + sign(-1)")).values()
    } == {"abs"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "update, claimed, acts",
    [
        (GD, "-grad", True),
        (GD, "-grad**2", False),
        (GD, "-abs(grad)", False),
        (GD, "-grad**3*grad**(-2)", True),
        (GD, "-grad**(1/3)", True),
        (GD, "-grad*sqrt(grad)", False),
        (GD, "-(grad**2)**(1/2)*sign(grad)", True),
        (GD, "-grad**(1/2)", False),
        (GD, "-grad*sqrt(grad**2)", True),
        (GD, "-grad*dot(grad, grad)", True),
        (GD, "-grad*dot(grad, grad**2)", False),
        (GD, "-grad*norm(grad)", True),
        (GD, "hess(grad**2)", False),
        (GD, "hess(grad) + 0", True),
        (GD, "d3(grad, theta)", True),
        (GD, "hess(0*grad)", True),
        (GD, "-theta/grad*theta", True),
        ("theta = theta - gamma*(grad(theta) + 1)", "-grad", False),
        ("theta = theta - gamma*grad(theta**2)", "-grad", False),
        ("v = v/2 + grad(theta)**2; theta = theta - gamma*grad(theta)/v", "-1/(2*grad)", True),
        ("v = v/2 + grad(theta)**2; theta = theta - gamma*v", "-2*grad**2", False),
    ],
)
def test_reflections_act(update: str, claimed: str, acts: bool) -> None:
    assert (reflected(stated(update, claimed)) is not None) == acts


def test_signs_of_odd_quantities() -> None:
    claim = stated("theta = theta - gamma*grad(theta)*abs(theta**2)*abs(theta)", "-grad*abs(theta**2)*abs(grad*sign(grad**3))")
    reflection = reflected(claim)
    assert reflection is not None
    calls = [c for text in (claim.program[0].value, *claim.claims()) for c in _calls(text) if c.function in ("abs", "sign")]
    assert [id(c) in reflection[1] for c in calls] == [False, True, False, False, True]


def test_positive_by_form() -> None:
    claim = stated(
        "v = grad(theta)**2 + 1; w = v*v*abs(theta); u = w/v; x = u - v; "
        "theta = theta - gamma*(abs(v) + abs(w) + abs(u) + abs(x) + abs(theta))",
        "abs(grad**2 + 2) + sign(grad) + abs(norm(grad)) + abs(grad*grad) + abs(dot(grad, grad)) + abs(dot(grad, theta)) "
        "+ sign(grad**(1/2)) + abs(0*1)",
    )
    texts = [n for a in claim.program for n in _calls(a.value)]
    found = positive_places(claim)
    assert [id(n) in found for n in texts if n.function == "abs" and n.args != (Name("theta"),)] == [True, True, True, False]
    claims = [n for c in claim.claims() for n in _calls(c) if n.function in ("abs", "sign")]
    assert [id(n) in found for n in claims] == [True, False, True, True, True, False, True, False]


def _calls(node: Any) -> list[Call]:
    inner = [c for a in getattr(node, "args", ()) for c in _calls(a)]
    return [*([node] if isinstance(node, Call) else []), *inner]


# ------------------------------------------------------------------------------------------ deciding


def test_a_proof_says_what_it_found() -> None:
    assert str(Proof("proved", -120.4)).endswith("error probability below 2^-120")
    assert str(Proof("undecided", reason="why")) == "undecided: why"
    assert str(Proof("refuted", power=2, variable="x", witness="w")) == "refuted: x at gamma^2; w"
    assert Proof("proved", -120.4).proved
    assert not Proof("refuted").proved
    assert Proof("undecided", reason="why").to_json() == {
        "verdict": "undecided", "bound": None, "samples": 0, "dimension": 0, "sign_classes": 1, "reason": "why",
    }  # fmt: skip


def test_messages() -> None:
    assert str(Rejected("why")) == "why"
    found = prove(configure(inline_scheme(EMA.replace("beta", "(1/2)"))), {"theta": ["-m"], "m": ["0"]}, seed=1)
    assert found.reason.startswith("theta at gamma^1 is no polynomial in the number of steps")
    found = prove(configure(inline_scheme("theta = theta - gamma*abs(grad(theta))")), {"theta": ["-abs(grad)", "0"]}, seed=1)
    assert (found.verdict, found.power, found.variable) == ("refuted", 1, "theta")


def test_conditions_are_counted() -> None:
    """A root of a scalar is one, of a vector one for each component; equal bases count once."""
    for update, claimed, count in (
        ("theta = theta - gamma*grad(theta)/norm(grad(theta))", "-grad/sqrt(dot(grad, grad))", 1),
        ("theta = theta - gamma*sqrt(grad(theta) + 1)", "-sqrt(1 + grad)", 4),
        (GD, "-grad", 0),
        ("theta = theta - gamma*grad(theta)*sqrt(theta)*norm(theta)", "-grad*sqrt(theta)*norm(theta)", 5),
    ):
        claim = stated(update, claimed)
        trial = _Trial(plan_of(claim, 3), Random(1))
        pilot = trial.examine(trial.plan)[0]
        assert trial.conditions(replace(trial.plan, dimension=4), pilot) == count
        ranged = replace(claim, parameters={"mu": "0 < mu < 1"})
        assert _Trial(plan_of(ranged, 3), Random(1)).conditions(plan_of(ranged, 4), pilot) == count + 2


def test_what_a_sample_shows() -> None:
    claim = stated("theta = theta - gamma*grad(theta)/norm(grad(theta))", "-grad/sqrt(dot(grad, grad))")
    sample = drawn(claim, 3)
    assert len(products(sample)) == 2
    assert len({lead for _, lead in products(sample).values()}) == 1
    assert set(powers(sample).values()) == {0}
    names = alike(sample)
    assert {kind for kind, _ in names.values()} == {"scalar"}  # type: ignore[misc]
    assert len(set(names.values())) == 2  # the square of the norm, and the norm


def test_a_real_point_shows_a_wrong_memory() -> None:
    """m' = (m + |g|)/2 with m = g: where g is negative it becomes 0, to twelve digits; the gradient is printed to six."""
    claim = stated("m = m/2 + abs(grad(theta))/2; theta = theta - gamma*m", "-abs(grad)", memory={"m": ["grad"]})
    found = real_difference(plan_of(claim), powers(drawn(claim)), Random(1))
    assert found is not None
    assert found[:2] == ("m", 0)
    match = re.search(r"gradient \((.*)\): component (\d) becomes (\S+) after a step, claimed (\S+)$", found[2])
    assert match is not None
    gradient = match[1].split(", ")
    assert float(match[4]) == pytest.approx(float(gradient[int(match[2]) - 1]), rel=1e-5)
    assert float(match[4]) < 0 == float(match[3])
    assert {len(re.sub(r"[-.]", "", x).lstrip("0")) for x in (*gradient, match[4])} <= {6, 12}
    assert len(re.sub(r"[-.]", "", match[4]).lstrip("0")) == 12


def test_real_points() -> None:
    claim = stated("theta = theta - gamma*abs(grad(theta))", "-grad")
    sample = drawn(claim)
    found = real_difference(plan_of(claim), powers(sample), Random(1))
    assert found is not None
    assert found[:2] == ("theta", 0)
    true = stated("theta = theta - gamma*abs(grad(theta))", "-abs(grad)")
    assert real_difference(plan_of(true), powers(drawn(true)), Random(1)) is None


@pytest.mark.parametrize(
    "update, fields, memory, outcome",
    [
        (GD, ["-grad", "-1/2*hess(grad)"], None, ("proved", 3, 2, 1)),
        (EMA, ["-grad"], None, ("proved", 3, 2, 1)),
        ("m = m/2 + t*grad(theta)/2; theta = theta - gamma*m", ["-t*grad"], {"m": ["t*grad"]}, ("proved", 3, 2, 1)),
        ("n = n/2 + 1/2; theta = theta - gamma*n*grad(theta)", ["-grad"], {"n": ["1"]}, ("proved", 3, 2, 1)),
        (
            "g = grad(theta); h = (grad(theta + gamma*g) - 2*g + grad(theta - gamma*g))/gamma**2; "
            "theta = theta - gamma*(g + h*theta)",
            ["-grad - theta*d3(grad, grad)"],
            None,
            ("proved", 3, 3, 1),
        ),
        (
            "g = grad(theta); h = (grad(theta + gamma*g) - g)/gamma; theta = theta - gamma*h",
            ["-hess(grad)"],
            None,
            ("proved", 3, 2, 1),
        ),
        (EMA, ["-grad"], {"m": ["grad", "grad*0"]}, ("refuted", 1, 2, 1)),
        ("theta = theta - gamma*grad(theta)*dot(grad(theta), theta)", ["-grad*dot(theta, grad)"], None, ("proved", 3, 2, 1)),
        ("theta = theta - gamma*(1 + abs(mu)*grad(theta))", ["-1 - abs(mu)*grad"], None, ("proved", 102, 2, 2)),
    ],
)
def test_verdicts(update: str, fields: list[str], memory: Any, outcome: tuple[Any, ...]) -> None:
    found = prove(configure(inline_scheme(update)), {"theta": fields}, memory, seed=3)
    assert (found.verdict, found.samples, found.dimension, found.classes) == outcome
    if found.proved:
        assert found.bound is not None
        assert found.bound <= -101


def test_parameters_of_both_signs_are_tried() -> None:
    for mu, verdict in (("-mu", "refuted"), ("mu", "refuted"), ("abs(mu)", "proved")):
        scheme = configure(inline_scheme("theta = theta - gamma*abs(mu)*grad(theta)"))
        assert prove(scheme, {"theta": [f"-{mu}*grad"]}, seed=1).verdict == verdict


def test_units_of_a_regime() -> None:
    """v = gamma eta: eta' = -lam eta - grad at gamma^0, not eta' = -lam eta."""
    scheme = configure(load_scheme("momentum"), "inertial")
    for field, verdict in (("-lam*eta - grad", "proved"), ("-lam*eta", "refuted"), ("-lam*eta - 2*grad", "refuted")):
        assert prove(scheme, {"theta": ["eta"], "eta": [field]}, seed=1).verdict == verdict


def test_seeds_repeat() -> None:
    runs = [str(prove(configure(inline_scheme(GD)), {"theta": ["-2*grad"]}, seed=s)) for s in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
