"""Series of combinations as text and LaTeX, for all readings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from derive.result import Blocks, Equation
from derive.writing.formulas import series_rows
from derive.writing.latex import aligned
from derive.writing.notation import ASCII, LATEX, UNICODE, Notation

STYLES = {"unicode": UNICODE, "ascii": ASCII, "latex": LATEX}
_INFINITY = {"unicode": "∞", "ascii": "oo", "latex": r"\infty"}


def notation(
    output: str, equation: Equation | None = None, velocity: str | None = None, letters: Mapping[str, str] | None = None
) -> Notation:
    """'unicode', 'ascii' or 'latex', with theta' for the symbol `velocity`, r', r'' for time functions, a reader's letters."""
    style = replace(STYLES[output], velocity=velocity or "", letters=dict(letters or {}))
    return style if equation is None else for_equation(style, equation)


def for_equation(style: Notation, equation: Equation) -> Notation:
    """The notation for a scheme, with its time functions, its unknowns and a letter for the dimension."""
    return style.knowing(equation.scheme, equation.configuration.fresh("d"))


def series_lines(left: str, sums: Blocks, style: Notation) -> list[str]:
    """'left = row', then one aligned row a term; rows of an align* environment for LaTeX."""
    first, *rest = series_rows(sums, style)
    if style.name == "latex":
        return aligned(f"{left} ={{}}&", [first, *rest])
    return [f"{left} = {first}", *(" " * (len(left) + 1) + row for row in rest)]


def one_line(sums: Blocks, style: Notation) -> str:
    """The series in one line."""
    return " ".join(series_rows(sums, style))


def greek(text: str, style: Notation) -> str:
    """An expression as text with Greek letters, oo as infinity, and no signs of multiplication."""
    words = re.sub(r"[A-Za-z_]\w*", lambda m: style.symbol(m.group()) if m.group() != "oo" else _INFINITY[style.name], text)
    return re.sub(r"\*(?=[^\W\d]|\()", " ", words.replace("**", "^"))
