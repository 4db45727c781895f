"""Stability on quadratics: published intervals, the spectral radius on both sides of each end, runs, refusals, figures."""

from __future__ import annotations

import pickle
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from derive.algebra.coefficients import Ring
from derive.algebra.factored import unwrapped
from derive.errors import ReductionError, UsageError
from derive.language import Number, constant, parse_expression, substitute
from derive.readings.stability import Stability, at_numbers, jury_conditions, stability
from derive.scheme import catalogue, configure, inline_scheme, load_scheme
from derive.writing.notation import ASCII
from derive.writing.region import plot_region
from derive.writing.series import notation
from derive.writing.stability import stability_lines

unit = st.fractions(min_value=Fraction(1, 40), max_value=Fraction(9, 10), max_denominator=40)


def value(expression: str, **numbers: object) -> float:
    names = {n: sympy.Symbol(n) for n in numbers}
    return float(sympy.sympify(expression, locals=names).subs({names[n]: sympy.Rational(str(v)) for n, v in numbers.items()}))


# ---------------------------------------------------------------------------------------------- intervals

INTERVALS = [
    ("gd", "0", "2"),
    # Polyak 1964
    ("momentum", "0", "2*(1+beta)"),
    # Nesterov's method on quadratics, as the issue of its larger steps is discussed since Lessard, Recht & Packard 2016
    ("nesterov", "0", "(2+2*beta)/(1+2*beta)"),
    ("nesterov-keras", "0", "(2+2*beta)/(1+2*beta)"),
    # with the factor 1-beta in front of the gradient: heavy ball at gamma (1-beta)
    ("ema-momentum", "0", "2*(1+beta)/(1-beta)"),
    # one-step methods: the real interval of their stability function (Hairer & Wanner, Solving ODEs II, IV.2)
    ("heun", "0", "2"), ("midpoint", "0", "2"), ("rk4", "0", "2.785293563405282"), ("extragradient", "0", "1"),
    ("implicit-euler", "0", "oo"), ("implicit-midpoint", "0", "oo"), ("bdf2", "0", "oo"),
    # multistep: Adams-Bashforth 2 is stable on (-1, 0) (Hairer & Wanner, V.1)
    ("adams-bashforth-2", "0", "1"),
    ("ogda", "0", "2/3"),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "lower", "upper"), INTERVALS)
def test_intervals(scheme: str, lower: str, upper: str) -> None:
    s = stability(scheme)
    assert s.interval is not None
    for found, expected in zip(s.interval, (lower, upper), strict=True):
        if expected == "oo":
            assert found == "oo"
        else:
            numbers = {"beta": Fraction(3, 10)}
            assert value(found, **numbers) == pytest.approx(value(expected, **numbers), rel=1e-12)
            symbolic = [sympy.sympify(x, locals={"beta": sympy.Symbol("beta")}) for x in (found, expected)]
            assert "." in expected or sympy.simplify(symbolic[0] - symbolic[1]) == 0


LINEAR = [n for n in catalogue(noise=False, branches=False) if n not in ("sam", "sam-normalised")]


def _reading(scheme: str) -> Stability | None:
    try:
        return stability(scheme)
    except ReductionError:
        return None


@pytest.mark.parametrize("scheme", LINEAR)
def test_spectral_radius_on_both_sides_of_each_end(scheme: str) -> None:
    s = _reading(scheme)
    if s is None:
        return
    assert s.proof == "proved"
    numbers = {p: (Fraction(1, 100) if p == "gamma" else Fraction(2, 5)) for p in s.parameters}
    if scheme == "game-negative-momentum":
        numbers = {"beta": Fraction(-2, 5)}
    if s.never:
        assert all(s.spectral_radius(q, numbers) > 1 - 1e-9 for q in (0.01, 0.1, 1))
        return
    interval = s.pieces[0].interval  # weight decay has further pieces, for large weights
    assert interval is not None
    low = value(interval[0], **numbers)
    high = 50.0 if interval[1] == "oo" else value(interval[1], **numbers)
    step = (high - low) * (1e-2 if s.game else 1e-4)  # roots of a game leave 1 in pairs, with q^2
    assert s.spectral_radius(low + step, numbers) < 1
    assert s.spectral_radius((low + high) / 2, numbers) < 1
    if not s.game:  # a coupling has no sign
        assert s.spectral_radius(low - step, numbers) > 1
    if interval[1] != "oo":
        assert s.spectral_radius(high - step, numbers) < 1
        assert s.spectral_radius(high + step, numbers) > 1


@given(unit, st.sampled_from(["momentum", "nesterov", "nesterov-keras"]))
def test_runs_tend_to_zero_inside_and_grow_outside(beta: Fraction, scheme: str) -> None:
    """The scheme itself, in floating point, just inside and just outside its interval."""
    s = stability(scheme)
    assert s.interval is not None
    end = value(s.interval[1], beta=beta)

    def run(q: float, steps: int) -> float:
        x, v, b = 1.0, 0.0, float(beta)
        for _ in range(steps):
            at = x + b * v if scheme == "nesterov" else x
            new = b * v - q * at
            x = x + (b * new - q * at if scheme == "nesterov-keras" else new)
            v = new
            if abs(x) > 1e9:
                break
        return abs(x) + abs(v)

    assert run(0.95 * end, 1500) < 1e-3
    assert run(1.05 * end, 1500) > 1e3


