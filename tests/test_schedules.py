"""Schedules by name: values and derivatives by hand, the piece that stands at a time, and rates of torch and optax."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from flint import fmpq

from derive import modified_equation
from derive.concrete.values import time_values
from derive.errors import UsageError
from derive.scheme.schedule import Schedule, parse_function_setting, schedules
from verify.proof import prove

ROUNDING = 1e-14
STEPS = 30


def values(text: str, t: Fraction | int, count: int = 1) -> list[float]:
    """r, r', ... at t, by the route that prints values."""
    at = Fraction(t)
    found = time_values({"r": parse_function_setting(text, "test")}, fmpq(at.numerator, at.denominator), count)
    return [float(x.mid()) if hasattr(x, "mid") else int(x.p) / int(x.q) for x in found.values()]


def rates(text: str, steps: int) -> list[float]:
    return [values(text, n)[0] for n in range(steps)]


# ---------------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize(("text", "t", "expected"), [
    # 1/2 (1 + cos(pi t/10)): 1/2 at t = 5, slope -pi/20, curvature 0
    ("cosine(10, 0)", 5, [0.5, -math.pi / 20, 0.0]),
    # s = 5 - 3 = 2 of the period 3: 1/2 (1 + cos(2 pi/3)) = 1/4, slope -pi/6 sin(2 pi/3)
    ("cosine-restarts(3, 0)", 5, [0.25, -math.pi / 6 * math.sqrt(3) / 2, -math.pi**2 / 18 * -0.5]),
    ("warmup-cosine(4, 8, 0)", 2, [0.5, 0.25, 0.0]),
    ("warmup-cosine(4, 8, 0)", 6, [0.5, -math.pi / 8, 0.0]),
    ("warmup-stable-decay(1, 3, 5, 1/2)", 4, [0.75, -0.25, 0.0]),
    # rise from 1/5 to 1: 3/5 in the middle, slope 2/5 pi/2 at t1 = 2
    ("one-cycle(2, 6, 1/5, 0)", 1, [0.6, 0.4 * math.pi / 2, 0.0]),
    # (t/4)^(-1/2): 1/2 at 16, -1/64, 3/4 1/2 /256
    ("inverse-sqrt(4)", 16, [0.5, -1 / 64, 3 / 2048]),
    ("exponential(1/2)", 2, [math.exp(-1), -math.exp(-1) / 2, math.exp(-1) / 4]),
    # (1 - t/4)^(3/2) at 3: 1/8, -3/8 1/2, 3/32 2^1/2... = 3/32 (1/4)^(-1/2)/2
    ("polynomial(4, 3/2, 0)", 3, [1 / 8, -3 / 16, 3 / 32]),
    ("pi*t", 1, [math.pi, math.pi, 0.0]),
])  # fmt: skip
def test_values_and_derivatives_by_hand(text: str, t: int, expected: Sequence[float]) -> None:
    assert values(text, t, 3) == pytest.approx(list(expected), abs=1e-15)


@pytest.mark.parametrize(("text", "t", "expected"), [
    ("cosine(10, 1/10)", 10, 0.1), ("cosine(10, 1/10)", 11, 0.1), ("cosine-restarts(3, 0)", 3, 1.0),
    ("polynomial(4, 1/2, 1/3)", 4, 1 / 3),
    ("inverse-sqrt(4)", 4, 1.0), ("one-cycle(2, 6, 1/5, 0)", 2, 1.0),
])  # fmt: skip
def test_the_piece_that_stands_at_a_breakpoint(text: str, t: int, expected: float) -> None:
    assert values(text, t)[0] == pytest.approx(expected, abs=1e-15)


def test_straight_pieces_have_no_curvature_and_others_do() -> None:
    straight = {n for n in schedules() if _loaded(n).straight}
    assert straight == {"decay", "periodic", "warmup-decay", "warmup-periodic", "warmup-stable-decay"}
    for name, count in (("decay(10, 0)", 0), ("cosine(10, 0)", 1)):
        equation = modified_equation("gd-schedule", 2, settings={"r(t)": name})
        assert "d2r" in str(equation["theta"][2]) if count else "d2r" not in str(equation["theta"][2])


def _loaded(name: str) -> Schedule:
    for n in range(1, 6):
        try:
            found = parse_function_setting(f"{name}({', '.join(map(str, range(1, n + 1)))})", "test")
        except UsageError:
            continue
        assert isinstance(found, Schedule)
        return found
    raise AssertionError(name)


def test_a_negative_time_and_an_unknown_name_are_refused() -> None:
    with pytest.raises(UsageError, match="schedule cosine is not defined at t = -1"):
        values("cosine(10, 0)", -1)
    with pytest.raises(UsageError, match="'T' is unknown; a schedule is an expression in t and pi, or one of"):
        parse_function_setting("cos(pi*t/T)", "test")
    with pytest.raises(UsageError, match=r"schedule cosine takes 2 values, cosine.T, rmin., not 1"):
        parse_function_setting("cosine(10)", "test")


