"""A modified equation as LaTeX that compiles under amsmath as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from derive.result import Equation
from derive.writing.formulas import rows, series_rows
from derive.writing.notation import LATEX


def equation_latex(equation: Equation, show_memory: bool = False) -> str:
    """An align* environment; one row a term, so that no row outgrows the margin at the orders people print.

    >>> from derive import modified_equation
    >>> print(modified_equation("gd", order=1).latex())
    \\begin{align*}
    \\dot{\\theta} ={}& - \\nabla L\\\\
    &{}- \\frac{\\gamma}{2}\\, \\nabla^{2} L\\left[\\nabla L\\right]
    \\end{align*}
    """
    style = LATEX.knowing(equation.configuration.functions, equation.scheme.unknowns)
    lines: list[str] = []
    for variable, sums in equation.equations.items():
        symbol = style.symbol(variable)
        if equation.form == "flow":
            lines += aligned(rf"\dot{{{symbol}}} ={{}}&", series_rows(sums, style))
        else:
            lines += aligned(rf"{symbol}^{{+}} ={{}}& {symbol}", rows(sums, style, 1))
    if show_memory:
        for variable, sums in equation.memory.items():
            lines += aligned(rf"{style.symbol(variable)} ={{}}&", series_rows(sums, style))
    return align(lines)


def align(lines: Sequence[str]) -> str:
    """An align* environment; groups of lines may stand in one environment."""
    return "\\begin{align*}\n" + "\\\\\n".join(lines) + "\n\\end{align*}"


_SPECIAL = {c: "\\" + c for c in "_&%$#{}"} | {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}


def text_row(text: str, sentence: bool = False) -> str:
    """A row of words in an align* environment, a sentence in lines; what stands between dollars is a formula.

    >>> text_row("at $n^2$: 50% of a_b")
    '&\\\\text{at $n^2$: 50\\\\% of a\\\\_b}'
    """
    parts = text.split("$")
    words = ["".join(_SPECIAL.get(c, c) for c in p) if i % 2 == 0 else f"${p}$" for i, p in enumerate(parts)]
    box = r"\parbox[t]{0.85\linewidth}" if sentence else r"\text"
    return rf"&{box}{{{''.join(words)}}}"


def aligned(left: str, rows: Sequence[str]) -> list[str]:
    """The left side with the first row, and one line for every further row."""
    return [" ".join((left, *rows[:1])), *(f"&{{}}{row}" for row in rows[1:])]
