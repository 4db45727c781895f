"""Statements about reals: true ones are proved, false ones refuted with numbers that are checked, and intervals of stability
agree with Sturm's sequences and with spectral radii."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from derive.algebra.coefficients import Ratio, Ring
from derive.errors import UsageError
from derive.readings.domain import stated
from derive.readings.pieces import Piece
from derive.readings.positive import prove_interval
from derive.readings.stability import Stability, at_numbers, stability
from derive.reals import (
    TRUE,
    All,
    Budget,
    Either,
    Formula,
    Not,
    Proved,
    Refuted,
    Root,
    Undecided,
    compare,
    decide,
    end_of,
    example,
    holds,
    implies,
    real_roots,
)
from derive.reals.numbers import roots_between
from derive.reals.reading import numeric
from derive.scheme import catalogue, inline_scheme, load_scheme
from verify.claims.judge import judge
from verify.claims.judgment import PROVED, REFUTED, UNDECIDED, Judgment
from verify.claims.reader import claim_of

RING = Ring(["x", "y"])
X, Y, ONE, ZERO = RING.symbol("x"), RING.symbol("y"), RING.one, RING.zero


def number(value: Fraction | int) -> Ratio:
    return RING.constant(value)


# ---------------------------------------------------------------------------------------------- algebraic numbers


@pytest.mark.parametrize("seed", range(30))
def test_real_roots_are_all_found_and_isolated(seed: int) -> None:
    """A product of known factors: its rational roots, and roots where floating point sees them."""
    r = random.Random(seed)
    coefficients = [r.randint(-9, 9) for _ in range(r.randint(2, 5))] + [r.randint(1, 9)]
    found = real_roots(coefficients)
    expected = sorted(z.real for z in np.roots(coefficients[::-1]) if abs(z.imag) < 1e-9)
    distinct = [x for k, x in enumerate(expected) if k == 0 or x - expected[k - 1] > 1e-4]
    assert [float(x) for x in found] == pytest.approx(distinct, abs=1e-4)
    for x in found:
        if isinstance(x, Root):
            assert x.sign(coefficients) == 0
            assert roots_between(x.polynomial, x.low, x.high) == 1
        else:
            assert sum(c * x**k for k, c in enumerate(coefficients)) == 0


def test_signs_at_a_root_are_exact_where_floating_point_sees_nothing() -> None:
    root = real_roots([-2, 0, 1])[1]
    assert isinstance(root, Root)
    near = root.within(Fraction(1, 10**40)).low  # equal in any floating point
    assert root.sign([-near, 1]) == 1
    assert root.sign([Fraction(-2), 0, 1]) == 0


# ---------------------------------------------------------------------------------------------- the decision


def square_sums(r: random.Random) -> Iterator[tuple[Formula, bool]]:
    """Quadratic forms with a known least value 0, and the same a little lower."""
    a, b, c, d = (number(Fraction(r.randint(-9, 9), r.randint(1, 9))) for _ in range(4))
    form = (X - a * Y - b) ** 2 + (Y - c) ** 2
    yield compare(form, ">=", ZERO), True
    yield compare(form, ">", ZERO), False
    yield compare(form + number(Fraction(1, 10**6)), ">", ZERO), True
    yield compare(form - number(Fraction(1, 10**6)), ">=", ZERO), False
    yield implies(compare(Y, "!=", c), compare(form, ">", ZERO)), True
    yield implies(compare(X, "!=", d), compare(form, ">", ZERO)), bool((c * a + b - d).num == 0)


@pytest.mark.parametrize("seed", range(40))
def test_forms_with_a_known_least_value(seed: int) -> None:
    for formula, true in square_sums(random.Random(seed)):
        verdict = decide(formula)
        assert isinstance(verdict, Proved if true else Refuted), formula
        if isinstance(verdict, Refuted):
            assert all(isinstance(v, Fraction) for v in verdict.values.values())
            assert holds(formula, {"x": Fraction(0), "y": Fraction(0), **verdict.values}) is False


def test_denominators_are_part_of_the_statement() -> None:
    """1/x > -1 does not hold at 0; x/x = 1 is no identity; signs of denominators count."""
    assert decide(compare(X / X, "==", ONE)) == Refuted({"x": Fraction(0)})
    assert decide(compare((X / X).reduced(), "==", ONE)) == Proved()
    assert decide(compare(X.inverse(), "==", X.inverse())) == Refuted({"x": Fraction(0)})
    assert decide(implies(compare(X, "!=", ZERO), compare(X * X.inverse(), "==", ONE))) == Proved()
    assert isinstance(decide(compare(X.inverse(), ">", ZERO), compare(X, ">", number(-1))), Refuted)
    assert decide(compare(X.inverse(), "<", ZERO), compare(X, "<", ZERO)) == Proved()
    assert decide(compare((X**2).inverse(), ">", ZERO), compare(X, "<", ZERO)) == Proved()


def test_rational_counterexamples_are_preferred_and_irrational_ones_exact() -> None:
    open_set = decide(implies(compare(X, ">", ZERO), compare(X * X, "<=", number(2))))
    assert isinstance(open_set, Refuted)
    assert isinstance(open_set.values["x"], Fraction)
    single = decide(implies(compare(X, ">", ZERO), compare(X * X, "!=", number(2))))
    assert isinstance(single, Refuted)
    assert isinstance(single.values["x"], Root)
    assert holds(compare(X * X, "==", number(2)), single.values) is True


def test_two_irrational_numbers_are_compared_or_left() -> None:
    low, high = real_roots([-2, 0, 1])[1], real_roots([-3, 0, 1])[1]
    assert holds(compare(X, "<", Y), {"x": low, "y": high}) is True
    assert holds(compare(X * X + ONE, "==", Y * Y), {"x": low, "y": high}) is None
    assert holds(Either((compare(X * X + ONE, "==", Y * Y), TRUE)), {"x": low, "y": high}) is True


HARD = All((
    compare(X**3 * Y - Y**3 + X, "==", ONE), compare(X**2 + Y**2, "<", number(3)), compare(X * Y, ">", number(Fraction(1, 7))),
))  # fmt: skip


def test_a_bound_on_resources_leaves_undecided_and_never_decides() -> None:
    assert isinstance(example(HARD), Mapping)
    assert isinstance(example(HARD, Budget(steps=10)), Undecided)
    assert isinstance(decide(Not(HARD), budget=Budget(steps=10)), Undecided)
    s = stability(inline_scheme("v = beta*v - gamma*grad(theta + beta*v); theta = theta + v"), budget=Budget(steps=10))
    assert s.interval is None
    assert not s.never
    assert s.proof == "undecided: the bound on steps was reached"
    assert all(p.interval is None and not p.proved for p in s.pieces)


def test_the_bound_on_steps_does_not_depend_on_the_machine() -> None:
    found = [type(example(HARD, Budget(steps=n))) for n in (10, 100, 1000, 10**4, 10**5)]
    assert found == [type(example(HARD, Budget(steps=n))) for n in (10, 100, 1000, 10**4, 10**5)]


# ---------------------------------------------------------------------------------------------- intervals, true and false

UPDATES = {
    "momentum": ("v = beta*v - gamma*grad(theta); theta = theta + v", "2*(1 + beta)", ("-1", "1")),
    "nesterov": ("v = beta*v - gamma*grad(theta + beta*v); theta = theta + v", "2*(1 + beta)/(1 + 2*beta)", ("-1/3", "1")),
    "ahead": ("v = beta*v - gamma*grad(theta - v/200); theta = theta + v", "200*(1 + beta)/99", ("-1", "49/50")),
    "behind": ("v = beta*v - gamma*grad(theta - v/200); theta = theta + v", "200*(1 - beta)", ("49/50", "1")),
    "ascent": ("theta = theta - gamma*grad(theta + beta*gamma*grad(theta))", "(sqrt(1 + 8*beta) - 1)/(2*beta)", ("0", "oo")),
    "descent": ("theta = theta - gamma*grad(theta + beta*gamma*grad(theta))", "-1/beta", ("-oo", "-1/8")),
    "average": ("m = beta*m + (1 - beta)*grad(theta); theta = theta - gamma*m", "2*(1 + beta)/(1 - beta)", ("-1", "1")),
}  # fmt: skip


def claim_on(name: str, low: str, high: str, bounds: tuple[str, str]) -> tuple[Stability, Formula, tuple[str, str]]:
    ranges = stated({"beta": bounds})
    return read(UPDATES[name][0]), All(tuple(r.formula for r in ranges)), (low, high)


@cache
def read(update: str) -> Stability:
    return stability(inline_scheme(update))


def judged(name: str, low: str, high: str, bounds: tuple[str, str]) -> type:
    s, given, ends = claim_on(name, low, high, bounds)
    verdict = prove_interval(s.strict, given, tuple(end_of(e, ("beta", s.q)) for e in ends))  # type: ignore[arg-type]
    if isinstance(verdict, Refuted):
        values = {"beta": Fraction(1, 3)} | dict(verdict.values)
        assert holds(given, values) is True
        contradicted(s, values, ends)
    return type(verdict)


def contradicted(s: Stability, values: Mapping[str, object], ends: tuple[str, str]) -> None:
    """In exact rational arithmetic the point is stable and outside, or unstable and inside, or the ends are no interval."""
    beta, q = values["beta"], values.get(s.q)
    if not isinstance(beta, Fraction) or not (q is None or isinstance(q, Fraction)):
        return
    low, high = (Fraction(10**9) if e == "oo" else numeric(end_of(e, ("beta", s.q)), {"beta": beta}) for e in ends)
    if low is None or high is None or low >= high or high <= 0:
        return
    assert q is not None
    stable = all(c.at({"beta": beta, s.q: q}, Fraction) > 0 for c in s.conditions)
    margin = Fraction(1, 10**35)  # of the decimals of the ends
    assert (low - margin <= q <= high + margin) if not stable else (q >= high - margin or q <= low + margin)


def subranges(r: random.Random, bounds: tuple[str, str]) -> tuple[str, str]:
    low, high = (Fraction(b) if "oo" not in b else Fraction({"oo": 9, "-oo": -9}[b]) for b in bounds)
    a, b = sorted(low + (high - low) * Fraction(r.randint(0, 40), 40) for _ in range(2))
    return (str(a), str(b)) if a < b else bounds


def true_claims(r: random.Random) -> Iterator[tuple[str, str, str, tuple[str, str]]]:
    for name, (_, upper, bounds) in UPDATES.items():
        k = Fraction(r.randint(1, 99), r.randint(1, 99))
        other = f"{k}*({upper})*{1 / k}" if r.random() < 0.5 else f"({upper} + {k}) - {k}"
        yield name, "0", other, subranges(r, bounds)


def false_claims(r: random.Random) -> Iterator[tuple[str, str, str, tuple[str, str]]]:
    """Ends off by a millionth part, swapped, another scheme's, and true ones on too large a range."""
    others = [u for _, u, _ in UPDATES.values()]
    for name, (_, upper, bounds) in UPDATES.items():
        small = Fraction(r.choice((-1, 1)) * r.randint(1, 9), 10 ** r.randint(2, 6))
        part = subranges(r, bounds)
        yield name, "0", f"({upper})*{1 + small}", part
        yield name, str(small), upper, part
        yield name, upper, "0", part
        yield name, "0", "oo", part
        yield name, "0", r.choice([u for u in others if u != upper]), bounds
        beyond = Fraction(1, r.randint(2, 10**6))
        low, high = bounds
        wider = (low if low == "-oo" else str(Fraction(low) - beyond), high if high == "oo" else str(Fraction(high) + beyond))
        yield name, "0", upper, wider


