"""Stability as text and LaTeX: the characteristic polynomial, conditions, each proved interval with the range that it is for."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from derive.algebra.coefficients import Ratio
from derive.algebra.factored import unwrapped
from derive.reals import end_of
from derive.reals.reading import numeric
from derive.writing.expression import typed
from derive.writing.formulas import coefficient_text
from derive.writing.latex import words
from derive.writing.notation import Notation
from derive.writing.series import greek
from derive.writing.standing import polynomial_in

if TYPE_CHECKING:
    from derive.readings.pieces import Piece
    from derive.readings.stability import Stability

Lines = list[str]
_SIGNS = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne"}


def stability_lines(s: Stability, style: Notation) -> Lines:
    style = replace(style, sum_gap=" ")
    latex = style.name == "latex"
    q = f"{style.symbol(s.q)} = {step_times_curvature(s, style)}"
    loss, z = _loss(s, style), style.symbol("z")
    polynomial = polynomial_in(s.polynomial, z, style)
    conditions = [f"{_bare(c, style)} > 0" for c in s.conditions]
    shown = s.roots if s.game is not None and not s.game.curvatures else ()
    roots = [f"{z} ={{}}& {typed(r, style)}" if latex else f"    {z} = {greek(r, style)}" for r in shown]
    if latex:
        lines = [words(f"on ${loss}$, with ${q}$, the characteristic polynomial is"), f"P({z}) ={{}}& {polynomial}"]
        lines += [*roots, words("all its roots lie inside the unit disc where"), *(f"&{c}" for c in conditions)]
    else:
        title = s.configuration.scheme.title + (f", regime {s.configuration.regime}" if s.configuration.regime else "")
        lines = [f"{title}: stability on {loss}, {q}", f"P({z}) = {polynomial}"]
        lines += [*roots, "all roots inside the unit disc:", *(f"    {c}" for c in conditions)]
    if s.weak_pieces:
        what = "undamped, roots on the unit circle (bounded, not decaying) for"
        return lines + [_line(s, p, what, style) for p in s.weak_pieces]
    return lines + [_line(s, p, "stable for", style) for p in s.pieces]


def _loss(s: Stability, style: Notation) -> str:
    """L = h theta^2/2, or the losses of the game."""
    latex = style.name == "latex"
    if s.game is not None:
        return ", ".join(f"{style.symbol(f)} = {(typed if latex else greek)(e, style)}" for f, e in s.game.texts.items())
    theta, h = style.symbol("theta"), style.symbol(s.curvature)
    return f"{style.symbol('L')} = " + (style.fraction(f"{h}{style.scale}{theta}^{{2}}", "2") if latex else f"{h} {theta}^2/2")


def _bare(c: Ratio, style: Notation) -> str:
    """A side of an inequality: a single sum has no parentheses."""
    text = coefficient_text(c, style)
    return text if text.startswith("-") else unwrapped(text)


def step_times_curvature(s: Stability, style: Notation) -> str:
    return f"{style.symbol('gamma')} {style.symbol(s.curvature)}"


def _line(s: Stability, p: Piece, what: str, style: Notation) -> str:
    where = for_range(s, p, style)
    if not p.proved:
        said = f"no interval proved{_spaced(where)}: {p.proof.removeprefix('undecided: ')}{_instances(p, style)}"
        return _sentence(said, style)
    if p.interval is None:
        q = _formula(style.symbol(s.q), style)
        where_ = "outside" if s.game is not None and s.diverges else "on or outside"
        unstable = f"some root lies {where_} the unit circle for every positive {q}"
        return _sentence(f"never stable{_spaced(where)}: {unstable}", style)
    ends = _formula(ends_text(s, p.interval, style), style)
    further = {True: "further intervals follow", None: "whether further intervals follow is undecided"}.get(p.further, "")
    if style.name == "latex":
        return _sentence(f"{what} {ends}{_spaced(where)}" + (f" ({further})" if further else ""), style)
    return f"{what}  {ends}" + (f"   {where}" if where else "") + (f"; {further}" if further else "")


def _spaced(text: str) -> str:
    return f" {text}" if text else ""


def _sentence(text: str, style: Notation) -> str:
    return words(text, style) if style.name == "latex" else text


def _formula(text: str, style: Notation) -> str:
    return f"${text}$" if style.name == "latex" else text


def _instances(p: Piece, style: Notation) -> str:
    found = []
    for instance in p.instances:
        at = ", ".join(_formula(f"{style.symbol(n)} = {v}", style) for n, v in instance.items() if n != "kind")
        found.append(f"{instance['kind']} for example at {at}")
    return "; " + ", ".join(found) if found else ""


def for_range(s: Stability, p: Piece, style: Notation) -> str:
    """'for 0 <= β < 1', 'for all real β', or nothing where there are no parameters; formulas between dollars in LaTeX."""
    if not p.range:
        names = ", ".join(_formula(style.symbol(n), style) for n in s.parameters)
        return f"for all real {names}" if names else ""
    return f"for {_latex_range(p.range, style) if style.name == 'latex' else greek_range(p.range, style)}"


def greek_range(text: str, style: Notation) -> str:
    """A range in a style's letters; comparisons joined by 'and' with commas, where there is no 'or'."""
    text = text if " or " in text else text.replace(" and ", ", ")
    parts = re.split(r"(<=|>=|!=|\band\b|\bor\b)", text)
    return "".join(w if k % 2 else greek(w, style) for k, w in enumerate(parts))


def _latex_range(text: str, style: Notation) -> str:
    """Comparisons between dollars, and the words that join them."""
    parts = re.split(r"(\band\b|\bor\b)", text)
    return " ".join(w if k % 2 else f"${_comparison(w, style)}$" for k, w in enumerate(parts))


def _comparison(text: str, style: Notation) -> str:
    parts = re.split(r"(<=|>=|!=|<|>|=)", text)
    return " ".join(_SIGNS.get(w, w) if k % 2 else typed(w.strip(), style) for k, w in enumerate(parts))


def ends_text(s: Stability, ends: tuple[str, str], style: Notation) -> str:
    write = typed if style.name == "latex" else greek
    low, high = (write(closed_or_decimal(e), style) for e in ends)
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
    where_ = "quadratics" if s.game is None else f"the {s.game.kind} game {_formula(_loss(s, style), style)}"
    if s.never and not s.weak_pieces:
        of = "unstable on every quadratic" if s.game is None else f"unstable on {where_}"
        return [_sentence(f"stability: {of}, for every step", style)]
    lines = []
    for p in found:
        where = _spaced(for_range(s, p, style))
        what = f"stability on {where_}{kind}: "
        if not p.proved:
            lines.append(_sentence(f"{what}no interval proved{where}", style))
        elif p.interval is None:
            lines.append(_sentence(f"{what}none{where}", style))
        else:
            lines.append(_sentence(what + _formula(ends_text(s, p.interval, style), style) + where, style))
    return lines