@given(st.integers(1, 4), st.data())
def test_jury_conditions_are_the_unit_disc(degree: int, data: st.DataObject) -> None:
    """All conditions positive exactly when all roots are inside the unit disc (away from its rim)."""
    ring = Ring()
    numbers = st.fractions(min_value=-2, max_value=2, max_denominator=8)
    coefficients = data.draw(st.lists(numbers, min_size=degree, max_size=degree))
    polynomial = [*(ring.constant(c) for c in coefficients), ring.one]
    radius = max(abs(np.roots([1, *(float(c) for c in reversed(coefficients))])), default=0.0)
    if abs(radius - 1) > 1e-6:
        assert all(at_numbers(c, {}) > 0 for c in jury_conditions(polynomial)) == (radius < 1)


def test_undamped_schemes_are_weakly_stable() -> None:
    s = stability("momentum", regime="leapfrog", settings={"lam": "0"})
    assert s.interval is None
    assert s.weak_interval == ("0", "4/gamma")
    two_step = stability("leapfrog-two-step")
    assert two_step.interval is None
    assert two_step.weak_interval is None


def test_set_parameters() -> None:
    assert stability("momentum", settings={"beta": "9/10"}).interval == ("0", "19/5")
    twice = stability(inline_scheme("theta = theta - gamma*grad(theta - gamma*mu*grad(theta))"))
    assert [p.range for p in twice.pieces if p.further] == ["mu < 0 or 0 < mu <= 1/8"]
    assert all(p.interval for p in twice.pieces)


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [("adam", "not a linear map"), ("rmsprop", "not a linear map"), ("normalised-gd", "not a linear map"),
     ("sign-descent", "not a linear map"), ("gd-schedule", "time"), ("nesterov-convex", "time")],
)  # fmt: skip
def test_refusals(scheme: str, reason: str) -> None:
    with pytest.raises(ReductionError, match=reason):
        stability(scheme)


def test_refusals_of_inline_schemes() -> None:
    with pytest.raises(ReductionError, match="vector field"):
        stability(inline_scheme("theta = theta + gamma*field(theta)"))
    with pytest.raises(ReductionError, match="does not depend on the state"):
        stability(inline_scheme("theta = theta - gamma*grad(theta) + gamma"))


def test_parameters_named_as_our_own_symbols() -> None:
    """theta+ = (1 - q gamma h) theta is stable for 0 < gamma h < 2/q."""
    s = stability(inline_scheme("theta = theta - gamma*q*grad(theta)", ["q"]))
    assert s.q == "qq"
    assert [(x.range, x.interval) for x in s.pieces] == [("q > 0", ("0", "2/q")), ("q <= 0", None)]
    assert "for every positive qq" in stability_lines(s, ASCII)[-1]
    assert repr(s).endswith(": 2 ranges of the parameters>")
    assert pickle.loads(pickle.dumps(s)) == s
    s = stability(inline_scheme("theta = theta - gamma*h*grad(theta)", ["h"]))
    assert [str(c) for c in s.polynomial] == ["-(1 - q*h)", "1"]
    assert s.curvature == "hh"


def test_polynomial_of_heavy_ball() -> None:
    """r^2 - (1 + beta - q) r + beta, references in Polyak 1964."""
    s = stability("momentum")
    assert [str(c) for c in s.polynomial] == ["beta", "-(1 - q + beta)", "1"]
    assert configure(load_scheme("momentum")).free == ("beta",)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / f"region.{suffix}"
    plot_region(stability("gd"), str(target))
    assert target.stat().st_size > 2000


def test_plot_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--set"):
        plot_region(stability("qhm"), str(tmp_path / "a.png"))
    with pytest.raises(UsageError, match="ends in"):
        plot_region(stability("gd"), str(tmp_path / "a.txt"))


# ---------------------------------------------------------------------------------------------- as people write it


def read_back(text: str) -> str:
    """An ASCII formula in the scheme language: juxtaposition is multiplication."""
    return re.sub(r"(?<=[\w)]) (?=[\w(])", "*", text).replace("^", "**")


@pytest.mark.parametrize("name", ["momentum", "triple-momentum", "nesterov", "sgdw", "aggmo", "bdf2", "rk4", "gd"])
def test_the_polynomial_and_the_conditions_are_read_back(name: str) -> None:
    s = stability(name)
    lines = stability_lines(s, notation("ascii"))
    ring = s.polynomial[0].ring
    symbols = {n: Fraction(k + 2, 7) for k, n in enumerate(ring.symbols)}
    at = {**symbols, "z": Fraction(3, 5)}

    def valued(text: str) -> Fraction:
        found = constant(substitute(parse_expression(read_back(text), "test"), {n: Number(v) for n, v in at.items()}))
        assert found is not None
        return found

    polynomial = lines[1].removeprefix("P(z) = ")
    assert valued(polynomial) == sum(c.at(symbols, Fraction) * at["z"] ** k for k, c in enumerate(s.polynomial))
    shown = [line.strip().removesuffix(" > 0") for line in lines if line.endswith(" > 0") and line.startswith("    ")]
    assert [valued(c) for c in shown] == [c.at(symbols, Fraction) for c in s.conditions]
    assert "+ (-" not in polynomial
    assert not any(unwrapped(c) != c for c in shown)


@pytest.mark.parametrize(("style", "shown"), [
    ("unicode", "z^2 - (1 - q + β) z + β"), ("ascii", "z^2 - (1 - q + beta) z + beta"),
    ("latex", r"z^{2} - (1 - q + \beta)\, z + \beta"),
])  # fmt: skip
def test_the_polynomial_of_momentum(style: str, shown: str) -> None:
    assert shown in stability_lines(stability("momentum"), notation(style))[1]
