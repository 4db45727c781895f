"""Stability on bilinear and quadratic games: published intervals, the maps by hand, wrong ends refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from random import Random

import pytest
import sympy as sp
from click.testing import CliRunner

from derive.commands.main import main
from derive.errors import ReductionError, UsageError
from derive.readings.positive import prove_interval
from derive.readings.stability import proved_outside, stability
from derive.reals import All, Proved, end_of
from derive.scheme import configure, load_scheme, scheme_from_toml
from derive.scheme.game_map import game_map, game_of

Number = Fraction
State = list[Number]
ONE = {"mu": "1"}

# ------------------------------------------------------------------------------------------ published intervals
# Zhang & Yu, ICLR 2020 (1908.05699), Theorems 3.1 to 3.4, on f = x'Ay; alpha s there is q here

PUBLISHED = [
    ("game-extragradient", {}, ("0", "1")),  # Korpelevich 1976: steps below 1/L
    ("game-optimistic", {}, ("0", "sqrt(3)/3")),  # 3 (alpha s)^2 < 1
    ("game-extragradient-past", {}, ("0", "sqrt(3)/3")),  # the same iterates
    ("game-negative-momentum", {"beta": "-1/2"}, ("0", "1")),  # alternating: alpha s < 2 (1 + beta), beta < 0
]  # fmt: skip


@pytest.mark.parametrize("name, settings, interval", PUBLISHED)
def test_published_intervals(name: str, settings: dict[str, str], interval: tuple[str, str]) -> None:
    s = stability(name, settings=settings)
    assert (s.interval, s.proof, s.weak_pieces) == (interval, "proved", ())


def test_simultaneous_steps_diverge_and_alternating_ones_stay_bounded() -> None:
    """Gidel et al. 2019 (1807.04740), Theorem 5 and Section 4: |z|^2 = 1 + (gamma s)^2; bounded for gamma s < 2."""
    together, turns = (stability(f"game-{n}", settings=ONE) for n in ("simultaneous", "alternating"))
    assert [str(c) for c in together.polynomial] == ["(1 + q**2)", "-2", "1"]
    assert together.never
    assert together.diverges
    assert turns.never
    assert not turns.diverges
    assert turns.weak_interval == ("0", "2")
    unequal = stability("game-alternating")
    assert unequal.weak_interval == ("0", "2*sqrt(mu)/mu")


def test_momentum_must_be_negative() -> None:
    """Gidel et al. 2019, Theorem 6: alternating steps converge with negative momentum; with momentum beta >= 0 never."""
    pieces = stability("game-negative-momentum").pieces
    assert [(p.range, p.interval, p.proof) for p in pieces] == [
        ("-1 < beta < 0", ("0", "2*(1 + beta)"), "proved"), ("0 <= beta < 1", None, "proved"),
    ]  # fmt: skip


def test_consensus_needs_a_weight() -> None:
    """On the bilinear game consensus is x - gamma (s y + lam s^2 x): contracting for gamma (1 + lam^2 s^2) < 2 lam."""
    first, second = stability("game-consensus").pieces
    assert first.interval == ("0", "sqrt(gamma*(2*lam - gamma))/lam")
    assert (second.interval, second.range) == (None, "lam > 0 and gamma > 0 and 2*lam - gamma <= 0")


def test_quadratic_games() -> None:
    """Simultaneous steps with curvatures a, b in units of s: |z|^2 = (1 - q a)(1 - q b) + q^2 < 1 for q < (a + b)/(1 + a b),
    where the roots are not real; alternating ones in every case by one formula, and where its denominator vanishes."""
    found = {p.interval for p in stability("game-simultaneous", settings=ONE, game="quadratic").pieces}
    assert ("0", "(a + b)/(1 + a*b)") in found
    s = stability("game-alternating", settings=ONE, game="quadratic")
    assert {p.interval for p in s.pieces} == {
        ("0", "(sqrt(4 + a**2 - 2*a*b + b**2) - (a + b))/(1 - a*b)"), ("0", "2/(a + b)")
    }  # fmt: skip
    assert all(p.proved for p in s.pieces)


@pytest.mark.parametrize("name, settings, interval", PUBLISHED)
def test_other_ends_are_refused(name: str, settings: dict[str, str], interval: tuple[str, str]) -> None:
    """A thousandth more or less is not the interval."""
    s = stability(name, settings=settings)

    def proves(upper: str) -> bool:
        ends = end_of("0", (s.q,)), end_of(upper, (s.q,))
        return isinstance(prove_interval(s.strict, All(tuple(r.formula for r in s.ranges)), ends), Proved)

    assert proves(interval[1])
    assert not proves(f"{interval[1]} + 1/1000")
    assert not proves(f"{interval[1]} - 1/1000")


def test_divergence_is_no_guess() -> None:
    """That a root lies outside is proved where it does for every q, and not where it does for some."""
    for name, expected in (("game-simultaneous", True), ("game-alternating", False), ("game-extragradient", False)):
        s = stability(name, settings=ONE if "mu" in stability(name).range else {})
        assert proved_outside(s.polynomial, s.strict, s.ranges) is expected


# ------------------------------------------------------------------------------------------ the maps by hand

Q, A, B, BETA, LAM = Fraction(3, 7), Fraction(2, 5), Fraction(5, 3), Fraction(-1, 4), Fraction(1, 3)


def fx(x: Number, y: Number) -> Number:
    """s grad of f/s with gamma = s^-1 q: gamma grad_x f."""
    return Q * (A * x + y)


def gy(x: Number, y: Number) -> Number:
    """gamma grad_y g, g = -f."""
    return Q * (B * y - x)


def simultaneous(z: State) -> State:
    x, y = z
    return [x - fx(x, y), y - gy(x, y)]


def alternating(z: State) -> State:
    x, y = z
    x -= fx(x, y)
    return [x, y - gy(x, y)]


def extragradient(z: State) -> State:
    x, y = z
    u, v = simultaneous(z)
    return [x - fx(u, v), y - gy(u, v)]


def optimistic(z: State) -> State:
    x, y, p, q = z
    u, v = fx(x, y), gy(x, y)
    return [x - 2 * u + p, y - 2 * v + q, u, v]


def negative_momentum(z: State) -> State:
    x, y, u, v = z
    u = BETA * u - fx(x, y)
    x += u
    v = BETA * v - gy(x, y)
    return [x, y + v, u, v]


BY_HAND: dict[str, tuple[Callable[[State], State], int, dict[str, str]]] = {
    "game-simultaneous": (simultaneous, 2, ONE), "game-alternating": (alternating, 2, ONE),
    "game-extragradient": (extragradient, 2, {}), "game-optimistic": (optimistic, 4, {}),
    "game-negative-momentum": (negative_momentum, 4, {"beta": str(BETA)}),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("kind", ["bilinear", "quadratic"])
def test_characteristic_polynomial_by_hand(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step, size, settings = BY_HAND[name]
    if kind == "bilinear":
        monkeypatch.setitem(globals(), "A", Fraction(0))
        monkeypatch.setitem(globals(), "B", Fraction(0))
    columns = [step([Fraction(int(i == j)) for i in range(size)]) for j in range(size)]
    matrix = sp.Matrix(size, size, lambda i, j: sp.Rational(columns[j][i].numerator, columns[j][i].denominator))
    z = sp.Symbol("z")
    expected = sp.Poly(matrix.charpoly(z).as_expr(), z)
    c = configure(load_scheme(name), settings=settings)
    played = game_of(c, kind)
    here = {n: _rational(x) for n, x in zip((played.coupling, *played.curvatures), (Q, A, B), strict=False)} | {"gamma": 1}
    values = [sp.sympify(str(x), locals={n: sp.Symbol(n) for n in here}).subs(here) for x in game_map(c, played).polynomial()]
    found = sum(x * z**k for k, x in enumerate(values))
    shift = size - (len(values) - 1)
    assert sp.expand(found * z**shift - expected.as_expr()) == 0
    assert sp.expand(found * z**shift + z / 1000 - expected.as_expr()) != 0


def _rational(x: Fraction) -> sp.Rational:
    return sp.Rational(x.numerator, x.denominator)


@pytest.mark.parametrize("name", ["game-simultaneous", "game-alternating"])
def test_quadratic_intervals_agree_with_eigenvalues(name: str) -> None:
    """Inside the interval every root is inside the unit disc, a hundredth beyond it none of the games is stable."""
    s = stability(name, settings=ONE, game="quadratic")
    random = Random(3)
    for _ in range(20):
        a, b = (Fraction(random.randint(1, 30), random.randint(1, 9)) for _ in "ab")
        here = {sp.Symbol("a"): _rational(a), sp.Symbol("b"): _rational(b)}
        ends = [float(sp.sympify(p.interval[1]).subs(here)) for p in s.pieces if p.interval and _evaluated(p.range, here)]
        assert len(ends) == 1, (a, b)
        values = {"a": a, "b": b}
        assert s.spectral_radius(ends[0] * 0.99, values) < 1 < s.spectral_radius(ends[0] * 1.01, values)


def _evaluated(text: str, here: dict[sp.Symbol, sp.Rational]) -> bool:
    """A range: comparisons joined by and, or, parentheses."""
    conjuncts = _split(text, " and ")
    if len(conjuncts) > 1:
        return all(_evaluated(c, here) for c in conjuncts)
    if text.startswith("(") and " or " in text:
        return any(_evaluated(c, here) for c in _split(text[1:-1], " or "))
    for op, test in (("<=", sp.Le), (">=", sp.Ge), ("!=", sp.Ne), ("<", sp.Lt), (">", sp.Gt), ("=", sp.Eq)):
        left, found, right = text.partition(f" {op} ")
        if found:
            return bool(test(sp.sympify(left).subs(here), sp.sympify(right).subs(here)))
    raise AssertionError(text)


def _split(text: str, word: str) -> list[str]:
    """At the words that stand in no parentheses."""
    parts, depth, start = [], 0, 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if not depth and text.startswith(word, k):
            parts.append(text[start:k])
            start = k + len(word)
    return [*parts, text[start:]]


# ------------------------------------------------------------------------------------------ words, refusals


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["stability", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_words() -> None:
    text = run("game-simultaneous", "--set", "mu=1", "--ascii")
    assert "stability on f = s x y, g = -f, q = gamma s" in text
    assert "never stable: some root lies outside the unit circle for every positive q" in text
    assert "bounded, not decaying) for  0 < gamma s < 2\n" in run("game-alternating", "--set", "mu=1", "--ascii")
    assert "f = s (a x^2/2 + x y - b y^2/2), g = -f" in run("game-alternating", "--game", "quadratic", "--ascii")
    data = json.loads(run("game-extragradient", "--format", "json"))
    assert data["losses"] == {"f": "s*x*y", "g": "-f"}
    assert (data["game"], data["diverges"], data["interval"]) == ("bilinear", False, ["0", "1"])


TWO = '[unknowns]\nx = ""\ny = ""\n[functions]\nf = "loss(x, y)"\n'


def test_one_loss_says_by_its_signs_who_descends() -> None:
    text = 'update = """x = x - gamma*grad(f, x)\ny = y + gamma*grad(f, y)"""\n' + TWO
    s = stability(scheme_from_toml(text, "one"))
    assert s.polynomial == stability("game-alternating", settings=ONE).polynomial
    assert s.game is not None
    assert s.game.texts == {"f": "s*x*y"}


@pytest.mark.parametrize("update, message", [
    ("x = x - gamma*grad(f, x)/norm(grad(f, x))", "on a quadratic game the update is not a linear map of the state"),
    ("x = x - gamma*t*grad(f, x)", "the update depends on the time t"),
])  # fmt: skip
def test_refusals(update: str, message: str) -> None:
    with pytest.raises(ReductionError, match=message):
        stability(scheme_from_toml(f'update = """{update}\ny = y"""\n{TWO}', "refused"))


def test_other_numbers_of_players_are_refused() -> None:
    with pytest.raises(ReductionError, match="stability is read on zero-sum games of two players"):
        stability("two-batches")
    with pytest.raises(UsageError, match="a game is bilinear or quadratic, not 'cubic'"):
        stability("game-simultaneous", game="cubic")