# ---------------------------------------------------------------------------------------------- optimizers under a schedule


@pytest.mark.parametrize("scheme", ["gd-schedule", "adamw-schedule", "momentum-weight-decay-schedule"])
def test_schemes_under_any_schedule_are_proved(scheme: str) -> None:
    equation = modified_equation(scheme, 1)
    data = equation.to_json()
    assert prove(equation.configuration, data["equations"], data["memory"], seed=3).verdict == "proved"
    data["equations"]["theta"][1]["terms"][0]["coefficient"] += "*2"
    assert prove(equation.configuration, data["equations"], data["memory"], seed=3).verdict == "refuted"


def test_coupled_and_decoupled_decay_differ_at_the_first_correction_alone() -> None:
    """theta+ = theta - gamma r (g + lam theta) for beta = 0: by hand -lam r theta - r g, then lam (r' - lam r^2)/2 theta + ..."""
    coupled = modified_equation("momentum-weight-decay-schedule", 1, settings={"beta": "0"})["theta"]
    assert str(coupled[0]) == "-lam*r*theta - r*grad"
    assert str(coupled[1].coefficient("theta")) == "lam*(dr - lam*r**2)/2"
    assert str(coupled[1].coefficient("hess(theta)")) == "-lam*r**2/2"


# ---------------------------------------------------------------------------------------------- libraries


def torch_rates(make: Callable[[Any, Any], Any], steps: int) -> list[float]:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'torch')")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=1.0)
    scheduler, found = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(steps):
        found.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return found


TORCH: list[tuple[str, int, Callable[[Any, Any], Any]]] = [
    ("cosine(20, 1/10)", 21, lambda s, o: s.CosineAnnealingLR(o, T_max=20, eta_min=0.1)),
    ("cosine-restarts(7, 1/10)", STEPS, lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=7, eta_min=0.1)),
    (
        "one-cycle(53/10, 20, 1/25, 1/2500)", 21,
        lambda s, o: s.OneCycleLR(o, max_lr=1.0, total_steps=21, pct_start=0.3, div_factor=25, final_div_factor=100),
    ),
    ("exponential(1/10)", STEPS, lambda s, o: s.ExponentialLR(o, gamma=math.exp(-0.1))),
    ("polynomial(20, 2, 0)", STEPS, lambda s, o: s.PolynomialLR(o, total_iters=20, power=2.0)),
    ("decay(20, 1/10)", STEPS, lambda s, o: s.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=20)),
    ("inverse-sqrt(4)", STEPS, lambda s, o: s.LambdaLR(o, lambda n: min(n / 4, math.sqrt(4 / max(n, 1))))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "steps", "make"), TORCH, ids=[text for text, _, _ in TORCH])
def test_rates_of_torch(text: str, steps: int, make: Callable[[Any, Any], Any]) -> None:
    assert rates(text, steps) == pytest.approx(torch_rates(make, steps), abs=ROUNDING)


OPTAX: list[tuple[str, Callable[[Any], Any]]] = [
    ("cosine(20, 1/10)", lambda o: o.cosine_decay_schedule(1.0, 20, alpha=0.1)),
    ("warmup-cosine(5, 20, 1/10)", lambda o: o.warmup_cosine_decay_schedule(0.0, 1.0, 5, 20, end_value=0.1)),
    (
        "one-cycle(5, 20, 1/25, 1/2500)",
        lambda o: o.cosine_onecycle_schedule(20, 1.0, pct_start=0.25, div_factor=25.0, final_div_factor=100.0),
    ),
    ("exponential(1/10)", lambda o: o.exponential_decay(1.0, 1, math.exp(-0.1))),
    ("polynomial(20, 2, 1/10)", lambda o: o.polynomial_schedule(1.0, 0.1, 2, 20)),
    (
        "warmup-stable-decay(5, 14, 20, 1/10)",
        lambda o: o.join_schedules(
            [o.linear_schedule(0.0, 1.0, 5), o.constant_schedule(1.0), o.linear_schedule(1.0, 0.1, 6)], [5, 14]
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "make"), OPTAX, ids=[text for text, _ in OPTAX])
def test_rates_of_optax(text: str, make: Callable[[Any], Any]) -> None:
    optax = pytest.importorskip("optax", reason="optax is not installed")
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    schedule = make(optax)
    theirs = [float(schedule(jax.numpy.asarray(float(n), dtype=jax.numpy.float64))) for n in range(STEPS)]
    assert rates(text, STEPS) == pytest.approx(theirs, abs=ROUNDING)


def test_the_comparison_can_fail() -> None:
    """Negative control: a cosine that starts again is told from one that stays."""
    assert rates("cosine(20, 1/10)", STEPS) != pytest.approx(rates("cosine-restarts(20, 1/10)", STEPS), abs=1e-3)
