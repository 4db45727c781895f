"""Numbers that tell two formulas apart: a loss (or a field), a point, and parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from derive.algebra.calculus import Transfer
from derive.algebra.coefficients import Ring
from derive.algebra.fold import within
from derive.algebra.sums import Algebra
from derive.algebra.terms import DERIVATIVES
from derive.concrete.parametric import evaluated
from derive.equation import ModifiedEquation, TermSum, modified_equation
from derive.errors import DeriveError
from derive.readings.formula import Formulas
from derive.scheme import Scheme, inline_scheme

STARTS = (2, 5, 11)  # the first parameter is 1/2; other numbers where a denominator vanishes there
PROBES = (
    ("x**2/2", {"x": "1"}), ("x**3/3", {"x": "1"}), ("x**2/2 + y**2", {"x": "1", "y": "1"}),
    ("x**4/4 + x*y**2", {"x": "1/2", "y": "1/3"}), ("x**2/2 - 1", {"x": "1"}),
)  # fmt: skip
FIELDS = (
    ("x**2", {"x": "1"}), ("y; x", {"x": "1", "y": "2"}), ("x**2 - y; x*y + 1", {"x": "1", "y": "2"}),
)  # fmt: skip


def value_on(total: TermSum, loss: str, at: Mapping[str, str], scalar: bool = False) -> str:
    """The first component of a sum without parameters, at a point of a loss."""
    return evaluated(modified_equation("gd", 0), [total], loss, at, 12, scalar=scalar)[0][0]


def counterexample(
    formulas: Formulas, claimed: TermSum, correct: TermSum, equation: ModifiedEquation | None = None, scalar: bool = False
) -> str:
    """A loss and a point where two formulas differ, with both values; empty if no probe tells them apart."""
    texts = f"{claimed} {correct}"
    nodes = (f for s in (claimed, correct) for t in s.sum for f in within(t) if f.kind in DERIVATIVES)
    field = equation.scheme.label == "f" if equation else any(f.label == "f" for f in nodes)
    host = equation or modified_equation(_general_field() if field else "gd", 0)
    used = [n for n in formulas.states if _mentions(texts, n)]
    for loss, point, start in ((*probe, k) for k in STARTS for probe in (FIELDS if field else PROBES)):
        at = dict(point)
        for n in used:
            at |= {n: "2"} if formulas.states[n] else {f"{n}_{x}": str(i + 1) for i, x in enumerate(point)}
        try:
            sums, values = _at_numbers(formulas, (claimed, correct), start)
            found = evaluated(host, sums, loss, at, 12, states=used, scalar=scalar)
        except (DeriveError, ZeroDivisionError):
            continue
        if found[0] != found[1]:
            where = ", ".join(f"{n} = {v}" for n, v in {**at, **values}.items())
            first, second = ("(" + ", ".join(v) + ")" if len(v) > 1 else v[0] for v in found)
            return f"counterexample: {'f' if field else 'L'} = {loss} at {where}: claimed {first}, true {second}"
    return ""


@lru_cache(maxsize=1)
def _general_field() -> Scheme:
    return inline_scheme("theta = theta + gamma*field(theta)")


def _at_numbers(formulas: Formulas, sums: Sequence[TermSum], start: int) -> tuple[list[TermSum], dict[str, str]]:
    """The sums with numbers for their parameters: 1/start, 1/(start + 1), ... in the order in which the ring names them; 1 where
    one stands under a root, so that the root is a number at points where the gradient vanishes."""
    texts = " ".join(map(str, sums))
    numbers = {n: Fraction(1, start + i) for i, n in enumerate(s for s in formulas.algebra.ring.symbols if _mentions(texts, s))}
    numbers |= dict.fromkeys(numbers.keys() & _under_roots(sums), Fraction(1))
    plain = Algebra(Ring())
    every = {s: plain.ring.constant(numbers.get(s, Fraction(1))) for s in formulas.algebra.ring.symbols}
    move = Transfer(formulas.algebra, plain, every)
    return [TermSum(plain, move(s.sum)) for s in sums], {n: str(v) for n, v in numbers.items()}


def _under_roots(sums: Sequence[TermSum]) -> set[str]:
    """Parameters in the constant part of what stands under a root or in a denominator."""
    bases = (f for s in sums for t in s.sum for f in within(t) if f.body)
    return {name for f in bases for t, c in f.body if not t.factors for name in c.symbols()}


def _mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w']){re.escape(name)}(?![\w'])", text) is not None