@pytest.mark.parametrize("seed", range(1))
def test_true_intervals_are_never_refused_and_false_ones_never_accepted(seed: int) -> None:
    r = random.Random(seed)
    for name, low, high, bounds in true_claims(r):
        assert judged(name, low, high, bounds) is Proved, (name, low, high, bounds)
    for name, low, high, bounds in false_claims(r):
        assert judged(name, low, high, bounds) is Refuted, (name, low, high, bounds)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 200))
def test_thousands_of_true_and_false_intervals(seed: int) -> None:
    test_true_intervals_are_never_refused_and_false_ones_never_accepted(seed)


# ---------------------------------------------------------------------------------------------- a second route


def piece_at(s: Stability, values: Mapping[str, Fraction]) -> Piece:
    """The printed piece whose range holds at the numbers; there is exactly one."""
    ring = Ring(sorted(values))
    here = All(tuple(compare(ring.symbol(n), "==", ring.constant(v)) for n, v in values.items()))
    (found,) = [p for p in s.pieces if example(All((p.formula, here))) is not None]
    return found


def stable_by_sturm(s: Stability, values: Mapping[str, Fraction], q: Fraction) -> bool:
    """P((1+w)/(1-w)) (1-w)^d has all roots left of the imaginary axis: Routh's array in exact numbers, no Jury condition."""
    p = [c.at({**values, s.q: q}, Fraction) for c in s.polynomial]
    d = len(p) - 1
    w = [Fraction(0)] * (d + 1)
    for k, c in enumerate(p):
        row = [Fraction(1)]
        for sign in [1] * k + [-1] * (d - k):
            row = [a + sign * b for a, b in zip([*row, Fraction(0)], [Fraction(0), *row], strict=True)]
        w = [a + c * b for a, b in zip(w, row, strict=True)]
    if w[-1] == 0:
        return False
    first, second = w[::-1][::2], w[::-1][1::2]
    signs = [first[0]]
    while second:
        if second[0] * signs[0] <= 0:
            return False
        width = max(len(first), len(second)) + 1
        a, b = (x + [Fraction(0)] * (width - len(x)) for x in (first, second))
        rest = [(b[0] * a[k + 1] - a[0] * b[k + 1]) / b[0] for k in range(width - 1)]
        while rest and rest[-1] == 0:
            rest.pop()
        first, second = second, rest
        signs.append(first[0])
    return len(signs) == d + 1


