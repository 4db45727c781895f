"""Series of term sums as text, LaTeX and JSON, for all readings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from derive.algebra.coefficients import Ratio
from derive.result import VELOCITY, Blocks, Equation
from derive.writing.latex import gamma_power
from derive.writing.notation import ASCII, LATEX, UNICODE, Notation, write_coefficient, write_term

_INFINITY = {"unicode": "∞", "ascii": "oo", "latex": r"\infty"}


def notation(output: str, equation: Equation | None = None) -> Notation:
    """'unicode', 'ascii' or 'latex', with theta' for the velocity p and r', r'' for time functions."""
    style = {"unicode": UNICODE, "ascii": ASCII, "latex": LATEX}[output]
    dot = {"unicode": "θ'", "ascii": "theta'", "latex": r"\dot{\theta}"}[output]
    letter = style.letter
    style = replace(style, letter=lambda name: dot if name == VELOCITY else letter(name))
    return style.knowing(equation.configuration.functions) if equation is not None else style


def term_rows(sums: Blocks, style: Notation) -> list[str]:
    """One signed row a term, with its power of gamma: '+ γ/4 |∇L|^2'."""
    items = sums.items() if isinstance(sums, Mapping) else enumerate(sums)
    rows = []
    for k, total in items:
        power = _power(k, style)
        for coefficient, term in total:
            negative, text = write_coefficient(coefficient, style, power)
            gap = r"\, " if style.name == "latex" else " "
            body = gap.join(x for x in (text, write_term(term, style) if term.factors else "") if x) or "1"
            rows.append(f"{'-' if negative else '+'} {body}")
    return rows


def _power(k: int, style: Notation) -> str:
    if style.name == "latex":
        return gamma_power(k)
    gamma = style.symbol("gamma")
    return "" if k == 0 else gamma if k == 1 else f"{gamma}^{k}"


def series_lines(left: str, sums: Blocks, style: Notation) -> list[str]:
    """'left = row', then one aligned row a term; rows of an align* environment for LaTeX."""
    rows = term_rows(sums, style) or ["0"]
    first = rows[0].removeprefix("+ ")
    if style.name == "latex":
        return [f"{left} ={{}}& {first}", *(f"&{{}}{row}" for row in rows[1:])]
    return [f"{left} = {first}", *(" " * (len(left) + 1) + row for row in rows[1:])]


def one_line(sums: Blocks, style: Notation) -> str:
    """The series in one line."""
    return " ".join(term_rows(sums, style) or ["0"]).removeprefix("+ ")


def align(rows: Sequence[str]) -> str:
    """An align* environment."""
    return "\\begin{align*}\n" + "\\\\\n".join(rows) + "\n\\end{align*}"


def greek(text: str, style: Notation) -> str:
    """An expression as text with Greek letters, oo as infinity, and no signs of multiplication."""
    words = re.sub(r"[A-Za-z_]\w*", lambda m: style.symbol(m.group()) if m.group() != "oo" else _INFINITY[style.name], text)
    return words.replace("**", "^").replace("*", " ")


def coefficient(value: Ratio, style: Notation) -> str:
    """A coefficient alone."""
    negative, text = write_coefficient(value, style)
    text = text or ("1" if value else "0")
    return f"-{text}" if negative else text
