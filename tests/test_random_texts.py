"""Any text of the grammar is derived or refused in one line: no crash, no hang, no half answer."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from derive import inline_scheme, modified_equation
from derive.errors import DeriveError

LEAVES = ["theta", "v", "w", "gamma", "t", "1/2", "2", "beta", "eps", "theta_prev", "theta_next", "grad(theta)", "0", "-1"]
POWERS = ["2", "3", "(1/2)", "(-1)", "(-1/2)", "(1/3)", "0"]


def expression(depth: int, r: random.Random) -> str:
    if depth == 0 or r.random() < 0.25:
        return r.choice(LEAVES)
    kind = r.random()
    if kind < 0.55:
        return f"({expression(depth - 1, r)} {r.choice('+-*/')} {expression(depth - 1, r)})"
    if kind < 0.65:
        return f"({expression(depth - 1, r)})**{r.choice(POWERS)}"
    if kind < 0.92:
        return f"{r.choice(['grad', 'grad', 'sqrt', 'abs', 'sign', 'norm'])}({expression(depth - 1, r)})"
    return f"dot({expression(depth - 1, r)}, {expression(depth - 1, r)})"


def update(seed: int) -> str:
    r = random.Random(seed)
    lines = []
    if r.random() < 0.6:
        lines.append(f"v = {r.choice(['beta*v', 'v/2', 'v', '-v/3'])} + {expression(2, r)}")
    if r.random() < 0.3:
        lines.append(f"w = {expression(2, r)}")
    return "; ".join([*lines, f"theta = theta - gamma*({expression(3, r)})"])


@settings(max_examples=400)
@given(st.integers(0, 10**9))
def test_any_update_text_is_derived_or_refused(seed: int) -> None:
    text = update(seed)
    try:
        equation = modified_equation(inline_scheme(text), 1)
    except DeriveError as error:
        assert "\n" not in str(error), text
    else:
        assert str(equation)
        assert equation.latex()
        assert equation.to_json()["residual_zero_through"] == 2
