"""Optimizers of the catalogue that reduce over rows and columns: first corrections by hand, proofs, wrong coefficients."""

from __future__ import annotations

import copy
from typing import Any

from matrix_values import read

from derive import modified_equation
from verify.proof import prove


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
