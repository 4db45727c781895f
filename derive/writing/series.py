"""Series of combinations as text and LaTeX, for all readings."""

from __future__ import annotations

import re
from dataclasses import replace

from derive.result import Blocks, Equation
from derive.writing.formulas import series_rows
from derive.writing.latex import aligned
from derive.writing.notation import ASCII, LATEX, UNICODE, Notation
from derive.writing.standing import takes_sizes

_INFINITY = {"unicode": "∞", "ascii": "oo", "latex": r"\infty"}


def notation(output: str, equation: Equation | None = None, velocity: str | None = None) -> Notation:
    """'unicode', 'ascii' or 'latex', with theta' for the symbol `velocity` and r', r'' for time functions."""
    style = {"unicode": UNICODE, "ascii": ASCII, "latex": LATEX}[output]
    dot = {"unicode": "θ'", "ascii": "theta'", "latex": r"\dot{\theta}"}[output]
    letter = style.letter
    style = replace(style, letter=lambda name: dot if name == velocity else letter(name))
    return style if equation is None else for_equation(style, equation)


def for_equation(style: Notation, equation: Equation) -> Notation:
    """The notation for a scheme: its time functions, and double bars of norms where single ones are componentwise."""
    style = style.knowing(equation.configuration.functions, equation.scheme.unknowns)
    return style.telling_norms() if takes_sizes(equation.scheme) else style


def series_lines(left: str, sums: Blocks, style: Notation) -> list[str]:
    """'left = row', then one aligned row a term; rows of an align* environment for LaTeX."""
    first, *rest = series_rows(sums, style, settle=False)
    if style.name == "latex":
        return aligned(f"{left} ={{}}&", [first, *rest])
    return [f"{left} = {first}", *(" " * (len(left) + 1) + row for row in rest)]


def one_line(sums: Blocks, style: Notation) -> str:
    """The series in one line."""
    return " ".join(series_rows(sums, style, settle=False))


def greek(text: str, style: Notation) -> str:
    """An expression as text with Greek letters, oo as infinity, and no signs of multiplication."""
    words = re.sub(r"[A-Za-z_]\w*", lambda m: style.symbol(m.group()) if m.group() != "oo" else _INFINITY[style.name], text)
    return words.replace("**", "^").replace("*", " ")