def points(s: Stability, r: random.Random, count: int) -> Iterator[tuple[dict[str, Fraction], Fraction]]:
    """Parameters inside the stated ranges, and q > 0."""
    given = All(tuple(x.formula for x in s.ranges))
    while count:
        values = {n: Fraction(r.randint(-120, 120), 40) for n in s.parameters}
        if holds(given, values) is True:
            yield values, Fraction(r.randint(1, 400), r.choice((40, 100, 400)))
            count -= 1


TYPED = [u for u, _, _ in UPDATES.values()] + [
    "v = (beta+mu)*v - gamma*grad(theta); theta = theta + v",
    "v = beta*v - gamma*grad(theta + mu*v); theta = theta + v",
    "theta = theta - gamma*grad(theta - gamma*mu*grad(theta))",
]


def agrees(s: Stability, values: Mapping[str, Fraction], q: Fraction) -> None:
    piece = piece_at(s, values)
    assert piece.proved
    stable = stable_by_sturm(s, values, q)
    numbers = {n: float(v) for n, v in values.items()}
    radius = s.spectral_radius(q, numbers)
    assert abs(radius - 1) < 1e-6 or stable == (radius < 1)
    if piece.interval is None:
        assert not stable
        return
    low, high = (numeric(end_of(e, (*values, s.q)), values) for e in piece.interval)
    below = (low is None or q > low) and (high is None or q < high)
    if stable and not below:
        assert piece.further
        assert high is not None
        assert q > high
    else:
        assert stable == below


