"""Stability as text and LaTeX: conditions, and each proved interval together with the range on which it is proved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from derive.reals import end_of
from derive.reals.reading import numeric
from derive.writing.formulas import coefficient_text
from derive.writing.notation import Notation
from derive.writing.series import greek

if TYPE_CHECKING:
    from derive.readings.pieces import Piece
    from derive.readings.stability import Stability

Lines = list[str]
_SIGNS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", "and": r"\text{ and }", "or": r"\text{ or }"}


def stability_lines(s: Stability, style: Notation) -> Lines:
    q = f"{style.symbol(s.q)} = {step_times_curvature(s, style)}"
    conditions = [f"{coefficient_text(c, style)} > 0" for c in s.conditions]
    if style.name == "latex":
        lines = [rf"P(z) ={{}}& {_polynomial(s, style)}, \quad {q}", *(f"&{c}" for c in conditions)]
    else:
        title = s.configuration.scheme.title + (f", regime {s.configuration.regime}" if s.configuration.regime else "")
        loss = f"{style.symbol(s.curvature)} {style.symbol('theta')}^2/2"
        lines = [f"{title}: stability on L = {loss}, {q}", f"P(z) = {_polynomial(s, style)}"]
        lines += ["all roots inside the unit disc:", *(f"    {c}" for c in conditions)]
    if s.weak_pieces:
        what = "undamped, roots on the unit circle (bounded, not decaying) for"
        return lines + [_line(s, p, what, style) for p in s.weak_pieces]
    return lines + [_line(s, p, "stable for", style) for p in s.pieces]


def _polynomial(s: Stability, style: Notation) -> str:
    z = {0: "", 1: " z"}
    return " + ".join(
        f"({coefficient_text(c, style)})" + z.get(k, f" z^{k}") if k < len(s.polynomial) - 1 else f"z^{k}" if k > 1 else "z"
        for k, c in reversed(list(enumerate(s.polynomial))) if c
    )  # fmt: skip


def step_times_curvature(s: Stability, style: Notation) -> str:
    return f"{style.symbol('gamma')} {style.symbol(s.curvature)}"


def _line(s: Stability, p: Piece, what: str, style: Notation) -> str:
    where = for_range(s, p, style)
    if not p.proved:
        return _words(f"no interval proved{_spaced(where)}: {p.proof.removeprefix('undecided: ')}{_instances(p, style)}", style)
    if p.interval is None:
        unstable = f"some root lies on or outside the unit circle for every positive {_symbol(s.q, style)}"
        return _words(f"never stable{_spaced(where)}: {unstable}", style)
    ends = ends_text(s, p.interval, style)
    further = {True: "further intervals follow", None: "whether further intervals follow is undecided"}.get(p.further, "")
    if style.name == "latex":
        shown = f"&{ends}" + (rf" \quad {where}" if where else "")
        return shown + (rf" \quad \text{{({further})}}" if further else "")
    return f"{what}  {ends}" + (f"   {where}" if where else "") + (f"; {further}" if further else "")


def _spaced(text: str) -> str:
    return f" {text}" if text else ""


def _words(text: str, style: Notation) -> str:
    """A sentence; in LaTeX text between formulas."""
    if style.name != "latex":
        return text
    pieces = re.split(r"(\\text\{for(?: all real)? \}.*?(?=: ))", text, maxsplit=1)
    return "&" + "".join(p if k % 2 else rf"\text{{{p.replace('_', chr(92) + '_')}}}" for k, p in enumerate(pieces) if p)


def _instances(p: Piece, style: Notation) -> str:
    found = []
    for instance in p.instances:
        at = ", ".join(f"{_symbol(n, style)} = {v}" for n, v in instance.items() if n != "kind")
        found.append(f"{instance['kind']} for example at {at}")
    return "; " + ", ".join(found) if found else ""


def _symbol(name: str, style: Notation) -> str:
    return name if style.name == "latex" else style.symbol(name)


def for_range(s: Stability, p: Piece, style: Notation) -> str:
    """'for 0 <= β < 1', 'for all real β', or nothing where there are no parameters."""
    latex = style.name == "latex"
    if not p.range:
        names = ", ".join(style.symbol(n) for n in s.parameters)
        start = r"\text{for all real }" if latex else "for all real "
        return f"{start}{names}" if names else ""
    text = greek_range(p.range, style)
    return rf"\text{{for }}{text}" if latex else f"for {text}"


def greek_range(text: str, style: Notation) -> str:
    """A range in a style's letters; comparisons joined by 'and' with commas, where there is no 'or'."""
    if " or " not in text and style.name != "latex":
        text = text.replace(" and ", ", ")
    words = re.split(r"(<=|>=|!=|\band\b|\bor\b)", text)
    return "".join((_SIGNS.get(w, w) if style.name == "latex" else w) if k % 2 else greek(w, style) for k, w in enumerate(words))


def ends_text(s: Stability, ends: tuple[str, str], style: Notation) -> str:
    low, high = (greek(closed_or_decimal(e), style) for e in ends)
    return f"{low} < {step_times_curvature(s, style)} < {high}"


def closed_or_decimal(end: str) -> str:
    """A root of a polynomial of high degree as a decimal.

    >>> closed_or_decimal("CRootOf(x**3 - 4*x**2 + 12*x - 24, 0)"), closed_or_decimal("2*(1 + beta)")
    ('2.78529356341...', '2*(1 + beta)')
    """
    if "CRootOf" not in end:
        return end
    value = numeric(end_of(end), {})
    return end if value is None else f"{float(value):.12g}..."


def brief_lines(s: Stability, style: Notation) -> Lines:
    """The same in one line a piece, for a screen with other readings."""
    kind, found = (" (bounded, undamped)", s.weak_pieces) if s.weak_pieces else ("", s.pieces)
    if s.never and not s.weak_pieces:
        return [_row("stability: unstable on every quadratic, for every step", "", style)]
    lines = []
    for p in found:
        where = _spaced(for_range(s, p, style))
        what = f"stability on quadratics{kind}: "
        if not p.proved:
            lines.append(_row(f"{what}no interval proved", where, style))
        elif p.interval is None:
            lines.append(_row(f"{what}none", where, style))
        else:
            lines.append(_row(what, ends_text(s, p.interval, style) + where, style))
    return lines


def _row(words: str, formula: str, style: Notation) -> str:
    """Words, then a formula; a row of an align* environment in LaTeX."""
    return rf"&\text{{{words}}}{formula}" if style.name == "latex" else words + formula
