"""Sums of terms from texts of the formula language, for the laws of the algebra: given, drawn at random, and as text again."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st
from strategies import sums
from tensors import parse, read

from derive.algebra.coefficients import Ring
from derive.algebra.sums import Algebra, Sum
from derive.algebra.terms import combination_text
from derive.errors import ReductionError

POLYNOMIAL = ("grad", "theta", "u", "eta", "s", "q", "a", "2", "-1/2")


def new() -> Algebra:
    return Algebra(Ring(("a", "b", "t")))


def of(algebra: Algebra, text: str) -> Sum:
    return read(algebra, parse(text))


def drawn(data: st.DataObject, algebra: Algebra, count: int, powers: bool = False, depth: int = 1) -> list[Sum]:
    found = []
    for _ in range(count):
        try:
            found.append(of(algebra, data.draw(sums(depth, POLYNOMIAL, powers))))
        except ReductionError:
            assume(False)
    return found


def minus(algebra: Algebra, x: Sum, y: Sum) -> Sum:
    return algebra.add(x, algebra.scale(y, -algebra.ring.one))


def text(algebra: Algebra, x: Sum) -> str:
    return combination_text(algebra.sorted(x)) if x else "0"