def linear() -> list[tuple[str, str | None]]:
    names = ["gd", "weight-decay", "momentum", "nesterov", "nesterov-half", "nesterov-implicit", "qhm", "sgd-dampening", "sgdw",
             "aggmo", "rk4", "bdf2", "adams-bashforth-2", "ogda", "implicit-midpoint", "triple-momentum", "sam"]  # fmt: skip
    assert set(names) <= set(catalogue())
    return [(n, r) for n in names for r in (load_scheme(n).regimes or (None,))]


@pytest.mark.parametrize(("name", "regime"), linear())
def test_printed_pieces_agree_with_routh_and_the_spectral_radius(name: str, regime: str | None) -> None:
    s = stability(name, regime=regime)
    for values, q in points(s, random.Random(name), 6):
        agrees(s, values, q)


@pytest.mark.parametrize("update", TYPED[:4])
def test_printed_pieces_of_typed_updates_agree(update: str) -> None:
    s = read(update)
    for values, q in points(s, random.Random(update), 15):
        agrees(s, values, q)


@pytest.mark.slow
@pytest.mark.parametrize("update", TYPED)
def test_printed_pieces_of_typed_updates_agree_at_hundreds_of_points(update: str) -> None:
    s = stability(inline_scheme(update))
    for values, q in points(s, random.Random(update + "more"), 500):
        agrees(s, values, q)


