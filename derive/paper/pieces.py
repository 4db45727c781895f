"""Sums of terms as summands that can be broken: coefficient, power of gamma, term."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import sign_first
from derive.algebra.terms import Term
from derive.equation import TermSum
from derive.paper.preamble import PAPER
from derive.writing import formulas
from derive.writing.formulas import polynomial_power, settled, write_coefficient, write_term
from derive.writing.linebreak import TEXT_WIDTH, Summand, width
from derive.writing.notation import Notation

Writer = Callable[[Term], str]
_LONG = 0.55 * TEXT_WIDTH
_GAP = r"\,"


def gamma_power(k: int) -> str:
    return formulas.gamma_power(k, PAPER)


def vector_writer(style: Notation = PAPER) -> Writer:
    """Terms in coordinate-free notation."""
    return lambda t: write_term(t, style) if t.factors else ""


def summand(coefficient: Ratio, term: Term, write: Writer, style: Notation = PAPER, front: str = "") -> Summand:
    """One term of a sum; a long coefficient can be broken inside its numerator."""
    coefficient, term = settled(coefficient, term)
    negative, text = write_coefficient(coefficient, style, front)
    written = write(term)
    whole = r"\, ".join(x for x in (text, written) if x) or "1"
    sign = "-" if negative else "+"
    if width(whole) <= _LONG:
        return Summand(sign, (whole,))
    return Summand(sign, (*coefficient_chunks(coefficient, style, front), written), whole)


def coefficient_chunks(value: Ratio, style: Notation, front: str) -> tuple[str, ...]:
    r"""|value| times front with its numerator beside the bar: \frac{gamma}{12 (1-beta)^5} ( 1 | + 10 beta | + ... )."""
    parts = value.factored()
    size = abs(parts.content)
    plain = [_monomial(m[0], style)[1] + ("" if e == 1 else f"^{{{e}}}") for m, e in parts.numerator if len(m) == 1]
    top = [str(size.numerator)] if size.numerator != 1 else []
    top += [x for x in (front, *plain) if x]
    bottom = [str(size.denominator)] if size.denominator != 1 else []
    bottom += [polynomial_power(m, e, style) for m, e in parts.denominator]
    above = r"\,".join(top)
    head = rf"\frac{{{above or '1'}}}{{{_GAP.join(bottom)}}}" if bottom else above
    chunks = [head + r"\," if head else ""]
    for monomials, e in parts.numerator:
        if len(monomials) > 1:
            signed = [_monomial(m, style) for m in sign_first(monomials)]
            pieces = [("-" if negative else "+") + (text or "1") for negative, text in signed]
            pieces[0] = r"\bigl(" + pieces[0].removeprefix("+")
            pieces[-1] += r"\bigr)" + ("" if e == 1 else f"^{{{e}}}") + r"\,"
            chunks[-1] += pieces[0]
            chunks += ["{}" + p for p in pieces[1:]]
    return tuple(chunks)


def _monomial(monomial: tuple[object, tuple[tuple[str, int], ...]], style: Notation) -> tuple[bool, str]:
    coefficient, powers = monomial
    factors = [style.symbol(n) if e == 1 else style.power(style.symbol(n), str(e)) for n, e in powers]
    number = str(coefficient).removeprefix("-")
    if number != "1" or not factors:
        factors.insert(0, number)
    return str(coefficient).startswith("-"), r"\,".join(factors)


def summands(total: TermSum, style: Notation = PAPER, front: str = "", write: Writer | None = None) -> list[Summand]:
    """The terms of a sum in their fixed order."""
    return [summand(c, t, write or vector_writer(style), style, front) for c, t in total]


def series_summands(sums: Iterable[tuple[int, TermSum]], style: Notation = PAPER, write: Writer | None = None) -> list[Summand]:
    """sum_k gamma^k S_k as one list of summands."""
    return [s for k, total in sums for s in summands(total, style, gamma_power(k), write)]
