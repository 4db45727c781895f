"""Optimizers of the catalogue that reduce over rows and columns: first corrections by hand, proofs, wrong coefficients."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from matrix_values import read

from derive import load_scheme, modified_equation, modified_equations
from verify.proof import prove

#: g over the root of its factored second moment, and the relative change of that root along w
U = "norm(grad)*grad/(norm(grad, row)*norm(grad, column))"
CHANGE = (
    "(dot(grad, {h})/dot(grad, grad) - dot(grad, {h}, row)/dot(grad, grad, row)"
    " - dot(grad, {h}, column)/dot(grad, grad, column))"
)


def equals(eq: Any, power: int, meant: str) -> bool:
    """Whether f_power is what is written, in normal form."""
    difference = dict(eq["theta"][power].sum)
    return bool(eq.algebra.is_zero(eq.algebra.add(difference, {t: -c for t, c in read(eq.algebra, meant).items()})))


def test_first_correction_of_racs() -> None:
    """With S, Q the means of squares, U = g/sqrt((S + eps) (Q + eps)) and f_0 = -alpha U, S is its value at theta less gamma
    beta/(1 - beta) DS[f_0], DS[v] = 2 mean(g H[v], row); so with A = mean(g H[U], row)/(S + eps) and B for columns
    f_1 = alpha^2 ((1 + beta)/(2 (1 - beta)) U (A + B) - H[U]/(2 sqrt((S + eps) (Q + eps))))."""
    eq = modified_equation("racs", 1, settings={"lam": "0"})
    s, q = "(dot(grad, grad, row)*dot(1, 1, column)/dot(1, 1) + eps)", "(dot(grad, grad, column)/dot(1, 1, column) + eps)"
    u = f"grad*{s}**(-1/2)*{q}**(-1/2)"
    a = f"dot(grad, hess({u}), row)*dot(1, 1, column)/dot(1, 1)/{s}"
    b = f"dot(grad, hess({u}), column)/dot(1, 1, column)/{q}"
    assert equals(eq, 0, f"-alpha*{u}")
    halves = "(1 + beta)/(2*(1 - beta))", f"1/2*hess({u})*{s}**(-1/2)*{q}**(-1/2)"
    assert equals(eq, 1, f"alpha**2*({halves[0]}*{u}*({a} + {b}) - {halves[1]})")
    assert not equals(eq, 1, f"alpha**2*({halves[0]}*{u}*({a} + {a}) - {halves[1]})")


def test_first_correction_of_adafactor() -> None:
    """V = R C/mean(R) lags by beta/(1 - beta) steps, and the flow's second derivative takes half a step more: with w = U,
    f_1 = -eps^2 (1/2 H[U]/sqrt(V) + (1 + beta)/(2 (1 - beta)) U DV^(-1/2)[U]/V^(-1/2)), where neither maximum binds."""
    eq = modified_equations(load_scheme("adafactor-constant"), order=1, settings={"lam": "0"})[0]
    h = f"hess({U})"
    assert equals(eq, 0, f"-eps*{U}")
    parts = f"1/2*norm(grad)*{h}/(norm(grad, row)*norm(grad, column))", f"{U}*{CHANGE.format(h=h)}"
    assert equals(eq, 1, f"-eps**2*({parts[0]} + (1 + beta)/(2*(1 - beta))*{parts[1]})")
    assert not equals(eq, 1, f"-eps**2*({parts[0]} + (1 + beta)/(1 - beta)*{parts[1]})")


def test_first_correction_of_came() -> None:
    """The average of U lags by beta1/(1 - beta1) steps more; (u - m)^2 is of order gamma^2, so the instability is eps."""
    eq = modified_equations(load_scheme("came"), order=1, settings={"lam": "0"})[0]
    h = f"hess({U})"
    parts = f"norm(grad)*{h}/(norm(grad, row)*norm(grad, column))", f"{U}*{CHANGE.format(h=h)}"
    first, both = "beta1/(1 - beta1) + 1/2", "beta1/(1 - beta1) + beta2/(1 - beta2) + 1/2"
    assert equals(eq, 0, f"-eps**(-1/2)*{U}")
    assert equals(eq, 1, f"-1/eps*(({first})*{parts[0]} + ({both})*{parts[1]})")
    assert not equals(eq, 1, f"-1/eps*(({both})*{parts[0]} + ({both})*{parts[1]})")


def proved(eq: Any, order: int) -> None:
    data = eq.to_json()
    found = prove(eq.configuration, data["equations"], data["memory"], seed=1)
    assert found.proved, str(found)
    assert found.bound is not None
    assert found.bound < -100
    wrong = copy.deepcopy(data["equations"])
    wrong["theta"][order]["terms"][-1]["coefficient"] += " + 1/1000000"
    assert prove(eq.configuration, wrong, data["memory"], seed=1).verdict == "refuted"


def test_racs_is_proved() -> None:
    proved(modified_equation("racs", 1), 1)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "region"), [*(("adafactor-constant", n) for n in range(4)), *(("came", n) for n in range(2))])
def test_every_region_is_proved(name: str, region: int) -> None:
    proved(modified_equations(load_scheme(name), order=1)[region], 1)