@pytest.mark.parametrize("seed", range(5))
def test_routh_itself_is_the_unit_disc(seed: int) -> None:
    """The second route against roots in floating point, on polynomials of no scheme."""
    r = random.Random(seed)
    model = stability("gd")
    ring = Ring([model.q])
    for _ in range(40):
        row = [ring.constant(Fraction(r.randint(-20, 20), 16)) for _ in range(r.randint(1, 4))] + [ring.one]
        s = replace(model, polynomial=tuple(row))
        radius = max(abs(np.roots([at_numbers(c, {}) for c in reversed(row)])), default=0.0)
        if abs(radius - 1) > 1e-6:
            assert stable_by_sturm(s, {}, Fraction(1)) == (radius < 1)


# ---------------------------------------------------------------------------------------------- what was printed falsely


def test_two_parameters_in_one_factor() -> None:
    """The factor of v is beta + mu: stable for beta = 1/2, mu = 1/4 and 0 < q < 7/2."""
    s = stability(inline_scheme(TYPED[-3]))
    at = {"beta": Fraction(1, 2), "mu": Fraction(1, 4)}
    piece = piece_at(s, at)
    assert piece.interval is not None
    assert [numeric(end_of(e), at) for e in piece.interval] == [0, Fraction(7, 2)]
    assert not s.never
    assert s.interval is None


def test_the_end_changes_at_an_interior_parameter() -> None:
    s = read(UPDATES["ahead"][0])
    at = {"beta": Fraction(99, 100)}
    piece = piece_at(s, at)
    assert piece.interval is not None
    assert numeric(end_of(piece.interval[1]), at) == 2
    assert {p.range for p in s.pieces} & {"49/50 <= beta < 1", "49/50 < beta < 1"}


def claim(**keys: object) -> Judgment:
    return judge(claim_of({"id": "a", "statement": "s", "source": "here", "kind": "stability", **keys}, "test"))


def test_claims_once_called_proved() -> None:
    wide = {"scheme": "momentum", "wider_than": {"scheme": "gd"}}
    assert claim(**wide, **{"for": {"beta": ["0", "5"]}}).verdict == REFUTED
    assert claim(**wide, **{"for": {"beta": ["0", "1"]}}).verdict == PROVED
    update, upper, _ = UPDATES["ahead"]
    for end, verdict in (("1", REFUTED), ("49/50", PROVED)):
        assert claim(update=update, interval=["0", upper], **{"for": {"beta": ["0", end]}}).verdict == verdict


def test_never_stable_is_said_only_where_it_is_proved() -> None:
    assert stability("leapfrog-two-step").never
    s = stability(inline_scheme(UPDATES["momentum"][0]))
    assert not s.never
    assert {(p.range, p.interval is None) for p in s.pieces} == {("-1 < beta < 1", False), ("beta <= -1 or beta >= 1", True)}


def test_nothing_is_proved_of_no_parameters() -> None:
    found = claim(scheme="momentum", interval=["0", "1"], **{"for": {"beta": ["1", "0"]}})
    assert found.verdict == UNDECIDED
    assert "no parameters satisfy" in found.evidence[0]
    with pytest.raises(UsageError, match="'q' is no parameter"):
        claim(scheme="momentum", interval=["0", "q"])
    with pytest.raises(UsageError, match="end after it starts"):
        schedule(pieces=[{"start": "2", "end": "1", "value": "1"}, {"start": "1", "value": "1"}], range=["0", "5"])


def test_a_root_that_is_not_real_everywhere_bounds_nothing() -> None:
    """sqrt(1 - 8 mu) is no number for mu > 1/8: from its square everything would follow there."""
    s = read(TYPED[-1])
    ends = [end_of(e, ("mu", s.q)) for e in ("0", "-(sqrt(1 - 8*mu) - 1)/(2*mu)")]
    for bounds, kind in ((("0", "1/8"), Proved), (("0", "1"), Refuted), (("1/4", "1"), Refuted)):
        given = All(tuple(r.formula for r in stated({"mu": bounds})))
        assert isinstance(prove_interval(s.strict, given, (ends[0], ends[1])), kind)


def test_where_the_scheme_is_not_defined_nothing_is_said() -> None:
    s = stability(inline_scheme("theta = theta - gamma/(1 - beta)*grad(theta)"))
    assert {(p.range, p.interval) for p in s.pieces} == {("beta < 1", ("0", "2*(1 - beta)")), ("beta > 1", None)}


# ---------------------------------------------------------------------------------------------- schedules


def schedule(**keys: object) -> Judgment:
    table = {"id": "a", "statement": "s", "source": "here", "kind": "schedule", "continuous": True, "bounds": {}, **keys}
    return judge(claim_of(table, "test"))


DECAY = [{"start": "0", "end": "t1", "value": "1 + (rmin - 1)/t1*t"}, {"start": "t1", "value": "rmin"}]


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        ({"range": ["rmin", "1"], "bounds": {"rmin": ["0", "1"]}}, PROVED),
        ({"range": ["rmin", "1"], "bounds": {"rmin": ["0", "100001/100000"]}}, REFUTED),  # wrong on a thousandth of the range
        ({"range": ["rmin", "1"]}, REFUTED),  # rmin is only positive
        ({"range": ["rmin", "1"], "bounds": {"rmin": ["0", "1"]}, "continuous": False}, REFUTED),
        ({"range": ["0", "1"], "bounds": {"rmin": ["0", "1"]}}, REFUTED),  # 0 is not attained
    ],
)
def test_ranges_of_schedules_hold_for_all_parameters(keys: dict[str, object], verdict: str) -> None:
    found = schedule(pieces=DECAY, **keys)
    assert found.verdict == verdict, found
    assert verdict == PROVED or keys.get("continuous") is False or "rmin = " in found.correct


def test_a_schedule_that_differs_from_the_catalogue_by_little_is_not_called_the_same() -> None:
    bounds = {"rmin": ["0", "1"]}
    same = schedule(pieces=DECAY, range=["rmin", "1"], bounds=bounds, catalogue="decay")
    assert same.verdict == PROVED
    late = [{"start": "0", "end": "t1 + 1/1000000", "value": "1 + (rmin - 1)/(t1 + 1/1000000)*t"},
            {"start": "t1 + 1/1000000", "value": "rmin"}]  # fmt: skip
    assert schedule(pieces=late, range=["rmin", "1"], bounds=bounds).verdict == PROVED
    assert schedule(pieces=late, range=["rmin", "1"], bounds=bounds, catalogue="decay").verdict == REFUTED


# ---------------------------------------------------------------------------------------------- each obligation alone


@pytest.mark.parametrize(
    ("update", "low", "high"),
    [
        ("theta = theta_prev - 2*gamma*grad(theta)", "2", "1"),  # never stable: nothing lies between, and no end is stable
        ("theta = theta - gamma*grad(theta_next)", "-oo", "-2"),  # stable there, but no q > 0 is meant
        ("theta = theta - gamma*grad(theta - gamma/10*grad(theta))", "5 + sqrt(5)", "10"),  # stable, and not the first
    ],
)
def test_an_interval_is_not_empty_is_positive_and_is_the_first(update: str, low: str, high: str) -> None:
    s = stability(inline_scheme(update))
    assert isinstance(prove_interval(s.strict, TRUE, (end_of(low, (s.q,)), end_of(high, (s.q,)))), Refuted)


def test_numbers_are_not_taken_on_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    search = sys.modules["derive.reals.decide"]._Search  # the package has a function of that name
    monkeypatch.setattr(search, "rational", lambda self: {"x": Fraction(5)})
    assert isinstance(example(compare(X, "<", ZERO)), Undecided)
